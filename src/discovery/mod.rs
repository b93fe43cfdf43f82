//! Finding content: lists, search over all kinds, completions, what else is of interest.
//!
//! The index ([`crate::search`]) is derived data. `record` makes what is indexed of what a reader is
//! shown, so nothing can be found that could not be read; `filling` keeps the index up with the change
//! log; what is found is loaded through the one finder.

mod condition;
mod facets;
mod filling;
mod hits;
mod listing;
mod record;
mod related;
mod searching;
mod suggesting;

use axum::{
    Router,
    http::{HeaderValue, Uri, header},
    response::Response,
};
use utoipa_axum::{router::OpenApiRouter, routes};

pub use filling::{Filled, fill};
pub use related::{Beside, describe, related_to};

use crate::{
    app::App,
    editorial::{Kind, parameters::with_cursor},
    http::{Code, Error},
    search,
};

/// The routes that are not those of a collection.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(searching::search)).routes(routes!(suggesting::suggest))
}

/// The routes of the collection of `K` that find entries in it.
pub fn collection<K: Kind>() -> Router<App> {
    listing::router::<K>().merge(related::router::<K>())
}

/// Says in `response`, which answers a request for `uri`, where other pages are: relations, each with the
/// page's cursor; the first page has none (RFC 8288).
fn link<'a>(
    app: &App,
    uri: &Uri,
    response: &mut Response,
    pages: impl IntoIterator<Item = (&'a str, Option<&'a str>)>,
) {
    let link = |(relation, cursor)| {
        format!("<{}{}>; rel=\"{relation}\"", app.config.base_url, with_cursor(uri, cursor))
    };
    let links = pages.into_iter().map(link).collect::<Vec<String>>().join(", ");
    if !links.is_empty() {
        response.headers_mut().extend(HeaderValue::from_str(&links).ok().map(|links| (header::LINK, links)));
    }
}

/// What the caller is told when the index cannot answer.
fn unavailable(error: &search::Error) -> Error {
    tracing::warn!(%error, "the search index cannot answer");
    Error::Problem(Code::Unavailable, "the search index is being made; try again in a moment".to_owned())
}

/// Asks the index, beside the threads that serve requests: it takes milliseconds of computing.
async fn ask<T: Send + 'static>(
    question: impl FnOnce() -> search::Result<T> + Send + 'static,
) -> Result<T, Error> {
    let answer = tokio::task::spawn_blocking(question).await.map_err(Error::internal)?;
    answer.map_err(|error| unavailable(&error))
}
