//! The content: entries, their texts, the kinds' own columns, and how entries refer to each other.

use sea_orm_migration::{prelude::*, schema::*};

use crate::{bytewise, index, one_of, owned_by, refers_to, unique};

#[derive(DeriveMigrationName)]
pub struct Migration;

const KINDS: [&str; 8] =
    ["organisation", "project", "event", "publication", "practice", "person", "partner", "topic"];
const TABLES: [&str; 16] = [
    "slug_history",
    "identifier",
    "entry_file",
    "media",
    "entry_link",
    "contribution",
    "entry_topic",
    "topic",
    "partner",
    "person",
    "practice",
    "publication",
    "event",
    "project",
    "organisation",
    "entry_text",
];
const SCOPES: [&str; 5] = ["local", "national", "regional", "eu", "global"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        entries(manager).await?;
        kinds(manager).await?;
        relations(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in TABLES {
            manager.drop_table(Table::drop().table(table).take()).await?;
        }
        manager.drop_table(Table::drop().table("entry").take()).await
    }
}

async fn entries(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let entry = Table::create()
        .table("entry")
        .col(pk_uuid("id"))
        .col(text("kind").check(one_of("kind", &KINDS)))
        .col(bytewise(manager, text("slug")))
        .col(
            text("state")
                .check(one_of("state", &["draft", "in_review", "scheduled", "published", "archived"])),
        )
        .col(text("visibility").check(one_of("visibility", &["public", "partners", "internal"])))
        .col(boolean("consented"))
        .col(text("original_locale"))
        .col(integer("version"))
        .col(bytewise(manager, text("sort_key")))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("updated_at"))
        .col(timestamp_with_time_zone_null("published_at"))
        .col(timestamp_with_time_zone_null("publish_at"))
        .col(timestamp_with_time_zone_null("unpublish_at"))
        .col(timestamp_with_time_zone_null("deleted_at"))
        .col(uuid_null("created_by"))
        .col(uuid_null("owner_id"))
        .col(text_null("source_name"))
        .col(text_null("source_id"))
        .col(text_null("source_url"))
        .col(timestamp_with_time_zone_null("source_datestamp"))
        .col(timestamp_with_time_zone_null("harvested_at"))
        .col(boolean("source_altered"))
        .foreign_key(&mut refers_to("entry", "owner_id", "entry", ForeignKeyAction::Restrict))
        .take();
    manager.create_table(entry).await?;
    manager.create_index(unique("entry", &["kind", "slug"])).await?;
    manager.create_index(unique("entry", &["kind", "source_name", "source_id"])).await?;
    manager.create_index(index("entry", &["kind", "sort_key", "id"])).await?;
    manager.create_index(index("entry", &["kind", "id"])).await?;
    manager.create_index(index("entry", &["owner_id"])).await?;

    let texts = Table::create()
        .table("entry_text")
        .col(uuid("entry_id"))
        .col(text("locale"))
        .col(text_null("title"))
        .col(text_null("summary"))
        .col(text_null("body"))
        .col(json_binary("details"))
        .primary_key(Index::create().name("entry_text_pkey").col("entry_id").col("locale"))
        .foreign_key(&mut owned_by("entry_text", "entry_id", "entry"))
        .take();
    manager.create_table(texts).await
}

async fn kinds(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let own = |name: &'static str| {
        Table::create().table(name).col(pk_uuid("id")).foreign_key(&mut owned_by(name, "id", "entry")).take()
    };
    let organisation = own("organisation").col(json_binary("contact")).take();
    let project = own("project")
        .col(text_null("code"))
        .col(text("status").check(one_of(
            "status",
            &["planned", "active", "finalising", "completed", "suspended", "cancelled"],
        )))
        .col(date_null("planned_start"))
        .col(date_null("planned_end"))
        .col(date_null("actual_start"))
        .col(date_null("actual_end"))
        .col(text_null("scope").check(one_of("scope", &SCOPES)))
        .col(json_binary("countries"))
        .col(json_binary("sdg_targets"))
        .col(json_binary("sectors"))
        .col(small_integer_null("gender_marker"))
        .col(json_binary("budget"))
        .col(json_binary("transactions"))
        .col(json_binary("results"))
        .col(text_null("website"))
        .take();
    let event = own("event")
        .col(text_null("type"))
        .col(timestamp_with_time_zone_null("starts_at"))
        .col(timestamp_with_time_zone_null("ends_at"))
        .col(text_null("time_zone"))
        .col(boolean("all_day"))
        .col(text("status").check(one_of("status", &["tentative", "confirmed", "cancelled", "postponed"])))
        .col(integer("sequence"))
        .col(text_null("mode").check(one_of("mode", &["in_person", "online", "hybrid"])))
        .col(json_binary_null("point"))
        .col(text_null("country"))
        .col(text_null("online_url"))
        .col(text("location_precision").check(one_of("location_precision", &["exact", "city", "hidden"])))
        .col(json_binary("languages"))
        .col(integer_null("capacity"))
        .col(text_null("registration_url"))
        .col(timestamp_with_time_zone_null("registration_deadline"))
        .col(json_binary_null("recurrence"))
        .take();
    let publication = own("publication")
        .col(text_null("type"))
        .col(bytewise(manager, text_null("issued")))
        .col(json_binary("languages"))
        .col(text_null("series"))
        .col(text_null("number"))
        .col(text_null("pages"))
        .col(text_null("edition"))
        .col(text_null("place"))
        .col(text_null("licence"))
        .col(
            text_null("access")
                .check(one_of("access", &["open", "embargoed", "restricted", "metadata_only"])),
        )
        .col(date_null("embargo_until"))
        .col(text_null("scope").check(one_of("scope", &SCOPES)))
        .col(json_binary("audience"))
        .take();
    let practice = own("practice")
        .col(text_null("outcome").check(one_of("outcome", &["worked", "mixed", "failed"])))
        .col(bytewise(manager, text_null("period_start")))
        .col(bytewise(manager, text_null("period_end")))
        .col(text_null("scope").check(one_of("scope", &SCOPES)))
        .col(json_binary("countries"))
        .col(boolean("anonymised"))
        .take();
    let person = own("person")
        .col(json_binary_null("name"))
        .col(json_binary("roles"))
        .col(text_null("website"))
        .col(json_binary_null("consent"))
        .take();
    let partner =
        own("partner").col(text_null("type")).col(text_null("country")).col(text_null("website")).take();
    let topic = own("topic")
        .col(text_null("notation"))
        .col(integer("position"))
        .col(json_binary("exact_matches"))
        .col(json_binary("close_matches"))
        .take();
    for table in [organisation, project, event, publication, practice, person, partner, topic] {
        manager.create_table(table).await?;
    }
    Ok(())
}

