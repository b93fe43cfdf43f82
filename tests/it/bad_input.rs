//! Bad input: one clear problem, all mistakes at once, and nothing changed.

mod fields;

use axum::http::Method;
use serde_json::{Value, json};

use crate::{
    app::{Answer, As, TestApp, topic},
    editing::edit,
};

const JSON: (&str, &str) = ("content-type", "application/json");

/// Fails unless `answer` is a whole problem document of this status and code.
fn is_problem(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status.as_u16(), answer.code()), (status, code), "{}", answer.text);
    assert_eq!(answer.header("content-type"), "application/problem+json");
    let members = ["type", "title", "status", "detail", "code", "errors", "request_id"];
    let names: Vec<&String> = answer.body.as_object().unwrap().keys().collect();
    assert_eq!(names, members);
    assert_eq!(answer.body["type"], format!("/problems/{code}"));
    assert_eq!(answer.body["status"], status);
    assert_eq!(answer.body["request_id"], answer.header("x-request-id"));
    assert!(answer.body["title"].is_string() && answer.body["detail"].is_string());
}

/// Sends bodies that must all be refused, and looks whether anything has changed.
async fn refuses(service: &TestApp, path: &str, status: u16, code: &str, bodies: &[&[u8]]) {
    service.credential(As::Editor).await;
    let before = service.rows().await;
    for body in bodies {
        let answer = service.send_bytes(Method::POST, path, As::Editor, &[JSON], body.to_vec()).await;
        is_problem(&answer, status, code);
    }
    assert_eq!(service.rows().await, before);
}

/// Fails unless `collection` refuses `good` changed by `patch`, because of `places` alone.
async fn refuses_at(service: &TestApp, collection: &str, good: Value, patch: Value, places: &[&str]) {
    let mut body = good;
    sogep::http::json::merge(&mut body, patch.clone());
    service.credential(As::Editor).await;
    let before = service.rows().await;
    let answer = service.post(&format!("/v1/{collection}"), As::Editor, body).await;
    is_problem(&answer, 422, "invalid");
    assert_eq!(service.rows().await, before);
    assert_eq!(answer.places(), places, "{patch}: {}", answer.text);
    let errors = answer.body["errors"].as_array().unwrap();
    assert!(errors.iter().all(|error| !error["code"].as_str().unwrap().is_empty()));
}

#[tokio::test]
async fn what_is_not_there_and_what_cannot_be_done_there_are_told_apart() {
    let service = TestApp::start().await;
    for path in [
        "/",
        "/v1",
        "/v1/",
        "/v2/topics",
        "/v1/books",
        "/v1/topics/",
        "/v1/topics/a/b",
        "/v1/topics/%FF",
        "//v1/topics",
        "/V1/topics",
    ] {
        is_problem(&service.get(path, As::Editor).await, 404, "not-found");
    }
    for (method, path, allowed) in [
        (Method::PUT, "/v1/topics", "GET,HEAD,POST"),
        (Method::DELETE, "/v1/topics", "GET,HEAD,POST"),
        (Method::POST, "/v1/topics/a", "GET,HEAD,PATCH,DELETE"),
        (Method::PUT, "/v1/topics/a", "GET,HEAD,PATCH,DELETE"),
        (Method::GET, "/v1/topics/a/restore", "POST"),
        (Method::POST, "/v1/organisation", "GET,HEAD,PATCH"),
        (Method::GET, "/v1/auth/login", "POST"),
        (Method::from_bytes(b"BREW").unwrap(), "/v1/topics", "GET,HEAD,POST"),
        (Method::OPTIONS, "/v1/topics", "GET,HEAD,POST"),
    ] {
        let refused = service.send(method.clone(), path, As::Editor, &[], None).await;
        is_problem(&refused, 405, "method-not-allowed");
        let mut allow: Vec<&str> = refused.header("allow").split(',').map(str::trim).collect();
        let mut expected: Vec<&str> = allowed.split(',').collect();
        allow.sort_unstable();
        expected.sort_unstable();
        assert_eq!(allow, expected, "{method} {path}");
    }
}

