//! The document: equal to the committed file, whole, and true of every answer.

use std::{
    collections::HashMap,
    sync::{LazyLock, Mutex},
};

use axum::http::Method;
use jsonschema::Validator;
use serde_json::{Value, json};

use crate::app::{Answer, As, TestApp};

static DOCUMENT: LazyLock<Value> = LazyLock::new(sogep::router::document);

/// Every operation: path, method, what is documented. Taken apart once: every answer asks for its own.
static OPERATIONS: LazyLock<Vec<(String, Method, Value)>> = LazyLock::new(|| {
    let paths = DOCUMENT["paths"].as_object().unwrap();
    let operations = paths.iter().flat_map(|(path, item)| {
        item.as_object().unwrap().iter().map(|(method, operation)| {
            let method = method.to_uppercase().parse().unwrap();
            (path.clone(), method, operation.clone())
        })
    });
    operations.collect()
});

/// Every operation: path, method, what is documented.
pub fn operations() -> Vec<(String, Method, Value)> {
    OPERATIONS.clone()
}

/// The schema `name`.
pub fn schema(name: &str) -> Value {
    DOCUMENT["components"]["schemas"][name].clone()
}

/// Fails when an answer is not what the document says of its operation.
pub fn check(method: &Method, path: &str, answer: &Answer) {
    let path = path.split('?').next().unwrap();
    let Some((template, operation)) = find(method, path) else {
        let unknown = matches!(answer.status.as_u16(), 401 | 404 | 405 | 429);
        assert!(unknown || path.starts_with("/docs"), "{method} {path} is not documented: {}", answer.status);
        return;
    };
    let status = answer.status.as_u16().to_string();
    let mut response = &operation["responses"][&status];
    assert!(!response.is_null(), "{method} {template} does not document {status}: {}", answer.text);
    if let Some(name) = response["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()) {
        response = &DOCUMENT["components"]["responses"][name];
    }
    assert!(answer.headers.contains_key("x-request-id"));
    assert!(!answer.headers.contains_key("set-cookie"));
    let Some(content) = response["content"].as_object() else {
        assert_eq!(answer.text, "", "{method} {template} documents no body for {status}");
        return;
    };
    let sent = answer.header("content-type");
    let is_sent = |media_type: &String| sent.split(';').next() == Some(media_type);
    let (media_type, media) =
        content.iter().find(|(media_type, _)| is_sent(media_type)).unwrap_or_else(|| {
            panic!("{method} {template} {status} does not document {sent:?}");
        });
    if media_type == "text/event-stream" {
        return;
    }
    // What is no JSON is a text.
    let text = Value::String(answer.text.clone());
    let body = if media_type.ends_with("json") && !media_type.contains("nd") { &answer.body } else { &text };
    let errors = mistakes(&media["schema"], body);
    assert!(errors.is_empty(), "{method} {template} {status}: {errors:#?}\n{}", answer.text);
}

fn find(method: &Method, path: &str) -> Option<(&'static str, &'static Value)> {
    let matches = |template: &str| {
        let mut given = path.split('/');
        let fits = template.split('/').all(|part| {
            given.next().is_some_and(|given| part == given || (part.starts_with('{') && !given.is_empty()))
        });
        fits && given.next().is_none()
    };
    let mut found: Vec<_> = OPERATIONS
        .iter()
        .filter(|(template, known, _)| known == method && matches(template))
        .map(|(template, _, operation)| (template.as_str(), operation))
        .collect();
    found.sort_by_key(|(template, _)| template.matches('{').count());
    found.into_iter().next()
}

