//! What guards the door: second factors, one-time links, known devices, keys bound to places, what
//! counts attempts, and the audit trail.

use sea_orm_migration::{prelude::*, schema::*, sea_orm::DbBackend};

use crate::{bytewise, index, one_of, owned_by};

#[derive(DeriveMigrationName)]
pub struct Migration;

/// Columns that existing tables get.
fn added() -> Vec<(&'static str, ColumnDef)> {
    vec![
        ("user", integer("version").default(1).take()),
        ("user", text_null("sealed_totp_secret")),
        ("user", timestamp_with_time_zone_null("totp_confirmed_at")),
        ("user", big_integer_null("totp_last_step")),
        ("user", timestamp_with_time_zone_null("deleted_at")),
        // None: when the session began.
        ("session", timestamp_with_time_zone_null("authenticated_at")),
        ("session", boolean("second_factor").default(false).take()),
        ("session", text_null("device")),
        ("refresh_token", text_null("sealed_successor")),
        ("refresh_token", text_null("retry_key")),
        ("api_key", json_binary_null("origins")),
        ("api_key", json_binary_null("networks")),
        ("api_key", uuid_null("successor_id")),
        // None: since it was made.
        ("signing_key", timestamp_with_time_zone_null("active_from")),
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
        let one_time_token = Table::create()
            .table("one_time_token")
            .col(bytewise(manager, text("hash")).primary_key())
            .col(uuid("user_id"))
            .col(text("purpose").check(one_of("purpose", &["invitation", "password_reset"])))
            .col(timestamp_with_time_zone("created_at"))
            .col(timestamp_with_time_zone("expires_at"))
            .foreign_key(&mut owned_by("one_time_token", "user_id", "user"))
            .take();
        let recovery_code = Table::create()
            .table("recovery_code")
            .col(bytewise(manager, text("hash")).primary_key())
            .col(uuid("user_id"))
            .col(timestamp_with_time_zone("created_at"))
            .foreign_key(&mut owned_by("recovery_code", "user_id", "user"))
            .take();
        let known_device = Table::create()
            .table("known_device")
            .col(bytewise(manager, text("hash")).primary_key())
            .col(uuid("user_id"))
            .col(timestamp_with_time_zone("created_at"))
            .col(timestamp_with_time_zone("expires_at"))
            .foreign_key(&mut owned_by("known_device", "user_id", "user"))
            .take();
        // By a keyed hash of what was tried, so that it is there for addresses without an account too.
        let sign_in_failure = Table::create()
            .table("sign_in_failure")
            .col(bytewise(manager, text("subject")).primary_key())
            .col(integer("failures"))
            .col(timestamp_with_time_zone("last_at"))
            .take();
        // When the bucket will be empty again, in nanoseconds since 1970.
        let rate_limit = Table::create()
            .table("rate_limit")
            .col(bytewise(manager, text("bucket")).primary_key())
            .col(big_integer("empty_at"))
            .take();
        // Without foreign keys: a line outlives what it is about.
        let audit = Table::create()
            .table("audit")
            .col(big_integer("seq").primary_key())
            .col(timestamp_with_time_zone("at"))
            .col(text("action"))
            .col(text("outcome").check(one_of("outcome", &["success", "failure"])))
            .col(text("actor_type").check(one_of("actor_type", &["nobody", "account", "key", "system"])))
            .col(uuid_null("actor_id"))
            .col(text_null("object_type"))
            .col(text_null("object_id"))
            .col(text_null("reason"))
            .col(text("fields"))
            .col(text_null("request_id"))
            .col(text("previous"))
            .col(text("hash"))
            .take();
        for table in [one_time_token, recovery_code, known_device, sign_in_failure, rate_limit, audit] {
            manager.create_table(table).await?;
        }
        for (table, columns) in [
            ("one_time_token", &["user_id"] as &[&'static str]),
            ("recovery_code", &["user_id"]),
            ("known_device", &["user_id"]),
            ("audit", &["actor_id", "seq"]),
            ("audit", &["object_id", "seq"]),
            ("audit", &["action", "seq"]),
        ] {
            manager.create_index(index(table, columns)).await?;
        }
        // No query builder knows triggers or unlogged tables.
        let connection = manager.get_connection();
        if manager.get_database_backend() == DbBackend::Postgres {
            connection
                .execute_unprepared(
                    "ALTER TABLE rate_limit SET UNLOGGED;
                     CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS
                     $$ BEGIN RAISE EXCEPTION 'the audit trail is append-only'; END $$;
                     CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON audit
                         FOR EACH ROW EXECUTE FUNCTION audit_is_append_only();
                     CREATE TRIGGER audit_not_truncated BEFORE TRUNCATE ON audit
                         FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();",
                )
                .await?;
        } else {
            // REPLACE deletes without calling the trigger for it.
            connection
                .execute_unprepared(
                    "CREATE TRIGGER audit_no_replace BEFORE INSERT ON audit
                     WHEN EXISTS (SELECT 1 FROM audit WHERE seq = NEW.seq)
                     BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END",
                )
                .await?;
            for event in ["UPDATE", "DELETE"] {
                let name = event.to_lowercase();
                connection
                    .execute_unprepared(&format!(
                        "CREATE TRIGGER audit_no_{name} BEFORE {event} ON audit
                         BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END"
                    ))
                    .await?;
            }
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in
            ["audit", "rate_limit", "sign_in_failure", "known_device", "recovery_code", "one_time_token"]
        {
            manager.drop_table(Table::drop().table(table).take()).await?;
        }
        if manager.get_database_backend() == DbBackend::Postgres {
            manager.get_connection().execute_unprepared("DROP FUNCTION audit_is_append_only").await?;
        }
        for (table, column) in added().into_iter().rev() {
            let name = column.get_column_name();
            manager.alter_table(Table::alter().table(table).drop_column(name).take()).await?;
        }
        Ok(())
    }
}
