//! What was counted, with the names that readers know it by.

use std::collections::{HashMap, HashSet};

use sea_orm::entity::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    auth::Caller,
    editorial::references::References,
    entity::{
        labels::{Labels, label},
        vocabulary::{
            self, Access, AttendanceMode, Audience, EventStatus, EventType, Outcome, PartnerType, PersonRole,
            ProjectStatus, PublicationType, Reach, State, Visibility,
        },
    },
    http::{Result, locale::Language},
    search::{Counted, Value},
};

/// How many values of a facet are shown, topics that stand above them aside.
const VALUES: usize = 100;

/// A value and how many entries have it.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FacetValue {
    /// The word, number or slug: as a filter takes it.
    #[schema(example = "siddet")]
    pub value: String,
    /// What it is called: the entry of that slug, or the word; null for numbers and languages.
    #[schema(required, example = "Şiddet")]
    pub label: Option<String>,
    /// How many of the entries found have it.
    #[schema(example = 12)]
    pub count: u64,
    /// How many have it or, of a topic, a narrower one; each entry counts once. As many as the operator
    /// `under` leaves.
    #[schema(example = 31)]
    pub total: u64,
    /// Of a topic: the slug of the wider one, which is among the values too; null when it has none.
    #[schema(required, example = "haklar")]
    pub broader: Option<String>,
}

impl FacetValue {
    /// A word of the closed list behind `facet`, which `count` entries have.
    #[must_use]
    pub fn of_word(facet: &str, word: String, count: u64, language: &Language) -> Self {
        let label = labels_of(facet, &word).map(|labels| labels.shown(&language.locale).to_owned());
        Self { value: word, label, count, total: count, broader: None }
    }
}

/// The values of one property of what was found.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Facet {
    /// The property.
    #[schema(example = "topic")]
    pub name: String,
    /// Its values, the most frequent first; at most 100, and all topics that are wider than one of them,
    /// be it that no entry has them (`count` is 0).
    pub values: Vec<FacetValue>,
}

/// Counts with the names of the entries that are counted; one that the caller may not read is left out.
///
/// # Errors
/// When the database fails.
pub async fn labelled(
    db: &impl ConnectionTrait,
    caller: &Caller,
    language: &Language,
    facets: Vec<(String, Vec<Counted>)>,
) -> Result<Vec<Facet>> {
    let facets: Vec<_> = facets.into_iter().map(|(name, values)| (name, most_frequent(values))).collect();
    let entries = facets.iter().flat_map(|(_, values)| values).filter_map(|counted| entry(&counted.value));
    let references = References::load(db, &caller.as_reader(), entries.collect()).await?;
    let value = |facet: &str, counted: Counted| {
        let (value, label) = match counted.value {
            Value::Text(word) => {
                return Some(FacetValue::of_word(facet, word, counted.count as u64, language));
            }
            Value::Number(number) => (number.to_string(), None),
            Value::Entry(id) => {
                let known = references.compact(&id.to_string(), language)?;
                let text = |name: &str| known.get(name)?.as_str().map(str::to_owned);
                (text("slug")?, text("name"))
            }
        };
        let broader = counted.broader.and_then(|id| references.slug(&id.to_string()).map(str::to_owned));
        Some(FacetValue { value, label, count: counted.count as u64, total: counted.total as u64, broader })
    };
    let facet = |(name, values): (String, Vec<Counted>)| {
        let values = values.into_iter().filter_map(|counted| value(&name, counted)).collect();
        Facet { name, values }
    };
    Ok(facets.into_iter().map(facet).collect())
}

/// The most frequent of `values`, which are in that order, and the topics above them. A tree of topics is
/// 64 levels deep at most.
fn most_frequent(values: Vec<Counted>) -> Vec<Counted> {
    let wider: HashMap<Uuid, Uuid> =
        values.iter().filter_map(|counted| Some((entry(&counted.value)?, counted.broader?))).collect();
    let mut above = HashSet::new();
    for counted in values.iter().take(VALUES).filter(|counted| counted.count > 0) {
        let mut next = counted.broader;
        while let Some(id) = next.filter(|id| above.insert(*id)) {
            next = wider.get(&id).copied();
        }
    }
    let values = values.into_iter().enumerate().filter(|(place, counted)| {
        let is_frequent = *place < VALUES && counted.count > 0;
        is_frequent || entry(&counted.value).is_some_and(|id| above.contains(&id))
    });
    values.map(|(_, counted)| counted).collect()
}

const fn entry(value: &Value) -> Option<Uuid> {
    match value {
        Value::Entry(id) => Some(*id),
        Value::Text(_) | Value::Number(_) => None,
    }
}

/// What a value of a facet is called that is a word of a closed list; kinds share the name of a property,
/// and no word of it means two things.
fn labels_of(facet: &str, word: &str) -> Option<Labels> {
    match facet {
        "kind" => label::<vocabulary::Kind>(word),
        "type" => label::<PublicationType>(word)
            .or_else(|| label::<EventType>(word))
            .or_else(|| label::<PartnerType>(word)),
        "status" => label::<ProjectStatus>(word).or_else(|| label::<EventStatus>(word)),
        "scope" => label::<Reach>(word),
        "state" => label::<State>(word),
        "visibility" => label::<Visibility>(word),
        "access" => label::<Access>(word),
        "audience" => label::<Audience>(word),
        "mode" => label::<AttendanceMode>(word),
        "role" => label::<PersonRole>(word),
        "outcome" => label::<Outcome>(word),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topic(number: u128, count: usize, broader: Option<u128>) -> Counted {
        let value = Value::Entry(Uuid::from_u128(number));
        Counted { value, count, total: count, broader: broader.map(Uuid::from_u128) }
    }

    #[test]
    fn the_most_frequent_come_with_all_that_is_above_them_and_nothing_else() {
        let counted = (1..=150).map(|number| topic(number, 200, (number == 7).then_some(1_000)));
        let rare = [topic(500, 2, None), topic(501, 1, Some(1_002))];
        let above = [topic(1_000, 0, Some(500)), topic(1_002, 0, None)];
        let kept = most_frequent(counted.chain(rare).chain(above).collect());
        let kept: Vec<u128> =
            kept.iter().filter_map(|kept| entry(&kept.value)).map(|id| id.as_u128()).collect();
        assert!(kept.iter().copied().eq((1..=100).chain([500, 1_000])), "{kept:?}");
    }

    #[test]
    fn a_circle_has_an_end() {
        let kept = most_frequent(vec![topic(1, 1, Some(2)), topic(2, 0, Some(3)), topic(3, 0, Some(2))]);
        assert_eq!(kept.len(), 3);
    }
}
