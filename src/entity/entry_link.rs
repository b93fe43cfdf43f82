//! An entry points to another.

use sea_orm::entity::prelude::*;

/// An entry points to another.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "entry_link")]
pub struct Model {
    /// Entry id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub entry_id: Uuid,
    /// The property the link stands in, such as `cites`.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub relation: String,
    /// Position.
    #[sea_orm(primary_key, auto_increment = false)]
    pub position: i32,
    /// Target id.
    pub target_id: Uuid,
    /// Whether readers outside are shown it.
    pub is_open: bool,
}

/// No relation is declared: what belongs together is fetched in sets, see `editorial::load`.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
