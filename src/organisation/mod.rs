//! The organisation's profile: one entry, at one address, with everything a website says of it.

use axum::{Router, extract::State, http::HeaderMap, response::Response, routing::get};
use serde_json::{Value, json};

use crate::{
    app::App,
    auth::{Editor, Reader},
    editorial::{
        Draft, Kind, check,
        describe::{
            self, PATCH_TYPES, fields_parameter, if_match, if_none_match, language_parameters, request_body,
            response, shaped,
        },
        finder,
        handlers::{change_entry, check_language},
        kind::columns,
        parameters::{EntryParameters, ItemParameters, ReadParameters},
    },
    entity::{self, vocabulary},
    http::{
        Error, FieldError, MergePatch, Query, Result, locale,
        query::{Parameters, Values},
    },
    reading,
};

mod payload;

pub use payload::{Fields, Texts};

/// The kind.
#[derive(Clone, Debug)]
pub struct Organisation;

impl Kind for Organisation {
    const KIND: vocabulary::Kind = vocabulary::Kind::Organisation;
    const NAME: &'static str = "Organisation";
    const COLLECTION: &'static str = "organisation";
    const TITLE: Option<&'static str> = None;
    const SUMMARY: Option<&'static str> = Some("mission");
    const BODY: Option<&'static str> = None;
    const HAS_TOPICS: bool = false;
    const DESCENDING: bool = false;
    const ORDER: &'static str = "there is only one";
    const REQUIRED_TEXTS: &'static [&'static str] = &["name", "mission"];

    type Fields = Fields;
    type Texts = Texts;
    type Row = entity::organisation::Entity;

    columns!(organisation: ; json contact; json?);

    fn sort_key(_: &Draft<Self>) -> String {
        String::new()
    }

    fn heading(_: &Fields, texts: Option<&Texts>) -> Option<String> {
        texts?.name.as_ref()?.full.clone()
    }

    fn check(draft: &Draft<Self>, errors: &mut Vec<FieldError>) {
        let contact = &draft.fields.contact;
        if let Some(website) = &contact.website {
            check::web_address(&website.url, "/contact/website/url", errors);
        }
        for (index, profile) in contact.social.iter().enumerate() {
            check::web_address(&profile.url, &format!("/contact/social/{index}/url"), errors);
        }
    }

    fn example() -> Value {
        crate::content::profile()
    }
}

/// The routes.
pub fn router() -> Router<App> {
    Router::new().route("/v1/organisation", get(read).patch(change))
}

/// Adds the profile's schemas and operations to the document.
pub fn describe(document: &mut Value) {
    describe::describe_schemas::<Organisation>(document, false);
    let mut parameters = vec![fields_parameter::<Organisation>()];
    parameters.extend(language_parameters());
    parameters.push(if_none_match());
    let mut change_parameters = vec![if_match()];
    change_parameters.extend(language_parameters());
    document["paths"]["/v1/organisation"] = json!({
        "get": {
            "operationId": "get_organisation",
            "tags": ["organisation"],
            "summary": "Read the profile",
            "description": "Names, mission, aims, focus areas, principles and how to reach the organisation. What is not known is null.",
            "x-permission": "read",
            "parameters": parameters,
            "responses": {
                "200": shaped("Organisation", "The profile"),
                "304": { "description": "Still as you have it" },
            },
        },
        "patch": {
            "operationId": "update_organisation",
            "tags": ["organisation"],
            "summary": "Change the profile",
            "description": "Changes what the patch names, at once.",
            "x-permission": "edit",
            "parameters": change_parameters,
            "requestBody": request_body("OrganisationPatch", &PATCH_TYPES, "What is to change"),
            "responses": { "200": response("Organisation", "The changed profile") },
        },
    });
}

/// The profile refers to nothing that could be included.
struct ProfileParameters(ReadParameters<Organisation>);

impl Parameters for ProfileParameters {
    const NAMES: &'static [&'static str] = &[locale::NAMES[0], locale::NAMES[1], "fields"];

    fn read(values: &mut Values<'_>) -> Self {
        Self(ReadParameters::read(values))
    }
}

/// `GET /v1/organisation`
async fn read(
    State(app): State<App>,
    Reader(caller): Reader,
    Query(ProfileParameters(parameters)): Query<ProfileParameters>,
    headers: HeaderMap,
) -> Result<Response> {
    check_language(&caller, &parameters.language)?;
    let entry = finder::of_kind(&caller, Organisation::KIND).one(app.db.reader()).await?;
    reading::show(&app, &caller, &parameters, &headers, entry.ok_or(Error::NotFound)?, None).await
}

/// `PATCH /v1/organisation`
async fn change(
    State(app): State<App>,
    Editor(caller): Editor,
    Query(ItemParameters(language)): Query<ItemParameters>,
    headers: HeaderMap,
    MergePatch(patch): MergePatch,
) -> Result<Response> {
    let parameters = EntryParameters { language, draft: false };
    Box::pin(change_entry::<Organisation>(&app, &caller, None, &parameters, &headers, patch)).await
}
