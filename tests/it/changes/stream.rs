//! The change log as it happens.

use std::time::{Duration, Instant};

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use http_body_util::BodyExt;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};
use serde_json::{Value, json};
use sogep::{
    entity::api_key,
    http::streams::{MOST, MOST_OF_ONE},
    server,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    time::timeout,
};
use tower::ServiceExt;

use super::{follow, public};
use crate::{
    app::{As, TestApp, now, topic},
    connections::{PATIENCE, hasty},
    editing::{edit, trash},
};

/// One event; of a comment, nothing is there.
#[derive(Debug, Default, PartialEq)]
struct Event {
    id: Option<String>,
    name: Option<String>,
    data: Option<Value>,
}

/// Somebody who listens.
struct Listener {
    body: Body,
    text: String,
}

impl Listener {
    async fn open(service: &TestApp, who: &As, query: &str, last: Option<&str>) -> Self {
        let mut request = Request::builder().uri(format!("/v1/changes/stream?{query}"));
        let credential = service.credential(who.clone()).await.unwrap();
        request = request.header(header::AUTHORIZATION, format!("Bearer {credential}"));
        request = request.header(header::ACCEPT, "text/event-stream");
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response = service.front().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
        assert_eq!(response.headers()[header::CACHE_CONTROL], "private, no-store");
        Self { body: response.into_body(), text: String::new() }
    }

    /// The next event; `None` when the stream has ended.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let mut event = Event::default();
                for line in block.lines() {
                    match line.split_once(": ") {
                        Some(("id", id)) => event.id = Some(id.to_owned()),
                        Some(("event", name)) => event.name = Some(name.to_owned()),
                        Some(("data", data)) => event.data = Some(serde_json::from_str(data).unwrap()),
                        Some(("", "")) => {}
                        other => panic!("{other:?}"),
                    }
                }
                self.text = String::from(rest);
                return Some(event);
            }
            let frame =
                timeout(PATIENCE, self.body.frame()).await.expect("an event, a heartbeat or an end")?;
            self.text.push_str(std::str::from_utf8(&frame.unwrap().into_data().unwrap()).unwrap());
        }
    }

    /// The next change, and the place after it.
    async fn change(&mut self) -> (Value, String) {
        loop {
            let event = self.next().await.expect("a change");
            if let Some(data) = event.data {
                assert_eq!(event.name.as_deref(), Some("change"));
                return (data, event.id.unwrap());
            }
        }
    }
}

#[tokio::test]
async fn what_happens_is_heard_at_once_and_nothing_is_missed_in_between() {
    let service = TestApp::start().await;
    let who = public(&service).await;
    let before = service.published("topics", topic("Önce")).await;
    let mut listener = Listener::open(&service, &who, "", None).await;
    let begin = listener.next().await.unwrap();
    assert!(begin.id.is_some() && begin.data.is_none(), "it begins with the place");
    let path = service.published("topics", topic("Bakım")).await;
    let begun = Instant::now();
    let (change, place) = listener.change().await;
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    let (listed, end) = follow(&service, &who, begin.id.as_deref(), 100).await;
    assert_eq!((vec![change], &place), (listed, &end), "the same as in the list");
    drop(listener);
    edit(&service, &path, json!({ "position": 1 })).await;
    trash(&service, &before).await;
    // A draft is nobody's business.
    service.post("/v1/topics", As::Editor, topic("Taslak")).await;
    let mut again = Listener::open(&service, &who, "after=", Some(&place)).await;
    assert_eq!(again.next().await.unwrap().id.as_ref(), Some(&place), "the last id goes before `after`");
    let heard = [again.change().await.0, again.change().await.0];
    assert_eq!(heard.to_vec(), follow(&service, &who, Some(&place), 100).await.0);
    let heard: Vec<_> = heard.iter().map(|change| change["change"].as_str().unwrap()).collect();
    assert_eq!(heard, ["updated", "deleted"]);
    let mut by_kind = Listener::open(&service, &who, "kind=person,event", None).await;
    let mut from_list = Listener::open(&service, &who, &format!("after={place}"), None).await;
    assert_eq!(from_list.next().await.unwrap().id, Some(place));
    assert_eq!(from_list.change().await.0["change"], "updated");
    edit(&service, &path, json!({ "position": 2 })).await;
    service.published("events", crate::app::event("Panel")).await;
    assert_eq!(by_kind.change().await.0["kind"], "event");
}

