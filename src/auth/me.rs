//! One's own account: who one is, the password, the second factor.

use axum::{extract::State, http::StatusCode, response::Response};
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Caller, Fresh, NoBody, Once, Person, Scope, Signed, attempt,
    caller::{Account, Actor, Factor},
    factor, one_time, password, session,
};
use crate::{
    app::App,
    entity::{
        user,
        vocabulary::{AccountRole, AuditAction, KeyType},
    },
    http::{Body, Error, FieldError, Json, Query, Result, query::NoParameters},
    mail::texts::Notice,
    trail::{self, Event},
};

/// Who is calling.
#[derive(Serialize, ToSchema)]
pub struct Me {
    /// What kind of credential was sent.
    pub r#type: CallerType,
    /// The account's or key's id.
    pub id: Uuid,
    /// The account's or key's name.
    #[schema(required, example = "Işıl Öztürk")]
    pub name: Option<String>,
    /// The account's e-mail address.
    #[schema(required, example = "editor@sogep.example")]
    pub email: Option<String>,
    /// The account's role.
    #[schema(required)]
    pub role: Option<AccountRole>,
    /// How it stands with the account's second factor.
    #[schema(required)]
    pub second_factor: Option<SecondFactor>,
    /// What the key is for.
    #[schema(required)]
    pub key_type: Option<KeyType>,
    /// The key's scopes; empty for an account.
    pub scopes: Vec<Scope>,
    /// What the caller may do.
    pub permissions: Vec<Permission>,
}

/// What kind of credential a caller has.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CallerType {
    /// A person who has signed in.
    Account,
    /// A program with a key.
    Key,
}

/// Something a caller may do; operations declare it as `x-permission`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// Read content.
    Read,
    /// Create entries and change own drafts.
    Write,
    /// Change and publish every entry.
    Edit,
    /// Manage keys and accounts.
    Administer,
}

/// How it stands with a second factor.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SecondFactor {
    /// It is set up, and this session has shown it.
    Active,
    /// None is set up, and the role does not need one.
    Off,
    /// The role needs one: until it is set up and shown, this session can do nothing else.
    Required,
}

/// A change of one's own password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordChange {
    /// The password as it is.
    #[schema(max_length = 1024, format = Password, example = "uzun ve akılda kalan bir parola")]
    pub current_password: String,
    /// The new one: at least 15 characters, of any kind.
    #[schema(max_length = 1024, format = Password, example = "mor menekşeler yağmurda susar")]
    pub new_password: String,
}

/// What an authenticator needs to know. It is shown this once.
#[derive(Serialize, ToSchema)]
pub struct NewSecondFactor {
    /// The secret, in base 32, to be typed in.
    #[schema(example = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")]
    pub secret: String,
    /// The same as an address that authenticators read from a QR code.
    #[schema(
        example = "otpauth://totp/sogep:editor%40sogep.example?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=sogep"
    )]
    pub uri: String,
}

/// A code that the authenticator shows.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FactorCode {
    /// The six digits.
    #[schema(max_length = 16, example = "492039")]
    pub code: String,
}

/// Codes for the day the authenticator is lost. They are shown this once; each is good once.
#[derive(Serialize, ToSchema)]
pub struct RecoveryCodes {
    /// The codes.
    pub recovery_codes: Vec<String>,
}

/// Who am I?
///
/// The account or key whose credential was sent, and what it may do now.
#[utoipa::path(
    get,
    path = "/v1/me",
    tag = "auth",
    responses((status = 200, description = "The caller", body = Me)),
    extensions(("x-permission" = json!("signed_in"))),
)]
pub(super) async fn get_me(
    Signed(caller): Signed,
    Query(NoParameters): Query<NoParameters>,
) -> Result<Json<Me>> {
    let grants = caller.grants;
    let permissions = [
        (grants.reads.is_some(), Permission::Read),
        (grants.writes, Permission::Write),
        (grants.edits, Permission::Edit),
        (grants.administers, Permission::Administer),
    ];
    let permissions =
        permissions.into_iter().filter_map(|(has, permission)| has.then_some(permission)).collect();
    let me = match caller.actor {
        Actor::Nobody | Actor::System => return Err(Error::Unauthorized("send a credential")),
        Actor::Account(account) => Me {
            r#type: CallerType::Account,
            id: account.id,
            name: account.name,
            email: Some(account.email),
            role: Some(account.role),
            second_factor: Some(match account.factor {
                Factor::Shown => SecondFactor::Active,
                Factor::NotNeeded => SecondFactor::Off,
                Factor::Missing => SecondFactor::Required,
            }),
            key_type: None,
            scopes: Vec::new(),
            permissions,
        },
        Actor::Key { id, name, kind, scopes } => Me {
            r#type: CallerType::Key,
            id,
            name: Some(name),
            email: None,
            role: None,
            second_factor: None,
            key_type: Some(kind),
            scopes,
            permissions,
        },
    };
    Ok(Json(me))
}

