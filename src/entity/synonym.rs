//! What a word or phrase brings in when somebody searches for it.

use sea_orm::entity::prelude::*;

/// What a word or phrase brings in when somebody searches for it.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "synonym")]
pub struct Model {
    /// Id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The word or phrase, as it was typed.
    #[sea_orm(column_type = "Text")]
    pub key: String,
    /// The same as the search compares it; unique.
    #[sea_orm(column_type = "Text")]
    pub folded: String,
    /// The words and phrases that it brings in.
    #[sea_orm(column_type = "JsonBinary")]
    pub alternatives: Json,
    /// Counts the changes, from 1.
    pub version: i32,
    /// Created at.
    pub created_at: DateTimeUtc,
    /// Updated at.
    pub updated_at: DateTimeUtc,
}

/// No relation is declared: it belongs to nothing.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
