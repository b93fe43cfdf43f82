//! The order of a list and its pages.
//!
//! Every order ends with the id, in the direction of the last field; what has no value comes last,
//! whatever the direction. A page begins where the one before ended (keyset): the database walks an
//! index from there, and what was passed costs nothing. Entries with a value in the first field are one
//! stretch of an index and those without another, so a page that reaches the end of the first takes a
//! second query.

use std::fmt::Write;

use chrono::{DateTime, SecondsFormat, Utc};
use sea_orm::{
    Condition, FromQueryResult, JoinType, QueryResult, QuerySelect,
    entity::prelude::*,
    sea_query::{
        Expr, ExprTrait, IntoCondition, IntoTableRef, NullOrdering, Order, Query, SelectStatement, SimpleExpr,
    },
};

use super::{
    field::{Field, Holds, Place},
    parse::{Key, MAX_KEYS},
};
use crate::{
    auth::Caller,
    editorial::kind::Kind,
    entity::{entry, entry_value, title_key, vocabulary},
    http::{Error, Result, cursor::Position, locale::Language},
};

/// The names of the tables that are joined for the order, and of what is read from them.
const ALIASES: [&str; MAX_KEYS] = ["key_0", "key_1", "key_2"];

/// The name of the few entries that a list is made of.
const FEW: &str = "few";

/// A list: which entries, in which order, for whom and in which language.
#[derive(Debug)]
pub struct Listing<'a> {
    kind: vocabulary::Kind,
    has_titles_by_language: bool,
    caller: &'a Caller,
    language: &'a Language,
    seen: Condition,
    few: Option<SelectStatement>,
    keys: Vec<Key>,
}

/// An entry of a page.
#[derive(Debug)]
pub struct Row {
    /// The row that all kinds share.
    pub entry: entry::Model,
    /// What it is sorted by, as far as that stands in another table.
    joined: [Option<String>; MAX_KEYS],
}

impl FromQueryResult for Row {
    fn from_query_result(result: &QueryResult, prefix: &str) -> Result<Self, DbErr> {
        let mut joined = [const { None }; MAX_KEYS];
        for (key, alias) in joined.iter_mut().zip(ALIASES) {
            *key = result.try_get("", alias)?;
        }
        Ok(Self { entry: entry::Model::from_query_result(result, prefix)?, joined })
    }
}

/// The two stretches of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stretch {
    /// Entries with a value in the first field.
    Present,
    /// Entries without.
    Missing,
}

impl<'a> Listing<'a> {
    /// The entries of `K` among `seen`, sorted by `sort`; by nothing: in the default order. If they are
    /// among a `few`, whose ids it selects, these are sorted; else they are looked for in the order.
    #[must_use]
    pub fn new<K: Kind>(
        caller: &'a Caller,
        language: &'a Language,
        seen: Condition,
        few: Option<SelectStatement>,
        sort: Vec<Key>,
    ) -> Self {
        let by_default = Key {
            field: Field {
                name: "",
                holds: Holds::Title,
                place: Place::Entry(entry::Column::SortKey),
                many: false,
                sorts: true,
                meaning: "",
            },
            descending: K::DESCENDING,
        };
        Self {
            kind: K::KIND,
            has_titles_by_language: K::TITLE.is_some(),
            caller,
            language,
            seen: Condition::all().add(entry::Column::Kind.eq(K::KIND)).add(seen),
            few,
            keys: if sort.is_empty() { vec![by_default] } else { sort },
        }
    }

