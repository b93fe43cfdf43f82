//! Completing what somebody types.

use axum::{extract::State, http::HeaderMap, response::Response};
use sea_orm::{QuerySelect, entity::prelude::*};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    ask,
    filling::{self, Current},
    searching,
};
use crate::{
    app::App,
    auth::Reader,
    cache::Sources,
    editorial::{
        answer::{answer, made_of},
        finder,
        parameters::words,
    },
    entity::{entry, vocabulary},
    http::{
        Error, Query, Result,
        conditional::Version,
        locale::Language,
        query::{Parameters, Values},
    },
    search::Beginning,
};

/// What has been typed.
#[derive(Debug)]
pub struct SuggestParameters {
    q: String,
    kinds: Vec<vocabulary::Kind>,
    locale: Option<String>,
    limit: u64,
}

impl Parameters for SuggestParameters {
    const NAMES: &'static [&'static str] = &["q", "kind", "locale", "limit"];

    fn read(values: &mut Values<'_>) -> Self {
        let locale = values.get("locale").is_some().then(|| searching::one_language(values).locale);
        Self {
            q: words(values),
            kinds: searching::kinds(values),
            locale,
            limit: values.number("limit", 1, 20, 10),
        }
    }
}

/// A title, label or name that completes what was typed.
#[derive(Debug, Serialize, ToSchema)]
pub struct Completed {
    /// The entry that has it.
    pub id: Uuid,
    /// What the entry is.
    pub kind: vocabulary::Kind,
    /// The last part of the entry's address.
    #[schema(example = "siginmaevi-standartlari-politika-notu")]
    pub slug: String,
    /// The language of the text.
    #[schema(example = "tr")]
    pub locale: String,
    /// The text.
    #[schema(example = "Sığınmaevleri için asgari standartlar")]
    pub text: String,
}

/// What completes what was typed.
#[derive(Debug, Serialize, ToSchema)]
pub struct Completions {
    /// In alphabetical order; where the text begins so comes before where a word in it does.
    pub data: Vec<Completed>,
}

/// Complete a search
///
/// The titles, labels and names that begin with what was typed so far, or have a word that does; upper
/// case, accents and Turkish letters make no difference (`sig` → “Sığınmaevi…”). An entry comes once.
#[utoipa::path(
    get, path = "/v1/search/suggest", tag = "search",
    params(
        ("q" = String, Query, description = "What was typed.", max_length = 500, example = "sığ"),
        ("kind" = Option<Vec<vocabulary::Kind>>, Query, style = Form, explode = false, description = "Only these kinds, separated by commas."),
        ("locale" = Option<String>, Query, description = "Only texts in this language. Default: all.", example = "tr"),
        ("limit" = Option<u64>, Query, description = "How many at most. Default: 10.", minimum = 1, maximum = 20),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of what you have; 304 when it is still so."),
    ),
    responses(
        (status = 200, description = "What completes it", body = Completions, headers(("ETag" = String, description = "The tag of this representation."))),
        (status = 304, description = "It is still what you have"),
    ),
    extensions(("x-permission" = json!("read"))),
)]
pub(super) async fn suggest(
    State(app): State<App>,
    Reader(caller): Reader,
    Query(parameters): Query<SuggestParameters>,
    headers: HeaderMap,
) -> Result<Response> {
    let SuggestParameters { q, kinds, locale, limit } = parameters;
    let Current { index, is_whole } = filling::current(&app).await?;
    let audience = filling::audience(&caller);
    let asked = Language::fixed(locale.as_ref().unwrap_or(&app.config.default_locale));
    let found = ask(move || {
        index.suggest(&Beginning {
            text: &q,
            audience,
            kinds: &kinds,
            locales: locale.as_slice(),
            limit: usize::try_from(limit).unwrap_or(usize::MAX),
        })
    })
    .await?;
    let slugs: Vec<(Uuid, String)> = entry::Entity::find()
        .select_only()
        .columns([entry::Column::Id, entry::Column::Slug])
        .filter(entry::Column::Id.is_in(found.iter().map(|completion| completion.entry)))
        .filter(finder::visible_to(&caller.as_reader()))
        .into_tuple()
        .all(app.db.reader())
        .await?;
    let data = found.into_iter().filter_map(|completion| {
        let (id, slug) = slugs.iter().find(|(id, _)| *id == completion.entry)?.clone();
        let (kind, locale, text) = (completion.kind, completion.locale, completion.text);
        Some(Completed { id, kind, slug, locale, text })
    });
    let data: Vec<Completed> = data.collect();
    let served = asked.served(data.iter().map(|completed| completed.locale.as_str()));
    let completions = serde_json::to_value(Completions { data }).map_err(Error::internal)?;
    let mut response = answer(&headers, &caller, &served, Version::live(0), None, &completions)?;
    made_of(&mut response, is_whole.then_some(Sources::CONTENT));
    Ok(response)
}
