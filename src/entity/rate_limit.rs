//! A bucket of requests that all replicas share.

use sea_orm::entity::prelude::*;

/// A bucket of requests that all replicas share.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "rate_limit")]
pub struct Model {
    /// The policy and a keyed hash of whose it is.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub bucket: String,
    /// When it will be empty again, in nanoseconds since 1970.
    pub empty_at: i64,
}

/// No relation is declared: what belongs together is fetched in sets, see `editorial::load`.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
