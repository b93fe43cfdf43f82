//! Passwords that attackers try first, known offline.
//!
//! A password is cut into the pieces an attacker tries (common words, keyboard walks, repetitions,
//! years, what is known of the person), each with a price: the guesses it takes, in bits. The cheapest
//! cut says how soon the password falls. Beside it stand the fingerprints of breached passwords, for
//! those that are in every attacker's list without being cheap. Case, diacritics, letters disguised as
//! digits (`p@ssw0rd`) and separators (`p.a.s.s`) change nothing.
//!
//! Where the lists come from: `PROVENANCE.md` beside this file.

mod words;

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

use words::{LONGEST_WORD, WALKS, WORDS, is_breached};

/// What a password must cost at least, in bits: three common words are too few, four will do.
const WANTED: u16 = 36;
/// What a word known of the person or the organisation costs, in bits.
const PERSONAL: u16 = 3;
/// What a keyboard walk or a sequence costs, in bits.
const WALK: u16 = 7;
/// What it costs to say again what was just said, in bits.
const REPETITION: u16 = 2;
/// What a year costs, in bits.
const YEAR: u16 = 7;
/// What it costs to know that separators stand somewhere, in bits.
const SEPARATED: u16 = 6;
/// The longest thing that is recognised when it is said again.
const LONGEST_PERIOD: usize = 64;
/// How many words of the person are looked for.
const MAX_PERSONAL: usize = 64;

/// How an attacker would come by a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weakness {
    /// From lists of passwords and words that everybody has.
    Common,
    /// From what is known of the person or the organisation.
    Personal,
}

/// The weakness of `password`, if it has one. `about` is what is known of who chose it: name, e-mail
/// address, the organisation's words. At most `limit` characters are looked at; the time is linear.
#[must_use]
pub fn weakness(password: &str, about: &[&str], limit: usize) -> Option<Weakness> {
    let letters: Vec<char> = folded(password).take(limit).collect();
    let joined: Vec<char> = letters.iter().copied().filter(|letter| !is_separator(*letter)).collect();
    let personal = personal_words(about);
    let whole = price(&letters, &personal);
    let apart = price(&joined, &personal).plus(if joined.len() < letters.len() { SEPARATED } else { 0 });
    let cheapest = whole.min(apart);
    if cheapest.bits < WANTED {
        return Some(if cheapest.personal { Weakness::Personal } else { Weakness::Common });
    }
    (is_breached(&skeleton(&letters)) || is_breached(&skeleton(&joined))).then_some(Weakness::Common)
}

/// What a cut costs, and whether it uses what is known of the person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Price {
    bits: u16,
    personal: bool,
}

impl Price {
    const NOTHING: Self = Self { bits: 0, personal: false };
    const UNKNOWN: Self = Self { bits: u16::MAX, personal: false };

    fn plus(self, bits: u16) -> Self {
        Self { bits: self.bits.saturating_add(bits), ..self }
    }
}

/// The price of the cheapest cut of `letters`.
fn price(letters: &[char], personal: &[Vec<u8>]) -> Price {
    let skeleton = skeleton(letters);
    let mut prices = vec![Price::UNKNOWN; letters.len() + 1];
    prices[0] = Price::NOTHING;
    let mut runs = [0; LONGEST_PERIOD];
    let mut walks = [Walk::default(); WALKS.len()];
    for (index, letter) in letters.iter().enumerate() {
        // Words begin here, for this price is known by now: nothing that is still to come ends here.
        let (here, end) = (prices[index], index + 1);
        for (length, word) in words_of(&skeleton[index..], personal) {
            let price =
                Price { bits: here.bits.saturating_add(word.bits), personal: here.personal || word.personal };
            prices[index + length] = prices[index + length].min(price);
        }
        // Everything else ends here.
        let mut best = prices[end].min(here.plus(price_of(*letter)));
        for (run, period) in runs.iter_mut().zip(1..) {
            *run = if index >= period && letters[index - period] == *letter { *run + 1 } else { 0 };
            if *run >= period.max(2) {
                best =
                    best.min(prices[end - *run].plus(REPETITION)).min(prices[end - period].plus(REPETITION));
            }
        }
        for (walk, keys) in walks.iter_mut().zip(WALKS) {
            walk.step(keys, *letter);
            for length in 3..=walk.length {
                best = best.min(prices[end - length].plus(WALK));
            }
        }
        if end >= 4 && is_year(&letters[end - 4..end]) {
            best = best.min(prices[end - 4].plus(YEAR));
        }
        prices[end] = best;
    }
    prices[letters.len()]
}

