//! Which web pages may read our answers (SECURITY.md I-16).
//!
//! An origin is allowed by name, byte for byte: those of `cors_origins` with any credential, those a
//! publishable key is bound to with that key. A page may never use cookies or the like: there are none.
//!
//! Source: Fetch, section 3.2; RFC 6454.

use std::{
    collections::HashSet,
    sync::{PoisonError, RwLock},
    time::Duration,
};

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{QuerySelect, entity::prelude::*};

use super::Exchange;
use crate::{app::App, entity::api_key};

/// What a page may read of an answer besides its body.
const EXPOSED: &str = "ETag, Link, Location, Retry-After, RateLimit, RateLimit-Policy, X-Request-Id, Key-Expires, \
     Idempotency-Replayed";
const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE";
const HEADERS: &str =
    "authorization, content-type, if-match, if-none-match, idempotency-key, accept-language";
/// For how long a browser may keep the answer to a preflight, in seconds.
const MAX_AGE: &str = "7200";
/// For how long the origins of keys are believed.
const FRESH: TimeDelta = TimeDelta::seconds(5);
/// How long reading them may take.
const READ_TIMEOUT: Duration = Duration::from_secs(1);

/// The origins that live publishable keys are bound to, as last read.
#[derive(Debug, Default)]
pub struct Origins {
    known: RwLock<Known>,
    reading: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Known {
    origins: HashSet<String>,
    read_at: Option<DateTime<Utc>>,
}

/// The origin of the page that sends a request: what its one `Origin` says, unless that is `null`.
#[must_use]
pub fn origin(headers: &HeaderMap) -> Option<HeaderValue> {
    let mut values = headers.get_all(header::ORIGIN).iter();
    let only = values.next().filter(|_| values.next().is_none())?;
    let has_scheme = only.as_bytes().starts_with(b"https://") || only.as_bytes().starts_with(b"http://");
    has_scheme.then(|| only.clone())
}

/// Whether a request only asks what a page would be allowed.
#[must_use]
pub fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    method == Method::OPTIONS
        && headers.contains_key(header::ORIGIN)
        && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// The answer to a preflight; it depends on nothing but the origin.
pub async fn preflight(app: &App, origin: Option<&HeaderValue>) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    vary(headers);
    let Some(origin) = origin else { return response };
    if is_configured(app, origin) || app.origins.contains(app, origin).await {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        for (name, value) in [
            (header::ACCESS_CONTROL_ALLOW_METHODS, METHODS),
            (header::ACCESS_CONTROL_ALLOW_HEADERS, HEADERS),
            (header::ACCESS_CONTROL_MAX_AGE, MAX_AGE),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    response
}

/// Lets the page at `origin` read `response`, if it may.
pub async fn open(
    app: &App,
    exchange: &Exchange,
    origin: Option<HeaderValue>,
    response: &mut Response<Body>,
) {
    vary(response.headers_mut());
    let Some(origin) = origin else { return };
    let status = response.status();
    // Why a request failed is no secret, and a page cannot mend what it may not read.
    let is_told_to_strangers =
        (status.is_client_error() || status.is_server_error()) && exchange.caller().is_none();
    let is_allowed = exchange.origin_is_allowed()
        || is_configured(app, &origin)
        || is_told_to_strangers
            && if status == StatusCode::SERVICE_UNAVAILABLE {
                // Turning a request away must not cost a query.
                app.origins.is_known(&origin)
            } else {
                app.origins.contains(app, &origin).await
            };
    if is_allowed {
        allow(response.headers_mut(), origin);
    }
}

/// Lets the page at `origin` read the answer with these headers.
pub fn allow(headers: &mut HeaderMap, origin: HeaderValue) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
}

/// Whether pages at `origin` may call with any credential.
#[must_use]
pub fn is_configured(app: &App, origin: &HeaderValue) -> bool {
    app.config.cors_origins.iter().any(|allowed| origin.as_bytes() == allowed.as_bytes())
}

/// Adds `Origin` to what the answer depends on.
fn vary(headers: &mut HeaderMap) {
    let known: Vec<&str> =
        headers.get_all(header::VARY).iter().filter_map(|value| value.to_str().ok()).collect();
    let listed = known.iter().flat_map(|list| list.split(','));
    if listed.map(str::trim).any(|name| name.eq_ignore_ascii_case("origin") || name == "*") {
        return;
    }
    let all = known.into_iter().chain(["Origin"]).collect::<Vec<_>>().join(", ");
    if let Ok(value) = HeaderValue::from_str(&all) {
        headers.insert(header::VARY, value);
    }
}

impl Origins {
    /// Whether a live publishable key is bound to `origin`, as of at most five seconds ago; longer
    /// when the database fails.
    async fn contains(&self, app: &App, origin: &HeaderValue) -> bool {
        if !self.is_fresh(app) {
            let turn = if self.known().read_at.is_some() {
                self.reading.try_lock().ok()
            } else {
                Some(self.reading.lock().await)
            };
            // Without a turn somebody else is reading, and what was known still serves.
            if turn.is_some() && !self.is_fresh(app) {
                self.read(app).await;
            }
        }
        self.is_known(origin)
    }

    fn is_known(&self, origin: &HeaderValue) -> bool {
        origin.to_str().is_ok_and(|origin| self.known().origins.contains(origin))
    }

    fn is_fresh(&self, app: &App) -> bool {
        self.known().read_at.is_some_and(|read_at| (app.clock.now() - read_at).abs() < FRESH)
    }

    async fn read(&self, app: &App) {
        let now = app.clock.now();
        let bound = api_key::Entity::find()
            .select_only()
            .column(api_key::Column::Origins)
            .filter(api_key::Column::Origins.is_not_null())
            .filter(api_key::Column::RevokedAt.is_null())
            .filter(api_key::Column::ExpiresAt.gt(now))
            .into_tuple::<Json>()
            .all(app.db.reader());
        let read = tokio::time::timeout(READ_TIMEOUT, bound).await;
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        // Also after a failure: the next attempt waits its time.
        known.read_at = Some(now);
        match read {
            Ok(Ok(lists)) => {
                let lists = lists.iter().filter_map(Json::as_array).flatten();
                known.origins = lists.filter_map(Json::as_str).map(str::to_owned).collect();
            }
            Ok(Err(error)) => tracing::warn!(%error, "the origins of keys could not be read"),
            Err(_elapsed) => tracing::warn!("the origins of keys could not be read in time"),
        }
    }

    fn known(&self) -> std::sync::RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vary_keeps_what_it_has() {
        for (before, after) in [
            (&[] as &[&str], "Origin"),
            (&["Accept-Language"], "Accept-Language, Origin"),
            (&["Accept-Language", "Authorization"], "Accept-Language, Authorization, Origin"),
            (&["accept, origin"], "accept, origin"),
        ] {
            let mut headers = HeaderMap::new();
            for value in before {
                headers.append(header::VARY, HeaderValue::from_static(value));
            }
            vary(&mut headers);
            assert_eq!(headers.get(header::VARY).unwrap(), after);
        }
    }

    #[test]
    fn only_one_web_origin_counts() {
        let with = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::ORIGIN, value.parse().unwrap());
            }
            origin(&headers)
        };
        assert!(with(&["https://ok.org"]).is_some());
        for values in [&[] as &[&str], &["null"], &["*"], &[""], &["https://ok.org", "https://ok.org"]] {
            assert_eq!(with(values), None, "{values:?}");
        }
    }
}
