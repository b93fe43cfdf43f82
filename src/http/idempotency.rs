//! `Idempotency-Key`: the name a caller gives to a request, so that it can be sent again.
//!
//! Source: draft-ietf-httpapi-idempotency-key-header; RFC 8941, section 3.3.3.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

use axum::http::{HeaderMap, HeaderName};

use super::{Error, FieldError, Result};

/// The header that brings the key.
pub const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// The header that says that an answer is the one of an earlier request.
pub const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// How long a key may be, in characters.
pub const LONGEST: usize = 255;

/// The key of a request, if it has one: a string of RFC 8941 in double quotes, or as most clients send
/// it, bare. Both name the same key.
///
/// # Errors
/// 400 when it is given more than once, empty, too long or not written so.
pub fn key(headers: &HeaderMap) -> Result<Option<String>> {
    let mut values = headers.get_all(KEY).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let refused = |code: &str, detail: String| {
        Err(Error::Parameters(vec![FieldError::parameter("Idempotency-Key", code, detail)]))
    };
    if values.next().is_some() {
        return refused("repeated_parameter", "this header is given more than once".to_owned());
    }
    // Bytes beyond ASCII are taken for a character that no key has.
    let text = String::from_utf8_lossy(value.as_bytes());
    let text = text.trim_matches([' ', '\t']);
    let key = match text.strip_prefix('"') {
        Some(quoted) => quoted.strip_suffix('"').and_then(unescaped),
        None => is_bare(text).then(|| text.to_owned()),
    };
    match key {
        Some(key) if (1..=LONGEST).contains(&key.len()) => Ok(Some(key)),
        Some(_) => refused("length", format!("a key has 1 to {LONGEST} characters")),
        None => {
            let detail = "must be visible ASCII without commas, or a string in double quotes (RFC 8941)";
            refused("format", detail.to_owned())
        }
    }
}

/// Whether `text` can stand without quotes. A comma would mean several keys.
fn is_bare(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b','))
}

/// The string between two quotes.
fn unescaped(quoted: &str) -> Option<String> {
    let mut key = String::with_capacity(quoted.len());
    let mut characters = quoted.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => key.push(characters.next().filter(|next| matches!(next, '"' | '\\'))?),
            ' '..='~' if character != '"' => key.push(character),
            _ => return None,
        }
    }
    Some(key)
}

/// The requests with a key that this process is serving.
#[derive(Clone, Debug, Default)]
pub struct InFlight(Arc<Mutex<HashSet<String>>>);

/// A request that is being served; dropping it ends that.
#[derive(Debug)]
pub struct Flight {
    name: String,
    all: InFlight,
}

impl InFlight {
    /// Begins the flight of `name`; `None` when it is under way already.
    #[must_use]
    pub fn begin(&self, name: String) -> Option<Flight> {
        let is_new = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name.clone());
        is_new.then(|| Flight { name, all: self.clone() })
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.all.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.name);
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn read(values: &[&str]) -> Result<Option<String>> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(KEY, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        key(&headers)
    }

    #[test]
    fn a_key_is_a_string_in_quotes_or_bare() {
        let longest = "k".repeat(LONGEST);
        for (value, expected) in [
            ("8e03978e-40d5-43dd-bc93-6894a57f9324", "8e03978e-40d5-43dd-bc93-6894a57f9324"),
            ("\"8e03978e-40d5\"", "8e03978e-40d5"),
            (" \"two words\" ", "two words"),
            (r#""a \"b\" \\c""#, r#"a "b" \c"#),
            ("a+b/c=;x:1", "a+b/c=;x:1"),
            (&longest, &longest),
            (&format!("\"{longest}\""), &longest),
        ] {
            assert_eq!(read(&[value]).unwrap().as_deref(), Some(expected), "{value}");
        }
        assert_eq!(read(&[]).unwrap(), None);
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let long = "k".repeat(LONGEST + 1);
        let long_in_quotes = format!("\"{long}\"");
        for (value, code) in [
            ("", "length"),
            ("\"\"", "length"),
            (&long, "length"),
            (&long_in_quotes, "length"),
            ("\"", "format"),
            ("\"a", "format"),
            ("\"a\"b\"", "format"),
            ("\"a\\\"", "format"),
            (r#""a\b""#, "format"),
            ("\"a\";b=1", "format"),
            ("a\"b", "format"),
            ("two words", "format"),
            ("a, b", "format"),
            ("a,b", "format"),
            ("\"a\", \"b\"", "format"),
            ("ş", "format"),
            ("a\tb", "format"),
        ] {
            let Err(Error::Parameters(errors)) = read(&[value]) else { panic!("{value} is taken") };
            assert_eq!(errors.first().map(|error| error.code.as_str()), Some(code), "{value}");
            assert_eq!(errors.first().and_then(|error| error.parameter.as_deref()), Some("Idempotency-Key"));
        }
        assert!(read(&["a", "a"]).is_err());
    }

    #[test]
    fn of_two_flights_of_one_name_one_begins() {
        let all = InFlight::default();
        let first = all.begin("a".to_owned()).unwrap();
        assert!(all.begin("a".to_owned()).is_none());
        assert!(all.begin("b".to_owned()).is_some());
        drop(first);
        assert!(all.begin("a".to_owned()).is_some());
    }
}
