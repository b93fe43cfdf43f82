//! Names that only one entry can have: slugs, sources, identifiers.

use std::collections::{BTreeMap, HashMap};

use sea_orm::{Condition, QuerySelect, entity::prelude::*};

use super::{draft::Draft, kind::Kind};
use crate::{
    db::rows::MAX_BINDS,
    entity::{entry, identifier, slug_history, vocabulary::IdentifierScheme},
    http::{FieldError, Result},
};

/// Adds to each draft's errors what names it claims that another entry has: its slug, its source,
/// its identifiers, and the slugs in `former` that are to lead to it. `ids` are the drafts' own
/// entries, as far as they have one.
///
/// # Errors
/// When the database fails.
pub async fn clashes<K: Kind>(
    db: &impl ConnectionTrait,
    drafts: &mut [(Draft<K>, Vec<FieldError>)],
    ids: &[Option<Uuid>],
    former: &[Vec<String>],
) -> Result<()> {
    let taken = names_taken::<K>(db, drafts, former).await?;
    let mut claimed: HashMap<Name, usize> = HashMap::new();
    for (index, (draft, errors)) in drafts.iter_mut().enumerate() {
        let own = ids.get(index).copied().flatten();
        let former = former.get(index).map(Vec::as_slice).unwrap_or_default();
        for (pointer, name) in names::<K>(draft, former) {
            let by_other =
                taken.get(&name).is_some_and(|owners| owners.iter().any(|owner| Some(*owner) != own));
            let by_earlier = claimed.get(&name).is_some_and(|earlier| *earlier != index);
            if by_other || by_earlier {
                errors.push(FieldError::at(pointer, "taken", "another entry has this already"));
            } else {
                claimed.insert(name, index);
            }
        }
    }
    Ok(())
}

#[derive(PartialEq, Eq, Hash)]
enum Name {
    Slug(String),
    Source(String, String),
    Identifier(IdentifierScheme, String),
}

/// The names a draft claims, and where.
fn names<K: Kind>(draft: &Draft<K>, former: &[String]) -> Vec<(String, Name)> {
    let common = &draft.common;
    let slug = common.slug.clone().map(|slug| ("/slug".to_owned(), Name::Slug(slug)));
    let source = common
        .source
        .as_ref()
        .map(|source| ("/source/id".to_owned(), Name::Source(source.name.clone(), source.id.clone())));
    let identifiers = common.identifiers.iter().enumerate().map(|(index, known)| {
        (format!("/identifiers/{index}"), Name::Identifier(known.scheme, known.value.clone()))
    });
    let former = former
        .iter()
        .enumerate()
        .map(|(index, slug)| (format!("/former_slugs/{index}"), Name::Slug(slug.clone())));
    slug.into_iter().chain(source).chain(identifiers).chain(former).collect()
}

async fn names_taken<K: Kind>(
    db: &impl ConnectionTrait,
    drafts: &[(Draft<K>, Vec<FieldError>)],
    former: &[Vec<String>],
) -> Result<HashMap<Name, Vec<Uuid>>> {
    let mut taken: HashMap<Name, Vec<Uuid>> = HashMap::new();
    let mut take = |name: Name, id: Uuid| taken.entry(name).or_default().push(id);
    let commons = || drafts.iter().map(|(draft, _)| &draft.common);
    let slugs: Vec<&String> =
        commons().filter_map(|common| common.slug.as_ref()).chain(former.iter().flatten()).collect();
    let sources = commons().filter_map(|common| common.source.as_ref());
    let sources = sources.map(|source| (source.name.as_str(), source.id.as_str()));
    for condition in by_slug_or_source(slugs.iter().map(|slug| slug.as_str()), sources) {
        let rows: Vec<(Uuid, String, Option<String>, Option<String>)> = entry::Entity::find()
            .select_only()
            .columns([
                entry::Column::Id,
                entry::Column::Slug,
                entry::Column::SourceName,
                entry::Column::SourceId,
            ])
            .filter(entry::Column::Kind.eq(K::KIND))
            .filter(condition)
            .into_tuple()
            .all(db)
            .await?;
        for (id, slug, source_name, source_id) in rows {
            take(Name::Slug(slug), id);
            if let (Some(name), Some(source_id)) = (source_name, source_id) {
                take(Name::Source(name, source_id), id);
            }
        }
    }
    let retired = slug_history::Entity::find()
        .filter(slug_history::Column::Kind.eq(K::KIND))
        .filter(slug_history::Column::Slug.is_in(slugs))
        .all(db)
        .await?;
    for row in retired {
        take(Name::Slug(row.slug), row.entry_id);
    }
    let mut known: BTreeMap<IdentifierScheme, Vec<&String>> = BTreeMap::new();
    for identifier in commons().flat_map(|common| &common.identifiers) {
        known.entry(identifier.scheme).or_default().push(&identifier.value);
    }
    for (scheme, values) in known {
        for chunk in values.chunks(MAX_BINDS) {
            let rows = identifier::Entity::find()
                .filter(identifier::Column::Scheme.eq(scheme))
                .filter(identifier::Column::Value.is_in(chunk.iter().copied()))
                .all(db)
                .await?;
            for row in rows {
                take(Name::Identifier(row.scheme, row.value), row.entry_id);
            }
        }
    }
    Ok(taken)
}

/// Conditions that together find the entries with these slugs or from these sources. Each is served
/// by an index; joined by OR, none would be.
pub fn by_slug_or_source<'a>(
    slugs: impl Iterator<Item = &'a str>,
    sources: impl Iterator<Item = (&'a str, &'a str)>,
) -> Vec<Condition> {
    let mut conditions = vec![Condition::all().add(entry::Column::Slug.is_in(slugs))];
    let mut collections: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, id) in sources {
        collections.entry(name).or_default().push(id);
    }
    conditions.extend(collections.into_iter().map(|(name, ids)| {
        Condition::all().add(entry::Column::SourceName.eq(name)).add(entry::Column::SourceId.is_in(ids))
    }));
    conditions
}
