//! What else may be of interest to whoever reads an entry.
//!
//! In front stands what is connected: explicit links, then a shared project, people, partners. Then, and
//! among equals, the likeness of the texts in one language and of the topics decides. Nothing is read of
//! the other entries but postings and columns.
//!
//! Source: `SEARCH.md`, section 6. The vectors of the other rows are taken as long as they are without
//! the rarity of their terms (SMART's `lnc.ltc`): that length does not change with every commit.

use std::{cmp::Reverse, collections::BTreeMap, ops::Range};

use uuid::Uuid;

use super::{
    error::Result,
    ranking::{millionths, real},
    record::{Stored, Value, attribute, dampened, level, norm},
    schema::Stream,
    snapshot::{Segment, Snapshot},
    store::{Index, guarded},
};
use crate::entity::vocabulary::{Kind, Visibility};

/// How many terms of the entry are looked up: the weightiest.
const TERMS: usize = 40;
/// What the likeness of topics counts beside that of texts, which counts 1.
const TOPICS: f64 = 0.3;
/// From what likeness on texts are called alike.
const ALIKE: f64 = 0.05;

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Likeness<'a> {
    /// The entry that is read.
    pub entry: Uuid,
    /// The language it is read in; else its first.
    pub locale: Option<&'a str>,
    /// Who reads: rows beyond this audience are not there.
    pub audience: Visibility,
    /// Only these kinds; none: all.
    pub kinds: &'a [Kind],
    /// How many.
    pub limit: usize,
}

/// An entry that may be of interest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Related {
    /// The entry.
    pub entry: Uuid,
    /// What it is.
    pub kind: Kind,
    /// The language of its row.
    pub locale: String,
    /// How near it is, in millionths.
    pub score: u64,
    /// Why.
    pub reasons: Vec<Reason>,
}

/// Why an entry is related; the earlier, the stronger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// One names the other.
    Link,
    /// They belong to one project, or one to the other.
    Project,
    /// The same person took part.
    Person,
    /// The same partner took part.
    Partner,
    /// They are about the same topic.
    Topic,
    /// Their texts are alike.
    Text,
}

/// Attributes that connect two entries: the reason, and what it adds. Each adds more than all below it.
const CONNECTIONS: [(&str, Reason, f64); 4] = [
    (attribute::LINK, Reason::Link, 16.0),
    (attribute::PROJECT, Reason::Project, 8.0),
    (attribute::PERSON, Reason::Person, 4.0),
    (attribute::PARTNER, Reason::Partner, 2.0),
];

impl Index {
    /// The entries nearest to one, the nearest first; none when it is not in the index, or hidden.
    ///
    /// # Errors
    /// [`super::Error::Damaged`] when the files of the index cannot be read.
    pub fn related(&self, likeness: &Likeness<'_>) -> Result<Vec<Related>> {
        guarded(|| {
            let snapshot = self.snapshot();
            let level = level(likeness.audience);
            let Some((number, entry)) = snapshot.find(likeness.entry, level) else { return Ok(Vec::new()) };
            let table = &snapshot.segments[number].table;
            let mut rows = table.rows_of(entry);
            let first = rows.start;
            let row = rows.find(|row| likeness.locale == Some(table.locale(*row))).unwrap_or(first);
            let stored = snapshot.segments[number].stored(&self.schema, row)?;
            let texts = text_likeness(&snapshot, &stored, level)?;
            let own = Own::new(&snapshot, number, entry, level);
            Ok(own.nearest(&snapshot, &texts, &stored.locale, likeness))
        })
    }
}

