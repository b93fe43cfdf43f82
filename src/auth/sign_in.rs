//! Signing in and out.

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, header},
};
use sea_orm::entity::prelude::*;

use super::{
    Person, attempt,
    caller::Actor,
    factor::{self, Proof, Shown},
    is_closed, known_device, one_time, password,
    payload::{ChosenPassword, Credentials, ForgottenPassword, Reauthentication, RefreshToken, Tokens},
    session::{self, Granted, SignIn},
    token,
};
use crate::{
    app::App,
    entity::{
        session as session_table, user,
        vocabulary::{ActorType, AuditAction},
    },
    http::{Body, Code, Error, Exchange, Json, Query, Result, limits, query::NoParameters},
    mail::texts::Notice,
    trail::{self, Event},
};

/// Sign in.
///
/// Takes e-mail and password, gives an access token for 10 minutes and a refresh token for 14 days.
/// An account with a second factor also needs its `code`: 401 `code-required` asks for it. A wrong
/// password and an unknown address get the same answer. After ten failures in a row the next ones have
/// to wait, longer each time: 429.
#[utoipa::path(
    post,
    path = "/v1/auth/login",
    tag = "auth",
    security(()),
    request_body = Credentials,
    responses((status = 200, description = "Signed in", body = Tokens)),
    extensions(("x-permission" = json!("none"))),
)]
pub(super) async fn log_in(
    State(app): State<App>,
    exchange: Exchange,
    Query(NoParameters): Query<NoParameters>,
    headers: HeaderMap,
    Body(credentials): Body<Credentials>,
) -> Result<Json<Tokens>> {
    let email = credentials.email.to_ascii_lowercase();
    let device = match credentials.device_token.as_deref() {
        Some(token) if known_device::is_known(&app, token, &email).await? => Some(token),
        _ => {
            limits::charge_guess(&app, &exchange).await?;
            None
        }
    };
    let noted = |action, reason, account: Option<&user::Model>| {
        let event = Event::refused(action, reason).in_request(Some(exchange.request_id()));
        app.trail.note(match account {
            Some(account) => event.on("user", account.id),
            None => event,
        });
    };
    let counted_for = device.map_or_else(|| email.clone(), |token| format!("device {token}"));
    let shown = Shown::of(credentials.code.as_deref(), credentials.recovery_code.as_deref());
    // Behind a lock only the right password together with the second factor counts; every other answer
    // is that of the lock, whether the password was right or not.
    let (attempt, lock) = match attempt::begin(&app, &counted_for).await {
        Ok(attempt) => (Some(attempt), None),
        Err(Error::OverQuota { policy, retry_after }) => {
            noted(AuditAction::AuthnLoginLock, "too_many_failures", None);
            if shown.is_none() {
                return Err(Error::OverQuota { policy, retry_after });
            }
            (None, Some((policy, retry_after)))
        }
        Err(error) => return Err(error),
    };
    let account = user::Entity::find().filter(user::Column::Email.eq(&email)).one(app.db.reader()).await?;
    let stored = account.as_ref().map(|account| account.password_hash.clone());
    let verified = password::verify(&app.hashing, &credentials.password, stored).await?;
    let refused = |reason, account| {
        if let Some((policy, retry_after)) = lock {
            return Error::OverQuota { policy, retry_after };
        }
        noted(AuditAction::AuthnLoginFail, reason, account);
        Error::Unauthorized("the e-mail address or the password is wrong")
    };
    let Some(account) = account else { return Err(refused("unknown_account", None)) };
    if !verified {
        return Err(refused("wrong_password", Some(&account)));
    }
    if is_closed(&account) {
        return Err(refused("account_disabled", Some(&account)));
    }
    let has_factor = factor::is_active(&account);
    let is_suspect = attempt.as_ref().is_none_or(|attempt| attempt.is_suspect);
    if is_suspect && !has_factor {
        return Err(refused("password_alone_not_enough", Some(&account)));
    }
    let attempt = match attempt {
        Some(attempt) => attempt,
        // Codes are counted, too, but only for those who have the password.
        None => attempt::begin(&app, &format!("factor {email}")).await?,
    };
    let renewed = if password::is_outdated(&account.password_hash) {
        Some(password::hash_in_turn(&app.hashing, &credentials.password).await?)
    } else {
        None
    };
    let tx = app.db.begin().await?;
    let proof = factor::prove(&app, &tx, &account, shown).await?;
    if proof == Proof::Wrong {
        return Err(refused("wrong_code", Some(&account)));
    }
    attempt.succeed(&tx).await?;
    if lock.is_some() {
        attempt::forget(&app, &tx, &account.email).await?;
    }
    if let Some(hash) = renewed {
        user::Entity::update_many()
            .col_expr(user::Column::PasswordHash, Expr::value(hash))
            .filter(user::Column::Id.eq(account.id))
            .filter(user::Column::PasswordHash.eq(&account.password_hash))
            .exec(&tx)
            .await?;
    }
    let user_agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    let how = SignIn { second_factor: has_factor, device: session::device(user_agent) };
    let device_token = known_device::remember(&app, &tx, account.id, device).await?;
    let granted = session::begin(&app, &tx, account.clone(), how).await?;
    let done = |action| {
        let event = Event::done(action).by(ActorType::Account, Some(account.id)).on("user", account.id);
        event.in_request(Some(exchange.request_id()))
    };
    let used = (proof == Proof::GoodOnce).then(|| done(AuditAction::AuthnRecoveryCodeUsed));
    if proof == Proof::GoodOnce {
        one_time::send_notice(&app, &tx, &account, Notice::RecoveryCodeUsed).await?;
    }
    trail::record(&tx, app.clock.now(), used.into_iter().chain([done(AuditAction::AuthnLoginSuccess)]))
        .await?;
    tx.commit().await?;
    if proof == Proof::GoodOnce {
        app.jobs.wake();
    }
    tokens(&app, granted, device_token)
}

