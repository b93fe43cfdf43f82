//! Limits: how often one may ask, how many at once, and which pages may.

mod cors;
pub mod places;
mod shared;

use std::collections::BTreeMap;

use axum::http::{Method, StatusCode};
use chrono::TimeDelta;
use serde_json::json;
use sogep::{
    auth::Scope,
    entity::vocabulary::KeyType,
    http::{Exchange, limits},
};

use crate::app::{Answer, As, TestApp};

/// The one item of a field: its name and its parameters (RFC 9651: a string with integers).
fn item(field: &str) -> (&str, BTreeMap<&str, i64>) {
    let (name, parameters) = field.strip_prefix('"').unwrap().split_once('"').unwrap();
    let parameters = parameters.strip_prefix(';').unwrap().split(';').map(|parameter| {
        let (key, value) = parameter.split_once('=').unwrap();
        assert!(key.bytes().all(|byte| byte.is_ascii_lowercase()), "{field}");
        assert!(value.len() <= 15 && value.bytes().all(|byte| byte.is_ascii_digit()), "{field}");
        (key, value.parse().unwrap())
    });
    assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{field}");
    (name, parameters.collect())
}

/// What an answer says of its limit: name, quota, what is left, seconds.
fn told(answer: &Answer) -> (&str, i64, i64, i64) {
    let (policy, of_policy) = item(answer.header("ratelimit-policy"));
    let (name, state) = item(answer.header("ratelimit"));
    assert_eq!((policy, of_policy["w"], of_policy.len(), state.len()), (name, 60, 2, 2));
    (name, of_policy["q"], state["r"], state["t"])
}

/// How many of `count` requests to `path` are not told to wait.
async fn let_through(service: &TestApp, path: &str, who: As, count: usize) -> usize {
    let mut through = 0;
    for _ in 0..count {
        through += usize::from(service.get(path, who.clone()).await.status != 429);
    }
    through
}

#[tokio::test]
async fn a_burst_gets_exactly_its_quota_and_every_answer_tells_what_is_left() {
    let service = TestApp::with(&[("SOGEP_RATE_LIMIT_READ", "5")]).await;
    for left in (0..5).rev() {
        let read = service.get("/v1/publications", As::Viewer).await;
        assert_eq!(read.status, 200);
        assert_eq!(told(&read), ("read", 5, left, 12 * (5 - left)));
    }
    let refused = service.get("/v1/publications/yok", As::Viewer).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::TOO_MANY_REQUESTS, "quota-exceeded"));
    assert_eq!(refused.body["violated-policies"], json!(["read"]));
    assert_eq!(refused.header("content-type"), "application/problem+json");
    assert_eq!(told(&refused), ("read", 5, 0, 12));
    assert_eq!(refused.header("retry-after"), "12");
    service.app.clock.advance(TimeDelta::milliseconds(11_999));
    assert_eq!(service.get("/v1/publications", As::Viewer).await.header("retry-after"), "1");
    service.app.clock.advance(TimeDelta::milliseconds(1));
    assert_eq!(let_through(&service, "/v1/publications", As::Viewer, 3).await, 1);
    service.app.clock.advance(TimeDelta::minutes(5));
    assert_eq!(let_through(&service, "/v1/publications", As::Viewer, 9).await, 5);
}

#[tokio::test]
async fn an_operation_that_does_much_costs_more() {
    let service = TestApp::with(&[("SOGEP_RATE_LIMIT_WRITE", "25")]).await;
    for (status, left) in [(422, 15), (422, 5), (429, 5)] {
        let made = service.post("/v1/keys", As::Owner, json!({})).await;
        assert_eq!(made.status, status);
        assert_eq!(told(&made).2, left, "a request that fails costs the same");
    }
    let cheap = service.post("/v1/topics", As::Owner, json!({})).await;
    assert_eq!((cheap.status.as_u16(), told(&cheap).2), (422, 4));
}

