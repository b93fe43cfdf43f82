//! The entries that an entry refers to, in the reference: a fixed number of queries for each kind.

use std::collections::{HashMap, HashSet};

use sea_orm::entity::prelude::*;
use serde_json::{Map, Value};

use crate::{
    app::App,
    editorial::{
        Kind,
        answer::render,
        finder,
        shape::{Shape, embed},
        view::View,
    },
    entity::{entry, vocabulary},
    http::{Error, FieldError, Result},
    kinds::for_kind,
};

/// How many different entries one answer includes.
pub const MAX_INCLUDED: usize = 500;

/// Entries of one kind that are shown alike.
struct Group<'a> {
    kind: vocabulary::Kind,
    shape: &'a Shape,
    ids: HashSet<Uuid>,
    shown: HashMap<Uuid, Map<String, Value>>,
}

/// Adds to `shown` the entries that were asked for.
///
/// # Errors
/// 400 when there are too many, and when the database fails.
pub(super) async fn add(app: &App, view: &View<'_>, shown: &mut [Map<String, Value>]) -> Result<()> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    let mut places = Vec::new();
    for (reference, shape) in &view.shape.entries {
        let known = groups.iter().position(|group| group.kind == reference.kind && group.shape == shape);
        let place = known.unwrap_or(groups.len());
        if known.is_none() {
            let (ids, shown) = (HashSet::new(), HashMap::new());
            groups.push(Group { kind: reference.kind, shape, ids, shown });
        }
        if let Some(group) = groups.get_mut(place) {
            for entry in &mut *shown {
                reference.each(entry, &mut |found| group.ids.extend(id(found)));
            }
        }
        places.push((reference, place));
    }
    let included: usize = groups.iter().map(|group| group.ids.len()).sum();
    if included > MAX_INCLUDED {
        let detail = format!(
            "this page refers to {included} entries, and at most {MAX_INCLUDED} can be included: ask for a shorter page"
        );
        return Err(Error::Parameters(vec![FieldError::parameter("include", "too_many", detail)]));
    }
    for group in &mut groups {
        let ids = std::mem::take(&mut group.ids);
        let view = View { shape: group.shape, ..view.clone() };
        group.shown = for_kind!(group.kind, entries(app, &view, ids))?;
    }
    for (reference, place) in places {
        let Some(group) = groups.get(place) else { continue };
        for entry in &mut *shown {
            reference.each(entry, &mut |found| {
                if let Some(entry) = id(found).and_then(|id| group.shown.get(&id)) {
                    embed(found, entry.clone().into());
                }
            });
        }
    }
    Ok(())
}

fn id(reference: &Map<String, Value>) -> Option<Uuid> {
    reference.get("id")?.as_str()?.parse().ok()
}

async fn entries<K: Kind>(
    app: &App,
    view: &View<'_>,
    ids: HashSet<Uuid>,
) -> Result<HashMap<Uuid, Map<String, Value>>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let db = app.db.reader();
    let rows = entry::Entity::find()
        .filter(entry::Column::Id.is_in(ids))
        .filter(finder::visible_to(view.caller))
        .all(db)
        .await?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let mut shown = render::<K>(db, view, rows).await?;
    for entry in &mut shown {
        view.shape.cut::<K>(entry);
    }
    Ok(ids.into_iter().zip(shown).collect())
}
