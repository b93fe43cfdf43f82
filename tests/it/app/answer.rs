//! What comes back.

use axum::http::{HeaderMap, StatusCode};
use serde_json::Value;

/// An answer.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub length: usize,
    pub text: String,
    pub body: Value,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    pub fn etag(&self) -> &str {
        self.header("etag")
    }

    /// The tag, or `other` where there is none.
    pub fn etag_or(&self, other: &str) -> String {
        if self.etag().is_empty() { other.to_owned() } else { self.etag().to_owned() }
    }

    /// The answer as text, but for the id of its request.
    pub fn text_without_id(&self) -> String {
        self.text.replace(self.header("x-request-id"), "")
    }

    /// The `code` of the problem document.
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// Where the mistakes are, in the order in which they are listed.
    pub fn places(&self) -> Vec<&str> {
        let errors = self.body["errors"].as_array().unwrap();
        errors.iter().filter_map(|error| error["pointer"].as_str().or(error["parameter"].as_str())).collect()
    }

    /// The slugs of a list.
    pub fn slugs(&self) -> Vec<&str> {
        self.body["data"].as_array().unwrap().iter().map(|entry| entry["slug"].as_str().unwrap()).collect()
    }
}
