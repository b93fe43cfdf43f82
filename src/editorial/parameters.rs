//! The query parameters of the operations on entries.

use std::marker::PhantomData;

use super::{
    kind::Kind,
    lists::{
        field,
        parse::{self, Selection},
    },
    shape::{MAX_WITH_BODY, Of, Shape},
};
use crate::{
    entity::vocabulary::State,
    http::{
        locale::{self, Language},
        query::{Parameters, Values},
    },
};

/// The parameters of a list.
#[derive(Debug)]
pub struct ListParameters<K> {
    /// How many entries a page has.
    pub limit: u64,
    /// Where to go on.
    pub cursor: Option<String>,
    /// In which language.
    pub language: Language,
    /// What of each entry.
    pub shape: Shape,
    /// Only what is there.
    pub shelf: Option<Shelf>,
    /// Which entries, in which order.
    pub selection: Selection,
    /// Whether to say how many there are.
    pub counts: bool,
    /// The words that are searched for.
    pub q: Option<String>,
    /// What is counted, by name.
    pub facets: Vec<&'static str>,
    /// Whether the entries in each state are counted.
    pub counts_states: bool,
    /// The parameters that say which list it is, as they were sent: a cursor is good for no other.
    pub described: Vec<(String, String)>,
    kind: PhantomData<K>,
}

/// The parameters that choose a page of a list, or how it is shown.
const OF_A_PAGE: [&str; 8] =
    ["limit", "cursor", "count", "facets", "fields", "include", locale::NAMES[0], locale::NAMES[1]];

/// Where entries are: in one of the states, or in the trash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shelf {
    /// In this state.
    State(State),
    /// In the trash.
    Trash,
}

/// The words that name them.
pub const SHELVES: [(&str, Shelf); 6] = [
    ("draft", Shelf::State(State::Draft)),
    ("in_review", Shelf::State(State::InReview)),
    ("scheduled", Shelf::State(State::Scheduled)),
    ("published", Shelf::State(State::Published)),
    ("archived", Shelf::State(State::Archived)),
    ("trashed", Shelf::Trash),
];

impl<K: Kind> Parameters for ListParameters<K> {
    const NAMES: &'static [&'static str] = &[
        "limit",
        "cursor",
        "count",
        locale::NAMES[0],
        locale::NAMES[1],
        "state",
        "q",
        "facets",
        "fields",
        "include",
    ];

    fn knows(name: &str) -> bool {
        Self::NAMES.contains(&name) || parse::knows::<K>(name)
    }

    fn names() -> Vec<String> {
        Self::NAMES.iter().map(|name| (*name).to_owned()).chain(parse::names::<K>()).collect()
    }

    fn read(values: &mut Values<'_>) -> Self {
        let shelf = if values.get("state").is_some() { values.one_of("state", &SHELVES) } else { None };
        let described = values.given().filter(|(name, _)| !OF_A_PAGE.contains(name));
        let described = described.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let shape = Shape::read::<K>(values, Of::List);
        let mut facets = facets(values, &counted::<K>());
        let all = facets.len();
        facets.retain(|name| *name != STATE);
        let counts_states = facets.len() < all;
        let most = if shape.needs_body() { MAX_WITH_BODY } else { 100 };
        Self {
            shape,
            shelf,
            described,
            selection: parse::read::<K>(values),
            counts: values.get("count").is_some()
                && values.one_of("count", &[("exact", true)]).unwrap_or_default(),
            q: values.get("q").is_some().then(|| words(values)),
            facets,
            counts_states,
            kind: PhantomData,
            limit: values.number("limit", 1, most, 20),
            cursor: values.get("cursor").map(str::to_owned),
            language: Language::read(values),
        }
    }
}

/// How many characters a query may have.
pub const MAX_QUERY: usize = 500;

/// Reads `q`, the words that are searched for.
pub fn words(values: &mut Values<'_>) -> String {
    let q = values.get("q").unwrap_or_default().to_owned();
    if q.trim().is_empty() {
        values.refuse("q", "required", "say what to search for");
    } else if q.chars().count() > MAX_QUERY {
        values.refuse("q", "too_long", format!("may have {MAX_QUERY} characters"));
    }
    q
}

/// Reads `facets`: which of `known` are to be counted.
pub fn facets(values: &mut Values<'_>, known: &[&'static str]) -> Vec<&'static str> {
    let Some(asked) = values.get("facets").map(str::to_owned) else { return Vec::new() };
    let mut facets = Vec::new();
    for name in asked.split(',') {
        match known.iter().find(|known| **known == name) {
            Some(name) if facets.contains(name) => {}
            Some(name) => facets.push(*name),
            None => {
                values.refuse("facets", "not_in_list", format!("can be: {}", known.join(", ")));
                break;
            }
        }
    }
    facets
}

/// The facet that counts the entries in each state.
pub const STATE: &str = "state";

/// The names of what can be counted in lists of `K`.
#[must_use]
pub fn counted<K: Kind>() -> Vec<&'static str> {
    field::facets::<K>().into_iter().map(|field| field.name).chain([STATE]).collect()
}

/// The parameters of one entry that is read.
#[derive(Debug)]
pub struct ReadParameters<K> {
    /// In which language.
    pub language: Language,
    /// Whether the working copy is meant.
    pub draft: bool,
    /// What of it.
    pub shape: Shape,
    kind: PhantomData<K>,
}

impl<K: Kind> Parameters for ReadParameters<K> {
    const NAMES: &'static [&'static str] =
        &[locale::NAMES[0], locale::NAMES[1], "draft", "fields", "include"];

    fn read(values: &mut Values<'_>) -> Self {
        let EntryParameters { language, draft } = EntryParameters::read(values);
        Self { language, draft, shape: Shape::read::<K>(values, Of::Entry), kind: PhantomData }
    }
}

/// The parameters of one entry that is changed and may have a working copy.
#[derive(Debug)]
pub struct EntryParameters {
    /// In which language.
    pub language: Language,
    /// Whether the working copy is meant.
    pub draft: bool,
}

impl Parameters for EntryParameters {
    const NAMES: &'static [&'static str] = &[locale::NAMES[0], locale::NAMES[1], "draft"];

    fn read(values: &mut Values<'_>) -> Self {
        Self {
            language: Language::read(values),
            draft: values.one_of("draft", &[("false", false), ("true", true)]).unwrap_or_default(),
        }
    }
}

/// The parameters of one entry.
#[derive(Debug)]
pub struct ItemParameters(pub Language);

impl Parameters for ItemParameters {
    const NAMES: &'static [&'static str] = &locale::NAMES;

    fn read(values: &mut Values<'_>) -> Self {
        Self(Language::read(values))
    }
}

/// The address of the list with another cursor, or none.
#[must_use]
pub fn with_cursor(uri: &axum::http::Uri, cursor: Option<&str>) -> String {
    let kept = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let kept = kept.filter(|(name, _)| name != "cursor");
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(kept);
    if let Some(cursor) = cursor {
        query.append_pair("cursor", cursor);
    }
    let query = query.finish();
    if query.is_empty() { uri.path().to_owned() } else { format!("{}?{query}", uri.path()) }
}
