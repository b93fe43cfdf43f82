//! The second factor.

use aws_lc_rs::hmac;
use axum::http::Method;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use sogep::{
    auth::session::SignIn,
    entity::vocabulary::{AccountRole, AuditAction},
};

use super::{EMAIL, PASSWORD, account, me, pair, tokens};
use crate::app::{Answer, As, TestApp, topic};

/// The code that an authenticator shows at `now`: RFC 6238 and RFC 4226, written down once more.
pub fn code(secret: &str, now: DateTime<Utc>) -> String {
    let bits = secret.bytes().map(|letter| {
        let place = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".iter().position(|known| *known == letter);
        format!("{:05b}", place.unwrap())
    });
    let bits = bits.collect::<String>();
    let bytes: Vec<u8> = bits
        .as_bytes()
        .chunks_exact(8)
        .map(|byte| u8::from_str_radix(std::str::from_utf8(byte).unwrap(), 2).unwrap())
        .collect();
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &bytes);
    let tag = hmac::sign(&key, &(now.timestamp() / 30).to_be_bytes());
    let tag = tag.as_ref();
    let offset = usize::from(tag[19] & 15);
    let number = u32::from_be_bytes(tag[offset..offset + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

async fn sign_in_with(service: &TestApp, more: Value) -> Answer {
    let mut body = json!({ "email": EMAIL, "password": PASSWORD });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    service.post("/v1/auth/login", As::Nobody, body).await
}

/// Sets up a second factor; gives its secret and the recovery codes.
async fn set_up(service: &TestApp, access: &str) -> (String, Vec<String>) {
    let who = || As::Bearer(access.to_owned());
    let begun = service.send(Method::POST, "/v1/me/second-factor", who(), &[], None).await;
    assert_eq!(begun.status, 201, "{}", begun.text);
    let secret = begun.body["secret"].as_str().unwrap().to_owned();
    assert!(begun.body["uri"].as_str().unwrap().starts_with("otpauth://totp/"));
    let body = json!({ "code": code(&secret, service.app.clock.now()) });
    let confirmed = service.post("/v1/me/second-factor/confirmation", who(), body).await;
    assert_eq!(confirmed.status, 200, "{}", confirmed.text);
    let codes = confirmed.body["recovery_codes"].as_array().unwrap();
    (secret, codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect())
}

#[tokio::test]
async fn once_set_up_nobody_signs_in_without_it_and_a_code_is_good_once() {
    let service = TestApp::start().await;
    account(&service, EMAIL, AccountRole::Owner).await;
    let (elsewhere, _) = tokens(&service).await;
    let (access, _) = tokens(&service).await;
    let who = || As::Bearer(access.clone());
    let wrong = service.post("/v1/me/second-factor/confirmation", who(), json!({ "code": "000000" })).await;
    assert_eq!(wrong.places(), ["/code"]);
    let (secret, _) = set_up(&service, &access).await;
    assert_eq!(me(&service, &access).await.body["second_factor"], "active");
    assert_eq!(me(&service, &elsewhere).await.status, 401, "other sessions have not shown it");
    let rows = service.rows().await.concat();
    assert!(!rows.contains(&secret));
    let asked = sign_in_with(&service, json!({})).await;
    assert_eq!((asked.status.as_u16(), asked.code()), (401, "code-required"));
    service.app.clock.advance(TimeDelta::seconds(60));
    let now = service.app.clock.now();
    for bad in ["", "123", "000000", &code(&secret, now - TimeDelta::seconds(60))] {
        assert_eq!(sign_in_with(&service, json!({ "code": bad })).await.status, 401, "{bad}");
    }
    let good = json!({ "code": code(&secret, now - TimeDelta::seconds(30)) });
    assert_eq!(sign_in_with(&service, good.clone()).await.status, 200, "a clock may be half a minute late");
    assert_eq!(sign_in_with(&service, good).await.status, 401, "a code is good once");
    assert_eq!(sign_in_with(&service, json!({ "code": code(&secret, now) })).await.status, 200);
    let older = json!({ "code": code(&secret, now - TimeDelta::seconds(30)) });
    assert_eq!(sign_in_with(&service, older).await.status, 401, "nor is one before it");
}

#[tokio::test]
async fn recovery_codes_are_good_once_each_and_until_there_are_new_ones() {
    let service = TestApp::start().await;
    account(&service, EMAIL, AccountRole::Owner).await;
    let (access, _) = tokens(&service).await;
    let (_, codes) = set_up(&service, &access).await;
    assert_eq!(codes.len(), 10);
    let typed = codes[0].to_lowercase().replace('-', " ");
    assert_eq!(sign_in_with(&service, json!({ "recovery_code": typed })).await.status, 200);
    assert_eq!(sign_in_with(&service, json!({ "recovery_code": codes[0] })).await.status, 401);
    let told = service.mail(EMAIL, 2).await;
    assert!(told.iter().any(|text| text.contains("recovery code")));
    let renewed =
        service.send(Method::POST, "/v1/me/recovery-codes", As::Bearer(access.clone()), &[], None).await;
    assert_eq!(renewed.status, 200);
    assert_eq!(sign_in_with(&service, json!({ "recovery_code": codes[1] })).await.status, 401);
    let new = renewed.body["recovery_codes"][0].clone();
    assert_eq!(sign_in_with(&service, json!({ "recovery_code": new })).await.status, 200);
    let actions: Vec<AuditAction> = service.trail().await.into_iter().map(|line| line.action).collect();
    for action in [
        AuditAction::AuthnFactorAdded,
        AuditAction::AuthnRecoveryCodeUsed,
        AuditAction::AuthnRecoveryCodesRenewed,
    ] {
        assert!(actions.contains(&action), "{action:?}");
    }
}

#[tokio::test]
async fn a_role_that_needs_it_can_do_nothing_before_it_is_set_up() {
    let service = TestApp::with(&[("SOGEP_SECOND_FACTOR", "editor")]).await;
    account(&service, EMAIL, AccountRole::Editor).await;
    let (access, _) = tokens(&service).await;
    let who = || As::Bearer(access.clone());
    let shown = me(&service, &access).await;
    assert_eq!((&shown.body["second_factor"], &shown.body["permissions"]), (&json!("required"), &json!([])));
    for path in ["/v1/topics", "/v1/organisation"] {
        let refused = service.get(path, who()).await;
        assert_eq!((refused.status.as_u16(), refused.code()), (403, "second-factor-required"), "{path}");
    }
    assert_eq!(service.post("/v1/topics", who(), topic("Konu")).await.status, 403);
    let (secret, _) = set_up(&service, &access).await;
    assert_eq!(service.post("/v1/topics", who(), topic("Konu")).await.status, 201);
    service.app.clock.advance(TimeDelta::seconds(30));
    let signed = sign_in_with(&service, json!({ "code": code(&secret, service.app.clock.now()) })).await;
    let (second, _) = pair(&signed);
    assert_eq!(service.get("/v1/topics", As::Bearer(second)).await.status, 200);
    // An account below needs none.
    let viewer = service.account(AccountRole::Viewer).await;
    assert_eq!(service.get("/v1/topics", As::Bearer(viewer)).await.status, 200);
}

#[tokio::test]
async fn no_other_way_leads_past_it() {
    let service = TestApp::start().await;
    let id = account(&service, EMAIL, AccountRole::Owner).await;
    let (access, _) = tokens(&service).await;
    let (secret, _) = set_up(&service, &access).await;
    service.post("/v1/auth/forgotten-password", As::Nobody, json!({ "email": EMAIL })).await;
    let token = super::token_of_mail(&service, EMAIL, 2).await;
    let set = super::choose_password(&service, &token, "mor menekşeler yağmurda susar").await;
    assert_eq!((set.status.as_u16(), set.text.as_str()), (204, ""), "a new password signs nobody in");
    let body = json!({ "email": EMAIL, "password": "mor menekşeler yağmurda susar" });
    assert_eq!(service.post("/v1/auth/login", As::Nobody, body).await.code(), "code-required");
    // A session from before cannot take it off, nor prove anything with the password alone.
    let old = service.session(id, SignIn::default()).await;
    let old =
        As::Bearer(sogep::auth::token::issue(&service.app, id, old.session_id, AccountRole::Owner).unwrap());
    let body = json!({ "password": "mor menekşeler yağmurda susar" });
    assert_eq!(service.post("/v1/auth/reauthenticate", old.clone(), body).await.code(), "code-required");
    for (method, path) in [(Method::DELETE, "/v1/me/second-factor"), (Method::POST, "/v1/me/recovery-codes")]
    {
        assert_eq!(service.send(method, path, old.clone(), &[], None).await.status, 403, "{path}");
    }
    service.app.clock.advance(TimeDelta::seconds(30));
    let body = json!({
        "password": "mor menekşeler yağmurda susar", "code": code(&secret, service.app.clock.now()),
    });
    assert_eq!(service.post("/v1/auth/reauthenticate", old.clone(), body).await.status, 204);
    assert_eq!(service.send(Method::DELETE, "/v1/me/second-factor", old, &[], None).await.status, 204);
}

#[tokio::test]
async fn the_second_factor_gets_its_owner_through_a_lock_and_nobody_else() {
    let service = TestApp::start().await;
    account(&service, EMAIL, AccountRole::Owner).await;
    let (access, _) = tokens(&service).await;
    let (secret, _) = set_up(&service, &access).await;
    service.app.clock.advance(TimeDelta::seconds(60));
    for _ in 0..10 {
        super::sign_in(&service, EMAIL, "uzun ve akılda kalan bir porola").await;
    }
    let now = service.app.clock.now();
    let locked = sign_in_with(&service, json!({})).await;
    assert_eq!(locked.status, 429);
    let other = json!({ "password": "uzun ve akılda kalan bir porola", "code": code(&secret, now) });
    let wrong_password = sign_in_with(&service, other).await;
    let wrong_code = sign_in_with(&service, json!({ "code": "000000" })).await;
    assert_eq!(super::but_for_its_id(&wrong_password), super::but_for_its_id(&locked));
    assert_eq!(
        super::but_for_its_id(&wrong_code),
        super::but_for_its_id(&locked),
        "it says nothing of the password"
    );
    assert_eq!(sign_in_with(&service, json!({ "code": code(&secret, now) })).await.status, 200);
    // Codes are not guessed behind a lock either.
    for _ in 0..10 {
        super::sign_in(&service, EMAIL, "uzun ve akılda kalan bir porola").await;
    }
    for _ in 0..10 {
        assert_eq!(sign_in_with(&service, json!({ "code": "000000" })).await.status, 429);
    }
    service.app.clock.advance(TimeDelta::milliseconds(100));
    let next = json!({ "code": code(&secret, now + TimeDelta::seconds(30)) });
    assert_eq!(sign_in_with(&service, next.clone()).await.status, 429);
    service.app.clock.advance(TimeDelta::seconds(1));
    assert_eq!(sign_in_with(&service, next).await.status, 200);
}
