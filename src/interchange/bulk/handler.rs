//! The operation.

use axum::{Router, extract::State, response::Response, routing::post};

use super::{
    answer,
    request::{BulkParameters, Request},
    run::{Ran, Run},
};
use crate::{
    app::App,
    auth::{Once, Writer},
    editorial::{Kind, history},
    http::{BulkBody, Error, Query, Result},
};

/// The route.
pub fn router<K: Kind>() -> Router<App> {
    Router::new().route(&format!("/v1/{}:bulk", K::COLLECTION), post(bulk::<K>))
}

/// `POST /v1/{collection}:bulk`
async fn bulk<K: Kind>(
    State(app): State<App>,
    Writer(caller): Writer,
    Query(parameters): Query<BulkParameters>,
    Once(effect, body): Once<BulkBody>,
) -> Result<Response> {
    let request = Request::read::<K>(&app, &parameters, &body)?;
    let mut run = Run::<K>::prepare(&app, &caller, &request).await?;
    loop {
        if let Some(refusal) = run.refused_whole() {
            return Err(refusal);
        }
        let tx = effect.begin().await?;
        match run.round(&tx).await? {
            Ran::Again if !run.is_exhausted() => tx.rollback().await?,
            Ran::Again => {
                return Err(Error::conflict(
                    "bad operations depend on each other too deeply; mend some and try again",
                ));
            }
            Ran::Whole { results, events } => {
                let response = answer::response(&request, results);
                if request.dry_run {
                    tx.rollback().await?;
                    return Ok(response);
                }
                history::seal(&tx, app.clock.now(), events).await?;
                return effect.commit(tx, response).await;
            }
        }
    }
}
