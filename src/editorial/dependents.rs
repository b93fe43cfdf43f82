//! Entries that show others: by topic, credit, link or owner they show a name and an address, and they
//! have changed when that has. Exactly those are touched, and only as far as their readers can tell.

use chrono::{DateTime, Utc};
use sea_orm::{
    Condition, DbBackend, QueryOrder, QuerySelect, QueryTrait,
    entity::prelude::*,
    sea_query::{Expr, ExprTrait, Query, SelectStatement, UnionType},
};

use super::{draft::Draft, finder, kind::Kind};
use crate::{
    entity::{
        change, contribution, entry, entry_link, entry_topic, person, practice,
        vocabulary::{State, Visibility, What},
    },
    http::{Error, Result},
};

/// How many entries one statement asks after; each is bound three times at most.
const CHUNK: usize = 5_000;

/// The audiences, the widest first. Whoever belongs to one belongs to all before it.
const AUDIENCES: [Visibility; 3] = [Visibility::Public, Visibility::Partners, Visibility::Internal];

/// Who can tell that an entry has changed, where another shows it: those audiences, by their place in
/// `AUDIENCES`, from `from` up to but not including `until`; 3 are those who edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reach {
    from: usize,
    until: usize,
}

impl Reach {
    /// Of those who edit, nobody else sees the entry.
    const STAFF: usize = AUDIENCES.len();
    /// Beyond those who edit.
    const ALL: usize = Self::STAFF + 1;

    /// Who can tell `after` from `before`; `None` when nobody outside the editors can.
    #[must_use]
    pub fn of_change<K: Kind>(
        (before, old): (&entry::Model, &Draft<K>),
        (after, new): (&entry::Model, &Draft<K>),
    ) -> Option<Self> {
        let level = |entry| finder::audience(entry).map_or(Self::STAFF, |audience| audience as usize);
        let (was, is) = (level(before), level(after));
        let shown = |entry: &entry::Model, draft| (entry.slug.clone(), headings::<K>(draft));
        let is_other = shown(before, old) != shown(after, new)
            || before.deleted_at.is_some() != after.deleted_at.is_some();
        // The same name is news only for those to whom it has appeared, or from whom it has gone.
        let reach = Self { from: was.min(is), until: if is_other { Self::ALL } else { was.max(is) } };
        (reach.from < Self::STAFF && reach.from < reach.until).then_some(reach)
    }

    /// The part of it that sees what is withheld from all outside.
    fn inside(self) -> Option<Self> {
        let from = self.from.max(Visibility::Internal as usize);
        (from < self.until).then_some(Self { from, ..self })
    }
}

/// The names of an entry: in the language it was written in, and in each.
fn headings<K: Kind>(draft: &Draft<K>) -> (Option<String>, Vec<(String, Option<String>)>) {
    let names = draft.translations.iter();
    let names = names.map(|(locale, texts)| (locale.clone(), K::heading(&draft.fields, Some(texts))));
    (draft.heading(), names.collect())
}

/// Says of every entry that shows one of `ids`, entries of the kind `K` whose change reaches `reach`,
/// that it has changed, because what it shows of them has.
///
/// Where all its readers can tell, it is touched and those who follow it hear of it. Where only some
/// can, only they hear of it: to the others nothing has happened.
///
/// # Errors
/// When the database fails.
pub async fn touch<K: Kind>(
    db: &impl ConnectionTrait,
    reach: Reach,
    ids: &[Uuid],
    now: DateTime<Utc>,
) -> Result<()> {
    for ids in ids.chunks(CHUNK) {
        await_those_who_refer(db, ids).await?;
        for (reach, inside) in [(Some(reach), false), (reach.inside(), true)] {
            if let (Some(reach), Some(showing)) = (reach, showing::<K>(ids, inside)) {
                touch_those(db, reach, showing, now).await?;
            }
        }
    }
    Ok(())
}

