//! Names: slugs, the trees and references between entries, and what a change of name reaches.

use chrono::TimeDelta;
use futures_util::future::join_all;
use serde_json::json;

use super::{changes, draft, edit, send_to, trash};
use crate::app::{Answer, As, TestApp, partner, person, project, publication, topic};

#[tokio::test]
async fn a_slug_is_made_from_the_title_and_never_given_twice() {
    let service = TestApp::start().await;
    let title = "Işıl’ın Çığlığı: İzmir’de ĞÜŞÖ";
    let (first, _) = draft(&service, "publications", As::Editor, publication(title)).await;
    assert_eq!(first, "/v1/publications/isil-in-cigligi-izmir-de-guso");
    let (second, _) = draft(&service, "publications", As::Editor, publication(title)).await;
    assert_eq!(second, format!("{first}-2"));
    trash(&service, &second).await;
    let (third, _) = draft(&service, "publications", As::Editor, publication(title)).await;
    assert_eq!(third, format!("{first}-3"), "a slug in the trash stays taken");
    let (project, _) = draft(&service, "projects", As::Editor, project(title)).await;
    assert_eq!(project, "/v1/projects/isil-in-cigligi-izmir-de-guso", "each collection has its own");
    let (nameless, _) = draft(&service, "publications", As::Editor, publication("…")).await;
    assert_eq!(nameless, "/v1/publications/publication");
}

#[tokio::test]
async fn a_slug_that_was_public_stays_with_its_entry() {
    let service = TestApp::start().await;
    let path = service.published("publications", publication("Rapor")).await;
    assert_eq!(edit(&service, &path, json!({ "slug": "yeni" })).await.status, 200);
    let (other, _) = draft(&service, "publications", As::Editor, publication("Rapor")).await;
    assert_eq!(other, "/v1/publications/rapor-2");
    let mut body = publication("Başka");
    body["slug"] = "rapor".into();
    let refused = service.post("/v1/publications", As::Editor, body).await;
    assert_eq!((refused.status.as_u16(), refused.places()), (422, vec!["/slug"]));
    assert_eq!(edit(&service, &other, json!({ "slug": "yeni" })).await.places(), ["/slug"]);
    let back = edit(&service, "/v1/publications/yeni", json!({ "slug": "rapor" })).await;
    assert_eq!(back.status, 200, "its own it may have back: {}", back.text);
    assert_eq!(service.get(&path, As::Publishable).await.status, 200);
    let moved = service.get("/v1/publications/yeni", As::Publishable).await;
    assert_eq!((moved.status.as_u16(), moved.header("location")), (308, path.as_str()));
}

#[tokio::test]
async fn a_slug_set_to_null_is_made_from_the_title_again() {
    let service = TestApp::start().await;
    let path = service.published("publications", publication("Rapor")).await;
    let same = edit(&service, &path, json!({ "slug": null })).await;
    assert_eq!((same.status.as_u16(), &same.body["slug"]), (200, &json!("rapor")));
}

