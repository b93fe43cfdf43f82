//! From a query to the terms that are looked up, each with a weight.
//!
//! Source: `SEARCH.md`, section 3. What a word is compared with are the words of rows that the caller may
//! see: hidden rows neither correct a query nor complete it.

use std::{cmp::Reverse, collections::HashSet, ops::Range};

use super::{
    analysis::{self, Purpose, Token},
    error::Result,
    lists,
    schema::{Schema, Stream},
    snapshot::Snapshot,
    synonyms::Synonyms,
};

/// How many different words of a query count; the rest is not looked at.
const WORDS: usize = 64;
/// How many words synonyms may bring in.
const BROUGHT_IN: usize = 128;
/// Shorter joined words are accidents.
const SHORTEST_JOIN: usize = 5;
/// A suffix leaves at least so many letters.
const SHORTEST_STEM: usize = 3;
/// Shorter words are not corrected.
const SHORTEST_CORRECTED: usize = 4;
/// From how many letters on a word may have two typing errors.
const TWO_ERRORS: usize = 8;
/// How many words of a query are corrected: the first. It is what costs the most.
const CORRECTED_WORDS: usize = 8;
/// How many corrections a word gets.
const CORRECTIONS: usize = 3;
/// How many words equally near are weighed against each other.
const NEAR: usize = 256;
/// The last word completes to so many words, chosen among so many.
const COMPLETIONS: (usize, usize) = (6, 256);

const JOINED: f64 = 0.7;
const STEMMED: f64 = 0.8;
const CORRECTED: f64 = 0.8;
const CORRECTED_BEGINNING_KNOWN: f64 = 0.6;
const COMPLETED: f64 = 0.4;

/// A term that is looked up.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    /// Where.
    pub stream: Stream,
    /// The term.
    pub term: String,
    /// What its score is multiplied with.
    pub weight: f64,
}

/// What a query looks up.
#[derive(Debug, Default)]
pub struct Plan {
    /// The terms, each once in its stream.
    pub wanted: Vec<Wanted>,
    /// Parts of the text that look like typing errors, with what may have been meant.
    pub corrections: Vec<(Range<usize>, String)>,
}

/// Makes the plan for `text`.
pub fn plan(
    snapshot: &Snapshot,
    schema: &Schema,
    level: u8,
    text: &str,
    synonyms: &Synonyms,
) -> Result<Plan> {
    let mut seen = HashSet::new();
    let mut tokens = analysis::tokens(text, Purpose::Query);
    tokens.retain(|token| seen.len() < WORDS && seen.insert(token.exact.clone()));
    let mut expansion =
        Expansion { snapshot, schema, level, words: Vec::new(), corrections: Vec::new(), compared: 0 };
    expansion.join(&tokens)?;
    let words: Vec<&str> = tokens.iter().map(|token| token.exact.as_str()).collect();
    for (word, weight) in synonyms.of(&words).take(BROUGHT_IN) {
        expansion.add(word, weight);
    }
    for (index, token) in tokens.iter().enumerate() {
        if !snapshot.holds(Stream::Exact, &token.exact, level)? {
            expansion.unknown(token, index + 1 == tokens.len())?;
        }
    }
    let Expansion { words: added, corrections, .. } = expansion;
    Ok(Plan { wanted: wanted(&words, &added), corrections })
}

/// The terms of the words of the query, which count in full, and of those that were added.
fn wanted(words: &[&str], added: &[(String, f64)]) -> Vec<Wanted> {
    let own = words.iter().map(|word| ((*word).to_owned(), 1.0));
    let added = added.iter().filter(|(word, _)| !words.contains(&word.as_str())).cloned();
    let exact: Vec<(String, f64)> = own.chain(added).collect();
    let mut wanted: Vec<Wanted> = Vec::new();
    for (word, weight) in &exact {
        let term = analysis::beginning(word);
        let known = wanted.iter_mut().find(|known| known.term == term && known.stream == Stream::Beginnings);
        if let Some(known) = known {
            known.weight = known.weight.max(*weight);
        } else {
            wanted.push(Wanted { stream: Stream::Beginnings, term: term.to_owned(), weight: *weight });
        }
    }
    wanted.extend(exact.into_iter().map(|(term, weight)| Wanted { stream: Stream::Exact, term, weight }));
    wanted
}

