//! The closed lists of words: the same as in the document, each word with its labels.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::Method;
use serde_json::{Value, json};

use crate::{
    app::{As, TestApp},
    document::operations,
};

/// Lists of words that are about a request, not about content.
const OTHERS: [&str; 3] = ["BulkOperationName", "BulkOutcome", "Hindrance"];
/// The tags of operations on what is no content.
const ADMINISTRATION: [&str; 7] = ["auth", "sessions", "users", "keys", "audit", "jobs", "service"];

/// The names of the schemas that `value` refers to, directly or through others.
fn reached(document: &Value, value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            let reference = object.get("$ref").and_then(Value::as_str);
            if let Some(name) = reference.and_then(|it| it.strip_prefix("#/components/schemas/"))
                && found.insert(name.to_owned())
            {
                reached(document, &document["components"]["schemas"][name], found);
            }
            object.values().for_each(|value| reached(document, value, found));
        }
        Value::Array(items) => items.iter().for_each(|item| reached(document, item, found)),
        _ => {}
    }
}

/// The lists of words in the schemas of content, by name.
fn lists_of_the_document() -> BTreeMap<String, Value> {
    let document = sogep::router::document();
    let mut names = BTreeSet::new();
    for (_, _, operation) in operations() {
        if !ADMINISTRATION.contains(&operation["tags"][0].as_str().unwrap()) {
            reached(&document, &operation, &mut names);
        }
    }
    let schemas = &document["components"]["schemas"];
    let lists = names.into_iter().filter(|name| !OTHERS.contains(&name.as_str())).filter_map(|name| {
        let words = schemas[&name]["enum"].clone();
        words.is_array().then_some((name, words))
    });
    lists.collect()
}

fn words(list: &Value) -> Vec<Value> {
    list["terms"].as_array().unwrap().iter().map(|term| term["value"].clone()).collect()
}

#[tokio::test]
async fn every_list_of_the_document_is_served() {
    let service = TestApp::start().await;
    let served = service.get("/v1/vocabularies", As::Publishable).await;
    let served = served.body["data"].as_array().unwrap();
    let expected = lists_of_the_document();
    assert!(expected.len() > 20, "{expected:?}");
    for (schema, expected) in &expected {
        let capital = |(index, letter): (usize, char)| {
            let gap = if letter.is_uppercase() && index > 0 { "_" } else { "" };
            format!("{gap}{}", letter.to_lowercase())
        };
        let name: String = schema.char_indices().map(capital).collect();
        let list = served.iter().find(|list| list["name"] == name.as_str());
        let list = list.unwrap_or_else(|| panic!("{name} is not served"));
        assert_eq!(&json!(words(list)), expected, "{name}");
        let one = service.get(&format!("/v1/vocabularies/{name}"), As::Publishable).await;
        assert_eq!(&one.body, list);
        let labels = list["terms"].as_array().unwrap().iter().chain([list]).map(|named| &named["labels"]);
        for labels in labels {
            assert!(labels["tr"] != "" && labels["en"] != "", "{name}: {labels}");
        }
    }
    assert_eq!(served.len(), expected.len());
}

#[tokio::test]
async fn words_have_the_labels_of_the_language_asked_for() {
    let service = TestApp::with(&[("SOGEP_LOCALES", "tr,en,de")]).await;
    let read = async |query: &str| {
        service.get(&format!("/v1/vocabularies/publication_type{query}"), As::Publishable).await
    };
    let brief = |answer: &crate::app::Answer| answer.body["terms"][1].clone();
    let turkish = read("").await;
    assert_eq!((turkish.header("content-language"), &turkish.body["label"]), ("tr", &json!("Yayın türü")));
    let expected = json!({
        "value": "policy_brief",
        "label": "Politika notu",
        "labels": { "tr": "Politika notu", "en": "Policy brief" },
        "uri": "http://purl.org/coar/resource_type/c_186u",
    });
    assert_eq!(brief(&turkish), expected);
    let english = read("?locale=en").await;
    assert_eq!(
        (english.header("content-language"), &english.body["label"]),
        ("en", &json!("Publication type"))
    );
    assert_eq!(brief(&english)["label"], "Policy brief");
    let german = read("?locale=de").await;
    assert_eq!((german.header("content-language"), &brief(&german)["label"]), ("en", &json!("Policy brief")));
    let none = read("?locale=de&fallback=none").await;
    assert_eq!((none.header("content-language"), &brief(&none)["label"]), ("de", &Value::Null));
    assert_eq!(read("?locale=all").await.places(), ["locale"]);
    assert_eq!(service.get("/v1/vocabularies/yok", As::Publishable).await.status, 404);
}

#[tokio::test]
async fn lists_are_kept_by_caches_and_not_sent_twice() {
    let service = TestApp::start().await;
    for path in ["/v1/vocabularies", "/v1/vocabularies/state"] {
        let read = service.get(path, As::Editor).await;
        assert!(read.header("cache-control").starts_with("public"), "{path}");
        let tag = read.etag().to_owned();
        let again = service.send(Method::GET, path, As::Publishable, &[("if-none-match", &tag)], None).await;
        assert_eq!((again.status.as_u16(), again.text.as_str()), (304, ""));
    }
}

#[tokio::test]
async fn words_that_are_counted_are_called_by_their_labels() {
    let service = TestApp::with_demo().await;
    let counted = async |locale: &str, facet: &str| {
        let path = format!("/v1/search?q=kad%C4%B1n&facets=kind,type,status,scope,language&locale={locale}");
        let answer = service.get(&path, As::Publishable).await;
        let facets = answer.body["facets"].as_array().unwrap().clone();
        let facet = facets.into_iter().find(|counted| counted["name"] == facet).unwrap();
        facet["values"].as_array().unwrap().clone()
    };
    for facet in ["kind", "type", "status", "scope"] {
        let values = counted("tr", facet).await;
        assert!(!values.is_empty() && values.iter().all(|value| value["label"].is_string()), "{values:?}");
    }
    let label = |values: Vec<Value>, word: &str| {
        values.into_iter().find(|value| value["value"] == word).map(|value| value["label"].clone()).unwrap()
    };
    assert_eq!(label(counted("tr", "kind").await, "publication"), "Yayın");
    assert_eq!(label(counted("en", "kind").await, "publication"), "Publication");
    assert!(counted("tr", "language").await.iter().all(|value| value["label"].is_null()));
}
