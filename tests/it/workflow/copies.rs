//! Working copies: what is written in peace beside what readers see.

use axum::http::Method;
use serde_json::{Value, json};

use super::{draft, go, tag};
use crate::app::{As, TestApp, person, publication};

#[tokio::test]
async fn a_working_copy_is_seen_by_editors_only_and_published_as_a_whole() {
    let service = TestApp::start().await;
    let path = service.published("publications", publication("Rapor")).await;
    let copy = format!("{path}?draft=true");
    let public = service.get(&path, As::Publishable).await;
    let etag = tag(&service, &path).await;
    assert_eq!(
        service.get(&copy, As::Editor).await.text,
        service.get(&path, As::Editor).await.text,
        "none yet"
    );
    service.app.clock.advance(chrono::TimeDelta::minutes(3));
    let patch =
        json!({ "pages": "12", "slug": "yeni-rapor", "translations": { "tr": { "title": "Yeni rapor" } } });
    let kept = service.patch(&copy, As::Editor, &etag, patch).await;
    assert_eq!((kept.status.as_u16(), &kept.body["title"]), (200, &json!("Yeni rapor")), "{}", kept.text);
    assert_eq!(kept.body["slug"], "yeni-rapor");
    // Readers see nothing of it, not even that there was a change.
    let now = service.get(&path, As::Publishable).await;
    assert_eq!(
        (&now.text, now.etag(), now.header("last-modified")),
        (&public.text, public.etag(), public.header("last-modified"))
    );
    assert_eq!(service.get("/v1/publications/yeni-rapor", As::Publishable).await.status, 404);
    for who in [As::Publishable, As::Viewer, As::Author] {
        assert_eq!(service.get(&copy, who).await.status, 403);
    }
    assert_eq!(service.get(&copy, As::Nobody).await.status, 401);
    let seen = service.get(&copy, As::Editor).await;
    assert_eq!((&seen.text, seen.etag()), (&kept.text, kept.etag()));
    let standing = service.get(&format!("{path}/transitions"), As::Editor).await;
    assert_eq!(standing.body["working_copy"], 3);
    let published = go(&service, &path, As::Editor, json!({ "to": "published" })).await;
    assert_eq!(
        (published.status.as_u16(), &published.body["pages"]),
        (200, &json!("12")),
        "{}",
        published.text
    );
    let moved = service.get(&path, As::Publishable).await;
    assert_eq!((moved.status.as_u16(), moved.header("location")), (308, "/v1/publications/yeni-rapor"));
    assert_eq!(
        service.get("/v1/publications/yeni-rapor", As::Publishable).await.body["updated_at"],
        "2026-03-08T09:03:00Z"
    );
    let again = go(&service, "/v1/publications/yeni-rapor", As::Editor, json!({ "to": "published" })).await;
    assert_eq!(again.status, 409, "there is nothing to publish any more");
}

#[tokio::test]
async fn two_editors_at_once_lose_nothing() {
    let service = TestApp::start().await;
    let path = service.published("publications", publication("Rapor")).await;
    let copy = format!("{path}?draft=true");
    let etag = tag(&service, &path).await;
    let kept = service.patch(&copy, As::Editor, &etag, json!({ "pages": "12" })).await;
    // Who read before the working copy was made is told, whichever of the two they change.
    for path in [&path, &copy] {
        let stale = service.patch(path, As::Admin, &etag, json!({ "edition": "2" })).await;
        assert_eq!((stale.status.as_u16(), stale.etag()), (412, tag(&service, path).await.as_str()));
    }
    // What is corrected in public is corrected in the copy, too; the copy's own changes stay.
    let live = service.patch(&path, As::Admin, &tag(&service, &path).await, json!({ "edition": "2" })).await;
    assert_eq!((live.status.as_u16(), &live.body["pages"]), (200, &Value::Null), "{}", live.text);
    let seen = service.get(&copy, As::Editor).await;
    assert_eq!((&seen.body["pages"], &seen.body["edition"]), (&json!("12"), &json!("2")));
    assert_eq!(service.patch(&copy, As::Editor, kept.etag(), json!({ "pages": "13" })).await.status, 412);
    // The same field changed in both: nobody's work is thrown away silently.
    let before = service.rows().await;
    let clash = service.patch(&path, As::Admin, &tag(&service, &path).await, json!({ "pages": "99" })).await;
    assert_eq!(clash.status, 409);
    assert!(clash.body["detail"].as_str().unwrap().contains("/pages"), "{}", clash.text);
    assert_eq!(service.rows().await, before);
    let same = service.patch(&path, As::Admin, &tag(&service, &path).await, json!({ "pages": "12" })).await;
    assert_eq!(same.status, 200, "the copy has it already: {}", same.text);
}

