//! A value by which an entry is found in a list; derived, see `editorial::lists::derived`.

use sea_orm::entity::prelude::*;

use super::vocabulary::Kind;

/// A value by which an entry is found in a list; derived, see `editorial::lists::derived`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "entry_value")]
pub struct Model {
    /// Entry id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub entry_id: Uuid,
    /// The parameter's name, such as `issued`.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub field: String,
    /// The value in a form that, compared by code point, is in order.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub value: String,
    /// The entry's kind.
    pub kind: Kind,
    /// Whether readers outside are shown it.
    pub is_open: bool,
}

/// No relation is declared: what belongs together is fetched in sets, see `editorial::load`.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
