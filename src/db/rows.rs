//! Inserting many rows.
//!
//! The statements are written here and not by the query builder. That makes an expression of every value,
//! and copies it twice; and it knows no way to say once what is the same in all rows, which is half of what
//! an entry's rows hold: the kind, the time, who did it, what is empty.

use std::fmt::Write;

use sea_orm::{
    ActiveModelTrait, ConnectionTrait, DbBackend, DbErr, EntityName, EntityTrait, IdenStatic, Iterable,
    PrimaryKeyToColumn, Statement, Value,
};

/// How many values one statement may bind: SQLite takes 32,766, PostgreSQL 65,535.
pub const MAX_BINDS: usize = 30_000;
/// From how many rows on what they share is said once. The statement for a few is always the same one, and
/// the database has it ready.
const MANY: usize = 20;

/// Inserts rows, as many at once as a statement can bind.
///
/// # Errors
/// When the database fails, or refuses one.
pub async fn insert<A: ActiveModelTrait>(
    db: &impl ConnectionTrait,
    rows: impl IntoIterator<Item = A>,
) -> Result<(), DbErr> {
    execute(db, insertions(db.get_database_backend(), rows)).await
}

/// Executes statements one after the other. The next is built while the database works on the one before:
/// with many rows, that takes as long.
///
/// # Errors
/// When the database fails, or refuses one; those after it are not executed.
pub async fn execute(
    db: &impl ConnectionTrait,
    mut statements: impl Iterator<Item = Statement>,
) -> Result<(), DbErr> {
    let mut next = statements.next();
    while let Some(statement) = next {
        let (executed, built) = tokio::join!(db.execute_raw(statement), async { statements.next() });
        executed?;
        next = built;
    }
    Ok(())
}

/// The statements that insert `rows`, each built, of rows that are then made, when it is asked for.
pub fn insertions<A: ActiveModelTrait>(
    backend: DbBackend,
    rows: impl IntoIterator<Item = A>,
) -> impl Iterator<Item = Statement> {
    statements(backend, rows, false)
}

/// The same, where a row is written over the one that has its key already.
pub fn replacements<A: ActiveModelTrait>(
    backend: DbBackend,
    rows: impl IntoIterator<Item = A>,
) -> impl Iterator<Item = Statement> {
    statements(backend, rows, true)
}

fn statements<A: ActiveModelTrait>(
    backend: DbBackend,
    rows: impl IntoIterator<Item = A>,
    replace: bool,
) -> impl Iterator<Item = Statement> {
    let at_once = MAX_BINDS / Column::<A>::iter().count().max(1);
    let mut rows = rows.into_iter();
    std::iter::from_fn(move || {
        let chunk: Vec<A> = rows.by_ref().take(at_once).collect();
        (!chunk.is_empty()).then(|| statement(backend, chunk, replace))
    })
}

type Column<A> = <<A as ActiveModelTrait>::Entity as EntityTrait>::Column;

/// The statement that inserts `rows`. Names come from the entity; every value is bound.
fn statement<A: ActiveModelTrait>(backend: DbBackend, mut rows: Vec<A>, replace: bool) -> Statement {
    let count = rows.len();
    let used = Column::<A>::iter().filter(|column| rows.iter().any(|row| !row.is_not_set(*column)));
    let used: Vec<Column<A>> = used.collect();
    let values = used.into_iter().map(|column| (column, taken(column, &mut rows)));
    let is_same =
        |values: &[Value]| count >= MANY && values.iter().all(|value| values.first() == Some(value));
    let (mut same, mut other): (Vec<_>, Vec<_>) = values.partition(|(_, values)| is_same(values));
    if other.is_empty() {
        // Rows without a key of their own; they still have to be counted out.
        other.extend(same.pop());
    }
    let names: Vec<&str> = same.iter().chain(&other).map(|(column, _)| column.as_str()).collect();

    let mut bound = Vec::with_capacity(same.len() + other.len() * count);
    let mut sql =
        format!("INSERT INTO \"{}\" (\"{}\") ", A::Entity::default().table_name(), names.join("\", \""));
    let is_selected = !same.is_empty();
    if is_selected {
        sql.push_str("SELECT ");
        for (_, values) in same {
            bind(backend, &mut sql, &mut bound, values.into_iter().next());
            sql.push_str(", ");
        }
        sql.push_str("\"others\".* FROM (");
    }
    sql.push_str("VALUES ");
    let mut others: Vec<_> = other.into_iter().map(|(_, values)| values.into_iter()).collect();
    for row in 0..count {
        sql.push_str(if row == 0 { "(" } else { ", (" });
        for (index, values) in others.iter_mut().enumerate() {
            if index > 0 {
                sql.push_str(", ");
            }
            bind(backend, &mut sql, &mut bound, values.next());
        }
        sql.push(')');
    }
    if is_selected {
        // SQLite would take `ON CONFLICT` for the condition of a join without the last two words.
        sql.push_str(") AS \"others\" WHERE TRUE");
    }
    if replace {
        let key: Vec<&str> = <A::Entity as EntityTrait>::PrimaryKey::iter()
            .map(|column| column.into_column().as_str())
            .collect();
        let kept = names.iter().filter(|name| !key.contains(name));
        let set: Vec<String> = kept.map(|name| format!("\"{name}\" = \"excluded\".\"{name}\"")).collect();
        let _ = write!(sql, " ON CONFLICT (\"{}\") DO UPDATE SET {}", key.join("\", \""), set.join(", "));
    }
    Statement::from_sql_and_values(backend, sql, bound)
}

