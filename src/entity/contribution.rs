//! Somebody had a part in an entry: a person, a partner, or a plain name.

use sea_orm::entity::prelude::*;

use super::vocabulary::Role;

/// Somebody had a part in an entry: a person, a partner, or a plain name.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "contribution")]
pub struct Model {
    /// Entry id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub entry_id: Uuid,
    /// The property the credit stands in, such as `authors`.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub field: String,
    /// Position.
    #[sea_orm(primary_key, auto_increment = false)]
    pub position: i32,
    /// Role.
    pub role: Role,
    /// As printed.
    #[sea_orm(column_type = "Text", nullable)]
    pub name: Option<String>,
    /// Person id.
    pub person_id: Option<Uuid>,
    /// Partner id.
    pub partner_id: Option<Uuid>,
    /// Whether readers outside are shown it.
    pub is_open: bool,
}

/// No relation is declared: what belongs together is fetched in sets, see `editorial::load`.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
