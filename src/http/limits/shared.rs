//! The buckets that all replicas share, in the table `rate_limit` on PostgreSQL.
//!
//! Every taking is one statement of its own, so that no bucket is locked for longer than that.

use chrono::{DateTime, Utc};
use sea_orm::{
    ActiveValue::Set,
    ExprTrait, QuerySelect, QueryTrait,
    entity::prelude::*,
    sea_query::{Func, OnConflict},
};

use super::quota::Quota;
use crate::entity::rate_limit::{ActiveModel, Column, Entity};

/// Takes `units` from `bucket` and says when it will then be empty; `None` when they do not fit.
///
/// # Errors
/// When the database fails.
pub async fn take(
    db: &impl ConnectionTrait,
    bucket: &str,
    quota: Quota,
    now: i64,
    units: i64,
) -> Result<Option<i64>, DbErr> {
    let added = units * quota.interval();
    let full_at = now + quota.window();
    let then = || {
        let known = Func::greatest([Expr::col((Entity, Column::EmptyAt)), Expr::val(now)]);
        Expr::from(Func::least([known.into(), Expr::val(full_at)])).add(added)
    };
    let mut statement =
        Entity::insert(ActiveModel { bucket: Set(bucket.to_owned()), empty_at: Set(now + added) })
            .on_conflict(
                OnConflict::column(Column::Bucket)
                    .value(Column::EmptyAt, then())
                    .action_and_where(then().lte(full_at))
                    .to_owned(),
            )
            .into_query();
    statement.returning_col(Column::EmptyAt);
    let row = db.query_one(&statement).await?;
    row.map(|row| row.try_get("", "empty_at")).transpose()
}

/// When `bucket` will be empty.
///
/// # Errors
/// When the database fails.
pub async fn empty_at(db: &impl ConnectionTrait, bucket: &str) -> Result<i64, DbErr> {
    let found = Entity::find_by_id(bucket.to_owned())
        .select_only()
        .column(Column::EmptyAt)
        .into_tuple::<i64>()
        .one(db)
        .await?;
    Ok(found.unwrap_or_default())
}

/// Deletes the buckets that are empty at `now`; says how many. Once a minute is often enough.
///
/// # Errors
/// When the database fails.
pub async fn purge(db: &impl ConnectionTrait, now: DateTime<Utc>) -> Result<u64, DbErr> {
    let deleted = Entity::delete_many().filter(Column::EmptyAt.lte(super::nanoseconds(now))).exec(db).await?;
    Ok(deleted.rows_affected)
}
