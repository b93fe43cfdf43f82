//! Doing a bulk request: looking at all operations, then rounds of writing them.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    marker::PhantomData,
};

use sea_orm::{ConnectionTrait, DatabaseTransaction, entity::prelude::*};

use super::{
    answer::{self, BulkResult, Op, Outcome, Refusal, done},
    look::{Looked, look_at},
    operation::{Operation, Read, Reader},
    places::{self, New, Places},
    plan::{self, planned},
    request::{Items, Mode, Request},
};
use crate::{
    app::App,
    auth::Caller,
    editorial::{Kind, finder, store::Saved, workflow},
    entity::{entry, vocabulary::AuditAction},
    http::{Error, FieldError, Id, Result},
    interchange::engine::{self, Existing, MAX_REPORTED, MAX_ROUNDS, Names},
    trail::Event,
};

/// How many operations are worked on at once.
pub const BATCH: usize = 500;
/// How many bytes of operations are worked on at once, unless one alone is larger: as JSON values in
/// memory they take many times as much.
const BATCH_BYTES: usize = 1024 * 1024;
/// How many bytes of operations are looked at before others are served: some thirty milliseconds of work,
/// and none of it is kept.
const PREPARED_BYTES: usize = 4 * BATCH_BYTES;

/// A bulk request that is being done.
pub struct Run<'a, K: Kind> {
    app: &'a App,
    caller: &'a Caller,
    request: &'a Request<'a>,
    ops: Vec<Option<Op>>,
    /// What entries there are perhaps to be new.
    news: Vec<New>,
    /// The slugs by which operations refer to entries of this kind.
    named: HashSet<String>,
    /// New entries that have been read, by operation, until they are written for the first time.
    kept: HashMap<usize, Operation<K>>,
    bad: BTreeMap<usize, Refusal>,
    rounds: usize,
    kind: PhantomData<K>,
}

/// What came of a round.
pub enum Ran {
    /// It is to be undone; what cannot be done is known better now.
    Again,
    /// It can stay.
    Whole {
        /// What came of each operation.
        results: Vec<BulkResult>,
        /// The lines of the audit trail.
        events: Vec<Event>,
    },
}

/// What has come of a round so far.
#[derive(Default)]
struct Round {
    places: Places,
    /// Which operation was about which entry.
    entries: HashMap<Uuid, usize>,
    results: HashMap<usize, BulkResult>,
    events: Vec<Event>,
    refused: Vec<usize>,
    is_spoilt: bool,
}

impl<'a, K: Kind> Run<'a, K> {
    /// Looks at all operations, as far as that needs no database.
    ///
    /// # Errors
    /// When the service fails.
    pub async fn prepare(app: &'a App, caller: &'a Caller, request: &'a Request<'a>) -> Result<Self> {
        let mut run = Self {
            app,
            caller,
            request,
            ops: vec![None; request.len()],
            news: Vec::new(),
            named: HashSet::new(),
            kept: HashMap::new(),
            bad: BTreeMap::new(),
            rounds: 0,
            kind: PhantomData,
        };
        let mut seen = HashMap::new();
        let mut start = 0;
        while start < request.len() {
            // Others are served meanwhile.
            tokio::task::yield_now().await;
            let end = request.portion(start, PREPARED_BYTES);
            for (index, read) in (start..end).zip(look_at::<K>(app, request, start..end)) {
                let (op, looked) = read?;
                if let Some(place) = run.ops.get_mut(index) {
                    *place = op;
                }
                if let Err(refusal) = looked.and_then(|looked| run.note(index, looked, &mut seen)) {
                    run.bad.insert(index, refusal);
                }
            }
            start = end;
        }
        Ok(run)
    }

    /// Notes what new entry an operation may make, and refuses one about an entry that an earlier
    /// one is about.
    fn note(
        &mut self,
        index: usize,
        looked: Looked<K>,
        seen: &mut HashMap<String, usize>,
    ) -> std::result::Result<(), Refusal> {
        self.named.extend(looked.named);
        self.news.extend(looked.new);
        for (name, pointer) in &looked.names {
            if let Some(earlier) = seen.get(name) {
                return Err(repeated(*earlier, pointer));
            }
        }
        self.kept.extend(looked.kept.map(|kept| (index, kept)));
        seen.extend(looked.names.into_iter().map(|(name, _)| (name, index)));
        Ok(())
    }

