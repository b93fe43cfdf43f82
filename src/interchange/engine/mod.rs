//! Writing many entries in one transaction, a batch at a time: what an import and a bulk request
//! have in common.
//!
//! First [`reserve`] holds a place for every new entry, so that any of them may refer to any other.
//! Then [`write`] checks a batch of [`Plan`]s and stores it: what is wrong with one is told of that
//! one, and the others are written.

mod existing;
mod places;

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use sea_orm::{ActiveValue::Set, entity::prelude::*};

pub use existing::{Existing, Names, Source, source_of};
pub use places::{release, reserve};

use super::former_slugs;
use crate::{
    app::App,
    auth::Caller,
    editorial::{
        Draft, Kind, claims, edit, history,
        load::{Stored, load},
        references,
        shape::Shape,
        store::{self, Before, Saved, Write},
        tree,
        workflow::Stage,
    },
    entity::{entry, slug_history, vocabulary::AuditAction},
    http::{Error, FieldError, Result},
};

/// How many entries are worked on at once: what bounds the memory that many of them take.
pub const BATCH: usize = 200;
/// How many mistakes a report lists.
pub const MAX_REPORTED: usize = 1_000;
/// How often all begins anew without what was bad, since one may be bad only because another is.
pub const MAX_ROUNDS: usize = 20;

/// One entry to be written.
#[derive(Debug)]
pub struct Plan<K: Kind> {
    /// What there is.
    pub before: Before<K>,
    /// What there is to be; other entries may be named by slug.
    pub draft: Draft<K>,
    /// The slugs that are to lead to it, too.
    pub former_slugs: Vec<String>,
    /// How far it is to be.
    pub stage: Stage,
    /// When it was first published; none: as it is.
    pub published_at: Option<DateTime<Utc>>,
    /// Whether it is to go to the trash.
    pub delete: bool,
    /// Why; kept with the version.
    pub note: Option<String>,
    /// Whether it says all that whoever wrote it could see: what they could not see stays.
    pub is_row: bool,
}

/// What came of a plan.
#[derive(Debug)]
pub enum Outcome {
    /// Nothing: this is wrong with it.
    Refused(Vec<FieldError>),
    /// The entry is like this already.
    Unchanged(Box<entry::Model>),
    /// The entry is like this now.
    Written {
        /// Its row.
        entry: Box<entry::Model>,
        /// What the audit trail says of it.
        action: AuditAction,
        /// The names of the fields that have changed.
        fields: Vec<String>,
    },
}

/// What came of a batch.
#[derive(Debug)]
#[must_use = "the rest has to be written, too"]
pub struct Batch<K: Kind> {
    /// What came of each plan.
    pub outcomes: Vec<Outcome>,
    /// What has been written, to be finished before the commit.
    pub saved: Option<Saved<K>>,
    /// Whether something that was written must not stay: the transaction cannot be committed.
    pub is_spoilt: bool,
}

/// What there is of the entries in `rows`.
///
/// # Errors
/// When the database fails.
pub async fn befores<K: Kind>(
    db: &impl ConnectionTrait,
    rows: Vec<Option<entry::Model>>,
) -> Result<Vec<Before<K>>> {
    // Of what was deleted for good there is nothing to load: it is written anew in its old place.
    let is_written = |row: &&entry::Model| row.version > 0 && row.purged_at.is_none();
    let written = rows.iter().flatten().filter(is_written).cloned().collect();
    let stored = load::<K>(db, written, &Shape::WHOLE).await?;
    let mut stored: HashMap<Uuid, Stored<K>> =
        stored.into_iter().map(|stored| (stored.entry.id, stored)).collect();
    let before = |row: Option<entry::Model>| match row {
        None => Before::Nothing,
        Some(row) => match stored.remove(&row.id) {
            Some(stored) => Before::Stored(Box::new(stored)),
            None => Before::Reserved(Box::new(row)),
        },
    };
    Ok(rows.into_iter().map(before).collect())
}

