//! Searching: what is asked, what is found.

use std::{cmp::Reverse, collections::HashSet};

use uuid::Uuid;

use super::{
    counting::{Counted, Counter},
    error::Result,
    expansion::{Plan, Wanted, plan},
    filter::{Compiled, Filter, Verdict},
    highlight::Matched,
    ranking::{millionths, scores},
    record::level,
    schema::Stream,
    segment::Segment,
    snapshot::Snapshot,
    store::{Index, guarded},
    suggestion::corrected,
    synonyms::Synonyms,
};
use crate::entity::vocabulary::{Kind, Visibility};

/// What is asked.
#[derive(Clone, Copy)]
pub struct Query<'a> {
    /// The words. Blank: everything; without a letter or digit: nothing.
    pub text: &'a str,
    /// Who asks: rows beyond this audience are not there.
    pub audience: Visibility,
    /// Only entries in one of these languages, found by their rows in them; none: in any.
    pub locales: &'a [String],
    /// What the entries must have, all of it.
    pub filters: &'a [Filter],
    /// Asked last of every entry: whether it may come back.
    pub allowed: Option<&'a dyn Fn(Uuid) -> bool>,
    /// The attributes whose values are counted.
    pub facets: &'a [&'a str],
    /// How many hits.
    pub limit: usize,
    /// Only what stands after this place.
    pub after: Option<Place>,
    /// What words bring in.
    pub synonyms: &'a Synonyms,
    /// Whether the ids of all entries found are wanted.
    pub listing: bool,
}

impl<'a> Query<'a> {
    /// The first 20 hits for `text`.
    #[must_use]
    pub const fn new(text: &'a str, audience: Visibility, synonyms: &'a Synonyms) -> Self {
        Self {
            text,
            audience,
            locales: &[],
            filters: &[],
            allowed: None,
            facets: &[],
            limit: 20,
            after: None,
            synonyms,
            listing: false,
        }
    }
}

/// Where an entry stands in the order of a query: by score, the newest first among equals, then by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The score, in millionths.
    pub score: u64,
    /// When the entry was published, in microseconds since 1970.
    pub published: i64,
    /// The entry.
    pub entry: Uuid,
}

impl Place {
    /// What places are compared by.
    pub(super) const fn key(&self) -> (Reverse<u64>, Reverse<i64>, Uuid) {
        (Reverse(self.score), Reverse(self.published), self.entry)
    }
}

/// What is found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// The best entries after the place asked for.
    pub hits: Vec<Hit>,
    /// The place of the last hit, when there are more.
    pub next: Option<Place>,
    /// How many entries are found, on all pages.
    pub total: usize,
    /// For every attribute asked for: its values, the most frequent first, and of topics all wider ones.
    /// The filters on the attribute itself are left aside.
    pub facets: Vec<(String, Vec<Counted>)>,
    /// The text with typing errors corrected, when that finds something.
    pub suggestion: Option<String>,
    /// What to highlight.
    pub matched: Matched,
    /// The ids of all entries found, the best first, if they are wanted.
    pub entries: Vec<Uuid>,
}

/// An entry that is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The entry.
    pub entry: Uuid,
    /// What it is.
    pub kind: Kind,
    /// The language of its best row.
    pub locale: String,
    /// Its score, in millionths; 0 when there were no words.
    pub score: u64,
    /// When it was published, in microseconds since 1970.
    pub published: i64,
}

/// An entry that is found, and where it lies.
struct Candidate {
    place: Place,
    segment: usize,
    row: usize,
}

impl Index {
    /// Searches.
    ///
    /// # Errors
    /// [`super::Error::Damaged`] when the files of the index cannot be read.
    pub fn search(&self, query: &Query<'_>) -> Result<Found> {
        guarded(|| {
            let snapshot = self.snapshot();
            let level = level(query.audience);
            let plan = plan(&snapshot, &self.schema, level, query.text, query.synonyms)?;
            let mut found = run(&snapshot, query, &plan)?;
            if !plan.corrections.is_empty() {
                found.suggestion = self.suggestion(&snapshot, query, &plan)?;
            }
            Ok(found)
        })
    }

    /// The corrected text, if it finds something.
    fn suggestion(&self, snapshot: &Snapshot, query: &Query<'_>, plan: &Plan) -> Result<Option<String>> {
        let folded = corrected(query.text, &plan.corrections);
        let asked = Query { text: &folded, facets: &[], limit: 5, after: None, listing: false, ..*query };
        let again =
            super::expansion::plan(snapshot, &self.schema, level(query.audience), &folded, query.synonyms)?;
        let found = run(snapshot, &asked, &again)?;
        if found.total == 0 {
            return Ok(None);
        }
        let entries = found.hits.iter().map(|hit| hit.entry);
        let spelled = self.spelled(snapshot, &plan.corrections, entries, query.audience)?;
        Ok(Some(corrected(query.text, &spelled)).filter(|text| text != query.text))
    }
}

