//! The database schema, one step at a time, for SQLite and PostgreSQL alike.
//!
//! A step is frozen once merged: it speaks plain names and knows no type of the application.
//! Every step runs in a transaction and can be taken back. The caller holds the lock that keeps
//! two processes from migrating at once (`sogep::db`).

pub use sea_orm_migration::prelude::*;

mod m20261122_000001_content;
mod m20261122_000002_history;
mod m20261122_000003_access;
mod m20261124_000004_security;
mod m20261124_000005_workflow;
mod m20261124_000006_snapshot;
mod m20261124_000007_sort_keys;
mod m20261124_000008_synonyms;
mod m20261124_000009_notify;
mod m20261124_000010_lists;

/// All steps, oldest first.
#[derive(Debug)]
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261122_000001_content::Migration),
            Box::new(m20261122_000002_history::Migration),
            Box::new(m20261122_000003_access::Migration),
            Box::new(m20261124_000004_security::Migration),
            Box::new(m20261124_000005_workflow::Migration),
            Box::new(m20261124_000006_snapshot::Migration),
            Box::new(m20261124_000007_sort_keys::Migration),
            Box::new(m20261124_000008_synonyms::Migration),
            Box::new(m20261124_000009_notify::Migration),
            Box::new(m20261124_000010_lists::Migration),
        ]
    }
}

/// A text column that sorts by code point on both databases.
///
/// PostgreSQL otherwise sorts by the database's locale, and a page that follows a cursor would
/// skip or repeat rows when two replicas were created with different ones.
fn bytewise(manager: &SchemaManager<'_>, mut column: ColumnDef) -> ColumnDef {
    if manager.get_database_backend() == sea_orm_migration::sea_orm::DbBackend::Postgres {
        column.extra("COLLATE \"C\"");
    }
    column
}

/// `table.column` refers to `to.id` and goes with it.
fn owned_by(table: &'static str, column: &'static str, to: &'static str) -> ForeignKeyCreateStatement {
    refers_to(table, column, to, ForeignKeyAction::Cascade)
}

/// `table.column` refers to `to.id`; what happens when that row goes is `action`.
fn refers_to(
    table: &'static str,
    column: &'static str,
    to: &'static str,
    action: ForeignKeyAction,
) -> ForeignKeyCreateStatement {
    ForeignKey::create()
        .name(format!("{table}_{column}_fkey"))
        .from(table, column)
        .to(to, "id")
        .on_delete(action)
        .to_owned()
}

/// An index over `columns` of `table`, named after them.
fn index(table: &'static str, columns: &[&'static str]) -> IndexCreateStatement {
    let mut index = Index::create();
    index.table(table).name(format!("{table}_{}_idx", columns.join("_")));
    for column in columns {
        index.col(*column);
    }
    index
}

/// A unique index over `columns` of `table`, named after them.
fn unique(table: &'static str, columns: &[&'static str]) -> IndexCreateStatement {
    index(table, columns).name(format!("{table}_{}_key", columns.join("_"))).unique().take()
}

/// `column` holds one of `values`.
fn one_of(column: &'static str, values: &[&'static str]) -> SimpleExpr {
    Expr::col(column).is_in(values.iter().copied())
}
