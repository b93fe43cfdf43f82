//! Work that is done later, by whichever replica is free.

use sea_orm::entity::prelude::*;

/// Work that is done later, by whichever replica is free.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "job")]
pub struct Model {
    /// Id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// What is to be done.
    #[sea_orm(column_type = "Text")]
    pub kind: String,
    /// With what, sealed: it may hold an address or a link that opens an account.
    #[sea_orm(column_type = "Text")]
    pub sealed_payload: String,
    /// Created at.
    pub created_at: DateTimeUtc,
    /// Not before.
    pub run_at: DateTimeUtc,
    /// How often it was tried.
    pub attempts: i32,
    /// Who works on it: a new id for every try.
    pub claim: Option<Uuid>,
    /// Until when nobody else may take it.
    pub claimed_until: Option<DateTimeUtc>,
    /// When it was given up.
    pub set_aside_at: Option<DateTimeUtc>,
    /// Why the last try failed.
    #[sea_orm(column_type = "Text", nullable)]
    pub last_error: Option<String>,
}

/// No relation is declared: what belongs together is fetched in sets, see `editorial::load`.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
