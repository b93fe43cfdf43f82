//! Editing: from draft to public and back, with nobody's work lost and every step on record.

mod names;

use axum::http::{Method, StatusCode};
use chrono::TimeDelta;
use futures_util::future::join_all;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::{Value, json};
use sogep::entity::{
    change, revision,
    vocabulary::{Visibility, What},
};

use crate::app::{Answer, As, TestApp, event, partner, person, practice, project, publication, topic};
use crate::reading::{COLLECTIONS, walk};

/// Creates a draft; gives its address and the answer.
async fn draft(service: &TestApp, collection: &str, who: As, body: Value) -> (String, Answer) {
    let created = service.post(&format!("/v1/{collection}"), who, body).await;
    assert_eq!(created.status, 201, "{}", created.text);
    (created.header("location").to_owned(), created)
}

/// Changes an entry as an editor who has read it just before.
pub async fn edit(service: &TestApp, path: &str, patch: Value) -> Answer {
    let etag = service.get(path, As::Editor).await.etag().to_owned();
    service.patch(path, As::Editor, &etag, patch).await
}

/// Trashes an entry as an editor who has read it just before.
pub async fn trash(service: &TestApp, path: &str) {
    let etag = service.get(path, As::Editor).await.etag().to_owned();
    assert_eq!(service.delete(path, As::Editor, &etag).await.status, 204);
}

pub async fn send_to(service: &TestApp, path: &str, who: As, state: &str) -> Answer {
    service.post(&format!("{path}/transitions"), who, json!({ "to": state, "note": "Neden" })).await
}

async fn changes(service: &TestApp) -> Vec<change::Model> {
    change::Entity::find().order_by_asc(change::Column::Seq).all(service.app.db.reader()).await.unwrap()
}

/// How many revisions and lines of the change log there are.
async fn records(service: &TestApp) -> (usize, usize) {
    let revisions = revision::Entity::find().all(service.app.db.reader()).await.unwrap();
    (revisions.len(), changes(service).await.len())
}

#[tokio::test]
async fn a_publication_goes_from_draft_to_public_to_the_trash() {
    let service = TestApp::start().await;
    let mut body = publication("İstanbul Sözleşmesi");
    body["translations"]["en"] = json!({ "title": "Istanbul Convention", "summary": "A brief summary." });
    let (path, created) = draft(&service, "publications", As::Owner, body).await;
    assert_eq!(path, "/v1/publications/istanbul-sozlesmesi");
    assert_eq!((&created.body["state"], &created.body["published_at"]), (&json!("draft"), &Value::Null));
    let by_id = format!("/v1/publications/{}", created.body["id"].as_str().unwrap());
    for path in [&path, &by_id] {
        assert_eq!(service.get(path, As::Publishable).await.status, 404);
    }
    assert!(service.get("/v1/publications", As::Publishable).await.slugs().is_empty());

    let published = send_to(&service, &path, As::Owner, "published").await;
    assert_eq!((published.status.as_u16(), &published.body["state"]), (200, &json!("published")));
    for (locale, title) in [("tr", "İstanbul Sözleşmesi"), ("en", "Istanbul Convention")] {
        let shown = service.get(&format!("{path}?locale={locale}"), As::Publishable).await;
        assert_eq!((shown.status.as_u16(), &shown.body["title"]), (200, &json!(title)));
        assert!(!shown.etag().is_empty());
    }
    assert_eq!(service.get("/v1/publications", As::Publishable).await.slugs(), ["istanbul-sozlesmesi"]);

    let patch = json!({ "pages": "40" });
    let unguarded = service.send(Method::PATCH, &path, As::Owner, &[], Some(patch.clone())).await;
    assert_eq!(unguarded.status, StatusCode::PRECONDITION_REQUIRED);
    let stale = service.patch(&path, As::Owner, created.etag(), patch.clone()).await;
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED);
    assert_eq!(stale.etag(), service.get(&path, As::Owner).await.etag(), "it says the current tag");
    let fresh = service.patch(&path, As::Owner, stale.etag(), patch).await;
    assert_eq!((fresh.status.as_u16(), &fresh.body["pages"]), (200, &json!("40")));

    assert_eq!(service.delete(&path, As::Owner, stale.etag()).await.status, 412);
    let unguarded = service.send(Method::DELETE, &path, As::Owner, &[], None).await;
    assert_eq!(unguarded.status, 428);
    let deleted = service.delete(&path, As::Owner, fresh.etag()).await;
    assert_eq!((deleted.status.as_u16(), deleted.text.as_str()), (204, ""));
    for (path, who) in [(&path, As::Publishable), (&by_id, As::Publishable), (&path, As::Owner)] {
        assert_eq!(service.get(path, who).await.status, 404);
    }
    assert!(service.get("/v1/publications", As::Publishable).await.slugs().is_empty());
    let log = changes(&service).await;
    let of_entry = log.iter().filter(|line| line.slug == "istanbul-sozlesmesi");
    let what: Vec<_> = of_entry.map(|line| (line.what, line.audience)).collect();
    let expected = [What::Created, What::Published, What::Updated, What::Deleted];
    let public = Some(Visibility::Public);
    assert_eq!(what, expected.into_iter().zip([None, public, public, public]).collect::<Vec<_>>());
    assert!(log.iter().all(|line| line.position.is_some()));
}

