//! Where an entry stands among others by its title; derived, see `editorial::lists::derived`.

use sea_orm::entity::prelude::*;

use super::vocabulary::Kind;

/// Where an entry stands among others by its title; derived, see `editorial::lists::derived`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "title_key")]
pub struct Model {
    /// Entry id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub entry_id: Uuid,
    /// The language of the title.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub locale: String,
    /// The entry's kind.
    pub kind: Kind,
    /// Whether the entry was written in this language: the title then stands in for missing ones.
    pub is_original: bool,
    /// The title's sort key in hexadecimal digits; compared by code point.
    #[sea_orm(column_type = "Text")]
    pub sort_key: String,
}

/// No relation is declared: what belongs together is fetched in sets, see `editorial::load`.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
