//! Reading JSON strictly.
//!
//! `serde_json` takes the last of two equal names in an object and nests 128 deep; a reader that
//! takes the first would understand another document than we do. Here both are refused, and so is
//! text that no text should hold.

use std::{borrow::Cow, fmt};

use serde::{
    Deserializer,
    de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value, map::Entry};

use super::FieldError;

/// How deep a document may nest (SECURITY.md I-02).
const MAX_DEPTH: usize = 64;
/// How many mistakes one answer lists.
pub const MAX_ERRORS: usize = 100;

/// Reads one JSON document.
///
/// # Errors
/// A sentence that says what is wrong and where.
pub fn parse(bytes: &[u8]) -> Result<Value, String> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = Strict { depth: 0 }
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value));
    value.map_err(|error| error.to_string())
}

#[derive(Clone, Copy)]
struct Strict {
    depth: usize,
}

impl Strict {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth == MAX_DEPTH {
            return Err(E::custom(format_args!("nested deeper than {MAX_DEPTH} levels")));
        }
        Ok(Self { depth: self.depth + 1 })
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        // JSON Schema calls 7.0 an integer, so it is read as one. Beyond 2^53 a float is not exact.
        #[expect(clippy::cast_possible_truncation, reason = "it has no fraction and is small enough")]
        let whole = (value.fract() == 0.0 && value.abs() < 9_007_199_254_740_992.0).then_some(value as i64);
        Ok(whole.map_or_else(|| value.into(), Value::from))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let seed = self.deeper()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(seed)? {
            list.push(item);
        }
        Ok(list.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let seed = self.deeper()?;
        let mut object = Map::new();
        while let Some(name) = entries.next_key::<String>()? {
            let value = entries.next_value_seed(seed)?;
            match object.entry(name) {
                Entry::Vacant(place) => place.insert(value),
                Entry::Occupied(place) => {
                    let shown: String = place.key().chars().take(40).collect();
                    return Err(A::Error::custom(format_args!("the name `{shown}` is given twice")));
                }
            };
        }
        Ok(object.into())
    }
}

/// Every text in `value` that holds characters no text should: control characters other than line
/// feed and tab, marks that turn the direction of writing, and code points that are no characters.
#[must_use]
pub fn unwritable_texts(value: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    walk(value, &mut String::new(), &mut errors);
    errors
}

fn walk(value: &Value, pointer: &mut String, errors: &mut Vec<FieldError>) {
    if errors.len() >= MAX_ERRORS {
        return;
    }
    match value {
        Value::String(text) => {
            if let Some(found) = text.chars().find(|character| is_unwritable(*character)) {
                let detail = format!("U+{:04X} cannot stand in a text", u32::from(found));
                errors.push(FieldError::at(pointer.clone(), "unwritable_character", detail));
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                descend(&index.to_string(), item, pointer, errors);
            }
        }
        Value::Object(entries) => {
            for (name, entry) in entries {
                if name.chars().any(is_unwritable) {
                    let detail = "the name of a property holds a character that no text should";
                    errors.push(FieldError::at(pointer.clone(), "unwritable_character", detail));
                }
                descend(&escaped(name), entry, pointer, errors);
            }
        }
        _ => {}
    }
}

fn descend(step: &str, value: &Value, pointer: &mut String, errors: &mut Vec<FieldError>) {
    let length = pointer.len();
    pointer.push('/');
    pointer.push_str(step);
    walk(value, pointer, errors);
    pointer.truncate(length);
}

/// `name` as one step of a JSON pointer (RFC 6901, section 3).
#[must_use]
pub fn escaped(name: &str) -> Cow<'_, str> {
    if name.contains(['~', '/']) { name.replace('~', "~0").replace('/', "~1").into() } else { name.into() }
}

/// Whether `character` may not stand in any text; XML cannot hold most of these at all.
#[must_use]
pub fn is_unwritable(character: char) -> bool {
    match character {
        '\n' | '\t' => false,
        '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => true,
        _ => {
            character.is_control()
                || u32::from(character) & 0xFFFE == 0xFFFE
                || matches!(character, '\u{FDD0}'..='\u{FDEF}')
        }
    }
}

/// Applies a merge patch to `target`. Source: RFC 7396, section 2.
pub fn merge(target: &mut Value, patch: Value) {
    let Value::Object(changes) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(entries) = target else { return };
    for (name, change) in changes {
        if change.is_null() {
            entries.shift_remove(&name);
        } else {
            merge(entries.entry(name).or_insert(Value::Null), change);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn one_document_is_read_as_written() {
        let text = r#"{"b": [1, -2, 2.5, true, null], "a": "ş"}"#;
        assert_eq!(parse(text.as_bytes()), Ok(json!({"b": [1, -2, 2.5, true, null], "a": "ş"})));
    }

    #[test]
    fn what_two_readers_could_understand_differently_is_refused() {
        for text in [
            r#"{"a": 1, "a": 2}"#,
            r#"{"a": {"b": 1, "b": 1}}"#,
            "{} {}",
            "[1,]",
            "NaN",
            "",
            "\"\\ud800\"",
            &"[".repeat(100_000),
            &format!("{}{}", "[".repeat(65), "]".repeat(65)),
        ] {
            assert!(parse(text.as_bytes()).is_err(), "{}", &text[..text.len().min(40)]);
        }
        assert!(parse(b"\"\xff\"").is_err());
        assert!(parse(format!("{}{}", "[".repeat(64), "]".repeat(64)).as_bytes()).is_ok());
    }

    #[test]
    fn unwritable_texts_are_found_where_they_stand() {
        let value = json!({"a/b": ["ok\n", "no\u{0}"], "c": "\u{202E}x", "d": "\u{FFFF}"});
        let found: Vec<_> = unwritable_texts(&value).into_iter().filter_map(|error| error.pointer).collect();
        assert_eq!(found, ["/a~1b/1", "/c", "/d"]);
    }

    /// The examples of RFC 7396, appendix A.
    #[test]
    fn merge_follows_the_rfc() {
        for (mut target, patch, expected) in [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "b"}), json!({"b": "c"}), json!({"a": "b", "b": "c"})),
            (json!({"a": "b"}), json!({"a": null}), json!({})),
            (json!({"a": "b", "b": "c"}), json!({"a": null}), json!({"b": "c"})),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "c"}), json!({"a": ["b"]}), json!({"a": ["b"]})),
            (json!({"a": {"b": "c"}}), json!({"a": {"b": "d", "c": null}}), json!({"a": {"b": "d"}})),
            (json!({"a": [{"b": "c"}]}), json!({"a": [1]}), json!({"a": [1]})),
            (json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])),
            (json!({"a": "b"}), json!(["c"]), json!(["c"])),
            (json!({"a": "foo"}), json!(null), json!(null)),
            (json!({"a": "foo"}), json!("bar"), json!("bar")),
            (json!({"e": null}), json!({"a": 1}), json!({"e": null, "a": 1})),
            (json!([1, 2]), json!({"a": "b", "c": null}), json!({"a": "b"})),
            (json!({}), json!({"a": {"bb": {"ccc": null}}}), json!({"a": {"bb": {}}})),
        ] {
            merge(&mut target, patch);
            assert_eq!(target, expected);
        }
    }
}
