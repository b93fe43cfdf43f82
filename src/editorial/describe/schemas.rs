//! The schemas of a kind, composed of what its types and its declarations say.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, Schema},
};
use uuid::Uuid;

use super::{
    article,
    fit::{Use, add_schemas},
};
use crate::{
    auth::Caller,
    editorial::{
        draft::{Common, Draft, NewCredit},
        kind::{Agents, CreditField, Kind, LinkField},
        load::Stored,
        markdown,
        previews::{CreatedPreview, NewPreview, PreviewPage},
        references::{Compact, References, kind_name},
        shape::{self, Shape},
        slug,
        transitions::Standing,
        versions::{Comparison, Version, VersionPage},
        view::{CreditView, Head, Tail, View},
        workflow::Transition,
    },
    entity::{
        entry,
        vocabulary::{self, State, Visibility},
    },
    http::locale::Language,
};

/// Adds the schemas of `K` to the document: `…`, `…Texts`, `…Patch`, and, when it is a collection,
/// `New…`, `…Summary` and `…Page`.
pub fn describe_schemas<K: Kind>(document: &mut Value, is_collection: bool) {
    let declared = declared::<K>();
    let name = K::NAME;
    let shown = shown_schema::<K>();
    let new = new_schema::<K>();
    let mut patch = new.clone();
    patch["title"] = format!("{name}Patch").into();
    patch["description"] =
        "What is to change (RFC 7396): null removes what may be absent, lists are replaced whole.".into();
    remove_key(&mut patch, "example");
    let mut schemas =
        vec![(name.to_owned(), Use::Shown, shown.clone()), (format!("{name}Patch"), Use::Patch, patch)];
    let mut partial = shown.clone();
    partial["title"] = format!("Partial{name}").into();
    partial["description"] =
        format!("Of {} the properties that `fields` picks.", article(K::KIND).to_lowercase()).into();
    remove_key(&mut partial, "example");
    schemas.push((format!("Partial{name}"), Use::Partial, partial));
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
        schemas.push((format!("{name}Page"), Use::Shown, page_schema(name, &format!("{name}Summary"))));
        let partial = format!("Partial{name}");
        schemas.push((format!("{partial}Page"), Use::Shown, page_schema(&partial, &partial)));
        schemas.push((format!("{name}Version"), Use::Shown, version_schema(name)));
        schemas.push(("Transition".to_owned(), Use::New, value(&Transition::schema())));
        schemas.extend(shown_to_writers());
        schemas.push(("NewPreview".to_owned(), Use::New, value(&NewPreview::schema())));
    }
    let components = &mut document["components"]["schemas"];
    add_schemas(components, &declared, schemas);
    add_optional::<K>(components, is_collection);
    components[format!("{name}Field")] = field_schema::<K>(components);
}

/// Adds to the schemas of `K` what is only there when it is asked for.
fn add_optional<K: Kind>(components: &mut Value, is_collection: bool) {
    let name = K::NAME;
    if let Some(body) = K::BODY {
        let long = components[name]["properties"][body].clone();
        let html = json!({
            "type": ["string", "null"], "contentMediaType": "text/html",
            "description": format!("`{body}` as sanitised HTML; with `include={}`.", shape::html_of(body)),
        });
        for name in [name.to_owned(), format!("{name}Summary"), format!("Partial{name}")] {
            let properties = &mut components[name]["properties"];
            properties[body] = long.clone();
            properties[shape::html_of(body)] = html.clone();
        }
    }
    if !is_collection {
        return;
    }
    let with_related = [name.to_owned(), format!("Partial{name}")];
    for name in with_related.into_iter().filter(|_| shape::may_show_related::<K>()) {
        components[name]["properties"][shape::RELATED] = json!({
            "type": "array", "items": { "$ref": "#/components/schemas/RelatedEntry" },
            "description": "What may interest whoever reads it; with `include=related`.",
        });
    }
    for kind in targets::<K>() {
        let name = schema_name(kind);
        for (reference, entry) in [
            (format!("{name}Reference"), format!("{name}Summary")),
            (format!("Partial{name}Reference"), format!("Partial{name}")),
        ] {
            components[reference]["properties"][shape::ENTRY] = json!({
                "$ref": format!("#/components/schemas/{entry}"),
                "description": "The entry, as its list shows it; with `include`.",
            });
        }
    }
    for page in [format!("{name}Page"), format!("Partial{name}Page")] {
        let properties = &mut components[page]["properties"];
        properties["total"] = json!({
            "type": "integer", "minimum": 0, "description": "How many entries the list has; with `count=exact`.",
        });
        properties["facets"] = json!({
            "type": "array", "items": { "$ref": "#/components/schemas/Facet" },
            "description": "What was counted; with `facets`.",
        });
        properties["suggestion"] = json!({
            "type": ["string", "null"],
            "description": "The query with its typing errors corrected, when that differs and finds something; with `q`.",
        });
    }
}

/// What `fields` can name: properties, and what they hold.
fn field_schema<K: Kind>(components: &Value) -> Value {
    fn add(components: &Value, schema: &Value, path: &str, names: &mut Vec<String>) {
        for (name, property) in shape::properties(components, schema).into_iter().flatten() {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            // Only one entry alone can be shown with it: there, the pattern lets it be named.
            if shape::is_beside(property) {
                continue;
            }
            names.push(path.clone());
            if name != shape::ENTRY {
                add(components, property, &path, names);
            }
        }
    }
    let mut names = Vec::new();
    add(components, &components[format!("Partial{}", K::NAME)], "", &mut names);
    json!({
        "title": format!("{}Field", K::NAME),
        "description": "A property, or a path to what it holds; of a long text also its beginning.",
        "anyOf": [
            { "type": "string", "enum": names },
            { "type": "string", "maxLength": 200, "pattern": r"^[a-z_]+(\.[a-z_]+)*(:excerpt\([1-9][0-9]{0,3}\))?$", "example": "summary:excerpt(200)" },
        ],
    })
}