    /// Why the whole request is refused, when it is.
    pub fn refused_whole(&self) -> Option<Error> {
        // What is wrong with one operation may hide what is wrong with another: all are tried once.
        if self.request.mode == Mode::PerItem || self.bad.is_empty() || self.rounds == 0 {
            return None;
        }
        let failed = self.bad.len();
        let errors = self.bad.iter().flat_map(|(index, refusal)| {
            refusal.clone().in_request(*index, |pointer| self.request.place(*index, pointer))
        });
        Some(answer::refusal(self.request.len(), failed, errors.take(MAX_REPORTED).collect()))
    }

    /// Whether it has begun anew too often.
    pub fn is_exhausted(&self) -> bool {
        self.rounds >= MAX_ROUNDS
    }

    /// Does what can be done, in `tx`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn round(&mut self, tx: &DatabaseTransaction) -> Result<Ran> {
        self.rounds += 1;
        if self.app.db.is_postgres() {
            // A plan that was kept from when the tables were small scans them whole, again and again.
            // No query builder knows this.
            tx.execute_unprepared("SET LOCAL plan_cache_mode = force_custom_plan").await?;
        }
        let news = self.news.iter().filter(|new| !self.bad.contains_key(&new.index));
        let places = places::reserve::<K>(self.app, tx, self.caller, news.collect(), &self.named).await?;
        let mut round = Round { places, ..Round::default() };
        let mut batches = self.batches().into_iter();
        let mut reader =
            Reader { app: self.app, request: self.request, kept: std::mem::take(&mut self.kept) };
        // The others are there already, or cannot be made.
        reader.kept.retain(|index, _| round.places.slugs.contains_key(index));
        let mut batch = reader.read(batches.next()).await;
        let mut saved: Option<Saved<K>> = None;
        while !batch.is_empty() {
            // While the database works on these, those before are finished and the next ones read.
            let finish = finish(tx, saved.take());
            let next = reader.read(batches.next());
            let (finished, written, next) = tokio::join!(finish, self.batch(tx, &mut round, batch), next);
            finished?;
            saved = written?;
            batch = next;
        }
        finish(tx, saved).await?;
        if round.is_spoilt || (self.request.mode == Mode::Atomic && !self.bad.is_empty()) {
            return Ok(Ran::Again);
        }
        let unused: Vec<Uuid> =
            round.refused.iter().filter_map(|index| Some(round.places.reserved.get(index)?.id)).collect();
        if !engine::release(tx, &unused).await? {
            return Ok(Ran::Again);
        }
        let Round { mut results, events, .. } = round;
        let result = |index: usize| {
            let failed = || {
                let refusal = self.bad.get(&index)?.clone();
                let op = self.ops.get(index).copied().flatten();
                Some(refusal.in_results(index, op, |pointer| self.request.place(index, pointer)))
            };
            results
                .remove(&index)
                .or_else(failed)
                .ok_or_else(|| Error::internal("an operation without result"))
        };
        let results = (0..self.request.len()).map(result).collect::<Result<_>>()?;
        Ok(Ran::Whole { results, events })
    }

    /// The operations that may still be done, as they are worked on at once.
    fn batches(&self) -> Vec<Vec<usize>> {
        let mut batches = Vec::new();
        let (mut batch, mut bytes) = (Vec::new(), 0);
        for index in (0..self.request.len()).filter(|index| !self.bad.contains_key(index)) {
            batch.push(index);
            bytes += self.request.size(index);
            if batch.len() == BATCH || bytes >= BATCH_BYTES {
                batches.push(std::mem::take(&mut batch));
                bytes = 0;
            }
        }
        batches.push(batch);
        batches
    }

    async fn batch(
        &mut self,
        tx: &DatabaseTransaction,
        round: &mut Round,
        read: Vec<(usize, Read<K>)>,
    ) -> Result<Option<Saved<K>>> {
        let mut operations = Vec::with_capacity(read.len());
        let mut names = Names::default();
        for (index, read) in read {
            match read? {
                Ok(operation) => {
                    if !round.places.slugs.contains_key(&index) {
                        operation.add_names(&mut names);
                    }
                    operations.push((index, operation));
                }
                Err((_, refusal)) => self.refuse(round, index, refusal),
            }
        }
        let existing = Existing::find::<K>(tx, Some(self.caller), &names).await?;
        let (mut rows, mut found) = (Vec::new(), Vec::new());
        for (index, operation) in operations {
            match self.target(round, &existing, index, &operation) {
                Ok(row) => {
                    rows.push(row);
                    found.push((index, operation));
                }
                Err(refusal) => self.refuse(round, index, refusal),
            }
        }
        let befores = engine::befores::<K>(tx, rows).await?;
        let (mut plans, mut placed) = (Vec::new(), Vec::new());
        let is_measured = matches!(self.request.items, Items::Table(_));
        for ((index, operation), before) in found.into_iter().zip(befores) {
            let (op, was_there) = (operation.op(), before.id().is_some_and(|id| !round.is_place(index, id)));
            match planned(self.app, tx, self.caller, operation, before, is_measured).await? {
                Ok(mut plan) => {
                    if plan.draft.common.slug.is_none() {
                        plan.draft.common.slug = round.places.slugs.get(&index).cloned();
                    }
                    plans.push(plan);
                    placed.push((index, op, was_there));
                }
                Err(refusal) => self.refuse(round, index, refusal),
            }
        }
        let batch = engine::write(self.app, tx, self.caller, plans).await?;
        round.is_spoilt |= batch.is_spoilt;
        for ((index, op, was_there), outcome) in placed.into_iter().zip(batch.outcomes) {
            match outcome {
                engine::Outcome::Refused(errors) => {
                    let refusal = Refusal::invalid(plan::within_operation(op, errors));
                    self.refuse(round, index, refusal);
                }
                engine::Outcome::Unchanged(entry) => {
                    let result = done(index, op, Outcome::Unchanged, &entry);
                    round.results.insert(index, result);
                }
                engine::Outcome::Written { entry, action, fields } => {
                    let outcome = match op {
                        Op::Trash => Outcome::Trashed,
                        Op::Transition => Outcome::Transitioned,
                        _ if was_there => Outcome::Updated,
                        _ => Outcome::Created,
                    };
                    round.events.push(self.event(action, &entry, fields));
                    round.results.insert(index, done(index, op, outcome, &entry));
                }
            }
        }
        Ok(batch.saved)
    }

    fn event(&self, action: AuditAction, entry: &entry::Model, fields: Vec<String>) -> Event {
        let kind = crate::editorial::references::kind_name(K::KIND);
        self.caller.did(action).on(kind, entry.id).changing(fields).because("bulk")
    }

    fn refuse(&mut self, round: &mut Round, index: usize, refusal: Refusal) {
        round.refused.push(index);
        self.bad.insert(index, refusal);
    }

    /// The row that an operation is about; none when its entry is new and has no place, because its
    /// name is taken.
    fn target(
        &self,
        round: &mut Round,
        existing: &Existing,
        index: usize,
        operation: &Operation<K>,
    ) -> std::result::Result<Option<entry::Model>, Refusal> {
        let mut pointer = "/id";
        let row = match operation {
            Operation::New(..) | Operation::Create(_) => {
                return Ok(round.places.reserved.get(&index).cloned());
            }
            Operation::Upsert(record) => {
                if round.places.slugs.contains_key(&index) {
                    return Ok(round.places.reserved.get(&index).cloned());
                }
                let by_slug = || record.slug().and_then(|slug| existing.by_slug(&slug).cloned());
                let found = match record.source() {
                    Some(source) => existing.by_source(&source).cloned(),
                    None => by_slug(),
                };
                pointer = "/entry";
                match found {
                    Some(row) => row,
                    None => return Ok(None),
                }
            }
            Operation::Update(target, _) | Operation::Transition(target, _) | Operation::Trash(target) => {
                let (found, maker) = match &target.id {
                    Id::Uuid(id) => (existing.by_id(*id), None),
                    Id::Slug(slug) => (existing.by_slug(slug), round.places.makers.get(slug)),
                };
                if let Some(maker) = maker {
                    return Err(repeated(*maker, pointer));
                }
                found.cloned().ok_or_else(|| plan::at("/id", Error::NotFound))?
            }
        };
        if let Some(earlier) = round.entries.insert(row.id, index) {
            return Err(repeated(earlier, pointer));
        }
        let may = match operation {
            Operation::Transition(..) => workflow::may_take_part,
            _ => finder::may_change,
        };
        if !may(self.caller, &row) {
            return Err(plan::at("/id", Error::Forbidden("the role `editor`, or an own draft")));
        }
        Ok(Some(row))
    }
}

impl Round {
    /// Whether `id` is the place that was reserved for operation `index`.
    fn is_place(&self, index: usize, id: Uuid) -> bool {
        self.places.reserved.get(&index).is_some_and(|place| place.id == id)
    }
}

/// Writes what has been left of a batch.
async fn finish<K: Kind>(tx: &DatabaseTransaction, saved: Option<Saved<K>>) -> Result<()> {
    if let Some(saved) = saved {
        saved.finish(tx).await?;
    }
    Ok(())
}

/// A second operation about one entry.
fn repeated(earlier: usize, pointer: &str) -> Refusal {
    let detail = format!("operation {earlier} is about this entry already");
    Refusal::invalid(vec![FieldError::at(pointer, "repeated", detail)])
}
