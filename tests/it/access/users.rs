//! Accounts, as administrators look after them.

use axum::http::Method;
use serde_json::{Value, json};
use sogep::{
    auth::Scope,
    entity::vocabulary::{AccountRole, KeyType},
};

use super::{EMAIL, PASSWORD, account, me, sign_in, tokens};
use crate::app::{Answer, As, TestApp};

async fn change(service: &TestApp, path: &str, who: As, patch: Value) -> Answer {
    let etag = service.get(path, As::Owner).await.etag().to_owned();
    service.patch(path, who, &etag, patch).await
}

async fn invited(service: &TestApp, who: As, email: &str, role: &str) -> Answer {
    service.post("/v1/users", who, json!({ "email": email, "role": role })).await
}

#[tokio::test]
async fn accounts_are_for_administrators_and_never_for_keys() {
    let service = TestApp::start().await;
    let path = invited(&service, As::Admin, EMAIL, "viewer").await.header("location").to_owned();
    let all =
        vec![Scope::ContentRead, Scope::ContentReadPartners, Scope::ContentWrite, Scope::ContentPublish];
    let strongest = As::Bearer(service.key(KeyType::Secret, all).await);
    let addresses = async || {
        let list = service.get("/v1/users?limit=100", As::Owner).await;
        list.body["data"].as_array().unwrap().iter().count()
    };
    for who in [As::Publishable, As::Partner, strongest, As::Viewer, As::Author, As::Editor] {
        assert_eq!(service.get("/v1/users", who.clone()).await.status, 403, "{who:?}");
        assert_eq!(invited(&service, who.clone(), "b@sogep.example", "viewer").await.status, 403);
        assert_eq!(service.get(&path, who.clone()).await.status, 403);
        assert_eq!(service.patch(&path, who.clone(), "\"1.x\"", json!({})).await.status, 403);
        assert_eq!(service.delete(&path, who.clone(), "\"1.x\"").await.status, 403);
    }
    assert_eq!(addresses().await, 6, "the invited one, and those who sent the requests");
    for who in [As::Admin, As::Owner] {
        let list = service.get("/v1/users", who).await;
        assert!(list.body["data"].as_array().unwrap().iter().any(|user| user["email"] == EMAIL));
        assert!(!list.text.contains("password_hash") && !list.text.contains("totp"));
    }
}

#[tokio::test]
async fn administrators_look_after_accounts_up_to_editor_and_owners_after_all() {
    let service = TestApp::start().await;
    for role in ["admin", "owner"] {
        assert_eq!(invited(&service, As::Admin, &format!("{role}@sogep.example"), role).await.status, 403);
    }
    let admin =
        invited(&service, As::Owner, "admin@sogep.example", "admin").await.header("location").to_owned();
    let editor =
        invited(&service, As::Admin, "editor@sogep.example", "editor").await.header("location").to_owned();
    assert_eq!(change(&service, &editor, As::Admin, json!({ "role": "admin" })).await.status, 403);
    assert_eq!(change(&service, &editor, As::Admin, json!({ "role": "author" })).await.status, 200);
    for patch in
        [json!({ "disabled": true }), json!({ "role": "viewer" }), json!({ "email": "x@sogep.example" })]
    {
        assert_eq!(change(&service, &admin, As::Admin, patch).await.status, 403);
    }
    let etag = service.get(&admin, As::Owner).await.etag().to_owned();
    assert_eq!(service.delete(&admin, As::Admin, &etag).await.status, 403);
    let raised = change(&service, &admin, As::Owner, json!({ "role": "owner" })).await;
    assert_eq!((raised.status.as_u16(), &raised.body["role"]), (200, &json!("owner")));
}

