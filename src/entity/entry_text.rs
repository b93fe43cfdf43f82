//! The texts of an entry in one language.

use sea_orm::entity::prelude::*;

/// The texts of an entry in one language.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "entry_text")]
pub struct Model {
    /// Entry id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub entry_id: Uuid,
    /// Locale.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub locale: String,
    /// Title.
    #[sea_orm(column_type = "Text", nullable)]
    pub title: Option<String>,
    /// Summary.
    #[sea_orm(column_type = "Text", nullable)]
    pub summary: Option<String>,
    /// Markdown.
    #[sea_orm(column_type = "Text", nullable)]
    pub body: Option<String>,
    /// The kind's other translated texts, as an object.
    #[sea_orm(column_type = "JsonBinary")]
    pub details: Json,
}

/// No relation is declared: what belongs together is fetched in sets, see `editorial::load`.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
