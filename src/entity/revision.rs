//! An entry as it stood after one change.

use sea_orm::entity::prelude::*;

use super::vocabulary::State;

/// An entry as it stood after one change.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "revision")]
pub struct Model {
    /// Entry id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub entry_id: Uuid,
    /// Version; counted with the entry.
    #[sea_orm(primary_key, auto_increment = false)]
    pub version: i32,
    /// State.
    pub state: State,
    /// Whether it is a version of the working copy, not of what readers see.
    pub working: bool,
    /// The write shape in JSON, references by id.
    #[sea_orm(column_type = "Text")]
    pub snapshot: String,
    /// Actor id.
    pub actor_id: Option<Uuid>,
    /// At.
    pub at: DateTimeUtc,
    /// Note.
    #[sea_orm(column_type = "Text", nullable)]
    pub note: Option<String>,
}

/// No relation is declared: what belongs together is fetched in sets, see `editorial::load`.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