#[tokio::test]
async fn every_credential_has_its_own_quota_for_reading_and_for_writing() {
    let limits = [("SOGEP_RATE_LIMIT_READ", "2"), ("SOGEP_RATE_LIMIT_WRITE", "1")];
    let service = TestApp::with(&limits).await;
    for who in [As::Editor, As::Author, As::Partner] {
        assert_eq!(let_through(&service, "/v1/topics", who, 4).await, 2);
    }
    let written = service.post("/v1/topics", As::Editor, json!({})).await;
    assert_eq!((written.status.as_u16(), told(&written).0), (422, "write"));
    assert_eq!(service.post("/v1/topics", As::Editor, json!({})).await.status, 429);
}

#[tokio::test]
async fn each_visitor_of_a_page_has_a_quota_and_a_secret_key_has_one_wherever_it_is() {
    let service = TestApp::with(&[("SOGEP_RATE_LIMIT_READ", "2")]).await;
    let secret = As::Bearer(service.key(KeyType::Secret, vec![Scope::ContentRead]).await);
    for (who, peer, status) in [
        (As::Publishable, "192.0.2.1", 200),
        (As::Publishable, "192.0.2.1", 200),
        (As::Publishable, "192.0.2.1", 429),
        (As::Publishable, "192.0.2.2", 200),
        (secret.clone(), "192.0.2.1", 200),
        (secret.clone(), "192.0.2.2", 200),
        (secret.clone(), "192.0.2.3", 429),
    ] {
        let read = service.get_from(peer, "/v1/topics", who, &[]).await;
        assert_eq!(read.status, status, "{peer}");
    }
    assert_eq!(let_through(&service, "/v1/topics", As::Publishable, 3).await, 2, "without an address");
}

#[tokio::test]
async fn strangers_are_counted_by_address_or_by_network() {
    let limits = [("SOGEP_RATE_LIMIT_ANONYMOUS", "2"), ("SOGEP_TRUSTED_PROXIES", "10.0.0.0/8")];
    let service = TestApp::with(&limits).await;
    for (peer, forwarded, status) in [
        ("2001:db8:0:1::1", "", 200),
        ("2001:db8:0:1::2", "", 200),
        ("2001:db8:0:1:ffff::3", "", 429),
        ("2001:db8:0:2::1", "", 200),
        ("192.0.2.1", "", 200),
        ("192.0.2.1", "198.51.100.1", 200),
        ("192.0.2.1", "198.51.100.2", 429),
        ("::ffff:192.0.2.1", "10.0.0.1", 429),
        ("192.0.2.2", "", 200),
        ("10.0.0.1", "203.0.113.1", 200),
        ("10.0.0.2", "6.6.6.6, 203.0.113.1, 10.9.9.9", 200),
        ("10.0.0.1", "7.7.7.7, 203.0.113.1", 429),
        ("10.0.0.1", "203.0.113.1, 203.0.113.2", 200),
    ] {
        let mut headers = vec![("forwarded", "for=198.51.100.77"), ("x-real-ip", "198.51.100.78")];
        headers.extend((!forwarded.is_empty()).then_some(("x-forwarded-for", forwarded)));
        let read = service.get_from(peer, "/problems", As::Nobody, &headers).await;
        assert_eq!(read.status, status, "{peer} {forwarded}");
        assert_eq!(told(&read).0, "anonymous");
    }
    for path in ["/openapi.json", "/docs/", "/v1/publications", "/nowhere", "/v1/nowhere"] {
        assert_eq!(service.get_from("192.0.2.1", path, As::Nobody, &[]).await.status, 429, "{path}");
    }
    for path in ["/livez", "/readyz"] {
        let healthy = service.get_from("192.0.2.1", path, As::Nobody, &[]).await;
        assert_eq!((healthy.status.as_u16(), healthy.header("ratelimit")), (200, ""));
    }
    assert_eq!(service.get_from("192.0.2.1", "/v1/me", As::Viewer, &[]).await.status, 200);
    assert_eq!(let_through(&service, "/openapi.json", As::Nobody, 5).await, 5, "without an address");
}

