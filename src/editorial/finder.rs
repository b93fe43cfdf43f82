//! Who sees which entries. Every read of content starts here, and nothing else has an idea of its
//! own of what is public.

use sea_orm::{
    ActiveEnum, Condition, Select,
    entity::prelude::*,
    sea_query::{Expr, ExprTrait},
};

use crate::{
    auth::Caller,
    entity::{
        entry,
        vocabulary::{Kind, State, Visibility},
    },
};

/// The entries that `caller` may see.
#[must_use]
pub fn visible_to(caller: &Caller) -> Condition {
    let alive = Condition::all().add(entry::Column::DeletedAt.is_null());
    if caller.grants.edits {
        return alive;
    }
    let visibilities: &[Visibility] = match caller.grants.reads {
        None => &[],
        Some(Visibility::Public) => &[Visibility::Public],
        Some(Visibility::Partners) => &[Visibility::Public, Visibility::Partners],
        Some(Visibility::Internal) => &[Visibility::Public, Visibility::Partners, Visibility::Internal],
    };
    let published = published().add(entry::Column::Visibility.is_in(visibilities.iter().copied()));
    let own = caller.id().filter(|_| caller.grants.writes);
    let seen = match own {
        Some(id) => Condition::any().add(published).add(entry::Column::CreatedBy.eq(id)),
        None => published,
    };
    alive.add(seen)
}

/// What some reader may see, if it is not in the trash. Written out, not bound, as in the indexes of
/// what is listed: a database takes one of those only if it sees that the query asks for nothing else.
fn published() -> Condition {
    let state = State::Published.to_value();
    Condition::all()
        .add(Expr::col((entry::Entity, entry::Column::State)).eq(Expr::Constant(state.into())))
        .add(Expr::col((entry::Entity, entry::Column::Consented)))
}

/// What lies in the trash and `caller` may take out of it.
#[must_use]
pub fn in_trash(caller: &Caller) -> Condition {
    let trashed =
        Condition::all().add(entry::Column::DeletedAt.is_not_null()).add(entry::Column::PurgedAt.is_null());
    if caller.grants.edits {
        return trashed;
    }
    // No entry has the nil id.
    let own = caller.id().filter(|_| caller.grants.writes).unwrap_or_default();
    trashed.add(entry::Column::CreatedBy.eq(own)).add(entry::Column::State.eq(State::Draft))
}

/// The entries that `caller` may see, those in the trash among them.
#[must_use]
pub fn visible_or_in_trash(caller: &Caller) -> Condition {
    Condition::any().add(visible_to(caller)).add(in_trash(caller))
}

/// The entries of one kind that `caller` may see.
#[must_use]
pub fn of_kind(caller: &Caller, kind: Kind) -> Select<entry::Entity> {
    entry::Entity::find().filter(entry::Column::Kind.eq(kind)).filter(visible_to(caller))
}

/// The widest audience that sees `entry`; `None` when only those who write may.
#[must_use]
pub fn audience(entry: &entry::Model) -> Option<Visibility> {
    let is_shown = entry.deleted_at.is_none() && entry.consented && entry.state == State::Published;
    is_shown.then_some(entry.visibility)
}

/// Whether `caller`, who sees `entry`, may also change it.
#[must_use]
pub fn may_change(caller: &Caller, entry: &entry::Model) -> bool {
    let own_draft = entry.state == State::Draft && is_own(caller, entry);
    caller.grants.edits || (caller.grants.writes && own_draft)
}

/// Whether `caller` created `entry`.
#[must_use]
pub fn is_own(caller: &Caller, entry: &entry::Model) -> bool {
    entry.created_by.is_some() && entry.created_by == caller.id()
}
