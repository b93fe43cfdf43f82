//! Passwords: chosen by invitation, forgotten, changed; and the links that do it.

use chrono::TimeDelta;
use serde_json::json;
use sogep::entity::{user, vocabulary::AccountRole};

use super::{
    EMAIL, PASSWORD, account, but_for_its_id, choose_password, me, refresh, set, sign_in, token_of_mail,
    tokens,
};
use crate::app::{Answer, As, TestApp};

const OTHER: &str = "mor menekşeler yağmurda susar";

async fn invite(service: &TestApp, email: &str) -> Answer {
    let body = json!({ "email": email, "name": "Çiğdem", "role": "editor" });
    let made = service.post("/v1/users", As::Owner, body).await;
    assert_eq!(made.status, 201, "{}", made.text);
    made
}

async fn forget(service: &TestApp, email: &str) -> Answer {
    service.post("/v1/auth/forgotten-password", As::Nobody, json!({ "email": email })).await
}

#[tokio::test]
async fn who_is_invited_chooses_a_password_once_and_signs_in() {
    let service = TestApp::start().await;
    let made = invite(&service, EMAIL).await;
    assert_eq!((&made.body["status"], &made.body["second_factor"]), (&json!("invited"), &json!(false)));
    assert_eq!(sign_in(&service, EMAIL, "").await.status, 401, "there is no password yet");
    let token = token_of_mail(&service, EMAIL, 1).await;
    let rows = service.rows().await.concat();
    assert!(!rows.contains(&token) && !rows.contains(&token["sogep_ot_".len()..]), "it is kept nowhere");
    let bad =
        ["", "on dört harf..", EMAIL, "sogep2026sogep26", "Sosyal Kalkınma 2026", "cinsiyetesitligi2026"];
    for short in bad {
        assert_eq!(choose_password(&service, &token, short).await.places(), ["/password"], "{short}");
    }
    assert_eq!(choose_password(&service, &token, PASSWORD).await.status, 204);
    let again = choose_password(&service, &token, OTHER).await;
    assert_eq!((again.status.as_u16(), again.code()), (400, "invalid-token"));
    assert_eq!(sign_in(&service, EMAIL, OTHER).await.status, 401);
    assert_eq!(sign_in(&service, EMAIL, PASSWORD).await.status, 200);
    let shown = service.get(made.header("location"), As::Owner).await;
    assert_eq!(shown.body["status"], "active");
}

#[tokio::test]
async fn an_invitation_is_good_for_three_days_and_a_newer_one_takes_its_place() {
    let service = TestApp::start().await;
    let made = invite(&service, EMAIL).await;
    let first = token_of_mail(&service, EMAIL, 1).await;
    let path = format!("{}/invitation", made.header("location"));
    let again = async || {
        // Tokens of access expire meanwhile.
        let admin = As::Bearer(service.account(AccountRole::Admin).await);
        service.send(axum::http::Method::POST, &path, admin, &[], None).await.status.as_u16()
    };
    assert_eq!(again().await, 202);
    let second = token_of_mail(&service, EMAIL, 2).await;
    assert_ne!(first, second);
    assert_eq!(choose_password(&service, &first, PASSWORD).await.status, 400);
    service.app.clock.advance(TimeDelta::hours(72));
    assert_eq!(choose_password(&service, &second, PASSWORD).await.status, 400);
    assert_eq!(again().await, 202);
    let third = token_of_mail(&service, EMAIL, 3).await;
    assert_eq!(choose_password(&service, &third, PASSWORD).await.status, 204);
    assert_eq!(again().await, 409, "there is a password already");
}

