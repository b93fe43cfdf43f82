//! Reading content: entries as they were asked for, with what they refer to, the long text as HTML, what
//! is related.
//!
//! An entry is rendered by [`crate::editorial::view`]; what `include` asks for is added to it here, where
//! all kinds are known, and then what `fields` did not pick is left out.

mod include;

use axum::{
    Router,
    extract::{OriginalUri, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use sea_orm::entity::prelude::*;
use serde_json::{Map, Value};

use crate::{
    app::App,
    auth::{Caller, Reader},
    cache::Sources,
    discovery::{self, Beside},
    editorial::{
        Kind,
        answer::{answer, describe_audience, made_of, render_stored, served, version},
        finder,
        handlers::check_language,
        load::{Stored, load},
        lookup::{self, Among},
        markdown,
        parameters::ReadParameters,
        shape::{RELATED, html_of},
        view::View,
        working_copy,
    },
    entity::{entry, slug_history},
    http::{Error, Id, Query, Result},
};

/// The routes of the collection of `K`.
pub fn collection<K: Kind>() -> Router<App> {
    Router::new().route(&format!("/v1/{}/{{id}}", K::COLLECTION), get(read::<K>))
}

/// `GET /v1/{collection}/{id}`
async fn read<K: Kind>(
    State(app): State<App>,
    Reader(caller): Reader,
    id: Id,
    Query(parameters): Query<ReadParameters<K>>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Result<Response> {
    check_language(&caller, &parameters.language)?;
    let db = app.db.reader();
    let Some(entry) = lookup::find::<K>(db, &caller, &id, Among::Alive, false).await? else {
        return moved::<K>(&app, &caller, &id, &parameters, uri.query()).await;
    };
    let copy = if parameters.draft {
        let entry = lookup::allowed(&caller, Some(entry.clone()), finder::may_change)?;
        working_copy::of::<K>(db, &entry).await?
    } else {
        None
    };
    show(&app, &caller, &parameters, &headers, entry, copy).await
}

/// The answer that shows `entry`, or its working `copy`, as it was asked for.
///
/// # Errors
/// When the database fails.
pub async fn show<K: Kind>(
    app: &App,
    caller: &Caller,
    parameters: &ReadParameters<K>,
    headers: &HeaderMap,
    entry: entry::Model,
    copy: Option<Stored<K>>,
) -> Result<Response> {
    let ReadParameters { language, shape, .. } = parameters;
    let db = app.db.reader();
    let (id, updated_at) = (entry.id, entry.updated_at);
    let stored = match copy {
        Some(copy) => copy,
        None => load::<K>(db, vec![entry], shape).await?.pop().ok_or(Error::NotFound)?,
    };
    let version = version(caller, &stored);
    let view = View { language, caller, shape };
    let mut shown = render_stored(db, &view, vec![stored]).await?;
    let served = served(language, &shown);
    complete::<K>(app, &view, &mut shown).await?;
    let mut shown = shown.pop().ok_or(Error::NotFound)?;
    let included = shape.entries.iter().map(|(reference, _)| reference.kind);
    let mut sources = Some(included.fold(Sources::entry(id), Sources::and_kind));
    if shape.related {
        let Beside { data, is_whole } = discovery::related_to(app, caller, language, id).await?;
        shown.insert(RELATED.to_owned(), serde_json::to_value(data).map_err(Error::internal)?);
        sources = is_whole.then_some(Sources::CONTENT);
    }
    let mut response = answer(headers, caller, &served, version, Some(updated_at), &Value::Object(shown))?;
    made_of(&mut response, sources);
    Ok(response)
}

/// Adds to entries of `K` what was asked for, and leaves out what was not.
///
/// # Errors
/// When the database fails, or more entries would have to be included than one answer may hold.
pub async fn complete<K: Kind>(
    app: &App,
    view: &View<'_>,
    shown: &mut Vec<Map<String, Value>>,
) -> Result<()> {
    include::add(app, view, shown).await?;
    let shape = view.shape.clone();
    let mut entries = std::mem::take(shown);
    let finish = move || {
        for entry in &mut entries {
            if let Some(body) = K::BODY.filter(|_| shape.html) {
                let html = entry.get(body).and_then(Value::as_str).map(markdown::to_html);
                entry.insert(html_of(body), html.into());
            }
            shape.cut::<K>(entry);
        }
        entries
    };
    // Long texts take milliseconds of computing: beside the threads that serve requests.
    *shown = if view.shape.computes() {
        tokio::task::spawn_blocking(finish).await.map_err(Error::internal)?
    } else {
        finish()
    };
    Ok(())
}

/// 308 to the present address of an entry whose slug was another one once.
async fn moved<K: Kind>(
    app: &App,
    caller: &Caller,
    id: &Id,
    parameters: &ReadParameters<K>,
    query: Option<&str>,
) -> Result<Response> {
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
    describe_audience(caller, parameters.language.negotiated, response.headers_mut());
    Ok(response)
}
