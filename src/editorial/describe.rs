//! How a kind's operations and schemas are documented, from what it declares.

use serde_json::{Map, Value, json};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, Schema},
};
use uuid::Uuid;

use super::{
    draft::{Common, Draft, NewCredit},
    kind::{Agents, CreditField, Kind, LinkField},
    load::Stored,
    references::{Compact, References, kind_name},
    view::{CreditView, Head, Tail, View},
    workflow::Transition,
};
use crate::{
    auth::Caller,
    entity::{
        entry,
        vocabulary::{self, State, Visibility},
    },
    http::locale::Language,
};

/// Adds the schemas and the collection operations of `K` to the document.
pub fn describe<K: Kind>(document: &mut Value) {
    describe_schemas::<K>(document, true);
    let collection = format!("/v1/{}", K::COLLECTION);
    let item = format!("{collection}/{{id}}");
    document["paths"][&collection] = json!({ "get": list::<K>(), "post": create::<K>() });
    document["paths"][&item] = json!({ "get": read::<K>(), "patch": change::<K>(), "delete": trash::<K>() });
    document["paths"][format!("{item}/transitions")] = json!({ "post": transition::<K>() });
}

/// Adds the schemas of `K` to the document: `…`, `…Texts`, `…Patch`, and, when it is a collection,
/// `New…`, `…Summary` and `…Page`.
pub fn describe_schemas<K: Kind>(document: &mut Value, is_collection: bool) {
    let declared = declared::<K>();
    let name = K::NAME;
    let shown = shown_schema::<K>();
    let new = new_schema::<K>();
    let mut patch = new.clone();
    patch["title"] = format!("{name}Patch").into();
    patch["description"] = "What is to change (RFC 7396): null removes, lists are replaced whole.".into();
    remove_key(&mut patch, "example");
    let mut schemas = vec![
        (name.to_owned(), Use::Shown, shown.clone()),
        (format!("{name}Patch"), Use::Patch, patch),
        ("Transition".to_owned(), Use::New, value(&Transition::schema())),
    ];
    if is_collection {
        let mut summary = shown;
        summary["title"] = format!("{name}Summary").into();
        summary["description"] =
            format!("{} as lists show it: without the long text.", article(K::KIND)).into();
        remove_key(&mut summary, "example");
        if let Some(body) = K::BODY {
            remove(&mut summary, body);
        }
        schemas.push((format!("New{name}"), Use::New, new));
        schemas.push((format!("{name}Summary"), Use::Shown, summary));
        schemas.push((format!("{name}Page"), Use::Shown, page_schema(name)));
    }
    let components = &mut document["components"]["schemas"];
    add_schemas(components, &declared, schemas);
}

/// Adds schemas and those that they refer to, each made fit for its use.
fn add_schemas(components: &mut Value, declared: &Map<String, Value>, schemas: Vec<(String, Use, Value)>) {
    let mut open: Vec<(String, Use, Value)> = schemas;
    while let Some((name, usage, schema)) = open.pop() {
        let mut needed = Vec::new();
        components[&name] = usage.fit(schema, declared, &mut needed);
        for (name, usage) in needed {
            let component = usage.name(&name);
            if components.get(&component).is_none()
                && let Some(schema) = declared.get(&name)
            {
                open.push((component, usage, schema.clone()));
            }
        }
    }
}

/// The schemas that the code of `K` declares, by name.
fn declared<K: Kind>() -> Map<String, Value> {
    let mut schemas: Vec<(String, RefOr<Schema>)> = Vec::new();
    K::Fields::schemas(&mut schemas);
    K::Texts::schemas(&mut schemas);
    Common::schemas(&mut schemas);
    Head::schemas(&mut schemas);
    Tail::schemas(&mut schemas);
    CreditView::schemas(&mut schemas);
    Transition::schemas(&mut schemas);
    let mut declared: Map<String, Value> =
        schemas.into_iter().map(|(name, schema)| (name, value(&schema))).collect();
    declared.insert("Compact".to_owned(), value(&Compact::schema()));
    declared.insert("CreditView".to_owned(), value(&CreditView::schema()));
    declared.insert(format!("{}Texts", K::NAME), texts_schema::<K>());
    declared
}

