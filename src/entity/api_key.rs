//! A publishable or secret key.

use sea_orm::entity::prelude::*;

use super::vocabulary::KeyType;

/// A publishable or secret key.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "api_key")]
pub struct Model {
    /// Id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The public part of the key; unique.
    #[sea_orm(column_type = "Text")]
    pub prefix: String,
    /// Type.
    #[sea_orm(column_name = "type")]
    pub r#type: KeyType,
    /// Name.
    #[sea_orm(column_type = "Text")]
    pub name: String,
    /// HMAC-SHA-256 of the whole key, hexadecimal.
    #[sea_orm(column_type = "Text")]
    pub hash: String,
    /// Last four.
    #[sea_orm(column_type = "Text")]
    pub last_four: String,
    /// Scopes.
    #[sea_orm(column_type = "JsonBinary")]
    pub scopes: Json,
    /// Partner id.
    pub partner_id: Option<Uuid>,
    /// None when made on the command line.
    pub created_by: Option<Uuid>,
    /// Created at.
    pub created_at: DateTimeUtc,
    /// Expires at.
    pub expires_at: DateTimeUtc,
    /// Revoked at.
    pub revoked_at: Option<DateTimeUtc>,
    /// To the minute.
    pub last_used_at: Option<DateTimeUtc>,
    /// The web origins whose pages may use it; none: any that may call the service.
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub origins: Option<Json>,
    /// The networks it may be used from (CIDR); none: any.
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub networks: Option<Json>,
    /// The key that takes its place.
    pub successor_id: Option<Uuid>,
}

/// No relation is declared: what belongs together is fetched in sets, see `editorial::load`.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