#[tokio::test]
async fn a_tag_of_any_language_or_caller_lets_one_write() {
    let service = TestApp::start().await;
    let path = service.published("publications", publication("Rapor")).await;
    let english = service.get(&format!("{path}?locale=en"), As::Viewer).await;
    assert_eq!(service.patch(&path, As::Editor, english.etag(), json!({})).await.status, 200);
    for etag in ["*", "\"x\"", "W/\"2.x\"", "2", "\"9.x\"", "\"-1.x\""] {
        assert_eq!(service.patch(&path, As::Editor, etag, json!({})).await.status, 412, "{etag}");
    }
}

#[tokio::test]
async fn a_patch_removes_with_null_and_replaces_lists_whole() {
    let service = TestApp::start().await;
    let mut body = publication("Rapor");
    body["translations"]["en"] = json!({ "title": "Report" });
    body["pages"] = "12".into();
    body["audience"] = json!(["media", "researchers"]);
    let (path, _) = draft(&service, "publications", As::Editor, body).await;
    let patch = json!({
        "pages": null, "audience": ["educators"], "translations": { "en": null, "tr": { "subtitle": "Alt" } },
    });
    let changed = edit(&service, &format!("{path}?locale=all"), patch).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    assert_eq!((&changed.body["pages"], &changed.body["audience"]), (&Value::Null, &json!(["educators"])));
    assert_eq!(changed.body["translations"].as_object().unwrap().keys().collect::<Vec<_>>(), ["tr"]);
    let texts = &changed.body["translations"]["tr"];
    assert_eq!((&texts["title"], &texts["subtitle"]), (&json!("Rapor"), &json!("Alt")));
    assert_eq!(changed.body["type"], "research_report", "what is not named stays");
}

#[tokio::test]
async fn a_patch_that_says_nothing_is_good_for_every_entry_and_changes_nothing_in_it() {
    let service = TestApp::with_demo().await;
    for collection in COLLECTIONS {
        for before in walk(&service, &format!("/v1/{collection}?limit=100&locale=all"), As::Editor).await {
            let path = format!("/v1/{collection}/{}?locale=all", before["slug"].as_str().unwrap());
            let before = service.get(&path, As::Editor).await;
            let mut after = service.patch(&path, As::Editor, before.etag(), json!({})).await;
            assert_eq!(after.status, 200, "{path}: {}", after.text);
            after.body["updated_at"] = before.body["updated_at"].clone();
            assert_eq!(after.body, before.body);
        }
    }
}

#[tokio::test]
async fn a_consent_can_be_changed_in_part() {
    let service = TestApp::start().await;
    let (path, _) = draft(&service, "people", As::Editor, person("Işıl Öztürk", &["name", "role"])).await;
    let withdrawn = json!({ "consent": { "withdrawn_at": "2026-03-01T00:00:00Z" } });
    let changed = edit(&service, &path, withdrawn).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    assert_eq!(changed.body["consent"]["scope"], json!(["name", "role"]));
    assert_eq!(changed.body["consent"]["withdrawn_at"], "2026-03-01T00:00:00Z");
    let changed = edit(&service, &path, json!({ "consent": null })).await;
    assert_eq!(changed.body["consent"], Value::Null);
    let half = edit(&service, &path, json!({ "consent": { "scope": ["name"] } })).await;
    assert_eq!(half.places(), ["/consent/given_by", "/consent/text_version", "/consent/given_at"]);
}