/// Writes a batch of entries. Every plan has its outcome, in their order.
///
/// # Errors
/// When the database fails. What is wrong with a plan is its outcome.
pub async fn write<K: Kind>(
    app: &App,
    db: &impl ConnectionTrait,
    caller: &Caller,
    plans: Vec<Plan<K>>,
) -> Result<Batch<K>> {
    let ids: Vec<Option<Uuid>> = plans.iter().map(|plan| plan.before.id()).collect();
    let mut kept = Vec::with_capacity(plans.len());
    let mut items = Vec::with_capacity(plans.len());
    let mut retired = Vec::with_capacity(plans.len());
    let mut rest = Vec::with_capacity(plans.len());
    for plan in plans {
        kept.push(references_of(&plan.before));
        items.push((plan.draft, Vec::new()));
        retired.push(plan.former_slugs);
        rest.push((plan.before, plan.stage, plan.published_at, plan.delete, plan.note, plan.is_row));
    }
    let is_kept = |index: usize, name: &str| kept.get(index).is_some_and(|names| names.contains(name));
    references::resolve_many(db, caller, &mut items, is_kept).await?;
    claims::clashes(db, &mut items, &ids, &retired).await?;
    let hidden = references::unseen(db, caller, kept.iter().flatten()).await?;
    let former = if retired.iter().all(Vec::is_empty) {
        HashMap::new()
    } else {
        former_slugs::<K>(db, ids.iter().flatten().copied().collect()).await?
    };

    let mut outcomes = Vec::with_capacity(items.len());
    let mut written = Written::default();
    for (((draft, mut errors), slugs), plan) in items.into_iter().zip(retired).zip(rest) {
        let (before, stage, published_at, delete, note, is_row) = plan;
        let mut draft = draft;
        if let Before::Stored(stored) = &before
            && is_row
            && !hidden.is_empty()
        {
            draft.keep_unseen(&stored.draft, &hidden);
        }
        if stage.is_complete() && !delete {
            errors.extend(draft.missing());
        }
        if errors.is_empty()
            && !delete
            && let Before::Stored(stored) = &before
            && stage.state == stored.entry.state
            && stage.draft_version == stored.entry.draft_version
            && let Err(error) = edit::refuse_unseen(app, caller, stored, &draft)
        {
            errors.push(FieldError::at("", "needs_review", error.to_string()));
        }
        if errors.is_empty() && !delete && overlooks_copy(&before, &draft, stage) {
            let detail =
                "it has a working copy, which would not hear of this: change that, or discard it first";
            errors.push(FieldError::at("", "has_working_copy", detail));
        }
        if !errors.is_empty() {
            outcomes.push(Outcome::Refused(errors));
            continue;
        }
        let known = before.id().and_then(|id| former.get(&id));
        let slugs: Vec<String> =
            slugs.into_iter().filter(|slug| known.is_none_or(|known| !known.contains(slug))).collect();
        let write = Write { before, draft, stage, published_at, delete, note };
        if slugs.is_empty() && write.unchanged().is_some() {
            if let Before::Stored(stored) = write.before {
                outcomes.push(Outcome::Unchanged(Box::new(stored.entry)));
            }
            continue;
        }
        written.actions.push((outcomes.len(), history::action(&write)));
        written.slugs.push(slugs);
        written.writes.push(write);
        // Its place; what is written comes back in order.
        outcomes.push(Outcome::Refused(Vec::new()));
    }
    let (saved, is_spoilt) = written.store(app, db, caller, &mut outcomes).await?;
    Ok(Batch { outcomes, saved, is_spoilt })
}

/// The entries, by id, that an entry refers to.
fn references_of<K: Kind>(before: &Before<K>) -> HashSet<String> {
    let Before::Stored(stored) = before else { return HashSet::new() };
    stored.draft.clone().references().into_iter().map(|reference| reference.name.clone()).collect()
}

/// Whether the content would change beside a working copy that stays.
fn overlooks_copy<K: Kind>(before: &Before<K>, draft: &Draft<K>, stage: Stage) -> bool {
    matches!(before, Before::Stored(before) if stage.draft_version.is_some() && before.draft != *draft)
}

/// What is to be written of a batch.
struct Written<K: Kind> {
    writes: Vec<Write<K>>,
    /// The place of each in the batch, and what the audit trail says of it.
    actions: Vec<(usize, (AuditAction, Vec<String>))>,
    slugs: Vec<Vec<String>>,
}

impl<K: Kind> Default for Written<K> {
    fn default() -> Self {
        Self { writes: Vec::new(), actions: Vec::new(), slugs: Vec::new() }
    }
}

impl<K: Kind> Written<K> {
    /// Stores it all, and puts into `outcomes` what came of it.
    async fn store(
        self,
        app: &App,
        db: &impl ConnectionTrait,
        caller: &Caller,
        outcomes: &mut [Outcome],
    ) -> Result<(Option<Saved<K>>, bool)> {
        if self.writes.is_empty() {
            return Ok((None, false));
        }
        let saved = store::begin(db, &app.clock, caller, self.writes).await?;
        let ids: Vec<Uuid> = saved.entries.iter().map(|stored| stored.entry.id).collect();
        let now = app.clock.now();
        let retired = self.slugs.into_iter().zip(&ids).flat_map(|(slugs, id)| {
            slugs.into_iter().map(|slug| slug_history::ActiveModel {
                kind: Set(K::KIND),
                slug: Set(slug),
                entry_id: Set(*id),
                retired_at: Set(now),
            })
        });
        store::insert(db, retired.collect()).await?;
        let circles = tree::circles(db, &saved.entries).await?;
        let mut wrong: HashMap<Uuid, Vec<FieldError>> = HashMap::new();
        for (id, error) in circles {
            wrong.entry(id).or_default().push(error);
        }
        let is_spoilt = !wrong.is_empty();
        for (stored, (index, (action, fields))) in saved.entries.iter().zip(self.actions) {
            let outcome = outcomes.get_mut(index).ok_or_else(|| Error::internal("a plan without a place"))?;
            *outcome = match wrong.remove(&stored.entry.id) {
                Some(errors) => Outcome::Refused(errors),
                None => Outcome::Written { entry: Box::new(stored.entry.clone()), action, fields },
            };
        }
        Ok((Some(saved), is_spoilt))
    }
}
