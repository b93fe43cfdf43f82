//! Looking at the operations of a bulk request before anything is written: is each what its schema asks
//! for, which entry is it about, and may it need a place. On all cores, for this is half of the work.

use std::{num::NonZero, ops::Range, thread};

use super::{
    answer::{Op, Refusal},
    operation::{self, Operation},
    places::New,
    plan,
    request::Request,
};
use crate::{
    app::App,
    editorial::Kind,
    http::{Error, FieldError, Id, Result, extract::is_slug},
    interchange::record::Record,
};

/// What has to be known of all operations before the first is done.
#[derive(Debug)]
pub struct Looked<K: Kind> {
    /// What its entry is known by, each with its place in the operation.
    pub names: Vec<(String, &'static str)>,
    /// The slugs by which it refers to entries of its own kind.
    pub named: Vec<String>,
    /// The entry that it may have to make.
    pub new: Option<New>,
    /// That entry as it was read, when nothing is wrong with it, so that it need not be read again: it
    /// takes little more memory than its text, where a JSON value takes several times as much.
    pub kept: Option<Operation<K>>,
}

/// What came of looking at an operation: its name, and what has to be known of it or what is wrong with it.
pub type Look<K> = Result<(Option<Op>, std::result::Result<Looked<K>, Refusal>)>;

/// Looks at several operations.
pub fn look_at<K: Kind>(app: &App, request: &Request<'_>, indices: Range<usize>) -> Vec<Look<K>> {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let share = indices.len().div_ceil(cores).max(1);
    let look = |index: usize| match operation::read::<K>(app, request, index, true)? {
        Ok(operation) => Ok((Some(operation.op()), looked::<K>(app, index, &operation)?)),
        Err((op, refusal)) => Ok((op, Err(refusal))),
    };
    let parts: Vec<Range<usize>> =
        indices.clone().step_by(share).map(|start| start..indices.end.min(start + share)).collect();
    thread::scope(|scope| {
        let tasks: Vec<_> =
            parts.into_iter().map(|part| scope.spawn(|| part.map(look).collect::<Vec<Look<K>>>())).collect();
        let joined = tasks.into_iter().flat_map(|task| {
            task.join().unwrap_or_else(|_panic| vec![Err(Error::internal("reading an operation panicked"))])
        });
        joined.collect()
    })
}

fn looked<K: Kind>(
    app: &App,
    index: usize,
    operation: &Operation<K>,
) -> Result<std::result::Result<Looked<K>, Refusal>> {
    let named = plan::named::<K>(operation);
    let mut looked = Looked { names: Vec::new(), named, new: None, kept: None };
    let refused = |pointer: &str, code: &str, detail: &str| {
        Ok(Err(Refusal::invalid(vec![FieldError::at(pointer, code, detail)])))
    };
    match operation {
        Operation::Create(entry) => {
            let wanted = match plan::wanted::<K>(app, entry)? {
                Ok(wanted) => wanted,
                Err(errors) => return Ok(Err(Refusal::invalid(plan::within("/entry", errors)))),
            };
            let slug = wanted.draft.common.slug.clone();
            looked.names.extend(slug.as_ref().map(|slug| (format!("slug {slug}"), "/entry/slug")));
            let title = wanted.draft.heading().unwrap_or_default();
            looked.new = Some(New { index, slug, title, source: None, may_be_there: false });
            looked.kept = Some(Operation::New(Op::Create, Box::new(wanted)));
        }
        Operation::Upsert(record) => {
            let (slug, source) = (record.slug(), record.source());
            if slug.is_none() && source.is_none() {
                let detail = "an upsert needs `source`, or else `slug`, to know its entry by";
                return refused("/entry/source", "required", detail);
            }
            if slug.as_ref().is_some_and(|slug| !is_slug(slug)) {
                let detail = "a slug is words of a-z and 0-9 joined by hyphens, and no id";
                return refused("/entry/slug", "pattern", detail);
            }
            looked.names.extend(slug.as_ref().map(|slug| (format!("slug {slug}"), "/entry/slug")));
            let told = source.as_ref().map(|(name, id)| (format!("source {name}\n{id}"), "/entry/source/id"));
            looked.names.extend(told);
            let title = if slug.is_none() { plan::title::<K>(app, record) } else { String::new() };
            looked.new = Some(New { index, slug, title, source, may_be_there: true });
            if let Record::Document(document) = record {
                // What is wrong is told when it is known whether the entry is there.
                let wanted = plan::wanted::<K>(app, document)?.ok();
                looked.kept = wanted.map(|wanted| Operation::New(Op::Upsert, Box::new(wanted)));
            }
        }
        Operation::New(..) => {}
        Operation::Update(target, _) | Operation::Transition(target, _) | Operation::Trash(target) => {
            let name = match &target.id {
                Id::Uuid(id) => format!("id {id}"),
                Id::Slug(slug) => format!("slug {slug}"),
            };
            looked.names.push((name, "/id"));
        }
    }
    Ok(Ok(looked))
}