#[tokio::test]
async fn a_working_copy_can_be_discarded_and_its_versions_stay() {
    let service = TestApp::start().await;
    let path = service.published("publications", publication("Rapor")).await;
    let copy = format!("{path}?draft=true");
    let etag = tag(&service, &path).await;
    assert_eq!(service.delete(&copy, As::Editor, &etag).await.status, 409, "there is none");
    let kept = service.patch(&copy, As::Editor, &etag, json!({ "pages": "12" })).await;
    assert_eq!(service.delete(&copy, As::Editor, &etag).await.status, 412);
    assert_eq!(service.delete(&copy, As::Editor, kept.etag()).await.status, 204);
    assert_eq!(service.get(&copy, As::Editor).await.body["pages"], Value::Null);
    assert_eq!(service.get(&path, As::Publishable).await.status, 200);
    let version = service.get(&format!("{path}/versions/3"), As::Editor).await;
    assert_eq!((&version.body["working"], &version.body["entry"]["pages"]), (&json!(true), &json!("12")));
}

#[tokio::test]
async fn what_is_withdrawn_is_worked_on_with_what_was_written() {
    let service = TestApp::start().await;
    let path = service.published("publications", publication("Rapor")).await;
    let copy = format!("{path}?draft=true");
    service.patch(&copy, As::Editor, &tag(&service, &path).await, json!({ "pages": "12" })).await;
    let draft = go(&service, &path, As::Editor, json!({ "to": "draft", "note": "Hata var" })).await;
    assert_eq!(
        (&draft.body["state"], &draft.body["pages"]),
        (&json!("draft"), &json!("12")),
        "{}",
        draft.text
    );
    assert_eq!(service.get(&path, As::Publishable).await.status, 404);
    // What is no longer public has no copy: the draft itself is changed.
    let changed = service.patch(&copy, As::Editor, draft.etag(), json!({ "pages": "13" })).await;
    assert_eq!(
        (changed.status.as_u16(), &service.get(&path, As::Editor).await.body["pages"]),
        (200, &json!("13"))
    );
}

#[tokio::test]
async fn a_copy_is_held_to_the_same_rules() {
    let service = TestApp::start().await;
    let path = service.published("publications", publication("Rapor")).await;
    let other = service.published("publications", publication("Başka")).await;
    let copy = format!("{path}?draft=true");
    let etag = tag(&service, &path).await;
    for (patch, place) in [
        (json!({ "slug": other.rsplit('/').next().unwrap() }), "/slug"),
        (json!({ "topics": ["yok"] }), "/topics/0"),
        (json!({ "pages": 3 }), "/pages"),
        (json!({ "state": "draft" }), "/state"),
    ] {
        let refused = service.patch(&copy, As::Editor, &etag, patch).await;
        assert_eq!((refused.status.as_u16(), refused.places()), (422, vec![place]));
    }
    let unguarded = service.send(Method::PATCH, &copy, As::Editor, &[], Some(json!({}))).await;
    assert_eq!(unguarded.status, 428);
    // It may lack what a published entry needs until it is published.
    let kept = service.patch(&copy, As::Editor, &etag, json!({ "issued": null })).await;
    assert_eq!(kept.status, 200, "{}", kept.text);
    for body in [json!({ "to": "published" }), json!({ "to": "published", "at": "2026-03-09T09:00:00Z" })] {
        let lacking = go(&service, &path, As::Editor, body).await;
        assert_eq!((lacking.status.as_u16(), lacking.places()), (422, vec!["/issued"]));
    }
    assert_eq!(service.get(&path, As::Publishable).await.body["issued"], publication("x")["issued"]);
    // The name of somebody who is written about in peace shows nowhere.
    let hidden = draft(&service, "people", As::Editor, person("Gizli Kişi", &["name"])).await;
    assert_eq!(service.get(&hidden, As::Publishable).await.status, 404);
}

#[tokio::test]
async fn the_tag_of_one_is_no_tag_of_the_other() {
    let service = TestApp::start().await;
    let path = service.published("publications", publication("Rapor")).await;
    let copy = format!("{path}?draft=true");
    let kept = service.patch(&copy, As::Editor, &tag(&service, &path).await, json!({ "pages": "1" })).await;
    let live = tag(&service, &path).await;
    assert_eq!(service.patch(&copy, As::Admin, &live, json!({ "pages": "2" })).await.status, 412);
    assert_eq!(service.delete(&copy, As::Admin, &live).await.status, 412);
    assert_eq!(service.delete(&path, As::Admin, kept.etag()).await.status, 412);
    assert_eq!(service.patch(&path, As::Admin, kept.etag(), json!({ "edition": "2" })).await.status, 412);
    assert_eq!(service.get(&copy, As::Editor).await.etag(), kept.etag());
}

#[tokio::test]
async fn who_is_to_be_hidden_is_hidden_whatever_is_being_written() {
    let service = TestApp::start().await;
    let path = service.published("people", person("Işıl Öztürk", &["name", "role"])).await;
    let copy = format!("{path}?draft=true");
    let kept = service
        .patch(
            &copy,
            As::Editor,
            &tag(&service, &path).await,
            json!({ "consent": { "scope": ["name", "biography"] } }),
        )
        .await;
    assert_eq!(kept.status, 200, "{}", kept.text);
    let withdrawn =
        service.patch(&path, As::Editor, &tag(&service, &path).await, json!({ "consent": null })).await;
    assert_eq!(withdrawn.status, 200, "{}", withdrawn.text);
    assert_eq!(service.get(&path, As::Publishable).await.status, 404);
    assert_eq!(service.get(&copy, As::Editor).await.body["consent"], Value::Null, "in the copy, too");
}
