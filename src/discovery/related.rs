//! What else may be of interest to whoever reads an entry.

use axum::{Router, extract::State, http::HeaderMap, response::Response, routing::get};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::{PartialSchema, ToSchema};

use super::{ask, filling, hits, hits::Brief, searching};
use crate::{
    app::App,
    auth::Reader,
    editorial::{
        Kind,
        answer::answer,
        describe::{id_parameter, if_none_match, language_parameters, parameter, response},
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
            limit: values.number("limit", 1, 20, 6),
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
    let db = app.db.reader();
    let entry = lookup::find::<K>(db, &caller, &id, Among::Alive, false).await?.ok_or(Error::NotFound)?;
    let index = filling::current(&app).await?;
    let (locale, reader) = (language.locale.clone(), filling::audience(&caller));
    let found = ask(move || {
        index.related(&Likeness {
            entry: entry.id,
            locale: Some(&locale),
            reader,
            // What everybody may be shown beside it, whoever reads it.
            audience: Visibility::Public,
            kinds: &kinds,
            limit: usize::try_from(limit).unwrap_or(usize::MAX),
        })
    })
    .await?;
    let reader = crate::auth::Caller::PUBLIC;
    let mut shown =
        hits::load(db, &reader, &language, found.iter().map(|related| related.entry), false).await?;
    let data: Vec<RelatedEntry> = found
        .into_iter()
        .filter_map(|related| {
            let entry = shown.remove(&related.entry)?.brief;
            Some(RelatedEntry { entry, reasons: related.reasons })
        })
        .collect();
    let latest = data.iter().map(|related| related.entry.updated_at).max();
    let related = serde_json::to_value(RelatedEntries { data }).map_err(Error::internal)?;
    answer(&headers, &caller, &language.locale, Version::live(0), latest, &related)
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
    let limit = json!({ "type": "integer", "minimum": 1, "maximum": 20, "default": 6 });
    let mut parameters = vec![id_parameter(), parameter("limit", "query", &limit, "How many at most.")];
    let kinds = json!({ "type": "array", "items": { "$ref": "#/components/schemas/Kind" } });
    let mut kind = parameter("kind", "query", &kinds, "Only these kinds, separated by commas.");
    kind["style"] = "form".into();
    kind["explode"] = false.into();
    parameters.push(kind);
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
