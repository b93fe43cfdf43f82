//! What surrounds every request: its id, its place, its deadline, its log line, the headers of every
//! answer, and the problem document when it fails.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures_util::FutureExt;
use tracing::Instrument;

use super::{
    Code, Error, Exchange, Result, address, conditional, cors,
    error::Problem,
    extract, limits,
    peer::Refused,
    places::{Class, Place},
};
use crate::{
    app::App,
    cache::Made,
    entity::vocabulary::{ActorType, AuditAction},
    telemetry::{self, Answered},
    trail::Event,
};

/// How long a handler may take, the body's arrival included (SECURITY.md I-04).
const HANDLER_TIMEOUT: Duration = Duration::from_secs(40);
/// How long a request about many entries may take.
const BULK_TIMEOUT: Duration = Duration::from_mins(5);
/// How long an address may be, in bytes (SECURITY.md I-03).
const MAX_URI_BYTES: usize = 8 * 1024;

/// What is answered below `/v1`, and the ranges of `Accept` that leave room for it.
const JSON: (&str, &[&str]) =
    ("application/json", &["*/*", "application/*", "application/json", "application/problem+json"]);
/// The route that answers with events, and what leaves room for them.
const STREAM: &str = "/v1/changes/stream";
const EVENTS: (&str, &[&str]) = ("text/event-stream", &["*/*", "text/*", "text/event-stream"]);
/// What leaves room for a file, or for why there is none.
const FILES: (&str, &[&str]) = (
    "text/csv` or `application/x-ndjson",
    &[
        "*/*",
        "application/*",
        "text/*",
        "text/csv",
        "application/x-ndjson",
        "application/json",
        "application/problem+json",
    ],
);

/// The header that says when the key of a request expires, from a fortnight before (RFC 9110, section 5.6.7).
pub const KEY_EXPIRES: HeaderName = HeaderName::from_static("key-expires");

/// The header that carries the request id.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The template of the route of an answer that may be kept.
#[derive(Clone, Debug)]
pub struct Route(pub Arc<str>);

/// Headers of every answer (SECURITY.md I-15). The documentation page brings its own policy.
pub const SECURITY_HEADERS: [(HeaderName, &str); 6] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::STRICT_TRANSPORT_SECURITY, "max-age=63072000; includeSubDomains"),
    (HeaderName::from_static("cross-origin-resource-policy"), "cross-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

/// Serves one request inside its envelope.
pub async fn envelope(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let started = std::time::Instant::now();
    let id = app.clock.secret_id().simple().to_string();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let exchange = Exchange::new(&id, address::client(&request, &app.config.trusted_proxies));
    request.extensions_mut().insert(exchange.clone());
    let origin = cors::origin(request.headers());
    let path = request.uri().path();
    let is_in_v1 = path == "/v1" || path.starts_with("/v1/");
    let is_preflight = cors::is_preflight(&method, request.headers());
    let response = if is_preflight {
        cors::preflight(&app, origin.as_ref()).await
    } else {
        let span = tracing::info_span!("request", id);
        served(&app, &exchange, route.as_deref(), request, next).instrument(span).await
    };
    // A write is acknowledged when nothing here shows what was before it.
    if !matches!(method, Method::GET | Method::HEAD | Method::OPTIONS) && !response.status().is_client_error()
    {
        app.cache.hearing.catch_up(&app).await;
    }
    app.metrics.answered(
        shown(&method),
        route.as_deref(),
        Class::of(route.as_deref()),
        &response,
        started.elapsed(),
    );
    if response.status() == StatusCode::FORBIDDEN {
        note_refusal(&app, &exchange, &method, route.as_deref());
    }
    let mut response = written(response, &id);
    if response.extensions().get::<Made>().is_some() {
        let route = route.as_deref().unwrap_or_default().into();
        response.extensions_mut().insert(Route(route));
    }
    if is_in_v1 && !is_preflight {
        cors::open(&app, &exchange, origin, &mut response).await;
    }
    finish(&exchange, response.headers_mut());
    telemetry::answered(&Answered {
        request_id: &id,
        method: shown(&method),
        route: route.as_deref().unwrap_or("(none)"),
        status: response.status().as_u16(),
        caller: exchange.caller().map(|(_, id)| id),
        took: started.elapsed(),
    });
    response
}

/// Serves a request, unless it is refused, or there is no place for it, or its sender has asked too
/// often; what costs least to find out comes first.
async fn served(
    app: &App,
    exchange: &Exchange,
    route: Option<&str>,
    request: Request,
    next: Next,
) -> Response {
    let admitted = match refuse_at_once(route, &request) {
        Ok(()) => admitted(app, exchange, route, request).await,
        Err(error) => Err(error),
    };
    match admitted {
        Ok((request, place)) => {
            let response = answered(route, request, next).await;
            drop(place);
            response
        }
        Err(error) => error.into_response(),
    }
}

async fn admitted(
    app: &App,
    exchange: &Exchange,
    route: Option<&str>,
    request: Request,
) -> Result<(Request, Place)> {
    let class = Class::of(route);
    if class == Some(Class::SignIn) {
        limits::charge_route(app, exchange, request.method(), route).await?;
        let request = extract::arrived(request).await?;
        return Ok((request, app.places.take(class).await?));
    }
    let place = app.places.take(class).await?;
    limits::charge_route(app, exchange, request.method(), route).await?;
    Ok((request, place))
}

/// Says in the audit trail that somebody may not do what they asked for.
fn note_refusal(app: &App, exchange: &Exchange, method: &Method, route: Option<&str>) {
    let (actor_type, actor_id) = exchange.caller().unzip();
    let operation = format!("{} {}", shown(method), route.unwrap_or("(none)"));
    let event = Event::refused(AuditAction::AuthzFail, "permission").on("operation", operation);
    let event = event.by(actor_type.unwrap_or(ActorType::Nobody), actor_id);
    app.trail.note(event.in_request(Some(exchange.request_id())));
}

/// Adds the headers of every answer.
fn finish(exchange: &Exchange, headers: &mut HeaderMap) {
    for (name, value) in SECURITY_HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if let Ok(value) = HeaderValue::from_str(&exchange.request_id()) {
        headers.insert(REQUEST_ID, value);
    }
    if let Some(charge) = exchange.charge() {
        charge.write(headers);
    }
    if let Some(expires) = exchange.key_expiry() {
        headers.extend(conditional::date(expires).map(|date| (KEY_EXPIRES, date)));
    }
}

/// The method for the log: one that HTTP does not define could hold anything.
fn shown(method: &Method) -> &'static str {
    let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"];
    known.into_iter().find(|known| *known == method.as_str()).unwrap_or("(other)")
}

