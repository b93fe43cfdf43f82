//! Keys for programs: `sogep_pk_…` for browsers, `sogep_sk_…` for servers and partners.
//!
//! A key is `sogep_pk_` or `sogep_sk_`, 12 characters that name it, `_`, 43 secret characters, and
//! the CRC-32 of all before it in 6 characters; all in base 62. Secret scanners find one with
//! `sogep_[ps]k_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}`, and a mistyped one is refused without asking the
//! database.

use crate::{crypto::random, entity::vocabulary::KeyType};

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const NAME_LENGTH: usize = 12;
const SECRET_LENGTH: usize = 43;
const CHECKSUM_LENGTH: usize = 6;

/// A new key.
///
/// # Errors
/// When the system has no randomness.
pub fn generate(kind: KeyType) -> Result<String, aws_lc_rs::error::Unspecified> {
    let name = letters(NAME_LENGTH)?;
    let secret = letters(SECRET_LENGTH)?;
    let key = format!("sogep_{}_{name}_{secret}", tag(kind));
    let checksum = checksum(&key);
    Ok(key + &checksum)
}

/// The part of a key that names it and is no secret; `None` when `key` is not well-formed.
#[must_use]
pub fn prefix(key: &str) -> Option<&str> {
    let (body, given) = key.split_at_checked(key.len().checked_sub(CHECKSUM_LENGTH)?)?;
    let (prefix, secret) = body.rsplit_once('_')?;
    let (kind, name) = prefix.strip_prefix("sogep_")?.split_once('_')?;
    let well_formed = matches!(kind, "pk" | "sk")
        && name.len() == NAME_LENGTH
        && secret.len() == SECRET_LENGTH
        && [name, secret].iter().all(|part| part.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    (well_formed && checksum(body) == given).then_some(prefix)
}

fn tag(kind: KeyType) -> &'static str {
    match kind {
        KeyType::Publishable => "pk",
        KeyType::Secret => "sk",
    }
}

/// `count` random letters. Bytes that would favour some letters are thrown away.
fn letters(count: usize) -> Result<String, aws_lc_rs::error::Unspecified> {
    let mut text = String::with_capacity(count);
    while text.len() < count {
        let fair = random::<64>()?.into_iter().filter(|byte| usize::from(*byte) < 4 * ALPHABET.len());
        let drawn = fair.filter_map(|byte| ALPHABET.get(usize::from(byte) % ALPHABET.len()));
        text.extend(drawn.take(count - text.len()).map(|letter| char::from(*letter)));
    }
    Ok(text)
}

fn checksum(text: &str) -> String {
    let mut number = crc32fast::hash(text.as_bytes());
    let mut letters = [b'0'; CHECKSUM_LENGTH];
    for letter in letters.iter_mut().rev() {
        *letter = *ALPHABET.get((number % 62) as usize).unwrap_or(&b'0');
        number /= 62;
    }
    String::from_utf8_lossy(&letters).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_recognised_only_unchanged() {
        for kind in [KeyType::Publishable, KeyType::Secret] {
            let key = generate(kind).unwrap();
            assert_eq!(key.len(), "sogep_pk__".len() + 12 + 49);
            assert_eq!(prefix(&key).map(str::len), Some("sogep_pk_".len() + 12));
            for index in 0..key.len() {
                let mut changed = key.clone().into_bytes();
                changed[index] = if changed[index] == b'x' { b'y' } else { b'x' };
                assert_eq!(prefix(std::str::from_utf8(&changed).unwrap()), None);
            }
        }
        for text in ["", "sogep_pk_", "ş", "sogep_pk_a_b"] {
            assert_eq!(prefix(text), None);
        }
    }
}