/// The words that `skeleton` begins with, by length.
fn words_of(skeleton: &[u8], personal: &[Vec<u8>]) -> impl Iterator<Item = (usize, Price)> {
    let longest = skeleton.len().min(LONGEST_WORD);
    let common = (2..=longest).filter_map(|length| {
        WORDS.get(&skeleton[..length]).map(|bits| (length, Price { bits: *bits, personal: false }))
    });
    let own = personal
        .iter()
        .filter(|word| skeleton.starts_with(word))
        .map(|word| (word.len(), Price { bits: PERSONAL, personal: true }));
    common.chain(own)
}

/// How far one has come along a row of keys, in either direction.
#[derive(Clone, Copy, Default)]
struct Walk {
    position: Option<usize>,
    forward: bool,
    length: usize,
}

impl Walk {
    fn step(&mut self, keys: &str, letter: char) {
        let position = keys.chars().position(|key| key == letter);
        self.length = match (self.position, position) {
            (_, None) => 0,
            (Some(before), Some(now)) if now.abs_diff(before) == 1 => {
                let same_way = self.length == 1 || self.forward == (now > before);
                self.forward = now > before;
                if same_way { self.length + 1 } else { 2 }
            }
            _ => 1,
        };
        self.position = position;
    }
}

/// What a letter costs that is part of nothing known, in bits.
fn price_of(letter: char) -> u16 {
    match letter {
        ' ' => 2,
        _ if letter.is_ascii_digit() => 3,
        _ if letter.is_ascii() || letter.is_alphanumeric() => 4,
        _ => 6,
    }
}

/// A year of somebody's life, or of a club's or a state's.
fn is_year(letters: &[char]) -> bool {
    letters.iter().all(char::is_ascii_digit) && matches!(letters, ['1', '8' | '9', ..] | ['2', '0', ..])
}

/// The words known of a person: each text whole, its parts, and the letters and digits of these apart.
fn personal_words(about: &[&str]) -> Vec<Vec<u8>> {
    let mut words: Vec<Vec<u8>> = Vec::new();
    for text in about {
        let letters: Vec<char> = folded(text).take(LONGEST_PERIOD * 4).collect();
        let parts = letters.split(|letter| !letter.is_alphanumeric());
        let halves = parts.clone().flat_map(|part| part.chunk_by(|a, b| a.is_numeric() == b.is_numeric()));
        for word in std::iter::once(&*letters).chain(parts).chain(halves) {
            let word = skeleton(word);
            if word.len() >= 3 && !words.contains(&word) && words.len() < MAX_PERSONAL {
                words.push(word);
            }
        }
    }
    words
}

/// The characters of `text` without case and diacritics: `İSTANBUL`, `istanbul` and `ıstanbul` are one.
fn folded(text: &str) -> impl Iterator<Item = char> {
    let plain = text.nfkd().filter(|letter| !is_combining_mark(*letter));
    plain.flat_map(char::to_lowercase).map(|letter| if letter == 'ı' { 'i' } else { letter })
}

/// What is left when letters and the signs that stand for them are one: `p@ssw0rd` is `password`. Used
/// on both sides, so that it does not matter whether a `1` means an `i`, an `l` or a one.
fn skeleton(letters: &[char]) -> Vec<u8> {
    let class = |letter: &char| match letter {
        '0' => b'o',
        '1' | '!' | '|' | 'l' => b'i',
        '2' => b'z',
        '3' => b'e',
        '4' | '@' => b'a',
        '5' | '$' => b's',
        '7' | '+' => b't',
        '8' => b'b',
        '9' => b'g',
        other => u8::try_from(*other).unwrap_or(b'?'),
    };
    letters.iter().map(class).collect()
}

