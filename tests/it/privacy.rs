//! Privacy: what may not be known is nowhere, by no way.

use std::collections::{BTreeSet, HashSet};

use axum::http::Method;
use chrono::TimeDelta;
use serde_json::{Value, json};
use sogep::content::DEMO;

use crate::{
    app::{Answer, As, TestApp, event, partner, person, practice, project, publication},
    editing::{edit, trash},
    reading::{COLLECTIONS, walk},
};

/// One line of the sample content.
pub struct Sample {
    pub collection: String,
    pub slug: String,
    pub line: Value,
}

impl Sample {
    /// Whether everybody may see the entry.
    pub fn is_public(&self) -> bool {
        self.line["state"] == "published"
            && self.line["visibility"].as_str().unwrap_or("public") == "public"
            && (self.collection != "people" || self.has_consent())
    }

    fn has_consent(&self) -> bool {
        let consent = &self.line["consent"];
        let names = consent["scope"].as_array().is_some_and(|scope| scope.contains(&"name".into()));
        names && consent["withdrawn_at"].is_null()
    }
}

/// The sample content as its files have it.
pub fn samples() -> Vec<Sample> {
    let lines = DEMO.iter().flat_map(|(collection, text)| text.lines().map(move |line| (collection, line)));
    lines
        .map(|(collection, line)| {
            let line: Value = serde_json::from_str(line).unwrap();
            let slug = line["slug"].as_str().unwrap().to_owned();
            Sample { collection: collection.to_string(), slug, line }
        })
        .collect()
}

/// All that a caller gets by reading every list and every entry of it.
async fn all_answers(service: &TestApp, who: As) -> Vec<Answer> {
    let mut answers = vec![service.get("/v1/organisation", who.clone()).await];
    for collection in COLLECTIONS {
        for entry in walk(service, &format!("/v1/{collection}?limit=100"), who.clone()).await {
            let path = format!("/v1/{collection}/{}", entry["slug"].as_str().unwrap());
            let item = service.get(&path, who.clone()).await;
            assert_eq!(item.status, 200, "{path}");
            answers.push(Answer {
                length: 0,
                text: entry.to_string(),
                body: entry,
                status: item.status,
                headers: item.headers.clone(),
            });
            answers.push(item);
        }
    }
    answers
}

/// The addresses, slugs and ids of those sample entries that `is_seen` does not take.
async fn hidden(service: &TestApp, is_seen: impl Fn(&Sample) -> bool) -> Vec<[String; 3]> {
    let samples = samples();
    let seen: HashSet<&str> =
        samples.iter().filter(|sample| is_seen(sample)).map(|sample| sample.slug.as_str()).collect();
    let mut hidden = Vec::new();
    for sample in samples.iter().filter(|sample| !is_seen(sample)) {
        assert!(!seen.contains(sample.slug.as_str()), "{} stands for two entries", sample.slug);
        let path = format!("/v1/{}/{}", sample.collection, sample.slug);
        let entry = service.get(&path, As::Editor).await;
        assert_eq!(entry.status, 200, "{path}");
        hidden.push([path, sample.slug.clone(), entry.body["id"].as_str().unwrap().to_owned()]);
    }
    hidden
}

#[tokio::test]
async fn what_is_not_public_leaves_no_trace_in_any_public_answer() {
    let service = TestApp::with_demo().await;
    let hidden = hidden(&service, Sample::is_public).await;
    assert!(hidden.len() >= 15, "{hidden:?}");
    let answers = all_answers(&service, As::Publishable).await;
    assert!(answers.len() > 400);
    for [path, slug, id] in &hidden {
        for answer in &answers {
            assert!(!answer.text.contains(&format!("\"{slug}\"")), "{slug} in {}", answer.text);
            assert!(!answer.text.contains(id), "{slug} in {}", answer.text);
        }
        for address in [path.clone(), path.replace(slug, id)] {
            assert_eq!(service.get(&address, As::Publishable).await.status, 404);
        }
    }
}

