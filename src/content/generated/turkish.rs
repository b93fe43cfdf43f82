//! Turkish sentences from words: their endings follow the last vowel.

use super::{
    dice::{Dice, Ranks},
    words::{DETAILS, MATTERS, PLACES, SENTENCES, SUBJECTS},
};

/// How long the abstract of a publication gets at least, in letters.
const LONG: usize = 560;

/// Makes texts of the words, some of which are more frequent than others.
#[derive(Clone, Debug)]
pub struct Writer {
    subjects: Ranks,
    details: Ranks,
}

impl Writer {
    pub fn new() -> Self {
        let details = MATTERS.len() + DETAILS.len();
        Self { subjects: Ranks::new(SUBJECTS.len() as u64, 2), details: Ranks::new(details as u64, 8) }
    }

    /// A subject and what of theirs: `kadın emeği`.
    pub fn phrase(&self, dice: &mut Dice) -> String {
        let subject = nth(SUBJECTS.iter(), dice.ranked(&self.subjects));
        let detail = nth(MATTERS.iter().chain(&DETAILS), dice.ranked(&self.details));
        format!("{subject} {detail}")
    }

    /// Sentences, some 600 letters of them.
    pub fn summary(&self, dice: &mut Dice) -> String {
        let mut text = String::with_capacity(2 * LONG);
        let mut letters = 0;
        while letters < LONG {
            let sentence = self.sentence(dice);
            letters += sentence.chars().count() + 1;
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(&sentence);
        }
        text
    }

    /// A sentence.
    pub fn sentence(&self, dice: &mut Dice) -> String {
        let mut sentence = String::new();
        for part in dice.one(&SENTENCES).split(['{', '}']) {
            match part {
                "m" => sentence.push_str(&self.phrase(dice)),
                "n" | "g" | "l" | "a" | "d" => sentence.push_str(&inflected(&self.phrase(dice), part)),
                "p" => sentence.push_str(dice.one(&PLACES)),
                "#" => sentence.push_str(&(3 + dice.below(60)).to_string()),
                _ => sentence.push_str(part),
            }
        }
        capitalised(&sentence)
    }
}

fn nth<'a>(mut words: impl Iterator<Item = &'a &'static str>, index: u64) -> &'static str {
    usize::try_from(index).ok().and_then(|index| words.nth(index)).copied().unwrap_or_default()
}

/// `phrase`, which ends in the vowel of the third person, in the case that `case` names in the sentences.
fn inflected(phrase: &str, case: &str) -> String {
    let last = phrase.chars().rev().find(|letter| "aıouâûeiöüî".contains(*letter)).unwrap_or('e');
    let (wide, narrow) = match last {
        'a' | 'ı' | 'â' => ('a', 'ı'),
        'o' | 'u' | 'û' => ('a', 'u'),
        'ö' | 'ü' => ('e', 'ü'),
        _ => ('e', 'i'),
    };
    match case {
        "n" => format!("{phrase}n{narrow}"),
        "g" => format!("{phrase}n{narrow}n"),
        "l" => format!("{phrase}nd{wide}"),
        "a" => format!("{phrase}nd{wide}n"),
        _ => format!("{phrase}n{wide}"),
    }
}

/// `text` with a capital at its beginning: of i it is İ, of ı it is I.
pub fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    let Some(first) = letters.next() else { return String::new() };
    let first = if first == 'i' { "İ".to_owned() } else { first.to_uppercase().collect() };
    format!("{first}{}", letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::{capitalised, inflected};

    #[test]
    fn endings_follow_the_last_vowel() {
        let cases = [
            ("kadın emeği", "n", "kadın emeğini"),
            ("işçi hakları", "g", "işçi haklarının"),
            ("köylü ücreti", "l", "köylü ücretinde"),
            ("kent yoksulluğu", "a", "kent yoksulluğundan"),
            ("genç özgürlüğü", "n", "genç özgürlüğünü"),
            ("ülke hukuku", "d", "ülke hukukuna"),
        ];
        for (phrase, case, wanted) in cases {
            assert_eq!(inflected(phrase, case), wanted);
        }
    }

    #[test]
    fn capitals_are_turkish() {
        assert_eq!(capitalised("işçi hakları"), "İşçi hakları");
        assert_eq!(capitalised("ırmak yolu"), "Irmak yolu");
        assert_eq!(capitalised(""), "");
    }
}
