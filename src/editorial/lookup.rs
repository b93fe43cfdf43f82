//! Finding the one entry that a path names.

use sea_orm::{QuerySelect, entity::prelude::*, sea_query::LockType};

use super::{
    finder,
    kind::Kind,
    load::{Stored, load},
    shape::Shape,
};
use crate::{
    auth::Caller,
    entity::entry,
    http::{Error, Id, Result},
};

/// How an entry is held while it is changed: others who change it wait, others who refer to it do not.
const HELD: LockType = LockType::NoKeyUpdate;

/// Which entries are looked through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Among {
    /// Those that are not in the trash.
    Alive,
    /// Those in the trash.
    Trash,
    /// Both.
    All,
}

/// The entry with this id or slug, if the caller may see it; with `for_change`, held until the
/// transaction ends.
///
/// # Errors
/// When the database fails.
pub async fn find<K: Kind>(
    db: &impl ConnectionTrait,
    caller: &Caller,
    id: &Id,
    among: Among,
    for_change: bool,
) -> Result<Option<entry::Model>> {
    let condition = match among {
        Among::Alive => finder::visible_to(caller),
        Among::Trash => finder::in_trash(caller),
        Among::All => finder::visible_or_in_trash(caller),
    };
    let named = match id {
        Id::Uuid(id) => entry::Column::Id.eq(*id),
        Id::Slug(slug) => entry::Column::Slug.eq(slug),
    };
    let mut select =
        entry::Entity::find().filter(entry::Column::Kind.eq(K::KIND)).filter(condition).filter(named);
    if for_change {
        select = select.lock(HELD);
    }
    // There is one at most. The limit of `one` is bound, and SQLite prepares a statement anew for it.
    Ok(select.all(db).await?.pop())
}

/// The entry that is to be changed, held until the transaction ends. Without an id, the only one of its
/// kind is meant. `may` says whether the caller, who sees it, may do that.
///
/// # Errors
/// 404, or 403.
pub async fn held<K: Kind>(
    db: &impl ConnectionTrait,
    caller: &Caller,
    id: Option<&Id>,
    may: fn(&Caller, &entry::Model) -> bool,
) -> Result<Stored<K>> {
    let entry = match id {
        Some(id) => find::<K>(db, caller, id, Among::Alive, true).await?,
        None => finder::of_kind(caller, K::KIND).lock(HELD).one(db).await?,
    };
    whole(db, allowed(caller, entry, may)?).await
}

/// The entry with this id or slug, if the caller may change it.
///
/// # Errors
/// 404, or 403.
pub async fn changeable<K: Kind>(
    db: &impl ConnectionTrait,
    caller: &Caller,
    id: &Id,
    among: Among,
    for_change: bool,
) -> Result<entry::Model> {
    allowed(caller, find::<K>(db, caller, id, among, for_change).await?, finder::may_change)
}

/// `entry`, if it is there and the caller may do with it what `may` says.
///
/// # Errors
/// 404, or 403.
pub fn allowed(
    caller: &Caller,
    entry: Option<entry::Model>,
    may: fn(&Caller, &entry::Model) -> bool,
) -> Result<entry::Model> {
    let entry = entry.ok_or(Error::NotFound)?;
    if may(caller, &entry) { Ok(entry) } else { Err(Error::Forbidden("the role `editor`, or an own draft")) }
}

/// `entry` with all that belongs to it.
///
/// # Errors
/// When the database fails.
pub async fn whole<K: Kind>(db: &impl ConnectionTrait, entry: entry::Model) -> Result<Stored<K>> {
    load::<K>(db, vec![entry], &Shape::WHOLE).await?.pop().ok_or(Error::NotFound)
}
