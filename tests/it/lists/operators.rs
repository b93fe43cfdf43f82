//! What each operator finds.

use sea_orm::{ActiveValue::Set, EntityTrait};
use sogep::entity::entry_link;

use super::*;
use crate::app::{event, practice, project};

/// Topics `haklar` > `siddet` > `ev-ici`, and `emek`; a person, a partner, a project; five publications.
async fn library() -> TestApp {
    let service = TestApp::start().await;
    for (label, broader) in
        [("Haklar", None), ("Şiddet", Some("haklar")), ("Ev içi", Some("siddet")), ("Emek", None)]
    {
        let mut body = topic(label);
        body["broader"] = json!(broader);
        service.published("topics", body).await;
    }
    service.published("people", person("Işıl Öztürk", &["name"])).await;
    service.published("partners", partner("Mor Pencere")).await;
    service.published("projects", project("Eşit Bütçe")).await;
    for body in [
        with(
            "a",
            &json!({ "type": "research_report", "issued": "2020", "topics": ["haklar"],
            "languages": ["tr"], "scope": "national" }),
        ),
        with(
            "b",
            &json!({ "type": "policy_brief", "issued": "2020-03", "topics": ["siddet", "emek"],
            "languages": ["tr", "en"], "authors": [{ "person": "isil-ozturk" }], "project": "esit-butce" }),
        ),
        with(
            "c",
            &json!({ "type": "policy_brief", "issued": "2020-03-08", "topics": ["ev-ici"],
            "identifiers": [{ "scheme": "doi", "value": "10.5555/c" }], "audience": ["media", "educators"] }),
        ),
        with(
            "d",
            &json!({ "type": "news", "issued": "2021-01-01", "languages": ["en"],
            "publishers": [{ "partner": "mor-pencere" }], "cites": ["a", "b"] }),
        ),
        with(
            "e",
            &json!({ "type": "news", "issued": "2024", "topics": ["emek"], "access": "embargoed",
            "embargo_until": "2024-06-30" }),
        ),
    ] {
        service.published("publications", body).await;
    }
    service
}

#[tokio::test]
async fn values_of_the_entry_itself() {
    let service = library().await;
    for (query, expected) in [
        ("type=news", "d e"),
        ("type=news,research_report", "a d e"),
        ("type[any]=news,research_report", "a d e"),
        ("type[not]=news", "a b c"),
        ("type[not]=news,policy_brief", "a"),
        ("type[exists]=true", "a b c d e"),
        ("type[exists]=false", ""),
        ("scope=national", "a"),
        ("scope[exists]=false", "b c d e"),
        ("scope[not]=national", "b c d e"),
        ("language=en", "b d"),
        ("language[all]=tr,en", "b"),
        ("language[not]=en", "a c e"),
        ("audience=media", "c"),
        ("audience[all]=educators,media", "c"),
        ("audience[all]=educators,researchers", ""),
        ("doi[exists]=true", "c"),
        ("doi[exists]=false", "a b d e"),
        ("doi=10.5555/C", "c"),
        ("doi[not]=10.5555/c", "a b d e"),
        ("embargo_until[lte]=2024-06-30", "e"),
        ("embargo_until[lt]=2024-06-30", ""),
        ("year=2020", "a b c"),
        ("year=2020,2024", "a b c e"),
        ("year[gte]=2021", "d e"),
        ("year[gt]=2021", "e"),
        ("year[not]=2020", "d e"),
        ("type=news&year=2024", "e"),
        ("type=news&year=2020", ""),
        ("visibility=public", "a b c d e"),
        ("visibility[not]=public", ""),
    ] {
        let expected: Vec<&str> = expected.split_whitespace().collect();
        finds(&service, As::Publishable, "publications", query, &expected).await;
        finds(&service, As::Editor, "publications", query, &expected).await;
    }
}

#[tokio::test]
async fn a_date_known_to_the_year_or_month_counts_as_its_first_day() {
    let service = library().await;
    for (query, expected) in [
        ("issued=2020", "a b c"),
        ("issued=2020-01", ""),
        ("issued=2020-03", "b c"),
        ("issued=2020-03-08", "c"),
        ("issued[not]=2020", "d e"),
        ("issued[gte]=2020", "a b c d e"),
        ("issued[gte]=2020-01-01", "a b c d e"),
        ("issued[gt]=2020-01-01", "b c d e"),
        ("issued[gt]=2020", "d e"),
        ("issued[gte]=2020-03-01", "b c d e"),
        ("issued[gt]=2020-03", "d e"),
        ("issued[lt]=2020-03", "a"),
        ("issued[lte]=2020-03", "a b c"),
        ("issued[lte]=2020-03-01", "a b"),
        ("issued[lte]=2020", "a b c"),
        ("issued[gte]=2020-03&issued[lt]=2024-01-01", "b c d"),
        ("issued[gte]=2020-01-01&issued[lt]=2024-01-01", "a b c d"),
        ("issued%5Bgte%5D=2024", "e"),
        ("issued[lt]=0000", ""),
        ("issued[gt]=9999-12-31", ""),
    ] {
        let expected: Vec<&str> = expected.split_whitespace().collect();
        finds(&service, As::Publishable, "publications", query, &expected).await;
    }
}