#[tokio::test]
async fn only_the_documented_ways_lead_from_state_to_state() {
    let service = TestApp::start().await;
    let (path, _) = draft(&service, "publications", As::Editor, publication("Rapor")).await;
    for (to, status, legal) in [
        ("draft", 409, "goes to: in_review, scheduled, published"),
        ("archived", 409, "goes to: in_review, scheduled, published"),
        ("in_review", 200, ""),
        ("archived", 409, "goes to: draft, scheduled, published"),
        ("draft", 200, ""),
        ("in_review", 200, ""),
        ("published", 200, ""),
        ("published", 409, "goes to: draft, archived"),
        ("in_review", 409, "goes to: draft, archived"),
        ("archived", 200, ""),
        ("published", 409, "goes to: draft"),
        ("archived", 409, "goes to: draft"),
        ("draft", 200, ""),
        ("published", 200, ""),
        ("draft", 200, ""),
    ] {
        let before = service.get(&path, As::Editor).await.text;
        let sent = send_to(&service, &path, As::Editor, to).await;
        assert_eq!(sent.status.as_u16(), status, "{to}: {}", sent.text);
        if status == 409 {
            let detail = sent.body["detail"].as_str().unwrap();
            assert!(detail.ends_with(legal), "{detail}");
            assert_eq!(service.get(&path, As::Editor).await.text, before);
        }
        let seen = service.get(&path, As::Publishable).await.status == 200;
        assert_eq!(seen, service.get(&path, As::Editor).await.body["state"] == "published");
    }
    for to in ["trashed", "PUBLISHED", ""] {
        let refused = send_to(&service, &path, As::Editor, to).await;
        assert_eq!((refused.status.as_u16(), refused.places()), (422, vec!["/to"]), "{to}");
    }
}

#[tokio::test]
async fn a_transition_may_be_guarded_too_and_keeps_its_note() {
    let service = TestApp::start().await;
    let (path, created) = draft(&service, "publications", As::Editor, publication("Rapor")).await;
    edit(&service, &path, json!({ "pages": "3" })).await;
    let address = format!("{path}/transitions");
    let body = json!({ "to": "published", "note": "Yayın kurulu onayladı." });
    let stale = [("if-match", created.etag())];
    let refused = service.send(Method::POST, &address, As::Editor, &stale, Some(body.clone())).await;
    assert_eq!(refused.status, 412);
    assert_eq!(service.post(&address, As::Editor, body).await.status, 200);
    let revisions =
        revision::Entity::find().order_by_asc(revision::Column::Version).all(service.app.db.reader()).await;
    let last = revisions.unwrap().pop().unwrap();
    assert_eq!((last.version, last.note.as_deref()), (3, Some("Yayın kurulu onayladı.")));
    let actor = service.get("/v1/me", As::Editor).await.body["id"].clone();
    assert_eq!(json!(last.actor_id), actor);
}

#[tokio::test]
async fn the_first_publication_is_what_published_at_says() {
    let service = TestApp::start().await;
    let path = service.published("publications", publication("Rapor")).await;
    service.app.clock.advance(TimeDelta::minutes(5));
    send_to(&service, &path, As::Editor, "draft").await;
    let again = send_to(&service, &path, As::Editor, "published").await;
    assert_eq!(again.body["published_at"], "2026-03-08T09:00:00Z");
    assert_eq!(again.body["updated_at"], "2026-03-08T09:05:00Z");
}

