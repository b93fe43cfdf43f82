//! Synonyms: kept by editors, known to the search at once.

use axum::http::StatusCode;
use serde_json::{Value, json};
use sogep::{entity::vocabulary::AuditAction, search::starting_synonyms, synonyms};

use crate::app::{Answer, As, TestApp, publication};

/// The slugs of what a search for `mor çatı` finds, in all kinds and in one.
async fn found(service: &TestApp) -> Vec<String> {
    let answer = service.get("/v1/search?q=mor%20%C3%A7at%C4%B1", As::Publishable).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let slugs = |answer: &Answer| -> Vec<String> {
        let hits = answer.body["data"].as_array().unwrap();
        hits.iter().map(|hit| hit["slug"].as_str().unwrap().to_owned()).collect()
    };
    let listed = service.get("/v1/publications?q=mor%20%C3%A7at%C4%B1", As::Publishable).await;
    assert_eq!(slugs(&listed), slugs(&answer), "a collection is searched with the same table");
    slugs(&answer)
}

async fn create(service: &TestApp, key: &str, alternatives: &[&str]) -> Answer {
    service.post("/v1/synonyms", As::Editor, json!({ "key": key, "alternatives": alternatives })).await
}

async fn with_a_shelter() -> TestApp {
    let service = TestApp::start().await;
    service.published("publications", publication("Sığınmaevi standartları")).await;
    service
}

const SHELTER: [&str; 1] = ["siginmaevi-standartlari"];

#[tokio::test]
async fn a_synonym_is_searched_for_from_the_moment_it_is_there_until_it_is_gone() {
    let service = with_a_shelter().await;
    assert!(found(&service).await.is_empty());
    let made = create(&service, "mor çatı", &["sığınmaevi"]).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    assert_eq!(found(&service).await, SHELTER);
    let path = made.header("location");
    let other = service.patch(path, As::Editor, made.etag(), json!({ "alternatives": ["bütçe"] })).await;
    assert_eq!(other.status, StatusCode::OK, "{}", other.text);
    assert!(found(&service).await.is_empty());
    let back = service.patch(path, As::Editor, other.etag(), json!({ "alternatives": ["SIĞINMAEVİ"] })).await;
    assert_eq!(found(&service).await, SHELTER);
    assert_eq!(service.delete(path, As::Editor, back.etag()).await.status, StatusCode::NO_CONTENT);
    assert!(found(&service).await.is_empty());
    assert_eq!(service.get(path, As::Editor).await.status, StatusCode::NOT_FOUND);
    let trail = service.trail().await;
    let told = trail.iter().filter(|line| line.object_type.as_deref() == Some("synonym"));
    let told: Vec<_> = told.map(|line| (line.action, line.fields.as_str())).collect();
    assert_eq!(
        told,
        [
            (AuditAction::SynonymCreated, ""),
            (AuditAction::SynonymUpdated, "alternatives"),
            (AuditAction::SynonymUpdated, "alternatives"),
            (AuditAction::SynonymDeleted, ""),
        ]
    );
}

#[tokio::test]
async fn another_replica_knows_a_change_within_a_second() {
    let service = with_a_shelter().await;
    let replica = service.replica().await;
    assert!(found(&replica).await.is_empty());
    let made = create(&service, "mor çatı", &["sığınmaevi"]).await;
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert_eq!(found(&replica).await, SHELTER);
    service.delete(made.header("location"), As::Editor, made.etag()).await;
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert!(found(&replica).await.is_empty());
}

