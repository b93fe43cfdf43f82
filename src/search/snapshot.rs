//! One state of the index, as queries see it: the segments, who may see which row, and what is counted.

use std::{
    collections::BTreeSet,
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
};

use tantivy::{
    Directory as _, Index as Engine, InvertedIndexReader, SegmentReader, TantivyDocument,
    directory::META_LOCK,
    fastfield::AliveBitSet,
    index::SegmentComponent,
    postings::BlockSegmentPostings,
    query::FuzzyTermQuery,
    schema::{IndexRecordOption, OwnedValue, Term},
    store::StoreReader,
    termdict::TermStreamer,
};
use uuid::Uuid;

use super::{
    directory::is_whole,
    error::{Error, Result},
    record::{LEVELS, Stored, Value},
    schema::{Schema, Stream},
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
    exact: Arc<InvertedIndexReader>,
    beginnings: Arc<InvertedIndexReader>,
    store: Arc<StoreReader>,
    /// Its rows and entries.
    pub table: Arc<Table>,
    /// Who may see a row, as a level.
    levels: Arc<[u8]>,
    /// Its files and their lengths in bytes.
    files: Arc<[(PathBuf, u64)]>,
}

/// What is counted over the rows that somebody may see.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// How many rows there are.
    pub rows: usize,
    /// How many entries.
    pub entries: usize,
    /// The sum of the weighted numbers of words, in tenths.
    pub length: u64,
}

/// A state of the index.
pub struct Snapshot {
    /// Its parts.
    pub segments: Vec<Segment>,
    /// What the last commit left as a note.
    pub payload: Option<String>,
    counts: [Counts; LEVELS],
}

impl Snapshot {
    /// Reads the state after the last commit; parts of `former` that did not change are taken over.
    pub fn load(engine: &Engine, schema: &Schema, folder: &Path, former: Option<&Self>) -> Result<Self> {
        // While the lock is held, no merge removes a file.
        let lock = engine.directory().acquire_lock(&META_LOCK).map_err(Error::damaged)?;
        let metas = engine.load_metas()?;
        let mut segments = Vec::with_capacity(metas.segments.len());
        for meta in metas.segments {
            let held = engine.segment(meta);
            segments.push(Segment::load(held, schema, folder, former)?);
        }
        drop(lock);
        let mut snapshot = Self { segments, payload: metas.payload, counts: Default::default() };
        snapshot.count();
        Ok(snapshot)
    }

    fn count(&mut self) {
        for segment in &self.segments {
            let table = &segment.table;
            for (row, columns) in table.rows.iter().enumerate() {
                let is_first = table.entries[columns.entry as usize].row as usize == row;
                let own = usize::from(segment.levels[row]);
                for counts in self.counts.iter_mut().skip(own) {
                    counts.rows += 1;
                    counts.entries += usize::from(is_first);
                    counts.length += u64::from(columns.length);
                }
            }
        }
    }

    /// What is counted over the rows that `level` may see.
    pub fn counts(&self, level: u8) -> Counts {
        self.counts.get(usize::from(level)).copied().unwrap_or_default()
    }

    /// Where the entry is that `level` may see: its segment and its index there.
    pub fn find(&self, id: Uuid, level: u8) -> Option<(usize, usize)> {
        self.segments.iter().enumerate().find_map(|(number, segment)| {
            let mut entries = segment.table.with_id(id);
            entries.find(|entry| segment.sees_entry(*entry, level)).map(|entry| (number, entry))
        })
    }

    /// Whether `level` may know of the value.
    pub fn knows(&self, value: &Value, level: u8) -> bool {
        match value {
            Value::Entry(id) => self.find(*id, level).is_some(),
            Value::Text(_) | Value::Number(_) => true,
        }
    }

