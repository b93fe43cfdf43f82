//! What is indexed: entries, their language rows, and the bytes that are stored of a row.

use std::collections::BTreeMap;

use sea_orm::ActiveEnum;
use uuid::Uuid;

use super::{
    analysis::{self, Purpose},
    codec::{Reader, Writer},
};
use crate::entity::vocabulary::{Kind, Visibility};

/// Names of attributes that the index itself knows.
pub mod attribute {
    /// What the entry is, e.g. `publication`; the index adds it.
    pub const KIND: &str = "kind";
    /// The languages the entry is in; the index adds it.
    pub const LOCALE: &str = "locale";
    /// Entries that this one names as connected with it.
    pub const LINK: &str = "link";
    /// Projects it belongs to.
    pub const PROJECT: &str = "project";
    /// People who took part in it.
    pub const PERSON: &str = "person";
    /// Partners who took part in it.
    pub const PARTNER: &str = "partner";
    /// What it is about.
    pub const TOPIC: &str = "topic";
    /// Of a topic: the wider one.
    pub const BROADER: &str = "broader";
}

/// Every kind, in the order in which a row stores them: only ever add at the end.
const KINDS: [Kind; 8] = [
    Kind::Organisation,
    Kind::Project,
    Kind::Event,
    Kind::Publication,
    Kind::Practice,
    Kind::Person,
    Kind::Partner,
    Kind::Topic,
];
/// How many terms of a row are kept to compare it with others.
const VECTOR_LENGTH: usize = 256;

/// An entry as the index takes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its id.
    pub id: Uuid,
    /// What it is.
    pub kind: Kind,
    /// Who may see it.
    pub audience: Visibility,
    /// When it was published: microseconds since 1970, UTC. Among equals the newest comes first.
    pub published: i64,
    /// What it is filtered and counted by: names, each with any number of values.
    pub attributes: Vec<(String, Value)>,
    /// Its languages; an entry without one is in no result.
    pub rows: Vec<Row>,
}

/// An entry in one language.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    /// The language tag.
    pub locale: String,
    /// What is searched.
    pub texts: Vec<(Weight, String)>,
    /// What is offered to whoever begins to type: title, labels, names.
    pub completions: Vec<Completion>,
}

/// A text that may complete what somebody types.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// The text, as it is shown.
    pub text: String,
    /// Bytes that put texts in alphabetical order, e.g. a collation key.
    pub order: Vec<u8>,
}

/// How much a text says about what an entry is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Titles, labels, names, acronyms: 2.
    Title,
    /// The summary: 1.
    Summary,
    /// Labels of topics, names of people and partners that it is linked to: 0.5.
    Linked,
    /// The body, and the text of files: 0.3.
    Body,
}

impl Weight {
    /// The weight in tenths: whole numbers add up alike in any order.
    #[must_use]
    pub const fn tenths(self) -> u32 {
        match self {
            Self::Title => 20,
            Self::Summary => 10,
            Self::Linked => 5,
            Self::Body => 3,
        }
    }
}

/// A value of an attribute.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    /// A number, an instant, a year.
    Number(i64),
    /// A word.
    Text(String),
    /// Another entry. Whoever may not see that entry meets no trace of the value.
    Entry(Uuid),
}

/// How far an audience reaches: who sees a row of one level sees those of all lower ones.
pub const fn level(audience: Visibility) -> u8 {
    match audience {
        Visibility::Public => 0,
        Visibility::Partners => 1,
        Visibility::Internal => 2,
    }
}

/// How many levels there are.
pub const LEVELS: usize = 3;

/// Terms and their weighted frequency in tenths.
pub type Terms = BTreeMap<String, u32>;

/// The terms of a row in both streams.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Analysed {
    /// Whole words.
    pub exact: Terms,
    /// Their first letters.
    pub beginnings: Terms,
    /// The weighted number of words, in tenths.
    pub length: u32,
}

/// Takes the texts of a row apart.
pub fn analyse(row: &Row) -> Analysed {
    let mut analysed = Analysed::default();
    for (weight, text) in &row.texts {
        let tenths = weight.tenths();
        for token in analysis::tokens(text, Purpose::Index) {
            count(&mut analysed.beginnings, token.beginning(), tenths);
            count(&mut analysed.exact, &token.exact, tenths);
            analysed.length = analysed.length.saturating_add(tenths);
        }
    }
    analysed
}

