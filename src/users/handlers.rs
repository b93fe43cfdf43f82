//! The operations on accounts.

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use sea_orm::{QuerySelect, entity::prelude::*};

use super::{NewUser, User, UserPage, UserPatch, change, create, delete, invite, page, refuse_higher};
use crate::{
    app::App,
    auth::{Administrator, Fresh, NoBody, Once, one_time, session},
    entity::{session as session_table, user, vocabulary::AuditAction},
    http::{
        Body, Error, Id, Json, MergePatch, Query, Result,
        conditional::{self, Version},
        cursor::Position,
        page::PageParameters,
        query::NoParameters,
    },
    trail,
};

/// List accounts
///
/// All accounts, the oldest first.
#[utoipa::path(
    get, path = "/v1/users", tag = "users",
    params(
        ("limit" = Option<u64>, Query, description = "How many accounts a page has.", minimum = 1, maximum = 100),
        ("cursor" = Option<String>, Query, description = "Where to go on: `page.next_cursor` of the page before."),
    ),
    responses((status = 200, description = "A page", body = UserPage)),
    extensions(("x-permission" = json!("administer"))),
)]
pub(super) async fn list_users(
    State(app): State<App>,
    Administrator(caller): Administrator,
    Query(parameters): Query<PageParameters>,
) -> Result<Json<UserPage>> {
    let list = format!("users|{:?}", caller.id());
    let after = parameters.after(app.secrets.cursor_key(), &list)?;
    let after = after.and_then(|after| Some((after.sort_key.parse().ok()?, after.id)));
    let mut rows = page(app.db.reader(), after, parameters.wanted()).await?;
    let position = |last: &user::Model| Position { sort_key: last.created_at.to_rfc3339(), id: last.id };
    let page = parameters.cut(&mut rows, position, app.secrets.cursor_key(), &list);
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
pub(super) async fn create_user(
    State(app): State<App>,
    Fresh(Administrator(caller)): Fresh<Administrator>,
    Query(NoParameters): Query<NoParameters>,
    Once(effect, Body(new)): Once<Body<NewUser>>,
) -> Result<Response> {
    let tx = effect.begin().await?;
    let (row, mut events) = create(&app, &tx, &caller, new, String::new()).await?;
    let token = invite(&app, &tx, &caller, &row, &mut events).await?;
    one_time::send_invitation(&app, &tx, &row.email, &token).await?;
    trail::record(&tx, app.clock.now(), events).await?;
    let location = format!("/v1/users/{}", row.id);
    let mut response = shown(&HeaderMap::new(), row)?;
    *response.status_mut() = StatusCode::CREATED;
    response
        .headers_mut()
        .extend(HeaderValue::from_str(&location).ok().map(|value| (header::LOCATION, value)));
    let response = effect.commit(tx, response).await?;
    app.jobs.wake();
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
pub(super) async fn get_user(
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
pub(super) async fn update_user(
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
    let patch: UserPatch = app.contract.decode("UserPatch", patch)?;
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
pub(super) async fn delete_user(
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
pub(super) async fn invite_user(
    State(app): State<App>,
    Administrator(caller): Administrator,
    id: Id,
    Query(NoParameters): Query<NoParameters>,
    Once(effect, NoBody): Once<NoBody>,
) -> Result<Response> {
    let tx = effect.begin().await?;
    let row = find(&tx, &id, true).await?;
    let mut events = Vec::new();
    let token = invite(&app, &tx, &caller, &row, &mut events).await?;
    one_time::send_invitation(&app, &tx, &row.email, &token).await?;
    trail::record(&tx, app.clock.now(), events).await?;
    let response = effect.commit(tx, StatusCode::ACCEPTED).await?;
    app.jobs.wake();
    Ok(response)
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
pub(super) async fn end_user_sessions(
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

/// The account with this id; deleted ones are not there.
async fn find(db: &impl ConnectionTrait, id: &Id, for_change: bool) -> Result<user::Model> {
    let Id::Uuid(id) = id else { return Err(Error::NotFound) };
    let mut select = user::Entity::find_by_id(*id).filter(user::Column::DeletedAt.is_null());
    if for_change {
        select = select.lock_exclusive();
    }
    select.one(db).await?.ok_or(Error::NotFound)
}

/// 428 without `If-Match`, 412 when the account has changed.
fn refuse_stale(headers: &HeaderMap, row: &user::Model) -> Result<()> {
    if conditional::required_version(headers)? == Version::live(row.version) {
        return Ok(());
    }
    let (_, etag) = tagged(row.clone())?;
    Err(Error::Stale(etag))
}

fn tagged(row: user::Model) -> Result<(Vec<u8>, String)> {
    let version = row.version;
    let body = serde_json::to_vec(&User::from(row)).map_err(Error::internal)?;
    let etag = conditional::tag(Version::live(version), &body);
    Ok((body, etag))
}

fn shown(request: &HeaderMap, row: user::Model) -> Result<Response> {
    let (body, etag) = tagged(row)?;
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(conditional::answer(request, &etag, response).into_response())
}
