//! Completing what somebody types: titles, labels and names that begin with it, or have a word that does.

use memchr::memmem::Finder;
use uuid::Uuid;

use super::{
    analysis::phrase,
    error::Result,
    record::level,
    snapshot::Snapshot,
    store::{Index, guarded},
    table::START,
};
use crate::entity::vocabulary::{Kind, Visibility};

/// A beginning that is to be completed.
#[derive(Clone, Copy, Debug)]
pub struct Beginning<'a> {
    /// What was typed so far.
    pub text: &'a str,
    /// Who types: rows beyond this audience are not there.
    pub audience: Visibility,
    /// Only these kinds; none: all.
    pub kinds: &'a [Kind],
    /// Only these languages; none: all.
    pub locales: &'a [String],
    /// How many.
    pub limit: usize,
}

/// A text that completes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// The entry that has the text.
    pub entry: Uuid,
    /// What the entry is.
    pub kind: Kind,
    /// The language of the text.
    pub locale: String,
    /// The text.
    pub text: String,
}

/// A completion that matches: what it is ordered by, and where it lies.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Match<'a> {
    is_inside: bool,
    order: &'a [u8],
    entry: Uuid,
    segment: usize,
    row: usize,
    index: u32,
}

impl Index {
    /// Texts that begin with what was typed, in alphabetical order; then those in which a word does. An
    /// entry comes once.
    ///
    /// # Errors
    /// [`super::Error::Damaged`] when the files of the index cannot be read.
    pub fn suggest(&self, beginning: &Beginning<'_>) -> Result<Vec<Suggestion>> {
        guarded(|| {
            let snapshot = self.snapshot();
            let mut suggestions = Vec::new();
            for found in best(&snapshot, beginning) {
                let segment = &snapshot.segments[found.segment];
                let stored = segment.stored(&self.schema, found.row)?;
                let completion = stored.completions.into_iter().nth(found.index as usize);
                suggestions.extend(completion.map(|completion| Suggestion {
                    entry: found.entry,
                    kind: stored.kind,
                    locale: stored.locale,
                    text: completion.text,
                }));
            }
            Ok(suggestions)
        })
    }
}

/// The best matches, each entry once.
fn best<'a>(snapshot: &'a Snapshot, beginning: &Beginning<'_>) -> Vec<Match<'a>> {
    let mut typed = phrase(beginning.text);
    if typed.is_empty() || beginning.limit == 0 {
        return Vec::new();
    }
    // A space after a word says that the word is whole.
    if beginning.text.ends_with(char::is_whitespace) {
        typed.push(' ');
    }
    let mut best: Vec<Match<'a>> = Vec::new();
    // An entry may match with several texts, in several languages.
    let kept = beginning.limit.saturating_mul(8).max(64);
    for before in [START, b' '] {
        let pattern: Vec<u8> = std::iter::once(before).chain(typed.bytes()).collect();
        let finder = Finder::new(&pattern);
        for number in 0..snapshot.segments.len() {
            for found in matches(snapshot, number, &finder, beginning) {
                best.push(found);
                if best.len() >= kept * 2 {
                    trim(&mut best, kept);
                }
            }
        }
        trim(&mut best, kept);
        // Those that begin with it stand before those that hold it: if they suffice, no others are sought.
        if best.len() >= beginning.limit {
            break;
        }
    }
    best.truncate(beginning.limit);
    best
}

/// Keeps the best `kept`, in order, each entry once.
fn trim(best: &mut Vec<Match<'_>>, kept: usize) {
    best.sort_unstable();
    let mut seen = std::collections::HashSet::new();
    best.retain(|found| seen.insert(found.entry));
    best.truncate(kept);
}

/// The completions in a segment that `finder` finds; what it looks for begins with what stands before.
fn matches<'a>(
    snapshot: &'a Snapshot,
    number: usize,
    finder: &Finder<'_>,
    beginning: &Beginning<'_>,
) -> impl Iterator<Item = Match<'a>> {
    let segment = &snapshot.segments[number];
    let table = &*segment.table;
    let completions = &table.completions;
    let level = level(beginning.audience);
    finder.find_iter(&completions.text).filter_map(move |offset| {
        let at = completions.at(offset);
        let (_, row, index) = completions.places[at];
        let row = row as usize;
        let entry = table.entries[table.rows[row].entry as usize];
        let is_wanted = segment.sees(row, level)
            && (beginning.kinds.is_empty() || beginning.kinds.contains(&entry.kind))
            && (beginning.locales.is_empty()
                || beginning.locales.iter().any(|locale| locale == table.locale(row)));
        let is_inside = completions.text[offset] != START;
        let order = completions.order(at);
        is_wanted.then_some(Match { is_inside, order, entry: entry.id, segment: number, row, index })
    })
}
