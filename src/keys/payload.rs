//! What requests about keys and their answers carry.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    auth::Scope,
    entity::{api_key, vocabulary::KeyType},
    http::{Error, Result, page::PageInfo},
};

/// How long a key is good when nothing is said, in days.
const DEFAULT_DAYS: i64 = 90;

/// A key to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewKey {
    /// What it is for.
    pub r#type: KeyType,
    /// What it is called.
    #[schema(pattern = r"^\S([^\r\n\t]*\S)?$", max_length = 200, example = "Ana sayfa")]
    pub name: String,
    /// What a secret key may do; a publishable key reads what is public, and takes none.
    #[serde(default)]
    #[schema(max_items = 10, example = json!([]))]
    pub scopes: Vec<Scope>,
    /// The partner it is made for, by id or slug.
    #[serde(default)]
    #[schema(max_length = 96)]
    pub partner: Option<String>,
    /// For how many days it is good.
    #[serde(default = "default_days")]
    #[schema(minimum = 1, maximum = 366, default = 90)]
    pub expires_in_days: i64,
    /// The web origins whose pages may use a publishable key; none: those that the service allows to
    /// any key.
    #[serde(default)]
    #[schema(max_items = 20, example = json!(["https://www.sogep.example"]))]
    pub origins: Vec<String>,
    /// The networks (CIDR) that a secret key may be used from; none: any.
    #[serde(default)]
    #[schema(max_items = 20, example = json!([]))]
    pub networks: Vec<String>,
}

fn default_days() -> i64 {
    DEFAULT_DAYS
}

/// A key, without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct Key {
    /// Its id.
    pub id: Uuid,
    /// What it is for.
    pub r#type: KeyType,
    /// What it is called.
    #[schema(example = "Ana sayfa")]
    pub name: String,
    /// The part of it that is no secret.
    #[schema(example = "sogep_pk_4fTq0aZ81LmC")]
    pub prefix: String,
    /// Its last four characters.
    #[schema(example = "x7Qd")]
    pub last_four: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// The partner it is made for.
    #[schema(required)]
    pub partner_id: Option<Uuid>,
    /// The web origins whose pages may use it.
    #[schema(example = json!(["https://www.sogep.example"]))]
    pub origins: Vec<String>,
    /// The networks (CIDR) it may be used from.
    pub networks: Vec<String>,
    /// The account that made it; null when it was made on the command line.
    #[schema(required)]
    pub created_by: Option<Uuid>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Until when it is good.
    pub expires_at: DateTime<Utc>,
    /// When it was revoked.
    #[schema(required)]
    pub revoked_at: Option<DateTime<Utc>>,
    /// When it was last used, to the minute.
    #[schema(required)]
    pub last_used_at: Option<DateTime<Utc>>,
    /// The key that takes its place.
    #[schema(required)]
    pub successor_id: Option<Uuid>,
}

/// How a key is to be replaced.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rotation {
    /// For how many days the old key stays good beside the new one; 0: it ends at once.
    #[serde(default = "default_overlap")]
    #[schema(minimum = 0, maximum = 7, default = 1)]
    pub overlap_days: i64,
}

fn default_overlap() -> i64 {
    1
}

/// A key that has just been made, with its secret: it is shown this once.
#[derive(Debug, Serialize, ToSchema)]
pub struct CreatedKey {
    /// The whole key. Keep it: it cannot be shown again.
    #[schema(example = "sogep_pk_4fTq0aZ81LmC_…")]
    pub secret: String,
    /// The key.
    pub key: Key,
}

/// A page of keys.
#[derive(Debug, Serialize, ToSchema)]
pub struct KeyPage {
    /// The keys.
    pub data: Vec<Key>,
    /// Where the page ends.
    pub page: PageInfo,
}

impl TryFrom<api_key::Model> for Key {
    type Error = Error;

    fn try_from(row: api_key::Model) -> Result<Self> {
        let list = |stored: Option<serde_json::Value>| {
            stored.map_or_else(|| Ok(Vec::new()), serde_json::from_value).map_err(Error::internal)
        };
        Ok(Self {
            id: row.id,
            r#type: row.r#type,
            name: row.name,
            prefix: row.prefix,
            last_four: row.last_four,
            scopes: serde_json::from_value(row.scopes).map_err(Error::internal)?,
            partner_id: row.partner_id,
            origins: list(row.origins)?,
            networks: list(row.networks)?,
            successor_id: row.successor_id,
            created_by: row.created_by,
            created_at: row.created_at,
            expires_at: row.expires_at,
            revoked_at: row.revoked_at,
            last_used_at: row.last_used_at,
        })
    }
}
