//! What a kind of content declares about itself.

use sea_orm::{ActiveModelBehavior, ActiveModelTrait, EntityTrait, IntoActiveModel};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{draft::Draft, lists::Field};
use crate::{
    auth::Caller,
    clock::Clock,
    entity::{
        self,
        vocabulary::{IdentifierScheme, Role, State},
    },
    http::{FieldError, Result},
};

/// Who may stand in a credit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agents {
    /// People, or plain names.
    People,
    /// Partner organisations, or plain names.
    Partners,
    /// Either, or plain names.
    Any,
}

/// A property that credits people or partners, in order.
#[derive(Debug)]
pub struct CreditField {
    /// The property's name, such as `authors`.
    pub name: &'static str,
    /// Who may stand in it.
    pub agents: Agents,
    /// The roles they may have; with only one, it need not be said.
    pub roles: &'static [Role],
    /// What it is for, in the documentation.
    pub meaning: &'static str,
}

/// A property that points to other entries.
#[derive(Debug)]
pub struct LinkField {
    /// The property's name, such as `cites`.
    pub name: &'static str,
    /// What it points to.
    pub target: entity::vocabulary::Kind,
    /// Whether it points to several, in order.
    pub many: bool,
    /// Whether following it must never lead back: it makes a tree.
    pub acyclic: bool,
    /// What it is for, in the documentation.
    pub meaning: &'static str,
}

/// A kind of content.
pub trait Kind: Clone + std::fmt::Debug + Send + Sync + 'static {
    /// Which kind it is.
    const KIND: entity::vocabulary::Kind;
    /// Its schema name, such as `Publication`.
    const NAME: &'static str;
    /// The last part of its address, such as `publications`.
    const COLLECTION: &'static str;
    /// The text that is the entry's name.
    const TITLE: Option<&'static str> = Some("title");
    /// The text that sums it up.
    const SUMMARY: Option<&'static str> = Some("summary");
    /// The long text, in Markdown, that lists leave out.
    const BODY: Option<&'static str> = Some("body");
    /// Whether entries of this kind are filed under topics.
    const HAS_TOPICS: bool = true;
    /// Its credits.
    const CREDITS: &'static [CreditField] = &[];
    /// Its links.
    const LINKS: &'static [LinkField] = &[];
    /// What its lists can be filtered and sorted by, beyond what follows from the rest.
    const FIELDS: &'static [Field] = &[];
    /// The schemes of identifiers that its lists can be filtered by, each with the parameter's name.
    const IDENTIFIERS: &'static [(&'static str, IdentifierScheme)] = &[];
    /// Whether the default order is descending.
    const DESCENDING: bool;
    /// What the default order is, in the documentation.
    const ORDER: &'static str;
    /// The properties that a published entry needs.
    const REQUIRED: &'static [&'static str] = &[];
    /// The texts that a published entry needs in its original language.
    const REQUIRED_TEXTS: &'static [&'static str];

    /// What does not depend on language: sent and received alike.
    type Fields: Clone + std::fmt::Debug + PartialEq + Serialize + DeserializeOwned + ToSchema + Send + Sync;
    /// What is written once per language.
    type Texts: Clone
        + std::fmt::Debug
        + PartialEq
        + Default
        + Serialize
        + DeserializeOwned
        + ToSchema
        + Send
        + Sync;
    /// The table of its own columns.
    type Row: EntityTrait<
            Model: IntoActiveModel<<Self::Row as EntityTrait>::ActiveModel> + Send + Sync,
            ActiveModel: ActiveModelTrait<Entity = Self::Row> + ActiveModelBehavior + Send + Sync,
        >;

    /// The row of the entry `id`.
    ///
    /// # Errors
    /// When a value cannot be written as JSON.
    fn into_row(id: Uuid, fields: &Self::Fields) -> Result<<Self::Row as EntityTrait>::ActiveModel>;

    /// Reads a row.
    ///
    /// # Errors
    /// When the row does not hold what this kind stores.
    fn from_row(row: <Self::Row as EntityTrait>::Model) -> Result<(Uuid, Self::Fields)>;

    /// Where the entry stands in the default order: compared by code point, then by id.
    fn sort_key(draft: &Draft<Self>) -> String;

    /// The text [`Kind::TITLE`]; none: there is no such text.
    fn title(texts: &Self::Texts) -> Option<&str> {
        let _ = texts;
        None
    }

    /// The entry's name in a language, when it is not simply the title.
    fn heading(fields: &Self::Fields, texts: Option<&Self::Texts>) -> Option<String> {
        let _ = fields;
        Self::title(texts?).map(str::to_owned)
    }

    /// The name under which an entry stands in an alphabetical order.
    fn ordered_name(fields: &Self::Fields, texts: Option<&Self::Texts>) -> Option<String> {
        Self::heading(fields, texts)
    }

    /// Adds what is wrong with `draft` beyond what its schema says.
    fn check(draft: &Draft<Self>, errors: &mut Vec<FieldError>) {
        let _ = (draft, errors);
    }

    /// Adds what `draft` lacks to be published, beyond [`Kind::REQUIRED`].
    fn check_publishable(draft: &Draft<Self>, errors: &mut Vec<FieldError>) {
        let _ = (draft, errors);
    }

    /// Whether the public may see the entry at all, once it is published.
    fn is_shown(fields: &Self::Fields) -> bool {
        let _ = fields;
        true
    }

    /// Takes from a copy of the entry what `caller` may not learn.
    fn withhold(draft: &mut Draft<Self>, caller: &Caller) {
        let _ = (draft, caller);
    }

    /// Amends a change before it is stored, knowing what was there.
    fn revise(before: &Draft<Self>, state: State, after: &mut Draft<Self>) {
        let _ = (before, state, after);
    }

    /// Keeps what guards somebody, or a place, as it is now in a version that is brought back.
    fn keep_guarded(present: &Draft<Self>, former: &mut Draft<Self>) {
        let _ = (present, former);
    }

    /// The id of a new entry.
    #[must_use]
    fn new_id(clock: &Clock) -> Uuid {
        clock.id()
    }

    /// A realistic entry as a writer sends it, for the documentation.
    fn example() -> Value;
}

