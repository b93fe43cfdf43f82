//! One operation of a bulk request, read and measured by its schema.

use std::collections::HashMap;

use serde_json::Value;

use super::{
    answer::{Op, Refusal},
    plan::{Wanted, within},
    request::{Items, Request},
};
use crate::{
    app::App,
    editorial::{Kind, workflow::Transition},
    http::{Error, FieldError, Id, Result, contract, extract::MAX_BODY_BYTES, json},
    interchange::{engine::Names, record::Record},
};

/// What is to be done.
#[derive(Debug)]
pub enum Operation<K: Kind> {
    /// A new entry, by this operation; what is wanted has been read before.
    New(Op, Box<Wanted<K>>),
    /// A new entry.
    Create(Value),
    /// An entry is to change.
    Update(Target, Value),
    /// An entry is to be like this; a new one, when there is none from its source.
    Upsert(Record),
    /// An entry is to go to another state.
    Transition(Target, Transition),
    /// An entry is to go to the trash.
    Trash(Target),
}

/// The entry that an operation is about.
#[derive(Clone, Debug)]
pub struct Target {
    /// Its id or slug.
    pub id: Id,
    /// The version that the caller has read.
    pub version: Option<i32>,
}

impl<K: Kind> Operation<K> {
    /// Its name.
    pub fn op(&self) -> Op {
        match self {
            Self::New(op, _) => *op,
            Self::Create(_) => Op::Create,
            Self::Update(..) => Op::Update,
            Self::Upsert(_) => Op::Upsert,
            Self::Transition(..) => Op::Transition,
            Self::Trash(_) => Op::Trash,
        }
    }

    /// Adds what its entry is looked for by.
    pub fn add_names(&self, names: &mut Names) {
        match self {
            Self::New(..) | Self::Create(_) => {}
            Self::Upsert(record) => match (record.source(), record.slug()) {
                (Some(source), _) => names.sources.push(source),
                (None, slug) => names.slugs.extend(slug),
            },
            Self::Update(Target { id, .. }, _)
            | Self::Transition(Target { id, .. }, _)
            | Self::Trash(Target { id, .. }) => match id {
                Id::Uuid(id) => names.ids.push(*id),
                Id::Slug(slug) => names.slugs.push(slug.clone()),
            },
        }
    }
}

/// What came of reading an operation: what is to be done, or what is wrong with it.
pub type Read<K> = Result<std::result::Result<Operation<K>, (Option<Op>, Refusal)>>;

/// Reads operation `index` of `request`; with `measured`, checks it against its schema. A second
/// reading need not be measured.
///
/// # Errors
/// When the service fails. What is wrong with the operation is the inner error.
pub fn read<K: Kind>(app: &App, request: &Request<'_>, index: usize, measured: bool) -> Read<K> {
    let text = match &request.items {
        Items::Operations(texts) => texts.get(index).copied(),
        Items::Lines(lines) => lines.get(index).map(|(_, text)| *text),
        Items::Table(table) => {
            let row = table.row(index).map(|row| Operation::Upsert(Record::Row(row)));
            return Ok(row.map_err(|errors| (Some(Op::Upsert), Refusal::invalid(within("/entry", errors)))));
        }
    };
    let text = text.unwrap_or_default();
    let refused = |op: Option<Op>, errors| Ok(Err((op, Refusal::invalid(errors))));
    if text.len() > MAX_BODY_BYTES {
        let detail = format!("one operation may have {MAX_BODY_BYTES} bytes");
        return refused(None, vec![FieldError::at("", "too_long", detail)]);
    }
    let value = match json::parse(text.as_bytes()) {
        Ok(value) => value,
        Err(detail) => return refused(None, vec![FieldError::at("", "malformed", detail)]),
    };
    if let Items::Lines(_) = request.items {
        let errors =
            if measured { app.contract.mistakes(&format!("{}Row", K::NAME), &value)? } else { Vec::new() };
        if errors.is_empty() {
            return Ok(Ok(Operation::Upsert(Record::Document(value))));
        }
        return refused(Some(Op::Upsert), within("/entry", errors));
    }
    let Some(op) = value.get("op").and_then(Value::as_str).and_then(Op::named) else {
        let detail = format!("must be one of: {}", Op::ALL.map(Op::name).join(", "));
        return refused(None, vec![FieldError::at("/op", "not_in_list", detail)]);
    };
    let schema = op.schema(K::NAME);
    let errors = if measured { app.contract.mistakes(&schema, &value)? } else { Vec::new() };
    if !errors.is_empty() {
        return refused(Some(op), errors);
    }
    match operation(op, value) {
        Ok(operation) => Ok(Ok(operation)),
        Err(Error::Invalid(errors)) => refused(Some(op), errors),
        Err(error) => Ok(Err((Some(op), error.into()))),
    }
}

/// Reads operations a second time, when they have been measured.
#[derive(Debug)]
pub struct Reader<'a, K: Kind> {
    /// The service.
    pub app: &'a App,
    /// The request.
    pub request: &'a Request<'a>,
    /// New entries that need not be read again, by operation.
    pub kept: HashMap<usize, Operation<K>>,
}

impl<K: Kind> Reader<'_, K> {
    /// Reads these operations, with room for other work in between.
    pub async fn read(&mut self, indices: Option<Vec<usize>>) -> Vec<(usize, Read<K>)> {
        let mut operations = Vec::new();
        for index in indices.unwrap_or_default() {
            let read = if let Some(kept) = self.kept.remove(&index) {
                Ok(Ok(kept))
            } else {
                tokio::task::yield_now().await;
                read(self.app, self.request, index, false)
            };
            operations.push((index, read));
        }
        operations
    }
}

/// Takes an operation apart that its schema has accepted.
fn operation<K: Kind>(op: Op, mut value: Value) -> Result<Operation<K>> {
    let mut take = |name: &str| value.as_object_mut().and_then(|object| object.shift_remove(name));
    take("op");
    match op {
        Op::Create => Ok(Operation::Create(take("entry").unwrap_or_default())),
        Op::Upsert => Ok(Operation::Upsert(Record::Document(take("entry").unwrap_or_default()))),
        _ => {
            let id = take("id").as_ref().and_then(Value::as_str).and_then(Id::parse);
            let version: Option<i32> = contract::read(take("version").unwrap_or_default())?;
            let target = Target { id: id.ok_or(Error::NotFound)?, version };
            Ok(match op {
                Op::Update => Operation::Update(target, take("patch").unwrap_or_default()),
                Op::Transition => Operation::Transition(target, contract::read(value)?),
                _ => Operation::Trash(target),
            })
        }
    }
}
