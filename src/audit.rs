//! The audit trail as administrators read it.

use axum::extract::State;
use chrono::{DateTime, Utc};
use sea_orm::{QueryOrder, QuerySelect, entity::prelude::*};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    auth::{Administrator, Caller},
    entity::{
        audit,
        vocabulary::{ActorType, AuditAction, AuditOutcome},
    },
    http::{
        Json, Query, Result,
        cursor::Position,
        page::{PageInfo, PageParameters},
        query::{Parameters, Values},
    },
};

/// A line of the audit trail.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditLine {
    /// Its number; there are no gaps.
    #[schema(minimum = 1, example = 1)]
    pub seq: i64,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// What was done or tried.
    pub action: AuditAction,
    /// Whether it was done.
    pub outcome: AuditOutcome,
    /// What kind of caller it was.
    pub actor_type: ActorType,
    /// The account or key; null when it is not known.
    #[schema(required)]
    pub actor_id: Option<Uuid>,
    /// What kind of thing it was done to.
    #[schema(required, example = "publication")]
    pub object_type: Option<String>,
    /// Which one.
    #[schema(required, example = "01930000-0000-7000-8000-000000000000")]
    pub object_id: Option<String>,
    /// Why, in one stable word.
    #[schema(required, example = "wrong_password")]
    pub reason: Option<String>,
    /// The names of the fields that changed; never their values.
    pub fields: Vec<String>,
    /// The request, as in `X-Request-Id`; null when it was none.
    #[schema(required)]
    pub request_id: Option<String>,
    /// SHA-256 over the line before and this one, hexadecimal.
    #[schema(example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    pub hash: String,
}

/// A page of the audit trail.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditPage {
    /// The lines, the latest first.
    pub data: Vec<AuditLine>,
    /// Where the page ends.
    pub page: PageInfo,
}

/// Which lines are wanted.
#[derive(Debug)]
pub struct Filter {
    page: PageParameters,
    actor: Option<Uuid>,
    action: Option<AuditAction>,
    outcome: Option<AuditOutcome>,
    object: Option<String>,
    from: Option<DateTime<Utc>>,
    until: Option<DateTime<Utc>>,
}

impl Parameters for Filter {
    const NAMES: &'static [&'static str] =
        &["limit", "cursor", "actor", "action", "outcome", "object", "from", "until"];

    fn read(values: &mut Values<'_>) -> Self {
        Self {
            page: PageParameters::read(values),
            actor: values.parsed("actor", "must be the id of an account or key", |text| {
                text.parse::<Uuid>().ok().filter(|id| id.hyphenated().to_string() == text)
            }),
            action: values.word("action"),
            outcome: values.word("outcome"),
            object: values.parsed("object", "must be the id of an object", |text| {
                let fits = (1..=200).contains(&text.len());
                fits.then(|| text.to_owned())
            }),
            from: values.instant("from"),
            until: values.instant("until"),
        }
    }
}

impl Filter {
    /// What a cursor is good for: the same filter.
    fn list(&self, caller: &Caller) -> String {
        let Self { actor, action, outcome, object, from, until, .. } = self;
        let reader = caller.id();
        format!("audit|{reader:?}|{actor:?}|{action:?}|{outcome:?}|{object:?}|{from:?}|{until:?}")
    }
}

/// The routes.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_audit))
}

/// Read the audit trail
///
/// Who did what and what was refused, the latest first. Lines are never changed or removed; each hash
/// is made over the one before.
#[utoipa::path(
    get, path = "/v1/audit", tag = "audit",
    params(
        ("limit" = Option<u64>, Query, description = "How many lines a page has.", minimum = 1, maximum = 100),
        ("cursor" = Option<String>, Query, description = "Where to go on: `page.next_cursor` of the page before."),
        ("actor" = Option<Uuid>, Query, description = "Only what this account or key did."),
        ("action" = Option<AuditAction>, Query, description = "Only this."),
        ("outcome" = Option<AuditOutcome>, Query, description = "Only what was done, or what was refused."),
        ("object" = Option<String>, Query, max_length = 200, description = "Only what was done to the object with this id."),
        ("from" = Option<DateTime<Utc>>, Query, description = "Not before this instant (RFC 3339)."),
        ("until" = Option<DateTime<Utc>>, Query, description = "Before this instant (RFC 3339)."),
    ),
    responses((status = 200, description = "A page", body = AuditPage)),
    extensions(("x-permission" = json!("administer"))),
)]
async fn list_audit(
    State(app): State<App>,
    Administrator(caller): Administrator,
    Query(filter): Query<Filter>,
) -> Result<Json<AuditPage>> {
    let list = filter.list(&caller);
    let after = filter.page.after(app.secrets.cursor_key(), &list)?;
    let after = after.and_then(|after| after.sort_key.parse().ok());
    let mut rows = page(app.db.reader(), &filter, after, filter.page.wanted()).await?;
    let position = |last: &audit::Model| Position { sort_key: last.seq.to_string(), id: Uuid::nil() };
    let page = filter.page.cut(&mut rows, position, app.secrets.cursor_key(), &list);
    Ok(Json(AuditPage { data: rows.into_iter().map(AuditLine::from).collect(), page }))
}

/// Up to `limit` lines before the line `before`, the latest first.
async fn page(
    db: &impl ConnectionTrait,
    filter: &Filter,
    before: Option<i64>,
    limit: u64,
) -> Result<Vec<audit::Model>> {
    use audit::Column::{Action, ActorId, At, ObjectId, Outcome};
    let mut select = lines_before(before, limit);
    let conditions = [
        filter.actor.map(|actor| ActorId.eq(actor)),
        filter.action.map(|action| Action.eq(action)),
        filter.outcome.map(|outcome| Outcome.eq(outcome)),
        filter.object.as_ref().map(|object| ObjectId.eq(object)),
        filter.from.map(|from| At.gte(from)),
        filter.until.map(|until| At.lt(until)),
    ];
    for condition in conditions.into_iter().flatten() {
        select = select.filter(condition);
    }
    Ok(select.all(db).await?)
}

/// Up to `limit` lines before the line `before`, whatever they tell of, the latest first.
///
/// # Errors
/// When the database fails.
pub async fn latest(db: &impl ConnectionTrait, before: Option<i64>, limit: u64) -> Result<Vec<AuditLine>> {
    Ok(lines_before(before, limit).all(db).await?.into_iter().map(AuditLine::from).collect())
}

fn lines_before(before: Option<i64>, limit: u64) -> Select<audit::Entity> {
    let select = audit::Entity::find().order_by_desc(audit::Column::Seq).limit(limit);
    match before {
        Some(before) => select.filter(audit::Column::Seq.lt(before)),
        None => select,
    }
}

impl From<audit::Model> for AuditLine {
    fn from(row: audit::Model) -> Self {
        Self {
            seq: row.seq,
            at: row.at,
            action: row.action,
            outcome: row.outcome,
            actor_type: row.actor_type,
            actor_id: row.actor_id,
            object_type: row.object_type,
            object_id: row.object_id,
            reason: row.reason,
            fields: row.fields.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect(),
            request_id: row.request_id,
            hash: row.hash,
        }
    }
}
