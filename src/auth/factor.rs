//! The second factor of an account: set up, shown, removed.
//!
//! Source: SECURITY.md A-09; RFC 6238.

use sea_orm::{ActiveValue::Set, IntoActiveModel, QuerySelect, entity::prelude::*, sea_query::Expr};

use super::totp::{self, Secret};
use crate::{
    app::App,
    entity::{recovery_code, user},
    http::{Code, Error, Result},
};

/// What somebody shows besides the password.
#[derive(Clone, Copy, Debug)]
pub enum Shown<'a> {
    /// The code of an authenticator.
    Code(&'a str),
    /// A recovery code.
    RecoveryCode(&'a str),
}

impl<'a> Shown<'a> {
    /// What a request brings: a code, or else a recovery code.
    #[must_use]
    pub fn of(code: Option<&'a str>, recovery_code: Option<&'a str>) -> Option<Self> {
        // A form sends what was left empty, too.
        let given = |text: &&'a str| !text.is_empty();
        code.filter(given).map(Self::Code).or(recovery_code.filter(given).map(Self::RecoveryCode))
    }
}

/// What came of asking for the second factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// It was shown, or the account has none.
    Good,
    /// It was shown as a recovery code, which is used up.
    GoodOnce,
    /// What was shown is not it.
    Wrong,
}

/// Whether an account has a second factor in force.
#[must_use]
pub fn is_active(account: &user::Model) -> bool {
    account.totp_confirmed_at.is_some() && account.sealed_totp_secret.is_some()
}

/// The secret of an account, being set up or in force.
fn secret(app: &App, account: &user::Model) -> Result<Option<Secret>> {
    let Some(sealed) = &account.sealed_totp_secret else { return Ok(None) };
    let opened = app.secrets.open(sealed, &purpose(account.id));
    let opened = opened.ok_or_else(|| Error::internal("a second factor does not open under this secret"))?;
    Ok(Secret::from_bytes(&opened))
}

/// Under what a secret is sealed.
#[must_use]
pub fn purpose(account: Uuid) -> String {
    format!("totp/{account}")
}

/// Stores a new secret for `account`, to be confirmed with a first code.
///
/// # Errors
/// When the database fails or the system has no randomness.
pub async fn set_up(app: &App, db: &impl ConnectionTrait, account: &user::Model) -> Result<Secret> {
    let secret = Secret::new()?;
    let sealed = app.secrets.seal(secret.bytes(), &purpose(account.id)).map_err(Error::internal)?;
    user::Entity::update_many()
        .col_expr(user::Column::SealedTotpSecret, Expr::value(Some(sealed)))
        .col_expr(user::Column::TotpLastStep, Expr::value(None::<i64>))
        .filter(user::Column::Id.eq(account.id))
        .filter(user::Column::TotpConfirmedAt.is_null())
        .exec(db)
        .await?;
    Ok(secret)
}

/// Puts the factor in force that `account` has been setting up; gives recovery codes, or nothing when
/// the code is not the right one.
///
/// # Errors
/// When the database fails.
pub async fn confirm(
    app: &App,
    db: &impl ConnectionTrait,
    account: &user::Model,
    code: &str,
) -> Result<Option<Vec<String>>> {
    let Some(secret) = secret(app, account)? else { return Ok(None) };
    let now = app.clock.now();
    let Some(step) = totp::matching_step(&secret, code, now, account.totp_last_step) else { return Ok(None) };
    let mut row = account.clone().into_active_model();
    row.totp_confirmed_at = Set(Some(now));
    row.totp_last_step = Set(Some(step));
    row.version = Set(account.version + 1);
    row.update(db).await?;
    renew_recovery_codes(app, db, account.id).await.map(Some)
}

/// Gives an account new recovery codes; the ones before are good no more.
///
/// # Errors
/// When the database fails or the system has no randomness.
pub async fn renew_recovery_codes(
    app: &App,
    db: &impl ConnectionTrait,
    user_id: Uuid,
) -> Result<Vec<String>> {
    recovery_code::Entity::delete_many().filter(recovery_code::Column::UserId.eq(user_id)).exec(db).await?;
    let codes = totp::recovery_codes()?;
    let now = app.clock.now();
    let rows = codes.iter().filter_map(|code| {
        let hash = totp::recovery_hash(code)?;
        Some(recovery_code::ActiveModel { hash: Set(hash), user_id: Set(user_id), created_at: Set(now) })
    });
    recovery_code::Entity::insert_many(rows).exec_without_returning(db).await?;
    Ok(codes.to_vec())
}

/// Removes the second factor of an account, and its recovery codes.
///
/// # Errors
/// When the database fails.
pub async fn remove(db: &impl ConnectionTrait, account: &user::Model) -> Result<()> {
    recovery_code::Entity::delete_many()
        .filter(recovery_code::Column::UserId.eq(account.id))
        .exec(db)
        .await?;
    let mut row = account.clone().into_active_model();
    row.sealed_totp_secret = Set(None);
    row.totp_confirmed_at = Set(None);
    row.totp_last_step = Set(None);
    row.version = Set(account.version + 1);
    row.update(db).await?;
    Ok(())
}

/// Asks for the second factor of `account`, if it has one. A code is good once: it is used up here, in
/// the caller's transaction.
///
/// # Errors
/// 401 `code-required` when there is one and nothing is shown.
pub async fn prove(
    app: &App,
    db: &impl ConnectionTrait,
    account: &user::Model,
    shown: Option<Shown<'_>>,
) -> Result<Proof> {
    if !is_active(account) {
        return Ok(Proof::Good);
    }
    let Some(shown) = shown else {
        let detail = "send `code` too: the six digits that the authenticator shows, or a `recovery_code`";
        return Err(Error::Problem(Code::CodeRequired, detail.to_owned()));
    };
    Ok(match (is_shown(app, db, account, shown).await?, shown) {
        (false, _) => Proof::Wrong,
        (true, Shown::Code(_)) => Proof::Good,
        (true, Shown::RecoveryCode(_)) => Proof::GoodOnce,
    })
}

async fn is_shown(
    app: &App,
    db: &impl ConnectionTrait,
    account: &user::Model,
    shown: Shown<'_>,
) -> Result<bool> {
    match shown {
        Shown::Code(code) => {
            // As it is now: another request may have used the code since the account was read.
            let current = user::Entity::find_by_id(account.id).lock_exclusive().one(db).await?;
            let Some(current) = current else { return Ok(false) };
            let Some(secret) = secret(app, &current)? else { return Ok(false) };
            let step = totp::matching_step(&secret, code, app.clock.now(), current.totp_last_step);
            let Some(step) = step else { return Ok(false) };
            user::Entity::update_many()
                .col_expr(user::Column::TotpLastStep, Expr::value(Some(step)))
                .filter(user::Column::Id.eq(account.id))
                .exec(db)
                .await?;
            Ok(true)
        }
        Shown::RecoveryCode(code) => {
            let Some(hash) = totp::recovery_hash(code) else { return Ok(false) };
            let used = recovery_code::Entity::delete_many()
                .filter(recovery_code::Column::Hash.eq(hash))
                .filter(recovery_code::Column::UserId.eq(account.id))
                .exec(db)
                .await?;
            Ok(used.rows_affected > 0)
        }
    }
}