#[tokio::test]
async fn the_last_owner_stays_and_nobody_raises_their_own_role() {
    let service = TestApp::start().await;
    let id = account(&service, EMAIL, AccountRole::Owner).await;
    let path = format!("/v1/users/{id}");
    let (access, _) = tokens(&service).await;
    let me = As::Bearer(access);
    let etag = service.get(&path, me.clone()).await.etag().to_owned();
    for patch in [json!({ "role": "admin" }), json!({ "disabled": true })] {
        let refused = service.patch(&path, me.clone(), &etag, patch).await;
        assert_eq!((refused.status.as_u16(), refused.code()), (409, "conflict"));
    }
    assert_eq!(service.delete(&path, me.clone(), &etag).await.status, 409);
    let other = account(&service, "ikinci@sogep.example", AccountRole::Owner).await;
    assert_eq!(service.patch(&path, me.clone(), &etag, json!({ "role": "admin" })).await.status, 200);
    let etag = service.get(&path, me.clone()).await.etag().to_owned();
    assert_eq!(service.patch(&path, me.clone(), &etag, json!({ "role": "owner" })).await.status, 403);
    assert_eq!(service.get(&format!("/v1/users/{other}"), me).await.body["role"], "owner");
}

#[tokio::test]
async fn an_account_is_changed_only_as_it_was_read() {
    let service = TestApp::start().await;
    let made = invited(&service, As::Owner, EMAIL, "viewer").await;
    let path = made.header("location").to_owned();
    let none = service.send(Method::PATCH, &path, As::Owner, &[], Some(json!({ "name": "A" }))).await;
    assert_eq!(none.status, 428);
    let changed = service.patch(&path, As::Owner, made.etag(), json!({ "name": "Çiğdem" })).await;
    assert_eq!((changed.status.as_u16(), &changed.body["name"]), (200, &json!("Çiğdem")));
    let stale = service.patch(&path, As::Owner, made.etag(), json!({ "name": "B" })).await;
    assert_eq!((stale.status.as_u16(), stale.etag()), (412, changed.etag()));
    let cleared = service.patch(&path, As::Owner, changed.etag(), json!({ "name": null })).await;
    assert!(cleared.body["name"].is_null());
    let same = [("if-none-match", cleared.etag())];
    assert_eq!(service.send(Method::GET, &path, As::Owner, &same, None).await.status, 304);
    for (patch, place) in [
        (json!({ "email": null }), "/email"),
        (json!({ "email": "ışıl@sogep.example" }), "/email"),
        (json!({ "role": "root" }), "/role"),
        (json!({ "disabled": "yes" }), "/disabled"),
        (json!({ "password": "x" }), "/password"),
        (json!({ "password_hash": "x" }), "/password_hash"),
        (json!({ "id": "x" }), "/id"),
        (json!({ "version": 9 }), "/version"),
        (json!({ "name": "a\u{0}" }), "/name"),
    ] {
        let refused = service.patch(&path, As::Owner, cleared.etag(), patch).await;
        assert_eq!(refused.status, 422, "{place}: {}", refused.text);
        assert!(refused.places().contains(&place), "{place}: {}", refused.text);
    }
    for email in
        ["", "a", "a@b", "a@b@c.example", "a b@c.example", "ı@c.example", "a@c..example", "a\n@c.example"]
    {
        let refused = invited(&service, As::Owner, email, "viewer").await;
        assert_eq!(refused.status, 422, "{email:?}: {}", refused.text);
    }
    assert_eq!(invited(&service, As::Owner, "ISIL@sogep.example", "viewer").await.status, 409);
}

#[tokio::test]
async fn a_disabled_account_opens_nothing_and_can_be_enabled_again() {
    let service = TestApp::start().await;
    let id = account(&service, EMAIL, AccountRole::Admin).await;
    let path = format!("/v1/users/{id}");
    let (access, _) = tokens(&service).await;
    let body = json!({ "type": "secret", "name": "A", "scopes": ["content:read"] });
    let key = service.post("/v1/keys", As::Bearer(access.clone()), body).await.body["secret"].clone();
    let key = key.as_str().unwrap().to_owned();
    assert_eq!(
        change(&service, &path, As::Owner, json!({ "disabled": true })).await.body["status"],
        "disabled"
    );
    assert_eq!(me(&service, &access).await.status, 401);
    assert_eq!(me(&service, &key).await.status, 401);
    assert_eq!(sign_in(&service, EMAIL, PASSWORD).await.status, 401);
    assert_eq!(
        change(&service, &path, As::Owner, json!({ "disabled": false })).await.body["status"],
        "active"
    );
    assert_eq!(sign_in(&service, EMAIL, PASSWORD).await.status, 200);
    assert_eq!(me(&service, &key).await.status, 200);
    assert_eq!(me(&service, &access).await.status, 401, "what was ended stays so");
}

