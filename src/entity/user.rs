//! An account.

use sea_orm::entity::prelude::*;

use super::vocabulary::AccountRole;

/// An account.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "user")]
pub struct Model {
    /// Id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// ASCII-lowercased; unique.
    #[sea_orm(column_type = "Text")]
    pub email: String,
    /// Name.
    #[sea_orm(column_type = "Text", nullable)]
    pub name: Option<String>,
    /// Role.
    pub role: AccountRole,
    /// Argon2id, PHC string; empty until a password is chosen.
    #[sea_orm(column_type = "Text")]
    pub password_hash: String,
    /// Created at.
    pub created_at: DateTimeUtc,
    /// Password changed at.
    pub password_changed_at: DateTimeUtc,
    /// Disabled at.
    pub disabled_at: Option<DateTimeUtc>,
    /// How often the account has changed; its entity tag.
    pub version: i32,
    /// The secret of the second factor, sealed under the master secret; being set up until confirmed.
    #[sea_orm(column_type = "Text", nullable)]
    pub sealed_totp_secret: Option<String>,
    /// Since when the second factor is in force.
    pub totp_confirmed_at: Option<DateTimeUtc>,
    /// The time step of the last code that was used: a code is good once.
    pub totp_last_step: Option<i64>,
    /// When it was deleted; only its id is left, for what refers to it.
    pub deleted_at: Option<DateTimeUtc>,
}

/// No relation is declared: what belongs together is fetched in sets, see `editorial::load`.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
