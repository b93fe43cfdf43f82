//! Reading: the profile, lists and their pages, entries, languages, and what caches need to know.

mod answers;
mod languages;

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::{
    app::{Answer, As, TestApp, event, partner, person, practice, project, publication, topic},
    privacy::samples,
};

pub const COLLECTIONS: [&str; 7] =
    ["topics", "partners", "people", "projects", "events", "publications", "practices"];

/// A list of the demo content, walked from page to page.
pub async fn walk(service: &TestApp, path: &str, who: As) -> Vec<Value> {
    let mut entries = Vec::new();
    let mut next = Some(path.to_owned());
    while let Some(address) = next {
        let page = service.get(&address, who.clone()).await;
        assert_eq!(page.status, 200, "{address}: {}", page.text);
        entries.extend(page.body["data"].as_array().unwrap().iter().cloned());
        next = next_page(&page);
    }
    entries
}

/// Where the next page is: both ways to say it agree.
pub fn next_page(page: &Answer) -> Option<String> {
    let cursor = page.body["page"]["next_cursor"].as_str();
    let links = if page.headers.contains_key("link") { page.header("link") } else { "" };
    let next = links.split(", ").find_map(|link| link.strip_suffix(">; rel=\"next\""));
    let address = next.map(|link| link.strip_prefix("<https://api.sogep.example").unwrap().to_owned());
    assert_eq!(cursor.is_some(), address.is_some());
    if let (Some(cursor), Some(address)) = (cursor, &address) {
        assert!(address.contains(&format!("cursor={cursor}")), "{address}");
    }
    address
}

fn slugs_of(entries: &[Value]) -> Vec<&str> {
    entries.iter().map(|entry| entry["slug"].as_str().unwrap()).collect()
}

/// What is shown holds all that the seed says; what it adds is null.
fn holds(shown: &Value, seed: &Value, place: &str) {
    match (shown, seed) {
        (Value::Object(shown), Value::Object(seed)) => {
            for (name, value) in seed {
                holds(shown.get(name).expect(place), value, &format!("{place}/{name}"));
            }
            let added = shown.iter().filter(|(name, _)| !seed.contains_key(*name));
            added.for_each(|(name, value)| assert!(value.is_null(), "{place}/{name} is not of the seed"));
        }
        (Value::Array(shown), Value::Array(seed)) => {
            assert_eq!(shown.len(), seed.len(), "{place}");
            shown.iter().zip(seed).for_each(|(shown, seed)| holds(shown, seed, place));
        }
        _ => assert_eq!(shown, seed, "{place}"),
    }
}

#[tokio::test]
async fn the_profile_is_the_seed_word_for_word() {
    let service = TestApp::start().await;
    for (locale, seed) in [
        ("tr", include_str!("../../src/content/seed/organisation.tr.json")),
        ("en", include_str!("../../src/content/seed/organisation.en.json")),
    ] {
        let seed: Value = serde_json::from_str(seed).unwrap();
        let shown =
            service.get(&format!("/v1/organisation?locale={locale}&fallback=none"), As::Publishable).await;
        assert_eq!(shown.status, 200);
        assert_eq!(shown.body["translations"], json!(["en", "tr"]));
        for (name, value) in seed.as_object().unwrap() {
            if name != "schema" && name != "lang" {
                holds(&shown.body[name], value, name);
            }
        }
        assert_eq!(shown.body["legal"]["founded_on"], Value::Null);
    }
}

#[tokio::test]
async fn every_collection_lists_what_is_public_of_the_sample_content() {
    let service = TestApp::with_demo().await;
    let samples = samples();
    for collection in COLLECTIONS {
        let entries = walk(&service, &format!("/v1/{collection}?limit=100"), As::Publishable).await;
        let mut shown = slugs_of(&entries);
        let public = samples.iter().filter(|sample| sample.collection == collection && sample.is_public());
        let mut expected: Vec<&str> = public.map(|sample| sample.slug.as_str()).collect();
        shown.sort_unstable();
        expected.sort_unstable();
        assert_eq!(shown, expected, "{collection}");
    }
}

#[tokio::test]
async fn walking_a_list_in_small_pages_gives_every_entry_once_and_in_order() {
    let service = TestApp::with_demo().await;
    for collection in COLLECTIONS {
        let whole = walk(&service, &format!("/v1/{collection}?limit=100"), As::Publishable).await;
        let pages = walk(&service, &format!("/v1/{collection}?limit=7"), As::Publishable).await;
        assert_eq!(slugs_of(&pages), slugs_of(&whole), "{collection}");
    }
}

