//! Reading collections from NDJSON.
//!
//! Everything happens in one transaction. First a place is reserved for every new entry, so that
//! any line may refer to any other; then the lines are read again and written, a batch at a time,
//! whatever their number. When a line is bad, nothing is kept; when bad lines are to be left out,
//! it all begins anew without them, until no line is bad (one may be bad only because another is).

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Utc};
use sea_orm::{ActiveValue::Set, ConnectionTrait, DatabaseTransaction, entity::prelude::*};
use serde::Serialize;
use serde_json::Value;

mod existing;
mod lines;

use existing::{Existing, Source, source_of};
use lines::{Lines, unreadable};

pub use lines::Input;

use super::{Collection, for_kind, former_slugs};
use crate::{
    app::App,
    auth::Caller,
    clock::whole_milliseconds,
    editorial::{
        Draft, Kind, claims,
        draft::checked,
        history,
        load::{Stored, load},
        references,
        store::{self, Before, Write},
        tree,
        workflow::Stage,
    },
    entity::{
        entry, slug_history,
        vocabulary::{AuditAction, State, Visibility},
    },
    http::{Error, FieldError, Result},
};

/// How many mistakes a report lists.
const MAX_REPORTED: usize = 1_000;
/// After how many batches PostgreSQL plans its statements anew.
const BATCHES_A_PLAN: usize = 25;
/// How often an import begins anew without its bad lines.
const MAX_ROUNDS: usize = 20;

/// What to import, and how.
#[derive(Clone, Debug)]
pub struct Job {
    /// The collections and where their lines come from.
    pub inputs: Vec<(Collection, Input)>,
    /// Check everything, keep nothing.
    pub dry_run: bool,
    /// Leave bad lines out instead of refusing all.
    pub keep_going: bool,
}

/// What came of an import.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Entries that were not there before.
    pub created: usize,
    /// Entries that were there and have changed.
    pub updated: usize,
    /// Entries that were there and are the same.
    pub unchanged: usize,
    /// Lines that were bad.
    pub failed: usize,
    /// Whether anything was kept.
    pub imported: bool,
    /// What was wrong, the first thousand mistakes.
    pub errors: Vec<LineError>,
}

/// A mistake and where it is.
#[derive(Debug, Serialize)]
pub struct LineError {
    /// The collection.
    pub collection: String,
    /// The line, from 1.
    pub line: usize,
    /// Where in the line (JSON pointer).
    pub pointer: Option<String>,
    /// What is wrong, in one word.
    pub code: String,
    /// What is wrong, in a sentence.
    pub detail: String,
}

/// A line, by the place of its input and its number.
type Place = (usize, usize);

/// Imports; calls `progress` with the number of bytes that a step has read.
///
/// # Errors
/// When a file cannot be read or the database fails. Bad lines are no error but in the report.
pub async fn import(app: &App, job: &Job, progress: &(dyn Fn(u64) + Sync)) -> Result<Report> {
    let mut bad: BTreeSet<Place> = BTreeSet::new();
    let mut errors: Vec<LineError> = Vec::new();
    for _ in 0..MAX_ROUNDS {
        let tx = app.db.begin().await?;
        let known = bad.len();
        let mut round =
            Round { app, tx: &tx, bad: &mut bad, errors: &mut errors, progress, report: Report::default() };
        round.run(job).await?;
        let mut report = round.report;
        report.failed = bad.len();
        let settled = bad.len() == known;
        if settled || !job.keep_going {
            report.imported = settled && !job.dry_run;
            if report.imported {
                // One line a collection, and not before the end: on PostgreSQL all other writers wait
                // behind whoever has written to the trail. Who wrote which version is in the revisions.
                let imported = |(collection, _): &(Collection, Input)| {
                    Caller::SYSTEM.did(AuditAction::ContentImported).on("collection", collection)
                };
                let events: Vec<_> = job.inputs.iter().map(imported).collect();
                history::seal(&tx, app.clock.now(), events).await?;
                tx.commit().await?;
            } else {
                tx.rollback().await?;
            }
            report.errors = errors;
            return Ok(report);
        }
        tx.rollback().await?;
    }
    Err(Error::conflict("bad lines depend on each other too deeply; mend some and try again"))
}

struct Round<'a> {
    app: &'a App,
    tx: &'a DatabaseTransaction,
    bad: &'a mut BTreeSet<Place>,
    errors: &'a mut Vec<LineError>,
    progress: &'a (dyn Fn(u64) + Sync),
    report: Report,
}

/// A line that could be read, and the entry it is about.
struct Row<K: Kind> {
    line: usize,
    draft: Draft<K>,
    /// None: as it is, or a draft.
    state: Option<State>,
    published_at: Option<DateTime<Utc>>,
    former_slugs: Vec<String>,
}

