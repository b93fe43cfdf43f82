//! PostgreSQL tells whoever listens that something has changed: every write leaves a line in the audit
//! trail, in its own transaction. On SQLite processes look.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() != DbBackend::Postgres {
            return Ok(());
        }
        // No query builder knows triggers. Equal notices of one transaction are sent once.
        let statements = "CREATE FUNCTION tell_of_change() RETURNS trigger LANGUAGE plpgsql AS \
             'BEGIN NOTIFY sogep_changes; RETURN NULL; END'; \
             CREATE TRIGGER audit_tells AFTER INSERT ON audit \
             FOR EACH STATEMENT EXECUTE FUNCTION tell_of_change();";
        manager.get_connection().execute_unprepared(statements).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() != DbBackend::Postgres {
            return Ok(());
        }
        let statements = "DROP TRIGGER audit_tells ON audit; DROP FUNCTION tell_of_change();";
        manager.get_connection().execute_unprepared(statements).await?;
        Ok(())
    }
}
