//! Secrets: what is derived from the master secret, and the keys that sign access tokens.
//!
//! The primitives are AWS-LC's; nothing here is an algorithm of ours.

mod keyring;
mod password_hashing;
mod secrets;

pub use keyring::{Keyring, KeyringError, Rotation};
pub use password_hashing::{PasswordHashing, hash_at_once};
pub use secrets::{Generation, SecretError, Secrets, private_directory, private_file};

use aws_lc_rs::{digest, rand::SecureRandom};

/// `N` bytes from the system's random source.
///
/// # Errors
/// When the system has no randomness to give.
pub fn random<const N: usize>() -> Result<[u8; N], aws_lc_rs::error::Unspecified> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::SystemRandom::new().fill(&mut bytes)?;
    Ok(bytes)
}

/// A token of 256 random bits in hexadecimal, after the prefix that says what it is.
///
/// # Errors
/// When the system has no randomness to give.
pub fn random_token(prefix: &str) -> Result<String, aws_lc_rs::error::Unspecified> {
    Ok(format!("{prefix}{}", hexadecimal(&random::<32>()?)))
}

/// The SHA-256 digest of `bytes`, in hexadecimal.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    hexadecimal(digest::digest(&digest::SHA256, bytes).as_ref())
}

/// `bytes` in hexadecimal.
#[must_use]
pub fn hexadecimal(bytes: &[u8]) -> String {
    // Digit by digit: with `write!`, sort keys and hashes took a tenth of the time to write an entry.
    let digit = |half: u8| char::from_digit(half.into(), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0xF)]).collect()
}
