//! Which web pages may read the answers.

use axum::{
    body::Body,
    http::{HeaderValue, Method, Request, StatusCode},
    response::IntoResponse,
};
use chrono::TimeDelta;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, sea_query::Expr};
use serde_json::json;
use sogep::{
    entity::{
        api_key,
        vocabulary::{ActorType, KeyType},
    },
    http::{Exchange, cors},
};

use crate::app::{Answer, As, TestApp};

const ALLOWED: &str = "access-control-allow-origin";

/// Asks whether a page at `origin` may call.
pub async fn preflight(service: &TestApp, path: &str, origin: &str) -> Answer {
    let request = Request::builder()
        .method(Method::OPTIONS)
        .uri(path)
        .header("origin", origin)
        .header("access-control-request-method", "PATCH")
        .header("access-control-request-headers", "authorization,if-match");
    service.raw(request.body(Body::empty()).unwrap()).await
}

/// A service with the configured origin `https://admin.org` and a key bound to `https://ok.org`.
async fn service() -> TestApp {
    let service = TestApp::with(&[("SOGEP_CORS_ORIGINS", "https://admin.org")]).await;
    service.key(KeyType::Publishable, Vec::new()).await;
    set(&service, api_key::Column::Origins, Expr::value(json!(["https://ok.org"]))).await;
    service
}

async fn set(service: &TestApp, column: api_key::Column, value: Expr) {
    let tx = service.app.db.begin().await.unwrap();
    let update = api_key::Entity::update_many().col_expr(column, value);
    update.filter(api_key::Column::Type.eq(KeyType::Publishable)).exec(&tx).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_page_may_call_when_its_very_origin_is_known() {
    let service = service().await;
    for origin in ["https://admin.org", "https://ok.org"] {
        for path in ["/v1/topics", "/v1/auth/login", "/v1/nowhere"] {
            let asked = preflight(&service, path, origin).await;
            assert_eq!((asked.status, asked.text.as_str()), (StatusCode::NO_CONTENT, ""));
            assert_eq!((asked.header(ALLOWED), asked.header("vary")), (origin, "Origin"));
            assert_eq!(asked.header("access-control-max-age"), "7200");
            assert!(asked.header("access-control-allow-methods").contains("PATCH"));
            assert!(asked.header("access-control-allow-headers").contains("if-match"));
        }
        let refused = service.send(Method::GET, "/v1/topics", As::Nobody, &[("origin", origin)], None).await;
        assert_eq!((refused.status.as_u16(), refused.header(ALLOWED)), (401, origin));
        assert!(refused.header("access-control-expose-headers").contains("RateLimit-Policy"));
    }
    for origin in [
        "null",
        "*",
        "https://ok.org.evil.com",
        "https://evilok.org",
        "http://ok.org",
        "https://ok.org:8443",
        "https://OK.org",
        "https://ok.org/",
        "https://ok.org, https://admin.org",
    ] {
        let asked = preflight(&service, "/v1/topics", origin).await;
        assert_eq!((asked.status.as_u16(), asked.header(ALLOWED), asked.header("vary")), (204, "", "Origin"));
        assert_eq!(asked.header("access-control-allow-methods"), "");
        for who in [As::Nobody, As::Viewer] {
            let read = service.send(Method::GET, "/v1/topics", who, &[("origin", origin)], None).await;
            assert_eq!(read.header(ALLOWED), "", "{origin}");
            assert!(read.header("vary").contains("Origin"), "{origin}");
        }
    }
}

#[tokio::test]
async fn the_page_of_a_key_reads_no_answer_to_another_credential() {
    let service = service().await;
    let read = async |origin: &str, who: As| {
        let read = service.send(Method::GET, "/v1/topics", who.clone(), &[("origin", origin)], None).await;
        assert_eq!(read.status, 200);
        assert_eq!(read.header("access-control-allow-credentials"), "");
        let coded = if who == As::Publishable { " accept-encoding," } else { "" };
        assert_eq!(read.header("vary"), format!("authorization, accept-language,{coded} Origin"));
        read.header(ALLOWED).to_owned()
    };
    assert_eq!(read("https://admin.org", As::Editor).await, "https://admin.org");
    assert_eq!(read("https://admin.org", As::Publishable).await, "https://admin.org");
    assert_eq!(read("https://ok.org", As::Editor).await, "");
    assert_eq!(read("https://ok.org", As::Partner).await, "");
    // What the check of a bound key says of its own page.
    let origin = HeaderValue::from_static("https://ok.org");
    for (is_bound, expected) in [(false, None), (true, Some(&origin))] {
        let exchange = Exchange::new("test", None);
        exchange.called_by(ActorType::Key, service.app.clock.id());
        if is_bound {
            exchange.allow_origin();
        }
        let mut response = StatusCode::OK.into_response();
        cors::open(&service.app, &exchange, Some(origin.clone()), &mut response).await;
        assert_eq!(response.headers().get(ALLOWED), expected);
    }
}

#[tokio::test]
async fn the_origins_of_keys_are_read_every_five_seconds_and_outlive_the_database() {
    let service = service().await;
    let allowed =
        async || preflight(&service, "/v1/topics", "https://ok.org").await.headers.contains_key(ALLOWED);
    assert!(allowed().await);
    let (statements, _) = service.statements(allowed()).await;
    assert_eq!(statements, 0);
    let rename = async |from: &str, to: &str| {
        let tx = service.app.db.begin().await.unwrap();
        tx.execute_unprepared(&format!("ALTER TABLE {from} RENAME TO {to}")).await.unwrap();
        tx.commit().await.unwrap();
    };
    rename("api_key", "gone").await;
    service.app.clock.advance(TimeDelta::seconds(6));
    assert!(allowed().await, "the database fails");
    rename("gone", "api_key").await;
    set(&service, api_key::Column::RevokedAt, Expr::value(service.app.clock.now())).await;
    assert!(allowed().await, "not read yet");
    service.app.clock.advance(TimeDelta::seconds(6));
    assert!(!allowed().await);
}
