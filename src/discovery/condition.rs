//! The filters of a list as conditions on the index: the same declaration, the same meaning.
//!
//! The index compares numbers: dates are written as `20160300`, instants in milliseconds.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sea_orm::{ActiveEnum, QuerySelect, entity::prelude::*};

use crate::{
    auth::Caller,
    editorial::lists::{
        field::Holds,
        filter as lists,
        parse::{Asked, Edge, Filter, Operand},
        value::Span,
    },
    entity::{entry, vocabulary::Kind},
    http::{Id, Result},
    search::{self, Test, Value},
};

/// The value of a field as the index holds it; `key` is as lists store it.
pub fn indexed(holds: Holds, key: &str) -> Option<Value> {
    match holds {
        Holds::Number { .. } | Holds::PartialDate | Holds::Year | Holds::Date | Holds::Instant => {
            number(holds, key, '0').map(Value::Number)
        }
        Holds::Words(_) | Holds::Text(_) | Holds::Flag => Some(Value::Text(key.to_owned())),
        Holds::Entries(_) | Holds::Title => None,
    }
}

/// A key as a number; a date that is not whole is filled up with `filling`.
fn number(holds: Holds, key: &str, filling: char) -> Option<i64> {
    match holds {
        Holds::Instant => DateTime::parse_from_rfc3339(key).ok().map(|at| at.timestamp_millis()),
        Holds::PartialDate | Holds::Date => {
            let mut digits: String = key.chars().filter(char::is_ascii_digit).collect();
            while digits.len() < 8 {
                digits.push(filling);
            }
            digits.parse().ok()
        }
        _ => key.parse().ok(),
    }
}

/// The conditions that `filters` are, as `caller` sees other entries.
///
/// # Errors
/// When the database fails.
pub async fn conditions(
    db: &impl ConnectionTrait,
    caller: &Caller,
    filters: &[Filter],
) -> Result<Vec<search::Filter>> {
    let mut conditions = Vec::new();
    for filter in filters {
        let mut add = |test| {
            let attribute = filter.field.name.to_owned();
            conditions.push(search::Filter { attribute, test });
        };
        let holds = filter.field.holds;
        match &filter.asked {
            Asked::Any(Operand::Spans(spans)) => add(among(holds, spans, true)),
            Asked::Not(Operand::Spans(spans)) => add(among(holds, spans, false)),
            Asked::All(Operand::Spans(spans)) => {
                for span in spans {
                    add(among(holds, std::slice::from_ref(span), true));
                }
            }
            Asked::Any(Operand::Names(names)) => {
                add(Test::AnyOf(ids(db, caller, filter, names).await?.into_iter().flatten().collect()));
            }
            Asked::Not(Operand::Names(names)) => {
                add(Test::NoneOf(ids(db, caller, filter, names).await?.into_iter().flatten().collect()));
            }
            Asked::All(Operand::Names(names)) => {
                let ids = ids(db, caller, filter, names).await?;
                // What is not there, no entry has.
                for id in ids {
                    add(Test::AnyOf(id.into_iter().collect()));
                }
            }
            Asked::Under(names) => {
                let narrower = lists::narrower_ids(db, caller, names).await?;
                add(Test::AnyOf(narrower.into_iter().map(Value::Entry).collect()));
            }
            Asked::From(edge) => add(Test::Within(vec![(at(holds, edge), i64::MAX)])),
            Asked::Below(edge) => {
                add(Test::Within(vec![(i64::MIN, at(holds, edge).saturating_sub(1))]));
            }
            Asked::Exists(true) => add(Test::Present),
            Asked::Exists(false) => add(Test::Absent),
        }
    }
    Ok(conditions)
}

/// The condition that an entry is of one of `kinds`; none when there are none.
pub fn of_kinds(kinds: &[Kind]) -> Option<search::Filter> {
    let words: Vec<Value> = kinds.iter().map(|kind| Value::Text(kind.to_value())).collect();
    let attribute = search::attribute::KIND.to_owned();
    (!words.is_empty()).then_some(search::Filter { attribute, test: Test::AnyOf(words) })
}

/// Whether a value is one of `spans`, or none of them.
fn among(holds: Holds, spans: &[Span], is_wanted: bool) -> Test {
    if matches!(holds, Holds::Words(_) | Holds::Text(_) | Holds::Flag) {
        let texts = spans.iter().map(|span| match span {
            Span::Is(key) | Span::Within(key, _) => Value::Text(key.clone()),
        });
        return if is_wanted { Test::AnyOf(texts.collect()) } else { Test::NoneOf(texts.collect()) };
    }
    let range = |span: &Span| match span {
        Span::Is(key) => number(holds, key, '0').map(|number| (number, number)),
        // All that begins so.
        Span::Within(from, _) => Some((number(holds, from, '0')?, number(holds, from, '9')?)),
    };
    let ranges = spans.iter().filter_map(range).collect();
    if is_wanted { Test::Within(ranges) } else { Test::Outside(ranges) }
}

/// Where a range begins, or what it ends before.
fn at(holds: Holds, edge: &Edge) -> i64 {
    match edge {
        Edge::At(at) => DateTime::<Utc>::timestamp_millis(at),
        // What is no number comes after every one.
        Edge::Key(key) => number(holds, key, '0').filter(|_| key != "~").unwrap_or(i64::MAX),
    }
}

/// The entries that `names` are, in their order; none for what the caller does not see.
async fn ids(
    db: &impl ConnectionTrait,
    caller: &Caller,
    filter: &Filter,
    names: &[Id],
) -> Result<Vec<Option<Value>>> {
    let rows: Vec<(Uuid, String)> = lists::named(caller, &filter.field, names)
        .select_only()
        .columns([entry::Column::Id, entry::Column::Slug])
        .into_tuple()
        .all(db)
        .await?;
    let by_slug: HashMap<&str, Uuid> = rows.iter().map(|(id, slug)| (slug.as_str(), *id)).collect();
    let found = names.iter().map(|name| match name {
        Id::Uuid(id) => rows.iter().any(|(known, _)| known == id).then_some(*id),
        Id::Slug(slug) => by_slug.get(slug.as_str()).copied(),
    });
    Ok(found.map(|id| id.map(Value::Entry)).collect())
}
