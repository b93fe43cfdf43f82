//! How often signing in may be tried.

use chrono::TimeDelta;
use futures_util::future::join_all;
use serde_json::json;
use sogep::entity::vocabulary::AccountRole;

use super::{EMAIL, PASSWORD, account, but_for_its_id, choose_password, sign_in, token_of_mail};
use crate::app::{As, TestApp};

const WRONG: &str = "uzun ve akılda kalan bir porola";

#[tokio::test]
async fn after_ten_failures_each_try_waits_longer_whether_there_is_an_account_or_not() {
    let service = TestApp::start().await;
    account(&service, EMAIL, AccountRole::Editor).await;
    for email in [EMAIL, "yok@sogep.example"] {
        for _ in 0..10 {
            assert_eq!(sign_in(&service, email, WRONG).await.status, 401);
        }
        let mut waits = Vec::new();
        for _ in 0..4 {
            let refused = sign_in(&service, email, PASSWORD).await;
            assert_eq!((refused.status.as_u16(), refused.code()), (429, "quota-exceeded"), "{email}");
            let wait: i64 = refused.header("retry-after").parse().unwrap();
            waits.push(wait);
            service.app.clock.advance(TimeDelta::seconds(wait));
            assert_eq!(sign_in(&service, email, WRONG).await.status, 401);
        }
        assert_eq!(waits, [1, 2, 4, 8], "{email}");
    }
    service.app.clock.advance(TimeDelta::minutes(15));
    assert_eq!(sign_in(&service, EMAIL, PASSWORD).await.status, 200, "nobody is locked out for good");
    assert_eq!(sign_in(&service, EMAIL, WRONG).await.status, 401);
    assert_eq!(sign_in(&service, EMAIL, PASSWORD).await.status, 200, "and counting begins anew");
}

#[tokio::test]
async fn spellings_of_an_address_are_counted_together() {
    let service = TestApp::start().await;
    account(&service, EMAIL, AccountRole::Editor).await;
    for email in ["isil@sogep.example", "ISIL@sogep.example", "Isil@SOGEP.EXAMPLE", "isil@sogep.Example"] {
        for _ in 0..3 {
            sign_in(&service, email, WRONG).await;
        }
    }
    assert_eq!(sign_in(&service, EMAIL, PASSWORD).await.status, 429);
}

#[tokio::test]
async fn a_known_device_gets_in_while_others_guess() {
    let service = TestApp::start().await;
    account(&service, EMAIL, AccountRole::Editor).await;
    account(&service, "baska@sogep.example", AccountRole::Editor).await;
    let first = sign_in(&service, EMAIL, PASSWORD).await;
    let device = first.body["device_token"].as_str().unwrap().to_owned();
    for _ in 0..12 {
        sign_in(&service, EMAIL, WRONG).await;
    }
    assert_eq!(sign_in(&service, EMAIL, PASSWORD).await.status, 429);
    let with_device = async |email: &str, device: &str, password: &str| {
        let body = json!({ "email": email, "password": password, "device_token": device });
        service.post("/v1/auth/login", As::Nobody, body).await
    };
    assert_eq!(with_device(EMAIL, "sogep_dt_0", PASSWORD).await.status, 429);
    let again = with_device(EMAIL, &device, PASSWORD).await;
    assert_eq!(again.status, 200);
    assert!(again.body["device_token"].is_null(), "it is known already");
    // It opens nothing by itself, it is counted too, and it is of no use for another account.
    for _ in 0..10 {
        assert_eq!(with_device(EMAIL, &device, WRONG).await.status, 401);
    }
    assert_eq!(with_device(EMAIL, &device, PASSWORD).await.status, 429);
    for _ in 0..10 {
        sign_in(&service, "baska@sogep.example", WRONG).await;
    }
    assert_eq!(with_device("baska@sogep.example", &device, PASSWORD).await.status, 429);
}

#[tokio::test]
async fn after_a_hundred_failures_a_password_alone_is_not_enough_and_a_new_one_is() {
    let service = TestApp::start().await;
    account(&service, EMAIL, AccountRole::Editor).await;
    for _ in 0..101 {
        sign_in(&service, EMAIL, WRONG).await;
        service.app.clock.advance(TimeDelta::minutes(15));
    }
    let right = sign_in(&service, EMAIL, PASSWORD).await;
    service.app.clock.advance(TimeDelta::minutes(15));
    let wrong = sign_in(&service, EMAIL, WRONG).await;
    assert_eq!((right.status, wrong.status), (wrong.status, right.status));
    assert_eq!((right.status.as_u16(), but_for_its_id(&right)), (401, but_for_its_id(&wrong)));
    service.post("/v1/auth/forgotten-password", As::Nobody, json!({ "email": EMAIL })).await;
    let token = token_of_mail(&service, EMAIL, 1).await;
    assert_eq!(choose_password(&service, &token, "mor menekşeler yağmurda susar").await.status, 204);
    assert_eq!(sign_in(&service, EMAIL, "mor menekşeler yağmurda susar").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_tries_at_once_ten_are_looked_at() {
    let service = TestApp::start().await;
    account(&service, EMAIL, AccountRole::Editor).await;
    let answers = join_all((0..40).map(|_| sign_in(&service, EMAIL, WRONG))).await;
    let looked_at = answers.iter().filter(|answer| answer.status == 401).count();
    assert_eq!(looked_at, 10);
    assert!(answers.iter().all(|answer| matches!(answer.status.as_u16(), 401 | 429 | 503)));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_right_passwords_at_once_none_fails_on_our_side() {
    let service = TestApp::start().await;
    let other = service.replica().await;
    account(&service, EMAIL, AccountRole::Editor).await;
    for _ in 0..3 {
        let tries =
            (0..20).map(|number| sign_in(if number % 2 == 0 { &service } else { &other }, EMAIL, PASSWORD));
        let answers = join_all(tries).await;
        assert!(answers.iter().all(|answer| matches!(answer.status.as_u16(), 200 | 429 | 503)));
        assert!(answers.iter().any(|answer| answer.status == 200));
        service.app.clock.advance(TimeDelta::minutes(15));
    }
}