/// How like the text of every row is to that of `own`, segment by segment; 0 in other languages.
fn text_likeness(snapshot: &Snapshot, own: &Stored, level: u8) -> Result<Vec<Vec<f64>>> {
    let spoken: Vec<Option<u16>> =
        snapshot.segments.iter().map(|segment| segment.table.locale_number(&own.locale)).collect();
    let is_spoken =
        |number: usize, row: usize| Some(snapshot.segments[number].table.rows[row].locale) == spoken[number];
    let rows: usize = (0..snapshot.segments.len())
        .map(|number| {
            let segment = &snapshot.segments[number];
            let rows = 0..segment.table.rows.len();
            rows.filter(|row| segment.sees(*row, level) && is_spoken(number, *row)).count()
        })
        .sum();
    let mut terms = Vec::new();
    let mut found = Vec::new();
    for (term, frequency) in &own.vector {
        let parts = snapshot.postings(Stream::Beginnings, term, level, &mut found)?;
        let mut postings: Vec<(usize, usize, u32)> = Vec::new();
        for (number, part) in parts.into_iter().enumerate() {
            let rows = found[part].iter().map(|(row, frequency)| (number, *row as usize, *frequency));
            postings.extend(rows.filter(|(number, row, _)| is_spoken(*number, *row)));
        }
        // A word of one entry only is like nothing.
        if postings.len() > 1 {
            let rarity = (real(rows) / real(postings.len())).ln();
            terms.push((dampened(*frequency) * rarity, *frequency, rarity, postings));
        }
    }
    let length = terms.iter().map(|(weight, ..)| weight * weight).sum::<f64>().sqrt();
    let typical_rarity = length / norm(terms.iter().map(|(_, frequency, ..)| *frequency)).max(1.0);
    // Stable: among equals in the order of the terms.
    terms.sort_by(|one, other| other.0.total_cmp(&one.0));
    terms.truncate(TERMS);
    let mut likeness: Vec<Vec<f64>> =
        snapshot.segments.iter().map(|segment| vec![0.0; segment.table.rows.len()]).collect();
    for (weight, _, rarity, postings) in &terms {
        for (number, row, frequency) in postings {
            likeness[*number][*row] += weight * rarity * dampened(*frequency);
        }
    }
    for (segment, likeness) in snapshot.segments.iter().zip(&mut likeness) {
        for (columns, likeness) in segment.table.rows.iter().zip(likeness) {
            let norm = f64::from(columns.norm) / 1000.0 * typical_rarity;
            *likeness /= (length * norm).max(f64::MIN_POSITIVE);
        }
    }
    Ok(likeness)
}

/// What is looked for in other entries.
struct Own {
    id: Uuid,
    level: u8,
    /// The values that connect, by attribute; those that the reader may know of.
    connections: Vec<Vec<Value>>,
    topics: Vec<Value>,
    /// How much each topic weighs, for all topics.
    weights: BTreeMap<Value, f64>,
}

impl Own {
    fn new(snapshot: &Snapshot, number: usize, entry: usize, level: u8) -> Self {
        let segment = &snapshot.segments[number];
        let values = |attribute: &str| {
            let range = segment.table.attribute(attribute);
            let numbers = segment.table.values(entry).iter().filter(|value| range.contains(value));
            let values = numbers.map(|number| segment.table.dictionary[*number as usize].clone());
            values.filter(|value| snapshot.knows(value, level)).collect::<Vec<_>>()
        };
        Self {
            id: segment.table.entries[entry].id,
            level,
            connections: CONNECTIONS.iter().map(|(attribute, ..)| values(attribute)).collect(),
            topics: values(attribute::TOPIC),
            weights: topic_weights(snapshot, level),
        }
    }

    fn nearest(
        &self,
        snapshot: &Snapshot,
        texts: &[Vec<f64>],
        locale: &str,
        likeness: &Likeness<'_>,
    ) -> Vec<Related> {
        let mut nearest = Vec::new();
        for (segment, texts) in snapshot.segments.iter().zip(texts) {
            let compared = Compared::new(self, segment);
            let spoken = segment.table.locale_number(locale);
            for (entry, columns) in segment.table.entries.iter().enumerate() {
                let is_wanted = columns.id != self.id
                    && segment.sees_entry(entry, self.level)
                    && (likeness.kinds.is_empty() || likeness.kinds.contains(&columns.kind));
                if !is_wanted {
                    continue;
                }
                let mut rows = segment.table.rows_of(entry);
                let first = rows.start;
                let row = rows.find(|row| Some(segment.table.rows[*row].locale) == spoken);
                let (score, reasons) = compared.score(segment, entry, row.map(|row| texts[row]));
                if score > 0 {
                    let place = (Reverse(score), Reverse(columns.published), columns.id);
                    nearest.push((place, columns.kind, segment.table.locale(row.unwrap_or(first)), reasons));
                }
            }
        }
        if nearest.len() > likeness.limit {
            nearest.select_nth_unstable_by_key(likeness.limit, |(place, ..)| *place);
            nearest.truncate(likeness.limit);
        }
        nearest.sort_unstable_by_key(|(place, ..)| *place);
        let related =
            nearest.into_iter().map(|((Reverse(score), _, entry), kind, locale, reasons)| Related {
                entry,
                kind,
                locale: locale.to_owned(),
                score,
                reasons: Reason::ALL.into_iter().filter(|reason| reasons & reason.bit() != 0).collect(),
            });
        related.collect()
    }
}

