//! What happens to entries when its time has come: publishing and archiving as planned, and leaving the
//! trash for good.
//!
//! Any number of replicas look; each entry is held while it is changed, and looked at again once it is
//! held, so everything happens once. What was missed while nobody looked is done at the next look.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{
    Condition, DatabaseTransaction, QueryOrder, QuerySelect,
    entity::prelude::*,
    sea_query::{LockBehavior, LockType},
};

use crate::{
    app::App,
    auth::Caller,
    editorial::{
        Kind, edit,
        load::{Stored, load},
        purge::purge,
        shape::Shape,
        store::{Before, Write},
        workflow::Stage,
        working_copy,
    },
    entity::{
        entry,
        vocabulary::{self, State},
    },
    http::{FieldError, Result},
    kinds::for_kind,
};

/// How many entries are changed in one transaction.
const BATCH: u64 = 100;
/// How many transactions one look makes at most; the next look goes on.
const BATCHES: usize = 200;

/// The entries whose time to be published or archived has come.
fn due(now: DateTime<Utc>) -> Condition {
    use entry::Column::{DeletedAt, PublishAt, UnpublishAt};
    let is_in = |state: State| entry::Column::State.eq(state);
    let on_its_way = Condition::any().add(is_in(State::Scheduled)).add(is_in(State::Published));
    let publish = Condition::all().add(on_its_way).add(PublishAt.lte(now));
    let archive = Condition::all().add(is_in(State::Published)).add(UnpublishAt.lte(now));
    Condition::all().add(DeletedAt.is_null()).add(Condition::any().add(publish).add(archive))
}

/// The entries that have lain in the trash long enough.
fn stale(app: &App) -> Condition {
    let since = app.clock.now() - TimeDelta::days(app.config.trash_days.into());
    Condition::all().add(entry::Column::PurgedAt.is_null()).add(entry::Column::DeletedAt.lte(since))
}

/// Publishes and archives what is due.
///
/// # Errors
/// When the database fails; what was done is committed, the rest is done at the next look.
pub async fn keep_schedule(app: App) -> Result<()> {
    for _ in 0..BATCHES {
        let now = app.clock.now();
        // Looking is reading; only when there is something to do does anybody write.
        if entry::Entity::find().filter(due(now)).one(app.db.reader()).await?.is_none() {
            return Ok(());
        }
        let tx = app.db.begin().await?;
        let held = take(&tx, due(now)).await?;
        if held.is_empty() {
            // Another replica is at it.
            return Ok(());
        }
        for (kind, rows) in by_kind(held) {
            for_kind!(kind, carry_out(&app, &tx, rows))?;
        }
        tx.commit().await?;
    }
    Ok(())
}

/// Deletes for good what has lain in the trash long enough.
///
/// # Errors
/// When the database fails.
pub async fn empty_trash(app: App) -> Result<()> {
    for _ in 0..BATCHES {
        if entry::Entity::find().filter(stale(&app)).one(app.db.reader()).await?.is_none() {
            return Ok(());
        }
        let tx = app.db.begin().await?;
        let held = take(&tx, stale(&app)).await?;
        if held.is_empty() {
            return Ok(());
        }
        for (kind, rows) in by_kind(held) {
            for_kind!(kind, purge(&app, &tx, rows))?;
        }
        tx.commit().await?;
    }
    Ok(())
}

/// Holds some of the entries that `condition` describes, but for those that another replica holds.
async fn take(tx: &DatabaseTransaction, condition: Condition) -> Result<Vec<entry::Model>> {
    let select = entry::Entity::find()
        .filter(condition)
        .order_by_asc(entry::Column::Id)
        .limit(BATCH)
        .lock_with_behavior(LockType::NoKeyUpdate, LockBehavior::SkipLocked);
    Ok(select.all(tx).await?)
}

fn by_kind(rows: Vec<entry::Model>) -> BTreeMap<vocabulary::Kind, Vec<entry::Model>> {
    let mut kinds: BTreeMap<vocabulary::Kind, Vec<entry::Model>> = BTreeMap::new();
    for row in rows {
        kinds.entry(row.kind).or_default().push(row);
    }
    kinds
}

/// Does what was planned for `rows`.
async fn carry_out<K: Kind>(app: &App, tx: &DatabaseTransaction, rows: Vec<entry::Model>) -> Result<()> {
    let mut writes: Vec<Write<K>> = Vec::new();
    for stored in load::<K>(tx, rows, &Shape::WHOLE).await? {
        writes.push(planned(app, tx, stored).await?);
    }
    edit::put(app, tx, &Caller::SYSTEM, writes).await?;
    Ok(())
}

/// What was planned for `stored` and is due. What cannot be published stays as it is, or becomes a draft
/// again, and says why: nobody would look at an error here.
async fn planned<K: Kind>(app: &App, tx: &DatabaseTransaction, stored: Stored<K>) -> Result<Write<K>> {
    let entry = &stored.entry;
    if entry.unpublish_at.is_some_and(|at| at <= app.clock.now()) {
        let stage = Stage { draft_version: entry.draft_version, ..Stage::new(State::Archived) };
        return Ok(Write { stage, ..Write::of(stored) });
    }
    let stage = Stage { unpublish_at: entry.unpublish_at, ..Stage::new(State::Published) };
    let copy = working_copy::of::<K>(tx, entry).await?;
    let mut write = Write { stage, ..Write::of(stored) };
    let Some(copy) = copy else { return Ok(write) };
    let Before::Stored(live) = &write.before else { return Ok(write) };
    let known = [&live.draft, &copy.draft];
    let (draft, mut errors) =
        edit::settle(tx, &Caller::SYSTEM, Some(live.entry.id), copy.draft.clone(), &known).await?;
    errors.extend(draft.missing());
    if errors.is_empty() {
        write.draft = draft;
        return Ok(write);
    }
    tracing::warn!(entry.id = %live.entry.id, "an entry could not be published as planned");
    write.stage = Stage { publish_at: None, ..Stage::of(&live.entry) };
    let mistake =
        |error: &FieldError| format!("{}: {}", error.pointer.as_deref().unwrap_or("/"), error.detail);
    let mistakes: Vec<String> = errors.iter().take(5).map(mistake).collect();
    write.note = Some(format!("not published as planned: {}", mistakes.join("; ")));
    Ok(write)
}
