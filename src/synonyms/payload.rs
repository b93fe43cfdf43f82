//! What requests about synonyms and their answers carry.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    entity::synonym,
    http::{Error, page::PageInfo},
};

/// A word or phrase, and what it is to bring in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSynonym {
    /// The word or phrase, in any spelling. From six letters on, its last word also stands for longer ones
    /// that begin with it.
    #[schema(max_length = 100, pattern = r"^\S([^\r\n\t]*\S)?$", example = "mor çatı")]
    pub key: String,
    /// The words and phrases that it brings in; not the other way round.
    #[schema(min_items = 1, max_items = 20, example = json!(["sığınmaevi"]))]
    pub alternatives: Vec<Alternative>,
}

/// A word or phrase that is searched for as well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(max_length = 100, pattern = r"^\S([^\r\n\t]*\S)?$", example = "sığınmaevi")]
pub struct Alternative(pub String);

/// What is to change of a synonym.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SynonymPatch {
    /// The word or phrase.
    #[serde(default)]
    #[schema(nullable = false, max_length = 100, pattern = r"^\S([^\r\n\t]*\S)?$", example = "mor çatı")]
    pub key: Option<String>,
    /// All that it brings in.
    #[serde(default)]
    #[schema(nullable = false, min_items = 1, max_items = 20, example = json!(["sığınmaevi"]))]
    pub alternatives: Option<Vec<Alternative>>,
}

/// A word or phrase, and what it brings in when somebody searches for it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Synonym {
    /// Its id.
    pub id: Uuid,
    /// The word or phrase.
    #[schema(example = "mor çatı")]
    pub key: String,
    /// The words and phrases that it brings in.
    pub alternatives: Vec<Alternative>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// A page of synonyms.
#[derive(Debug, Serialize, ToSchema)]
pub struct SynonymPage {
    /// The synonyms, in the order of their keys.
    pub data: Vec<Synonym>,
    /// Where the page ends.
    pub page: PageInfo,
}

impl TryFrom<synonym::Model> for Synonym {
    type Error = Error;

    fn try_from(row: synonym::Model) -> Result<Self, Error> {
        Ok(Self {
            id: row.id,
            key: row.key,
            alternatives: serde_json::from_value(row.alternatives).map_err(Error::internal)?,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}