#[tokio::test]
async fn what_shows_a_renamed_entry_has_changed_too() {
    let service = TestApp::start().await;
    for (collection, body) in [
        ("topics", topic("Konu")),
        ("partners", partner("Dernek")),
        ("people", person("Kişi", &["name"])),
        ("projects", project("Proje")),
    ] {
        service.published(collection, body).await;
    }
    let mut body = publication("Rapor");
    body["topics"] = json!(["konu"]);
    body["authors"] = json!([{ "person": "kisi" }]);
    body["publishers"] = json!([{ "partner": "dernek" }]);
    body["project"] = "proje".into();
    let path = service.published("publications", body).await;
    let mut before = service.get(&path, As::Publishable).await;
    for (minute, (renamed, patch)) in (1..).zip([
        ("/v1/topics/konu", json!({ "translations": { "tr": { "label": "Başka" } } })),
        ("/v1/partners/dernek", json!({ "translations": { "tr": { "name": "Vakıf" } } })),
        ("/v1/people/kisi", json!({ "name": { "display": "Başkası" } })),
        ("/v1/projects/proje", json!({ "slug": "yeni-proje" })),
        ("/v1/topics/konu", json!({ "visibility": "internal" })),
    ]) {
        service.app.clock.advance(TimeDelta::minutes(1));
        let lines = changes(&service).await.len();
        assert_eq!(edit(&service, renamed, patch).await.status, 200);
        let after = service.get(&path, As::Publishable).await;
        assert_ne!(after.etag(), before.etag(), "{renamed}");
        assert_eq!(after.body["updated_at"], format!("2026-03-08T09:0{minute}:00Z"), "{renamed}");
        assert_eq!(changes(&service).await.len(), lines + 2, "one line for each of the two");
        before = after;
    }
    assert_eq!(before.body["topics"], json!([]));
    service.app.clock.advance(TimeDelta::minutes(1));
    edit(&service, "/v1/partners/dernek", json!({ "country": "TR" })).await;
    assert_eq!(service.get(&path, As::Publishable).await.etag(), before.etag(), "this it does not show");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_with_the_same_title_each_gets_its_own_slug() {
    let service = TestApp::start().await;
    service.credential(As::Editor).await;
    let write = async |_| service.post("/v1/topics", As::Editor, topic("Konu")).await;
    let answers = join_all((0..10).map(write)).await;
    let created = answers.iter().filter(|answer| answer.status == 201).count();
    for answer in &answers {
        assert!(matches!(answer.status.as_u16(), 201 | 409), "{}", answer.text);
    }
    let list = service.get("/v1/topics", As::Editor).await;
    let mut slugs = list.slugs();
    slugs.sort_unstable();
    slugs.dedup();
    assert_eq!(slugs.len(), created);
}

#[tokio::test]
async fn what_makes_a_tree_makes_no_circle() {
    let service = TestApp::start().await;
    for (collection, field, names) in [
        ("topics", "broader", ["a", "b", "c"]),
        ("projects", "parent", ["a", "b", "c"]),
        ("publications", "part_of", ["a", "b", "c"]),
    ] {
        for name in names {
            let body = match collection {
                "topics" => topic(name),
                "projects" => project(name),
                _ => publication(name),
            };
            draft(&service, collection, As::Editor, body).await;
        }
        for (from, to, status) in
            [("a", "a", 422), ("b", "a", 200), ("c", "b", 200), ("a", "c", 422), ("a", "b", 422)]
        {
            let path = format!("/v1/{collection}/{from}");
            let before = service.get(&path, As::Editor).await.text;
            let answer = edit(&service, &path, json!({ field: to })).await;
            assert_eq!(answer.status.as_u16(), status, "{collection} {from} → {to}: {}", answer.text);
            if status == 422 {
                assert_eq!(answer.places(), [format!("/{field}")]);
                assert_eq!(service.get(&path, As::Editor).await.text, before);
            }
        }
    }
}

#[tokio::test]
async fn a_reference_must_lead_to_an_entry_of_its_kind_that_one_may_see() {
    let service = TestApp::start().await;
    let (_, hidden) = draft(&service, "topics", As::Editor, topic("Gizli")).await;
    let other = service.published("partners", partner("Dernek")).await;
    let other = service.get(&other, As::Editor).await.body["id"].clone();
    let (_, trashed) = draft(&service, "topics", As::Editor, topic("Çöp")).await;
    trash(&service, "/v1/topics/cop").await;
    for named in [json!("yok"), other, json!("dernek"), trashed.body["id"].clone(), json!("cop"), json!("Ş!")]
    {
        let mut body = publication("Rapor");
        body["topics"] = json!([named]);
        let refused = service.post("/v1/publications", As::Editor, body).await;
        assert_eq!((refused.status.as_u16(), refused.places()), (422, vec!["/topics/0"]), "{named}");
        assert_eq!(refused.body["errors"][0]["code"], "unknown_reference");
    }
    for named in [json!("gizli"), hidden.body["id"].clone()] {
        let mut body = publication("Rapor");
        body["topics"] = json!([named]);
        let refused = service.post("/v1/publications", As::Author, body.clone()).await;
        assert_eq!((refused.status.as_u16(), refused.places()), (422, vec!["/topics/0"]), "{named}");
        assert_eq!(service.post("/v1/publications", As::Editor, body).await.status, 201);
    }
    let mut body = publication("Rapor");
    body["authors"] = json!([{ "name": "A" }, { "person": "yok" }]);
    body["project"] = "yok".into();
    body["cites"] = json!(["yok"]);
    let refused = service.post("/v1/publications", As::Editor, body).await;
    assert_eq!(refused.places(), ["/authors/1/person", "/project", "/cites/0"]);
}

#[tokio::test]
async fn an_entry_can_still_be_changed_when_what_it_names_is_gone() {
    let service = TestApp::start().await;
    service.published("topics", topic("Kalan")).await;
    service.published("topics", topic("Giden")).await;
    let mut body = publication("Rapor");
    body["topics"] = json!(["giden", "kalan"]);
    let path = service.published("publications", body).await;
    trash(&service, "/v1/topics/giden").await;
    let names = |shown: &Answer| shown.body["topics"].as_array().unwrap().len();
    assert_eq!(names(&service.get(&path, As::Publishable).await), 1);
    let changed = edit(&service, &path, json!({ "pages": "3" })).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    assert_eq!(send_to(&service, &path, As::Editor, "archived").await.status, 200);
}
