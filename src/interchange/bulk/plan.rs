//! From an operation and the entry that it is about to what is to be written.

use std::borrow::Cow;

use sea_orm::entity::prelude::*;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use super::{
    answer::{Op, Refusal},
    operation::{Operation, Target},
};
use crate::{
    app::App,
    auth::Caller,
    editorial::{
        Draft, Kind,
        draft::{checked, checked_by_rules},
        load::Stored,
        references::kind_name,
        slug,
        store::{Before, Write},
        transitions,
        workflow::{self, Rules, Stage, Transition},
    },
    entity::{
        entry,
        vocabulary::{self, State},
    },
    http::{Code, Error, FieldError, Result, json::merge},
    interchange::{engine::Plan, record::Record},
};

/// What is wrong with an entry.
type Mistakes = Vec<FieldError>;

/// What an entry is to be, as far as its document says.
#[derive(Debug)]
pub struct Wanted<K: Kind> {
    /// Its content.
    pub draft: Draft<K>,
    state: Option<State>,
    published_at: Option<DateTimeUtc>,
    former_slugs: Vec<String>,
}

/// Plans an operation; with `is_measured`, its entry has not been held against its schema yet.
///
/// # Errors
/// When the service fails. Why the operation cannot be done is the inner error.
pub async fn planned<K: Kind>(
    app: &App,
    db: &impl ConnectionTrait,
    caller: &Caller,
    operation: Operation<K>,
    before: Before<K>,
    is_measured: bool,
) -> Result<std::result::Result<Plan<K>, Refusal>> {
    match operation {
        Operation::New(_, wanted) => Ok(upserted(app, caller, *wanted, before)),
        Operation::Create(entry) => match wanted(app, &entry)? {
            Ok(wanted) => Ok(upserted(app, caller, wanted, before)),
            Err(errors) => Ok(Err(Refusal::invalid(within("/entry", errors)))),
        },
        Operation::Upsert(record) => upsert(app, caller, record, before, is_measured),
        Operation::Update(target, patch) => {
            if let Err(refusal) = expected(&target, &before, true) {
                return Ok(Err(refusal));
            }
            update(app, db, patch, before).await
        }
        Operation::Transition(target, transition) => {
            if let Err(refusal) = expected(&target, &before, false) {
                return Ok(Err(refusal));
            }
            moved(app, db, caller, transition, before).await
        }
        Operation::Trash(target) => Ok((|| {
            let stored = expected(&target, &before, true)?;
            let (draft, stage) = (stored.1.clone(), Stage::of(stored.0));
            Ok(Plan { delete: true, ..plan_for(before, draft, stage) })
        })()),
    }
}

/// Plans a transition, by the rules of a single one.
async fn moved<K: Kind>(
    app: &App,
    db: &impl ConnectionTrait,
    caller: &Caller,
    transition: Transition,
    before: Before<K>,
) -> Result<std::result::Result<Plan<K>, Refusal>> {
    let Before::Stored(stored) = before else { return Ok(Err(at("/id", Error::NotFound))) };
    match transitions::prepared(app, db, caller, Stored::clone(&stored), transition).await {
        Ok(write) => {
            let Write { draft, stage, note, .. } = write;
            Ok(Ok(Plan { note, ..plan_for(Before::Stored(stored), draft, stage) }))
        }
        Err(Error::Invalid(errors)) => Ok(Err(Refusal::invalid(errors))),
        Err(error @ (Error::Problem(..) | Error::Forbidden(_))) => Ok(Err(at("/to", error))),
        Err(error) => Err(error),
    }
}

/// The entry, if it is at the version that was expected.
fn expected<'a, K: Kind>(
    target: &Target,
    before: &'a Before<K>,
    is_required: bool,
) -> Result<(&'a entry::Model, &'a Draft<K>), Refusal> {
    let Before::Stored(stored) = before else { return Err(at("/id", Error::NotFound)) };
    match target.version {
        Some(version) if version != stored.entry.version => {
            let detail = "the entry has changed since you read it".to_owned();
            let refusal = at("/version", Error::Problem(Code::PreconditionFailed, detail));
            Err(Refusal { version: Some(stored.entry.version), ..refusal })
        }
        None if is_required => {
            let detail = "say the version that you have read: its `ETag` begins with it".to_owned();
            Err(at("/version", Error::Problem(Code::PreconditionRequired, detail)))
        }
        _ => Ok((&stored.entry, &stored.draft)),
    }
}

