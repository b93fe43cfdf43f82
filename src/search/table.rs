//! What is kept in memory of a segment: its rows, its entries and their attributes, in columns.
//!
//! A segment never changes, only what is deleted of it; so its table is made once.

use std::{collections::BTreeMap, ops::Range};

use uuid::Uuid;

use super::{
    analysis,
    record::{Completion, Stored, Value},
};
use crate::entity::vocabulary::Kind;

/// How many bytes decide the alphabetical order of completions.
const ORDER_LENGTH: usize = 64;
/// What stands before every completion in [`Completions::text`]; no word holds it.
pub const START: u8 = 1;

/// A row of a segment.
#[derive(Clone, Copy, Debug)]
pub struct RowColumns {
    /// Its entry, an index into [`Table::entries`].
    pub entry: u32,
    /// The weighted number of its words, in tenths.
    pub length: u32,
    /// The length of its vector, in thousandths.
    pub norm: u32,
    /// Its language, an index into [`Table::locales`].
    pub locale: u16,
}

/// An entry of a segment. Its rows are neighbours.
#[derive(Clone, Copy, Debug)]
pub struct EntryColumns {
    /// Its id.
    pub id: Uuid,
    /// When it was published, in microseconds since 1970.
    pub published: i64,
    /// Its first row.
    pub row: u32,
    /// Where its values begin in [`Table::values`].
    value: u32,
    /// What it is.
    pub kind: Kind,
    /// Who may see it, as a level.
    pub level: u8,
}

/// The columns of a segment.
#[derive(Debug, Default)]
pub struct Table {
    /// The rows, as they stand in the segment.
    pub rows: Vec<RowColumns>,
    /// The entries, in the order of their rows.
    pub entries: Vec<EntryColumns>,
    /// The languages of the rows.
    pub locales: Vec<String>,
    /// The values of the attributes of all entries, one entry after the other; in order within an entry.
    values: Vec<u32>,
    /// What the numbers in `values` mean: the values of one attribute stand together, in order.
    pub dictionary: Vec<Value>,
    /// The part of the dictionary that belongs to an attribute.
    attributes: BTreeMap<String, Range<u32>>,
    /// The entries, ordered by id.
    by_id: Vec<u32>,
    /// What completes a beginning.
    pub completions: Completions,
}

/// The completions of a segment, one after the other.
#[derive(Debug, Default)]
pub struct Completions {
    /// For each: [`START`], its folded words, a space after every word.
    pub text: Vec<u8>,
    /// For each: where it begins, its row, and which of the row's it is.
    pub places: Vec<(u32, u32, u32)>,
    /// For each: its alphabetical order, and where that ends.
    orders: Vec<u8>,
    order_ends: Vec<u32>,
}

impl Completions {
    fn push(&mut self, row: u32, index: u32, completion: &Completion) {
        self.places.push((narrow(self.text.len()), row, index));
        self.text.push(START);
        self.text.extend_from_slice(analysis::phrase(&completion.text).as_bytes());
        self.text.push(b' ');
        let length = completion.order.len().min(ORDER_LENGTH);
        self.orders.extend_from_slice(&completion.order[..length]);
        self.order_ends.push(narrow(self.orders.len()));
    }

    /// Which completion the byte at `offset` of the text belongs to.
    pub fn at(&self, offset: usize) -> usize {
        self.places.partition_point(|(start, ..)| *start as usize <= offset).saturating_sub(1)
    }

    /// The alphabetical order of completion `index`.
    pub fn order(&self, index: usize) -> &[u8] {
        let end = |index: usize| self.order_ends.get(index).map_or(0, |end| *end as usize);
        let start = index.checked_sub(1).map_or(0, end);
        self.orders.get(start..end(index)).unwrap_or_default()
    }
}

