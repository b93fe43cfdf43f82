//! A link that shows one entry, drafts included, to whoever has it.

use sea_orm::entity::prelude::*;

/// A link that shows one entry, drafts included, to whoever has it.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "preview")]
pub struct Model {
    /// Id; the link carries it, signed.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Entry id.
    pub entry_id: Uuid,
    /// The account or key that made it.
    pub created_by: Option<Uuid>,
    /// Created at.
    pub created_at: DateTimeUtc,
    /// Expires at.
    pub expires_at: DateTimeUtc,
    /// Revoked at.
    pub revoked_at: Option<DateTimeUtc>,
    /// Whom it is for.
    #[sea_orm(column_type = "Text", nullable)]
    pub note: Option<String>,
}

/// No relation is declared: what belongs together is fetched in sets, see `editorial::load`.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
