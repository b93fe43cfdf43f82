//! The rows of several entries, written table by table.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sea_orm::{
    ActiveValue::Set,
    DbBackend, Statement,
    entity::prelude::*,
    sea_query::{Expr, ExprTrait},
};
use serde_json::Value;

use super::on_clash;
use crate::{
    db::rows::{MAX_BINDS, execute, insertions, replacements},
    editorial::{
        dependents::Reach,
        draft::Draft,
        history::{self, Made},
        kind::{Kind, object},
        lists::derived,
        load::{NO_TEXTS, Stored},
    },
    entity::{
        change, contribution, entry, entry_link, entry_text, entry_topic, entry_value, identifier,
        slug_history, title_key,
    },
    http::{Error, Result},
};

/// What is to be written of several entries at the end: what is derived from them, and their versions.
/// Nothing that is written in between is held against it.
#[derive(Debug)]
pub(super) struct Unfinished<K: Kind> {
    /// What readers outside are shown of each entry.
    pub open: Vec<Draft<K>>,
    /// Who made the version of each entry; none: there is no new version.
    pub made: Vec<Made>,
}

/// All rows of several entries, to be written table by table.
pub(super) struct Batch<K: Kind> {
    pub new: Vec<entry::ActiveModel>,
    pub placed: Vec<entry::ActiveModel>,
    pub replaced: Vec<Uuid>,
    /// By who can tell, where another entry shows them.
    pub touched: BTreeMap<Reach, Vec<Uuid>>,
    pub rows: Vec<<K::Row as EntityTrait>::ActiveModel>,
    pub topics: Vec<entry_topic::ActiveModel>,
    pub contributions: Vec<contribution::ActiveModel>,
    pub links: Vec<entry_link::ActiveModel>,
    pub identifiers: Vec<identifier::ActiveModel>,
    pub unfinished: Unfinished<K>,
    pub changes: Vec<change::ActiveModel>,
    pub retired: Vec<slug_history::ActiveModel>,
    pub revived: Vec<(Uuid, String)>,
}

impl<K: Kind> Default for Batch<K> {
    fn default() -> Self {
        Self {
            new: Vec::new(),
            placed: Vec::new(),
            replaced: Vec::new(),
            touched: BTreeMap::new(),
            rows: Vec::new(),
            topics: Vec::new(),
            contributions: Vec::new(),
            links: Vec::new(),
            identifiers: Vec::new(),
            unfinished: Unfinished { open: Vec::new(), made: Vec::new() },
            changes: Vec::new(),
            retired: Vec::new(),
            revived: Vec::new(),
        }
    }
}

impl<K: Kind> Batch<K> {
    /// Keeps a slug that has been public leading to its entry.
    pub fn rename(&mut self, before: &entry::Model, after: &entry::Model, now: DateTime<Utc>) {
        if before.slug == after.slug {
            return;
        }
        self.revived.push((after.id, after.slug.clone()));
        if before.published_at.is_some() {
            self.retired.push(slug_history::ActiveModel {
                kind: Set(K::KIND),
                slug: Set(before.slug.clone()),
                entry_id: Set(after.id),
                retired_at: Set(now),
            });
        }
    }

    pub fn add(&mut self, entry: &entry::Model, draft: &Draft<K>) -> Result<()> {
        let id = entry.id;
        let parsed = |text: &str| text.parse::<Uuid>().map_err(Error::internal);
        let open = derived::open_part(draft);
        self.rows.push(K::into_row(id, &draft.fields)?);
        for (position, topic) in (0..).zip(&draft.common.topics) {
            let topic_id = Set(parsed(topic)?);
            self.topics.push(entry_topic::ActiveModel {
                entry_id: Set(id),
                topic_id,
                position: Set(position),
                is_open: Set(open.common.topics.contains(topic)),
            });
        }
        for (position, credit) in (0..).zip(&draft.credits) {
            self.contributions.push(contribution::ActiveModel {
                entry_id: Set(id),
                field: Set(credit.field.to_owned()),
                position: Set(position),
                role: Set(credit.role),
                name: Set(credit.name.clone()),
                person_id: Set(credit.person.as_deref().map(parsed).transpose()?),
                partner_id: Set(credit.partner.as_deref().map(parsed).transpose()?),
                is_open: Set(open.credits.contains(credit)),
            });
        }
        for (position, link) in (0..).zip(&draft.links) {
            self.links.push(entry_link::ActiveModel {
                entry_id: Set(id),
                relation: Set(link.field.to_owned()),
                position: Set(position),
                target_id: Set(parsed(&link.target)?),
                is_open: Set(open.links.contains(link)),
            });
        }
        for (position, known) in (0..).zip(&draft.common.identifiers) {
            self.identifiers.push(identifier::ActiveModel {
                scheme: Set(known.scheme),
                value: Set(known.value.clone()),
                entry_id: Set(id),
                position: Set(position),
                is_open: Set(open.common.identifiers.contains(known)),
            });
        }
        self.unfinished.open.push(open);
        Ok(())
    }