#[tokio::test]
async fn other_entries_by_slug_or_id() {
    let service = library().await;
    let id = |path: &'static str| async { service.get(path, As::Publishable).await.body["id"].clone() };
    let siddet = id("/v1/topics/siddet").await;
    let siddet = siddet.as_str().unwrap();
    for (query, expected) in [
        ("topic=siddet", "b"),
        (&format!("topic={siddet}"), "b"),
        (&format!("topic=siddet,{siddet}"), "b"),
        (&format!("topic[all]=siddet,{siddet}"), "b"),
        ("topic=siddet,haklar", "a b"),
        ("topic[all]=siddet,emek", "b"),
        ("topic[all]=siddet,haklar", ""),
        ("topic[not]=siddet", "a c d e"),
        ("topic[under]=haklar", "a b c"),
        ("topic[under]=siddet", "b c"),
        ("topic[under]=ev-ici,emek", "b c e"),
        ("topic[exists]=false", "d"),
        ("topic[exists]=true", "a b c e"),
        ("person=isil-ozturk", "b"),
        ("person[exists]=false", "a c d e"),
        ("partner=mor-pencere", "d"),
        ("project=esit-butce", "b"),
        ("project[exists]=true", "b"),
        ("cites=a", "d"),
        ("cites[all]=a,b", "d"),
        ("cites[all]=a,c", ""),
        // An id of another kind is no topic.
        ("topic=isil-ozturk", ""),
        ("topic[under]=emek&type=news", "e"),
        ("topic[under]=haklar&topic[not]=siddet&issued[lt]=2020-03", "a"),
    ] {
        let expected: Vec<&str> = expected.split_whitespace().collect();
        finds(&service, As::Publishable, "publications", query, &expected).await;
    }
    finds(&service, As::Publishable, "topics", "broader=haklar", &["siddet"]).await;
    finds(&service, As::Publishable, "topics", "broader[under]=haklar", &["siddet", "ev-ici"]).await;
    finds(&service, As::Publishable, "topics", "broader[exists]=false", &["haklar", "emek"]).await;
}

#[tokio::test]
async fn a_circle_of_topics_has_an_end() {
    let service = library().await;
    let topics = service.get("/v1/topics", As::Publishable).await;
    let id = |slug: &str| {
        let topics = topics.body["data"].as_array().unwrap();
        let topic = topics.iter().find(|topic| topic["slug"] == slug).unwrap();
        Set(topic["id"].as_str().unwrap().parse().unwrap())
    };
    // No writer can make one; somebody with the database can.
    let link = entry_link::ActiveModel {
        entry_id: id("haklar"),
        relation: Set("broader".to_owned()),
        position: Set(0),
        target_id: id("ev-ici"),
        is_open: Set(true),
    };
    let tx = service.app.db.begin().await.unwrap();
    entry_link::Entity::insert(link).exec_without_returning(&tx).await.unwrap();
    tx.commit().await.unwrap();
    for root in ["haklar", "siddet", "ev-ici"] {
        let query = format!("topic[under]={root}");
        finds(&service, As::Publishable, "publications", &query, &["a", "b", "c"]).await;
    }
}