async fn relations(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let topics = Table::create()
        .table("entry_topic")
        .col(uuid("entry_id"))
        .col(uuid("topic_id"))
        .col(integer("position"))
        .primary_key(Index::create().name("entry_topic_pkey").col("entry_id").col("topic_id"))
        .foreign_key(&mut owned_by("entry_topic", "entry_id", "entry"))
        .foreign_key(&mut owned_by("entry_topic", "topic_id", "entry"))
        .take();
    // `field` is the property the credit stands in (authors, speakers, partners, …).
    let contributions = Table::create()
        .table("contribution")
        .col(uuid("entry_id"))
        .col(text("field"))
        .col(integer("position"))
        .col(text("role"))
        .col(text_null("name"))
        .col(uuid_null("person_id"))
        .col(uuid_null("partner_id"))
        .primary_key(Index::create().name("contribution_pkey").col("entry_id").col("field").col("position"))
        .foreign_key(&mut owned_by("contribution", "entry_id", "entry"))
        .foreign_key(&mut refers_to("contribution", "person_id", "entry", ForeignKeyAction::SetNull))
        .foreign_key(&mut refers_to("contribution", "partner_id", "entry", ForeignKeyAction::SetNull))
        .take();
    let links = Table::create()
        .table("entry_link")
        .col(uuid("entry_id"))
        .col(text("relation"))
        .col(integer("position"))
        .col(uuid("target_id"))
        .primary_key(Index::create().name("entry_link_pkey").col("entry_id").col("relation").col("position"))
        .foreign_key(&mut owned_by("entry_link", "entry_id", "entry"))
        .foreign_key(&mut owned_by("entry_link", "target_id", "entry"))
        .take();
    let media = Table::create()
        .table("media")
        .col(pk_uuid("id"))
        .col(text("file_name"))
        .col(text("media_type"))
        .col(big_integer("size_bytes"))
        .col(text("sha256"))
        .col(text_null("language"))
        .col(json_binary("details"))
        .col(timestamp_with_time_zone("created_at"))
        .col(uuid_null("created_by"))
        .take();
    let files = Table::create()
        .table("entry_file")
        .col(uuid("entry_id"))
        .col(uuid("media_id"))
        .col(text("role"))
        .col(integer("position"))
        .primary_key(Index::create().name("entry_file_pkey").col("entry_id").col("media_id").col("role"))
        .foreign_key(&mut owned_by("entry_file", "entry_id", "entry"))
        .foreign_key(&mut refers_to("entry_file", "media_id", "media", ForeignKeyAction::Restrict))
        .take();
    let identifiers = Table::create()
        .table("identifier")
        .col(text("scheme"))
        .col(bytewise(manager, text("value")))
        .col(uuid("entry_id"))
        .col(integer("position"))
        .primary_key(Index::create().name("identifier_pkey").col("scheme").col("value"))
        .foreign_key(&mut owned_by("identifier", "entry_id", "entry"))
        .take();
    let slugs = Table::create()
        .table("slug_history")
        .col(text("kind"))
        .col(bytewise(manager, text("slug")))
        .col(uuid("entry_id"))
        .col(timestamp_with_time_zone("retired_at"))
        .primary_key(Index::create().name("slug_history_pkey").col("kind").col("slug"))
        .foreign_key(&mut owned_by("slug_history", "entry_id", "entry"))
        .take();
    for table in [topics, contributions, links, media, files, identifiers, slugs] {
        manager.create_table(table).await?;
    }
    for (table, column) in [
        ("entry_topic", "topic_id"),
        ("contribution", "person_id"),
        ("contribution", "partner_id"),
        ("entry_link", "target_id"),
        ("entry_file", "media_id"),
        ("identifier", "entry_id"),
        ("slug_history", "entry_id"),
    ] {
        manager.create_index(index(table, &[column])).await?;
    }
    Ok(())
}
