//! What every operation of the document has in common, added once: who may call, how it fails, and
//! the headers of its answers.

use serde_json::{Map, Value, json};
use utoipa::openapi::{Components, OpenApi};

use super::{error::Code, limits};

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
**Limits** hold for a minute, by account or key, for a publishable key by visitor, without a \
credential by address. `RateLimit-Policy` and `RateLimit` tell them; beyond them the answer is 429, \
and `Retry-After` says when to come back. A request costs one unit, or the `x-cost` of its \
operation.\n\n\
**Errors** are problem documents (RFC 9457); their `code` is stable, and `/problems/{code}` explains \
it. Absent values are `null`, never left out.";

/// The tags, in the order of the page.
const TAGS: [(&str, &str); 15] = [
    ("organisation", "The organisation's profile."),
    ("publications", "What the organisation and others of its field have published."),
    ("projects", "What is being done, by whom, with what money and result."),
    ("events", "Where people meet."),
    ("practices", "What was tried and what came of it: what worked, and what failed."),
    ("people", "Those who have agreed to be shown."),
    ("partners", "Organisations of the field."),
    ("topics", "The subjects everything is filed under, as a tree."),
    ("auth", "Signing in, who one is, and one's own password and second factor."),
    ("sessions", "Where somebody is signed in."),
    ("users", "Accounts of those who write and administer."),
    ("keys", "Keys for frontends, servers and partners."),
    ("audit", "Who did what, and what was refused."),
    ("jobs", "Work that is done beside the requests, such as sending messages."),
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
        "contact": { "name": "The sogep authors" },
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
    document["components"]["headers"] = headers();
    if let Some(paths) = document["paths"].as_object_mut() {
        for (path, item) in paths {
            for (method, operation) in item.as_object_mut().into_iter().flatten() {
                finish(path, method, operation);
            }
        }
    }
    document
}

/// The headers that answers share.
fn headers() -> Value {
    let text = |description: &str, example: &str| json!({ "description": description, "schema": { "type": "string" }, "example": example });
    json!({
        "RequestId": { "description": "The id of this request.", "schema": { "type": "string" } },
        "ETag": { "description": "The tag of this representation; send it back as `If-Match` or `If-None-Match`.", "schema": { "type": "string" } },
        "RateLimitPolicy": text(
            "The limit this request counts towards: its name, `q` units in `w` seconds (draft-ietf-httpapi-ratelimit-headers). Not there when nothing was counted.",
            "\"read\";q=3000;w=60",
        ),
        "RateLimit": text(
            "What is left of it: `r` units; in `t` seconds the whole quota is there again, after a 429 enough for the same request.",
            "\"read\";r=2999;t=1",
        ),
        "RetryAfter": { "description": "In how many seconds to try again.", "schema": { "type": "integer", "minimum": 1 }, "example": 2 },
    })
}

/// The references to the headers that every answer has: to its id, and what is left of a limit.
fn shared_headers(is_limited: bool) -> Map<String, Value> {
    let mut names = vec![("X-Request-Id", "RequestId")];
    if is_limited {
        names.extend([("RateLimit-Policy", "RateLimitPolicy"), ("RateLimit", "RateLimit")]);
    }
    let reference = |(field, name): (&str, &str)| {
        (field.to_owned(), json!({ "$ref": format!("#/components/headers/{name}") }))
    };
    names.into_iter().map(reference).collect()
}

/// One response for each problem code.
fn responses() -> Value {
    let response = |code: &Code| {
        let mut example = json!({
            "type": format!("/problems/{}", code.as_str()),
            "title": code.title(),
            "status": code.status().as_u16(),
            "detail": code.title(),
            "code": code.as_str(),
            "errors": [],
            "request_id": "4f0c1f4e9b7d4c0e8a55d0f2b6a1c3e7",
        });
        let mut headers = shared_headers(true);
        if matches!(code, Code::TooManyRequests | Code::Unavailable) {
            headers.insert("Retry-After".to_owned(), json!({ "$ref": "#/components/headers/RetryAfter" }));
        }
        if *code == Code::TooManyRequests {
            example["violated-policies"] = json!(["read"]);
        }
        let response = json!({
            "description": code.meaning(),
            "headers": headers,
            "content": { "application/problem+json": {
                "schema": { "$ref": "#/components/schemas/Problem" },
                "example": example,
            } },
        });
        (name_of(*code), response)
    };
    Value::Object(FAILURES.iter().map(|(_, code)| response(code)).collect())
}

/// The code as the name of a component: `not-found` becomes `NotFound`.
fn name_of(code: Code) -> String {
    let word = |word: &str| {
        word.get(..1).map(str::to_uppercase).unwrap_or_default() + word.get(1..).unwrap_or_default()
    };
    code.as_str().split('-').map(word).collect()
}