#[tokio::test]
async fn every_kind_has_its_own() {
    let service = TestApp::start().await;
    let mut body = event("Panel");
    body["mode"] = "online".into();
    body["country"] = "TR".into();
    service.published("events", body).await;
    let mut body = event("Eski");
    (body["starts_at"], body["ends_at"]) = (json!("2020-01-01T00:00:00Z"), json!("2020-01-01T02:00:00Z"));
    body["all_day"] = true.into();
    service.published("events", body).await;
    let mut body = project("Proje");
    body["countries"] = json!([{ "code": "TR", "percentage": 50 }, { "code": "DE", "percentage": 50 }]);
    body["gender_marker"] = 2.into();
    service.published("projects", body).await;
    service
        .published(
            "projects",
            json!({ "planned_start": "2020-05-05", "planned_end": "2021-01-01",
        "translations": { "tr": { "title": "Eski", "summary": "Kısa." } } }),
        )
        .await;
    let mut body = practice("Deneme");
    body["period_start"] = "2014".into();
    service.published("practices", body).await;
    let mut body = person("Işıl", &["name", "role"]);
    body["roles"] = json!(["academic", "member"]);
    service.published("people", body).await;
    let mut body = partner("Mor Pencere");
    (body["type"], body["country"]) = (json!("ngo"), json!("TR"));
    service.published("partners", body).await;
    let mut body = topic("Konu");
    (body["position"], body["notation"]) = (json!(7), json!("1.2"));
    service.published("topics", body).await;
    for (collection, query, expected) in [
        ("events", "mode=online", "panel"),
        ("events", "starts_at[gte]=now", "panel"),
        ("events", "starts_at[lt]=now", "eski"),
        ("events", "starts_at[lte]=2020-01-01", "eski"),
        ("events", "starts_at[lt]=2020-01-01", ""),
        ("events", "starts_at[gte]=2026-05-01T18:00:00%2B03:00", "panel"),
        ("events", "starts_at[gt]=2026-05-01T15:00:00Z", ""),
        ("events", "all_day=true", "eski"),
        ("events", "status=confirmed,tentative", "eski panel"),
        ("events", "country=TR", "panel"),
        ("projects", "country=DE", "proje"),
        ("projects", "country[all]=DE,TR", "proje"),
        ("projects", "gender_marker=1,2", "proje"),
        ("projects", "gender_marker[gte]=1", "proje"),
        ("projects", "gender_marker[lt]=2", ""),
        ("projects", "year=2020", "eski"),
        ("projects", "start[gte]=2020-05-06", "proje"),
        ("projects", "end[lte]=2021-01-01", "eski"),
        ("projects", "status=planned", "eski proje"),
        ("practices", "outcome=failed&year=2014", "deneme"),
        ("practices", "period_end[exists]=true", ""),
        ("people", "role=member", "isil"),
        ("people", "role[all]=member,academic", "isil"),
        ("partners", "type=ngo,union&country=TR", "mor-pencere"),
        ("topics", "position[gte]=7", "konu"),
        ("topics", "position[gt]=7", ""),
        ("topics", "notation=1.2", "konu"),
        ("topics", "published_at[lte]=now&updated_at[gte]=2026-03-08", "konu"),
        ("topics", "updated_at[gt]=now", ""),
        ("topics", "published_at[exists]=false", ""),
    ] {
        let expected: Vec<&str> = expected.split_whitespace().collect();
        finds(&service, As::Publishable, collection, query, &expected).await;
    }
}

#[tokio::test]
async fn states_combine_with_all_else() {
    let service = library().await;
    service.post("/v1/publications", As::Editor, with("taslak", &json!({ "topics": ["emek"] }))).await;
    finds(&service, As::Editor, "publications", "state=draft", &["taslak"]).await;
    finds(&service, As::Editor, "publications", "topic=emek", &["b", "e", "taslak"]).await;
    finds(&service, As::Editor, "publications", "topic=emek&state=published", &["b", "e"]).await;
    finds(&service, As::Editor, "publications", "published_at[exists]=false", &["taslak"]).await;
    finds(&service, As::Publishable, "publications", "topic=emek&state=published", &["b", "e"]).await;
    let refused = service.get("/v1/publications?topic=emek&state=draft", As::Publishable).await;
    assert_eq!(refused.status, 403);
}

#[tokio::test]
async fn what_is_changed_is_found_as_it_is_now() {
    let service = library().await;
    let path = "/v1/publications/a";
    let etag = service.get(path, As::Editor).await.etag().to_owned();
    let changed = json!({ "type": "book", "topics": ["emek"], "issued": null });
    assert_eq!(service.patch(path, As::Editor, &etag, changed).await.status, 422, "it is published");
    let changed = json!({ "type": "book", "topics": ["emek"], "issued": "1999" });
    assert_eq!(service.patch(path, As::Editor, &etag, changed).await.status, 200);
    finds(&service, As::Publishable, "publications", "type=book&topic=emek&year=1999", &["a"]).await;
    finds(&service, As::Publishable, "publications", "type=research_report", &[]).await;
    finds(&service, As::Publishable, "publications", "topic=haklar", &[]).await;
    let etag = service.get(path, As::Editor).await.etag().to_owned();
    service.delete(path, As::Editor, &etag).await;
    finds(&service, As::Publishable, "publications", "type=book", &[]).await;
    finds(&service, As::Editor, "publications", "type=book&state=trashed", &["a"]).await;
}

#[tokio::test]
async fn a_count_is_of_the_whole_list() {
    let service = library().await;
    for (query, total) in [("", 5), ("&type=news", 2), ("&topic[under]=haklar", 3), ("&topic=yok", 0)] {
        let path = format!("/v1/publications?limit=1&count=exact{query}");
        assert_eq!(service.get(&path, As::Publishable).await.body["total"], total, "{query}");
    }
    assert!(service.get("/v1/publications", As::Publishable).await.body.get("total").is_none());
    assert_eq!(service.get("/v1/publications?count=about", As::Publishable).await.places(), ["count"]);
}
