//! One line of the change log.

use sea_orm::entity::prelude::*;

use super::vocabulary::{Kind, What};

/// One line of the change log.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "change")]
pub struct Model {
    /// The place in the log.
    #[sea_orm(primary_key)]
    pub seq: i64,
    /// Entry id.
    pub entry_id: Uuid,
    /// Kind.
    pub kind: Kind,
    /// Slug.
    #[sea_orm(column_type = "Text")]
    pub slug: String,
    /// What.
    pub what: What,
    /// Whether the public saw the entry before or after.
    pub concerns_public: bool,
    /// At.
    pub at: DateTimeUtc,
}

/// No relation is declared: what belongs together is fetched in sets, see `editorial::load`.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
