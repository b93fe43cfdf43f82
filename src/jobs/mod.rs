//! Work that is done later, by whichever replica is free.
//!
//! [`enqueue`] adds a row in the transaction that needs the work, so neither is committed without the
//! other. [`run`] takes what is due: it claims a job for a while under a new id, and only who holds that
//! claim may say how the try went. A job whose holder is gone is taken over when the claim has run out,
//! so everything is done at least once, and must bear to be done again. What keeps failing is set aside,
//! where administrators see it.
//!
//! Source: SECURITY.md N-07, W-01.

mod claim;
mod retry;
mod runner;

pub use claim::{Claimed, KEPT, LEASE, claim, delete_old, fail, finish};
pub use retry::{TRIES, delay};
pub use runner::{PATIENCE, run};

use std::fmt;

use chrono::{DateTime, Utc};
use sea_orm::{ActiveValue::Set, Condition, QueryOrder, QuerySelect, entity::prelude::*};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use crate::{
    app::App,
    entity::job,
    http::{Error, Result},
    mail::Message,
};

/// Work, and what it needs.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Job {
    /// Send a message.
    Mail(Message),
}

/// What kind of work it is. Each has a queue of its own: slow work keeps no other waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// See [`Job::Mail`].
    Mail,
}

impl Kind {
    /// All that this version knows. What a newer one has enqueued is left for its like.
    pub const ALL: [Self; 1] = [Self::Mail];

    /// Its name, as it is stored.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mail => "mail",
        }
    }
}

impl Job {
    /// What kind of work it is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Mail(_) => Kind::Mail,
        }
    }
}

/// Why a try failed, in words that name nobody: administrators and the log get to see them.
#[derive(Debug)]
pub enum Failure {
    /// Another try may succeed.
    Temporary(String),
    /// No other try will.
    Permanent(String),
}

impl Failure {
    /// Another try may succeed.
    pub fn temporary(why: impl Into<String>) -> Self {
        Self::Temporary(why.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Temporary(why) | Self::Permanent(why)) = self;
        formatter.write_str(why)
    }
}

/// What tells the workers of this process that there is something to do.
#[derive(Debug, Default)]
pub struct Jobs {
    woken: [Notify; Kind::ALL.len()],
}

impl Jobs {
    /// Says that jobs were committed, so that they begin at once; else they are found within a second.
    pub fn wake(&self) {
        self.woken.iter().for_each(Notify::notify_one);
    }

    /// Waits until somebody calls [`Jobs::wake`], or has called it since the last time.
    async fn woken(&self, kind: Kind) {
        match self.woken.get(kind as usize) {
            Some(woken) => woken.notified().await,
            None => std::future::pending().await,
        }
    }
}

/// Adds a job in the caller's transaction; gives its id. Call [`Jobs::wake`] once that is committed.
///
/// # Errors
/// When the database fails.
pub async fn enqueue(app: &App, db: &impl ConnectionTrait, job: &Job) -> Result<Uuid> {
    let (id, now) = (app.clock.id(), app.clock.now());
    let kind = job.kind().name();
    let payload = serde_json::to_vec(job).map_err(Error::internal)?;
    let row = job::ActiveModel {
        id: Set(id),
        kind: Set(kind.to_owned()),
        sealed_payload: Set(app.secrets.seal(&payload, &purpose(id, kind)).map_err(Error::internal)?),
        created_at: Set(now),
        run_at: Set(now),
        attempts: Set(0),
        claim: Set(None),
        claimed_until: Set(None),
        set_aside_at: Set(None),
        last_error: Set(None),
    };
    job::Entity::insert(row).exec_without_returning(db).await?;
    Ok(id)
}

/// For what the payload of a job is sealed: it opens for no other job, and for no other kind.
#[must_use]
pub fn purpose(id: Uuid, kind: &str) -> String {
    format!("job {id} {kind}")
}

/// How it stands with a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// It waits for its time, or for a worker.
    Waiting,
    /// A worker is at it.
    Running,
    /// Every try failed, or it can never succeed.
    SetAside,
}

impl JobState {
    /// How it stands with `row`.
    #[must_use]
    pub fn of(row: &job::Model, now: DateTime<Utc>) -> Self {
        match row {
            job::Model { set_aside_at: Some(_), .. } => Self::SetAside,
            job::Model { claimed_until: Some(end), .. } if *end > now => Self::Running,
            _ => Self::Waiting,
        }
    }

    /// The jobs with which it stands so.
    #[must_use]
    pub fn condition(self, now: DateTime<Utc>) -> Condition {
        use job::Column::{ClaimedUntil, SetAsideAt};
        let all = Condition::all();
        match self {
            Self::SetAside => all.add(SetAsideAt.is_not_null()),
            Self::Running => all.add(SetAsideAt.is_null()).add(ClaimedUntil.gt(now)),
            Self::Waiting => all
                .add(SetAsideAt.is_null())
                .add(Condition::any().add(ClaimedUntil.is_null()).add(ClaimedUntil.lte(now))),
        }
    }
}

/// The jobs of `kind` that a worker may take, the one that is due for longest first.
fn due(kind: Kind, now: DateTime<Utc>) -> Select<job::Entity> {
    job::Entity::find()
        .filter(JobState::Waiting.condition(now))
        .filter(job::Column::RunAt.lte(now))
        .filter(job::Column::Kind.eq(kind.name()))
        .order_by_asc(job::Column::RunAt)
        .order_by_asc(job::Column::Id)
}

/// Whether a worker could take a job of `kind`. Costs one look into an index.
///
/// # Errors
/// When the database fails.
pub async fn is_due(app: &App, kind: Kind) -> Result<bool> {
    let first: Option<Uuid> = due(kind, app.clock.now())
        .select_only()
        .column(job::Column::Id)
        .into_tuple()
        .one(app.db.reader())
        .await?;
    Ok(first.is_some())
}
