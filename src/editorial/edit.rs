//! Changing one entry: everything that must be so, then the write.

use std::collections::HashSet;

use axum::http::{HeaderMap, header};
use sea_orm::entity::prelude::*;
use serde_json::Value;

use super::{
    answer::show,
    claims,
    draft::{self, Draft},
    history,
    kind::Kind,
    load::Stored,
    references::{self, kind_name},
    slug,
    store::{self, Before, Write},
    tree,
};
use crate::{
    app::App,
    auth::{Caller, caller::Actor},
    entity::vocabulary::{self, State},
    http::{
        Error, FieldError, Result,
        conditional::{self, Version},
        locale::Language,
    },
};

/// Checks a whole document: against its schema, then against the rules that a schema cannot say.
///
/// # Errors
/// 422 with all mistakes.
pub fn checked<K: Kind>(app: &App, document: &Value) -> Result<Draft<K>> {
    let (draft, errors) = draft::checked::<K>(app, &format!("New{}", K::NAME), document)?;
    match draft {
        Some(draft) if errors.is_empty() => Ok(draft),
        _ => Err(Error::Invalid(errors)),
    }
}

/// Puts ids in the place of the names of other entries, and adds to the errors what only the database
/// knows: unknown references, names that are taken. `known` are versions of the entry from before: what
/// they name may stay, even if it has gone to the trash since.
///
/// # Errors
/// When the database fails.
pub async fn settle<K: Kind>(
    db: &impl ConnectionTrait,
    caller: &Caller,
    own: Option<Uuid>,
    draft: Draft<K>,
    known: &[&Draft<K>],
) -> Result<(Draft<K>, Vec<FieldError>)> {
    let mut kept = Vec::new();
    for known in known {
        let mut known = Draft::clone(known);
        kept.extend(known.references().into_iter().map(|reference| reference.name.clone()));
    }
    let mut items = [(draft, Vec::new())];
    references::resolve(db, caller, &mut items, &kept).await?;
    claims::clashes(db, &mut items, &[own], &[]).await?;
    let [item] = items;
    Ok(item)
}

/// Takes from `former`, an old version, the names of entries that are gone, or that the caller may not
/// know of; what `present` names may stay.
///
/// # Errors
/// When the database fails.
pub async fn forget_what_is_gone<K: Kind>(
    db: &impl ConnectionTrait,
    caller: &Caller,
    former: &mut Draft<K>,
    present: &Draft<K>,
) -> Result<()> {
    let mut items = [(former.clone(), Vec::new())];
    let mut present = present.clone();
    let kept: Vec<String> =
        present.references().into_iter().map(|reference| reference.name.clone()).collect();
    references::resolve(db, caller, &mut items, &kept).await?;
    let [(_, gone)] = items;
    let gone: HashSet<String> = gone.into_iter().filter_map(|error| error.pointer).collect();
    let names = former.references().into_iter().filter(|reference| gone.contains(&reference.pointer));
    let names: HashSet<String> = names.map(|reference| reference.name.clone()).collect();
    former.forget(&names);
    Ok(())
}

/// Writes one entry, after everything that only the database knows has been checked.
///
/// # Errors
/// 422 with all mistakes; 409 when somebody was faster.
pub async fn write<K: Kind>(
    app: &App,
    tx: &impl ConnectionTrait,
    caller: &Caller,
    mut write: Write<K>,
) -> Result<Stored<K>> {
    let own = write.before.id();
    let made = write.draft.common.slug.is_none();
    if made {
        let heading = write.draft.heading().unwrap_or_default();
        write.draft.common.slug = Some(slug::free(tx, K::KIND, &heading, kind_name(K::KIND), own).await?);
    }
    let before = match &write.before {
        Before::Stored(before) => vec![&before.draft],
        _ => Vec::new(),
    };
    let (draft, mut errors) = settle(tx, caller, own, write.draft, &before).await?;
    write.draft = draft;
    if write.stage.is_complete() {
        errors.extend(write.draft.missing());
    }
    if made && errors.iter().any(|error| error.pointer.as_deref() == Some("/slug")) {
        // Another writer has just published the same title; nobody sent that slug.
        return Err(Error::conflict("somebody has just taken the slug made from the title; try again"));
    }
    if !errors.is_empty() {
        return Err(Error::Invalid(errors));
    }
    if let Some(before) = write.unchanged() {
        // Nothing is to change, so nothing has happened.
        return Ok(before.clone());
    }
    let mut saved = put(app, tx, caller, vec![write]).await?;
    saved.pop().ok_or_else(|| Error::internal("nothing was saved"))
}

