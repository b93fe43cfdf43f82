//! Jobs as administrators see them: what waits, what runs, and what was set aside.

use axum::{extract::State, http::StatusCode, response::Response};
use chrono::{DateTime, Utc};
use sea_orm::{QueryOrder, QuerySelect, entity::prelude::*};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    auth::{Administrator, NoBody, Once},
    entity::{job, vocabulary::AuditAction},
    http::{
        Error, Id, Json, Query, Result,
        cursor::Position,
        page::{PageInfo, PageParameters},
        query::{NoParameters, Parameters, Values},
    },
    jobs::JobState,
    trail,
};

/// Work that is done beside the requests. What it is about is nobody's business.
#[derive(Debug, Serialize, ToSchema)]
pub struct Job {
    /// Its id.
    pub id: Uuid,
    /// What kind of work it is.
    #[schema(example = "mail")]
    pub kind: String,
    /// How it stands with it.
    pub state: JobState,
    /// When it was enqueued.
    pub created_at: DateTime<Utc>,
    /// When it is tried; for one that runs or was set aside, when it was to be tried last.
    pub run_at: DateTime<Utc>,
    /// How often it was tried.
    #[schema(minimum = 0, example = 6)]
    pub attempts: i32,
    /// Why the last try failed; null when none has.
    #[schema(required, example = "the mail server asks to try again later")]
    pub last_error: Option<String>,
}

/// A page of jobs.
#[derive(Debug, Serialize, ToSchema)]
pub struct JobPage {
    /// The jobs, the latest first.
    pub data: Vec<Job>,
    /// Where the page ends.
    pub page: PageInfo,
}

/// Which jobs are wanted.
#[derive(Debug)]
struct Filter {
    page: PageParameters,
    state: Option<JobState>,
}

impl Parameters for Filter {
    const NAMES: &'static [&'static str] = &["limit", "cursor", "state"];

    fn read(values: &mut Values<'_>) -> Self {
        Self { page: PageParameters::read(values), state: values.word("state") }
    }
}

/// The routes.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_jobs)).routes(routes!(discard_job)).routes(routes!(retry_job))
}

/// List jobs
///
/// What waits, runs or was set aside, the latest first. What is done is not kept, and what was set aside
/// is kept for 30 days.
#[utoipa::path(
    get, path = "/v1/jobs", tag = "jobs",
    params(
        ("limit" = Option<u64>, Query, description = "How many jobs a page has.", minimum = 1, maximum = 100),
        ("cursor" = Option<String>, Query, description = "Where to go on: `page.next_cursor` of the page before."),
        ("state" = Option<JobState>, Query, description = "Only those with which it stands so."),
    ),
    responses((status = 200, description = "A page", body = JobPage)),
    extensions(("x-permission" = json!("administer"))),
)]
async fn list_jobs(
    State(app): State<App>,
    Administrator(caller): Administrator,
    Query(Filter { page: parameters, state }): Query<Filter>,
) -> Result<Json<JobPage>> {
    let list = format!("jobs|{:?}|{state:?}", caller.id());
    let after = parameters.after(app.secrets.cursor_key(), &list)?.map(|after| after.id);
    let now = app.clock.now();
    let mut rows = page(app.db.reader(), state, now, after, parameters.wanted()).await?;
    let position = |last: &job::Model| Position { sort_key: String::new(), id: last.id };
    let page = parameters.cut(&mut rows, position, app.secrets.cursor_key(), &list);
    Ok(Json(JobPage { data: rows.into_iter().map(|row| shown(row, now)).collect(), page }))
}

/// Try a job again
///
/// One that was set aside: it has all its tries again, the first one at once.
#[utoipa::path(
    post, path = "/v1/jobs/{id}/retry", tag = "jobs",
    params(("id" = Uuid, Path, description = "The job's id.")),
    responses((status = 200, description = "It waits to be tried", body = Job)),
    extensions(("x-permission" = json!("administer"))),
)]
async fn retry_job(
    State(app): State<App>,
    Administrator(caller): Administrator,
    id: Id,
    Query(NoParameters): Query<NoParameters>,
    Once(effect, NoBody): Once<NoBody>,
) -> Result<Response> {
    let tx = effect.begin().await?;
    let row = set_aside(&tx, &id).await?;
    let now = app.clock.now();
    job::Entity::update_many()
        .col_expr(job::Column::SetAsideAt, Expr::value(None::<DateTimeUtc>))
        .col_expr(job::Column::RunAt, Expr::value(now))
        .col_expr(job::Column::Attempts, Expr::value(0))
        .filter(job::Column::Id.eq(row.id))
        .exec(&tx)
        .await?;
    trail::record(&tx, now, [caller.did(AuditAction::JobRetried).on("job", row.id)]).await?;
    let shown = shown(job::Model { set_aside_at: None, run_at: now, attempts: 0, ..row }, now);
    let response = effect.commit(tx, Json(shown)).await?;
    app.jobs.wake();
    Ok(response)
}

/// Discard a job
///
/// One that was set aside: it will not be done.
#[utoipa::path(
    delete, path = "/v1/jobs/{id}", tag = "jobs",
    params(("id" = Uuid, Path, description = "The job's id.")),
    responses((status = 204, description = "Discarded")),
    extensions(("x-permission" = json!("administer"))),
)]
async fn discard_job(
    State(app): State<App>,
    Administrator(caller): Administrator,
    id: Id,
    Query(NoParameters): Query<NoParameters>,
) -> Result<StatusCode> {
    let tx = app.db.begin().await?;
    let row = set_aside(&tx, &id).await?;
    job::Entity::delete_by_id(row.id).exec(&tx).await?;
    trail::record(&tx, app.clock.now(), [caller.did(AuditAction::JobDiscarded).on("job", row.id)]).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Up to `limit` jobs before the job `before`, the latest first.
async fn page(
    db: &impl ConnectionTrait,
    state: Option<JobState>,
    now: DateTime<Utc>,
    before: Option<Uuid>,
    limit: u64,
) -> Result<Vec<job::Model>> {
    let mut select = job::Entity::find().order_by_desc(job::Column::Id).limit(limit);
    if let Some(state) = state {
        select = select.filter(state.condition(now));
    }
    if let Some(before) = before {
        select = select.filter(job::Column::Id.lt(before));
    }
    Ok(select.all(db).await?)
}

/// The job with this id, held until the transaction ends; 409 unless it was set aside.
async fn set_aside(db: &impl ConnectionTrait, id: &Id) -> Result<job::Model> {
    let Id::Uuid(id) = id else { return Err(Error::NotFound) };
    let row = job::Entity::find_by_id(*id).lock_exclusive().one(db).await?.ok_or(Error::NotFound)?;
    if row.set_aside_at.is_none() {
        return Err(Error::conflict("the job was not set aside: it is being done, or will be"));
    }
    Ok(row)
}

fn shown(row: job::Model, now: DateTime<Utc>) -> Job {
    Job {
        state: JobState::of(&row, now),
        id: row.id,
        kind: row.kind,
        created_at: row.created_at,
        run_at: row.run_at,
        attempts: row.attempts,
        last_error: row.last_error,
    }
}
