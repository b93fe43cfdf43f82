//! The keys that sign access tokens, kept sealed in the database and shared by all replicas.
//!
//! Source: RFC 8037 (Ed25519 in JOSE), RFC 7638 (thumbprints), RFC 7517 (key sets).

use std::{
    fmt,
    sync::{PoisonError, RwLock},
};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{DecodingKey, EncodingKey};
use sea_orm::{ActiveValue::Set, Condition, DbErr, entity::prelude::*, sea_query::Expr};

use super::Secrets;
use crate::{clock::Clock, db::Db, entity::signing_key};

/// How often a token with an unknown key id may make us look into the database.
const RELOAD_INTERVAL: TimeDelta = TimeDelta::seconds(5);
/// How long a new key is published before it signs: every replica has heard of it by then.
const PUBLISHED_AHEAD: TimeDelta = TimeDelta::minutes(1);
/// How long a key verifies after it has signed last: the life of an access token, and some.
const OVERLAP: TimeDelta = TimeDelta::minutes(11);

/// The signing keys.
pub struct Keyring {
    keys: RwLock<Keys>,
    secrets: Secrets,
}

#[derive(Default)]
struct Keys {
    /// The one that signs last comes last.
    known: Vec<Known>,
    loaded_at: DateTime<Utc>,
}

struct Known {
    kid: String,
    public_key: String,
    verifies: DecodingKey,
    signs: EncodingKey,
    active_from: DateTime<Utc>,
    retired_at: Option<DateTime<Utc>>,
}

/// Why there is no key to sign with.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DbErr),
    /// A stored key does not open: the master secret is another one than it was sealed with.
    #[error("the signing key {0} does not open: this is not the master secret it was sealed with")]
    WrongSecret(String),
    /// The cryptographic library failed.
    #[error("the cryptographic library failed")]
    Cryptography,
}

/// A new signing key, and when it takes over.
#[derive(Debug)]
pub struct Rotation {
    /// The new key.
    pub kid: String,
    /// From when it signs.
    pub active_from: DateTime<Utc>,
    /// Until when the old ones verify.
    pub retires_at: DateTime<Utc>,
}

impl Keyring {
    /// Loads the keys; makes the first one.
    ///
    /// # Errors
    /// When the database fails or a key does not open.
    pub async fn load(db: &Db, clock: &Clock, secrets: &Secrets) -> Result<Self, KeyringError> {
        let keyring = Self { keys: RwLock::default(), secrets: secrets.clone() };
        if stored(db, clock.now()).await?.is_empty() {
            let now = clock.now();
            let row = generated(now, now, secrets)?;
            let tx = db.begin().await?;
            signing_key::Entity::insert(row).exec_without_returning(&tx).await?;
            tx.commit().await?;
        }
        keyring.reload(db, clock).await?;
        Ok(keyring)
    }

    /// Learns of keys that another replica made, and forgets those that are retired.
    ///
    /// # Errors
    /// When the database fails or a key does not open; then all stays as it was.
    pub async fn reload(&self, db: &Db, clock: &Clock) -> Result<(), KeyringError> {
        let now = clock.now();
        let mut known = Vec::new();
        for row in stored(db, now).await? {
            let private = self.secrets.open(&row.sealed_private_key, &row.kid);
            let private = private.ok_or_else(|| KeyringError::WrongSecret(row.kid.clone()))?;
            known.push(Known {
                verifies: DecodingKey::from_ed_components(&row.public_key)
                    .map_err(|_refused| KeyringError::Cryptography)?,
                signs: EncodingKey::from_ed_der(&private),
                active_from: row.active_from.unwrap_or(row.created_at),
                retired_at: row.retired_at,
                kid: row.kid,
                public_key: row.public_key,
            });
        }
        known.sort_by(|a, b| (a.active_from, &a.kid).cmp(&(b.active_from, &b.kid)));
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Keys { known, loaded_at: now };
        Ok(())
    }

