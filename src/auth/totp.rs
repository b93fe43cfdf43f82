//! The second factor: codes that an authenticator makes of a shared secret and the time, and recovery
//! codes for the day it is lost.
//!
//! The HMAC is AWS-LC's. SHA-1, six digits and thirty seconds are what every authenticator understands.
//!
//! Source: RFC 4226, RFC 6238; the key URI format of Google Authenticator.

use std::fmt;

use aws_lc_rs::{constant_time::verify_slices_are_equal, error::Unspecified, hmac};
use chrono::{DateTime, Utc};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::crypto;

/// How long a code is the current one.
const STEP_SECONDS: i64 = 30;
/// How many steps a clock may be wrong, in either direction.
const SKEW: i64 = 1;
/// One more than the greatest code: six digits.
const CODES: u32 = 1_000_000;
/// RFC 4648, section 6.
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// Crockford's: no I, L, O or U.
const CROCKFORD: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// How many recovery codes an account has.
pub const RECOVERY_CODES: usize = 10;
/// The symbols of a recovery code, five bits each: 80 bits.
const RECOVERY_SYMBOLS: usize = 16;
/// What stays as it is in a URI: RFC 3986's unreserved characters.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The secret that an authenticator and we share: 160 bits. Kept sealed, never hashed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret([u8; 20]);

impl Secret {
    /// A new secret.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn new() -> Result<Self, Unspecified> {
        crypto::random().map(Self)
    }

    /// The secret that [`Secret::bytes`] gave; `None` when it is not of this length.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The bytes, to be sealed.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The secret as a person types it into an authenticator: base32 without padding.
    #[must_use]
    pub fn base32(&self) -> String {
        symbols(&self.0, BASE32)
    }

    /// The URI that an authenticator reads from a QR code.
    #[must_use]
    pub fn uri(&self, issuer: &str, account: &str) -> String {
        // A colon divides the label; within its parts it would be ambiguous.
        let encoded = |text: &str| utf8_percent_encode(&text.replace(':', " "), ESCAPED).to_string();
        let (issuer, account) = (encoded(issuer), encoded(account));
        format!("otpauth://totp/{issuer}:{account}?secret={}&issuer={issuer}", self.base32())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(hidden)")
    }
}

/// The step that `code` belongs to, when it is a good one at `now`: the current step or a neighbour, and
/// later than `after`, the step that was used last, for a code is good once. Keep the answer as the next
/// `after`, in the transaction that lets the caller in. Takes the same time whichever step matches.
#[must_use]
pub fn matching_step(secret: &Secret, code: &str, now: DateTime<Utc>, after: Option<i64>) -> Option<i64> {
    let code: String = code.chars().filter(|letter| !letter.is_whitespace()).collect();
    let current = now.timestamp().div_euclid(STEP_SECONDS);
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &secret.0);
    let mut found = None;
    for step in current - SKEW..=current + SKEW {
        let equal = verify_slices_are_equal(hotp(&key, step).as_bytes(), code.as_bytes()).is_ok();
        let unused = after.is_none_or(|after| step > after);
        found = if equal & unused { Some(step) } else { found };
    }
    found
}

/// The code of one step. Source: RFC 4226, section 5.3.
fn hotp(key: &hmac::Key, step: i64) -> String {
    let tag = hmac::sign(key, &step.to_be_bytes());
    let digest = tag.as_ref();
    let offset = digest.last().map_or(0, |byte| usize::from(byte & 0xf));
    let word = digest.get(offset..).and_then(|rest| rest.first_chunk()).copied().unwrap_or_default();
    format!("{:06}", (u32::from_be_bytes(word) & 0x7fff_ffff) % CODES)
}

/// New recovery codes, as a person keeps them: `4XQ7-0GZB-9KRT-M2WD`, 80 bits each.
///
/// # Errors
/// When the system has no randomness.
pub fn recovery_codes() -> Result<[String; RECOVERY_CODES], Unspecified> {
    let mut codes = [const { String::new() }; RECOVERY_CODES];
    for code in &mut codes {
        let text = symbols(&crypto::random::<{ RECOVERY_SYMBOLS * 5 / 8 }>()?, CROCKFORD);
        for (index, symbol) in text.chars().enumerate() {
            if index > 0 && index % 4 == 0 {
                code.push('-');
            }
            code.push(symbol);
        }
    }
    Ok(codes)
}

