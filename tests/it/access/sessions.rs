//! Sessions: seen and ended, on every replica.

use axum::http::Method;
use chrono::TimeDelta;
use futures_util::future::join_all;
use serde_json::json;
use sogep::entity::vocabulary::{AccountRole, AuditAction};

use super::{EMAIL, PASSWORD, account, me, pair, refresh, sign_in, tokens};
use crate::app::{Answer, As, TestApp, topic};

async fn sessions(service: &TestApp, access: &str) -> Vec<serde_json::Value> {
    let list = service.get("/v1/sessions", As::Bearer(access.to_owned())).await;
    assert_eq!(list.status, 200, "{}", list.text);
    list.body["data"].as_array().unwrap().clone()
}

async fn end(service: &TestApp, path: &str, who: As) -> u16 {
    service.send(Method::DELETE, path, who, &[], None).await.status.as_u16()
}

#[tokio::test]
async fn who_signs_in_sees_where_and_ends_what_is_not_theirs() {
    let service = TestApp::start().await;
    account(&service, EMAIL, AccountRole::Editor).await;
    let body = json!({ "email": EMAIL, "password": PASSWORD });
    let browser =
        [("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0 <script>")];
    let signed = service.send(Method::POST, "/v1/auth/login", As::Nobody, &browser, Some(body)).await;
    let (first, _) = pair(&signed);
    service.app.clock.advance(TimeDelta::seconds(1));
    let (second, _) = tokens(&service).await;
    let seen = sessions(&service, &second).await;
    assert_eq!(seen.len(), 2);
    assert_eq!((&seen[0]["current"], &seen[1]["current"]), (&json!(true), &json!(false)));
    assert_eq!(seen[1]["device"], "Firefox, Linux");
    assert!(!seen[1].to_string().contains("140"));
    let path = format!("/v1/sessions/{}", seen[1]["id"].as_str().unwrap());
    let stranger = service.account(AccountRole::Editor).await;
    assert_eq!(end(&service, &path, As::Bearer(stranger)).await, 404);
    assert_eq!(end(&service, &path, As::Partner).await, 403);
    assert_eq!(me(&service, &first).await.status, 200);
    assert_eq!(end(&service, &path, As::Bearer(second.clone())).await, 204);
    assert_eq!(me(&service, &first).await.status, 401);
    let (third, _) = tokens(&service).await;
    assert_eq!(end(&service, "/v1/sessions", As::Bearer(second.clone())).await, 204);
    assert_eq!(
        (me(&service, &third).await.status.as_u16(), me(&service, &second).await.status.as_u16()),
        (401, 200)
    );
}

