//! Reading: the profile, lists and their pages, entries, languages, and what caches need to know.

use axum::http::{Method, StatusCode};
use chrono::TimeDelta;
use sea_orm::EntityTrait;
use serde_json::{Value, json};
use sogep::entity::api_key;

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
fn next_page(page: &Answer) -> Option<String> {
    let cursor = page.body["page"]["next_cursor"].as_str();
    let link = page.header("link").strip_prefix("<https://api.sogep.example");
    let address = link.and_then(|link| link.strip_suffix(">; rel=\"next\"")).map(str::to_owned);
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
async fn a_text_that_is_missing_is_taken_from_the_original_unless_that_is_not_wanted() {
    let service = TestApp::start().await;
    let path = half_translated(&service).await;
    let english = service.get(&format!("{path}?locale=en"), As::Publishable).await;
    assert_eq!(english.body["title"], "Report on violence");
    assert_eq!(english.body["summary"], "Kısa bir özet.");
    assert_eq!((&english.body["locale"], english.header("content-language")), (&json!("en"), "en"));
    assert_eq!(english.body["translations"], json!(["en", "tr"]));
    let strict = service.get(&format!("{path}?locale=en&fallback=none"), As::Publishable).await;
    assert_eq!(strict.body["title"], "Report on violence");
    assert_eq!(strict.body["summary"], Value::Null);
    let turkish = service.get(&path, As::Publishable).await;
    assert_eq!(turkish.body["title"], "Şiddet raporu");
    assert_eq!((&turkish.body["locale"], turkish.header("content-language")), (&json!("tr"), "tr"));
}

#[tokio::test]
async fn an_entry_without_a_translation_says_which_language_it_is_in() {
    let service = TestApp::start().await;
    let path = service.published("publications", publication("Yalnız Türkçe")).await;
    let english = service.get(&format!("{path}?locale=en"), As::Publishable).await;
    assert_eq!(english.body["title"], "Yalnız Türkçe");
    assert_eq!((&english.body["locale"], english.header("content-language")), (&json!("tr"), "tr"));
    let strict = service.get(&format!("{path}?locale=en&fallback=none"), As::Publishable).await;
    assert_eq!(strict.body["title"], Value::Null);
    assert_eq!(strict.body["translations"], json!(["tr"]));
}

#[tokio::test]
async fn the_language_comes_from_the_parameter_else_the_header_else_the_default() {
    let service = TestApp::start().await;
    let path = half_translated(&service).await;
    for (query, header, expected) in [
        ("", "", "tr"),
        ("", "en-GB, tr;q=0.5", "en"),
        ("", "de, tr;q=0.2, en;q=0.1", "tr"),
        ("", "de", "tr"),
        ("?locale=tr", "en", "tr"),
        ("?locale=en", "tr", "en"),
    ] {
        for path in [format!("{path}{query}"), format!("/v1/publications{query}")] {
            let headers = [("accept-language", header)];
            let answer = service.send(Method::GET, &path, As::Publishable, &headers, None).await;
            assert_eq!(answer.header("content-language"), expected, "{path} {header}");
            let vary = answer.header("vary").to_lowercase();
            assert!(vary.contains("accept-language") && vary.contains("authorization"), "{vary}");
        }
    }
    for locale in ["de", "TR", "", "tr-TR", "tr,en"] {
        let refused = service.get(&format!("{path}?locale={locale}"), As::Publishable).await;
        assert_eq!((refused.status.as_u16(), refused.places()), (400, vec!["locale"]), "{locale}");
    }
    let refused = service.get(&format!("{path}?fallback=maybe"), As::Publishable).await;
    assert_eq!((refused.status.as_u16(), refused.places()), (400, vec!["fallback"]));
}

#[tokio::test]
async fn every_translation_at_once_is_for_those_who_edit() {
    let service = TestApp::start().await;
    let path = half_translated(&service).await;
    for address in [format!("{path}?locale=all"), "/v1/publications?locale=all".to_owned()] {
        for who in [As::Publishable, As::Partner, As::Viewer] {
            assert_eq!(service.get(&address, who).await.status, 403);
        }
    }
    assert_eq!(service.get("/v1/organisation?locale=all", As::Publishable).await.status, 403);
    let all = service.get(&format!("{path}?locale=all"), As::Editor).await;
    assert_eq!(all.body["translations"]["tr"]["title"], "Şiddet raporu");
    assert_eq!(all.body["translations"]["en"]["title"], "Report on violence");
    let patch = json!({ "translations": all.body["translations"] });
    let same = service.patch(&format!("{path}?locale=all"), As::Editor, all.etag(), patch).await;
    assert_eq!(same.status, 200, "what is read can be written: {}", same.text);
    assert_eq!(same.body["translations"], all.body["translations"]);
    let list = service.get("/v1/publications?locale=all", As::Editor).await;
    assert_eq!(list.body["data"][0]["translations"]["en"]["title"], "Report on violence");
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
async fn other_entries_are_embedded_in_brief_and_in_the_language_asked_for() {
    let service = TestApp::start().await;
    let mut body = topic("Şiddet");
    body["translations"]["en"] = json!({ "label": "Violence" });
    service.published("topics", body).await;
    service.published("partners", partner("Mor Pencere")).await;
    let mut body = publication("Rapor");
    body["topics"] = json!(["siddet"]);
    body["publishers"] = json!([{ "partner": "mor-pencere" }]);
    let path = service.published("publications", body).await;
    let english = service.get(&format!("{path}?locale=en"), As::Publishable).await;
    let id = service.get("/v1/topics/siddet", As::Publishable).await.body["id"].clone();
    assert_eq!(english.body["topics"], json!([{ "id": id, "slug": "siddet", "name": "Violence" }]));
    assert_eq!(english.body["publishers"][0]["partner"]["name"], "Mor Pencere");
    assert_eq!(english.body["publishers"][0]["name"], "Mor Pencere");
    let turkish = service.get(&path, As::Publishable).await;
    assert_eq!(turkish.body["topics"][0]["name"], "Şiddet");
}

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
    assert_eq!(cost(&service, &many).await, item);
    assert!(page <= 10, "{page} statements for a page");
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
    service.post("/v1/publications/yeni/transitions", As::Editor, json!({ "to": "draft" })).await;
    let hidden = service.get("/v1/publications/baska", As::Publishable).await;
    assert_eq!(hidden.status, 404, "an address that leads to a draft would tell of it");
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
