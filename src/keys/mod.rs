//! Keys for frontends, servers and partners: made, listed, replaced and revoked by administrators.

mod handlers;
mod payload;

pub use payload::{CreatedKey, Key, KeyPage, NewKey, Rotation};

use chrono::TimeDelta;
use ipnet::IpNet;
use sea_orm::{
    ActiveValue::Set, Condition, IntoActiveModel, QueryOrder, QuerySelect, entity::prelude::*,
    sea_query::Expr,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    auth::{Caller, Grants, Scope, key},
    config::is_origin,
    editorial::finder,
    entity::{
        api_key, entry,
        vocabulary::{AuditAction, KeyType, Kind},
    },
    http::{Error, FieldError, Id, Result},
    trail::Event,
};

/// The routes.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(handlers::list_keys, handlers::create_key))
        .routes(routes!(handlers::get_key, handlers::revoke_key))
        .routes(routes!(handlers::rotate_key))
}

/// Makes a key on behalf of `caller`; gives the whole key, which is kept nowhere, and its row.
///
/// # Errors
/// 422 when the scopes or bounds do not fit, or there is no such partner.
pub async fn create(
    app: &App,
    db: &impl ConnectionTrait,
    caller: &Caller,
    new: NewKey,
) -> Result<(String, api_key::Model, Vec<Event>)> {
    let mut errors = check_scopes(&new, caller.grants);
    errors.extend(check_bounds(&new));
    let partner_id = match new.partner.as_deref() {
        None => None,
        Some(name) => {
            let found = find_partner(db, caller, name).await?;
            if found.is_none() {
                errors.push(FieldError::at("/partner", "unknown_reference", "there is no such partner"));
            }
            found
        }
    };
    if !errors.is_empty() {
        return Err(Error::Invalid(errors));
    }
    let now = app.clock.now();
    let scopes = if new.r#type == KeyType::Publishable { vec![Scope::ContentRead] } else { new.scopes };
    let list = |items: Vec<String>| {
        let items = (!items.is_empty()).then(|| serde_json::to_value(items));
        items.transpose().map_err(Error::internal)
    };
    let row = api_key::Model {
        id: app.clock.secret_id(),
        prefix: String::new(),
        r#type: new.r#type,
        name: new.name,
        hash: String::new(),
        last_four: String::new(),
        scopes: serde_json::to_value(scopes).map_err(Error::internal)?,
        partner_id,
        created_by: caller.id(),
        created_at: now,
        expires_at: now + TimeDelta::days(new.expires_in_days),
        revoked_at: None,
        last_used_at: None,
        origins: list(new.origins)?,
        networks: list(new.networks)?,
        successor_id: None,
    };
    let (secret, row) = insert(app, db, row).await?;
    let events = vec![caller.did(AuditAction::KeyCreated).on("key", row.id)];
    Ok((secret, row, events))
}

