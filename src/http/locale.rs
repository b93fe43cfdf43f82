//! Which language an answer is in.
//!
//! Source: RFC 9110, section 12.5.4 (`Accept-Language`); BCP 47.

use axum::http::{HeaderValue, header};

use super::query::Values;
use crate::config::Config;

/// The names of the parameters read here.
pub const NAMES: [&str; 2] = ["locale", "fallback"];

/// The language a caller asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Language {
    /// The language tag, one of those configured.
    pub locale: String,
    /// Whether the caller wants every language at once (`locale=all`).
    pub all: bool,
    /// Whether a text missing in the language is taken from the original.
    pub fallback: bool,
    /// Whether the request's headers were looked at to choose it.
    pub negotiated: bool,
}

/// The languages that an answer is in (RFC 9110, section 8.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served {
    /// Their tags, separated by commas.
    pub tags: String,
    /// Whether the request's headers were looked at to choose them.
    pub negotiated: bool,
}

impl Served {
    /// The one language `locale`, whatever was asked for.
    #[must_use]
    pub fn only(locale: &str) -> Self {
        Self { tags: locale.to_owned(), negotiated: false }
    }
}

impl Language {
    /// Reads `locale` and `fallback`, else `Accept-Language`, else the default.
    pub fn read(values: &mut Values<'_>) -> Self {
        let fallback = values.one_of("fallback", &[("original", true), ("none", false)]);
        let asked = values.get("locale").map(str::to_owned);
        let config = values.config;
        let all = asked.as_deref() == Some("all");
        let negotiated = asked.is_none() || all;
        let locale = match asked {
            Some(locale) if config.locales.contains(&locale) => locale,
            Some(_) if !all => {
                let known = config.locales.join(", ");
                values.refuse("locale", "not_in_list", format!("must be one of: {known}, all"));
                config.default_locale.clone()
            }
            _ => {
                let accepted = accepted(values.headers.get(header::ACCEPT_LANGUAGE), config);
                config.locales.get(accepted).unwrap_or(&config.default_locale).clone()
            }
        };
        Self { locale, all, fallback: fallback.unwrap_or(true), negotiated }
    }

    /// The language `locale`, which nobody had to choose.
    #[must_use]
    pub fn fixed(locale: &str) -> Self {
        Self { locale: locale.to_owned(), all: false, fallback: true, negotiated: false }
    }

    /// What is served to whom asked for this language: texts in `locales`, in this one if there are none.
    pub fn served<'a>(&self, locales: impl IntoIterator<Item = &'a str>) -> Served {
        let mut tags: Vec<&str> = Vec::new();
        for locale in locales {
            if !tags.contains(&locale) {
                tags.push(locale);
            }
        }
        tags.sort_unstable();
        let tags = if tags.is_empty() { self.locale.clone() } else { tags.join(", ") };
        Served { tags, negotiated: self.negotiated }
    }
}

/// Which of the configured languages `Accept-Language` likes best; the default when it likes none.
#[must_use]
pub fn accepted(header: Option<&HeaderValue>, config: &Config) -> usize {
    let default = || config.locales.iter().position(|locale| *locale == config.default_locale);
    let header = header.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut best: Option<(f32, usize)> = None;
    for range in header.split(',').take(20) {
        let mut parts = range.split(';').map(str::trim);
        let tag = parts.next().unwrap_or_default();
        let weight =
            parts.find_map(|part| part.strip_prefix("q=")).map_or(Some(1.0), |text| text.parse::<f32>().ok());
        let Some(weight) = weight.filter(|weight| *weight > 0.0) else { continue };
        if best.is_some_and(|(other, _)| weight <= other) {
            continue;
        }
        let primary = |text: &'_ str| text.split('-').next().unwrap_or_default().len();
        let matches = |locale: &String| {
            let (ours, theirs) = (locale.get(..primary(locale)), tag.get(..primary(tag)));
            tag == "*" || ours.zip(theirs).is_some_and(|(ours, theirs)| ours.eq_ignore_ascii_case(theirs))
        };
        let found =
            if matches(&config.default_locale) { default() } else { config.locales.iter().position(matches) };
        best = found.map(|locale| (weight, locale)).or(best);
    }
    best.map(|(_, locale)| locale).or_else(default).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_liked_configured_language_wins() {
        let config = Config::from_sources("", []).unwrap();
        for (header, expected) in [
            ("", "tr"),
            ("en", "en"),
            ("en-GB,tr;q=0.5", "en"),
            ("de,en;q=0.2,tr;q=0.9", "tr"),
            ("de", "tr"),
            ("*", "tr"),
            ("en;q=0", "tr"),
            ("en;q=abc", "tr"),
        ] {
            let header = HeaderValue::from_static(header);
            assert_eq!(config.locales[accepted(Some(&header), &config)], expected, "{header:?}");
        }
    }
}
