//! How the operation is documented, from what the kind declares.

use serde_json::{Value, json};
use utoipa::PartialSchema;

use super::{
    answer::{BulkAnswer, BulkCounts, BulkProblem, BulkResult, Op, Outcome},
    request::MAX_OPERATIONS,
};
use crate::editorial::{Kind, describe::response, references::kind_name};

/// Adds the operation and its schemas to the document, which has those of `K` already.
pub fn describe<K: Kind>(document: &mut Value) {
    describe_answer(document);
    let name = K::NAME;
    let new = reference(&format!("New{name}"));
    let schemas = &mut document["components"]["schemas"];
    schemas[Op::Create.schema(name)] =
        operation(Op::Create, "Creates a draft.", &json!({ "entry": new }), &["entry"]);
    schemas[Op::Update.schema(name)] = operation(
        Op::Update,
        "Changes an entry as `PATCH` does.",
        &json!({ "id": id(), "version": version(false), "patch": reference(&format!("{name}Patch")) }),
        &["id", "patch"],
    );
    let upsert = "Changes the entry that was taken from `source` (without one: that has the `slug`) as a patch of the same content would; creates it as a draft when there is none.";
    schemas[Op::Upsert.schema(name)] = operation(Op::Upsert, upsert, &json!({ "entry": new }), &["entry"]);
    let of_kind = Op::ALL.map(|op| (op.name(), reference(&op.schema(name))));
    let mapping: serde_json::Map<String, Value> =
        of_kind.iter().map(|(name, schema)| ((*name).to_owned(), schema["$ref"].clone())).collect();
    schemas[format!("{name}Operation")] = json!({
        "description": "One operation of a bulk request.",
        "oneOf": of_kind.iter().map(|(_, schema)| schema).collect::<Vec<_>>(),
        "discriminator": { "propertyName": "op", "mapping": mapping },
    });
    schemas[format!("{name}Bulk")] = json!({
        "type": "object",
        "title": format!("{name}Bulk"),
        "description": "Many operations, to be done in one transaction.",
        "required": ["operations"],
        "additionalProperties": false,
        "properties": {
            "mode": {
                "type": "string", "enum": ["atomic", "per_item"], "default": "atomic",
                "description": "When an operation cannot be done: `atomic` does nothing and answers 422; `per_item` does the others.",
            },
            "dry_run": { "type": "boolean", "default": false, "description": "Try everything and keep nothing." },
            "operations": {
                "type": "array", "minItems": 1, "maxItems": MAX_OPERATIONS,
                "items": reference(&format!("{name}Operation")),
                "description": "What is to be done. Each may name entries that others create.",
            },
        },
        "example": { "mode": "per_item", "operations": [{ "op": "create", "entry": K::example() }] },
    });
    let path = format!("/v1/{}:bulk", K::COLLECTION);
    document["paths"][path] = json!({ "post": post::<K>() });
}

fn post<K: Kind>() -> Value {
    let collection = K::COLLECTION;
    let description = format!(
        "Creates, changes, upserts, moves and trashes up to {MAX_OPERATIONS} {collection} in one transaction, \
         each as a request of its own would, with the rights of the caller; but an entry that has a working copy is changed by itself. An entry can be named once; the \
         entries that a request creates can be referred to by slug from any of its operations. `atomic`: when one \
         operation cannot be done, nothing is changed, and 422 names each mistake, such as \
         `/operations/17/entry/translations/tr/title` (the first 1000). `per_item`: the others are done, and the \
         result of each says what came of it. What a 200 with `applied` says is done is done.\n\n\
         NDJSON and CSV are upserts, one entry a line or row, in the shape that exports have; `mode` and `dry_run` \
         are then query parameters. What has no column stays as it is. The body may have 16 MiB; two such \
         requests are done at a time, and further ones are told to come back (503)."
    );
    let parameter = |name: &str, values: Value, description: &str| json!({ "name": name, "in": "query", "required": false, "schema": values, "description": description });
    let mut post = json!({
        "operationId": format!("bulk_{collection}"),
        "tags": [collection],
        "summary": format!("Change many {collection} at once"),
        "description": description,
        "x-permission": "write",
        "parameters": [
            parameter("mode", json!({ "type": "string", "enum": ["atomic", "per_item"], "default": "atomic" }), "For NDJSON and CSV: what happens when a line cannot be done."),
            parameter("dry_run", json!({ "type": "boolean", "default": false }), "For NDJSON and CSV: try everything and keep nothing."),
        ],
        "requestBody": {
            "required": true,
            "description": "The operations, or entries to be upserted",
            "content": {
                "application/json": { "schema": reference(&format!("{}Bulk", K::NAME)) },
                "application/x-ndjson": { "schema": { "type": "string", "description": "One entry a line." } },
                "text/csv": { "schema": { "type": "string", "description": "One entry a row; the first line names the columns. Delimiter and character set are found out." } },
            },
        },
    });
    let mut answer = response("BulkAnswer", "What came of each operation");
    if let Some(answer) = answer.as_object_mut() {
        answer.shift_remove("headers");
    }
    post["responses"] = json!({ "200": answer });
    post
}

