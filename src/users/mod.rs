//! Accounts: invited, changed, disabled and deleted by administrators.
//!
//! An administrator never sets or sees a password: whoever is invited chooses it with the link of a
//! message. Administrators look after accounts up to `editor`; owners after all.

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use sea_orm::{ActiveValue::Set, IntoActiveModel, QueryOrder, QuerySelect, entity::prelude::*};
use serde_json::Value;
use utoipa_axum::{router::OpenApiRouter, routes};

mod payload;

pub use payload::{Name, NewUser, User, UserPage, UserPatch, UserStatus, canonical_email};

use crate::{
    app::App,
    auth::{Administrator, Caller, Fresh, one_time, session},
    entity::{
        api_key, known_device, one_time_token, recovery_code, session as session_table, user,
        vocabulary::{AccountRole, AuditAction, OneTimePurpose},
    },
    http::{
        Body, Error, FieldError, Id, Json, MergePatch, Query, Result, conditional, cursor::Position,
        page::PageParameters, query::NoParameters,
    },
    mail::texts,
    trail::{self, Event},
};

/// The routes.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_users, create_user))
        .routes(routes!(get_user, update_user, delete_user))
        .routes(routes!(invite_user))
        .routes(routes!(end_user_sessions))
}

/// List accounts
///
/// All accounts, by e-mail address.
#[utoipa::path(
    get, path = "/v1/users", tag = "users",
    params(
        ("limit" = Option<u64>, Query, description = "How many accounts a page has.", minimum = 1, maximum = 100),
        ("cursor" = Option<String>, Query, description = "Where to go on: `page.next_cursor` of the page before."),
    ),
    responses((status = 200, description = "A page", body = UserPage)),
    extensions(("x-permission" = json!("administer"))),
)]
async fn list_users(
    State(app): State<App>,
    Administrator(_): Administrator,
    Query(parameters): Query<PageParameters>,
) -> Result<Json<UserPage>> {
    let after = parameters.after(app.secrets.cursor_key(), "users")?;
    let mut rows = page(app.db.reader(), after.map(|after| after.sort_key), parameters.wanted()).await?;
    let position = |last: &user::Model| Position { sort_key: last.email.clone(), id: last.id };
    let page = parameters.cut(&mut rows, position, app.secrets.cursor_key(), "users");
    Ok(Json(UserPage { data: rows.into_iter().map(User::from).collect(), page }))
}

/// Invite somebody
///
/// Makes an account and sends its address a link to choose a password, good for 72 hours.
#[utoipa::path(
    post, path = "/v1/users", tag = "users",
    request_body = NewUser,
    responses((status = 201, description = "The new account", body = User, headers(
        ("Location" = String, description = "The account's address."),
        ("ETag" = String, description = "The tag of this representation; send it back as `If-Match`."),
    ))),
    extensions(("x-permission" = json!("administer")), ("x-reauthentication" = json!(true))),
)]
async fn create_user(
    State(app): State<App>,
    Fresh(Administrator(caller)): Fresh<Administrator>,
    Query(NoParameters): Query<NoParameters>,
    Body(new): Body<NewUser>,
) -> Result<Response> {
    let tx = app.db.begin().await?;
    let (row, mut events) = create(&app, &tx, &caller, new, String::new()).await?;
    let token = invite(&app, &tx, &caller, &row, &mut events).await?;
    trail::record(&tx, app.clock.now(), events).await?;
    tx.commit().await?;
    app.outbox.post(texts::invitation(&row.email, &one_time::link(&app, &token)));
    let location = format!("/v1/users/{}", row.id);
    let mut response = shown(&HeaderMap::new(), row)?;
    *response.status_mut() = StatusCode::CREATED;
    response
        .headers_mut()
        .extend(HeaderValue::from_str(&location).ok().map(|value| (header::LOCATION, value)));
    Ok(response)
}

