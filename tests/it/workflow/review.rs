//! Review: who may take which way, and what it asks for.

use serde_json::{Value, json};

use super::{draft, go};
use crate::app::{As, TestApp, publication};

async fn me(service: &TestApp, who: As) -> Value {
    service.get("/v1/me", who).await.body["id"].clone()
}

/// The ways that `who` is told of: where to, and what keeps them.
async fn ways(service: &TestApp, path: &str, who: As) -> Vec<(String, Value)> {
    let standing = service.get(&format!("{path}/transitions"), who).await;
    assert_eq!(standing.status, 200, "{}", standing.text);
    let ways = standing.body["transitions"].as_array().unwrap();
    ways.iter().map(|way| (way["to"].as_str().unwrap().to_owned(), way["hindrance"].clone())).collect()
}

#[tokio::test]
async fn an_author_submits_and_an_editor_sends_back_or_publishes() {
    let service = TestApp::start().await;
    let path = draft(&service, "publications", As::Author, publication("Rapor")).await;
    let sent = go(
        &service,
        &path,
        As::Author,
        json!({ "to": "in_review", "assignee": me(&service, As::Editor).await, "note": "Hazır" }),
    )
    .await;
    assert_eq!((sent.status.as_u16(), &sent.body["state"]), (200, &json!("in_review")), "{}", sent.text);
    // Under review the author changes nothing, but may take it back.
    let etag = service.get(&path, As::Author).await.etag().to_owned();
    assert_eq!(service.patch(&path, As::Author, &etag, json!({ "pages": "1" })).await.status, 403);
    let standing = service.get(&format!("{path}/transitions"), As::Author).await;
    assert_eq!(standing.body["submitted_by"]["id"], me(&service, As::Author).await);
    assert_eq!(standing.body["assignee"]["id"], me(&service, As::Editor).await);
    assert_eq!(standing.body["note"], "Hazır");
    let no = json!("not_an_editor");
    assert_eq!(
        ways(&service, &path, As::Author).await,
        [
            ("draft".to_owned(), Value::Null),
            ("scheduled".to_owned(), no.clone()),
            ("published".to_owned(), no)
        ]
    );
    let silent = go(&service, &path, As::Editor, json!({ "to": "draft" })).await;
    assert_eq!((silent.status.as_u16(), silent.places()), (422, vec!["/note"]));
    assert_eq!(go(&service, &path, As::Author, json!({ "to": "published" })).await.status, 403);
    let back = go(&service, &path, As::Editor, json!({ "to": "draft", "note": "Kaynakça eksik" })).await;
    assert_eq!(back.status, 200, "{}", back.text);
    let standing = service.get(&format!("{path}/transitions"), As::Author).await;
    assert_eq!(
        (&standing.body["note"], &standing.body["assignee"]),
        (&json!("Kaynakça eksik"), &Value::Null)
    );
    assert_eq!(go(&service, &path, As::Author, json!({ "to": "in_review" })).await.status, 200);
    assert_eq!(go(&service, &path, As::Author, json!({ "to": "draft" })).await.status, 200, "one's own mind");
    assert_eq!(go(&service, &path, As::Author, json!({ "to": "in_review" })).await.status, 200);
    assert_eq!(go(&service, &path, As::Editor, json!({ "to": "published" })).await.status, 200);
    assert_eq!(service.get(&path, As::Publishable).await.status, 200);
    assert_eq!(go(&service, &path, As::Author, json!({ "to": "archived" })).await.status, 403);
    // Others do not even learn that there is a review.
    let other = draft(&service, "publications", As::Editor, publication("Başka")).await;
    for who in [As::Author, As::Viewer, As::Publishable] {
        let expected = if who == As::Author { 404 } else { 403 };
        assert_eq!(go(&service, &other, who.clone(), json!({ "to": "in_review" })).await.status, expected);
        assert_eq!(service.get(&format!("{other}/transitions"), who).await.status, expected);
    }
}

