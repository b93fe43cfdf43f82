//! Which words of a text answer a query, and which passage of it shows them best.

use std::{collections::HashSet, ops::Range};

use super::analysis::{Purpose, Token, tokens};

/// The terms that a query looked up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matched {
    /// Whole words, folded.
    pub words: HashSet<String>,
    /// First letters of words, folded.
    pub beginnings: HashSet<String>,
}

impl Matched {
    fn has(&self, token: &Token) -> bool {
        self.words.contains(&token.exact) || self.beginnings.contains(token.beginning())
    }
}

/// The words of `text` that answer the query, in bytes of `text`; in order, apart from each other.
///
/// Addresses of links and HTML tags are no words.
#[must_use]
pub fn highlight(text: &str, matched: &Matched) -> Vec<Range<usize>> {
    let markup = markup(text);
    let mut found: Vec<Range<usize>> = tokens(text, Purpose::Index)
        .into_iter()
        .filter(|token| matched.has(token))
        .map(|token| token.range)
        .filter(|range| !markup.iter().any(|part| part.start < range.end && range.start < part.end))
        .collect();
    found.sort_unstable_by_key(|range| (range.start, std::cmp::Reverse(range.end)));
    let mut apart: Vec<Range<usize>> = Vec::with_capacity(found.len());
    for range in found {
        if apart.last().is_none_or(|last| last.end <= range.start) {
            apart.push(range);
        }
    }
    apart
}

/// The passage of about `characters` characters that answers the query best: where the most different
/// terms meet, the earliest of such passages. It begins and ends at words.
#[must_use]
pub fn snippet(text: &str, matched: &Matched, characters: usize) -> Range<usize> {
    let marks = highlight(text, matched);
    let middle = best_group(text, &marks, characters);
    let length = text[middle.clone()].chars().count();
    let before = characters.saturating_sub(length) / 3;
    let start = back(text, middle.start, before);
    let rest = characters.saturating_sub(text[start..middle.end].chars().count());
    let end = forward(text, middle.end, rest);
    // Near the end of the text there is room in front.
    let spare = characters.saturating_sub(text[start..end].chars().count());
    let start = if end == text.len() { back(text, start, spare) } else { start };
    let passage = &text[start..end];
    let start = start + (passage.len() - passage.trim_start().len());
    start..start + passage.trim().len()
}

/// From the first to the last of the marks within a window of `characters` that are worth the most.
fn best_group(text: &str, marks: &[Range<usize>], characters: usize) -> Range<usize> {
    let mut best = (0, 0..0);
    for (index, first) in marks.iter().enumerate() {
        let end = text[first.start..]
            .char_indices()
            .nth(characters)
            .map_or(text.len(), |(offset, _)| first.start + offset);
        let within = || marks[index..].iter().take_while(|mark| mark.end <= end);
        let distinct: HashSet<String> =
            within().map(|mark| super::analysis::fold(&text[mark.clone()])).collect();
        if distinct.len() > best.0 {
            let last = within().last().map_or(first.end, |mark| mark.end);
            best = (distinct.len(), first.start..last);
        }
    }
    best.1
}

/// `from`, or up to `characters` before it, where a word begins.
fn back(text: &str, from: usize, characters: usize) -> usize {
    let head = &text[..from];
    let Some((reach, _)) = head.char_indices().rev().take(characters).last() else { return from };
    if reach == 0 {
        return 0;
    }
    let space = text[reach..from].find(char::is_whitespace);
    space.map_or(from, |offset| reach + offset)
}

/// `from`, or up to `characters` after it, where a word ends.
fn forward(text: &str, from: usize, characters: usize) -> usize {
    let tail = &text[from..];
    let Some((reach, _)) = tail.char_indices().nth(characters) else { return text.len() };
    let reach = from + reach;
    if text[reach..].starts_with(char::is_whitespace) {
        return reach;
    }
    text[from..reach].rfind(char::is_whitespace).map_or(
        // One long word: cut it rather than show nothing.
        if from == 0 { reach } else { from },
        |offset| from + offset,
    )
}

