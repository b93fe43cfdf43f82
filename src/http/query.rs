//! Query parameters, read strictly: an unknown or repeated one is refused by name.

use std::collections::BTreeMap;

use axum::http::HeaderMap;
use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use url::form_urlencoded;

use super::{Error, FieldError, Result, json::is_unwritable};
use crate::config::Config;

/// The parameters one operation takes.
pub trait Parameters: Sized {
    /// Their names, but for those that depend on more than the operation; all else is refused.
    const NAMES: &'static [&'static str];

    /// Whether `name` is one of them.
    #[must_use]
    fn knows(name: &str) -> bool {
        Self::NAMES.contains(&name)
    }

    /// All their names, to tell the nearest to an unknown one.
    #[must_use]
    fn names() -> Vec<String> {
        Self::NAMES.iter().map(|name| (*name).to_owned()).collect()
    }

    /// Reads them; mistakes are noted in `values`.
    fn read(values: &mut Values<'_>) -> Self;
}

/// An operation that takes no parameter.
#[derive(Debug)]
pub struct NoParameters;

impl Parameters for NoParameters {
    const NAMES: &'static [&'static str] = &[];

    fn read(_: &mut Values<'_>) -> Self {
        Self
    }
}

/// The parameters of one request, and what was wrong with them.
#[derive(Debug)]
pub struct Values<'a> {
    /// The request's headers: some parameters default to one.
    pub headers: &'a HeaderMap,
    /// The configuration: some parameters default to a setting.
    pub config: &'a Config,
    /// The present instant: some parameters may name it.
    pub now: DateTime<Utc>,
    given: BTreeMap<String, String>,
    errors: Vec<FieldError>,
}

impl Values<'_> {
    /// The value of `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.given.get(name).map(String::as_str)
    }

    /// The parameters that are given, with their values, by name.
    pub fn given(&self) -> impl Iterator<Item = (&str, &str)> {
        self.given.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Notes that the value of `name` is not acceptable.
    pub fn refuse(&mut self, name: &str, code: &str, detail: impl Into<String>) {
        self.errors.push(FieldError::parameter(name, code, detail));
    }

    /// One of `words`, or the first of them when nothing is said.
    pub fn one_of<T: Copy>(&mut self, name: &str, words: &[(&str, T)]) -> Option<T> {
        let given = self.get(name);
        let Some(text) = given else { return words.first().map(|(_, value)| *value) };
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
            return Some(*value);
        }
        let list: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        self.refuse(name, "not_in_list", format!("must be one of: {}", list.join(", ")));
        None
    }

    /// The value of `name` as `read` reads it; refused with `wanted` when it cannot.
    pub fn parsed<T>(&mut self, name: &str, wanted: &str, read: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let value = read(self.get(name)?);
        if value.is_none() {
            self.refuse(name, "format", wanted);
        }
        value
    }

    /// A word of a closed list.
    pub fn word<T: DeserializeOwned>(&mut self, name: &str) -> Option<T> {
        let text = self.get(name)?.to_owned();
        self.known(name, text)
    }

    /// Words of a closed list, separated by commas; none when nothing is said.
    pub fn words<T: DeserializeOwned>(&mut self, name: &str) -> Vec<T> {
        let Some(text) = self.get(name).map(str::to_owned) else { return Vec::new() };
        let words = text.split(',').map_while(|word| self.known(name, word.to_owned()));
        words.collect()
    }

    fn known<T: DeserializeOwned>(&mut self, name: &str, text: String) -> Option<T> {
        match serde_json::from_value(text.into()) {
            Ok(word) => Some(word),
            Err(error) => {
                // The library lists the words that are known.
                let detail = error.to_string();
                let known = detail.split_once("expected ").map_or("a documented one", |(_, known)| known);
                self.refuse(name, "not_in_list", format!("must be {known}"));
                None
            }
        }
    }

    /// An instant (RFC 3339).
    pub fn instant(&mut self, name: &str) -> Option<DateTime<Utc>> {
        self.parsed(name, "must be an instant such as 2026-03-08T09:00:00Z", |text| {
            DateTime::parse_from_rfc3339(text).ok().map(|instant| instant.with_timezone(&Utc))
        })
    }

    /// A whole number from `least` to `most`, or `default`.
    pub fn number(&mut self, name: &str, least: u64, most: u64, default: u64) -> u64 {
        let Some(text) = self.get(name) else { return default };
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse() {
            Ok(number) if digits && (least..=most).contains(&number) => number,
            _ => {
                let detail = format!("must be a whole number from {least} to {most}");
                self.refuse(name, "out_of_range", detail);
                default
            }
        }
    }
}

/// Reads the parameters of `query`.
///
/// # Errors
/// [`Error::Parameters`] with everything that is wrong with them.
pub fn read<P: Parameters>(
    query: Option<&str>,
    headers: &HeaderMap,
    config: &Config,
    now: DateTime<Utc>,
) -> Result<P> {
    let mut values = Values { headers, config, now, given: BTreeMap::new(), errors: Vec::new() };
    for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        let shown: String = name.chars().take(60).filter(|character| !is_unwritable(*character)).collect();
        if !P::knows(&name) {
            let known = P::names();
            let detail = match nearest(&name, known.iter().map(String::as_str)) {
                Some(near) => format!("this parameter is not known here; the nearest is `{near}`"),
                None => "this operation takes no parameters".to_owned(),
            };
            values.refuse(&shown, "unknown_parameter", detail);
        } else if values.given.contains_key(name.as_ref()) {
            values.refuse(&shown, "repeated_parameter", "this parameter is given more than once");
        } else if value.chars().any(|character| is_unwritable(character) || character == '\u{FFFD}') {
            values.refuse(&shown, "unwritable_character", "the value is not clean UTF-8 text");
        } else {
            values.given.insert(name.into_owned(), value.into_owned());
        }
        if values.errors.len() >= super::json::MAX_ERRORS {
            break;
        }
    }
    let parameters = P::read(&mut values);
    if values.errors.is_empty() { Ok(parameters) } else { Err(Error::Parameters(values.errors)) }
}

/// The name of `known` that is most like `name`.
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let name: String = name.chars().take(60).flat_map(char::to_lowercase).collect();
    known.max_by(|a, b| strsim::jaro_winkler(a, &name).total_cmp(&strsim::jaro_winkler(b, &name)))
}
