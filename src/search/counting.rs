//! Counting the values of what is found.

use std::{cmp::Reverse, collections::BTreeMap, ops::Range};

use uuid::Uuid;

use super::{record::Value, segment::Segment, snapshot::Snapshot, tree::Tree};

/// A value of an attribute, and how many of the entries found have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// The value.
    pub value: Value,
    /// How many have it.
    pub count: usize,
    /// How many have it or, of a topic, a narrower one. An entry that has several counts once.
    pub total: usize,
    /// Of a topic: the wider one, which is counted too.
    pub broader: Option<Uuid>,
}

/// Counts the values of attributes, one segment after the other.
///
/// Values that must not be known are left out. A topic that must not be known counts for no wider one
/// either: that an entry is about it is what nobody may learn.
pub struct Counter<'a> {
    tree: &'a Tree,
    facets: Vec<Facet<'a>>,
    /// For every value of the dictionary of the segment at hand: in how many entries.
    counts: Vec<usize>,
    /// How many entries were counted so far.
    entries: usize,
}

/// One attribute.
struct Facet<'a> {
    attribute: &'a str,
    /// In how many entries a value is.
    counts: BTreeMap<Value, usize>,
    /// For every topic of the tree: in how many entries it or a narrower one is.
    totals: Vec<usize>,
    /// For every topic of the tree: the last entry that it was counted for.
    last: Vec<usize>,
    /// The part of the dictionary of the segment at hand that belongs to the attribute.
    range: Range<u32>,
    /// For each of them: its place in the tree.
    places: Vec<Option<usize>>,
}

impl<'a> Counter<'a> {
    /// Nothing counted yet of these attributes, for `level`.
    pub fn new(attributes: &[&'a str], snapshot: &'a Snapshot, level: u8) -> Self {
        let tree = snapshot.tree(level);
        let facet = |attribute: &&'a str| Facet {
            attribute,
            counts: BTreeMap::new(),
            totals: vec![0; tree.len()],
            last: vec![0; tree.len()],
            range: 0..0,
            places: Vec::new(),
        };
        Self { tree, facets: attributes.iter().map(facet).collect(), counts: Vec::new(), entries: 0 }
    }

    /// Turns to `segment`.
    pub fn begin(&mut self, segment: &Segment) {
        let table = &segment.table;
        self.counts.clear();
        self.counts.resize(table.dictionary.len(), 0);
        for facet in &mut self.facets {
            facet.range = table.attribute(facet.attribute);
            let values = &table.dictionary[facet.range.start as usize..facet.range.end as usize];
            facet.places = values.iter().map(|value| self.tree.place(value)).collect();
        }
    }

    /// Whether `attribute` is counted.
    pub fn counts(&self, attribute: &str) -> bool {
        self.facets.iter().any(|facet| facet.attribute == attribute)
    }

    /// Counts an entry with these values, which are in order; with `only`, for that attribute alone.
    pub fn count(&mut self, values: &[u32], only: Option<&str>) {
        self.entries += 1;
        for facet in &mut self.facets {
            if only.is_some_and(|only| only != facet.attribute) {
                continue;
            }
            let start = values.partition_point(|value| *value < facet.range.start);
            for value in values[start..].iter().take_while(|value| **value < facet.range.end) {
                self.counts[*value as usize] += 1;
                let mut place = facet.places[(*value - facet.range.start) as usize];
                while let Some(topic) = place.filter(|topic| facet.last[*topic] != self.entries) {
                    facet.last[topic] = self.entries;
                    facet.totals[topic] += 1;
                    place = self.tree.wider(topic);
                }
            }
        }
    }

    /// Adds what was counted in `segment` to the rest.
    pub fn end(&mut self, segment: &Segment, snapshot: &Snapshot, level: u8) {
        for facet in &mut self.facets {
            for number in facet.range.clone() {
                let count = self.counts[number as usize];
                let value = &segment.table.dictionary[number as usize];
                if count == 0 || !snapshot.knows(value, level) {
                    continue;
                }
                match facet.counts.get_mut(value) {
                    Some(total) => *total += count,
                    None => {
                        facet.counts.insert(value.clone(), count);
                    }
                }
            }
        }
    }

    /// For every attribute: its values, the most frequent first, equals in order; the topics that only
    /// narrower ones were counted for come last.
    pub fn finish(self) -> Vec<(String, Vec<Counted>)> {
        let tree = self.tree;
        let facets = self.facets.into_iter().map(|Facet { attribute, mut counts, totals, .. }| {
            for (place, total) in totals.iter().enumerate() {
                if *total > 0 {
                    counts.entry(Value::Entry(tree.topic(place))).or_default();
                }
            }
            let counted = counts.into_iter().map(|(value, count)| {
                let place = tree.place(&value);
                let total = place.map_or(count, |place| totals[place]);
                let broader = place.and_then(|place| tree.wider(place)).map(|wider| tree.topic(wider));
                Counted { value, count, total, broader }
            });
            let mut counted: Vec<Counted> = counted.collect();
            counted.sort_by_key(|counted| Reverse(counted.count));
            (attribute.to_owned(), counted)
        });
        facets.collect()
    }
}
