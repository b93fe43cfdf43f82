//! From draft to public: review, working copies, schedules, trash, previews, the ordered change log,
//! requests that may be repeated, and work that is done later.

use sea_orm_migration::{prelude::*, schema::*};

use crate::{bytewise, index, one_of, owned_by, unique};

#[derive(DeriveMigrationName)]
pub struct Migration;

const VISIBILITIES: [&str; 3] = ["public", "partners", "internal"];

/// Columns that existing tables get.
fn added() -> Vec<(&'static str, ColumnDef)> {
    vec![
        // Who sent the entry to review, and who is to look at it.
        ("entry", uuid_null("submitted_by")),
        ("entry", uuid_null("assignee_id")),
        // The revision that is the working copy, while there is one.
        ("entry", integer_null("draft_version")),
        // When nothing but the tombstone was left.
        ("entry", timestamp_with_time_zone_null("purged_at")),
        ("revision", boolean("working").default(false).take()),
        // The place in the log, in the order of the commits; none until the transaction is about to end.
        ("change", big_integer_null("position")),
        // The widest audience that saw the entry before or after; none: only those who edit.
        ("change", text_null("audience").check(one_of("audience", &VISIBILITIES)).take()),
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
        let connection = manager.get_connection();
        // What was written so far is in the order of its numbers. Who saw what is not for everybody is
        // not known any more; whoever may see it now is told of it.
        for statement in [
            "UPDATE change SET position = seq",
            "UPDATE change SET audience = 'public' WHERE concerns_public",
            "UPDATE change SET audience = (SELECT visibility FROM entry WHERE entry.id = change.entry_id) \
             WHERE audience IS NULL AND EXISTS (SELECT 1 FROM entry WHERE entry.id = change.entry_id \
             AND entry.published_at IS NOT NULL AND entry.visibility <> 'public' AND entry.consented)",
        ] {
            connection.execute_unprepared(statement).await?;
        }
        manager.alter_table(Table::alter().table("change").drop_column("concerns_public").take()).await?;
        for table in tables(manager) {
            manager.create_table(table).await?;
        }
        manager.create_index(unique("change", &["position"])).await?;
        for (table, columns) in [
            ("change", &["entry_id", "position"] as &[&'static str]),
            ("entry", &["state", "publish_at"]),
            ("entry", &["unpublish_at"]),
            ("entry", &["deleted_at"]),
            ("preview", &["entry_id"]),
            ("idempotency_key", &["expires_at"]),
            ("job", &["set_aside_at", "run_at"]),
        ] {
            manager.create_index(index(table, columns)).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["job", "idempotency_key", "preview"] {
            manager.drop_table(Table::drop().table(table).take()).await?;
        }
        for (table, name) in [
            ("change", "change_position_key"),
            ("change", "change_entry_id_position_idx"),
            ("entry", "entry_state_publish_at_idx"),
            ("entry", "entry_unpublish_at_idx"),
            ("entry", "entry_deleted_at_idx"),
        ] {
            manager.drop_index(Index::drop().table(table).name(name).to_owned()).await?;
        }
        let concerns_public = boolean("concerns_public").default(false).take();
        manager.alter_table(Table::alter().table("change").add_column(concerns_public).take()).await?;
        manager
            .get_connection()
            .execute_unprepared(
                "UPDATE change SET concerns_public = (audience IS NOT NULL AND audience = 'public')",
            )
            .await?;
        for (table, column) in added().into_iter().rev() {
            let name = column.get_column_name();
            manager.alter_table(Table::alter().table(table).drop_column(name).take()).await?;
        }
        Ok(())
    }
}

fn tables(manager: &SchemaManager<'_>) -> Vec<TableCreateStatement> {
    // The links hold no secret: what opens an entry is a signature over the id and the time.
    let preview = Table::create()
        .table("preview")
        .col(pk_uuid("id"))
        .col(uuid("entry_id"))
        .col(uuid_null("created_by"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("expires_at"))
        .col(timestamp_with_time_zone_null("revoked_at"))
        .col(text_null("note"))
        .foreign_key(&mut owned_by("preview", "entry_id", "entry"))
        .take();
    // The answer to a request that was carried out, sealed: it may hold a secret that is shown once.
    let idempotency_key = Table::create()
        .table("idempotency_key")
        .col(uuid("caller_id"))
        .col(bytewise(manager, text("operation")))
        .col(bytewise(manager, text("key")))
        .col(text("fingerprint"))
        .col(small_integer("status"))
        .col(text("sealed_answer"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("expires_at"))
        .primary_key(
            Index::create().name("idempotency_key_pkey").col("caller_id").col("operation").col("key"),
        )
        .take();
    let job = Table::create()
        .table("job")
        .col(pk_uuid("id"))
        .col(text("kind"))
        .col(text("sealed_payload"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("run_at"))
        .col(integer("attempts"))
        // Who works on it, and until when nobody else may.
        .col(uuid_null("claim"))
        .col(timestamp_with_time_zone_null("claimed_until"))
        .col(timestamp_with_time_zone_null("set_aside_at"))
        .col(text_null("last_error"))
        .take();
    vec![preview, idempotency_key, job]
}
