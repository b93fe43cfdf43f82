//! Who did something, as editors see it: an account or key by its name, never by its address.

use std::collections::HashMap;

use sea_orm::{QuerySelect, entity::prelude::*};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    entity::{api_key, user, vocabulary::ActorType},
    http::Result,
};

/// Who did something.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct By {
    /// Whether it was an account or a key.
    pub r#type: ActorType,
    /// Which one.
    pub id: Uuid,
    /// Its name, if it has one.
    #[schema(required, example = "Işıl")]
    pub name: Option<String>,
}

/// Accounts and keys by their ids.
#[derive(Debug, Default)]
pub struct Actors(HashMap<Uuid, By>);

impl Actors {
    /// Looks up `ids`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn load(
        db: &impl ConnectionTrait,
        ids: impl IntoIterator<Item = Option<Uuid>>,
    ) -> Result<Self> {
        let ids: Vec<Uuid> = ids.into_iter().flatten().collect();
        if ids.is_empty() {
            return Ok(Self::default());
        }
        let accounts: Vec<(Uuid, Option<String>)> = user::Entity::find()
            .select_only()
            .columns([user::Column::Id, user::Column::Name])
            .filter(user::Column::Id.is_in(ids.iter().copied()))
            .into_tuple()
            .all(db)
            .await?;
        let keys: Vec<(Uuid, String)> = api_key::Entity::find()
            .select_only()
            .columns([api_key::Column::Id, api_key::Column::Name])
            .filter(api_key::Column::Id.is_in(ids))
            .into_tuple()
            .all(db)
            .await?;
        let accounts =
            accounts.into_iter().map(|(id, name)| (id, By { r#type: ActorType::Account, id, name }));
        let keys =
            keys.into_iter().map(|(id, name)| (id, By { r#type: ActorType::Key, id, name: Some(name) }));
        Ok(Self(accounts.chain(keys).collect()))
    }

    /// The account or key `id`; `None` when it is not known, or the program itself has done it.
    #[must_use]
    pub fn get(&self, id: Option<Uuid>) -> Option<By> {
        self.0.get(&id?).cloned()
    }
}
