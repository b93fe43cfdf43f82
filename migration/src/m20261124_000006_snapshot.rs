//! Versions as plain text: nothing looks into them, and as JSON values they are copied, taken apart and put
//! together several times on their way.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        become_type(manager, "text").await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        become_type(manager, "jsonb").await
    }
}

async fn become_type(manager: &SchemaManager<'_>, name: &str) -> Result<(), DbErr> {
    // SQLite keeps JSON as text anyway.
    if manager.get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }
    // No query builder says how to turn one type into another.
    let statement = format!("ALTER TABLE revision ALTER COLUMN snapshot TYPE {name} USING snapshot::{name}");
    manager.get_connection().execute_unprepared(&statement).await?;
    Ok(())
}