#[tokio::test]
async fn another_spelling_of_an_address_is_no_other_bucket() {
    let limits = [("SOGEP_RATE_LIMIT_READ", "7"), ("SOGEP_RATE_LIMIT_SIGN_IN", "3")];
    let service = TestApp::with(&limits).await;
    let spellings = [
        "/v1/topics",
        "/v1/topics/",
        "/v1//topics",
        "/v1/TOPICS",
        "/v1/%74opics",
        "/v1/topics?limit=1",
        "/v1/topics?x=1",
    ];
    for path in spellings {
        assert_ne!(service.get("/v1/topics", As::Author).await.status, 429);
        assert_ne!(service.get(path, As::Editor).await.status, 429, "{path}");
    }
    for path in spellings {
        assert_eq!(service.get(path, As::Editor).await.status, 429, "{path}");
    }
    for (path, body, status) in [
        ("/v1/auth/login", json!({ "email": "a@sogep.example", "password": "yanlış" }), 401),
        ("/v1/auth/login?x", json!({ "email": "b@sogep.example", "password": "yanlış" }), 400),
        ("/v1/auth/refresh", json!({ "refresh_token": "sogep_rt_0" }), 401),
        ("/v1/auth/login", json!({ "email": "c@sogep.example", "EMAIL": "d", "password": "yanlış" }), 429),
        ("/v1/auth/LOGIN", json!({ "email": "a@sogep.example", "password": "yanlış" }), 401),
    ] {
        let tried = service.post_from("192.0.2.1", path, As::Nobody, body).await;
        assert_eq!(tried.status, status, "{path}: {}", tried.text);
    }
    let elsewhere = json!({ "email": "a@sogep.example", "password": "yanlış" });
    let tried = service.post_from("192.0.2.2", "/v1/auth/login", As::Nobody, elsewhere).await;
    assert_eq!((tried.status.as_u16(), told(&tried).0), (401, "sign_in"));
}

#[tokio::test]
async fn who_guesses_credentials_is_told_to_wait_and_nobody_else_is() {
    let service = TestApp::start().await;
    let fails = async |peer: &str| {
        let exchange = Exchange::new("test", Some(peer.parse().unwrap()));
        limits::charge_failure(&service.app, &exchange).await.is_ok()
    };
    for _ in 0..30 {
        assert!(fails("192.0.2.1").await);
    }
    assert!(!fails("192.0.2.1").await);
    assert!(fails("192.0.2.2").await);
    assert_eq!(service.get_from("192.0.2.1", "/v1/me", As::Viewer, &[]).await.status, 200);
    service.app.clock.advance(TimeDelta::seconds(2));
    assert!(fails("192.0.2.1").await && !fails("192.0.2.1").await);
}

/// The headers of an answer, but the request's id.
fn headers(answer: &Answer) -> Vec<String> {
    let shown = answer.headers.iter().filter(|(name, _)| *name != "x-request-id");
    let mut shown: Vec<String> =
        shown.map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
    shown.sort();
    shown
}

#[tokio::test]
async fn every_answer_has_the_headers_that_protect_it() {
    let limits = [("SOGEP_RATE_LIMIT_READ", "4"), ("SOGEP_CORS_ORIGINS", "https://admin.sogep.example")];
    let service = TestApp::with(&limits).await;
    let page = ("origin", "https://admin.sogep.example");
    let send = async |method, path, extra: &[(&str, &str)]| {
        service.send(method, path, As::Viewer, &[&[page], extra].concat(), None).await
    };
    let mut answers = BTreeMap::new();
    let read = send(Method::GET, "/v1/topics", &[]).await;
    let known = [("if-none-match", read.etag())];
    answers.insert("304", headers(&send(Method::GET, "/v1/topics", &known).await));
    answers.insert("404", headers(&send(Method::GET, "/v1/topics/yok", &[]).await));
    answers.insert("405", headers(&send(Method::PUT, "/v1/topics", &[]).await));
    send(Method::GET, "/v1/topics", &[]).await;
    answers.insert("429", headers(&send(Method::GET, "/v1/topics", &[]).await));
    answers.insert("200", headers(&read));
    answers.insert("401", headers(&service.get("/v1/topics", As::Nobody).await));
    answers.insert("OPTIONS", headers(&cors::preflight(&service, "/v1/topics", page.1).await));
    let held = places::fill(&service).await;
    answers.insert("503", headers(&send(Method::GET, "/v1/topics", &[]).await));
    drop(held);
    insta::assert_json_snapshot!("headers", answers);
}
