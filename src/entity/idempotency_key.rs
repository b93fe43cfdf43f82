//! The answer to a request that may be sent again.

use sea_orm::entity::prelude::*;

/// The answer to a request that may be sent again.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "idempotency_key")]
pub struct Model {
    /// The account or key that sent it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub caller_id: Uuid,
    /// The method and the address.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub operation: String,
    /// A hash of the key that the caller gave it.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub key: String,
    /// A hash of what was sent, sealed: what was sent may hold a password.
    #[sea_orm(column_type = "Text")]
    pub fingerprint: String,
    /// The status of the answer.
    pub status: i16,
    /// The headers and the body of the answer, sealed: it may show a secret that is shown once.
    #[sea_orm(column_type = "Text")]
    pub sealed_answer: String,
    /// Created at.
    pub created_at: DateTimeUtc,
    /// Expires at.
    pub expires_at: DateTimeUtc,
}

/// No relation is declared: what belongs together is fetched in sets, see `editorial::load`.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
