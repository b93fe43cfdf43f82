//! Writing collections as NDJSON: everything but the trash, as one moment had it.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::Path,
};

use sea_orm::{DatabaseTransaction, PaginatorTrait, QueryOrder, QuerySelect, entity::prelude::*};
use serde_json::json;

use super::{Collection, for_kind, former_slugs};
use crate::{
    app::App,
    auth::Caller,
    editorial::{Draft, Kind, finder, load::load, references::References, view::referred_to},
    entity::entry,
    http::{Error, Result},
};

/// How many entries are held at once.
const BATCH: u64 = 200;

/// Writes one file for each collection into `directory`; says how many entries each has. Calls
/// `progress` with the number of entries that a step has written.
///
/// # Errors
/// When a file is there already or cannot be written, or the database fails.
pub async fn export(
    app: &App,
    directory: &Path,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Vec<(Collection, u64)>> {
    let failed = |error: std::io::Error| Error::conflict(format!("{}: {error}", directory.display()));
    std::fs::create_dir_all(directory).map_err(failed)?;
    for collection in Collection::ALL {
        let path = directory.join(format!("{collection}.ndjson"));
        if path.exists() {
            return Err(Error::conflict(format!("{} is there already", path.display())));
        }
    }
    // All files show the same moment.
    let tx = app.db.snapshot().await?;
    let mut counts = Vec::new();
    for collection in Collection::ALL {
        let path = directory.join(format!("{collection}.ndjson"));
        let draft = directory.join(format!(".{collection}.ndjson.part"));
        let mut file = BufWriter::new(File::create(&draft).map_err(failed)?);
        let count = for_kind!(collection, write(&tx, &mut file, progress))?;
        let file = file.into_inner().map_err(|error| failed(error.into_error()))?;
        file.sync_all().and_then(|()| std::fs::rename(&draft, &path)).map_err(failed)?;
        counts.push((collection, count));
    }
    tx.rollback().await?;
    Ok(counts)
}

/// How many entries there are to export.
///
/// # Errors
/// When the database fails.
pub async fn count(app: &App) -> Result<u64> {
    let select = entry::Entity::find().filter(finder::visible_to(&Caller::SYSTEM));
    Ok(select.count(app.db.reader()).await?)
}

async fn write<K: Kind>(
    tx: &DatabaseTransaction,
    file: &mut (impl Write + Send),
    progress: &(dyn Fn(u64) + Sync),
) -> Result<u64> {
    let mut count = 0;
    let mut after: Option<Uuid> = None;
    loop {
        let mut select =
            finder::of_kind(&Caller::SYSTEM, K::KIND).order_by_asc(entry::Column::Id).limit(BATCH);
        if let Some(id) = after {
            select = select.filter(entry::Column::Id.gt(id));
        }
        let rows = select.all(tx).await?;
        let Some(last) = rows.last() else { return Ok(count) };
        after = Some(last.id);
        let ids = rows.iter().map(|row| row.id).collect();
        let mut former = former_slugs::<K>(tx, ids).await?;
        let mut entries = load::<K>(tx, rows, true).await?;
        let references = References::load(tx, &Caller::SYSTEM, referred_to(&mut entries)).await?;
        let written = entries.len() as u64;
        for mut stored in entries {
            name_by_slug(&mut stored.draft, &references);
            let mut line = stored.draft.to_value();
            line["state"] = json!(stored.entry.state);
            line["published_at"] = json!(stored.entry.published_at);
            line["former_slugs"] = former.remove(&stored.entry.id).unwrap_or_default().into();
            writeln!(file, "{line}").map_err(|error| Error::conflict(error.to_string()))?;
        }
        count += written;
        progress(written);
    }
}

/// Names other entries by slug. What lies in the trash is not named.
fn name_by_slug<K: Kind>(draft: &mut Draft<K>, references: &References) {
    for reference in draft.references() {
        let slug = references.slug(reference.name).unwrap_or_default();
        slug.clone_into(reference.name);
    }
    let common = &mut draft.common;
    common.owner = common.owner.take().filter(|slug| !slug.is_empty());
    common.topics.retain(|slug| !slug.is_empty());
    draft.links.retain(|link| !link.target.is_empty());
    for credit in &mut draft.credits {
        credit.person = credit.person.take().filter(|slug| !slug.is_empty());
        credit.partner = credit.partner.take().filter(|slug| !slug.is_empty());
    }
    draft
        .credits
        .retain(|credit| credit.name.is_some() || credit.person.is_some() || credit.partner.is_some());
}