#[tokio::test]
async fn partners_see_what_is_for_them_and_no_more() {
    let service = TestApp::with_demo().await;
    let is_seen = |sample: &Sample| {
        let for_partners = sample.line["visibility"] == "partners" && sample.line["state"] == "published";
        sample.is_public() || for_partners
    };
    let hidden = hidden(&service, is_seen).await;
    let answers = all_answers(&service, As::Partner).await;
    assert!(answers.iter().any(|answer| answer.body["visibility"] == "partners"));
    for [_, slug, id] in &hidden {
        for answer in &answers {
            let found = answer.text.contains(&format!("\"{slug}\"")) || answer.text.contains(id);
            assert!(!found, "{slug} in {}", answer.text);
        }
    }
}

/// The names of all properties in `value`.
fn names(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            found.extend(object.keys().cloned());
            object.values().for_each(|value| names(value, found));
        }
        Value::Array(items) => items.iter().for_each(|item| names(item, found)),
        _ => {}
    }
}

#[tokio::test]
async fn nothing_public_tells_who_made_it_and_when() {
    let service = TestApp::with_demo().await;
    service.published("publications", publication("Bir yazarın işi")).await;
    for who in [As::Publishable, As::Partner, As::Viewer] {
        let mut found = BTreeSet::new();
        for answer in all_answers(&service, who).await {
            let mut body = answer.body;
            // How to reach the organisation is not how to reach a person.
            body["contact"] = Value::Null;
            names(&body, &mut found);
        }
        assert!(found.contains("title") && found.contains("published_at"));
        for name in [
            "created_by",
            "created_at",
            "email",
            "deleted_at",
            "version",
            "actor",
            "owner_id",
            "sort_key",
            "consented",
            "given_by",
        ] {
            assert!(!found.contains(name), "{name}");
        }
    }
}

/// A publication that credits `person` once with a printed name and once without.
async fn credited(service: &TestApp, person: &str) -> String {
    let mut body = publication("Rapor");
    body["authors"] = json!([{ "name": "I. Ö.", "person": person }, { "person": person }]);
    service.published("publications", body).await
}

#[tokio::test]
async fn who_withdraws_consent_is_gone_at_once_and_the_byline_keeps_the_printed_name() {
    let service = TestApp::start().await;
    let person = service.published("people", person("Işıl Öztürk", &["name"])).await;
    let renamed = edit(&service, &person, json!({ "slug": "isil" })).await;
    let path = credited(&service, "isil").await;
    let before = service.get(&path, As::Publishable).await;
    assert_eq!(before.body["authors"][0]["person"]["slug"], "isil");
    assert_eq!(before.body["authors"][1]["name"], "Işıl Öztürk");
    service.app.clock.advance(TimeDelta::minutes(1));
    let withdrawn = json!({ "consent": { "withdrawn_at": "2026-03-08T09:01:00Z" } });
    assert_eq!(edit(&service, "/v1/people/isil", withdrawn).await.status, 200);
    let by_id = format!("/v1/people/{}", renamed.body["id"].as_str().unwrap());
    for who in [As::Publishable, As::Partner, As::Viewer, As::Author] {
        for address in ["/v1/people/isil", &person, &by_id] {
            assert_eq!(service.get(address, who.clone()).await.status, 404, "{who:?} {address}");
        }
        assert!(service.get("/v1/people", who.clone()).await.slugs().is_empty());
        let after = service.get(&path, who).await;
        let byline = json!([{ "role": "author", "name": "I. Ö.", "person": null, "partner": null }]);
        assert_eq!(after.body["authors"], byline);
        assert_ne!(after.etag(), before.etag());
        assert_eq!(after.body["updated_at"], "2026-03-08T09:01:00Z");
    }
}

