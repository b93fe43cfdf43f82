//! From text to tokens: one way for what is indexed and for what is asked, in every language.
//!
//! Source: `SEARCH.md`, section 1.

use std::{ops::Range, sync::LazyLock};

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

use super::lists;

/// How many letters of a token its beginning has.
pub const BEGINNING: usize = 5;
/// Longer tokens are cut: nobody types them, and they only make the index large.
const LONGEST: usize = 48;
/// What stands between a name and its suffix, however it is typed.
const APOSTROPHES: [char; 7] = ['\'', '’', '‘', 'ʼ', '`', '´', '＇'];

/// What tokens are made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A text of the index: parts of a hyphenated word are also joined.
    Index,
    /// The words of a query, or of a text that is compared with one.
    Query,
}

/// A folded word and where it stands in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The whole word, folded.
    pub exact: String,
    /// The bytes of the original text that it was made from; a suffix after an apostrophe is left out.
    pub range: Range<usize>,
}

impl Token {
    /// The first letters of the word.
    #[must_use]
    pub fn beginning(&self) -> &str {
        beginning(&self.exact)
    }
}

/// The first five letters of a folded word; a word with a digit stays whole.
#[must_use]
pub fn beginning(exact: &str) -> &str {
    if exact.contains(|letter: char| letter.is_numeric()) {
        return exact;
    }
    exact.char_indices().nth(BEGINNING).map_or(exact, |(end, _)| &exact[..end])
}

/// Lower case for Turkish and all other texts alike: İ, I, ı and i are one letter.
pub fn lower_case(text: &str) -> impl Iterator<Item = char> {
    text.chars().flat_map(|letter| {
        let dotted = matches!(letter, 'İ' | 'I' | 'ı');
        let other = (!dotted).then(|| letter.to_lowercase());
        dotted.then_some('i').into_iter().chain(other.into_iter().flatten())
    })
}

/// `text` in lower case without diacritics: `İstanbul Straße` becomes `istanbul strasse`.
#[must_use]
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let composed: String = text.nfkc().collect();
    let plain: String = lower_case(&composed).collect();
    let mut folded = String::with_capacity(plain.len());
    for letter in plain.nfkd().filter(|letter| !is_combining_mark(*letter)) {
        match letter {
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'ø' => folded.push('o'),
            'ł' => folded.push('l'),
            'đ' => folded.push('d'),
            'ı' => folded.push('i'),
            other => folded.push(other),
        }
    }
    folded
}

/// The tokens of `text`: first those that stand in it, then those made by joining.
///
/// Stop words are left out, unless there is nothing else.
#[must_use]
pub fn tokens(text: &str, purpose: Purpose) -> Vec<Token> {
    let words = words(text);
    let mut made: Vec<Token> = words.iter().map(|word| word.token.clone()).collect();
    made.extend(numbers(&words, text));
    if purpose == Purpose::Index {
        made.extend(joined(&words));
    }
    let (kept, stopped): (Vec<Token>, Vec<Token>) =
        made.into_iter().partition(|token| !lists::is_stop_word(&token.exact));
    if kept.is_empty() { stopped } else { kept }
}

/// The words of `text`, folded, stop words too, a space between two: what beginnings are compared with.
#[must_use]
pub fn phrase(text: &str) -> String {
    let words: Vec<String> = words(text).into_iter().map(|word| word.token.exact).collect();
    words.join(" ")
}

/// A word, and what stands between it and the one before it.
struct Word {
    token: Token,
    /// Where the word ends, with a suffix that was cut.
    end: usize,
    link: Link,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Link {
    /// Space, or anything else that parts words.
    None,
    Hyphen,
    /// A full stop or comma, as within a number.
    Point,
}

/// A piece of text that folds as one: a character and the marks on it.
struct Piece<'a> {
    text: &'a str,
    start: usize,
    folded: Folded,
}

/// Folded text; nearly always one letter, which needs no memory of its own.
enum Folded {
    Letter(char),
    Text(String),
}

