//! An event's own columns.

use sea_orm::entity::prelude::*;

use super::vocabulary::{AttendanceMode, EventStatus, EventType, LocationPrecision};

/// An event's own columns.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "event")]
pub struct Model {
    /// Id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Type.
    #[sea_orm(column_name = "type")]
    pub r#type: Option<EventType>,
    /// Starts at.
    pub starts_at: Option<DateTimeUtc>,
    /// Ends at.
    pub ends_at: Option<DateTimeUtc>,
    /// IANA name.
    #[sea_orm(column_type = "Text", nullable)]
    pub time_zone: Option<String>,
    /// All day.
    pub all_day: bool,
    /// Status.
    pub status: EventStatus,
    /// RFC 5545 SEQUENCE.
    pub sequence: i32,
    /// Mode.
    pub mode: Option<AttendanceMode>,
    /// Point.
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub point: Option<Json>,
    /// Country.
    #[sea_orm(column_type = "Text", nullable)]
    pub country: Option<String>,
    /// Online url.
    #[sea_orm(column_type = "Text", nullable)]
    pub online_url: Option<String>,
    /// Location precision.
    pub location_precision: LocationPrecision,
    /// Languages.
    #[sea_orm(column_type = "JsonBinary")]
    pub languages: Json,
    /// Capacity.
    pub capacity: Option<i32>,
    /// Registration url.
    #[sea_orm(column_type = "Text", nullable)]
    pub registration_url: Option<String>,
    /// Registration deadline.
    pub registration_deadline: Option<DateTimeUtc>,
    /// Recurrence.
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub recurrence: Option<Json>,
}

/// No relation is declared: what belongs together is fetched in sets, see `editorial::load`.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
