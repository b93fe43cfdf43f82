//! Sessions: one sign-in each, kept alive by refresh tokens that are good once.
//!
//! Source: RFC 9700, section 4.14 (rotation, and what reuse means); SECURITY.md T-03, T-05 to T-07.

use std::sync::Arc;

use chrono::TimeDelta;
use sea_orm::{
    ActiveValue::Set, Condition, JoinType, QueryOrder, QuerySelect, entity::prelude::*, sea_query::Expr,
};

use super::{is_closed, one_time};
use crate::{
    app::App,
    crypto,
    entity::{
        refresh_token, session, user,
        vocabulary::{ActorType, AuditAction},
    },
    http::{Error, Result},
    mail::texts::Notice,
    trail::{self, Event},
};

/// How long a session lasts at most.
pub const LIFETIME: TimeDelta = TimeDelta::days(30);
/// How long a refresh token may lie unused.
const IDLE: TimeDelta = TimeDelta::days(14);
/// For how long an exchange may be repeated whose answer was lost.
const GRACE: TimeDelta = TimeDelta::seconds(10);
/// How many sessions of one account live at once; one more ends the oldest.
pub const MOST: u64 = 10;

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

/// How somebody has signed in.
#[derive(Clone, Debug, Default)]
pub struct SignIn {
    /// With a second factor.
    pub second_factor: bool,
    /// With what, as far as a list needs to tell.
    pub device: Option<String>,
}

/// Begins a session of `user`.
///
/// # Errors
/// When the database fails.
pub async fn begin(app: &App, db: &impl ConnectionTrait, user: user::Model, how: SignIn) -> Result<Granted> {
    let now = app.clock.now();
    let session_id = app.clock.secret_id();
    let row = session::ActiveModel {
        id: Set(session_id),
        user_id: Set(user.id),
        created_at: Set(now),
        last_used_at: Set(now),
        expires_at: Set(now + LIFETIME),
        ended_at: Set(None),
        authenticated_at: Set(Some(now)),
        second_factor: Set(how.second_factor),
        device: Set(how.device),
    };
    session::Entity::insert(row).exec_without_returning(db).await?;
    let surplus: Vec<Uuid> = session::Entity::find()
        .select_only()
        .column(session::Column::Id)
        .filter(living(user.id, now))
        .order_by_desc(session::Column::CreatedAt)
        .order_by_desc(session::Column::Id)
        .offset(MOST)
        .limit(MOST)
        .into_tuple()
        .all(db)
        .await?;
    if !surplus.is_empty() {
        end_sessions(app, db, session::Column::Id.is_in(surplus)).await?;
    }
    let refresh_token = add_token(app, db, session_id).await?;
    Ok(Granted { session_id, user, refresh_token })
}

/// The sessions of an account that live at `now`.
#[must_use]
pub fn living(user_id: Uuid, now: DateTimeUtc) -> Condition {
    Condition::all()
        .add(session::Column::UserId.eq(user_id))
        .add(session::Column::EndedAt.is_null())
        .add(session::Column::ExpiresAt.gt(now))
}

/// The sessions of an account but for the one that stays.
#[must_use]
pub fn others(user_id: Uuid, stays: Uuid) -> Condition {
    Condition::all().add(session::Column::UserId.eq(user_id)).add(session::Column::Id.ne(stays))
}

/// Ends the sessions of an account whose second factor has changed, but for the one in which it did.
///
/// # Errors
/// When the database fails.
pub async fn keep_only(
    app: &App,
    db: &impl ConnectionTrait,
    user_id: Uuid,
    stays: Uuid,
    second_factor: bool,
) -> Result<()> {
    end_sessions(app, db, others(user_id, stays)).await?;
    session::Entity::update_many()
        .col_expr(session::Column::SecondFactor, Expr::value(second_factor))
        .filter(session::Column::Id.eq(stays))
        .exec(db)
        .await?;
    Ok(())
}