/// Get the next access token.
///
/// A refresh token is good once; the answer brings its successor. A used one that comes again later than
/// ten seconds ends the session. A client whose answer was lost may repeat the call within ten seconds with the same
/// `Idempotency-Key` and gets the same successor.
#[utoipa::path(
    post,
    path = "/v1/auth/refresh",
    tag = "auth",
    security(()),
    params(("Idempotency-Key" = Option<String>, Header, max_length = 255,
        description = "A new random text for each refresh, the same when it is repeated.")),
    request_body = RefreshToken,
    responses((status = 200, description = "Refreshed", body = Tokens)),
    extensions(("x-permission" = json!("none"))),
)]
pub(super) async fn refresh(
    State(app): State<App>,
    exchange: Exchange,
    Query(NoParameters): Query<NoParameters>,
    headers: HeaderMap,
    Body(body): Body<RefreshToken>,
) -> Result<Json<Tokens>> {
    let retry_key = headers.get("idempotency-key").and_then(|value| value.to_str().ok());
    let retry_key = retry_key.filter(|key| !key.is_empty());
    if retry_key.is_some_and(|key| key.len() > 255) {
        let detail = "an `Idempotency-Key` has at most 255 characters".to_owned();
        return Err(Error::Problem(Code::MalformedRequest, detail));
    }
    let granted = session::refresh(&app, &body.refresh_token, retry_key, Some(exchange.request_id())).await?;
    tokens(&app, granted, None)
}

