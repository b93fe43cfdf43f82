//! Keys for frontends, servers and partners: made, listed and revoked by administrators.

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, TimeDelta, Utc};
use ipnet::IpNet;
use sea_orm::{
    ActiveValue::Set, Condition, IntoActiveModel, QueryOrder, QuerySelect, entity::prelude::*,
    sea_query::Expr,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    auth::{Administrator, Caller, Fresh, Grants, Scope, key},
    config::is_origin,
    editorial::finder,
    entity::{
        api_key, entry,
        vocabulary::{AuditAction, KeyType, Kind},
    },
    http::{
        Body, Error, FieldError, Id, Json, Query, Result,
        cursor::Position,
        page::{PageInfo, PageParameters},
        query::NoParameters,
    },
    trail::{self, Event},
};

/// How long a key is good when nothing is said, in days.
const DEFAULT_DAYS: i64 = 90;

/// A key to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewKey {
    /// What it is for.
    pub r#type: KeyType,
    /// What it is called.
    #[schema(pattern = r"^\S([^\r\n\t]*\S)?$", max_length = 200, example = "Ana sayfa")]
    pub name: String,
    /// What a secret key may do; a publishable key reads what is public, and takes none.
    #[serde(default)]
    #[schema(max_items = 10, example = json!([]))]
    pub scopes: Vec<Scope>,
    /// The partner it is made for, by id or slug.
    #[serde(default)]
    #[schema(max_length = 96)]
    pub partner: Option<String>,
    /// For how many days it is good.
    #[serde(default = "default_days")]
    #[schema(minimum = 1, maximum = 366, default = 90)]
    pub expires_in_days: i64,
    /// The web origins whose pages may use a publishable key; none: those that the service allows to
    /// any key.
    #[serde(default)]
    #[schema(max_items = 20, example = json!(["https://www.sogep.example"]))]
    pub origins: Vec<String>,
    /// The networks (CIDR) that a secret key may be used from; none: any.
    #[serde(default)]
    #[schema(max_items = 20, example = json!([]))]
    pub networks: Vec<String>,
}

fn default_days() -> i64 {
    DEFAULT_DAYS
}

/// A key, without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct Key {
    /// Its id.
    pub id: Uuid,
    /// What it is for.
    pub r#type: KeyType,
    /// What it is called.
    #[schema(example = "Ana sayfa")]
    pub name: String,
    /// The part of it that is no secret.
    #[schema(example = "sogep_pk_4fTq0aZ81LmC")]
    pub prefix: String,
    /// Its last four characters.
    #[schema(example = "x7Qd")]
    pub last_four: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// The partner it is made for.
    #[schema(required)]
    pub partner_id: Option<Uuid>,
    /// The web origins whose pages may use it.
    #[schema(example = json!(["https://www.sogep.example"]))]
    pub origins: Vec<String>,
    /// The networks (CIDR) it may be used from.
    pub networks: Vec<String>,
    /// The account that made it; null when it was made on the command line.
    #[schema(required)]
    pub created_by: Option<Uuid>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Until when it is good.
    pub expires_at: DateTime<Utc>,
    /// When it was revoked.
    #[schema(required)]
    pub revoked_at: Option<DateTime<Utc>>,
    /// When it was last used, to the minute.
    #[schema(required)]
    pub last_used_at: Option<DateTime<Utc>>,
    /// The key that takes its place.
    #[schema(required)]
    pub successor_id: Option<Uuid>,
}

/// How a key is to be replaced.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rotation {
    /// For how many days the old key stays good beside the new one; 0: it ends at once.
    #[serde(default = "default_overlap")]
    #[schema(minimum = 0, maximum = 7, default = 1)]
    pub overlap_days: i64,
}

fn default_overlap() -> i64 {
    1
}

/// A key that has just been made, with its secret: it is shown this once.
#[derive(Debug, Serialize, ToSchema)]
pub struct CreatedKey {
    /// The whole key. Keep it: it cannot be shown again.
    #[schema(example = "sogep_pk_4fTq0aZ81LmC_…")]
    pub secret: String,
    /// The key.
    pub key: Key,
}

/// A page of keys.
#[derive(Debug, Serialize, ToSchema)]
pub struct KeyPage {
    /// The keys.
    pub data: Vec<Key>,
    /// Where the page ends.
    pub page: PageInfo,
}

impl TryFrom<api_key::Model> for Key {
    type Error = Error;

    fn try_from(row: api_key::Model) -> Result<Self> {
        let list = |stored: Option<serde_json::Value>| {
            stored.map_or_else(|| Ok(Vec::new()), serde_json::from_value).map_err(Error::internal)
        };
        Ok(Self {
            id: row.id,
            r#type: row.r#type,
            name: row.name,
            prefix: row.prefix,
            last_four: row.last_four,
            scopes: serde_json::from_value(row.scopes).map_err(Error::internal)?,
            partner_id: row.partner_id,
            origins: list(row.origins)?,
            networks: list(row.networks)?,
            successor_id: row.successor_id,
            created_by: row.created_by,
            created_at: row.created_at,
            expires_at: row.expires_at,
            revoked_at: row.revoked_at,
            last_used_at: row.last_used_at,
        })
    }
}

/// The routes.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_keys, create_key))
        .routes(routes!(get_key, revoke_key))
        .routes(routes!(rotate_key))
}