#[tokio::test]
async fn what_is_missing_is_told_with_its_language_before_and_when_it_is_submitted() {
    let service = TestApp::start().await;
    let path = draft(
        &service,
        "publications",
        As::Author,
        json!({ "translations": { "tr": { "title": "Rapor" }, "en": {} } }),
    )
    .await;
    let expected = ["/type", "/issued", "/languages", "/translations/tr/summary"];
    let standing = service.get(&format!("{path}/transitions"), As::Author).await;
    for way in standing.body["transitions"].as_array().unwrap() {
        let missing: Vec<_> = way["missing"]
            .as_array()
            .unwrap()
            .iter()
            .map(|error| error["pointer"].as_str().unwrap())
            .collect();
        assert_eq!(missing, expected, "{way}");
    }
    let needs = &standing.body["transitions"][1];
    assert_eq!((&needs["to"], &needs["needs"]), (&json!("scheduled"), &json!(["at"])));
    let refused = go(&service, &path, As::Author, json!({ "to": "in_review" })).await;
    assert_eq!((refused.status.as_u16(), refused.places()), (422, expected.to_vec()));
}

#[tokio::test]
async fn what_does_not_fit_the_way_is_refused_by_name() {
    let service = TestApp::start().await;
    let path = draft(&service, "publications", As::Editor, publication("Rapor")).await;
    let viewer = me(&service, As::Viewer).await;
    for (body, places) in [
        (json!({ "to": "scheduled" }), vec!["/at"]),
        (json!({ "to": "scheduled", "at": "2026-03-08T09:00:00Z" }), vec!["/at"]),
        (
            json!({ "to": "scheduled", "at": "2026-03-09T09:00:00Z", "until": "2026-03-09T09:00:00Z" }),
            vec!["/until"],
        ),
        (json!({ "to": "published", "at": "2026-03-09T09:00:00Z" }), vec!["/at"]),
        (json!({ "to": "in_review", "until": "2026-03-09T09:00:00Z" }), vec!["/until"]),
        (json!({ "to": "published", "assignee": viewer }), vec!["/assignee"]),
        (json!({ "to": "in_review", "assignee": viewer }), vec!["/assignee"]),
        (json!({ "to": "in_review", "assignee": "01930000-0000-4000-8000-000000000000" }), vec!["/assignee"]),
        (json!({ "to": "in_review", "reviewer": null }), vec!["/reviewer"]),
        (json!({ "at": "2026-03-09T09:00:00Z" }), vec!["/to"]),
        (json!({ "to": "scheduled", "at": "yarın" }), vec!["/at"]),
    ] {
        let before = service.rows().await;
        let refused = go(&service, &path, As::Editor, body.clone()).await;
        assert_eq!((refused.status.as_u16(), refused.places()), (422, places), "{body}");
        assert_eq!(service.rows().await, before);
    }
}