/// Revokes a key beside the service.
async fn revoke(service: &TestApp, key: &As) {
    let As::Bearer(secret) = key else { panic!("a key") };
    let tx = service.app.db.begin().await.unwrap();
    api_key::Entity::update_many()
        .col_expr(api_key::Column::RevokedAt, Expr::value(now()))
        .filter(api_key::Column::Prefix.eq(sogep::auth::key::prefix(secret).unwrap()))
        .exec(&tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_silent_stream_says_that_it_lives_and_ends_with_its_credential() {
    let service = TestApp::start().await;
    let (good, bad) = (public(&service).await, public(&service).await);
    let mut living = Listener::open(&service, &good, "", None).await;
    let mut ending = Listener::open(&service, &bad, "", None).await;
    living.next().await.unwrap();
    ending.next().await.unwrap();
    revoke(&service, &bad).await;
    let begun = Instant::now();
    let (heartbeat, end) = tokio::join!(living.next(), ending.next());
    assert_eq!(heartbeat, Some(Event::default()), "a comment");
    assert_eq!(end, None, "the key was revoked");
    assert!(begun.elapsed() < Duration::from_secs(19), "{:?}", begun.elapsed());
    // It goes on after the heartbeat.
    service.published("topics", topic("Bakım")).await;
    assert_eq!(living.change().await.0["slug"], "bakim");
    // Nothing is told on a credential that was looked at longer than five seconds ago.
    let mut told = Listener::open(&service, &good, "", None).await;
    told.next().await.unwrap();
    revoke(&service, &good).await;
    // Nobody waits for anything in this moment that the clock could cut short.
    tokio::time::pause();
    tokio::time::advance(Duration::from_millis(5100)).await;
    tokio::time::resume();
    service.published("topics", topic("Emek")).await;
    assert_eq!(told.next().await, None);
    drop((living, told, ending));
    assert_eq!(service.app.streams.taken(), 0);
}

#[tokio::test]
async fn streams_are_bounded_and_a_seat_comes_back() {
    let service = TestApp::start().await;
    let (who, other) = (public(&service).await, public(&service).await);
    let mut held = Vec::new();
    for _ in 0..MOST_OF_ONE {
        held.push(Listener::open(&service, &who, "", None).await);
    }
    let refused = service.get("/v1/changes/stream", who.clone()).await;
    assert_eq!((refused.status.as_u16(), refused.code()), (429, "quota-exceeded"));
    assert_eq!(refused.body["violated-policies"], json!(["streams"]));
    assert_eq!(refused.header("retry-after"), "30");
    let others: Vec<_> = (MOST_OF_ONE..MOST)
        .map(|number| service.app.streams.take(uuid::Uuid::from_u128(number as u128)).unwrap())
        .collect();
    let refused = service.get("/v1/changes/stream", other.clone()).await;
    assert_eq!((refused.status.as_u16(), refused.code()), (503, "temporary-reduced-capacity"));
    assert_eq!(service.get("/v1/changes", other.clone()).await.status, 200, "the list is not concerned");
    drop(others);
    held.pop();
    held.push(Listener::open(&service, &who, "", None).await);
    held.push(Listener::open(&service, &other, "", None).await);
    assert_eq!(service.app.streams.taken(), MOST_OF_ONE + 1);
    drop(held);
    assert_eq!(service.app.streams.taken(), 0);
}

#[tokio::test]
async fn who_does_not_take_events_is_refused() {
    let service = TestApp::start().await;
    let who = public(&service).await;
    for (accept, status) in [
        ("text/event-stream", 200),
        ("text/*;q=0.5", 200),
        ("*/*", 200),
        ("application/json", 406),
        ("text/html", 406),
    ] {
        let headers = [("accept", accept)];
        let method = axum::http::Method::GET;
        let answer = service.send(method, "/v1/changes/stream", who.clone(), &headers, None).await;
        assert_eq!(answer.status, status, "{accept}");
    }
    let headers = [("accept", "text/event-stream")];
    let answer = service.send(axum::http::Method::GET, "/v1/changes", who.clone(), &headers, None).await;
    assert_eq!(answer.status, 406, "the list is JSON");
    let headers = [("last-event-id", "AAAA")];
    let answer = service.send(axum::http::Method::GET, "/v1/changes/stream", who, &headers, None).await;
    assert_eq!((answer.status.as_u16(), answer.places()), (400, vec!["Last-Event-ID"]));
}

#[tokio::test]
async fn a_connection_that_listens_is_not_idle_and_stopping_ends_it() {
    let service = TestApp::start().await;
    let who = public(&service).await;
    let credential = service.credential(who).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let limits = hasty();
    let front = service.front();
    let task = tokio::spawn(async move {
        server::serve(listener, front, limits, |_| false, async move { stopped.await.unwrap() }).await;
    });
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request =
        format!("GET /v1/changes/stream HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {credential}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    // Longer than a connection may be idle, and than it may take to end.
    tokio::time::sleep(limits.idle * 2 + limits.head).await;
    service.published("topics", topic("Bakım")).await;
    let mut text = String::new();
    let mut piece = [0; 4096];
    while !text.contains("bakim") {
        let count = timeout(PATIENCE, stream.read(&mut piece)).await.expect("an event").unwrap();
        assert!(count > 0, "cut off: {text}");
        text.push_str(&String::from_utf8_lossy(&piece[..count]));
    }
    assert!(text.starts_with("HTTP/1.1 200") && text.contains("event: change"), "{text}");
    let begun = Instant::now();
    service.app.drain();
    stop.send(()).unwrap();
    while timeout(PATIENCE, stream.read(&mut piece)).await.expect("an end").unwrap() > 0 {}
    drop(stream);
    timeout(PATIENCE, task).await.expect("the server ends").unwrap();
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!(service.app.streams.taken(), 0);
}
