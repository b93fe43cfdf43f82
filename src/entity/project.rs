//! A project's own columns.

use sea_orm::entity::prelude::*;

use super::vocabulary::{ProjectStatus, Reach};

/// A project's own columns.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "project")]
pub struct Model {
    /// Id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Code.
    #[sea_orm(column_type = "Text", nullable)]
    pub code: Option<String>,
    /// Status.
    pub status: ProjectStatus,
    /// Planned start.
    pub planned_start: Option<Date>,
    /// Planned end.
    pub planned_end: Option<Date>,
    /// Actual start.
    pub actual_start: Option<Date>,
    /// Actual end.
    pub actual_end: Option<Date>,
    /// Reach.
    pub scope: Option<Reach>,
    /// Countries.
    #[sea_orm(column_type = "JsonBinary")]
    pub countries: Json,
    /// Sdg targets.
    #[sea_orm(column_type = "JsonBinary")]
    pub sdg_targets: Json,
    /// Sectors.
    #[sea_orm(column_type = "JsonBinary")]
    pub sectors: Json,
    /// Gender marker.
    pub gender_marker: Option<i16>,
    /// Budget.
    #[sea_orm(column_type = "JsonBinary")]
    pub budget: Json,
    /// Transactions.
    #[sea_orm(column_type = "JsonBinary")]
    pub transactions: Json,
    /// Results.
    #[sea_orm(column_type = "JsonBinary")]
    pub results: Json,
    /// Website.
    #[sea_orm(column_type = "Text", nullable)]
    pub website: Option<String>,
}

/// No relation is declared: what belongs together is fetched in sets, see `editorial::load`.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
