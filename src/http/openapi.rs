//! What every operation of the document has in common, added once: who may call, how it fails, and
//! the headers of its answers.

use serde_json::{Map, Value, json};
use utoipa::openapi::{Components, OpenApi};

use super::error::Code;

/// What the document says of itself.
const DESCRIPTION: &str = "\
The content of a civil-society organisation: its profile, projects, events, publications and \
practices, with the people, partners and topics they refer to.\n\n\
**Credentials.** Send `Authorization: Bearer` with a publishable key (`sogep_pk_…`, safe in a \
browser, reads what is public), a secret key (`sogep_sk_…`, with scopes), or the access token of a \
person who signed in at `/v1/auth/login`. A wrong credential is 401, never anonymity; what a caller \
may not know of is 404.\n\n\
**Languages.** `locale`, else `Accept-Language`, else the default. A text that is missing in that \
language is taken from the original, unless `fallback=none`.\n\n\
**Lists** are cut into pages of `limit` entries; `page.next_cursor` leads to the next, however deep, \
without gaps or repeats.\n\n\
**Changes** need `If-Match` with the `ETag` that was read. A body is checked against the schema \
published here, and all its mistakes are reported at once.\n\n\
**Errors** are problem documents (RFC 9457); their `code` is stable, and `/problems/{code}` explains \
it. Absent values are `null`, never left out.";

/// The tags, in the order of the page.
const TAGS: [(&str, &str); 11] = [
    ("organisation", "The organisation's profile."),
    ("publications", "What the organisation and others of its field have published."),
    ("projects", "What is being done, by whom, with what money and result."),
    ("events", "Where people meet."),
    ("practices", "What was tried and what came of it: what worked, and what failed."),
    ("people", "Those who have agreed to be shown."),
    ("partners", "Organisations of the field."),
    ("topics", "The subjects everything is filed under, as a tree."),
    ("auth", "Signing in, and who one is."),
    ("keys", "Keys for frontends, servers and partners."),
    ("service", "The service itself."),
];

/// The finished document, of what the handlers declare and what `describe` adds.
#[must_use]
pub fn document(mut api: OpenApi, describe: impl FnOnce(&mut Value)) -> Value {
    api.components.get_or_insert_with(Components::new);
    let mut document = serde_json::to_value(&api).unwrap_or_default();
    describe(&mut document);
    document["info"] = json!({
        "title": "sogep",
        "version": "1",
        "summary": "Content API of a civil-society organisation",
        "description": DESCRIPTION,
        "contact": { "name": "SOGEP", "url": "http://www.sogep.org.tr" },
        "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
    });
    document["servers"] = json!([{ "url": "/", "description": "This service" }]);
    document["tags"] = TAGS.iter().map(|(name, text)| json!({ "name": name, "description": text })).collect();
    document["security"] = json!([{ "bearer": [] }]);
    document["components"]["securitySchemes"] = json!({
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "description": "An access token, a publishable key or a secret key.",
        }
    });
    document["components"]["responses"] = responses();
    document["components"]["headers"] = json!({
        "RequestId": { "description": "The id of this request.", "schema": { "type": "string" } },
        "ETag": { "description": "The tag of this representation; send it back as `If-Match` or `If-None-Match`.", "schema": { "type": "string" } },
    });
    if let Some(paths) = document["paths"].as_object_mut() {
        for (path, item) in paths {
            for (method, operation) in item.as_object_mut().into_iter().flatten() {
                finish(path, method, operation);
            }
        }
    }
    document
}

/// One response for each problem code.
fn responses() -> Value {
    let response = |code: &Code| {
        let example = json!({
            "type": format!("/problems/{}", code.as_str()),
            "title": code.title(),
            "status": code.status().as_u16(),
            "detail": code.title(),
            "code": code.as_str(),
            "errors": [],
            "request_id": "4f0c1f4e9b7d4c0e8a55d0f2b6a1c3e7",
        });
        let response = json!({
            "description": code.meaning(),
            "headers": { "X-Request-Id": { "$ref": "#/components/headers/RequestId" } },
            "content": { "application/problem+json": {
                "schema": { "$ref": "#/components/schemas/Problem" },
                "example": example,
            } },
        });
        (name_of(*code), response)
    };
    let used: Vec<Code> = statuses(&Traits::ALL).into_iter().map(|(_, code)| code).collect();
    Value::Object(Code::ALL.iter().filter(|code| used.contains(code)).map(response).collect())
}