impl Round<'_> {
    async fn run(&mut self, job: &Job) -> Result<()> {
        for (place, (collection, input)) in job.inputs.iter().enumerate() {
            for_kind!(*collection, reserve(self, place, input))?;
        }
        self.refresh_plans().await?;
        for (place, (collection, input)) in job.inputs.iter().enumerate() {
            for_kind!(*collection, write(self, place, *collection, input))?;
        }
        Ok(())
    }

    /// PostgreSQL keeps the plan that it made for a statement when the tables were small, and goes on
    /// scanning them whole, until it is told that they have grown.
    async fn refresh_plans(&self) -> Result<()> {
        if self.app.db.is_postgres() {
            // No query builder knows ANALYZE.
            let tables = "entry, entry_text, entry_topic, contribution, entry_link, identifier, slug_history, revision";
            self.tx.execute_unprepared(&format!("ANALYZE {tables}")).await?;
        }
        Ok(())
    }

    fn refuse(&mut self, place: usize, collection: Collection, line: usize, errors: Vec<FieldError>) {
        self.bad.insert((place, line));
        for error in errors {
            if self.errors.len() < MAX_REPORTED {
                self.errors.push(LineError {
                    collection: collection.to_string(),
                    line,
                    pointer: error.pointer,
                    code: error.code,
                    detail: error.detail,
                });
            }
        }
    }
}

/// Reserves a place for every entry of `input` that is not there yet.
async fn reserve<K: Kind>(round: &mut Round<'_>, place: usize, input: &Input) -> Result<()> {
    let mut lines = Lines::open(input, round.progress)?;
    loop {
        let batch = lines.batch().map_err(|error| unreadable(input, &error))?;
        if batch.is_empty() {
            return Ok(());
        }
        let mut wanted: Vec<(String, Option<Source>)> = Vec::new();
        let mut seen = HashSet::new();
        for (number, value) in batch {
            let Ok(value) = value else { continue };
            let Some(slug) = value.get("slug").and_then(Value::as_str) else { continue };
            let fresh = crate::http::extract::is_slug(slug) && seen.insert(slug.to_owned());
            if fresh && !round.bad.contains(&(place, number)) {
                wanted.push((slug.to_owned(), source_of(&value)));
            }
        }
        let existing =
            Existing::find::<K>(round.tx, wanted.iter().map(|(slug, source)| (slug, source.as_ref())))
                .await?;
        let now = round.app.clock.now();
        let rows = wanted.into_iter().filter(|(slug, source)| existing.get(slug, source.as_ref()).is_none());
        let rows = rows.map(|(slug, _)| entry::ActiveModel {
            id: Set(K::new_id(&round.app.clock)),
            kind: Set(K::KIND),
            slug: Set(slug),
            state: Set(State::Draft),
            visibility: Set(Visibility::Internal),
            consented: Set(false),
            original_locale: Set(String::new()),
            version: Set(0),
            sort_key: Set(String::new()),
            created_at: Set(now),
            updated_at: Set(now),
            source_altered: Set(false),
            published_at: Set(None),
            publish_at: Set(None),
            unpublish_at: Set(None),
            deleted_at: Set(None),
            created_by: Set(None),
            owner_id: Set(None),
            source_name: Set(None),
            source_id: Set(None),
            source_url: Set(None),
            source_datestamp: Set(None),
            harvested_at: Set(None),
            purged_at: Set(None),
            submitted_by: Set(None),
            assignee_id: Set(None),
            draft_version: Set(None),
        });
        store::insert(round.tx, rows.collect()).await?;
    }
}

/// Writes the entries of `input`.
async fn write<K: Kind>(
    round: &mut Round<'_>,
    place: usize,
    collection: Collection,
    input: &Input,
) -> Result<()> {
    let mut lines = Lines::open(input, round.progress)?;
    let mut seen = HashSet::new();
    for number in 1_usize.. {
        if number.is_multiple_of(BATCHES_A_PLAN) {
            round.refresh_plans().await?;
        }
        let batch = lines.batch().map_err(|error| unreadable(input, &error))?;
        if batch.is_empty() {
            return Ok(());
        }
        let mut rows: Vec<Row<K>> = Vec::with_capacity(batch.len());
        for (line, value) in batch {
            if round.bad.contains(&(place, line)) {
                continue;
            }
            match read::<K>(round.app, line, value, &mut seen)? {
                Ok(row) => rows.push(row),
                Err(errors) => round.refuse(place, collection, line, errors),
            }
        }
        write_batch(round, place, collection, rows).await?;
    }
    Ok(())
}

/// Reads one line and checks all that needs no database.
fn read<K: Kind>(
    app: &App,
    line: usize,
    value: Result<Value, String>,
    seen: &mut HashSet<String>,
) -> Result<std::result::Result<Row<K>, Vec<FieldError>>> {
    let value = match value {
        Ok(value) => value,
        Err(detail) => return Ok(Err(vec![FieldError::at("", "malformed", detail)])),
    };
    let (draft, mut errors) = checked::<K>(app, &format!("{}Row", K::NAME), &value)?;
    let Some(draft) = draft else { return Ok(Err(errors)) };
    let part = |name: &str| value.get(name).cloned().unwrap_or_default();
    let state: Option<State> = serde_json::from_value(part("state")).map_err(Error::internal)?;
    let published_at: Option<DateTime<Utc>> =
        serde_json::from_value(part("published_at")).map_err(Error::internal)?;
    let former_slugs: Option<Vec<String>> =
        serde_json::from_value(part("former_slugs")).map_err(Error::internal)?;
    if !seen.insert(draft.common.slug.clone().unwrap_or_default()) {
        errors.push(FieldError::at("/slug", "repeated", "an earlier line has this slug"));
    }
    if !errors.is_empty() {
        return Ok(Err(errors));
    }
    let published_at = published_at.map(whole_milliseconds);
    Ok(Ok(Row { line, draft, state, published_at, former_slugs: former_slugs.unwrap_or_default() }))
}

