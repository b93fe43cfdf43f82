//! Writing entries: one or many in the caller's transaction, each with its version and its line in
//! the change log.

mod batch;

use chrono::{DateTime, Utc};
use sea_orm::{IntoActiveModel, entity::prelude::*};

use batch::{Batch, Unfinished};

use super::{
    dependents::{self, Reach},
    draft::Draft,
    history::{self, Made},
    kind::Kind,
    lists::derived::RULES,
    load::Stored,
    workflow::Stage,
};
use crate::{
    auth::Caller,
    clock::Clock,
    db::rows,
    entity::{entry, vocabulary::State},
    http::{Error, Result},
};

/// What there was before.
#[derive(Debug)]
pub enum Before<K: Kind> {
    /// Nothing.
    Nothing,
    /// A row that holds the place of an entry still to be written, so that others can refer to it.
    Reserved(Box<entry::Model>),
    /// The entry as it was.
    Stored(Box<Stored<K>>),
}

impl<K: Kind> Before<K> {
    /// The id of what there was.
    #[must_use]
    pub fn id(&self) -> Option<Uuid> {
        self.row().map(|row| row.id)
    }

    /// The slug of what there was.
    #[must_use]
    pub fn slug(&self) -> Option<&str> {
        self.row().map(|row| row.slug.as_str())
    }

    fn row(&self) -> Option<&entry::Model> {
        match self {
            Self::Nothing => None,
            Self::Reserved(row) => Some(row),
            Self::Stored(stored) => Some(&stored.entry),
        }
    }

    fn entry(&self) -> Option<&entry::Model> {
        match self {
            Self::Stored(stored) => Some(&stored.entry),
            _ => None,
        }
    }
}

/// One entry to be written.
#[derive(Debug)]
pub struct Write<K: Kind> {
    /// What there was.
    pub before: Before<K>,
    /// What there is to be; other entries are named by id, and the slug is there.
    pub draft: Draft<K>,
    /// How far it is to be.
    pub stage: Stage,
    /// When it was first published; none: now, if it is published now.
    pub published_at: Option<DateTime<Utc>>,
    /// Whether it is to go to the trash.
    pub delete: bool,
    /// Why; kept with the version.
    pub note: Option<String>,
}

impl<K: Kind> Write<K> {
    /// A write that leaves `stored` as it is, to be amended.
    #[must_use]
    pub fn of(stored: Stored<K>) -> Self {
        Self {
            draft: stored.draft.clone(),
            stage: Stage::of(&stored.entry),
            before: Before::Stored(Box::new(stored)),
            published_at: None,
            delete: false,
            note: None,
        }
    }

    /// What was there, when this would change nothing of it.
    #[must_use]
    pub fn unchanged(&self) -> Option<&Stored<K>> {
        self.unseen().filter(|before| Stage::of(&before.entry) == self.stage)
    }

    /// What was there, when no reader could tell the difference.
    fn unseen(&self) -> Option<&Stored<K>> {
        let Before::Stored(before) = &self.before else { return None };
        let same = before.draft == self.draft
            && before.entry.state == self.stage.state
            && before.entry.deleted_at.is_some() == self.delete
            && (self.published_at.is_none() || self.published_at == before.entry.published_at);
        same.then_some(before)
    }
}

/// Entries that are written but for what is derived from them and their versions: in [`Saved::finish`],
/// which must come before the commit, and may come while others are checked.
#[derive(Debug)]
#[must_use = "without its version an entry must not be committed"]
pub struct Saved<K: Kind> {
    /// The entries.
    pub entries: Vec<Stored<K>>,
    unfinished: Unfinished<K>,
}

impl<K: Kind> Saved<K> {
    /// Writes the rest.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn finish(self, db: &impl ConnectionTrait) -> Result<Vec<Stored<K>>> {
        let statements = self.unfinished.statements(db.get_database_backend(), &self.entries);
        rows::execute(db, statements).await?;
        Ok(self.entries)
    }
}

/// Writes entries. What was checked before is not checked again: the caller has resolved the
/// references and looked for clashes.
///
/// # Errors
/// 412 when an entry has changed since it was loaded; 409 when somebody was faster to take a name.
pub async fn save<K: Kind>(
    db: &impl ConnectionTrait,
    clock: &Clock,
    caller: &Caller,
    writes: Vec<Write<K>>,
) -> Result<Vec<Stored<K>>> {
    begin(db, clock, caller, writes).await?.finish(db).await
}

