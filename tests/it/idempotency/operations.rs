//! Every operation that takes a key, carried out once and asked for again on another replica.

use axum::http::Method;
use serde_json::{Value, json};
use sogep::{
    auth::{password, session::SignIn, token},
    entity::vocabulary::AccountRole,
};

use super::{assert_problem, assert_replayed, kept};
use crate::{
    access::factor::code,
    app::{self, As, TestApp},
    document::operations,
};

const PASSWORD: &str = "uzun ve akılda kalan bir parola";

/// Somebody, what they send, and to which address.
type Request = (As, String, Option<Value>);

/// An entry with all that it needs to be published.
fn entry(collection: &str) -> Option<Value> {
    Some(match collection {
        "publications" => app::publication("Deneme"),
        "projects" => app::project("Deneme"),
        "events" => app::event("Deneme"),
        "practices" => app::practice("Deneme"),
        "people" => app::person("Deneme Kişi", &["name"]),
        "partners" => app::partner("Deneme"),
        "topics" => app::topic("Deneme"),
        _ => return None,
    })
}

/// A request that the operation at `path` carries out.
async fn request(service: &TestApp, path: &str) -> Request {
    let viewer = || async { As::Bearer(service.account(AccountRole::Viewer).await) };
    match path {
        "/v1/me/password" => {
            let id = service.app.clock.secret_id();
            let hash = password::hash(PASSWORD).unwrap();
            service.store_account(id, &format!("{id}@sogep.example"), AccountRole::Viewer, hash).await;
            let session = service.session(id, SignIn::default()).await.session_id;
            let who = As::Bearer(token::issue(&service.app, id, session, AccountRole::Viewer).unwrap());
            let change =
                json!({ "current_password": PASSWORD, "new_password": "mor menekşeler yağmurda susar" });
            (who, path.to_owned(), Some(change))
        }
        "/v1/me/second-factor" => (viewer().await, path.to_owned(), None),
        "/v1/me/second-factor/confirmation" => {
            let who = viewer().await;
            let begun = service.send(Method::POST, "/v1/me/second-factor", who.clone(), &[], None).await;
            let shown = code(begun.body["secret"].as_str().unwrap(), service.app.clock.now());
            (who, path.to_owned(), Some(json!({ "code": shown })))
        }
        "/v1/me/recovery-codes" => {
            let (who, confirmation, body) =
                Box::pin(request(service, "/v1/me/second-factor/confirmation")).await;
            let confirmed = service.post(&confirmation, who.clone(), body.unwrap()).await;
            assert_eq!(confirmed.status, 200, "{}", confirmed.text);
            (who, path.to_owned(), None)
        }
        "/v1/keys" => {
            let new = json!({ "type": "secret", "name": "A", "scopes": ["content:read"] });
            (As::Owner, path.to_owned(), Some(new))
        }
        "/v1/keys/{id}/rotation" => {
            let new = json!({ "type": "publishable", "name": "A" });
            let made = service.post("/v1/keys", As::Owner, new).await;
            (As::Owner, format!("{}/rotation", made.header("location")), Some(json!({ "overlap_days": 3 })))
        }
        "/v1/users" => {
            let new = json!({ "email": "yeni@sogep.example", "role": "viewer" });
            (As::Owner, path.to_owned(), Some(new))
        }
        "/v1/users/{id}/invitation" => {
            let new = json!({ "email": "davet@sogep.example", "role": "viewer" });
            let made = service.post("/v1/users", As::Owner, new).await;
            (As::Owner, format!("{}/invitation", made.header("location")), None)
        }
        "/v1/synonyms" => {
            let new = json!({ "key": "mor çatı", "alternatives": ["sığınmaevi"] });
            (As::Editor, path.to_owned(), Some(new))
        }
        "/v1/jobs/{id}/retry" => {
            let id = crate::jobs::enqueue(service, 1).await[0];
            crate::jobs::set_all_aside(service).await;
            (As::Admin, format!("/v1/jobs/{id}/retry"), None)
        }
        _ => about_content(service, path).await,
    }
}

async fn about_content(service: &TestApp, path: &str) -> Request {
    let mut steps = path.trim_start_matches("/v1/").splitn(2, '/');
    let collection = steps.next().unwrap();
    if let Some(collection) = collection.strip_suffix(":bulk") {
        let body = json!({ "operations": [{ "op": "create", "entry": entry(collection).unwrap() }] });
        return (As::Editor, path.to_owned(), Some(body));
    }
    let new = entry(collection).unwrap_or_else(|| panic!("no request for POST {path}"));
    let Some(action) = steps.next() else { return (As::Editor, path.to_owned(), Some(new)) };
    let made = service.post(&format!("/v1/{collection}"), As::Editor, new).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let address = made.header("location");
    match action {
        "{id}/transitions" => {
            (As::Editor, format!("{address}/transitions"), Some(json!({ "to": "published" })))
        }
        "{id}/previews" => (As::Editor, format!("{address}/previews"), Some(json!({}))),
        "{id}/restore" => {
            assert_eq!(service.delete(address, As::Editor, made.etag()).await.status, 204);
            (As::Editor, format!("{address}/restore"), None)
        }
        "{id}/versions/{version}/restore" => {
            let etag = crate::workflow::tag(service, address).await;
            let edited = service.patch(address, As::Editor, &etag, json!({ "slug": "yeni-adres" })).await;
            assert_eq!(edited.status, 200, "{}", edited.text);
            (As::Editor, format!("/v1/{collection}/yeni-adres/versions/1/restore"), None)
        }
        _ => panic!("no request for POST {path}"),
    }
}