fn count(terms: &mut Terms, term: &str, tenths: u32) {
    if let Some(frequency) = terms.get_mut(term) {
        *frequency = frequency.saturating_add(tenths);
    } else {
        terms.insert(term.to_owned(), tenths);
    }
}

/// What a row stores: everything that is not in the postings.
#[derive(Debug, PartialEq)]
pub struct Stored {
    /// The entry it belongs to.
    pub entry: Uuid,
    /// What the entry is.
    pub kind: Kind,
    /// The level of the entry's audience.
    pub level: u8,
    /// When the entry was published.
    pub published: i64,
    /// The language.
    pub locale: String,
    /// The weighted number of words, in tenths.
    pub length: u32,
    /// How long the vector is ([`norm`]), in thousandths.
    pub norm: u32,
    /// The attributes of the entry; on its first row only.
    pub attributes: Vec<(String, Value)>,
    /// What completes a beginning.
    pub completions: Vec<Completion>,
    /// The terms to compare rows by.
    pub vector: Vec<(String, u32)>,
}

impl Stored {
    /// What row `index` of `entry` stores.
    pub fn new(entry: &Entry, index: usize, analysed: &Analysed) -> Self {
        let row = &entry.rows[index];
        let vector = vector(&analysed.beginnings);
        Self {
            entry: entry.id,
            kind: entry.kind,
            level: level(entry.audience),
            published: entry.published,
            locale: row.locale.clone(),
            length: analysed.length,
            attributes: if index == 0 { attributes(entry) } else { Vec::new() },
            completions: row.completions.clone(),
            norm: thousandths(norm(vector.iter().map(|(_, frequency)| *frequency))),
            vector,
        }
    }

    /// The bytes of it.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Writer::default();
        bytes.raw(self.entry.as_bytes());
        let kind = KINDS.iter().position(|kind| *kind == self.kind).unwrap_or_default();
        bytes.number(kind as u64);
        bytes.number(u64::from(self.level));
        bytes.signed(self.published);
        bytes.text(&self.locale);
        bytes.number(u64::from(self.length));
        bytes.number(u64::from(self.norm));
        bytes.number(self.attributes.len() as u64);
        for (name, value) in &self.attributes {
            bytes.text(name);
            match value {
                Value::Number(number) => {
                    bytes.number(0);
                    bytes.signed(*number);
                }
                Value::Text(text) => {
                    bytes.number(1);
                    bytes.text(text);
                }
                Value::Entry(id) => {
                    bytes.number(2);
                    bytes.raw(id.as_bytes());
                }
            }
        }
        bytes.number(self.completions.len() as u64);
        for completion in &self.completions {
            bytes.text(&completion.text);
            bytes.bytes(&completion.order);
        }
        bytes.number(self.vector.len() as u64);
        for (term, frequency) in &self.vector {
            bytes.text(term);
            bytes.number(u64::from(*frequency));
        }
        bytes.finish()
    }

    /// Reads it back; `None` when the bytes are not whole. The vector is left out unless it is wanted.
    pub fn decode(bytes: &[u8], with_vector: bool) -> Option<Self> {
        let mut bytes = Reader::new(bytes);
        let mut stored = Self {
            entry: Uuid::from_bytes(bytes.raw()?),
            kind: *KINDS.get(usize::try_from(bytes.number()?).ok()?)?,
            level: u8::try_from(bytes.number()?).ok()?,
            published: bytes.signed()?,
            locale: bytes.text()?.to_owned(),
            length: u32::try_from(bytes.number()?).ok()?,
            norm: u32::try_from(bytes.number()?).ok()?,
            attributes: Vec::new(),
            completions: Vec::new(),
            vector: Vec::new(),
        };
        for _ in 0..bytes.number()? {
            let name = bytes.text()?.to_owned();
            let value = match bytes.number()? {
                0 => Value::Number(bytes.signed()?),
                1 => Value::Text(bytes.text()?.to_owned()),
                2 => Value::Entry(Uuid::from_bytes(bytes.raw()?)),
                _ => return None,
            };
            stored.attributes.push((name, value));
        }
        for _ in 0..bytes.number()? {
            let text = bytes.text()?.to_owned();
            stored.completions.push(Completion { text, order: bytes.bytes()?.to_owned() });
        }
        if with_vector {
            for _ in 0..bytes.number()? {
                let term = bytes.text()?.to_owned();
                stored.vector.push((term, u32::try_from(bytes.number()?).ok()?));
            }
        }
        Some(stored)
    }
}

