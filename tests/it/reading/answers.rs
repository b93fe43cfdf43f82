//! One answer: its address, its tag, what caches learn, and what it costs.

use std::collections::HashSet;

use axum::http::{Method, StatusCode};
use chrono::TimeDelta;
use sea_orm::{ConnectionTrait, EntityTrait, Statement};
use serde_json::json;
use sogep::entity::api_key;

use super::{COLLECTIONS, half_translated};
use crate::app::{As, TestApp, person, publication, topic};

#[tokio::test]
async fn an_entry_answers_to_its_id_and_to_its_slug() {
    let service = TestApp::start().await;
    let path = half_translated(&service).await;
    let by_slug = service.get(&path, As::Publishable).await;
    let id = by_slug.body["id"].as_str().unwrap();
    let by_id = service.get(&format!("/v1/publications/{id}"), As::Publishable).await;
    assert_eq!((&by_id.text, by_id.etag()), (&by_slug.text, by_slug.etag()));
    let (simple, braced) = (id.replace('-', ""), format!("%7B{id}%7D"));
    let unknown = "0193ABCD-0000-7000-8000-000000000000";
    for other in
        [&simple, &braced, "yok", unknown, &unknown.to_lowercase(), "%20", "..%2fprojects", "Siddet-Raporu"]
    {
        let absent = service.get(&format!("/v1/publications/{other}"), As::Publishable).await;
        assert_eq!((absent.status.as_u16(), absent.code()), (404, "not-found"), "{other}");
    }
    assert_eq!(service.get(&format!("/v1/projects/{id}"), As::Publishable).await.status, 404);
}

#[tokio::test]
async fn who_has_the_answer_already_is_not_sent_it_again() {
    let service = TestApp::start().await;
    let path = half_translated(&service).await;
    for address in [&path, "/v1/publications", "/v1/organisation"] {
        let read = service.get(address, As::Publishable).await;
        let etag = read.etag();
        assert!(etag.starts_with('"') && etag.ends_with('"') && etag.len() > 10, "{etag}");
        let lists = [etag.to_owned(), format!("W/{etag}"), format!("\"x\", {etag}"), "*".to_owned()];
        for known in &lists {
            let headers = [("if-none-match", known.as_str())];
            let same = service.send(Method::GET, address, As::Publishable, &headers, None).await;
            assert_eq!((same.status, same.text.as_str()), (StatusCode::NOT_MODIFIED, ""), "{known}");
            for name in ["etag", "cache-control", "vary"] {
                assert_eq!(same.header(name), read.header(name));
            }
        }
        let headers = [("if-none-match", "\"x\"")];
        let other = service.send(Method::GET, address, As::Publishable, &headers, None).await;
        assert_eq!((other.status.as_u16(), &other.text), (200, &read.text));
        let english = service.get(&format!("{address}?locale=en"), As::Publishable).await;
        assert_ne!(english.etag(), etag, "another representation has another tag");
    }
}

#[tokio::test]
async fn head_answers_as_get_without_the_body() {
    let service = TestApp::start().await;
    let path = half_translated(&service).await;
    for address in [&path, "/v1/publications", "/v1/publications/yok"] {
        let get = service.get(address, As::Publishable).await;
        let head = service.send(Method::HEAD, address, As::Publishable, &[], None).await;
        assert_eq!((head.status, head.text.as_str()), (get.status, ""), "{address}");
        for name in ["etag", "content-type", "last-modified", "cache-control", "content-language"] {
            assert_eq!(head.header(name), get.header(name), "{address} {name}");
        }
    }
}

