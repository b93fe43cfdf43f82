//! Limits that replicas share, and what holds when they cannot.

use chrono::TimeDelta;
use futures_util::StreamExt;
use sea_orm::{ConnectionTrait, EntityTrait};
use serde_json::json;
use sogep::{entity::rate_limit, http::limits};

use crate::app::{As, TestApp};

/// How many requests each of two replicas lets through, when request `n` goes to the one `pick` says.
async fn let_through(replicas: [&TestApp; 2], count: usize, pick: impl Fn(usize) -> usize) -> [usize; 2] {
    let mut through = [0, 0];
    for number in 0..count {
        let which = pick(number);
        through[which] += usize::from(replicas[which].get("/v1/topics", As::Viewer).await.status == 200);
    }
    through
}

#[tokio::test]
async fn replicas_share_a_quota() {
    let settings = [("SOGEP_RATE_LIMIT_READ", "100"), ("SOGEP_RATE_LIMIT_SIGN_IN", "5")];
    let first = TestApp::with(&settings).await;
    first.credential(As::Viewer).await;
    let second = first.replica().await;
    let is_shared = first.app.db.is_postgres();
    let quota = if is_shared { 100 } else { 200 };
    let all = let_through([&first, &second], 220, |number| number % 2).await;
    assert_eq!(all[0] + all[1], quota, "{all:?}");
    first.app.clock.advance(TimeDelta::minutes(2));
    let all = let_through([&first, &second], 130, |number| usize::from(number != 7)).await;
    assert_eq!(all, [1, if is_shared { 99 } else { 100 }]);
    let mut tried = 0;
    for number in 0..12 {
        let replica = if number % 2 == 0 { &first } else { &second };
        let answer = replica.post_from("192.0.2.1", "/v1/auth/login", As::Nobody, json!({})).await;
        tried += usize::from(answer.status == 422);
    }
    assert_eq!(tried, if is_shared { 5 } else { 10 });
}

#[tokio::test]
async fn replicas_share_a_quota_also_when_all_ask_at_once() {
    let first = TestApp::with(&[("SOGEP_RATE_LIMIT_READ", "60")]).await;
    first.credential(As::Viewer).await;
    let second = first.replica().await;
    let asked = (0..140).map(|number| {
        let replica = if number % 2 == 0 { &first } else { &second };
        replica.get("/v1/topics", As::Viewer)
    });
    let answers: Vec<_> = futures_util::stream::iter(asked).buffer_unordered(16).collect().await;
    let through = answers.iter().filter(|answer| answer.status == 200).count();
    let quota = if first.app.db.is_postgres() { 59..=61 } else { 120..=120 };
    assert!(quota.contains(&through), "{through}");
}

#[tokio::test]
async fn the_shared_buckets_hold_no_address_and_go_when_they_are_empty() {
    let service = TestApp::with(&[("SOGEP_RATE_LIMIT_ANONYMOUS", "100")]).await;
    for peer in ["192.0.2.1", "2001:db8::1"] {
        service.get_from(peer, "/problems", As::Nobody, &[]).await;
    }
    let rows = rate_limit::Entity::find().all(service.app.db.reader()).await.unwrap();
    assert_eq!(rows.len(), if service.app.db.is_postgres() { 2 } else { 0 });
    for row in &rows {
        let (policy, hash) = row.bucket.split_once(':').unwrap();
        assert_eq!(policy, "anonymous");
        assert!(hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()), "{hash}");
    }
    for (later, left) in [(TimeDelta::zero(), rows.len()), (TimeDelta::minutes(1), 0)] {
        let tx = service.app.db.begin().await.unwrap();
        limits::purge(&tx, service.app.clock.now() + later).await.unwrap();
        tx.commit().await.unwrap();
        let rows = rate_limit::Entity::find().all(service.app.db.reader()).await.unwrap();
        assert_eq!(rows.len(), left);
    }
}

#[tokio::test]
async fn without_the_shared_buckets_a_process_goes_on_counting() {
    let settings = [("SOGEP_RATE_LIMIT_READ", "20"), ("SOGEP_RATE_LIMIT_SIGN_IN", "3")];
    let service = TestApp::with(&settings).await;
    for _ in 0..8 {
        assert_eq!(service.get("/v1/topics", As::Viewer).await.status, 200);
    }
    let tx = service.app.db.begin().await.unwrap();
    tx.execute_unprepared("DROP TABLE rate_limit").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(super::let_through(&service, "/v1/topics", As::Viewer, 20).await, 12, "it knows of the eight");
    assert_eq!(super::let_through(&service, "/v1/topics", As::Editor, 30).await, 20);
    for status in [422, 422, 422, 429] {
        let tried = service.post_from("192.0.2.1", "/v1/auth/login", As::Nobody, json!({})).await;
        assert_eq!(tried.status, status);
    }
}
