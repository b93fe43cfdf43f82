//! What lists are filtered and sorted by.
//!
//! All of it is derived from the content by the application, which knows the rules: who is shown what,
//! and how a language orders its words. Entries that were there before are marked with `derived_by` 0
//! and get theirs before the service starts (`sogep::editorial::lists::derived`).

use sea_orm_migration::{prelude::*, schema::*, sea_orm::DbBackend};

use crate::{bytewise, index, owned_by};

#[derive(DeriveMigrationName)]
pub struct Migration;

/// Columns that existing tables get. What is not known to be shown outside is not.
fn added() -> Vec<(&'static str, ColumnDef)> {
    let is_open = || boolean("is_open").default(false).take();
    vec![
        ("entry", small_integer("derived_by").default(0).take()),
        ("entry_topic", is_open()),
        ("contribution", is_open()),
        ("entry_link", is_open()),
        ("identifier", is_open()),
    ]
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // One column a statement: SQLite takes no more.
        for (table, column) in added() {
            manager.alter_table(Table::alter().table(table).add_column(column).take()).await?;
        }
        let values = Table::create()
            .table("entry_value")
            .col(uuid("entry_id"))
            .col(text("field"))
            .col(bytewise(manager, text("value")))
            .col(text("kind"))
            .col(boolean("is_open"))
            .primary_key(Index::create().name("entry_value_pkey").col("entry_id").col("field").col("value"))
            .foreign_key(&mut owned_by("entry_value", "entry_id", "entry"))
            .take();
        let keys = Table::create()
            .table("title_key")
            .col(uuid("entry_id"))
            .col(text("locale"))
            .col(text("kind"))
            .col(boolean("is_original"))
            .col(bytewise(manager, text("sort_key")))
            .primary_key(Index::create().name("title_key_pkey").col("entry_id").col("locale"))
            .foreign_key(&mut owned_by("title_key", "entry_id", "entry"))
            .take();
        for mut table in [values, keys] {
            if manager.get_database_backend() == DbBackend::Sqlite {
                // The primary key is the table, not a second tree beside it: every entry has many rows.
                table.extra("WITHOUT ROWID");
            }
            manager.create_table(table).await?;
        }
        for (table, columns) in [
            ("entry_value", &["kind", "field", "value", "entry_id"] as &[&'static str]),
            ("title_key", &["kind", "sort_key", "entry_id"]),
            ("entry", &["kind", "updated_at", "id"]),
            ("entry", &["kind", "published_at", "id"]),
        ] {
            manager.create_index(index(table, columns)).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["title_key", "entry_value"] {
            manager.drop_table(Table::drop().table(table).take()).await?;
        }
        for name in ["entry_kind_published_at_id_idx", "entry_kind_updated_at_id_idx"] {
            manager.drop_index(Index::drop().table("entry").name(name).to_owned()).await?;
        }
        for (table, column) in added().into_iter().rev() {
            let name = column.get_column_name();
            manager.alter_table(Table::alter().table(table).drop_column(name).take()).await?;
        }
        Ok(())
    }
}