#[tokio::test]
async fn without_consent_to_the_name_nobody_is_shown() {
    let service = TestApp::start().await;
    let mut none = person("Rıza Yok", &[]);
    none["consent"] = Value::Null;
    let mut withdrawn = person("Vazgeçti", &["name"]);
    withdrawn["consent"]["withdrawn_at"] = "2026-02-01T00:00:00Z".into();
    for body in [none, withdrawn, person("Adsız", &["photo", "role"])] {
        let path = service.published("people", body).await;
        for who in [As::Publishable, As::Partner, As::Viewer] {
            assert_eq!(service.get(&path, who).await.status, 404, "{path}");
        }
    }
    assert!(service.get("/v1/people", As::Publishable).await.slugs().is_empty());
}

#[tokio::test]
async fn of_a_person_only_what_was_agreed_to_is_shown_and_never_the_agreement() {
    let service = TestApp::start().await;
    service.published("partners", partner("Dernek")).await;
    let texts =
        json!({ "title": "Doç. Dr.", "affiliation": "Ege Üniversitesi", "biography": "Uzun hikâye." });
    for (number, (scope, shown)) in [
        (vec!["name"], vec![]),
        (vec!["name", "role"], vec!["title", "roles"]),
        (vec!["name", "biography"], vec!["biography", "website", "identifiers"]),
        (vec!["name", "affiliation"], vec!["affiliation", "affiliated_with"]),
    ]
    .into_iter()
    .enumerate()
    {
        let mut body = person(&format!("Kişi {number}"), &scope);
        body["roles"] = json!(["board"]);
        body["website"] = format!("https://kisi{number}.example").into();
        body["affiliated_with"] = "dernek".into();
        body["identifiers"] = json!([{ "scheme": "wikidata", "value": format!("Q{number}") }]);
        body["translations"] = json!({ "tr": texts, "en": texts });
        let path = service.published("people", body).await;
        for who in [As::Publishable, As::Partner] {
            for address in [path.clone(), format!("{path}?locale=en")] {
                let read = service.get(&address, who.clone()).await;
                for name in [
                    "title",
                    "roles",
                    "biography",
                    "website",
                    "identifiers",
                    "affiliation",
                    "affiliated_with",
                ] {
                    let value = &read.body[name];
                    let empty = value.is_null() || *value == json!([]);
                    assert_eq!(!empty, shown.contains(&name), "{scope:?}: {name} is {value}");
                }
            }
        }
        for who in [As::Publishable, As::Partner, As::Viewer] {
            assert_eq!(service.get(&path, who).await.body["consent"], Value::Null);
        }
        assert_eq!(service.get(&path, As::Editor).await.body["consent"]["scope"], json!(scope));
    }
}

#[tokio::test]
async fn where_an_event_is_stays_inside_when_it_is_to_be_kept() {
    let service = TestApp::start().await;
    let texts = json!({
        "title": "Toplantı", "venue_name": "Kapalı Mekân", "venue_address": "Gizli Sokak 3", "city": "Eskişehir",
    });
    for (precision, secrets, city) in [
        ("exact", vec![], json!("Eskişehir")),
        ("city", vec!["Kapalı Mekân", "Gizli Sokak", "39.7667", "meet.example"], json!("Eskişehir")),
        (
            "hidden",
            vec!["Kapalı Mekân", "Gizli Sokak", "39.7667", "meet.example", "Eskişehir", "\"TR\""],
            Value::Null,
        ),
    ] {
        let mut body = event(precision);
        body["point"] = json!({ "latitude": 39.7667, "longitude": 30.5256 });
        body["country"] = "TR".into();
        body["online_url"] = "https://meet.example/oda".into();
        body["location_precision"] = precision.into();
        body["translations"] = json!({ "tr": texts, "en": texts });
        let path = service.published("events", body).await;
        for who in [As::Publishable, As::Partner] {
            for address in [path.clone(), format!("{path}?locale=en"), "/v1/events?limit=1".to_owned()] {
                let read = service.get(&address, who.clone()).await;
                for secret in &secrets {
                    assert!(!read.text.contains(secret), "{precision} {secret} in {}", read.text);
                }
            }
            assert_eq!(service.get(&path, who).await.body["city"], city, "{precision}");
        }
        let inside = service.get(&path, As::Viewer).await.body;
        assert_eq!(
            (&inside["venue_address"], &inside["point"]["latitude"]),
            (&json!("Gizli Sokak 3"), &json!(39.7667))
        );
        edit(&service, &path, json!({ "starts_at": "2020-01-01T00:00:00Z" })).await;
    }
}

