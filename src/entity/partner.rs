//! A partner organisation's own columns.

use sea_orm::entity::prelude::*;

use super::vocabulary::PartnerType;

/// A partner organisation's own columns.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "partner")]
pub struct Model {
    /// Id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Type.
    #[sea_orm(column_name = "type")]
    pub r#type: Option<PartnerType>,
    /// Country.
    #[sea_orm(column_type = "Text", nullable)]
    pub country: Option<String>,
    /// Website.
    #[sea_orm(column_type = "Text", nullable)]
    pub website: Option<String>,
}

/// No relation is declared: what belongs together is fetched in sets, see `editorial::load`.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
