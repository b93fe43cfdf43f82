//! One state of the index, as queries see it: the segments, who may see which row, and what is counted.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    path::Path,
    sync::OnceLock,
};

use tantivy::{
    Directory as _, Index as Engine, directory::META_LOCK, query::FuzzyTermQuery, schema::Term,
    termdict::TermStreamer,
};
use uuid::Uuid;

use super::{
    error::{Error, Result},
    record::{LEVELS, Value},
    schema::{Schema, Stream},
    segment::Segment,
    tree::Tree,
};

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
    /// The rows in each language.
    spoken: [BTreeMap<String, usize>; LEVELS],
    topic_weights: [OnceLock<BTreeMap<Value, f64>>; LEVELS],
    trees: [OnceLock<Tree>; LEVELS],
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
        let mut snapshot = Self {
            segments,
            payload: metas.payload,
            counts: Default::default(),
            spoken: Default::default(),
            topic_weights: Default::default(),
            trees: Default::default(),
        };
        snapshot.count();
        Ok(snapshot)
    }

    fn count(&mut self) {
        for segment in &self.segments {
            let table = &segment.table;
            let mut spoken = vec![[0; LEVELS]; table.locales.len()];
            for (row, columns) in table.rows.iter().enumerate() {
                let is_first = table.entries[columns.entry as usize].row as usize == row;
                let own = usize::from(segment.levels[row]);
                let spoken = &mut spoken[usize::from(columns.locale)];
                for (counts, spoken) in self.counts.iter_mut().zip(spoken).skip(own) {
                    counts.rows += 1;
                    counts.entries += usize::from(is_first);
                    counts.length += u64::from(columns.length);
                    *spoken += 1;
                }
            }
            for (locale, rows) in table.locales.iter().zip(spoken) {
                for (level, rows) in rows.into_iter().enumerate() {
                    *self.spoken[level].entry(locale.clone()).or_default() += rows;
                }
            }
        }
    }

    /// How many rows in the language `level` may see.
    pub fn spoken(&self, level: u8, locale: &str) -> usize {
        let spoken = self.spoken.get(usize::from(level));
        spoken.and_then(|spoken| spoken.get(locale)).copied().unwrap_or_default()
    }

    /// How much every topic weighs for `level`: what `weigh` says, which is asked once.
    pub fn topic_weights(
        &self,
        level: u8,
        weigh: impl FnOnce() -> BTreeMap<Value, f64>,
    ) -> &BTreeMap<Value, f64> {
        self.topic_weights[usize::from(level)].get_or_init(weigh)
    }

    /// The tree of the topics that `level` may see.
    pub fn tree(&self, level: u8) -> &Tree {
        self.trees[usize::from(level)].get_or_init(|| Tree::new(self, level))
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