/// What to keep of a recovery code, and to look for when one is typed: the SHA-256 digest in hexadecimal.
/// Case, spaces and hyphens do not matter, nor `O` for `0`, `I` or `L` for `1`. `None` when this cannot
/// be a recovery code. They are random enough to need no slow hash.
#[must_use]
pub fn recovery_hash(typed: &str) -> Option<String> {
    let mut code = String::with_capacity(RECOVERY_SYMBOLS);
    for letter in typed.chars().filter(|letter| !letter.is_whitespace() && !matches!(letter, '-' | '–' | '_'))
    {
        let symbol = match letter.to_ascii_uppercase() {
            'O' => '0',
            // A Turkish keyboard has these two as well.
            'I' | 'L' | 'ı' | 'İ' => '1',
            other => other,
        };
        let known = u8::try_from(symbol).is_ok_and(|symbol| CROCKFORD.contains(&symbol));
        if !known || code.len() == RECOVERY_SYMBOLS {
            return None;
        }
        code.push(symbol);
    }
    (code.len() == RECOVERY_SYMBOLS).then(|| crypto::sha256(code.as_bytes()))
}

/// `bytes` as symbols of five bits; their number is a multiple of five.
fn symbols(bytes: &[u8], alphabet: &[u8; 32]) -> String {
    let (groups, _) = bytes.as_chunks::<5>();
    let symbol = |group: &[u8; 5], index: u32| {
        let bits = group.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        char::from(alphabet[(bits >> (35 - 5 * index) & 31) as usize])
    };
    groups.iter().flat_map(|group| (0..8).map(move |index| symbol(group, index))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    fn secret() -> Secret {
        Secret::from_bytes(b"12345678901234567890").unwrap()
    }

    /// RFC 6238, appendix B: the last six of the eight digits.
    #[test]
    fn codes_are_those_of_the_standard() {
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(matching_step(&secret(), code, at(seconds), None), Some(seconds / 30), "{seconds}");
        }
    }

    #[test]
    fn a_clock_may_be_one_step_off_and_a_code_is_good_once() {
        let matching = |seconds, after| matching_step(&secret(), "287 082", at(seconds), after);
        assert_eq!(
            [matching(29, None), matching(30, None), matching(89, None)],
            [Some(1); 3],
            "one step off"
        );
        assert_eq!(matching(90, None), None, "two steps late");
        assert_eq!(matching(1_000, None), None);
        assert_eq!(matching(59, Some(0)), Some(1));
        assert_eq!(matching(59, Some(1)), None, "used before");
        assert_eq!(matching(59, Some(2)), None, "older than the one used last");
        for code in ["", "28708", "2870820", "94287082", "２８７０８２", "287083"] {
            assert_eq!(matching_step(&secret(), code, at(59), None), None, "{code}");
        }
    }

    #[test]
    fn an_authenticator_reads_the_uri() {
        assert_eq!(secret().base32(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert_eq!(
            secret().uri("Eşitlik Derneği: A&B", "ayşe+1@example.org"),
            "otpauth://totp/E%C5%9Fitlik%20Derne%C4%9Fi%20%20A%26B:ay%C5%9Fe%2B1%40example.org\
             ?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=E%C5%9Fitlik%20Derne%C4%9Fi%20%20A%26B"
        );
        assert_ne!(Secret::new().unwrap(), Secret::new().unwrap());
        assert_eq!(format!("{:?}", secret()), "Secret(hidden)");
    }

    #[test]
    fn recovery_codes_forgive_how_they_are_typed() {
        let codes = recovery_codes().unwrap();
        let hashes: std::collections::HashSet<_> =
            codes.iter().map(|code| recovery_hash(code).unwrap()).collect();
        assert_eq!(hashes.len(), RECOVERY_CODES);
        assert!(codes.iter().all(|code| code.len() == 19), "{codes:?}");
        let kept = recovery_hash("4XQ7-0GZB-91RT-M2WD");
        assert!(kept.is_some());
        for typed in ["4xq7ogzb9irtm2wd", " 4XQ7 OGZB 9lRT M2WD\n", "4xq7-0gzb–9ırt-m2wd"] {
            assert_eq!(recovery_hash(typed), kept, "{typed}");
        }
        for typed in ["", "4XQ7-0GZB-91RT-M2W", "4XQ7-0GZB-91RT-M2WDD", "4XQ7-0GZB-91RT-M2WU", "ş"] {
            assert_eq!(recovery_hash(typed), None, "{typed}");
        }
    }
}
