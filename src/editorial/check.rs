//! Rules that a schema cannot say and several kinds share. Each adds what is wrong, and where.

use std::collections::HashSet;

use chrono::NaiveDate;

use super::{
    draft::{Credit, Draft, Identifier},
    kind::{Agents, Kind},
    values::Multilingual,
};
use crate::{entity::vocabulary::IdentifierScheme, http::FieldError};

/// Checks what all kinds share.
pub fn common<K: Kind>(draft: &Draft<K>, locales: &[String], errors: &mut Vec<FieldError>) {
    let mut refuse = |pointer: String, code: &str, detail: &str| {
        errors.push(FieldError::at(pointer, code, detail));
    };
    let common = &draft.common;
    if common.slug.as_deref().is_some_and(|slug| !crate::http::extract::is_slug(slug)) {
        refuse("/slug".to_owned(), "pattern", "a slug is words of a-z and 0-9 joined by hyphens, and no id");
    }
    if !locales.contains(&common.original_locale) {
        let detail = format!("must be one of: {}", locales.join(", "));
        refuse("/original_locale".to_owned(), "not_in_list", &detail);
    }
    for locale in draft.translations.keys().filter(|locale| !locales.contains(locale)) {
        let detail = format!("this is not a configured language; they are: {}", locales.join(", "));
        refuse(format!("/translations/{}", crate::http::json::escaped(locale)), "not_in_list", &detail);
    }
    if K::TITLE.is_some() && draft.original().is_none() && locales.contains(&common.original_locale) {
        let pointer = format!("/translations/{}", common.original_locale);
        refuse(pointer, "required", "the texts in the original language are needed");
    }
    if let Some(url) = common.source.as_ref().and_then(|source| source.url.as_deref()) {
        web_address(url, "/source/url", errors);
    }
    no_repeats(&common.topics, "/topics", errors);
    no_repeats(&common.identifiers, "/identifiers", errors);
    for (index, identifier) in common.identifiers.iter().enumerate() {
        if let Some(wanted) = misformed(identifier) {
            let pointer = format!("/identifiers/{index}/value");
            errors.push(FieldError::at(pointer, "format", format!("wanted: {wanted}")));
        }
    }
    credits::<K>(&draft.credits, errors);
    for field in K::LINKS.iter().filter(|field| field.many) {
        let targets: Vec<&str> = draft.targets(field.name).collect();
        no_repeats(&targets, &format!("/{}", field.name), errors);
    }
    K::check(draft, errors);
}

fn credits<K: Kind>(credits: &[Credit], errors: &mut Vec<FieldError>) {
    for field in K::CREDITS {
        for (index, credit) in credits.iter().filter(|credit| credit.field == field.name).enumerate() {
            let pointer = format!("/{}/{index}", field.name);
            let mut refuse = |code: &str, detail: &str| {
                errors.push(FieldError::at(pointer.clone(), code, detail));
            };
            if credit.name.is_none() && credit.person.is_none() && credit.partner.is_none() {
                refuse("required", "name, person or partner is needed");
            }
            if credit.person.is_some() && credit.partner.is_some() {
                refuse("contradiction", "person and partner exclude each other");
            }
            if field.agents == Agents::People && credit.partner.is_some() {
                refuse("not_in_list", "only people stand here");
            }
            if field.agents == Agents::Partners && credit.person.is_some() {
                refuse("not_in_list", "only partners stand here");
            }
        }
    }
}

/// Refuses items that stand twice in a list.
pub fn no_repeats<T: Eq + std::hash::Hash>(items: &[T], pointer: &str, errors: &mut Vec<FieldError>) {
    let mut seen = HashSet::new();
    for (index, item) in items.iter().enumerate() {
        if !seen.insert(item) {
            errors.push(FieldError::at(format!("{pointer}/{index}"), "repeated", "this stands here twice"));
        }
    }
}

/// Refuses what is not a web address.
pub fn web_address(text: &str, pointer: &str, errors: &mut Vec<FieldError>) {
    // The parser forgives a missing `//`, as browsers do.
    let good = text.contains("://")
        && url::Url::parse(text).is_ok_and(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.has_host()
                && url.username().is_empty()
                && url.password().is_none()
        });
    if !good {
        let detail = "wanted: an absolute http or https address without a password";
        errors.push(FieldError::at(pointer, "format", detail));
    }
}

/// Refuses an optional text that is not a web address.
pub fn optional_web_address(text: Option<&String>, pointer: &str, errors: &mut Vec<FieldError>) {
    if let Some(text) = text {
        web_address(text, pointer, errors);
    }
}