/// Begins to write entries, as [`save`] does.
///
/// # Errors
/// As [`save`].
pub async fn begin<K: Kind>(
    db: &impl ConnectionTrait,
    clock: &Clock,
    caller: &Caller,
    writes: Vec<Write<K>>,
) -> Result<Saved<K>> {
    let now = clock.now();
    let mut saved = Vec::with_capacity(writes.len());
    let mut batch = Batch::<K>::default();
    for mut write in writes {
        if let Before::Stored(before) = &write.before {
            K::revise(&before.draft, before.entry.state, &mut write.draft);
        }
        let after = row(clock, caller, now, &write)?;
        if let Before::Stored(before) = &write.before {
            batch.replaced.push(after.id);
            batch.rename(&before.entry, &after, now);
            let reach = Reach::of_change((&before.entry, &before.draft), (&after, &write.draft));
            if let Some(reach) = reach {
                batch.touched.entry(reach).or_default().push(after.id);
            }
        }
        match write.before.row() {
            None => batch.new.push(after.clone().into_active_model()),
            // The transaction that reserved a place holds it; nobody else has seen the row.
            Some(_) if write.before.entry().is_none() => batch.placed.push(after.clone().into_active_model()),
            Some(row) => replace_row(db, row.version, &after).await?,
        }
        batch.add(&after, &write.draft)?;
        if write.unseen().is_none() {
            batch.changes.push(history::change(write.before.entry(), &after));
        }
        batch.unfinished.made.push(Made { by: caller.id(), at: now, note: write.note });
        saved.push(Stored { entry: after, draft: write.draft, is_copy: false });
    }
    batch.write(db, &saved).await?;
    for (reach, ids) in &batch.touched {
        dependents::touch::<K>(db, *reach, ids, now).await?;
    }
    Ok(Saved { entries: saved, unfinished: batch.unfinished })
}

/// Writes again what belongs to `entries`, which have not changed, and what is derived from it.
///
/// # Errors
/// When the database fails.
pub async fn rewrite<K: Kind>(db: &impl ConnectionTrait, entries: &[Stored<K>]) -> Result<()> {
    let mut batch = Batch::<K>::default();
    for Stored { entry, draft, .. } in entries {
        batch.replaced.push(entry.id);
        batch.add(entry, draft)?;
    }
    batch.write(db, entries).await?;
    let statements = batch.unfinished.statements(db.get_database_backend(), entries);
    Ok(rows::execute(db, statements).await?)
}

/// The row that all kinds share, after the change.
fn row<K: Kind>(
    clock: &Clock,
    caller: &Caller,
    now: DateTime<Utc>,
    write: &Write<K>,
) -> Result<entry::Model> {
    let (common, stage) = (&write.draft.common, write.stage);
    let before = write.before.row();
    let source = common.source.as_ref();
    let owner_id = common.owner.as_deref().map(str::parse).transpose().map_err(Error::internal)?;
    let first_published = write.published_at.or_else(|| before.and_then(|before| before.published_at));
    Ok(entry::Model {
        id: before.map_or_else(|| K::new_id(clock), |before| before.id),
        kind: K::KIND,
        slug: common.slug.clone().ok_or_else(|| Error::internal("an entry without a slug"))?,
        state: stage.state,
        visibility: common.visibility,
        consented: K::is_shown(&write.draft.fields),
        original_locale: common.original_locale.clone(),
        version: before.map_or(0, |before| before.version) + 1,
        sort_key: K::sort_key(&write.draft),
        created_at: before.map_or(now, |before| before.created_at),
        updated_at: write.unseen().map_or(now, |before| before.entry.updated_at),
        published_at: first_published.or_else(|| (stage.state == State::Published).then_some(now)),
        publish_at: stage.publish_at,
        unpublish_at: stage.unpublish_at,
        deleted_at: write.delete.then_some(now),
        purged_at: None,
        submitted_by: stage.submitted_by,
        assignee_id: stage.assignee_id,
        draft_version: stage.draft_version,
        created_by: before.map_or_else(|| caller.id(), |before| before.created_by),
        owner_id,
        source_name: source.map(|source| source.name.clone()),
        source_id: source.map(|source| source.id.clone()),
        source_url: source.and_then(|source| source.url.clone()),
        source_datestamp: source.and_then(|source| source.datestamp),
        harvested_at: source.and_then(|source| source.harvested_at),
        source_altered: source.is_some_and(|source| source.altered),
        derived_by: RULES,
    })
}

/// Replaces a row that is still at `version`.
async fn replace_row(db: &impl ConnectionTrait, version: i32, after: &entry::Model) -> Result<()> {
    let row = after.clone().into_active_model().reset_all();
    let updated = entry::Entity::update_many()
        .set(row)
        .filter(entry::Column::Id.eq(after.id))
        .filter(entry::Column::Version.eq(version))
        .exec(db)
        .await
        .map_err(on_clash)?;
    if updated.rows_affected == 0 {
        return Err(Error::conflict("the entry has changed in this very moment; read it again"));
    }
    Ok(())
}

/// Inserts rows, as many at once as a statement can bind.
///
/// # Errors
/// 409 when one has a name that is taken.
pub async fn insert<A: ActiveModelTrait>(db: &impl ConnectionTrait, new: Vec<A>) -> Result<()> {
    rows::insert(db, new).await.map_err(on_clash)
}

fn on_clash(error: DbErr) -> Error {
    match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(_)) => {
            Error::conflict("somebody has just taken the same slug, source or identifier; try again")
        }
        _ => error.into(),
    }
}
