//! The service itself: whether it lives, whether it is ready, its document, its page, its problems.

use axum::{
    Router,
    extract::{RawPathParams, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::{
    app::App,
    http::{Code, Error, Json, Query, Result, query::NoParameters},
    metrics::{self, Lag},
};

/// The documentation page may load its own scripts and styles and call this service; nothing else.
/// Its styles are partly written into the page, hence `unsafe-inline` for them alone.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data:; font-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// How the service is.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// `ok` when all is well.
    #[schema(example = "ok")]
    status: &'static str,
}

/// Whether requests may be sent here, and how far the service is behind with what it does beside them.
/// Being behind does not make it less ready: no other replica would be further.
#[derive(Debug, Serialize, ToSchema)]
pub struct Readiness {
    /// `ok` when all is well.
    #[schema(example = "ok")]
    status: &'static str,
    /// For how many seconds the oldest job that is due has been waiting for a worker; 0 when none is.
    #[schema(minimum = 0, example = 0)]
    job_lag_seconds: u64,
    /// For how many seconds the oldest entry that is due has been waiting to be published or archived; 0
    /// when none is.
    #[schema(minimum = 0, example = 0)]
    schedule_lag_seconds: u64,
}

/// What a problem code means.
#[derive(Debug, Serialize, ToSchema)]
pub struct Explanation {
    /// The code.
    #[schema(example = "not-found")]
    code: &'static str,
    /// The status it comes with.
    #[schema(example = 404)]
    status: u16,
    /// The problem's name.
    #[schema(example = "Nothing is here")]
    title: &'static str,
    /// What it means and what to do about it.
    meaning: &'static str,
}

/// The routes.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(get_liveness))
        .routes(routes!(get_readiness))
        .routes(routes!(get_openapi))
        .routes(routes!(list_problems))
        .routes(routes!(get_problem))
}

/// The documentation page: Swagger UI, served from the binary.
pub fn documentation() -> Router<App> {
    let config = Config::new(["/openapi.json"])
        .use_base_layout()
        .validator_url("none")
        .persist_authorization(false)
        .try_it_out_enabled(true)
        .display_request_duration(true)
        .filter(true)
        .doc_expansion("list");
    Router::new().merge(SwaggerUi::new("/docs").config(config)).layer(axum::middleware::map_response(
        async |mut response: Response| {
            if response.status() == StatusCode::NOT_FOUND {
                return Error::NotFound.into_response();
            }
            response
                .headers_mut()
                .insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(PAGE_POLICY));
            response
        },
    ))
}

/// Is the process alive?
///
/// Says yes as long as requests are answered at all; asks nothing else.
#[utoipa::path(
    get, path = "/livez", tag = "service",
    responses((status = 200, description = "Alive", body = Health)),
    extensions(("x-permission" = json!("none"))),
)]
async fn get_liveness(Query(NoParameters): Query<NoParameters>) -> Json<Health> {
    Json(Health { status: "ok" })
}

/// May requests be sent here?
///
/// Says no while the service is stopping, or its database is out of reach. Says for how long what is due
/// has been waiting, too; that is for whoever watches the service, and makes no replica less ready.
#[utoipa::path(
    get, path = "/readyz", tag = "service",
    responses((status = 200, description = "Ready", body = Readiness)),
    extensions(("x-permission" = json!("none"))),
)]
async fn get_readiness(
    State(app): State<App>,
    Query(NoParameters): Query<NoParameters>,
) -> Result<Json<Readiness>> {
    if app.is_draining() {
        return Err(Error::Problem(Code::Unavailable, "the service is stopping".to_owned()));
    }
    // Whoever can say this can be reached.
    let answer = tokio::time::timeout(std::time::Duration::from_secs(1), metrics::lag(&app)).await;
    match answer {
        Ok(Ok(Lag { jobs, schedule })) => {
            Ok(Json(Readiness { status: "ok", job_lag_seconds: jobs, schedule_lag_seconds: schedule }))
        }
        _ => Err(Error::Problem(Code::Unavailable, "the database cannot be reached".to_owned())),
    }
}

/// This document.
#[utoipa::path(
    get, path = "/openapi.json", tag = "service",
    responses((status = 200, description = "OpenAPI 3.1", body = Object, content_type = "application/json")),
    extensions(("x-permission" = json!("none"))),
)]
async fn get_openapi(State(app): State<App>, Query(NoParameters): Query<NoParameters>) -> Response {
    let headers =
        [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "public, max-age=300")];
    (headers, app.contract.document.clone()).into_response()
}

/// List problem codes
///
/// Every code a problem document may carry, and what it means.
#[utoipa::path(
    get, path = "/problems", tag = "service",
    responses((status = 200, description = "The codes", body = Vec<Explanation>)),
    extensions(("x-permission" = json!("none"))),
)]
async fn list_problems(Query(NoParameters): Query<NoParameters>) -> Json<Vec<Explanation>> {
    Json(Code::ALL.iter().copied().map(explanation).collect())
}

/// Read what a problem code means
///
/// This is where the `type` of a problem document leads.
#[utoipa::path(
    get, path = "/problems/{code}", tag = "service",
    params(("code" = String, Path, description = "The code.", example = "not-found")),
    responses((status = 200, description = "The explanation", body = Explanation)),
    extensions(("x-permission" = json!("none"))),
)]
async fn get_problem(
    params: RawPathParams,
    Query(NoParameters): Query<NoParameters>,
) -> Result<Json<Explanation>> {
    let name = params.iter().next().map(|(_, value)| value);
    let code = Code::ALL.iter().copied().find(|code| Some(code.as_str()) == name);
    code.map(explanation).map(Json).ok_or(Error::NotFound)
}

fn explanation(code: Code) -> Explanation {
    Explanation {
        code: code.as_str(),
        status: code.status().as_u16(),
        title: code.title(),
        meaning: code.meaning(),
    }
}