async fn update<K: Kind>(
    app: &App,
    db: &impl ConnectionTrait,
    patch: Value,
    before: Before<K>,
) -> Result<std::result::Result<Plan<K>, Refusal>> {
    let Before::Stored(stored) = &before else { return Ok(Err(at("/id", Error::NotFound))) };
    let mut document = stored.draft.to_value();
    merge(&mut document, patch);
    let (draft, errors) = checked::<K>(app, &format!("New{}", K::NAME), &document)?;
    let Some(mut draft) = draft.filter(|_| errors.is_empty()) else {
        return Ok(Err(Refusal::invalid(within("/patch", errors))));
    };
    if draft.common.slug.is_none() {
        let heading = draft.heading().unwrap_or_default();
        let made = slug::free(db, K::KIND, &heading, kind_name(K::KIND), before.id()).await?;
        draft.common.slug = Some(made);
    }
    let stage = Stage::of(&stored.entry);
    Ok(Ok(plan_for(before, draft, stage)))
}

fn upsert<K: Kind>(
    app: &App,
    caller: &Caller,
    record: Record,
    before: Before<K>,
    is_measured: bool,
) -> Result<std::result::Result<Plan<K>, Refusal>> {
    let stored = match &before {
        Before::Stored(stored) => Some(stored),
        _ => None,
    };
    let document = onto(record, stored.map(|stored| stored.draft.to_value()));
    let errors =
        if is_measured { app.contract.mistakes(&format!("{}Row", K::NAME), &document)? } else { Vec::new() };
    let wanted = if errors.is_empty() { wanted(app, &document)? } else { Err(errors) };
    match wanted {
        Ok(wanted) => Ok(upserted(app, caller, wanted, before)),
        Err(errors) => Ok(Err(Refusal::invalid(within("/entry", errors)))),
    }
}

/// Reads what an entry is to be from a document that its schema has accepted.
///
/// # Errors
/// When the service fails.
pub fn wanted<K: Kind>(app: &App, document: &Value) -> Result<std::result::Result<Wanted<K>, Mistakes>> {
    let (draft, errors) = checked_by_rules::<K>(app, document)?;
    let Some(draft) = draft.filter(|_| errors.is_empty()) else { return Ok(Err(errors)) };
    let former_slugs: Option<Vec<String>> = part(document, "former_slugs")?;
    Ok(Ok(Wanted {
        draft,
        state: part(document, "state")?,
        published_at: part(document, "published_at")?,
        former_slugs: former_slugs.unwrap_or_default(),
    }))
}

/// Plans to make of `before` what is wanted, as far as the caller may.
fn upserted<K: Kind>(
    app: &App,
    caller: &Caller,
    wanted: Wanted<K>,
    before: Before<K>,
) -> Result<Plan<K>, Refusal> {
    let Wanted { draft, state, published_at, former_slugs } = wanted;
    let entry = match &before {
        Before::Stored(stored) => Some(&stored.entry),
        _ => None,
    };
    let mut stage = entry.map_or(Stage::new(State::Draft), Stage::of);
    if let Some(state) = state.filter(|state| *state != stage.state) {
        stage = row_state(app, caller, entry, state)?;
    }
    let known = entry.and_then(|entry| entry.published_at);
    if published_at.is_some() && published_at.map(crate::clock::whole_milliseconds) != known {
        let detail = "the service keeps this; only `sogep import` sets it";
        return Err(Refusal::invalid(vec![FieldError::at("/entry/published_at", "read_only", detail)]));
    }
    if !former_slugs.is_empty() && !caller.grants.edits {
        let detail = "only editors say this";
        return Err(Refusal::invalid(vec![FieldError::at("/entry/former_slugs", "read_only", detail)]));
    }
    Ok(Plan { former_slugs, is_row: true, ..plan_for(before, draft, stage) })
}

/// The stage that a row asks for: only what a transition could do at once, and without a word.
fn row_state(app: &App, caller: &Caller, entry: Option<&entry::Model>, to: State) -> Result<Stage, Refusal> {
    let refused = |detail: &str| at("/entry/state", Error::conflict(detail));
    let from = entry.map_or(Stage::new(State::Draft), Stage::of);
    if app.config.four_eyes && to == State::Published {
        return Err(refused("two must see what is published: a row may not publish, a transition may"));
    }
    if entry.is_some_and(|entry| !workflow::needs(caller, entry, to).is_empty()) {
        return Err(refused("this needs a reason or a time, which a row cannot give: use a transition"));
    }
    let rules = Rules { four_eyes: app.config.four_eyes, last_author: None };
    workflow::check(caller, from, to, rules).map_err(|error| at("/entry/state", error))?;
    Ok(Stage::new(to))
}

