//! Finding content: lists, search over all kinds, completions, what else is of interest.
//!
//! The index ([`crate::search`]) is derived data. `record` makes what is indexed of what a reader is
//! shown, so nothing can be found that could not be read; `filling` keeps the index up with the change
//! log; what is found is loaded through the one finder.

mod condition;
mod filling;
mod hits;
mod listing;
mod record;
mod related;
mod searching;
mod suggesting;

use axum::Router;
use utoipa_axum::{router::OpenApiRouter, routes};

pub use filling::{Filled, fill};
pub use related::describe;

use crate::{
    app::App,
    editorial::Kind,
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
