//! What is indexed of an entry: nothing but what a reader of its audience is shown, and the ids of the
//! entries that it names.

use std::collections::HashMap;

use sea_orm::{ActiveEnum, ConnectionTrait};
use serde_json::{Map, Value as Json};

use super::condition;
use crate::{
    auth::{Caller, Grants, caller::Actor},
    editorial::{
        Kind, collation, finder,
        kind::object,
        lists::{
            field::{Holds, Place, fields},
            value,
        },
        load::{Stored, load},
        references::References,
        shape::Shape,
        view::{View, referred_to},
    },
    entity::{
        entry,
        vocabulary::{self, Visibility},
    },
    http::{Result, locale::Language},
    search::{Completion, Entry, Row, Value, Weight, attribute},
};

/// The properties that name an entry, whatever its kind.
const NAMES: [&str; 8] =
    ["title", "subtitle", "label", "alternative_labels", "name", "short_name", "code", "notation"];
/// Somebody who reads what `audience` may read, and nothing else.
fn reader(audience: Visibility) -> Caller {
    let grants = Grants { reads: Some(audience), ..Grants::NONE };
    Caller { actor: Actor::Nobody, grants, request_id: None }
}

/// What is indexed of the entries `rows` of one kind, as far as some reader may see them.
///
/// # Errors
/// When the database fails.
pub async fn of_kind<K: Kind>(db: &impl ConnectionTrait, rows: Vec<entry::Model>) -> Result<Vec<Entry>> {
    let mut by_audience: HashMap<Visibility, Vec<entry::Model>> = HashMap::new();
    for row in rows {
        if let Some(audience) = finder::audience(&row) {
            by_audience.entry(audience).or_default().push(row);
        }
    }
    let mut entries = Vec::new();
    for (audience, rows) in by_audience {
        let reader = reader(audience);
        let mut stored = load::<K>(db, rows, &Shape::WHOLE).await?;
        let named = referred_to(&mut stored);
        let shown = References::load(db, &reader, named.clone()).await?;
        let known = References::load(db, &self::reader(Visibility::Internal), named).await?;
        entries.extend(stored.iter().map(|stored| of_entry(stored, &shown, &known, &reader, audience)));
    }
    Ok(entries)
}

/// What is indexed of an entry. Its texts tell the names that all its readers are `shown`; of the entries
/// that it names, all are noted that are `known` to some reader: the index keeps them from all others.
fn of_entry<K: Kind>(
    stored: &Stored<K>,
    shown: &References,
    known: &References,
    reader: &Caller,
    audience: Visibility,
) -> Entry {
    let original = &stored.entry.original_locale;
    // Rendering withholds by itself, and what is withheld twice is lost: it takes the consent away.
    let mut draft = stored.draft.clone();
    K::withhold(&mut draft, reader);
    let mut locales: Vec<&String> = draft.translations.keys().collect();
    if !locales.contains(&original) {
        // A name needs no translation.
        locales.push(original);
    }
    let rendered = |locale: &String, references: &References| {
        let language = Language { fallback: false, ..Language::fixed(locale) };
        let view = View { language: &language, caller: reader, shape: &Shape::WHOLE };
        view.render(stored.clone(), references)
    };
    let mut found = Vec::new();
    let mut rows = Vec::new();
    for locale in locales {
        let shown = rendered(locale, shown);
        let heading = K::heading(&draft.fields, draft.translations.get(locale));
        rows.push(row::<K>(locale.clone(), heading.as_deref(), &shown));
        if locale == original {
            found = attributes::<K>(&stored.entry, &rendered(locale, known));
        }
    }
    Entry {
        id: stored.entry.id,
        kind: K::KIND,
        audience,
        published: stored.entry.published_at.map_or(0, |at| at.timestamp_micros()),
        attributes: found,
        rows,
    }
}

