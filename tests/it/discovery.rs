//! Search, completions, what is related: found at once, gone at once, and never more than one may read.

mod topics;

use std::{collections::HashSet, fs};

use axum::http::StatusCode;
use serde_json::{Value, json};
use sogep::discovery;

use crate::app::{As, TestApp, event, partner, person, practice, publication, topic};

/// `text` as it stands in an address.
fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

async fn search(service: &TestApp, q: &str, who: As) -> Value {
    let answer = service.get(&format!("/v1/search?limit=100&q={}", encoded(q)), who).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer.body
}

/// The slugs of what is found.
async fn found(service: &TestApp, q: &str, who: As) -> Vec<String> {
    slugs(&search(service, q, who).await)
}

fn slugs(answer: &Value) -> Vec<String> {
    let hits = answer["data"].as_array().unwrap();
    hits.iter().map(|hit| hit["slug"].as_str().unwrap().to_owned()).collect()
}

fn told(parts: &Value) -> (String, Vec<String>) {
    let parts = parts.as_array().unwrap();
    let text = |part: &Value| part["text"].as_str().unwrap().to_owned();
    let matched = parts.iter().filter(|part| part["matched"] == true).map(text).collect();
    (parts.iter().map(text).collect(), matched)
}

#[tokio::test]
async fn letters_endings_and_typing_errors_make_no_difference() {
    let service = TestApp::with_demo().await;
    let expected = found(&service, "kadın şiddet", As::Publishable).await;
    assert!(expected.len() > 20, "{expected:?}");
    for spelling in ["kadin siddet", "KADIN ŞİDDET", "Kadın, şiddet!", "KADIN SIDDET"] {
        assert_eq!(found(&service, spelling, As::Publishable).await, expected, "{spelling}");
    }
    let shelter = "siginmaevi-standartlari-politika-notu".to_owned();
    for spelling in ["sığınmaevi standartları", "siginmaevinin standartlarina", "sıgınmaevı standrtları"]
    {
        assert_eq!(found(&service, spelling, As::Publishable).await[0], shelter, "{spelling}");
    }
    let misspelt = search(&service, "standrtları", As::Publishable).await;
    assert!(misspelt["suggestion"].as_str().unwrap().starts_with("standart"), "{}", misspelt["suggestion"]);
    assert_eq!(search(&service, "xqzkvjw", As::Publishable).await["total"], 0);
}

