//! Words and phrases that bring in others.

use std::collections::HashMap;

use super::analysis::{Purpose, beginning, tokens};

/// From how many letters on a key also stands for longer words that begin with it.
const STEM: usize = 6;
/// The weight of an alternative of one word.
const WORD: f64 = 0.5;
/// The weight of each word of a longer alternative.
const PHRASE_WORD: f64 = 0.35;

/// A table of synonyms, ready to be used.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Synonyms {
    rules: Vec<Rule>,
    /// The rules by the beginning of the first word of their key.
    by_beginning: HashMap<String, Vec<usize>>,
}

#[derive(Clone, Debug, PartialEq)]
struct Rule {
    key: Vec<String>,
    /// What it brings in: folded words, each with its weight.
    words: Vec<(String, f64)>,
}

impl Synonyms {
    /// A table of keys, each a word or a phrase in any spelling, with their alternatives.
    ///
    /// A key brings in its alternatives, not the other way round.
    pub fn new<'a>(table: impl IntoIterator<Item = (&'a str, &'a [String])>) -> Self {
        let mut synonyms = Self::default();
        for (key, alternatives) in table {
            let key = folded(key);
            let Some(first) = key.first() else { continue };
            let first = beginning(first).to_owned();
            let words = alternatives.iter().flat_map(|alternative| {
                let words = folded(alternative);
                let weight = if words.len() == 1 { WORD } else { PHRASE_WORD };
                words.into_iter().map(move |word| (word, weight))
            });
            synonyms.by_beginning.entry(first).or_default().push(synonyms.rules.len());
            synonyms.rules.push(Rule { words: words.collect(), key });
        }
        synonyms
    }

    /// A key as it is compared: its words, folded, a space between two; empty when it has none.
    #[must_use]
    pub fn folded_key(key: &str) -> String {
        folded(key).join(" ")
    }

    /// The table that comes with the program.
    #[cfg(test)]
    pub(super) fn starting() -> &'static Self {
        static STARTING: std::sync::LazyLock<Synonyms> = std::sync::LazyLock::new(|| {
            let starting = super::starting_synonyms().iter();
            Synonyms::new(starting.map(|(key, list)| (key.as_str(), list.as_slice())))
        });
        &STARTING
    }

    /// What the folded words of a query bring in, with weights; in the order of the words.
    pub fn of<'a>(&'a self, words: &'a [&str]) -> impl Iterator<Item = (&'a str, f64)> {
        (0..words.len()).flat_map(move |start| {
            let rules = self.by_beginning.get(beginning(words[start])).map(Vec::as_slice).unwrap_or_default();
            let rules = rules.iter().map(|rule| &self.rules[*rule]);
            let applying = rules.filter(move |rule| rule.applies(&words[start..]));
            applying.flat_map(|rule| rule.words.iter().map(|(word, weight)| (word.as_str(), *weight)))
        })
    }
}

impl Rule {
    /// Whether `words` begin with the key; the last word of the key may be the beginning of a longer one.
    fn applies(&self, words: &[&str]) -> bool {
        let Some((last, others)) = self.key.split_last() else { return false };
        let Some(word) = words.get(others.len()) else { return false };
        let is_stem = last.chars().count() >= STEM && word.starts_with(last.as_str());
        (word == last || is_stem) && others.iter().zip(words).all(|(key, word)| key == word)
    }
}

fn folded(text: &str) -> Vec<String> {
    tokens(text, Purpose::Query).into_iter().map(|token| token.exact).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_bring_in_their_alternatives() {
        let synonyms = Synonyms::starting();
        let of = |words: &[&str]| synonyms.of(words).map(|(word, _)| word.to_owned()).collect::<Vec<_>>();
        assert_eq!(of(&["siginmaevi"]), ["siginak", "konukevi"]);
        assert_eq!(of(&["siginmaevinde"]), ["siginak", "konukevi"], "a long key may be a beginning");
        assert_eq!(of(&["abd"]), [] as [&str; 0], "a short one may not");
        assert_eq!(of(&["avrupa", "birligi", "hibesi"]), ["ab"]);
        assert_eq!(of(&["avrupa", "birliginin"]), ["ab"]);
        assert_eq!(of(&["avrupa"]), [] as [&str; 0]);
        assert_eq!(synonyms.of(&["sdg"]).map(|(_, weight)| weight).collect::<Vec<_>>()[..2], [0.5, 0.35]);
        let own = ["Şiddet".to_owned()];
        let own = Synonyms::new([("TACİZ", own.as_slice()), ("…", &[])]);
        assert_eq!(own.of(&["taciz"]).collect::<Vec<_>>(), [("siddet", 0.5)]);
    }
}
