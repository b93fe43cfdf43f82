//! Sessions: those who have signed in see where, and end what is not theirs.

use axum::{extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use sea_orm::{QueryOrder, QuerySelect, entity::prelude::*};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    auth::{Caller, Person, caller::Actor, session},
    entity::{
        session as session_table, user,
        vocabulary::{AccountRole, AuditAction},
    },
    http::{
        Error, Id, Json, Query, Result,
        page::PageInfo,
        query::{NoParameters, Parameters, Values},
    },
    trail,
    users::refuse_higher,
};

/// A session.
#[derive(Debug, Serialize, ToSchema)]
pub struct Session {
    /// Its id.
    pub id: Uuid,
    /// With what it was begun, as far as that can be told.
    #[schema(required, example = "Firefox, Linux")]
    pub device: Option<String>,
    /// Whether a second factor was shown.
    pub second_factor: bool,
    /// When it began.
    pub created_at: DateTime<Utc>,
    /// When a token of it was last refreshed.
    pub last_used_at: DateTime<Utc>,
    /// When it ends at the latest.
    pub expires_at: DateTime<Utc>,
    /// Whether it is the one that asks.
    pub current: bool,
}

/// The live sessions of an account; at most ten.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionPage {
    /// The sessions, the latest first.
    pub data: Vec<Session>,
    /// Where the page ends: there is only one.
    pub page: PageInfo,
}

/// Whose sessions are meant.
#[derive(Debug)]
struct Whose(Option<Uuid>);

impl Parameters for Whose {
    const NAMES: &'static [&'static str] = &["user"];

    fn read(values: &mut Values<'_>) -> Self {
        let given = values.get("user").map(Id::parse);
        match given {
            None => Self(None),
            Some(Some(Id::Uuid(id))) => Self(Some(id)),
            Some(_) => {
                values.refuse("user", "format", "must be the id of an account");
                Self(None)
            }
        }
    }
}

/// The routes.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_sessions, end_other_sessions)).routes(routes!(end_session))
}

/// List sessions
///
/// The live sessions of one's own account; administrators may name another with `user`.
#[utoipa::path(
    get, path = "/v1/sessions", tag = "sessions",
    params(("user" = Option<Uuid>, Query, description = "The account; for administrators. Default: one's own.")),
    responses((status = 200, description = "The sessions", body = SessionPage)),
    extensions(("x-permission" = json!("account"))),
)]
async fn list_sessions(
    State(app): State<App>,
    Person(caller): Person,
    Query(Whose(user)): Query<Whose>,
) -> Result<Json<SessionPage>> {
    let Actor::Account(own) = &caller.actor else { return Err(Error::NotFound) };
    let whose = user.unwrap_or(own.id);
    if whose != own.id {
        if !caller.grants.administers {
            return Err(Error::Forbidden("the role `admin` for another account"));
        }
        let other = user::Entity::find_by_id(whose).one(app.db.reader()).await?.ok_or(Error::NotFound)?;
        refuse_higher(&caller, other.role)?;
    }
    let rows = living(&app, app.db.reader(), whose).await?;
    let data = rows.into_iter().map(|row| Session {
        id: row.id,
        device: row.device,
        second_factor: row.second_factor,
        created_at: row.created_at,
        last_used_at: row.last_used_at,
        expires_at: row.expires_at,
        current: row.id == own.session_id,
    });
    Ok(Json(SessionPage { data: data.collect(), page: PageInfo { limit: session::MOST, next_cursor: None } }))
}

/// End all other sessions
///
/// Those of one's own account, but for the one that asks.
#[utoipa::path(
    delete, path = "/v1/sessions", tag = "sessions",
    responses((status = 204, description = "Ended")),
    extensions(("x-permission" = json!("account"))),
)]
async fn end_other_sessions(
    State(app): State<App>,
    Person(caller): Person,
    Query(NoParameters): Query<NoParameters>,
) -> Result<StatusCode> {
    let Actor::Account(own) = &caller.actor else { return Err(Error::NotFound) };
    let tx = app.db.begin().await?;
    if session::end_sessions(&app, &tx, session::others(own.id, own.session_id)).await? > 0 {
        let event = caller.did(AuditAction::SessionEnded).on("user", own.id).because("others");
        trail::record(&tx, app.clock.now(), [event]).await?;
    }
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// End a session
///
/// One of one's own, at once; administrators may end any session of the accounts they look after.
#[utoipa::path(
    delete, path = "/v1/sessions/{id}", tag = "sessions",
    params(("id" = Uuid, Path, description = "The session's id.")),
    responses((status = 204, description = "Ended")),
    extensions(("x-permission" = json!("account"))),
)]
async fn end_session(
    State(app): State<App>,
    Person(caller): Person,
    id: Id,
    Query(NoParameters): Query<NoParameters>,
) -> Result<StatusCode> {
    let Id::Uuid(id) = id else { return Err(Error::NotFound) };
    let tx = app.db.begin().await?;
    end(&app, &tx, &caller, id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends the session `id` on behalf of `caller`.
///
/// # Errors
/// 404 when there is none that the caller may end.
pub async fn end(app: &App, db: &impl ConnectionTrait, caller: &Caller, id: Uuid) -> Result<()> {
    let (row, owner) = session::live(db, id).await?.ok_or(Error::NotFound)?;
    let is_own = caller.id() == Some(owner.id);
    let looks_after = caller.grants.administers
        && (caller.role() == Some(AccountRole::Owner) || owner.role <= AccountRole::Editor);
    if !is_own && !looks_after {
        return Err(Error::NotFound);
    }
    if row.ended_at.is_none() {
        session::end_sessions(app, db, session_table::Column::Id.eq(id)).await?;
        let why = if is_own { "own" } else { "administrator" };
        let event = caller.did(AuditAction::SessionEnded).on("session", id).because(why);
        trail::record(db, app.clock.now(), [event]).await?;
    }
    Ok(())
}

/// The live sessions of an account, the latest first.
///
/// # Errors
/// When the database fails.
pub async fn living(
    app: &App,
    db: &impl ConnectionTrait,
    user_id: Uuid,
) -> Result<Vec<session_table::Model>> {
    Ok(session_table::Entity::find()
        .filter(session::living(user_id, app.clock.now()))
        .order_by_desc(session_table::Column::CreatedAt)
        .order_by_desc(session_table::Column::Id)
        .limit(session::MOST)
        .all(db)
        .await?)
}
