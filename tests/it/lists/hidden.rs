//! No parameter makes an answer depend on what its reader is not shown.
//!
//! Two services hold the same but for what is hidden from readers outside. Whatever they ask, with every
//! documented parameter, both answer alike, byte for byte; somebody inside can tell them apart.

use super::*;
use crate::{
    app::{event, practice, project},
    document::operations,
    reading::COLLECTIONS,
};

/// A service with something to hide: `one` is what is hidden in the first world, `other` in the second.
async fn world(first: bool) -> TestApp {
    let service = TestApp::start().await;
    let either = |one: Value, other: Value| if first { one } else { other };
    for (label, slug) in [("Haklar", "haklar"), ("Emek", "emek"), ("Hukuk", "hukuk")] {
        let path = service.published("topics", topic(label)).await;
        assert_eq!(path, format!("/v1/topics/{slug}"));
    }
    let draft = |collection: &'static str, body: Value| {
        let service = &service;
        async move { service.post(&format!("/v1/{collection}"), As::Editor, body).await }
    };
    // A hidden topic between two that are shown, and one that an entry may be about.
    let mut body = topic("Gizli");
    body["broader"] = "haklar".into();
    draft("topics", body).await;
    let mut body = topic("Dar");
    body["broader"] = either(json!("gizli"), Value::Null);
    service.published("topics", body).await;
    // Those who are not shown: a partner inside, a person without consent, a project inside.
    let inside = |mut body: Value| {
        body["visibility"] = "internal".into();
        body
    };
    service.published("partners", inside(partner("İç Paydaş"))).await;
    service.published("projects", inside(project("İç Proje"))).await;
    service.published("people", person("Gizli Kişi", &[])).await;
    service.published("partners", partner("Mor Pencere")).await;
    service.published("projects", project("Eşit Bütçe")).await;
    service.published("people", person("Işıl Öztürk", &["name", "role", "biography", "affiliation"])).await;
    // A person who is shown with the name only.
    let mut body = person("Yalnız Ad", &["name"]);
    body["roles"] = either(json!(["member"]), json!(["staff", "board"]));
    body["topics"] = either(json!(["emek"]), json!([]));
    body["affiliated_with"] = either(json!("mor-pencere"), Value::Null);
    body["identifiers"] = either(json!([{ "scheme": "orcid", "value": "0000-0002-1825-0097" }]), json!([]));
    service.published("people", body).await;
    // Events whose place is hidden, or told as far as the city.
    for (title, precision) in [("Gizli yer", "hidden"), ("Kent", "city")] {
        let mut body = event(title);
        body["location_precision"] = precision.into();
        body["country"] = if precision == "hidden" { either(json!("TR"), json!("DE")) } else { json!("TR") };
        body["point"] = either(json!({ "latitude": 41.0, "longitude": 28.0 }), Value::Null);
        service.published("events", body).await;
    }
    // A practice whose people must not be recognised.
    let mut body = practice("Adsız");
    body["anonymised"] = true.into();
    body["partners"] = either(json!([{ "role": "lead", "partner": "mor-pencere" }]), json!([]));
    body["people"] = either(json!([{ "role": "coordinator", "person": "isil-ozturk" }]), json!([]));
    body["project"] = either(json!("esit-butce"), Value::Null);
    body["source"] = either(json!({ "name": "mor", "id": "1" }), Value::Null);
    body["owner"] = either(json!("mor-pencere"), Value::Null);
    service.published("practices", body).await;
    // A publication that names who is not shown; their printed names stay.
    let (hidden_person, hidden_partner) = (json!("gizli-kisi"), json!("ic-paydas"));
    let body = with(
        "Rapor",
        &json!({
            "authors": [{ "name": "G. K.", "person": either(hidden_person, Value::Null) }],
            "publishers": [{ "name": "İ. P.", "partner": either(hidden_partner, Value::Null) }],
            "project": either(json!("ic-proje"), Value::Null),
            "topics": either(json!(["emek", "gizli"]), json!(["emek"])),
        }),
    );
    service.published("publications", body).await;
    service
        .published("publications", with("Dar rapor", &json!({ "topics": ["dar"], "issued": "2020" })))
        .await;
    service
}

