//! Keys: who makes them, and what they are good for.

use axum::http::{Method, StatusCode};
use chrono::TimeDelta;
use serde_json::{Value, json};
use sogep::{
    auth::Scope,
    entity::{
        user,
        vocabulary::{AccountRole, KeyType},
    },
};

use super::{EMAIL, PASSWORD, account, me, set, tokens};
use crate::app::{As, TestApp, now, topic};

/// Makes a key over HTTP; gives its secret and its address.
async fn make_key(service: &TestApp, who: As, body: Value) -> (String, String) {
    let made = service.post("/v1/keys", who, body).await;
    assert_eq!(made.status, 201, "{}", made.text);
    (made.body["secret"].as_str().unwrap().to_owned(), made.header("location").to_owned())
}

#[tokio::test]
async fn a_key_is_refused_once_it_is_mistyped_revoked_or_expired() {
    let service = TestApp::start().await;
    for body in [
        json!({ "type": "publishable", "name": "Ana sayfa", "expires_in_days": 1 }),
        json!({ "type": "secret", "name": "Sunucu", "scopes": ["content:read"], "expires_in_days": 1 }),
    ] {
        let (first, address) = make_key(&service, As::Admin, body.clone()).await;
        let (second, _) = make_key(&service, As::Owner, body.clone()).await;
        assert_eq!(me(&service, &first).await.status, 200);
        let last = if first.ends_with('0') { "1" } else { "0" };
        let mistyped = format!("{}{last}", &first[..first.len() - 1]);
        let mixed = format!("{}{}", &first[..30], &second[30..]);
        for wrong in [mistyped, mixed, first[..first.len() - 1].to_owned(), first.to_uppercase()] {
            assert_eq!(me(&service, &wrong).await.status, 401);
        }
        assert_eq!(service.delete(&address, As::Admin, "").await.status, 204);
        assert_eq!(me(&service, &first).await.status, 401);
        assert_eq!(service.get("/v1/topics", As::Bearer(first)).await.status, 401);
        let row = service.get(&address, As::Admin).await;
        assert!(row.body["revoked_at"].is_string(), "it stays in the list");
        assert_eq!(me(&service, &second).await.status, 200);
    }
    let (short, _) =
        make_key(&service, As::Owner, json!({ "type": "publishable", "name": "Kısa", "expires_in_days": 1 }))
            .await;
    service.app.clock.advance(TimeDelta::hours(24) - TimeDelta::seconds(1));
    assert_eq!(me(&service, &short).await.status, 200);
    service.app.clock.advance(TimeDelta::seconds(1));
    assert_eq!(me(&service, &short).await.status, 401);
}

#[tokio::test]
async fn a_key_can_do_no_more_than_who_made_it_can_do_now() {
    let service = TestApp::start().await;
    let id = account(&service, EMAIL, AccountRole::Admin).await;
    let (access, _) = tokens(&service).await;
    let scopes = json!(["content:read", "content:write", "content:publish"]);
    let body = json!({ "type": "secret", "name": "Sunucu", "scopes": scopes });
    let (secret, _) = make_key(&service, As::Bearer(access), body).await;
    let key = As::Bearer(secret.clone());
    let path = service.post("/v1/topics", key.clone(), topic("Konu")).await.header("location").to_owned();
    let publish = async |path: &str, state: &str| {
        let body = json!({ "to": state });
        service.post(&format!("{path}/transitions"), key.clone(), body).await.status.as_u16()
    };
    assert_eq!(publish(&path, "published").await, 200);
    set(&service, id, user::Column::Role, AccountRole::Author).await;
    assert_eq!(publish(&path, "archived").await, 403);
    assert_eq!(service.post("/v1/topics", key.clone(), topic("Başka")).await.status, 201);
    set(&service, id, user::Column::Role, AccountRole::Viewer).await;
    assert_eq!(service.post("/v1/topics", key.clone(), topic("Üç")).await.status, 403);
    assert_eq!(service.get("/v1/topics", key.clone()).await.status, 200);
    assert_eq!(me(&service, &secret).await.body["permissions"], json!(["read"]));
    set(&service, id, user::Column::DisabledAt, now()).await;
    assert_eq!(me(&service, &secret).await.status, 401);
}