/// Refuses an end before its start. Both may be left open.
pub fn in_order<T: PartialOrd>(
    start: Option<&T>,
    end: Option<&T>,
    pointer: &str,
    errors: &mut Vec<FieldError>,
) {
    if let (Some(start), Some(end)) = (start, end)
        && end < start
    {
        errors.push(FieldError::at(pointer, "out_of_range", "the end is before the start"));
    }
}

/// Refuses a date that may leave out day or month (`YYYY`, `YYYY-MM`, `YYYY-MM-DD`) but is none.
pub fn partial_date(text: Option<&String>, pointer: &str, errors: &mut Vec<FieldError>) {
    let Some(text) = text else { return };
    let full = format!("{text}{}", "-01-01".get(text.len().saturating_sub(4)..).unwrap_or_default());
    let good = matches!(text.len(), 4 | 7 | 10) && full.parse::<NaiveDate>().is_ok();
    if !good {
        errors.push(FieldError::at(pointer, "format", "wanted: a date as YYYY, YYYY-MM or YYYY-MM-DD"));
    }
}

/// Refuses languages that are not BCP 47 tags, or stand twice.
pub fn languages(languages: &[String], pointer: &str, errors: &mut Vec<FieldError>) {
    no_repeats(languages, pointer, errors);
    for (index, language) in languages.iter().enumerate() {
        if language.parse::<icu_locale_core::LanguageIdentifier>().is_err() {
            let pointer = format!("{pointer}/{index}");
            errors.push(FieldError::at(pointer, "format", "wanted: a BCP 47 language tag"));
        }
    }
}

/// Refuses a text in several languages that is in none, in what is no language, or too long.
pub fn multilingual(text: &Multilingual, pointer: &str, errors: &mut Vec<FieldError>) {
    if text.is_empty() {
        errors.push(FieldError::at(pointer, "required", "a text in at least one language is needed"));
    }
    for (language, text) in text {
        let pointer = format!("{pointer}/{}", crate::http::json::escaped(language));
        if language.parse::<icu_locale_core::LanguageIdentifier>().is_err() {
            errors.push(FieldError::at(pointer, "format", "wanted: a BCP 47 language tag"));
        } else if text.trim().is_empty() || text.chars().count() > 1000 {
            errors.push(FieldError::at(pointer, "too_long", "wanted: a text of 1 to 1000 characters"));
        }
    }
}

/// Refuses shares of a whole that stand twice or add up to more than the whole.
pub fn shares<'a>(
    shares: impl Iterator<Item = (&'a str, Option<f64>)>,
    pointer: &str,
    errors: &mut Vec<FieldError>,
) {
    let (names, parts): (Vec<_>, Vec<_>) = shares.unzip();
    no_repeats(&names, pointer, errors);
    // A hundredth of a percent of rounding is forgiven.
    if parts.iter().flatten().sum::<f64>() > 100.01 {
        errors.push(FieldError::at(pointer, "out_of_range", "the percentages add up to more than 100"));
    }
}

/// What an identifier of its scheme looks like, when `identifier` does not.
fn misformed(identifier: &Identifier) -> Option<&'static str> {
    let value = identifier.value.as_str();
    let (good, wanted) = match identifier.scheme {
        IdentifierScheme::Doi => (is_doi(value), "a DOI in lower case, such as 10.5555/abc"),
        IdentifierScheme::Isbn => (is_isbn(value), "an ISBN with a right check digit"),
        IdentifierScheme::Issn => (is_issn(value), "an ISSN such as 1234-5679 with a right check digit"),
        IdentifierScheme::Orcid => {
            (is_orcid(value), "an ORCID iD such as 0000-0002-1825-0097 with a right check digit")
        }
        IdentifierScheme::Ror => (is_ror(value), "a ROR id such as 05dxps055"),
        IdentifierScheme::OrgId | IdentifierScheme::Iati => (
            value.contains('-') && !value.contains(['/', '&', '|', '?']),
            "an identifier that begins with its list's code and holds none of / & | ?",
        ),
        IdentifierScheme::Wikidata => (
            value
                .strip_prefix('Q')
                .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())),
            "a Wikidata item such as Q42",
        ),
        IdentifierScheme::Urn => (
            value.to_ascii_lowercase().starts_with("urn:") && value.matches(':').count() >= 2,
            "a URN such as urn:nbn:tr:42",
        ),
        IdentifierScheme::Oai => (
            value.starts_with("oai:") && value.matches(':').count() >= 2,
            "an OAI identifier such as oai:example.org:42",
        ),
        IdentifierScheme::Handle => (
            value.split_once('/').is_some_and(|(prefix, rest)| !prefix.is_empty() && !rest.is_empty()),
            "a handle such as 20.500.12345/42",
        ),
        IdentifierScheme::Url => {
            let mut errors = Vec::new();
            web_address(value, "", &mut errors);
            (errors.is_empty(), "an absolute http or https address")
        }
    };
    (!good).then_some(wanted)
}

