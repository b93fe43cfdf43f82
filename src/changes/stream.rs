//! The log as it happens: Server-Sent Events.
//!
//! Nothing is pushed: the connection asks for more when the client has taken what there was, so of every
//! stream one page is held at most, and who does not read is cut off like everywhere else
//! ([`crate::server::Limits`]). One task looks for news on behalf of all streams of the process.
//!
//! Source: HTML Living Standard, 9.2 Server-sent events.

use std::time::Duration;

use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, header, request::Parts},
    response::Response,
};
use futures_util::stream;
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};

use super::{Feed, log};
use crate::{
    app::App,
    auth::{Caller, Follower},
    entity::vocabulary::Kind,
    http::{
        Error, Query, Result,
        query::{Parameters, Values},
        streams::{Endless, Seat},
    },
};

/// How many changes are held at once.
const PAGE: u64 = 20;
/// After how long a silence something is said, so that nobody takes the connection for dead.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How long a credential is believed (SECURITY.md K-06). A silent stream looks at every heartbeat.
const BELIEVED: Duration = Duration::from_secs(5);
/// How often the database is asked for news, while there are streams.
const POLL: Duration = Duration::from_millis(250);

/// Where a client says what it has heard last.
const LAST_EVENT_ID: &str = "last-event-id";

/// What is to be followed.
#[derive(Debug)]
pub struct Wanted {
    after: Option<String>,
    kinds: Vec<Kind>,
}

impl Parameters for Wanted {
    const NAMES: &'static [&'static str] = &["after", "kind"];

    fn read(values: &mut Values<'_>) -> Self {
        Self { after: values.get("after").map(str::to_owned), kinds: values.words("kind") }
    }
}

/// Follow changes as they happen
///
/// The same changes as `GET /v1/changes`, within a second of each: events named `change`, whose data is
/// one item of that list and whose id is the cursor that continues after it. The stream begins after
/// `Last-Event-ID`, else after `after`, else now, with an id and no data: the place it begins at. After
/// 15 seconds of silence comes a comment. It ends when the credential is good no more, when the client
/// does not read, when the service stops, and now and then without a reason: connect again with the last
/// id. A credential may have 4 streams in one process (else 429), all together 64 (else 503).
#[utoipa::path(
    get, path = "/v1/changes/stream", tag = "changes",
    params(
        ("after" = Option<String>, Query, description = "Where to go on: a cursor of `GET /v1/changes` for the same `kind`. Default: from now on."),
        ("kind" = Option<Vec<Kind>>, Query, style = Form, explode = false, description = "Only these kinds, separated by commas."),
        ("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that was received; it goes before `after`."),
    ),
    responses((
        status = 200, description = "Events, without an end", content_type = "text/event-stream", body = String,
        example = "id: 0Zr3…\n\nid: pW9k…\nevent: change\ndata: {\"kind\":\"topic\",\"id\":\"0192f3c4-a5b6-7c8d-9e0f-1a2b3c4d5e6f\",\"slug\":\"bakim\",\"change\":\"deleted\",\"at\":\"2026-03-08T09:00:00Z\",\"entry\":null}\n\n",
    )),
    extensions(("x-permission" = json!("follow"))),
)]
pub(super) async fn stream_changes(
    State(app): State<App>,
    Follower(caller): Follower,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
    parts: Parts,
) -> Result<Response> {
    let feed = Feed::new(&caller, wanted.kinds);
    let heard = headers.get(LAST_EVENT_ID).map(|value| value.to_str().unwrap_or_default());
    let begin = heard.map(|id| ("Last-Event-ID", id)).or(wanted.after.as_deref().map(|id| ("after", id)));
    let place = match begin {
        Some((parameter, cursor)) => {
            let place = feed.opened(&app, parameter, cursor)?;
            log::refuse_beyond(&app, parameter, place).await?;
            place
        }
        None => log::latest(app.db.reader()).await?,
    };
    let id = caller.id().ok_or_else(|| Error::internal("somebody without an id follows"))?;
    let seat = app.streams.take(id)?;
    let greeting = Some(Bytes::from(format!("id: {}\n\n", feed.cursor(&app, place))));
    let news = app.streams.news();
    look_for_news(&app);
    let following = Following {
        app,
        parts,
        caller,
        feed,
        place,
        news,
        greeting,
        believed: Instant::now(),
        has_all: false,
        _seat: seat,
    };
    let mut response = Response::new(Body::from_stream(stream::unfold(following, Following::next)));
    for (name, value) in [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "private, no-store"),
        (header::VARY, "authorization"),
        // What nginx wants to be told, or it keeps the events to itself.
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response.extensions_mut().insert(Endless);
    Ok(response)
}

