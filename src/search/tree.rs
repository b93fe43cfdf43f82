//! The tree of topics, as somebody sees it.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::{
    record::{Value, attribute},
    snapshot::Snapshot,
};
use crate::entity::vocabulary::Kind;

/// The topics that have a wider or a narrower one, with the wider one of each; the others are alone.
///
/// A topic that is not seen is not in it, nor is the way through it: what is below it stands below nothing.
#[derive(Debug, Default)]
pub struct Tree {
    /// The topics, ordered.
    topics: Vec<Uuid>,
    /// For each: the place of the wider one.
    wider: Vec<Option<usize>>,
}

impl Tree {
    /// The tree of the topics that `level` may see.
    pub fn new(snapshot: &Snapshot, level: u8) -> Self {
        let mut wider = BTreeMap::new();
        for segment in &snapshot.segments {
            let table = &segment.table;
            let range = table.attribute(attribute::BROADER);
            for (entry, columns) in table.entries.iter().enumerate() {
                if columns.kind != Kind::Topic || !segment.sees_entry(entry, level) {
                    continue;
                }
                let above = table.values(entry).iter().filter(|value| range.contains(value));
                let above = above.map(|value| &table.dictionary[*value as usize]);
                wider.extend(above.filter(|value| snapshot.knows(value, level)).filter_map(|value| {
                    if let Value::Entry(id) = value { Some((columns.id, *id)) } else { None }
                }));
            }
        }
        let topics: BTreeSet<Uuid> = wider.iter().flat_map(|(topic, above)| [*topic, *above]).collect();
        let topics: Vec<Uuid> = topics.into_iter().collect();
        let place = |topic: Option<&Uuid>| topics.binary_search(topic?).ok();
        Self { wider: topics.iter().map(|topic| place(wider.get(topic))).collect(), topics }
    }

    /// How many topics are in it.
    pub const fn len(&self) -> usize {
        self.topics.len()
    }

    /// Where the topic `value` stands; `None` when it is alone, or no topic.
    pub fn place(&self, value: &Value) -> Option<usize> {
        let Value::Entry(id) = value else { return None };
        self.topics.binary_search(id).ok()
    }

    /// The topic at `place`.
    pub fn topic(&self, place: usize) -> Uuid {
        self.topics[place]
    }

    /// Where the topic stands that is the next wider to the one at `place`.
    pub fn wider(&self, place: usize) -> Option<usize> {
        self.wider[place]
    }
}
