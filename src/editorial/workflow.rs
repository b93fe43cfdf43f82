//! How an entry goes from draft to public and back.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    entity::{entry, vocabulary::State},
    http::{Error, Result},
};

/// Where an entry is to go.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Transition {
    /// The state it is to have.
    pub to: Destination,
    /// Why; kept with the version.
    #[serde(default)]
    #[schema(max_length = 2000, example = "Yayın kurulu onayladı.")]
    pub note: Option<String>,
}

/// A state that an entry can be sent to.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Destination {
    /// Being written.
    Draft,
    /// To be seen by those its visibility names.
    Published,
    /// No longer shown, and kept.
    Archived,
}

impl From<Destination> for State {
    fn from(destination: Destination) -> Self {
        match destination {
            Destination::Draft => Self::Draft,
            Destination::Published => Self::Published,
            Destination::Archived => Self::Archived,
        }
    }
}

/// How far an entry is on its way to the public, and who brings it there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stage {
    /// Its state.
    pub state: State,
    /// When it is to be published, while it is scheduled.
    pub publish_at: Option<DateTime<Utc>>,
    /// When it is to be archived.
    pub unpublish_at: Option<DateTime<Utc>>,
    /// Who sent it to review.
    pub submitted_by: Option<Uuid>,
    /// Who is to review it.
    pub assignee_id: Option<Uuid>,
}

impl Stage {
    /// An entry in this state with which nobody has anything to do.
    #[must_use]
    pub const fn new(state: State) -> Self {
        Self { state, publish_at: None, unpublish_at: None, submitted_by: None, assignee_id: None }
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
        }
    }
}

/// Where an entry in the state `from` may go.
#[must_use]
pub fn legal(from: State) -> &'static [State] {
    match from {
        State::Draft | State::InReview | State::Scheduled => &[State::Published],
        State::Published => &[State::Archived, State::Draft],
        State::Archived => &[State::Draft],
    }
}

/// Checks that an entry may go from one state to another.
///
/// # Errors
/// 409 that lists the legal ways.
pub fn check(from: State, to: State) -> Result<()> {
    if legal(from).contains(&to) {
        return Ok(());
    }
    let name = |state: &State| {
        serde_json::to_value(state)
            .ok()
            .and_then(|value| value.as_str().map(str::to_owned))
            .unwrap_or_default()
    };
    let ways: Vec<String> = legal(from).iter().map(name).collect();
    Err(Error::conflict(format!(
        "an entry cannot go from `{}` to `{}`; from here it goes to: {}",
        name(&from),
        name(&to),
        ways.join(", ")
    )))
}
