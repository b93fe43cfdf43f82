//! Services that differ in what is private.

use serde_json::{Map, Value, json};

use crate::{
    app::{As, TestApp, event, partner, person, practice, project, publication, topic},
    document::schema,
};

/// From whom something is hidden. What is hidden from one is hidden from all before.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub enum HiddenFrom {
    ThePublic,
    Partners,
    /// From all who do not edit.
    Readers,
}

/// A kind, its collection, and what makes an entry of a name.
type Row = (&'static str, &'static str, fn(&str) -> Value);

/// The kinds, with an entry of each that has no more than it needs.
pub const KINDS: [Row; 7] = [
    ("Topic", "topics", topic),
    ("Partner", "partners", partner),
    ("Person", "people", |name| person(name, &["name"])),
    ("Project", "projects", project),
    ("Event", "events", event),
    ("Publication", "publications", publication),
    ("Practice", "practices", practice),
];

/// A word that stands in no text but private ones.
pub const WORD: &str = "gizlisözcük";

/// What the examples of the document leave out.
fn more(kind: &str) -> Value {
    match kind {
        "Publication" => json!({
            "access": "embargoed", "embargo_until": "2027-01-02", "cites": ["atif"], "edition": "2",
            "contributors": [{ "role": "editor", "name": "E. D.", "person": "duzelten" }], "number": "7",
            "pages": "12-48", "part_of": "butun", "place": "Bodrum", "series": "Dizi",
            "supersedes": ["eski"], "translation_of": "asil",
        }),
        "Project" => json!({
            "identifiers": [{ "scheme": "wikidata", "value": "Q42" }], "parent": "ust-proje",
            "planned_start": "2012-08-01", "planned_end": "2014-07-31", "website": "https://proje.example",
            "transactions": [{ "type": "disbursement", "date": "2013-01-01", "amount": "10.00",
                "currency": "EUR", "value_date": "2013-01-01" }],
        }),
        "Event" => json!({
            "all_day": true, "identifiers": [{ "scheme": "wikidata", "value": "Q43" }], "project": "ust-proje",
            "online_url": "https://yayin.example", "point": { "latitude": 41.0, "longitude": 28.0 },
            "recurrence": { "rule": "FREQ=WEEKLY;COUNT=3" }, "registration_deadline": "2027-03-01T10:00:00Z",
            "sequence": 3,
        }),
        "Practice" => json!({
            "documented_in": ["belge"], "identifiers": [{ "scheme": "wikidata", "value": "Q44" }],
            "people": [{ "role": "coordinator", "name": "Y. K.", "person": "duzelten" }],
            "project": "ust-proje",
        }),
        "Person" => json!({ "affiliated_with": "kurum" }),
        "Topic" => json!({
            "exact_matches": ["https://es.example/1"], "identifiers": [{ "scheme": "wikidata", "value": "Q45" }],
        }),
        _ => json!({}),
    }
}

/// An entry that has everything an entry of its kind can have.
pub fn whole(kind: &str, slug: &str) -> Value {
    let schema = schema(&format!("New{kind}"));
    let mut body = schema["example"].clone();
    for (name, value) in more(kind).as_object().unwrap() {
        body[name] = value.clone();
    }
    body["owner"] = "sahip".into();
    body["visibility"] = "public".into();
    body["source"] = json!({ "name": "arsiv", "id": format!("oai:{slug}") });
    body["slug"] = slug.into();
    for known in body["identifiers"].as_array_mut().unwrap_or(&mut Vec::new()) {
        known["value"] = identifier(known["scheme"].as_str().unwrap(), slug).into();
    }
    for property in schema["properties"].as_object().unwrap().keys() {
        assert!(!body[property].is_null(), "{kind} can have {property:?} now: give it one here");
    }
    body
}

