//! Access: who is let in, who is not, and who may do what.

mod attempts;
mod audit;
pub mod factor;
mod forgery;
mod keys;
mod passwords;
mod sessions;
mod users;

use axum::http::{Method, StatusCode, header};
use chrono::TimeDelta;
use futures_util::future::join_all;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};
use serde_json::json;
use sogep::{
    auth::{Scope, password},
    entity::{
        user,
        vocabulary::{AccountRole, KeyType},
    },
};
use uuid::Uuid;

use crate::{
    app::{Answer, As, TestApp, now, publication, topic},
    editing::edit,
};

const EMAIL: &str = "isil@sogep.example";

const PASSWORD: &str = "uzun ve akılda kalan bir parola";

/// An account that can sign in.
async fn account(service: &TestApp, email: &str, role: AccountRole) -> Uuid {
    let id = service.app.clock.secret_id();
    service.store_account(id, email, role, password::hash(PASSWORD).unwrap()).await;
    id
}

/// Sets a column of an account, as the command line does.
async fn set(service: &TestApp, id: Uuid, column: user::Column, value: impl Into<sea_orm::Value>) {
    let tx = service.app.db.begin().await.unwrap();
    let update = user::Entity::update_many().col_expr(column, Expr::value(value.into()));
    update.filter(user::Column::Id.eq(id)).exec(&tx).await.unwrap();
    tx.commit().await.unwrap();
}

async fn sign_in(service: &TestApp, email: &str, password: &str) -> Answer {
    let body = json!({ "email": email, "password": password });
    service.post("/v1/auth/login", As::Nobody, body).await
}

/// Signs in; gives the access and the refresh token.
async fn tokens(service: &TestApp) -> (String, String) {
    let answer = sign_in(service, EMAIL, PASSWORD).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    pair(&answer)
}

fn pair(answer: &Answer) -> (String, String) {
    let token = |name: &str| answer.body[name].as_str().unwrap().to_owned();
    (token("access_token"), token("refresh_token"))
}

async fn refresh(service: &TestApp, token: &str) -> Answer {
    service.post("/v1/auth/refresh", As::Nobody, json!({ "refresh_token": token })).await
}

async fn log_out(service: &TestApp, token: &str) -> Answer {
    service.post("/v1/auth/logout", As::Nobody, json!({ "refresh_token": token })).await
}

async fn me(service: &TestApp, credential: &str) -> Answer {
    service.get("/v1/me", As::Bearer(credential.to_owned())).await
}

/// The answer as text, but for the id of its request.
fn but_for_its_id(answer: &Answer) -> String {
    answer.text.replace(answer.header("x-request-id"), "")
}

#[tokio::test]
async fn the_right_password_opens_and_all_else_fails_alike() {
    let service = TestApp::start().await;
    account(&service, EMAIL, AccountRole::Editor).await;
    let disabled = account(&service, "eski@sogep.example", AccountRole::Editor).await;
    set(&service, disabled, user::Column::DisabledAt, now()).await;
    let granted = sign_in(&service, EMAIL, PASSWORD).await;
    assert_eq!(granted.status, 200);
    assert_eq!((&granted.body["token_type"], &granted.body["expires_in"]), (&json!("Bearer"), &json!(600)));
    assert_eq!(granted.header("cache-control"), "no-store");
    assert_eq!(sign_in(&service, "ISIL@SOGEP.example", PASSWORD).await.status, 200);
    let before = service.rows().await;
    let mut answers = Vec::new();
    for (email, password) in [
        (EMAIL, "uzun ve akılda kalan bir porola"),
        (EMAIL, ""),
        ("yok@sogep.example", PASSWORD),
        ("eski@sogep.example", PASSWORD),
        ("eski@sogep.example", "uzun ve akılda kalan bir porola"),
    ] {
        let refused = sign_in(&service, email, password).await;
        assert_eq!((refused.status, refused.code()), (StatusCode::UNAUTHORIZED, "unauthorized"));
        answers.push(but_for_its_id(&refused));
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert_eq!(service.rows().await, before);
}

/// The token of the link in the latest of `count` messages to `address`.
async fn token_of_mail(service: &TestApp, address: &str, count: usize) -> String {
    let messages = service.mail(address, count).await;
    let (_, rest) = messages.last().unwrap().split_once("#token=").unwrap();
    rest.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect()
}

async fn choose_password(service: &TestApp, token: &str, password: &str) -> Answer {
    let body = json!({ "token": token, "password": password });
    service.post("/v1/auth/password", As::Nobody, body).await
}

#[tokio::test]
async fn everybody_can_ask_who_they_are() {
    let service = TestApp::start().await;
    account(&service, EMAIL, AccountRole::Editor).await;
    let (access, _) = tokens(&service).await;
    let shown = me(&service, &access).await;
    assert_eq!((&shown.body["type"], &shown.body["role"]), (&json!("account"), &json!("editor")));
    assert_eq!((&shown.body["email"], &shown.body["name"]), (&json!(EMAIL), &json!("Işıl")));
    assert_eq!(shown.body["permissions"], json!(["read", "write", "edit"]));
    let shown = service.get("/v1/me", As::Partner).await;
    assert_eq!((&shown.body["type"], &shown.body["key_type"]), (&json!("key"), &json!("secret")));
    assert_eq!(shown.body["scopes"], json!(["content:read", "content:read:partners"]));
    let shown = service.get("/v1/me", As::Publishable).await;
    assert_eq!(
        (&shown.body["key_type"], &shown.body["permissions"]),
        (&json!("publishable"), &json!(["read"]))
    );
}

#[tokio::test]
async fn an_access_token_is_good_for_ten_minutes_and_half_a_minute_of_grace() {
    let service = TestApp::start().await;
    account(&service, EMAIL, AccountRole::Viewer).await;
    let (access, _) = tokens(&service).await;
    service.app.clock.advance(TimeDelta::seconds(629));
    assert_eq!(me(&service, &access).await.status, 200);
    service.app.clock.advance(TimeDelta::seconds(1));
    let refused = me(&service, &access).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::UNAUTHORIZED, "unauthorized"));
}

