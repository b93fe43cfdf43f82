//! What is not counted but looked up: how much waits in the database, and for how long.

use chrono::{DateTime, Utc};
use sea_orm::{
    Condition, DbErr, QuerySelect, QueryTrait, Select,
    entity::prelude::*,
    sea_query::{SelectStatement, SubQueryStatement},
};
use serde::Serialize;

use crate::{
    app::App,
    entity::{audit, entry, job, vocabulary::State},
    http::Result,
    jobs::JobState,
};

/// How long what is due has been waiting, in whole seconds; 0 when nothing is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Lag {
    /// The job that is due for longest.
    pub jobs: u64,
    /// The entry that should be published or archived for longest.
    pub schedule: u64,
}

/// How much there is of everything that is watched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Amounts {
    pub waiting: i64,
    pub running: i64,
    pub set_aside: i64,
    /// The number of the last line of the audit trail.
    pub audit_seq: i64,
}

/// How far this service is behind. One statement, and three looks into an index.
///
/// # Errors
/// When the database fails.
pub async fn lag(app: &App) -> Result<Lag> {
    let now = app.clock.now();
    let waiting =
        job::Entity::find().filter(JobState::Waiting.condition(now)).filter(job::Column::RunAt.lte(now));
    let (publish_at, unpublish_at) = (entry::Column::PublishAt, entry::Column::UnpublishAt);
    let to_publish = entry::Entity::find()
        .filter(publish_at.lte(now))
        .filter(entry::Column::State.eq(State::Scheduled))
        .filter(entry::Column::DeletedAt.is_null());
    // The published ones that are not in the trash, said the other way round: else SQLite takes the index
    // of one of these columns, and reads all that is published.
    let others = Condition::any()
        .add(entry::Column::State.ne(State::Published))
        .add(entry::Column::DeletedAt.is_not_null());
    let to_archive = entry::Entity::find().filter(unpublish_at.lte(now)).filter(others.not());
    let found: Vec<Option<DateTime<Utc>>> = looked_up(
        app,
        vec![
            least(waiting, job::Column::RunAt),
            least(to_publish, publish_at),
            least(to_archive, unpublish_at),
        ],
    )
    .await?;
    let waits = |since: Option<&Option<DateTime<Utc>>>| {
        let since = since.copied().flatten().unwrap_or(now);
        u64::try_from((now - since).num_seconds()).unwrap_or_default()
    };
    let schedule = Ord::max(waits(found.get(1)), waits(found.get(2)));
    Ok(Lag { jobs: waits(found.first()), schedule })
}

/// # Errors
/// When the database fails.
pub(super) async fn amounts(app: &App) -> Result<Amounts> {
    let now = app.clock.now();
    let count = |state: JobState| {
        let select = job::Entity::find().filter(state.condition(now)).select_only();
        select.column_as(job::Column::Id.count(), "value").into_query()
    };
    let last_line = audit::Entity::find().select_only().column_as(audit::Column::Seq.max(), "value");
    let found: Vec<Option<i64>> = looked_up(
        app,
        vec![
            count(JobState::Waiting),
            count(JobState::Running),
            count(JobState::SetAside),
            last_line.into_query(),
        ],
    )
    .await?;
    let number = |index: usize| found.get(index).copied().flatten().unwrap_or_default();
    Ok(Amounts { waiting: number(0), running: number(1), set_aside: number(2), audit_seq: number(3) })
}

fn least<E: EntityTrait>(select: Select<E>, column: E::Column) -> SelectStatement {
    select.select_only().column_as(column.min(), "value").into_query()
}

/// The one value of each of `selects`, in one statement.
async fn looked_up<T: sea_orm::TryGetable>(app: &App, selects: Vec<SelectStatement>) -> Result<Vec<T>> {
    let count = selects.len();
    let mut all = sea_orm::sea_query::Query::select();
    for select in selects {
        all.expr(Expr::from(SubQueryStatement::from(select)));
    }
    let row = app.db.reader().query_one(&all).await?.ok_or_else(|| DbErr::RecordNotFound(String::new()))?;
    let values: Result<Vec<T>, DbErr> = (0..count).map(|index| row.try_get_by_index(index)).collect();
    Ok(values?)
}
