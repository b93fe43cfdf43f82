//! What can be asked, from what the document declares.

use std::collections::BTreeSet;

use serde_json::Value;

use super::worlds::{KINDS, WORD, whole};
use crate::{
    app::{As, TestApp},
    document::{operations, schema},
};

/// How many values are asked for one after the other.
const SINGLE: usize = 3;

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// The words, numbers and dates in `value`.
fn scalars(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Number(number) => vec![number.to_string()],
        Value::Array(items) => items.iter().flat_map(scalars).collect(),
        Value::Object(object) => object.values().flat_map(scalars).collect(),
        Value::Null | Value::Bool(_) => Vec::new(),
    }
}

/// What is hidden in either world: slugs and ids; and who has an account.
async fn names(first: &TestApp, second: &TestApp) -> Vec<String> {
    let mut names = BTreeSet::new();
    for service in [first, second] {
        for (_, collection, _) in KINDS {
            let list = service.get(&format!("/v1/{collection}?limit=100"), As::Editor).await;
            for entry in list.body["data"].as_array().unwrap() {
                let slug = entry["slug"].as_str().unwrap();
                if slug.starts_with("gizli") || slug.starts_with("baska") {
                    names.extend([slug, entry["id"].as_str().unwrap()].map(str::to_owned));
                }
            }
        }
    }
    for who in [As::Editor, As::Admin] {
        let account = first.get("/v1/me", who).await.body;
        names.insert(account["id"].as_str().unwrap().to_owned());
    }
    names.into_iter().collect()
}

/// The values of a parameter that is no filter; those that go with no other are complete with their name.
fn values(parameter: &Value) -> Vec<String> {
    let (name, declared) = (parameter["name"].as_str().unwrap(), &parameter["schema"]);
    let list = if declared["items"].is_object() { &declared["items"] } else { declared };
    let list =
        list["$ref"].as_str().map_or_else(|| list.clone(), |path| schema(path.rsplit('/').next().unwrap()));
    if let Some(words) = list["enum"].as_array() {
        return scalars(&Value::Array(words.clone()));
    }
    match name {
        "q" => {
            [WORD, "gizlisozcu", "Sığınmaevleri", "panel", "başka", "duzelten"].map(str::to_owned).to_vec()
        }
        // The description has the words.
        "facets" => {
            let description = parameter["description"].as_str().unwrap();
            description.split('`').skip(1).step_by(2).map(str::to_owned).collect()
        }
        // Each alone picks no more than all of them: what a property holds, and all that it may hold.
        "fields" => {
            let words = scalars(&list["anyOf"][0]["enum"]);
            let (paths, names): (Vec<&String>, Vec<&String>) =
                words.iter().partition(|word| word.contains('.'));
            let deepest = |path: &&String| !words.iter().any(|word| word.starts_with(&format!("{path}.")));
            let paths: Vec<&String> = paths.into_iter().filter(deepest).collect();
            let lists = [names, paths].into_iter().flat_map(|list| {
                list.chunks(100)
                    .map(|part| part.iter().map(|word| word.as_str()).collect::<Vec<_>>().join(","))
                    .collect::<Vec<_>>()
            });
            lists.filter(|list| !list.is_empty()).collect()
        }
        "limit" => vec!["1".to_owned(), "2".to_owned()],
        "locale" => ["tr", "en", "ku"].map(str::to_owned).to_vec(),
        "fallback" => ["original", "none"].map(str::to_owned).to_vec(),
        // Every answer with a next page is followed.
        "cursor" => Vec::new(),
        _ if declared["type"] == "boolean" => ["true", "false"].map(str::to_owned).to_vec(),
        _ => {
            let example = scalars(&parameter["example"]).into_iter().chain(scalars(&list["example"]));
            let examples: Vec<String> = example.collect();
            assert!(!examples.is_empty(), "say here what to ask {name:?} for");
            examples
        }
    }
}