async fn write_batch<K: Kind>(
    round: &mut Round<'_>,
    place: usize,
    collection: Collection,
    rows: Vec<Row<K>>,
) -> Result<()> {
    let names = rows.iter().map(|row| {
        let source = row.draft.common.source.as_ref().map(|source| (source.name.clone(), source.id.clone()));
        (row.draft.common.slug.clone().unwrap_or_default(), source)
    });
    let names: Vec<_> = names.collect();
    let existing =
        Existing::find::<K>(round.tx, names.iter().map(|(slug, source)| (slug, source.as_ref()))).await?;
    let targets: Vec<Option<entry::Model>> =
        names.iter().map(|(slug, source)| existing.get(slug, source.as_ref()).cloned()).collect();
    let ids: Vec<Option<Uuid>> =
        targets.iter().map(|target| target.as_ref().map(|target| target.id)).collect();

    let mut metadata = Vec::with_capacity(rows.len());
    let mut items = Vec::with_capacity(rows.len());
    let mut slugs = Vec::with_capacity(rows.len());
    for Row { line, draft, state, published_at, former_slugs } in rows {
        metadata.push((line, state, published_at));
        slugs.push(former_slugs);
        items.push((draft, Vec::new()));
    }
    references::resolve(round.tx, &Caller::SYSTEM, &mut items, &[]).await?;
    claims::clashes(round.tx, &mut items, &ids, &slugs).await?;

    // Of what was deleted for good there is nothing to load: it is written anew in its old place.
    let is_written = |target: &&entry::Model| target.version > 0 && target.purged_at.is_none();
    let written = targets.iter().flatten().filter(is_written).cloned().collect();
    let mut stored: HashMap<Uuid, Stored<K>> = load::<K>(round.tx, written, true)
        .await?
        .into_iter()
        .map(|stored| (stored.entry.id, stored))
        .collect();
    let former = former_slugs::<K>(round.tx, ids.iter().flatten().copied().collect()).await?;
    let mut writes = Vec::new();
    let mut lines = Vec::new();
    let mut retired = Vec::new();
    let rows = items.into_iter().zip(targets).zip(metadata).zip(slugs);
    for ((((draft, mut errors), target), (line, state, published_at)), slugs) in rows {
        let written = target.as_ref().filter(is_written);
        let mut stage = written.map_or(Stage::new(State::Draft), Stage::of);
        stage.state = state.unwrap_or(stage.state);
        if stage.state == State::Published {
            errors.extend(draft.missing());
        }
        if !errors.is_empty() {
            round.refuse(place, collection, line, errors);
            continue;
        }
        let before = match target {
            None => Before::Nothing,
            Some(target) => match stored.remove(&target.id) {
                Some(stored) => Before::Stored(Box::new(stored)),
                None => Before::Reserved(Box::new(target)),
            },
        };
        let known = before.id().and_then(|id| former.get(&id));
        let slugs: Vec<String> =
            slugs.into_iter().filter(|slug| known.is_none_or(|known| !known.contains(slug))).collect();
        if let Before::Stored(before) = &before {
            let same_time = published_at.is_none() || published_at == before.entry.published_at;
            let same = before.draft == draft
                && Stage::of(&before.entry) == stage
                && same_time
                && before.entry.deleted_at.is_none();
            if same && slugs.is_empty() {
                round.report.unchanged += 1;
                continue;
            }
            round.report.updated += 1;
        } else {
            round.report.created += 1;
        }
        retired.push(slugs);
        lines.push(line);
        writes.push(Write { before, draft, stage, published_at, delete: false, note: None });
    }
    let saved = store::save(round.tx, &round.app.clock, &Caller::SYSTEM, writes).await?;
    let saved_ids: Vec<Uuid> = saved.iter().map(|stored| stored.entry.id).collect();
    let now = round.app.clock.now();
    let retired = retired.into_iter().zip(&saved_ids).flat_map(|(slugs, id)| {
        slugs.into_iter().map(|slug| slug_history::ActiveModel {
            kind: Set(K::KIND),
            slug: Set(slug),
            entry_id: Set(*id),
            retired_at: Set(now),
        })
    });
    store::insert(round.tx, retired.collect()).await?;
    for (id, error) in tree::circles::<K>(round.tx, &saved_ids).await? {
        let line =
            saved_ids.iter().position(|saved| *saved == id).and_then(|index| lines.get(index).copied());
        round.refuse(place, collection, line.unwrap_or_default(), vec![error]);
    }
    Ok(())
}