/// The code as the name of a component: `not-found` becomes `NotFound`.
fn name_of(code: Code) -> String {
    let word = |word: &str| {
        word.get(..1).map(str::to_uppercase).unwrap_or_default() + word.get(1..).unwrap_or_default()
    };
    code.as_str().split('-').map(word).collect()
}

/// What decides how an operation can fail.
struct Traits {
    secured: bool,
    permission: bool,
    signs_in: bool,
    names_entry: bool,
    is_content: bool,
    changes: bool,
    takes_body: bool,
}

impl Traits {
    const ALL: Self = Self {
        secured: true,
        permission: true,
        signs_in: true,
        names_entry: true,
        is_content: true,
        changes: true,
        takes_body: true,
    };
}

/// The statuses an operation can fail with.
fn statuses(traits: &Traits) -> Vec<(u16, Code)> {
    let possible = [
        (true, Code::InvalidParameter),
        (traits.secured || traits.signs_in, Code::Unauthorized),
        (traits.permission, Code::Forbidden),
        (traits.names_entry, Code::NotFound),
        (traits.is_content, Code::NotAcceptable),
        (traits.takes_body, Code::RequestTimeout),
        (traits.changes, Code::Conflict),
        (traits.changes && traits.names_entry, Code::PreconditionFailed),
        (traits.takes_body, Code::PayloadTooLarge),
        (true, Code::UriTooLong),
        (traits.takes_body, Code::UnsupportedMediaType),
        (traits.takes_body, Code::Invalid),
        (traits.changes && traits.names_entry, Code::PreconditionRequired),
        (true, Code::HeadersTooLarge),
        (true, Code::Internal),
        (true, Code::Unavailable),
    ];
    let possible = possible.into_iter().filter(|(possible, _)| *possible);
    possible.map(|(_, code)| (code.status().as_u16(), code)).collect()
}

fn finish(path: &str, method: &str, operation: &mut Value) {
    let permission = operation["x-permission"].as_str().unwrap_or("none").to_owned();
    let tag = operation["tags"][0].as_str().unwrap_or_default().to_owned();
    let secured = permission != "none";
    let changes = method != "get" && tag != "auth";
    let traits = Traits {
        secured,
        permission: secured && permission != "signed_in",
        signs_in: path.starts_with("/v1/auth/") && path != "/v1/auth/logout",
        names_entry: path.contains('{') || (changes && tag == "organisation"),
        is_content: path.starts_with("/v1/"),
        changes: changes && tag != "keys",
        takes_body: operation.get("requestBody").is_some(),
    };
    let Some(operation) = operation.as_object_mut() else { return };
    if !secured {
        operation.insert("security".to_owned(), json!([]));
    } else {
        operation.shift_remove("security");
    }
    if operation.get("description").is_none() {
        let summary = operation.get("summary").cloned().unwrap_or_default();
        operation.insert("description".to_owned(), summary);
    }
    if let Some(description) = operation.get_mut("description")
        && secured
    {
        let text = description.as_str().unwrap_or_default();
        *description = format!("{text}\n\n**Permission:** `{permission}`").into();
    }
    let Some(answers) = operation.get_mut("responses").and_then(Value::as_object_mut) else { return };
    for answer in answers.values_mut() {
        let headers =
            answer.as_object_mut().map(|answer| answer.entry("headers").or_insert_with(|| json!({})));
        if let Some(headers) = headers {
            headers["X-Request-Id"] = json!({ "$ref": "#/components/headers/RequestId" });
        }
    }
    for (status, code) in statuses(&traits) {
        let reference = json!({ "$ref": format!("#/components/responses/{}", name_of(code)) });
        answers.entry(status.to_string()).or_insert(reference);
    }
    let mut sorted: Vec<(String, Value)> = std::mem::take(answers).into_iter().collect();
    sorted.sort_by(|(a, _), (b, _)| a.cmp(b));
    *answers = Map::from_iter(sorted);
}
