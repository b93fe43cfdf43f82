//! All routes, all layers, and the OpenAPI document.

use axum::{Router, extract::OriginalUri, http::Method, middleware};
use serde_json::{Value, json};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::{
    app::App,
    audit,
    auth::{self, Caller, Grants, caller::Actor},
    backlog, changes, discovery,
    editorial::{self, describe::describe_unpublished},
    front::Front,
    http::{Code, Error, Result, contract::Contract, envelope, error::Problem, openapi},
    interchange::{bulk, download},
    keys,
    kinds::every_collection,
    organisation,
    organisation::Organisation,
    previews, reading, service, sessions, synonyms, users, vocabularies,
};

#[derive(OpenApi)]
#[openapi(components(schemas(Problem)))]
struct Api;

/// The service, ready to be called.
#[must_use]
pub fn service(app: &App) -> Front {
    Front::new(app.clone(), router(app))
}

/// The service, but for what is finished already.
pub fn router(app: &App) -> Router {
    let (declared, _) = declared().split_for_parts();
    macro_rules! collections {
        ($($kind:ty),*) => { Router::new()$(.merge(discovery::collection::<$kind>()).merge(reading::collection::<$kind>()).merge(editorial::router::<$kind>()).merge(bulk::router::<$kind>()).merge(download::router::<$kind>()))* };
    }
    declared
        .merge(organisation::router())
        .merge(every_collection!(collections))
        .merge(service::documentation())
        .fallback(nothing_here)
        .layer(middleware::from_fn_with_state(app.clone(), envelope::envelope))
        .with_state(app.clone())
}

/// Nothing is at this address. Below `/v1`, that is told only to those who have a credential.
async fn nothing_here(method: Method, OriginalUri(uri): OriginalUri, caller: Result<Caller>) -> Error {
    if method == Method::CONNECT {
        return Error::Problem(Code::MethodNotAllowed, "this is no proxy".to_owned());
    }
    let path = uri.path();
    let is_outside = path != "/v1" && !path.starts_with("/v1/");
    match caller {
        Err(error) if error.code() == Code::TooManyRequests => error,
        _ if is_outside => Error::NotFound,
        Err(error) => error,
        Ok(caller) if caller.grants == Grants::NONE && caller.actor == Actor::Nobody => {
            Error::Unauthorized("send `Authorization: Bearer` and a token or key")
        }
        Ok(_) => Error::NotFound,
    }
}

/// The OpenAPI document.
#[must_use]
pub fn document() -> Value {
    openapi::document(declared().into_openapi(), |document| {
        organisation::describe(document);
        macro_rules! describe {
            ($($kind:ty),*) => { $(editorial::describe::<$kind>(document); bulk::describe::<$kind>(document); download::describe::<$kind>(document); discovery::describe::<$kind>(document);)* };
        }
        every_collection!(describe);
    })
}

/// The document as what judges bodies, lines of an import and the seed profile.
#[must_use]
pub fn contract() -> Contract {
    let mut unpublished = json!({});
    macro_rules! describe {
        ($($kind:ty),*) => { $(describe_unpublished::<$kind>(&mut unpublished);)* };
    }
    describe!(Organisation);
    every_collection!(describe);
    let unpublished = unpublished.as_object().cloned().unwrap_or_default();
    Contract::new(&document(), unpublished)
}

/// The operations that are declared beside their handlers.
fn declared() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Api::openapi())
        .merge(auth::router())
        .merge(keys::router())
        .merge(users::router())
        .merge(sessions::router())
        .merge(audit::router())
        .merge(previews::router())
        .merge(changes::router())
        .merge(discovery::router())
        .merge(synonyms::router())
        .merge(vocabularies::router())
        .merge(backlog::router())
        .merge(service::router())
}
