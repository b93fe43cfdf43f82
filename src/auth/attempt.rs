//! How often signing in may be tried.
//!
//! Attempts are counted for the e-mail address that is tried, whether it has an account or not. After
//! ten failures in a row each next one has to wait, twice as long as the one before, a quarter of an
//! hour at most; nobody is ever locked out for good. A device from which somebody has signed in before
//! is counted by itself, so that an attack does not keep its owner out. After a hundred failures a
//! password alone opens nothing any more: a second factor, a known device or a new password does.
//!
//! Source: SECURITY.md A-06; NIST SP 800-63B revision 4, section 3.2.2.

use chrono::TimeDelta;
use sea_orm::{
    ActiveValue::Set,
    QuerySelect,
    entity::prelude::*,
    sea_query::{Expr, OnConflict},
};

use crate::{
    app::App,
    entity::sign_in_failure,
    http::{Error, Result},
};

/// How many failures in a row cost nothing.
const FREE: i32 = 10;
/// After how many a password alone is not enough.
const SUSPECT: i32 = 100;
/// How long one waits at most.
const LONGEST: i64 = 900;

/// An attempt that may be made; it counts as a failure until it has succeeded.
#[derive(Debug)]
pub struct Attempt {
    subject: String,
    /// Whether a password alone is not enough any more.
    pub is_suspect: bool,
}

/// Begins an attempt to sign in to what `subject` names.
///
/// # Errors
/// 429 with how long to wait when there have been too many failures.
pub async fn begin(app: &App, subject: &str) -> Result<Attempt> {
    let subject = app.secrets.subject(subject);
    let now = app.clock.now();
    let tx = app.db.begin().await?;
    let new =
        sign_in_failure::ActiveModel { subject: Set(subject.clone()), failures: Set(0), last_at: Set(now) };
    // First of all the row is there, so that attempts at the same moment wait for each other.
    sign_in_failure::Entity::insert(new)
        .on_conflict(OnConflict::column(sign_in_failure::Column::Subject).do_nothing().to_owned())
        .exec_without_returning(&tx)
        .await?;
    let row = sign_in_failure::Entity::find_by_id(subject.clone()).lock_exclusive().one(&tx).await?;
    let row = row.ok_or_else(|| Error::internal("a count of failures is gone"))?;
    let wait = wait_after(row.failures) - (now - row.last_at).num_seconds();
    if wait > 0 {
        return Err(Error::OverQuota { policy: "account", retry_after: wait });
    }
    sign_in_failure::Entity::update_many()
        .col_expr(sign_in_failure::Column::Failures, Expr::value(row.failures.saturating_add(1)))
        .col_expr(sign_in_failure::Column::LastAt, Expr::value(now))
        .filter(sign_in_failure::Column::Subject.eq(&subject))
        .exec(&tx)
        .await?;
    tx.commit().await?;
    Ok(Attempt { subject, is_suspect: row.failures >= SUSPECT })
}

/// How many seconds after a failure the next attempt may be made.
fn wait_after(failures: i32) -> i64 {
    match u32::try_from(failures - FREE) {
        Err(_fewer) => 0,
        Ok(beyond) => 2_i64.checked_pow(beyond.min(20)).unwrap_or(LONGEST).min(LONGEST),
    }
}

impl Attempt {
    /// The attempt has succeeded: failures are counted from the beginning.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn succeed(self, db: &impl ConnectionTrait) -> Result<()> {
        start_anew(db, self.subject).await
    }
}

/// The row stays: another attempt may be waiting for it.
async fn start_anew(db: &impl ConnectionTrait, subject: String) -> Result<()> {
    sign_in_failure::Entity::update_many()
        .col_expr(sign_in_failure::Column::Failures, Expr::value(0))
        .filter(sign_in_failure::Column::Subject.eq(subject))
        .exec(db)
        .await?;
    Ok(())
}

/// Forgets the failures of what `subject` names.
///
/// # Errors
/// When the database fails.
pub async fn forget(app: &App, db: &impl ConnectionTrait, subject: &str) -> Result<()> {
    start_anew(db, app.secrets.subject(subject)).await
}

/// How long failures are remembered.
pub const REMEMBERED: TimeDelta = TimeDelta::days(1);

#[cfg(test)]
mod tests {
    #[test]
    fn the_wait_grows_and_has_an_end() {
        let waits: Vec<i64> = [0, 9, 10, 11, 12, 19, 20, 99, 1_000_000].map(super::wait_after).to_vec();
        assert_eq!(waits, [0, 0, 1, 2, 4, 512, 900, 900, 900]);
    }
}
