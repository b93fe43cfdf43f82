//! The closed lists of words that content is described with, and what the words are called.

use axum::{http::HeaderMap, response::Response};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    auth::{Caller, Reader},
    cache::Sources,
    editorial::answer::{answer, made_of},
    entity::labels::{Labels, List, Word, lists, shown_locale},
    http::{
        Error, Query, Result,
        conditional::Version,
        extract::Part,
        locale::{self, Language},
        query::{Parameters, Values},
    },
};

/// The routes.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_vocabularies)).routes(routes!(get_vocabulary))
}

/// The language of the labels.
#[derive(Debug)]
struct Labelling(Language);

impl Parameters for Labelling {
    const NAMES: &'static [&'static str] = &locale::NAMES;

    fn read(values: &mut Values<'_>) -> Self {
        let language = Language::read(values);
        if language.all {
            values.refuse("locale", "not_in_list", "`labels` has all languages as it is");
        }
        Self(language)
    }
}

impl Labelling {
    /// What is shown of `labels`.
    fn label(&self, labels: Labels) -> Option<&'static str> {
        let Self(language) = self;
        if language.fallback { Some(labels.shown(&language.locale)) } else { labels.of(&language.locale) }
    }

    /// `shown` as the answer to `request`.
    fn answer(&self, request: &HeaderMap, shown: &impl Serialize) -> Result<Response> {
        let Self(language) = self;
        let locale = if language.fallback { shown_locale(&language.locale) } else { &language.locale };
        let shown = serde_json::to_value(shown).map_err(Error::internal)?;
        // It is the same for everybody who may ask.
        let served = language.served([locale]);
        let mut response = answer(request, &Caller::PUBLIC, &served, Version::live(0), None, &shown)?;
        // The words are the program's.
        made_of(&mut response, Some(Sources::NOTHING));
        Ok(response)
    }
}

/// A word of a closed list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Term {
    /// The word, as entries have it and filters take it.
    #[schema(example = "policy_brief")]
    pub value: &'static str,
    /// What it is called in the language of the answer.
    #[schema(required, example = "Politika notu")]
    pub label: Option<&'static str>,
    /// What it is called in all languages.
    pub labels: Labels,
    /// The nearest concept of a public vocabulary, such as a COAR resource type.
    #[schema(required, format = "uri", example = "http://purl.org/coar/resource_type/c_186u")]
    pub uri: Option<&'static str>,
}

/// A closed list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Vocabulary {
    /// What its schema is called in this document, in `snake_case`.
    #[schema(example = "publication_type")]
    pub name: String,
    /// What it is called in the language of the answer.
    #[schema(required, example = "Yayın türü")]
    pub label: Option<&'static str>,
    /// What it is called in all languages.
    pub labels: Labels,
    /// Its words.
    pub terms: Vec<Term>,
}

/// All closed lists.
#[derive(Debug, Serialize, ToSchema)]
pub struct Vocabularies {
    /// The lists.
    pub data: Vec<Vocabulary>,
}

impl Vocabulary {
    fn new(list: &'static List, labelling: &Labelling) -> Self {
        let term = |word: &'static Word<String>| Term {
            value: &word.value,
            label: labelling.label(word.labels),
            labels: word.labels,
            uri: Some(word.uri).filter(|uri| !uri.is_empty()),
        };
        Self {
            name: name(list),
            label: labelling.label(list.labels),
            labels: list.labels,
            terms: list.words.iter().map(term).collect(),
        }
    }
}

/// The name of a list: `PublicationType` is `publication_type`.
fn name(list: &List) -> String {
    let mut name = String::new();
    for letter in list.schema.chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

/// List vocabularies
///
/// Every closed list of words that content is described with, such as the types of publications, and what
/// the words are called in Turkish and English. Where the language asked for has no label, `label` is the
/// English one, unless `fallback=none`.
#[utoipa::path(
    get, path = "/v1/vocabularies", tag = "vocabularies",
    params(
        ("locale" = Option<String>, Query, description = "Language of `label` (BCP 47). Default: `Accept-Language`, else the configured one.", example = "tr"),
        ("fallback" = Option<String>, Query, description = "Where there is no label in that language: `original` (default) takes the English one, `none` leaves it null."),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of what you have; 304 when it is still so."),
    ),
    responses(
        (status = 200, description = "All lists", body = Vocabularies, headers(("ETag" = String, description = "The tag of this representation."))),
        (status = 304, description = "Still as you have it"),
    ),
    extensions(("x-permission" = json!("read"))),
)]
async fn list_vocabularies(
    _: Reader,
    Query(labelling): Query<Labelling>,
    headers: HeaderMap,
) -> Result<Response> {
    let data = lists().iter().map(|list| Vocabulary::new(list, &labelling)).collect();
    labelling.answer(&headers, &Vocabularies { data })
}

/// Read a vocabulary
///
/// One closed list, and what its words are called.
#[utoipa::path(
    get, path = "/v1/vocabularies/{name}", tag = "vocabularies",
    params(
        ("name" = String, Path, description = "The list's name.", example = "publication_type"),
        ("locale" = Option<String>, Query, description = "Language of `label` (BCP 47). Default: `Accept-Language`, else the configured one.", example = "tr"),
        ("fallback" = Option<String>, Query, description = "Where there is no label in that language: `original` (default) takes the English one, `none` leaves it null."),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of what you have; 304 when it is still so."),
    ),
    responses(
        (status = 200, description = "The list", body = Vocabulary, headers(("ETag" = String, description = "The tag of this representation."))),
        (status = 304, description = "Still as you have it"),
    ),
    extensions(("x-permission" = json!("read"))),
)]
async fn get_vocabulary(
    _: Reader,
    Part(asked): Part,
    Query(labelling): Query<Labelling>,
    headers: HeaderMap,
) -> Result<Response> {
    let list = lists().iter().find(|list| name(list) == asked).ok_or(Error::NotFound)?;
    labelling.answer(&headers, &Vocabulary::new(list, &labelling))
}
