//! A name the world outside knows an entry by.

use sea_orm::entity::prelude::*;

use super::vocabulary::IdentifierScheme;

/// A name the world outside knows an entry by.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "identifier")]
pub struct Model {
    /// Scheme.
    #[sea_orm(primary_key, auto_increment = false)]
    pub scheme: IdentifierScheme,
    /// Value.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub value: String,
    /// Entry id.
    pub entry_id: Uuid,
    /// Position.
    pub position: i32,
    /// Whether readers outside are shown it.
    pub is_open: bool,
}

/// No relation is declared: what belongs together is fetched in sets, see `editorial::load`.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