/// Sign out.
///
/// Ends the session of the refresh token, and with it its access tokens, at once. Says the same
/// whether there was one or not.
#[utoipa::path(
    post,
    path = "/v1/auth/logout",
    tag = "auth",
    security(()),
    request_body = RefreshToken,
    responses((status = 204, description = "Signed out")),
    extensions(("x-permission" = json!("none"))),
)]
pub(super) async fn log_out(
    State(app): State<App>,
    exchange: Exchange,
    Query(NoParameters): Query<NoParameters>,
    Body(body): Body<RefreshToken>,
) -> Result<StatusCode> {
    session::end(&app, &body.refresh_token, Some(exchange.request_id())).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Prove again who you are
///
/// Dangerous operations want a proof that is not older than five minutes: send the password, and the
/// second factor if there is one.
#[utoipa::path(
    post,
    path = "/v1/auth/reauthenticate",
    tag = "auth",
    request_body = Reauthentication,
    responses((status = 204, description = "Proved; it holds for five minutes")),
    extensions(("x-permission" = json!("account"))),
)]
pub(super) async fn reauthenticate(
    State(app): State<App>,
    Person(caller): Person,
    Query(NoParameters): Query<NoParameters>,
    Body(body): Body<Reauthentication>,
) -> Result<StatusCode> {
    let Actor::Account(known) = &caller.actor else { return Err(Error::NotFound) };
    let attempt = attempt::begin(&app, &format!("session {}", known.session_id)).await?;
    let account = user::Entity::find_by_id(known.id).one(app.db.reader()).await?.ok_or(Error::NotFound)?;
    let refused = |reason| {
        let event = Event::refused(AuditAction::AuthnReauthentication, reason).on("user", known.id);
        app.trail.note(caller.signed(event));
        Error::Unauthorized("the password or the code is wrong")
    };
    let stored = Some(account.password_hash.clone());
    if !password::verify(&app.hashing, &body.password, stored).await? {
        return Err(refused("wrong_password"));
    }
    let has_factor = factor::is_active(&account);
    let tx = app.db.begin().await?;
    let shown = Shown::of(body.code.as_deref(), body.recovery_code.as_deref());
    let proof = factor::prove(&app, &tx, &account, shown).await?;
    if proof == Proof::Wrong {
        return Err(refused("wrong_code"));
    }
    let used = (proof == Proof::GoodOnce)
        .then(|| caller.did(AuditAction::AuthnRecoveryCodeUsed).on("user", known.id));
    let proved = caller.did(AuditAction::AuthnReauthentication).on("session", known.session_id);
    attempt.succeed(&tx).await?;
    session_table::Entity::update_many()
        .col_expr(session_table::Column::AuthenticatedAt, Expr::value(Some(app.clock.now())))
        .col_expr(session_table::Column::SecondFactor, Expr::value(has_factor))
        .filter(session_table::Column::Id.eq(known.session_id))
        .exec(&tx)
        .await?;
    trail::record(&tx, app.clock.now(), used.into_iter().chain([proved])).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ask for a new password
///
/// Sends a message with a link to the account's address, if there is such an account; the answer is
/// the same in any case. The link is good for an hour, and once.
#[utoipa::path(
    post,
    path = "/v1/auth/forgotten-password",
    tag = "auth",
    security(()),
    request_body = ForgottenPassword,
    responses((status = 202, description = "If there is such an account, a message is on its way")),
    extensions(("x-permission" = json!("none"))),
)]
pub(super) async fn ask_for_password(
    State(app): State<App>,
    exchange: Exchange,
    Query(NoParameters): Query<NoParameters>,
    Body(body): Body<ForgottenPassword>,
) -> Result<StatusCode> {
    let email = body.email.to_ascii_lowercase();
    // After the answer, so that it takes the same time whether there is an account or not.
    tokio::spawn(async move {
        if let Err(error) = one_time::send_reset(&app, &email, &exchange).await {
            tracing::error!(%error, "a password reset could not be sent");
        }
    });
    Ok(StatusCode::ACCEPTED)
}

/// Choose a password
///
/// With the token of an invitation or of a password reset. All sessions of the account end; sign in
/// with the new password.
#[utoipa::path(
    post,
    path = "/v1/auth/password",
    tag = "auth",
    security(()),
    request_body = ChosenPassword,
    responses((status = 204, description = "The password is set")),
    extensions(("x-permission" = json!("none"))),
)]
pub(super) async fn choose_password(
    State(app): State<App>,
    exchange: Exchange,
    Query(NoParameters): Query<NoParameters>,
    Body(body): Body<ChosenPassword>,
) -> Result<StatusCode> {
    one_time::set_password(&app, &body.token, body.password, &exchange).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn tokens(app: &App, granted: Granted, device_token: Option<String>) -> Result<Json<Tokens>> {
    Ok(Json(Tokens {
        access_token: token::issue(app, granted.user.id, granted.session_id, granted.user.role)?,
        token_type: "Bearer",
        expires_in: token::LIFETIME.num_seconds(),
        refresh_token: granted.refresh_token,
        device_token,
    }))
}
