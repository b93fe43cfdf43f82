//! Writing collections as NDJSON or as tables: everything but the trash, as one moment had it.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{BufWriter, Write},
    path::Path,
};

use sea_orm::{
    DatabaseTransaction, JoinType, PaginatorTrait, QueryOrder, QuerySelect, RelationDef, entity::prelude::*,
};
use serde_json::{Value, json};

use super::{
    Collection,
    csv::{Delimiter, Layout, Names, Writer},
    former_slugs,
};
use crate::{
    app::App,
    auth::Caller,
    editorial::{Draft, Kind, finder, load::load, references::References, shape::Shape, view::referred_to},
    entity::{entry, entry_text, vocabulary::State},
    http::{Error, Result},
    kinds::for_kind,
};

/// How many entries are held at once.
const BATCH: u64 = 200;

/// How an export is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// One JSON document a line.
    #[default]
    Ndjson,
    /// A table.
    Csv {
        /// What separates its cells.
        delimiter: Delimiter,
        /// What its columns are called.
        names: Names,
    },
}

impl Format {
    /// How its files end.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Ndjson => "ndjson",
            Self::Csv { .. } => "csv",
        }
    }
}

/// Writes one file for each of `collections` into `directory`; says how many entries each has. Calls
/// `progress` with the number of entries that a step has written.
///
/// # Errors
/// When a file is there already or cannot be written, or the database fails.
pub async fn export(
    app: &App,
    directory: &Path,
    collections: &[Collection],
    format: Format,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Vec<(Collection, u64)>> {
    let failed = |error: std::io::Error| Error::conflict(format!("{}: {error}", directory.display()));
    std::fs::create_dir_all(directory).map_err(failed)?;
    let name = |collection: &Collection| format!("{collection}.{}", format.extension());
    for collection in collections {
        let path = directory.join(name(collection));
        if path.exists() {
            return Err(Error::conflict(format!("{} is there already", path.display())));
        }
    }
    // All files show the same moment.
    let tx = app.db.snapshot().await?;
    let mut counts = Vec::new();
    for collection in collections {
        let path = directory.join(name(collection));
        let draft = directory.join(format!(".{}.part", name(collection)));
        let mut file = BufWriter::new(File::create(&draft).map_err(failed)?);
        let count = for_kind!(collection.kind(), write_file(app, &tx, format, &mut file, progress))?;
        let file = file.into_inner().map_err(|error| failed(error.into_error()))?;
        file.sync_all().and_then(|()| std::fs::rename(&draft, &path)).map_err(failed)?;
        counts.push((*collection, count));
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

async fn write_file<K: Kind>(
    app: &App,
    tx: &DatabaseTransaction,
    format: Format,
    file: &mut (impl Write + Send),
    progress: &(dyn Fn(u64) + Sync),
) -> Result<u64> {
    let failed = |error: std::io::Error| Error::conflict(error.to_string());
    let mut sheet = Sheet::begin::<K>(app, tx, format, file).await?;
    let mut pages = Pages::default();
    let mut count = 0;
    while let Some(entries) = pages.next::<K>(tx, &Caller::SYSTEM).await? {
        for entry in &entries {
            sheet.write(entry).map_err(failed)?;
        }
        count += entries.len() as u64;
        progress(entries.len() as u64);
    }
    sheet.end().map_err(failed)?;
    Ok(count)
}

/// What entries are written to.
pub enum Sheet<W: Write> {
    /// Lines.
    Lines(W),
    /// A table.
    Table(Box<Writer<W>>),
}

impl<W: Write + Send> Sheet<W> {
    /// Begins to write a collection.
    ///
    /// # Errors
    /// When it cannot be written, or the database fails.
    pub async fn begin<K: Kind>(app: &App, db: &impl ConnectionTrait, format: Format, to: W) -> Result<Self> {
        let Format::Csv { delimiter, names } = format else { return Ok(Self::Lines(to)) };
        let layout = Layout::of::<K>(app, &languages::<K>(app, db).await?)?;
        let failed = |error: std::io::Error| Error::conflict(error.to_string());
        Ok(Self::Table(Box::new(Writer::begin(to, layout, delimiter, names).map_err(failed)?)))
    }

    /// Adds an entry.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&mut self, entry: &Value) -> std::io::Result<()> {
        match self {
            Self::Lines(to) => writeln!(to, "{entry}"),
            Self::Table(table) => table.write(entry),
        }
    }

    /// What it is written to, with all that was written.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn flushed(&mut self) -> std::io::Result<&W> {
        match self {
            Self::Lines(to) => Ok(to),
            Self::Table(table) => table.flushed(),
        }
    }

    /// Ends it, and gives back what it was written to.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn end(self) -> std::io::Result<W> {
        match self {
            Self::Lines(to) => Ok(to),
            Self::Table(table) => table.end(),
        }
    }
}

