//! Leaving the trash for good: what is left is the tombstone, the row that all kinds share, so that the
//! address is never given to another entry and followers of the change log can still be told.

use chrono::{DateTime, Utc};
use sea_orm::{
    ActiveValue::Set,
    Condition, IntoActiveModel, QuerySelect, QueryTrait,
    entity::prelude::*,
    sea_query::{Expr, ExprTrait},
};

use super::{history, kind::Kind, references::kind_name};
use crate::{
    app::App,
    auth::Caller,
    entity::{
        change, contribution, entry, entry_link, entry_text, entry_topic, entry_value, identifier, preview,
        revision, slug_history, title_key,
        vocabulary::{self, AuditAction},
    },
    http::Result,
};

/// Deletes everything of `rows`, which the transaction holds, but their tombstones; the last act before
/// the commit.
///
/// # Errors
/// When the database fails.
pub async fn purge<K: Kind>(app: &App, tx: &impl ConnectionTrait, rows: Vec<entry::Model>) -> Result<()> {
    let now = app.clock.now();
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    delete_content::<K>(tx, &ids).await?;
    forget_mentions(tx, &ids).await?;
    for row in &rows {
        leave_tombstone(tx, row, now).await?;
    }
    let event = |id| Caller::SYSTEM.did(AuditAction::ContentPurged).on(kind_name(K::KIND), id);
    history::seal(tx, now, ids.into_iter().map(event).collect::<Vec<_>>()).await
}

async fn delete_content<K: Kind>(tx: &impl ConnectionTrait, ids: &[Uuid]) -> Result<()> {
    K::Row::delete_many().filter(Expr::col("id").is_in(ids.iter().copied())).exec(tx).await?;
    macro_rules! delete {
        ($($table:ident),*) => {$(
            $table::Entity::delete_many()
                .filter($table::Column::EntryId.is_in(ids.iter().copied()))
                .exec(tx)
                .await?;
        )*};
    }
    delete!(entry_text, entry_topic, contribution, entry_link, identifier, revision, preview);
    delete!(entry_value, title_key);
    Ok(())
}

/// Takes the entries out of those that name them. Of a person only a publication keeps the printed name;
/// elsewhere it was hidden with the person, and would come to light.
async fn forget_mentions(tx: &impl ConnectionTrait, ids: &[Uuid]) -> Result<()> {
    let ids = || ids.iter().copied();
    entry_topic::Entity::delete_many().filter(entry_topic::Column::TopicId.is_in(ids())).exec(tx).await?;
    entry_link::Entity::delete_many().filter(entry_link::Column::TargetId.is_in(ids())).exec(tx).await?;
    let named = Condition::any()
        .add(contribution::Column::PersonId.is_in(ids()))
        .add(contribution::Column::PartnerId.is_in(ids()));
    let publications = entry::Entity::find()
        .select_only()
        .column(entry::Column::Id)
        .filter(entry::Column::Kind.eq(vocabulary::Kind::Publication));
    let is_printed = Condition::all()
        .add(contribution::Column::Name.is_not_null())
        .add(contribution::Column::EntryId.in_subquery(publications.into_query()));
    contribution::Entity::delete_many().filter(named.clone()).filter(is_printed.not()).exec(tx).await?;
    let nobody =
        contribution::ActiveModel { person_id: Set(None), partner_id: Set(None), ..Default::default() };
    contribution::Entity::update_many().set(nobody).filter(named).exec(tx).await?;
    let nobodys = entry::ActiveModel { owner_id: Set(None), ..Default::default() };
    entry::Entity::update_many().set(nobodys).filter(entry::Column::OwnerId.is_in(ids())).exec(tx).await?;
    Ok(())
}

/// Empties the row that all kinds share. A person's address is their name: that goes, too, from the
/// change log as well.
async fn leave_tombstone(tx: &impl ConnectionTrait, row: &entry::Model, now: DateTime<Utc>) -> Result<()> {
    let is_person = row.kind == vocabulary::Kind::Person;
    let slug = if is_person { format!("person-{}", row.id) } else { row.slug.clone() };
    let tombstone = entry::Model {
        slug: slug.clone(),
        sort_key: String::new(),
        purged_at: Some(now),
        created_by: None,
        submitted_by: None,
        assignee_id: None,
        draft_version: None,
        publish_at: None,
        unpublish_at: None,
        owner_id: None,
        source_url: None,
        ..row.clone()
    };
    entry::Entity::update_many()
        .set(tombstone.into_active_model().reset_all())
        .filter(entry::Column::Id.eq(row.id))
        .exec(tx)
        .await?;
    if is_person {
        slug_history::Entity::delete_many().filter(slug_history::Column::EntryId.eq(row.id)).exec(tx).await?;
        change::Entity::update_many()
            .col_expr(change::Column::Slug, Expr::value(slug))
            .filter(change::Column::EntryId.eq(row.id))
            .exec(tx)
            .await?;
    }
    Ok(())
}