/// Exchanges a refresh token for the next one. Of several tries with the same token one succeeds.
///
/// A client whose answer was lost may repeat the exchange within ten seconds and gets the same
/// successor, once, if it sends the same `retry_key`. Any other reuse is refused, and after those ten
/// seconds it ends the session: the token has been stolen from one of the two.
///
/// # Errors
/// 401 unless the token is good.
pub async fn refresh(
    app: &App,
    token: &str,
    retry_key: Option<&str>,
    request_id: Option<Arc<str>>,
) -> Result<Granted> {
    let now = app.clock.now();
    let refused = |reason| {
        let event = Event::refused(AuditAction::AuthnFail, reason).on("refresh_token", "");
        app.trail.note(event.in_request(request_id.clone()));
        Error::Unauthorized("the refresh token is not good (any more)")
    };
    let hash = crypto::sha256(token.as_bytes());
    let retry_key = retry_key.map(|key| crypto::sha256(key.as_bytes()));
    // Whoever sends garbage does not get to hold up those who write.
    if refresh_token::Entity::find_by_id(hash.clone()).one(app.db.reader()).await?.is_none() {
        return Err(refused("unknown_refresh_token"));
    }
    let tx = app.db.begin().await?;
    let stored = refresh_token::Entity::find_by_id(hash.clone()).lock_exclusive().one(&tx).await?;
    let stored = stored.ok_or_else(|| refused("unknown_refresh_token"))?;
    let (session, account) = live(&tx, stored.session_id).await?.ok_or_else(|| refused("unknown_session"))?;
    if session.ended_at.is_some() || session.expires_at <= now || stored.expires_at <= now {
        return Err(refused("session_ended"));
    }
    if is_closed(&account) {
        return Err(refused("account_disabled"));
    }
    if let Some(used_at) = stored.used_at {
        let recently = now - used_at <= GRACE;
        if recently && retry_key.is_some() && retry_key == stored.retry_key {
            let successor = repeated(app, &tx, stored).await?;
            let refresh_token = successor.ok_or_else(|| refused("repeated_too_late"))?;
            tx.commit().await?;
            return Ok(Granted { session_id: session.id, user: account, refresh_token });
        }
        let event = Event::refused(AuditAction::AuthnTokenReuse, "refresh_token").on("session", session.id);
        let event = event.by(ActorType::Account, Some(account.id)).in_request(request_id.clone());
        if recently {
            // Two windows of one browser do this. Nothing was given away.
            app.trail.note(event);
        } else {
            end_sessions(app, &tx, session::Column::Id.eq(session.id)).await?;
            one_time::send_notice(app, &tx, &account, Notice::SessionStolen).await?;
            trail::record(&tx, now, [event]).await?;
            tx.commit().await?;
            app.jobs.wake();
        }
        return Err(Error::Unauthorized("the refresh token is not good (any more)"));
    }
    session::Entity::update_many()
        .col_expr(session::Column::LastUsedAt, Expr::value(now))
        .filter(session::Column::Id.eq(session.id))
        .exec(&tx)
        .await?;
    let refresh_token = add_token(app, &tx, session.id).await?;
    let sealed = app.secrets.seal(refresh_token.as_bytes(), &hash).map_err(Error::internal)?;
    refresh_token::Entity::update_many()
        .col_expr(refresh_token::Column::UsedAt, Expr::value(now))
        .col_expr(refresh_token::Column::SealedSuccessor, Expr::value(retry_key.as_ref().map(|_| sealed)))
        .col_expr(refresh_token::Column::RetryKey, Expr::value(retry_key))
        .filter(refresh_token::Column::Hash.eq(hash))
        .exec(&tx)
        .await?;
    tx.commit().await?;
    Ok(Granted { session_id: session.id, user: account, refresh_token })
}

/// The successor that was given for `stored` before, once, and only while it is unused itself.
async fn repeated(
    app: &App,
    db: &impl ConnectionTrait,
    stored: refresh_token::Model,
) -> Result<Option<String>> {
    let Some(sealed) = stored.sealed_successor else { return Ok(None) };
    let opened = app.secrets.open(&sealed, &stored.hash);
    let Some(successor) = opened.and_then(|bytes| String::from_utf8(bytes.to_vec()).ok()) else {
        return Ok(None);
    };
    refresh_token::Entity::update_many()
        .col_expr(refresh_token::Column::SealedSuccessor, Expr::value(None::<String>))
        .col_expr(refresh_token::Column::RetryKey, Expr::value(None::<String>))
        .filter(refresh_token::Column::Hash.eq(stored.hash))
        .exec(db)
        .await?;
    let next = refresh_token::Entity::find_by_id(crypto::sha256(successor.as_bytes())).one(db).await?;
    Ok(next.filter(|next| next.used_at.is_none()).map(|_unused| successor))
}

/// Ends the session that a refresh token belongs to, if there is one.
///
/// # Errors
/// When the database fails.
pub async fn end(app: &App, token: &str, request_id: Option<Arc<str>>) -> Result<()> {
    let stored = refresh_token::Entity::find_by_id(crypto::sha256(token.as_bytes()));
    let Some(stored) = stored.one(app.db.reader()).await? else { return Ok(()) };
    let tx = app.db.begin().await?;
    let Some((session, account)) = live(&tx, stored.session_id).await? else { return Ok(()) };
    if session.ended_at.is_none() {
        end_sessions(app, &tx, session::Column::Id.eq(session.id)).await?;
        let event = Event::done(AuditAction::SessionEnded).on("session", session.id).because("signed_out");
        let event = event.by(ActorType::Account, Some(account.id)).in_request(request_id);
        trail::record(&tx, app.clock.now(), [event]).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Ends the sessions that match `which`; says how many there were.
///
/// # Errors
/// When the database fails.
pub async fn end_sessions(
    app: &App,
    db: &impl ConnectionTrait,
    which: impl sea_orm::sea_query::IntoCondition,
) -> Result<u64> {
    let ended = session::Entity::update_many()
        .col_expr(session::Column::EndedAt, Expr::value(app.clock.now()))
        .filter(session::Column::EndedAt.is_null())
        .filter(which)
        .exec(db)
        .await?;
    Ok(ended.rows_affected)
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
    let token = crypto::random_token("sogep_rt_")?;
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

/// What somebody uses, from a short list: enough to recognise one's own, and nothing that tells
/// people apart.
#[must_use]
pub fn device(user_agent: Option<&str>) -> Option<String> {
    let user_agent = user_agent?;
    let first = |names: &[(&str, &'static str)]| {
        names.iter().find(|(mark, _)| user_agent.contains(mark)).map(|(_, name)| *name)
    };
    let browser = first(&[
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
        ("curl/", "curl"),
    ]);
    let system = first(&[
        ("Android", "Android"),
        ("iPhone", "iOS"),
        ("iPad", "iOS"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => Some(format!("{browser}, {system}")),
        (one, other) => one.or(other).map(str::to_owned),
    }
}