#[tokio::test]
async fn a_refresh_token_is_good_once_and_a_second_time_ends_the_session() {
    let service = TestApp::start().await;
    account(&service, EMAIL, AccountRole::Viewer).await;
    let (other_access, _) = tokens(&service).await;
    let (_, first) = tokens(&service).await;
    let (access, second) = pair(&refresh(&service, &first).await);
    assert_ne!(first, second);
    assert_eq!(me(&service, &access).await.status, 200);
    service.app.clock.advance(TimeDelta::seconds(11));
    let reused = refresh(&service, &first).await;
    assert_eq!((reused.status, reused.code()), (StatusCode::UNAUTHORIZED, "unauthorized"));
    assert_eq!(refresh(&service, &second).await.status, 401, "the thief may hold the newer one");
    assert_eq!(me(&service, &access).await.status, 401);
    assert_eq!(me(&service, &other_access).await.status, 200, "another sign-in is another session");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_refresh_at_once_one_succeeds() {
    let service = TestApp::start().await;
    account(&service, EMAIL, AccountRole::Viewer).await;
    let (_, token) = tokens(&service).await;
    let answers = join_all((0..5).map(|_| refresh(&service, &token))).await;
    let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status.as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401, 401, 401, 401]);
}

#[tokio::test]
async fn a_refresh_token_is_good_for_fourteen_days_and_a_session_for_thirty() {
    let service = TestApp::start().await;
    account(&service, EMAIL, AccountRole::Viewer).await;
    let (_, unused) = tokens(&service).await;
    let (_, mut used) = tokens(&service).await;
    for _ in 0..2 {
        service.app.clock.advance(TimeDelta::days(13));
        used = pair(&refresh(&service, &used).await).1;
    }
    assert_eq!(refresh(&service, &unused).await.status, 401);
    service.app.clock.advance(TimeDelta::days(4));
    assert_eq!(refresh(&service, &used).await.status, 401);
}

#[tokio::test]
async fn signing_out_ends_the_access_token_at_once_and_always_says_the_same() {
    let service = TestApp::start().await;
    account(&service, EMAIL, AccountRole::Viewer).await;
    let (access, token) = tokens(&service).await;
    for _ in 0..2 {
        assert_eq!(log_out(&service, &token).await.status, 204);
        assert_eq!(me(&service, &access).await.status, 401);
        assert_eq!(refresh(&service, &token).await.status, 401);
    }
    for garbage in ["", "sogep_rt_0", "ş"] {
        assert_eq!(log_out(&service, garbage).await.status, 204);
        assert_eq!(refresh(&service, garbage).await.status, 401);
    }
}

#[tokio::test]
async fn who_is_disabled_or_demoted_is_so_at_once() {
    let service = TestApp::start().await;
    let id = account(&service, EMAIL, AccountRole::Admin).await;
    let (access, token) = tokens(&service).await;
    let keys = async || service.get("/v1/keys", As::Bearer(access.clone())).await.status.as_u16();
    assert_eq!(keys().await, 200);
    set(&service, id, user::Column::Role, AccountRole::Viewer).await;
    assert_eq!(keys().await, 403);
    assert_eq!(me(&service, &access).await.body["role"], "viewer");
    set(&service, id, user::Column::DisabledAt, now()).await;
    assert_eq!(keys().await, 401);
    assert_eq!(refresh(&service, &token).await.status, 401);
}

