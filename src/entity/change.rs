//! One line of the change log.

use sea_orm::entity::prelude::*;

use super::vocabulary::{Kind, Visibility, What};

/// One line of the change log.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "change")]
pub struct Model {
    /// Counts the lines as they are written, which is not the order in which they are committed.
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
    /// The widest audience that saw the entry before or after; none: only those who edit.
    pub audience: Option<Visibility>,
    /// At.
    pub at: DateTimeUtc,
    /// The place in the log, in the order of the commits; none until the transaction is about to end.
    pub position: Option<i64>,
}

/// No relation is declared: what belongs together is fetched in sets, see `editorial::load`.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
