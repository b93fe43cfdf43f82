//! What is done beside the requests, and how often. A task that fails is started again.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt;

use crate::{
    app::App,
    auth,
    http::{Error, Result, limits},
    schedule, trail,
};

/// How often replicas look for signing keys that another has made.
const SIGNING_KEYS: Duration = Duration::from_secs(5);
/// How often one looks for entries that are to be published or archived.
const SCHEDULE: Duration = Duration::from_secs(1);
/// How often what has expired is deleted.
const EXPIRED: Duration = Duration::from_mins(10);
/// How often the end of the audit trail is written to the log, which is kept elsewhere.
const ANCHOR: Duration = Duration::from_hours(1);
/// How long to wait before a task that has failed is started again.
const PAUSE: Duration = Duration::from_secs(1);

/// Starts all tasks; they go on until the process ends.
pub fn start(app: &App) {
    let outbox = app.outbox.clone();
    tokio::spawn(kept_up("mail", move || {
        let outbox = outbox.clone();
        async move { outbox.run().await }
    }));
    every(app, "signing keys", SIGNING_KEYS, reload_signing_keys);
    every(app, "expired", EXPIRED, auth::delete_expired);
    every(app, "schedule", SCHEDULE, schedule::keep_schedule);
    every(app, "trash", EXPIRED, schedule::empty_trash);
    every(app, "rate limits", EXPIRED, delete_empty_buckets);
    every(app, "audit anchor", ANCHOR, log_anchor);
}

/// Does `work` again and again, `pause` apart.
fn every<F>(app: &App, name: &'static str, pause: Duration, work: fn(App) -> F)
where
    F: Future<Output = Result<()>> + Send + 'static,
{
    let app = app.clone();
    tokio::spawn(kept_up(name, move || {
        let app = app.clone();
        async move {
            loop {
                tokio::time::sleep(pause).await;
                if let Err(error) = work(app.clone()).await {
                    tracing::warn!(task = name, %error, "a task failed; it is tried again");
                }
            }
        }
    }));
}

/// Runs a task, and runs it again should it panic or end.
async fn kept_up<F: Future<Output = ()> + Send>(name: &'static str, task: impl Fn() -> F + Send) {
    loop {
        if AssertUnwindSafe(task()).catch_unwind().await.is_err() {
            tracing::error!(task = name, "a task panicked; it is started again");
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn reload_signing_keys(app: App) -> Result<()> {
    app.keyring.reload(&app.db, &app.clock).await.map_err(Error::internal)
}

async fn delete_empty_buckets(app: App) -> Result<()> {
    if app.db.is_postgres() {
        limits::purge(app.db.counter(), app.clock.now()).await?;
    }
    Ok(())
}

async fn log_anchor(app: App) -> Result<()> {
    let anchor = trail::anchor(app.db.reader(), app.secrets.anchor_key(), app.clock.now()).await?;
    if let Some(trail::Anchor { seq, hash, at, mac }) = anchor {
        let at = at.to_rfc3339();
        tracing::info!(target: "audit", seq, hash, at, mac, "audit anchor");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_task_that_panics_is_started_again() {
        static STARTS: AtomicUsize = AtomicUsize::new(0);
        tokio::spawn(kept_up("test", || async {
            assert!(STARTS.fetch_add(1, Ordering::Relaxed) > 0, "the first time");
            std::future::pending::<()>().await;
        }));
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(STARTS.load(Ordering::Relaxed), 2);
    }
}
