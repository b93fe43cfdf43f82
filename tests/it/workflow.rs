//! From draft to public: review, working copies, schedules, versions, trash, previews.

mod copies;
mod journey;
mod previews;
mod review;
mod schedule;
mod trash;
mod versions;

use serde_json::Value;

use crate::app::{Answer, As, TestApp};

/// Creates a draft; gives its address.
pub async fn draft(service: &TestApp, collection: &str, who: As, body: Value) -> String {
    let created = service.post(&format!("/v1/{collection}"), who, body).await;
    assert_eq!(created.status, 201, "{}", created.text);
    created.header("location").to_owned()
}

/// Takes a way; `body` is the transition.
pub async fn go(service: &TestApp, path: &str, who: As, body: Value) -> Answer {
    service.post(&format!("{path}/transitions"), who, body).await
}

/// What an editor reads at `path`.
pub async fn tag(service: &TestApp, path: &str) -> String {
    service.get(path, As::Editor).await.etag().to_owned()
}
