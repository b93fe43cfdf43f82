//! Many entries at once: whole collections as NDJSON or CSV, in and out (one entry a line, in the shape
//! that writers send, with its slug, its state and other entries named by slug), and bulk requests.

pub mod bulk;
pub mod csv;
pub mod download;
mod engine;
pub mod export;
pub mod import;
mod record;

use std::{collections::HashMap, fmt, path::Path};

use clap::ValueEnum;
use sea_orm::entity::prelude::*;

use crate::{
    editorial,
    entity::{slug_history, vocabulary::Kind},
    http::Result,
};

/// A collection, named as in its address and its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, ValueEnum)]
pub enum Collection {
    /// The profile; a file of one line.
    Organisation,
    /// Topics.
    Topics,
    /// Partners.
    Partners,
    /// People.
    People,
    /// Projects.
    Projects,
    /// Events.
    Events,
    /// Publications.
    Publications,
    /// Practices.
    Practices,
}

impl Collection {
    /// All collections, those that others refer to first.
    pub const ALL: [Self; 8] = [
        Self::Organisation,
        Self::Topics,
        Self::Partners,
        Self::People,
        Self::Projects,
        Self::Events,
        Self::Publications,
        Self::Practices,
    ];

    /// The kind of its entries.
    #[must_use]
    pub const fn kind(self) -> Kind {
        match self {
            Self::Organisation => Kind::Organisation,
            Self::Topics => Kind::Topic,
            Self::Partners => Kind::Partner,
            Self::People => Kind::Person,
            Self::Projects => Kind::Project,
            Self::Events => Kind::Event,
            Self::Publications => Kind::Publication,
            Self::Practices => Kind::Practice,
        }
    }

    /// The collection that a file holds: its name up to the first dot.
    #[must_use]
    pub fn of_file(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?.split('.').next()?;
        Self::ALL.into_iter().find(|collection| collection.to_string() == name)
    }
}

impl fmt::Display for Collection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Organisation => "organisation",
            Self::Topics => "topics",
            Self::Partners => "partners",
            Self::People => "people",
            Self::Projects => "projects",
            Self::Events => "events",
            Self::Publications => "publications",
            Self::Practices => "practices",
        })
    }
}

/// The slugs that entries once had.
///
/// # Errors
/// When the database fails.
async fn former_slugs<K: editorial::Kind>(
    db: &impl ConnectionTrait,
    ids: Vec<Uuid>,
) -> Result<HashMap<Uuid, Vec<String>>> {
    let rows = slug_history::Entity::find()
        .filter(slug_history::Column::Kind.eq(K::KIND))
        .filter(slug_history::Column::EntryId.is_in(ids))
        .all(db)
        .await?;
    let mut slugs: HashMap<Uuid, Vec<String>> = HashMap::new();
    for row in rows {
        slugs.entry(row.entry_id).or_default().push(row.slug);
    }
    for slugs in slugs.values_mut() {
        slugs.sort();
    }
    Ok(slugs)
}