/// An identifier of the scheme that no entry with another slug has.
fn identifier(scheme: &str, slug: &str) -> String {
    let number = crc32fast::hash(slug.as_bytes());
    match scheme {
        "doi" => format!("10.5555/{slug}"),
        "wikidata" => format!("Q{number}"),
        "orcid" => {
            // ISO 7064, MOD 11-2.
            let digits = format!("00000{number:010}");
            let sum = digits.bytes().fold(0, |sum, digit| (sum + u32::from(digit - b'0')) * 2 % 11);
            let last = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "X"][(12 - sum as usize) % 11];
            format!("{}-{}-{}-{}{last}", &digits[..4], &digits[4..8], &digits[8..12], &digits[12..])
        }
        _ => format!("TR-MOI-{number}"),
    }
}

/// The same, as somebody writes it whose texts nobody else has.
fn private(kind: &str, slug: &str) -> Value {
    let mut body = whole(kind, slug);
    for texts in body["translations"].as_object_mut().unwrap().values_mut() {
        for text in texts.as_object_mut().unwrap().values_mut() {
            if let Some(words) = text.as_str() {
                *text = format!("{words} {WORD}").into();
            }
        }
    }
    body
}

/// Creates an entry, and before it what it names.
async fn create(service: &TestApp, who: &As, collection: &str, body: &Value) -> String {
    loop {
        let created = service.post(&format!("/v1/{collection}"), who.clone(), body.clone()).await;
        if created.status == 201 {
            return created.header("location").to_owned();
        }
        let errors = created.body["errors"].as_array().unwrap_or_else(|| panic!("{}", created.text));
        for error in errors {
            assert_eq!(error["code"], "unknown_reference", "{collection}: {}", created.text);
            let slug = body.pointer(error["pointer"].as_str().unwrap()).unwrap().as_str().unwrap();
            let detail = error["detail"].as_str().unwrap();
            let is_meant = |(kind, ..): &&(&str, &str, _)| detail.contains(&kind.to_lowercase());
            let (_, collection, make) = KINDS.iter().find(is_meant).unwrap();
            if service.get(&format!("/v1/{collection}/{slug}"), As::Editor).await.status == 404 {
                let mut named = make(slug);
                named["slug"] = slug.into();
                service.published(collection, named).await;
            }
        }
    }
}

async fn go(service: &TestApp, path: &str, who: &As, to: Value) {
    let gone = service.post(&format!("{path}/transitions"), who.clone(), to).await;
    assert_eq!(gone.status, 200, "{path}: {}", gone.text);
}

/// What differs between the answers: the names of the properties.
fn differing(one: &Map<String, Value>, other: &Map<String, Value>) -> Vec<String> {
    one.iter().filter(|(name, value)| other.get(*name) != Some(value)).map(|(name, _)| name.clone()).collect()
}

