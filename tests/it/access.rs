//! Access: who is let in, who is not, and who may do what.

use axum::http::{Method, StatusCode, header};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use chrono::TimeDelta;
use futures_util::future::join_all;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};
use serde_json::{Value, json};
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
    let row = user::ActiveModel {
        id: Set(id),
        email: Set(email.to_owned()),
        name: Set(Some("Işıl".to_owned())),
        role: Set(role),
        password_hash: Set(password::hash(PASSWORD).unwrap()),
        created_at: Set(now()),
        password_changed_at: Set(now()),
        disabled_at: Set(None),
    };
    let tx = service.app.db.begin().await.unwrap();
    user::Entity::insert(row).exec_without_returning(&tx).await.unwrap();
    tx.commit().await.unwrap();
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

/// A token with the header and claims of a good one, changed by `change`, signed by `key`.
fn forged(good: &str, key: &EncodingKey, change: impl Fn(&mut Header, &mut Value)) -> String {
    let mut header = jsonwebtoken::decode_header(good).unwrap();
    let mut claims: Value =
        serde_json::from_slice(&BASE64.decode(good.split('.').nth(1).unwrap()).unwrap()).unwrap();
    change(&mut header, &mut claims);
    jsonwebtoken::encode(&header, &claims, key).unwrap()
}

#[tokio::test]
async fn forged_tokens_are_refused_and_all_alike() {
    let service = TestApp::start().await;
    account(&service, EMAIL, AccountRole::Owner).await;
    let (good, refresh_token) = tokens(&service).await;
    let (_, ours) = service.app.keyring.active().unwrap();
    let random = aws_lc_rs::rand::SystemRandom::new();
    let foreign = aws_lc_rs::signature::Ed25519KeyPair::generate_pkcs8(&random).unwrap();
    let foreign = EncodingKey::from_ed_der(foreign.as_ref());
    let public = service.app.keyring.public_keys()[0].1.clone();
    let parts: Vec<&str> = good.split('.').collect();
    let none = BASE64.encode(
        json!({ "typ": "at+jwt", "alg": "none", "kid": service.app.keyring.public_keys()[0].0 }).to_string(),
    );
    let other = service.account(AccountRole::Owner).await;
    let key = service.credential(As::Partner).await.unwrap();
    let claim = |name: &'static str, value: Value| {
        forged(&good, &ours, move |_, claims| claims[name] = value.clone())
    };
    assert_eq!(
        me(&service, &forged(&good, &ours, |_, _| {})).await.status,
        200,
        "what is forged below is else good"
    );
    let mut refused = vec![
        format!("{none}.{}.", parts[1]),
        format!("{none}.{}.{}", parts[1], parts[2]),
        forged(&good, &EncodingKey::from_secret(public.as_bytes()), |header, _| {
            header.alg = Algorithm::HS256
        }),
        forged(&good, &EncodingKey::from_secret(&BASE64.decode(&public).unwrap()), |header, _| {
            header.alg = Algorithm::HS256
        }),
        forged(&good, &foreign, |_, _| {}),
        forged(&good, &ours, |header, _| header.kid = Some("yok".to_owned())),
        forged(&good, &ours, |header, _| header.kid = None),
        forged(&good, &ours, |header, _| header.typ = Some("JWT".to_owned())),
        forged(&good, &ours, |header, _| header.typ = None),
        forged(&good, &ours, |header, _| header.jku = Some("https://evil.example/keys".to_owned())),
        claim("aud", json!("https://other.example")),
        claim("iss", json!("https://other.example")),
        claim("exp", json!(now().timestamp() - 31)),
        claim("exp", Value::Null),
        claim("nbf", json!(now().timestamp() + 31)),
        claim("sid", json!(Uuid::from_u128(1))),
        claim("sub", json!(Uuid::from_u128(1))),
        format!("{}.{}.{}", parts[0], other.split('.').nth(1).unwrap(), parts[2]),
        format!("{}.{}", parts[0], parts[1]),
        format!("{good}x"),
        refresh_token,
        key.rsplit_once('_').unwrap().0.to_owned(),
        String::new(),
        ".".to_owned(),
        "x".repeat(5000),
    ];
    let mut seen: Vec<String> = Vec::new();
    for token in refused.drain(..) {
        let answer = me(&service, &token).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::UNAUTHORIZED, "unauthorized"), "{token}");
        assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"sogep\"");
        seen.push(but_for_its_id(&answer));
    }
    seen.dedup();
    assert_eq!(seen.len(), 1, "{seen:?}");
}

#[tokio::test]
async fn the_role_in_a_token_gives_no_right() {
    let service = TestApp::start().await;
    let viewer = service.credential(As::Viewer).await.unwrap();
    let (_, ours) = service.app.keyring.active().unwrap();
    let raised = forged(&viewer, &ours, |_, claims| claims["scope"] = "owner".into());
    assert_eq!(me(&service, &raised).await.body["role"], "viewer");
}

#[tokio::test]
async fn anybody_can_verify_a_token_with_the_published_keys() {
    let service = TestApp::start().await;
    let token = service.credential(As::Editor).await.unwrap();
    let set = service.get("/.well-known/jwks.json", As::Nobody).await;
    let kid = jsonwebtoken::decode_header(&token).unwrap().kid.unwrap();
    let keys = set.body["keys"].as_array().unwrap();
    let key = keys.iter().find(|key| key["kid"] == kid.as_str()).unwrap();
    assert!(keys.iter().all(|key| key.get("d").is_none()), "no private key is published");
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_audience(&["https://api.sogep.example"]);
    validation.set_issuer(&["https://api.sogep.example"]);
    // The clock of this test stands still.
    validation.validate_exp = false;
    let key = DecodingKey::from_ed_components(key["x"].as_str().unwrap()).unwrap();
    let claims = jsonwebtoken::decode::<Value>(&token, &key, &validation).unwrap().claims;
    let id = service.get("/v1/me", As::Editor).await.body["id"].clone();
    assert_eq!((&claims["sub"], &claims["exp"]), (&id, &json!(now().timestamp() + 600)));
    assert!(!token.contains("sogep.example") && claims.get("email").is_none());
}

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