/// The operators of a filter with the values that may tell something.
fn filters(parameter: &Value, (kind, collection): (&str, &str), names: &[String]) -> Vec<String> {
    let name = parameter["name"].as_str().unwrap();
    let declared = &parameter["schema"];
    let choices = declared["oneOf"].as_array();
    let operators = choices.map_or(declared, |choices| &choices[1])["properties"].as_object().unwrap();
    let item = choices.map_or(Value::Null, |choices| choices[0]["items"].clone());
    let body = whole(kind, "x");
    let own: Vec<String> =
        [name.to_owned(), format!("{name}s")].iter().flat_map(|name| scalars(&body[name])).collect();
    let (single, together): (Vec<String>, Vec<String>) = if item["example"] == "siddet" {
        let mut hidden: Vec<String> = names.iter().filter(|known| known.contains("gizli")).cloned().collect();
        hidden.extend(own);
        (hidden.iter().step_by(hidden.len() / SINGLE).cloned().collect(), names.to_vec())
    } else if item["enum"].is_array() {
        let words = scalars(&item["enum"]);
        let single = if own.is_empty() { words.clone() } else { own };
        (single, words)
    } else if own.is_empty() {
        let dates = ["2015-11", "2026-03-08", "now", "2015", "5", "TR", "tr"].map(str::to_owned);
        let hidden = ["gizli-taslak", "gizli-internal", "gizli-partners", "yarim"];
        let hidden = hidden.map(|word| whole(kind, &format!("{word}-{collection}"))["identifiers"].clone());
        let known = hidden.iter().flat_map(scalars).chain(scalars(&item["example"]));
        let all: Vec<String> =
            known.chain(dates).chain(names.iter().filter(|name| name.len() == 36).take(1).cloned()).collect();
        (all, Vec::new())
    } else {
        (own, Vec::new())
    };
    let mut questions = Vec::new();
    for operator in operators.keys() {
        if operator == "exists" {
            questions.extend(["true", "false"].map(|value| format!("{name}[exists]={value}")));
            continue;
        }
        let most = if item["example"] == "siddet" { SINGLE + 1 } else { 12 };
        questions
            .extend(single.iter().take(most).map(|value| format!("{name}[{operator}]={}", encoded(value))));
        for chunk in together.chunks(10).take(2) {
            questions.push(format!("{name}[{operator}]={}", chunk.join(",")));
        }
    }
    questions
}

/// Every read of the document with every parameter it declares.
pub async fn questions(first: &TestApp, second: &TestApp) -> Vec<String> {
    let names = names(first, second).await;
    assert!(names.len() > 20, "{names:?}");
    let mut questions = Vec::new();
    for (template, method, operation) in operations() {
        if method != "GET" || operation["x-permission"] != "read" {
            continue;
        }
        let kind = KINDS.iter().find(|(_, collection, _)| {
            template.strip_prefix("/v1/").is_some_and(|rest| rest.split('/').next() == Some(*collection))
        });
        let paths: Vec<String> = match (kind, template.contains('{')) {
            (_, false) => vec![template.clone()],
            (Some((_, collection, _)), true) => {
                let own = names.iter().filter(|name| name.ends_with(*collection)).cloned();
                let open = ["acik", "yarim"].map(|word| format!("{word}-{collection}"));
                open.into_iter()
                    .chain(own)
                    .chain(["anan".to_owned()])
                    .map(|name| template.replace("{id}", &name))
                    .collect()
            }
            (None, true) => vec![template.replace("{name}", "languages")],
        };
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let parameters = parameters.iter().filter(|parameter| parameter["in"] == "query");
        let mut asked: Vec<String> = Vec::new();
        // What has to be there.
        let mut always = String::new();
        for parameter in parameters.clone() {
            let name = parameter["name"].as_str().unwrap();
            if parameter["style"] == "deepObject" {
                let (kind, collection, _) = kind.unwrap();
                asked.extend(filters(parameter, (kind, collection), &names));
            } else {
                let values = values(parameter);
                if name == "facets" || name == "sort" {
                    let all: Vec<&str> = values.iter().map(String::as_str).take(9).collect();
                    asked.extend((name == "facets").then(|| format!("facets={}", all.join(","))));
                }
                if parameter["required"] == true {
                    always = format!("{name}={}&", encoded(&values[0]));
                }
                asked.extend(values.iter().map(|value| format!("{name}={}", encoded(value))));
            }
        }
        let counts = parameters.clone().any(|parameter| parameter["name"] == "count");
        for path in &paths {
            questions.push(path.clone());
            // What is hidden is not there, whatever goes with it.
            if path.contains("gizli") || path.contains("baska") || path.contains("00000000-") {
                continue;
            }
            // What is not declared for it, or there twice, is refused; that tells nothing either.
            for asked in &asked {
                let is_there = always
                    .split('=')
                    .next()
                    .is_some_and(|name| !name.is_empty() && asked.starts_with(&format!("{name}=")));
                let mut question = format!("{path}?{}{asked}", if is_there { "" } else { &always });
                if counts && !asked.starts_with("count=") {
                    question.push_str("&count=exact");
                }
                questions.push(question);
            }
            // Words together with what is counted.
            if asked.iter().any(|asked| asked.starts_with("q=")) && counts {
                let facets = asked.iter().find(|asked| asked.starts_with("facets=")).unwrap();
                questions.push(format!("{path}?q={}&{facets}&count=exact", encoded(WORD)));
                questions.push(format!("{path}?limit=1&{facets}&count=exact"));
            }
        }
    }
    assert!(questions.len() > 800, "{} questions", questions.len());
    questions
}