/// What decides how an operation can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trait {
    /// It needs a credential.
    Secured,
    /// It needs a credential that suffices.
    Permission,
    /// It takes a password or a refresh token.
    SignsIn,
    /// Its address names something.
    Names,
    /// It answers in JSON only.
    Json,
    /// It writes content.
    Writes,
    /// It changes content that is there.
    Changes,
    /// It takes a body.
    Body,
    /// One may call it only so often.
    Limited,
}

/// The codes an operation can fail with, by the trait that makes it possible; none: always.
const FAILURES: [(Option<Trait>, Code); 18] = [
    (None, Code::InvalidParameter),
    (Some(Trait::Secured), Code::Unauthorized),
    (Some(Trait::SignsIn), Code::Unauthorized),
    (Some(Trait::Permission), Code::Forbidden),
    (Some(Trait::Names), Code::NotFound),
    (Some(Trait::Json), Code::NotAcceptable),
    (Some(Trait::Body), Code::RequestTimeout),
    (Some(Trait::Writes), Code::Conflict),
    (Some(Trait::Changes), Code::PreconditionFailed),
    (Some(Trait::Body), Code::PayloadTooLarge),
    (None, Code::UriTooLong),
    (Some(Trait::Body), Code::UnsupportedMediaType),
    (Some(Trait::Body), Code::Invalid),
    (Some(Trait::Changes), Code::PreconditionRequired),
    (Some(Trait::Limited), Code::TooManyRequests),
    (None, Code::HeadersTooLarge),
    (None, Code::Internal),
    (None, Code::Unavailable),
];

fn finish(path: &str, method: &str, operation: &mut Value) {
    let permission = operation["x-permission"].as_str().unwrap_or("none").to_owned();
    let tag = operation["tags"][0].as_str().unwrap_or_default().to_owned();
    let secured = permission != "none";
    let wants_proof = operation["x-reauthentication"] == true;
    let writes = method != "get" && !path.starts_with("/v1/auth/");
    let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
    let changes = parameters.iter().any(|parameter| parameter["name"] == "If-Match");
    let names_account = parameters.iter().any(|parameter| parameter["name"] == "user");
    let names = path.contains('{') || names_account || (writes && tag == "organisation");
    let traits: Vec<Trait> = [
        (secured, Trait::Secured),
        (secured && permission != "signed_in", Trait::Permission),
        (path.starts_with("/v1/auth/") && path != "/v1/auth/logout", Trait::SignsIn),
        (names, Trait::Names),
        (path.starts_with("/v1/"), Trait::Json),
        (writes, Trait::Writes),
        (changes, Trait::Changes),
        (operation.get("requestBody").is_some(), Trait::Body),
        (limits::is_limited(path), Trait::Limited),
    ]
    .into_iter()
    .filter_map(|(has, it)| has.then_some(it))
    .collect();
    let Some(operation) = operation.as_object_mut() else { return };
    // They come out of a hash map, in another order each time.
    for name in ["x-permission", "x-reauthentication"] {
        if let Some(value) = operation.shift_remove(name) {
            operation.insert(name.to_owned(), value);
        }
    }
    if secured {
        operation.shift_remove("security");
    } else {
        operation.insert("security".to_owned(), json!([]));
    }
    if operation.get("description").is_none() {
        let summary = operation.get("summary").cloned().unwrap_or_default();
        operation.insert("description".to_owned(), summary);
    }
    if let Some(description) = operation.get_mut("description")
        && secured
    {
        let text = description.as_str().unwrap_or_default();
        let fresh = if wants_proof {
            "\n\n**Wants a proof** of who you are that is not older than five minutes: `POST /v1/auth/reauthenticate`."
        } else {
            ""
        };
        *description = format!("{text}\n\n**Permission:** `{permission}`{fresh}").into();
    }
    let cost = method.to_uppercase().parse().map_or(1, |method| limits::cost(&method, Some(path)));
    if cost > 1 {
        operation.insert("x-cost".to_owned(), json!(cost));
    }
    let Some(answers) = operation.get_mut("responses").and_then(Value::as_object_mut) else { return };
    for answer in answers.values_mut() {
        let headers = answer.as_object_mut().map(|answer| answer.entry("headers").or_insert(json!({})));
        if let Some(headers) = headers.and_then(Value::as_object_mut) {
            headers.extend(shared_headers(traits.contains(&Trait::Limited)));
        }
    }
    for (needed, code) in FAILURES {
        if needed.is_none_or(|needed| traits.contains(&needed)) {
            let reference = json!({ "$ref": format!("#/components/responses/{}", name_of(code)) });
            answers.entry(code.status().as_str()).or_insert(reference);
        }
    }
    let mut sorted: Vec<(String, Value)> = std::mem::take(answers).into_iter().collect();
    sorted.sort_by(|(a, _), (b, _)| a.cmp(b));
    *answers = Map::from_iter(sorted);
}
