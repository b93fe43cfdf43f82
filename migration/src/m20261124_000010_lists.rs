//! Indexes that hold what readers' lists are made of, in their orders, and none that only look useful.
//!
//! What is published is nearly everything, and nearly nothing has a time to be published at or lies in the
//! trash. Without statistics SQLite takes any index with an equal column for a narrow one, and read all
//! that is published to find three entries by their ids: such columns are indexed where they hold
//! something. A partial index serves a query that says its condition word for word (`sogep`'s
//! `editorial::finder`).

use sea_orm_migration::prelude::*;

use crate::index;

#[derive(DeriveMigrationName)]
pub struct Migration;

/// The orders of lists. Who may see an entry stands in the index too: what is passed over is not fetched.
const ORDERS: [&str; 4] = ["sort_key", "updated_at", "published_at", "id"];
/// Columns that few rows have a value in, and the columns of the index that each had.
const RARE: [(&str, &[&str]); 3] = [
    ("publish_at", &["state", "publish_at"]),
    ("unpublish_at", &["unpublish_at"]),
    ("deleted_at", &["deleted_at"]),
];
/// From what is named to the entries that name it, and whether that is shown outside: the index of the
/// column alone, and the columns of the one in its place.
const RELATIONS: [(&str, &str, &[&str]); 4] = [
    ("entry_topic", "topic_id", &["topic_id", "entry_id", "is_open"]),
    ("contribution", "person_id", &["person_id", "entry_id", "is_open"]),
    ("contribution", "partner_id", &["partner_id", "entry_id", "is_open"]),
    ("entry_link", "target_id", &["target_id", "entry_id", "relation", "is_open"]),
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (column, former) in RARE {
            manager.drop_index(dropped("entry", &index("entry", former))).await?;
            let rare = index("entry", &[column])
                .name(format!("entry_{column}_set_idx"))
                .and_where(Expr::col(column).is_not_null())
                .take();
            manager.create_index(rare).await?;
        }
        for column in ORDERS {
            manager.create_index(listed(column)).await?;
        }
        // At the start one asks whether anything is left to derive.
        manager.create_index(index("entry", &["derived_by"])).await?;
        for (table, former, columns) in RELATIONS {
            manager.create_index(index(table, columns)).await?;
            manager.drop_index(dropped(table, &index(table, &[former]))).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, former, columns) in RELATIONS {
            manager.create_index(index(table, &[former])).await?;
            manager.drop_index(dropped(table, &index(table, columns))).await?;
        }
        manager.drop_index(dropped("entry", &index("entry", &["derived_by"]))).await?;
        for column in ORDERS {
            manager.drop_index(dropped("entry", &listed(column))).await?;
        }
        for (column, former) in RARE {
            let name = format!("entry_{column}_set_idx");
            manager.drop_index(Index::drop().table("entry").name(name).to_owned()).await?;
            manager.create_index(index("entry", former)).await?;
        }
        Ok(())
    }
}

/// The index over what is published, in the order of `column`.
fn listed(column: &'static str) -> IndexCreateStatement {
    let columns: &[&'static str] =
        if column == "id" { &["kind", "id", "visibility"] } else { &["kind", column, "id", "visibility"] };
    index("entry", columns)
        .name(format!("entry_listed_{column}_idx"))
        .and_where(Expr::col("state").eq(Expr::Constant("published".into())))
        .and_where(Expr::col("consented"))
        .and_where(Expr::col("deleted_at").is_null())
        .take()
}

/// Drops `index` of `table`.
fn dropped(table: &'static str, index: &IndexCreateStatement) -> IndexDropStatement {
    let name = index.get_index_spec().get_name().unwrap_or_default().to_owned();
    Index::drop().table(table).name(name).to_owned()
}
