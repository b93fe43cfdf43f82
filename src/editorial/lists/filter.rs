//! Filters as conditions. What a caller is not shown of an entry finds it no more than what is not
//! there: values and relations count outside only where they are shown outside, and other entries only
//! where the caller sees them.

use sea_orm::{
    Condition, DbBackend, IdenStatic, QuerySelect, QueryTrait,
    entity::prelude::*,
    sea_query::{
        CommonTableExpression, Expr, ExprTrait, Func, IntoCondition, Query, SelectStatement, SimpleExpr,
        UnionType, WithClause,
    },
};

use super::{
    field::{Field, Holds, Place},
    parse::{Asked, Edge, Filter, Operand},
    value::{self, Span},
};
use crate::{
    auth::Caller,
    editorial::finder,
    entity::{
        contribution, entry, entry_link, entry_topic, entry_value, identifier,
        vocabulary::{self, Kind},
    },
    http::{Id, Result},
};

/// The link that leads from a topic to the wider one.
const BROADER: &str = "broader";
/// Up to how many entries are few: to sort them costs less than to look along a list for them.
const FEW: u64 = 1_000;

/// The entries of `kind` that `filter` lets through, as `caller` sees them; `leads` when they are in the
/// order of what is filtered.
#[must_use]
pub fn condition(caller: &Caller, kind: Kind, filter: &Filter, leads: bool) -> Condition {
    let field = &filter.field;
    if let Place::Entry(column) = field.place {
        let own = Expr::col((entry::Entity, column));
        // SQLite would take the index of this column for a range that may be most of the collection, and
        // sort all of it. PostgreSQL knows how much it is, and sees through this.
        let own = if leads { own } else { Func::coalesce([own, Expr::cust("NULL")]).into() };
        return of_entry(&own, &filter.asked);
    }
    let (holders, is_wanted) = match &filter.asked {
        Asked::Not(operand) => (vec![holding(caller, kind, field, Some(operand))], false),
        Asked::Exists(false) => (vec![holding(caller, kind, field, None)], false),
        _ => (wanted(caller, kind, filter), true),
    };
    let holds = holders.into_iter().fold(Condition::all(), |all, mut holders| {
        if is_wanted && is_selective(field) {
            return all.add(entry::Column::Id.in_subquery(holders));
        }
        let entry_id = Expr::col(entry_topic::Column::EntryId);
        holders.and_where(entry_id.equals((entry::Entity, entry::Column::Id)));
        all.add(Expr::exists(holders))
    });
    if is_wanted { holds } else { holds.not() }
}

/// The ids of the entries that hold what `filter` wants; several times, when it wants several things. Of a
/// filter that wants something not to be there, none.
#[must_use]
pub fn wanted(caller: &Caller, kind: Kind, filter: &Filter) -> Vec<SelectStatement> {
    let field = &filter.field;
    if let Place::Entry(column) = field.place {
        let is_range = matches!(field.holds, Holds::Instant);
        let holders = entry::Entity::find()
            .select_only()
            .column_as(entry::Column::Id, entry_topic::Column::EntryId.as_str())
            .filter(entry::Column::Kind.eq(kind))
            .filter(of_entry(&Expr::col((entry::Entity, column)), &filter.asked));
        let is_wanted = !matches!(filter.asked, Asked::Not(_) | Asked::Exists(_));
        return (is_range && is_wanted).then(|| holders.into_query()).into_iter().collect();
    }
    match &filter.asked {
        Asked::Any(operand) => vec![holding(caller, kind, field, Some(operand))],
        Asked::All(operand) => {
            each(operand).iter().map(|operand| holding(caller, kind, field, Some(operand))).collect()
        }
        Asked::Under(names) => {
            let under = narrower(caller, names);
            vec![holders(caller, kind, field, |_| Wanted::Among(Box::new(under)))]
        }
        Asked::From(edge) => {
            let bound = |column: SimpleExpr| Wanted::Values(column.gte(key(edge)).into_condition());
            vec![holders(caller, kind, field, bound)]
        }
        Asked::Below(edge) => {
            let bound = |column: SimpleExpr| Wanted::Values(column.lt(key(edge)).into_condition());
            vec![holders(caller, kind, field, bound)]
        }
        Asked::Exists(true) => vec![holding(caller, kind, field, None)],
        Asked::Not(_) | Asked::Exists(false) => Vec::new(),
    }
}

/// The ids of the entries in which `field` holds one of `operand`; without it, anything.
fn holding(caller: &Caller, kind: Kind, field: &Field, operand: Option<&Operand>) -> SelectStatement {
    match operand {
        Some(Operand::Names(names)) => holders(caller, kind, field, |_| Wanted::Entries(names)),
        Some(Operand::Spans(spans)) => {
            holders(caller, kind, field, |column| Wanted::Values(any(&column, spans)))
        }
        None => holders(caller, kind, field, |_| Wanted::Anything),
    }
}

