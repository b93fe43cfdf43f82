//! A practice's own columns.

use sea_orm::entity::prelude::*;

use super::vocabulary::{Outcome, Reach};

/// A practice's own columns.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "practice")]
pub struct Model {
    /// Id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Outcome.
    pub outcome: Option<Outcome>,
    /// Period start.
    #[sea_orm(column_type = "Text", nullable)]
    pub period_start: Option<String>,
    /// Period end.
    #[sea_orm(column_type = "Text", nullable)]
    pub period_end: Option<String>,
    /// Reach.
    pub scope: Option<Reach>,
    /// Countries.
    #[sea_orm(column_type = "JsonBinary")]
    pub countries: Json,
    /// Anonymised.
    pub anonymised: bool,
}

/// No relation is declared: what belongs together is fetched in sets, see `editorial::load`.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
