//! How an entry goes from draft to public and back: which ways there are, for whom, and what they need.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::finder;
use crate::{
    auth::{Caller, caller::Actor},
    clock::optional_instant,
    entity::{entry, vocabulary::State},
    http::{Error, FieldError, Result},
};

/// Where an entry is to go.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Transition {
    /// The state it is to have.
    pub to: State,
    /// When: needed for `scheduled`. With `archived`, or with `published` while there is a working copy,
    /// the published entry stays as it is until then. It is done within the minute.
    #[serde(default, deserialize_with = "optional_instant")]
    pub at: Option<DateTime<Utc>>,
    /// With `scheduled` and `published`: when it is to be archived again.
    #[serde(default, deserialize_with = "optional_instant")]
    pub until: Option<DateTime<Utc>>,
    /// Why; kept with the version. Needed when an entry goes back to who sent it to review, or from the
    /// public back to a draft.
    #[serde(default)]
    #[schema(max_length = 2000, example = "Yayın kurulu onayladı.")]
    pub note: Option<String>,
    /// With `in_review`: the account that is to review it.
    #[serde(default)]
    pub assignee: Option<Uuid>,
}

/// How far an entry is on its way to the public, and who brings it there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stage {
    /// Its state.
    pub state: State,
    /// When it, or its working copy, is to be published.
    pub publish_at: Option<DateTime<Utc>>,
    /// When it is to be archived.
    pub unpublish_at: Option<DateTime<Utc>>,
    /// Who sent it to review.
    pub submitted_by: Option<Uuid>,
    /// Who is to review it.
    pub assignee_id: Option<Uuid>,
    /// The version that is its working copy, while there is one.
    pub draft_version: Option<i32>,
}

impl Stage {
    /// An entry in this state with which nobody has anything to do.
    #[must_use]
    pub const fn new(state: State) -> Self {
        Self {
            state,
            publish_at: None,
            unpublish_at: None,
            submitted_by: None,
            assignee_id: None,
            draft_version: None,
        }
    }

    /// Where `entry` is.
    #[must_use]
    pub const fn of(entry: &entry::Model) -> Self {
        Self {
            state: entry.state,
            publish_at: entry.publish_at,
            unpublish_at: entry.unpublish_at,
            submitted_by: entry.submitted_by,
            assignee_id: entry.assignee_id,
            draft_version: entry.draft_version,
        }
    }

    /// Whether everything that a published entry needs must be there.
    #[must_use]
    pub const fn is_complete(self) -> bool {
        matches!(self.state, State::InReview | State::Scheduled | State::Published)
    }
}

/// Who may take a way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Party {
    /// Who created the entry, and whoever edits.
    Author,
    /// Who edits.
    Editor,
}

/// The ways there are, and who may take them.
const WAYS: [(State, State, Party); 13] = [
    (State::Draft, State::InReview, Party::Author),
    (State::Draft, State::Scheduled, Party::Editor),
    (State::Draft, State::Published, Party::Editor),
    (State::InReview, State::Draft, Party::Author),
    (State::InReview, State::Scheduled, Party::Editor),
    (State::InReview, State::Published, Party::Editor),
    (State::Scheduled, State::Draft, Party::Editor),
    (State::Scheduled, State::Scheduled, Party::Editor),
    (State::Scheduled, State::Published, Party::Editor),
    (State::Published, State::Draft, Party::Editor),
    (State::Published, State::Published, Party::Editor),
    (State::Published, State::Archived, Party::Editor),
    (State::Archived, State::Draft, Party::Editor),
];

/// What decides whether a way is open.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Whether what is published must have been seen by two.
    pub four_eyes: bool,
    /// Who made the version that would be published.
    pub last_author: Option<Uuid>,
}

/// Why a caller may not take a way that there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Hindrance {
    /// It is for editors.
    NotAnEditor,
    /// Who sent it to review, or changed it last, may not approve it.
    FourEyes,
}

/// The states that an entry can go to from `at`, and what keeps `caller` from it.
#[must_use]
pub fn ways(caller: &Caller, at: Stage, rules: Rules) -> Vec<(State, Option<Hindrance>)> {
    let is_exempt = caller.actor == Actor::System;
    let four_eyes = rules.four_eyes && !is_exempt;
    let ways = WAYS.iter().filter(|(from, ..)| *from == at.state);
    let open = ways.filter(|(from, to, _)| match (from, to) {
        // What nobody has reviewed is not published.
        (State::Draft, State::Scheduled | State::Published) => !four_eyes,
        // There must be something to publish, or to call off.
        (State::Published, State::Published) => {
            at.draft_version.is_some() || at.unpublish_at.is_some() || at.publish_at.is_some()
        }
        _ => true,
    });
    let hindrance = |from: State, to: State, party: Party| {
        let approves = matches!(to, State::Scheduled | State::Published) && from != State::Scheduled;
        let own = caller.id();
        if party == Party::Editor && !caller.grants.edits {
            Some(Hindrance::NotAnEditor)
        } else if four_eyes && approves && (own == at.submitted_by || own == rules.last_author) {
            Some(Hindrance::FourEyes)
        } else {
            None
        }
    };
    open.map(|(from, to, party)| (*to, hindrance(*from, *to, *party))).collect()
}