#[tokio::test]
async fn a_credential_comes_in_one_header_and_nowhere_else() {
    let service = TestApp::start().await;
    let token = service.credential(As::Editor).await.unwrap();
    let bearer = format!("Bearer {token}");
    let with = async |value: &str| {
        let headers = [(header::AUTHORIZATION.as_str(), value)];
        service.send(Method::GET, "/v1/me", As::Nobody, &headers, None).await
    };
    for good in [&bearer, &format!("bearer {token}"), &format!("BEARER  {token}")] {
        assert_eq!(with(good).await.status, 200, "{good}");
    }
    for bad in [
        "Basic aXNpbDpwYXJvbGE=",
        "Bearer",
        "Bearer ",
        "",
        &token,
        &format!("Token {token}"),
        &format!("{bearer}, {bearer}"),
    ] {
        assert_eq!(with(bad).await.status, 401, "{bad}");
    }
    let twice = [("authorization", bearer.as_str())];
    let refused = service.send(Method::GET, "/v1/me", As::Publishable, &twice, None).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::BAD_REQUEST, "malformed-request"));
    for name in ["access_token", "key", "token", "api_key"] {
        let path = format!("/v1/topics?{name}={token}");
        assert_eq!(service.get(&path, As::Nobody).await.status, 401);
        let refused = service.get(&path, As::Publishable).await;
        assert_eq!((refused.status.as_u16(), refused.places()), (400, vec![name]));
    }
    let cookie = [("cookie", format!("token={token}; session={token}"))];
    let cookie = [(cookie[0].0, cookie[0].1.as_str())];
    assert_eq!(service.send(Method::GET, "/v1/me", As::Nobody, &cookie, None).await.status, 401);
}

#[tokio::test]
async fn open_access_lets_strangers_read_what_is_public_and_nothing_else() {
    let service = TestApp::with(&[("SOGEP_ACCESS", "open")]).await;
    let public = service.published("publications", publication("Herkese")).await;
    let mut body = publication("Paydaşlara");
    body["visibility"] = "partners".into();
    let partners = service.published("publications", body).await;
    let draft = service.post("/v1/publications", As::Editor, publication("Taslak")).await;
    assert_eq!(service.get(&public, As::Nobody).await.status, 200);
    assert_eq!(service.get("/v1/organisation", As::Nobody).await.status, 200);
    assert_eq!(service.get("/v1/publications", As::Nobody).await.slugs(), ["herkese"]);
    for hidden in [partners.as_str(), draft.header("location")] {
        assert_eq!(service.get(hidden, As::Nobody).await.status, 404);
    }
    for path in ["/v1/me", "/v1/keys"] {
        assert_eq!(service.get(path, As::Nobody).await.status, 401);
    }
    assert_eq!(service.post("/v1/topics", As::Nobody, topic("Konu")).await.status, 401);
    let wrong = As::Bearer("sogep_pk_yanlis".to_owned());
    assert_eq!(service.get(&public, wrong).await.status, 401, "a wrong credential is no anonymity");
}

#[tokio::test]
async fn each_role_sees_what_it_may_and_no_more() {
    let service = TestApp::start().await;
    for visibility in ["public", "partners", "internal"] {
        let mut body = publication(visibility);
        body["visibility"] = visibility.into();
        service.published("publications", body).await;
        let mut body = publication(&format!("old {visibility}"));
        body["visibility"] = visibility.into();
        let path = service.published("publications", body).await;
        service.post(&format!("{path}/transitions"), As::Editor, json!({ "to": "archived" })).await;
    }
    service.post("/v1/publications", As::Editor, publication("draft")).await;
    service.post("/v1/publications", As::Author, publication("own draft")).await;
    let everything = [
        "draft",
        "internal",
        "old-internal",
        "old-partners",
        "old-public",
        "own-draft",
        "partners",
        "public",
    ];
    let reader = As::Bearer(service.key(KeyType::Secret, vec![Scope::ContentRead]).await);
    let publisher = As::Bearer(service.key(KeyType::Secret, vec![Scope::ContentPublish]).await);
    for (who, sees) in [
        (As::Publishable, &["public"][..]),
        (reader, &["public"]),
        (As::Partner, &["partners", "public"]),
        (As::Viewer, &["internal", "partners", "public"]),
        (As::Author, &["internal", "own-draft", "partners", "public"]),
        (As::Editor, &everything),
        (As::Admin, &everything),
        (As::Owner, &everything),
        (publisher, &everything),
    ] {
        let list = service.get("/v1/publications", who.clone()).await;
        let mut listed = list.slugs();
        listed.sort_unstable();
        assert_eq!(listed, sees, "{who:?}");
        for slug in everything {
            let status = service.get(&format!("/v1/publications/{slug}"), who.clone()).await.status;
            assert_eq!(status == 200, sees.contains(&slug), "{who:?} {slug}: {status}");
        }
    }
}

#[tokio::test]
async fn the_profile_is_changed_by_editors_only() {
    let service = TestApp::start().await;
    let etag = service.get("/v1/organisation", As::Publishable).await.etag().to_owned();
    let patch = json!({ "contact": { "email": "iletisim@sogep.example" } });
    for who in [As::Publishable, As::Partner, As::Viewer, As::Author] {
        assert_eq!(service.patch("/v1/organisation", who, &etag, patch.clone()).await.status, 403);
    }
    let changed = edit(&service, "/v1/organisation", patch).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    assert!(changed.body["contact"]["address"].is_object(), "what is not named stays");
    let shown = service.get("/v1/organisation", As::Publishable).await;
    assert_eq!(shown.body["contact"]["email"], "iletisim@sogep.example");
    assert_eq!(service.patch("/v1/organisation", As::Editor, &etag, json!({})).await.status, 412);
}