/// An index or offset within a segment; a segment has fewer than 2³² of anything.
fn narrow(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

impl Table {
    /// The columns of the rows of a segment, given in its order.
    pub fn new(rows: impl IntoIterator<Item = Stored>) -> Self {
        let mut table = Self::default();
        // Values are numbered when all are known; until then each has its number of first appearance.
        let mut numbers: BTreeMap<(String, Value), u32> = BTreeMap::new();
        for (row, stored) in rows.into_iter().enumerate() {
            let row = narrow(row);
            table.enter(row, &stored);
            for value in stored.attributes {
                let fresh = narrow(numbers.len());
                table.values.push(*numbers.entry(value).or_insert(fresh));
            }
            for (index, completion) in stored.completions.iter().enumerate() {
                table.completions.push(row, narrow(index), completion);
            }
        }
        table.number_in_order(numbers);
        table.by_id = (0..narrow(table.entries.len())).collect();
        let entries = &table.entries;
        table.by_id.sort_unstable_by_key(|entry| entries[*entry as usize].id);
        table.shrink();
        table
    }

    fn enter(&mut self, row: u32, stored: &Stored) {
        // The first row of an entry has its attributes. The id alone does not tell: the row before may be of
        // the same entry as it was, deleted since.
        let is_first = !stored.attributes.is_empty();
        if is_first || self.entries.last().is_none_or(|entry| entry.id != stored.entry) {
            self.entries.push(EntryColumns {
                id: stored.entry,
                published: stored.published,
                row,
                value: narrow(self.values.len()),
                kind: stored.kind,
                level: stored.level,
            });
        }
        let locale = self.locales.iter().position(|locale| *locale == stored.locale).unwrap_or_else(|| {
            self.locales.push(stored.locale.clone());
            self.locales.len() - 1
        });
        self.rows.push(RowColumns {
            entry: narrow(self.entries.len() - 1),
            length: stored.length,
            norm: stored.norm,
            locale: u16::try_from(locale).unwrap_or(u16::MAX),
        });
    }

    /// Renumbers the values so that those of one attribute stand together and in order.
    fn number_in_order(&mut self, numbers: BTreeMap<(String, Value), u32>) {
        let mut in_order = vec![0; numbers.len()];
        for (index, ((name, value), former)) in numbers.into_iter().enumerate() {
            let index = narrow(index);
            in_order[former as usize] = index;
            self.dictionary.push(value);
            self.attributes.entry(name).or_insert(index..index).end = index + 1;
        }
        for value in &mut self.values {
            *value = in_order[*value as usize];
        }
    }

    fn shrink(&mut self) {
        self.rows.shrink_to_fit();
        self.entries.shrink_to_fit();
        self.values.shrink_to_fit();
        self.dictionary.shrink_to_fit();
        self.completions.text.shrink_to_fit();
        self.completions.places.shrink_to_fit();
        self.completions.orders.shrink_to_fit();
        self.completions.order_ends.shrink_to_fit();
    }

    /// The numbers of the values of `entry`, all attributes together, in order.
    pub fn values(&self, entry: usize) -> &[u32] {
        let start = self.entries[entry].value as usize;
        let end = self.entries.get(entry + 1).map_or(self.values.len(), |next| next.value as usize);
        &self.values[start..end]
    }

    /// The rows of `entry`.
    pub fn rows_of(&self, entry: usize) -> Range<usize> {
        let start = self.entries[entry].row as usize;
        start..self.entries.get(entry + 1).map_or(self.rows.len(), |next| next.row as usize)
    }

    /// The part of the dictionary that holds the values of `attribute`; empty when no entry has it.
    pub fn attribute(&self, attribute: &str) -> Range<u32> {
        self.attributes.get(attribute).cloned().unwrap_or_default()
    }

    /// The number of `value` of `attribute`; `None` when no entry has it.
    pub fn number(&self, attribute: &str, value: &Value) -> Option<u32> {
        let range = self.attribute(attribute);
        let values = &self.dictionary[range.start as usize..range.end as usize];
        values.binary_search(value).ok().map(|index| range.start + narrow(index))
    }

    /// The entries with the id: more than one when it was written again, all but one of them deleted.
    pub fn with_id(&self, id: Uuid) -> impl Iterator<Item = usize> {
        let start = self.by_id.partition_point(|entry| self.entries[*entry as usize].id < id);
        self.by_id[start..]
            .iter()
            .map(|entry| *entry as usize)
            .take_while(move |entry| self.entries[*entry].id == id)
    }

    /// The tag of the language of `row`.
    pub fn locale(&self, row: usize) -> &str {
        self.locales.get(usize::from(self.rows[row].locale)).map_or("", String::as_str)
    }

    /// The number of the language in this segment.
    pub fn locale_number(&self, locale: &str) -> Option<u16> {
        let number = self.locales.iter().position(|known| known == locale)?;
        u16::try_from(number).ok()
    }
}
