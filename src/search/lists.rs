//! The word lists that come with the program: stop words, suffixes, the synonyms to begin with.

use std::{collections::HashSet, sync::LazyLock};

use serde::Deserialize;

#[derive(Default, Deserialize)]
struct Lists {
    stop_words_tr: HashSet<String>,
    stop_words_en: HashSet<String>,
    suffixes: Vec<String>,
    synonyms: serde_json::Map<String, serde_json::Value>,
}

/// A test holds that the file can be read.
static LISTS: LazyLock<Lists> =
    LazyLock::new(|| serde_json::from_str(include_str!("lists.json")).unwrap_or_default());

/// Suffixes of Turkish nouns, folded, the longest first.
static SUFFIXES: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let mut suffixes: Vec<&str> = LISTS.suffixes.iter().map(String::as_str).collect();
    suffixes.sort_by_key(|suffix| std::cmp::Reverse(suffix.len()));
    suffixes
});

static SYNONYMS: LazyLock<Vec<(String, Vec<String>)>> = LazyLock::new(|| {
    let alternatives = |list: &serde_json::Value| {
        let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
        list.iter().filter_map(|text| text.as_str().map(str::to_owned)).collect()
    };
    LISTS.synonyms.iter().map(|(key, list)| (key.clone(), alternatives(list))).collect()
});

/// Whether the folded word says nothing about what a text is about.
pub fn is_stop_word(exact: &str) -> bool {
    LISTS.stop_words_tr.contains(exact) || LISTS.stop_words_en.contains(exact)
}

/// The suffixes that an unknown word may carry, folded, the longest first.
pub fn suffixes() -> &'static [&'static str] {
    &SUFFIXES
}

/// The synonyms that come with the program: a word or phrase, and what it brings in. Editors replace them.
#[must_use]
pub fn starting_synonyms() -> &'static [(String, Vec<String>)] {
    &SYNONYMS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_there() {
        assert!(is_stop_word("ve") && is_stop_word("the") && !is_stop_word("kadin"));
        assert_eq!(suffixes().first().map(|suffix| suffix.len()), Some(8));
        let (key, alternatives) = &starting_synonyms()[0];
        assert_eq!((key.as_str(), alternatives.len()), ("stk", 2));
    }
}
