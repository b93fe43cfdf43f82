//! Versions: every one is kept, can be read, compared and brought back.

use axum::http::Method;
use serde_json::{Value, json};

use super::{draft, go, tag};
use crate::app::{Answer, As, TestApp, person, practice, publication, topic};

async fn edit(service: &TestApp, path: &str, patch: Value) {
    let changed = service.patch(path, As::Editor, &tag(service, path).await, patch).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
}

async fn bring_back(service: &TestApp, path: &str, version: i32, query: &str) -> Answer {
    let etag = tag(service, path).await;
    let address = format!("{path}/versions/{version}/restore{query}");
    service.send(Method::POST, &address, As::Editor, &[("if-match", &etag)], None).await
}

#[tokio::test]
async fn every_version_says_who_made_it_when_and_why() {
    let service = TestApp::start().await;
    let path = draft(&service, "publications", As::Author, publication("Rapor")).await;
    go(&service, &path, As::Author, json!({ "to": "in_review", "note": "Hazır" })).await;
    go(&service, &path, As::Editor, json!({ "to": "published" })).await;
    service.app.clock.advance(chrono::TimeDelta::hours(1));
    service
        .patch(
            &format!("{path}?draft=true"),
            As::Editor,
            &tag(&service, &path).await,
            json!({ "pages": "7" }),
        )
        .await;
    let list = service.get(&format!("{path}/versions"), As::Editor).await;
    let rows: Vec<_> = list.body["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            (
                row["version"].clone(),
                row["state"].clone(),
                row["working"].clone(),
                row["current"].clone(),
                row["note"].clone(),
            )
        })
        .collect();
    let row = |version: i32, state: &str, working: bool, current: bool, note: Value| {
        (json!(version), json!(state), json!(working), json!(current), note)
    };
    assert_eq!(
        rows,
        [
            row(4, "published", true, false, Value::Null),
            row(3, "published", false, true, Value::Null),
            row(2, "in_review", false, false, json!("Hazır")),
            row(1, "draft", false, false, Value::Null),
        ]
    );
    let by: Vec<_> = list.body["data"].as_array().unwrap().iter().map(|row| &row["by"]["name"]).collect();
    assert!(by.iter().all(|name| **name == "Işıl"), "{by:?}");
    assert_eq!(list.body["data"][0]["at"], "2026-03-08T10:00:00Z");
    // Page by page.
    let first = service.get(&format!("{path}/versions?limit=3"), As::Editor).await;
    let cursor = first.body["page"]["next_cursor"].as_str().unwrap();
    let second = service.get(&format!("{path}/versions?limit=3&cursor={cursor}"), As::Editor).await;
    assert_eq!(
        (second.body["data"][0]["version"].clone(), &second.body["page"]["next_cursor"]),
        (json!(1), &Value::Null)
    );
    for path in [
        format!("{path}/versions/9"),
        format!("{path}/versions/0"),
        format!("{path}/versions/01"),
        format!("{path}/versions/x"),
    ] {
        assert_eq!(service.get(&path, As::Editor).await.status, 404, "{path}");
    }
    for who in [As::Author, As::Viewer, As::Publishable] {
        assert_eq!(service.get(&format!("{path}/versions"), who).await.status, 403, "published: for editors");
    }
}

#[tokio::test]
async fn versions_are_compared_field_by_field_with_relations_and_translations() {
    let service = TestApp::start().await;
    service.published("topics", topic("Şiddet")).await;
    let mut body = publication("Rapor");
    body["topics"] = json!(["siddet"]);
    let path = service.published("publications", body).await;
    edit(&service, &path, json!({ "topics": [], "pages": "3", "translations": { "tr": { "title": "Yeni" }, "en": { "title": "New" } } })).await;
    let compared = service.get(&format!("{path}/versions/compare?from=2&to=3"), As::Editor).await;
    let found: Vec<_> = compared.body["differences"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| (change["pointer"].as_str().unwrap(), change["from"].clone(), change["to"].clone()))
        .collect();
    assert_eq!(found.len(), 4, "{}", compared.text);
    assert_eq!(found[0], ("/translations/tr/title", json!("Rapor"), json!("Yeni")));
    assert_eq!((found[1].0, found[1].2["title"].clone()), ("/translations/en", json!("New")));
    assert_eq!(found[2], ("/pages", Value::Null, json!("3")));
    assert_eq!((found[3].0, found[3].1[0]["name"].clone()), ("/topics", json!("Şiddet")));
    let same = service.get(&format!("{path}/versions/compare?from=3&to=3"), As::Editor).await;
    assert_eq!(same.body["differences"], json!([]));
    assert_eq!(service.get(&format!("{path}/versions/compare?from=3&to=99"), As::Editor).await.status, 404);
    let refused = service.get(&format!("{path}/versions/compare?from=-1"), As::Editor).await;
    assert_eq!((refused.status.as_u16(), refused.places()), (400, vec!["from", "to"]));
}

#[tokio::test]
async fn an_old_version_comes_back_as_a_new_one() {
    let service = TestApp::start().await;
    let topic_path = service.published("topics", topic("Şiddet")).await;
    let mut body = publication("Rapor");
    body["topics"] = json!(["siddet"]);
    let path = service.published("publications", body).await;
    edit(&service, &path, json!({ "slug": "baska", "visibility": "partners", "topics": [], "translations": { "tr": { "title": "Yeni" } } })).await;
    let path = "/v1/publications/baska".to_owned();
    let unguarded =
        service.send(Method::POST, &format!("{path}/versions/1/restore"), As::Editor, &[], None).await;
    assert_eq!(unguarded.status, 428);
    let back = bring_back(&service, &path, 1, "").await;
    assert_eq!((back.status.as_u16(), &back.body["title"]), (200, &json!("Rapor")), "{}", back.text);
    assert_eq!(back.body["topics"][0]["slug"], "siddet");
    // Where it is and who sees it has not changed, and it is as public as it was.
    assert_eq!((&back.body["slug"], &back.body["visibility"]), (&json!("baska"), &json!("partners")));
    assert_eq!(back.body["state"], "published");
    let list = service.get(&format!("{path}/versions"), As::Editor).await;
    assert_eq!(
        (&list.body["data"][0]["version"], &list.body["data"][0]["note"]),
        (&json!(4), &json!("version 1 restored"))
    );
    // What it names and is gone is left out.
    edit(&service, &path, json!({ "topics": [], "pages": "4" })).await;
    service.delete(&topic_path, As::Editor, &tag(&service, &topic_path).await).await;
    let back = bring_back(&service, &path, 1, "?draft=true").await;
    assert_eq!((back.status.as_u16(), &back.body["topics"]), (200, &json!([])), "{}", back.text);
    assert_eq!(service.get(&format!("{path}/transitions"), As::Editor).await.body["working_copy"], 6);
}

#[tokio::test]
async fn what_guards_a_person_is_not_brought_back() {
    let service = TestApp::start().await;
    let path = service.published("people", person("Işıl Öztürk", &["name"])).await;
    edit(&service, &path, json!({ "consent": { "withdrawn_at": "2026-03-08T08:00:00Z" } })).await;
    assert_eq!(service.get(&path, As::Publishable).await.status, 404);
    let back = bring_back(&service, &path, 1, "").await;
    assert_eq!(back.status, 200, "{}", back.text);
    assert_eq!(service.get(&path, As::Publishable).await.status, 404, "consent is not given again");
    let path = service.published("practices", practice("Deneyim")).await;
    edit(&service, &path, json!({ "anonymised": true })).await;
    assert_eq!(bring_back(&service, &path, 1, "").await.body["anonymised"], true);
}
