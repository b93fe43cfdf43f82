//! What else may be of interest to whoever reads an entry.

use axum::{Router, extract::State, http::HeaderMap, response::Response, routing::get};
use sea_orm::prelude::Uuid;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::{PartialSchema, ToSchema};

use super::{
    ask,
    filling::{self, Current},
    hits,
    hits::Brief,
    searching,
};
use crate::{
    app::App,
    auth::{Caller, Reader},
    cache::Sources,
    editorial::{
        Kind,
        answer::{answer, made_of},
        describe::{id_parameter, if_none_match, language_parameters, parameter, response, words},
        lookup::{self, Among},
        references::kind_name,
    },
    entity::vocabulary::{self, RelatedReason, Visibility},
    http::{
        Error, Id, Query, Result,
        conditional::Version,
        locale::{self, Language},
        query::{Parameters, Values},
    },
    search::Likeness,
};

/// How many are shown when nobody says how many.
const USUAL: u64 = 6;

/// The route.
pub fn router<K: Kind>() -> Router<App> {
    Router::new().route(&format!("/v1/{}/{{id}}/related", K::COLLECTION), get(related::<K>))
}

/// How many are wanted, and of what.
#[derive(Debug)]
struct RelatedParameters {
    kinds: Vec<vocabulary::Kind>,
    language: Language,
    limit: u64,
}

impl Parameters for RelatedParameters {
    const NAMES: &'static [&'static str] = &["kind", "limit", locale::NAMES[0], locale::NAMES[1]];

    fn read(values: &mut Values<'_>) -> Self {
        Self {
            kinds: searching::kinds(values),
            language: searching::one_language(values),
            limit: values.number("limit", 1, 20, USUAL),
        }
    }
}

/// An entry that may be of interest.
#[derive(Debug, Serialize, ToSchema)]
pub struct RelatedEntry {
    /// The entry.
    #[serde(flatten)]
    pub entry: Brief,
    /// Why, the strongest reason first.
    #[schema(min_items = 1)]
    pub reasons: Vec<RelatedReason>,
}

/// What may be of interest beside an entry.
#[derive(Debug, Serialize, ToSchema)]
pub struct RelatedEntries {
    /// Entries of any kind, the nearest first.
    pub data: Vec<RelatedEntry>,
}

/// `GET /v1/{collection}/{id}/related`
async fn related<K: Kind>(
    State(app): State<App>,
    Reader(caller): Reader,
    id: Id,
    Query(parameters): Query<RelatedParameters>,
    headers: HeaderMap,
) -> Result<Response> {
    let RelatedParameters { kinds, language, limit } = parameters;
    let entry = lookup::find::<K>(app.db.reader(), &caller, &id, Among::Alive, false).await?;
    let entry = entry.ok_or(Error::NotFound)?.id;
    let Beside { data, is_whole } = beside(&app, &caller, &language, Wanted { entry, kinds, limit }).await?;
    let latest = data.iter().map(|related| related.entry.updated_at).max();
    let served = language.served(data.iter().map(|related| related.entry.locale.as_str()));
    let related = serde_json::to_value(RelatedEntries { data }).map_err(Error::internal)?;
    let mut response = answer(&headers, &caller, &served, Version::live(0), latest, &related)?;
    made_of(&mut response, is_whole.then_some(Sources::CONTENT));
    Ok(response)
}

/// What is related to the entry `id`, as many as there are when nobody says how many.
///
/// # Errors
/// 503 when the index cannot answer, and when the database fails.
pub async fn related_to(app: &App, caller: &Caller, language: &Language, id: Uuid) -> Result<Beside> {
    // In one language, whatever the entry beside it is shown in.
    let language = Language { all: false, ..language.clone() };
    beside(app, caller, &language, Wanted { entry: id, kinds: Vec::new(), limit: USUAL }).await
}

/// What is related to an entry.
#[derive(Debug)]
pub struct Beside {
    /// It, the nearest first.
    pub data: Vec<RelatedEntry>,
    /// Whether the index had all that was acknowledged.
    pub is_whole: bool,
}

/// What is wanted beside an entry.
struct Wanted {
    entry: Uuid,
    kinds: Vec<vocabulary::Kind>,
    limit: u64,
}

async fn beside(app: &App, caller: &Caller, language: &Language, wanted: Wanted) -> Result<Beside> {
    let Wanted { entry, kinds, limit } = wanted;
    let Current { index, is_whole } = filling::current(app).await?;
    let (locale, reader) = (language.locale.clone(), filling::audience(caller));
    let found = ask(move || {
        index.related(&Likeness {
            entry,
            locale: Some(&locale),
            reader,
            // What everybody may be shown beside it, whoever reads it.
            audience: Visibility::Public,
            kinds: &kinds,
            limit: usize::try_from(limit).unwrap_or(usize::MAX),
        })
    })
    .await?;
    let ids = found.iter().map(|related| related.entry);
    let mut shown = hits::load(app.db.reader(), &Caller::PUBLIC, language, ids, false).await?;
    let related = found.into_iter().filter_map(|related| {
        let entry = shown.remove(&related.entry)?.brief;
        Some(RelatedEntry { entry, reasons: related.reasons })
    });
    Ok(Beside { data: related.collect(), is_whole })
}

/// Adds the operation and its schemas to the document.
pub fn describe<K: Kind>(document: &mut Value) {
    let schemas = &mut document["components"]["schemas"];
    for (name, schema) in [
        ("RelatedEntry", RelatedEntry::schema()),
        ("RelatedReason", <RelatedReason as PartialSchema>::schema()),
        ("RelatedEntries", RelatedEntries::schema()),
    ] {
        schemas[name] = serde_json::to_value(schema).unwrap_or_default();
    }
    let name = kind_name(K::KIND);
    let limit = json!({ "type": "integer", "minimum": 1, "maximum": 20, "default": USUAL });
    let mut parameters = vec![id_parameter(), parameter("limit", "query", &limit, "How many at most.")];
    let kinds = json!({ "type": "array", "items": { "$ref": "#/components/schemas/Kind" } });
    parameters.push(words("kind", &kinds, "Only these kinds, separated by commas."));
    parameters.extend(language_parameters());
    parameters.push(if_none_match());
    document["paths"][format!("/v1/{}/{{id}}/related", K::COLLECTION)] = json!({ "get": {
        "operationId": format!("list_{name}_related"),
        "tags": [K::COLLECTION],
        "summary": format!("What is related to {name}"),
        "description": "What may interest whoever reads the entry: public entries of any kind, nearest first, each with the reasons. What is linked stands in front, then what shares a project, people or partners; then rare topics and likeness of the texts decide.",
        "x-permission": "read",
        "parameters": parameters,
        "responses": {
            "200": response("RelatedEntries", "What is related"),
            "304": { "description": "Still as you have it" },
        },
    } });
}
