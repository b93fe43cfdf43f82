//! Who may call: accounts, their sessions and refresh tokens, keys, and the keys that sign tokens.

use sea_orm_migration::{prelude::*, schema::*};

use crate::{bytewise, index, one_of, owned_by, refers_to, unique};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let user = Table::create()
            .table("user")
            .col(pk_uuid("id"))
            .col(bytewise(manager, text("email")))
            .col(text_null("name"))
            .col(text("role").check(one_of("role", &["viewer", "author", "editor", "admin", "owner"])))
            .col(text("password_hash"))
            .col(timestamp_with_time_zone("created_at"))
            .col(timestamp_with_time_zone("password_changed_at"))
            .col(timestamp_with_time_zone_null("disabled_at"))
            .take();
        // A session is one sign-in; its refresh tokens follow each other, each good once.
        let session = Table::create()
            .table("session")
            .col(pk_uuid("id"))
            .col(uuid("user_id"))
            .col(timestamp_with_time_zone("created_at"))
            .col(timestamp_with_time_zone("last_used_at"))
            .col(timestamp_with_time_zone("expires_at"))
            .col(timestamp_with_time_zone_null("ended_at"))
            .foreign_key(&mut owned_by("session", "user_id", "user"))
            .take();
        let refresh_token = Table::create()
            .table("refresh_token")
            .col(bytewise(manager, text("hash")).primary_key())
            .col(uuid("session_id"))
            .col(timestamp_with_time_zone("issued_at"))
            .col(timestamp_with_time_zone("expires_at"))
            .col(timestamp_with_time_zone_null("used_at"))
            .foreign_key(&mut owned_by("refresh_token", "session_id", "session"))
            .take();
        let api_key = Table::create()
            .table("api_key")
            .col(pk_uuid("id"))
            .col(bytewise(manager, text("prefix")))
            .col(text("type").check(one_of("type", &["publishable", "secret"])))
            .col(text("name"))
            .col(text("hash"))
            .col(text("last_four"))
            .col(json_binary("scopes"))
            .col(uuid_null("partner_id"))
            .col(uuid_null("created_by"))
            .col(timestamp_with_time_zone("created_at"))
            .col(timestamp_with_time_zone("expires_at"))
            .col(timestamp_with_time_zone_null("revoked_at"))
            .col(timestamp_with_time_zone_null("last_used_at"))
            .foreign_key(&mut refers_to("api_key", "partner_id", "entry", ForeignKeyAction::Restrict))
            .foreign_key(&mut refers_to("api_key", "created_by", "user", ForeignKeyAction::Restrict))
            .take();
        let signing_key = Table::create()
            .table("signing_key")
            .col(bytewise(manager, text("kid")).primary_key())
            .col(text("public_key"))
            .col(text("sealed_private_key"))
            .col(timestamp_with_time_zone("created_at"))
            .col(timestamp_with_time_zone_null("retired_at"))
            .take();
        for table in [user, session, refresh_token, api_key, signing_key] {
            manager.create_table(table).await?;
        }
        manager.create_index(unique("user", &["email"])).await?;
        manager.create_index(index("session", &["user_id"])).await?;
        manager.create_index(index("refresh_token", &["session_id"])).await?;
        manager.create_index(unique("api_key", &["prefix"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["signing_key", "api_key", "refresh_token", "session", "user"] {
            manager.drop_table(Table::drop().table(table).take()).await?;
        }
        Ok(())
    }
}
