//! What every operation of the document has in common, added once: who may call, how it fails, and
//! the headers of its answers.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use utoipa::openapi::{Components, OpenApi};

use super::{error::Code, idempotency, limits};

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
**Sending again.** A `POST` whose answer was lost can be sent again with the `Idempotency-Key` it had: \
what it does is done once, and the answer is the same. Take a new key, such as a random UUID, for \
every new request. Answers are kept for 24 hours, for the same caller and address. What is refused is \
not kept: mend the request and send it with the same key or another.\n\n\
**Limits** hold for a minute, by account or key, for a publishable key by visitor, without a \
credential by address. `RateLimit-Policy` and `RateLimit` tell them; beyond them the answer is 429, \
and `Retry-After` says when to come back. A request costs one unit, or the `x-cost` of its \
operation.\n\n\
**Errors** are problem documents (RFC 9457); their `code` is stable, and `/problems/{code}` explains \
it. Absent values are `null`, never left out.";

/// The tags, in the order of the page.
const TAGS: [(&str, &str); 20] = [
    ("organisation", "The organisation's profile."),
    ("publications", "What the organisation and others of its field have published."),
    ("projects", "What is being done, by whom, with what money and result."),
    ("events", "Where people meet."),
    ("practices", "What was tried and what came of it: what worked, and what failed."),
    ("people", "Those who have agreed to be shown."),
    ("partners", "Organisations of the field."),
    ("topics", "The subjects everything is filed under, as a tree."),
    ("search", "Finding content: search over all kinds, and completions."),
    (
        "vocabularies",
        "The closed lists of words that content is described with, and what the words are called.",
    ),
    ("synonyms", "What words and phrases bring in when somebody searches for them."),
    ("previews", "What preview links show."),
    ("changes", "What has changed, for those who keep a copy."),
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
    document["components"]["headers"] = headers();
    document["components"]["parameters"] = json!({ "IdempotencyKey": idempotency_key() });
    let mut responses = Responses::new();
    if let Some(paths) = document["paths"].as_object_mut() {
        for (path, item) in paths {
            for (method, operation) in item.as_object_mut().into_iter().flatten() {
                finish(path, method, operation, &mut responses);
            }
        }
    }
    document["components"]["responses"] = responses.into_iter().map(|((_, name), it)| (name, it)).collect();
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
        "IdempotencyReplayed": {
            "description": "Only there when the request was carried out before: this is the answer it had then.",
            "schema": { "type": "string", "enum": ["true"] },
        },
        "RetryAfter": { "description": "In how many seconds to try again.", "schema": { "type": "integer", "minimum": 1 }, "example": 2 },
    })
}

