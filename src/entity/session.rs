//! One sign-in.

use sea_orm::entity::prelude::*;

/// One sign-in.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "session")]
pub struct Model {
    /// Id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// User id.
    pub user_id: Uuid,
    /// Created at.
    pub created_at: DateTimeUtc,
    /// Last used at.
    pub last_used_at: DateTimeUtc,
    /// Expires at.
    pub expires_at: DateTimeUtc,
    /// Ended at.
    pub ended_at: Option<DateTimeUtc>,
    /// When the person last proved who they are; none: when the session began.
    pub authenticated_at: Option<DateTimeUtc>,
    /// Whether they did so with a second factor.
    pub second_factor: bool,
    /// What they use, as far as a list needs to tell: "Firefox, Linux".
    #[sea_orm(column_type = "Text", nullable)]
    pub device: Option<String>,
}

/// No relation is declared: what belongs together is fetched in sets, see `editorial::load`.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
