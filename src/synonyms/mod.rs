//! What words and phrases bring in when somebody searches for them; kept by editors.
//!
//! The search uses a table in memory. `synonym_edition` counts the changes, so one small query tells
//! whether it is still the latest: asked for at once after a change of this process's own, and at most
//! twice a second otherwise.

mod handlers;
mod payload;

pub use payload::{Alternative, NewSynonym, Synonym, SynonymPage, SynonymPatch};

use std::sync::Arc;

use sea_orm::{
    Condition, IntoActiveModel, PaginatorTrait, QueryOrder, QuerySelect,
    entity::prelude::*,
    sea_query::{Expr, ExprTrait},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    auth::Caller,
    entity::{synonym, synonym_edition, vocabulary::AuditAction},
    http::{Error, FieldError, Result, cursor::Position},
    search::{Synonyms, starting_synonyms},
    trail::{self, Event},
};

/// How many keys there may be.
const MOST_KEYS: u64 = 2_000;
/// How many words a key or an alternative may have.
const MOST_WORDS: usize = 8;

/// The routes.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(handlers::list_synonyms, handlers::create_synonym)).routes(routes!(
        handlers::get_synonym,
        handlers::update_synonym,
        handlers::delete_synonym
    ))
}

/// The synonyms as the search uses them.
///
/// # Errors
/// When the database fails.
pub async fn current(app: &App) -> Result<Arc<Synonyms>> {
    if let Some(table) = app.synonyms.recent() {
        return Ok(table);
    }
    let asked = app.synonyms.ask();
    let db = app.db.reader();
    // Before the rows: when they are newer than this, the next one who asks reads them again.
    let edition = synonym_edition::Entity::find().all(db).await?.first().map_or(0, |row| row.edition);
    if let Some(table) = app.synonyms.of_edition(edition, asked) {
        return Ok(table);
    }
    let rows = synonym::Entity::find().order_by_asc(synonym::Column::Folded).all(db).await?;
    let rows: Result<Vec<Synonym>> = rows.into_iter().map(Synonym::try_from).collect();
    let rows: Vec<(String, Vec<String>)> = rows?
        .into_iter()
        .map(|row| (row.key, row.alternatives.into_iter().map(|Alternative(text)| text).collect()))
        .collect();
    let table = Synonyms::new(rows.iter().map(|(key, list)| (key.as_str(), list.as_slice())));
    Ok(app.synonyms.replace(edition, table, asked))
}

/// Stores the synonyms that come with the program, once. Says whether it did.
///
/// # Errors
/// When the database fails.
pub async fn seed(app: &App) -> Result<bool> {
    let tx = app.db.begin().await?;
    if !begin_edition(&tx, synonym_edition::Column::Edition.eq(0)).await? {
        return Ok(false);
    }
    for (key, alternatives) in starting_synonyms() {
        let alternatives = alternatives.iter().cloned().map(Alternative).collect();
        insert(app, &tx, NewSynonym { key: key.clone(), alternatives }).await?;
    }
    let event = Caller::SYSTEM.did(AuditAction::SynonymCreated).because("seed");
    trail::record(&tx, app.clock.now(), [event]).await?;
    tx.commit().await?;
    app.synonyms.forget();
    Ok(true)
}

/// Begins a new edition of the table, if the present one is as `which` says. Until the transaction ends,
/// nobody else changes the table.
async fn begin_edition(
    db: &impl ConnectionTrait,
    which: impl sea_orm::sea_query::IntoCondition,
) -> Result<bool> {
    let next = Expr::col(synonym_edition::Column::Edition).add(1);
    let begun = synonym_edition::Entity::update_many()
        .col_expr(synonym_edition::Column::Edition, next)
        .filter(which)
        .exec(db)
        .await?;
    Ok(begun.rows_affected > 0)
}

/// Stores a new synonym.
///
/// # Errors
/// 422 when it brings in nothing new, 409 when there is one of that key or there are too many.
pub async fn create(
    app: &App,
    db: &impl ConnectionTrait,
    caller: &Caller,
    new: NewSynonym,
) -> Result<(synonym::Model, Event)> {
    check(&new.key, &new.alternatives)?;
    begin_edition(db, Condition::all()).await?;
    if synonym::Entity::find().count(db).await? >= MOST_KEYS {
        return Err(Error::conflict(format!("there are {MOST_KEYS} synonyms: delete some")));
    }
    let row = insert(app, db, new).await?;
    let event = caller.did(AuditAction::SynonymCreated).on("synonym", row.id);
    Ok((row, event))
}

