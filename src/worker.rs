//! What is done beside the requests, and how often. A task that fails is started again.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures_util::{FutureExt, future::join_all};
use tokio::{sync::watch, task::JoinHandle};
use uuid::Uuid;

use crate::{
    app::App,
    auth, cache, discovery,
    http::{Error, Result, limits},
    jobs::{self, Failure, Job, Kind},
    schedule, trail,
};

/// How often replicas look for signing keys that another has made.
const SIGNING_KEYS: Duration = Duration::from_secs(5);
/// How often one looks for entries that are to be published or archived.
const SCHEDULE: Duration = Duration::from_secs(1);
/// How often the search index looks for changes.
const SEARCH_INDEX: Duration = Duration::from_millis(250);
/// How often one looks for what has lain in the trash long enough.
const TRASH: Duration = Duration::from_mins(1);
/// How often what has expired is deleted.
const EXPIRED: Duration = Duration::from_mins(10);
/// How often the end of the audit trail is written to the log, which is kept elsewhere.
const ANCHOR: Duration = Duration::from_hours(1);
/// How long to wait before a task that has failed is started again.
const PAUSE: Duration = Duration::from_secs(1);

/// The tasks of a process.
#[derive(Debug)]
pub struct Workers {
    stop: watch::Sender<()>,
    jobs: JoinHandle<()>,
}

impl Workers {
    /// Takes no more jobs, and waits for those under way.
    pub async fn finish(self) {
        drop(self.stop);
        if self.jobs.await.is_err() {
            tracing::error!("the worker ended badly; its jobs are taken over when their claims run out");
        }
    }
}

/// Starts all tasks; they go on until the process ends, but jobs are begun only until
/// [`Workers::finish`].
pub fn start(app: &App) -> Workers {
    let (stop, stopped) = watch::channel(());
    let worked = app.clone();
    let jobs = tokio::spawn(async move { work(&worked, &stopped).await });
    every(app, "signing keys", SIGNING_KEYS, reload_signing_keys);
    every(app, "expired", EXPIRED, auth::delete_expired);
    every(app, "schedule", SCHEDULE, schedule::keep_schedule);
    let hearing = app.clone();
    tokio::spawn(kept_up("changes", move || cache::follow(hearing.clone())));
    every(app, "search index", SEARCH_INDEX, follow_changes);
    every(app, "trash", TRASH, schedule::empty_trash);
    every(app, "rate limits", EXPIRED, delete_empty_buckets);
    every(app, "jobs set aside", EXPIRED, jobs::delete_old);
    every(app, "audit anchor", ANCHOR, log_anchor);
    Workers { stop, jobs }
}

/// Does jobs of every kind until `stopped` has no sender any more.
pub async fn work(app: &App, stopped: &watch::Receiver<()>) {
    join_all(Kind::ALL.map(|kind| {
        // Ends only when it is to; whatever else ends it is a panic.
        let ended = async move || {
            let run = jobs::run(app.clone(), kind, stopped.clone(), perform);
            AssertUnwindSafe(run).catch_unwind().await.is_ok()
        };
        async move {
            while !ended().await {
                tracing::error!(job.kind = kind.name(), "a worker panicked; it is started again");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }))
    .await;
}

/// Does a job. It may have been done before, by somebody who could not say so.
async fn perform(app: App, id: Uuid, job: Job) -> Result<(), Failure> {
    match job {
        Job::Mail(message) => {
            let now = app.clock.now();
            if message.not_after.is_some_and(|end| end <= now) {
                tracing::warn!(job.id = %id, "a message was not sent: what it tells of is no longer so");
                return Ok(());
            }
            app.mailer.send(id, now, message).await
        }
    }
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

async fn follow_changes(app: App) -> Result<()> {
    discovery::fill(&app).await.map(drop)
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