/// The header that names a request.
fn idempotency_key() -> Value {
    json!({
        "name": "Idempotency-Key",
        "in": "header",
        "description": "A new random text for each request, the same when it is sent again: then it is not carried out a second time, and the answer is the one it had (draft-ietf-httpapi-idempotency-key-header). Kept for 24 hours for this caller and address, unless the request was refused. As a string in double quotes (RFC 8941), or bare without spaces and commas.",
        "required": false,
        "schema": { "type": "string", "minLength": 1, "maxLength": idempotency::LONGEST },
        "example": "8e03978e-40d5-43dd-bc93-6894a57f9324",
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

/// The responses that operations refer to, by status and name.
type Responses = BTreeMap<(u16, String), Value>;

/// The response for a status that means one of `codes`.
fn failure(codes: &[Code]) -> Value {
    let mut headers = shared_headers(true);
    let waits =
        |code: &Code| matches!(code, Code::TooManyRequests | Code::Unavailable | Code::IdempotencyKeyInUse);
    if codes.iter().any(waits) {
        headers.insert("Retry-After".to_owned(), json!({ "$ref": "#/components/headers/RetryAfter" }));
    }
    let mut content = json!({ "schema": { "$ref": "#/components/schemas/Problem" } });
    if let [code] = codes {
        content["example"] = example(*code);
    } else {
        let named = |code: &Code| (code.as_str().to_owned(), json!({ "value": example(*code) }));
        content["examples"] = codes.iter().map(named).collect::<Map<_, _>>().into();
    }
    let meanings: Vec<&str> = codes.iter().map(|code| code.meaning()).collect();
    json!({
        "description": meanings.join(" Or: "),
        "headers": headers,
        "content": { "application/problem+json": content },
    })
}

/// A problem document of this code.
fn example(code: Code) -> Value {
    let mut example = json!({
        "type": format!("/problems/{}", code.as_str()),
        "title": code.title(),
        "status": code.status().as_u16(),
        "detail": code.title(),
        "code": code.as_str(),
        "errors": [],
        "request_id": "4f0c1f4e9b7d4c0e8a55d0f2b6a1c3e7",
    });
    if code == Code::TooManyRequests {
        example["violated-policies"] = json!(["read"]);
    }
    example
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
    /// It can be sent again with its key.
    Once,
}

/// The codes an operation can fail with, by the trait that makes it possible; none: always.
const FAILURES: [(Option<Trait>, Code); 20] = [
    (None, Code::InvalidParameter),
    (Some(Trait::Secured), Code::Unauthorized),
    (Some(Trait::SignsIn), Code::Unauthorized),
    (Some(Trait::Permission), Code::Forbidden),
    (Some(Trait::Names), Code::NotFound),
    (Some(Trait::Json), Code::NotAcceptable),
    (Some(Trait::Body), Code::RequestTimeout),
    (Some(Trait::Writes), Code::Conflict),
    (Some(Trait::Once), Code::IdempotencyKeyInUse),
    (Some(Trait::Changes), Code::PreconditionFailed),
    (Some(Trait::Body), Code::PayloadTooLarge),
    (None, Code::UriTooLong),
    (Some(Trait::Body), Code::UnsupportedMediaType),
    (Some(Trait::Body), Code::Invalid),
    (Some(Trait::Once), Code::IdempotencyKeyReused),
    (Some(Trait::Changes), Code::PreconditionRequired),
    (Some(Trait::Limited), Code::TooManyRequests),
    (None, Code::HeadersTooLarge),
    (None, Code::Internal),
    (None, Code::Unavailable),
];

/// What can be said of an operation.
fn traits(path: &str, method: &str, operation: &Value) -> Vec<Trait> {
    let permission = operation["x-permission"].as_str().unwrap_or("none");
    let secured = permission != "none";
    let signs_in = path.starts_with("/v1/auth/");
    let writes = method != "get" && !signs_in;
    let has = |name: &str| {
        let parameters = operation["parameters"].as_array();
        parameters.is_some_and(|parameters| parameters.iter().any(|parameter| parameter["name"] == name))
    };
    let names = path.contains('{') || has("user") || (writes && operation["tags"][0] == "organisation");
    [
        (secured, Trait::Secured),
        (secured && permission != "signed_in", Trait::Permission),
        (signs_in && path != "/v1/auth/logout", Trait::SignsIn),
        (names, Trait::Names),
        (path.starts_with("/v1/"), Trait::Json),
        (writes, Trait::Writes),
        (has("If-Match"), Trait::Changes),
        (operation.get("requestBody").is_some(), Trait::Body),
        (limits::is_limited(path), Trait::Limited),
        // Whoever signs in has no name yet that the key could be kept under.
        (secured && method == "post" && !signs_in, Trait::Once),
    ]
    .into_iter()
    .filter_map(|(has, it)| has.then_some(it))
    .collect()
}

fn finish(path: &str, method: &str, operation: &mut Value, responses: &mut Responses) {
    let permission = operation["x-permission"].as_str().unwrap_or("none").to_owned();
    let wants_proof = operation["x-reauthentication"] == true;
    let traits = traits(path, method, operation);
    let secured = traits.contains(&Trait::Secured);
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
    if traits.contains(&Trait::Once)
        && let Some(parameters) = operation.entry("parameters").or_insert(json!([])).as_array_mut()
    {
        parameters.push(json!({ "$ref": "#/components/parameters/IdempotencyKey" }));
    }
    if let Some(answers) = operation.get_mut("responses").and_then(Value::as_object_mut) {
        finish_answers(answers, &traits, responses);
    }
}

/// Adds what all answers of an operation have, and how it can fail.
fn finish_answers(answers: &mut Map<String, Value>, traits: &[Trait], responses: &mut Responses) {
    for (status, answer) in answers.iter_mut() {
        let headers = answer.as_object_mut().map(|answer| answer.entry("headers").or_insert(json!({})));
        if let Some(headers) = headers.and_then(Value::as_object_mut) {
            headers.extend(shared_headers(traits.contains(&Trait::Limited)));
            if traits.contains(&Trait::Once) && status.starts_with('2') {
                let replayed = json!({ "$ref": "#/components/headers/IdempotencyReplayed" });
                headers.insert("Idempotency-Replayed".to_owned(), replayed);
            }
        }
    }
    let mut failures: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
    for (needed, code) in FAILURES {
        let status = code.status().as_u16();
        // What an operation says of a status itself stands.
        if needed.is_none_or(|needed| traits.contains(&needed)) && !answers.contains_key(&status.to_string())
        {
            let codes = failures.entry(status).or_default();
            codes.extend((!codes.contains(&code)).then_some(code));
        }
    }
    for (status, codes) in failures {
        let name = codes.iter().map(|code| name_of(*code)).collect::<Vec<_>>().join("Or");
        let reference = json!({ "$ref": format!("#/components/responses/{name}") });
        answers.insert(status.to_string(), reference);
        responses.entry((status, name)).or_insert_with(|| failure(&codes));
    }
    let mut sorted: Vec<(String, Value)> = std::mem::take(answers).into_iter().collect();
    sorted.sort_by(|(a, _), (b, _)| a.cmp(b));
    *answers = Map::from_iter(sorted);
}
