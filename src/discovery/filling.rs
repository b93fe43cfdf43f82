//! Keeping the index up with the database: filled once, then following the change log.

use std::{collections::HashSet, sync::Arc};

use sea_orm::{QueryOrder, QuerySelect, entity::prelude::*};
use tokio::sync::MutexGuard;

use super::{ask, record::of_kind, unavailable};
use crate::{
    app::App,
    entity::{
        change, entry,
        vocabulary::{Kind, State, Visibility},
    },
    http::{Code, Error, Result},
    kinds::{by_kind, for_kind},
    search::{self, Index, Position},
};

/// How many entries are read at once.
const BATCH: u64 = 200;
/// How many changes a search itself catches up with before it answers, and how many entries it indexes
/// for the first time; what is more is left to the worker.
const AT_ONCE: u64 = 1_000;

/// What [`fill`] has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filled {
    /// Nothing: the index is up with the log.
    Current,
    /// So many changes were taken in.
    Followed(u64),
    /// The index was made anew, with so many entries.
    Anew(u64),
}

/// Brings the index up with the change log; makes it anew when it is missing, damaged, or of another
/// database.
///
/// # Errors
/// When the database fails; 503 when the folder of the index cannot be used.
pub async fn fill(app: &App) -> Result<Filled> {
    let index = opened(app).await?;
    let end = end(app).await?;
    if is_at(&index, &end) {
        app.catalogue.note_behind(0);
        return Ok(Filled::Current);
    }
    app.catalogue.note_behind(end.change - index.position().map_or(0, |position| position.change));
    let turn = app.catalogue.turn().lock().await;
    let filled = filled(app, &index, &turn).await?;
    app.catalogue.note_behind(0);
    Ok(filled)
}

/// The index, for a question.
#[derive(Debug)]
pub struct Current {
    /// It.
    pub index: Arc<Index>,
    /// Whether it has all that was acknowledged before it was asked for.
    pub is_whole: bool,
}

/// The index, with all that was acknowledged before this was called, unless that is too much to wait for.
///
/// # Errors
/// When the database fails; 503 when the index is being made.
pub async fn current(app: &App) -> Result<Current> {
    let index = opened(app).await?;
    let end = end(app).await?;
    if is_at(&index, &end) {
        return Ok(Current { index, is_whole: true });
    }
    let most = i64::try_from(AT_ONCE).unwrap_or(i64::MAX);
    let is_near = match index.position() {
        Some(position) => end.change - position.change <= most,
        None => count(app).await? <= AT_ONCE,
    };
    if is_near {
        let turn = app.catalogue.turn().lock().await;
        filled(app, &index, &turn).await?;
    }
    match index.position() {
        Some(position) => Ok(Current { is_whole: position.change >= end.change, index }),
        None => Err(Error::Problem(Code::Unavailable, "the search index is being made".to_owned())),
    }
}

async fn opened(app: &App) -> Result<Arc<Index>> {
    app.catalogue.index().await.map_err(|error| unavailable(&error))
}

/// How many entries belong into the index.
async fn count(app: &App) -> Result<u64> {
    Ok(published().count(app.db.reader()).await?)
}

/// All that some reader may see; the finder decides again of every row.
fn published() -> Select<entry::Entity> {
    entry::Entity::find()
        .filter(entry::Column::State.eq(State::Published))
        .filter(entry::Column::DeletedAt.is_null())
}

async fn filled(app: &App, index: &Arc<Index>, turn: &MutexGuard<'_, ()>) -> Result<Filled> {
    let is_good = match index.position() {
        Some(position) => index.is_intact() && is_of_this_log(app, &position).await?,
        None => false,
    };
    if !is_good {
        return anew(app, index, turn).await.map(Filled::Anew);
    }
    match followed(app, index, turn).await? {
        Some(0) => Ok(Filled::Current),
        Some(lines) => Ok(Filled::Followed(lines)),
        // Somebody was at the files meanwhile.
        None => anew(app, index, turn).await.map(Filled::Anew),
    }
}