/// Waits until whoever is just about to refer to one of `ids` has committed, and keeps others from it until
/// this transaction ends. Whoever refers to an entry holds its row by the foreign key; were they not waited
/// for, they would show the entry as it was, and nobody would hear of what it has become.
async fn await_those_who_refer(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<()> {
    if db.get_database_backend() != DbBackend::Postgres {
        // One transaction writes at a time.
        return Ok(());
    }
    let held = entry::Entity::find().select_only().column(entry::Column::Id);
    let held = held.filter(entry::Column::Id.is_in(ids.iter().copied()));
    let _held: Vec<Uuid> = held.order_by_asc(entry::Column::Id).lock_exclusive().into_tuple().all(db).await?;
    Ok(())
}

async fn touch_those(
    db: &impl ConnectionTrait,
    reach: Reach,
    showing: SelectStatement,
    now: DateTime<Utc>,
) -> Result<()> {
    use entry::Column::{
        Consented, DeletedAt, Id, Kind, Slug, State as InState, UpdatedAt, Visibility as For,
    };
    let alive = || {
        let alive = Condition::all().add(DeletedAt.is_null());
        alive.add(Expr::col((entry::Entity, Id)).in_subquery(showing.clone()))
    };
    let published = || Condition::all().add(InState.eq(State::Published)).add(Consented.eq(true));
    let within = AUDIENCES.get(reach.from..reach.until.min(Reach::STAFF)).unwrap_or_default();
    let wider = AUDIENCES.get(..reach.from).unwrap_or_default();
    let seen_by = |audiences: &[Visibility]| published().add(For.is_in(audiences.iter().copied()));

    let mut all_can_tell = Condition::any().add(seen_by(within));
    if reach.until > Reach::STAFF {
        all_can_tell = all_can_tell.add(published().not());
    }
    // A writer that began later may have committed sooner: the datestamp never goes back.
    let later = Expr::case(UpdatedAt.lt(now), Expr::value(now)).finally(Expr::col(UpdatedAt));
    entry::Entity::update_many()
        .col_expr(UpdatedAt, later.into())
        .filter(alive())
        .filter(all_can_tell)
        .exec(db)
        .await?;

    let Some(reached) = AUDIENCES.get(reach.from) else { return Ok(()) };
    let audience =
        Expr::case(For.is_in(wider.iter().copied()), Expr::value(*reached)).finally(Expr::col(For));
    let lines = entry::Entity::find()
        .select_only()
        .columns([Id, Kind, Slug])
        .expr(Expr::value(What::Updated))
        .expr(audience)
        .expr(Expr::value(now))
        .filter(alive())
        .filter(Condition::any().add(seen_by(within)).add(seen_by(wider)))
        .into_query();
    let mut insert = Query::insert();
    insert.into_table(change::Entity).columns([
        change::Column::EntryId,
        change::Column::Kind,
        change::Column::Slug,
        change::Column::What,
        change::Column::Audience,
        change::Column::At,
    ]);
    insert.select_from(lines).map_err(|error| Error::internal(error.to_string()))?;
    db.execute(&insert).await?;
    Ok(())
}

/// The ids of the entries that show one of `ids` to all their readers, or, with `inside`, to those
/// inside only: what [`Kind::withhold`] takes from everybody else. `None` when there can be none.
fn showing<K: Kind>(ids: &[Uuid], inside: bool) -> Option<SelectStatement> {
    use crate::entity::vocabulary::Kind as Named;
    use contribution::Column::{PartnerId, PersonId};
    let ways = match K::KIND {
        Named::Topic => vec![linked(ids, None, inside), Some(filed(ids, inside))],
        Named::Person => vec![linked(ids, None, inside), Some(credited(PersonId, ids, inside))],
        Named::Partner => {
            let silent = entry_link::Column::EntryId.in_subquery(silent("affiliation"));
            vec![
                linked(ids, Some(silent), inside),
                Some(credited(PartnerId, ids, inside)),
                Some(owned(ids, inside)),
            ]
        }
        Named::Project => {
            let anonymised = entry_link::Column::EntryId.in_subquery(anonymised());
            vec![linked(ids, Some(entry_link::Column::Relation.eq("project").and(anonymised)), inside)]
        }
        Named::Organisation | Named::Event | Named::Publication | Named::Practice => {
            vec![linked(ids, None, inside)]
        }
    };
    // A union is looked up by index, way by way; alternatives in one condition would read the table.
    ways.into_iter().flatten().reduce(|mut all, way| all.union(UnionType::All, way).take())
}

/// By a link; `withheld` says which of them are shown inside only.
fn linked(ids: &[Uuid], withheld: Option<Expr>, inside: bool) -> Option<SelectStatement> {
    use entry_link::Column::{EntryId, TargetId};
    let ids = ids.iter().copied();
    let select = entry_link::Entity::find().select_only().column(EntryId).filter(TargetId.is_in(ids));
    match withheld {
        Some(withheld) => Some(select.filter(is(withheld, inside)).into_query()),
        None => (!inside).then(|| select.into_query()),
    }
}

/// By the topics they are filed under.
fn filed(ids: &[Uuid], inside: bool) -> SelectStatement {
    use entry_topic::Column::{EntryId, TopicId};
    let ids = ids.iter().copied();
    let select = entry_topic::Entity::find().select_only().column(EntryId).filter(TopicId.is_in(ids));
    select.filter(is(EntryId.in_subquery(silent("biography")), inside)).into_query()
}

/// By a credit.
fn credited(agent: contribution::Column, ids: &[Uuid], inside: bool) -> SelectStatement {
    use contribution::Column::EntryId;
    let ids = ids.iter().copied();
    let select = contribution::Entity::find().select_only().column(EntryId).filter(agent.is_in(ids));
    select.filter(is(EntryId.in_subquery(anonymised()), inside)).into_query()
}

/// By belonging to a partner.
fn owned(ids: &[Uuid], inside: bool) -> SelectStatement {
    use entry::Column::{Id, OwnerId};
    let ids = ids.iter().copied();
    let select = entry::Entity::find().select_only().column(Id).filter(OwnerId.is_in(ids));
    select.filter(is(Id.in_subquery(anonymised()), inside)).into_query()
}

fn is(withheld: Expr, inside: bool) -> Expr {
    if inside { withheld } else { withheld.not() }
}

/// The practices that tell nobody outside who was behind them.
fn anonymised() -> SelectStatement {
    let practices = practice::Entity::find().select_only().column(practice::Column::Id);
    practices.filter(practice::Column::Anonymised.eq(true)).into_query()
}

/// The people who have not agreed to `scope`. Quoted, the word is one of what they have agreed to; should
/// somebody be called by that very word, one entry too many is touched.
fn silent(scope: &str) -> SelectStatement {
    let agreed = Expr::col(person::Column::Consent).cast_as("text").like(format!("%\"{scope}\"%"));
    let silent = Condition::any().add(person::Column::Consent.is_null()).add(agreed.not());
    person::Entity::find().select_only().column(person::Column::Id).filter(silent).into_query()
}