#[tokio::test]
async fn caches_are_told_how_old_an_answer_is_and_who_may_keep_it() {
    let service = TestApp::start().await;
    let path = half_translated(&service).await;
    service.app.clock.advance(TimeDelta::minutes(5));
    let etag = service.get(&path, As::Editor).await.etag().to_owned();
    service.patch(&path, As::Editor, &etag, json!({ "pages": "12" })).await;
    for address in [&path, "/v1/publications"] {
        let read = service.get(address, As::Publishable).await;
        assert_eq!(read.header("last-modified"), "Sun, 08 Mar 2026 09:05:00 GMT");
        assert!(read.header("cache-control").starts_with("public, max-age="), "{address}");
        for who in [As::Partner, As::Viewer, As::Editor] {
            let policy = service.get(address, who).await.header("cache-control").to_owned();
            assert!(policy.contains("no-store"), "{policy}");
        }
    }
    assert_eq!(service.get("/v1/me", As::Publishable).await.header("cache-control"), "no-store");
    assert_eq!(service.get("/v1/people/yok", As::Publishable).await.header("cache-control"), "no-store");
}

/// How many statements `GET path` takes for the publishable key.
async fn cost(service: &TestApp, path: &str) -> usize {
    let (cost, answer) = service.statements(service.get(path, As::Publishable)).await;
    assert_eq!(answer.status, 200);
    cost
}

