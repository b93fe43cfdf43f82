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

#[tokio::test]
async fn those_who_write_see_how_much_is_in_each_state() {
    let service = TestApp::start().await;
    for title in ["Bir", "İki"] {
        service.published("publications", publication(title)).await;
    }
    for (title, kind) in [("Üç", "news"), ("Dört", "research_report"), ("Beş", "news")] {
        let mut body = publication(title);
        body["type"] = kind.into();
        assert_eq!(service.post("/v1/publications", As::Editor, body).await.status, 201);
    }
    let counted = async |query: &str| {
        let list = service.get(&format!("/v1/publications?facets=state&{query}"), As::Editor).await;
        assert_eq!(list.status, 200, "{}", list.text);
        let values = list.body["facets"][0]["values"].as_array().unwrap().clone();
        let count =
            |value: &Value| (value["value"].as_str().unwrap().to_owned(), value["count"].as_u64().unwrap());
        (list.body["total"].clone(), values.iter().map(count).collect::<Vec<_>>())
    };
    let words = |counts: [(&str, u64); 2]| counts.map(|(word, count)| (word.to_owned(), count)).to_vec();
    assert_eq!(counted("count=exact").await, (json!(5), words([("draft", 3), ("published", 2)])));
    // Its own filter does not count, others do.
    assert_eq!(
        counted("count=exact&state=published").await,
        (json!(2), words([("draft", 3), ("published", 2)]))
    );
    assert_eq!(counted("type=research_report").await.1, words([("published", 2), ("draft", 1)]));
    let labelled = service.get("/v1/publications?facets=state&locale=en", As::Editor).await;
    assert_eq!(labelled.body["facets"][0]["values"][0]["label"], "Draft");
    for who in [As::Publishable, As::Partner, As::Viewer] {
        assert_eq!(service.get("/v1/publications?facets=state", who).await.status, 403);
    }
    for query in ["facets=state,type", "facets=state&q=bir"] {
        let refused = service.get(&format!("/v1/publications?{query}"), As::Editor).await;
        assert_eq!((refused.status.as_u16(), refused.places()), (400, vec!["facets"]), "{query}");
    }
}