struct Expansion<'a> {
    snapshot: &'a Snapshot,
    schema: &'a Schema,
    level: u8,
    /// The words that were added, each once with its best weight.
    words: Vec<(String, f64)>,
    corrections: Vec<(Range<usize>, String)>,
    /// How many words were compared with others.
    compared: usize,
}

impl Expansion<'_> {
    fn add(&mut self, word: &str, weight: f64) {
        match self.words.iter_mut().find(|(known, _)| known == word) {
            Some((_, known)) => *known = known.max(weight),
            None => self.words.push((word.to_owned(), weight)),
        }
    }

    fn holds(&self, word: &str) -> Result<bool> {
        self.snapshot.holds(Stream::Exact, word, self.level)
    }

    /// Neighbours whose join begins a word: `iş yeri` finds `işyerleri`.
    fn join(&mut self, tokens: &[Token]) -> Result<()> {
        for pair in tokens.windows(2) {
            let [one, next] = pair else { continue };
            let join = format!("{}{}", one.exact, next.exact);
            let are_neighbours = one.range.end <= next.range.start;
            if are_neighbours
                && join.chars().count() >= SHORTEST_JOIN
                && !self.snapshot.beginning_with(&join, self.level, 1)?.is_empty()
            {
                self.add(&join, JOINED);
            }
        }
        Ok(())
    }

    /// What may have been meant by a word that is not indexed.
    fn unknown(&mut self, token: &Token, is_last: bool) -> Result<()> {
        let word = token.exact.as_str();
        let letters = word.chars().count();
        let beginning_known = self.snapshot.holds(Stream::Beginnings, token.beginning(), self.level)?;
        if !beginning_known || letters <= analysis::BEGINNING {
            self.take_off_suffix(word)?;
        }
        let is_corrected =
            letters >= SHORTEST_CORRECTED && !word.contains(|letter: char| letter.is_numeric());
        if is_corrected && self.compared < CORRECTED_WORDS {
            self.compared += 1;
            let is_inflected = letters > analysis::BEGINNING && beginning_known;
            let weight = if is_inflected { CORRECTED_BEGINNING_KNOWN } else { CORRECTED };
            self.correct(token, if letters >= TWO_ERRORS { 2 } else { 1 }, weight)?;
        }
        if is_last && letters >= SHORTEST_STEM {
            self.complete(word)?;
        }
        Ok(())
    }

    /// A suffix without its apostrophe: `EIGEnin` finds `EIGE`.
    fn take_off_suffix(&mut self, word: &str) -> Result<()> {
        for suffix in lists::suffixes() {
            let Some(stem) = word.strip_suffix(suffix) else { continue };
            if stem.chars().count() >= SHORTEST_STEM && self.holds(stem)? {
                self.add(stem, STEMMED);
                return Ok(());
            }
        }
        Ok(())
    }

    /// Typing errors: the nearest words, of those the most frequent.
    fn correct(&mut self, token: &Token, errors: u8, weight: f64) -> Result<()> {
        let near = self.snapshot.near(self.schema, &token.exact, errors)?;
        let mut meant = Vec::new();
        for distance in 1..=usize::from(errors) {
            let mut equal = Vec::new();
            let at_distance = near.iter().filter(|word| strsim::osa_distance(word, &token.exact) == distance);
            for word in at_distance.take(NEAR) {
                let frequency = self.snapshot.frequency(Stream::Exact, word, self.level)?;
                if frequency > 0 {
                    equal.push((Reverse(frequency), word.as_str()));
                }
            }
            equal.sort_unstable();
            meant.extend(equal.into_iter().map(|(_, word)| (word, distance)));
            if meant.len() >= CORRECTIONS {
                break;
            }
        }
        if let Some((word, _)) = meant.first() {
            self.corrections.push((token.range.clone(), (*word).to_owned()));
        }
        for (word, distance) in meant.into_iter().take(CORRECTIONS) {
            self.add(word, if distance == 1 { weight } else { weight / 2.0 });
        }
        Ok(())
    }

    /// A word that is still being typed: the most frequent words that begin with it.
    fn complete(&mut self, word: &str) -> Result<()> {
        let mut words = Vec::new();
        for word in self.snapshot.beginning_with(word, self.level, COMPLETIONS.1)? {
            words.push((Reverse(self.snapshot.frequency(Stream::Exact, &word, self.level)?), word));
        }
        words.sort_unstable();
        for (_, word) in words.into_iter().take(COMPLETIONS.0) {
            self.add(&word, COMPLETED);
        }
        Ok(())
    }
}