#[tokio::test]
async fn parameters_that_are_unknown_repeated_or_unclean_are_named() {
    let service = TestApp::start().await;
    for (query, places) in [
        ("lmit=5", vec!["lmit"]),
        ("limit=5&limit=6", vec!["limit"]),
        ("locale=tr&LOCALE=tr", vec!["LOCALE"]),
        ("a=1&b=2&limit=0", vec!["a", "b", "limit"]),
        ("cursor=%00", vec!["cursor"]),
        ("locale=%FF", vec!["locale"]),
        ("limit=%E2%80%AE5", vec!["limit"]),
        ("=1", vec![""]),
    ] {
        let refused = service.get(&format!("/v1/topics?{query}"), As::Publishable).await;
        is_problem(&refused, 400, "invalid-parameter");
        assert_eq!(refused.places(), places, "{query}");
    }
    let refused = service.get("/v1/topics?lmit=5", As::Publishable).await;
    assert!(
        refused.body["errors"][0]["detail"].as_str().unwrap().contains("`limit`"),
        "the nearest known one"
    );
}

#[tokio::test]
async fn what_is_not_one_json_document_is_refused() {
    let service = TestApp::start().await;
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let bodies: [&[u8]; 17] = [
        b"",
        b" ",
        b"{",
        b"{'a': 1}",
        b"{\"translations\": {},}",
        b"{\"translations\": {}} {}",
        b"{\"translations\": {}} x",
        b"{\"translations\": {}, \"translations\": {}}",
        b"{\"translations\": {\"tr\": {\"label\": \"a\", \"label\": \"b\"}}}",
        b"{\"position\": NaN}",
        b"{\"position\": 1e999}",
        b"{\"position\": 01}",
        b"{\"a\": \"\x01\"}",
        b"{\"a\": \"\\ud800\"}",
        b"{\"a\": \"\xff\"}",
        b"\xef\xbb\xbf{\"translations\": {}}",
        nested(65).leak().as_bytes(),
    ];
    refuses(&service, "/v1/topics", 400, "malformed-body", &bodies).await;
    let deep = nested(64);
    refuses(
        &service,
        "/v1/topics",
        422,
        "invalid",
        &[deep.as_bytes(), b"[]", b"null", b"\"x\"", b"1", b"{}"],
    )
    .await;
    refuses(&service, "/v1/auth/login", 422, "invalid", &[b"{}", b"[]", b"{\"email\": 1, \"password\": 2}"])
        .await;
}

#[tokio::test]
async fn only_plain_json_is_taken() {
    let service = TestApp::start().await;
    let path = service.published("topics", topic("Konu")).await;
    let before = service.rows().await;
    let body = topic("Yeni").to_string();
    let with = async |method: Method, path: &str, headers: &[(&str, &str)]| {
        service.send_bytes(method, path, As::Editor, headers, body.clone()).await
    };
    for media_type in [
        "text/plain",
        "application/xml",
        "application/merge-patch+json",
        "multipart/form-data",
        "application/json; charset=iso-8859-9",
        "",
    ] {
        let refused = with(Method::POST, "/v1/topics", &[("content-type", media_type)]).await;
        is_problem(&refused, 415, "unsupported-media-type");
    }
    is_problem(&with(Method::POST, "/v1/topics", &[]).await, 415, "unsupported-media-type");
    for encoding in ["gzip", "br", "identity"] {
        let refused = with(Method::POST, "/v1/topics", &[JSON, ("content-encoding", encoding)]).await;
        is_problem(&refused, 415, "unsupported-media-type");
    }
    let guard = ("if-match", "\"2.x\"");
    let refused = with(Method::PATCH, &path, &[("content-type", "application/json-patch+json"), guard]).await;
    is_problem(&refused, 415, "unsupported-media-type");
    assert_eq!(service.rows().await, before);
    for media_type in ["application/json; charset=UTF-8", "Application/JSON"] {
        let taken = with(Method::POST, "/v1/topics", &[("content-type", media_type)]).await;
        assert_eq!(taken.status, 201, "{media_type}: {}", taken.text);
    }
    let merge = ("content-type", "application/merge-patch+json");
    assert_eq!(with(Method::PATCH, &path, &[merge, guard]).await.status, 200);
}

