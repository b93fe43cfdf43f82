//! The keys that are known to be good: those that read what is public, and nothing else.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::http::HeaderValue;
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::{Hearing, Sources, hearing::Seen};
use crate::http::limits::Payer;

/// For how long a key is known before its row is read again: its use is noted to the minute.
const KNOWN: TimeDelta = TimeDelta::seconds(30);
/// How many keys are known at most.
const MOST: usize = 10_000;

/// A key that is known to be good.
#[derive(Debug)]
pub struct Known {
    /// The key.
    pub id: Uuid,
    /// Who pays for its requests.
    pub payer: Payer,
    /// The origins of the pages it is bound to; none: it is bound to none.
    pub origins: Vec<String>,
    /// When it expires, if that is soon: what its answers say.
    pub expires: Option<HeaderValue>,
    text: Box<str>,
    until: DateTime<Utc>,
    seen: Seen,
}

/// A key as it is to be known.
#[derive(Debug)]
pub struct Good {
    /// See [`Known`].
    pub id: Uuid,
    /// See [`Known`].
    pub payer: Payer,
    /// See [`Known`].
    pub origins: Vec<String>,
    /// When it expires.
    pub expires_at: DateTime<Utc>,
    /// See [`Known::expires`].
    pub expires: Option<HeaderValue>,
}

/// The keys that a process knows, by the part that is no secret.
#[derive(Debug, Default)]
pub struct KnownKeys(RwLock<HashMap<Box<str>, Arc<Known>>>);

impl KnownKeys {
    /// The key `text`, when it is known to be good `now`.
    #[must_use]
    pub fn get(&self, text: &str, now: DateTime<Utc>, hearing: &Hearing) -> Option<Arc<Known>> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner).get(name(text)?).cloned()?;
        let is_good = verify_slices_are_equal(known.text.as_bytes(), text.as_bytes()).is_ok()
            && now < known.until
            && hearing.holds(&Sources::ACCESS, &known.seen);
        is_good.then_some(known)
    }

    /// Knows the key `text`, whose row was read `now`, after the moment `seen`.
    pub fn remember(&self, text: &str, good: Good, now: DateTime<Utc>, seen: Seen) {
        let Some(name) = name(text) else { return };
        let Good { id, payer, origins, expires_at, expires } = good;
        let until = expires_at.min(now + KNOWN);
        let known = Arc::new(Known { id, payer, origins, expires, text: text.into(), until, seen });
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST {
            all.retain(|_, known| now < known.until);
        }
        if all.len() < MOST {
            all.insert(name.into(), known);
        }
    }
}

/// The part of a key that names it.
fn name(text: &str) -> Option<&str> {
    text.rsplit_once('_').map(|(name, _)| name)
}
