//! Requests that are sent again with their `Idempotency-Key` (SECURITY.md N-01 to N-03).

mod flight;
mod operations;

use axum::http::Method;
use chrono::{TimeDelta, Utc};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, sea_query::Expr};
use serde_json::{Value, json};
use sogep::{
    auth::{self, Scope, token::Claims},
    entity::{
        idempotency_key, publication, user,
        vocabulary::{AccountRole, KeyType},
    },
};
use uuid::Uuid;

use crate::app::{self, Answer, As, TestApp};

const PUBLICATIONS: &str = "/v1/publications";

/// Posts `body` to `path` under `key`.
async fn post(service: &TestApp, path: &str, who: As, key: &str, body: Value) -> Answer {
    service.send(Method::POST, path, who, &[("idempotency-key", key)], Some(body)).await
}

/// How many publications there are.
async fn publications(service: &TestApp) -> u64 {
    publication::Entity::find().count(service.app.db.reader()).await.unwrap()
}

/// What is kept.
async fn kept(service: &TestApp) -> Vec<idempotency_key::Model> {
    idempotency_key::Entity::find().all(service.app.db.reader()).await.unwrap()
}

/// Fails unless `again` is `first`, given once more.
fn assert_replayed(first: &Answer, again: &Answer, place: &str) {
    assert_eq!((again.status, &again.text), (first.status, &first.text), "{place}");
    assert_eq!(first.header("idempotency-replayed"), "", "{place}");
    assert_eq!(again.header("idempotency-replayed"), "true", "{place}");
    for name in
        ["content-type", "content-language", "location", "etag", "last-modified", "cache-control", "vary"]
    {
        assert_eq!(again.headers.get(name), first.headers.get(name), "{place}: {name}");
    }
    assert_ne!(again.header("x-request-id"), first.header("x-request-id"), "{place}");
}

fn assert_problem(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status.as_u16(), answer.code()), (status, code), "{}", answer.text);
}