#[tokio::test]
async fn a_body_an_address_and_an_appetite_have_their_limits() {
    let service = TestApp::start().await;
    let largest = 256 * 1024;
    let mut body = topic("Konu").to_string();
    body.push_str(&" ".repeat(largest + 1 - body.len()));
    refuses(&service, "/v1/topics", 413, "payload-too-large", &[body.as_bytes()]).await;
    let announced = [JSON, ("content-length", "99999999")];
    let refused = service.send_bytes(Method::POST, "/v1/topics", As::Editor, &announced, "{}").await;
    is_problem(&refused, 413, "payload-too-large");
    let taken =
        service.send_bytes(Method::POST, "/v1/topics", As::Editor, &[JSON], body[..largest].to_owned()).await;
    assert_eq!(taken.status, 201, "{}", taken.text);
    let long = format!("/v1/topics?cursor={}", "a".repeat(9 * 1024));
    is_problem(&service.get(&long, As::Editor).await, 414, "uri-too-long");
    for accept in ["text/html", "application/xml, text/*", "application/json;q=0"] {
        let headers = [("accept", accept)];
        let refused = service.send(Method::GET, "/v1/topics", As::Editor, &headers, None).await;
        is_problem(&refused, 406, "not-acceptable");
    }
    for accept in ["*/*", "application/json", "text/html, application/*;q=0.5"] {
        let headers = [("accept", accept)];
        assert_eq!(service.send(Method::GET, "/v1/topics", As::Editor, &headers, None).await.status, 200);
    }
}

#[tokio::test]
async fn what_the_service_keeps_itself_cannot_be_sent() {
    let service = TestApp::start().await;
    let kept = json!({
        "id": "01930000-0000-7000-8000-000000000000", "kind": "topic", "state": "published", "version": 7,
        "created_at": "2020-01-01T00:00:00Z", "created_by": null, "updated_at": "2020-01-01T00:00:00Z",
        "published_at": "2020-01-01T00:00:00Z", "deleted_at": null, "locale": "tr", "consented": true, "sort_key": "a",
    });
    let places: Vec<String> = kept.as_object().unwrap().keys().map(|name| format!("/{name}")).collect();
    let path = service.published("topics", topic("Konu")).await;
    let before = service.rows().await;
    let mut body = topic("Başka");
    body.as_object_mut().unwrap().extend(kept.as_object().unwrap().clone());
    let mut answers =
        vec![service.post("/v1/topics", As::Editor, body).await, edit(&service, &path, kept).await];
    for answer in &mut answers {
        is_problem(answer, 422, "invalid");
        let mut found = answer.places();
        found.sort_unstable();
        let mut expected = places.clone();
        expected.sort_unstable();
        assert_eq!(found, expected);
        assert!(
            answer.body["errors"].as_array().unwrap().iter().all(|error| error["code"] == "unknown_field")
        );
    }
    assert_eq!(service.rows().await, before);
}

#[tokio::test]
async fn every_mistake_of_a_body_is_told_at_once() {
    let service = TestApp::start().await;
    let body = json!({
        "slug": "Büyük Harf", "visibility": "secret", "original_locale": "tr", "topics": "siddet", "nonsense": 1,
        "type": "novel", "issued": "yesterday", "languages": [7], "authors": [{ "name": " ", "rank": 1 }],
        "identifiers": [{ "scheme": "doi" }, { "scheme": "fax", "value": "1" }],
        "translations": { "tr": { "title": "a\u{202E}b", "summary": 5, "headline": "x" } },
    });
    let refused = service.post("/v1/publications", As::Editor, body).await;
    is_problem(&refused, 422, "invalid");
    let mut places = refused.places();
    places.sort_unstable();
    let expected = [
        "/authors/0/name",
        "/authors/0/rank",
        "/identifiers/0/value",
        "/identifiers/1/scheme",
        "/issued",
        "/languages/0",
        "/nonsense",
        "/slug",
        "/topics",
        "/translations/tr/headline",
        "/translations/tr/summary",
        "/translations/tr/title",
        "/type",
        "/visibility",
    ];
    assert_eq!(places, expected);
    insta::assert_json_snapshot!("many_mistakes", refused.body);
    let many: serde_json::Map<String, Value> =
        (0..300).map(|number| (format!("x{number}"), Value::Null)).collect();
    let refused = service.post("/v1/publications", As::Editor, many.into()).await;
    is_problem(&refused, 422, "invalid");
    assert!((100..=101).contains(&refused.places().len()), "and no answer is endless");
}

#[tokio::test]
async fn every_problem_is_explained_where_its_type_leads() {
    let service = TestApp::start().await;
    let list = service.get("/problems", As::Nobody).await;
    let codes = list.body.as_array().unwrap();
    assert!(codes.len() > 15);
    for problem in codes {
        let code = problem["code"].as_str().unwrap();
        let one = service.get(&format!("/problems/{code}"), As::Nobody).await;
        assert_eq!((one.status.as_u16(), &one.body), (200, problem));
    }
    is_problem(&service.get("/problems/nonsense", As::Nobody).await, 404, "not-found");
}