#[tokio::test]
async fn administrators_end_the_sessions_of_those_they_look_after() {
    let service = TestApp::start().await;
    let id = account(&service, EMAIL, AccountRole::Editor).await;
    let (access, _) = tokens(&service).await;
    let list = format!("/v1/sessions?user={id}");
    assert_eq!(service.get(&list, As::Editor).await.status, 403);
    let seen = service.get(&list, As::Admin).await;
    assert_eq!(seen.body["data"].as_array().unwrap().len(), 1);
    assert_eq!(end(&service, &format!("/v1/users/{id}/sessions"), As::Admin).await, 204);
    assert_eq!(me(&service, &access).await.status, 401);
    let nobody = service.get("/v1/sessions?user=00000000-0000-4000-8000-00000000ffff", As::Admin).await;
    assert_eq!(nobody.status, 404);
    let owner = service.credential(As::Owner).await.unwrap();
    let owner_id = service.get("/v1/me", As::Owner).await.body["id"].as_str().unwrap().to_owned();
    assert_eq!(service.get(&format!("/v1/sessions?user={owner_id}"), As::Admin).await.status, 403);
    let of_owner = sessions(&service, &owner).await[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(end(&service, &format!("/v1/sessions/{of_owner}"), As::Admin).await, 404);
}

#[tokio::test]
async fn an_eleventh_session_ends_the_oldest() {
    let service = TestApp::start().await;
    account(&service, EMAIL, AccountRole::Viewer).await;
    let mut all = Vec::new();
    for _ in 0..11 {
        all.push(tokens(&service).await);
        service.app.clock.advance(TimeDelta::seconds(1));
    }
    assert_eq!(me(&service, &all[0].0).await.status, 401);
    assert_eq!(refresh(&service, &all[0].1).await.status, 401);
    for (access, _) in &all[1..] {
        assert_eq!(me(&service, access).await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_who_refresh_at_once_on_two_replicas_one_wins_and_later_reuse_ends_all() {
    let service = TestApp::start().await;
    let other = service.replica().await;
    account(&service, EMAIL, AccountRole::Viewer).await;
    let (_, first) = tokens(&service).await;
    let tries = (0..50).map(|number| refresh(if number % 2 == 0 { &service } else { &other }, &first));
    let answers = join_all(tries).await;
    let (won, lost): (Vec<Answer>, Vec<Answer>) =
        answers.into_iter().partition(|answer| answer.status == 200);
    assert_eq!((won.len(), lost.len()), (1, 49));
    assert!(lost.iter().all(|answer| answer.status == 401));
    let (access, second) = pair(&won[0]);
    assert_eq!(me(&other, &access).await.status, 200, "a race gives nothing away");
    let (access, third) = pair(&refresh(&other, &second).await);
    service.app.clock.advance(TimeDelta::seconds(11));
    assert_eq!(refresh(&service, &first).await.status, 401);
    for replica in [&service, &other] {
        assert_eq!(me(replica, &access).await.status, 401);
        assert_eq!(refresh(replica, &third).await.status, 401);
    }
    let reused =
        service.trail().await.into_iter().filter(|line| line.action == AuditAction::AuthnTokenReuse).count();
    other.app.trail.flush().await;
    assert!(reused >= 1);
    assert!(service.mail(EMAIL, 1).await[0].contains("used twice"));
}

#[tokio::test]
async fn a_client_whose_answer_was_lost_gets_it_again_for_ten_seconds_and_once() {
    let service = TestApp::start().await;
    account(&service, EMAIL, AccountRole::Viewer).await;
    let (_, first) = tokens(&service).await;
    let with_key = async |token: &str, key: &str| {
        let body = Some(json!({ "refresh_token": token }));
        service.send(Method::POST, "/v1/auth/refresh", As::Nobody, &[("idempotency-key", key)], body).await
    };
    let (_, second) = pair(&with_key(&first, "a").await);
    assert_eq!(with_key(&first, "b").await.status, 401, "another client");
    let rows = service.rows().await.concat();
    assert!(!rows.contains(&second) && !rows.contains(&second["sogep_rt_".len()..]));
    service.app.clock.advance(TimeDelta::seconds(10));
    let repeated = with_key(&first, "a").await;
    let (access, again) = pair(&repeated);
    assert_eq!(again, second, "the same successor: there are never two");
    assert_eq!(with_key(&first, "a").await.status, 401, "once");
    assert_eq!(me(&service, &access).await.status, 200);
    let (_, third) = pair(&with_key(&second, "c").await);
    service.app.clock.advance(TimeDelta::seconds(11));
    assert_eq!(with_key(&second, "c").await.status, 401);
    assert_eq!(refresh(&service, &third).await.status, 401, "too late: the family is gone");
}

#[tokio::test]
async fn what_is_ended_on_one_replica_is_ended_on_the_other() {
    let service = TestApp::start().await;
    let other = service.replica().await;
    let id = account(&service, EMAIL, AccountRole::Editor).await;
    let (access, token) = tokens(&service).await;
    let key = service.post("/v1/keys", As::Owner, json!({ "type": "publishable", "name": "A" })).await;
    let secret = key.body["secret"].as_str().unwrap().to_owned();
    assert_eq!(me(&other, &access).await.status, 200);
    assert_eq!(other.get("/v1/topics", As::Bearer(secret.clone())).await.status, 200);
    let path = format!("/v1/users/{id}");
    let etag = service.get(&path, As::Owner).await.etag().to_owned();
    let demoted = service.patch(&path, As::Owner, &etag, json!({ "role": "viewer" })).await;
    assert_eq!(demoted.status, 200);
    assert_eq!(other.post("/v1/topics", As::Bearer(access.clone()), topic("Konu")).await.status, 403);
    let disabled = service.patch(&path, As::Owner, demoted.etag(), json!({ "disabled": true })).await;
    assert_eq!(disabled.status, 200);
    assert_eq!(me(&other, &access).await.status, 401);
    assert_eq!(refresh(&other, &token).await.status, 401);
    assert_eq!(sign_in(&other, EMAIL, PASSWORD).await.status, 401);
    assert_eq!(end(&service, key.header("location"), As::Owner).await, 204);
    assert_eq!(other.get("/v1/topics", As::Bearer(secret)).await.status, 401);
}

#[tokio::test]
async fn a_new_signing_key_signs_nobody_out_and_the_old_one_has_an_end() {
    let service = TestApp::start().await;
    let other = service.replica().await;
    account(&service, EMAIL, AccountRole::Editor).await;
    let (before, _) = tokens(&service).await;
    let tx = service.app.db.begin().await.unwrap();
    let rotation = service.app.keyring.rotate(&tx, &service.app.clock).await.unwrap();
    tx.commit().await.unwrap();
    // As the worker does every five seconds.
    for replica in [&service, &other] {
        replica.app.keyring.reload(&replica.app.db, &replica.app.clock).await.unwrap();
    }
    let published = other.get("/.well-known/jwks.json", As::Nobody).await;
    assert_eq!(published.body["keys"].as_array().unwrap().len(), 2, "known before it signs");
    let kid = |token: &str| jsonwebtoken::decode_header(token).unwrap().kid.unwrap();
    let (still, _) = tokens(&service).await;
    assert_eq!(kid(&still), kid(&before));
    service.app.clock.advance(TimeDelta::minutes(1));
    let (after, _) = tokens(&service).await;
    assert_eq!(kid(&after), rotation.kid);
    for token in [&before, &still, &after] {
        assert_eq!(me(&other, token).await.status, 200);
    }
    service.app.clock.advance(TimeDelta::minutes(11));
    let published = other.get("/.well-known/jwks.json", As::Nobody).await;
    assert_eq!(published.body["keys"].as_array().unwrap().len(), 1);
    let old = other.app.keyring.find(&other.app.db, &other.app.clock, &kid(&before)).await.unwrap();
    assert!(old.is_none(), "what it signed is worth nothing now");
}
