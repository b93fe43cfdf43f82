//! Searching all kinds at once.

use axum::{
    extract::{OriginalUri, State},
    http::HeaderMap,
    response::Response,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    ask, condition,
    facets::{Facet, labelled},
    filling::{self, Current},
    hits::{self, Brief, Highlights},
    link,
};
use crate::{
    app::App,
    auth::Reader,
    cache::Sources,
    editorial::{
        answer::{answer, made_of},
        parameters::{facets, words},
    },
    entity::vocabulary,
    http::{
        Query, Result,
        conditional::Version,
        cursor::Position,
        locale::{self, Language},
        page::{PageInfo, opened},
        query::{Parameters, Values},
    },
    search::{self, Place},
    synonyms,
};

/// What can be counted.
const FACETS: [&str; 9] =
    ["kind", "topic", "type", "year", "partner", "project", "language", "scope", "status"];

/// What is searched for.
#[derive(Debug)]
pub struct SearchParameters {
    q: String,
    kinds: Vec<vocabulary::Kind>,
    facets: Vec<&'static str>,
    language: Language,
    limit: u64,
    cursor: Option<String>,
}

impl Parameters for SearchParameters {
    const NAMES: &'static [&'static str] =
        &["q", "kind", "facets", "limit", "cursor", locale::NAMES[0], locale::NAMES[1]];

    fn read(values: &mut Values<'_>) -> Self {
        let q = words(values);
        let kinds = kinds(values);
        let facets = facets(values, &FACETS);
        let language = one_language(values);
        Self {
            q,
            kinds,
            facets,
            language,
            limit: values.number("limit", 1, 100, 20),
            cursor: values.get("cursor").map(str::to_owned),
        }
    }
}