#[tokio::test]
async fn keys_are_managed_by_administrators_and_never_by_keys() {
    let service = TestApp::start().await;
    let body = json!({ "type": "publishable", "name": "Ana sayfa" });
    let (_, address) = make_key(&service, As::Admin, body.clone()).await;
    let all =
        vec![Scope::ContentRead, Scope::ContentReadPartners, Scope::ContentWrite, Scope::ContentPublish];
    let strongest = As::Bearer(service.key(KeyType::Secret, all).await);
    for who in [As::Publishable, As::Partner, strongest, As::Viewer, As::Author, As::Editor] {
        for (method, path, body) in [
            (Method::GET, "/v1/keys", None),
            (Method::POST, "/v1/keys", Some(body.clone())),
            (Method::GET, address.as_str(), None),
            (Method::DELETE, address.as_str(), None),
        ] {
            let refused = service.send(method.clone(), path, who.clone(), &[], body).await;
            assert_eq!(
                (refused.status, refused.code()),
                (StatusCode::FORBIDDEN, "forbidden"),
                "{who:?} {method}"
            );
        }
    }
    for who in [As::Admin, As::Owner] {
        assert_eq!(service.get("/v1/keys", who).await.status, 200);
    }
}

#[tokio::test]
async fn a_secret_is_shown_once_and_kept_nowhere() {
    let service = TestApp::start().await;
    account(&service, EMAIL, AccountRole::Owner).await;
    let (access, refresh_token) = tokens(&service).await;
    let body = json!({ "type": "secret", "name": "Sunucu", "scopes": ["content:read"] });
    let (secret, address) = make_key(&service, As::Owner, body).await;
    let list = service.get("/v1/keys", As::Owner).await;
    let one = service.get(&address, As::Owner).await;
    let rows = service.rows().await.concat();
    let hidden = secret.rsplit_once('_').unwrap().1;
    for text in [&list.text, &one.text, &rows] {
        assert!(!text.contains(hidden));
    }
    assert!(!one.text.contains("hash"));
    for credential in [access.as_str(), &refresh_token, &refresh_token["sogep_rt_".len()..], PASSWORD] {
        assert!(!rows.contains(credential), "{credential}");
    }
}

#[tokio::test]
async fn a_key_that_makes_no_sense_is_not_made() {
    let service = TestApp::start().await;
    for (body, places) in [
        (json!({ "type": "secret", "name": "Sunucu" }), vec!["/scopes"]),
        (json!({ "type": "publishable", "name": "A", "scopes": ["content:read"] }), vec!["/scopes"]),
        (json!({ "type": "secret", "name": "A", "scopes": ["users:manage"] }), vec!["/scopes/0"]),
        (json!({ "type": "publishable", "name": "A", "partner": "yok" }), vec!["/partner"]),
        (json!({ "type": "publishable", "name": "A", "expires_in_days": 0 }), vec!["/expires_in_days"]),
        (json!({ "type": "publishable", "name": "A", "expires_in_days": 367 }), vec!["/expires_in_days"]),
        (json!({ "type": "root", "name": " ", "secret": "x" }), vec!["/type", "/name", "/secret"]),
    ] {
        let refused = service.post("/v1/keys", As::Owner, body).await;
        assert_eq!(refused.status, 422, "{}", refused.text);
        let mut found = refused.places();
        found.sort_by_key(|place| places.iter().position(|known| known == place));
        assert_eq!(found, places);
    }
}

#[tokio::test]
async fn a_key_that_only_writes_reads_nothing() {
    let service = TestApp::start().await;
    let key = As::Bearer(service.key(KeyType::Secret, vec![Scope::ContentWrite]).await);
    let created = service.post("/v1/topics", key.clone(), topic("Konu")).await;
    assert_eq!(created.status, 201);
    for path in ["/v1/topics", "/v1/organisation", created.header("location")] {
        assert_eq!(service.get(path, key.clone()).await.status, 403, "{path}");
    }
    let other = service.post("/v1/topics", As::Editor, topic("Başka")).await.header("location").to_owned();
    assert_eq!(service.patch(&other, key.clone(), "\"1.x\"", json!({})).await.status, 404);
    let mine =
        service.patch(created.header("location"), key, created.etag(), json!({ "notation": "1" })).await;
    assert_eq!(mine.status, 200);
}
