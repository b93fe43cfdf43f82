//! The entries that the lines of an import are about, as far as they are there.

use std::collections::HashMap;

use sea_orm::{Condition, QuerySelect, entity::prelude::*};
use serde_json::Value;

use crate::{editorial::Kind, entity::entry, http::Result};

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
    /// Finds them in one query.
    pub async fn find<'a, K: Kind>(
        db: &impl ConnectionTrait,
        names: impl Iterator<Item = (&'a String, Option<&'a Source>)>,
    ) -> Result<Self> {
        let (slugs, sources): (Vec<&String>, Vec<Option<&Source>>) = names.unzip();
        let ids = sources.into_iter().flatten().map(|(_, id)| id.clone());
        // What lies in the trash is found too: an import brings it back.
        let rows = entry::Entity::find()
            .filter(entry::Column::Kind.eq(K::KIND))
            .filter(
                Condition::any()
                    .add(entry::Column::Slug.is_in(slugs))
                    .add(entry::Column::SourceId.is_in(ids)),
            )
            .lock_exclusive()
            .all(db)
            .await?;
        let by_source = rows
            .iter()
            .filter_map(|row| Some(((row.source_name.clone()?, row.source_id.clone()?), row.clone())));
        let by_source = by_source.collect();
        Ok(Self { by_slug: rows.into_iter().map(|row| (row.slug.clone(), row)).collect(), by_source })
    }

    /// The entry with this slug, else the one from this source.
    pub fn get(&self, slug: &str, source: Option<&Source>) -> Option<&entry::Model> {
        self.by_slug.get(slug).or_else(|| self.by_source.get(source?))
    }
}
