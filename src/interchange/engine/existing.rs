//! The entries that are to be written, as far as they are there.

use std::collections::HashMap;

use sea_orm::{Condition, QueryOrder, QuerySelect, entity::prelude::*};
use serde_json::Value;

use crate::{
    auth::Caller,
    editorial::{Kind, claims::by_slug_or_source, finder},
    entity::entry,
    http::Result,
};

/// Where an entry was taken from: the name of the collection and the id there.
pub type Source = (String, String);

/// Where a document says its entry was taken from.
pub fn source_of(value: &Value) -> Option<Source> {
    let part = |name: &str| value.get("source")?.get(name)?.as_str().map(str::to_owned);
    part("name").zip(part("id"))
}

/// What entries are looked for by.
#[derive(Debug, Default)]
pub struct Names {
    /// Their ids.
    pub ids: Vec<Uuid>,
    /// Their slugs.
    pub slugs: Vec<String>,
    /// Where they were taken from.
    pub sources: Vec<Source>,
}

/// The entries that were found.
#[derive(Debug, Default)]
pub struct Existing {
    rows: HashMap<Uuid, entry::Model>,
    slugs: HashMap<String, Uuid>,
    sources: HashMap<Source, Uuid>,
}

impl Existing {
    /// Finds those that `caller` may see, and holds them until the transaction ends. Without a
    /// caller, what lies in the trash is found, too: an import brings it back.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find<K: Kind>(
        db: &impl ConnectionTrait,
        caller: Option<&Caller>,
        names: &Names,
    ) -> Result<Self> {
        let sources = names.sources.iter().map(|(name, id)| (name.as_str(), id.as_str()));
        let mut conditions = by_slug_or_source(names.slugs.iter().map(String::as_str), sources);
        if names.slugs.is_empty() {
            conditions.remove(0);
        }
        if !names.ids.is_empty() {
            let ids = names.ids.iter().copied();
            conditions.push(Condition::all().add(entry::Column::Id.is_in(ids)));
        }
        let mut existing = Self::default();
        for condition in conditions {
            let select = entry::Entity::find().filter(entry::Column::Kind.eq(K::KIND)).filter(condition);
            let select = match caller {
                Some(caller) => select.filter(finder::visible_to(caller)),
                None => select,
            };
            // In one order, so that two who want the same entries do not wait for each other.
            let rows = select.order_by_asc(entry::Column::Id).lock_exclusive().all(db).await?;
            for row in rows {
                existing.add(row);
            }
        }
        Ok(existing)
    }

    fn add(&mut self, row: entry::Model) {
        if let Some(source) = row.source_name.clone().zip(row.source_id.clone()) {
            self.sources.insert(source, row.id);
        }
        self.slugs.insert(row.slug.clone(), row.id);
        self.rows.insert(row.id, row);
    }

    /// The entry with this id.
    pub fn by_id(&self, id: Uuid) -> Option<&entry::Model> {
        self.rows.get(&id)
    }

    /// The entry with this slug.
    pub fn by_slug(&self, slug: &str) -> Option<&entry::Model> {
        self.rows.get(self.slugs.get(slug)?)
    }

    /// The entry from this source.
    pub fn by_source(&self, source: &Source) -> Option<&entry::Model> {
        self.rows.get(self.sources.get(source)?)
    }
}
