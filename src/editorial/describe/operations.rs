//! The operations on a collection.

use serde_json::{Map, Value, json};

use super::{article, lists};
use crate::editorial::{kind::Kind, references::kind_name};

/// The parameter `name` in `place`: the path, the query or the headers.
#[must_use]
pub fn parameter(name: &str, place: &str, schema: &Value, description: &str) -> Value {
    json!({ "name": name, "in": place, "required": place == "path", "schema": schema, "description": description })
}

/// The parameters that choose a language.
#[must_use]
pub fn language_parameters() -> Vec<Value> {
    vec![
        parameter(
            "locale",
            "query",
            &json!({ "type": "string", "example": "tr" }),
            "Language of the answer (BCP 47), or `all` for writers. Default: `Accept-Language`, else the configured one.",
        ),
        parameter(
            "fallback",
            "query",
            &json!({ "type": "string", "enum": ["original", "none"], "default": "original" }),
            "Where a text is missing in that language: take the original's, or leave it null.",
        ),
    ]
}

/// The parameter `If-None-Match`.
#[must_use]
pub fn if_none_match() -> Value {
    parameter(
        "If-None-Match",
        "header",
        &json!({ "type": "string" }),
        "The `ETag` of what you have; 304 when it is still so.",
    )
}

/// The parameter `If-Match`; a change without it is 428.
#[must_use]
pub fn if_match() -> Value {
    parameter(
        "If-Match",
        "header",
        &json!({ "type": "string", "example": "\"3.kPrK_qmxVWaYVA9w\"" }),
        "The `ETag` you read. Without it 428; when the entry has changed since, 412.",
    )
}

pub(super) fn draft_parameter(description: &str) -> Value {
    parameter("draft", "query", &json!({ "type": "boolean", "default": false }), description)
}

pub(super) fn page_parameters() -> Vec<Value> {
    vec![
        parameter(
            "limit",
            "query",
            &json!({ "type": "integer", "minimum": 1, "maximum": 100, "default": 20 }),
            "How many entries a page has.",
        ),
        parameter(
            "cursor",
            "query",
            &json!({ "type": "string" }),
            "Where to go on: `page.next_cursor` of the page before.",
        ),
    ]
}

/// The parameter that names an entry.
#[must_use]
pub fn id_parameter() -> Value {
    parameter(
        "id",
        "path",
        &json!({ "type": "string", "maxLength": 96, "example": "siginmaevi-standartlari-politika-notu" }),
        "The entry's id or slug.",
    )
}

/// A response with a body of the schema `name`.
#[must_use]
pub fn response(name: &str, description: &str) -> Value {
    json!({
        "description": description,
        "headers": { "ETag": { "$ref": "#/components/headers/ETag" } },
        "content": { "application/json": { "schema": { "$ref": format!("#/components/schemas/{name}") } } },
    })
}

/// A request body of the schema `name`.
#[must_use]
pub fn request_body(name: &str, media_types: &[&str], description: &str) -> Value {
    let schema = json!({ "schema": { "$ref": format!("#/components/schemas/{name}") } });
    let content: Map<String, Value> =
        media_types.iter().map(|media_type| ((*media_type).to_owned(), schema.clone())).collect();
    json!({ "required": true, "description": description, "content": content })
}

/// The media types of a patch.
pub const PATCH_TYPES: [&str; 2] = ["application/merge-patch+json", "application/json"];

fn operation<K: Kind>(verb: &str, summary: &str, description: &str, permission: &str) -> Value {
    let noun = if verb == "list" { K::COLLECTION } else { kind_name(K::KIND) };
    json!({
        "operationId": format!("{verb}_{noun}"),
        "tags": [K::COLLECTION],
        "summary": summary,
        "description": description,
        "x-permission": permission,
    })
}

pub(super) fn list<K: Kind>() -> Value {
    let what = K::COLLECTION;
    let mut list = operation::<K>(
        "list",
        &format!("List {what}"),
        &format!(
            "The {what} that the caller may see, {}; without the long text. {}",
            K::ORDER,
            lists::grammar()
        ),
        "read",
    );
    let mut parameters = page_parameters();
    parameters.extend(lists::list_parameters::<K>());
    parameters.extend(language_parameters());
    parameters.push(if_none_match());
    list["parameters"] = parameters.into();
    list["responses"] = json!({
        "200": response(&format!("{}Page", K::NAME), "A page"),
        "304": { "description": "Still as you have it" },
    });
    list["responses"]["200"]["headers"]["Link"] = json!({ "description": "The next page, as `rel=\"next\"`, and, from the second on, the first, as `rel=\"first\"` (RFC 8288).", "schema": { "type": "string" } });
    list
}

pub(super) fn create<K: Kind>() -> Value {
    let mut create = operation::<K>(
        "create",
        &format!("Create {}", article(K::KIND).to_lowercase()),
        "Creates a draft: nobody but those who write sees it until it is published.",
        "write",
    );
    create["parameters"] = language_parameters().into();
    create["requestBody"] = request_body(&format!("New{}", K::NAME), &["application/json"], "The new entry");
    create["responses"] = json!({ "201": response(K::NAME, "The new draft") });
    create["responses"]["201"]["headers"]["Location"] =
        json!({ "description": "The entry's address.", "schema": { "type": "string" } });
    create
}

pub(super) fn read<K: Kind>() -> Value {
    let mut read = operation::<K>(
        "get",
        &format!("Read {}", article(K::KIND).to_lowercase()),
        "One entry, whole. A slug that was public once leads to the present one.",
        "read",
    );
    let mut parameters = vec![id_parameter()];
    parameters.extend(language_parameters());
    parameters.push(draft_parameter(
        "Show the working copy, while there is one; for those who may change the entry.",
    ));
    parameters.push(if_none_match());
    read["parameters"] = parameters.into();
    read["responses"] = json!({
        "200": response(K::NAME, "The entry"),
        "304": { "description": "Still as you have it" },
        "308": { "description": "The entry has another slug now; `Location` has its address" },
    });
    read
}

pub(super) fn change<K: Kind>() -> Value {
    let mut change = operation::<K>(
        "update",
        &format!("Change {}", article(K::KIND).to_lowercase()),
        "Changes what the patch names. A published entry changes at once, and its working copy in the same way; with `draft=true` only the working copy does, which is made if there is none. 409 when the working copy has changed the same field otherwise. Authors change their own drafts only.",
        "write",
    );
    let mut parameters = vec![id_parameter(), if_match()];
    parameters.extend(language_parameters());
    parameters.push(draft_parameter("Change the working copy; what readers see stays as it is."));
    change["parameters"] = parameters.into();
    change["requestBody"] = request_body(&format!("{}Patch", K::NAME), &PATCH_TYPES, "What is to change");
    change["responses"] = json!({ "200": response(K::NAME, "The changed entry") });
    change
}

pub(super) fn trash<K: Kind>() -> Value {
    let mut trash = operation::<K>(
        "delete",
        &format!("Move {} to the trash", article(K::KIND).to_lowercase()),
        "The entry is gone for every reader; the change log keeps that it was there. It can be taken out again until it is deleted for good, some weeks later. With `draft=true` only the working copy is discarded. Authors trash their own drafts only.",
        "write",
    );
    let mut parameters = vec![id_parameter(), if_match()];
    parameters.extend(language_parameters());
    parameters.push(draft_parameter("Discard the working copy, not the entry."));
    trash["parameters"] = parameters.into();
    trash["responses"] = json!({ "204": { "description": "In the trash" } });
    trash
}
