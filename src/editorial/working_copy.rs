//! The working copy of an entry that readers already see: changed in peace, published like any version.
//!
//! It is a version among the others; [`entry::Model::draft_version`] says which. Every change of it, and
//! of the entry beside it, counts as a new version of the entry, so two editors never overwrite each
//! other: whoever read before the other wrote is told so (412).

use sea_orm::{ActiveValue::Set, entity::prelude::*};
use serde_json::Value;

use super::{
    difference,
    draft::Draft,
    edit,
    history::{self, Made},
    kind::Kind,
    load::Stored,
    references::kind_name,
    store::{self, Write},
};
use crate::{
    app::App,
    auth::Caller,
    entity::{
        entry, revision,
        vocabulary::{AuditAction, State},
    },
    http::{Error, Result},
};

/// The version `version` of `entry` as it was written.
///
/// # Errors
/// 404 when there is no such version.
pub async fn version<K: Kind>(
    db: &impl ConnectionTrait,
    entry: &entry::Model,
    version: i32,
) -> Result<(revision::Model, Draft<K>)> {
    let row = revision::Entity::find_by_id((entry.id, version)).one(db).await?.ok_or(Error::NotFound)?;
    let draft = Draft::<K>::read(&serde_json::from_str(&row.snapshot).map_err(Error::internal)?)?;
    Ok((row, draft))
}

/// The working copy of `entry`, while there is one.
///
/// # Errors
/// When the database fails.
pub async fn of<K: Kind>(db: &impl ConnectionTrait, entry: &entry::Model) -> Result<Option<Stored<K>>> {
    let Some(number) = entry.draft_version else { return Ok(None) };
    let (row, draft) = version::<K>(db, entry, number).await?;
    Ok(Some(as_shown(entry.clone(), &row, draft)))
}

/// A version as if it were the entry: what an editor who asks for it gets to see.
#[must_use]
pub fn as_shown<K: Kind>(mut entry: entry::Model, row: &revision::Model, draft: Draft<K>) -> Stored<K> {
    if let Some(slug) = &draft.common.slug {
        entry.slug.clone_from(slug);
    }
    entry.visibility = draft.common.visibility;
    entry.original_locale.clone_from(&draft.common.original_locale);
    entry.updated_at = row.at;
    entry.state = row.state;
    Stored { entry, draft, is_copy: row.working }
}

/// A change of an entry that may have a working copy.
#[derive(Debug)]
pub struct Change<K: Kind> {
    /// The entry as readers see it, or will.
    pub live: Stored<K>,
    /// Its working copy.
    pub copy: Option<Stored<K>>,
    /// What one of them is to be.
    pub draft: Draft<K>,
    /// Why.
    pub note: Option<String>,
}

/// Carries out a change: with `to_copy`, of the working copy, which is made of a published entry when it
/// has none; else of the entry, and of its working copy in the same way.
///
/// # Errors
/// 422 with all mistakes; 409 when the working copy has changed the same, when two must see it first, or
/// when somebody was faster.
pub async fn apply<K: Kind>(
    app: &App,
    tx: &impl ConnectionTrait,
    caller: &Caller,
    change: Change<K>,
    to_copy: bool,
) -> Result<Stored<K>> {
    // What is not published is worked on itself.
    if to_copy && (change.copy.is_some() || change.live.entry.state == State::Published) {
        keep(app, tx, caller, change).await
    } else {
        change_live(app, tx, caller, change).await
    }
}

async fn change_live<K: Kind>(
    app: &App,
    tx: &impl ConnectionTrait,
    caller: &Caller,
    Change { live, copy, draft, note }: Change<K>,
) -> Result<Stored<K>> {
    edit::refuse_unseen(app, caller, &live, &draft)?;
    let (version, before) = (live.entry.version, live.draft.clone());
    let saved = edit::write(app, tx, caller, Write { draft, note, ..Write::of(live) }).await?;
    let Some(copy) = copy.filter(|_| saved.entry.version != version) else { return Ok(saved) };
    let copy = carried(app, &before, &saved.draft, &copy.draft)?;
    let kept = put(app, tx, caller, saved.entry.clone(), copy, None).await?.entry;
    let entry = entry::Model { version: kept.version, draft_version: kept.draft_version, ..saved.entry };
    Ok(Stored { entry, ..saved })
}

