//! What else may be of interest to whoever reads an entry.
//!
//! In front stands what is connected: explicit links, then a shared project, people, partners. Then, and
//! among equals, the likeness of the texts in one language and of the topics decides. Nothing is read of
//! the other entries but postings and columns.
//!
//! Source: `SEARCH.md`, section 6.

use std::{collections::BTreeMap, ops::Range};

use uuid::Uuid;

use super::{
    error::Result,
    likeness::Texts,
    query::Place,
    ranking::{millionths, real, score_of},
    record::{Value, attribute, level},
    segment::Segment,
    snapshot::Snapshot,
    store::{Index, guarded},
};
use crate::entity::vocabulary::{Kind, RelatedReason as Reason, Visibility};

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
    /// Who reads the entry.
    pub reader: Visibility,
    /// Who is shown what is related: rows beyond this audience are not there.
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
            let Some((number, entry)) = snapshot.find(likeness.entry, super::record::level(likeness.reader))
            else {
                return Ok(Vec::new());
            };
            let table = &snapshot.segments[number].table;
            let mut rows = table.rows_of(entry);
            let first = rows.start;
            let row = rows.find(|row| likeness.locale == Some(table.locale(*row))).unwrap_or(first);
            let stored = snapshot.segments[number].stored(&self.schema, row)?;
            let texts = Texts::new(&snapshot, &stored, level)?;
            let own = Own::new(&snapshot, number, entry, level);
            Ok(own.nearest(&snapshot, &texts, &stored.locale, likeness))
        })
    }
}

/// What is looked for in other entries.
struct Own<'a> {
    id: Uuid,
    level: u8,
    /// The values that connect, by attribute; those that the reader may know of.
    connections: Vec<Vec<Value>>,
    topics: Vec<Value>,
    /// How much each topic weighs, for all topics.
    weights: &'a BTreeMap<Value, f64>,
}

impl<'a> Own<'a> {
    fn new(snapshot: &'a Snapshot, number: usize, entry: usize, level: u8) -> Self {
        let segment = &snapshot.segments[number];
        let values = |attribute: &str| {
            let range = segment.table.attribute(attribute);
            let numbers = segment.table.values(entry).iter().filter(|value| range.contains(value));
            let values = numbers.map(|number| segment.table.dictionary[*number as usize].clone());
            values.filter(|value| snapshot.knows(value, level)).collect::<Vec<_>>()
        };
        let columns = &segment.table.entries[entry];
        // What is about a topic is related to it as if the topic were about itself.
        let topics = if columns.kind == Kind::Topic {
            vec![Value::Entry(columns.id)]
        } else {
            values(attribute::TOPIC)
        };
        Self {
            id: columns.id,
            level,
            connections: CONNECTIONS.iter().map(|(attribute, ..)| values(attribute)).collect(),
            topics,
            weights: snapshot.topic_weights(level, || topic_weights(snapshot, level)),
        }
    }

    fn nearest(
        &self,
        snapshot: &Snapshot,
        texts: &Texts,
        locale: &str,
        likeness: &Likeness<'_>,
    ) -> Vec<Related> {
        let mut nearest = Nearest { found: Vec::new(), limit: likeness.limit, least: 0.0 };
        for (number, segment) in snapshot.segments.iter().enumerate() {
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
                let text = row.map(|row| texts.likeness(number, row, segment.table.rows[row]));
                let text = text.unwrap_or_default();
                let values = segment.table.values(entry);
                let reasons = compared.reasons(entry, values);
                // The text alone may not be enough: then the topics need not be compared.
                if reasons == 0 && text < nearest.least {
                    continue;
                }
                let (score, reasons) = compared.score(values, reasons, text);
                // Texts that are hardly alike are no reason.
                if reasons == 0 {
                    continue;
                }
                let place =
                    Place { score: millionths(score), published: columns.published, entry: columns.id };
                nearest.take(Near { place, segment: number, row: row.unwrap_or(first), reasons });
            }
        }
        nearest.finish(snapshot)
    }
}

/// An entry that is near, and where it lies.
struct Near {
    place: Place,
    segment: usize,
    row: usize,
    /// The bits of the reasons.
    reasons: u8,
}

/// The nearest entries so far.
struct Nearest {
    found: Vec<Near>,
    limit: usize,
    /// Whoever scores less is not among them.
    least: f64,
}

impl Nearest {
    fn take(&mut self, near: Near) {
        if near.place.score == 0 {
            return;
        }
        self.found.push(near);
        if self.found.len() >= self.limit.saturating_mul(2).max(256) {
            self.trim();
        }
    }

    fn trim(&mut self) {
        self.found.sort_unstable_by_key(|near| near.place.key());
        self.found.truncate(self.limit);
        if let Some(last) = self.found.last().filter(|_| self.found.len() == self.limit) {
            self.least = score_of(last.place.score.saturating_sub(1));
        }
    }

    fn finish(mut self, snapshot: &Snapshot) -> Vec<Related> {
        self.trim();
        let related = self.found.into_iter().map(|near| {
            let table = &snapshot.segments[near.segment].table;
            Related {
                entry: near.place.entry,
                kind: table.entries[table.rows[near.row].entry as usize].kind,
                locale: table.locale(near.row).to_owned(),
                score: near.place.score,
                reasons: REASONS.into_iter().filter(|reason| near.reasons & bit(*reason) != 0).collect(),
            }
        });
        related.collect()
    }
}

/// All reasons, the strongest first.
const REASONS: [Reason; 6] =
    [Reason::Link, Reason::Project, Reason::Person, Reason::Partner, Reason::Topic, Reason::Text];

const fn bit(reason: Reason) -> u8 {
    1 << reason as u8
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
    fn new(own: &Own<'_>, segment: &Segment) -> Self {
        let table = &segment.table;
        let mut connecting = vec![0; table.dictionary.len()];
        let mut named = Vec::new();
        let mut connect = |attribute: &str, value: &Value, reason: Reason| {
            if let Some(number) = table.number(attribute, value) {
                connecting[number as usize] |= bit(reason);
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
                    named.extend(table.with_id(*id).map(|entry| (entry, bit(*reason))));
                }
            }
        }
        for topic in &own.topics {
            // What every entry is about tells nothing.
            if own.weights.get(topic).is_some_and(|weight| *weight > 0.0) {
                connect(attribute::TOPIC, topic, Reason::Topic);
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

    /// The bits of the reasons that an entry with these values has, likeness of texts aside.
    fn reasons(&self, entry: usize, values: &[u32]) -> u8 {
        let own = values.iter().fold(0, |bits, value| bits | self.connecting[*value as usize]);
        let named = self.named.iter().filter(|(named, _)| *named == entry);
        named.fold(own, |bits, (_, more)| bits | more)
    }

    /// The score of an entry with these reasons whose text is so like, and all its reasons.
    fn score(&self, values: &[u32], mut reasons: u8, text: f64) -> (f64, u8) {
        let mut score = text;
        for (_, reason, adds) in CONNECTIONS {
            if reasons & bit(reason) != 0 {
                score += adds;
            }
        }
        if reasons & bit(Reason::Topic) != 0 {
            let mut shared = 0.0;
            let mut union = self.own;
            for topic in within(values, &self.topics) {
                let (weight, is_own) = self.weights[topic];
                *(if is_own { &mut shared } else { &mut union }) += weight;
            }
            score += TOPICS * shared / union;
        }
        if text >= ALIKE {
            reasons |= bit(Reason::Text);
        }
        (score, reasons)
    }
}
