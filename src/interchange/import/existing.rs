//! The entries that the lines of an import are about, as far as they are there.

use std::collections::HashMap;

use sea_orm::{QuerySelect, entity::prelude::*};
use serde_json::Value;

use crate::{
    editorial::{Kind, claims::by_slug_or_source},
    entity::entry,
    http::Result,
};

/// Where an entry was taken from: the name of the collection and the id there.
pub(super) type Source = (String, String);

/// Where a line says its entry was taken from.
pub(super) fn source_of(value: &Value) -> Option<Source> {
    let part = |name: &str| value.get("source")?.get(name)?.as_str().map(str::to_owned);
    part("name").zip(part("id"))
}

/// The entries that a batch of lines is about, by slug and by source.
pub(super) struct Existing {
    by_slug: HashMap<String, entry::Model>,
    by_source: HashMap<Source, entry::Model>,
}

impl Existing {
    /// Finds them.
    pub async fn find<'a, K: Kind>(
        db: &impl ConnectionTrait,
        names: impl Iterator<Item = (&'a String, Option<&'a Source>)>,
    ) -> Result<Self> {
        let names: Vec<_> = names.collect();
        let slugs = names.iter().map(|(slug, _)| slug.as_str());
        let sources = names.iter().filter_map(|(_, source)| *source);
        let sources = sources.map(|(name, id)| (name.as_str(), id.as_str()));
        let mut existing = Self { by_slug: HashMap::new(), by_source: HashMap::new() };
        for condition in by_slug_or_source(slugs, sources) {
            // What lies in the trash is found too: an import brings it back.
            let rows = entry::Entity::find()
                .filter(entry::Column::Kind.eq(K::KIND))
                .filter(condition)
                .lock_exclusive()
                .all(db)
                .await?;
            for row in rows {
                if let Some(source) = row.source_name.clone().zip(row.source_id.clone()) {
                    existing.by_source.insert(source, row.clone());
                }
                existing.by_slug.insert(row.slug.clone(), row);
            }
        }
        Ok(existing)
    }

    /// The entry with this slug, else the one from this source.
    pub fn get(&self, slug: &str, source: Option<&Source>) -> Option<&entry::Model> {
        self.by_slug.get(slug).or_else(|| self.by_source.get(source?))
    }
}