/// Somebody who listens.
struct Following {
    app: App,
    /// The request, for its credential.
    parts: Parts,
    caller: Caller,
    feed: Feed,
    /// The place up to which they have heard.
    place: i64,
    news: watch::Receiver<i64>,
    greeting: Option<Bytes>,
    /// When the credential was last seen to be good.
    believed: Instant,
    /// Whether there was nothing more at that place when the log was last read.
    has_all: bool,
    _seat: Seat,
}

type Next = Option<(std::result::Result<Bytes, Error>, Following)>;

impl Following {
    /// What is to be sent next; waits until there is something. `None` ends the stream.
    async fn next(mut self) -> Next {
        if let Some(greeting) = self.greeting.take() {
            return Some((Ok(greeting), self));
        }
        let heartbeat = Instant::now() + HEARTBEAT;
        loop {
            if !self.may_go_on().await {
                return None;
            }
            if !self.has_all {
                match self.events().await {
                    Ok(events) if events.is_empty() => {}
                    Ok(events) => return Some((Ok(events.into()), self)),
                    Err(error) => {
                        tracing::warn!(%error, "a stream of changes ends");
                        return None;
                    }
                }
            }
            tokio::select! {
                // The sender is as old as the service.
                _told = self.news.changed() => self.has_all = false,
                () = tokio::time::sleep_until(heartbeat) => {
                    // Should nobody be looking for news, they are found here, if late.
                    self.has_all = false;
                    return if self.may_go_on().await { Some((Ok(": \n\n".into()), self)) } else { None };
                }
            }
        }
    }

    async fn may_go_on(&mut self) -> bool {
        if self.app.is_draining() {
            return false;
        }
        if self.believed.elapsed() < BELIEVED {
            return true;
        }
        self.believed = Instant::now();
        self.caller.is_still_good(&self.app, &self.parts).await
    }

    /// The events that follow, as they are written; none when there are none yet.
    async fn events(&mut self) -> Result<String> {
        // What comes after this is told again.
        self.news.borrow_and_update();
        let page = log::page(&self.app, &self.feed, self.place, PAGE).await?;
        self.has_all = !page.more;
        let mut events = String::new();
        for (place, change) in page.changes {
            let data = serde_json::to_string(&change).map_err(Error::internal)?;
            let id = self.feed.cursor(&self.app, place);
            events.extend(["id: ", &id, "\nevent: change\ndata: ", &data, "\n\n"]);
            self.place = place;
        }
        Ok(events)
    }
}

/// Sees to it that somebody looks for news as long as there are streams.
fn look_for_news(app: &App) {
    if !app.streams.begins_watch() {
        return;
    }
    let app = app.clone();
    tokio::spawn(async move {
        let mut failing = false;
        while !app.streams.ends_watch() {
            match log::latest(app.db.reader()).await {
                Ok(latest) => {
                    app.streams.tell(latest);
                    failing = false;
                }
                Err(error) if !failing => {
                    tracing::warn!(%error, "streams of changes hear nothing: the database does not answer");
                    failing = true;
                }
                Err(_as_before) => {}
            }
            if app.is_draining() {
                app.streams.wake();
            }
            sleep(POLL).await;
        }
    });
}