    /// The rows that hold `term` and that `level` may see: those of every segment in `found`, one segment
    /// after the other, with the weighted frequency in tenths. Returns the part of each segment.
    pub fn postings(
        &self,
        stream: Stream,
        term: &str,
        level: u8,
        found: &mut Vec<(u32, u32)>,
    ) -> Result<Vec<Range<usize>>> {
        found.clear();
        let mut parts = Vec::with_capacity(self.segments.len());
        for segment in &self.segments {
            let start = found.len();
            if let Some(mut postings) = segment.postings(stream, term)? {
                loop {
                    let rows = postings.docs();
                    if rows.is_empty() {
                        break;
                    }
                    let pairs = rows.iter().zip(postings.freqs());
                    let seen = pairs.filter(|(row, _)| segment.sees(**row as usize, level));
                    found.extend(seen.map(|(row, frequency)| (*row, *frequency)));
                    postings.advance();
                }
            }
            parts.push(start..found.len());
        }
        Ok(parts)
    }

    /// Whether a row that `level` may see holds `term`.
    pub fn holds(&self, stream: Stream, term: &str, level: u8) -> Result<bool> {
        for segment in &self.segments {
            let Some(mut postings) = segment.postings(stream, term)? else { continue };
            loop {
                let rows = postings.docs();
                if rows.is_empty() {
                    break;
                }
                if rows.iter().any(|row| segment.sees(*row as usize, level)) {
                    return Ok(true);
                }
                postings.advance();
            }
        }
        Ok(false)
    }

    /// In how many rows `level` finds `term`.
    pub fn frequency(&self, stream: Stream, term: &str, level: u8) -> Result<usize> {
        let mut found = Vec::new();
        self.postings(stream, term, level, &mut found)?;
        Ok(found.len())
    }

    /// The words in alphabetical order that begin with `start` and that `level` may see, at most `limit`.
    pub fn beginning_with(&self, start: &str, level: u8, limit: usize) -> Result<Vec<String>> {
        let end = beyond(start);
        let mut streams = Vec::new();
        for segment in &self.segments {
            let range = segment.exact.terms().range().ge(start).lt(&end);
            let mut stream = range.into_stream()?;
            if stream.advance() {
                streams.push(stream);
            }
        }
        let mut words = Vec::new();
        while words.len() < limit {
            let Some(least) = streams.iter().map(TermStreamer::key).min() else { break };
            let least = least.to_owned();
            streams.retain_mut(|stream| stream.key() != least || stream.advance());
            let Ok(word) = String::from_utf8(least) else { continue };
            if self.holds(Stream::Exact, &word, level)? {
                words.push(word);
            }
        }
        Ok(words)
    }

    /// The words within `distance` (one or two edits, Damerau–Levenshtein) of `word` that begin with its
    /// first letter, in alphabetical order; those of deleted and hidden rows too.
    pub fn near(&self, schema: &Schema, word: &str, distance: u8) -> Result<BTreeSet<String>> {
        let mut near = BTreeSet::new();
        let Some(first) = word.chars().next().map(String::from) else { return Ok(near) };
        let term = Term::from_field_text(schema.field(Stream::Exact), word);
        let automaton = FuzzyTermQuery::new(term, distance, true).automaton()?;
        let end = beyond(&first);
        for segment in &self.segments {
            let range = segment.exact.terms().search(&automaton).ge(&first).lt(&end);
            let mut stream = range.into_stream()?;
            while stream.advance() {
                near.extend(std::str::from_utf8(stream.key()).map(str::to_owned));
            }
        }
        Ok(near)
    }

    /// The files it reads: names and lengths in bytes.
    pub fn files(&self) -> impl Iterator<Item = (&Path, u64)> {
        let files = self.segments.iter().flat_map(|segment| &*segment.files);
        files.map(|(name, length)| (name.as_path(), *length))
    }
}

/// Bytes that stand after everything that begins with `start`: no text holds the byte 255.
fn beyond(start: &str) -> Vec<u8> {
    let mut end = start.as_bytes().to_vec();
    end.push(u8::MAX);
    end
}

impl Segment {
    fn load(
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

    fn postings(&self, stream: Stream, term: &str) -> Result<Option<BlockSegmentPostings>> {
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
