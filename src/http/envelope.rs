//! What surrounds every request: its id, its deadline, its log line, the headers of every answer,
//! and the problem document when it fails.

use std::{panic::AssertUnwindSafe, time::Duration};

use axum::{
    body::Body,
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures_util::FutureExt;
use tracing::Instrument;

use super::{Code, Error, Exchange, error::Problem, peer::Refused};
use crate::app::App;

/// How long a handler may take, the body's arrival included (SECURITY.md I-04).
const HANDLER_TIMEOUT: Duration = Duration::from_secs(40);
/// How long an address may be, in bytes (SECURITY.md I-03).
const MAX_URI_BYTES: usize = 8 * 1024;

/// The header that carries the request id.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Headers of every answer (SECURITY.md I-15). The documentation page brings its own policy.
const SECURITY_HEADERS: [(HeaderName, &str); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::STRICT_TRANSPORT_SECURITY, "max-age=63072000; includeSubDomains"),
    (HeaderName::from_static("cross-origin-resource-policy"), "cross-origin"),
];

/// Serves one request inside its envelope.
pub async fn envelope(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let started = std::time::Instant::now();
    let id = app.clock.secret_id().simple().to_string();
    let method = request.method().clone();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "(none)".to_owned(), |path| path.as_str().to_owned());
    let exchange = Exchange::new(&id);
    request.extensions_mut().insert(exchange.clone());
    let span = tracing::info_span!("request", id);
    let response = match refused_at_once(&request) {
        Some(error) => error.into_response(),
        None => answered(request, next).instrument(span).await,
    };
    let mut response = written(response, &id);
    let headers = response.headers_mut();
    for (name, value) in SECURITY_HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if let Ok(value) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, value);
    }
    tracing::info!(
        request_id = id,
        method = shown(&method),
        route,
        status = response.status().as_u16(),
        caller = exchange.caller().map(|(_, id)| tracing::field::display(id)),
        duration_ms = started.elapsed().as_secs_f64() * 1e3,
        "answered"
    );
    response
}

/// The method for the log: one that HTTP does not define could hold anything.
fn shown(method: &Method) -> &str {
    let known = [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::OPTIONS,
        Method::TRACE,
        Method::CONNECT,
    ];
    if known.contains(method) { method.as_str() } else { "(other)" }
}

fn refused_at_once(request: &Request) -> Option<Error> {
    if let Some(refused) = request.extensions().get::<Refused>() {
        return Some((*refused).into());
    }
    let uri = request.uri();
    let length = uri.path_and_query().map_or(0, |path| path.as_str().len());
    if length > MAX_URI_BYTES {
        let detail = format!("an address may have {MAX_URI_BYTES} bytes");
        return Some(Error::Problem(Code::UriTooLong, detail));
    }
    if uri.path().starts_with("/v1") && !accepts_json(request.headers()) {
        let detail = "the answer is `application/json`".to_owned();
        return Some(Error::Problem(Code::NotAcceptable, detail));
    }
    None
}

/// Whether `Accept` leaves room for JSON. Source: RFC 9110, section 12.5.1.
fn accepts_json(headers: &HeaderMap) -> bool {
    let mut lists = headers.get_all(header::ACCEPT).iter().peekable();
    if lists.peek().is_none() {
        return true;
    }
    lists.filter_map(|value| value.to_str().ok()).flat_map(|list| list.split(',')).any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default().to_ascii_lowercase();
        let excluded = parts.any(|part| matches!(part, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"));
        !excluded
            && matches!(
                name.as_str(),
                "*/*" | "application/*" | "application/json" | "application/problem+json"
            )
    })
}

async fn answered(request: Request, next: Next) -> Response {
    let handled = AssertUnwindSafe(next.run(request)).catch_unwind();
    match tokio::time::timeout(HANDLER_TIMEOUT, handled).await {
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
            assert_eq!(accepts_json(&headers), expected, "{accept}");
        }
        assert!(accepts_json(&HeaderMap::new()));
    }
}
