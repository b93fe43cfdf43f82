//! Lists: filters, orders, pages, and that none of them tells what the caller may not read.

mod hidden;
mod mistakes;
mod operators;
mod order;
mod walk;

use serde_json::{Value, json};

use crate::app::{As, TestApp, partner, person, publication, topic};

/// The slugs of `path`, for `who`.
async fn slugs(service: &TestApp, path: &str, who: As) -> Vec<String> {
    let answer = service.get(path, who).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text);
    answer.slugs().into_iter().map(str::to_owned).collect()
}

/// Asserts what `query` finds in `collection`, in any order.
async fn finds(service: &TestApp, who: As, collection: &str, query: &str, expected: &[&str]) {
    let mut found = slugs(service, &format!("/v1/{collection}?limit=100&{query}"), who).await;
    found.sort();
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    assert_eq!(found, expected, "{collection}?{query}");
}

/// A publication called `title`, with these properties.
fn with(title: &str, properties: &Value) -> Value {
    let mut body = publication(title);
    for (name, value) in properties.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}
