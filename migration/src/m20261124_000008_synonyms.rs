//! The synonyms of the search, kept by editors.

use sea_orm_migration::{prelude::*, schema::*};

use crate::{bytewise, unique};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let synonym = Table::create()
            .table("synonym")
            .col(pk_uuid("id"))
            .col(text("key"))
            // The key as the search compares it.
            .col(bytewise(manager, text("folded")))
            .col(json_binary("alternatives"))
            .col(integer("version"))
            .col(timestamp_with_time_zone("created_at"))
            .col(timestamp_with_time_zone("updated_at"))
            .take();
        manager.create_table(synonym).await?;
        manager.create_index(unique("synonym", &["folded"])).await?;
        // One row: how often the table above has changed. Who writes there holds it, and who has a copy in
        // memory sees by it whether the copy is still good.
        let edition = Table::create()
            .table("synonym_edition")
            .col(small_integer("id").primary_key())
            .col(big_integer("edition"))
            .take();
        manager.create_table(edition).await?;
        let first = Query::insert()
            .into_table("synonym_edition")
            .columns(["id", "edition"])
            .values_panic([1.into(), 0.into()])
            .take();
        manager.execute(first).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["synonym_edition", "synonym"] {
            manager.drop_table(Table::drop().table(table).take()).await?;
        }
        Ok(())
    }
}