async fn set_role(service: &TestApp, token: &str, role: AccountRole) {
    let id = jsonwebtoken::dangerous::insecure_decode::<Claims>(token).unwrap().claims.sub;
    let tx = service.app.db.begin().await.unwrap();
    let update = user::Entity::update_many().col_expr(user::Column::Role, Expr::value(role));
    update.filter(user::Column::Id.eq(id)).exec(&tx).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn another_body_under_the_same_key_is_refused() {
    let service = TestApp::start().await;
    let first = post(&service, PUBLICATIONS, As::Editor, "k-1", app::publication("Bir")).await;
    assert_eq!(first.status, 201, "{}", first.text);
    let before = service.rows().await;
    let other = post(&service, PUBLICATIONS, As::Editor, "k-1", app::publication("İki")).await;
    assert_problem(&other, 422, "idempotency-key-reused");
    // The same JSON with another space, type or condition is another request, too.
    let text = app::publication("Bir").to_string();
    for (headers, body) in [
        (vec![("content-type", "application/json")], format!(" {text}")),
        (vec![("content-type", "application/json; charset=utf-8")], text.clone()),
        (vec![("content-type", "application/json"), ("if-match", "\"1.x\"")], text.clone()),
    ] {
        let headers = [headers, vec![("idempotency-key", "k-1")]].concat();
        let other = service.send_bytes(Method::POST, PUBLICATIONS, As::Editor, &headers, body).await;
        assert_problem(&other, 422, "idempotency-key-reused");
    }
    assert_eq!(service.rows().await, before);
    let again = post(&service, PUBLICATIONS, As::Editor, "\"k-1\"", app::publication("Bir")).await;
    assert_replayed(&first, &again, "the same key in quotes");
}

#[tokio::test]
async fn what_has_changed_since_does_not_change_the_answer() {
    let service = TestApp::start().await;
    let made = service.post(PUBLICATIONS, As::Editor, app::publication("Bir")).await;
    let path = format!("{}/transitions", made.header("location"));
    let publish = async || {
        let headers = [("idempotency-key", "k"), ("if-match", made.etag())];
        service.send(Method::POST, &path, As::Editor, &headers, Some(json!({ "to": "published" }))).await
    };
    let first = publish().await;
    assert_eq!(first.status, 200, "{}", first.text);
    let archived = service.post(&path, As::Editor, json!({ "to": "archived" })).await;
    assert_eq!(archived.status, 200);
    assert_replayed(&first, &publish().await, "neither 409 nor 412");
    assert_eq!(service.get(made.header("location"), As::Editor).await.body["state"], "archived");
}

#[tokio::test]
async fn a_key_belongs_to_one_caller_and_one_address() {
    let service = TestApp::start().await;
    let body = app::publication("Bir");
    let sk = As::Bearer(service.key(KeyType::Secret, vec![Scope::ContentWrite]).await);
    let mut ids = Vec::new();
    for (who, path) in [
        (As::Editor, PUBLICATIONS),
        (As::Admin, PUBLICATIONS),
        (sk, PUBLICATIONS),
        (As::Editor, "/v1/publications?locale=en"),
    ] {
        let made = post(&service, path, who.clone(), "same", body.clone()).await;
        assert_eq!((made.status.as_u16(), made.header("idempotency-replayed")), (201, ""), "{who:?} {path}");
        ids.push(made.body["id"].as_str().unwrap().to_owned());
    }
    let topic = post(&service, "/v1/topics", As::Editor, "same", app::topic("Konu")).await;
    assert_eq!(topic.status, 201, "{}", topic.text);
    ids.sort();
    ids.dedup();
    assert_eq!((ids.len(), publications(&service).await, kept(&service).await.len()), (4, 4, 5));
    // The longest address there can be is a name, too.
    let long = format!("/v1/publications?locale=tr-x-{}", "a".repeat(8000));
    assert_eq!(post(&service, &long, As::Editor, "same", body).await.status, 400);
}

#[tokio::test]
async fn what_was_refused_keeps_nothing_and_its_key_is_good_for_the_mended_request() {
    let service = TestApp::start().await;
    service.credential(As::Editor).await;
    let before = service.rows().await;
    let mut body = app::publication("Bir");
    body["nonsense"] = 1.into();
    let refused = post(&service, PUBLICATIONS, As::Editor, "k", body).await;
    assert_problem(&refused, 422, "invalid");
    let broken = [("idempotency-key", "k"), ("content-type", "application/json")];
    let broken = service.send_bytes(Method::POST, PUBLICATIONS, As::Editor, &broken, "{").await;
    assert_problem(&broken, 400, "malformed-body");
    assert_eq!(service.rows().await, before);
    let mended = post(&service, PUBLICATIONS, As::Editor, "k", app::publication("Bir")).await;
    assert_eq!((mended.status.as_u16(), mended.header("idempotency-replayed")), (201, ""));
    // A refusal within the transaction: what the entry lacks is not known before.
    let path = format!("{}/transitions", mended.header("location"));
    let bare = json!({ "type": "book", "languages": ["tr"], "translations": { "tr": { "title": "Yarım" } } });
    let bare = service.post(PUBLICATIONS, As::Editor, bare).await;
    let bare = format!("{}/transitions", bare.header("location"));
    let before = service.rows().await;
    let publish = json!({ "to": "published" });
    assert_problem(&post(&service, &bare, As::Editor, "p", publish.clone()).await, 422, "invalid");
    let nowhere = post(&service, &path, As::Editor, "p", json!({ "to": "draft" })).await;
    assert_problem(&nowhere, 409, "conflict");
    assert_eq!(service.rows().await, before);
    assert_eq!(post(&service, &path, As::Editor, "p", publish).await.status, 200);
}

#[tokio::test]
async fn a_malformed_key_is_named_and_only_posts_look_at_it() {
    let service = TestApp::start().await;
    let long = "k".repeat(256);
    service.credential(As::Editor).await;
    let before = service.rows().await;
    for bad in ["", "\"\"", "two words", "a,b", "\"open", &long] {
        let refused = post(&service, PUBLICATIONS, As::Editor, bad, app::publication("Bir")).await;
        assert_problem(&refused, 400, "invalid-parameter");
        assert_eq!(refused.places(), ["Idempotency-Key"], "{bad}");
    }
    let twice = [("idempotency-key", "a"), ("idempotency-key", "a")];
    let twice =
        service.send(Method::POST, PUBLICATIONS, As::Editor, &twice, Some(app::publication("Bir"))).await;
    assert_problem(&twice, 400, "invalid-parameter");
    assert_eq!(service.rows().await, before);
    // A stranger learns nothing of it.
    assert_eq!(post(&service, PUBLICATIONS, As::Nobody, "two words", json!({})).await.status, 401);
    assert_eq!(post(&service, PUBLICATIONS, As::Viewer, "two words", json!({})).await.status, 403);
    let made = service.post(PUBLICATIONS, As::Editor, app::publication("Bir")).await;
    let path = made.header("location");
    let headers = [("idempotency-key", "two words"), ("if-match", made.etag())];
    assert_eq!(service.send(Method::GET, path, As::Editor, &headers, None).await.status, 200);
    assert_eq!(service.send(Method::PATCH, path, As::Editor, &headers, Some(json!({}))).await.status, 200);
    assert_eq!(service.send(Method::DELETE, path, As::Editor, &headers, None).await.status, 204);
    assert_eq!(kept(&service).await, []);
}

#[tokio::test]
async fn after_a_day_a_key_is_new_and_what_it_kept_is_deleted() {
    let service = TestApp::start().await;
    let sk = As::Bearer(service.key(KeyType::Secret, vec![Scope::ContentWrite]).await);
    let first = post(&service, PUBLICATIONS, sk.clone(), "k", app::publication("Bir")).await;
    assert_eq!(post(&service, "/v1/topics", sk.clone(), "k", app::topic("Konu")).await.status, 201);
    service.app.clock.advance(TimeDelta::hours(24) - TimeDelta::seconds(1));
    auth::delete_expired(service.app.clone()).await.unwrap();
    let again = post(&service, PUBLICATIONS, sk.clone(), "k", app::publication("Bir")).await;
    assert_replayed(&first, &again, "just before");
    service.app.clock.advance(TimeDelta::seconds(1));
    let new = post(&service, PUBLICATIONS, sk.clone(), "k", app::publication("Bir")).await;
    assert_eq!((new.status.as_u16(), new.header("idempotency-replayed")), (201, ""), "{}", new.text);
    assert_ne!(new.body["id"], first.body["id"]);
    assert_eq!((publications(&service).await, kept(&service).await.len()), (2, 2));
    auth::delete_expired(service.app.clone()).await.unwrap();
    let left = kept(&service).await;
    assert_eq!((left.len(), left[0].operation.as_str()), (1, "POST /v1/publications"));
    assert_eq!(left[0].expires_at, service.app.clock.now() + TimeDelta::hours(24));
    let again = post(&service, PUBLICATIONS, sk, "k", app::publication("Bir")).await;
    assert_replayed(&new, &again, "the new one");
}

#[tokio::test]
async fn however_many_have_expired_all_are_deleted() {
    let service = TestApp::start().await;
    let (now, caller_id) = (service.app.clock.now(), service.app.clock.id());
    let row = |number: u32, expires_at: chrono::DateTime<Utc>| idempotency_key::ActiveModel {
        caller_id: Set(caller_id),
        operation: Set("POST /v1/topics".to_owned()),
        key: Set(number.to_string()),
        fingerprint: Set(String::new()),
        status: Set(201),
        sealed_answer: Set(String::new()),
        created_at: Set(now),
        expires_at: Set(expires_at),
    };
    let tx = service.app.db.begin().await.unwrap();
    for batch in 0..6 {
        let rows = (0..200).map(|number| row(batch * 200 + number, now));
        idempotency_key::Entity::insert_many(rows).exec_without_returning(&tx).await.unwrap();
    }
    let living = row(9999, now + TimeDelta::seconds(1));
    idempotency_key::Entity::insert(living).exec_without_returning(&tx).await.unwrap();
    tx.commit().await.unwrap();
    auth::delete_expired(service.app.clone()).await.unwrap();
    let left: Vec<String> = kept(&service).await.into_iter().map(|row| row.key).collect();
    assert_eq!(left, ["9999"]);
}

#[tokio::test]
async fn who_may_not_do_it_any_more_does_not_get_the_answer() {
    let service = TestApp::start().await;
    let token = service.account(AccountRole::Editor).await;
    let who = || As::Bearer(token.clone());
    let first = post(&service, PUBLICATIONS, who(), "k", app::publication("Bir")).await;
    assert_eq!(first.status, 201);
    // Authors create, too, but the answer is that of an editor.
    for role in [AccountRole::Viewer, AccountRole::Author] {
        set_role(&service, &token, role).await;
        let refused = post(&service, PUBLICATIONS, who(), "k", app::publication("Bir")).await;
        assert_problem(&refused, 403, "forbidden");
        assert!(!refused.headers.contains_key("idempotency-replayed"));
    }
    set_role(&service, &token, AccountRole::Admin).await;
    let again = post(&service, PUBLICATIONS, who(), "k", app::publication("Bir")).await;
    assert_replayed(&first, &again, "who may do more");
    assert_eq!(service.delete("/v1/sessions", who(), "").await.status, 204);
    let id = jsonwebtoken::dangerous::insecure_decode::<Claims>(&token).unwrap().claims.sid;
    let ended = service.send(Method::DELETE, &format!("/v1/sessions/{id}"), who(), &[], None).await;
    assert_eq!(ended.status, 204);
    let refused = post(&service, PUBLICATIONS, who(), "k", app::publication("Bir")).await;
    assert_problem(&refused, 401, "unauthorized");
    assert_eq!(publications(&service).await, 1);
}

#[tokio::test]
async fn a_proof_that_is_too_old_is_asked_for_again_before_a_secret_is_shown_again() {
    let service = TestApp::start().await;
    let new = json!({ "type": "secret", "name": "Paydaş", "scopes": ["content:read"] });
    let first = post(&service, "/v1/keys", As::Owner, "k", new.clone()).await;
    assert_eq!(first.status, 201, "{}", first.text);
    service.app.clock.advance(TimeDelta::minutes(5) + TimeDelta::seconds(1));
    let refused = post(&service, "/v1/keys", As::Owner, "k", new).await;
    assert_problem(&refused, 403, "reauthentication-required");
}

#[tokio::test]
async fn the_database_holds_no_secret_and_no_body_in_plain_text() {
    let service = TestApp::start().await;
    let new = json!({ "type": "secret", "name": "Paydaş", "scopes": ["content:read"] });
    let first = post(&service, "/v1/keys", As::Owner, "k", new.clone()).await;
    let secret = first.body["secret"].as_str().unwrap();
    let again = post(&service, "/v1/keys", As::Owner, "k", new.clone()).await;
    assert_replayed(&first, &again, "the secret");
    let rows = kept(&service).await;
    let row = format!("{rows:?}");
    let fingerprint = sogep::crypto::sha256(new.to_string().as_bytes());
    for hidden in [secret, &secret[9..], "Paydaş", "content:read", &fingerprint] {
        assert!(!row.contains(hidden), "{hidden}");
    }
    // Nor does it open in another place.
    let stolen = idempotency_key::Model { caller_id: Uuid::from_u128(7), ..rows[0].clone() };
    for what in ["answer", "fingerprint"] {
        let purpose = |row: &idempotency_key::Model| {
            format!("once/{what}/{}\n{}\n{}", row.caller_id, row.operation, row.key)
        };
        let sealed = if what == "answer" { &rows[0].sealed_answer } else { &rows[0].fingerprint };
        assert!(service.app.secrets.open(sealed, &purpose(&rows[0])).is_some());
        assert!(service.app.secrets.open(sealed, &purpose(&stolen)).is_none());
    }
}

#[tokio::test]
async fn answers_outlive_the_master_secret_they_were_sealed_with() {
    let service = TestApp::start().await;
    let first = post(&service, PUBLICATIONS, As::Editor, "k", app::publication("Bir")).await;
    let mut config = service.app.config.clone();
    config.previous_secret = config.secret.replace("hJ3nR8yUe5-somebody-has-left-Pd6Gc1".to_owned().into());
    let later = service.replica_with(config.clone()).await;
    let who = As::Bearer(service.credential(As::Editor).await.unwrap());
    assert_replayed(
        &first,
        &post(&later, PUBLICATIONS, who.clone(), "k", app::publication("Bir")).await,
        "both",
    );
    sogep::command::reseal(&later.app).await.unwrap();
    config.previous_secret = None;
    let last = service.replica_with(config).await;
    assert_replayed(
        &first,
        &post(&last, PUBLICATIONS, who, "k", app::publication("Bir")).await,
        "the new one",
    );
    assert_eq!(publications(&last).await, 1);
}

#[tokio::test]
async fn a_repeated_request_counts_towards_the_limit() {
    let service = TestApp::with(&[("SOGEP_RATE_LIMIT_WRITE", "3")]).await;
    service.credential(As::Editor).await;
    let mut statuses = Vec::new();
    for _ in 0..4 {
        let answer = post(&service, PUBLICATIONS, As::Editor, "k", app::publication("Bir")).await;
        statuses.push(answer.status.as_u16());
    }
    assert_eq!(statuses, [201, 201, 201, 429]);
    assert_eq!(publications(&service).await, 1);
}
