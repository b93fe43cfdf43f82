//! Keys for frontends, servers and partners: made, listed and revoked by administrators.

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ActiveValue::Set, Condition, QueryOrder, QuerySelect, entity::prelude::*, sea_query::Expr};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    auth::{Administrator, Caller, Grants, Scope, key},
    editorial::finder,
    entity::{
        api_key, entry,
        vocabulary::{KeyType, Kind},
    },
    http::{
        Body, Error, FieldError, Id, Json, Query, Result,
        cursor::Position,
        query::{NoParameters, Parameters, Values},
    },
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

/// Where a page ends.
#[derive(Debug, Serialize, ToSchema)]
pub struct PageInfo {
    /// How many entries a page has.
    #[schema(minimum = 1, maximum = 100, example = 20)]
    pub limit: u64,
    /// Send it as `cursor` for the next page; null on the last.
    #[schema(required)]
    pub next_cursor: Option<String>,
}

impl TryFrom<api_key::Model> for Key {
    type Error = Error;

    fn try_from(row: api_key::Model) -> Result<Self> {
        Ok(Self {
            id: row.id,
            r#type: row.r#type,
            name: row.name,
            prefix: row.prefix,
            last_four: row.last_four,
            scopes: serde_json::from_value(row.scopes).map_err(Error::internal)?,
            partner_id: row.partner_id,
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
    OpenApiRouter::new().routes(routes!(list_keys, create_key)).routes(routes!(get_key, revoke_key))
}

/// The parameters of the list.
#[derive(Debug)]
pub struct KeyListParameters {
    limit: u64,
    cursor: Option<String>,
}

impl Parameters for KeyListParameters {
    const NAMES: &'static [&'static str] = &["limit", "cursor"];

    fn read(values: &mut Values<'_>) -> Self {
        Self { limit: values.number("limit", 1, 100, 20), cursor: values.get("cursor").map(str::to_owned) }
    }
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
    Query(parameters): Query<KeyListParameters>,
) -> Result<Json<KeyPage>> {
    let after = parameters.cursor.map(|cursor| {
        Position::open(&cursor, app.secrets.cursor_key(), "keys")
            .and_then(|position| Some((position.sort_key.parse::<DateTimeUtc>().ok()?, position.id)))
            .ok_or_else(|| {
                let detail = "this is not a cursor of this list; begin again without one";
                Error::Parameters(vec![FieldError::parameter("cursor", "format", detail)])
            })
    });
    let mut rows = page(app.db.reader(), after.transpose()?, parameters.limit + 1).await?;
    let limit = usize::try_from(parameters.limit).map_err(Error::internal)?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next_cursor = rows.last().filter(|_| more).map(|last| {
        let position = Position { sort_key: last.created_at.to_rfc3339(), id: last.id };
        position.seal(app.secrets.cursor_key(), "keys")
    });
    let data: Result<Vec<Key>> = rows.into_iter().map(Key::try_from).collect();
    Ok(Json(KeyPage { data: data?, page: PageInfo { limit: parameters.limit, next_cursor } }))
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
    extensions(("x-permission" = json!("administer"))),
)]
async fn create_key(
    State(app): State<App>,
    Administrator(caller): Administrator,
    Query(NoParameters): Query<NoParameters>,
    Body(new): Body<NewKey>,
) -> Result<Response> {
    let tx = app.db.begin().await?;
    let (secret, row) = create(&app, &tx, &caller, new).await?;
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
    Administrator(_): Administrator,
    id: Id,
    Query(NoParameters): Query<NoParameters>,
) -> Result<StatusCode> {
    let Id::Uuid(id) = id else { return Err(Error::NotFound) };
    let tx = app.db.begin().await?;
    if api_key::Entity::find_by_id(id).one(&tx).await?.is_none() {
        return Err(Error::NotFound);
    }
    revoke(&app, &tx, api_key::Column::Id.eq(id)).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes a key on behalf of `caller`; gives the whole key, which is kept nowhere, and its row.
///
/// # Errors
/// 422 when the scopes do not fit, or there is no such partner.
pub async fn create(
    app: &App,
    db: &impl ConnectionTrait,
    caller: &Caller,
    new: NewKey,
) -> Result<(String, api_key::Model)> {
    let mut errors = check_scopes(&new, caller.grants);
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
    let secret = key::generate(new.r#type).map_err(|_unspecified| Error::internal("no randomness"))?;
    let prefix = key::prefix(&secret).ok_or_else(|| Error::internal("a key without a prefix"))?.to_owned();
    let now = app.clock.now();
    let scopes = if new.r#type == KeyType::Publishable { vec![Scope::ContentRead] } else { new.scopes };
    let row = api_key::ActiveModel {
        id: Set(app.clock.secret_id()),
        prefix: Set(prefix),
        r#type: Set(new.r#type),
        name: Set(new.name),
        hash: Set(app.secrets.api_key_hash(&secret)),
        last_four: Set(secret.get(secret.len() - 4..).unwrap_or_default().to_owned()),
        scopes: Set(serde_json::to_value(scopes).map_err(Error::internal)?),
        partner_id: Set(partner_id),
        created_by: Set(caller.id()),
        created_at: Set(now),
        expires_at: Set(now + TimeDelta::days(new.expires_in_days)),
        revoked_at: Set(None),
        last_used_at: Set(None),
        origins: Set(None),
        networks: Set(None),
        successor_id: Set(None),
    };
    let row = row.insert(db).await?;
    Ok((secret, row))
}

/// Revokes the keys that match `which`; says how many there were.
///
/// # Errors
/// When the database fails.
pub async fn revoke(
    app: &App,
    db: &impl ConnectionTrait,
    which: impl sea_orm::sea_query::IntoCondition,
) -> Result<u64> {
    let revoked = api_key::Entity::update_many()
        .col_expr(api_key::Column::RevokedAt, Expr::value(app.clock.now()))
        .filter(api_key::Column::RevokedAt.is_null())
        .filter(which)
        .exec(db)
        .await?;
    Ok(revoked.rows_affected)
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