async fn keep<K: Kind>(
    app: &App,
    tx: &impl ConnectionTrait,
    caller: &Caller,
    Change { live, copy, mut draft, note }: Change<K>,
) -> Result<Stored<K>> {
    let is_planned = live.entry.publish_at.is_some();
    if app.config.four_eyes && is_planned {
        let detail =
            "two must see what is published, and this is planned as it is: publish or discard it first";
        return Err(Error::conflict(detail));
    }
    if draft.common.slug.is_none() {
        draft.common.slug = Some(live.entry.slug.clone());
    }
    let known: Vec<&Draft<K>> =
        [Some(&live), copy.as_ref()].into_iter().flatten().map(|known| &known.draft).collect();
    let (draft, mut errors) = edit::settle(tx, caller, Some(live.entry.id), draft, &known).await?;
    if is_planned {
        // It is to be published as it is, so it may not lose what it needs.
        errors.extend(draft.missing());
    }
    if !errors.is_empty() {
        return Err(Error::Invalid(errors));
    }
    let before = copy.unwrap_or_else(|| live.clone());
    if before.draft == draft {
        // Nothing is to change, so nothing has happened.
        return Ok(before);
    }
    let fields = history::changed(&before.draft.to_value(), &draft.to_value());
    let kept = put(app, tx, caller, live.entry, draft, note).await?;
    let event = caller.did(AuditAction::ContentUpdated).on(kind_name(K::KIND), kept.entry.id);
    let event = event.because("working_copy").changing(fields);
    history::seal(tx, app.clock.now(), [event]).await?;
    Ok(kept)
}

/// Makes `draft` the working copy, as the next version of the entry.
async fn put<K: Kind>(
    app: &App,
    tx: &impl ConnectionTrait,
    caller: &Caller,
    entry: entry::Model,
    draft: Draft<K>,
    note: Option<String>,
) -> Result<Stored<K>> {
    let now = app.clock.now();
    let version = entry.version + 1;
    let entry = entry::Model { version, draft_version: Some(version), ..entry };
    advance(tx, &entry).await?;
    let made = Made { by: caller.id(), at: now, note };
    let row = history::revision(&entry, &draft, true, made);
    let row = revision::Entity::insert(row).exec_with_returning(tx).await?;
    Ok(as_shown(entry, &row, draft))
}

/// Gives the entry its next version; what readers see of it stays as it is.
async fn advance(tx: &impl ConnectionTrait, entry: &entry::Model) -> Result<()> {
    let next = entry::ActiveModel {
        version: Set(entry.version),
        draft_version: Set(entry.draft_version),
        publish_at: Set(entry.publish_at),
        ..Default::default()
    };
    let updated = entry::Entity::update_many()
        .set(next)
        .filter(entry::Column::Id.eq(entry.id))
        .filter(entry::Column::Version.eq(entry.version - 1))
        .exec(tx)
        .await?;
    if updated.rows_affected == 0 {
        return Err(Error::conflict("the entry has changed in this very moment; read it again"));
    }
    Ok(())
}

/// What the working copy will be once the entry has changed from `before` to `after`: the same change is
/// made in it.
///
/// # Errors
/// 409 with the fields that the working copy has changed, too.
fn carried<K: Kind>(app: &App, before: &Draft<K>, after: &Draft<K>, copy: &Draft<K>) -> Result<Draft<K>> {
    let changes = difference::between(&before.to_value(), &after.to_value());
    let mut document: Value = copy.to_value();
    if edit::only_guards(before, after) {
        // Who is to be hidden is hidden, whatever is being written.
        difference::impose(&changes, &mut document);
        return edit::checked(app, &document);
    }
    difference::carry(&changes, &mut document).map_err(|clashes| {
        let mut list: Vec<&str> = clashes.iter().take(10).map(String::as_str).collect();
        if list.len() < clashes.len() {
            list.push("…");
        }
        Error::conflict(format!(
            "the working copy has changed {}, too: change it there (`?draft=true`), or discard that",
            list.join(", ")
        ))
    })?;
    edit::checked(app, &document)
}

/// Discards the working copy of `live`; its versions stay, and the next one is the entry as readers see it.
///
/// # Errors
/// 409 when there is none.
pub async fn discard<K: Kind>(
    app: &App,
    tx: &impl ConnectionTrait,
    caller: &Caller,
    live: Stored<K>,
) -> Result<()> {
    if live.entry.draft_version.is_none() {
        return Err(Error::conflict("there is no working copy"));
    }
    let version = live.entry.version + 1;
    let entry = entry::Model { version, draft_version: None, publish_at: None, ..live.entry };
    advance(tx, &entry).await?;
    let note = Some("working copy discarded".to_owned());
    let made = Made { by: caller.id(), at: app.clock.now(), note };
    store::insert(tx, vec![history::revision(&entry, &live.draft, false, made)]).await?;
    let event = caller.did(AuditAction::ContentUpdated).on(kind_name(K::KIND), entry.id);
    history::seal(tx, app.clock.now(), [event.because("working_copy_discarded")]).await
}