impl Folded {
    fn new(piece: &str) -> Self {
        /// The Latin letters that fold to one letter, by code point.
        static LATIN: LazyLock<Vec<Option<char>>> = LazyLock::new(|| {
            let single = |code: u32| {
                let folded = fold(char::from_u32(code)?.encode_utf8(&mut [0; 4]));
                let mut letters = folded.chars();
                letters.next().filter(|_| letters.next().is_none())
            };
            (0..0x250).map(single).collect()
        });
        let mut letters = piece.chars();
        if let (Some(letter), None) = (letters.next(), letters.next())
            && let Some(Some(folded)) = LATIN.get(letter as usize)
        {
            return Self::Letter(*folded);
        }
        Self::Text(fold(piece))
    }

    fn is_word(&self) -> bool {
        match self {
            Self::Letter(letter) => letter.is_alphanumeric(),
            Self::Text(text) => !text.is_empty() && text.chars().all(char::is_alphanumeric),
        }
    }

    fn push_to(&self, word: &mut String) {
        match self {
            Self::Letter(letter) => word.push(*letter),
            Self::Text(text) => word.push_str(text),
        }
    }
}

impl Piece<'_> {
    fn is_word(&self) -> bool {
        self.folded.is_word() && !self.is_apostrophe()
    }

    fn is_apostrophe(&self) -> bool {
        self.text.starts_with(APOSTROPHES)
    }

    /// Whether nobody sees it: a soft hyphen, a joiner.
    fn is_invisible(&self) -> bool {
        matches!(self.text, "\u{ad}" | "\u{200c}" | "\u{200d}" | "\u{2060}" | "\u{feff}")
    }

    fn end(&self) -> usize {
        self.start + self.text.len()
    }
}

fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut letters = text.char_indices().peekable();
    std::iter::from_fn(move || {
        let (start, letter) = letters.next()?;
        let mut end = start + letter.len_utf8();
        while let Some((at, mark)) = letters.next_if(|(_, next)| is_combining_mark(*next)) {
            end = at + mark.len_utf8();
        }
        let text = &text[start..end];
        Some(Piece { text, start, folded: Folded::new(text) })
    })
    .filter(|piece| !piece.is_invisible())
}

/// The words of `text` in order, suffixes after apostrophes cut.
fn words(text: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let mut pieces = pieces(text).peekable();
    let mut between = String::new();
    while let Some(piece) = pieces.next() {
        if !piece.is_word() {
            between.push_str(piece.text);
            continue;
        }
        let mut exact = String::new();
        piece.folded.push_to(&mut exact);
        let mut range = piece.start..piece.end();
        let mut letters = 1;
        let mut end = range.end;
        let mut cut = false;
        loop {
            if let Some(next) = pieces.next_if(Piece::is_word) {
                end = next.end();
                if !cut {
                    next.folded.push_to(&mut exact);
                    range.end = end;
                    letters += 1;
                }
                continue;
            }
            let Some(mark) = pieces.next_if(Piece::is_apostrophe) else { break };
            if !pieces.peek().is_some_and(Piece::is_word) {
                mark.text.clone_into(&mut between);
                break;
            }
            // One letter before the mark is no word (O'nun): the two belong together.
            cut = cut || letters > 1;
        }
        let link = match between.as_str() {
            "-" | "\u{2010}" | "\u{2011}" => Link::Hyphen,
            "." | "," => Link::Point,
            _ => Link::None,
        };
        between.clear();
        if let Some((cut, _)) = exact.char_indices().nth(LONGEST) {
            exact.truncate(cut);
        }
        words.push(Word { token: Token { exact, range }, end, link });
    }
    words
}

/// The runs of neighbours that `linked` holds together, two or more words each.
fn runs(words: &[Word], linked: impl Fn(&Word, &Word) -> bool) -> impl Iterator<Item = &[Word]> {
    words.chunk_by(linked).filter(|run| run.len() > 1)
}

/// `5.2` beside `5` and `2`.
fn numbers(words: &[Word], text: &str) -> Vec<Token> {
    let is_number = |word: &Word| word.token.exact.chars().all(char::is_numeric);
    runs(words, |one, next| next.link == Link::Point && is_number(one) && is_number(next))
        .filter_map(|run| spanning(run, |range| fold(&text[range])))
        .collect()
}

