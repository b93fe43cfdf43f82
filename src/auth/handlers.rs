//! Signing in and out, and who one is.

use axum::{extract::State, http::StatusCode};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{
    Scope, Signed,
    caller::Actor,
    password,
    session::{self, Granted},
    token,
};
use crate::{
    app::App,
    entity::{
        user,
        vocabulary::{AccountRole, KeyType},
    },
    http::{Body, Error, Json, Query, Result, query::NoParameters},
};

/// The routes for signing in and out, and for verifying our tokens.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(log_in))
        .routes(routes!(refresh))
        .routes(routes!(log_out))
        .routes(routes!(get_me))
        .routes(routes!(get_jwks))
}

/// What a person signs in with.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// The account's e-mail address.
    #[schema(max_length = 254, min_length = 3, example = "editor@sogep.example")]
    pub email: String,
    /// The account's password.
    #[schema(max_length = 1024, format = Password, example = "uzun ve akılda kalan bir parola")]
    pub password: String,
}

/// A refresh token.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshToken {
    /// The refresh token, as it was given.
    #[schema(max_length = 200, example = "sogep_rt_5f1c0b6e4a7d9832")]
    pub refresh_token: String,
}

/// An access token, and the token to get the next one with.
#[derive(Serialize, ToSchema)]
pub struct Tokens {
    /// The access token, for `Authorization: Bearer`.
    #[schema(
        example = "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJFZERTQSJ9.eyJpc3MiOiJodHRwczovL2FwaS5zb2dlcC5leGFtcGxlIn0.c2ln"
    )]
    pub access_token: String,
    /// Always `Bearer`.
    #[schema(example = "Bearer")]
    pub token_type: &'static str,
    /// For how many seconds the access token is good.
    #[schema(example = 600)]
    pub expires_in: i64,
    /// The refresh token; good once, for 14 days.
    #[schema(example = "sogep_rt_5f1c0b6e4a7d9832")]
    pub refresh_token: String,
}

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

/// The public keys that verify access tokens (RFC 7517).
#[derive(Serialize, ToSchema)]
pub struct KeySet {
    /// The keys.
    pub keys: Vec<PublicKey>,
}

/// One public key (RFC 8037).
#[derive(Serialize, ToSchema)]
pub struct PublicKey {
    /// `OKP`.
    #[schema(example = "OKP")]
    kty: &'static str,
    /// `Ed25519`.
    #[schema(example = "Ed25519")]
    crv: &'static str,
    /// `sig`.
    #[schema(example = "sig")]
    r#use: &'static str,
    /// `EdDSA`.
    #[schema(example = "EdDSA")]
    alg: &'static str,
    /// The key's id, as in the header of a token.
    #[schema(example = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k")]
    kid: String,
    /// The public key.
    #[schema(example = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")]
    x: String,
}

/// Sign in.
///
/// Takes e-mail and password, gives an access token for 10 minutes and a refresh token for 14 days.
/// A wrong password and an unknown address get the same answer.
#[utoipa::path(
    post,
    path = "/v1/auth/login",
    tag = "auth",
    security(()),
    request_body = Credentials,
    responses((status = 200, description = "Signed in", body = Tokens)),
    extensions(("x-permission" = json!("none"))),
)]
async fn log_in(
    State(app): State<App>,
    Query(NoParameters): Query<NoParameters>,
    Body(credentials): Body<Credentials>,
) -> Result<Json<Tokens>> {
    let email = credentials.email.to_ascii_lowercase();
    let account = user::Entity::find().filter(user::Column::Email.eq(email)).one(app.db.reader()).await?;
    let stored = account.as_ref().map(|account| account.password_hash.clone());
    let verified = password::verify(&app.password_permits, credentials.password, stored).await?;
    match account {
        Some(account) if verified && account.disabled_at.is_none() => {
            tokens(&app, session::begin(&app, account).await?)
        }
        _ => Err(Error::Unauthorized("the e-mail address or the password is wrong")),
    }
}

/// Get the next access token.
///
/// A refresh token is good once; the answer brings its successor. A used one that comes again ends
/// the session.
#[utoipa::path(
    post,
    path = "/v1/auth/refresh",
    tag = "auth",
    security(()),
    request_body = RefreshToken,
    responses((status = 200, description = "Refreshed", body = Tokens)),
    extensions(("x-permission" = json!("none"))),
)]
async fn refresh(
    State(app): State<App>,
    Query(NoParameters): Query<NoParameters>,
    Body(body): Body<RefreshToken>,
) -> Result<Json<Tokens>> {
    tokens(&app, session::refresh(&app, &body.refresh_token).await?)
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
async fn log_out(
    State(app): State<App>,
    Query(NoParameters): Query<NoParameters>,
    Body(body): Body<RefreshToken>,
) -> Result<StatusCode> {
    session::end(&app, &body.refresh_token).await?;
    Ok(StatusCode::NO_CONTENT)
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
async fn get_me(Signed(caller): Signed, Query(NoParameters): Query<NoParameters>) -> Result<Json<Me>> {
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
        Actor::Nobody => return Err(Error::Unauthorized("send a credential")),
        Actor::Account { id, email, name, role, .. } => Me {
            r#type: CallerType::Account,
            id,
            name,
            email: Some(email),
            role: Some(role),
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
            key_type: Some(kind),
            scopes,
            permissions,
        },
    };
    Ok(Json(me))
}

/// The keys that verify access tokens.
#[utoipa::path(
    get,
    path = "/.well-known/jwks.json",
    tag = "auth",
    security(()),
    responses((status = 200, description = "The key set", body = KeySet)),
    extensions(("x-permission" = json!("none"))),
)]
async fn get_jwks(State(app): State<App>, Query(NoParameters): Query<NoParameters>) -> Json<KeySet> {
    let key = |(kid, x)| PublicKey { kty: "OKP", crv: "Ed25519", r#use: "sig", alg: "EdDSA", kid, x };
    Json(KeySet { keys: app.keyring.public_keys().into_iter().map(key).collect() })
}

fn tokens(app: &App, granted: Granted) -> Result<Json<Tokens>> {
    Ok(Json(Tokens {
        access_token: token::issue(app, granted.user.id, granted.session_id, granted.user.role)?,
        token_type: "Bearer",
        expires_in: token::LIFETIME.num_seconds(),
        refresh_token: granted.refresh_token,
    }))
}