#[tokio::test]
async fn with_four_eyes_nobody_publishes_what_they_alone_have_seen() {
    let service = TestApp::with(&[("SOGEP_FOUR_EYES", "on")]).await;
    let path = draft(&service, "publications", As::Editor, publication("Rapor")).await;
    let direct = go(&service, &path, As::Editor, json!({ "to": "published" })).await;
    assert_eq!(direct.status, 409);
    assert!(direct.body["detail"].as_str().unwrap().ends_with("goes to: in_review"), "{}", direct.text);
    assert_eq!(go(&service, &path, As::Editor, json!({ "to": "in_review" })).await.status, 200);
    for to in ["published", "scheduled"] {
        let own = go(&service, &path, As::Editor, json!({ "to": to, "at": "2026-03-09T09:00:00Z" })).await;
        assert_eq!(own.status, 403, "{to}");
    }
    let hindrances = ways(&service, &path, As::Editor).await;
    assert_eq!(hindrances[2], ("published".to_owned(), json!("four_eyes")));
    // Who changes it in review has not seen it with two eyes more.
    let etag = service.get(&path, As::Admin).await.etag().to_owned();
    assert_eq!(service.patch(&path, As::Admin, &etag, json!({ "pages": "9" })).await.status, 200);
    assert_eq!(go(&service, &path, As::Admin, json!({ "to": "published" })).await.status, 403);
    assert_eq!(go(&service, &path, As::Owner, json!({ "to": "published" })).await.status, 200);
    // What is public changes only by way of the working copy, and by another.
    let etag = service.get(&path, As::Editor).await.etag().to_owned();
    let at_once = service.patch(&path, As::Editor, &etag, json!({ "pages": "10" })).await;
    assert_eq!(at_once.status, 409, "{}", at_once.text);
    let kept =
        service.patch(&format!("{path}?draft=true"), As::Editor, &etag, json!({ "pages": "10" })).await;
    assert_eq!(kept.status, 200, "{}", kept.text);
    assert_eq!(go(&service, &path, As::Editor, json!({ "to": "published" })).await.status, 403);
    assert_eq!(go(&service, &path, As::Admin, json!({ "to": "published" })).await.status, 200);
    assert_eq!(service.get(&path, As::Publishable).await.body["pages"], "10");
    // An old version comes back the same way.
    let etag = service.get(&path, As::Editor).await.etag().to_owned();
    let restored = service
        .send(
            axum::http::Method::POST,
            &format!("{path}/versions/1/restore"),
            As::Editor,
            &[("if-match", &etag)],
            None,
        )
        .await;
    assert_eq!(restored.status, 409, "{}", restored.text);
}

#[tokio::test]
async fn with_four_eyes_what_was_planned_is_not_rewritten_and_what_narrows_needs_nobody() {
    let service = TestApp::with(&[("SOGEP_FOUR_EYES", "on")]).await;
    let path = draft(&service, "publications", As::Editor, publication("Rapor")).await;
    go(&service, &path, As::Editor, json!({ "to": "in_review" })).await;
    go(&service, &path, As::Admin, json!({ "to": "published" })).await;
    let copy = format!("{path}?draft=true");
    let etag = service.get(&path, As::Editor).await.etag().to_owned();
    let kept = service.patch(&copy, As::Editor, &etag, json!({ "pages": "1" })).await;
    assert_eq!(kept.status, 200, "{}", kept.text);
    let planned =
        go(&service, &path, As::Admin, json!({ "to": "published", "at": "2026-03-08T10:00:00Z" })).await;
    assert_eq!(planned.status, 200, "{}", planned.text);
    let etag = service.get(&copy, As::Editor).await.etag().to_owned();
    let sneaked = service.patch(&copy, As::Editor, &etag, json!({ "pages": "2" })).await;
    assert_eq!(sneaked.status, 409, "{}", sneaked.text);
    // A row publishes nothing, and changes nothing that is published.
    let row = |state: Value| json!({ "operations": [{ "op": "upsert", "entry": { "slug": "rapor", "state": state, "translations": { "tr": { "title": "Başka" } } } }] });
    for state in [Value::Null, json!("published")] {
        let refused = service.post("/v1/publications:bulk", As::Editor, row(state)).await;
        assert_eq!(refused.status, 422, "{}", refused.text);
    }
    // Nobody waits when somebody is to be hidden, and the profile has no review.
    let etag = service.get(&path, As::Editor).await.etag().to_owned();
    let narrowed = service.patch(&path, As::Editor, &etag, json!({ "visibility": "internal" })).await;
    assert_eq!(narrowed.status, 200, "{}", narrowed.text);
    assert_eq!(service.get(&path, As::Publishable).await.status, 404);
    let widened = service.patch(&path, As::Editor, narrowed.etag(), json!({ "visibility": "public" })).await;
    assert_eq!(widened.status, 409, "{}", widened.text);
    let etag = service.get("/v1/organisation", As::Editor).await.etag().to_owned();
    let profile = json!({ "contact": { "email": "iletisim@sogep.example" } });
    assert_eq!(service.patch("/v1/organisation", As::Editor, &etag, profile).await.status, 200);
}