/// The attributes of `entry` and those that the index adds, in order, each value once.
fn attributes(entry: &Entry) -> Vec<(String, Value)> {
    let mut all = entry.attributes.clone();
    all.push((attribute::KIND.to_owned(), Value::Text(entry.kind.to_value())));
    let locales = entry.rows.iter().map(|row| Value::Text(row.locale.clone()));
    all.extend(locales.map(|locale| (attribute::LOCALE.to_owned(), locale)));
    all.sort();
    all.dedup();
    all
}

/// The terms that a row is compared by: all of a short text, the most frequent ones of a long one.
fn vector(beginnings: &Terms) -> Vec<(String, u32)> {
    let mut terms: Vec<(String, u32)> =
        beginnings.iter().map(|(term, frequency)| (term.clone(), *frequency)).collect();
    if terms.len() > VECTOR_LENGTH {
        terms.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
        terms.truncate(VECTOR_LENGTH);
        terms.sort();
    }
    terms
}

/// What a weighted frequency in tenths counts for in a vector: `1 + ln` of it, and 1 below one.
pub fn dampened(frequency: u32) -> f64 {
    1.0 + (f64::from(frequency) / 10.0).max(1.0).ln()
}

/// The length of a vector with these weighted frequencies.
pub fn norm(frequencies: impl Iterator<Item = u32>) -> f64 {
    frequencies.map(|frequency| dampened(frequency).powi(2)).sum::<f64>().sqrt()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a vector has few terms, each of a small weight; a cast of floats saturates"
)]
fn thousandths(number: f64) -> u32 {
    (number * 1000.0).round() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Entry {
        Entry {
            id: Uuid::from_u128(7),
            kind: Kind::Event,
            audience: Visibility::Partners,
            published: -5,
            attributes: vec![
                ("year".to_owned(), Value::Number(2024)),
                ("topic".to_owned(), Value::Entry(Uuid::from_u128(9))),
                ("mode".to_owned(), Value::Text("online".to_owned())),
            ],
            rows: vec![
                Row {
                    locale: "tr".to_owned(),
                    texts: vec![
                        (Weight::Title, "Barış atölyesi".to_owned()),
                        (Weight::Body, "Barış için".to_owned()),
                    ],
                    completions: vec![Completion { text: "Barış atölyesi".to_owned(), order: vec![1, 2] }],
                },
                Row { locale: "en".to_owned(), ..Row::default() },
            ],
        }
    }

    #[test]
    fn a_row_is_read_back_as_it_was_stored() {
        let entry = entry();
        for index in 0..2 {
            let stored = Stored::new(&entry, index, &analyse(&entry.rows[index]));
            let bytes = stored.encode();
            assert_eq!(Stored::decode(&bytes, true).as_ref(), Some(&stored));
            for end in 0..bytes.len() {
                assert_eq!(Stored::decode(&bytes[..end], true), None, "cut at {end}");
            }
        }
    }

    #[test]
    fn texts_count_by_their_weight() {
        let analysed = analyse(&entry().rows[0]);
        assert_eq!(analysed.exact, Terms::from([("atolyesi".to_owned(), 20), ("baris".to_owned(), 23)]));
        assert_eq!(analysed.beginnings, Terms::from([("atoly".to_owned(), 20), ("baris".to_owned(), 23)]));
        assert_eq!(analysed.length, 43);
    }

    #[test]
    fn every_kind_has_a_number_and_a_word() {
        use sea_orm::Iterable;
        for kind in Kind::iter() {
            assert!(KINDS.contains(&kind));
        }
    }
}