impl Reason {
    const ALL: [Self; 6] = [Self::Link, Self::Project, Self::Person, Self::Partner, Self::Topic, Self::Text];

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// How much every topic weighs: the rarer, the more.
fn topic_weights(snapshot: &Snapshot, level: u8) -> BTreeMap<Value, f64> {
    let mut counts: BTreeMap<Value, usize> = BTreeMap::new();
    for segment in &snapshot.segments {
        let range = segment.table.attribute(attribute::TOPIC);
        let mut numbers = vec![0; range.len()];
        for entry in 0..segment.table.entries.len() {
            if segment.sees_entry(entry, level) {
                for value in within(segment.table.values(entry), &range) {
                    numbers[value] += 1;
                }
            }
        }
        for (number, count) in range.zip(numbers) {
            *counts.entry(segment.table.dictionary[number as usize].clone()).or_default() += count;
        }
    }
    let entries = real(snapshot.counts(level).entries);
    let known = counts.into_iter().filter(|(value, count)| *count > 0 && snapshot.knows(value, level));
    known.map(|(value, count)| (value, (entries / real(count)).ln())).collect()
}

/// Which of the values lie in `range`, counted from its beginning.
fn within<'a>(values: &'a [u32], range: &'a Range<u32>) -> impl Iterator<Item = usize> + 'a {
    let inside = values.iter().filter(|value| range.contains(value));
    inside.map(|value| (value - range.start) as usize)
}

/// What is looked for, in the numbers of a segment.
struct Compared {
    /// For every value of the dictionary: the bits of the reasons that it is one for.
    connecting: Vec<u8>,
    /// The entries that are themselves named: entry and bits.
    named: Vec<(usize, u8)>,
    topics: Range<u32>,
    /// For every topic of the segment: its weight, and whether the entry has it.
    weights: Vec<(f64, bool)>,
    /// The sum of the weights of the entry's own topics.
    own: f64,
}

impl Compared {
    fn new(own: &Own, segment: &Segment) -> Self {
        let table = &segment.table;
        let mut connecting = vec![0; table.dictionary.len()];
        let mut named = Vec::new();
        let mut connect = |attribute: &str, value: &Value, reason: Reason| {
            if let Some(number) = table.number(attribute, value) {
                connecting[number as usize] |= reason.bit();
            }
        };
        for ((attribute, reason, _), values) in CONNECTIONS.iter().zip(&own.connections) {
            // Entries that name this one: a link to it, a project it is, a person it is.
            connect(attribute, &Value::Entry(own.id), *reason);
            for value in values {
                // Two entries that link to a third are not linked.
                if *reason != Reason::Link {
                    connect(attribute, value, *reason);
                }
                if let Value::Entry(id) = value {
                    named.extend(table.with_id(*id).map(|entry| (entry, reason.bit())));
                }
            }
        }
        let topics = table.attribute(attribute::TOPIC);
        let weights = topics.clone().map(|number| {
            let topic = &table.dictionary[number as usize];
            let weight = own.weights.get(topic).copied().unwrap_or_default();
            (weight, weight > 0.0 && own.topics.contains(topic))
        });
        let weight = |topic| own.weights.get(topic).copied().unwrap_or_default();
        Self {
            weights: weights.collect(),
            own: own.topics.iter().map(weight).sum(),
            connecting,
            named,
            topics,
        }
    }

    /// The score of an entry in millionths, and the bits of its reasons.
    fn score(&self, segment: &Segment, entry: usize, text: Option<f64>) -> (u64, u8) {
        let values = segment.table.values(entry);
        let mut reasons = values.iter().fold(0, |bits, value| bits | self.connecting[*value as usize]);
        for (named, bits) in &self.named {
            if *named == entry {
                reasons |= bits;
            }
        }
        let mut score = 0.0;
        for (_, reason, adds) in CONNECTIONS {
            if reasons & reason.bit() != 0 {
                score += adds;
            }
        }
        let mut shared = 0.0;
        let mut union = self.own;
        for topic in within(values, &self.topics) {
            let (weight, is_own) = self.weights[topic];
            if is_own {
                shared += weight;
            } else {
                union += weight;
            }
        }
        if shared > 0.0 {
            score += TOPICS * shared / union;
            reasons |= Reason::Topic.bit();
        }
        let text = text.unwrap_or_default();
        score += text;
        if text >= ALIKE {
            reasons |= Reason::Text.bit();
        }
        (millionths(score), reasons)
    }
}
