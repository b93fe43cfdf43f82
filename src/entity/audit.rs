//! A line of the audit trail; none is ever changed or removed.

use sea_orm::entity::prelude::*;

use super::vocabulary::{ActorType, AuditAction, AuditOutcome};

/// A line of the audit trail; none is ever changed or removed.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "audit")]
pub struct Model {
    /// Its number; there are no gaps.
    #[sea_orm(primary_key, auto_increment = false)]
    pub seq: i64,
    /// At.
    pub at: DateTimeUtc,
    /// What was done or tried.
    pub action: AuditAction,
    /// Whether it was done.
    pub outcome: AuditOutcome,
    /// What kind of caller it was.
    pub actor_type: ActorType,
    /// The account or key.
    pub actor_id: Option<Uuid>,
    /// What kind of thing it was done to.
    #[sea_orm(column_type = "Text", nullable)]
    pub object_type: Option<String>,
    /// Which one.
    #[sea_orm(column_type = "Text", nullable)]
    pub object_id: Option<String>,
    /// Why, in one stable word.
    #[sea_orm(column_type = "Text", nullable)]
    pub reason: Option<String>,
    /// The names of the fields that changed, comma-separated; never their values.
    #[sea_orm(column_type = "Text")]
    pub fields: String,
    /// The request.
    #[sea_orm(column_type = "Text", nullable)]
    pub request_id: Option<String>,
    /// The hash of the line before, hexadecimal.
    #[sea_orm(column_type = "Text")]
    pub previous: String,
    /// SHA-256 over the line before and this one, hexadecimal.
    #[sea_orm(column_type = "Text")]
    pub hash: String,
}

/// No relation is declared: what belongs together is fetched in sets, see `editorial::load`.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