#[tokio::test]
async fn a_forgotten_password_is_replaced_through_the_address_that_is_stored() {
    let service = TestApp::start().await;
    account(&service, "mike@sogep.example", AccountRole::Editor).await;
    let (access, refresh_token) = pair_of(&sign_in(&service, "mike@sogep.example", PASSWORD).await);
    let known = forget(&service, "MIKE@sogep.example").await;
    let mut answers = vec![known];
    for other in [
        "yok@sogep.example",
        "m\u{131}ke@sogep.example",
        "M\u{130}KE@sogep.example",
        "\u{ff4d}ike@sogep.example",
    ] {
        answers.push(forget(&service, other).await);
    }
    assert!(answers.iter().all(|answer| answer.status == 202 && answer.text.is_empty()));
    let token = token_of_mail(&service, "mike@sogep.example", 1).await;
    let evil = [("host", "evil.example"), ("x-forwarded-host", "evil.example")];
    let body = json!({ "email": "mike@sogep.example" });
    service.app.clock.advance(TimeDelta::minutes(5));
    service
        .send(axum::http::Method::POST, "/v1/auth/forgotten-password", As::Nobody, &evil, Some(body))
        .await;
    let messages = service.mail("mike@sogep.example", 2).await;
    assert_eq!(messages.len(), 2, "nobody else was written to");
    assert!(messages.iter().all(|text| text.contains("https://api.sogep.example/docs#token=")));
    assert!(messages.iter().all(|text| !text.contains("evil")));
    assert_eq!(choose_password(&service, &token, OTHER).await.status, 400, "a newer one has been sent");
    let token = token_of_mail(&service, "mike@sogep.example", 2).await;
    assert_eq!(choose_password(&service, &token, OTHER).await.status, 204);
    assert_eq!(me(&service, &access).await.status, 401, "whoever was signed in is not any more");
    assert_eq!(refresh(&service, &refresh_token).await.status, 401);
    assert_eq!(sign_in(&service, "mike@sogep.example", PASSWORD).await.status, 401);
    assert_eq!(sign_in(&service, "mike@sogep.example", OTHER).await.status, 200);
}

fn pair_of(answer: &Answer) -> (String, String) {
    super::pair(answer)
}

#[tokio::test]
async fn a_reset_is_good_for_an_hour_and_not_sent_to_who_is_disabled() {
    let service = TestApp::start().await;
    let id = account(&service, EMAIL, AccountRole::Editor).await;
    forget(&service, EMAIL).await;
    let token = token_of_mail(&service, EMAIL, 1).await;
    service.app.clock.advance(TimeDelta::hours(1));
    assert_eq!(choose_password(&service, &token, OTHER).await.status, 400);
    forget(&service, EMAIL).await;
    let token = token_of_mail(&service, EMAIL, 2).await;
    set(&service, id, user::Column::DisabledAt, service.app.clock.now()).await;
    assert_eq!(choose_password(&service, &token, OTHER).await.status, 400);
    service.app.clock.advance(TimeDelta::minutes(10));
    forget(&service, EMAIL).await;
    let refused =
        async || service.trail().await.iter().any(|line| line.reason.as_deref() == Some("no_account"));
    service.until("the last one is refused", refused).await;
    assert_eq!(service.mail(EMAIL, 2).await.len(), 2);
}

#[tokio::test]
async fn one_s_own_password_is_changed_with_the_old_one_and_other_sessions_end() {
    let service = TestApp::start().await;
    account(&service, EMAIL, AccountRole::Viewer).await;
    let (here, _) = tokens(&service).await;
    let (elsewhere, _) = tokens(&service).await;
    let change = async |current: &str, new: &str| {
        let body = json!({ "current_password": current, "new_password": new });
        service.post("/v1/me/password", As::Bearer(here.clone()), body).await
    };
    assert_eq!(change(OTHER, OTHER).await.places(), ["/current_password"]);
    assert_eq!(change(PASSWORD, "parolaparolaparola").await.places(), ["/new_password"]);
    assert_eq!(change(PASSWORD, OTHER).await.status, 204);
    assert_eq!(me(&service, &here).await.status, 200);
    assert_eq!(me(&service, &elsewhere).await.status, 401);
    assert_eq!(sign_in(&service, EMAIL, PASSWORD).await.status, 401);
    assert_eq!(sign_in(&service, EMAIL, OTHER).await.status, 200);
    let told = service.mail(EMAIL, 1).await;
    assert!(told[0].contains("password of your account was changed"));
}

