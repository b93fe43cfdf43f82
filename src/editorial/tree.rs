//! Links that must make a tree: following them never leads back.

use std::collections::{HashMap, HashSet};

use sea_orm::entity::prelude::*;

use super::{kind::Kind, load::Stored};
use crate::{
    db::rows::MAX_BINDS,
    entity::entry_link,
    http::{FieldError, Result},
};

/// How deep a tree of entries may get.
const MAX_DEPTH: usize = 64;

/// Which of the entries that were `saved` lie in a circle, by a link that must make a tree.
///
/// # Errors
/// When the database fails.
pub async fn circles<K: Kind>(
    db: &impl ConnectionTrait,
    saved: &[Stored<K>],
) -> Result<Vec<(Uuid, FieldError)>> {
    let mut found = Vec::new();
    for field in K::LINKS.iter().filter(|field| field.acyclic) {
        let link = |stored: &Stored<K>| stored.draft.targets(field.name).next()?.parse().ok();
        // Where each entry's chain has got to.
        let mut chains: HashMap<Uuid, Uuid> =
            saved.iter().filter_map(|stored| Some((stored.entry.id, link(stored)?))).collect();
        for depth in 0..MAX_DEPTH {
            if depth > 0 {
                let next = linked(db, field.name, chains.values().copied().collect()).await?;
                chains =
                    chains.into_iter().filter_map(|(id, place)| Some((id, *next.get(&place)?))).collect();
            }
            chains.retain(|id, place| {
                let circle = id == place;
                if circle {
                    let detail = "this would lead back to the entry itself";
                    found.push((*id, FieldError::at(format!("/{}", field.name), "circle", detail)));
                }
                !circle
            });
            if chains.is_empty() {
                break;
            }
        }
        let too_deep = |id| {
            let detail = format!("a tree may be {MAX_DEPTH} levels deep");
            (id, FieldError::at(format!("/{}", field.name), "too_deep", detail))
        };
        found.extend(chains.into_keys().map(too_deep));
    }
    Ok(found)
}

/// What each of these entries points to by the link `relation`.
async fn linked(
    db: &impl ConnectionTrait,
    relation: &str,
    ids: HashSet<Uuid>,
) -> Result<HashMap<Uuid, Uuid>> {
    let ids: Vec<Uuid> = ids.into_iter().collect();
    let mut linked = HashMap::new();
    for ids in ids.chunks(MAX_BINDS) {
        let rows = entry_link::Entity::find()
            .filter(entry_link::Column::Relation.eq(relation))
            .filter(entry_link::Column::EntryId.is_in(ids.iter().copied()))
            .all(db)
            .await?;
        linked.extend(rows.into_iter().map(|row| (row.entry_id, row.target_id)));
    }
    Ok(linked)
}
