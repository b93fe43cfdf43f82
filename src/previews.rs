//! What a preview link shows.

use axum::{extract::State, http::HeaderMap, response::Response};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    editorial::{
        parameters::ItemParameters,
        previews::{opened, show},
    },
    http::{Error, FieldError, Query, Result, extract::Part},
    kinds::for_kind,
};

/// The routes.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(open_preview))
}

/// See an entry by a preview link
///
/// The entry as everybody would see it once it is published, its working copy included; without an
/// account or key. 404 once the link has expired or was revoked. Never cached.
#[utoipa::path(
    get, path = "/v1/previews/{token}", tag = "previews",
    params(
        ("token" = String, Path, description = "What `POST …/previews` gave.", max_length = 200),
        ("locale" = Option<String>, Query, description = "Language of the answer (BCP 47). Default: `Accept-Language`, else the configured one."),
        ("fallback" = Option<String>, Query, description = "`original` (default): where a text is missing, take the original's; `none`: leave it null."),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of what you have; 304 when it is still so."),
    ),
    responses(
        (status = 200, description = "The entry", body = serde_json::Value, headers(
            ("ETag" = String, description = "The tag of this representation."))),
        (status = 304, description = "Still as you have it"),
    ),
    extensions(("x-permission" = json!("none"))),
)]
async fn open_preview(
    State(app): State<App>,
    Part(token): Part,
    Query(ItemParameters(language)): Query<ItemParameters>,
    headers: HeaderMap,
) -> Result<Response> {
    if language.all {
        let detail = "a preview is in one language";
        return Err(Error::Parameters(vec![FieldError::parameter("locale", "not_in_list", detail)]));
    }
    let entry = opened(&app, &token).await?;
    for_kind!(entry.kind, show(&app, &headers, &language, entry))
}
