//! The parameters of lists, from what kinds declare: typed, so that a generated client is.
//!
//! A field of which more than equality can be asked is one parameter of the style `deepObject`, which
//! stands for `field[operator]=…`. Without an operator it means `any`, as an array separated by commas.

use serde_json::{Map, Value, json};

use super::operations::{parameter, words};
use crate::editorial::{
    kind::Kind,
    lists::{
        field::{Field, Holds, Operator, fields},
        parse::{MAX_ALL, MAX_FILTERS, MAX_KEYS, MAX_VALUES},
    },
    parameters::{MAX_QUERY, SHELVES, counted},
};

/// How lists are filtered, in the description of each.
pub(super) fn grammar() -> String {
    format!(
        "All filters must be true, up to {MAX_FILTERS} of them; a value that names another entry is its id or slug, and finds nothing where the caller does not see it."
    )
}

/// What chooses the entries, their order, and whether they are counted.
pub(super) fn list_parameters<K: Kind>() -> Vec<Value> {
    let fields = fields::<K>();
    let mut parameters = vec![sort_parameter::<K>(&fields)];
    parameters.push(parameter(
        "count",
        "query",
        &json!({ "type": "string", "enum": ["exact"] }),
        "Adds `total`, how many entries the list has.",
    ));
    parameters.push(parameter(
        "q",
        "query",
        &json!({ "type": "string", "minLength": 1, "maxLength": MAX_QUERY, "example": "kadın emeği" }),
        "Only what is published, as readers see it, and answers these words, the best first unless `sort` is given; as `/v1/search` finds it. Of more than 10,000 answers, the best are sorted.",
    ));
    let names = counted::<K>();
    parameters.push(words(
        "facets",
        &json!({ "type": "array", "minItems": 1, "items": { "type": "string", "enum": names } }),
        "What to count in the whole list, separated by commas; then the list holds only what is published, as readers see it. Each takes no notice of its own filter. `state`, for those who write, stands alone and counts what is in each state, published or not.",
    ));
    parameters.push(parameter(
        "state",
        "query",
        &json!({ "type": "string", "enum": SHELVES.map(|(word, _)| word) }),
        "Only entries in this state, or in the trash; all but `published` is for those who write. Default: all that the caller sees but the trash.",
    ));
    parameters.extend(fields.iter().filter(|field| !field.operators().is_empty()).map(filter));
    parameters
}

fn sort_parameter<K: Kind>(fields: &[Field]) -> Value {
    let names = fields.iter().filter(|field| field.sorts).map(|field| field.name);
    let known: Vec<String> = names.flat_map(|name| [name.to_owned(), format!("-{name}")]).collect();
    let schema = json!({
        "type": "array", "minItems": 1, "maxItems": MAX_KEYS, "uniqueItems": true,
        "items": { "type": "string", "enum": known },
    });
    let description = format!(
        "Up to {MAX_KEYS} fields, separated by commas; with `-` the greatest comes first. What has no value comes last either way; equals stand by id. Names are in Turkish order, as they are served. Default: {}.",
        K::ORDER
    );
    words("sort", &schema, &description)
}

fn filter(field: &Field) -> Value {
    let operators = field.operators();
    if matches!(field.holds, Holds::Flag) {
        return parameter(field.name, "query", &json!({ "type": "boolean" }), field.meaning);
    }
    let asked: Map<String, Value> =
        operators.iter().map(|operator| (operator.word().to_owned(), asked(field, *operator))).collect();
    let object =
        json!({ "type": "object", "additionalProperties": false, "minProperties": 1, "properties": asked });
    let mut description = field.meaning.to_owned();
    let schema = if operators.contains(&Operator::Any) {
        description.push_str(" Without an operator: one of these values.");
        let items = item(field);
        json!({
            "oneOf": [{ "type": "array", "minItems": 1, "maxItems": MAX_VALUES, "items": items }, object],
        })
    } else {
        object
    };
    if let Some(note) = note(field.holds) {
        description.push_str(note);
    }
    let mut filter = parameter(field.name, "query", &schema, &description);
    (filter["style"], filter["explode"]) = (json!("deepObject"), json!(true));
    filter
}

fn note(holds: Holds) -> Option<&'static str> {
    Some(match holds {
        Holds::PartialDate => {
            " A date known only to the year or month is equal to what it lies in, and counts as its first day in a comparison; a year or month to compare with is its first day for `gte` and `lt`, and its last for `gt` and `lte`."
        }
        Holds::Instant => " A day is its first moment (UTC); `now` is the present one.",
        Holds::Entries(_) => " By id or slug.",
        _ => return None,
    })
}

/// One value of `field`.
fn item(field: &Field) -> Value {
    match field.holds {
        Holds::Words(words) => json!({ "type": "string", "enum": words() }),
        Holds::Text(form) => json!({ "type": "string", "pattern": form.pattern, "example": form.example }),
        Holds::Number { least, most } => json!({ "type": "integer", "minimum": least, "maximum": most }),
        Holds::PartialDate => {
            json!({ "type": "string", "pattern": r"^\d{4}(-\d{2}(-\d{2})?)?$", "example": "2016-03" })
        }
        Holds::Year => json!({ "type": "string", "pattern": r"^\d{4}$", "example": "2024" }),
        Holds::Date => json!({ "type": "string", "format": "date" }),
        Holds::Instant => json!({ "type": "string", "maxLength": 40, "example": "2026-03-08T09:00:00Z" }),
        Holds::Entries(_) => json!({ "type": "string", "maxLength": 96, "example": "siddet" }),
        Holds::Flag | Holds::Title => json!({ "type": "boolean" }),
    }
}

/// What `operator` is given.
fn asked(field: &Field, operator: Operator) -> Value {
    // What a list in an object looks like in a query is not defined (OpenAPI 3.1, style values): it is text.
    let list = |most: usize, description: &str| json!({ "type": "string", "description": format!("{description} Up to {most} values, separated by commas.") });
    let bound = |description: &str| {
        let mut bound = item(field);
        bound["description"] = description.into();
        bound
    };
    match operator {
        Operator::Any => list(MAX_VALUES, "One of these."),
        Operator::Not => list(MAX_VALUES, "None of these."),
        Operator::All => list(MAX_ALL, "Each of these."),
        Operator::Under => list(MAX_VALUES, "One of these, or a narrower one."),
        Operator::Gt => bound("After this."),
        Operator::Gte => bound("This or after it."),
        Operator::Lt => bound("Before this."),
        Operator::Lte => bound("This or before it."),
        Operator::Exists => json!({ "type": "boolean", "description": "Whether there is any." }),
    }
}
