//! A publication's own columns.

use sea_orm::entity::prelude::*;

use super::vocabulary::{Access, PublicationType, Reach};

/// A publication's own columns.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "publication")]
pub struct Model {
    /// Id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Type.
    #[sea_orm(column_name = "type")]
    pub r#type: Option<PublicationType>,
    /// `YYYY`, `YYYY-MM` or `YYYY-MM-DD`.
    #[sea_orm(column_type = "Text", nullable)]
    pub issued: Option<String>,
    /// Languages.
    #[sea_orm(column_type = "JsonBinary")]
    pub languages: Json,
    /// Series.
    #[sea_orm(column_type = "Text", nullable)]
    pub series: Option<String>,
    /// Number.
    #[sea_orm(column_type = "Text", nullable)]
    pub number: Option<String>,
    /// Pages.
    #[sea_orm(column_type = "Text", nullable)]
    pub pages: Option<String>,
    /// Edition.
    #[sea_orm(column_type = "Text", nullable)]
    pub edition: Option<String>,
    /// Place.
    #[sea_orm(column_type = "Text", nullable)]
    pub place: Option<String>,
    /// SPDX identifier.
    #[sea_orm(column_type = "Text", nullable)]
    pub licence: Option<String>,
    /// Access.
    pub access: Option<Access>,
    /// Embargo until.
    pub embargo_until: Option<Date>,
    /// Reach.
    pub scope: Option<Reach>,
    /// Audience.
    #[sea_orm(column_type = "JsonBinary")]
    pub audience: Json,
}

/// No relation is declared: what belongs together is fetched in sets, see `editorial::load`.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
