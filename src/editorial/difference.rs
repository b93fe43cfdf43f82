//! What is different between two documents, field by field, and carrying that over to a third.

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// A field that is not the same in two documents. Objects are compared by their members, lists as a whole.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Difference {
    /// Where it stands (JSON pointer, RFC 6901).
    #[schema(example = "/translations/tr/title")]
    pub pointer: String,
    /// What it was; null also where there was nothing.
    #[schema(required)]
    pub from: Option<Value>,
    /// What it is; null also where there is nothing.
    #[schema(required)]
    pub to: Option<Value>,
}

/// The differences between two documents, in the order of their fields.
#[must_use]
pub fn between(from: &Value, to: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    compare(String::new(), Some(from), Some(to), &mut found);
    found
}

/// Both come from documents whose depth is bounded.
fn compare(pointer: String, from: Option<&Value>, to: Option<&Value>, found: &mut Vec<Difference>) {
    match (from, to) {
        (from, to) if from == to => {}
        (Some(Value::Object(from)), Some(Value::Object(to))) => {
            let added = to.keys().filter(|name| !from.contains_key(*name));
            for name in from.keys().chain(added) {
                let place = format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
                compare(place, from.get(name), to.get(name), found);
            }
        }
        (from, to) => found.push(Difference { pointer, from: from.cloned(), to: to.cloned() }),
    }
}

/// Makes the same changes in `other`, which has gone its own way from the same beginning. Where it
/// already has what is to be, nothing is done.
///
/// # Errors
/// The pointers of the fields that `other` has changed, too, and otherwise; then it is as it was.
pub fn carry(changes: &[Difference], other: &mut Value) -> Result<(), Vec<String>> {
    let clashes: Vec<String> = changes
        .iter()
        .filter(|change| {
            let present = other.pointer(&change.pointer);
            present != change.from.as_ref() && present != change.to.as_ref()
        })
        .map(|change| change.pointer.clone())
        .collect();
    if !clashes.is_empty() {
        return Err(clashes);
    }
    impose(changes, other);
    Ok(())
}

/// Makes the same changes in `other`, whatever it has.
pub fn impose(changes: &[Difference], other: &mut Value) {
    for change in changes {
        put(other, &change.pointer, change.to.clone());
    }
}

/// Puts `value` at `pointer`, or takes away what is there.
fn put(document: &mut Value, pointer: &str, value: Option<Value>) {
    let Some((parent, name)) = pointer.rsplit_once('/') else { return };
    let name = name.replace("~1", "/").replace("~0", "~");
    if document.pointer(parent).is_none() {
        put(document, parent, Some(Map::new().into()));
    }
    let Some(Value::Object(object)) = document.pointer_mut(parent) else { return };
    match value {
        Some(value) => {
            object.insert(name, value);
        }
        None => {
            object.shift_remove(&name);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn objects_are_compared_by_member_and_lists_as_a_whole() {
        let before = json!({ "type": "report", "topics": ["a", "b"], "translations": { "tr": { "title": "A", "summary": null } } });
        let after = json!({ "type": "report", "topics": ["b", "a"], "translations": { "tr": { "title": "B", "summary": null }, "en": { "title": "C" } } });
        let found = between(&before, &after);
        let pointers: Vec<&str> = found.iter().map(|change| change.pointer.as_str()).collect();
        assert_eq!(pointers, ["/topics", "/translations/tr/title", "/translations/en"]);
        assert_eq!(found[2].from, None);
        assert_eq!(between(&before, &before), []);
    }

    #[test]
    fn a_change_is_carried_over_where_nothing_else_has_changed() {
        let before =
            json!({ "a/b": 1, "t": { "tr": { "title": "A", "body": "x" }, "en": { "title": "E" } } });
        let after = json!({ "a/b": 2, "t": { "tr": { "title": "B", "body": "x" }, "de": { "title": "D" } } });
        let changes = between(&before, &after);
        let mut copy =
            json!({ "a/b": 1, "t": { "tr": { "title": "A", "body": "longer" }, "en": { "title": "E" } } });
        carry(&changes, &mut copy).unwrap();
        assert_eq!(
            copy,
            json!({ "a/b": 2, "t": { "tr": { "title": "B", "body": "longer" }, "de": { "title": "D" } } })
        );
        let mut other = json!({ "a/b": 1, "t": { "tr": { "title": "mine", "body": "x" } } });
        let untouched = other.clone();
        assert_eq!(carry(&changes, &mut other).unwrap_err(), ["/t/tr/title"]);
        assert_eq!(other, untouched);
    }
}