/// The parts of a Markdown text that are not read as words: addresses of links and pictures, tags, bare
/// addresses.
fn markup(text: &str) -> Vec<Range<usize>> {
    let mut parts: Vec<Range<usize>> = Vec::new();
    let mut at = 0;
    while let Some(letter) = text[at..].chars().next() {
        let rest = &text[at..];
        let length = match letter {
            ']' => link_target(rest),
            '<' => tag(rest),
            'h' if rest.starts_with("http://") || rest.starts_with("https://") => {
                Some(rest.find(|letter: char| letter.is_whitespace() || matches!(letter, ')' | '>' | '"')))
                    .map(|end| end.unwrap_or(rest.len()))
            }
            _ => None,
        };
        if let Some(length) = length {
            parts.push(at..at + length);
            at += length;
        } else {
            at += letter.len_utf8();
        }
    }
    parts
}

/// How long `](address)` or `][name]` is.
fn link_target(text: &str) -> Option<usize> {
    let close = match text.as_bytes().get(1)? {
        b'(' => ')',
        b'[' => ']',
        _ => return None,
    };
    let end = text[2..].find([close, '\n'])? + 2;
    text[end..].starts_with(close).then_some(end + 1)
}

/// How long a tag or `<address>` is; a mere "less than" is none.
fn tag(text: &str) -> Option<usize> {
    let is_tag = text[1..].starts_with(|letter: char| letter.is_ascii_alphabetic() || "/!?".contains(letter));
    let end = text.find('>').filter(|_| is_tag)?;
    (!text[1..end].contains('<')).then_some(end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matched(words: &[&str], beginnings: &[&str]) -> Matched {
        let set = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        Matched { words: set(words), beginnings: set(beginnings) }
    }

    fn marked(text: &str, matched: &Matched) -> Vec<String> {
        highlight(text, matched).into_iter().map(|range| text[range].to_owned()).collect()
    }

    #[test]
    fn words_are_marked_in_the_original_text() {
        let matched = matched(&["izmir"], &["sigin", "antim"]);
        let text = "İZMİR’deki Sığınmaevleri; SIĞINAK, anti-militarist";
        assert_eq!(marked(text, &matched), ["İZMİR", "Sığınmaevleri", "SIĞINAK", "anti-militarist"]);
    }

    #[test]
    fn markup_is_never_marked() {
        let matched = matched(&["kadin"], &[]);
        for (text, count) in [
            ("[kadın](https://a.example/kadin) kadın", 2),
            ("<b class=\"kadin\">kadın</b>", 1),
            ("<kadin> 3 < kadın", 1),
            ("![kadın](kadin.png \"kadın\")", 1),
            ("https://kadin.example/kadin kadın", 1),
            ("[kadın][kadin]", 1),
            ("] ( kadın", 1),
            ("](kadın", 1),
        ] {
            assert_eq!(marked(text, &matched).len(), count, "{text}");
        }
    }

    #[test]
    fn the_best_passage_is_shown() {
        let matched = matched(&["baris", "kadin"], &[]);
        let text = format!("{}Kadın ve barış. {}", "kadın söz ".repeat(50), "son ".repeat(100));
        let range = snippet(&text, &matched, 100);
        let passage = &text[range];
        assert!(passage.contains("Kadın ve barış."), "{passage}");
        assert!((60..=100).contains(&passage.chars().count()), "{passage}");
        assert_eq!(snippet("kısa", &matched, 100), 0..5);
        assert_eq!(snippet("", &matched, 100), 0..0);
        assert_eq!(&"bir iki üç dört"[snippet("bir iki üç dört", &matched, 8)], "bir iki");
        let end = format!("{} barış", "söz ".repeat(100));
        assert!(end[snippet(&end, &matched, 50)].chars().count() > 40);
        assert_eq!(snippet(&"x".repeat(500), &matched, 50), 0..50);
    }
}
