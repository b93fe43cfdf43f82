//! How often the table of synonyms has changed; one row.

use sea_orm::entity::prelude::*;

/// How often the table of synonyms has changed; one row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "synonym_edition")]
pub struct Model {
    /// Always 1.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i16,
    /// Counts the changes; 0: the list that comes with the program is not in the table yet.
    pub edition: i64,
}

/// No relation is declared: it belongs to nothing.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
