//! The trash: taken out as drafts, deleted for good after a while, the address kept for ever.

use chrono::TimeDelta;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::{Value, json};
use sogep::{
    auth::Scope,
    entity::{change, entry, revision, vocabulary::KeyType},
    schedule,
};

use super::{draft, go, tag};
use crate::app::{As, TestApp, person, practice, publication};

async fn throw_away(service: &TestApp, path: &str) {
    assert_eq!(service.delete(path, As::Editor, &tag(service, path).await).await.status, 204);
}

#[tokio::test]
async fn what_is_taken_out_of_the_trash_is_not_public_at_once() {
    let service = TestApp::start().await;
    let path = service.published("publications", publication("Rapor")).await;
    service
        .patch(
            &format!("{path}?draft=true"),
            As::Editor,
            &tag(&service, &path).await,
            json!({ "pages": "5" }),
        )
        .await;
    throw_away(&service, &path).await;
    assert_eq!(service.get(&path, As::Editor).await.status, 404);
    let list = service.get("/v1/publications?state=trashed", As::Editor).await;
    assert_eq!(list.slugs(), ["rapor"]);
    for who in [As::Viewer, As::Publishable] {
        assert_eq!(service.get("/v1/publications?state=trashed", who).await.status, 403);
    }
    assert!(service.get("/v1/publications?state=trashed", As::Author).await.slugs().is_empty(), "not theirs");
    // Its address is not free.
    let taken = service.post("/v1/publications", As::Editor, publication("Rapor")).await;
    assert_eq!(taken.body["slug"], "rapor-2");
    assert_eq!(service.get(&format!("{path}/versions"), As::Editor).await.status, 200);
    assert_eq!(service.post(&format!("{path}/restore"), As::Author, json!({})).await.status, 404);
    let back =
        service.send(axum::http::Method::POST, &format!("{path}/restore"), As::Editor, &[], None).await;
    assert_eq!((back.status.as_u16(), &back.body["state"]), (200, &json!("draft")), "{}", back.text);
    assert_eq!(back.body["pages"], "5", "with what was written last");
    assert_eq!(service.get(&path, As::Publishable).await.status, 404);
    let twice =
        service.send(axum::http::Method::POST, &format!("{path}/restore"), As::Editor, &[], None).await;
    assert_eq!(twice.status, 404, "it is not in the trash");
    assert_eq!(go(&service, &path, As::Editor, json!({ "to": "published" })).await.status, 200);
}

#[tokio::test]
async fn an_author_takes_out_their_own_draft() {
    let service = TestApp::start().await;
    let path = draft(&service, "topics", As::Author, crate::app::topic("Konu")).await;
    let etag = service.get(&path, As::Author).await.etag().to_owned();
    assert_eq!(service.delete(&path, As::Author, &etag).await.status, 204);
    assert_eq!(service.get("/v1/topics?state=trashed", As::Author).await.slugs(), ["konu"]);
    let back =
        service.send(axum::http::Method::POST, &format!("{path}/restore"), As::Author, &[], None).await;
    assert_eq!(back.status, 200, "{}", back.text);
}

#[tokio::test]
async fn after_a_while_only_the_tombstone_is_left() {
    let service = TestApp::with(&[("SOGEP_TRASH_DAYS", "7")]).await;
    let author = service.published("people", person("Ayşe Kaya", &["name"])).await;
    let credit = json!([{ "name": "Ayşe Kaya", "person": "ayse-kaya" }]);
    let mut body = publication("Rapor");
    body["authors"] = credit.clone();
    let path = service.published("publications", body).await;
    let mut body = practice("Deneyim");
    body["people"] = json!([{ "role": "coordinator", "name": "Ayşe Kaya", "person": "ayse-kaya" }]);
    let practice = service.post("/v1/practices", As::Editor, body).await;
    assert_eq!(practice.status, 201, "{}", practice.text);
    let id = service.get(&author, As::Editor).await.body["id"].as_str().unwrap().to_owned();
    throw_away(&service, &author).await;
    service.app.clock.advance(TimeDelta::days(7) - TimeDelta::seconds(1));
    schedule::empty_trash(service.app.clone()).await.unwrap();
    assert_eq!(service.get("/v1/people?state=trashed", As::Editor).await.slugs(), ["ayse-kaya"]);
    service.app.clock.advance(TimeDelta::seconds(1));
    schedule::empty_trash(service.app.clone()).await.unwrap();
    schedule::empty_trash(service.app.clone()).await.unwrap();
    assert!(service.get("/v1/people?state=trashed", As::Editor).await.slugs().is_empty());
    assert_eq!(service.post(&format!("/v1/people/{id}/restore"), As::Owner, json!(null)).await.status, 404);
    let db = service.app.db.reader();
    let uuid: uuid::Uuid = id.parse().unwrap();
    let row = entry::Entity::find_by_id(uuid).one(db).await.unwrap().unwrap();
    assert!(row.purged_at.is_some());
    assert_eq!(
        revision::Entity::find().filter(revision::Column::EntryId.eq(uuid)).all(db).await.unwrap(),
        []
    );
    let lines = change::Entity::find().filter(change::Column::EntryId.eq(uuid)).all(db).await.unwrap();
    assert!(!lines.is_empty(), "the tombstone");
    // Of the person nothing is left but what is printed on the publication.
    let about =
        service.rows().await.into_iter().filter(|row| row.contains("ayse-kaya") || row.contains("Ayşe Kaya"));
    let tables: std::collections::BTreeSet<String> =
        about.map(|row| row.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(
        tables.into_iter().collect::<Vec<_>>(),
        ["contribution", "revision"],
        "printed, and in the versions of the publication"
    );
    assert_eq!(
        service.get(&path, As::Publishable).await.body["authors"],
        json!([{ "role": "author", "name": "Ayşe Kaya", "person": null, "partner": null }])
    );
    assert_eq!(
        service.get(practice.header("location"), As::Editor).await.body["people"],
        json!([]),
        "there the name was hidden with her"
    );
}

#[tokio::test]
async fn the_address_of_what_was_deleted_is_given_to_nobody_and_an_import_brings_it_back() {
    let service = TestApp::start().await;
    let path = service.published("publications", publication("Rapor")).await;
    throw_away(&service, &path).await;
    service.app.clock.advance(TimeDelta::days(31));
    schedule::empty_trash(service.app.clone()).await.unwrap();
    // A session does not last that long.
    let key = service.key(KeyType::Secret, vec![Scope::ContentPublish]).await;
    let second = service.post("/v1/publications", As::Bearer(key), publication("Rapor")).await;
    assert_eq!(second.body["slug"], "rapor-2", "{}", second.text);
    let mut line = publication("Rapor");
    line["slug"] = json!("rapor");
    line["state"] = json!("published");
    let job = sogep::interchange::import::Job {
        inputs: vec![(
            sogep::interchange::Collection::Publications,
            sogep::interchange::import::Input::Embedded(line.to_string().leak()),
        )],
        dry_run: false,
        keep_going: false,
    };
    let report = sogep::interchange::import::import(&service.app, &job, &|_| {}).await.unwrap();
    assert!(report.imported, "{:?}", report.errors);
    let back = service.get(&path, As::Publishable).await;
    assert_eq!((back.status.as_u16(), &back.body["title"]), (200, &json!("Rapor")));
    assert_ne!(back.body["published_at"], Value::Null);
}