    /// Up to `limit` entries after `after`; from the beginning without it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn page(
        &self,
        db: &impl ConnectionTrait,
        after: Option<&Position>,
        limit: u64,
    ) -> Result<Vec<Row>> {
        let after =
            after.map(|after| Ok::<_, Error>((self.values(&after.sort_key)?, after.id))).transpose()?;
        let is_missing = |(values, _): &(Vec<Option<SimpleExpr>>, Uuid)| matches!(values.first(), Some(None));
        let mut rows = Vec::new();
        let began_missing = after.as_ref().is_some_and(is_missing);
        if !began_missing {
            rows = self.stretch(db, Stretch::Present, after.as_ref(), limit).await?;
        }
        let left = limit.saturating_sub(u64::try_from(rows.len()).unwrap_or(limit));
        if left > 0 && self.keys.first().is_some_and(|key| can_be_missing(&key.field)) {
            let after = after.as_ref().filter(|_| began_missing);
            rows.extend(self.stretch(db, Stretch::Missing, after, left).await?);
        }
        Ok(rows)
    }

    /// How many entries the list has.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count(&self, db: &impl ConnectionTrait) -> Result<i64> {
        let mut count = entry::Entity::find()
            .select_only()
            .column_as(entry::Column::Id.count(), "total")
            .filter(self.seen.clone());
        self.begin_with_few(QuerySelect::query(&mut count));
        Ok(count.into_tuple::<i64>().one(db).await?.unwrap_or_default())
    }

    /// Lets `query`, of entries, begin with the few. SQLite leaves what a `CROSS JOIN` joins in this order,
    /// where it would otherwise look through an index that has the order of the list.
    fn begin_with_few(&self, query: &mut SelectStatement) {
        let Some(few) = &self.few else { return };
        let is_held =
            Expr::col((FEW, entry_value::Column::EntryId)).equals((entry::Entity, entry::Column::Id));
        query.from_clear().from_subquery(few.clone(), FEW).cross_join(entry::Entity).and_where(is_held);
    }

    /// Where the list goes on after `row`.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn position(&self, row: &Row) -> Result<Position> {
        let value = |(key, joined): (&Key, &Option<String>)| match key.field.place {
            Place::Entry(entry::Column::UpdatedAt) => Some(written(row.entry.updated_at)),
            Place::Entry(entry::Column::PublishedAt) => row.entry.published_at.map(written),
            Place::Entry(_) => Some(row.entry.sort_key.clone()),
            _ => joined.clone(),
        };
        let values: Vec<Option<String>> = self.keys.iter().zip(&row.joined).map(value).collect();
        let sort_key = serde_json::to_string(&values).map_err(Error::internal)?;
        Ok(Position { sort_key, id: row.entry.id })
    }

    /// The values in a cursor. It was made here, and for this very list.
    fn values(&self, sort_key: &str) -> Result<Vec<Option<SimpleExpr>>> {
        let texts: Vec<Option<String>> = serde_json::from_str(sort_key).map_err(Error::internal)?;
        let value = |(key, text): (&Key, Option<String>)| {
            let Some(text) = text else { return Ok(None) };
            if !matches!(key.field.holds, Holds::Instant) || matches!(key.field.place, Place::Own(_)) {
                return Ok(Some(Expr::value(text)));
            }
            let at: DateTime<Utc> = text.parse().map_err(Error::internal)?;
            Ok(Some(Expr::value(at)))
        };
        self.keys.iter().zip(texts).map(value).collect()
    }

    async fn stretch(
        &self,
        db: &impl ConnectionTrait,
        stretch: Stretch,
        after: Option<&(Vec<Option<SimpleExpr>>, Uuid)>,
        limit: u64,
    ) -> Result<Vec<Row>> {
        let mut select = entry::Entity::find().filter(self.seen.clone());
        self.begin_with_few(QuerySelect::query(&mut select));
        let mut id = Expr::col((entry::Entity, entry::Column::Id));
        let mut columns = Vec::new();
        for (index, (key, alias)) in self.keys.iter().zip(ALIASES).enumerate() {
            let leads = index == 0 && stretch == Stretch::Present;
            let query = QuerySelect::query(&mut select);
            let (column, joined) = match key.field.place {
                Place::Entry(column) => (Expr::col((entry::Entity, column)), None),
                Place::Title => {
                    let column = Expr::col((alias, title_key::Column::SortKey));
                    (column, Some((title_key::Entity.into_table_ref(), self.title(alias))))
                }
                _ => {
                    let column = Expr::col((alias, entry_value::Column::Value));
                    let joined = (entry_value::Entity.into_table_ref(), self.value(&key.field, alias));
                    (column, Some(joined))
                }
            };
            let is_joined = joined.is_some();
            match joined {
                // The table that is sorted by comes first, and SQLite leaves it there (`CROSS JOIN`):
                // one index holds the whole order, and one of entries would hold none of it.
                Some((table, on)) if leads && self.few.is_none() => {
                    id = Expr::col((alias, entry_value::Column::EntryId));
                    query.from_clear().from(table.alias(alias)).cross_join(entry::Entity).cond_where(on);
                }
                Some((table, on)) => {
                    let join = if leads { JoinType::InnerJoin } else { JoinType::LeftJoin };
                    query.join_as(join, table, alias, on);
                }
                None => {}
            }
            let read = if is_joined { column.clone() } else { Expr::value(Option::<String>::None) };
            select = select.expr_as(read, alias);
            columns.push(column);
        }
        for alias in ALIASES.iter().skip(columns.len()) {
            select = select.expr_as(Expr::value(Option::<String>::None), *alias);
        }
        if let Some(first) =
            self.keys.first().zip(columns.first()).filter(|(key, _)| can_be_missing(&key.field))
        {
            let column = first.1.clone();
            let is_here = if stretch == Stretch::Present { column.is_not_null() } else { column.is_null() };
            select = select.filter(is_here);
        }
        if let Some((values, last)) = after {
            select = select.filter(self.beyond(stretch, &columns, values, id.clone(), *last));
        }
        let query = QuerySelect::query(&mut select);
        for (index, (key, column)) in self.keys.iter().zip(columns).enumerate() {
            match (index, stretch) {
                (0, Stretch::Missing) => {}
                (0, Stretch::Present) => {
                    query.order_by_expr(column, direction(key));
                }
                _ => {
                    query.order_by_expr_with_nulls(column, direction(key), NullOrdering::Last);
                }
            }
        }
        query.order_by_expr(id, self.keys.last().map_or(Order::Asc, direction));
        let mut statement = db.get_database_backend().build(query);
        // Bound, as the query builder would have it, SQLite prepares the statement anew every time.
        let _ = write!(statement.sql, " LIMIT {limit}");
        Ok(Row::find_by_statement(statement).all(db).await?)
    }

    /// What comes after the entry `last`, which holds `values`.
    fn beyond(
        &self,
        stretch: Stretch,
        columns: &[SimpleExpr],
        values: &[Option<SimpleExpr>],
        id: SimpleExpr,
        last: Uuid,
    ) -> Condition {
        if let ([key], [column], [Some(value)], Stretch::Present) = (&*self.keys, columns, values, stretch) {
            // As one comparison, the index begins right behind it.
            let (here, there) =
                (Expr::tuple([column.clone(), id]), Expr::tuple([value.clone(), last.into()]));
            let beyond = if key.descending { here.lt(there) } else { here.gt(there) };
            return beyond.into_condition();
        }
        let (mut any, mut same, mut bound) = (Condition::any(), Condition::all(), Condition::all());
        for (index, ((key, column), value)) in self.keys.iter().zip(columns).zip(values).enumerate() {
            if index == 0 && stretch == Stretch::Missing {
                continue;
            }
            let Some(value) = value.clone() else {
                // Nothing comes after what has no value, but what has none either.
                same = same.add(column.clone().is_null());
                continue;
            };
            let column = || column.clone();
            let further =
                if key.descending { column().lt(value.clone()) } else { column().gt(value.clone()) };
            let mut further = Condition::any().add(further);
            if index == 0 {
                // Implied by the rest; alone it can be served by the index.
                let value = value.clone();
                bound = bound.add(if key.descending { column().lte(value) } else { column().gte(value) });
            } else {
                further = further.add(column().is_null());
            }
            any = any.add(same.clone().add(further));
            same = same.add(column().eq(value));
        }
        let descending = self.keys.last().is_some_and(|key| key.descending);
        let tie = if descending { id.lt(last) } else { id.gt(last) };
        bound.add(any.add(same.add(tie)))
    }

    /// How the values of `field` are joined: one an entry, as far as the caller is shown it.
    fn value(&self, field: &Field, alias: &'static str) -> Condition {
        let column = |column: entry_value::Column| Expr::col((alias, column));
        let shown = column(entry_value::Column::IsOpen).eq(true);
        Condition::all()
            .add(column(entry_value::Column::EntryId).equals((entry::Entity, entry::Column::Id)))
            .add(column(entry_value::Column::Kind).eq(self.kind))
            .add(column(entry_value::Column::Field).eq(field.name))
            .add_option((!self.caller.is_inside()).then_some(shown))
    }

    /// How the titles are joined: the one that an entry is served with.
    fn title(&self, alias: &'static str) -> Condition {
        let column = |column: title_key::Column| Expr::col((alias, column));
        let own = Condition::all()
            .add(column(title_key::Column::EntryId).equals((entry::Entity, entry::Column::Id)))
            .add(column(title_key::Column::Kind).eq(self.kind));
        if !self.has_titles_by_language {
            return own;
        }
        let is_in = |column: SimpleExpr| column.eq(self.language.locale.as_str());
        let translated = is_in(column(title_key::Column::Locale)).into_condition();
        if !self.language.fallback {
            return own.add(translated);
        }
        let translation = Query::select()
            .expr(Expr::value(1))
            .from_as(title_key::Entity, "translation")
            .cond_where(
                Condition::all()
                    .add(
                        Expr::col(("translation", title_key::Column::EntryId))
                            .equals((alias, title_key::Column::EntryId)),
                    )
                    .add(is_in(Expr::col(("translation", title_key::Column::Locale)))),
            )
            .take();
        let stands_in = column(title_key::Column::IsOriginal).eq(true).and(Expr::exists(translation).not());
        own.add(Condition::any().add(translated).add(stands_in))
    }
}

fn direction(key: &Key) -> Order {
    if key.descending { Order::Desc } else { Order::Asc }
}

fn can_be_missing(field: &Field) -> bool {
    !matches!(field.place, Place::Entry(entry::Column::UpdatedAt | entry::Column::SortKey))
}

fn written(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}
