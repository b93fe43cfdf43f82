//! The operations on synonyms.

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use sea_orm::{QuerySelect, entity::prelude::*};

use super::{NewSynonym, Synonym, SynonymPage, SynonymPatch, change, create, delete, page};
use crate::{
    app::App,
    auth::{Caller, Editor, Once},
    editorial::answer::answer,
    entity::synonym,
    http::{
        Body, Error, Id, MergePatch, Query, Result,
        conditional::{self, Version},
        cursor::Position,
        locale::Served,
        page::PageParameters,
        query::NoParameters,
    },
    trail,
};

/// List synonyms
///
/// What words and phrases bring in when somebody searches for them, in the order of the keys.
#[utoipa::path(
    get, path = "/v1/synonyms", tag = "synonyms",
    params(
        ("limit" = Option<u64>, Query, description = "How many synonyms a page has.", minimum = 1, maximum = 100),
        ("cursor" = Option<String>, Query, description = "Where to go on: `page.next_cursor` of the page before."),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of what you have; 304 when it is still so."),
    ),
    responses(
        (status = 200, description = "A page", body = SynonymPage, headers(
            ("ETag" = String, description = "The tag of this representation."))),
        (status = 304, description = "Still as you have it"),
    ),
    extensions(("x-permission" = json!("edit"))),
)]
pub(super) async fn list_synonyms(
    State(app): State<App>,
    Editor(caller): Editor,
    Query(parameters): Query<PageParameters>,
    headers: HeaderMap,
) -> Result<Response> {
    let list = format!("synonyms|{:?}", caller.id());
    let after = parameters.after(app.secrets.cursor_key(), &list)?;
    let mut rows = page(app.db.reader(), after, parameters.wanted()).await?;
    let position = |last: &synonym::Model| Position { sort_key: last.folded.clone(), id: last.id };
    let page = parameters.cut(&mut rows, position, app.secrets.cursor_key(), &list);
    let data: Result<Vec<Synonym>> = rows.into_iter().map(Synonym::try_from).collect();
    let page = serde_json::to_value(SynonymPage { data: data?, page }).map_err(Error::internal)?;
    answer(&headers, &caller, &Served::only(&app.config.default_locale), Version::live(0), None, &page)
}

/// Create a synonym
///
/// From now on, whoever searches for the key also finds what answers its alternatives, further down. 409
/// when there is one of that key, upper case and accents aside, or when there are 2,000.
#[utoipa::path(
    post, path = "/v1/synonyms", tag = "synonyms",
    request_body = NewSynonym,
    responses((status = 201, description = "The new synonym", body = Synonym, headers(
        ("Location" = String, description = "The synonym's address."),
        ("ETag" = String, description = "The tag of this representation; send it back as `If-Match`."),
    ))),
    extensions(("x-permission" = json!("edit"))),
)]
pub(super) async fn create_synonym(
    State(app): State<App>,
    Editor(caller): Editor,
    Query(NoParameters): Query<NoParameters>,
    Once(effect, Body(new)): Once<Body<NewSynonym>>,
) -> Result<Response> {
    let tx = effect.begin().await?;
    let (row, event) = create(&app, &tx, &caller, new).await?;
    trail::record(&tx, app.clock.now(), [event]).await?;
    let location = format!("/v1/synonyms/{}", row.id);
    let mut response = shown(&app, &caller, &HeaderMap::new(), row)?;
    *response.status_mut() = StatusCode::CREATED;
    response
        .headers_mut()
        .extend(HeaderValue::from_str(&location).ok().map(|value| (header::LOCATION, value)));
    let response = effect.commit(tx, response).await?;
    app.synonyms.forget();
    Ok(response)
}

/// Read a synonym
///
/// One word or phrase, and what it brings in.
#[utoipa::path(
    get, path = "/v1/synonyms/{id}", tag = "synonyms",
    params(
        ("id" = Uuid, Path, description = "The synonym's id."),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of what you have; 304 when it is still so."),
    ),
    responses(
        (status = 200, description = "The synonym", body = Synonym, headers(
            ("ETag" = String, description = "The tag of this representation; send it back as `If-Match`."))),
        (status = 304, description = "Still as you have it"),
    ),
    extensions(("x-permission" = json!("edit"))),
)]
pub(super) async fn get_synonym(
    State(app): State<App>,
    Editor(caller): Editor,
    id: Id,
    Query(NoParameters): Query<NoParameters>,
    headers: HeaderMap,
) -> Result<Response> {
    let row = find(app.db.reader(), &id, false).await?;
    shown(&app, &caller, &headers, row)
}