fn refuse_at_once(route: Option<&str>, request: &Request) -> Result<()> {
    if let Some(refused) = request.extensions().get::<Refused>() {
        return Err((*refused).into());
    }
    let uri = request.uri();
    let length = uri.path_and_query().map_or(0, |path| path.as_str().len());
    if length > MAX_URI_BYTES {
        let detail = format!("an address may have {MAX_URI_BYTES} bytes");
        return Err(Error::Problem(Code::UriTooLong, detail));
    }
    let (answer, ranges) = match route {
        Some(STREAM) => EVENTS,
        _ if uri.path().ends_with(":export") => FILES,
        _ => JSON,
    };
    if uri.path().starts_with("/v1") && !accepts(ranges, request.headers()) {
        return Err(Error::Problem(Code::NotAcceptable, format!("the answer is `{answer}`")));
    }
    Ok(())
}

/// Whether `Accept` leaves room for JSON.
#[must_use]
pub fn accepts_json(headers: &HeaderMap) -> bool {
    accepts(JSON.1, headers)
}

/// Whether `Accept` names one of `ranges`. Source: RFC 9110, section 12.5.1.
fn accepts(ranges: &[&str], headers: &HeaderMap) -> bool {
    let mut lists = headers.get_all(header::ACCEPT).iter().peekable();
    if lists.peek().is_none() {
        return true;
    }
    lists.filter_map(|value| value.to_str().ok()).flat_map(|list| list.split(',')).any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default().to_ascii_lowercase();
        let excluded = parts.any(|part| matches!(part, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"));
        !excluded && ranges.contains(&name.as_str())
    })
}

async fn answered(route: Option<&str>, request: Request, next: Next) -> Response {
    let is_bulk = Class::of(route) == Some(Class::Bulk);
    let patience = if is_bulk { BULK_TIMEOUT } else { HANDLER_TIMEOUT };
    let handled = AssertUnwindSafe(next.run(request)).catch_unwind();
    match tokio::time::timeout(patience, handled).await {
        Ok(Ok(response)) => response,
        Ok(Err(panic)) => {
            let message = panic
                .downcast_ref::<&str>()
                .map(|text| (*text).to_owned())
                .or_else(|| panic.downcast_ref::<String>().cloned());
            Error::internal(message.unwrap_or_else(|| "a handler panicked".to_owned())).into_response()
        }
        Err(_elapsed) => {
            let detail = "the answer took too long to make".to_owned();
            Error::Problem(Code::Unavailable, detail).into_response()
        }
    }
}

/// The answer with its problem document written out.
fn written(mut response: Response, id: &str) -> Response {
    // What axum refuses by itself comes without a problem.
    if response.extensions().get::<Problem>().is_none() && response.status() == StatusCode::METHOD_NOT_ALLOWED
    {
        let detail = "this address does not take that method".to_owned();
        let mut problem = Error::Problem(Code::MethodNotAllowed, detail).into_response();
        problem
            .headers_mut()
            .extend(response.headers().get(header::ALLOW).map(|allow| (header::ALLOW, allow.clone())));
        response = problem;
    }
    let Some(mut problem) = response.extensions_mut().remove::<Problem>() else { return response };
    id.clone_into(&mut problem.request_id);
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.remove(header::CONTENT_LENGTH);
    *response.body_mut() = Body::from(body);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_refused_only_to_those_who_exclude_it() {
        for (accept, expected) in [
            ("application/json", true),
            ("*/*", true),
            ("text/html, */*;q=0.1", true),
            ("application/problem+json", true),
            ("text/html", false),
            ("application/json;q=0", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
            assert_eq!(accepts(JSON.1, &headers), expected, "{accept}");
        }
        assert!(accepts(JSON.1, &HeaderMap::new()));
    }
}
