//! Places for entries that are still to be written, so that any of them may refer to any other.

use sea_orm::{IntoActiveModel, QuerySelect, entity::prelude::*};

use crate::{
    app::App,
    auth::Caller,
    editorial::{Kind, store},
    entity::{
        contribution, entry, entry_link, entry_topic,
        vocabulary::{State, Visibility},
    },
    http::Result,
};

/// How many ids one statement looks for.
const CHUNK: usize = 5_000;

/// Reserves a place for a new entry under each of `slugs`, which no entry has.
///
/// # Errors
/// When the database fails, or somebody has taken one of the slugs.
pub async fn reserve<K: Kind>(
    app: &App,
    db: &impl ConnectionTrait,
    caller: &Caller,
    slugs: Vec<String>,
) -> Result<Vec<entry::Model>> {
    let now = app.clock.now();
    let row = |slug: String| entry::Model {
        id: K::new_id(&app.clock),
        kind: K::KIND,
        slug,
        state: State::Draft,
        visibility: Visibility::Internal,
        consented: false,
        original_locale: String::new(),
        version: 0,
        sort_key: String::new(),
        created_at: now,
        updated_at: now,
        source_altered: false,
        derived_by: 0,
        published_at: None,
        publish_at: None,
        unpublish_at: None,
        deleted_at: None,
        // Whoever reserves it sees it, and so may refer to it.
        created_by: caller.id(),
        owner_id: None,
        source_name: None,
        source_id: None,
        source_url: None,
        source_datestamp: None,
        harvested_at: None,
        purged_at: None,
        submitted_by: None,
        assignee_id: None,
        draft_version: None,
    };
    let rows: Vec<entry::Model> = slugs.into_iter().map(row).collect();
    let new = rows.iter().map(|row| row.clone().into_active_model().reset_all()).collect();
    store::insert::<entry::ActiveModel>(db, new).await?;
    Ok(rows)
}

/// Gives places back that nothing was written to. Says whether it could: not when an entry that was
/// written refers to one.
///
/// # Errors
/// When the database fails.
pub async fn release(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<bool> {
    for ids in ids.chunks(CHUNK) {
        let ids = || ids.iter().copied();
        let about = entry_topic::Entity::find().filter(entry_topic::Column::TopicId.is_in(ids()));
        let person = contribution::Entity::find().filter(contribution::Column::PersonId.is_in(ids()));
        let partner = contribution::Entity::find().filter(contribution::Column::PartnerId.is_in(ids()));
        let linked = entry_link::Entity::find().filter(entry_link::Column::TargetId.is_in(ids()));
        let owned = entry::Entity::find().filter(entry::Column::OwnerId.is_in(ids()));
        let is_needed = about.limit(1).one(db).await?.is_some()
            || person.limit(1).one(db).await?.is_some()
            || partner.limit(1).one(db).await?.is_some()
            || linked.limit(1).one(db).await?.is_some()
            || owned.limit(1).one(db).await?.is_some();
        if is_needed {
            return Ok(false);
        }
    }
    for ids in ids.chunks(CHUNK) {
        entry::Entity::delete_many()
            .filter(entry::Column::Id.is_in(ids.iter().copied()))
            .filter(entry::Column::Version.eq(0))
            .exec(db)
            .await?;
    }
    Ok(true)
}
