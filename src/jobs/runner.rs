//! Doing what is due, until the process ends.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt;
use tokio::{sync::watch, task::JoinSet};
use uuid::Uuid;

use super::{Claimed, Failure, Job, Kind, claim, fail, finish};
use crate::{app::App, http::Result};

/// How many jobs of one kind a process does at a time, so that a slow one does not hold up the rest.
const AT_A_TIME: usize = 4;
/// How long one try may take; then it is given up, before the claim runs out.
pub const PATIENCE: Duration = Duration::from_secs(20);
/// How often a process looks for jobs that others have enqueued, or whose time has come.
const POLL: Duration = Duration::from_secs(1);
/// How often it is tried to say how a job went, `POLL` apart.
const SAYINGS: usize = 4;

/// Does the jobs of `kind` that are due, one `perform` for each, until `stopped` has no sender any
/// more; then finishes those under way.
pub async fn run<F>(
    app: App,
    kind: Kind,
    mut stopped: watch::Receiver<()>,
    perform: impl Fn(App, Uuid, Job) -> F + Clone + Send + Sync + 'static,
) where
    F: Future<Output = Result<(), Failure>> + Send + 'static,
{
    let mut under_way = JoinSet::new();
    let mut has_failed = false;
    loop {
        let free = AT_A_TIME - under_way.len();
        match claim(&app, kind, free as u64).await {
            Ok(claimed) => {
                has_failed = false;
                for claimed in claimed {
                    under_way.spawn(attempt(app.clone(), claimed, perform.clone()));
                }
            }
            Err(error) if !has_failed => {
                has_failed = true;
                tracing::warn!(job.kind = kind.name(), %error, "jobs cannot be claimed; trying again");
            }
            Err(_said) => {}
        }
        let is_full = under_way.len() >= AT_A_TIME;
        tokio::select! {
            biased;
            _ = stopped.changed() => break,
            Some(_) = under_way.join_next() => {}
            () = app.jobs.woken(kind), if !is_full => {}
            () = tokio::time::sleep(POLL), if !is_full => {}
        }
    }
    while under_way.join_next().await.is_some() {}
}

/// Tries a job once and says how it went.
async fn attempt<F>(app: App, claimed: Claimed, perform: impl Fn(App, Uuid, Job) -> F)
where
    F: Future<Output = Result<(), Failure>> + Send,
{
    let done = match claimed.open(&app) {
        Ok(job) => {
            let tried = AssertUnwindSafe(async { perform(app.clone(), claimed.id, job).await });
            match tokio::time::timeout(PATIENCE, tried.catch_unwind()).await {
                Ok(Ok(done)) => done,
                Ok(Err(_panic)) => Err(Failure::temporary("the program failed")),
                Err(_elapsed) => Err(Failure::temporary("it took too long")),
            }
        }
        Err(failure) => Err(failure),
    };
    app.metrics.tried(claimed.kind.name(), done.is_ok());
    // A job that is done should not be done again only because the database was away for a moment.
    for _ in 0..SAYINGS {
        let said = match &done {
            Ok(()) => finish(&app, &claimed).await,
            Err(failure) => fail(&app, &claimed, failure).await,
        };
        match said {
            Ok(true) => return,
            Ok(false) => {
                tracing::warn!(job.id = %claimed.id, "a job was taken over before it was finished");
                return;
            }
            Err(error) => {
                tracing::warn!(job.id = %claimed.id, %error, "how a job went cannot be stored; trying again");
            }
        }
        tokio::time::sleep(POLL).await;
    }
}