/// What `rows` hold in a column; in one that has nothing there, it is null.
fn taken<A: ActiveModelTrait>(column: Column<A>, rows: &mut [A]) -> Vec<Value> {
    let values: Vec<Option<Value>> = rows.iter_mut().map(|row| row.take(column).into_value()).collect();
    let null = values.iter().flatten().next().map_or(Value::Bool(None), Value::as_null);
    values.into_iter().map(|value| value.unwrap_or_else(|| null.clone())).collect()
}

/// Adds a value to a statement.
fn bind(backend: DbBackend, sql: &mut String, bound: &mut Vec<Value>, value: Option<Value>) {
    bound.extend(value);
    if backend == DbBackend::Postgres {
        // Writing to a `String` cannot fail.
        let _ = write!(sql, "${}", bound.len());
    } else {
        sql.push('?');
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::ActiveValue::{NotSet, Set};
    use uuid::Uuid;

    use super::*;
    use crate::entity::{title_key, vocabulary::Kind};

    fn rows(count: u128) -> Vec<title_key::ActiveModel> {
        let row = |number: u128| title_key::ActiveModel {
            entry_id: Set(Uuid::from_u128(number)),
            locale: Set("tr".to_owned()),
            kind: Set(Kind::Topic),
            is_original: NotSet,
            sort_key: Set(format!("{number:02}")),
        };
        (0..count).map(row).collect()
    }

    fn built(backend: DbBackend, count: u128, replace: bool) -> (String, usize) {
        let statement = statement(backend, rows(count), replace);
        (statement.sql, statement.values.map_or(0, |values| values.0.len()))
    }

    #[test]
    fn a_few_rows_are_written_out() {
        let into = r#"INSERT INTO "title_key" ("entry_id", "locale", "kind", "sort_key") "#;
        let (sql, bound) = built(DbBackend::Sqlite, 2, false);
        assert_eq!(sql, format!("{into}VALUES (?, ?, ?, ?), (?, ?, ?, ?)"));
        assert_eq!(bound, 8);
        let (sql, _) = built(DbBackend::Postgres, 1, true);
        let over = r#"("entry_id", "locale") DO UPDATE SET "kind" = "excluded"."kind", "sort_key" = "excluded"."sort_key""#;
        assert_eq!(sql, format!("{into}VALUES ($1, $2, $3, $4) ON CONFLICT {over}"));
    }

    #[test]
    fn what_many_rows_share_is_said_once() {
        let (sql, bound) = built(DbBackend::Postgres, 20, true);
        let into = r#"INSERT INTO "title_key" ("locale", "kind", "entry_id", "sort_key") "#;
        let select = r#"SELECT $1, $2, "others".* FROM (VALUES ($3, $4), ($5, $6), "#;
        assert!(sql.starts_with(&format!("{into}{select}")), "{sql}");
        assert!(
            sql.contains(r#"($41, $42)) AS "others" WHERE TRUE ON CONFLICT ("entry_id", "locale") "#),
            "{sql}"
        );
        assert_eq!(bound, 42);
    }

    #[test]
    fn no_statement_binds_more_than_a_database_takes() {
        let rows = rows(15_000);
        let bound = insertions(DbBackend::Sqlite, rows)
            .map(|statement| statement.values.map_or(0, |values| values.0.len()));
        let bound: Vec<usize> = bound.collect();
        assert!(bound.len() > 1 && bound.iter().all(|count| *count <= MAX_BINDS), "{bound:?}");
    }
}