/// What a schema is for. The same type is told to readers with everything there, asked of writers
/// with what is needed, and taken in a patch with nothing needed at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    /// For readers.
    Shown,
    /// For writers of something new.
    New,
    /// For writers of a change.
    Patch,
}

impl Use {
    /// What the schema `name` is called when it has this use.
    fn name(self, name: &str) -> String {
        match self {
            Self::Shown => name.to_owned(),
            Self::New => format!("New{name}"),
            Self::Patch => format!("{name}Patch"),
        }
    }

    /// The schema, fit for this use; `needed` gets the schemas that it refers to.
    fn fit(
        self,
        mut schema: Value,
        declared: &Map<String, Value>,
        needed: &mut Vec<(String, Self)>,
    ) -> Value {
        if let Some(name) = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()) {
            let name = name.to_owned();
            let is_object = declared.get(&name).is_some_and(|schema| schema.get("properties").is_some());
            let usage = if is_object { self } else { Self::Shown };
            if declared.contains_key(&name) {
                schema["$ref"] = format!("#/components/schemas/{}", usage.name(&name)).into();
                needed.push((name, usage));
            }
            return schema;
        }
        let Some(object) = schema.as_object_mut() else { return schema };
        let names: Vec<String> = object
            .get("properties")
            .and_then(Value::as_object)
            .into_iter()
            .flat_map(Map::keys)
            .cloned()
            .collect();
        for (key, part) in object.iter_mut() {
            match (key.as_str(), part) {
                ("properties", Value::Object(properties)) => {
                    for property in properties.values_mut() {
                        *property = self.fit(property.take(), declared, needed);
                        if self == Self::Patch {
                            nullable(property);
                        }
                    }
                }
                // A list is replaced whole, so its items are as in something new.
                ("items", part) => {
                    let usage = if self == Self::Patch { Self::New } else { self };
                    *part = usage.fit(part.take(), declared, needed);
                }
                ("additionalProperties", part) if part.is_object() => {
                    *part = self.fit(part.take(), declared, needed);
                    if self == Self::Patch {
                        nullable(part);
                    }
                }
                ("oneOf" | "anyOf" | "allOf", Value::Array(parts)) => {
                    for part in parts {
                        *part = self.fit(part.take(), declared, needed);
                    }
                }
                _ => {}
            }
        }
        if !names.is_empty() {
            match self {
                Self::Shown => {
                    object.insert("required".to_owned(), names.into());
                    object.insert("additionalProperties".to_owned(), false.into());
                }
                Self::New => {}
                Self::Patch => {
                    object.shift_remove("required");
                }
            }
        }
        schema
    }
}

/// Lets `property` also be null.
fn nullable(property: &mut Value) {
    if let Some(Value::String(name)) = property.get("type").cloned() {
        property["type"] = json!([name, "null"]);
        if let Some(Value::Array(words)) = property.get_mut("enum") {
            words.push(Value::Null);
        }
    } else if property.get("$ref").is_some() {
        let mut reference = property.take();
        let description =
            reference.as_object_mut().and_then(|reference| reference.shift_remove("description"));
        *property = json!({ "oneOf": [{ "type": "null" }, reference] });
        if let Some(description) = description {
            property["description"] = description;
        }
    }
}

fn value(schema: &RefOr<Schema>) -> Value {
    serde_json::to_value(schema).unwrap_or_default()
}

/// The properties of an object schema.
fn properties(schema: &Value) -> Map<String, Value> {
    schema["properties"].as_object().cloned().unwrap_or_default()
}

fn remove(schema: &mut Value, name: &str) {
    if let Some(properties) = schema["properties"].as_object_mut() {
        properties.shift_remove(name);
    }
}

fn remove_key(schema: &mut Value, key: &str) {
    if let Some(object) = schema.as_object_mut() {
        object.shift_remove(key);
    }
}

fn texts_schema<K: Kind>() -> Value {
    json!({
        "type": "object",
        "title": format!("{}Texts", K::NAME),
        "description": "The texts in one language.",
        "additionalProperties": false,
        "properties": properties(&value(&K::Texts::schema())),
    })
}