/// Whether a value of `field` stands in few entries, or in such that are near to each other in the order of
/// the list: they are found first, all at once. Of others, one looks along the list until the page is full:
/// all in which they stand may be most of the collection.
fn is_selective(field: &Field) -> bool {
    !matches!(field.place, Place::Topics) && !matches!(field.holds, Holds::Words(_) | Holds::Flag)
}

/// Of the entries of `kind` that one of `filters` wants, if they are few, the ids: then a list is made of
/// them, and not looked for in the order of everything.
///
/// # Errors
/// When the database fails.
pub async fn few(
    db: &impl ConnectionTrait,
    caller: &Caller,
    kind: Kind,
    filters: &[Filter],
) -> Result<Option<SelectStatement>> {
    let candidates: Vec<_> = filters.iter().flat_map(|filter| wanted(caller, kind, filter)).collect();
    if candidates.is_empty() {
        return Ok(None);
    }
    // The limit is written out: bound, SQLite prepares the statement anew every time.
    let place = if db.get_database_backend() == DbBackend::Postgres { "$1" } else { "?" };
    let counted =
        format!("(SELECT COUNT(*) FROM (SELECT 1 FROM {place} AS held LIMIT {}) AS counted)", FEW + 1);
    let mut count = Query::select();
    for candidate in &candidates {
        count.expr(Expr::cust_with_exprs(counted.clone(), [Expr::from(candidate.clone())]));
    }
    let counts = db.query_one(&count).await?;
    let mut least: Option<(i64, SelectStatement)> = None;
    for (index, candidate) in candidates.into_iter().enumerate() {
        let count: i64 = counts.as_ref().map_or(Ok(i64::MAX), |row| row.try_get_by_index(index))?;
        if count <= i64::try_from(FEW).unwrap_or(i64::MAX)
            && least.as_ref().is_none_or(|(known, _)| count < *known)
        {
            least = Some((count, candidate));
        }
    }
    Ok(least.map(|(_, mut few)| few.distinct().take()))
}

/// A condition on a column of the row that all kinds share.
fn of_entry(own: &SimpleExpr, asked: &Asked) -> Condition {
    let own = || own.clone();
    match asked {
        Asked::Any(Operand::Spans(spans)) => any(&own(), spans),
        Asked::Not(Operand::Spans(spans)) => any(&own(), spans).not(),
        Asked::From(Edge::At(at)) => own().gte(*at).into_condition(),
        Asked::Below(Edge::At(at)) => own().lt(*at).into_condition(),
        Asked::Exists(true) => own().is_not_null().into_condition(),
        Asked::Exists(false) => own().is_null().into_condition(),
        // Nothing else is read for these columns; what cannot be asked is true of no entry.
        _ => entry::Column::Id.is_in(Vec::<Uuid>::new()).into_condition(),
    }
}

fn key(edge: &Edge) -> String {
    match edge {
        Edge::Key(key) => key.clone(),
        Edge::At(at) => value::instant(*at),
    }
}

/// The operands that name one value each.
fn each(operand: &Operand) -> Vec<Operand> {
    match operand {
        Operand::Spans(spans) => spans.iter().map(|span| Operand::Spans(vec![span.clone()])).collect(),
        Operand::Names(names) => names.iter().map(|name| Operand::Names(vec![name.clone()])).collect(),
    }
}

/// Whether `column` lies in one of `spans`.
fn any(column: &SimpleExpr, spans: &[Span]) -> Condition {
    let plain = spans.iter().filter_map(|span| match span {
        Span::Is(key) => Some(key.as_str()),
        Span::Within(..) => None,
    });
    let plain: Vec<&str> = plain.collect();
    let mut any = Condition::any();
    if !plain.is_empty() {
        any = any.add(column.clone().is_in(plain));
    }
    for span in spans {
        if let Span::Within(from, below) = span {
            any = any.add(column.clone().gte(from.as_str()).and(column.clone().lt(below.as_str())));
        }
    }
    any
}

/// What is looked for.
enum Wanted<'a> {
    /// A value of which this is true.
    Values(Condition),
    /// Other entries with one of these names.
    Entries(&'a [Id]),
    /// Other entries, whose ids this selects.
    Among(Box<SelectStatement>),
    /// Anything at all.
    Anything,
}

