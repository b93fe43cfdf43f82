//! What entries must have: conditions on their attributes.

use super::{record::Value, segment::Segment, snapshot::Snapshot};

/// A condition on an attribute.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter {
    /// The name of the attribute.
    pub attribute: String,
    /// What is asked of its values.
    pub test: Test,
}

/// What may be asked of the values that an entry has for an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// It has at least one of these.
    AnyOf(Vec<Value>),
    /// It has each of these.
    AllOf(Vec<Value>),
    /// It has none of these.
    NoneOf(Vec<Value>),
    /// It has a number from the first to the second, both included; `None` is no bound.
    Between(Option<i64>, Option<i64>),
    /// It has a value.
    Present,
    /// It has no value.
    Absent,
}

/// A filter, looked up in the dictionary of one segment.
pub struct Compiled {
    /// For every value of the attribute, beginning with number `first`: whether it is asked for.
    asked: Vec<bool>,
    first: u32,
    /// How many of those asked for an entry must have, at least and at most (0, or any number).
    least: usize,
    most: usize,
}

impl Compiled {
    /// Looks `filter` up. Values that `level` may not know of are no values.
    pub fn new(filter: &Filter, snapshot: &Snapshot, segment: &Segment, level: u8) -> Self {
        let table = &segment.table;
        let range = table.attribute(&filter.attribute);
        let values = &table.dictionary[range.start as usize..range.end as usize];
        let among = |asked: &[Value]| {
            let mut among = vec![false; values.len()];
            for value in asked.iter().filter(|value| snapshot.knows(value, level)) {
                if let Ok(index) = values.binary_search(value) {
                    among[index] = true;
                }
            }
            among
        };
        let known = || values.iter().map(|value| snapshot.knows(value, level)).collect();
        let (asked, least, most): (Vec<bool>, usize, usize) = match &filter.test {
            Test::AnyOf(asked) => (among(asked), 1, usize::MAX),
            Test::NoneOf(asked) => (among(asked), 0, 0),
            Test::AllOf(asked) => {
                let mut distinct: Vec<&Value> = asked.iter().collect();
                distinct.sort_unstable();
                distinct.dedup();
                (among(asked), distinct.len(), usize::MAX)
            }
            Test::Between(from, to) => {
                let from = from.unwrap_or(i64::MIN);
                let to = to.unwrap_or(i64::MAX);
                let within =
                    |value: &Value| matches!(value, Value::Number(number) if (from..=to).contains(number));
                (values.iter().map(within).collect(), 1, usize::MAX)
            }
            Test::Present => (known(), 1, usize::MAX),
            Test::Absent => (known(), 0, 0),
        };
        Self { asked, first: range.start, least, most }
    }

    /// Whether an entry with these values passes.
    pub fn passes(&self, values: &[u32]) -> bool {
        let mut asked = values.iter().filter(|value| {
            let index = value.checked_sub(self.first).map(|index| index as usize);
            index.and_then(|index| self.asked.get(index)).copied().unwrap_or_default()
        });
        match (self.least, self.most) {
            (_, 0) => asked.next().is_none(),
            (1, _) => asked.next().is_some(),
            (least, _) => asked.count() >= least,
        }
    }
}