/// Read an account
///
/// One account, without anything that opens it.
#[utoipa::path(
    get, path = "/v1/users/{id}", tag = "users",
    params(
        ("id" = Uuid, Path, description = "The account's id."),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of what you have; 304 when it is still so."),
    ),
    responses(
        (status = 200, description = "The account", body = User, headers(
            ("ETag" = String, description = "The tag of this representation; send it back as `If-Match`."))),
        (status = 304, description = "Still as you have it"),
    ),
    extensions(("x-permission" = json!("administer"))),
)]
async fn get_user(
    State(app): State<App>,
    Administrator(_): Administrator,
    id: Id,
    Query(NoParameters): Query<NoParameters>,
    headers: HeaderMap,
) -> Result<Response> {
    shown(&headers, find(app.db.reader(), &id, false).await?)
}

/// Change an account
///
/// Name, e-mail address and role; `disabled` closes it and ends its sessions and the use of its keys at
/// once. Nobody raises their own role, and the last owner stays one: 409.
#[utoipa::path(
    patch, path = "/v1/users/{id}", tag = "users",
    params(
        ("id" = Uuid, Path, description = "The account's id."),
        ("If-Match" = Option<String>, Header, description = "The `ETag` you read. Without it 428; when the account has changed since, 412."),
    ),
    request_body(content((UserPatch = "application/merge-patch+json"), (UserPatch = "application/json"))),
    responses((status = 200, description = "The changed account", body = User, headers(
        ("ETag" = String, description = "The tag of this representation; send it back as `If-Match`.")))),
    extensions(("x-permission" = json!("administer")), ("x-reauthentication" = json!(true))),
)]
async fn update_user(
    State(app): State<App>,
    Fresh(Administrator(caller)): Fresh<Administrator>,
    id: Id,
    Query(NoParameters): Query<NoParameters>,
    headers: HeaderMap,
    MergePatch(patch): MergePatch,
) -> Result<Response> {
    let tx = app.db.begin().await?;
    let row = find(&tx, &id, true).await?;
    refuse_stale(&headers, &row)?;
    let patch = read_patch(&app, patch)?;
    let (row, events) = change(&app, &tx, &caller, row, patch).await?;
    trail::record(&tx, app.clock.now(), events).await?;
    tx.commit().await?;
    shown(&HeaderMap::new(), row)
}

/// Delete an account
///
/// Erases its address, name, password and second factor, ends its sessions and revokes its keys. Only
/// its id is left, for what refers to it. The last owner stays: 409.
#[utoipa::path(
    delete, path = "/v1/users/{id}", tag = "users",
    params(
        ("id" = Uuid, Path, description = "The account's id."),
        ("If-Match" = Option<String>, Header, description = "The `ETag` you read. Without it 428; when the account has changed since, 412."),
    ),
    responses((status = 204, description = "Deleted")),
    extensions(("x-permission" = json!("administer")), ("x-reauthentication" = json!(true))),
)]
async fn delete_user(
    State(app): State<App>,
    Fresh(Administrator(caller)): Fresh<Administrator>,
    id: Id,
    Query(NoParameters): Query<NoParameters>,
    headers: HeaderMap,
) -> Result<StatusCode> {
    let tx = app.db.begin().await?;
    let row = find(&tx, &id, true).await?;
    refuse_stale(&headers, &row)?;
    let events = delete(&app, &tx, &caller, row).await?;
    trail::record(&tx, app.clock.now(), events).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Send an invitation again
///
/// To an account whose password was never chosen. The link before it is good no more.
#[utoipa::path(
    post, path = "/v1/users/{id}/invitation", tag = "users",
    params(("id" = Uuid, Path, description = "The account's id.")),
    responses((status = 202, description = "The message is on its way")),
    extensions(("x-permission" = json!("administer"))),
)]
async fn invite_user(
    State(app): State<App>,
    Administrator(caller): Administrator,
    id: Id,
    Query(NoParameters): Query<NoParameters>,
) -> Result<StatusCode> {
    let tx = app.db.begin().await?;
    let row = find(&tx, &id, true).await?;
    let mut events = Vec::new();
    let token = invite(&app, &tx, &caller, &row, &mut events).await?;
    trail::record(&tx, app.clock.now(), events).await?;
    tx.commit().await?;
    app.outbox.post(texts::invitation(&row.email, &one_time::link(&app, &token)));
    Ok(StatusCode::ACCEPTED)
}