fn is_separator(letter: char) -> bool {
    letter.is_ascii() && !letter.is_ascii_alphanumeric()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_common(password: &str) -> bool {
        weakness(password, &[], 1024) == Some(Weakness::Common)
    }

    /// What people make of common words when fifteen characters are demanded.
    fn common_passwords() -> Vec<String> {
        let lists = [include_str!("words.txt"), include_str!("own.txt")];
        let words = lists.iter().flat_map(|list| list.lines().filter(|word| word.len() >= 4).take(500));
        let mut passwords = Vec::new();
        for word in words {
            let capital = word[..1].to_uppercase() + &word[1..];
            let leet = word.replace('a', "@").replace('o', "0").replace('e', "3").replace('s', "$");
            passwords.extend([
                word.repeat(15_usize.div_ceil(word.len())),
                format!("{word}123456789123"),
                format!("{capital}1905{capital}1905"),
                format!("{capital}.2024!!!!!!"),
                format!("{leet}-{leet}-{leet}-{leet}"),
                format!("qwertyuiop{word}1"),
            ]);
        }
        passwords.extend(('!'..='~').map(|letter| letter.to_string().repeat(15)));
        passwords.retain(|password| password.len() >= 15);
        passwords
    }

    #[test]
    fn common_passwords_are_known_in_every_disguise() {
        let passwords = common_passwords();
        assert!(passwords.len() >= 3000, "{}", passwords.len());
        let missed: Vec<_> = passwords.iter().filter(|password| !is_common(password)).collect();
        assert!(missed.is_empty(), "{} of {}: {missed:?}", missed.len(), passwords.len());
    }

    #[test]
    fn famous_and_breached_passwords_are_known() {
        for password in [
            "passwordpassword",
            "P@ssw0rdP@ssw0rd",
            "p.a.s.s.w.o.r.d.1.2.3",
            "123456789123456789",
            "qwertyuiop12345",
            "1qaz2wsx3edc4rfv",
            "abcdefghijklmnop",
            "poiuytrewqlkjhgf",
            "İSTANBUL34İSTANBUL",
            "galatasaray1905galatasaray",
            "şifre123şifre123",
            "seni seviyorum aşkım",
            "iloveyouforever",
            "correct horse battery staple",
            "momsanaladventure",
            "lhbjkjubz2957704",
            "LHBJKJUBZ29577O4",
            "aaaaaaaaaaaaaaaaaaaa",
            "🙂 🙃 🙂 🙃 🙂 🙃 🙂 🙃",
        ] {
            assert!(is_common(password), "{password}");
        }
    }

    #[test]
    fn passphrases_and_random_passwords_pass() {
        for phrase in [
            "uzun ve akılda kalan bir parola",
            "mor menekşeler yağmurda susar",
            "beş kadın bir çay",
            "balkonda üç saksı fesleğen",
            "plum tractor lagoon whistle",
            "пять утренних трамваев",
        ] {
            assert_eq!(weakness(phrase, &[], 1024), None, "{phrase}");
        }
        let uncommon = "vapur leylek çuval tırmık kömür sepet yonca kumru iskele mendil çekirge nane pusula sarnıç \
                        kukuleta mercan heybe kandil lodos martı rende semaver tulum varil yelken zambak \
                        gravel lantern turnip walrus pebble thimble quarry ferret saddle beetroot";
        let uncommon: Vec<&str> = uncommon.split_whitespace().collect();
        let letters: Vec<char> = "abcdefghijkmnopqrstuvwxyz23456789".chars().collect();
        for _ in 0..200 {
            let bytes = crate::crypto::random::<28>().unwrap();
            let phrase: Vec<&str> =
                bytes[..4].iter().map(|byte| uncommon[usize::from(*byte) % uncommon.len()]).collect();
            let mut distinct = phrase.clone();
            distinct.sort_unstable();
            distinct.dedup();
            let phrase = phrase.join(" ");
            assert!(distinct.len() < 4 || weakness(&phrase, &[], 1024).is_none(), "{phrase}");
            let random: String =
                bytes[4..].iter().map(|byte| letters[usize::from(*byte) % letters.len()]).collect();
            assert_eq!(weakness(&random, &[], 1024), None, "{random}");
        }
    }

    #[test]
    fn the_work_is_bounded() {
        let about = vec!["a b c d e f g h i j k l m n o p q r s t u v w x y z abc bcd cde def"; 50];
        assert!(personal_words(&about).len() <= MAX_PERSONAL);
        // One character that unfolds to eighteen.
        assert_eq!(folded(&"\u{fdfa}".repeat(341)).take(1024).count(), 1024);
        let started = std::time::Instant::now();
        for text in ["a", "ab", "1q2w3e4r", "password", "xk7vqz2m"] {
            let _ = weakness(&text.repeat(1024 / text.len()), &about, 1024);
        }
        assert!(started.elapsed().as_millis() < 1000, "{:?}, unoptimised", started.elapsed());
    }
}