/// Change one's password
///
/// All other sessions of the account end.
#[utoipa::path(
    post, path = "/v1/me/password", tag = "auth",
    request_body = PasswordChange,
    responses((status = 204, description = "Changed")),
    extensions(("x-permission" = json!("account")), ("x-reauthentication" = json!(true))),
)]
pub(super) async fn change_password(
    State(app): State<App>,
    Fresh(Person(caller)): Fresh<Person>,
    Query(NoParameters): Query<NoParameters>,
    Once(effect, Body(body)): Once<Body<PasswordChange>>,
) -> Result<Response> {
    let (known, account) = own(&app, &caller).await?;
    let attempt = attempt::begin(&app, &format!("session {}", known.session_id)).await?;
    let stored = Some(account.password_hash.clone());
    if !password::verify(&app.hashing, &body.current_password, stored).await? {
        let event = Event::refused(AuditAction::AuthnPasswordChange, "wrong_password").on("user", known.id);
        app.trail.note(caller.signed(event));
        let wrong = FieldError::at("/current_password", "wrong", "this is not the password of the account");
        return Err(Error::Invalid(vec![wrong]));
    }
    one_time::check_password(&app, &account, &body.new_password, "/new_password").await?;
    let hash = password::hash_in_turn(&app.hashing, &body.new_password).await?;
    let tx = effect.begin().await?;
    attempt.succeed(&tx).await?;
    one_time::replace_password(&app, &tx, &account, hash, Some(known.session_id)).await?;
    one_time::send_notice(&app, &tx, &account, Notice::PasswordChanged).await?;
    let event = caller.did(AuditAction::AuthnPasswordChange).on("user", known.id).because("own");
    trail::record(&tx, app.clock.now(), [event]).await?;
    let response = effect.commit(tx, StatusCode::NO_CONTENT).await?;
    app.jobs.wake();
    Ok(response)
}

/// Begin to set up a second factor
///
/// Gives the secret for an authenticator (RFC 6238). It is in force once a first code has confirmed it.
#[utoipa::path(
    post, path = "/v1/me/second-factor", tag = "auth",
    responses((status = 201, description = "The secret", body = NewSecondFactor)),
    extensions(("x-permission" = json!("account")), ("x-reauthentication" = json!(true))),
)]
pub(super) async fn begin_second_factor(
    State(app): State<App>,
    Fresh(Person(caller)): Fresh<Person>,
    Query(NoParameters): Query<NoParameters>,
    Once(effect, NoBody): Once<NoBody>,
) -> Result<Response> {
    let (_, account) = own(&app, &caller).await?;
    if factor::is_active(&account) {
        return Err(Error::conflict("a second factor is in force; remove it first"));
    }
    let tx = effect.begin().await?;
    let secret = factor::set_up(&app, &tx, &account).await?;
    let uri = secret.uri("sogep", &account.email);
    effect.commit(tx, (StatusCode::CREATED, Json(NewSecondFactor { secret: secret.base32(), uri }))).await
}

