//! Reading what is wanted of a list from the parameters of a request.

use super::{
    field::{Field, Holds, Operator, Place, fields},
    value::{self, Span},
};
use crate::{
    editorial::kind::Kind,
    http::{Id, query::Values},
};

/// How many filters one request may have.
pub const MAX_FILTERS: usize = 20;
/// How many values one filter may have.
pub const MAX_VALUES: usize = 50;
/// How many values an entry may have to have all of.
pub const MAX_ALL: usize = 10;
/// How many fields a list may be sorted by.
pub const MAX_KEYS: usize = 3;

/// What an entry of the list must be.
#[derive(Clone, Debug)]
pub struct Filter {
    /// The field that is looked at.
    pub field: Field,
    /// What is asked of it.
    pub asked: Asked,
}

/// What is asked of a field.
#[derive(Clone, Debug)]
pub enum Asked {
    /// It has one of these values.
    Any(Operand),
    /// It has none of these values.
    Not(Operand),
    /// It has each of these values.
    All(Operand),
    /// It has one of these topics, or a narrower one.
    Under(Vec<Id>),
    /// Its value is this one or comes after.
    From(Edge),
    /// Its value comes before this one.
    Below(Edge),
    /// It has a value at all, or has none.
    Exists(bool),
}

/// Values that are asked for.
#[derive(Clone, Debug)]
pub enum Operand {
    /// Of the entry itself.
    Spans(Vec<Span>),
    /// The names of other entries.
    Names(Vec<Id>),
}

/// Where a range begins or ends.
#[derive(Clone, Debug)]
pub enum Edge {
    /// At what is stored like this.
    Key(String),
    /// At this instant.
    At(chrono::DateTime<chrono::Utc>),
}

/// One of the fields that a list is sorted by.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// The field.
    pub field: Field,
    /// Whether what is greatest comes first.
    pub descending: bool,
}

/// Which entries are wanted, and in which order.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// What the entries must be.
    pub filters: Vec<Filter>,
    /// What they are sorted by; nothing: the default order.
    pub sort: Vec<Key>,
}

/// The names of the parameters that are read here.
#[must_use]
pub fn names<K: Kind>() -> Vec<String> {
    let mut names = vec!["sort".to_owned()];
    for field in fields::<K>() {
        let operators = field.operators();
        if operators.contains(&Operator::Any) {
            names.push(field.name.to_owned());
        }
        names.extend(operators.iter().map(|operator| format!("{}[{}]", field.name, operator.word())));
    }
    names
}

/// Reads them; mistakes are noted in `values`.
pub fn read<K: Kind>(values: &mut Values<'_>) -> Selection {
    let fields = fields::<K>();
    let given: Vec<(String, String)> =
        values.given().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let mut filters = Vec::new();
    for (name, text) in &given {
        let Some((field, operator)) = named(&fields, name) else { continue };
        let other = format!("{}[{}]", field.name, Operator::Any.word());
        if *name == field.name && given.iter().any(|(name, _)| *name == other) {
            let detail = format!("this is the same as `{other}`; send one of them");
            values.refuse(name, "repeated_parameter", detail);
            continue;
        }
        match asked(field, operator, text, values.now) {
            Ok(asked) => filters.push(Filter { field: *field, asked }),
            Err((code, detail)) => values.refuse(name, code, detail),
        }
    }
    if filters.len() > MAX_FILTERS {
        let detail = format!("a request may have up to {MAX_FILTERS} filters");
        let last = filters.last().map(|filter| filter.field.name);
        values.refuse(last.unwrap_or_default(), "too_many", detail);
    }
    Selection { filters, sort: sort(&fields, values) }
}

/// The field and the operator that a parameter names.
fn named<'a>(fields: &'a [Field], name: &str) -> Option<(&'a Field, Operator)> {
    let (base, word) = match name.split_once('[') {
        Some((base, rest)) => (base, rest.strip_suffix(']')?),
        None => (name, Operator::Any.word()),
    };
    let field = fields.iter().find(|field| field.name == base)?;
    let operator = field.operators().into_iter().find(|operator| operator.word() == word)?;
    Some((field, operator))
}

