//! Who works on a job: nobody, or whoever holds its claim.

use chrono::TimeDelta;
use sea_orm::{
    QueryOrder, QuerySelect,
    entity::prelude::*,
    sea_query::{ExprTrait, LockBehavior, LockType},
};

use super::{Failure, Job, Kind, due, is_due, purpose, retry};
use crate::{app::App, entity::job, http::Result};

/// How long a claim holds. Longer than any try may take ([`super::PATIENCE`]); when a holder is gone,
/// another takes over after this time.
pub const LEASE: TimeDelta = TimeDelta::seconds(25);
/// How long a job that was set aside is kept.
pub const KEPT: TimeDelta = TimeDelta::days(30);
/// How many jobs are deleted in one transaction.
const BATCH: u64 = 500;

/// A job that this process may work on.
#[derive(Debug)]
pub struct Claimed {
    /// The job's id.
    pub id: Uuid,
    /// What kind of work it is.
    pub kind: Kind,
    /// How often it was tried, this time included.
    pub attempts: i32,
    claim: Uuid,
    sealed_payload: String,
}

impl Claimed {
    /// What is to be done.
    ///
    /// # Errors
    /// When the payload does not open or is not understood; another replica may have the right secret,
    /// or be newer.
    pub fn open(&self, app: &App) -> Result<Job, Failure> {
        let opened = app.secrets.open(&self.sealed_payload, &purpose(self.id, self.kind.name()));
        let plain = opened.ok_or_else(|| Failure::temporary("it was sealed under another secret"))?;
        serde_json::from_slice(&plain)
            .map_err(|_unread| Failure::temporary("it is not understood by this version"))
    }

    /// Only who still holds the claim gets at the row.
    fn condition(&self) -> Expr {
        job::Column::Id.eq(self.id).and(job::Column::Claim.eq(self.claim))
    }
}

/// Claims up to `most` jobs of `kind` that are due. Of several replicas each gets others.
///
/// A job that used up its tries without anybody saying how they went is set aside: it may be what
/// brings its workers down.
///
/// # Errors
/// When the database fails.
pub async fn claim(app: &App, kind: Kind, most: u64) -> Result<Vec<Claimed>> {
    // Nearly always there is nothing, and then nobody who writes is held up.
    if most == 0 || !is_due(app, kind).await? {
        return Ok(Vec::new());
    }
    let now = app.clock.now();
    let tx = app.db.begin().await?;
    // SQLite knows no such locks, and needs none: one transaction writes at a time.
    let rows = due(kind, now)
        .limit(most)
        .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
        .all(&tx)
        .await?;
    let (ready, worn_out): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.attempts < retry::TRIES);
    let ids = |rows: &[job::Model]| rows.iter().map(|row| row.id).collect::<Vec<_>>();
    let mut claimed = Vec::with_capacity(ready.len());
    if !ready.is_empty() {
        let claim = app.clock.id();
        job::Entity::update_many()
            .col_expr(job::Column::Claim, Expr::value(Some(claim)))
            .col_expr(job::Column::ClaimedUntil, Expr::value(Some(now + LEASE)))
            .col_expr(job::Column::Attempts, Expr::col(job::Column::Attempts).add(1))
            .filter(job::Column::Id.is_in(ids(&ready)))
            .exec(&tx)
            .await?;
        claimed.extend(ready.into_iter().map(|row| Claimed {
            id: row.id,
            kind,
            attempts: row.attempts + 1,
            claim,
            sealed_payload: row.sealed_payload,
        }));
    }
    if !worn_out.is_empty() {
        let condition = job::Column::Id.is_in(ids(&worn_out));
        set_aside(app, &tx, condition, "no try came to an end").await?;
    }
    tx.commit().await?;
    for row in worn_out {
        log_set_aside(row.id, kind, "no try came to an end");
    }
    Ok(claimed)
}

/// Says that a job is done; it is deleted. False when the claim had run out and another took over.
///
/// # Errors
/// When the database fails.
pub async fn finish(app: &App, claimed: &Claimed) -> Result<bool> {
    let tx = app.db.begin().await?;
    let deleted = job::Entity::delete_many().filter(claimed.condition()).exec(&tx).await?;
    tx.commit().await?;
    Ok(deleted.rows_affected == 1)
}

/// Says that a try failed: the job is tried again later, or set aside. False when the claim had run
/// out and another took over.
///
/// # Errors
/// When the database fails.
pub async fn fail(app: &App, claimed: &Claimed, failure: &Failure) -> Result<bool> {
    let why = failure.to_string();
    let delay = match failure {
        Failure::Temporary(_) => retry::delay(claimed.id, claimed.attempts),
        Failure::Permanent(_) => None,
    };
    let tx = app.db.begin().await?;
    let is_ours = match delay {
        Some(delay) => {
            let updated = job::Entity::update_many()
                .col_expr(job::Column::Claim, Expr::value(None::<Uuid>))
                .col_expr(job::Column::ClaimedUntil, Expr::value(None::<DateTimeUtc>))
                .col_expr(job::Column::RunAt, Expr::value(app.clock.now() + delay))
                .col_expr(job::Column::LastError, Expr::value(Some(why.as_str())))
                .filter(claimed.condition())
                .exec(&tx)
                .await?;
            updated.rows_affected == 1
        }
        None => set_aside(app, &tx, claimed.condition(), &why).await? == 1,
    };
    tx.commit().await?;
    match delay {
        _ if !is_ours => {}
        Some(delay) => tracing::warn!(
            job.id = %claimed.id,
            job.kind = claimed.kind.name(),
            attempts = claimed.attempts,
            why,
            again_in_seconds = delay.num_seconds(),
            "a job failed; it is tried again"
        ),
        None => log_set_aside(claimed.id, claimed.kind, &why),
    }
    Ok(is_ours)
}

async fn set_aside(app: &App, db: &impl ConnectionTrait, which: Expr, why: &str) -> Result<u64> {
    let updated = job::Entity::update_many()
        .col_expr(job::Column::Claim, Expr::value(None::<Uuid>))
        .col_expr(job::Column::ClaimedUntil, Expr::value(None::<DateTimeUtc>))
        .col_expr(job::Column::SetAsideAt, Expr::value(Some(app.clock.now())))
        .col_expr(job::Column::LastError, Expr::value(Some(why)))
        .filter(which)
        .exec(db)
        .await?;
    Ok(updated.rows_affected)
}

fn log_set_aside(id: Uuid, kind: Kind, why: &str) {
    tracing::error!(job.id = %id, job.kind = kind.name(), why, "a job was set aside; see /v1/jobs");
}

/// Deletes what was set aside so long ago that nobody will look at it any more, of whatever kind.
///
/// # Errors
/// When the database fails; the next time does it.
pub async fn delete_old(app: App) -> Result<()> {
    let is_old = || job::Column::SetAsideAt.lt(app.clock.now() - KEPT);
    loop {
        let tx = app.db.begin().await?;
        let ids: Vec<Uuid> = job::Entity::find()
            .select_only()
            .column(job::Column::Id)
            .filter(is_old())
            .order_by_asc(job::Column::SetAsideAt)
            .limit(BATCH)
            .into_tuple()
            .all(&tx)
            .await?;
        if ids.is_empty() {
            return Ok(());
        }
        let deleted = job::Entity::delete_many()
            .filter(job::Column::Id.is_in(ids))
            // One that is tried again in this moment stays.
            .filter(is_old())
            .exec(&tx)
            .await?;
        tx.commit().await?;
        if deleted.rows_affected == 0 {
            return Ok(());
        }
    }
}