#[tokio::test]
async fn of_a_deleted_account_only_its_id_is_left() {
    let service = TestApp::start().await;
    let id = account(&service, EMAIL, AccountRole::Admin).await;
    let path = format!("/v1/users/{id}");
    let (access, _) = tokens(&service).await;
    let body = json!({ "type": "secret", "name": "A", "scopes": ["content:read"] });
    let made = service.post("/v1/keys", As::Bearer(access.clone()), body).await;
    let key = made.body["secret"].as_str().unwrap().to_owned();
    let etag = service.get(&path, As::Owner).await.etag().to_owned();
    assert_eq!(service.delete(&path, As::Owner, &etag).await.status, 204);
    assert_eq!(service.get(&path, As::Owner).await.status, 404);
    assert_eq!(service.delete(&path, As::Owner, &etag).await.status, 404);
    assert!(!service.get("/v1/users", As::Owner).await.text.contains(&id.to_string()));
    for credential in [access, key] {
        assert_eq!(me(&service, &credential).await.status, 401);
    }
    assert_eq!(sign_in(&service, EMAIL, PASSWORD).await.status, 401);
    let rows = service.rows().await;
    let left: Vec<&String> = rows.iter().filter(|row| row.contains(&id.to_string())).collect();
    assert!(left.iter().any(|row| row.starts_with("user")), "its id is there");
    assert!(left.iter().all(|row| !row.contains(EMAIL) && !row.contains("Işıl")), "{left:?}");
    assert_eq!(invited(&service, As::Owner, EMAIL, "viewer").await.status, 201, "the address is free");
}

#[tokio::test]
async fn accounts_come_in_pages_and_the_cursor_tells_nothing() {
    let service = TestApp::start().await;
    for number in 0..5 {
        service.app.clock.advance(chrono::TimeDelta::seconds(1));
        invited(&service, As::Owner, &format!("kisi{number}@sogep.example"), "viewer").await;
    }
    let mut seen = Vec::new();
    let mut path = "/v1/users?limit=2".to_owned();
    for _ in 0..10 {
        let page = service.get(&path, As::Owner).await;
        let emails = page.body["data"].as_array().unwrap().iter();
        seen.extend(emails.map(|user| user["email"].as_str().unwrap().to_owned()));
        let Some(cursor) = page.body["page"]["next_cursor"].as_str() else { break };
        path = format!("/v1/users?limit=2&cursor={cursor}");
        assert_eq!(service.get(&path, As::Admin).await.status, 400, "it is its reader's own");
        let bytes = base64::Engine::decode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, cursor).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains("sogep.example"));
        let elsewhere = service.get(&format!("/v1/keys?cursor={cursor}"), As::Owner).await;
        assert_eq!(elsewhere.status, 400, "a cursor is good for its own list");
    }
    assert_eq!(seen.iter().filter(|email| email.starts_with("kisi")).count(), 5);
    assert!(seen.iter().filter(|email| email.starts_with("kisi")).is_sorted(), "the oldest first");
}

#[tokio::test]
async fn an_owner_who_is_only_invited_does_not_let_the_last_one_go() {
    let service = TestApp::start().await;
    let id = account(&service, EMAIL, AccountRole::Owner).await;
    let (access, _) = tokens(&service).await;
    let me = As::Bearer(access);
    assert_eq!(invited(&service, me.clone(), "ikinci@sogep.example", "owner").await.status, 201);
    let refused =
        change_as(&service, &format!("/v1/users/{id}"), me.clone(), json!({ "role": "admin" })).await;
    assert_eq!(refused.status, 409, "{}", refused.text);
    let renamed = change_as(&service, &format!("/v1/users/{id}"), me, json!({ "name": "Yeni Ad" })).await;
    assert_eq!((renamed.status.as_u16(), &renamed.body["name"]), (200, &json!("Yeni Ad")));
}

async fn change_as(service: &TestApp, path: &str, who: As, patch: Value) -> Answer {
    let etag = service.get(path, who.clone()).await.etag().to_owned();
    service.patch(path, who, &etag, patch).await
}
