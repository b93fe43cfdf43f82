//! Passwords: what is accepted, and how it is kept.
//!
//! Source: NIST SP 800-63B revision 4; OWASP Password Storage Cheat Sheet.

use std::sync::LazyLock;

use argon2::Params;
use unicode_normalization::UnicodeNormalization;

use super::blocklist::{self, Weakness};
use crate::{
    crypto::{PasswordHashing, hash_at_once},
    http::Result,
};

/// The least length, in code points, when a password is the only factor.
pub const MIN_LENGTH: usize = 15;
/// The greatest length, in bytes; more would only make hashing slow.
pub const MAX_BYTES: usize = 1024;

/// Why a new password is refused. The text is what the person reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is too short.
    #[error("use at least {MIN_LENGTH} characters; several words in a row are easy to remember")]
    Short,
    /// It is too long.
    #[error("use at most {MAX_BYTES} bytes")]
    Long,
    /// Attackers try it early.
    #[error(
        "this password is among the first that attackers try: use four or more words that do not belong together"
    )]
    Common,
    /// It is made of what is known of the person or the organisation.
    #[error(
        "this password is made of your name, your e-mail address or our own words: use words that have nothing to do with you or us"
    )]
    Personal,
}

impl Refused {
    /// What is wrong, in one stable word.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Short => "too_short",
            Self::Long => "too_long",
            Self::Common => "too_common",
            Self::Personal => "too_personal",
        }
    }
}

/// Checks a new password. `about` is what an attacker knows: the account's e-mail address and name, the
/// organisation's words. Any characters are welcome; none are demanded.
///
/// # Errors
/// When it is too short or too long, or can be guessed.
///
/// Source: NIST SP 800-63B revision 4, section 3.1.1.2.
pub fn check(password: &str, about: &[&str]) -> std::result::Result<(), Refused> {
    if password.len() > MAX_BYTES {
        return Err(Refused::Long);
    }
    if password.nfc().count() < MIN_LENGTH {
        return Err(Refused::Short);
    }
    match blocklist::weakness(password, about, MAX_BYTES) {
        None => Ok(()),
        Some(Weakness::Common) => Err(Refused::Common),
        Some(Weakness::Personal) => Err(Refused::Personal),
    }
}

/// The PHC string to keep of `password`, made at once. Takes a while and 19 MiB.
///
/// # Errors
/// When the system has no randomness.
pub fn hash(password: &str) -> Result<String> {
    hash_at_once(&normalised(password))
}

/// Whether a PHC string was made with other parameters than today's, and should be made anew.
#[must_use]
pub fn is_outdated(stored: &str) -> bool {
    let (memory, passes, lanes) = (Params::DEFAULT_M_COST, Params::DEFAULT_T_COST, Params::DEFAULT_P_COST);
    !stored.starts_with(&format!("$argon2id$v=19$m={memory},t={passes},p={lanes}$"))
}

/// [`hash`], when it is this caller's turn: only so many are made at once.
///
/// # Errors
/// 503 when too many are waiting for their turn.
pub async fn hash_in_turn(hashing: &PasswordHashing, password: &str) -> Result<String> {
    hashing.hash(normalised(password)).await
}

/// Whether `password` is the one that `stored` was made of. Without a stored one it takes the same
/// time and says no, so that nobody learns which accounts there are.
///
/// # Errors
/// 503 when too many are waiting for their turn.
pub async fn verify(hashing: &PasswordHashing, password: &str, stored: Option<String>) -> Result<bool> {
    // An account that was invited has no password yet.
    let stored = stored.filter(|stored| !stored.is_empty());
    let known = stored.is_some();
    let matches = hashing.verify(normalised(password), stored.unwrap_or_else(|| DUMMY.clone())).await?;
    Ok(matches && known)
}

/// A hash that no password matches in practice: it was made of random bytes.
static DUMMY: LazyLock<String> = LazyLock::new(|| {
    let bytes = crate::crypto::random::<32>().unwrap_or_default();
    hash(&crate::crypto::hexadecimal(&bytes)).unwrap_or_default()
});

/// One spelling of the same characters, whatever keyboard they come from.
fn normalised(password: &str) -> String {
    password.nfc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_kept_as_argon2id_and_told_apart_from_others() {
        let stored = hash("beş kadın bir çay").unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        let hashing = PasswordHashing::default();
        let is = async |password: &str, stored: Option<&String>| {
            verify(&hashing, password, stored.cloned()).await.unwrap()
        };
        assert!(is("beş kadın bir çay", Some(&stored)).await);
        assert!(is("bes\u{327} kadın bir çay", Some(&stored)).await, "another spelling of ş");
        assert!(!is("beş kadin bir çay", Some(&stored)).await);
        assert!(!is("beş kadın bir çay", None).await);
    }

    #[test]
    fn length_counts_characters_and_any_are_welcome() {
        let letters = "ğadımbuluttaşkırmızıvapurçınarıngölgesinde".repeat(4);
        let of_length = |length| letters.chars().take(length).collect::<String>();
        assert_eq!(check(&of_length(14), &[]), Err(Refused::Short));
        for length in [15, 64, 128] {
            assert_eq!(check(&of_length(length), &[]), Ok(()), "{length}");
        }
        assert_eq!(
            check(&"s\u{327}a".repeat(7), &[]),
            Err(Refused::Short),
            "14 characters, whatever the spelling"
        );
        assert_eq!(check(&letters.repeat(8), &[]), Err(Refused::Long));
        assert_eq!(check("🌵 🚀 🌧 🍋 🎈 🐢 🧭 🪁", &[]), Ok(()));
    }

    #[test]
    fn what_is_known_of_a_person_is_no_password() {
        let about = ["ayse.yilmaz@ornekdernek.org", "Ayşe Yılmaz", "sogep", "toplumsal cinsiyet"];
        for password in [
            "ayse.yilmaz@ornekdernek.org",
            "AyşeYılmaz1985!!",
            "Sogep.2024!!!!!!",
            "sogep2024sogep2025",
            "50g3p-ankara-2024",
            "T0plum$alC1nsiyet",
            "Toplumsal Cinsiyet 2024",
            "ornekdernek12345",
        ] {
            assert_eq!(check(password, &about), Err(Refused::Personal), "{password}");
        }
        assert_eq!(check("sogep için dört uzun kelime seçtim", &about), Ok(()));
    }
}
