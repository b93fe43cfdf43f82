//! What is answered to a bulk request: what came of each operation.

use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::request::Request;
use crate::{
    entity::entry,
    http::{Code, Error, FieldError, Json},
    interchange::engine::MAX_REPORTED,
};

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    /// Creates a draft.
    Create,
    /// Changes an entry.
    Update,
    /// Changes the entry from a source, or creates it.
    Upsert,
    /// Brings an entry to another state.
    Transition,
    /// Moves an entry to the trash.
    Trash,
}

impl Op {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Create, Self::Update, Self::Upsert, Self::Transition, Self::Trash];

    /// The word it is sent as.
    pub fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Upsert => "upsert",
            Self::Transition => "transition",
            Self::Trash => "trash",
        }
    }

    /// The one that is sent as `word`.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|op| op.name() == word)
    }

    /// The schema of the operation, for the kind with this name.
    pub fn schema(self, kind: &str) -> String {
        match self {
            Self::Create => format!("{kind}CreateOperation"),
            Self::Update => format!("{kind}UpdateOperation"),
            Self::Upsert => format!("{kind}UpsertOperation"),
            Self::Transition => "TransitionOperation".to_owned(),
            Self::Trash => "TrashOperation".to_owned(),
        }
    }
}

/// What came of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// There is a new entry.
    Created,
    /// The entry has changed.
    Updated,
    /// The entry was like this already.
    Unchanged,
    /// The entry has another state.
    Transitioned,
    /// The entry is in the trash.
    Trashed,
    /// Nothing: see `problem`.
    Failed,
}

/// How many operations had which outcome.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct BulkCounts {
    /// New entries.
    pub created: usize,
    /// Entries that have changed.
    pub updated: usize,
    /// Entries that were like this already.
    pub unchanged: usize,
    /// Entries that have another state.
    pub transitioned: usize,
    /// Entries that are in the trash.
    pub trashed: usize,
    /// Operations that could not be done.
    pub failed: usize,
}

/// Why an operation could not be done.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct BulkProblem {
    /// The problem in one stable word, as `/problems/{code}` explains it.
    #[schema(example = "invalid")]
    pub code: String,
    /// What happened this time.
    #[schema(example = "some fields are not acceptable")]
    pub detail: String,
    /// Every single mistake; pointers begin at the operation.
    pub errors: Vec<FieldError>,
}

/// What came of one operation.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct BulkResult {
    /// The operation's place in the request, from 0.
    pub index: usize,
    /// What it does; null when that could not be read.
    #[schema(required)]
    pub op: Option<Op>,
    /// What came of it.
    pub outcome: Outcome,
    /// The status that a request of its own would have had.
    #[schema(minimum = 200, maximum = 499, example = 201)]
    pub status: u16,
    /// The entry's id; null when it failed, and for a new entry in a dry run.
    #[schema(required)]
    pub id: Option<Uuid>,
    /// The last part of the entry's address; null when it failed.
    #[schema(required)]
    pub slug: Option<String>,
    /// The entry's version now, for the next change; of an operation that came too late, the version
    /// that is there.
    #[schema(required)]
    pub version: Option<i32>,
    /// Why it failed; null when it did not.
    #[schema(required)]
    pub problem: Option<BulkProblem>,
}

/// What came of an operation that was done.
pub fn done(index: usize, op: Op, outcome: Outcome, entry: &entry::Model) -> BulkResult {
    let status = match outcome {
        Outcome::Created => 201,
        Outcome::Trashed => 204,
        _ => 200,
    };
    let (id, slug) = (Some(entry.id), Some(entry.slug.clone()));
    BulkResult { index, op: Some(op), outcome, status, id, slug, version: Some(entry.version), problem: None }
}

/// What came of a bulk request.
#[derive(Debug, Serialize, ToSchema)]
pub struct BulkAnswer {
    /// Whether anything was kept.
    pub applied: bool,
    /// Whether all was tried and nothing kept, as asked for.
    pub dry_run: bool,
    /// How many operations had which outcome.
    pub counts: BulkCounts,
    /// What came of each operation, in their order.
    #[schema(max_items = 10_000)]
    pub results: Vec<BulkResult>,
}

/// Why an operation cannot be done, and what the caller needs to know to try again.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The code.
    pub code: Code,
    /// A sentence.
    pub detail: String,
    /// Every single mistake, where pointers begin at the entry or at the operation.
    pub errors: Vec<FieldError>,
    /// The version that is there, when another was expected.
    pub version: Option<i32>,
}

impl Refusal {
    /// These mistakes.
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        Error::Invalid(errors).into()
    }

    /// The word that a list of mistakes has for it.
    fn word(&self) -> String {
        self.code.as_str().replace('-', "_")
    }

    /// As mistakes in the whole request; `place` says where.
    pub fn in_request(self, index: usize, place: impl Fn(&str) -> String) -> Vec<FieldError> {
        let (word, detail) = (self.word(), self.detail);
        let mut errors = self.errors;
        if errors.is_empty() {
            errors.push(FieldError::at("", &word, detail));
        }
        let moved = |error: FieldError| {
            let pointer = error.pointer.unwrap_or_default();
            let detail = format!("{}{}", place(&pointer), error.detail);
            FieldError::at(format!("/operations/{index}{pointer}"), &error.code, detail)
        };
        errors.into_iter().map(moved).collect()
    }

    /// As what came of operation `index`.
    pub fn in_results(self, index: usize, op: Option<Op>, place: impl Fn(&str) -> String) -> BulkResult {
        let status = self.code.status().as_u16();
        let told = |error: FieldError| {
            let place = place(error.pointer.as_deref().unwrap_or_default());
            FieldError { detail: format!("{place}{}", error.detail), ..error }
        };
        let problem = BulkProblem {
            code: self.code.as_str().to_owned(),
            detail: self.detail,
            errors: self.errors.into_iter().map(told).collect(),
        };
        BulkResult {
            index,
            op,
            outcome: Outcome::Failed,
            status,
            id: None,
            slug: None,
            version: self.version,
            problem: Some(problem),
        }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let (code, detail) = (error.code(), error.to_string());
        let errors = match error {
            Error::Invalid(errors) => errors,
            _ => Vec::new(),
        };
        Self { code, detail, errors, version: None }
    }
}

/// The answer: what came of each operation.
pub fn response(request: &Request<'_>, mut results: Vec<BulkResult>) -> Response {
    let mut counts = BulkCounts::default();
    for result in &mut results {
        let count = match result.outcome {
            Outcome::Created => &mut counts.created,
            Outcome::Updated => &mut counts.updated,
            Outcome::Unchanged => &mut counts.unchanged,
            Outcome::Transitioned => &mut counts.transitioned,
            Outcome::Trashed => &mut counts.trashed,
            Outcome::Failed => &mut counts.failed,
        };
        *count += 1;
        if request.dry_run && result.outcome == Outcome::Created {
            // That id was never used.
            result.id = None;
        }
    }
    let applied = !request.dry_run && counts.failed + counts.unchanged < results.len();
    Json(BulkAnswer { applied, dry_run: request.dry_run, counts, results }).into_response()
}

/// The refusal of a whole request, `failed` of whose `count` operations cannot be done.
pub fn refusal(count: usize, failed: usize, mut errors: Vec<FieldError>) -> Error {
    errors.truncate(MAX_REPORTED);
    let detail = format!("{failed} of {count} operations cannot be done, so nothing was changed");
    Error::InvalidBecause(detail, errors)
}
