//! How often signing in to one account has failed in a row.

use sea_orm::entity::prelude::*;

/// How often signing in to one account has failed in a row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "sign_in_failure")]
pub struct Model {
    /// Keyed hash of the e-mail address that was tried, or of a device; whether there is an account or not.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub subject: String,
    /// Failures since the last success.
    pub failures: i32,
    /// When the last one was.
    pub last_at: DateTimeUtc,
}

/// No relation is declared: what belongs together is fetched in sets, see `editorial::load`.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