/// What `record` says, on top of what there is.
fn onto(record: Record, base: Option<Value>) -> Value {
    match (record, base) {
        (Record::Row(row), base) => row.onto(base.unwrap_or_default()),
        (Record::Document(document), None) => document,
        (Record::Document(mut document), Some(mut base)) => {
            if let Some(object) = document.as_object_mut()
                && object.get("slug").is_some_and(Value::is_null)
            {
                // It keeps the slug that it has.
                object.shift_remove("slug");
            }
            merge(&mut base, document);
            base
        }
    }
}

/// What a document that its schema has accepted says under `name`, if anything.
fn part<T: DeserializeOwned>(document: &Value, name: &str) -> Result<Option<T>> {
    Option::deserialize(document.get(name).unwrap_or(&Value::Null)).map_err(Error::internal)
}

fn plan_for<K: Kind>(before: Before<K>, mut draft: Draft<K>, stage: Stage) -> Plan<K> {
    if let (None, Some(slug)) = (&draft.common.slug, before.slug()) {
        draft.common.slug = Some(slug.to_owned());
    }
    Plan {
        before,
        draft,
        former_slugs: Vec::new(),
        stage,
        published_at: None,
        delete: false,
        note: None,
        is_row: false,
    }
}

/// The slugs by which an operation refers to entries of its own kind.
pub fn named<K: Kind>(operation: &Operation<K>) -> Vec<String> {
    let value = match operation {
        Operation::Create(value)
        | Operation::Update(_, value)
        | Operation::Upsert(Record::Document(value)) => Cow::Borrowed(value),
        Operation::Upsert(Record::Row(row)) => Cow::Owned(row.onto(Value::Null)),
        Operation::New(..) | Operation::Transition(..) | Operation::Trash(_) => return Vec::new(),
    };
    let mut found: Vec<&Value> = Vec::new();
    let linked = K::LINKS.iter().filter(|field| field.target == K::KIND);
    found.extend(linked.filter_map(|field| value.get(field.name)));
    let own = match K::KIND {
        vocabulary::Kind::Partner => {
            found.extend(value.get("owner"));
            "partner"
        }
        vocabulary::Kind::Person => "person",
        _ => "",
    };
    let credits = K::CREDITS.iter().filter_map(|field| value.get(field.name)?.as_array()).flatten();
    found.extend(credits.filter_map(|credit| credit.get(own)));
    let texts = found.into_iter().flat_map(|value| match value {
        Value::Array(items) => items.iter().collect(),
        other => vec![other],
    });
    texts.filter_map(|text| text.as_str().map(str::to_owned)).collect()
}

/// What a new entry would be called, when nothing is wrong with it.
pub fn title<K: Kind>(app: &App, record: &Record) -> String {
    let document = onto(record.clone(), None);
    let Ok(mut draft) = Draft::<K>::read(&document) else { return String::new() };
    if draft.common.original_locale.is_empty() {
        draft.common.original_locale.clone_from(&app.config.default_locale);
    }
    draft.heading().unwrap_or_default()
}

/// `errors` in an entry that stands at `place` of its operation.
pub fn within(place: &str, errors: Mistakes) -> Mistakes {
    let moved = |error: FieldError| FieldError {
        pointer: error.pointer.map(|pointer| format!("{place}{pointer}")),
        ..error
    };
    errors.into_iter().map(moved).collect()
}

/// `errors` in the entry that an operation is about, as far as the operation has a place for them.
pub fn within_operation(op: Op, errors: Mistakes) -> Mistakes {
    let place = match op {
        Op::Create | Op::Upsert => "/entry",
        Op::Update => "/patch",
        Op::Transition | Op::Trash => {
            let told = |error: FieldError| {
                let detail = format!("`{}`: {}", error.pointer.unwrap_or_default(), error.detail);
                FieldError::at("/to", &error.code, detail)
            };
            return errors.into_iter().map(told).collect();
        }
    };
    within(place, errors)
}

/// `error` as a refusal, about this place of the operation.
pub fn at(pointer: &str, error: Error) -> Refusal {
    let refusal = Refusal::from(error);
    let word = refusal.code.as_str().replace('-', "_");
    Refusal { errors: vec![FieldError::at(pointer, &word, refusal.detail.clone())], ..refusal }
}