/// Writes entries that need no further check, and says so in the audit trail; the last act before the
/// commit.
///
/// # Errors
/// 422 when one would lead back to itself; 409 when somebody was faster.
pub async fn put<K: Kind>(
    app: &App,
    tx: &impl ConnectionTrait,
    caller: &Caller,
    writes: Vec<Write<K>>,
) -> Result<Vec<Stored<K>>> {
    let actions: Vec<_> = writes.iter().map(history::action).collect();
    let saved = store::save(tx, &app.clock, caller, writes).await?;
    let circles = tree::circles(tx, &saved).await?;
    if !circles.is_empty() {
        return Err(Error::Invalid(circles.into_iter().map(|(_, error)| error).collect()));
    }
    let events = actions
        .into_iter()
        .zip(saved.iter().map(|stored| stored.entry.id))
        .map(|((action, fields), id)| caller.did(action).on(kind_name(K::KIND), id).changing(fields));
    history::seal(tx, app.clock.now(), events.collect::<Vec<_>>()).await?;
    Ok(saved)
}

/// Whether `after` differs from `before` in nothing but who may see it, and what guards a person or a
/// place.
#[must_use]
pub fn only_guards<K: Kind>(before: &Draft<K>, after: &Draft<K>) -> bool {
    let mut guarded = before.clone();
    guarded.common.visibility = after.common.visibility;
    K::keep_guarded(after, &mut guarded);
    guarded == *after
}

/// Whether `after` only takes `before` away from some of its readers. Nobody has to wait for that.
fn only_narrows<K: Kind>(before: &Draft<K>, after: &Draft<K>) -> bool {
    let is_hidden = K::is_shown(&before.fields) && !K::is_shown(&after.fields);
    let is_narrower = after.common.visibility > before.common.visibility;
    let mut narrowed = before.clone();
    narrowed.common.visibility = after.common.visibility;
    (is_narrower && narrowed == *after)
        || (is_hidden && after.common.visibility >= before.common.visibility && only_guards(before, after))
}

/// Refuses to change at once what others have approved, where two must have seen what is published. The
/// profile, which has no working copy, is changed by any editor.
///
/// # Errors
/// 409 that says what to do instead.
pub fn refuse_unseen<K: Kind>(
    app: &App,
    caller: &Caller,
    stored: &Stored<K>,
    after: &Draft<K>,
) -> Result<()> {
    let is_exempt = caller.actor == Actor::System || K::KIND == vocabulary::Kind::Organisation;
    if !app.config.four_eyes || is_exempt || stored.draft == *after || only_narrows(&stored.draft, after) {
        return Ok(());
    }
    match stored.entry.state {
        State::Published => {
            Err(Error::conflict("two must see what is published: change the working copy (`?draft=true`)"))
        }
        State::Scheduled => {
            Err(Error::conflict("two must see what is published: take it back to `draft` first"))
        }
        _ => Ok(()),
    }
}

/// 412 with the current tag when the entry is no longer at `version`. `stored` is what the caller looks
/// at: the entry, or its working copy.
///
/// # Errors
/// 412.
pub async fn refuse_stale<K: Kind>(
    db: &impl ConnectionTrait,
    caller: &Caller,
    language: &Language,
    version: Version,
    stored: &Stored<K>,
) -> Result<()> {
    // Who has read what readers see has not read the working copy, and the other way about.
    if (Version { number: stored.entry.version, is_copy: stored.is_copy }) == version {
        return Ok(());
    }
    let current = show(db, caller, language, &HeaderMap::new(), stored.clone()).await?;
    let etag = current.headers().get(header::ETAG).and_then(|value| value.to_str().ok());
    Err(Error::Stale(etag.unwrap_or_default().to_owned()))
}

/// [`refuse_stale`] against the version that `If-Match` must name.
///
/// # Errors
/// 428 without it, 412.
pub async fn require_current<K: Kind>(
    db: &impl ConnectionTrait,
    caller: &Caller,
    language: &Language,
    headers: &HeaderMap,
    stored: &Stored<K>,
) -> Result<()> {
    let version = conditional::required_version(headers)?;
    refuse_stale(db, caller, language, version, stored).await
}
