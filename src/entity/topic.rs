//! A topic's own columns.

use sea_orm::entity::prelude::*;

/// A topic's own columns.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "topic")]
pub struct Model {
    /// Id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Notation.
    #[sea_orm(column_type = "Text", nullable)]
    pub notation: Option<String>,
    /// Position.
    pub position: i32,
    /// Exact matches.
    #[sea_orm(column_type = "JsonBinary")]
    pub exact_matches: Json,
    /// Close matches.
    #[sea_orm(column_type = "JsonBinary")]
    pub close_matches: Json,
}

/// No relation is declared: what belongs together is fetched in sets, see `editorial::load`.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