/// The schemas of the answer and of the operations that are the same for all kinds.
fn describe_answer(document: &mut Value) {
    let schemas = &mut document["components"]["schemas"];
    if schemas.get("BulkAnswer").is_some() {
        return;
    }
    let moved = schemas["Transition"]["properties"].clone();
    let required = schemas["Transition"]["required"].clone();
    let mut properties = json!({ "id": id(), "version": version(true) });
    for (name, property) in moved.as_object().into_iter().flatten() {
        properties[name] = property.clone();
    }
    let needed = required.as_array().into_iter().flatten().filter_map(Value::as_str);
    let needed: Vec<&str> = std::iter::once("id").chain(needed).collect();
    let transition = "Brings an entry to another state, as `POST …/transitions` does.";
    schemas[Op::Transition.schema("")] = operation(Op::Transition, transition, &properties, &needed);
    let trash = "Moves an entry to the trash.";
    let properties = json!({ "id": id(), "version": version(false) });
    schemas[Op::Trash.schema("")] = operation(Op::Trash, trash, &properties, &["id"]);
    for (name, schema) in [
        ("BulkAnswer", BulkAnswer::schema()),
        ("BulkCounts", BulkCounts::schema()),
        ("BulkProblem", BulkProblem::schema()),
        ("BulkResult", BulkResult::schema()),
        ("Op", <Op as PartialSchema>::schema()),
        ("Outcome", Outcome::schema()),
    ] {
        let mut schema = serde_json::to_value(schema).unwrap_or_default();
        rename(&mut schema);
        let name = BULK_NAMES.iter().find(|(own, _)| *own == name).map_or(name, |(_, told)| *told);
        schemas[name] = schema;
    }
}

/// Names that say more in the document than they need to in the code.
const BULK_NAMES: [(&str, &str); 2] = [("Op", "BulkOperationName"), ("Outcome", "BulkOutcome")];

fn rename(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            for (name, part) in object.iter_mut() {
                if name == "$ref" {
                    for (own, told) in BULK_NAMES {
                        if part == &json!(format!("#/components/schemas/{own}")) {
                            *part = format!("#/components/schemas/{told}").into();
                        }
                    }
                }
                rename(part);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(rename),
        _ => {}
    }
}

fn operation(op: Op, description: &str, properties: &Value, required: &[&str]) -> Value {
    let mut all = json!({ "op": { "type": "string", "const": op.name() } });
    for (name, property) in properties.as_object().into_iter().flatten() {
        all[name] = property.clone();
    }
    let required: Vec<&str> = std::iter::once("op").chain(required.iter().copied()).collect();
    json!({
        "type": "object",
        "description": description,
        "required": required,
        "additionalProperties": false,
        "properties": all,
    })
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn id() -> Value {
    json!({ "type": "string", "maxLength": 96, "description": "The entry's id or slug.", "example": kind_name(crate::entity::vocabulary::Kind::Project) })
}

/// The version that the caller has read. Where it must be said, leaving it out is 428 and not a
/// mistake of form, as it is for a single change.
fn version(may_be_left_out: bool) -> Value {
    let needed =
        if may_be_left_out { "" } else { " Without it the operation fails with `precondition-required`." };
    json!({
        "type": ["integer", "null"],
        "minimum": 1,
        "maximum": i32::MAX,
        "description": format!("The version that you have read: the number that its `ETag` begins with. When the entry has changed since, the operation fails with `precondition-failed`.{needed}"),
        "example": 3,
    })
}