/// What a writer may send of a new entry.
fn new_schema<K: Kind>() -> Value {
    let mut all = properties(&value(&Common::schema()));
    if !K::HAS_TOPICS {
        all.shift_remove("topics");
    }
    all.insert(
        "translations".to_owned(),
        json!({
            "type": "object",
            "description": "The texts, by language tag (BCP 47).",
            "additionalProperties": { "$ref": format!("#/components/schemas/{}Texts", K::NAME) },
            "maxProperties": 20,
        }),
    );
    all.extend(properties(&value(&K::Fields::schema())));
    all.extend(K::CREDITS.iter().map(|field| (field.name.to_owned(), new_credit_schema(field))));
    all.extend(K::LINKS.iter().map(|field| (field.name.to_owned(), new_link_schema(field))));
    json!({
        "type": "object",
        "title": format!("New{}", K::NAME),
        "description": format!("{} as a writer sends it.", article(K::KIND)),
        "required": ["translations"],
        "additionalProperties": false,
        "properties": all,
        "example": K::example(),
    })
}

/// The schemas, by name, that judge what comes in otherwise than over HTTP: a new entry, and a line
/// of an import, which also says where the entry stands and what it was called.
pub fn describe_unpublished<K: Kind>(components: &mut Value) {
    let new = new_schema::<K>();
    let mut row = new.clone();
    remove_key(&mut row, "example");
    row["required"] = json!(["slug", "translations"]);
    let slug = json!({ "type": "string", "pattern": row["properties"]["slug"]["pattern"], "maxLength": 96 });
    row["properties"]["slug"] = slug.clone();
    row["properties"]["state"] = json!({ "type": "string", "enum": ["draft", "published", "archived"] });
    row["properties"]["published_at"] = json!({ "type": ["string", "null"], "format": "date-time" });
    row["properties"]["former_slugs"] = json!({ "type": "array", "maxItems": 100, "items": slug });
    let schemas =
        vec![(format!("New{}", K::NAME), Use::New, new), (format!("{}Row", K::NAME), Use::New, row)];
    add_schemas(components, &declared::<K>(), schemas);
}

fn new_credit_schema(field: &CreditField) -> Value {
    let mut item = value(&NewCredit::schema());
    let mut roles: Vec<Value> = field.roles.iter().map(|role| json!(role)).collect();
    if let [_] = field.roles {
        roles.push(Value::Null);
        item["properties"]["role"] = json!({ "type": ["string", "null"], "enum": roles, "description": "The part they had; need not be said." });
    } else {
        item["properties"]["role"] =
            json!({ "type": "string", "enum": roles, "description": "The part they had." });
        item["required"] = json!(["role"]);
    }
    match field.agents {
        Agents::People => remove(&mut item, "partner"),
        Agents::Partners => remove(&mut item, "person"),
        Agents::Any => {}
    }
    json!({ "type": "array", "maxItems": 200, "description": field.meaning, "items": item })
}

fn new_link_schema(field: &LinkField) -> Value {
    let description = format!("{} By id or slug.", field.meaning);
    if field.many {
        let item = json!({ "type": "string", "maxLength": 96 });
        json!({ "type": "array", "maxItems": 200, "items": item, "description": description })
    } else {
        json!({ "type": ["string", "null"], "maxLength": 96, "description": description })
    }
}

