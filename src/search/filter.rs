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
    /// It has a number in one of these ranges, both ends included.
    Within(Vec<(i64, i64)>),
    /// It has no number in any of these ranges.
    Outside(Vec<(i64, i64)>),
    /// It has a value.
    Present,
    /// It has no value.
    Absent,
}

/// How an entry stands to the filters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict<'a> {
    /// It passes them all.
    Passes,
    /// It fails filters on this attribute, and no others.
    FailsOnly(&'a str),
    /// It fails filters on several attributes.
    Fails,
}

/// Whether a value is a number in one of `ranges`.
fn lies_in(ranges: &[(i64, i64)]) -> impl Fn(&Value) -> bool {
    |value| match value {
        Value::Number(number) => ranges.iter().any(|(from, to)| (from..=to).contains(&number)),
        _ => false,
    }
}

/// Filters, looked up in the dictionary of one segment.
///
/// Every condition is a bit, so that one look at each value of an entry answers all of them.
pub struct Compiled<'a>(Vec<Conditions<'a>>);

/// Up to 64 conditions.
#[derive(Default)]
struct Conditions<'a> {
    /// For every value of the dictionary: the conditions that ask for it.
    asking: Vec<u64>,
    /// The conditions of which a value must be there; of the others none may be.
    wanted: u64,
    /// The attribute of each condition.
    attributes: Vec<&'a str>,
}

impl<'a> Compiled<'a> {
    /// Looks the filters up. Values that `level` may not know of are no values.
    pub fn new(filters: &'a [Filter], snapshot: &Snapshot, segment: &Segment, level: u8) -> Self {
        let mut compiled = Self(Vec::new());
        for Filter { attribute, test } in filters {
            let table = &segment.table;
            let number =
                |value: &Value| table.number(attribute, value).filter(|_| snapshot.knows(value, level));
            let numbers = |values: &[Value]| values.iter().filter_map(number).collect::<Vec<_>>();
            let those = |keeps: &dyn Fn(&Value) -> bool| -> Vec<u32> {
                let numbers = table.attribute(attribute);
                numbers.filter(|number| keeps(&table.dictionary[*number as usize])).collect()
            };
            let present = || those(&|value| snapshot.knows(value, level));
            let mut add = |asked: &[u32], is_wanted| {
                compiled.add(attribute, table.dictionary.len(), asked, is_wanted);
            };
            match test {
                Test::AnyOf(values) => add(&numbers(values), true),
                Test::NoneOf(values) => add(&numbers(values), false),
                Test::AllOf(values) => {
                    for value in values {
                        add(&numbers(std::slice::from_ref(value)), true);
                    }
                }
                Test::Within(ranges) => add(&those(&lies_in(ranges)), true),
                Test::Outside(ranges) => add(&those(&lies_in(ranges)), false),
                Test::Present => add(&present(), true),
                Test::Absent => add(&present(), false),
            }
        }
        compiled
    }

    fn add(&mut self, attribute: &'a str, dictionary: usize, asked: &[u32], is_wanted: bool) {
        if self.0.last().is_none_or(|last| last.attributes.len() == 64) {
            self.0.push(Conditions { asking: vec![0; dictionary], ..Conditions::default() });
        }
        let Some(conditions) = self.0.last_mut() else { return };
        let bit = 1 << conditions.attributes.len();
        conditions.attributes.push(attribute);
        if is_wanted {
            conditions.wanted |= bit;
        }
        for value in asked {
            conditions.asking[*value as usize] |= bit;
        }
    }

    /// How an entry with these values stands to the filters.
    pub fn judge(&self, values: &[u32]) -> Verdict<'a> {
        let mut verdict = Verdict::Passes;
        for conditions in &self.0 {
            let met = values.iter().fold(0, |met, value| met | conditions.asking[*value as usize]);
            let mut failed = met ^ conditions.wanted;
            while failed != 0 {
                let attribute = conditions.attributes[failed.trailing_zeros() as usize];
                failed &= failed - 1;
                verdict = match verdict {
                    Verdict::Passes => Verdict::FailsOnly(attribute),
                    Verdict::FailsOnly(other) if other == attribute => verdict,
                    _ => return Verdict::Fails,
                };
            }
        }
        verdict
    }
}