/// End all sessions of an account
///
/// At once, everywhere.
#[utoipa::path(
    delete, path = "/v1/users/{id}/sessions", tag = "users",
    params(("id" = Uuid, Path, description = "The account's id.")),
    responses((status = 204, description = "Ended")),
    extensions(("x-permission" = json!("administer"))),
)]
async fn end_user_sessions(
    State(app): State<App>,
    Administrator(caller): Administrator,
    id: Id,
    Query(NoParameters): Query<NoParameters>,
) -> Result<StatusCode> {
    let tx = app.db.begin().await?;
    let row = find(&tx, &id, true).await?;
    refuse_higher(&caller, row.role)?;
    let ended = session::end_sessions(&app, &tx, session_table::Column::UserId.eq(row.id)).await?;
    if ended > 0 {
        let event = caller.did(AuditAction::SessionEnded).on("user", row.id).because("administrator");
        trail::record(&tx, app.clock.now(), [event]).await?;
    }
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Up to `limit` accounts after the one with the address `after`.
///
/// # Errors
/// When the database fails.
pub async fn page(db: &impl ConnectionTrait, after: Option<String>, limit: u64) -> Result<Vec<user::Model>> {
    let mut select = user::Entity::find()
        .filter(user::Column::DeletedAt.is_null())
        .order_by_asc(user::Column::Email)
        .limit(limit);
    if let Some(after) = after {
        select = select.filter(user::Column::Email.gt(after));
    }
    Ok(select.all(db).await?)
}

/// The account with this id; deleted ones are not there.
async fn find(db: &impl ConnectionTrait, id: &Id, for_change: bool) -> Result<user::Model> {
    let Id::Uuid(id) = id else { return Err(Error::NotFound) };
    let mut select = user::Entity::find_by_id(*id).filter(user::Column::DeletedAt.is_null());
    if for_change {
        select = select.lock_exclusive();
    }
    select.one(db).await?.ok_or(Error::NotFound)
}

/// The account with this e-mail address.
///
/// # Errors
/// 409 when there is none.
pub async fn by_email(db: &impl ConnectionTrait, email: &str) -> Result<user::Model> {
    let email =
        canonical_email(email).ok_or_else(|| Error::conflict("this is not an e-mail address in ASCII"))?;
    let found = user::Entity::find().filter(user::Column::Email.eq(&email)).lock_exclusive().one(db).await?;
    found.ok_or_else(|| Error::conflict(format!("there is no account {email}")))
}

/// Makes an account; without a password hash, one is to be chosen by invitation.
///
/// # Errors
/// 403 when the caller may not appoint the role, 422 for a bad address, 409 when it is taken.
pub async fn create(
    app: &App,
    db: &impl ConnectionTrait,
    caller: &Caller,
    new: NewUser,
    password_hash: String,
) -> Result<(user::Model, Vec<Event>)> {
    refuse_higher(caller, new.role)?;
    let email = acceptable(&new.email)?;
    refuse_taken(db, &email).await?;
    let now = app.clock.now();
    let row = user::ActiveModel {
        id: Set(app.clock.secret_id()),
        email: Set(email),
        name: Set(new.name),
        role: Set(new.role),
        password_hash: Set(password_hash),
        created_at: Set(now),
        password_changed_at: Set(now),
        disabled_at: Set(None),
        version: Set(1),
        sealed_totp_secret: Set(None),
        totp_confirmed_at: Set(None),
        totp_last_step: Set(None),
        deleted_at: Set(None),
    };
    let row = row.insert(db).await.map_err(on_clash)?;
    let event = caller.did(AuditAction::UserCreated).on("user", row.id).because(role_word(row.role));
    Ok((row, vec![event]))
}

/// A new invitation for an account without a password; gives its token.
///
/// # Errors
/// 409 when the account has a password or is disabled.
pub async fn invite(
    app: &App,
    db: &impl ConnectionTrait,
    caller: &Caller,
    row: &user::Model,
    events: &mut Vec<Event>,
) -> Result<String> {
    refuse_higher(caller, row.role)?;
    if !row.password_hash.is_empty() {
        return Err(Error::conflict("the account has a password already"));
    }
    if row.disabled_at.is_some() {
        return Err(Error::conflict("the account is disabled"));
    }
    events.push(caller.did(AuditAction::UserInvited).on("user", row.id));
    one_time::issue(app, db, row.id, OneTimePurpose::Invitation).await
}

/// Changes an account.
///
/// # Errors
/// 403 when the caller may not change it, 409 when it is the last owner, 422 for a bad address.
pub async fn change(
    app: &App,
    db: &impl ConnectionTrait,
    caller: &Caller,
    before: user::Model,
    patch: UserPatch,
) -> Result<(user::Model, Vec<Event>)> {
    refuse_higher(caller, before.role)?;
    let mut row = before.clone();
    let mut fields = Vec::new();
    let mut events = Vec::new();
    let did = |action| caller.did(action).on("user", before.id);
    if let Some(email) = patch.email {
        row.email = acceptable(&email)?;
        if row.email != before.email {
            refuse_taken(db, &row.email).await?;
            fields.push("email");
        }
    }
    row.name = match patch.name {
        Name::Keep => before.name.clone(),
        Name::Clear => None,
        Name::Set(name) => Some(name),
    };
    if row.name != before.name {
        fields.push("name");
    }
    if let Some(role) = patch.role.filter(|role| *role != before.role) {
        refuse_higher(caller, role)?;
        if caller.id() == Some(before.id) && role > before.role {
            return Err(Error::Forbidden("somebody else: nobody raises their own role"));
        }
        row.role = role;
        events.push(did(AuditAction::UserRoleChanged).because(role_word(role)).changing(["role"]));
    }
    if let Some(disabled) = patch.disabled.filter(|disabled| *disabled != before.disabled_at.is_some()) {
        row.disabled_at = disabled.then(|| app.clock.now());
        events.push(did(if disabled { AuditAction::UserDisabled } else { AuditAction::UserEnabled }));
    }
    if !fields.is_empty() {
        events.push(did(AuditAction::UserUpdated).changing(fields));
    }
    if events.is_empty() {
        return Ok((before, events));
    }
    if row.role != AccountRole::Owner || row.disabled_at.is_some() {
        keep_an_owner(db, &before).await?;
    }
    row.version += 1;
    if row.disabled_at.is_some() || row.email != before.email {
        close(app, db, row.id).await?;
    }
    let row = row.into_active_model().reset_all().update(db).await.map_err(on_clash)?;
    Ok((row, events))
}

/// Deletes an account: all that is left is its id.
///
/// # Errors
/// 403 when the caller may not delete it, 409 when it is the last owner.
pub async fn delete(
    app: &App,
    db: &impl ConnectionTrait,
    caller: &Caller,
    before: user::Model,
) -> Result<Vec<Event>> {
    refuse_higher(caller, before.role)?;
    keep_an_owner(db, &before).await?;
    let now = app.clock.now();
    close(app, db, before.id).await?;
    recovery_code::Entity::delete_many().filter(recovery_code::Column::UserId.eq(before.id)).exec(db).await?;
    api_key::Entity::update_many()
        .col_expr(api_key::Column::RevokedAt, sea_orm::sea_query::Expr::value(now))
        .filter(api_key::Column::CreatedBy.eq(before.id))
        .filter(api_key::Column::RevokedAt.is_null())
        .exec(db)
        .await?;
    let id = before.id;
    let row = user::Model {
        email: format!("{id}@deleted.invalid"),
        name: None,
        role: AccountRole::Viewer,
        password_hash: String::new(),
        disabled_at: Some(now),
        version: before.version + 1,
        sealed_totp_secret: None,
        totp_confirmed_at: None,
        totp_last_step: None,
        deleted_at: Some(now),
        ..before
    };
    row.into_active_model().reset_all().update(db).await?;
    Ok(vec![caller.did(AuditAction::UserDeleted).on("user", id)])
}

/// Ends what an account could still be entered with.
async fn close(app: &App, db: &impl ConnectionTrait, id: Uuid) -> Result<()> {
    session::end_sessions(app, db, session_table::Column::UserId.eq(id)).await?;
    one_time_token::Entity::delete_many().filter(one_time_token::Column::UserId.eq(id)).exec(db).await?;
    known_device::Entity::delete_many().filter(known_device::Column::UserId.eq(id)).exec(db).await?;
    Ok(())
}

/// 403 unless `caller` may look after accounts of `role`.
fn refuse_higher(caller: &Caller, role: AccountRole) -> Result<()> {
    if caller.role() == Some(AccountRole::Owner) || role <= AccountRole::Editor {
        return Ok(());
    }
    Err(Error::Forbidden("the role `owner`"))
}

/// 409 when `leaving` is the only owner there is.
async fn keep_an_owner(db: &impl ConnectionTrait, leaving: &user::Model) -> Result<()> {
    if leaving.role != AccountRole::Owner || leaving.disabled_at.is_some() {
        return Ok(());
    }
    // Held until the transaction ends, so that two owners do not see each other off.
    let owners = user::Entity::find()
        .filter(user::Column::Role.eq(AccountRole::Owner))
        .filter(user::Column::DisabledAt.is_null())
        .order_by_asc(user::Column::Id)
        .lock_exclusive()
        .all(db)
        .await?;
    if owners.iter().any(|owner| owner.id != leaving.id) {
        return Ok(());
    }
    Err(Error::conflict("this is the last owner; appoint another first"))
}

async fn refuse_taken(db: &impl ConnectionTrait, email: &str) -> Result<()> {
    match user::Entity::find().filter(user::Column::Email.eq(email)).one(db).await? {
        Some(_) => Err(Error::conflict("there is an account with this address already")),
        None => Ok(()),
    }
}

fn on_clash(error: DbErr) -> Error {
    match error.sql_err() {
        Some(sea_orm::SqlErr::UniqueConstraintViolation(_)) => {
            Error::conflict("there is an account with this address already")
        }
        _ => error.into(),
    }
}

fn acceptable(email: &str) -> Result<String> {
    canonical_email(email).ok_or_else(|| {
        let detail = "this is not an e-mail address in ASCII";
        Error::Invalid(vec![FieldError::at("/email", "format", detail)])
    })
}

/// The role in one word, for the audit trail.
fn role_word(role: AccountRole) -> &'static str {
    match role {
        AccountRole::Viewer => "viewer",
        AccountRole::Author => "author",
        AccountRole::Editor => "editor",
        AccountRole::Admin => "admin",
        AccountRole::Owner => "owner",
    }
}

fn read_patch(app: &App, patch: Value) -> Result<UserPatch> {
    app.contract.decode("UserPatch", patch)
}

/// 428 without `If-Match`, 412 when the account has changed.
fn refuse_stale(headers: &HeaderMap, row: &user::Model) -> Result<()> {
    if conditional::required_version(headers)? == row.version {
        return Ok(());
    }
    let (_, etag) = tagged(row.clone())?;
    Err(Error::Stale(etag))
}

fn tagged(row: user::Model) -> Result<(Vec<u8>, String)> {
    let version = row.version;
    let body = serde_json::to_vec(&User::from(row)).map_err(Error::internal)?;
    let etag = conditional::tag(version, &body);
    Ok((body, etag))
}

fn shown(request: &HeaderMap, row: user::Model) -> Result<Response> {
    let (body, etag) = tagged(row)?;
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(conditional::answer(request, &etag, response).into_response())
}