/// An entry in one language.
fn row<K: Kind>(locale: String, heading: Option<&str>, shown: &Map<String, Json>) -> Row {
    let mut texts = Vec::new();
    let mut completions = Vec::new();
    let mut name = |text: &str| {
        texts.push((Weight::Title, text.to_owned()));
        let order = collation::key(text).into_bytes();
        completions.push(Completion { text: text.to_owned(), order });
    };
    let is_shown = |property: &str| shown.get(property).and_then(Json::as_str);
    if let Some(heading) = heading.filter(|heading| Some(*heading) != K::TITLE.and_then(is_shown)) {
        name(heading);
    }
    for text in NAMES.iter().filter_map(|property| shown.get(*property)).flat_map(strings) {
        name(text);
    }
    let own = object(&K::Texts::default());
    for (property, value) in shown {
        let weight = match property.as_str() {
            name if NAMES.contains(&name) => continue,
            name if K::SUMMARY == Some(name) => Weight::Summary,
            name if own.contains_key(name) => Weight::Body,
            name if name == "topics" || K::CREDITS.iter().any(|field| field.name == name) => {
                texts.extend(names(value).map(|name| (Weight::Linked, name.to_owned())));
                continue;
            }
            "identifiers" => {
                let values = list(value).iter().filter_map(|known| known.get("value")?.as_str());
                texts.extend(values.map(|value| (Weight::Linked, value.to_owned())));
                continue;
            }
            _ => continue,
        };
        texts.extend(strings(value).into_iter().map(|text| (weight, text.to_owned())));
    }
    Row { locale, texts, completions }
}

/// What an entry is filtered and counted by: what its kind declares of its lists ([`fields`]), and all
/// entries that it is linked with.
fn attributes<K: Kind>(row: &entry::Model, shown: &Map<String, Json>) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for field in fields::<K>() {
        let values: Vec<Value> = match field.place {
            Place::Own(_) => {
                let keys = value::stored(&field, shown);
                keys.iter().filter_map(|key| condition::indexed(field.holds, key)).collect()
            }
            Place::Topics => {
                shown.get("topics").map(list).unwrap_or_default().iter().filter_map(id).collect()
            }
            Place::Credits => {
                let part = if matches!(field.holds, Holds::Entries(vocabulary::Kind::Person)) {
                    "person"
                } else {
                    "partner"
                };
                let credits = K::CREDITS.iter().filter_map(|field| shown.get(field.name)).flat_map(list);
                credits.filter_map(|credit| id(credit.get(part)?)).collect()
            }
            Place::Link => linked(shown, field.name).iter().filter_map(id).collect(),
            Place::Identifier(scheme) => {
                let scheme = Json::from(scheme.to_value());
                let known = shown.get("identifiers").map(list).unwrap_or_default().iter();
                let known = known.filter(|known| known.get("scheme") == Some(&scheme));
                known
                    .filter_map(|known| Some(Value::Text(known.get("value")?.as_str()?.to_owned())))
                    .collect()
            }
            Place::Entry(entry::Column::PublishedAt) => {
                row.published_at.map(|at| Value::Number(at.timestamp_millis())).into_iter().collect()
            }
            Place::Entry(entry::Column::UpdatedAt) => vec![Value::Number(row.updated_at.timestamp_millis())],
            Place::Entry(entry::Column::Visibility) => {
                vec![Value::Text(row.visibility.to_value())]
            }
            Place::Entry(_) | Place::Title => Vec::new(),
        };
        found.extend(values.into_iter().map(|value| (field.name.to_owned(), value)));
    }
    let links = K::LINKS.iter().flat_map(|field| linked(shown, field.name)).filter_map(id);
    found.extend(links.map(|target| (attribute::LINK.to_owned(), target)));
    found
}

/// The entry that `named` is.
fn id(named: &Json) -> Option<Value> {
    named.get("id")?.as_str()?.parse().ok().map(Value::Entry)
}

/// The entries in the link `name`.
fn linked<'a>(shown: &'a Map<String, Json>, name: &str) -> &'a [Json] {
    match shown.get(name) {
        Some(Json::Array(linked)) => linked.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => &[],
    }
}

fn list(value: &Json) -> &[Json] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The names in a list of entries or credits.
fn names(value: &Json) -> impl Iterator<Item = &str> {
    list(value).iter().filter_map(|named| named.get("name")?.as_str())
}

/// The texts in a text, a list of texts, or an object of texts.
fn strings(value: &Json) -> Vec<&str> {
    match value {
        Json::String(text) => vec![text],
        Json::Array(items) => items.iter().flat_map(strings).collect(),
        Json::Object(object) => object.values().flat_map(strings).collect(),
        _ => Vec::new(),
    }
}
