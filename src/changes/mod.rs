//! The change log as those who keep a copy read it: what has become of every entry since they last
//! asked, as a list (`log`) or as it happens (`stream`).
//!
//! Only the latest line of each entry counts, and it is answered with what the entry is now: whoever
//! reads from the beginning gets what there is, whoever reads on misses nothing, and whoever reads a
//! line twice only hears the same again.

mod log;
mod stream;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{OneOfBuilder, Ref, RefOr, Schema, schema::Discriminator},
};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    app::App,
    auth::Caller,
    editorial::{self, Kind as _},
    entity::vocabulary::{Happened, Kind},
    http::{Error, FieldError, Result, cursor::Mark},
    kinds::every_collection,
    organisation::Organisation,
};

/// The routes.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(log::list_changes)).routes(routes!(stream::stream_changes))
}

/// An entry that has changed: what it is now, or that it is no more.
#[derive(Debug, Serialize, ToSchema)]
pub struct Change {
    /// What the entry is.
    pub kind: Kind,
    /// Its id.
    pub id: Uuid,
    /// The last part of its address; of an entry that is there no more, the last that was known. Null for
    /// a person who is there no more: it is made of the name.
    #[schema(required, example = "siginmaevi-standartlari-politika-notu")]
    pub slug: Option<String>,
    /// What has happened to it.
    pub change: Happened,
    /// When.
    pub at: DateTime<Utc>,
    /// The entry as it is now, in all its languages; null when it is there no more.
    #[schema(required)]
    pub entry: Option<ChangedEntry>,
}

/// An entry of any kind.
#[derive(Debug, Serialize)]
pub struct ChangedEntry(pub Value);

impl PartialSchema for ChangedEntry {
    fn schema() -> RefOr<Schema> {
        let mut kinds = OneOfBuilder::new().description(Some("An entry of any kind; `kind` says which."));
        let mut mapping = BTreeMap::new();
        for (kind, name) in NAMES {
            let schema = Ref::from_schema_name(name);
            mapping.insert(editorial::references::kind_name(kind).to_owned(), schema.ref_location.clone());
            kinds = kinds.item(schema);
        }
        let mut discriminator = Discriminator::new("kind");
        discriminator.mapping = mapping;
        kinds.discriminator(Some(discriminator)).into()
    }
}

impl ToSchema for ChangedEntry {}

macro_rules! names {
    ($($kind:ty),*) => {
        [(Organisation::KIND, Organisation::NAME), $((<$kind>::KIND, <$kind>::NAME)),*]
    };
}

/// The kinds and the names of their schemas.
const NAMES: [(Kind, &str); 8] = every_collection!(names);

/// What somebody follows.
#[derive(Clone, Debug)]
pub struct Feed {
    /// With whose eyes: of one who only reads.
    reader: Caller,
    /// Which kinds; none: all.
    kinds: Vec<Kind>,
}

impl Feed {
    /// The feed of `kinds`, as `caller` may read it.
    #[must_use]
    pub fn new(caller: &Caller, mut kinds: Vec<Kind>) -> Self {
        kinds.sort_unstable();
        kinds.dedup();
        Self { reader: caller.as_reader(), kinds }
    }

    /// What a cursor is good for: the same kinds seen with the same eyes, whosever they are, so that a new
    /// key goes on where the old one was.
    fn name(&self) -> String {
        format!("changes|{:?}|{:?}", self.reader.grants.reads, self.kinds)
    }

    /// The cursor that continues after the place `after`.
    #[must_use]
    pub fn cursor(&self, app: &App, after: i64) -> String {
        Mark(after).seal(app.secrets.cursor_key(), &self.name())
    }

    /// The place that `cursor`, sent as `parameter`, continues after.
    ///
    /// # Errors
    /// 400 when it was not issued for this feed.
    pub fn opened(&self, app: &App, parameter: &str, cursor: &str) -> Result<i64> {
        let mark = Mark::open(cursor, app.secrets.cursor_key(), &self.name());
        mark.map(|Mark(after)| after).ok_or_else(|| {
            wrong_place(parameter, "this is not a cursor of this feed; begin again without one")
        })
    }
}

fn wrong_place(parameter: &str, detail: &str) -> Error {
    Error::Parameters(vec![FieldError::parameter(parameter, "format", detail)])
}