fn shown_schema<K: Kind>() -> Value {
    let mut all = properties(&value(&Head::schema()));
    all.insert("translations".to_owned(), json!({
        "description": "The languages there are; with `locale=all`, the texts in each of them.",
        "oneOf": [
            { "type": "array", "items": { "type": "string" } },
            { "type": "object", "additionalProperties": { "$ref": format!("#/components/schemas/{}Texts", K::NAME) } },
        ],
    }));
    all.extend(properties(&value(&K::Texts::schema())));
    all.extend(properties(&value(&K::Fields::schema())));
    for field in K::CREDITS {
        let items = json!({ "$ref": "#/components/schemas/CreditView" });
        all.insert(
            field.name.to_owned(),
            json!({ "type": "array", "description": field.meaning, "items": items }),
        );
    }
    for field in K::LINKS {
        let compact = json!({ "$ref": "#/components/schemas/Compact" });
        let schema = if field.many {
            json!({ "type": "array", "description": field.meaning, "items": compact })
        } else {
            json!({ "description": field.meaning, "oneOf": [{ "type": "null" }, compact] })
        };
        all.insert(field.name.to_owned(), schema);
    }
    if K::HAS_TOPICS {
        let items = json!({ "$ref": "#/components/schemas/Compact" });
        let description = "What it is about, the most important first.";
        all.insert(
            "topics".to_owned(),
            json!({ "type": "array", "description": description, "items": items }),
        );
    }
    all.extend(properties(&value(&Tail::schema())));
    json!({
        "type": "object",
        "title": K::NAME,
        "description": format!("{} as readers get it, in one language.", article(K::KIND)),
        "properties": all,
        "example": shown_example::<K>(),
    })
}

/// The kind with its article, at the beginning of a sentence.
fn article(kind: vocabulary::Kind) -> String {
    let name = kind_name(kind);
    let article = if name.starts_with(['a', 'e', 'i', 'o', 'u']) { "An" } else { "A" };
    format!("{article} {name}")
}

fn page_schema(name: &str) -> Value {
    json!({
        "type": "object",
        "title": format!("{name}Page"),
        "description": "A page of a list.",
        "required": ["data", "page"],
        "additionalProperties": false,
        "properties": {
            "data": { "type": "array", "items": { "$ref": format!("#/components/schemas/{name}Summary") } },
            "page": { "$ref": "#/components/schemas/PageInfo" },
        },
    })
}

/// The written example as a reader would get it, made by the same code.
fn shown_example<K: Kind>() -> Value {
    let Ok(mut draft) = Draft::<K>::read(&K::example()) else { return Value::Null };
    let slug = draft.heading().map(|heading| super::slug::from_title(&heading)).unwrap_or_default();
    // Other entries are left out: their ids and names would have to be made up.
    draft.common.topics.clear();
    draft.common.owner = None;
    draft.links.clear();
    for credit in &mut draft.credits {
        (credit.person, credit.partner) = (None, None);
    }
    let at = chrono::DateTime::from_timestamp(1_710_000_000, 0).unwrap_or_default();
    let entry = entry::Model {
        id: Uuid::from_u128(0x0192_f3c4_a5b6_7c8d_9e0f_1a2b_3c4d_5e6f),
        kind: K::KIND,
        slug: draft.common.slug.clone().unwrap_or(slug),
        state: State::Published,
        visibility: Visibility::Public,
        consented: true,
        original_locale: draft.common.original_locale.clone(),
        version: 1,
        sort_key: String::new(),
        created_at: at,
        updated_at: at,
        published_at: Some(at),
        publish_at: None,
        unpublish_at: None,
        deleted_at: None,
        created_by: None,
        owner_id: None,
        source_name: None,
        source_id: None,
        source_url: None,
        source_datestamp: None,
        harvested_at: None,
        source_altered: false,
    };
    let language = Language { locale: "tr".to_owned(), all: false, fallback: true };
    let view = View { language: &language, caller: &Caller::PUBLIC, with_body: true };
    view.render(Stored { entry, draft }, &References::default()).into()
}

fn parameter(name: &str, place: &str, schema: Value, description: &str) -> Value {
    json!({ "name": name, "in": place, "required": place == "path", "schema": schema, "description": description })
}

