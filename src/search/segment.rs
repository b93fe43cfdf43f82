//! A part of the index: its postings and rows, and who may see which row.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use tantivy::{
    InvertedIndexReader, SegmentReader, TantivyDocument,
    fastfield::AliveBitSet,
    index::SegmentComponent,
    postings::BlockSegmentPostings,
    schema::{IndexRecordOption, OwnedValue},
    store::StoreReader,
};

use super::{
    directory::is_whole,
    error::{Error, Result},
    record::Stored,
    schema::{Schema, Stream},
    snapshot::Snapshot,
    table::{RowColumns, Table},
};

/// The level of a row that is deleted: nobody sees it.
const DELETED: u8 = u8::MAX;
/// The files that a segment may have.
const COMPONENTS: [SegmentComponent; 7] = [
    SegmentComponent::Postings,
    SegmentComponent::Positions,
    SegmentComponent::Terms,
    SegmentComponent::Store,
    SegmentComponent::FastFields,
    SegmentComponent::FieldNorms,
    SegmentComponent::Delete,
];

/// A part of the index.
pub struct Segment {
    /// Keeps the files from being removed.
    held: tantivy::Segment,
    /// Whole words.
    pub exact: Arc<InvertedIndexReader>,
    beginnings: Arc<InvertedIndexReader>,
    store: Arc<StoreReader>,
    /// Its rows and entries.
    pub table: Arc<Table>,
    /// Who may see a row, as a level.
    pub levels: Arc<[u8]>,
    /// Its files and their lengths in bytes.
    pub files: Arc<[(PathBuf, u64)]>,
}

impl Segment {
    /// Opens a segment; what did not change since `former` is taken over.
    pub fn load(
        held: tantivy::Segment,
        schema: &Schema,
        folder: &Path,
        former: Option<&Snapshot>,
    ) -> Result<Self> {
        let (id, deletes) = (held.id(), held.meta().delete_opstamp());
        let known = former.and_then(|former| former.segments.iter().find(|segment| segment.held.id() == id));
        if let Some(known) = known
            && known.held.meta().delete_opstamp() == deletes
        {
            return Ok(known.share());
        }
        let files = checked(&held, folder, known.map_or(&[], |known| &known.files))?;
        if let Some(known) = known {
            return Ok(Self { levels: levels(&held, &known.table)?, held, files, ..known.share() });
        }
        let reader = SegmentReader::open(&held)?;
        let store = Arc::new(reader.get_store_reader(1)?);
        let table = Arc::new(read_table(&store, schema)?);
        Ok(Self {
            exact: reader.inverted_index(schema.field(Stream::Exact))?,
            beginnings: reader.inverted_index(schema.field(Stream::Beginnings))?,
            levels: levels(&held, &table)?,
            held,
            files,
            store,
            table,
        })
    }

    fn share(&self) -> Self {
        Self {
            held: self.held.clone(),
            exact: Arc::clone(&self.exact),
            beginnings: Arc::clone(&self.beginnings),
            store: Arc::clone(&self.store),
            table: Arc::clone(&self.table),
            levels: Arc::clone(&self.levels),
            files: Arc::clone(&self.files),
        }
    }

    /// The rows that hold `term`, deleted and hidden ones too; `None` when none ever did.
    pub fn postings(&self, stream: Stream, term: &str) -> Result<Option<BlockSegmentPostings>> {
        let inverted = match stream {
            Stream::Exact => &self.exact,
            Stream::Beginnings => &self.beginnings,
        };
        let Some(info) = inverted.terms().get(term)? else { return Ok(None) };
        Ok(Some(inverted.read_block_postings_from_terminfo(&info, IndexRecordOption::WithFreqs)?))
    }

    /// Whether `level` may see the row.
    pub fn sees(&self, row: usize, level: u8) -> bool {
        self.levels.get(row).is_some_and(|own| *own <= level)
    }

    /// Whether `level` may see the entry. All rows of an entry come and go together.
    pub fn sees_entry(&self, entry: usize, level: u8) -> bool {
        self.sees(self.table.entries[entry].row as usize, level)
    }

    /// What `row` stores, with its vector.
    pub fn stored(&self, schema: &Schema, row: usize) -> Result<Stored> {
        let row = u32::try_from(row).map_err(Error::damaged)?;
        let document = self.store.get::<TantivyDocument>(row)?;
        stored(&document, schema, true)
    }
}

/// Those files of a segment that it has, with their lengths in bytes.
///
/// # Errors
/// When one of those that were not `known` is not as it was written.
fn checked(
    segment: &tantivy::Segment,
    folder: &Path,
    known: &[(PathBuf, u64)],
) -> Result<Arc<[(PathBuf, u64)]>> {
    let mut files = Vec::new();
    for component in COMPONENTS {
        let name = segment.relative_path(component);
        let path = folder.join(&name);
        // Not every segment has every file; those it needs are missed when it is opened.
        let Ok(metadata) = std::fs::metadata(&path) else { continue };
        let is_known = known.iter().any(|(known, _)| *known == name);
        if !is_known && !is_whole(&path)? {
            return Err(Error::Damaged(format!("{} is not as it was written", name.display())));
        }
        files.push((name, metadata.len()));
    }
    Ok(files.into())
}

/// Who may see each row.
fn levels(segment: &tantivy::Segment, table: &Table) -> Result<Arc<[u8]>> {
    let rows = segment.meta().max_doc();
    if table.rows.len() != usize::try_from(rows).unwrap_or_default() {
        return Err(Error::damaged("a segment has other rows than it says"));
    }
    let alive = if segment.meta().has_deletes() {
        let file = segment.open_read(SegmentComponent::Delete).map_err(Error::damaged)?;
        Some(AliveBitSet::open(file.read_bytes()?))
    } else {
        None
    };
    let is_alive = |row: u32| alive.as_ref().is_none_or(|alive| alive.is_alive(row));
    let level = |columns: &RowColumns| table.entries[columns.entry as usize].level;
    let rows = (0..rows).zip(&table.rows);
    Ok(rows.map(|(row, columns)| if is_alive(row) { level(columns) } else { DELETED }).collect())
}

fn stored(document: &TantivyDocument, schema: &Schema, with_vector: bool) -> Result<Stored> {
    let bytes = document.get_first(schema.stored).map(OwnedValue::from);
    let stored = match &bytes {
        Some(OwnedValue::Bytes(bytes)) => Stored::decode(bytes, with_vector),
        _ => None,
    };
    stored.ok_or_else(|| Error::Damaged("a row is not as it was stored".to_owned()))
}

fn read_table(store: &StoreReader, schema: &Schema) -> Result<Table> {
    let mut failed = None;
    let rows = store.iter::<TantivyDocument>(None).map_while(|document| {
        let stored = document.map_err(Error::from).and_then(|document| stored(&document, schema, false));
        stored.map_err(|error| failed = Some(error)).ok()
    });
    let table = Table::new(rows);
    failed.map_or(Ok(table), Err)
}