    /// Writes the rows of `entries`, which are those that were added, but for what is `unfinished`.
    pub async fn write(&mut self, db: &impl ConnectionTrait, entries: &[Stored<K>]) -> Result<()> {
        let backend = db.get_database_backend();
        let new = insertions(backend, std::mem::take(&mut self.new));
        let placed = replacements(backend, std::mem::take(&mut self.placed));
        execute(db, new.chain(placed)).await.map_err(on_clash)?;
        for ids in self.replaced.chunks(MAX_BINDS) {
            let ids = || ids.iter().copied();
            K::Row::delete_many().filter(Expr::col("id").is_in(ids())).exec(db).await?;
            entry_text::Entity::delete_many()
                .filter(entry_text::Column::EntryId.is_in(ids()))
                .exec(db)
                .await?;
            entry_topic::Entity::delete_many()
                .filter(entry_topic::Column::EntryId.is_in(ids()))
                .exec(db)
                .await?;
            contribution::Entity::delete_many()
                .filter(contribution::Column::EntryId.is_in(ids()))
                .exec(db)
                .await?;
            entry_link::Entity::delete_many()
                .filter(entry_link::Column::EntryId.is_in(ids()))
                .exec(db)
                .await?;
            identifier::Entity::delete_many()
                .filter(identifier::Column::EntryId.is_in(ids()))
                .exec(db)
                .await?;
            entry_value::Entity::delete_many()
                .filter(entry_value::Column::EntryId.is_in(ids()))
                .exec(db)
                .await?;
            title_key::Entity::delete_many().filter(title_key::Column::EntryId.is_in(ids())).exec(db).await?;
        }
        for (id, slug) in std::mem::take(&mut self.revived) {
            slug_history::Entity::delete_many()
                .filter(slug_history::Column::EntryId.eq(id))
                .filter(slug_history::Column::Slug.eq(slug))
                .exec(db)
                .await?;
        }
        execute(db, self.statements(backend, entries)).await.map_err(on_clash)
    }

    /// The statements that write what belongs to `entries`. The texts, which are long, are copied while the
    /// database writes what comes before them.
    fn statements<'a>(
        &mut self,
        backend: DbBackend,
        entries: &'a [Stored<K>],
    ) -> Box<dyn Iterator<Item = Statement> + Send + 'a> {
        let texts = entries.iter().flat_map(|stored| texts(stored.entry.id, &stored.draft));
        let statements = insertions(backend, std::mem::take(&mut self.rows))
            .chain(insertions(backend, texts))
            .chain(insertions(backend, std::mem::take(&mut self.topics)))
            .chain(insertions(backend, std::mem::take(&mut self.contributions)))
            .chain(insertions(backend, std::mem::take(&mut self.links)))
            .chain(insertions(backend, std::mem::take(&mut self.identifiers)))
            .chain(insertions(backend, std::mem::take(&mut self.retired)))
            .chain(insertions(backend, std::mem::take(&mut self.changes)));
        Box::new(statements)
    }
}

impl<K: Kind> Unfinished<K> {
    /// The statements that write the rest, all of which has to be worked out: that is done while the
    /// database writes what comes before it.
    pub(super) fn statements<'a>(
        self,
        backend: DbBackend,
        entries: &'a [Stored<K>],
    ) -> Box<dyn Iterator<Item = Statement> + Send + 'a> {
        let Self { open, made } = self;
        let fields = derived::derived_fields::<K>();
        let values = entries
            .iter()
            .zip(open)
            .flat_map(move |(stored, open)| derived::values(&fields, stored.entry.id, &stored.draft, &open));
        let title_keys =
            entries.iter().flat_map(|stored| derived::title_keys(stored.entry.id, &stored.draft));
        let revisions = entries
            .iter()
            .zip(made)
            .map(|(stored, made)| history::revision(&stored.entry, &stored.draft, false, made));
        let statements = insertions(backend, values)
            .chain(insertions(backend, title_keys))
            .chain(insertions(backend, revisions));
        Box::new(statements)
    }
}

/// The rows of an entry's texts. One without any still gets a row for its name.
fn texts<K: Kind>(id: Uuid, draft: &Draft<K>) -> Vec<entry_text::ActiveModel> {
    let row = |locale: &str, texts: Option<&K::Texts>| {
        let mut details = texts.map(object).unwrap_or_default();
        let mut take = |name: Option<&str>| match details.shift_remove(name?) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        };
        take(K::TITLE);
        let (summary, body) = (take(K::SUMMARY), take(K::BODY));
        if texts.is_none() {
            details.insert(NO_TEXTS.to_owned(), Value::Bool(true));
        }
        entry_text::ActiveModel {
            entry_id: Set(id),
            locale: Set(locale.to_owned()),
            title: Set(K::heading(&draft.fields, texts)),
            summary: Set(summary),
            body: Set(body),
            details: Set(details.into()),
        }
    };
    let mut rows: Vec<_> =
        draft.translations.iter().map(|(locale, texts)| row(locale, Some(texts))).collect();
    if draft.original().is_none() {
        rows.push(row(&draft.common.original_locale, None));
    }
    rows
}
