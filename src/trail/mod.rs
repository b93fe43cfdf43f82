//! The audit trail: who did what, in lines that are chained by their hashes and never changed.
//!
//! A line about something done is written in the transaction that does it, as the last thing before
//! the commit, because on PostgreSQL writers of the trail wait for each other. A line about something
//! refused has no transaction of its own: it is queued, and a task writes what has gathered.
//!
//! A line holds ids and names of fields, never values, so that it can outlive those it speaks of.
//!
//! Source: SECURITY.md L-01, L-04 to L-06; OWASP Logging Vocabulary.

mod chain;
mod queue;

pub use chain::{Anchor, Broken, Verified, anchor, verify};
pub use queue::Trail;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use sea_orm::{ActiveEnum, DbBackend, IntoActiveModel, QueryOrder, entity::prelude::*};

use crate::{
    db::rows,
    entity::{
        audit,
        vocabulary::{ActorType, AuditAction, AuditOutcome},
    },
    http::Result,
};

/// The advisory lock that writers of the trail take on PostgreSQL; arbitrary, must not change.
const LOCK: i64 = 0x0073_6f67_6571;

/// Something that was done or refused.
#[derive(Clone, Debug)]
pub struct Event {
    action: AuditAction,
    outcome: AuditOutcome,
    actor_type: ActorType,
    actor_id: Option<Uuid>,
    object: Option<(&'static str, String)>,
    reason: Option<&'static str>,
    fields: Vec<String>,
    request_id: Option<Arc<str>>,
}

impl Event {
    /// `action` was done by the program itself.
    #[must_use]
    pub fn done(action: AuditAction) -> Self {
        Self {
            action,
            outcome: AuditOutcome::Success,
            actor_type: ActorType::System,
            actor_id: None,
            object: None,
            reason: None,
            fields: Vec::new(),
            request_id: None,
        }
    }

    /// `action` was refused to somebody unknown, for `reason`.
    #[must_use]
    pub fn refused(action: AuditAction, reason: &'static str) -> Self {
        let event = Self::done(action).by(ActorType::Nobody, None).because(reason);
        Self { outcome: AuditOutcome::Failure, ..event }
    }

    /// It was this caller's doing.
    #[must_use]
    pub fn by(self, actor_type: ActorType, actor_id: Option<Uuid>) -> Self {
        Self { actor_type, actor_id, ..self }
    }

    /// It was done to this object.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "an id, and a call without `&` reads better")]
    pub fn on(self, object_type: &'static str, id: impl ToString) -> Self {
        Self { object: Some((object_type, id.to_string())), ..self }
    }

    /// It was done for this reason: one stable word.
    #[must_use]
    pub fn because(self, reason: &'static str) -> Self {
        Self { reason: Some(reason), ..self }
    }

    /// It changed fields of these names.
    #[must_use]
    pub fn changing<S: Into<String>>(self, fields: impl IntoIterator<Item = S>) -> Self {
        Self { fields: fields.into_iter().map(Into::into).collect(), ..self }
    }

    /// It was asked for in this request.
    #[must_use]
    pub fn in_request(self, request_id: Option<Arc<str>>) -> Self {
        Self { request_id, ..self }
    }

    /// Says it in the log, too.
    fn log(&self) {
        let (object_type, object_id) = self.object.clone().unzip();
        tracing::info!(
            target: "audit",
            action = self.action.to_value(),
            outcome = self.outcome.to_value(),
            actor_type = self.actor_type.to_value(),
            actor_id = self.actor_id.map(tracing::field::display),
            object_type,
            object_id,
            reason = self.reason,
            request_id = self.request_id.as_deref(),
            "security event"
        );
    }
}

/// Adds lines to the trail, in the caller's transaction and as its last act.
///
/// # Errors
/// When the database fails; then what the lines tell of must not be committed.
pub async fn record(
    db: &impl ConnectionTrait,
    at: DateTime<Utc>,
    events: impl IntoIterator<Item = Event>,
) -> Result<()> {
    let events: Vec<Event> = events.into_iter().collect();
    if events.is_empty() {
        return Ok(());
    }
    lock(db).await?;
    append(db, at, events).await
}

/// [`record`] for whoever holds the [`lock`] already.
///
/// # Errors
/// As [`record`].
pub async fn append(
    db: &impl ConnectionTrait,
    at: DateTime<Utc>,
    events: impl IntoIterator<Item = Event>,
) -> Result<()> {
    write(db, events.into_iter().inspect(Event::log).map(|event| (at, event)).collect()).await
}

/// Waits until no other transaction is between its last act and its commit, and holds the rest back
/// until this one ends.
///
/// # Errors
/// When the database fails.
pub async fn lock(db: &impl ConnectionTrait) -> Result<()> {
    if db.get_database_backend() == DbBackend::Postgres {
        // No query builder knows advisory locks. SQLite has one writer as it is.
        db.execute_unprepared(&format!("SELECT pg_advisory_xact_lock({LOCK})")).await?;
    }
    Ok(())
}

/// Writes lines; the [`lock`] is held.
async fn write(db: &impl ConnectionTrait, events: Vec<(DateTime<Utc>, Event)>) -> Result<()> {
    if events.is_empty() {
        return Ok(());
    }
    let head = audit::Entity::find().order_by_desc(audit::Column::Seq).one(db).await?;
    let (mut seq, mut previous) =
        head.map_or_else(|| (0, chain::BEGINNING.to_owned()), |head| (head.seq, head.hash));
    let mut failure = None;
    // The hashes of the next lines are made while the database writes those before.
    let lines = events.into_iter().map_while(|(at, event)| {
        seq += 1;
        let (object_type, object_id) = event.object.unzip();
        let mut row = audit::Model {
            seq,
            at,
            action: event.action,
            outcome: event.outcome,
            actor_type: event.actor_type,
            actor_id: event.actor_id,
            object_type: object_type.map(str::to_owned),
            object_id,
            reason: event.reason.map(str::to_owned),
            fields: event.fields.join(","),
            request_id: event.request_id.as_deref().map(str::to_owned),
            previous: previous.clone(),
            hash: String::new(),
        };
        row.hash = chain::hash(&row).map_err(|error| failure = Some(error)).ok()?;
        previous.clone_from(&row.hash);
        Some(row.into_active_model().reset_all())
    });
    rows::insert(db, lines).await?;
    failure.map_or(Ok(()), Err)
}
