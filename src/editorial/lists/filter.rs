//! Filters as conditions. What a caller is not shown of an entry finds it no more than what is not
//! there: values and relations count outside only where they are shown outside, and other entries only
//! where the caller sees them.

use sea_orm::{
    Condition, QuerySelect, QueryTrait,
    entity::prelude::*,
    sea_query::{
        CommonTableExpression, Expr, ExprTrait, IntoCondition, Query, SelectStatement, SimpleExpr, UnionType,
        WithClause,
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

/// The entries of `kind` that `filter` lets through, as `caller` sees them.
#[must_use]
pub fn condition(caller: &Caller, kind: Kind, filter: &Filter) -> Condition {
    let field = &filter.field;
    if let Place::Entry(column) = field.place {
        return of_entry(column, &filter.asked);
    }
    let holders = |wanted: Option<&Operand>| match wanted {
        Some(Operand::Names(names)) => holders(caller, kind, field, |_| Wanted::Entries(names)),
        Some(Operand::Spans(spans)) => {
            holders(caller, kind, field, |column| Wanted::Values(any(&column, spans)))
        }
        None => holders(caller, kind, field, |_| Wanted::Anything),
    };
    let id = entry::Column::Id;
    match &filter.asked {
        Asked::Any(operand) => id.in_subquery(holders(Some(operand))).into_condition(),
        Asked::Not(operand) => id.not_in_subquery(holders(Some(operand))).into_condition(),
        Asked::All(operand) => {
            let mut all = Condition::all();
            for operand in each(operand) {
                all = all.add(id.in_subquery(holders(Some(&operand))));
            }
            all
        }
        Asked::Under(names) => {
            let under = narrower(caller, names);
            id.in_subquery(self::holders(caller, kind, field, |_| Wanted::Among(Box::new(under))))
                .into_condition()
        }
        Asked::From(edge) => {
            let bound = |column: SimpleExpr| Wanted::Values(column.gte(key(edge)).into_condition());
            id.in_subquery(self::holders(caller, kind, field, bound)).into_condition()
        }
        Asked::Below(edge) => {
            let bound = |column: SimpleExpr| Wanted::Values(column.lt(key(edge)).into_condition());
            id.in_subquery(self::holders(caller, kind, field, bound)).into_condition()
        }
        Asked::Exists(true) => id.in_subquery(holders(None)).into_condition(),
        Asked::Exists(false) => id.not_in_subquery(holders(None)).into_condition(),
    }
}

/// A condition on a column of the row that all kinds share.
fn of_entry(column: entry::Column, asked: &Asked) -> Condition {
    let own = || Expr::col((entry::Entity, column));
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
    Condition::any().add(entry::Column::Id.is_in(ids)).add(entry::Column::Slug.is_in(slugs))
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
