//! The master secret and the keys derived from it, one per purpose.

use std::{
    fmt,
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
};

use aws_lc_rs::{aead, hmac};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use zeroize::Zeroizing;

use super::{hexadecimal, random};
use crate::config::Config;

/// The keys derived from the master secret, one for each purpose. Cloning is cheap.
///
/// While a master secret is being replaced, what was made under the previous one is still understood.
#[derive(Clone)]
pub struct Secrets(Arc<Generations>);

struct Generations {
    present: Keys,
    previous: Option<Keys>,
}

struct Keys {
    cursor: hmac::Key,
    api_key: hmac::Key,
    subject: hmac::Key,
    anchor: hmac::Key,
    bucket: hmac::Key,
    sealing: aead::LessSafeKey,
}

/// Under which master secret something was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generation {
    /// The present one.
    Present,
    /// The one before.
    Previous,
}

/// Why there is no master secret to use.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file cannot be read or made.
    #[error("the secret {0}: {1}")]
    File(PathBuf, #[source] std::io::Error),
    /// Others may read the file.
    #[error("the secret {0} can be read by others: `chmod 600` it")]
    Exposed(PathBuf),
    /// The file holds too little.
    #[error("the secret in {0} is too short: at least 32 characters")]
    Short(PathBuf),
    /// The system has no randomness, or a key is not accepted.
    #[error("the cryptographic library failed")]
    Cryptography,
}

impl From<aws_lc_rs::error::Unspecified> for SecretError {
    fn from(_: aws_lc_rs::error::Unspecified) -> Self {
        Self::Cryptography
    }
}

impl Secrets {
    /// Takes the configured master secret, else the one kept in the data directory; makes that when
    /// it is not there.
    ///
    /// # Errors
    /// When the file cannot be used, or is open to others.
    pub fn load(config: &Config) -> Result<Self, SecretError> {
        let previous = config.previous_secret.as_ref().map(|secret| secret.as_bytes());
        match &config.secret {
            Some(secret) => Self::derive(secret.as_bytes(), previous),
            None => Self::derive(kept(&config.data_dir)?.as_bytes(), previous),
        }
    }

    /// Derives the keys from `master`, each under its own label.
    ///
    /// # Errors
    /// When the cryptographic library refuses.
    pub fn derive(master: &[u8], previous: Option<&[u8]>) -> Result<Self, SecretError> {
        let previous = previous.map(Keys::derive).transpose()?;
        Ok(Self(Arc::new(Generations { present: Keys::derive(master)?, previous })))
    }

    /// The key that authenticates cursors.
    #[must_use]
    pub fn cursor_key(&self) -> &hmac::Key {
        &self.0.present.cursor
    }

    /// The key that authenticates anchors of the audit trail.
    #[must_use]
    pub fn anchor_key(&self) -> &hmac::Key {
        &self.0.present.anchor
    }

    /// The key that authenticated anchors under the previous master secret.
    #[must_use]
    pub fn previous_anchor_key(&self) -> Option<&hmac::Key> {
        self.0.previous.as_ref().map(|keys| &keys.anchor)
    }

    /// What stands in the database for an e-mail address or a device that signing in is counted for.
    #[must_use]
    pub fn subject(&self, text: &str) -> String {
        hexadecimal(hmac::sign(&self.0.present.subject, text.as_bytes()).as_ref())
    }

    /// What is stored of an API key: useless without the master secret.
    #[must_use]
    pub fn api_key_hash(&self, key: &str) -> String {
        self.0.present.api_key_hash(key)
    }

    /// Whether `stored` was made of `key`, and under which master secret. Takes the same time for all.
    #[must_use]
    pub fn check_api_key(&self, key: &str, stored: &str) -> Option<Generation> {
        let is = |keys: &Keys| {
            let hash = keys.api_key_hash(key);
            aws_lc_rs::constant_time::verify_slices_are_equal(hash.as_bytes(), stored.as_bytes()).is_ok()
        };
        let (present, previous) = (is(&self.0.present), self.0.previous.as_ref().is_some_and(is));
        match (present, previous) {
            (true, _) => Some(Generation::Present),
            (false, true) => Some(Generation::Previous),
            (false, false) => None,
        }
    }

    /// What is stored of the owner of a bucket of requests, which may be an address.
    #[must_use]
    pub fn bucket_hash(&self, owner: &[u8]) -> String {
        hexadecimal(hmac::sign(&self.0.present.bucket, owner).as_ref())
    }

    /// Seals `plain`; it opens only with the same `purpose`.
    ///
    /// # Errors
    /// When the cryptographic library refuses.
    pub fn seal(&self, plain: &[u8], purpose: &str) -> Result<String, SecretError> {
        let nonce = random::<{ aead::NONCE_LEN }>()?;
        let mut bytes = plain.to_vec();
        let aad = aead::Aad::from(purpose.as_bytes());
        let key = &self.0.present.sealing;
        key.seal_in_place_append_tag(aead::Nonce::assume_unique_for_key(nonce), aad, &mut bytes)?;
        Ok(BASE64.encode([nonce.as_slice(), &bytes].concat()))
    }

    /// Opens what [`Secrets::seal`] sealed; `None` when it was changed or sealed with another secret.
    #[must_use]
    pub fn open(&self, sealed: &str, purpose: &str) -> Option<Zeroizing<Vec<u8>>> {
        let present = self.0.present.open(sealed, purpose);
        present.or_else(|| self.0.previous.as_ref()?.open(sealed, purpose))
    }

