//! Tokens in messages: each sets a password once, a newer one takes the place of an older one.
//!
//! Source: SECURITY.md A-11; OWASP Forgot Password Cheat Sheet.

use chrono::TimeDelta;
use sea_orm::{ActiveValue::Set, IntoActiveModel, JoinType, QueryOrder, QuerySelect, entity::prelude::*};

use super::{attempt, is_closed, password, session};
use crate::{
    app::App,
    crypto,
    entity::{
        entry, entry_text, known_device, one_time_token, user,
        vocabulary::{ActorType, AuditAction, Kind, OneTimePurpose},
    },
    http::{Code, Error, Exchange, FieldError, Result},
    jobs::{self, Job},
    mail::texts::{self, Notice},
    trail::{self, Event},
};

/// How soon after one message about a password another is sent.
const INTERVAL: TimeDelta = TimeDelta::minutes(5);

/// How long a token is good.
#[must_use]
pub fn lifetime(purpose: OneTimePurpose) -> TimeDelta {
    match purpose {
        OneTimePurpose::Invitation => TimeDelta::hours(72),
        OneTimePurpose::PasswordReset => TimeDelta::hours(1),
    }
}

/// A new token for an account; those before it are good no more.
///
/// # Errors
/// When the database fails.
pub async fn issue(
    app: &App,
    db: &impl ConnectionTrait,
    user_id: Uuid,
    purpose: OneTimePurpose,
) -> Result<String> {
    one_time_token::Entity::delete_many().filter(one_time_token::Column::UserId.eq(user_id)).exec(db).await?;
    let token = crypto::random_token("sogep_ot_")?;
    let now = app.clock.now();
    let row = one_time_token::ActiveModel {
        hash: Set(crypto::sha256(token.as_bytes())),
        user_id: Set(user_id),
        purpose: Set(purpose),
        created_at: Set(now),
        expires_at: Set(now + lifetime(purpose)),
    };
    one_time_token::Entity::insert(row).exec_without_returning(db).await?;
    Ok(token)
}

/// The page that a message about `token` leads to. The token stands behind `#`, which browsers send
/// to nobody.
#[must_use]
pub fn link(app: &App, token: &str) -> String {
    format!("{}#token={token}", app.config.account_url)
}

/// Sends `email` the token of an invitation, in the caller's transaction and only while it is good.
///
/// # Errors
/// When the database fails.
pub async fn send_invitation(app: &App, db: &impl ConnectionTrait, email: &str, token: &str) -> Result<()> {
    let end = app.clock.now() + lifetime(OneTimePurpose::Invitation);
    let message = texts::invitation(email, &link(app, token)).until(end);
    jobs::enqueue(app, db, &Job::Mail(message)).await?;
    Ok(())
}

/// Sends an account a notice of what happened to it, in the caller's transaction.
///
/// # Errors
/// When the database fails.
pub async fn send_notice(
    app: &App,
    db: &impl ConnectionTrait,
    account: &user::Model,
    notice: Notice,
) -> Result<()> {
    jobs::enqueue(app, db, &Job::Mail(texts::security_notice(&account.email, notice))).await?;
    Ok(())
}

/// Sends an account that has a password a token to set another; says nothing when there is none.
///
/// # Errors
/// When the database fails.
pub async fn send_reset(app: &App, email: &str, exchange: &Exchange) -> Result<()> {
    let account = user::Entity::find().filter(user::Column::Email.eq(email)).one(app.db.reader()).await?;
    let account = account.filter(|account| !is_closed(account) && !account.password_hash.is_empty());
    let Some(account) = account else {
        app.trail.note(
            Event::refused(AuditAction::AuthnPasswordReset, "no_account")
                .in_request(Some(exchange.request_id())),
        );
        return Ok(());
    };
    let tx = app.db.begin().await?;
    let latest = one_time_token::Entity::find()
        .filter(one_time_token::Column::UserId.eq(account.id))
        .order_by_desc(one_time_token::Column::CreatedAt)
        .one(&tx)
        .await?;
    if latest.is_some_and(|latest| app.clock.now() - latest.created_at < INTERVAL) {
        return Ok(());
    }
    let token = issue(app, &tx, account.id, OneTimePurpose::PasswordReset).await?;
    // To the address that is stored, never to the one that was typed (SECURITY.md A-08).
    let message = texts::password_reset(&account.email, &link(app, &token))
        .until(app.clock.now() + lifetime(OneTimePurpose::PasswordReset));
    jobs::enqueue(app, &tx, &Job::Mail(message)).await?;
    let event =
        Event::done(AuditAction::AuthnPasswordReset).by(ActorType::Nobody, None).on("user", account.id);
    trail::record(&tx, app.clock.now(), [event.in_request(Some(exchange.request_id()))]).await?;
    tx.commit().await?;
    // The workers are not woken: whoever asked could tell by their next request that somebody writes. At
    // some moment of the next second they find it.
    Ok(())
}

