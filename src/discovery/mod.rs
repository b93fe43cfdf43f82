//! Finding content: search over all kinds, completions, what else is of interest.
//!
//! The index ([`crate::search`]) is derived data. `record` makes what is indexed of what a reader is
//! shown, so nothing can be found that could not be read; `filling` keeps the index up with the change
//! log; what is found is loaded through the one finder.

mod filling;
mod hits;
mod record;
mod related;
mod searching;
mod suggesting;

use utoipa_axum::{router::OpenApiRouter, routes};

pub use filling::{Filled, fill};
pub use related::{describe, router as related};

use crate::{
    app::App,
    http::{Code, Error},
    search,
};

/// The routes that are not those of a collection.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(searching::search)).routes(routes!(suggesting::suggest))
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
