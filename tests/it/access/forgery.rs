//! Access tokens: what is in them, and who can make one.

use axum::http::StatusCode;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde_json::{Value, json};
use sogep::entity::vocabulary::{AccountRole, AuditAction};
use uuid::Uuid;

use super::{EMAIL, account, but_for_its_id, me, tokens};
use crate::app::{As, TestApp, now};

/// A token with the header and claims of a good one, changed by `change`, signed by `key`.
fn forged(good: &str, key: &EncodingKey, change: impl Fn(&mut Header, &mut Value)) -> String {
    let mut header = jsonwebtoken::decode_header(good).unwrap();
    let mut claims: Value =
        serde_json::from_slice(&BASE64.decode(good.split('.').nth(1).unwrap()).unwrap()).unwrap();
    change(&mut header, &mut claims);
    jsonwebtoken::encode(&header, &claims, key).unwrap()
}

/// Every one of `tokens` is refused with the same answer, and leaves one line in the audit trail.
async fn all_refused(service: &TestApp, tokens: Vec<String>) {
    let lines = service.trail().await.len();
    let count = tokens.len();
    let mut seen: Vec<String> = Vec::new();
    for token in tokens {
        let answer = me(service, &token).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::UNAUTHORIZED, "unauthorized"), "{token}");
        assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"sogep\"");
        seen.push(but_for_its_id(&answer));
    }
    seen.dedup();
    assert_eq!(seen.len(), 1, "{seen:?}");
    let new = service.trail().await.split_off(lines);
    assert_eq!(new.len(), count, "one line each");
    assert!(new.iter().all(|line| line.action == AuditAction::AuthnFail && line.reason.is_some()));
}

#[tokio::test]
async fn forged_tokens_are_refused_and_all_alike() {
    let service = TestApp::start().await;
    account(&service, EMAIL, AccountRole::Owner).await;
    let (good, refresh_token) = tokens(&service).await;
    let (_, ours) = service.app.keyring.active(now()).unwrap();
    let random = aws_lc_rs::rand::SystemRandom::new();
    let foreign = aws_lc_rs::signature::Ed25519KeyPair::generate_pkcs8(&random).unwrap();
    let foreign = EncodingKey::from_ed_der(foreign.as_ref());
    let public = service.app.keyring.public_keys(now())[0].1.clone();
    let parts: Vec<&str> = good.split('.').collect();
    let none = BASE64.encode(
        json!({ "typ": "at+jwt", "alg": "none", "kid": service.app.keyring.public_keys(now())[0].0 })
            .to_string(),
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
    let refused = vec![
        format!("{none}.{}.", parts[1]),
        format!("{none}.{}.{}", parts[1], parts[2]),
        forged(&good, &EncodingKey::from_secret(public.as_bytes()), |header, _| {
            header.alg = Algorithm::HS256;
        }),
        forged(&good, &EncodingKey::from_secret(&BASE64.decode(&public).unwrap()), |header, _| {
            header.alg = Algorithm::HS256;
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
    all_refused(&service, refused).await;
}

#[tokio::test]
async fn a_header_or_claim_that_is_not_ours_is_refused_however_well_it_is_signed() {
    let service = TestApp::start().await;
    account(&service, EMAIL, AccountRole::Owner).await;
    let (good, _) = tokens(&service).await;
    let (_, ours) = service.app.keyring.active(now()).unwrap();
    let public = service.app.keyring.public_keys(now())[0].1.clone();
    let parts: Vec<&str> = good.split('.').collect();
    let claim = |name: &'static str, value: Value| {
        forged(&good, &ours, move |_, claims| claims[name] = value.clone())
    };
    let mut refused = Vec::new();
    let kid = service.app.keyring.public_keys(now())[0].0.clone();
    let header = |change: Value| {
        let mut header = json!({ "typ": "at+jwt", "alg": "EdDSA", "kid": kid });
        header.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let message = format!("{}.{}", BASE64.encode(header.to_string()), parts[1]);
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &ours, Algorithm::EdDSA).unwrap();
        format!("{message}.{signature}")
    };
    assert_eq!(me(&service, &header(json!({}))).await.status, 200, "what is changed below is else good");
    for change in [
        json!({ "alg": "none" }),
        json!({ "alg": "None" }),
        json!({ "alg": "NONE" }),
        json!({ "alg": "nOnE" }),
        json!({ "alg": "HS256" }),
        json!({ "alg": "ES256" }),
        json!({ "alg": "" }),
        json!({ "kid": "../../x" }),
        json!({ "kid": "' or 1=1 --" }),
        json!({ "kid": "" }),
        json!({ "kid": 7 }),
        json!({ "typ": "at+JWT" }),
        json!({ "typ": "application/at+jwt" }),
        json!({ "x5u": "https://evil.example/cert" }),
        json!({ "jwk": { "kty": "OKP", "crv": "Ed25519", "x": public } }),
        json!({ "crit": ["exp"] }),
        json!({ "b64": false, "crit": ["b64"] }),
        json!({ "b64": false }),
        json!({ "cty": "JWT" }),
    ] {
        refused.push(header(change));
    }
    for name in ["iss", "aud", "sub", "exp", "iat", "nbf", "jti", "sid", "scope"] {
        refused.push(forged(&good, &ours, |_, claims| {
            claims.as_object_mut().unwrap().shift_remove(name);
        }));
    }
    let later = now().timestamp() + 600;
    for (name, value) in [
        ("aud", json!(["https://api.sogep.example", "https://other.example"])),
        ("aud", json!(["https://api.sogep.example"])),
        ("aud", json!("https://api.sogep.example/")),
        ("exp", json!(later.to_string())),
        ("exp", json!(f64::from(u32::try_from(later).unwrap()) + 0.5)),
        ("exp", json!(i64::MAX)),
        ("iat", json!(now().timestamp() + 31)),
        ("scope", json!("root")),
        ("jti", json!("x")),
        ("admin", json!(true)),
    ] {
        refused.push(claim(name, value));
    }
    all_refused(&service, refused).await;
}

#[tokio::test]
async fn the_role_in_a_token_gives_no_right() {
    let service = TestApp::start().await;
    let viewer = service.credential(As::Viewer).await.unwrap();
    let (_, ours) = service.app.keyring.active(now()).unwrap();
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
