//! Accepting connections and seeing them through.
//!
//! `axum::serve` sets no timer: a client that sends its head drop by drop, or nothing at all, keeps
//! its connection for ever. Hence this loop (SECURITY.md 0.1, I-03, I-04, R-06).

use std::{future::Future, io, sync::Arc, time::Duration};

use axum::Router;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};

/// How many connections are open at once; more wait to be accepted.
const MAX_CONNECTIONS: usize = 1024;
/// How long a request's head may take to arrive; also how long a connection may idle.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How many headers a request may have.
const MAX_HEADERS: usize = 64;
/// How large a request's head may be, in bytes.
const MAX_HEAD_BYTES: usize = 32 * 1024;
/// How long requests under way may take to finish when the service stops.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(25);
/// How long to wait before accepting again when the system has no more file descriptors.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(200);

/// Serves `router` on `listener` until `stop` is there; then finishes what is under way.
pub async fn serve(listener: TcpListener, router: Router, stop: impl Future<Output = ()>) {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEAD_BYTES)
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(100)
        .max_header_list_size(16 * 1024)
        .keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(10));
    let builder = Arc::new(builder);
    let graceful = GracefulShutdown::new();
    let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    tokio::pin!(stop);
    loop {
        let accepted = async {
            let permit = Arc::clone(&permits).acquire_owned().await;
            (permit, listener.accept().await)
        };
        let (permit, accepted) = tokio::select! {
            accepted = accepted => accepted,
            () = &mut stop => break,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                pause_after(&error).await;
                continue;
            }
        };
        let service = TowerToHyperService::new(router.clone());
        let connection = builder.serve_connection(TokioIo::new(prompt(stream)), service).into_owned();
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            // A client that breaks off is its own affair.
            let _ = connection.await;
            drop(permit);
        });
    }
    drop(listener);
    tokio::select! {
        () = graceful.shutdown() => {}
        () = tokio::time::sleep(DRAIN_TIMEOUT) => tracing::warn!("some requests did not finish in time"),
    }
}

/// Sends small answers at once.
fn prompt(stream: TcpStream) -> TcpStream {
    // Without it answers are only slower.
    let _ = stream.set_nodelay(true);
    stream
}

/// One client's failure is nothing; a lack of file descriptors passes.
async fn pause_after(error: &io::Error) {
    let of_client = matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset
    );
    if !of_client {
        tracing::error!(%error, "no connection can be accepted");
        tokio::time::sleep(EXHAUSTED_PAUSE).await;
    }
}