/// Every filter of every collection, with values that might tell something.
async fn questions(service: &TestApp) -> Vec<String> {
    let mut names = vec!["yok".to_owned(), uuid::Uuid::nil().to_string()];
    for collection in ["topics", "partners", "people", "projects", "publications"] {
        let all = service.get(&format!("/v1/{collection}?limit=100"), As::Editor).await;
        for entry in all.body["data"].as_array().unwrap() {
            names.push(entry["slug"].as_str().unwrap().to_owned());
            if entry["visibility"] != "public" {
                names.push(entry["id"].as_str().unwrap().to_owned());
            }
        }
    }
    let mut questions = Vec::new();
    for (path, method, operation) in operations() {
        let is_list = COLLECTIONS.iter().any(|collection| path == format!("/v1/{collection}"));
        if method != "GET" || !is_list {
            continue;
        }
        for parameter in operation["parameters"].as_array().unwrap() {
            let name = parameter["name"].as_str().unwrap();
            if name == "sort" {
                let words = parameter["schema"]["items"]["enum"].as_array().unwrap();
                questions.extend(words.iter().map(|word| format!("{path}?sort={}", word.as_str().unwrap())));
            }
            if parameter["style"] != "deepObject" {
                continue;
            }
            let choices = parameter["schema"]["oneOf"].as_array().cloned();
            let object = choices.as_ref().map_or(&parameter["schema"], |choices| &choices[1]);
            let item = choices.as_ref().map_or(Value::Null, |choices| choices[0]["items"].clone());
            let values: Vec<String> = if let Some(words) = item["enum"].as_array() {
                words.iter().map(|word| word.as_str().unwrap().to_owned()).collect()
            } else if item["example"] == "siddet" {
                names.clone()
            } else {
                ["TR", "DE", "tr", "2020", "0000-0002-1825-0097", "1"].map(str::to_owned).to_vec()
            };
            for operator in object["properties"].as_object().unwrap().keys() {
                let values = if operator == "exists" {
                    vec!["true".to_owned(), "false".to_owned()]
                } else {
                    values.clone()
                };
                questions.extend(values.iter().map(|value| format!("{path}?{name}[{operator}]={value}")));
            }
        }
    }
    questions
}

#[tokio::test]
async fn no_answer_depends_on_what_its_reader_is_not_shown() {
    let (first, second) = (world(true).await, world(false).await);
    let questions = questions(&first).await;
    assert!(questions.len() > 1000, "{} questions", questions.len());
    let mut told_inside = 0;
    for (number, question) in questions.iter().enumerate() {
        let question = format!("{question}&count=exact");
        let ask = |who: As| {
            let (one, other) = (first.get(&question, who.clone()), second.get(&question, who));
            Box::pin(async { (one.await, other.await) })
        };
        // Not everybody asks everything: that takes minutes.
        let outside: &[As] =
            if number % 4 == 0 { &[As::Publishable, As::Partner] } else { &[As::Publishable] };
        for who in outside {
            let (one, other) = ask(who.clone()).await;
            assert!(matches!(one.status.as_u16(), 200 | 400), "{question}: {}", one.text);
            assert_eq!(one.text_without_id(), other.text_without_id(), "{question} as {who:?}");
        }
        if number % 4 == 0 {
            let (one, other) = ask(As::Viewer).await;
            told_inside += usize::from(one.body["total"] != other.body["total"]);
        }
    }
    assert!(told_inside > 8, "somebody inside can tell them apart by {told_inside} questions only");
}

#[tokio::test]
async fn what_is_shown_is_found() {
    let service = world(true).await;
    for (who, collection, query, expected) in [
        (As::Viewer, "people", "role=member", &["yalniz-ad"] as &[&str]),
        (As::Publishable, "people", "role=member", &[]),
        (As::Viewer, "people", "affiliated_with=mor-pencere&topic=emek&orcid[exists]=true", &["yalniz-ad"]),
        (As::Publishable, "people", "affiliated_with[exists]=true", &[]),
        (As::Publishable, "people", "orcid[exists]=false&role[exists]=false", &["yalniz-ad", "isil-ozturk"]),
        (As::Viewer, "events", "country=TR", &["gizli-yer", "kent"]),
        (As::Publishable, "events", "country=TR", &["kent"]),
        (As::Publishable, "events", "country[exists]=false", &["gizli-yer"]),
        (As::Viewer, "practices", "partner=mor-pencere&person=isil-ozturk&project=esit-butce", &["adsiz"]),
        (As::Publishable, "practices", "partner=mor-pencere", &[]),
        (As::Editor, "publications", "person=gizli-kisi", &["rapor"]),
        (As::Viewer, "publications", "person=gizli-kisi", &[]),
        (As::Publishable, "publications", "person[exists]=true", &[]),
        (As::Viewer, "publications", "partner=ic-paydas&project=ic-proje", &["rapor"]),
        (As::Editor, "publications", "topic[under]=haklar", &["rapor", "dar-rapor"]),
        (As::Publishable, "publications", "topic[under]=haklar", &[]),
        (As::Publishable, "publications", "topic[under]=dar", &["dar-rapor"]),
    ] {
        finds(&service, who, collection, query, expected).await;
    }
}

#[tokio::test]
async fn who_withdraws_consent_is_found_no_more() {
    let service = world(true).await;
    let path = "/v1/people/isil-ozturk";
    service
        .published("publications", with("Yazı", &json!({ "authors": [{ "person": "isil-ozturk" }] })))
        .await;
    finds(&service, As::Publishable, "publications", "person=isil-ozturk", &["yazi"]).await;
    let read = service.get(path, As::Editor).await;
    let mut consent = read.body["consent"].clone();
    consent["withdrawn_at"] = "2026-03-08T09:00:00Z".into();
    service.patch(path, As::Editor, read.etag(), json!({ "consent": consent })).await;
    finds(&service, As::Publishable, "publications", "person=isil-ozturk", &[]).await;
    finds(&service, As::Publishable, "publications", "person[exists]=true", &[]).await;
    finds(&service, As::Publishable, "people", "sort=-name", &["yalniz-ad"]).await;
}
