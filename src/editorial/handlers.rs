//! The operations on a collection, the same for every kind.

use axum::{
    Router,
    extract::{OriginalUri, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{delete, get, post},
};
use sea_orm::entity::prelude::*;
use serde_json::Value;

use super::{
    answer::{describe_audience, show},
    edit, finder,
    kind::Kind,
    lookup::{self, Among},
    parameters::{EntryParameters, ItemParameters},
    previews,
    store::{Before, Write},
    transitions, versions,
    workflow::Stage,
    working_copy::{self, Change},
};
use crate::{
    app::App,
    auth::{Caller, NoBody, Once, Reader, Writer},
    entity::{entry, slug_history, vocabulary::State as EntryState},
    http::{Error, Id, MergePatch, Query, Result, extract::Document, json::merge, locale::Language},
};

/// The routes of the collection of `K`.
pub fn router<K: Kind>() -> Router<App> {
    let collection = format!("/v1/{}", K::COLLECTION);
    let item = format!("{collection}/{{id}}");
    Router::new()
        .route(&collection, post(create::<K>))
        .route(&item, get(read::<K>).patch(change::<K>).delete(trash::<K>))
        .route(&format!("{item}/transitions"), get(transitions::list::<K>).post(transitions::take::<K>))
        .route(&format!("{item}/restore"), post(restore::<K>))
        .route(&format!("{item}/versions"), get(versions::list::<K>))
        .route(&format!("{item}/versions/compare"), get(versions::compare::<K>))
        .route(&format!("{item}/versions/{{version}}"), get(versions::read::<K>))
        .route(&format!("{item}/versions/{{version}}/restore"), post(versions::restore::<K>))
        .route(&format!("{item}/previews"), get(previews::list::<K>).post(previews::create::<K>))
        .route(&format!("{item}/previews/{{preview}}"), delete(previews::revoke::<K>))
}

/// `POST /v1/{collection}`
async fn create<K: Kind>(
    State(app): State<App>,
    Writer(caller): Writer,
    Query(ItemParameters(language)): Query<ItemParameters>,
    Once(effect, Document(body)): Once<Document>,
) -> Result<Response> {
    let draft = edit::checked::<K>(&app, &body)?;
    let tx = effect.begin().await?;
    let write = Write {
        before: Before::Nothing,
        draft,
        stage: Stage::new(EntryState::Draft),
        published_at: None,
        delete: false,
        note: None,
    };
    let saved = edit::write(&app, &tx, &caller, write).await?;
    let location = format!("/v1/{}/{}", K::COLLECTION, saved.entry.slug);
    let response = show(&tx, &caller, &language, &HeaderMap::new(), saved).await?;
    effect.commit(tx, created(response, &location)).await
}

/// `response` as the answer to a request that has made what is at `location`.
#[must_use]
pub fn created(mut response: Response, location: &str) -> Response {
    *response.status_mut() = StatusCode::CREATED;
    let location = HeaderValue::from_str(location).ok();
    response.headers_mut().extend(location.map(|value| (header::LOCATION, value)));
    response
}

/// `GET /v1/{collection}/{id}`
async fn read<K: Kind>(
    State(app): State<App>,
    Reader(caller): Reader,
    id: Id,
    Query(EntryParameters { language, draft }): Query<EntryParameters>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Result<Response> {
    check_language(&caller, &language)?;
    let db = app.db.reader();
    let Some(entry) = lookup::find::<K>(db, &caller, &id, Among::Alive, false).await? else {
        return moved::<K>(&app, &caller, &id, uri.query()).await;
    };
    if draft {
        let entry = lookup::allowed(&caller, Some(entry), finder::may_change)?;
        if let Some(copy) = working_copy::of::<K>(db, &entry).await? {
            return show(db, &caller, &language, &headers, copy).await;
        }
        return show_entry::<K>(&app, &caller, &language, &headers, entry).await;
    }
    show_entry::<K>(&app, &caller, &language, &headers, entry).await
}

/// Shows one entry; also how the organisation's profile is read.
///
/// # Errors
/// When the database fails.
pub async fn show_entry<K: Kind>(
    app: &App,
    caller: &Caller,
    language: &Language,
    headers: &HeaderMap,
    entry: entry::Model,
) -> Result<Response> {
    let stored = lookup::whole::<K>(app.db.reader(), entry).await?;
    show(app.db.reader(), caller, language, headers, stored).await
}

/// `PATCH /v1/{collection}/{id}`
async fn change<K: Kind>(
    State(app): State<App>,
    Writer(caller): Writer,
    id: Id,
    Query(parameters): Query<EntryParameters>,
    headers: HeaderMap,
    MergePatch(patch): MergePatch,
) -> Result<Response> {
    change_entry::<K>(&app, &caller, Some(&id), &parameters, &headers, patch).await
}

/// Changes one entry, or its working copy; also how the organisation's profile is changed. Without an
/// id, the only one of its kind is meant.
///
/// # Errors
/// 404, 403, 428, 412, 422 or 409, in this order.
pub async fn change_entry<K: Kind>(
    app: &App,
    caller: &Caller,
    id: Option<&Id>,
    parameters: &EntryParameters,
    headers: &HeaderMap,
    patch: Value,
) -> Result<Response> {
    let EntryParameters { language, draft } = parameters;
    let tx = app.db.begin().await?;
    let stored = lookup::held::<K>(&tx, caller, id, finder::may_change).await?;
    let copy = working_copy::of::<K>(&tx, &stored.entry).await?;
    let seen = copy.as_ref().filter(|_| *draft).unwrap_or(&stored);
    edit::require_current(&tx, caller, language, headers, seen).await?;
    app.contract.check(&format!("{}Patch", K::NAME), &patch)?;
    let mut document = seen.draft.to_value();
    merge(&mut document, patch);
    let after = edit::checked::<K>(app, &document)?;
    let change = Change { live: stored, copy, draft: after, note: None };
    let saved = working_copy::apply(app, &tx, caller, change, *draft).await?;
    let response = show(&tx, caller, language, &HeaderMap::new(), saved).await?;
    tx.commit().await?;
    Ok(response)
}

/// `DELETE /v1/{collection}/{id}`
async fn trash<K: Kind>(
    State(app): State<App>,
    Writer(caller): Writer,
    id: Id,
    Query(EntryParameters { language, draft }): Query<EntryParameters>,
    headers: HeaderMap,
) -> Result<StatusCode> {
    let tx = app.db.begin().await?;
    let stored = lookup::held::<K>(&tx, &caller, Some(&id), finder::may_change).await?;
    let copy = working_copy::of::<K>(&tx, &stored.entry).await?;
    let seen = copy.as_ref().filter(|_| draft).unwrap_or(&stored);
    edit::require_current(&tx, &caller, &language, &headers, seen).await?;
    if draft {
        working_copy::discard(&app, &tx, &caller, stored).await?;
    } else {
        let write = Write { delete: true, ..Write::of(stored) };
        edit::put(&app, &tx, &caller, vec![write]).await?;
    }
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /v1/{collection}/{id}/restore`
async fn restore<K: Kind>(
    State(app): State<App>,
    Writer(caller): Writer,
    id: Id,
    Query(ItemParameters(language)): Query<ItemParameters>,
    Once(effect, NoBody): Once<NoBody>,
) -> Result<Response> {
    let tx = effect.begin().await?;
    let entry = lookup::changeable::<K>(&tx, &caller, &id, Among::Trash, true).await?;
    let stored = lookup::whole::<K>(&tx, entry).await?;
    // Nothing goes from the trash to the public: it is looked at first.
    let state = match stored.entry.state {
        EntryState::Archived => EntryState::Archived,
        _ => EntryState::Draft,
    };
    let copy = working_copy::of::<K>(&tx, &stored.entry).await?;
    let mut write = Write { stage: Stage::new(state), delete: false, ..Write::of(stored) };
    if let Some(copy) = copy {
        write.draft = copy.draft;
    }
    let saved = edit::put(&app, &tx, &caller, vec![write]).await?.pop().ok_or(Error::NotFound)?;
    let response = show(&tx, &caller, &language, &HeaderMap::new(), saved).await?;
    effect.commit(tx, response).await
}

/// 308 to the present address of an entry whose slug was another one once.
async fn moved<K: Kind>(app: &App, caller: &Caller, id: &Id, query: Option<&str>) -> Result<Response> {
    let Id::Slug(slug) = id else { return Err(Error::NotFound) };
    let former = slug_history::Entity::find_by_id((K::KIND, slug.clone())).one(app.db.reader()).await?;
    let former = former.ok_or(Error::NotFound)?;
    let entry = lookup::find::<K>(app.db.reader(), caller, &Id::Uuid(former.entry_id), Among::Alive, false)
        .await?
        .ok_or(Error::NotFound)?;
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    let location = format!("/v1/{}/{}{query}", K::COLLECTION, entry.slug);
    let mut response = StatusCode::PERMANENT_REDIRECT.into_response();
    response
        .headers_mut()
        .extend(HeaderValue::from_str(&location).ok().map(|value| (header::LOCATION, value)));
    describe_audience(caller, response.headers_mut());
    Ok(response)
}

/// `locale=all` is for those who write.
///
/// # Errors
/// 403 for everybody else.
pub fn check_language(caller: &Caller, language: &Language) -> Result<()> {
    if language.all && !caller.grants.writes {
        return Err(Error::Forbidden("the role `author` for `locale=all`"));
    }
    Ok(())
}
