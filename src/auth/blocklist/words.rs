//! The lists: words, walks over the keyboard, fingerprints of breached passwords.

use std::{collections::HashMap, sync::LazyLock};

use aws_lc_rs::digest;

/// Words no longer than this are looked for.
pub const LONGEST_WORD: usize = 26;
/// The length of a fingerprint, in bytes.
const FINGERPRINT: usize = 6;

/// What a word of our own list costs, in bits; that list is in no order.
const OWN: u16 = 8;

/// What each word costs in bits, by skeleton: the binary logarithm of its place in its list.
pub static WORDS: LazyLock<HashMap<Box<[u8]>, u16>> = LazyLock::new(|| {
    let by_place = |place: u32| u16::try_from(place.ilog2()).unwrap_or(u16::MAX).max(4);
    let common = include_str!("words.txt").lines().zip((1..).map(by_place));
    let own = include_str!("own.txt").lines().map(|word| (word, OWN));
    let mut words = HashMap::with_capacity(16_000);
    for (word, bits) in common.chain(own) {
        let letters: Vec<char> = super::folded(word).collect();
        let known = words.entry(super::skeleton(&letters).into_boxed_slice()).or_insert(bits);
        *known = bits.min(*known);
    }
    words
});

/// Rows of keys and sequences that fingers and minds follow, in either direction. No key is twice in a row.
pub const WALKS: [&str; 27] = [
    "abcdefghijklmnopqrstuvwxyz",
    "1234567890",
    "0123456789",
    "13579",
    "24680",
    // The rows of the keyboards Q, F, AZERTY and QWERTZ, without diacritics.
    "qwertyuiopg",
    "asdfghjkl;",
    "zxcvbnm,./",
    "zxcvbnmoc",
    "giodrnhpqw",
    "uieatkmlys",
    "jovczsb",
    "azertyuiop",
    "qsdfghjklm",
    "wxcvbn",
    "qwertzuiop",
    "yxcvbnm",
    "!@#$%^&*()",
    "!\'^+%&/()=?",
    // Columns and zigzags.
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
    "qazwsxedcrfvtgbyhnujmikolp",
    "qawsedrftgyhujikolp",
    "azsxdcfvgbhnjmkl",
    "1q2w3e4r5t6y7u8i9o0p",
    "q1w2e3r4t5y6u7i8o9p0",
    "1a2b3c4d5e6f7g8h9i0j",
    "147258369",
];

/// The fingerprints of breached passwords of 15 characters and more, in order.
static BREACHED: &[u8] = include_bytes!("breached.bin");

/// Whether a password of this skeleton is among the breached ones.
pub fn is_breached(skeleton: &[u8]) -> bool {
    let (fingerprints, _) = BREACHED.as_chunks::<FINGERPRINT>();
    fingerprints.binary_search(&fingerprint(skeleton)).is_ok()
}

/// The first bytes of the SHA-256 digest of a skeleton.
fn fingerprint(skeleton: &[u8]) -> [u8; FINGERPRINT] {
    let digest = digest::digest(&digest::SHA256, skeleton);
    digest.as_ref().first_chunk().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_whole() {
        let (fingerprints, rest) = BREACHED.as_chunks::<FINGERPRINT>();
        assert!(rest.is_empty() && fingerprints.len() > 3000, "{} fingerprints", fingerprints.len());
        assert!(fingerprints.is_sorted());
        assert!(WORDS.len() > 10_000 && WORDS.keys().all(|word| word.len() <= LONGEST_WORD));
    }
}