/// Change a synonym
///
/// Its key or what it brings in; `alternatives` is replaced whole. Searches know it at once.
#[utoipa::path(
    patch, path = "/v1/synonyms/{id}", tag = "synonyms",
    params(
        ("id" = Uuid, Path, description = "The synonym's id."),
        ("If-Match" = Option<String>, Header, description = "The `ETag` you read. Without it 428; when the synonym has changed since, 412."),
    ),
    request_body(content((SynonymPatch = "application/merge-patch+json"), (SynonymPatch = "application/json"))),
    responses((status = 200, description = "The changed synonym", body = Synonym, headers(
        ("ETag" = String, description = "The tag of this representation; send it back as `If-Match`.")))),
    extensions(("x-permission" = json!("edit"))),
)]
pub(super) async fn update_synonym(
    State(app): State<App>,
    Editor(caller): Editor,
    id: Id,
    Query(NoParameters): Query<NoParameters>,
    headers: HeaderMap,
    MergePatch(patch): MergePatch,
) -> Result<Response> {
    let tx = app.db.begin().await?;
    let row = find(&tx, &id, true).await?;
    refuse_stale(&app, &caller, &headers, &row)?;
    let patch: SynonymPatch = app.contract.decode("SynonymPatch", patch)?;
    let (row, event) = change(&app, &tx, &caller, row, patch).await?;
    trail::record(&tx, app.clock.now(), event).await?;
    tx.commit().await?;
    app.synonyms.forget();
    shown(&app, &caller, &HeaderMap::new(), row)
}

/// Delete a synonym
///
/// The key brings in nothing any more. Searches know it at once.
#[utoipa::path(
    delete, path = "/v1/synonyms/{id}", tag = "synonyms",
    params(
        ("id" = Uuid, Path, description = "The synonym's id."),
        ("If-Match" = Option<String>, Header, description = "The `ETag` you read. Without it 428; when the synonym has changed since, 412."),
    ),
    responses((status = 204, description = "Deleted")),
    extensions(("x-permission" = json!("edit"))),
)]
pub(super) async fn delete_synonym(
    State(app): State<App>,
    Editor(caller): Editor,
    id: Id,
    Query(NoParameters): Query<NoParameters>,
    headers: HeaderMap,
) -> Result<StatusCode> {
    let tx = app.db.begin().await?;
    let row = find(&tx, &id, true).await?;
    refuse_stale(&app, &caller, &headers, &row)?;
    let event = delete(&tx, &caller, row).await?;
    trail::record(&tx, app.clock.now(), [event]).await?;
    tx.commit().await?;
    app.synonyms.forget();
    Ok(StatusCode::NO_CONTENT)
}

async fn find(db: &impl ConnectionTrait, id: &Id, for_change: bool) -> Result<synonym::Model> {
    let Id::Uuid(id) = id else { return Err(Error::NotFound) };
    let mut select = synonym::Entity::find_by_id(*id);
    if for_change {
        select = select.lock_exclusive();
    }
    select.one(db).await?.ok_or(Error::NotFound)
}

/// 428 without `If-Match`, 412 when the synonym has changed.
fn refuse_stale(app: &App, caller: &Caller, headers: &HeaderMap, row: &synonym::Model) -> Result<()> {
    if conditional::required_version(headers)? == Version::live(row.version) {
        return Ok(());
    }
    let current = shown(app, caller, &HeaderMap::new(), row.clone())?;
    let etag = current.headers().get(header::ETAG).and_then(|value| value.to_str().ok());
    Err(Error::Stale(etag.unwrap_or_default().to_owned()))
}

fn shown(app: &App, caller: &Caller, request: &HeaderMap, row: synonym::Model) -> Result<Response> {
    let (version, updated_at) = (Version::live(row.version), row.updated_at);
    let shown = serde_json::to_value(Synonym::try_from(row)?).map_err(Error::internal)?;
    answer(request, caller, &Served::only(&app.config.default_locale), version, Some(updated_at), &shown)
}
