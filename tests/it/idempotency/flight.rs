//! The same request more than once at the same time, and requests that break off.

use std::time::Duration;

use axum::{
    body::Body,
    http::{Method, Request},
};
use bytes::Bytes;
use futures_util::{StreamExt, future::join_all, stream};
use sea_orm::{ConnectionTrait, EntityTrait, QuerySelect, Statement};
use serde_json::{Value, json};
use sogep::entity::entry;
use tower::ServiceExt;

use super::{PUBLICATIONS, assert_problem, assert_replayed, kept, post, publications};
use crate::app::{self, Answer, As, TestApp};

/// Sends a request until it is not in flight any more.
async fn settled(service: &TestApp, key: &str, body: &Value) -> Answer {
    for _ in 0..400 {
        let answer = post(service, PUBLICATIONS, As::Editor, key, body.clone()).await;
        if answer.status != 409 {
            return answer;
        }
        assert_in_use(&answer);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it is in flight for ever");
}

fn assert_in_use(answer: &Answer) {
    assert_problem(answer, 409, "idempotency-key-in-use");
    assert_eq!(answer.header("retry-after"), "1");
}

#[tokio::test]
async fn of_fifty_at_once_on_two_replicas_one_is_carried_out() {
    let service = TestApp::start().await;
    service.credential(As::Editor).await;
    let replica = service.replica().await;
    let body = app::publication("Bir");
    let all = (0..50).map(|number| {
        let one = if number % 2 == 0 { &service } else { &replica };
        post(one, PUBLICATIONS, As::Editor, "k", body.clone())
    });
    let answers = join_all(all).await;
    assert_eq!((publications(&service).await, kept(&service).await.len()), (1, 1));
    let (made, waiting): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 201);
    let first = made.iter().find(|answer| answer.header("idempotency-replayed").is_empty()).unwrap();
    for again in made.iter().filter(|answer| !answer.header("idempotency-replayed").is_empty()) {
        assert_replayed(first, again, "at once");
    }
    assert_eq!(made.iter().filter(|answer| answer.header("idempotency-replayed").is_empty()).count(), 1);
    assert!(!waiting.is_empty(), "they were not at once");
    for one in waiting {
        assert_in_use(one);
    }
    for one in [&service, &replica] {
        assert_replayed(first, &settled(one, "k", &body).await, "later");
    }
    assert_eq!(publications(&replica).await, 1);
}

#[tokio::test]
async fn while_the_body_is_still_coming_the_key_is_in_use() {
    let service = TestApp::start().await;
    let text = app::publication("Bir").to_string();
    let (release, released) = tokio::sync::oneshot::channel::<()>();
    let (half, rest) = text.split_at(10);
    let (half, rest) = (Bytes::from(half.to_owned()), Bytes::from(rest.to_owned()));
    let begun = std::sync::Arc::new(tokio::sync::Notify::new());
    let told = begun.clone();
    let first_half = stream::once(async move {
        told.notify_one();
        Ok::<_, std::io::Error>(half)
    });
    let other_half = stream::once(async move {
        released.await.unwrap();
        Ok(rest)
    });
    let body = Body::from_stream(first_half.chain(other_half));
    let headers = [("idempotency-key", "k"), ("content-type", "application/json")];
    let slow = service.send_bytes(Method::POST, PUBLICATIONS, As::Editor, &headers, body);
    let meanwhile = async {
        begun.notified().await;
        let second = post(&service, PUBLICATIONS, As::Editor, "k", app::publication("Bir")).await;
        assert_in_use(&second);
        let other = post(&service, PUBLICATIONS, As::Editor, "other", app::publication("Başka")).await;
        assert_eq!(other.status, 201);
        release.send(()).unwrap();
    };
    let (first, ()) = tokio::join!(slow, meanwhile);
    assert_eq!(first.status, 201, "{}", first.text);
    // A body is the same however it was cut.
    assert_replayed(&first, &settled(&service, "k", &app::publication("Bir")).await, "whole");
}

/// On SQLite the whole database has one writer, so nothing else is in flight while it writes.
#[tokio::test]
async fn another_replica_does_not_wait_for_the_one_that_carries_it_out() {
    let service = TestApp::start().await;
    if !service.app.db.is_postgres() {
        return;
    }
    let made = service.post(PUBLICATIONS, As::Editor, app::publication("Bir")).await;
    let path = format!("{}/transitions", made.header("location"));
    let replica = service.replica().await;
    let to = json!({ "to": "published" });
    // The entry is held, so that the first is in the middle of its transaction.
    let holder = service.app.db.begin().await.unwrap();
    entry::Entity::find().lock_exclusive().all(&holder).await.unwrap();
    let meanwhile = async {
        let locks = "SELECT 1 FROM pg_locks JOIN pg_database d ON d.oid = database \
                     WHERE locktype = 'advisory' AND datname = current_database()";
        let locked = async || {
            let reader = replica.app.db.reader();
            let row = reader.query_one_raw(Statement::from_string(reader.get_database_backend(), locks));
            row.await.unwrap().is_some()
        };
        replica.until("the first is under way", locked).await;
        assert_in_use(&post(&replica, &path, As::Editor, "k", to.clone()).await);
        holder.rollback().await.unwrap();
    };
    let (first, ()) = tokio::join!(post(&service, &path, As::Editor, "k", to.clone()), meanwhile);
    assert_eq!(first.status, 200, "{}", first.text);
    assert_replayed(&first, &post(&replica, &path, As::Editor, "k", to).await, "later");
}

#[tokio::test]
async fn an_answer_that_nobody_read_is_given_again() {
    let service = TestApp::start().await;
    let credential = service.credential(As::Editor).await.unwrap();
    let request = Request::post(PUBLICATIONS)
        .header("authorization", format!("Bearer {credential}"))
        .header("content-type", "application/json")
        .header("idempotency-key", "k")
        .body(Body::from(app::publication("Bir").to_string()))
        .unwrap();
    let response = service.front().oneshot(request).await.unwrap();
    let etag = response.headers()["etag"].clone();
    drop(response);
    let again = settled(&service, "k", &app::publication("Bir")).await;
    assert_eq!((again.status.as_u16(), again.header("idempotency-replayed")), (201, "true"));
    assert_eq!((again.etag(), publications(&service).await), (etag.to_str().unwrap(), 1));
}

#[tokio::test]
async fn whenever_a_client_goes_away_its_request_is_carried_out_once() {
    let service = TestApp::start().await;
    service.credential(As::Editor).await;
    let (mut before, mut after) = (0, 0);
    for number in 0..40_u64 {
        let (key, body) = (format!("k-{number}"), app::publication(&format!("Yayın {number}")));
        let under_way = post(&service, PUBLICATIONS, As::Editor, &key, body.clone());
        // Dropped in the middle, wherever that is.
        let cut = tokio::time::timeout(Duration::from_micros(number * 400), under_way).await;
        let answer = settled(&service, &key, &body).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        if let Ok(first) = cut {
            assert_replayed(&first, &answer, "not cut");
            after += 1;
        } else {
            before += 1;
        }
        assert_eq!(publications(&service).await, number + 1, "after {number}");
    }
    assert!(before > 0, "{before} were cut, {after} were not");
}