async fn insert(app: &App, db: &impl ConnectionTrait, new: NewSynonym) -> Result<synonym::Model> {
    let now = app.clock.now();
    let row = synonym::Model {
        id: app.clock.id(),
        folded: Synonyms::folded_key(&new.key),
        key: new.key,
        alternatives: serde_json::to_value(new.alternatives).map_err(Error::internal)?,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    row.into_active_model().reset_all().insert(db).await.map_err(on_clash)
}

/// Changes a synonym.
///
/// # Errors
/// 422 when it would bring in nothing new, 409 when there is another of that key.
pub async fn change(
    app: &App,
    db: &impl ConnectionTrait,
    caller: &Caller,
    before: synonym::Model,
    patch: SynonymPatch,
) -> Result<(synonym::Model, Option<Event>)> {
    let old = Synonym::try_from(before.clone())?;
    let key = patch.key.unwrap_or_else(|| old.key.clone());
    let alternatives = patch.alternatives.unwrap_or_else(|| old.alternatives.clone());
    check(&key, &alternatives)?;
    let mut fields = Vec::new();
    if key != old.key {
        fields.push("key");
    }
    if alternatives != old.alternatives {
        fields.push("alternatives");
    }
    if fields.is_empty() {
        return Ok((before, None));
    }
    begin_edition(db, Condition::all()).await?;
    let row = synonym::Model {
        folded: Synonyms::folded_key(&key),
        key,
        alternatives: serde_json::to_value(alternatives).map_err(Error::internal)?,
        version: before.version + 1,
        updated_at: app.clock.now(),
        ..before
    };
    let row = row.into_active_model().reset_all().update(db).await.map_err(on_clash)?;
    let event = caller.did(AuditAction::SynonymUpdated).on("synonym", row.id).changing(fields);
    Ok((row, Some(event)))
}

/// Deletes a synonym.
///
/// # Errors
/// When the database fails.
pub async fn delete(db: &impl ConnectionTrait, caller: &Caller, row: synonym::Model) -> Result<Event> {
    begin_edition(db, Condition::all()).await?;
    let event = caller.did(AuditAction::SynonymDeleted).on("synonym", row.id);
    synonym::Entity::delete_by_id(row.id).exec(db).await?;
    Ok(event)
}

/// Up to `limit` synonyms, in the order of their keys.
///
/// # Errors
/// When the database fails.
pub async fn page(
    db: &impl ConnectionTrait,
    after: Option<Position>,
    limit: u64,
) -> Result<Vec<synonym::Model>> {
    let mut select = synonym::Entity::find().order_by_asc(synonym::Column::Folded).limit(limit);
    if let Some(Position { sort_key, .. }) = after {
        select = select.filter(synonym::Column::Folded.gt(sort_key));
    }
    Ok(select.all(db).await?)
}

/// 422 unless the key and every alternative have words, and the alternatives bring in something new.
fn check(key: &str, alternatives: &[Alternative]) -> Result<()> {
    let mut errors = Vec::new();
    let mut read = |pointer: String, text: &str| {
        let folded = Synonyms::folded_key(text);
        let refusal = match folded.split(' ').filter(|word| !word.is_empty()).count() {
            0 => Some(("format", "must have a letter or a digit: there is nothing to search for".to_owned())),
            1..=MOST_WORDS => None,
            _ => Some(("too_long", format!("may have {MOST_WORDS} words"))),
        };
        errors.extend(refusal.map(|(code, detail)| FieldError::at(pointer, code, detail)));
        folded
    };
    let mut known = vec![read("/key".to_owned(), key)];
    let mut repeated = Vec::new();
    for (index, Alternative(text)) in alternatives.iter().enumerate() {
        let pointer = format!("/alternatives/{index}");
        let folded = read(pointer.clone(), text);
        if !folded.is_empty() && known.contains(&folded) {
            let detail = "is the key or another alternative once more, upper case and accents aside";
            repeated.push(FieldError::at(pointer, "repeated", detail));
        }
        known.push(folded);
    }
    errors.extend(repeated);
    if errors.is_empty() { Ok(()) } else { Err(Error::Invalid(errors)) }
}

fn on_clash(error: DbErr) -> Error {
    match error.sql_err() {
        Some(sea_orm::SqlErr::UniqueConstraintViolation(_)) => {
            Error::conflict("there is a synonym of this key already, upper case and accents aside")
        }
        _ => error.into(),
    }
}