/// Stores `row` with a new secret.
async fn insert(
    app: &App,
    db: &impl ConnectionTrait,
    row: api_key::Model,
) -> Result<(String, api_key::Model)> {
    let secret = key::generate(row.r#type)?;
    let prefix = key::prefix(&secret).ok_or_else(|| Error::internal("a key without a prefix"))?.to_owned();
    let last_four = secret.get(secret.len() - 4..).unwrap_or_default().to_owned();
    let row = api_key::Model { prefix, last_four, hash: app.secrets.api_key_hash(&secret), ..row };
    let row = row.into_active_model().reset_all().insert(db).await?;
    Ok((secret, row))
}

/// Replaces `old` by a new key that may do the same; `old` stays good for `overlap_days`.
///
/// # Errors
/// 409 when `old` is revoked, expired or replaced already.
pub async fn rotate(
    app: &App,
    db: &impl ConnectionTrait,
    caller: &Caller,
    old: api_key::Model,
    overlap_days: i64,
) -> Result<(String, api_key::Model, Vec<Event>)> {
    let now = app.clock.now();
    if old.revoked_at.is_some() || old.expires_at <= now || old.successor_id.is_some() {
        return Err(Error::conflict("the key is revoked, expired or replaced already; make a new one"));
    }
    let row = api_key::Model {
        id: app.clock.secret_id(),
        created_by: caller.id(),
        created_at: now,
        expires_at: now + (old.expires_at - old.created_at),
        last_used_at: None,
        ..old.clone()
    };
    let (secret, row) = insert(app, db, row).await?;
    let ends = old.expires_at.min(now + TimeDelta::days(overlap_days));
    let id = old.id;
    let mut old = old.into_active_model();
    old.successor_id = Set(Some(row.id));
    old.expires_at = Set(ends);
    if overlap_days == 0 {
        old.revoked_at = Set(Some(now));
    }
    old.update(db).await?;
    let events = vec![
        caller.did(AuditAction::KeyRotated).on("key", id),
        caller.did(AuditAction::KeyCreated).on("key", row.id).because("rotation"),
    ];
    Ok((secret, row, events))
}

/// Revokes the keys that match `which`; says which there were.
///
/// # Errors
/// When the database fails.
pub async fn revoke(
    app: &App,
    db: &impl ConnectionTrait,
    caller: &Caller,
    which: impl sea_orm::sea_query::IntoCondition,
) -> Result<Vec<Event>> {
    let good = api_key::Entity::find().filter(api_key::Column::RevokedAt.is_null()).filter(which);
    let rows = good.lock_exclusive().all(db).await?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    api_key::Entity::update_many()
        .col_expr(api_key::Column::RevokedAt, Expr::value(app.clock.now()))
        .filter(api_key::Column::Id.is_in(ids.iter().copied()))
        .exec(db)
        .await?;
    Ok(ids.into_iter().map(|id| caller.did(AuditAction::KeyRevoked).on("key", id)).collect())
}

/// Up to `limit` keys, the newest first.
///
/// # Errors
/// When the database fails.
pub async fn page(
    db: &impl ConnectionTrait,
    after: Option<(DateTimeUtc, Uuid)>,
    limit: u64,
) -> Result<Vec<api_key::Model>> {
    use api_key::Column::{CreatedAt, Id};
    let mut select = api_key::Entity::find().order_by_desc(CreatedAt).order_by_desc(Id).limit(limit);
    if let Some((at, id)) = after {
        let tie = Condition::all().add(CreatedAt.eq(at)).add(Id.lt(id));
        select = select.filter(Condition::any().add(CreatedAt.lt(at)).add(tie));
    }
    Ok(select.all(db).await?)
}

/// Origins are for publishable keys, networks for secret ones.
fn check_bounds(new: &NewKey) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut refuse = |pointer: String, code: &str, detail: &str| {
        errors.push(FieldError::at(pointer, code, detail));
    };
    if new.r#type == KeyType::Secret && !new.origins.is_empty() {
        refuse("/origins".to_owned(), "contradiction", "a secret key does not belong into a browser");
    }
    if new.r#type == KeyType::Publishable && !new.networks.is_empty() {
        refuse("/networks".to_owned(), "contradiction", "a publishable key is for everybody's browser");
    }
    for (index, origin) in new.origins.iter().enumerate() {
        if !is_origin(origin) {
            let detail = "must be a web origin such as https://www.sogep.example, without a path";
            refuse(format!("/origins/{index}"), "format", detail);
        }
    }
    for (index, network) in new.networks.iter().enumerate() {
        let is_mapped = |net: &IpNet| matches!(net, IpNet::V6(net) if net.addr().to_ipv4_mapped().is_some());
        if network.parse::<IpNet>().as_ref().map_or(true, is_mapped) {
            refuse(format!("/networks/{index}"), "format", "must be a network such as 192.0.2.0/24");
        }
    }
    errors
}

fn check_scopes(new: &NewKey, limit: Grants) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut refuse = |code: &str, detail: &str| errors.push(FieldError::at("/scopes", code, detail));
    match new.r#type {
        KeyType::Publishable if !new.scopes.is_empty() => {
            refuse("contradiction", "a publishable key reads what is public, and takes no scopes");
        }
        KeyType::Secret if new.scopes.is_empty() => {
            refuse("required", "a secret key needs at least one scope");
        }
        _ => {}
    }
    if new.partner.is_some() && new.scopes.contains(&Scope::ContentPublish) {
        refuse("contradiction", "a partner's key cannot publish: what partners send is looked at first");
    }
    let granted = Grants::of_scopes(&new.scopes, limit);
    if new.scopes.contains(&Scope::ContentPublish) && !granted.edits {
        refuse("not_in_list", "you may not publish yourself");
    }
    errors
}

async fn find_partner(db: &impl ConnectionTrait, caller: &Caller, name: &str) -> Result<Option<Uuid>> {
    let select = finder::of_kind(caller, Kind::Partner);
    let select = match Id::parse(name) {
        Some(Id::Uuid(id)) => select.filter(entry::Column::Id.eq(id)),
        Some(Id::Slug(slug)) => select.filter(entry::Column::Slug.eq(slug)),
        None => return Ok(None),
    };
    Ok(select.one(db).await?.map(|entry| entry.id))
}
