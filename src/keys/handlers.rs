//! The operations on keys.

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::Response,
};
use sea_orm::{QuerySelect, entity::prelude::*};

use super::{CreatedKey, Key, KeyPage, NewKey, Rotation, create, page, revoke, rotate};
use crate::{
    app::App,
    auth::{Administrator, Fresh, Once},
    entity::api_key,
    http::{
        Body, Error, Id, Json, Query, Result, cursor::Position, page::PageParameters, query::NoParameters,
    },
    trail,
};

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
pub(super) async fn list_keys(
    State(app): State<App>,
    Administrator(caller): Administrator,
    Query(parameters): Query<PageParameters>,
) -> Result<Json<KeyPage>> {
    let list = format!("keys|{:?}", caller.id());
    let after = parameters.after(app.secrets.cursor_key(), &list)?;
    let after = after.and_then(|after| Some((after.sort_key.parse().ok()?, after.id)));
    let mut rows = page(app.db.reader(), after, parameters.wanted()).await?;
    let position = |last: &api_key::Model| Position { sort_key: last.created_at.to_rfc3339(), id: last.id };
    let page = parameters.cut(&mut rows, position, app.secrets.cursor_key(), &list);
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
pub(super) async fn create_key(
    State(app): State<App>,
    Fresh(Administrator(caller)): Fresh<Administrator>,
    Query(NoParameters): Query<NoParameters>,
    Once(effect, Body(new)): Once<Body<NewKey>>,
) -> Result<Response> {
    let tx = effect.begin().await?;
    let (secret, row, events) = create(&app, &tx, &caller, new).await?;
    trail::record(&tx, app.clock.now(), events).await?;
    let location = [(header::LOCATION, format!("/v1/keys/{}", row.id))];
    let created = Json(CreatedKey { secret, key: row.try_into()? });
    effect.commit(tx, (StatusCode::CREATED, location, created)).await
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
pub(super) async fn get_key(
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
pub(super) async fn revoke_key(
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
pub(super) async fn rotate_key(
    State(app): State<App>,
    Fresh(Administrator(caller)): Fresh<Administrator>,
    id: Id,
    Query(NoParameters): Query<NoParameters>,
    Once(effect, Body(Rotation { overlap_days })): Once<Body<Rotation>>,
) -> Result<Response> {
    let Id::Uuid(id) = id else { return Err(Error::NotFound) };
    let tx = effect.begin().await?;
    let old = api_key::Entity::find_by_id(id).lock_exclusive().one(&tx).await?.ok_or(Error::NotFound)?;
    let (secret, row, events) = rotate(&app, &tx, &caller, old, overlap_days).await?;
    trail::record(&tx, app.clock.now(), events).await?;
    let location = [(header::LOCATION, format!("/v1/keys/{}", row.id))];
    let created = Json(CreatedKey { secret, key: row.try_into()? });
    effect.commit(tx, (StatusCode::CREATED, location, created)).await
}