/// A service with something that is `hidden`; when there is a `first`, with something else or nothing in
/// its place.
pub async fn world(hidden: HiddenFrom, first: Option<&TestApp>) -> TestApp {
    let service = TestApp::start().await;
    for who in [As::Publishable, As::Partner, As::Viewer, As::Author, As::Editor, As::Admin] {
        service.credential(who).await;
    }
    for (kind, collection, _) in KINDS {
        let path =
            create(&service, &As::Editor, collection, &whole(kind, &format!("acik-{collection}"))).await;
        go(&service, &path, &As::Editor, json!({ "to": "published" })).await;
    }
    // Who wrote it is private, too.
    let writer = if first.is_none() { As::Editor } else { As::Admin };
    let note = if first.is_none() { WORD } else { "Başka bir not" };
    for (kind, collection, make) in KINDS {
        let entry = |shelf: &str| {
            if first.is_none() {
                return private(kind, &format!("gizli-{shelf}-{collection}"));
            }
            let mut body = make("Başka");
            body["slug"] = format!("baska-{shelf}-{collection}").into();
            body
        };
        // What is on its way, and what was thrown away.
        create(&service, &writer, collection, &entry("taslak")).await;
        let path = create(&service, &writer, collection, &entry("inceleme")).await;
        go(&service, &path, &writer, json!({ "to": "in_review", "note": note })).await;
        let path = create(&service, &writer, collection, &entry("zamanli")).await;
        go(&service, &path, &writer, json!({ "to": "scheduled", "at": "2026-03-09T10:00:00Z" })).await;
        let path = create(&service, &writer, collection, &entry("cop")).await;
        let etag = service.get(&path, writer.clone()).await.etag().to_owned();
        assert_eq!(service.delete(&path, writer.clone(), &etag).await.status, 204);
        // The working copy of what is published.
        let path = format!("/v1/{collection}/acik-{collection}");
        let etag = service.get(&path, As::Editor).await.etag().to_owned();
        let mut patch = entry("kopya");
        patch.as_object_mut().unwrap().remove("original_locale");
        let kept = service.patch(&format!("{path}?draft=true"), As::Editor, &etag, patch).await;
        assert_eq!(kept.status, 200, "{}", kept.text);
        // What is published for some.
        for (audience, from) in [("internal", HiddenFrom::Partners), ("partners", HiddenFrom::ThePublic)] {
            if hidden <= from {
                let mut body = entry(audience);
                body["visibility"] = audience.into();
                let path = create(&service, &writer, collection, &body).await;
                go(&service, &path, &writer, json!({ "to": "published" })).await;
            }
        }
    }
    // Somebody who has not agreed to be shown.
    let mut body = if first.is_none() { private("Person", "gizli-kisi") } else { person("Başka", &[]) };
    body["slug"] = if first.is_none() { "gizli-kisi" } else { "baska-kisi" }.into();
    body["consent"]["scope"] = json!([]);
    let path = create(&service, &writer, "people", &body).await;
    go(&service, &path, &writer, json!({ "to": "published" })).await;
    naming(&service, hidden, first.is_none(), &writer).await;
    if hidden <= HiddenFrom::Partners {
        for (kind, collection, _) in KINDS {
            withholding(&service, first, kind, collection, &writer).await;
        }
    }
    service
}

/// What is public and names what is not.
async fn naming(service: &TestApp, hidden: HiddenFrom, is_first: bool, writer: &As) {
    let shelf = match hidden {
        HiddenFrom::ThePublic => "partners",
        HiddenFrom::Partners => "internal",
        HiddenFrom::Readers => "taslak",
    };
    let mut body = publication("Anan");
    body["authors"] = json!([{ "name": "A. B." }]);
    body["publishers"] = json!([{ "name": "C. D." }]);
    if is_first {
        body["topics"] = json!([format!("gizli-{shelf}-topics")]);
        body["authors"][0]["person"] = format!("gizli-{shelf}-people").into();
        body["publishers"][0]["partner"] = format!("gizli-{shelf}-partners").into();
        body["project"] = format!("gizli-{shelf}-projects").into();
        body["cites"] = json!([format!("gizli-{shelf}-publications")]);
    }
    let path = create(service, writer, "publications", &body).await;
    go(service, &path, writer, json!({ "to": "published" })).await;
}

/// What is public but for some of its properties; where there is a `first`, the other has none of those that
/// are kept back there.
async fn withholding(service: &TestApp, first: Option<&TestApp>, kind: &str, collection: &str, writer: &As) {
    let slug = format!("yarim-{collection}");
    let mut body = private(kind, &slug);
    match kind {
        "Person" => body["consent"]["scope"] = json!(["name"]),
        "Event" => body["location_precision"] = "hidden".into(),
        "Practice" => body["anonymised"] = true.into(),
        _ => return,
    }
    if let Some(first) = first {
        let path = format!("/v1/{collection}/{slug}");
        let (inside, outside) =
            (first.get(&path, As::Viewer).await.body, first.get(&path, As::Publishable).await.body);
        let withheld = differing(inside.as_object().unwrap(), outside.as_object().unwrap());
        assert!(withheld.len() > 2, "{kind}: {withheld:?}");
        for name in &withheld {
            body.as_object_mut().unwrap().remove(name);
            for texts in body["translations"].as_object_mut().unwrap().values_mut() {
                texts.as_object_mut().unwrap().remove(name);
            }
        }
        if kind == "Person" {
            body["consent"]["given_by"] = "Başkası".into();
        }
    }
    let path = create(service, writer, collection, &body).await;
    go(service, &path, writer, json!({ "to": "published" })).await;
}
