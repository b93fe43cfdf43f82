//! What names a request that has a key.

use std::fmt;

use aws_lc_rs::digest;
use axum::http::request::Parts;
use sea_orm::{Condition, entity::prelude::*};

use crate::{
    auth::Caller,
    crypto,
    entity::idempotency_key::{Column, Model},
    http::{Result, idempotency},
};

/// How long the name of an operation may be, in bytes: the index has no room for the longest address.
const LONGEST_OPERATION: usize = 512;

/// Caller, operation and key: nobody sees or uses up a key of another caller, or for another operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// The account or key that sent it.
    pub caller_id: Uuid,
    /// The method and the address.
    pub operation: String,
    /// A hash of the key: what stands in it is the caller's affair, and need not be kept.
    pub key: String,
}

impl Name {
    /// The name of a request; none when it has no key, or nobody whose key that could be.
    ///
    /// # Errors
    /// 400 when the key is not well-formed.
    pub fn of(parts: &Parts, caller: &Caller) -> Result<Option<Self>> {
        let Some(key) = idempotency::key(&parts.headers)? else { return Ok(None) };
        let Some(caller_id) = caller.id() else { return Ok(None) };
        let address = parts.uri.path_and_query().map_or("", |address| address.as_str());
        let mut operation = format!("{} {address}", parts.method);
        if operation.len() > LONGEST_OPERATION {
            operation = format!("{} sha256:{}", parts.method, crypto::sha256(address.as_bytes()));
        }
        Ok(Some(Self { caller_id, operation, key: crypto::sha256(key.as_bytes()) }))
    }

    /// The name of what is kept in `row`.
    pub fn of_row(row: &Model) -> Self {
        Self { caller_id: row.caller_id, operation: row.operation.clone(), key: row.key.clone() }
    }

    /// Selects what is kept under this name.
    pub fn condition(&self) -> Condition {
        Condition::all()
            .add(Column::CallerId.eq(self.caller_id))
            .add(Column::Operation.eq(&self.operation))
            .add(Column::Key.eq(&self.key))
    }

    /// The number of its lock. Of two requests whose names had one number, one would be told to wait.
    pub fn number(&self) -> i64 {
        let digest = digest::digest(&digest::SHA256, self.to_string().as_bytes());
        digest.as_ref().iter().take(8).fold(0, |number, byte| number << 8 | i64::from(*byte))
    }
}

impl fmt::Display for Name {
    /// All of it; neither an address nor a key has a line break.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}\n{}\n{}", self.caller_id, self.operation, self.key)
    }
}