/// Sets the password that somebody chose with a token. Ends every session, and forgets the failures
/// and devices of the account.
///
/// # Errors
/// 400 when the token is not good (any more), 422 when the password is not accepted.
pub async fn set_password(app: &App, token: &str, chosen: String, exchange: &Exchange) -> Result<()> {
    let spent = || {
        app.trail.note(
            Event::refused(AuditAction::AuthnFail, "one_time_token").in_request(Some(exchange.request_id())),
        );
        let detail = "the link has been used, has expired, or was replaced by a newer one";
        Error::Problem(Code::InvalidToken, detail.to_owned())
    };
    let hash = crypto::sha256(token.as_bytes());
    let (_, account) = good(app, app.db.reader(), &hash, false).await?.ok_or_else(spent)?;
    check_password(app, &account, &chosen, "/password").await?;
    let password_hash = password::hash_in_turn(&app.hashing, &chosen).await?;
    let tx = app.db.begin().await?;
    // Only now is it used up; of two at the same moment one finds it.
    let (stored, account) = good(app, &tx, &hash, true).await?.ok_or_else(spent)?;
    let event = Event::done(AuditAction::AuthnPasswordChange)
        .by(ActorType::Account, Some(account.id))
        .on("user", account.id)
        .because(match stored.purpose {
            OneTimePurpose::Invitation => "invitation",
            OneTimePurpose::PasswordReset => "password_reset",
        })
        .in_request(Some(exchange.request_id()));
    replace_password(app, &tx, &account, password_hash, None).await?;
    send_notice(app, &tx, &account, Notice::PasswordChanged).await?;
    trail::record(&tx, app.clock.now(), [event]).await?;
    tx.commit().await?;
    app.jobs.wake();
    Ok(())
}

/// Replaces the password of `account` and ends what rested upon the old one: tokens, devices, and all
/// sessions but the one that is to stay.
///
/// # Errors
/// When the database fails.
pub async fn replace_password(
    app: &App,
    db: &impl ConnectionTrait,
    account: &user::Model,
    password_hash: String,
    stays: Option<Uuid>,
) -> Result<user::Model> {
    let mut row = account.clone().into_active_model();
    row.password_hash = Set(password_hash);
    row.password_changed_at = Set(app.clock.now());
    row.version = Set(account.version + 1);
    let account = row.update(db).await?;
    one_time_token::Entity::delete_many()
        .filter(one_time_token::Column::UserId.eq(account.id))
        .exec(db)
        .await?;
    known_device::Entity::delete_many().filter(known_device::Column::UserId.eq(account.id)).exec(db).await?;
    attempt::forget(app, db, &account.email).await?;
    // No session has the nil id: then none stays.
    session::end_sessions(app, db, session::others(account.id, stays.unwrap_or_default())).await?;
    Ok(account)
}

/// Checks a password that somebody chooses: it must not be made of what is known of them or of the
/// organisation.
///
/// # Errors
/// 422 at `pointer` when it is not accepted; when the database fails.
pub async fn check_password(app: &App, account: &user::Model, chosen: &str, pointer: &str) -> Result<()> {
    let mut about = organisation_names(app).await?;
    about.push(account.email.clone());
    about.extend(account.name.clone());
    let about: Vec<&str> = about.iter().map(String::as_str).collect();
    password::check(chosen, &about)
        .map_err(|refused| Error::Invalid(vec![FieldError::at(pointer, refused.code(), refused.to_string())]))
}

/// What the organisation is called, in every language.
///
/// # Errors
/// When the database fails.
pub async fn organisation_names(app: &App) -> Result<Vec<String>> {
    let to_entry = entry_text::Entity::belongs_to(entry::Entity)
        .from(entry_text::Column::EntryId)
        .to(entry::Column::Id)
        .into();
    let names: Vec<Option<String>> = entry_text::Entity::find()
        .select_only()
        .column(entry_text::Column::Title)
        .join(JoinType::InnerJoin, to_entry)
        .filter(entry::Column::Kind.eq(Kind::Organisation))
        .limit(100)
        .into_tuple()
        .all(app.db.reader())
        .await?;
    Ok(names.into_iter().flatten().chain(["sogep".to_owned()]).collect())
}

/// A token that is good now, and its account.
async fn good(
    app: &App,
    db: &impl ConnectionTrait,
    hash: &str,
    to_use: bool,
) -> Result<Option<(one_time_token::Model, user::Model)>> {
    let mut select = one_time_token::Entity::find_by_id(hash);
    if to_use {
        select = select.lock_exclusive();
    }
    let stored = select.one(db).await?.filter(|stored| stored.expires_at > app.clock.now());
    let Some(stored) = stored else { return Ok(None) };
    let account = user::Entity::find_by_id(stored.user_id).one(db).await?;
    Ok(account.filter(|account| !is_closed(account)).map(|account| (stored, account)))
}