#[tokio::test]
async fn what_a_kind_needs_is_checked_when_it_is_published_and_not_before() {
    let service = TestApp::start().await;
    let texts =
        |names: &[&str]| names.iter().map(|name| format!("/translations/tr/{name}")).collect::<Vec<_>>();
    for (collection, fields, names) in [
        ("publications", vec!["/type", "/issued", "/languages"], texts(&["title", "summary"])),
        ("projects", vec!["/planned_start", "/planned_end"], texts(&["title", "summary"])),
        ("events", vec!["/starts_at", "/ends_at", "/time_zone"], texts(&["title"])),
        ("practices", vec!["/outcome"], texts(&["title", "summary", "what_was_done", "what_happened"])),
        ("people", vec!["/name"], vec![]),
        ("partners", vec![], texts(&["name"])),
        ("topics", vec![], texts(&["label"])),
    ] {
        let (path, _) =
            draft(&service, collection, As::Editor, json!({ "translations": { "tr": {} } })).await;
        let refused = send_to(&service, &path, As::Editor, "published").await;
        assert_eq!((refused.status.as_u16(), refused.code()), (422, "invalid"), "{collection}");
        let mut places = refused.places();
        let mut expected: Vec<&str> = fields.into_iter().chain(names.iter().map(String::as_str)).collect();
        places.sort_unstable();
        expected.sort_unstable();
        assert_eq!(places, expected, "{collection}");
        let codes: Vec<_> =
            refused.body["errors"].as_array().unwrap().iter().map(|error| &error["code"]).collect();
        assert!(codes.iter().all(|code| *code == "required"), "{codes:?}");
    }
}

#[tokio::test]
async fn what_is_public_cannot_lose_what_it_needs() {
    let service = TestApp::start().await;
    for (collection, body, patch, place) in [
        ("publications", publication("Rapor"), json!({ "languages": [] }), "/languages"),
        ("publications", publication("Not"), json!({ "issued": null }), "/issued"),
        ("projects", project("Proje"), json!({ "actual_end": null }), "/planned_end"),
        ("events", event("Panel"), json!({ "time_zone": null }), "/time_zone"),
        ("practices", practice("Deneme"), json!({ "outcome": null }), "/outcome"),
        ("people", person("Işıl Öztürk", &["name"]), json!({ "name": null }), "/name"),
        (
            "topics",
            topic("Konu"),
            json!({ "translations": { "tr": { "label": null } } }),
            "/translations/tr/label",
        ),
        ("partners", partner("Dernek"), json!({ "translations": { "tr": null } }), "/translations/tr"),
    ] {
        let path = service.published(collection, body).await;
        let before = service.rows().await;
        let refused = edit(&service, &path, patch).await;
        assert_eq!((refused.status.as_u16(), refused.places()[0]), (422, place), "{}", refused.text);
        assert_eq!(service.rows().await, before);
    }
}

#[tokio::test]
async fn every_write_leaves_one_version_and_one_line_in_the_log() {
    let service = TestApp::start().await;
    let (path, created) = draft(&service, "publications", As::Editor, publication("Rapor")).await;
    let start = records(&service).await;
    edit(&service, &path, json!({ "pages": "3" })).await;
    assert_eq!(records(&service).await, (start.0 + 1, start.1 + 1));
    send_to(&service, &path, As::Editor, "published").await;
    assert_eq!(records(&service).await, (start.0 + 2, start.1 + 2));
    trash(&service, &path).await;
    assert_eq!(records(&service).await, (start.0 + 3, start.1 + 3));
    let id = created.body["id"].as_str().unwrap().parse::<uuid::Uuid>().unwrap();
    let revisions = revision::Entity::find()
        .filter(revision::Column::EntryId.eq(id))
        .order_by_asc(revision::Column::Version)
        .all(service.app.db.reader())
        .await
        .unwrap();
    assert_eq!(revisions.iter().map(|row| row.version).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&revisions[1].snapshot).unwrap()["pages"], "3");
    let log = changes(&service).await;
    assert!(log.windows(2).all(|pair| pair[0].seq < pair[1].seq));
}

