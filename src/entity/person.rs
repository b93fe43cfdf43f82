//! A person's own columns.

use sea_orm::entity::prelude::*;

/// A person's own columns.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "person")]
pub struct Model {
    /// Id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Name.
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub name: Option<Json>,
    /// Roles.
    #[sea_orm(column_type = "JsonBinary")]
    pub roles: Json,
    /// Website.
    #[sea_orm(column_type = "Text", nullable)]
    pub website: Option<String>,
    /// Consent.
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub consent: Option<Json>,
}

/// No relation is declared: what belongs together is fetched in sets, see `editorial::load`.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
