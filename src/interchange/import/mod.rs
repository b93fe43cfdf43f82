//! Reading collections from NDJSON or CSV.
//!
//! Everything happens in one transaction. First a place is reserved for every new entry, so that
//! any line may refer to any other; then the lines are read again and written, a batch at a time,
//! whatever their number. When a line is bad, nothing is kept; when bad lines are to be left out,
//! it all begins anew without them, until no line is bad (one may be bad only because another is).

use std::collections::{BTreeSet, HashSet};

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DatabaseTransaction};
use serde::Serialize;
use serde_json::Value;

mod lines;

use lines::{Line, Lines, unreadable};

pub use lines::Input;

use super::{
    Collection,
    engine::{self, Existing, MAX_REPORTED, MAX_ROUNDS, Names, Outcome, Plan, Source},
    record::Record,
};
use crate::{
    app::App,
    auth::Caller,
    clock::whole_milliseconds,
    editorial::{Draft, Kind, draft::checked, history, store::Before, workflow::Stage},
    entity::{
        entry,
        vocabulary::{AuditAction, State},
    },
    http::{Error, FieldError, Result},
    kinds::for_kind,
};

/// After how many batches PostgreSQL plans its statements anew.
const BATCHES_A_PLAN: usize = 25;

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
    /// The column, when the line is a row of a CSV file.
    pub column: Option<String>,
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

impl Round<'_> {
    async fn run(&mut self, job: &Job) -> Result<()> {
        for (place, (collection, input)) in job.inputs.iter().enumerate() {
            for_kind!(collection.kind(), reserve(self, place, input))?;
        }
        self.refresh_plans().await?;
        for (place, (collection, input)) in job.inputs.iter().enumerate() {
            for_kind!(collection.kind(), write(self, place, *collection, input))?;
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

    fn refuse(
        &mut self,
        place: usize,
        collection: Collection,
        lines: &Lines<'_>,
        line: usize,
        errors: Vec<FieldError>,
    ) {
        self.bad.insert((place, line));
        for error in errors {
            if self.errors.len() < MAX_REPORTED {
                self.errors.push(LineError {
                    collection: collection.to_string(),
                    line,
                    column: lines.column(error.pointer.as_deref().unwrap_or_default()),
                    pointer: error.pointer,
                    code: error.code,
                    detail: error.detail,
                });
            }
        }
    }
}

/// What identifies the entry of a line.
fn name_of(record: &Record) -> Option<(String, Option<Source>)> {
    let slug = record.slug().filter(|slug| crate::http::extract::is_slug(slug))?;
    Some((slug, record.source()))
}

/// The entries that lines are about, as far as they are there, the trash included.
async fn existing<K: Kind>(
    round: &Round<'_>,
    named: impl Iterator<Item = &(String, Option<Source>)> + Send,
) -> Result<Existing> {
    let (slugs, sources): (Vec<_>, Vec<_>) = named.cloned().unzip();
    let names = Names { ids: Vec::new(), slugs, sources: sources.into_iter().flatten().collect() };
    Existing::find::<K>(round.tx, None, &names).await
}

/// The entry that a line is about: the one with its slug, else the one from its source.
fn target<'a>(existing: &'a Existing, (slug, source): &(String, Option<Source>)) -> Option<&'a entry::Model> {
    existing.by_slug(slug).or_else(|| existing.by_source(source.as_ref()?))
}

/// Reserves a place for every entry of `input` that is not there yet.
async fn reserve<K: Kind>(round: &mut Round<'_>, place: usize, input: &Input) -> Result<()> {
    let mut lines = Lines::open::<K>(round.app, input, round.progress)?;
    loop {
        let batch = lines.batch().map_err(|error| unreadable(input, &error))?;
        if batch.is_empty() {
            return Ok(());
        }
        let mut wanted = Vec::new();
        let mut seen = HashSet::new();
        for (line, record) in batch {
            let Some(name) = record.ok().as_ref().and_then(name_of) else { continue };
            if seen.insert(name.0.clone()) && !round.bad.contains(&(place, line)) {
                wanted.push(name);
            }
        }
        let existing = existing::<K>(round, wanted.iter()).await?;
        let new = wanted.into_iter().filter(|name| target(&existing, name).is_none());
        let slugs = new.map(|(slug, _)| slug).collect();
        engine::reserve::<K>(round.app, round.tx, &Caller::SYSTEM, slugs).await?;
    }
}