#[tokio::test]
async fn what_has_a_date_comes_with_the_latest_first() {
    let service = TestApp::with_demo().await;
    let date = |entry: &Value, collection: &str| {
        let names: &[&str] = match collection {
            "events" => &["starts_at"],
            "publications" => &["issued"],
            "practices" => &["period_start"],
            _ => &["actual_start", "planned_start"],
        };
        names.iter().find_map(|name| entry[name].as_str()).unwrap_or_default().to_owned()
    };
    for collection in ["projects", "events", "publications", "practices"] {
        let entries = walk(&service, &format!("/v1/{collection}?limit=100"), As::Publishable).await;
        let dates: Vec<String> = entries.iter().map(|entry| date(entry, collection)).collect();
        assert!(dates.iter().rev().is_sorted(), "{collection}: {dates:?}");
    }
}

#[tokio::test]
async fn what_has_a_name_comes_in_turkish_order() {
    let service = TestApp::start().await;
    for name in ["Zümrüt", "İpek", "Çınar", "Uğur", "Irmak", "Şirin", "Cemre", "Üzüm", "Sevgi", "Göl", "Ğ"]
    {
        service.published("topics", topic(name)).await;
        service.published("partners", partner(name)).await;
        service.published("people", person(name, &["name"])).await;
    }
    let expected =
        ["Cemre", "Çınar", "Göl", "Ğ", "Irmak", "İpek", "Sevgi", "Şirin", "Uğur", "Üzüm", "Zümrüt"];
    for (collection, pointer) in [("topics", "/label"), ("partners", "/name"), ("people", "/name/display")] {
        let list = service.get(&format!("/v1/{collection}"), As::Publishable).await;
        let names: Vec<&str> = list.body["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| entry.pointer(pointer).unwrap().as_str().unwrap())
            .collect();
        assert_eq!(names, expected, "{collection}");
    }
}

#[tokio::test]
async fn people_come_by_family_name_and_topics_by_position() {
    let service = TestApp::start().await;
    for (given, family) in [("Ümit", "Aydın"), ("Ayşe", "Çetin"), ("Zeynep", "Aydın"), ("Çiçek", "Cömert")]
    {
        let mut body = person(&format!("{given} {family}"), &["name"]);
        body["name"] = json!({ "given": given, "family": family, "display": format!("{given} {family}") });
        service.published("people", body).await;
    }
    let people = service.get("/v1/people", As::Publishable).await;
    assert_eq!(people.slugs(), ["umit-aydin", "zeynep-aydin", "cicek-comert", "ayse-cetin"]);
    for (label, position) in [("Bir", 10), ("Abc", 10), ("Son", 200), ("İlk", 9)] {
        let mut body = topic(label);
        body["position"] = position.into();
        service.published("topics", body).await;
    }
    let topics = service.get("/v1/topics", As::Publishable).await;
    assert_eq!(topics.slugs(), ["ilk", "abc", "bir", "son"]);
}

#[tokio::test]
async fn a_page_has_one_to_a_hundred_entries() {
    let service = TestApp::start().await;
    for title in ["Bir", "İki", "Üç"] {
        service.published("projects", project(title)).await;
    }
    for limit in ["0", "101", "-1", "1.5", "abc", "", "+5", "99999999999999999999"] {
        let refused = service.get(&format!("/v1/projects?limit={limit}"), As::Publishable).await;
        assert_eq!(refused.status, 400, "{limit}");
        assert_eq!(refused.places(), ["limit"]);
    }
    for (query, limit, count, more) in [
        ("", 20, 3, false),
        ("?limit=100", 100, 3, false),
        ("?limit=1", 1, 1, true),
        ("?limit=3", 3, 3, false),
    ] {
        let page = service.get(&format!("/v1/projects{query}"), As::Publishable).await;
        assert_eq!(page.body["page"]["limit"], limit);
        assert_eq!(page.slugs().len(), count);
        assert_eq!(next_page(&page).is_some(), more, "{query}");
    }
    let empty = service.get("/v1/events", As::Publishable).await;
    assert_eq!(empty.body, json!({ "data": [], "page": { "limit": 20, "next_cursor": null } }));
}

#[tokio::test]
async fn what_comes_and_goes_between_two_pages_makes_no_repeat_and_no_gap() {
    let service = TestApp::start().await;
    let issued = |title: &str, date: &str| {
        let mut body = publication(title);
        body["issued"] = date.into();
        body
    };
    for month in 1..=6 {
        service.published("publications", issued(&format!("p{month}"), &format!("2020-0{month}"))).await;
    }
    let first = service.get("/v1/publications?limit=2", As::Publishable).await;
    assert_eq!(first.slugs(), ["p6", "p5"]);
    service.published("publications", issued("newer", "2021")).await;
    service.published("publications", issued("later", "2020-02-15")).await;
    for gone in ["p5", "p3"] {
        let path = format!("/v1/publications/{gone}");
        let etag = service.get(&path, As::Editor).await.etag().to_owned();
        assert_eq!(service.delete(&path, As::Editor, &etag).await.status, 204);
    }
    let rest = walk(&service, &next_page(&first).unwrap(), As::Publishable).await;
    assert_eq!(slugs_of(&rest), ["p4", "later", "p2", "p1"]);
}

#[tokio::test]
async fn entries_of_the_same_date_are_paged_like_all_others() {
    let service = TestApp::start().await;
    for number in 0..9 {
        service.published("practices", practice(&format!("Deneme {number}"))).await;
    }
    let whole = walk(&service, "/v1/practices", As::Publishable).await;
    let pages = walk(&service, "/v1/practices?limit=2", As::Publishable).await;
    assert_eq!(whole.len(), 9);
    assert_eq!(slugs_of(&whole), slugs_of(&pages));
}

#[tokio::test]
async fn a_cursor_is_good_only_where_it_was_issued() {
    let service = TestApp::start().await;
    for title in ["Bir", "İki", "Üç"] {
        service.published("projects", project(title)).await;
    }
    let page = service.get("/v1/projects?limit=1", As::Publishable).await;
    let cursor = page.body["page"]["next_cursor"].as_str().unwrap();
    let middle = cursor.len() / 2;
    let other = if cursor.as_bytes()[middle] == b'A' { 'B' } else { 'A' };
    let tampered = format!("{}{other}{}", &cursor[..middle], &cursor[middle + 1..]);
    for (path, who) in [
        (format!("/v1/publications?cursor={cursor}"), As::Publishable),
        (format!("/v1/projects?cursor={cursor}"), As::Editor),
        (format!("/v1/projects?cursor={cursor}"), As::Partner),
        (format!("/v1/projects?cursor={tampered}"), As::Publishable),
        (format!("/v1/projects?cursor={}", &cursor[1..]), As::Publishable),
        ("/v1/projects?cursor=".to_owned(), As::Publishable),
        ("/v1/projects?cursor=%C5%9F".to_owned(), As::Publishable),
        (format!("/v1/keys?cursor={cursor}"), As::Owner),
    ] {
        let refused = service.get(&path, who).await;
        assert_eq!(
            (refused.status, refused.code()),
            (StatusCode::BAD_REQUEST, "invalid-parameter"),
            "{path}"
        );
        assert_eq!(refused.places(), ["cursor"]);
    }
    let good = service.get(&format!("/v1/projects?limit=2&cursor={cursor}"), As::Publishable).await;
    assert_eq!(good.slugs(), ["iki", "bir"]);
}

/// A publication that is written in Turkish and has an English title but no English summary.
async fn half_translated(service: &TestApp) -> String {
    let mut body = publication("Şiddet raporu");
    body["translations"]["tr"]["body"] = "Uzun metin.".into();
    body["translations"]["en"] = json!({ "title": "Report on violence" });
    service.published("publications", body).await
}

#[tokio::test]
async fn lists_leave_out_the_long_text() {
    let service = TestApp::start().await;
    let path = half_translated(&service).await;
    assert_eq!(service.get(&path, As::Publishable).await.body["body"], "Uzun metin.");
    let list = service.get("/v1/publications", As::Publishable).await;
    assert!(list.body["data"][0].get("body").is_none());
    let all = service.get("/v1/publications?locale=all", As::Editor).await;
    assert!(!all.text.contains("Uzun metin."));
}

#[tokio::test]
async fn entries_look_the_same_on_every_database() {
    let service = TestApp::start().await;
    let mut body = topic("Şiddet");
    body["translations"]["en"] = json!({ "label": "Violence", "alternative_labels": ["VAW"] });
    let mut paths = vec![service.published("topics", body).await];
    paths.push(service.published("partners", partner("Mor Pencere")).await);
    paths.push(service.published("people", person("Işıl Öztürk", &["name"])).await);
    let mut body = project("Eşit Bütçe");
    body["partners"] = json!([{ "role": "lead", "partner": "mor-pencere" }]);
    body["countries"] = json!([{ "code": "TR", "percentage": 33.3 }]);
    paths.push(service.published("projects", body).await);
    let mut body = event("Panel");
    body["point"] = json!({ "latitude": 41.0351, "longitude": 28.0 });
    body["speakers"] = json!([{ "role": "speaker", "person": "isil-ozturk" }]);
    paths.push(service.published("events", body).await);
    let mut body = publication("Rapor");
    body["translations"]["en"] = json!({ "title": "Report" });
    body["authors"] = json!([{ "name": "I. Öztürk", "person": "isil-ozturk" }, { "name": "Adsız Yazar" }]);
    body["topics"] = json!(["siddet"]);
    body["project"] = "esit-butce".into();
    paths.push(service.published("publications", body).await);
    paths.push(service.published("practices", practice("Ortak bakım")).await);
    let (mut items, mut lists) = (json!({}), json!({}));
    for (path, collection) in paths.iter().zip(COLLECTIONS) {
        items[path] = service.get(path, As::Publishable).await.body;
        lists[collection] = service.get(&format!("/v1/{collection}?locale=en"), As::Publishable).await.body;
    }
    insta::assert_json_snapshot!("items", items);
    insta::assert_json_snapshot!("lists_in_english", lists);
}
