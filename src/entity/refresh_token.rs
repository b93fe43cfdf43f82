//! A refresh token of a session; good once.

use sea_orm::entity::prelude::*;

/// A refresh token of a session; good once.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "refresh_token")]
pub struct Model {
    /// SHA-256 of the token, hexadecimal.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub hash: String,
    /// Session id.
    pub session_id: Uuid,
    /// Issued at.
    pub issued_at: DateTimeUtc,
    /// Expires at.
    pub expires_at: DateTimeUtc,
    /// Used at.
    pub used_at: Option<DateTimeUtc>,
    /// The token it was exchanged for, sealed under itself: only who has it can read it.
    #[sea_orm(column_type = "Text", nullable)]
    pub sealed_successor: Option<String>,
    /// Hash of the `Idempotency-Key` of that exchange, until it was repeated.
    #[sea_orm(column_type = "Text", nullable)]
    pub retry_key: Option<String>,
}

/// No relation is declared: what belongs together is fetched in sets, see `editorial::load`.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
