//! What of an entry an answer has: `fields` picks properties, `include` adds what is otherwise left out.
//!
//! The names are those of the published schema `Partial…`: what the document does not know cannot be
//! asked for, and a property that a kind declares can be picked without another word.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{
    kind::{Agents, Kind},
    markdown,
};
use crate::{
    entity::vocabulary,
    http::query::{Values, nearest},
};

/// How many properties may be picked.
pub const MAX_FIELDS: usize = 100;
/// How many characters an excerpt may have.
pub const MAX_EXCERPT: usize = 1_000;
/// How many entries a page may have when it shows their long texts.
pub const MAX_WITH_BODY: u64 = 20;
/// How deep a path may lead: further than anything lies.
const MAX_DEPTH: usize = 8;
/// From how many characters on a text is long: an excerpt of it can be had.
const LONG: u64 = 1_000;
/// The property of a reference that holds the whole entry.
pub const ENTRY: &str = "entry";
/// The property that holds what is related.
pub const RELATED: &str = "related";

/// What of an entry an answer has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// The properties that were picked; none: all that there usually are.
    picked: Option<Picked>,
    /// Whether the long text.
    body: bool,
    /// Whether the long text as HTML.
    pub html: bool,
    /// Whether what is related.
    pub related: bool,
    /// The references whose entries are shown, and what of these.
    pub entries: Vec<(Reference, Shape)>,
}

/// Properties by name, and what is wanted of each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Picked(BTreeMap<String, Pick>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Pick {
    Whole,
    Excerpt(Excerpt),
    Parts(Picked),
}

/// The beginning of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Excerpt {
    characters: usize,
    is_markdown: bool,
}

/// Where an entry refers to another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The property.
    pub property: &'static str,
    /// The property of its items that holds the reference, when it is not they themselves.
    pub part: Option<&'static str>,
    /// What it refers to.
    pub kind: vocabulary::Kind,
}

/// Which answer is shaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// One entry.
    Entry,
    /// A list of them.
    List,
}

impl Shape {
    /// An entry as it is shown alone.
    pub const WHOLE: Self = Self::usual(true);
    /// An entry as lists show it.
    pub const BRIEF: Self = Self::usual(false);

    /// An entry of which nothing is read but its own texts and values, with the long text or without: not
    /// whom or what it refers to.
    #[must_use]
    pub fn own(body: bool) -> Self {
        Self { picked: Some(Picked::default()), ..Self::usual(body) }
    }

    const fn usual(body: bool) -> Self {
        Self { picked: None, body, html: false, related: false, entries: Vec::new() }
    }

    /// Reads `fields` and `include`.
    pub fn read<K: Kind>(values: &mut Values<'_>, of: Of) -> Self {
        let included = included::<K>(values, of);
        let is_included = |name: &str| included.iter().any(|included| included == name);
        let mut picked = picked::<K>(values, of);
        if let Some(picked) = &mut picked {
            for name in &included {
                picked.0.entry(name.clone()).or_insert(Pick::Whole);
            }
        }
        let wants = |name: &str| match &picked {
            Some(picked) => picked.0.contains_key(name),
            None => is_included(name),
        };
        let body = K::BODY.is_some_and(|body| wants(body) || picked.is_none() && of == Of::Entry);
        let html = K::BODY.is_some_and(|body| wants(&html_of(body)));
        let related = of == Of::Entry && may_show_related::<K>() && wants(RELATED);
        let mut entries = Vec::new();
        for reference in references::<K>() {
            let asked = is_included(reference.property);
            match &mut picked {
                None if asked => entries.push((reference, Self::BRIEF)),
                None => {}
                Some(picked) => {
                    let shape = picked.entry(&reference, asked);
                    entries.extend(shape.map(|shape| (reference, shape)));
                }
            }
        }
        Self { picked, body, html, related, entries }
    }

    /// Whether the answer has the property `name`, of those that there usually are.
    #[must_use]
    pub fn wants(&self, name: &str) -> bool {
        self.picked.as_ref().is_none_or(|picked| picked.0.contains_key(name))
    }

    /// Whether the long text is needed, to be shown or to be made something of.
    #[must_use]
    pub fn needs_body(&self) -> bool {
        self.body || self.html
    }

    /// Whether something is to be made of a long text: that takes time.
    #[must_use]
    pub fn computes(&self) -> bool {
        self.html || self.picked.as_ref().is_some_and(Picked::has_excerpt)
    }

    /// Leaves of `shown`, an entry of `K`, what was asked for.
    pub fn cut<K: Kind>(&self, shown: &mut Map<String, Value>) {
        if let Some(picked) = &self.picked {
            picked.cut(shown);
        } else if let Some(body) = K::BODY.filter(|_| !self.body) {
            shown.shift_remove(body);
        }
    }
}