/// Takes in the changes after the index's position; none when its files are not what they were.
async fn followed(app: &App, index: &Arc<Index>, _: &MutexGuard<'_, ()>) -> Result<Option<u64>> {
    let mut total = 0;
    loop {
        let after = index.position().map_or(0, |position| position.change);
        let tx = app.db.snapshot().await?;
        let lines = change::Entity::find()
            .filter(change::Column::Position.gt(after))
            .order_by_asc(change::Column::Position)
            .limit(BATCH)
            .all(&tx)
            .await?;
        let Some(last) = lines.last() else { return Ok(Some(total)) };
        let position = position_of(last);
        let ids: HashSet<Uuid> = lines.iter().map(|line| line.entry_id).collect();
        let rows =
            entry::Entity::find().filter(entry::Column::Id.is_in(ids.iter().copied())).all(&tx).await?;
        let put = records(&tx, rows).await?;
        tx.rollback().await?;
        let remove: Vec<Uuid> =
            ids.into_iter().filter(|id| put.iter().all(|entry| entry.id != *id)).collect();
        total += lines.len() as u64;
        let index = Arc::clone(index);
        let applied = tokio::task::spawn_blocking(move || index.apply(&put, &remove, &position));
        match applied.await.map_err(Error::internal)? {
            Ok(()) => {}
            Err(search::Error::Damaged(_)) => return Ok(None),
            Err(error) => return Err(unavailable(&error)),
        }
    }
}

/// Makes the index anew beside the old one, and takes its place. What changes meanwhile comes after the
/// position noted, and is taken in next time.
async fn anew(app: &App, index: &Arc<Index>, _: &MutexGuard<'_, ()>) -> Result<u64> {
    let position = end(app).await?;
    let (sender, mut receiver) = tokio::sync::mpsc::channel::<Vec<search::Entry>>(1);
    let index = Arc::clone(index);
    let written = ask(move || {
        let mut rebuild = index.rebuild()?;
        let mut is_whole = false;
        while let Some(entries) = receiver.blocking_recv() {
            // An empty batch is the end; without one, whoever sends has failed.
            is_whole = entries.is_empty();
            rebuild.put(&entries)?;
        }
        if is_whole { rebuild.finish(&position) } else { Ok(()) }
    });
    let read = async {
        let (mut total, mut after) = (0, Uuid::nil());
        loop {
            let tx = app.db.snapshot().await?;
            let select = published().filter(entry::Column::Id.gt(after)).order_by_asc(entry::Column::Id);
            let rows = select.limit(BATCH).all(&tx).await?;
            let Some(last) = rows.last() else { break };
            after = last.id;
            let entries = records(&tx, rows).await?;
            tx.rollback().await?;
            total += entries.len() as u64;
            // When it is not taken, the other side tells why.
            if !entries.is_empty() && sender.send(entries).await.is_err() {
                break;
            }
        }
        let _ = sender.send(Vec::new()).await;
        drop(sender);
        Ok::<u64, Error>(total)
    };
    let (written, read) = tokio::join!(written, read);
    written?;
    let total = read?;
    tracing::info!(entries = total, "the search index was made anew");
    Ok(total)
}

/// What is indexed of `rows`, as far as some reader may see them.
async fn records(db: &impl ConnectionTrait, rows: Vec<entry::Model>) -> Result<Vec<search::Entry>> {
    let mut entries = Vec::new();
    for (kind, rows) in by_kind(rows) {
        // The organisation has an address of its own, which everybody knows.
        if kind != Kind::Organisation {
            entries.extend(for_kind!(kind, of_kind(db, rows))?);
        }
    }
    Ok(entries)
}

/// Where the log ends.
async fn end(app: &App) -> Result<Position> {
    let last = change::Entity::find()
        .filter(change::Column::Position.is_not_null())
        .order_by_desc(change::Column::Position)
        .one(app.db.reader())
        .await?;
    Ok(last.as_ref().map_or(Position { database: String::new(), change: 0 }, position_of))
}

/// Whether `index` is filled up to `place`, of this very log.
fn is_at(index: &Index, place: &Position) -> bool {
    index.position().as_ref() == Some(place) && index.is_intact()
}

/// The place of `line` in its log; another log has another line there, even a copy of this one that was
/// brought back from a backup and has gone on since.
fn position_of(line: &change::Model) -> Position {
    let database = format!("{} {} {}", line.entry_id, line.at.timestamp_micros(), line.seq);
    Position { database, change: line.position.unwrap_or_default() }
}

async fn is_of_this_log(app: &App, position: &Position) -> Result<bool> {
    if position.change == 0 {
        return Ok(position.database.is_empty());
    }
    let line = change::Entity::find()
        .filter(change::Column::Position.eq(position.change))
        .one(app.db.reader())
        .await?;
    Ok(line.is_some_and(|line| position_of(&line) == *position))
}

/// How far somebody who reads as `caller` sees.
pub fn audience(caller: &crate::auth::Caller) -> Visibility {
    caller.grants.reads.unwrap_or(Visibility::Public)
}
