//! What happened to the content: every version of every entry, and the ordered change log.

use sea_orm_migration::{prelude::*, schema::*};

use crate::{index, one_of, owned_by};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let revision = Table::create()
            .table("revision")
            .col(uuid("entry_id"))
            .col(integer("version"))
            .col(text("state"))
            .col(json_binary("snapshot"))
            .col(uuid_null("actor_id"))
            .col(timestamp_with_time_zone("at"))
            .col(text_null("note"))
            .primary_key(Index::create().name("revision_pkey").col("entry_id").col("version"))
            .foreign_key(&mut owned_by("revision", "entry_id", "entry"))
            .take();
        manager.create_table(revision).await?;

        // No foreign key: the line about a deleted entry outlives it.
        let change = Table::create()
            .table("change")
            .col(big_pk_auto("seq"))
            .col(uuid("entry_id"))
            .col(text("kind"))
            .col(text("slug"))
            .col(
                text("what")
                    .check(one_of("what", &["created", "updated", "published", "unpublished", "deleted"])),
            )
            .col(boolean("concerns_public"))
            .col(timestamp_with_time_zone("at"))
            .take();
        manager.create_table(change).await?;
        manager.create_index(index("change", &["entry_id"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("change").take()).await?;
        manager.drop_table(Table::drop().table("revision").take()).await
    }
}