impl Picked {
    /// Adds what `path` leads to; `false` when something else of it is wanted already.
    fn add(&mut self, path: &[&str], pick: &Pick) -> bool {
        let Some((name, rest)) = path.split_first() else { return true };
        if rest.is_empty() {
            return self.0.entry((*name).to_owned()).or_insert_with(|| pick.clone()) == pick;
        }
        let parts = self.0.entry((*name).to_owned()).or_insert_with(|| Pick::Parts(Self::default()));
        match parts {
            Pick::Parts(parts) => parts.add(rest, pick),
            _ => false,
        }
    }

    /// What is wanted of the entries that `reference` names; `asked` says that they are included.
    fn entry(&mut self, reference: &Reference, asked: bool) -> Option<Shape> {
        let pick = self.0.get_mut(reference.property)?;
        let Pick::Parts(parts) = pick else { return asked.then_some(Shape::BRIEF) };
        let parts = match reference.part {
            Some(part) => {
                if asked {
                    parts.0.entry(part.to_owned()).or_insert(Pick::Whole);
                }
                let Pick::Parts(parts) = parts.0.get_mut(part)? else {
                    return asked.then_some(Shape::BRIEF);
                };
                parts
            }
            None => parts,
        };
        if asked {
            parts.0.entry(ENTRY.to_owned()).or_insert(Pick::Whole);
        }
        match parts.0.get(ENTRY)? {
            Pick::Parts(parts) => Some(Shape { picked: Some(parts.clone()), ..Shape::BRIEF }),
            _ => Some(Shape::BRIEF),
        }
    }

    fn cut(&self, shown: &mut Map<String, Value>) {
        shown.retain(|name, _| self.0.contains_key(name));
        for (name, value) in shown {
            match self.0.get(name) {
                Some(Pick::Excerpt(excerpt)) => excerpt.cut(value),
                Some(Pick::Parts(parts)) => parts.cut_value(value),
                Some(Pick::Whole) | None => {}
            }
        }
    }

    fn has_excerpt(&self) -> bool {
        self.0.values().any(|pick| match pick {
            Pick::Whole => false,
            Pick::Excerpt(_) => true,
            Pick::Parts(parts) => parts.has_excerpt(),
        })
    }

    fn cut_value(&self, value: &mut Value) {
        match value {
            Value::Object(object) => self.cut(object),
            Value::Array(items) => items.iter_mut().for_each(|item| self.cut_value(item)),
            _ => {}
        }
    }
}

impl Excerpt {
    fn cut(self, text: &mut Value) {
        if let Value::String(text) = text {
            let plain = if self.is_markdown { markdown::plain(text) } else { std::mem::take(text) };
            *text = markdown::beginning(&plain, self.characters);
        }
    }
}

impl Reference {
    /// Calls `act` with every reference of this kind in `shown`.
    pub fn each(&self, shown: &mut Map<String, Value>, act: &mut impl FnMut(&mut Map<String, Value>)) {
        let mut one = |value: &mut Value| {
            let held = match self.part {
                Some(part) => value.get_mut(part),
                None => Some(value),
            };
            if let Some(Value::Object(reference)) = held {
                act(reference);
            }
        };
        match shown.get_mut(self.property) {
            Some(Value::Array(items)) => items.iter_mut().for_each(one),
            Some(value) => one(value),
            None => {}
        }
    }
}

/// Puts `entry` into the reference to it.
pub fn embed(reference: &mut Map<String, Value>, entry: Value) {
    reference.insert(ENTRY.to_owned(), entry);
}

/// Where entries of `K` refer to others.
#[must_use]
pub fn references<K: Kind>() -> Vec<Reference> {
    let whole = |property, kind| Reference { property, part: None, kind };
    let mut references = Vec::new();
    for credit in K::CREDITS {
        let part = |part, kind| Reference { property: credit.name, part: Some(part), kind };
        if credit.agents != Agents::Partners {
            references.push(part("person", vocabulary::Kind::Person));
        }
        if credit.agents != Agents::People {
            references.push(part("partner", vocabulary::Kind::Partner));
        }
    }
    references.extend(K::LINKS.iter().map(|link| whole(link.name, link.target)));
    if K::HAS_TOPICS {
        references.push(whole("topics", vocabulary::Kind::Topic));
    }
    references.push(whole("owner", vocabulary::Kind::Partner));
    references
}

/// The property that holds the long text `body` as HTML.
#[must_use]
pub fn html_of(body: &str) -> String {
    format!("{body}_html")
}

/// Whether an entry of `K` can be shown with what is related: a topic calls other topics so.
#[must_use]
pub fn may_show_related<K: Kind>() -> bool {
    K::LINKS.iter().all(|link| link.name != RELATED)
}

/// What `include` can name.
#[must_use]
pub fn includable<K: Kind>(of: Of) -> Vec<String> {
    let mut names: Vec<String> = K::BODY.map_or_else(Vec::new, |body| vec![body.to_owned(), html_of(body)]);
    names.extend(references::<K>().iter().map(|reference| reference.property.to_owned()));
    names.dedup();
    if of == Of::Entry && may_show_related::<K>() {
        names.push(RELATED.to_owned());
    }
    names
}

