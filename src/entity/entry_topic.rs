//! An entry is about a topic.

use sea_orm::entity::prelude::*;

/// An entry is about a topic.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "entry_topic")]
pub struct Model {
    /// Entry id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub entry_id: Uuid,
    /// Topic id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub topic_id: Uuid,
    /// Position.
    pub position: i32,
    /// Whether readers outside are shown it.
    pub is_open: bool,
}

/// No relation is declared: what belongs together is fetched in sets, see `editorial::load`.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