#[tokio::test]
async fn of_an_anonymised_practice_nobody_and_no_place_is_shown() {
    let service = TestApp::start().await;
    service.published("partners", partner("Görünmez Dernek")).await;
    service.published("people", person("Görünmez Kişi", &["name"])).await;
    service.published("projects", project("Görünmez Proje")).await;
    let mut body = practice("Deneme");
    body["anonymised"] = true.into();
    body["owner"] = "gorunmez-dernek".into();
    body["partners"] = json!([{ "role": "lead", "partner": "gorunmez-dernek" }, { "role": "supporter", "name": "Görünmez Vakıf" }]);
    body["people"] = json!([{ "role": "coordinator", "name": "Görünmez Kişi", "person": "gorunmez-kisi" }]);
    body["project"] = "gorunmez-proje".into();
    body["translations"]["tr"]["place"] = "Görünmez Köy".into();
    let path = service.published("practices", body).await;
    for who in [As::Publishable, As::Partner] {
        for address in [path.clone(), format!("{path}?locale=en"), "/v1/practices".to_owned()] {
            let read = service.get(&address, who.clone()).await;
            for trace in ["Görünmez", "gorunmez"] {
                assert!(!read.text.contains(trace), "{}", read.text);
            }
        }
    }
    let inside = service.get(&path, As::Viewer).await.body;
    assert_eq!(
        (&inside["place"], &inside["project"]["slug"]),
        (&json!("Görünmez Köy"), &json!("gorunmez-proje"))
    );
    assert_eq!(inside["partners"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn an_entry_one_may_not_see_is_like_none_at_all() {
    let service = TestApp::start().await;
    let mut body = publication("İç rapor");
    body["visibility"] = "internal".into();
    let internal = service.published("publications", body).await;
    let draft = service.post("/v1/publications", As::Editor, publication("Taslak")).await;
    let trashed = service.published("publications", publication("Çöp")).await;
    let id = service.get(&trashed, As::Editor).await.body["id"].as_str().unwrap().to_owned();
    trash(&service, &trashed).await;
    let by_id = format!("/v1/publications/{}", draft.body["id"].as_str().unwrap());
    let trashed_by_id = format!("/v1/publications/{id}");
    let plain = |answer: &Answer| {
        let mut headers = answer.headers.clone();
        let id = headers.remove("x-request-id").unwrap();
        // It counts the requests.
        headers.remove("ratelimit");
        (answer.status, answer.text.replace(id.to_str().unwrap(), ""), headers)
    };
    for (method, who) in [
        (Method::GET, As::Publishable),
        (Method::GET, As::Partner),
        (Method::PATCH, As::Author),
        (Method::DELETE, As::Author),
    ] {
        let ask = async |path: &str| {
            let headers = [("if-match", "\"1.x\""), ("content-type", "application/json")];
            let body = (method == Method::PATCH).then(|| json!({ "pages": "1" }));
            plain(&service.send(method.clone(), path, who.clone(), &headers, body).await)
        };
        let nothing = ask("/v1/publications/yok").await;
        assert_eq!(nothing.0, 404);
        let mut hidden = vec![draft.header("location"), &by_id, &trashed, &trashed_by_id];
        // An author belongs to the organisation and sees what is internal.
        hidden.extend((who != As::Author).then_some(internal.as_str()));
        for path in hidden {
            assert_eq!(ask(path).await, nothing, "{method} {path}");
        }
    }
}