fn included<K: Kind>(values: &mut Values<'_>, of: Of) -> Vec<String> {
    let Some(asked) = values.get("include").map(str::to_owned) else { return Vec::new() };
    let known = includable::<K>(of);
    let mut included: Vec<String> = Vec::new();
    for name in asked.split(',') {
        if !known.iter().any(|known| known == name) {
            values.refuse("include", "not_in_list", format!("can be: {}", known.join(", ")));
            break;
        }
        if !included.iter().any(|included| included == name) {
            included.push(name.to_owned());
        }
    }
    included
}

fn picked<K: Kind>(values: &mut Values<'_>, of: Of) -> Option<Picked> {
    let asked = values.get("fields")?.to_owned();
    let schemas = values.contract.schemas();
    let mut picked = Picked::default();
    for (index, field) in asked.split(',').enumerate() {
        if index >= MAX_FIELDS {
            values.refuse("fields", "too_many", format!("may name {MAX_FIELDS} properties"));
            break;
        }
        let shown: String = field.chars().take(100).collect();
        let refused = match pick::<K>(schemas, field, of) {
            Ok((path, pick)) => {
                if picked.add(&path, &pick) {
                    continue;
                }
                ("contradiction", format!("`{shown}`: it, or a part of it, is named otherwise as well"))
            }
            Err((code, detail)) => (code, format!("`{shown}`: {detail}")),
        };
        values.refuse("fields", refused.0, refused.1);
        break;
    }
    Some(picked)
}

/// Reads one of `fields`: a path, perhaps with `:excerpt(n)`.
fn pick<'a, K: Kind>(
    schemas: &Value,
    field: &'a str,
    of: Of,
) -> Result<(Vec<&'a str>, Pick), (&'static str, String)> {
    let (path, excerpt) = match field.split_once(':') {
        Some((path, excerpt)) => (path, Some(excerpt)),
        None => (field, None),
    };
    let path: Vec<&str> = path.split('.').collect();
    if path.len() > MAX_DEPTH {
        return Err(("not_in_list", "nothing lies that deep".to_owned()));
    }
    let root = format!("Partial{}", K::NAME);
    let mut schema = &schemas[&root];
    let mut is_within = false;
    for (depth, name) in path.iter().enumerate() {
        let Some(properties) = properties(schemas, schema) else {
            let before = path.get(depth.wrapping_sub(1)).copied().unwrap_or_default();
            return Err(("not_in_list", format!("`{before}` has no properties")));
        };
        let is_there = |name: &str| {
            let schema = properties.get(name).unwrap_or(&Value::Null);
            if is_beside(schema) {
                return of == Of::Entry && depth == 0;
            }
            // An entry that is included is shown in brief; what has a media type is a long text.
            !is_within || name != ENTRY && schema["contentMediaType"].is_null()
        };
        let Some(found) = properties.get(*name).filter(|_| is_there(name)) else {
            let known = properties.keys().map(String::as_str).filter(|name| is_there(name));
            let near = nearest(name, known).unwrap_or_default();
            return Err(("not_in_list", format!("there is no such property; the nearest is `{near}`")));
        };
        is_within |= *name == ENTRY;
        schema = found;
    }
    let Some(excerpt) = excerpt else { return Ok((path, Pick::Whole)) };
    if schema["maxLength"].as_u64().is_none_or(|most| most < LONG) {
        return Err(("not_in_list", "only of a long text can an excerpt be had".to_owned()));
    }
    let characters = excerpt.strip_prefix("excerpt(").and_then(|rest| rest.strip_suffix(')'));
    let characters = characters.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    let characters = characters.and_then(|digits| digits.parse().ok());
    let Some(characters) = characters.filter(|characters| (1..=MAX_EXCERPT).contains(characters)) else {
        return Err(("format", format!("say `:excerpt(n)` with n from 1 to {MAX_EXCERPT}")));
    };
    let is_markdown = schema["contentMediaType"] == markdown::MEDIA_TYPE;
    Ok((path, Pick::Excerpt(Excerpt { characters, is_markdown })))
}

/// Whether the property `schema` holds not something of the entry, but what is related to it.
#[must_use]
pub fn is_beside(schema: &Value) -> bool {
    schema["items"]["$ref"] == "#/components/schemas/RelatedEntry"
}

/// The properties of what `schema` describes: of the object, or of each one in the list.
#[must_use]
pub fn properties<'a>(schemas: &'a Value, mut schema: &'a Value) -> Option<&'a Map<String, Value>> {
    for _ in 0..MAX_DEPTH {
        if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
            return Some(properties);
        }
        let reference = schema.get("$ref").and_then(Value::as_str);
        schema = if let Some(name) = reference.and_then(|reference| reference.rsplit('/').next()) {
            schemas.get(name)?
        } else if let Some(items) = schema.get("items") {
            items
        } else {
            let ways = schema.get("oneOf").or_else(|| schema.get("anyOf"))?.as_array()?;
            ways.iter().find(|way| way.get("$ref").is_some() || way.get("items").is_some())?
        };
    }
    None
}