/// Checks that `caller` may bring an entry from `at` to `to`.
///
/// # Errors
/// 409 with the ways there are, when it is none; 403 when it is not for this caller.
pub fn check(caller: &Caller, at: Stage, to: State, rules: Rules) -> Result<()> {
    let ways = ways(caller, at, rules);
    match ways.iter().find(|(known, _)| *known == to) {
        Some((_, None)) => Ok(()),
        Some((_, Some(Hindrance::NotAnEditor))) => Err(Error::Forbidden("the role `editor`")),
        Some((_, Some(Hindrance::FourEyes))) => {
            Err(Error::Forbidden("another editor than who sent it to review or changed it last"))
        }
        None => {
            let open = ways.iter().filter(|(_, hindrance)| hindrance.is_none());
            let open: Vec<&str> = open.map(|(state, _)| word(*state)).collect();
            let from = word(at.state);
            let list = if open.is_empty() { "nowhere, for this caller".to_owned() } else { open.join(", ") };
            let detail = format!(
                "an entry cannot go from `{from}` to `{}` as it is; from here it goes to: {list}",
                word(to)
            );
            Err(Error::conflict(detail))
        }
    }
}

/// The state in one word, as it is sent.
#[must_use]
pub const fn word(state: State) -> &'static str {
    match state {
        State::Draft => "draft",
        State::InReview => "in_review",
        State::Scheduled => "scheduled",
        State::Published => "published",
        State::Archived => "archived",
    }
}

/// What a way asks for: the names of the fields of [`Transition`] that must be there.
#[must_use]
pub fn needs(caller: &Caller, entry: &entry::Model, to: State) -> &'static [&'static str] {
    match (entry.state, to) {
        (_, State::Scheduled) => &["at"],
        (State::Published, State::Draft) => &["note"],
        (State::InReview | State::Scheduled, State::Draft)
            if entry.submitted_by.is_some_and(|by| Some(by) != caller.id()) =>
        {
            &["note"]
        }
        _ => &[],
    }
}

impl Transition {
    /// Where `entry` is once this is done.
    ///
    /// # Errors
    /// 422 with everything that is missing, or does not fit the way.
    pub fn stage(&self, caller: &Caller, entry: &entry::Model, now: DateTime<Utc>) -> Result<Stage> {
        let mistakes = self.mistakes(caller, entry, now);
        if !mistakes.is_empty() {
            return Err(Error::Invalid(mistakes));
        }
        let before = Stage::of(entry);
        let stage = Stage { draft_version: before.draft_version, ..Stage::new(self.to) };
        Ok(match (self.to, self.at) {
            // What is worked on further is what was written last.
            (State::Draft, _) => Stage::new(State::Draft),
            (State::InReview, _) => Stage { submitted_by: caller.id(), assignee_id: self.assignee, ..stage },
            (State::Scheduled, _) => Stage {
                publish_at: self.at,
                unpublish_at: self.until,
                submitted_by: before.submitted_by,
                ..stage
            },
            // It stays published until then.
            (State::Archived, Some(at)) => Stage { unpublish_at: Some(at), ..before },
            (State::Published, Some(at)) => {
                Stage { publish_at: Some(at), unpublish_at: self.until.or(before.unpublish_at), ..before }
            }
            (State::Published, None) if before.draft_version.is_some() => {
                Stage { unpublish_at: self.until.or(before.unpublish_at), draft_version: None, ..stage }
            }
            (State::Published, None) => Stage { unpublish_at: self.until, ..stage },
            _ => stage,
        })
    }

    fn mistakes(&self, caller: &Caller, entry: &entry::Model, now: DateTime<Utc>) -> Vec<FieldError> {
        let mut mistakes = Vec::new();
        let mut refuse = |name: &str, code: &str, detail: &str| {
            mistakes.push(FieldError::at(format!("/{name}"), code, detail));
        };
        let needs = needs(caller, entry, self.to);
        if needs.contains(&"at") && self.at.is_none() {
            refuse("at", "required", "say when it is to be published");
        }
        if needs.contains(&"note") && self.note.as_deref().is_none_or(|note| note.trim().is_empty()) {
            refuse("note", "required", "say why it goes back");
        }
        let is_published = entry.state == State::Published;
        let takes_at = match self.to {
            State::Scheduled => true,
            State::Archived => is_published,
            State::Published => is_published && entry.draft_version.is_some(),
            _ => false,
        };
        if self.at.is_some() && !takes_at {
            refuse("at", "not_applicable", "this way is taken at once");
        } else if self.at.is_some_and(|at| at <= now) {
            refuse("at", "past", "must be in the future");
        } else if self.to == State::Published
            && self.at.zip(self.until.or(entry.unpublish_at)).is_some_and(|(at, until)| until <= at)
        {
            refuse("at", "too_late", "the entry is to be archived before");
        } else if self.to == State::Archived
            && self.at.zip(entry.publish_at).is_some_and(|(at, publish)| at <= publish)
        {
            refuse("at", "too_early", "the working copy is to be published after that: call it off first");
        }
        let takes_until = matches!(self.to, State::Scheduled | State::Published);
        if self.until.is_some() && !takes_until {
            refuse("until", "not_applicable", "only what is published has an end");
        } else if self.until.is_some_and(|until| until <= self.at.unwrap_or(now)) {
            refuse("until", "past", "must be after the entry is published");
        }
        if self.assignee.is_some() && self.to != State::InReview {
            refuse("assignee", "not_applicable", "only what is in review has a reviewer");
        }
        mistakes
    }
}

/// Whether `caller`, who sees `entry`, may take part in bringing it to the public.
#[must_use]
pub fn may_take_part(caller: &Caller, entry: &entry::Model) -> bool {
    let is_on_its_way = matches!(entry.state, State::Draft | State::InReview);
    caller.grants.edits || (caller.grants.writes && is_on_its_way && finder::is_own(caller, entry))
}