/// Confirm a second factor
///
/// With a first code it is in force: every sign-in needs one from now on. The answer has recovery
/// codes. All other sessions of the account end.
#[utoipa::path(
    post, path = "/v1/me/second-factor/confirmation", tag = "auth",
    request_body = FactorCode,
    responses((status = 200, description = "In force", body = RecoveryCodes)),
    extensions(("x-permission" = json!("account")), ("x-reauthentication" = json!(true))),
)]
pub(super) async fn confirm_second_factor(
    State(app): State<App>,
    Fresh(Person(caller)): Fresh<Person>,
    Query(NoParameters): Query<NoParameters>,
    Once(effect, Body(body)): Once<Body<FactorCode>>,
) -> Result<Response> {
    let (known, account) = own(&app, &caller).await?;
    if factor::is_active(&account) {
        return Err(Error::conflict("a second factor is in force already"));
    }
    let attempt = attempt::begin(&app, &format!("session {}", known.session_id)).await?;
    let tx = effect.begin().await?;
    attempt.succeed(&tx).await?;
    let Some(recovery_codes) = factor::confirm(&app, &tx, &account, &body.code).await? else {
        let wrong = FieldError::at("/code", "wrong", "this is not the code that the authenticator shows now");
        return Err(Error::Invalid(vec![wrong]));
    };
    session::keep_only(&app, &tx, known.id, known.session_id, true).await?;
    one_time::send_notice(&app, &tx, &account, Notice::SecondFactorSetUp).await?;
    let event = caller.did(AuditAction::AuthnFactorAdded).on("user", known.id);
    trail::record(&tx, app.clock.now(), [event]).await?;
    let response = effect.commit(tx, Json(RecoveryCodes { recovery_codes })).await?;
    app.jobs.wake();
    Ok(response)
}

/// Remove one's second factor
///
/// All other sessions of the account end. A role that needs a second factor can do nothing without.
#[utoipa::path(
    delete, path = "/v1/me/second-factor", tag = "auth",
    responses((status = 204, description = "Removed")),
    extensions(("x-permission" = json!("account")), ("x-reauthentication" = json!(true))),
)]
pub(super) async fn remove_second_factor(
    State(app): State<App>,
    Fresh(Person(caller)): Fresh<Person>,
    Query(NoParameters): Query<NoParameters>,
) -> Result<StatusCode> {
    let (known, account) = with_factor(&app, &caller).await?;
    let tx = app.db.begin().await?;
    factor::remove(&tx, &account).await?;
    session::keep_only(&app, &tx, known.id, known.session_id, false).await?;
    one_time::send_notice(&app, &tx, &account, Notice::SecondFactorRemoved).await?;
    let event = caller.did(AuditAction::AuthnFactorRemoved).on("user", known.id).because("own");
    trail::record(&tx, app.clock.now(), [event]).await?;
    tx.commit().await?;
    app.jobs.wake();
    Ok(StatusCode::NO_CONTENT)
}

/// Get new recovery codes
///
/// The ones before are good no more.
#[utoipa::path(
    post, path = "/v1/me/recovery-codes", tag = "auth",
    responses((status = 200, description = "The new codes", body = RecoveryCodes)),
    extensions(("x-permission" = json!("account")), ("x-reauthentication" = json!(true))),
)]
pub(super) async fn renew_recovery_codes(
    State(app): State<App>,
    Fresh(Person(caller)): Fresh<Person>,
    Query(NoParameters): Query<NoParameters>,
    Once(effect, NoBody): Once<NoBody>,
) -> Result<Response> {
    let (known, account) = with_factor(&app, &caller).await?;
    let tx = effect.begin().await?;
    let recovery_codes = factor::renew_recovery_codes(&app, &tx, account.id).await?;
    let event = caller.did(AuditAction::AuthnRecoveryCodesRenewed).on("user", known.id);
    trail::record(&tx, app.clock.now(), [event]).await?;
    effect.commit(tx, Json(RecoveryCodes { recovery_codes })).await
}

/// The caller's own account.
async fn own<'a>(app: &App, caller: &'a Caller) -> Result<(&'a Account, user::Model)> {
    let Actor::Account(known) = &caller.actor else { return Err(Error::NotFound) };
    let account = user::Entity::find_by_id(known.id).one(app.db.reader()).await?;
    Ok((known, account.ok_or(Error::NotFound)?))
}

/// The caller's own account, which has a second factor that this session has shown.
async fn with_factor<'a>(app: &App, caller: &'a Caller) -> Result<(&'a Account, user::Model)> {
    let (known, account) = own(app, caller).await?;
    if !factor::is_active(&account) {
        return Err(Error::conflict("there is no second factor"));
    }
    if known.factor != Factor::Shown {
        return Err(Error::Forbidden("a session that has shown the second factor"));
    }
    Ok((known, account))
}
