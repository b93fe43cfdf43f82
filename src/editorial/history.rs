//! What happened to entries: their versions, and the ordered change log that everything which must
//! hear about changes reads.

use chrono::{DateTime, Utc};
use sea_orm::{
    ActiveValue::{NotSet, Set},
    entity::prelude::*,
};
use serde_json::Value;

use super::{
    draft::Draft,
    finder,
    kind::Kind,
    store::{Before, Write},
};
use crate::{
    entity::{
        change, entry, revision,
        vocabulary::{AuditAction, State, What},
    },
    http::Result,
    trail::{self, Event},
};

/// Who made a version, when and why.
#[derive(Debug)]
pub struct Made {
    /// The account or key.
    pub by: Option<Uuid>,
    /// When.
    pub at: DateTime<Utc>,
    /// Why.
    pub note: Option<String>,
}

/// The revision that `entry` is at now; `working` when it is one of the working copy.
#[must_use]
pub fn revision<K: Kind>(
    entry: &entry::Model,
    draft: &Draft<K>,
    working: bool,
    made: Made,
) -> revision::ActiveModel {
    revision::ActiveModel {
        entry_id: Set(entry.id),
        version: Set(entry.version),
        state: Set(entry.state),
        working: Set(working),
        // What is written in JSON elsewhere can be written here.
        snapshot: Set(serde_json::to_string(draft).unwrap_or_default()),
        actor_id: Set(made.by),
        at: Set(made.at),
        note: Set(made.note),
    }
}

/// What the audit trail says of a write, and the names of the fields that it touches.
#[must_use]
pub fn action<K: Kind>(write: &Write<K>) -> (AuditAction, Vec<String>) {
    let Before::Stored(before) = &write.before else { return (AuditAction::ContentCreated, Vec::new()) };
    let (was, state) = (before.entry.state, write.stage.state);
    let action = match (was, state) {
        _ if write.delete => AuditAction::ContentDeleted,
        _ if before.entry.deleted_at.is_some() => AuditAction::ContentRestored,
        (was, State::Published) if was != State::Published => AuditAction::ContentPublished,
        (State::Published, state) if state != State::Published => AuditAction::ContentUnpublished,
        (was, State::InReview) if was != State::InReview => AuditAction::ContentSubmitted,
        _ if write.stage.publish_at != before.entry.publish_at
            || write.stage.unpublish_at != before.entry.unpublish_at =>
        {
            AuditAction::ContentScheduled
        }
        _ => AuditAction::ContentUpdated,
    };
    let mut fields = changed(&before.draft.to_value(), &write.draft.to_value());
    if was != state {
        fields.push("state".to_owned());
    }
    (action, fields)
}

/// The names of the fields that differ.
#[must_use]
pub fn changed(old: &Value, new: &Value) -> Vec<String> {
    let names = |value: &Value| -> Vec<String> {
        value.as_object().map(|object| object.keys().cloned().collect()).unwrap_or_default()
    };
    let mut fields: Vec<String> =
        names(old).into_iter().chain(names(new)).filter(|name| old.get(name) != new.get(name)).collect();
    fields.sort();
    fields.dedup();
    fields
}

/// The line of the change log for a change that made `after` of `before`.
#[must_use]
pub fn change(before: Option<&entry::Model>, after: &entry::Model) -> change::ActiveModel {
    let seen_before = before.and_then(finder::audience);
    let seen_after = finder::audience(after);
    let what = match (seen_before, seen_after) {
        _ if after.deleted_at.is_some() => What::Deleted,
        (None, Some(_)) => What::Published,
        (Some(_), None) => What::Unpublished,
        // For those who have come to see it, or no longer do; for the others it is what it was.
        (Some(before), Some(after)) if after < before => What::Published,
        (Some(before), Some(after)) if after > before => What::Unpublished,
        _ if before.is_none() => What::Created,
        _ => What::Updated,
    };
    // Of two audiences, the wider one sees what the narrower one sees, and not the other way about.
    let audience = seen_before.into_iter().chain(seen_after).min();
    // Whoever no longer sees the entry is not told a name that it has got meanwhile.
    let named = before.filter(|_| seen_after != audience).unwrap_or(after);
    change::ActiveModel {
        seq: NotSet,
        entry_id: Set(after.id),
        kind: Set(after.kind),
        slug: Set(named.slug.clone()),
        what: Set(what),
        audience: Set(audience),
        at: Set(after.updated_at),
        position: NotSet,
    }
}

/// Ends a transaction that has changed entries: gives its lines their places in the change log and adds
/// `events` to the audit trail. It is the last act before the commit.
///
/// Lines are numbered when they are written; a transaction with smaller numbers may be committed after
/// one with larger ones, and who has read these would never see those. So the places are given under
/// the lock of the trail, which is held until the commit: their order is the order of the commits.
///
/// # Errors
/// When the database fails.
pub async fn seal(
    db: &impl ConnectionTrait,
    now: DateTime<Utc>,
    events: impl IntoIterator<Item = Event>,
) -> Result<()> {
    trail::lock(db).await?;
    // One statement for both databases; a query builder would only hide it.
    db.execute_unprepared(
        "UPDATE change SET position = seq + 1 \
         + (SELECT COALESCE(MAX(position), 0) FROM change) \
         - (SELECT MIN(seq) FROM change WHERE position IS NULL) \
         WHERE position IS NULL",
    )
    .await?;
    trail::append(db, now, events).await
}