    /// The same plain text sealed under the present master secret; `None` when it is already, or does
    /// not open.
    ///
    /// # Errors
    /// When the cryptographic library refuses.
    pub fn resealed(&self, sealed: &str, purpose: &str) -> Result<Option<String>, SecretError> {
        if self.0.present.open(sealed, purpose).is_some() {
            return Ok(None);
        }
        self.open(sealed, purpose).map(|plain| self.seal(&plain, purpose)).transpose()
    }
}

impl Keys {
    fn derive(master: &[u8]) -> Result<Self, SecretError> {
        let master = hmac::Key::new(hmac::HMAC_SHA256, master);
        let derived = |label: &str| hmac::sign(&master, label.as_bytes());
        let sealing = aead::UnboundKey::new(&aead::AES_256_GCM, derived("sogep/seal/1").as_ref())?;
        let mac = |label| hmac::Key::new(hmac::HMAC_SHA256, derived(label).as_ref());
        Ok(Self {
            cursor: mac("sogep/cursor/1"),
            api_key: mac("sogep/api-key/1"),
            subject: mac("sogep/subject/1"),
            anchor: mac("sogep/anchor/1"),
            bucket: mac("sogep/bucket/1"),
            sealing: aead::LessSafeKey::new(sealing),
        })
    }

    fn api_key_hash(&self, key: &str) -> String {
        hexadecimal(hmac::sign(&self.api_key, key.as_bytes()).as_ref())
    }

    fn open(&self, sealed: &str, purpose: &str) -> Option<Zeroizing<Vec<u8>>> {
        let bytes = BASE64.decode(sealed).ok()?;
        let (nonce, sealed) = bytes.split_at_checked(aead::NONCE_LEN)?;
        let nonce = aead::Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut sealed = sealed.to_vec();
        let plain = self.sealing.open_in_place(nonce, aead::Aad::from(purpose.as_bytes()), &mut sealed);
        plain.ok().map(|plain| Zeroizing::new(plain.to_vec()))
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secrets(hidden)")
    }
}

/// The secret kept in `data_dir`; made when it is not there.
fn kept(data_dir: &Path) -> Result<String, SecretError> {
    let path = data_dir.join("secret");
    let failed = |error| SecretError::File(path.clone(), error);
    match std::fs::read_to_string(&path) {
        Ok(secret) => {
            refuse_exposed(&path)?;
            let secret = secret.trim_end().to_owned();
            if secret.len() < 32 { Err(SecretError::Short(path)) } else { Ok(secret) }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let secret = BASE64.encode(random::<32>()?);
            private_directory(data_dir).map_err(failed)?;
            let mut file = private_file(&path).map_err(failed)?;
            file.write_all(secret.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
            Ok(secret)
        }
        Err(error) => Err(failed(error)),
    }
}

/// Creates a directory that only its owner may look into, unless it is there.
///
/// # Errors
/// When it cannot be made.
pub fn private_directory(path: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Creates a file that only its owner may read, and that must not be there yet.
///
/// # Errors
/// When it is there, or cannot be made.
pub fn private_file(path: &Path) -> std::io::Result<std::fs::File> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(unix)]
fn refuse_exposed(path: &Path) -> Result<(), SecretError> {
    use std::os::unix::fs::PermissionsExt;
    let metadata = std::fs::metadata(path).map_err(|error| SecretError::File(path.to_owned(), error))?;
    if metadata.permissions().mode() & 0o077 != 0 {
        return Err(SecretError::Exposed(path.to_owned()));
    }
    Ok(())
}

#[cfg(not(unix))]
fn refuse_exposed(_: &Path) -> Result<(), SecretError> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_only_with_the_same_secret_and_purpose() {
        let secrets = Secrets::derive(b"one", None).unwrap();
        let sealed = secrets.seal(b"plain", "purpose").unwrap();
        let open = |secrets: &Secrets, sealed: &str, purpose: &str| {
            secrets.open(sealed, purpose).map(|plain| plain.to_vec())
        };
        assert_eq!(open(&secrets, &sealed, "purpose").as_deref(), Some(b"plain".as_slice()));
        assert_eq!(open(&secrets, &sealed, "other"), None);
        assert_eq!(open(&Secrets::derive(b"two", None).unwrap(), &sealed, "purpose"), None);
        let changed = format!("{}{}", if sealed.starts_with('A') { 'B' } else { 'A' }, &sealed[1..]);
        assert_eq!(open(&secrets, &changed, "purpose"), None);
    }

    #[test]
    fn what_was_made_under_the_previous_secret_is_understood_and_made_anew() {
        let old = Secrets::derive(b"old", None).unwrap();
        let both = Secrets::derive(b"new", Some(b"old")).unwrap();
        let new = Secrets::derive(b"new", None).unwrap();
        let sealed = old.seal(b"plain", "purpose").unwrap();
        assert!(new.open(&sealed, "purpose").is_none() && both.open(&sealed, "purpose").is_some());
        let again = both.resealed(&sealed, "purpose").unwrap().unwrap();
        assert!(new.open(&again, "purpose").is_some());
        assert_eq!(both.resealed(&again, "purpose").unwrap(), None);
        let stored = old.api_key_hash("key");
        assert_eq!(both.check_api_key("key", &stored), Some(Generation::Previous));
        assert_eq!(both.check_api_key("key", &both.api_key_hash("key")), Some(Generation::Present));
        assert_eq!(both.check_api_key("other", &stored), None);
        assert_eq!(new.check_api_key("key", &stored), None);
    }

    #[test]
    fn a_secret_that_others_may_read_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let first = kept(directory.path()).unwrap();
        assert_eq!(kept(directory.path()).unwrap(), first);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let path = directory.path().join("secret");
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
            assert!(matches!(kept(directory.path()), Err(SecretError::Exposed(_))));
        }
    }
}
