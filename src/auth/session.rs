//! Sessions: one sign-in each, kept alive by refresh tokens that are good once.
//!
//! Source: RFC 9700, section 4.14 (rotation, and what reuse means).

use chrono::TimeDelta;
use sea_orm::{ActiveValue::Set, JoinType, QuerySelect, entity::prelude::*, sea_query::Expr};

use crate::{
    app::App,
    crypto,
    entity::{refresh_token, session, user},
    http::{Error, Result},
};

/// How long a session lasts at most.
const LIFETIME: TimeDelta = TimeDelta::days(30);
/// How long a refresh token may lie unused.
const IDLE: TimeDelta = TimeDelta::days(14);

/// A session with a fresh refresh token.
#[derive(Debug)]
pub struct Granted {
    /// The session.
    pub session_id: Uuid,
    /// Whose it is.
    pub user: user::Model,
    /// The token to refresh it with; not kept anywhere.
    pub refresh_token: String,
}

/// Begins a session of `user`.
///
/// # Errors
/// When the database fails.
pub async fn begin(app: &App, user: user::Model) -> Result<Granted> {
    let now = app.clock.now();
    let session_id = app.clock.secret_id();
    let tx = app.db.begin().await?;
    let row = session::ActiveModel {
        id: Set(session_id),
        user_id: Set(user.id),
        created_at: Set(now),
        last_used_at: Set(now),
        expires_at: Set(now + LIFETIME),
        ended_at: Set(None),
        authenticated_at: Set(None),
        second_factor: Set(false),
        device: Set(None),
    };
    session::Entity::insert(row).exec_without_returning(&tx).await?;
    let refresh_token = add_token(app, &tx, session_id).await?;
    tx.commit().await?;
    Ok(Granted { session_id, user, refresh_token })
}

/// Exchanges a refresh token for the next one. Of several tries with the same token one succeeds;
/// a used token that comes again ends the session, for it has been stolen from one of the two.
///
/// # Errors
/// 401 unless the token is good.
pub async fn refresh(app: &App, token: &str) -> Result<Granted> {
    let refused = || Error::Unauthorized("the refresh token is not good (any more)");
    let now = app.clock.now();
    let hash = crypto::sha256(token.as_bytes());
    let tx = app.db.begin().await?;
    let stored = refresh_token::Entity::find_by_id(hash.clone()).one(&tx).await?.ok_or_else(refused)?;
    let used = refresh_token::Entity::update_many()
        .col_expr(refresh_token::Column::UsedAt, Expr::value(now))
        .filter(refresh_token::Column::Hash.eq(hash))
        .filter(refresh_token::Column::UsedAt.is_null())
        .exec(&tx)
        .await?;
    if used.rows_affected == 0 {
        end_sessions(app, &tx, session::Column::Id.eq(stored.session_id)).await?;
        tx.commit().await?;
        tracing::warn!(session = %stored.session_id, "a used refresh token came again; its session is ended");
        return Err(refused());
    }
    let (session, account) = live(&tx, stored.session_id).await?.ok_or_else(refused)?;
    if session.ended_at.is_some()
        || session.expires_at <= now
        || stored.expires_at <= now
        || account.disabled_at.is_some()
    {
        return Err(refused());
    }
    session::Entity::update_many()
        .col_expr(session::Column::LastUsedAt, Expr::value(now))
        .filter(session::Column::Id.eq(session.id))
        .exec(&tx)
        .await?;
    let refresh_token = add_token(app, &tx, session.id).await?;
    tx.commit().await?;
    Ok(Granted { session_id: session.id, user: account, refresh_token })
}

/// Ends the session that a refresh token belongs to, if there is one.
///
/// # Errors
/// When the database fails.
pub async fn end(app: &App, token: &str) -> Result<()> {
    let tx = app.db.begin().await?;
    let stored = refresh_token::Entity::find_by_id(crypto::sha256(token.as_bytes())).one(&tx).await?;
    if let Some(stored) = stored {
        end_sessions(app, &tx, session::Column::Id.eq(stored.session_id)).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Ends the sessions that match `which`.
///
/// # Errors
/// When the database fails.
pub async fn end_sessions(
    app: &App,
    db: &impl ConnectionTrait,
    which: impl sea_orm::sea_query::IntoCondition,
) -> Result<()> {
    session::Entity::update_many()
        .col_expr(session::Column::EndedAt, Expr::value(app.clock.now()))
        .filter(session::Column::EndedAt.is_null())
        .filter(which)
        .exec(db)
        .await?;
    Ok(())
}

/// The session `id` and its account, in one query.
///
/// # Errors
/// When the database fails.
pub async fn live(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<(session::Model, user::Model)>> {
    let to_user =
        session::Entity::belongs_to(user::Entity).from(session::Column::UserId).to(user::Column::Id).into();
    let row = session::Entity::find_by_id(id)
        .join(JoinType::InnerJoin, to_user)
        .select_also(user::Entity)
        .one(db)
        .await?;
    Ok(row.and_then(|(session, user)| user.map(|user| (session, user))))
}

async fn add_token(app: &App, db: &impl ConnectionTrait, session_id: Uuid) -> Result<String> {
    let now = app.clock.now();
    let random = crypto::random::<32>().map_err(|_unspecified| Error::internal("no randomness"))?;
    let token = format!("sogep_rt_{}", crypto::hexadecimal(&random));
    let row = refresh_token::ActiveModel {
        hash: Set(crypto::sha256(token.as_bytes())),
        session_id: Set(session_id),
        issued_at: Set(now),
        expires_at: Set(now + IDLE),
        used_at: Set(None),
        sealed_successor: Set(None),
        retry_key: Set(None),
    };
    refresh_token::Entity::insert(row).exec_without_returning(db).await?;
    Ok(token)
}