/// List keys
///
/// All keys, the newest first, without their secrets.
#[utoipa::path(
    get,
    path = "/v1/keys",
    tag = "keys",
    params(
        ("limit" = Option<u64>, Query, description = "How many keys a page has.", minimum = 1, maximum = 100),
        ("cursor" = Option<String>, Query, description = "Where to go on: `page.next_cursor` of the page before."),
    ),
    responses((status = 200, description = "A page", body = KeyPage)),
    extensions(("x-permission" = json!("administer"))),
)]
async fn list_keys(
    State(app): State<App>,
    Administrator(_): Administrator,
    Query(parameters): Query<PageParameters>,
) -> Result<Json<KeyPage>> {
    let after = parameters.after(app.secrets.cursor_key(), "keys")?;
    let after = after.and_then(|after| Some((after.sort_key.parse().ok()?, after.id)));
    let mut rows = page(app.db.reader(), after, parameters.wanted()).await?;
    let position = |last: &api_key::Model| Position { sort_key: last.created_at.to_rfc3339(), id: last.id };
    let page = parameters.cut(&mut rows, position, app.secrets.cursor_key(), "keys");
    let data: Result<Vec<Key>> = rows.into_iter().map(Key::try_from).collect();
    Ok(Json(KeyPage { data: data?, page }))
}

/// Create a key
///
/// The answer shows the secret this once. A key never may do more than the account that made it.
#[utoipa::path(
    post,
    path = "/v1/keys",
    tag = "keys",
    request_body = NewKey,
    responses((status = 201, description = "The new key", body = CreatedKey,
        headers(("Location" = String, description = "The key's address.")))),
    extensions(("x-permission" = json!("administer")), ("x-reauthentication" = json!(true))),
)]
async fn create_key(
    State(app): State<App>,
    Fresh(Administrator(caller)): Fresh<Administrator>,
    Query(NoParameters): Query<NoParameters>,
    Body(new): Body<NewKey>,
) -> Result<Response> {
    let tx = app.db.begin().await?;
    let (secret, row, events) = create(&app, &tx, &caller, new).await?;
    trail::record(&tx, app.clock.now(), events).await?;
    tx.commit().await?;
    let location = [(header::LOCATION, format!("/v1/keys/{}", row.id))];
    Ok((StatusCode::CREATED, location, Json(CreatedKey { secret, key: row.try_into()? })).into_response())
}

/// Read a key
///
/// One key, without its secret.
#[utoipa::path(
    get,
    path = "/v1/keys/{id}",
    tag = "keys",
    params(("id" = Uuid, Path, description = "The key's id.")),
    responses((status = 200, description = "The key", body = Key)),
    extensions(("x-permission" = json!("administer"))),
)]
async fn get_key(
    State(app): State<App>,
    Administrator(_): Administrator,
    id: Id,
    Query(NoParameters): Query<NoParameters>,
) -> Result<Json<Key>> {
    let Id::Uuid(id) = id else { return Err(Error::NotFound) };
    let row = api_key::Entity::find_by_id(id).one(app.db.reader()).await?;
    Ok(Json(row.ok_or(Error::NotFound)?.try_into()?))
}

/// Revoke a key
///
/// From now on it is refused everywhere. It stays in the list.
#[utoipa::path(
    delete,
    path = "/v1/keys/{id}",
    tag = "keys",
    params(("id" = Uuid, Path, description = "The key's id.")),
    responses((status = 204, description = "Revoked")),
    extensions(("x-permission" = json!("administer"))),
)]
async fn revoke_key(
    State(app): State<App>,
    Administrator(caller): Administrator,
    id: Id,
    Query(NoParameters): Query<NoParameters>,
) -> Result<StatusCode> {
    let Id::Uuid(id) = id else { return Err(Error::NotFound) };
    let tx = app.db.begin().await?;
    if api_key::Entity::find_by_id(id).one(&tx).await?.is_none() {
        return Err(Error::NotFound);
    }
    let events = revoke(&app, &tx, &caller, api_key::Column::Id.eq(id)).await?;
    trail::record(&tx, app.clock.now(), events).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Replace a key
///
/// Makes a new one with the same name, scopes and bounds, and shows its secret this once. The old one
/// stays good for the overlap, or ends at once.
#[utoipa::path(
    post,
    path = "/v1/keys/{id}/rotation",
    tag = "keys",
    params(("id" = Uuid, Path, description = "The key's id.")),
    request_body = Rotation,
    responses((status = 201, description = "The new key", body = CreatedKey,
        headers(("Location" = String, description = "The new key's address.")))),
    extensions(("x-permission" = json!("administer")), ("x-reauthentication" = json!(true))),
)]
async fn rotate_key(
    State(app): State<App>,
    Fresh(Administrator(caller)): Fresh<Administrator>,
    id: Id,
    Query(NoParameters): Query<NoParameters>,
    Body(Rotation { overlap_days }): Body<Rotation>,
) -> Result<Response> {
    let Id::Uuid(id) = id else { return Err(Error::NotFound) };
    let tx = app.db.begin().await?;
    let old = api_key::Entity::find_by_id(id).lock_exclusive().one(&tx).await?.ok_or(Error::NotFound)?;
    let (secret, row, events) = rotate(&app, &tx, &caller, old, overlap_days).await?;
    trail::record(&tx, app.clock.now(), events).await?;
    tx.commit().await?;
    let location = [(header::LOCATION, format!("/v1/keys/{}", row.id))];
    Ok((StatusCode::CREATED, location, Json(CreatedKey { secret, key: row.try_into()? })).into_response())
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
        if network.parse::<IpNet>().is_err() {
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
