//! Links that must make a tree: following them never leads back.

use std::collections::{HashMap, HashSet};

use sea_orm::entity::prelude::*;

use super::{kind::Kind, store::MAX_BINDS};
use crate::{
    entity::entry_link,
    http::{FieldError, Result},
};

/// How deep a tree of entries may get.
const MAX_DEPTH: usize = 64;

/// Which of the saved entries `ids` lie in a circle, by a link that must make a tree.
///
/// # Errors
/// When the database fails.
pub async fn circles<K: Kind>(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Vec<(Uuid, FieldError)>> {
    let mut found = Vec::new();
    for field in K::LINKS.iter().filter(|field| field.acyclic) {
        // Where each entry's chain has got to.
        let mut chains: HashMap<Uuid, Uuid> = ids.iter().map(|id| (*id, *id)).collect();
        for _ in 0..MAX_DEPTH {
            let places: HashSet<Uuid> = chains.values().copied().collect();
            let places: Vec<Uuid> = places.into_iter().collect();
            let mut next = HashMap::new();
            for chunk in places.chunks(MAX_BINDS) {
                let rows = entry_link::Entity::find()
                    .filter(entry_link::Column::Relation.eq(field.name))
                    .filter(entry_link::Column::EntryId.is_in(chunk.iter().copied()))
                    .all(db)
                    .await?;
                next.extend(rows.into_iter().map(|row| (row.entry_id, row.target_id)));
            }
            chains = chains.into_iter().filter_map(|(id, place)| Some((id, *next.get(&place)?))).collect();
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