#[tokio::test]
async fn what_is_dangerous_wants_a_fresh_proof() {
    let service = TestApp::start().await;
    account(&service, EMAIL, AccountRole::Owner).await;
    let (access, _) = tokens(&service).await;
    let who = || As::Bearer(access.clone());
    service.app.clock.advance(TimeDelta::minutes(5));
    let key = json!({ "type": "publishable", "name": "Ana sayfa" });
    assert_eq!(service.post("/v1/keys", who(), key.clone()).await.status, 201);
    service.app.clock.advance(TimeDelta::seconds(1));
    let before = service.rows().await;
    let someone = json!({ "email": "b@sogep.example", "role": "viewer" });
    let password = json!({ "current_password": PASSWORD, "new_password": OTHER });
    for (path, body) in [("/v1/keys", key.clone()), ("/v1/users", someone), ("/v1/me/password", password)] {
        let refused = service.post(path, who(), body).await;
        assert_eq!((refused.status.as_u16(), refused.code()), (403, "reauthentication-required"), "{path}");
    }
    assert_eq!(service.rows().await, before);
    let prove = async |password: &str| {
        service.post("/v1/auth/reauthenticate", who(), json!({ "password": password })).await
    };
    assert_eq!(prove(OTHER).await.status, 401);
    assert_eq!(service.post("/v1/keys", who(), key.clone()).await.status, 403);
    assert_eq!(prove(PASSWORD).await.status, 204);
    assert_eq!(service.post("/v1/keys", who(), key).await.status, 201);
}

#[tokio::test]
async fn no_token_opens_what_another_is_for() {
    let service = TestApp::start().await;
    account(&service, EMAIL, AccountRole::Owner).await;
    let signed = sign_in(&service, EMAIL, PASSWORD).await;
    let field = |name: &str| signed.body[name].as_str().unwrap().to_owned();
    forget(&service, EMAIL).await;
    let one_time = token_of_mail(&service, EMAIL, 1).await;
    let key = service.credential(As::Partner).await.unwrap();
    let all = [
        ("access", field("access_token")),
        ("refresh", field("refresh_token")),
        ("device", field("device_token")),
        ("one-time", one_time),
        ("key", key),
    ];
    for (name, token) in &all {
        let as_bearer = me(&service, token).await.status;
        assert_eq!(
            as_bearer == 200,
            matches!(*name, "access" | "key"),
            "{name} as a credential: {as_bearer}"
        );
    }
    for (name, token) in &all {
        if *name != "refresh" {
            let status = refresh(&service, token).await.status.as_u16();
            assert!(matches!(status, 401 | 422), "{name} as a refresh token: {status}");
        }
        if *name != "one-time" {
            let status = choose_password(&service, token, OTHER).await.status.as_u16();
            assert!(matches!(status, 400 | 422), "{name} as a one-time token: {status}");
        }
    }
    let wrong = but_for_its_id(&me(&service, &all[1].1).await);
    assert_eq!(wrong, but_for_its_id(&me(&service, &all[3].1).await));
}

#[tokio::test]
async fn a_password_hashed_with_less_effort_is_hashed_anew_when_it_is_shown() {
    use argon2::{Algorithm, Argon2, Params, Version, password_hash::PasswordHasher};
    let service = TestApp::start().await;
    let id = account(&service, EMAIL, AccountRole::Viewer).await;
    let weak = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(8192, 1, 1, None).unwrap());
    let hash: argon2::password_hash::phc::PasswordHash = weak.hash_password(PASSWORD.as_bytes()).unwrap();
    set(&service, id, user::Column::PasswordHash, hash.to_string()).await;
    for _ in 0..2 {
        assert_eq!(sign_in(&service, EMAIL, PASSWORD).await.status, 200);
        let rows = service.rows().await.concat();
        assert!(rows.contains("$argon2id$v=19$m=19456,t=2,p=1$") && !rows.contains("m=8192"));
    }
}

#[tokio::test]
async fn the_old_password_cannot_be_guessed_with_a_stolen_token() {
    let service = TestApp::start().await;
    account(&service, EMAIL, AccountRole::Viewer).await;
    let (access, _) = tokens(&service).await;
    let change = async |current: &str| {
        let body = json!({ "current_password": current, "new_password": OTHER });
        service.post("/v1/me/password", As::Bearer(access.clone()), body).await.status.as_u16()
    };
    for number in 0..10 {
        assert_eq!(change(&format!("uzun ve yanlış bir parola {number}")).await, 422);
    }
    assert_eq!(change(PASSWORD).await, 429);
    service.app.clock.advance(TimeDelta::seconds(1));
    assert_eq!(change(PASSWORD).await, 204);
}
