//! Accepting connections and seeing them through.
//!
//! `axum::serve` sets no timer, counts nobody, and hyper forgives what it should not. Hence this loop:
//! [`Limits`] says what a client may use up, `slots` who still gets a connection, `pulse` until when one
//! may stay; `wire` and `framing` let only well-formed HTTP/1 through (SECURITY.md 0.1, 0.2, I-03, I-04,
//! I-08, I-20, R-06).

mod chunks;
mod framing;
mod head;
mod limits;
mod pulse;
mod slots;
mod wire;

use std::{
    convert::Infallible,
    future::poll_fn,
    io,
    net::{IpAddr, SocketAddr},
    pin::pin,
    sync::Arc,
    task::Poll,
    time::Duration,
};

use axum::{
    body::Body,
    http::{HeaderValue, header::CONNECTION},
    response::Response,
};
use http_body_util::BodyExt;
use hyper::{Request, body::Incoming, service::Service, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    time::{Instant, sleep_until},
};

pub use self::limits::Limits;
use self::{
    pulse::{Pulse, Verdict},
    slots::{Seldom, Slots},
    wire::Wire,
};
use crate::http::{peer::Peer, streams::Endless};

/// How long to wait before accepting again when the system has no more file descriptors.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(200);

type Builder = auto::Builder<TokioExecutor>;

/// Serves `service` on `listener` until `stop` is there; then finishes what is under way.
///
/// Peers for which `is_trusted` holds, such as proxies and health checks, have slots kept for them and
/// no limit of their own. Every request carries a [`Peer`].
pub async fn serve<S>(
    listener: TcpListener,
    service: S,
    limits: Limits,
    is_trusted: impl Fn(IpAddr) -> bool,
    stop: impl Future<Output = ()>,
) where
    S: tower_service::Service<Request<Incoming>, Response = Response, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send,
{
    let builder = Arc::new(builder());
    let slots = Slots::new(limits);
    let (stopping, stopped) = watch::channel(());
    let (mut turned_away, mut failed) = (Seldom::default(), Seldom::default());
    let mut stop = pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                pause_after(&error, &mut failed).await;
                continue;
            }
        };
        let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
        let Some(slot) = slots.take(peer.ip(), is_trusted(peer.ip())) else {
            // Closed at once: in the queue it would only keep others waiting.
            drop(stream);
            turned_away
                .say(|count| tracing::warn!(count, "connections were turned away: all slots are taken"));
            continue;
        };
        let connection =
            connection(stream, peer, service.clone(), limits, Arc::clone(&builder), stopped.clone());
        tokio::spawn(async move {
            connection.await;
            drop(slot);
        });
    }
    drop((listener, stopped));
    // Fails when no connection is left to be told.
    let _ = stopping.send(());
    if tokio::time::timeout(limits.drain, stopping.closed()).await.is_err() {
        tracing::warn!("some requests did not finish in time");
    }
}

fn builder() -> Builder {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    // Heads are timed and measured before hyper sees them.
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(None)
        .max_headers(head::MAX_HEADERS)
        .max_buf_size(2 * head::MAX_HEAD_BYTES)
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(100)
        .max_header_list_size(16 * 1024)
        .initial_stream_window_size(256 * 1024)
        .initial_connection_window_size(512 * 1024)
        .keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(10));
    builder
}

/// Serves one connection until it ends, or must end.
async fn connection<S>(
    stream: TcpStream,
    peer: SocketAddr,
    service: S,
    limits: Limits,
    builder: Arc<Builder>,
    mut stopped: watch::Receiver<()>,
) where
    S: tower_service::Service<Request<Incoming>, Response = Response, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send,
{
    let pulse = Pulse::new(limits, Instant::now());
    let wire = TokioIo::new(Wire::new(stream, Arc::clone(&pulse)));
    let mut served = pin!(builder.serve_connection(wire, requests(service, peer, Arc::clone(&pulse))));
    let mut stopped = pin!(async move { stopped.changed().await });
    let mut sleep = pin!(sleep_until(Instant::now() + limits.head));
    let mut is_told = false;
    poll_fn(|cx| {
        if !is_told && stopped.as_mut().poll(cx).is_ready() {
            is_told = true;
            served.as_mut().graceful_shutdown();
        }
        loop {
            // A client that breaks off is its own affair.
            if served.as_mut().poll(cx).is_ready() {
                return Poll::Ready(());
            }
            match pulse.verdict(Instant::now()) {
                Verdict::Cut => return Poll::Ready(()),
                Verdict::Leave => served.as_mut().graceful_shutdown(),
                Verdict::Wait(until) => {
                    // Waking too early costs less than setting the timer at every byte.
                    if until < sleep.deadline() || sleep.is_elapsed() {
                        sleep.as_mut().reset(until);
                    }
                    if sleep.as_mut().poll(cx).is_pending() {
                        return Poll::Pending;
                    }
                }
            }
        }
    })
    .await;
}

/// Answers the requests of one connection, and tells the service where they come from.
fn requests<S>(
    service: S,
    peer: SocketAddr,
    pulse: Arc<Pulse>,
) -> impl Service<
    Request<Incoming>,
    Response = Response,
    Error = Infallible,
    Future = impl Future<Output = Result<Response, Infallible>> + Send,
>
where
    S: tower_service::Service<Request<Incoming>, Response = Response, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send,
{
    let service = TowerToHyperService::new(service);
    service_fn(move |mut request: Request<Incoming>| {
        let (busy, refused) = pulse.begin(Instant::now());
        request.extensions_mut().insert(Peer(peer));
        if let Some(refused) = refused {
            request.extensions_mut().insert(refused);
        }
        let answer = service.call(request);
        let pulse = Arc::clone(&pulse);
        async move {
            let Ok(mut answer) = answer.await;
            if pulse.is_cut_short() {
                answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            if answer.extensions_mut().remove::<Endless>().is_none() {
                drop(busy);
                return Ok(answer);
            }
            // It is under way until its body ends: such a connection is quiet, not idle.
            let (head, body) = answer.into_parts();
            let body = body.map_frame(move |frame| {
                let _under_way = &busy;
                frame
            });
            Ok(Response::from_parts(head, Body::new(body)))
        }
    })
}

/// One client's failure is nothing; a lack of file descriptors passes.
async fn pause_after(error: &io::Error, failed: &mut Seldom) {
    let of_client = matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset
    );
    if !of_client {
        failed.say(|count| tracing::error!(%error, count, "no connection can be accepted"));
        tokio::time::sleep(EXHAUSTED_PAUSE).await;
    }
}