/// The ids of the entries in which `field` holds what is wanted; `wanted` is asked with its column.
fn holders<'a>(
    caller: &Caller,
    kind: Kind,
    field: &Field,
    wanted: impl FnOnce(SimpleExpr) -> Wanted<'a>,
) -> SelectStatement {
    macro_rules! select {
        ($table:ident, $column:ident, $scope:expr) => {{
            let column = $table::Column::$column;
            let mut select =
                $table::Entity::find().select_only().column($table::Column::EntryId).filter($scope);
            // Whoever belongs to the organisation is shown everything there is.
            if !caller.is_inside() {
                select = select.filter($table::Column::IsOpen.eq(true));
            }
            let wanted = match wanted(Expr::col(($table::Entity, column))) {
                Wanted::Values(condition) => Some(condition),
                Wanted::Entries(names) => {
                    Some(column.in_subquery(targets(caller, field, Some(names))).into_condition())
                }
                Wanted::Among(ids) => Some(column.in_subquery(*ids).into_condition()),
                Wanted::Anything => match field.holds {
                    Holds::Entries(_) => {
                        Some(column.in_subquery(targets(caller, field, None)).into_condition())
                    }
                    _ => None,
                },
            };
            select.apply_if(wanted, |select, wanted| select.filter(wanted)).into_query()
        }};
    }
    match field.place {
        Place::Topics => select!(entry_topic, TopicId, Condition::all()),
        Place::Credits if matches!(field.holds, Holds::Entries(Kind::Person)) => {
            select!(contribution, PersonId, Condition::all())
        }
        Place::Credits => select!(contribution, PartnerId, Condition::all()),
        Place::Link => select!(entry_link, TargetId, entry_link::Column::Relation.eq(field.name)),
        Place::Identifier(scheme) => select!(identifier, Value, identifier::Column::Scheme.eq(scheme)),
        Place::Own(_) | Place::Entry(_) | Place::Title => select!(
            entry_value,
            Value,
            entry_value::Column::Kind.eq(kind).and(entry_value::Column::Field.eq(field.name))
        ),
    }
}

/// The ids of the entries that `field` may name, and that the caller sees.
fn targets(caller: &Caller, field: &Field, names: Option<&[Id]>) -> SelectStatement {
    let seen = match names {
        Some(names) => named(caller, field, names),
        None => finder::of_kind(caller, target(field)),
    };
    seen.select_only().column(entry::Column::Id).into_query()
}

/// The kind of the entries that `field` names.
fn target(field: &Field) -> Kind {
    match field.holds {
        Holds::Entries(kind) => kind,
        _ => vocabulary::Kind::Topic,
    }
}

/// The entries with these names that `field` may name, as far as the caller sees them.
#[must_use]
pub fn named(caller: &Caller, field: &Field, names: &[Id]) -> Select<entry::Entity> {
    finder::of_kind(caller, target(field)).filter(is_named(names))
}

/// The ids of the topics with these names and of all that are narrower, as far as the caller sees them
/// and the way to them.
///
/// # Errors
/// When the database fails.
pub async fn narrower_ids(db: &impl ConnectionTrait, caller: &Caller, names: &[Id]) -> Result<Vec<Uuid>> {
    let rows = db.query_all(&narrower(caller, names)).await?;
    Ok(rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, DbErr>>()?)
}

fn is_named(names: &[Id]) -> Condition {
    let ids = names.iter().filter_map(|name| if let Id::Uuid(id) = name { Some(*id) } else { None });
    let slugs = names.iter().filter_map(|name| if let Id::Slug(slug) = name { Some(slug) } else { None });
    let (ids, slugs): (Vec<Uuid>, Vec<&String>) = (ids.collect(), slugs.collect());
    // A condition that holds of nothing would keep the others from their indexes. One stands always.
    let has_slugs = !slugs.is_empty();
    let by_id = (!ids.is_empty() || !has_slugs).then(|| entry::Column::Id.is_in(ids));
    Condition::any().add_option(by_id).add_option(has_slugs.then(|| entry::Column::Slug.is_in(slugs)))
}

/// The ids of the topics with these names and of all that are narrower, as far as the caller sees them
/// and the way to them.
fn narrower(caller: &Caller, names: &[Id]) -> SelectStatement {
    const TREE: &str = "narrower";
    let seen = || finder::of_kind(caller, Kind::Topic).select_only().column(entry::Column::Id);
    let mut steps = seen().into_query();
    steps
        .inner_join(
            entry_link::Entity,
            Expr::col((entry_link::Entity, entry_link::Column::EntryId))
                .equals((entry::Entity, entry::Column::Id)),
        )
        .inner_join(
            TREE,
            Expr::col((entry_link::Entity, entry_link::Column::TargetId)).equals((TREE, entry::Column::Id)),
        )
        .and_where(entry_link::Column::Relation.eq(BROADER));
    // What was found before is not followed again (UNION, not UNION ALL): even a circle would end.
    let tree = seen().filter(is_named(names)).into_query().union(UnionType::Distinct, steps).take();
    let tree = CommonTableExpression::new().query(tree).column(entry::Column::Id).table_name(TREE).to_owned();
    Query::select()
        .column((TREE, entry::Column::Id))
        .from(TREE)
        .with_cte(WithClause::new().recursive(true).cte(tree).to_owned())
        .take()
}
