//! Access tokens: short-lived, signed with Ed25519, good only together with their session.
//!
//! Source: RFC 9068 (profile), RFC 8725 (best practice), RFC 8037 (`EdDSA`).

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, Header, Validation, errors::ErrorKind};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    app::App,
    entity::vocabulary::AccountRole,
    http::{Error, Result},
};

/// How long an access token is good.
pub const LIFETIME: TimeDelta = TimeDelta::minutes(10);
/// How far two clocks may differ.
const LEEWAY: TimeDelta = TimeDelta::seconds(30);
const TYPE: &str = "at+jwt";

/// What an access token says.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    /// Who issued it: our base URL.
    pub iss: String,
    /// Whom it is for: our base URL.
    pub aud: String,
    /// The account.
    pub sub: Uuid,
    /// The session it belongs to.
    pub sid: Uuid,
    /// Its own id.
    pub jti: Uuid,
    /// When it was issued, in seconds since 1970.
    pub iat: i64,
    /// From when it is good.
    pub nbf: i64,
    /// Until when it is good.
    pub exp: i64,
    /// The account's role when it was issued; what counts is the role it has now.
    pub scope: AccountRole,
}

/// Issues an access token for the session `sid` of the account `sub`.
///
/// # Errors
/// When there is no key to sign with.
pub fn issue(app: &App, sub: Uuid, sid: Uuid, role: AccountRole) -> Result<String> {
    let now = app.clock.now();
    let claims = Claims {
        iss: app.config.base_url.clone(),
        aud: app.config.base_url.clone(),
        sub,
        sid,
        jti: app.clock.secret_id(),
        iat: now.timestamp(),
        nbf: now.timestamp(),
        exp: (now + LIFETIME).timestamp(),
        scope: role,
    };
    let (kid, key) = app.keyring.active(now).ok_or_else(|| Error::internal("no signing key"))?;
    jsonwebtoken::encode(&ours(kid), &claims, &key).map_err(Error::internal)
}

/// Reads an access token; says in one word why it is not one of ours and good now.
///
/// # Errors
/// When the signing keys cannot be read.
pub async fn verify(app: &App, token: &str) -> Result<std::result::Result<Claims, &'static str>> {
    let Ok(header) = jsonwebtoken::decode_header(token) else { return Ok(Err("malformed")) };
    let Some(kid) = header.kid.clone() else { return Ok(Err("header")) };
    // The algorithm and the key are ours to choose. A header that says anything but what we write
    // (`jku`, `jwk`, `x5u`, `crit`, `b64`, …) is none of ours.
    if header != ours(kid.clone()) {
        return Ok(Err("header"));
    }
    let Some(key) = app.keyring.find(&app.db, &app.clock, &kid).await.map_err(Error::internal)? else {
        return Ok(Err("unknown_signing_key"));
    };
    let mut validation = Validation::new(Algorithm::EdDSA);
    // Issuer, audience and times are compared below, exactly and with our own clock.
    validation.validate_aud = false;
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.set_required_spec_claims::<&str>(&[]);
    let claims = match jsonwebtoken::decode::<Claims>(token, &key, &validation) {
        Ok(data) => data.claims,
        Err(error) => {
            return Ok(Err(match error.kind() {
                ErrorKind::InvalidSignature => "signature",
                _ => "claims",
            }));
        }
    };
    if claims.iss != app.config.base_url || claims.aud != app.config.base_url {
        return Ok(Err("audience"));
    }
    Ok(if is_good_at(&claims, app.clock.now()) { Ok(claims) } else { Err("expired") })
}

/// The header of the tokens that the key `kid` signs.
fn ours(kid: String) -> Header {
    Header { typ: Some(TYPE.to_owned()), kid: Some(kid), ..Header::new(Algorithm::EdDSA) }
}

fn is_good_at(claims: &Claims, now: DateTime<Utc>) -> bool {
    let at = |seconds| DateTime::from_timestamp(seconds, 0);
    at(claims.exp).is_some_and(|exp| now < exp + LEEWAY)
        && at(claims.nbf).is_some_and(|nbf| nbf <= now + LEEWAY)
        && at(claims.iat).is_some_and(|iat| iat <= now + LEEWAY)
}