/// Finds what `plan` looks up.
fn run(snapshot: &Snapshot, query: &Query<'_>, plan: &Plan) -> Result<Found> {
    let is_everything = query.text.trim().is_empty();
    let level = level(query.audience);
    let scores = scores(snapshot, &plan.wanted, level)?;
    let mut collected = Collected::new(Counter::new(query.facets, snapshot, level));
    for (number, (segment, scores)) in snapshot.segments.iter().zip(&scores).enumerate() {
        let scores = (!is_everything).then_some(scores.as_slice());
        let locales = query.locales.iter().filter_map(|locale| segment.table.locale_number(locale));
        let part = Part {
            number,
            segment,
            scores,
            level,
            locales: (!query.locales.is_empty()).then(|| locales.collect()),
            filters: Compiled::new(query.filters, snapshot, segment, level),
        };
        collected.counter.begin(segment);
        part.collect(query, &mut collected);
        collected.counter.end(segment, snapshot, level);
    }
    Ok(collected.finish(snapshot, query, &plan.wanted))
}

/// A segment, prepared for a query.
struct Part<'a> {
    number: usize,
    segment: &'a Segment,
    /// The scores of the rows; `None` when everything is asked for.
    scores: Option<&'a [f64]>,
    level: u8,
    locales: Option<Vec<u16>>,
    filters: Compiled<'a>,
}

impl Part<'_> {
    fn collect(&self, query: &Query<'_>, collected: &mut Collected<'_>) {
        for (entry, columns) in self.segment.table.entries.iter().enumerate() {
            let Some((row, score)) = self.best_row(entry) else { continue };
            let values = self.segment.table.values(entry);
            let verdict = self.filters.judge(values);
            let is_allowed = || query.allowed.is_none_or(|allowed| allowed(columns.id));
            match verdict {
                Verdict::Passes if is_allowed() => {
                    let place = Place { score, published: columns.published, entry: columns.id };
                    collected.take(Candidate { place, segment: self.number, row }, query);
                    collected.counter.count(values, None);
                }
                Verdict::FailsOnly(attribute) if collected.counter.counts(attribute) && is_allowed() => {
                    collected.counter.count(values, Some(attribute));
                }
                _ => {}
            }
        }
    }

    /// The row that counts for an entry, with its score; `None` when the entry is not found or not seen.
    fn best_row(&self, entry: usize) -> Option<(usize, u64)> {
        if !self.segment.sees_entry(entry, self.level) {
            return None;
        }
        let rows = self.segment.table.rows_of(entry);
        let spoken = rows.filter(|row| {
            let locale = self.segment.table.rows[*row].locale;
            self.locales.as_ref().is_none_or(|locales| locales.contains(&locale))
        });
        match self.scores {
            None => spoken.map(|row| (row, 0)).next(),
            Some(scores) => {
                let scored = spoken.map(|row| (row, millionths(scores[row])));
                // Of equal rows the first.
                scored.filter(|(_, score)| *score > 0).rev().max_by_key(|(_, score)| *score)
            }
        }
    }
}

/// What was found so far.
struct Collected<'a> {
    candidates: Vec<Candidate>,
    all: Vec<Place>,
    total: usize,
    counter: Counter<'a>,
}

impl<'a> Collected<'a> {
    const fn new(counter: Counter<'a>) -> Self {
        Self { candidates: Vec::new(), all: Vec::new(), total: 0, counter }
    }

    fn take(&mut self, candidate: Candidate, query: &Query<'_>) {
        self.total += 1;
        if query.listing {
            self.all.push(candidate.place);
        }
        if query.after.is_none_or(|after| candidate.place.key() > after.key()) {
            self.candidates.push(candidate);
            // Never more than twice the page, and one: the rest cannot be among the best.
            let kept = query.limit.saturating_add(1);
            if self.candidates.len() >= kept.saturating_mul(2).max(256) {
                self.candidates.select_nth_unstable_by_key(kept, |candidate| candidate.place.key());
                self.candidates.truncate(kept);
            }
        }
    }

    fn finish(mut self, snapshot: &Snapshot, query: &Query<'_>, wanted: &[Wanted]) -> Found {
        self.candidates.sort_unstable_by_key(|candidate| candidate.place.key());
        let more = self.candidates.len() > query.limit;
        self.candidates.truncate(query.limit);
        let hits: Vec<Hit> = self.candidates.iter().map(|candidate| candidate.hit(snapshot)).collect();
        self.all.sort_unstable_by_key(Place::key);
        let terms = |stream: Stream| -> HashSet<String> {
            let wanted = wanted.iter().filter(|wanted| wanted.stream == stream);
            wanted.map(|wanted| wanted.term.clone()).collect()
        };
        Found {
            next: self.candidates.last().filter(|_| more).map(|candidate| candidate.place),
            hits,
            total: self.total,
            facets: self.counter.finish(),
            suggestion: None,
            matched: Matched { words: terms(Stream::Exact), beginnings: terms(Stream::Beginnings) },
            entries: self.all.into_iter().map(|place| place.entry).collect(),
        }
    }
}

impl Candidate {
    fn hit(&self, snapshot: &Snapshot) -> Hit {
        let table = &snapshot.segments[self.segment].table;
        let entry = table.entries[table.rows[self.row].entry as usize];
        Hit {
            entry: entry.id,
            kind: entry.kind,
            locale: table.locale(self.row).to_owned(),
            score: self.place.score,
            published: entry.published,
        }
    }
}