fn mistakes(schema: &Value, body: &Value) -> Vec<String> {
    static VALIDATORS: LazyLock<Mutex<HashMap<String, std::sync::Arc<Validator>>>> =
        LazyLock::new(Mutex::default);
    let key = schema.to_string();
    let mut validators = VALIDATORS.lock().unwrap();
    let validator = validators.entry(key).or_insert_with(|| {
        let mut schema = schema.clone();
        schema["components"] = DOCUMENT["components"].clone();
        let validator = jsonschema::options()
            .with_draft(jsonschema::Draft::Draft202012)
            .should_validate_formats(true)
            .build(&schema)
            .unwrap();
        std::sync::Arc::new(validator)
    });
    let validator = std::sync::Arc::clone(validator);
    drop(validators);
    validator.iter_errors(body).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[test]
fn the_committed_document_is_the_one_of_the_code() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi/openapi.json");
    let text = serde_json::to_string_pretty(&*DOCUMENT).unwrap() + "\n";
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed == text,
        "openapi/openapi.json is not up to date: UPDATE_OPENAPI=1 cargo test document"
    );
}

#[test]
fn every_reference_leads_somewhere_and_every_schema_is_used() {
    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(object) => {
                found.extend(object.get("$ref").and_then(Value::as_str).map(str::to_owned));
                object.values().for_each(|value| references(value, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    references(&DOCUMENT, &mut found);
    for reference in &found {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(DOCUMENT.pointer(pointer).is_some(), "{reference}");
    }
    for name in DOCUMENT["components"]["schemas"].as_object().unwrap().keys() {
        let reference = format!("#/components/schemas/{name}");
        assert!(found.contains(&reference), "nothing refers to {reference}");
    }
}

#[test]
fn every_operation_says_who_may_call_it_and_how_it_fails() {
    let mut ids = std::collections::HashSet::new();
    for (path, method, operation) in operations() {
        let place = format!("{method} {path}");
        assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()), "{place}");
        for text in ["summary", "description", "x-permission"] {
            assert!(!operation[text].as_str().unwrap_or_default().is_empty(), "{place} has no {text}");
        }
        assert!(operation["tags"][0].is_string(), "{place}");
        let responses = operation["responses"].as_object().unwrap();
        assert!(responses.contains_key("400") && responses.contains_key("500"), "{place}");
        assert_eq!(
            responses.contains_key("401"),
            operation["x-permission"] != "none" || path.contains("/auth/") && path != "/v1/auth/logout",
            "{place}"
        );
    }
}

#[tokio::test]
async fn every_secured_operation_refuses_strangers_whatever_they_send() {
    let service = TestApp::start().await;
    for (path, method, operation) in operations() {
        let open = operation["x-permission"] == "none";
        let signs_in = path.starts_with("/v1/auth/") && path != "/v1/auth/reauthenticate";
        let is_link = path.starts_with("/v1/previews/");
        assert_eq!(open, !path.starts_with("/v1/") || signs_in || is_link, "{method} {path}");
        if open {
            continue;
        }
        let path = path
            .replace("{id}", "siddet")
            .replace("{version}", "1")
            .replace("{preview}", "1")
            .replace("{name}", "state");
        let answer =
            service.send(method.clone(), &path, As::Nobody, &[], Some(json!({ "nonsense": 1 }))).await;
        assert_eq!(answer.status, 401, "{method} {path}");
        assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"sogep\"");
        assert_eq!(answer.code(), "unauthorized");
    }
}

#[tokio::test]
async fn every_operation_refuses_parameters_it_does_not_document() {
    let service = TestApp::start().await;
    for (path, method, _) in operations() {
        let id = if path.starts_with("/v1/keys") { "01930000-0000-7000-8000-000000000000" } else { "siddet" };
        let path = path.replace("{id}", id).replace("{code}", "not-found").replace("{token}", "x");
        let path = path.replace("{version}", "1").replace("{preview}", "1").replace("{name}", "state");
        let needed = match path.as_str() {
            path if path.ends_with("/compare") => "from=1&to=1&",
            path if path.starts_with("/v1/search") => "q=a&",
            _ => "",
        };
        let answer = service
            .send(method.clone(), &format!("{path}?{needed}zzz=1"), As::Owner, &[], Some(json!({})))
            .await;
        assert_eq!(answer.status, 400, "{method} {path}: {}", answer.text);
        assert_eq!(answer.places(), ["zzz"], "{method} {path}");
    }
}
