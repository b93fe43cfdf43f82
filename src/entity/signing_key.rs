//! A key that signs access tokens.

use sea_orm::entity::prelude::*;

/// A key that signs access tokens.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "signing_key")]
pub struct Model {
    /// RFC 7638 thumbprint.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub kid: String,
    /// The JWK `x` value.
    #[sea_orm(column_type = "Text")]
    pub public_key: String,
    /// PKCS#8, sealed with AES-256-GCM under the master secret.
    #[sea_orm(column_type = "Text")]
    pub sealed_private_key: String,
    /// Created at.
    pub created_at: DateTimeUtc,
    /// From when it signs; before that it is only published. None: since it was made.
    pub active_from: Option<DateTimeUtc>,
    /// From when it verifies no more.
    pub retired_at: Option<DateTimeUtc>,
}

/// No relation is declared: what belongs together is fetched in sets, see `editorial::load`.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
