//! What everything published is: one row per entry of any kind.

use sea_orm::entity::prelude::*;

use super::vocabulary::{Kind, State, Visibility};

/// What everything published is: one row per entry of any kind.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "entry")]
pub struct Model {
    /// Id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Kind.
    pub kind: Kind,
    /// Slug.
    #[sea_orm(column_type = "Text")]
    pub slug: String,
    /// State.
    pub state: State,
    /// Visibility.
    pub visibility: Visibility,
    /// False for a person who has not agreed to be shown, or no longer does; true for all else.
    pub consented: bool,
    /// Original locale.
    #[sea_orm(column_type = "Text")]
    pub original_locale: String,
    /// Counts the changes, those of the working copy among them, from 1.
    pub version: i32,
    /// Where the entry stands in its collection's default order; compared by code point.
    #[sea_orm(column_type = "Text")]
    pub sort_key: String,
    /// Created at.
    pub created_at: DateTimeUtc,
    /// Moves whenever anything visible in the entry changes.
    pub updated_at: DateTimeUtc,
    /// First publication; kept when the entry is withdrawn.
    pub published_at: Option<DateTimeUtc>,
    /// When it is to be published, while it is scheduled.
    pub publish_at: Option<DateTimeUtc>,
    /// When it is to be archived.
    pub unpublish_at: Option<DateTimeUtc>,
    /// Set while the entry is in the trash.
    pub deleted_at: Option<DateTimeUtc>,
    /// Set once only the tombstone is left of it.
    pub purged_at: Option<DateTimeUtc>,
    /// The account or key that created it.
    pub created_by: Option<Uuid>,
    /// The account or key that sent it to review; while it is there, or scheduled.
    pub submitted_by: Option<Uuid>,
    /// The account that is to review it.
    pub assignee_id: Option<Uuid>,
    /// The version that is its working copy, while there is one.
    pub draft_version: Option<i32>,
    /// The partner organisation it belongs to.
    pub owner_id: Option<Uuid>,
    /// Source name.
    #[sea_orm(column_type = "Text", nullable)]
    pub source_name: Option<String>,
    /// Source id.
    #[sea_orm(column_type = "Text", nullable)]
    pub source_id: Option<String>,
    /// Source url.
    #[sea_orm(column_type = "Text", nullable)]
    pub source_url: Option<String>,
    /// Source datestamp.
    pub source_datestamp: Option<DateTimeUtc>,
    /// Harvested at.
    pub harvested_at: Option<DateTimeUtc>,
    /// Source altered.
    pub source_altered: bool,
    /// The version of the rules that made what lists find the entry by; 0: none did yet.
    pub derived_by: i16,
}

/// No relation is declared: what belongs together is fetched in sets, see `editorial::load`.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