    /// Makes a new key. It is published at once and signs a minute later; the old ones verify until
    /// what they have signed has expired, and no token fails meanwhile.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn rotate(&self, db: &impl ConnectionTrait, clock: &Clock) -> Result<Rotation, KeyringError> {
        let now = clock.now();
        let active_from = now + PUBLISHED_AHEAD;
        let retires_at = active_from + OVERLAP;
        signing_key::Entity::update_many()
            .col_expr(signing_key::Column::RetiredAt, Expr::value(retires_at))
            .filter(signing_key::Column::RetiredAt.is_null())
            .exec(db)
            .await?;
        let row = generated(now, active_from, &self.secrets)?;
        let kid = row.kid.clone().take().ok_or(KeyringError::Cryptography)?;
        signing_key::Entity::insert(row).exec_without_returning(db).await?;
        Ok(Rotation { kid, active_from, retires_at })
    }

    /// The key to sign with at `now`, and its id.
    #[must_use]
    pub fn active(&self, now: DateTime<Utc>) -> Option<(String, EncodingKey)> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let active = keys.known.iter().rfind(|key| key.active_from <= now).or(keys.known.first());
        active.map(|key| (key.kid.clone(), key.signs.clone()))
    }

    /// The key with the id `kid`; looks into the database for one that another replica made.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find(&self, db: &Db, clock: &Clock, kid: &str) -> Result<Option<DecodingKey>, KeyringError> {
        let now = clock.now();
        let look = || {
            let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
            let good = |key: &&Known| key.kid == kid && key.retired_at.is_none_or(|retired| now < retired);
            let key = keys.known.iter().find(good).map(|key| key.verifies.clone());
            (key, now - keys.loaded_at < RELOAD_INTERVAL)
        };
        match look() {
            (None, false) => {
                self.reload(db, clock).await?;
                Ok(look().0)
            }
            (key, _) => Ok(key),
        }
    }

    /// The id and the public part (JWK `x`) of every key that verifies at `now`, by id.
    #[must_use]
    pub fn public_keys(&self, now: DateTime<Utc>) -> Vec<(String, String)> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let verifying = keys.known.iter().filter(|key| key.retired_at.is_none_or(|retired| now < retired));
        let mut list: Vec<_> = verifying.map(|key| (key.kid.clone(), key.public_key.clone())).collect();
        list.sort();
        list
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Keyring(hidden)")
    }
}

/// The keys that are not retired at `now`.
async fn stored(db: &Db, now: DateTime<Utc>) -> Result<Vec<signing_key::Model>, DbErr> {
    let good = Condition::any()
        .add(signing_key::Column::RetiredAt.is_null())
        .add(signing_key::Column::RetiredAt.gt(now));
    signing_key::Entity::find().filter(good).all(db.reader()).await
}

fn generated(
    now: DateTime<Utc>,
    active_from: DateTime<Utc>,
    secrets: &Secrets,
) -> Result<signing_key::ActiveModel, KeyringError> {
    let failed = |_unspecified| KeyringError::Cryptography;
    let private = Ed25519KeyPair::generate_pkcs8(&aws_lc_rs::rand::SystemRandom::new()).map_err(failed)?;
    let pair = Ed25519KeyPair::from_pkcs8(private.as_ref()).map_err(|_refused| KeyringError::Cryptography)?;
    let public_key = BASE64.encode(pair.public_key().as_ref());
    let kid = thumbprint(&public_key);
    let sealed = secrets.seal(private.as_ref(), &kid).map_err(|_failed| KeyringError::Cryptography)?;
    Ok(signing_key::ActiveModel {
        kid: Set(kid),
        public_key: Set(public_key),
        sealed_private_key: Set(sealed),
        created_at: Set(now),
        active_from: Set(Some(active_from)),
        retired_at: Set(None),
    })
}

/// The thumbprint of an Ed25519 key. Source: RFC 7638, section 3; RFC 8037, appendix A.3.
fn thumbprint(x: &str) -> String {
    let canonical = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, canonical.as_bytes());
    BASE64.encode(digest)
}

#[cfg(test)]
mod tests {
    /// The vector of RFC 8037, appendix A.3.
    #[test]
    fn the_thumbprint_is_the_one_of_the_rfc() {
        assert_eq!(
            super::thumbprint("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"),
            "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
        );
    }
}