/// `value` as a JSON object; empty when it is none.
pub fn object(value: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(value) {
        Ok(Value::Object(object)) => object,
        _ => Map::new(),
    }
}

/// Implements [`Kind::into_row`] and [`Kind::from_row`] for fields and columns of the same names;
/// those after `json` are stored as JSON, those after `json?` as JSON that may be null.
macro_rules! columns {
    ($row:ident: $($plain:ident),*; json $($json:ident),*; json? $($optional:ident),*) => {
        fn into_row(
            id: uuid::Uuid,
            fields: &Self::Fields,
        ) -> crate::http::Result<crate::entity::$row::ActiveModel> {
            Ok(crate::entity::$row::ActiveModel {
                id: sea_orm::ActiveValue::Set(id),
                $($plain: sea_orm::ActiveValue::Set(fields.$plain.clone()),)*
                $($json: sea_orm::ActiveValue::Set(
                    serde_json::to_value(&fields.$json).map_err(crate::http::Error::internal)?,
                ),)*
                $($optional: sea_orm::ActiveValue::Set(
                    fields.$optional.as_ref().map(serde_json::to_value).transpose()
                        .map_err(crate::http::Error::internal)?,
                ),)*
            })
        }

        fn from_row(
            row: crate::entity::$row::Model,
        ) -> crate::http::Result<(uuid::Uuid, Self::Fields)> {
            Ok((row.id, Self::Fields {
                $($plain: row.$plain,)*
                $($json: serde_json::from_value(row.$json).map_err(crate::http::Error::internal)?,)*
                $($optional: row.$optional.map(serde_json::from_value).transpose()
                    .map_err(crate::http::Error::internal)?,)*
            }))
        }
    };
}
pub(crate) use columns;