#[tokio::test]
async fn every_operation_that_takes_a_key_is_carried_out_once() {
    let service = TestApp::start().await;
    let mut count = 0;
    for (path, method, operation) in operations() {
        let takes_key = operation["parameters"].as_array().is_some_and(|parameters| {
            parameters.iter().any(|it| it["$ref"] == "#/components/parameters/IdempotencyKey")
        });
        let wants_key =
            method == Method::POST && operation["x-permission"] != "none" && !path.starts_with("/v1/auth/");
        assert_eq!(takes_key, wants_key, "{method} {path}");
        if !takes_key {
            continue;
        }
        let (who, address, body) = request(&service, &path).await;
        let tag = match address.split_once("/versions/") {
            Some((entry, _)) => crate::workflow::tag(&service, entry).await,
            None => String::new(),
        };
        let send = async |service: &TestApp, body: Option<Value>| {
            let mut headers = vec![("idempotency-key", "8e03978e-40d5-43dd-bc93-6894a57f9324")];
            headers.extend((!tag.is_empty()).then_some(("if-match", tag.as_str())));
            service.send(Method::POST, &address, who.clone(), &headers, body).await
        };
        let before = kept(&service).await.len();
        let first = send(&service, body.clone()).await;
        assert!(first.status.is_success(), "{path}: {}", first.text);
        assert_eq!(kept(&service).await.len(), before + 1, "{path}");
        let replica = service.replica().await;
        let (rows, lines) = (service.rows().await, service.trail().await.len());
        for again in [send(&service, body.clone()).await, send(&replica, body.clone()).await] {
            assert_replayed(&first, &again, &path);
        }
        if let Some(Value::Object(mut other)) = body {
            other.insert("zzz".to_owned(), Value::Null);
            // Whether it is the body or the key that is found wanting, it is refused.
            assert_eq!(send(&service, Some(other.into())).await.status, 422, "{path}");
        }
        assert_eq!(service.rows().await, rows, "{path}");
        assert_eq!(service.trail().await.len(), lines, "{path}");
        count += 1;
    }
    assert!(count > 20, "{count} operations");
}

#[tokio::test]
async fn no_message_is_sent_again() {
    let service = TestApp::start().await;
    let (who, address, body) = request(&service, "/v1/users").await;
    let send = async |path: &str, key: &str, body: Option<Value>| {
        service.send(Method::POST, path, who.clone(), &[("idempotency-key", key)], body).await
    };
    let made = send(&address, "a", body.clone()).await;
    assert_eq!(made.status, 201);
    assert_eq!(send(&address, "a", body).await.status, 201);
    let invitation = format!("{}/invitation", made.header("location"));
    for _ in 0..3 {
        assert_eq!(send(&invitation, "b", None).await.status, 202);
    }
    assert_eq!(send(&invitation, "c", None).await.status, 202);
    // They go out one after the other, so after the third there would be more.
    let sent = service.mail("yeni@sogep.example", 3).await;
    assert_eq!(sent.len(), 3);
    let (_, rest) = sent.last().unwrap().split_once("#token=").unwrap();
    let token: String =
        rest.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect();
    let chosen = json!({ "token": token, "password": PASSWORD });
    assert_eq!(
        service.post("/v1/auth/password", As::Nobody, chosen).await.status,
        204,
        "the last is the last"
    );
}

#[tokio::test]
async fn guesses_at_a_code_are_counted_with_and_without_a_key() {
    let service = TestApp::start().await;
    let who = As::Bearer(service.account(AccountRole::Viewer).await);
    service.send(Method::POST, "/v1/me/second-factor", who.clone(), &[], None).await;
    let guess = async |key: &str| {
        let headers = [("idempotency-key", key)];
        let body = json!({ "code": "000000" });
        service
            .send(Method::POST, "/v1/me/second-factor/confirmation", who.clone(), &headers, Some(body))
            .await
    };
    for _ in 0..10 {
        assert_problem(&guess("same").await, 422, "invalid");
    }
    assert_problem(&guess("same").await, 429, "quota-exceeded");
}