/// Writes the entries of `input`.
async fn write<K: Kind>(
    round: &mut Round<'_>,
    place: usize,
    collection: Collection,
    input: &Input,
) -> Result<()> {
    let mut lines = Lines::open::<K>(round.app, input, round.progress)?;
    let mut seen = HashSet::new();
    for number in 1_usize.. {
        if number.is_multiple_of(BATCHES_A_PLAN) {
            round.refresh_plans().await?;
        }
        let batch = lines.batch().map_err(|error| unreadable(input, &error))?;
        if batch.is_empty() {
            return Ok(());
        }
        let records = batch.into_iter().filter(|(line, _)| !round.bad.contains(&(place, *line))).collect();
        write_batch::<K>(round, place, collection, &lines, &mut seen, records).await?;
    }
    Ok(())
}

/// What a line says of an entry.
struct Said<K: Kind> {
    draft: Draft<K>,
    /// None: as it is, or a draft.
    state: Option<State>,
    published_at: Option<DateTime<Utc>>,
    former_slugs: Vec<String>,
}

/// Reads what `record` says of the entry `before` and checks all that needs no database.
fn said<K: Kind>(
    app: &App,
    record: Record,
    before: &Before<K>,
    seen: &mut HashSet<String>,
) -> Result<std::result::Result<Said<K>, Vec<FieldError>>> {
    let value = match record {
        Record::Document(value) => value,
        Record::Row(row) => match before {
            // What has no column stays as it is.
            Before::Stored(before) => row.onto(before.draft.to_value()),
            _ => row.onto(Value::Null),
        },
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
    Ok(Ok(Said { draft, state, published_at, former_slugs: former_slugs.unwrap_or_default() }))
}

async fn write_batch<K: Kind>(
    round: &mut Round<'_>,
    place: usize,
    collection: Collection,
    read_from: &Lines<'_>,
    seen: &mut HashSet<String>,
    records: Vec<Line>,
) -> Result<()> {
    let names: Vec<_> = records.iter().map(|(_, record)| record.as_ref().ok().and_then(name_of)).collect();
    let existing = existing::<K>(round, names.iter().flatten()).await?;
    let targets = names.iter().map(|name| target(&existing, name.as_ref()?).cloned()).collect();
    let befores = engine::befores::<K>(round.tx, targets).await?;
    let mut lines = Vec::with_capacity(records.len());
    let mut plans = Vec::with_capacity(records.len());
    for ((line, record), before) in records.into_iter().zip(befores) {
        let said = match record {
            Ok(record) => said(round.app, record, &before, seen)?,
            Err(errors) => Err(errors),
        };
        let said = match said {
            Ok(said) => said,
            Err(errors) => {
                round.refuse(place, collection, read_from, line, errors);
                continue;
            }
        };
        let mut stage = match &before {
            Before::Stored(before) => Stage::of(&before.entry),
            _ => Stage::new(State::Draft),
        };
        if let Some(state) = said.state.filter(|state| *state != stage.state) {
            stage = Stage { draft_version: stage.draft_version, ..Stage::new(state) };
        }
        lines.push((line, matches!(before, Before::Stored(_))));
        plans.push(Plan {
            before,
            draft: said.draft,
            former_slugs: said.former_slugs,
            stage,
            published_at: said.published_at,
            delete: false,
            note: None,
            is_row: true,
        });
    }
    let batch = engine::write(round.app, round.tx, &Caller::SYSTEM, plans).await?;
    if let Some(saved) = batch.saved {
        saved.finish(round.tx).await?;
    }
    for ((line, was_there), outcome) in lines.into_iter().zip(batch.outcomes) {
        match outcome {
            Outcome::Refused(errors) => round.refuse(place, collection, read_from, line, errors),
            Outcome::Unchanged(_) => round.report.unchanged += 1,
            Outcome::Written { .. } if was_there => round.report.updated += 1,
            Outcome::Written { .. } => round.report.created += 1,
        }
    }
    Ok(())
}
