//! Other entries that an entry names: from what a writer wrote to ids, and from ids to the compact
//! form that readers get.

use std::collections::{BTreeMap, HashMap, HashSet};

use sea_orm::{Condition, JoinType, QuerySelect, RelationDef, entity::prelude::*};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{draft::Draft, finder, kind::Kind};
use crate::{
    auth::Caller,
    entity::{entry, entry_text, vocabulary},
    http::{FieldError, Id, Result, locale::Language},
};

/// How many names one statement looks up: well under what both databases can bind.
const CHUNK: usize = 5_000;

/// Another entry, in brief.
#[derive(Debug, Serialize, ToSchema)]
pub struct Compact {
    /// Its id.
    pub id: Uuid,
    /// The last part of its address.
    #[schema(example = "kadina-yonelik-siddet")]
    pub slug: String,
    /// Its title, label or name.
    #[schema(required, example = "Kadına yönelik şiddet")]
    pub name: Option<String>,
}

/// Id, slug, original language, language, title.
type Row = (Uuid, String, String, Option<String>, Option<String>);

/// The entries that a page of entries refers to, as far as the caller may see them.
#[derive(Debug, Default)]
pub struct References(HashMap<Uuid, Known>);

#[derive(Debug, Default)]
struct Known {
    slug: String,
    original_locale: String,
    titles: BTreeMap<String, String>,
}

impl References {
    /// Looks up `ids` in one query.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn load(db: &impl ConnectionTrait, caller: &Caller, ids: HashSet<Uuid>) -> Result<Self> {
        let mut known: HashMap<Uuid, Known> = HashMap::new();
        let ids: Vec<Uuid> = ids.into_iter().collect();
        for chunk in ids.chunks(CHUNK) {
            let named = chunk.iter().copied().chain(filled_up(chunk));
            let rows: Vec<Row> = entry::Entity::find()
                .select_only()
                .column(entry::Column::Id)
                .column(entry::Column::Slug)
                .column(entry::Column::OriginalLocale)
                .column(entry_text::Column::Locale)
                .column(entry_text::Column::Title)
                .join(JoinType::LeftJoin, to_texts())
                .filter(entry::Column::Id.is_in(named))
                .filter(finder::visible_to(caller))
                .into_tuple()
                .all(db)
                .await?;
            for (id, slug, original_locale, locale, title) in rows {
                let entry = known.entry(id).or_default();
                entry.slug = slug;
                entry.original_locale = original_locale;
                entry.titles.extend(locale.zip(title));
            }
        }
        Ok(Self(known))
    }

    /// The entry `id` in brief; `None` when the caller may not know of it.
    #[must_use]
    pub fn compact(&self, id: &str, language: &Language) -> Option<Value> {
        let id: Uuid = id.parse().ok()?;
        let known = self.0.get(&id)?;
        let original = || known.titles.get(&known.original_locale).filter(|_| language.fallback);
        let name = known.titles.get(&language.locale).or_else(original);
        Some(json!({ "id": id, "slug": known.slug, "name": name }))
    }

    /// The slug of the entry `id`.
    #[must_use]
    pub fn slug(&self, id: &str) -> Option<&str> {
        self.0.get(&id.parse().ok()?).map(|known| known.slug.as_str())
    }
}

/// What makes of `ids` a number that many lists of ids have: the last one, again and again. A statement that
/// differs only in how many it names would have to be prepared anew.
fn filled_up(ids: &[Uuid]) -> impl Iterator<Item = Uuid> {
    let more = ids.len().next_power_of_two() - ids.len();
    ids.last().copied().into_iter().cycle().take(more)
}

/// From an entry to its texts.
fn to_texts() -> RelationDef {
    entry::Entity::belongs_to(entry_text::Entity)
        .from(entry::Column::Id)
        .to(entry_text::Column::EntryId)
        .into()
}

/// Replaces every reference in `drafts` by the id of the entry it names. What is wrong is added to
/// the errors of its draft: what the caller may not see does not exist. The ids in `kept` stood there
/// before and may stay, even if what they name has gone to the trash since.
///
/// # Errors
/// When the database fails.
pub async fn resolve<K: Kind>(
    db: &impl ConnectionTrait,
    caller: &Caller,
    drafts: &mut [(Draft<K>, Vec<FieldError>)],
    kept: &[String],
) -> Result<()> {
    resolve_many(db, caller, drafts, |_, name| kept.iter().any(|known| known == name)).await
}