#[tokio::test]
async fn a_hit_says_what_it_is_and_where_it_answers() {
    let service = TestApp::with_demo().await;
    let answer = search(&service, "sığınmaevleri", As::Publishable).await;
    let hit = &answer["data"][0];
    assert_eq!(hit["kind"], "publication");
    assert_eq!(hit["locale"], "tr");
    let (title, matched) = told(&hit["highlights"]["title"]);
    assert_eq!(title, hit["title"].as_str().unwrap());
    assert_eq!(matched, ["Sığınmaevleri"]);
    let (passage, matched) = told(&hit["highlights"]["passage"]);
    assert!(!passage.is_empty() && passage.chars().count() <= 250 && !matched.is_empty(), "{passage}");
    let english = service.get("/v1/search?q=shelters&locale=en", As::Publishable).await;
    assert_eq!(english.header("content-language"), "en");
    assert_eq!(english.body["data"][0]["locale"], "en");
    let etag = english.etag().to_owned();
    let again = service
        .send(
            axum::http::Method::GET,
            "/v1/search?q=shelters&locale=en",
            As::Publishable,
            &[("if-none-match", &etag)],
            None,
        )
        .await;
    assert_eq!(again.status, StatusCode::NOT_MODIFIED);
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_and_facets_count_all() {
    let service = TestApp::with_demo().await;
    let whole = search(&service, "kadın", As::Publishable).await;
    let total = whole["total"].as_u64().unwrap();
    let mut path = "/v1/search?q=kad%C4%B1n&limit=7&facets=kind,topic,year,type".to_owned();
    let mut walked = Vec::new();
    loop {
        let page = service.get(&path, As::Publishable).await;
        walked.extend(slugs(&page.body));
        assert_eq!(page.body["total"], total);
        let kinds = &page.body["facets"][0];
        assert_eq!(kinds["name"], "kind");
        let counts = kinds["values"].as_array().unwrap().iter().map(|value| value["count"].as_u64().unwrap());
        assert_eq!(counts.sum::<u64>(), total);
        let topics = page.body["facets"][1]["values"].as_array().unwrap();
        assert!(topics.iter().all(|topic| topic["label"].is_string()), "{topics:?}");
        let Some(cursor) = page.body["page"]["next_cursor"].as_str() else { break };
        assert!(page.header("link").contains("rel=\"next\""));
        path = format!("/v1/search?q=kad%C4%B1n&limit=7&facets=kind,topic,year,type&cursor={cursor}");
    }
    assert_eq!(walked.len() as u64, total);
    assert_eq!(walked.iter().collect::<HashSet<_>>().len() as u64, total);
    assert!(walked.starts_with(&slugs(&whole)), "the order is that of one page");
    // What a kind's filter leaves is what its facet said.
    let events = service.get("/v1/search?q=kad%C4%B1n&kind=event&facets=kind", As::Publishable).await;
    let all = whole_facet(&service, "event").await;
    assert_eq!(events.body["total"], all);
    let kinds = events.body["facets"][0]["values"].as_array().unwrap().len();
    assert!(kinds > 1, "a facet takes no notice of its own filter");
}

async fn whole_facet(service: &TestApp, kind: &str) -> Value {
    let answer = service.get("/v1/search?q=kad%C4%B1n&facets=kind", As::Publishable).await;
    let values = answer.body["facets"][0]["values"].as_array().unwrap().clone();
    values.into_iter().find(|value| value["value"] == kind).unwrap()["count"].clone()
}

#[tokio::test]
async fn what_is_written_is_found_at_once_and_what_is_withdrawn_is_gone_at_once() {
    let service = TestApp::start().await;
    let none: [&str; 0] = [];
    assert_eq!(found(&service, "çiğdemli", As::Publishable).await, none);
    let path = service.published("publications", publication("Çiğdemli tepeler")).await;
    assert_eq!(found(&service, "cigdemli", As::Publishable).await, ["cigdemli-tepeler"]);
    let etag = service.get(&path, As::Editor).await.etag().to_owned();
    let patch = json!({ "translations": { "tr": { "title": "Menekşeli tepeler" } } });
    let etag = service.patch(&path, As::Editor, &etag, patch).await.etag().to_owned();
    assert_eq!(found(&service, "çiğdemli", As::Publishable).await, none);
    assert_eq!(found(&service, "menekşeli", As::Publishable).await.len(), 1);
    let other = service.replica().await;
    assert_eq!(found(&other, "menekşeli", As::Publishable).await.len(), 1);
    assert_eq!(service.delete(&path, As::Editor, &etag).await.status, StatusCode::NO_CONTENT);
    assert_eq!(found(&service, "menekşeli", As::Publishable).await, none);
    assert_eq!(found(&other, "menekşeli", As::Publishable).await, none);
    assert_eq!(discovery::fill(&service.app).await.unwrap(), discovery::Filled::Current);
}

/// Nobody finds by a word what does not show it to them.
#[tokio::test]
async fn nobody_finds_what_they_may_not_read() {
    let service = TestApp::start().await;
    let mut draft = publication("Taslaktakisözcük");
    draft["translations"]["tr"]["summary"] = "Ortaksözcük".into();
    assert_eq!(service.post("/v1/publications", As::Author, draft).await.status, StatusCode::CREATED);
    for (visibility, word) in [("partners", "Paydaşlarasözcük"), ("internal", "İçeridesözcük")] {
        let mut body = publication(word);
        body["visibility"] = visibility.into();
        body["translations"]["tr"]["body"] = "Ortaksözcük".into();
        service.published("publications", body).await;
    }
    // A partner that only those inside know of, credited in what is public.
    let mut hidden = partner("Gizliörgüt");
    hidden["visibility"] = "internal".into();
    let hidden = service.published("partners", hidden).await;
    let mut body = practice("Açık bir uygulama");
    body["partners"] = json!([{ "role": "implementer", "partner": hidden.rsplit('/').next().unwrap() }]);
    service.published("practices", body).await;
    // A person who agreed to be named and to nothing else.
    let mut named = person("Sevgi Denizaşan", &["name"]);
    named["translations"] = json!({ "tr": { "biography": "Biyografisözcük" } });
    service.published("people", named).await;
    // An event whose place is not told.
    let mut meeting = event("Kapalı toplantı");
    meeting["location_precision"] = "hidden".into();
    meeting["translations"]["tr"]["venue_name"] = "Mekânsözcük".into();
    meeting["translations"]["tr"]["city"] = "Şehirsözcük".into();
    service.published("events", meeting).await;

    for (word, public, partners, inside) in [
        ("Taslaktakisözcük", 0, 0, 0),
        ("Paydaşlarasözcük", 0, 1, 1),
        ("İçeridesözcük", 0, 0, 1),
        ("Ortaksözcük", 0, 1, 2),
        ("Gizliörgüt", 0, 0, 1),
        ("Denizaşan", 1, 1, 1),
        ("Biyografisözcük", 0, 0, 0),
        ("Mekânsözcük", 0, 0, 0),
        ("Şehirsözcük", 0, 0, 0),
    ] {
        for (who, expected) in [
            (As::Publishable, public),
            (As::Partner, partners),
            (As::Viewer, inside),
            (As::Editor, inside),
            (As::Owner, inside),
        ] {
            // Neither found, nor completed, nor offered as the right spelling.
            for spelling in [word.to_owned(), format!("{}xx", word.strip_suffix("k").unwrap_or(word))] {
                let answer = search(&service, &spelling, who.clone()).await;
                if spelling == word {
                    assert_eq!(answer["total"], expected, "{word} by {who:?}");
                } else if expected == 0 {
                    assert_eq!(answer["suggestion"], Value::Null, "{word} by {who:?}");
                }
            }
            if expected == 0 {
                let path = format!("/v1/search/suggest?q={}", encoded(&word[..5]));
                let completed = service.get(&path, who.clone()).await;
                assert_eq!(completed.body["data"], json!([]), "{word} by {who:?}: {}", completed.text);
            }
        }
    }
}

#[tokio::test]
async fn beginnings_are_completed_in_turkish_order() {
    let service = TestApp::start().await;
    for title in ["Şiddetsiz yaşam", "Siyaset okulu", "Şiddete karşı", "Yerelde şiddet", "Sığınak"] {
        service.published("publications", publication(title)).await;
    }
    let complete = async |q: &str| {
        let answer = service.get(&format!("/v1/search/suggest?q={}", encoded(q)), As::Publishable).await;
        let texts = answer.body["data"].as_array().unwrap();
        texts.iter().map(|text| text["text"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(complete("sid").await, ["Şiddete karşı", "Şiddetsiz yaşam", "Yerelde şiddet"]);
    assert_eq!(complete("SI").await[..3], ["Sığınak", "Siyaset okulu", "Şiddete karşı"]);
    let none: [&str; 0] = [];
    assert_eq!(complete("zzz").await, none);
}

#[tokio::test]
async fn what_is_related_says_why_and_is_public() {
    let service = TestApp::with_demo().await;
    let path = "/v1/publications/siginmaevi-standartlari-politika-notu/related";
    let related = service.get(path, As::Publishable).await;
    assert_eq!(related.status, StatusCode::OK, "{}", related.text);
    let data = related.body["data"].as_array().unwrap();
    assert_eq!(data.len(), 6);
    assert!(data.iter().all(|entry| !entry["reasons"].as_array().unwrap().is_empty()), "{}", related.text);
    assert!(data.iter().all(|entry| entry["slug"] != "siginmaevi-standartlari-politika-notu"));
    let theirs = service.get(&format!("{path}?limit=20"), As::Owner).await;
    let ours = service.get(&format!("{path}?limit=20"), As::Publishable).await;
    assert_eq!(theirs.body, ours.body, "what is shown beside an entry is public, whoever reads it");
    let absent = service.get("/v1/publications/yok/related", As::Publishable).await;
    assert_eq!(absent.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_is_asked_badly_is_refused_by_name_and_what_is_odd_finds_nothing() {
    let service = TestApp::with_demo().await;
    for (query, place) in [
        ("", "q"),
        ("q=", "q"),
        ("q=%20%20", "q"),
        (&format!("q={}", "a".repeat(501)), "q"),
        ("q=a&kind=person,ghost", "kind"),
        ("q=a&kind=organisation", "kind"),
        ("q=a&facets=email", "facets"),
        ("q=a&facets=", "facets"),
        ("q=a&limit=0", "limit"),
        ("q=a&limit=101", "limit"),
        ("q=a&cursor=AAAA", "cursor"),
        ("q=a&locale=all", "locale"),
        ("q=a&locale=xx", "locale"),
        ("q=a&q=b", "q"),
        ("q=a&sort=title", "sort"),
        ("q=a%00b", "q"),
    ] {
        let answer = service.get(&format!("/v1/search?{query}"), As::Publishable).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}: {}", answer.text);
        let mut places = answer.places();
        places.dedup();
        assert_eq!(places, [place], "{query}");
    }
    let long = "kadın ".repeat(80);
    for odd in [
        "*",
        "?!.,;:",
        "\u{1F600}\u{1F3F3}",
        "\u{202E}abc",
        "'",
        "’",
        "%",
        "_",
        "AND OR NOT",
        "title:kadın",
        "\"kadın\"",
        "(((",
        "\\",
        "مرحبا",
        "-",
        "1.2.3.4",
        "bir ve de",
        long.trim(),
    ] {
        let path = format!("/v1/search?q={}&facets=kind,topic", encoded(odd));
        let answer = service.get(&path, As::Publishable).await;
        // A bidirectional override is no clean text.
        let expected = if odd.contains('\u{202E}') { 400 } else { 200 };
        assert_eq!(answer.status, expected, "{odd}: {}", answer.text);
    }
    for nothing in ["*", "?!.,;:", "%", "_", "'", "-"] {
        assert_eq!(search(&service, nothing, As::Publishable).await["total"], 0, "{nothing}");
    }
    let cursor = service.get("/v1/search?q=kad%C4%B1n&limit=1", As::Publishable).await;
    let cursor = cursor.body["page"]["next_cursor"].as_str().unwrap().to_owned();
    for (query, who) in [("q=emek", As::Publishable), ("q=kad%C4%B1n", As::Partner)] {
        let answer = service.get(&format!("/v1/search?{query}&limit=1&cursor={cursor}"), who).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "a cursor is good for its own list");
    }
}

#[tokio::test]
async fn an_index_that_somebody_was_at_is_made_anew() {
    let service = TestApp::with_demo().await;
    let expected = found(&service, "kadın emeği", As::Publishable).await;
    let folder = service.app.catalogue.folder().to_owned();
    let files = |folder: &std::path::Path| -> Vec<std::path::PathBuf> {
        let mut files = Vec::new();
        for entry in fs::read_dir(folder).unwrap().flatten() {
            if entry.path().is_dir() {
                files.extend(fs::read_dir(entry.path()).unwrap().flatten().map(|file| file.path()));
            }
        }
        files
    };
    for file in files(&folder) {
        fs::OpenOptions::new().write(true).open(file).unwrap().set_len(3).unwrap();
    }
    assert_eq!(found(&service, "kadın emeği", As::Publishable).await, expected, "cut short");
    fs::remove_dir_all(&folder).unwrap();
    assert_eq!(found(&service, "kadın emeği", As::Publishable).await, expected, "removed");
    service.published("publications", publication("Bambaşkabir")).await;
    assert_eq!(found(&service, "bambaşkabir", As::Publishable).await.len(), 1);
}

#[tokio::test]
async fn a_search_costs_a_fixed_number_of_statements() {
    let service = TestApp::with_demo().await;
    search(&service, "kadın", As::Publishable).await;
    let (few, _) = service
        .statements(service.get("/v1/search?q=kad%C4%B1n&kind=publication&limit=2", As::Publishable))
        .await;
    let (many, _) = service
        .statements(service.get("/v1/search?q=kad%C4%B1n&kind=publication&limit=100", As::Publishable))
        .await;
    assert_eq!(few, many);
    assert!(many <= 12, "{many} statements");
}

/// The counts of one facet.
fn counts(answer: &Value, name: &str) -> Vec<(String, u64)> {
    let facets = answer["facets"].as_array().unwrap();
    let facet = facets.iter().find(|facet| facet["name"] == name).unwrap();
    let count =
        |value: &Value| (value["value"].as_str().unwrap().to_owned(), value["count"].as_u64().unwrap());
    facet["values"].as_array().unwrap().iter().map(count).collect()
}

#[tokio::test]
async fn a_list_is_searched_with_its_filters_and_its_order() {
    let service = TestApp::with_demo().await;
    let get = async |query: &str| {
        let mut path = format!("/v1/publications?limit=100&{query}");
        let mut all = Vec::new();
        loop {
            let answer = service.get(&path, As::Publishable).await;
            assert_eq!(answer.status, StatusCode::OK, "{query}: {}", answer.text);
            all.extend(slugs(&answer.body));
            let Some(cursor) = answer.body["page"]["next_cursor"].as_str() else { return all };
            path = format!("/v1/publications?limit=100&{query}&cursor={cursor}");
        }
    };
    // The same words find the same, in the same order, as in the search over all kinds.
    let everywhere = service.get("/v1/search?q=kad%C4%B1n&kind=publication&limit=100", As::Publishable).await;
    let list = get("q=kad%C4%B1n&count=exact").await;
    assert_eq!(list, slugs(&everywhere.body));
    assert_eq!(everywhere.body["total"], list.len());
    // With a filter it is what the list with that filter has of it.
    for filter in [
        "topic=siddet",
        "topic[not]=siddet",
        "topic[under]=haklar-ve-guvenlik",
        "topic[all]=siddet,hukuk",
        "type=policy_brief,guide",
        "type[not]=article",
        "issued[gte]=2014&issued[lt]=2019-07",
        "issued=2017",
        "year=2014,2016",
        "year[lte]=2015",
        "language=en",
        "doi[exists]=true",
        "doi[exists]=false",
        "published_at[gt]=2016-01-01",
        "updated_at[lt]=now",
        "topic=yok-boyle",
        "topic[not]=yok-boyle",
        "topic[all]=siddet,yok-boyle",
        "person=isil-ozturk",
        "partner[exists]=true",
        "scope[exists]=true",
    ] {
        let filtered: HashSet<String> = get(filter).await.into_iter().collect();
        let both = get(&format!("q=kad%C4%B1n&{filter}")).await;
        let expected: Vec<String> = list.iter().filter(|slug| filtered.contains(*slug)).cloned().collect();
        let distinct: HashSet<&String> = both.iter().collect();
        assert_eq!(distinct, expected.iter().collect(), "{filter}");
        // In another order.
        let sorted = get(&format!("q=kad%C4%B1n&sort=-issued,title&{filter}")).await;
        let order = get(&format!("sort=-issued,title&{filter}")).await;
        let expected: Vec<String> = order.into_iter().filter(|slug| distinct.contains(slug)).collect();
        assert_eq!(sorted, expected, "{filter}");
    }
    let refused = service.get("/v1/publications?q=a&state=draft", As::Editor).await;
    assert_eq!((refused.status.as_u16(), refused.places()), (400, vec!["state"]));
    for (query, place) in
        [("q=", "q"), ("facets=summary", "facets"), ("facets=", "facets"), ("q=a&facets=doi", "facets")]
    {
        let refused = service.get(&format!("/v1/publications?{query}"), As::Publishable).await;
        assert_eq!((refused.status.as_u16(), refused.places()), (400, vec![place]), "{query}");
    }
}

/// Editors see drafts, and the index does not: where it counts, the list is a reader's.
#[tokio::test]
async fn what_is_counted_for_an_editor_is_what_is_listed() {
    let service = TestApp::start().await;
    let draft = service.post("/v1/topics", As::Editor, topic("Taslak konu")).await;
    let draft = draft.body["slug"].as_str().unwrap().to_owned();
    let mut body = publication("Yayımlanmış");
    body["topics"] = json!([draft]);
    service.published("publications", body).await;
    for (query, expected) in [("", 1), ("&facets=type", 0), ("&q=yay%C4%B1mlanm%C4%B1%C5%9F", 0)] {
        let path = format!("/v1/publications?topic={draft}&count=exact{query}");
        let answer = service.get(&path, As::Editor).await;
        assert_eq!(answer.body["total"], expected, "{path}");
        assert_eq!(slugs(&answer.body).len(), expected, "{path}");
    }
}

#[tokio::test]
async fn facets_count_what_the_list_has_and_leave_their_own_filter_aside() {
    let service = TestApp::with_demo().await;
    let total = async |query: &str| {
        let path = format!("/v1/publications?limit=1&count=exact&{query}");
        service.get(&path, As::Publishable).await.body["total"].as_u64().unwrap()
    };
    for around in ["", "topic=siddet", "type=guide,article&year[gte]=2015", "q=kad%C4%B1n&language=tr"] {
        let path = format!("/v1/publications?limit=1&facets=topic,type,year,language&{around}");
        let answer = service.get(&path, As::Publishable).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        for name in ["topic", "type", "year", "language"] {
            let others: Vec<&str> = around.split('&').filter(|part| !part.starts_with(name)).collect();
            let counted = counts(&answer.body, name);
            assert!(!counted.is_empty(), "{around} {name}");
            for (value, count) in counted.iter().take(6) {
                let query = format!("{}&{name}={value}", others.join("&"));
                let query = query.trim_start_matches('&').to_owned();
                assert_eq!(total(&query).await, *count, "{around}: {name}={value}");
            }
        }
    }
}

#[tokio::test]
async fn people_are_found_by_what_they_agreed_to() {
    let service = TestApp::start().await;
    for (name, scope) in [("Ayşe", &["name", "biography"] as &[&str]), ("Fatma", &["name"])] {
        let mut body = person(name, scope);
        body["translations"] = json!({ "tr": { "biography": "Arıcılık yapıyor." } });
        service.published("people", body).await;
    }
    assert_eq!(found(&service, "arıcılık", As::Publishable).await, ["ayse"]);
}

#[tokio::test]
async fn a_topic_is_related_to_what_is_about_it() {
    let service = TestApp::start().await;
    service.published("topics", topic("Spor")).await;
    let mut about = publication("Sahada eşitlik");
    about["topics"] = json!(["spor"]);
    service.published("publications", about).await;
    service.published("publications", publication("Başka bir şey")).await;
    let related = service.get("/v1/topics/spor/related", As::Publishable).await;
    assert_eq!(related.slugs(), ["sahada-esitlik"]);
    assert_eq!(related.body["data"][0]["reasons"], json!(["topic", "text"]));
}

#[tokio::test]
async fn a_passage_reads_as_text() {
    let service = TestApp::start().await;
    let mut body = publication("Rapor");
    body["translations"]["tr"]["body"] =
        "## Program\n\n1. **Birinci gün:** il [göstergeleri](https://sogep.example)".into();
    service.published("publications", body).await;
    let answer = search(&service, "göstergeleri", As::Publishable).await;
    let (passage, matched) = told(&answer["data"][0]["highlights"]["passage"]);
    assert_eq!(
        (passage.as_str(), matched),
        ("Program Birinci gün: il göstergeleri", vec!["göstergeleri".to_owned()])
    );
}

#[tokio::test]
async fn a_hit_takes_no_query_for_what_it_does_not_show() {
    let service = TestApp::with_demo().await;
    let path = "/v1/search?kind=publication&q=kad%C4%B1n&limit=20";
    let mut least = usize::MAX;
    for _ in 0..4 {
        least = least.min(service.statements(service.get(path, As::Publishable)).await.0);
    }
    // How far the log is, the edition of the synonyms; the entries, and what is their own.
    assert_eq!(least, 4);
}
