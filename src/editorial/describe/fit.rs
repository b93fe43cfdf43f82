//! One declared type, four schemas: as readers get it, whole or the parts they picked, as writers send it,
//! as a patch may change it.

use serde_json::{Map, Value, json};

/// Adds schemas and those that they refer to, each made fit for its use.
pub fn add_schemas(
    components: &mut Value,
    declared: &Map<String, Value>,
    schemas: Vec<(String, Use, Value)>,
) {
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

/// What a schema is for. The same type is told to readers with everything there, or with what they picked,
/// asked of writers with what is needed, and taken in a patch with nothing needed at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// For readers.
    Shown,
    /// For readers who picked some of it.
    Partial,
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
            Self::Partial => format!("Partial{name}"),
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
                    }
                }
                // A list is replaced whole, so its items are as in something new.
                ("items", part) => {
                    let usage = if self == Self::Patch { Self::New } else { self };
                    *part = usage.fit(part.take(), declared, needed);
                }
                // What stands in a map may be removed from it. All else can be set to null only where null
                // may stand: that nothing is said of an entry's visibility must not open it to all.
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
                Self::Partial => {
                    object.shift_remove("required");
                    object.insert("additionalProperties".to_owned(), false.into());
                }
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