/// The kinds that are searched; none: all that have a collection.
pub(super) fn kinds(values: &mut Values<'_>) -> Vec<vocabulary::Kind> {
    let mut kinds: Vec<vocabulary::Kind> = values.words("kind");
    if kinds.contains(&vocabulary::Kind::Organisation) {
        values.refuse(
            "kind",
            "not_in_list",
            "the organisation has an address of its own: `/v1/organisation`",
        );
    }
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

/// The one language of an answer.
pub(super) fn one_language(values: &mut Values<'_>) -> Language {
    let language = Language::read(values);
    if language.all {
        values.refuse("locale", "not_in_list", "what is found is shown in one language");
    }
    language
}

/// An entry that was found.
#[derive(Debug, Serialize, ToSchema)]
pub struct SearchHit {
    /// The entry.
    #[serde(flatten)]
    pub entry: Brief,
    /// How well it answers; comparable within one answer only.
    #[schema(example = 7.31)]
    pub score: f64,
    /// Where it answers.
    pub highlights: Highlights,
}

/// A page of what was found.
#[derive(Debug, Serialize, ToSchema)]
pub struct SearchPage {
    /// What was found, the best first.
    pub data: Vec<SearchHit>,
    /// Where the page ends.
    pub page: PageInfo,
    /// How many entries were found, on all pages.
    pub total: u64,
    /// What was asked to be counted, over all that was found; a facet takes no notice of its own filter.
    pub facets: Vec<Facet>,
    /// The query with its typing errors corrected, when that differs and finds something.
    #[schema(required, example = "kadın emeği")]
    pub suggestion: Option<String>,
}

/// Search
///
/// Searches everything that the caller may read and that is published, in all languages and kinds, and
/// ranks it. No word has to be there; what has more of them comes first. Upper case, accents and Turkish
/// letters, endings, single typing errors, joined and split words make no difference (`kadin siddet` finds
/// “Kadına yönelik ŞİDDETE karşı”). `locale` chooses what is shown, not what is searched. A change can be
/// found as soon as it is acknowledged. Search within one collection, with its filters, with `q` there.
#[utoipa::path(
    get, path = "/v1/search", tag = "search",
    params(
        ("q" = String, Query, description = "What to search for.", max_length = 500, example = "kadın emeği"),
        ("kind" = Option<Vec<vocabulary::Kind>>, Query, style = Form, explode = false, description = "Only these kinds, separated by commas."),
        ("facets" = Option<Vec<String>>, Query, style = Form, explode = false, description = "What to count among all that was found: `kind`, `topic`, `type`, `year`, `partner`, `project`, `language`, `scope`, `status`, separated by commas."),
        ("limit" = Option<u64>, Query, description = "How many entries a page has. Default: 20.", minimum = 1, maximum = 100),
        ("cursor" = Option<String>, Query, description = "Where to go on: `page.next_cursor` of the page before."),
        ("locale" = Option<String>, Query, description = "Language of what is shown (BCP 47). Default: `Accept-Language`, else the configured one.", example = "tr"),
        ("fallback" = Option<String>, Query, description = "Where a text is missing in that language: take the `original`'s (the default), or `none`."),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of what you have; 304 when it is still so."),
    ),
    responses(
        (status = 200, description = "A page", body = SearchPage, headers(("ETag" = String, description = "The tag of this representation."), ("Link" = String, description = "The next page, as `rel=\"next\"` (RFC 8288)."))),
        (status = 304, description = "It is still what you have"),
    ),
    extensions(("x-permission" = json!("read"))),
)]
pub(super) async fn search(
    State(app): State<App>,
    Reader(caller): Reader,
    Query(parameters): Query<SearchParameters>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Result<Response> {
    let SearchParameters { q, kinds, facets, language, limit, cursor } = parameters;
    let list = format!("search|{:?}|{q}|{kinds:?}", caller.grants.reads);
    let after = opened(cursor.as_deref(), app.secrets.cursor_key(), &list)?;
    let Current { index, is_whole } = filling::current(&app).await?;
    let synonyms = synonyms::current(&app).await?;
    let audience = filling::audience(&caller);
    let filters: Vec<search::Filter> = condition::of_kinds(&kinds).into_iter().collect();
    let found = ask(move || {
        index.search(&search::Query {
            filters: &filters,
            facets: &facets,
            limit: usize::try_from(limit).unwrap_or(usize::MAX),
            after: after.as_ref().and_then(place),
            ..search::Query::new(&q, audience, &synonyms)
        })
    })
    .await?;
    let db = app.db.reader();
    let mut shown = hits::load(db, &caller, &language, found.hits.iter().map(|hit| hit.entry), true).await?;
    let data: Vec<SearchHit> = found
        .hits
        .iter()
        .filter_map(|hit| {
            let shown = shown.remove(&hit.entry)?;
            let highlights = shown.highlights(&found.matched);
            Some(SearchHit { entry: shown.brief, score: rounded(hit.score), highlights })
        })
        .collect();
    let next_cursor = found.next.map(|place| position(place).seal(app.secrets.cursor_key(), &list));
    let latest = data.iter().map(|hit| hit.entry.updated_at).max();
    let served = language.served(data.iter().map(|hit| hit.entry.locale.as_str()));
    let page = SearchPage {
        data,
        page: PageInfo { limit, next_cursor: next_cursor.clone() },
        total: found.total as u64,
        facets: labelled(db, &caller, &language, found.facets).await?,
        suggestion: found.suggestion,
    };
    let page = serde_json::to_value(&page).map_err(crate::http::Error::internal)?;
    let mut response = answer(&headers, &caller, &served, Version::live(0), latest, &page)?;
    made_of(&mut response, is_whole.then_some(Sources::CONTENT));
    link(&app, &uri, &mut response, next_cursor.as_deref().map(|cursor| ("next", Some(cursor))));
    Ok(response)
}

/// The place that a cursor carries.
pub(super) fn place(position: &Position) -> Option<Place> {
    let (score, published) = position.sort_key.split_once(' ')?;
    Some(Place { score: score.parse().ok()?, published: published.parse().ok()?, entry: position.id })
}

/// The same, the other way about.
pub(super) fn position(place: Place) -> Position {
    Position { sort_key: format!("{} {}", place.score, place.published), id: place.entry }
}

/// A score in millionths, as a number of two decimals.
fn rounded(score: u64) -> f64 {
    // No score has more than a few digits.
    f64::from(u32::try_from(score / 10_000).unwrap_or(u32::MAX)) / 100.0
}