/// `antimilitarist` beside `anti` and `militarist`.
fn joined(words: &[Word]) -> Vec<Token> {
    let is_word = |word: &Word| word.token.exact.chars().all(char::is_alphabetic);
    runs(words, |one, next| next.link == Link::Hyphen && is_word(one) && is_word(next))
        .filter_map(|run| spanning(run, |_| run.iter().map(|word| word.token.exact.as_str()).collect()))
        .collect()
}

/// One token for all of `run`; none when it is too long to be a word.
fn spanning(run: &[Word], exact: impl FnOnce(Range<usize>) -> String) -> Option<Token> {
    let (first, last) = (run.first()?, run.last()?);
    let range = first.token.range.start..last.token.range.end.max(first.end);
    let exact = exact(range.clone());
    (exact.chars().count() <= LONGEST).then_some(Token { exact, range })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_those_of_the_specification() {
        let table = include_str!("../../tests/data/search/analysis.dev.tsv");
        for line in table.lines().skip(1) {
            let [text, exact, beginnings] = line.split('\t').collect::<Vec<_>>()[..] else {
                panic!("three columns: {line}");
            };
            let tokens = tokens(text, Purpose::Index);
            let made: Vec<&str> = tokens.iter().map(|token| token.exact.as_str()).collect();
            assert_eq!(made.join(" "), exact, "{text}");
            let made: Vec<&str> = tokens.iter().map(Token::beginning).collect();
            assert_eq!(made.join(" "), beginnings, "{text}");
        }
    }

    #[test]
    fn every_spelling_of_a_word_is_one_token() {
        let exact = |text: &str| {
            tokens(text, Purpose::Query).into_iter().map(|token| token.exact).collect::<Vec<_>>()
        };
        for text in ["İSTANBUL", "ISTANBUL", "ıstanbul", "I\u{307}stanbul", "i\u{307}stanbul", "İSTANBUL’un"]
        {
            assert_eq!(exact(text), ["istanbul"], "{text}");
        }
        for text in ["sığınmaevi", "SIĞINMAEVİ", "siginmaevi", "si\u{ad}ğınmaevi", "sıg\u{306}ınmaevi"]
        {
            assert_eq!(exact(text), ["siginmaevi"], "{text}");
        }
        assert_eq!(exact("Ｋadın ² ℡"), ["kadin", "2", "tel"]);
        assert_eq!(exact("O'nun O’NUN"), ["onun", "onun"], "nothing but stop words");
    }

    #[test]
    fn ranges_lie_in_the_original_text() {
        let text = "«I\u{307}zmir’deki» sığınma-evleri: 5.2 ﬁnans!";
        let found: Vec<(String, &str)> =
            tokens(text, Purpose::Index).into_iter().map(|token| (token.exact, &text[token.range])).collect();
        let expected = [
            ("izmir", "I\u{307}zmir"),
            ("siginma", "sığınma"),
            ("evleri", "evleri"),
            ("5", "5"),
            ("2", "2"),
            ("finans", "ﬁnans"),
            ("5.2", "5.2"),
            ("siginmaevleri", "sığınma-evleri"),
        ];
        assert_eq!(found, expected.map(|(exact, text)| (exact.to_owned(), text)));
    }

    #[test]
    fn any_text_at_all_is_analysed() {
        for text in
            ["", "\0", "'", "'''", "a'", "\u{301}", "\u{202e}\u{200f}", "🏳️‍🌈", "*", "…—–", "نساء", "妇女权利"]
        {
            for token in tokens(text, Purpose::Index) {
                assert!(!token.exact.is_empty() && !text[token.range].is_empty());
            }
        }
        assert_eq!(tokens(&"x".repeat(10_000), Purpose::Query)[0].exact.len(), LONGEST);
        assert!(
            tokens(&"a-".repeat(10_000), Purpose::Index).iter().all(|token| token.exact.len() <= LONGEST)
        );
    }
}