/// The same for many drafts, each of which may keep what stood in itself: `is_kept` is asked with the
/// place of the draft and the reference.
///
/// # Errors
/// When the database fails.
pub async fn resolve_many<K: Kind>(
    db: &impl ConnectionTrait,
    caller: &Caller,
    drafts: &mut [(Draft<K>, Vec<FieldError>)],
    is_kept: impl Fn(usize, &str) -> bool,
) -> Result<()> {
    let mut ids = HashSet::new();
    let mut slugs: BTreeMap<vocabulary::Kind, HashSet<String>> = BTreeMap::new();
    for reference in drafts.iter_mut().flat_map(|(draft, _)| draft.references()) {
        match Id::parse(reference.name) {
            Some(Id::Uuid(id)) => {
                ids.insert(id);
            }
            Some(Id::Slug(slug)) => {
                slugs.entry(reference.kind).or_default().insert(slug);
            }
            None => {}
        }
    }
    let found = find(db, caller, ids, slugs).await?;
    for (index, (draft, errors)) in drafts.iter_mut().enumerate() {
        for reference in draft.references() {
            let key = (reference.kind, reference.name.clone());
            if let Some(id) = found.get(&key) {
                *reference.name = id.to_string();
            } else if !is_kept(index, reference.name) {
                let detail = format!("there is no {} with this id or slug", kind_name(reference.kind));
                errors.push(FieldError::at(reference.pointer, "unknown_reference", detail));
            }
        }
    }
    Ok(())
}

async fn find(
    db: &impl ConnectionTrait,
    caller: &Caller,
    ids: HashSet<Uuid>,
    slugs: BTreeMap<vocabulary::Kind, HashSet<String>>,
) -> Result<HashMap<(vocabulary::Kind, String), Uuid>> {
    let mut named: Vec<Condition> = Vec::new();
    let ids: Vec<Uuid> = ids.into_iter().collect();
    named.extend(ids.chunks(CHUNK).map(|chunk| entry::Column::Id.is_in(chunk.iter().copied()).into()));
    for (kind, slugs) in slugs {
        let slugs: Vec<String> = slugs.into_iter().collect();
        named.extend(slugs.chunks(CHUNK).map(|chunk| {
            Condition::all()
                .add(entry::Column::Kind.eq(kind))
                .add(entry::Column::Slug.is_in(chunk.iter().cloned()))
        }));
    }
    let mut found = HashMap::new();
    for condition in named {
        let rows: Vec<(Uuid, vocabulary::Kind, String)> = entry::Entity::find()
            .select_only()
            .columns([entry::Column::Id, entry::Column::Kind, entry::Column::Slug])
            .filter(condition)
            .filter(finder::visible_to(caller))
            .into_tuple()
            .all(db)
            .await?;
        for (id, kind, slug) in rows {
            found.insert((kind, id.to_string()), id);
            found.insert((kind, slug), id);
        }
    }
    Ok(found)
}

/// Which of these entries, by id, the caller may not see.
///
/// # Errors
/// When the database fails.
pub async fn unseen(
    db: &impl ConnectionTrait,
    caller: &Caller,
    ids: impl Iterator<Item = &String>,
) -> Result<HashSet<String>> {
    let mut unseen: HashSet<String> = ids.cloned().collect();
    let ids: Vec<Uuid> = unseen.iter().filter_map(|id| id.parse().ok()).collect();
    for chunk in ids.chunks(CHUNK) {
        let seen: Vec<Uuid> = entry::Entity::find()
            .select_only()
            .column(entry::Column::Id)
            .filter(entry::Column::Id.is_in(chunk.iter().copied()))
            .filter(finder::visible_to(caller))
            .into_tuple()
            .all(db)
            .await?;
        for id in seen {
            unseen.remove(&id.to_string());
        }
    }
    Ok(unseen)
}

/// The kind in a sentence.
#[must_use]
pub fn kind_name(kind: vocabulary::Kind) -> &'static str {
    match kind {
        vocabulary::Kind::Organisation => "organisation",
        vocabulary::Kind::Project => "project",
        vocabulary::Kind::Event => "event",
        vocabulary::Kind::Publication => "publication",
        vocabulary::Kind::Practice => "practice",
        vocabulary::Kind::Person => "person",
        vocabulary::Kind::Partner => "partner",
        vocabulary::Kind::Topic => "topic",
    }
}
