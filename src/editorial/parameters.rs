//! The query parameters of the operations on entries.

use crate::http::{
    locale::{self, Language},
    query::{Parameters, Values},
};

/// The parameters of a list.
#[derive(Debug)]
pub struct ListParameters {
    /// How many entries a page has.
    pub limit: u64,
    /// Where to go on.
    pub cursor: Option<String>,
    /// In which language.
    pub language: Language,
}

impl Parameters for ListParameters {
    const NAMES: &'static [&'static str] = &["limit", "cursor", locale::NAMES[0], locale::NAMES[1]];

    fn read(values: &mut Values<'_>) -> Self {
        Self {
            limit: values.number("limit", 1, 100, 20),
            cursor: values.get("cursor").map(str::to_owned),
            language: Language::read(values),
        }
    }
}

/// The parameters of one entry.
#[derive(Debug)]
pub struct ItemParameters(pub Language);

impl Parameters for ItemParameters {
    const NAMES: &'static [&'static str] = &locale::NAMES;

    fn read(values: &mut Values<'_>) -> Self {
        Self(Language::read(values))
    }
}

/// The address of the list with another cursor.
#[must_use]
pub fn with_cursor(uri: &axum::http::Uri, cursor: &str) -> String {
    let kept = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let kept = kept.filter(|(name, _)| name != "cursor");
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(kept)
        .append_pair("cursor", cursor)
        .finish();
    format!("{}?{query}", uri.path())
}