#[tokio::test]
async fn what_brings_in_nothing_or_is_there_already_is_refused() {
    let service = TestApp::start().await;
    service.credential(As::Editor).await;
    let before = service.rows().await;
    let long = "a".repeat(101);
    let many: Vec<String> = (0..21).map(|number| format!("a{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for (key, alternatives, places) in [
        ("", ["a"].as_slice(), ["/key"].as_slice()),
        ("…", &["a"], &["/key"]),
        (" a", &["b"], &["/key"]),
        (&long, &["a"], &["/key"]),
        ("b c d e f g h j k", &["l"], &["/key"]),
        ("a", &[], &["/alternatives"]),
        ("a", &many, &["/alternatives"]),
        ("a", &["b", "—"], &["/alternatives/1"]),
        ("a", &["b", ""], &["/alternatives/1"]),
        ("Çatı", &["b", "CATI", "B"], &["/alternatives/1", "/alternatives/2"]),
    ] {
        let refused = create(&service, key, alternatives).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{key} {alternatives:?}");
        assert_eq!(refused.places(), places, "{key} {alternatives:?}");
    }
    let unknown = json!({ "key": "a", "alternatives": ["b"], "version": 1 });
    assert_eq!(service.post("/v1/synonyms", As::Editor, unknown).await.status, 422);
    assert!(service.rows().await == before, "nothing is left behind");
    let made = create(&service, "mor çatı", &["sığınmaevi"]).await;
    assert_eq!(create(&service, "MOR ÇATI", &["a"]).await.status, StatusCode::CONFLICT);
    assert_eq!(create(&service, "Mor-Cati!", &["a"]).await.status, StatusCode::CONFLICT);
    let path = made.header("location");
    let taken = service.patch(path, As::Editor, made.etag(), json!({ "key": "STK" })).await;
    assert_eq!(taken.status, StatusCode::CONFLICT, "{}", taken.text);
    for bad in
        [json!({ "key": null }), json!({ "alternatives": [] }), json!({ "alternatives": ["Mor Çatı"] })]
    {
        assert_eq!(service.patch(path, As::Editor, made.etag(), bad).await.status, 422);
    }
    let same = service.patch(path, As::Editor, made.etag(), json!({ "key": "mor çatı" })).await;
    assert_eq!((same.status, same.etag()), (StatusCode::OK, made.etag()), "nothing has changed");
    let spelt = service.patch(path, As::Editor, made.etag(), json!({ "key": "Mor Çatı" })).await;
    assert_eq!((spelt.status, &spelt.body["key"]), (StatusCode::OK, &json!("Mor Çatı")));
    let stale = service.patch(path, As::Editor, made.etag(), json!({ "key": "x" })).await;
    assert_eq!((stale.status, stale.etag()), (StatusCode::PRECONDITION_FAILED, spelt.etag()));
    assert_eq!(service.delete(path, As::Editor, made.etag()).await.status, StatusCode::PRECONDITION_FAILED);
    let blind = service.send(axum::http::Method::DELETE, path, As::Editor, &[], None).await;
    assert_eq!(blind.status, StatusCode::PRECONDITION_REQUIRED);
}

#[tokio::test]
async fn the_list_begins_with_what_comes_with_the_program_and_can_be_emptied() {
    let service = TestApp::start().await;
    create(&service, "Mor Çatı", &["sığınmaevi"]).await;
    let (mut keys, mut path) = (Vec::new(), "/v1/synonyms?limit=7".to_owned());
    loop {
        let page = service.get(&path, As::Editor).await.body;
        keys.extend(page["data"].as_array().unwrap().clone());
        let Some(cursor) = page["page"]["next_cursor"].as_str() else { break };
        path = format!("/v1/synonyms?limit=7&cursor={cursor}");
    }
    assert_eq!(keys.len(), starting_synonyms().len() + 1);
    let key = |row: &Value| row["key"].as_str().unwrap().to_owned();
    let names: Vec<String> = keys.iter().map(key).collect();
    assert_eq!(names[0], "ab");
    let place = |name: &str| names.iter().position(|key| key == name).unwrap();
    assert!(place("ksgm") < place("Mor Çatı") && place("Mor Çatı") < place("ngo"), "{names:?}");
    for row in &keys {
        let path = format!("/v1/synonyms/{}", row["id"].as_str().unwrap());
        let etag = service.get(&path, As::Editor).await.etag().to_owned();
        assert_eq!(service.delete(&path, As::Editor, &etag).await.status, StatusCode::NO_CONTENT);
    }
    assert!(!synonyms::seed(&service.app).await.unwrap(), "only once");
    let page = service.get("/v1/synonyms", As::Editor).await;
    assert_eq!(page.body["data"], json!([]));
    let again = service
        .send(axum::http::Method::GET, "/v1/synonyms", As::Editor, &[("if-none-match", page.etag())], None)
        .await;
    assert_eq!(again.status, StatusCode::NOT_MODIFIED);
}

#[tokio::test]
async fn there_is_an_end_to_how_many_there_are() {
    let service = TestApp::start().await;
    let made = create(&service, "a0", &["b"]).await;
    let body = made.body;
    let tx = service.app.db.begin().await.unwrap();
    let rows = (1..2_000 - starting_synonyms().len()).map(|number| {
        use sea_orm::ActiveValue::Set;
        sogep::entity::synonym::ActiveModel {
            id: Set(service.app.clock.id()),
            key: Set(format!("a{number}")),
            folded: Set(format!("a{number}")),
            alternatives: Set(body["alternatives"].clone()),
            version: Set(1),
            created_at: Set(crate::app::now()),
            updated_at: Set(crate::app::now()),
        }
    });
    let rows: Vec<_> = rows.collect();
    for rows in rows.chunks(200) {
        use sea_orm::EntityTrait;
        sogep::entity::synonym::Entity::insert_many(rows.to_vec()).exec_without_returning(&tx).await.unwrap();
    }
    tx.commit().await.unwrap();
    let refused = create(&service, "mor çatı", &["sığınmaevi"]).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.text);
}
