//! A slug that was public once and still leads to its entry.

use sea_orm::entity::prelude::*;

use super::vocabulary::Kind;

/// A slug that was public once and still leads to its entry.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "slug_history")]
pub struct Model {
    /// Kind.
    #[sea_orm(primary_key, auto_increment = false)]
    pub kind: Kind,
    /// Slug.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub slug: String,
    /// Entry id.
    pub entry_id: Uuid,
    /// Retired at.
    pub retired_at: DateTimeUtc,
}

/// No relation is declared: what belongs together is fetched in sets, see `editorial::load`.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