/// The parameters that choose a language.
#[must_use]
pub fn language_parameters() -> Vec<Value> {
    vec![
        parameter(
            "locale",
            "query",
            json!({ "type": "string", "example": "tr" }),
            "Language of the answer (BCP 47), or `all` for writers. Default: `Accept-Language`, else the configured one.",
        ),
        parameter(
            "fallback",
            "query",
            json!({ "type": "string", "enum": ["original", "none"], "default": "original" }),
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
        json!({ "type": "string" }),
        "The `ETag` of what you have; 304 when it is still so.",
    )
}

/// The parameter `If-Match`; a change without it is 428.
#[must_use]
pub fn if_match() -> Value {
    parameter(
        "If-Match",
        "header",
        json!({ "type": "string", "example": "\"3.kPrK_qmxVWaYVA9w\"" }),
        "The `ETag` you read. Without it 428; when the entry has changed since, 412.",
    )
}

fn id_parameter() -> Value {
    parameter(
        "id",
        "path",
        json!({ "type": "string", "maxLength": 96, "example": "siginmaevi-standartlari-politika-notu" }),
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

fn list<K: Kind>() -> Value {
    let what = K::COLLECTION;
    let mut list = operation::<K>(
        "list",
        &format!("List {what}"),
        &format!("The {what} that the caller may see, {}; without the long text.", K::ORDER),
        "read",
    );
    let mut parameters = vec![
        parameter(
            "limit",
            "query",
            json!({ "type": "integer", "minimum": 1, "maximum": 100, "default": 20 }),
            "How many entries a page has.",
        ),
        parameter(
            "cursor",
            "query",
            json!({ "type": "string" }),
            "Where to go on: `page.next_cursor` of the page before.",
        ),
    ];
    parameters.extend(language_parameters());
    parameters.push(if_none_match());
    list["parameters"] = parameters.into();
    list["responses"] = json!({
        "200": response(&format!("{}Page", K::NAME), "A page"),
        "304": { "description": "Still as you have it" },
    });
    list["responses"]["200"]["headers"]["Link"] = json!({ "description": "The next page, as `rel=\"next\"` (RFC 8288).", "schema": { "type": "string" } });
    list
}

fn create<K: Kind>() -> Value {
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

fn read<K: Kind>() -> Value {
    let mut read = operation::<K>(
        "get",
        &format!("Read {}", article(K::KIND).to_lowercase()),
        "One entry, whole. A slug that was public once leads to the present one.",
        "read",
    );
    let mut parameters = vec![id_parameter()];
    parameters.extend(language_parameters());
    parameters.push(if_none_match());
    read["parameters"] = parameters.into();
    read["responses"] = json!({
        "200": response(K::NAME, "The entry"),
        "304": { "description": "Still as you have it" },
        "308": { "description": "The entry has another slug now; `Location` has its address" },
    });
    read
}

fn change<K: Kind>() -> Value {
    let mut change = operation::<K>(
        "update",
        &format!("Change {}", article(K::KIND).to_lowercase()),
        "Changes what the patch names. A published entry changes at once. Authors change their own drafts only.",
        "write",
    );
    let mut parameters = vec![id_parameter(), if_match()];
    parameters.extend(language_parameters());
    change["parameters"] = parameters.into();
    change["requestBody"] = request_body(&format!("{}Patch", K::NAME), &PATCH_TYPES, "What is to change");
    change["responses"] = json!({ "200": response(K::NAME, "The changed entry") });
    change
}

fn trash<K: Kind>() -> Value {
    let mut trash = operation::<K>(
        "delete",
        &format!("Move {} to the trash", article(K::KIND).to_lowercase()),
        "The entry is gone for every reader; the change log keeps that it was there. Authors trash their own drafts only.",
        "write",
    );
    let mut parameters = vec![id_parameter(), if_match()];
    parameters.extend(language_parameters());
    trash["parameters"] = parameters.into();
    trash["responses"] = json!({ "204": { "description": "In the trash" } });
    trash
}

fn transition<K: Kind>() -> Value {
    let mut transition = operation::<K>(
        "transition",
        &format!("Publish, withdraw or reopen {}", article(K::KIND).to_lowercase()),
        "`draft` → `published` → `archived` → `draft`, or from `published` back to `draft`. On the way to `published` everything a published entry needs must be there: 422 lists what is missing. A way that does not exist is 409, with those that do. `If-Match` may be sent.",
        "edit",
    );
    let mut parameters = vec![id_parameter(), if_match()];
    parameters.extend(language_parameters());
    transition["parameters"] = parameters.into();
    transition["requestBody"] = request_body("Transition", &["application/json"], "Where the entry is to go");
    transition["responses"] = json!({ "200": response(K::NAME, "The entry in its new state") });
    transition
}
