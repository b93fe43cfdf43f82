//! The OpenAPI document as the judge of what comes in.
//!
//! A body is checked against the very schema that is published for it, so the document cannot
//! promise one thing and the service do another, and all mistakes are found at once.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use jsonschema::{Draft, ValidationError, Validator, error::ValidationErrorKind};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

use super::{
    Error, FieldError, Result,
    json::{MAX_ERRORS, escaped, unwritable_texts},
};

/// The published document and a validator for each schema that was asked for.
#[derive(Debug)]
pub struct Contract {
    /// The document as it is served.
    pub document: bytes::Bytes,
    components: Value,
    validators: RwLock<HashMap<String, Arc<Validator>>>,
}

impl Contract {
    /// The contract that `document` is. The `unpublished` schemas judge what comes in otherwise
    /// than over HTTP.
    #[must_use]
    pub fn new(document: &Value, unpublished: Map<String, Value>) -> Self {
        let mut components = document["components"].clone();
        if let Some(schemas) = components["schemas"].as_object_mut() {
            schemas.extend(unpublished);
        }
        Self {
            document: serde_json::to_vec(document).unwrap_or_default().into(),
            components,
            validators: RwLock::default(),
        }
    }

    /// Checks `value` against the component schema `name`.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every mistake and where it is.
    pub fn check(&self, name: &str, value: &Value) -> Result<()> {
        let errors = self.mistakes(name, value)?;
        if errors.is_empty() { Ok(()) } else { Err(Error::Invalid(errors)) }
    }

    /// Checks `value` against the component schema `name` and reads it.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every mistake and where it is.
    pub fn decode<T: DeserializeOwned>(&self, name: &str, value: Value) -> Result<T> {
        self.check(name, &value)?;
        read(value)
    }

    /// Every mistake in `value`, measured by the component schema `name`.
    ///
    /// # Errors
    /// When the document has no such schema.
    pub fn mistakes(&self, name: &str, value: &Value) -> Result<Vec<FieldError>> {
        let mut errors = unwritable_texts(value);
        let validator = self.validator(name)?;
        for error in validator.iter_errors(value) {
            explain(&error, &mut errors);
            if errors.len() >= MAX_ERRORS {
                break;
            }
        }
        Ok(errors)
    }

    /// The component schema `name`.
    #[must_use]
    pub fn schema(&self, name: &str) -> Option<&Value> {
        self.schemas().get(name)
    }

    /// The component schemas by name.
    #[must_use]
    pub fn schemas(&self) -> &Value {
        self.components.get("schemas").unwrap_or(&Value::Null)
    }

    fn validator(&self, name: &str) -> Result<Arc<Validator>> {
        let known = self.validators.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
        if let Some(validator) = known {
            return Ok(validator);
        }
        let schema = json!({
            "$ref": format!("#/components/schemas/{name}"),
            "components": self.components,
        });
        let validator = jsonschema::options()
            .with_draft(Draft::Draft202012)
            .should_validate_formats(true)
            .build(&schema)
            .map_err(|error| Error::internal(error.to_string()))?;
        let validator = Arc::new(validator);
        let mut validators = self.validators.write().unwrap_or_else(PoisonError::into_inner);
        validators.insert(name.to_owned(), Arc::clone(&validator));
        Ok(validator)
    }
}

/// Reads what a schema has already accepted.
///
/// # Errors
/// [`Error::Invalid`] where a type is narrower than its schema could say.
pub fn read<T: DeserializeOwned>(value: Value) -> Result<T> {
    serde_json::from_value(value)
        .map_err(|error| Error::Invalid(vec![FieldError::at("", "invalid", error.to_string())]))
}

/// The same, of a part of what a schema has accepted; all else in it is left alone.
///
/// # Errors
/// [`Error::Invalid`] where a type is narrower than its schema could say.
pub fn read_part<'a, T: Deserialize<'a>>(value: &'a Value) -> Result<T> {
    T::deserialize(value)
        .map_err(|error| Error::Invalid(vec![FieldError::at("", "invalid", error.to_string())]))
}

/// Adds what `error` means to `errors`.
fn explain(error: &ValidationError<'_>, errors: &mut Vec<FieldError>) {
    let pointer = error.instance_path().as_str().to_owned();
    let mut add = |pointer: String, code: &str, detail: String| {
        errors.push(FieldError::at(pointer, code, detail));
    };
    match error.kind() {
        ValidationErrorKind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            add(format!("{pointer}/{}", escaped(name)), "required", "this is needed".to_owned());
        }
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            for name in unexpected.iter().take(MAX_ERRORS) {
                let detail = "this is not a known field".to_owned();
                add(format!("{pointer}/{}", escaped(name)), "unknown_field", detail);
            }
        }
        // A nullable or otherwise alternative value: what is wrong is told by the alternative that
        // was meant, which is the one that does not fail over the type at once.
        ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
            let meant = context.iter().find(|branch| {
                branch.iter().all(|inner| {
                    inner.kind().keyword() != "type" || inner.instance_path() != error.instance_path()
                })
            });
            match meant {
                Some(branch) => branch.iter().for_each(|inner| explain(inner, errors)),
                None => add(pointer, "type", "this is not of an accepted type".to_owned()),
            }
        }
        _ => add(pointer, code_of(error.kind().keyword()), detail_of(error)),
    }
}

fn code_of(keyword: &str) -> &'static str {
    match keyword {
        "type" => "type",
        "enum" | "const" => "not_in_list",
        "format" => "format",
        "pattern" | "propertyNames" => "pattern",
        "maxLength" => "too_long",
        "minLength" => "too_short",
        "maxItems" | "maxProperties" => "too_many",
        "minItems" | "minProperties" => "too_few",
        "uniqueItems" => "repeated",
        "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" => "out_of_range",
        _ => "invalid",
    }
}

/// The library's sentence, without repeating what was sent.
fn detail_of(error: &ValidationError<'_>) -> String {
    error.masked_with("the value").to_string()
}