/// Source: ISO 26324; Crossref's pattern.
fn is_doi(value: &str) -> bool {
    let rest = value.strip_prefix("10.").and_then(|rest| rest.split_once('/'));
    rest.is_some_and(|(registrant, suffix)| {
        (4..=9).contains(&registrant.len())
            && registrant.bytes().all(|byte| byte.is_ascii_digit())
            && !suffix.is_empty()
            && !suffix.contains(char::is_whitespace)
            && !suffix.bytes().any(|byte| byte.is_ascii_uppercase())
    })
}

/// Source: ISO 2108; hyphens may stand anywhere.
fn is_isbn(value: &str) -> bool {
    let digits: Vec<char> = value.chars().filter(|letter| *letter != '-').collect();
    let number = |letter: &char| letter.to_digit(10);
    match digits.len() {
        13 => {
            let sum: Option<u32> = digits
                .iter()
                .enumerate()
                .map(|(index, letter)| Some(number(letter)? * if index % 2 == 0 { 1 } else { 3 }))
                .sum();
            sum.is_some_and(|sum| sum % 10 == 0)
        }
        10 => is_mod_11(&digits, 10),
        _ => false,
    }
}

/// Source: ISO 3297.
fn is_issn(value: &str) -> bool {
    let digits: Vec<char> = value.chars().filter(|letter| *letter != '-').collect();
    value.len() == 9 && value.chars().nth(4) == Some('-') && digits.len() == 8 && is_mod_11(&digits, 8)
}

/// The weighted sum from `weight` down to 1, the last digit perhaps an X for ten.
fn is_mod_11(digits: &[char], weight: u32) -> bool {
    let last = digits.len() - 1;
    let value = |index: usize, letter: &char| match letter {
        'X' if index == last => Some(10),
        other => other.to_digit(10),
    };
    let sum: Option<u32> = digits
        .iter()
        .zip((1..=weight).rev())
        .enumerate()
        .map(|(index, (letter, weight))| Some(value(index, letter)? * weight))
        .sum();
    sum.is_some_and(|sum| sum % 11 == 0)
}

/// Source: ISO 7064, MOD 11-2.
fn is_orcid(value: &str) -> bool {
    let groups = value.len() == 19 && value.split('-').all(|group| group.len() == 4);
    let digits: Vec<char> = value.chars().filter(|letter| *letter != '-').collect();
    let Some((check, body)) = digits.split_last() else { return false };
    let total = body.iter().try_fold(0_u32, |total, letter| Some((total + letter.to_digit(10)?) * 2 % 11));
    let expected = total.map(|total| (12 - total) % 11);
    let given = if *check == 'X' { Some(10) } else { check.to_digit(10) };
    groups && given.is_some() && given == expected
}

/// Source: the ROR identifier pattern.
fn is_ror(value: &str) -> bool {
    value.len() == 9
        && value.starts_with('0')
        && value.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        && value.bytes().skip(7).all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_known_by_their_form_and_check_digit() {
        use IdentifierScheme as S;
        for (scheme, value, good) in [
            (S::Doi, "10.5555/sogep.1", true),
            (S::Doi, "10.5555/SOGEP", false),
            (S::Doi, "https://doi.org/10.5555/x", false),
            (S::Isbn, "978-3-16-148410-0", true),
            (S::Isbn, "978-3-16-148410-1", false),
            (S::Isbn, "080442957X", true),
            (S::Issn, "2049-3630", true),
            (S::Issn, "2049-3631", false),
            (S::Orcid, "0000-0002-1825-0097", true),
            (S::Orcid, "0000-0002-1694-233X", true),
            (S::Orcid, "0000-0002-1825-0098", false),
            (S::Ror, "05dxps055", true),
            (S::Ror, "5dxps0555", false),
            (S::OrgId, "TR-MOI-34-123-456", true),
            (S::OrgId, "TR-MOI-34/123", false),
            (S::Wikidata, "Q42", true),
            (S::Wikidata, "42", false),
            (S::Url, "https://example.org/x", true),
            (S::Url, "javascript:alert(1)", false),
        ] {
            let identifier = Identifier { scheme, value: value.to_owned() };
            assert_eq!(misformed(&identifier).is_none(), good, "{value}");
        }
    }

    #[test]
    fn a_date_may_leave_out_its_day_and_month() {
        for (text, good) in [
            ("2024", true),
            ("2024-02", true),
            ("2024-02-29", true),
            ("2023-02-29", false),
            ("2024-13", false),
            ("24", false),
            ("2024-2", false),
            ("2024-02-29T", false),
            ("", false),
        ] {
            let mut errors = Vec::new();
            partial_date(Some(&text.to_owned()), "/issued", &mut errors);
            assert_eq!(errors.is_empty(), good, "{text}");
        }
    }
}
