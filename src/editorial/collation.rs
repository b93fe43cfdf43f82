//! The order that Turkish readers expect: ç after c, ğ after g, ı before i, ö after o, ş after s, ü after
//! u; circumflex and case count only between words that are otherwise the same.
//!
//! All languages are put in this one order: a list may hold titles of several, where one stands in for
//! a missing translation.
//!
//! Source: CLDR, the collation of `tr`, by ICU4X (its data is part of the program).

use std::sync::LazyLock;

use icu_collator::{CollatorBorrowed, options::CollatorOptions};

use super::slug;
use crate::crypto::hexadecimal;

/// How many bytes of a key are kept: enough for the longest title in Latin letters, and few enough for
/// an index of PostgreSQL (2,704 bytes a row) and for a cursor.
const MAX_KEY: usize = 600;

/// What sorts after every key: it is no hexadecimal digit.
pub const LAST: &str = "~";

/// The sort key of `text`, in hexadecimal digits, so that it can be stored, compared by code point and
/// sent on both databases alike.
#[must_use]
pub fn key(text: &str) -> String {
    static TURKISH: LazyLock<Option<CollatorBorrowed<'static>>> = LazyLock::new(|| {
        let preferences = icu_locale_core::locale!("tr").into();
        CollatorBorrowed::try_new(preferences, CollatorOptions::default()).ok()
    });
    let mut key: Vec<u8> = Vec::new();
    match TURKISH.as_ref().map(|collator| collator.write_sort_key_to(text, &mut key)) {
        Some(Ok(())) => {
            key.truncate(MAX_KEY);
            hexadecimal(&key)
        }
        _ => slug::from_title(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_in_turkish_order() {
        let ordered: Vec<&str> = include_str!("../../tests/data/collation.dev.txt").lines().collect();
        assert!(ordered.len() > 50);
        let mut sorted = ordered.clone();
        sorted.reverse();
        sorted.sort_by_key(|name| key(name));
        assert_eq!(sorted, ordered);
    }

    #[test]
    fn titles_that_begin_alike_are_told_apart_at_their_end() {
        let long = "uzun bir başlık ".repeat(17);
        assert!(key(&format!("{long}ç")) > key(&format!("{long}c")));
        assert!(key(&format!("{long}ç")) < key(&format!("{long}d")));
    }

    #[test]
    fn a_key_has_a_bounded_length_and_stands_before_the_last() {
        for text in ["", "ş", "😀", "語", "\u{202e}مرحبا", "\u{10ffff}"] {
            let key = key(&text.repeat(300));
            assert!(key.len() <= 2 * MAX_KEY && key.as_str() < LAST, "{text}");
        }
    }
}