#[tokio::test]
async fn a_refused_write_leaves_nothing() {
    let service = TestApp::start().await;
    let (path, created) =
        draft(&service, "publications", As::Editor, json!({ "translations": { "tr": {} } })).await;
    service.credential(As::Author).await;
    let before = service.rows().await;
    let stale = "\"7.x\"";
    let unknown = json!({ "topics": ["yok"] });
    for (refused, status) in [
        (service.patch(&path, As::Editor, stale, json!({ "pages": "3" })).await, 412),
        (service.patch(&path, As::Editor, created.etag(), unknown).await, 422),
        (service.patch(&path, As::Editor, created.etag(), json!({ "pages": 3 })).await, 422),
        (service.patch(&path, As::Author, created.etag(), json!({ "pages": "3" })).await, 404),
        (service.delete(&path, As::Editor, stale).await, 412),
        (send_to(&service, &path, As::Editor, "published").await, 422),
        (send_to(&service, &path, As::Editor, "archived").await, 409),
        (service.post("/v1/topics", As::Editor, json!({ "translations": {} })).await, 422),
    ] {
        assert_eq!(refused.status.as_u16(), status, "{}", refused.text);
    }
    assert_eq!(service.rows().await, before);
}

#[tokio::test]
async fn authors_change_their_own_drafts_and_nothing_else() {
    let service = TestApp::start().await;
    let (own, created) = draft(&service, "publications", As::Author, publication("Kendi taslağım")).await;
    let (foreign, _) = draft(&service, "publications", As::Editor, publication("Başkasının taslağı")).await;
    let public = service.published("publications", publication("Yayımlanmış")).await;
    assert_eq!(service.patch(&own, As::Author, created.etag(), json!({ "pages": "3" })).await.status, 200);
    assert_eq!(service.get(&foreign, As::Author).await.status, 404);
    let tag = "\"1.x\"";
    assert_eq!(service.patch(&foreign, As::Author, tag, json!({})).await.status, 404);
    assert_eq!(service.patch(&public, As::Author, tag, json!({})).await.status, 403);
    assert_eq!(service.delete(&public, As::Author, tag).await.status, 403);
    for (path, status) in [(&own, 403), (&foreign, 404), (&public, 403)] {
        assert_eq!(send_to(&service, path, As::Author, "published").await.status, status);
    }
    send_to(&service, &own, As::Editor, "published").await;
    let etag = service.get(&own, As::Author).await.etag().to_owned();
    assert_eq!(service.patch(&own, As::Author, &etag, json!({})).await.status, 403, "no longer a draft");
    let (second, created) = draft(&service, "topics", As::Author, topic("Konu")).await;
    assert_eq!(service.delete(&second, As::Author, created.etag()).await.status, 204);
    for who in [As::Viewer, As::Publishable, As::Partner] {
        assert_eq!(service.post("/v1/topics", who, topic("Yok")).await.status, 403);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_twenty_writers_with_the_same_tag_one_wins() {
    let service = TestApp::start().await;
    let (path, created) = draft(&service, "publications", As::Editor, publication("Rapor")).await;
    let start = records(&service).await;
    let write = async |number: usize| {
        let patch = json!({ "pages": number.to_string() });
        service.patch(&path, As::Editor, created.etag(), patch).await.status.as_u16()
    };
    let mut answers = join_all((0..20).map(write)).await;
    answers.sort_unstable();
    assert_eq!(answers[0], 200, "{answers:?}");
    assert!(answers[1..].iter().all(|status| *status == 412), "{answers:?}");
    assert_eq!(records(&service).await, (start.0 + 1, start.1 + 1));
}

#[tokio::test]
async fn the_sequence_of_a_public_event_grows_with_its_changes() {
    let service = TestApp::start().await;
    let (path, _) = draft(&service, "events", As::Editor, event("Panel")).await;
    let moved = |hour: u32| json!({ "ends_at": format!("2026-05-01T{hour}:00:00Z") });
    assert_eq!(edit(&service, &path, moved(18)).await.body["sequence"], 0, "nobody has it yet");
    send_to(&service, &path, As::Editor, "published").await;
    assert_eq!(edit(&service, &path, moved(19)).await.body["sequence"], 1);
    assert_eq!(edit(&service, &path, moved(19)).await.body["sequence"], 1, "nothing has changed");
    assert_eq!(edit(&service, &path, json!({ "status": "cancelled" })).await.body["sequence"], 2);
    assert_eq!(edit(&service, &path, json!({ "sequence": 0 })).await.body["sequence"], 3, "never back");
}
