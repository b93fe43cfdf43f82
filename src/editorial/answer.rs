//! Entries as answers: rendered, tagged, and with what caches need to know.

use axum::{
    http::{HeaderMap, HeaderValue, header},
    response::Response,
};
use sea_orm::entity::prelude::*;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    kind::Kind,
    load::{Stored, load},
    references::References,
    shape::Shape,
    view::{View, referred_to},
};
use crate::{
    app::App,
    auth::Caller,
    cache::{Made, Sources},
    entity::entry,
    http::{
        Error, Result,
        conditional::{self, Version},
        locale::{Language, Served},
    },
};

/// Entries as they are sent, but for what is to be added to them or left out.
///
/// # Errors
/// When the database fails.
pub async fn render<K: Kind>(
    db: &impl ConnectionTrait,
    view: &View<'_>,
    rows: Vec<entry::Model>,
) -> Result<Vec<Map<String, Value>>> {
    render_stored(db, view, load::<K>(db, rows, view.shape).await?).await
}

/// The same of entries that have been read.
///
/// # Errors
/// When the database fails.
pub async fn render_stored<K: Kind>(
    db: &impl ConnectionTrait,
    view: &View<'_>,
    mut entries: Vec<Stored<K>>,
) -> Result<Vec<Map<String, Value>>> {
    let references = References::load(db, view.caller, referred_to(&mut entries)).await?;
    Ok(entries.into_iter().map(|stored| view.render(stored, &references)).collect())
}

/// One entry, whole, as it is sent.
///
/// # Errors
/// When the database fails.
pub async fn rendered<K: Kind>(
    db: &impl ConnectionTrait,
    caller: &Caller,
    language: &Language,
    stored: Stored<K>,
) -> Result<Map<String, Value>> {
    let view = View { language, caller, shape: &Shape::WHOLE };
    render_stored(db, &view, vec![stored]).await?.pop().ok_or(Error::NotFound)
}

/// The answer that shows one entry.
///
/// # Errors
/// When the database fails.
pub async fn show<K: Kind>(
    db: &impl ConnectionTrait,
    caller: &Caller,
    language: &Language,
    headers: &HeaderMap,
    stored: Stored<K>,
) -> Result<Response> {
    let version = version(caller, &stored);
    let (id, updated_at) = (stored.entry.id, stored.entry.updated_at);
    let shown = rendered(db, caller, language, stored).await?;
    let served = served(language, [&shown]);
    let mut response = answer(headers, caller, &served, version, Some(updated_at), &Value::Object(shown))?;
    made_of(&mut response, Some(Sources::entry(id)));
    Ok(response)
}

/// The version of `stored` that `caller` is told of. How often an entry was changed is nothing for those
/// who only read it (SECURITY.md P-11).
#[must_use]
pub fn version<K: Kind>(caller: &Caller, stored: &Stored<K>) -> Version {
    let knows_versions = caller.grants.writes || caller.is_inside();
    let number = if knows_versions { stored.entry.version } else { 0 };
    Version { number, is_copy: stored.is_copy }
}

/// The languages in which the entries `shown` are, as whoever asked for `language` gets them.
pub fn served<'a>(language: &Language, shown: impl IntoIterator<Item = &'a Map<String, Value>>) -> Served {
    language.served(shown.into_iter().filter_map(|shown| shown.get("locale")?.as_str()))
}

/// The answer that tells those who write something about `entry`, rather than showing it.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn about(
    app: &App,
    request: &HeaderMap,
    caller: &Caller,
    entry: &entry::Model,
    told: &impl Serialize,
) -> Result<Response> {
    let told = serde_json::to_value(told).map_err(Error::internal)?;
    let served = Served::only(&app.config.default_locale);
    answer(request, caller, &served, Version::live(entry.version), None, &told)
}

/// An answer in JSON, with what caches need to know; 304 when the caller has it already.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn answer(
    request: &HeaderMap,
    caller: &Caller,
    served: &Served,
    version: Version,
    modified: Option<DateTimeUtc>,
    shown: &Value,
) -> Result<Response> {
    let body = serde_json::to_vec(shown).map_err(Error::internal)?;
    let etag = conditional::tag(version, &body);
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.extend(HeaderValue::from_str(&served.tags).ok().map(|value| (header::CONTENT_LANGUAGE, value)));
    if let Some(modified) = modified {
        headers.extend(conditional::date(modified).map(|date| (header::LAST_MODIFIED, date)));
    }
    describe_audience(caller, served.negotiated, headers);
    let mut response = conditional::answer(request, &etag, response);
    if caller.grants == Caller::PUBLIC.grants {
        // Whoever knows better what it was made of says so.
        response.extensions_mut().insert(Made(Sources::CONTENT));
    }
    Ok(response)
}

/// Says what `response` was made of, if everybody may have it; `None`: it is not to be kept.
pub fn made_of(response: &mut Response, sources: Option<Sources>) {
    if let (Some(_), Some(sources)) = (response.extensions_mut().remove::<Made>(), sources) {
        response.extensions_mut().insert(Made(sources));
    }
}

/// What a cache may do with an answer, in a language that was `negotiated` or not. What is public may be kept for half a minute, and served for
/// another while it is fetched anew: who withdraws consent is gone within one (SECURITY.md P-02).
pub fn describe_audience(caller: &Caller, negotiated: bool, headers: &mut HeaderMap) {
    let policy = if caller.is_public() {
        "public, max-age=30, stale-while-revalidate=30"
    } else {
        "private, no-store"
    };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(policy));
    let vary = match (caller.is_public(), negotiated) {
        (true, true) => "authorization, accept-language, accept-encoding",
        (true, false) => "authorization, accept-encoding",
        (false, true) => "authorization, accept-language",
        (false, false) => "authorization",
    };
    headers.insert(header::VARY, HeaderValue::from_static(vary));
}