/// Uses the publishable key and waits until that is noted, which happens beside the request.
async fn warm_up(service: &TestApp) {
    service.get("/v1/topics", As::Publishable).await;
    while api_key::Entity::find().all(service.app.db.reader()).await.unwrap()[0].last_used_at.is_none() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn connections_to_the_database_are_used_again() {
    let service = TestApp::start().await;
    let reader = service.app.db.reader();
    // Only PostgreSQL has a process for each connection; SQLite tells its own file, always the same.
    let question = if service.app.db.is_postgres() {
        "SELECT pg_backend_pid()::text AS id"
    } else {
        "SELECT file AS id FROM pragma_database_list"
    };
    let mut seen = HashSet::new();
    for _ in 0..20 {
        let statement = Statement::from_string(reader.get_database_backend(), question);
        let row = reader.query_one_raw(statement).await.unwrap().unwrap();
        seen.insert(row.try_get::<String>("", "id").unwrap());
    }
    assert!(seen.len() <= 4, "20 statements took {} connections", seen.len());
}

#[tokio::test]
async fn a_page_costs_the_same_whatever_it_holds() {
    let service = TestApp::start().await;
    for number in 0..8 {
        service.published("topics", topic(&format!("Konu {number}"))).await;
        service.published("people", person(&format!("Kişi {number}"), &["name"])).await;
    }
    let mut body = publication("Önce");
    body["topics"] = json!(["konu-0"]);
    let one = service.published("publications", body).await;
    warm_up(&service).await;
    let (page, item) = (cost(&service, "/v1/publications?limit=100").await, cost(&service, &one).await);
    // With every kind of filter, whatever the order: one more to see which filter is narrow. A count, too.
    let filters =
        "topic[under]=konu-0&topic[all]=konu-0&person[not]=yok&cites[not]=yok&language=tr&issued[gte]=2020";
    for sort in ["-issued", "title", "-updated_at,title"] {
        let filtered = format!("/v1/publications?{filters}&sort={sort}&limit=1");
        let few = cost(&service, &filtered).await;
        // Where the list ends, those without a value in the first field are looked for.
        let end = usize::from(!sort.contains("updated_at"));
        assert_eq!(few, page + 1 + end, "{sort}");
        assert_eq!(cost(&service, &format!("{filtered}&count=exact")).await, few + 1, "{sort}");
    }
    let numbers = || 0..8;
    let mut many = String::new();
    for number in 0..60 {
        let mut body = publication(&format!("Rapor {number}"));
        body["topics"] = numbers().map(|number| json!(format!("konu-{number}"))).collect();
        body["authors"] = numbers().map(|number| json!({ "person": format!("kisi-{number}") })).collect();
        body["cites"] = json!(["once"]);
        body["identifiers"] = json!([{ "scheme": "doi", "value": format!("10.5555/{number}") }]);
        body["translations"]["en"] = json!({ "title": format!("Report {number}") });
        many = service.published("publications", body).await;
    }
    assert_eq!(service.get("/v1/publications?limit=100", As::Publishable).await.slugs().len(), 61);
    assert_eq!(cost(&service, "/v1/publications?limit=100").await, page);
    assert_eq!(cost(&service, "/v1/publications?limit=1").await, page);
    for sort in ["-issued", "title", "-updated_at,title"] {
        let filtered = format!("/v1/publications?{filters}&sort={sort}");
        assert_eq!(service.get(&filtered, As::Publishable).await.slugs().len(), 20, "{sort}");
        assert_eq!(cost(&service, &filtered).await, page + 1, "{sort}");
        assert_eq!(cost(&service, &format!("{filtered}&limit=1")).await, page + 1, "{sort}");
    }
    assert_eq!(cost(&service, &many).await, item);
    // The key; which entries, what is their own, and the names of what they refer to.
    assert_eq!((page, item), (4, 4));
}

#[tokio::test]
async fn a_page_of_any_collection_costs_no_more_for_more_entries() {
    let service = TestApp::with_demo().await;
    warm_up(&service).await;
    for collection in COLLECTIONS {
        let few = cost(&service, &format!("/v1/{collection}?limit=5")).await;
        let many = cost(&service, &format!("/v1/{collection}?limit=100")).await;
        assert_eq!(few, many, "{collection}");
    }
}

#[tokio::test]
async fn a_slug_that_was_public_leads_to_the_present_one() {
    let service = TestApp::start().await;
    let path = half_translated(&service).await;
    let mut place = path.clone();
    for slug in ["ikinci", "ucuncu"] {
        let etag = service.get(&place, As::Editor).await.etag().to_owned();
        let renamed = service.patch(&place, As::Editor, &etag, json!({ "slug": slug })).await;
        assert_eq!(renamed.status, 200, "{}", renamed.text);
        place = format!("/v1/publications/{slug}");
    }
    for old in [path.as_str(), "/v1/publications/ikinci"] {
        let moved = service.get(&format!("{old}?locale=en&fallback=none"), As::Publishable).await;
        assert_eq!((moved.status.as_u16(), moved.text.as_str()), (308, ""));
        assert_eq!(moved.header("location"), "/v1/publications/ucuncu?locale=en&fallback=none");
        assert_eq!(service.get(old, As::Publishable).await.header("location"), "/v1/publications/ucuncu");
    }
    let etag = service.get(&place, As::Editor).await.etag().to_owned();
    service.delete(&place, As::Editor, &etag).await;
    assert_eq!(
        service.get(&path, As::Publishable).await.status,
        404,
        "the entry is gone, so is the way to it"
    );
}

#[tokio::test]
async fn a_slug_that_was_never_public_leads_nowhere() {
    let service = TestApp::start().await;
    let draft = service.post("/v1/publications", As::Editor, publication("Taslak")).await;
    let path = draft.header("location");
    let renamed = service.patch(path, As::Editor, draft.etag(), json!({ "slug": "baska" })).await;
    assert_eq!(renamed.status, 200);
    for who in [As::Editor, As::Publishable] {
        assert_eq!(service.get(path, who).await.status, 404);
    }
    let moved = "/v1/publications/baska/transitions";
    service.post(moved, As::Editor, json!({ "to": "published" })).await;
    let etag = service.get("/v1/publications/baska", As::Editor).await.etag().to_owned();
    service.patch("/v1/publications/baska", As::Editor, &etag, json!({ "slug": "yeni" })).await;
    service
        .post("/v1/publications/yeni/transitions", As::Editor, json!({ "to": "draft", "note": "Neden" }))
        .await;
    let hidden = service.get("/v1/publications/baska", As::Publishable).await;
    assert_eq!(hidden.status, 404, "an address that leads to a draft would tell of it");
}