/// The languages that a table of `K` needs: those of the configuration, and those that are used.
async fn languages<K: Kind>(app: &App, db: &impl ConnectionTrait) -> Result<Vec<String>> {
    let to_entry: RelationDef = entry_text::Entity::belongs_to(entry::Entity)
        .from(entry_text::Column::EntryId)
        .to(entry::Column::Id)
        .into();
    let used: Vec<String> = entry_text::Entity::find()
        .select_only()
        .column(entry_text::Column::Locale)
        .distinct()
        .join(JoinType::InnerJoin, to_entry)
        .filter(entry::Column::Kind.eq(K::KIND))
        .into_tuple()
        .all(db)
        .await?;
    let mut languages = app.config.locales.clone();
    let others: BTreeSet<String> =
        used.into_iter().filter(|locale| !locale.is_empty() && !languages.contains(locale)).collect();
    languages.extend(others);
    Ok(languages)
}

/// The entries of a collection, in batches, in the order of their ids.
#[derive(Debug, Default)]
pub struct Pages {
    after: Option<Uuid>,
}

impl Pages {
    /// The next entries that `caller` may see, in the shape of a line; none at the end.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn next<K: Kind>(
        &mut self,
        tx: &DatabaseTransaction,
        caller: &Caller,
    ) -> Result<Option<Vec<Value>>> {
        let mut select = finder::of_kind(caller, K::KIND).order_by_asc(entry::Column::Id).limit(BATCH);
        if let Some(id) = self.after {
            select = select.filter(entry::Column::Id.gt(id));
        }
        let rows = select.all(tx).await?;
        let Some(last) = rows.last() else { return Ok(None) };
        self.after = Some(last.id);
        let ids = rows.iter().map(|row| row.id).collect();
        let mut former = former_slugs::<K>(tx, ids).await?;
        let mut entries = load::<K>(tx, rows, &Shape::WHOLE).await?;
        let references = References::load(tx, caller, referred_to(&mut entries)).await?;
        let written = entries.into_iter().map(|mut stored| {
            name_by_slug(&mut stored.draft, &references);
            let mut line = stored.draft.to_value();
            // What is on its way comes as a draft elsewhere, and stays as it is where it came from.
            let is_on_its_way = matches!(stored.entry.state, State::InReview | State::Scheduled);
            line["state"] = json!(Some(stored.entry.state).filter(|_| !is_on_its_way));
            line["published_at"] = json!(stored.entry.published_at);
            line["former_slugs"] = former.remove(&stored.entry.id).unwrap_or_default().into();
            line
        });
        Ok(Some(written.collect()))
    }
}

/// Names other entries by slug. What lies in the trash is not named.
fn name_by_slug<K: Kind>(draft: &mut Draft<K>, references: &References) {
    let names = draft.references().into_iter().map(|reference| reference.name.clone());
    let gone = names.filter(|name| references.slug(name).is_none()).collect();
    draft.forget(&gone);
    for reference in draft.references() {
        let slug = references.slug(reference.name).unwrap_or_default();
        slug.clone_into(reference.name);
    }
}