/// Whether `name` is a parameter that is read here.
#[must_use]
pub fn knows<K: Kind>(name: &str) -> bool {
    name == "sort" || named(&fields::<K>(), name).is_some()
}

type Mistake = (&'static str, String);

fn asked(
    field: &Field,
    operator: Operator,
    text: &str,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<Asked, Mistake> {
    let after = matches!(operator, Operator::Gt | Operator::Lte);
    let edge = || {
        if matches!(field.holds, Holds::Instant) {
            value::moment(text, after, now).map(Edge::At)
        } else {
            value::edge(field.holds, text, after).map(Edge::Key)
        }
        .map_err(|detail| ("format", detail))
    };
    Ok(match operator {
        Operator::Any => Asked::Any(operand(field, text, MAX_VALUES)?),
        Operator::Not => Asked::Not(operand(field, text, MAX_VALUES)?),
        Operator::All => Asked::All(operand(field, text, MAX_ALL)?),
        Operator::Under => match operand(field, text, MAX_VALUES)? {
            Operand::Names(names) => Asked::Under(names),
            Operand::Spans(_) => return Err(("format", "must be a topic".to_owned())),
        },
        Operator::Gt | Operator::Gte => Asked::From(edge()?),
        Operator::Lt | Operator::Lte => Asked::Below(edge()?),
        Operator::Exists => match text {
            "true" => Asked::Exists(true),
            "false" => Asked::Exists(false),
            _ => return Err(("not_in_list", "must be one of: true, false".to_owned())),
        },
    })
}

/// The values of a list of them, separated by commas.
fn operand(field: &Field, text: &str, most: usize) -> Result<Operand, Mistake> {
    let texts: Vec<&str> = text.split(',').collect();
    if texts.len() > most {
        return Err(("too_many", format!("may have up to {most} values")));
    }
    if texts.iter().any(|text| text.is_empty()) {
        return Err(("format", "must be one or more values, separated by commas".to_owned()));
    }
    if matches!(field.holds, Holds::Entries(_)) {
        let names: Option<Vec<Id>> = texts.into_iter().map(Id::parse).collect();
        let names =
            names.ok_or_else(|| ("format", "must be ids or slugs, separated by commas".to_owned()))?;
        return Ok(Operand::Names(names));
    }
    let code = if matches!(field.holds, Holds::Words(_)) { "not_in_list" } else { "format" };
    let is_doi = matches!(field.place, Place::Identifier(crate::entity::vocabulary::IdentifierScheme::Doi));
    let span = |text: &str| {
        // A DOI is stored in lower case, and case means nothing in it (DOI Handbook, 2.4).
        let text = if is_doi { text.to_ascii_lowercase() } else { text.to_owned() };
        value::asked(field.holds, &text).map_err(|detail| (code, detail))
    };
    texts.into_iter().map(span).collect::<Result<_, _>>().map(Operand::Spans)
}

/// Reads `sort`: names of fields, each with a minus where what is greatest comes first.
fn sort(fields: &[Field], values: &mut Values<'_>) -> Vec<Key> {
    let Some(text) = values.get("sort").map(str::to_owned) else { return Vec::new() };
    let known: Vec<&Field> = fields.iter().filter(|field| field.sorts).collect();
    let mut keys: Vec<Key> = Vec::new();
    for part in text.split(',').take(MAX_KEYS + 1) {
        let name = part.strip_prefix('-').unwrap_or(part);
        let Some(field) = known.iter().find(|field| field.name == name) else {
            let names: Vec<&str> = known.iter().map(|field| field.name).collect();
            let detail = format!(
                "must be one or more of these, separated by commas, with `-` for the greatest first: {}",
                names.join(", ")
            );
            values.refuse("sort", "not_in_list", detail);
            return Vec::new();
        };
        if keys.iter().any(|key| key.field.name == name) {
            values.refuse("sort", "repeated_value", format!("`{name}` is named more than once"));
            return Vec::new();
        }
        keys.push(Key { field: **field, descending: part.len() > name.len() });
    }
    if keys.len() > MAX_KEYS {
        values.refuse("sort", "too_many", format!("may have up to {MAX_KEYS} fields"));
        return Vec::new();
    }
    keys
}
