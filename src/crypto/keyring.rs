//! The keys that sign access tokens, kept sealed in the database and shared by all replicas.
//!
//! Source: RFC 8037 (Ed25519 in JOSE), RFC 7638 (thumbprints), RFC 7517 (key sets).

use std::{
    collections::HashMap,
    fmt,
    sync::{PoisonError, RwLock},
};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{DecodingKey, EncodingKey};
use sea_orm::{ActiveValue::Set, DbErr, QueryOrder, entity::prelude::*};

use super::Secrets;
use crate::{clock::Clock, db::Db, entity::signing_key};

/// How often a token with an unknown key id may make us look into the database.
const RELOAD_INTERVAL: TimeDelta = TimeDelta::seconds(5);

/// The signing keys.
pub struct Keyring(RwLock<Keys>);

#[derive(Default)]
struct Keys {
    active: Option<(String, EncodingKey)>,
    known: HashMap<String, (DecodingKey, String)>,
    loaded_at: DateTime<Utc>,
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

impl Keyring {
    /// Loads the keys; makes the first one.
    ///
    /// # Errors
    /// When the database fails or a key does not open.
    pub async fn load(db: &Db, clock: &Clock, secrets: &Secrets) -> Result<Self, KeyringError> {
        let mut rows = stored(db).await?;
        if rows.is_empty() {
            let row = generated(clock, secrets)?;
            let tx = db.begin().await?;
            signing_key::Entity::insert(row).exec_without_returning(&tx).await?;
            tx.commit().await?;
            rows = stored(db).await?;
        }
        let mut keys = Keys { loaded_at: clock.now(), ..Keys::default() };
        for row in &rows {
            let wrong = || KeyringError::WrongSecret(row.kid.clone());
            let private = secrets.open(&row.sealed_private_key, &row.kid).ok_or_else(wrong)?;
            keys.active = Some((row.kid.clone(), EncodingKey::from_ed_der(&private)));
        }
        keys.learn(rows)?;
        Ok(Self(RwLock::new(keys)))
    }

    /// The key to sign with and its id.
    #[must_use]
    pub fn active(&self) -> Option<(String, EncodingKey)> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).active.clone()
    }

    /// The key with the id `kid`; looks into the database for one that another replica made.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find(&self, db: &Db, clock: &Clock, kid: &str) -> Result<Option<DecodingKey>, KeyringError> {
        {
            let keys = self.0.read().unwrap_or_else(PoisonError::into_inner);
            if let Some((key, _)) = keys.known.get(kid) {
                return Ok(Some(key.clone()));
            }
            if clock.now() - keys.loaded_at < RELOAD_INTERVAL {
                return Ok(None);
            }
        }
        let rows = stored(db).await?;
        let mut keys = self.0.write().unwrap_or_else(PoisonError::into_inner);
        keys.loaded_at = clock.now();
        keys.learn(rows)?;
        Ok(keys.known.get(kid).map(|(key, _)| key.clone()))
    }

    /// The id and the public part (JWK `x`) of every key, by id.
    #[must_use]
    pub fn public_keys(&self) -> Vec<(String, String)> {
        let keys = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut list: Vec<_> = keys.known.iter().map(|(kid, (_, x))| (kid.clone(), x.clone())).collect();
        list.sort();
        list
    }
}

impl Keys {
    fn learn(&mut self, rows: Vec<signing_key::Model>) -> Result<(), KeyringError> {
        self.known.clear();
        for row in rows {
            let key = DecodingKey::from_ed_components(&row.public_key)
                .map_err(|_refused| KeyringError::Cryptography)?;
            self.known.insert(row.kid, (key, row.public_key));
        }
        Ok(())
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Keyring(hidden)")
    }
}

/// The keys that are not retired, the newest last.
async fn stored(db: &Db) -> Result<Vec<signing_key::Model>, DbErr> {
    signing_key::Entity::find()
        .filter(signing_key::Column::RetiredAt.is_null())
        .order_by_asc(signing_key::Column::CreatedAt)
        .order_by_asc(signing_key::Column::Kid)
        .all(db.reader())
        .await
}

fn generated(clock: &Clock, secrets: &Secrets) -> Result<signing_key::ActiveModel, KeyringError> {
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
        created_at: Set(clock.now()),
        active_from: Set(None),
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