/// What those who write see beside the entries; the same for all kinds.
fn shown_to_writers() -> Vec<(String, Use, Value)> {
    macro_rules! shown {
        ($($type:ty),*) => { vec![$((<$type as ToSchema>::name().into_owned(), Use::Shown, value(&<$type>::schema()))),*] };
    }
    shown!(Standing, VersionPage, Comparison, PreviewPage, CreatedPreview)
}

/// A version with the entry as it was.
fn version_schema(name: &str) -> Value {
    let mut schema = value(&Version::schema());
    schema["title"] = format!("{name}Version").into();
    schema["properties"]["entry"] = json!({ "$ref": format!("#/components/schemas/{name}") });
    schema
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
    Standing::schemas(&mut schemas);
    VersionPage::schemas(&mut schemas);
    Comparison::schemas(&mut schemas);
    PreviewPage::schemas(&mut schemas);
    CreatedPreview::schemas(&mut schemas);
    let mut declared: Map<String, Value> =
        schemas.into_iter().map(|(name, schema)| (name, value(&schema))).collect();
    let mut credit = value(&CreditView::schema());
    for (part, kind) in [("person", vocabulary::Kind::Person), ("partner", vocabulary::Kind::Partner)] {
        point_to(kind, &mut credit["properties"][part]);
    }
    declared.insert("CreditView".to_owned(), credit);
    for kind in targets::<K>() {
        let mut reference = value(&Compact::schema());
        let name = format!("{}Reference", schema_name(kind));
        reference["title"] = name.clone().into();
        reference["description"] = format!("{}, in brief.", article(kind)).into();
        declared.insert(name, reference);
    }
    declared.insert(format!("{}Texts", K::NAME), texts_schema::<K>());
    declared
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
    row["properties"]["state"] =
        json!({ "type": ["string", "null"], "enum": ["draft", "published", "archived", null] });
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
        let schema = if field.many {
            json!({ "type": "array", "description": field.meaning, "items": reference(field.target) })
        } else {
            json!({ "description": field.meaning, "oneOf": [{ "type": "null" }, reference(field.target)] })
        };
        all.insert(field.name.to_owned(), schema);
    }
    if K::HAS_TOPICS {
        let items = reference(vocabulary::Kind::Topic);
        let description = "What it is about, the most important first.";
        all.insert(
            "topics".to_owned(),
            json!({ "type": "array", "description": description, "items": items }),
        );
    }
    let mut tail = properties(&value(&Tail::schema()));
    if let Some(owner) = tail.get_mut("owner") {
        point_to(vocabulary::Kind::Partner, owner);
    }
    all.extend(tail);
    if let Some(body) = K::BODY {
        all[body]["contentMediaType"] = markdown::MEDIA_TYPE.into();
    }
    json!({
        "type": "object",
        "title": K::NAME,
        "description": format!("{} as readers get it, in one language.", article(K::KIND)),
        "properties": all,
        "example": shown_example::<K>(),
    })
}

/// What entries of `K` refer to.
fn targets<K: Kind>() -> BTreeSet<vocabulary::Kind> {
    shape::references::<K>().into_iter().map(|reference| reference.kind).collect()
}

/// What the schema of a `kind` is called.
fn schema_name(kind: vocabulary::Kind) -> String {
    let (first, rest) = kind_name(kind).split_at(1);
    format!("{}{rest}", first.to_uppercase())
}

/// The schema of a reference to an entry of `kind`.
fn reference(kind: vocabulary::Kind) -> Value {
    json!({ "$ref": format!("#/components/schemas/{}Reference", schema_name(kind)) })
}

/// Says of `schema`, a reference to some entry or none, that it is one of `kind`.
fn point_to(kind: vocabulary::Kind, schema: &mut Value) {
    for way in schema["oneOf"].as_array_mut().into_iter().flatten() {
        if way.get("$ref").is_some() {
            way["$ref"] = reference(kind)["$ref"].take();
        }
    }
}

/// A page of entries as the schema `item` says.
fn page_schema(name: &str, item: &str) -> Value {
    json!({
        "type": "object",
        "title": format!("{name}Page"),
        "description": "A page of a list.",
        "required": ["data", "page"],
        "additionalProperties": false,
        "properties": {
            "data": { "type": "array", "items": { "$ref": format!("#/components/schemas/{item}") } },
            "page": { "$ref": "#/components/schemas/PageInfo" },
        },
    })
}

/// The written example as a reader would get it, made by the same code.
fn shown_example<K: Kind>() -> Value {
    let Ok(mut draft) = Draft::<K>::read(&K::example()) else { return Value::Null };
    let slug = draft.heading().map(|heading| slug::from_title(&heading)).unwrap_or_default();
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
        purged_at: None,
        submitted_by: None,
        assignee_id: None,
        draft_version: None,
        created_by: None,
        owner_id: None,
        source_name: None,
        source_id: None,
        source_url: None,
        source_datestamp: None,
        harvested_at: None,
        source_altered: false,
        derived_by: 0,
    };
    let language = Language::fixed("tr");
    let view = View { language: &language, caller: &Caller::PUBLIC, shape: &Shape::WHOLE };
    view.render(Stored { entry, draft, is_copy: false }, &References::default()).into()
}
