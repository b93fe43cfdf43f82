//! How often one caller may ask (SECURITY.md ).
//!
//! What is counted is decided by the method, the matched route and who calls, never by the address as
//! it was written. On SQLite a process counts alone. On PostgreSQL the replicas share their buckets:
//! each takes units on lease and spends them before it takes more. The shared buckets out of reach, a
//! replica goes on counting alone from what it knows, so a limit neither vanishes nor shuts the door.

mod buckets;
mod counter;
mod quota;
mod shared;

use axum::{
    extract::MatchedPath,
    http::{HeaderMap, HeaderName, HeaderValue, Method, request::Parts},
};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use self::{
    buckets::{Bucket, Owner},
    counter::{Taken, Taking},
    quota::Quota,
};
use super::{Error, Exchange, Result, address::ClientPrefix, places::is_bulk};
use crate::{app::App, config::RateLimits};

pub use self::{counter::Limits, shared::purge};

/// Wrong credentials a minute that are told so, for each client; more are told to wait.
const FAILED: u32 = 30;
/// Passwords a minute that are tried by all together, but for those from known devices.
const GUESSES: u32 = 600;
/// One second, in nanoseconds.
const SECOND: i64 = 1_000_000_000;
/// Routes that are never limited.
const UNLIMITED: [&str; 2] = ["/livez", "/readyz"];
/// Where links lead that open something by themselves.
const LINKS: &str = "/v1/previews/";
/// Operations that cost more than one unit, by method and route.
const COSTS: [(&str, &str, u32); 1] = [("POST", "/v1/keys", 10)];
/// What a request about many entries costs.
const BULK_COST: u32 = 100;

/// The headers that tell what is left.
pub const FIELDS: [HeaderName; 2] = [POLICY_FIELD, STATE_FIELD];
const POLICY_FIELD: HeaderName = HeaderName::from_static("ratelimit-policy");
const STATE_FIELD: HeaderName = HeaderName::from_static("ratelimit");

/// What is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Policy {
    /// Reading with a credential.
    Read,
    /// Writing with a credential.
    Write,
    /// Anything without a credential.
    Anonymous,
    /// Using a password, a refresh token or a one-time link.
    SignIn,
    /// Sending a wrong credential.
    Failed,
    /// Trying a password from a device that is not known, by all together.
    Guess,
}

impl Policy {
    /// Its name, as it is sent.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Anonymous => "anonymous",
            Self::SignIn => "sign_in",
            Self::Failed => "failed",
            Self::Guess => "guess",
        }
    }

    fn quota(self, limits: RateLimits) -> Quota {
        Quota::a_minute(match self {
            Self::Read => limits.read,
            Self::Write => limits.write,
            Self::Anonymous => limits.anonymous,
            Self::SignIn => limits.sign_in,
            Self::Failed => FAILED,
            Self::Guess => GUESSES,
        })
    }

    /// Whether every unit is asked for by itself, because somebody may be guessing.
    fn is_strict(self) -> bool {
        matches!(self, Self::SignIn | Self::Failed | Self::Guess)
    }
}

/// Who pays for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payer {
    /// An account or a secret key.
    Credential(Uuid),
    /// A visitor of a page that carries this publishable key.
    Visitor(Uuid),
    /// Somebody without a credential.
    Stranger,
}

/// What a request was charged, and what is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Charge {
    policy: Policy,
    quota: i64,
    left: i64,
    reset_seconds: i64,
}

impl Charge {
    /// Tells the caller what is left.
    ///
    /// Source: draft-ietf-httpapi-ratelimit-headers-10.
    pub fn write(&self, headers: &mut HeaderMap) {
        let name = self.policy.name();
        let [mut quota, mut left, mut reset] = [itoa::Buffer::new(); 3];
        for (field, parts) in [
            (POLICY_FIELD, ["\"", name, "\";q=", quota.format(self.quota), ";w=60", ""]),
            (
                STATE_FIELD,
                ["\"", name, "\";r=", left.format(self.left), ";t=", reset.format(self.reset_seconds)],
            ),
        ] {
            if let Ok(value) = HeaderValue::from_maybe_shared(Bytes::from(parts.concat())) {
                headers.insert(field, value);
            }
        }
    }
}

/// Charges a request whose credential, if it sent one, is good; once, however often it is asked to.
///
/// # Errors
/// 429 when the quota is used up.
pub async fn charge(app: &App, parts: &Parts, payer: Payer) -> Result<()> {
    let Some(exchange) = parts.extensions.get::<Exchange>() else { return Ok(()) };
    let policy = match payer {
        Payer::Stranger => Policy::Anonymous,
        _ if matches!(parts.method, Method::GET | Method::HEAD) => Policy::Read,
        _ => Policy::Write,
    };
    let owner = owner(payer, exchange.client_prefix());
    let route = parts.extensions.get::<MatchedPath>().map(MatchedPath::as_str);
    match owner {
        Some(owner) if exchange.charge().is_none() => {
            charge_owner(app, exchange, policy, owner, cost(&parts.method, route)).await
        }
        _ => Ok(()),
    }
}

/// Charges a request to the route `route` whose handler asks for no caller: signing in, links
/// that open something by themselves, and what lies outside `/v1`.
///
/// # Errors
/// 429 when the quota is used up.
pub async fn charge_route(
    app: &App,
    exchange: &Exchange,
    method: &Method,
    route: Option<&str>,
) -> Result<()> {
    let policy = match route {
        Some(route) if route.starts_with("/v1/auth/") => Policy::SignIn,
        Some(route) if route.starts_with(LINKS) => Policy::Anonymous,
        Some(route) if !route.starts_with("/v1/") && !UNLIMITED.contains(&route) => Policy::Anonymous,
        // An address nobody knows is charged by the fallback, which asks for the caller.
        _ => return Ok(()),
    };
    let Some(client) = exchange.client_prefix() else { return Ok(()) };
    charge_owner(app, exchange, policy, Owner::Client(client), cost(method, route)).await
}

/// Charges a request with a wrong credential. Good credentials from the same address are not touched.
///
/// # Errors
/// 429, to be answered instead of 401, when too many were wrong.
pub async fn charge_failure(app: &App, exchange: &Exchange) -> Result<()> {
    let Some(client) = exchange.client_prefix() else { return Ok(()) };
    charge_owner(app, exchange, Policy::Failed, Owner::Client(client), 1).await
}

/// Charges everybody together for a password that is tried from a device that is not known: guessing
/// from many addresses is bounded too. In-process tests come from no address and are not charged.
///
/// # Errors
/// 429 when too many were tried.
pub async fn charge_guess(app: &App, exchange: &Exchange) -> Result<()> {
    if exchange.client_prefix().is_none() {
        return Ok(());
    }
    // How many others are trying is nobody's business, as long as there is room.
    let told = exchange.charge();
    charge_owner(app, exchange, Policy::Guess, Owner::Everybody, 1).await?;
    if let Some(told) = told {
        exchange.charged(told);
    }
    Ok(())
}

/// How many units a request costs: one, but for the operations that do much.
#[must_use]
pub fn cost(method: &Method, route: Option<&str>) -> u32 {
    let found = COSTS.iter().find(|(other, path, _)| *other == method.as_str() && Some(*path) == route);
    let of_many = if route.is_some_and(is_bulk) { BULK_COST } else { 1 };
    found.map_or(of_many, |(_, _, cost)| *cost)
}

/// Whether requests to the route `route` are limited at all.
#[must_use]
pub fn is_limited(route: &str) -> bool {
    !UNLIMITED.contains(&route)
}

async fn charge_owner(app: &App, exchange: &Exchange, policy: Policy, owner: Owner, cost: u32) -> Result<()> {
    let due = Due::new(app, policy, owner, cost, app.clock.now());
    let (charge, paid) = due.settled(app.limits.take(app, due.taking).await);
    exchange.charged(charge);
    paid
}

/// What a request has to pay.
#[derive(Clone, Copy, Debug)]
pub struct Due {
    policy: Policy,
    taking: Taking,
}

impl Due {
    fn new(app: &App, policy: Policy, owner: Owner, cost: u32, now: DateTime<Utc>) -> Self {
        let quota = policy.quota(app.config.rate_limits);
        let units = i64::from(cost).min(quota.units());
        let now = nanoseconds(now);
        Self { policy, taking: Taking { bucket: Bucket { policy, owner }, quota, units, now } }
    }

    /// What the caller is told of what was `taken`; 429 when it was not there.
    fn settled(&self, taken: Taken) -> (Charge, Result<()>) {
        let Self { policy, taking: Taking { quota, units, now, .. } } = *self;
        let left = quota.left(taken.empty_at, now);
        let seconds = |time: i64| (time + SECOND - 1) / SECOND;
        if taken.fits {
            let reset_seconds = seconds(quota.level(taken.empty_at, now) - now);
            return (Charge { policy, quota: quota.units(), left, reset_seconds }, Ok(()));
        }
        let retry_after = seconds(quota.wait(taken.empty_at, now, units)).max(1);
        let charge = Charge { policy, quota: quota.units(), left, reset_seconds: retry_after };
        (charge, Err(Error::OverQuota { policy: policy.name(), retry_after }))
    }
}

/// What a request that reads has to pay; `None` when nobody said where it is from.
#[must_use]
pub fn of_read(app: &App, payer: Payer, client: Option<ClientPrefix>, now: DateTime<Utc>) -> Option<Due> {
    let policy = if payer == Payer::Stranger { Policy::Anonymous } else { Policy::Read };
    Some(Due::new(app, policy, owner(payer, client)?, 1, now))
}

/// Pays what is due from what this process knows of the bucket; `None` when others have to be asked.
///
/// # Errors
/// 429 when the quota is used up.
#[must_use]
pub fn pay_at_once(app: &App, due: &Due) -> Option<Result<Charge>> {
    let (charge, paid) = due.settled(app.limits.take_at_once(app, due.taking)?);
    Some(paid.map(|()| charge))
}

/// Pays what is due.
///
/// # Errors
/// 429 when the quota is used up.
pub async fn pay(app: &App, due: &Due) -> Result<Charge> {
    let (charge, paid) = due.settled(app.limits.take(app, due.taking).await);
    paid.map(|()| charge)
}

/// Whose bucket it is that `payer`, at `client`, pays from.
fn owner(payer: Payer, client: Option<ClientPrefix>) -> Option<Owner> {
    match (payer, client) {
        (Payer::Visitor(id), Some(client)) => Some(Owner::Visitor(id, client)),
        (Payer::Visitor(id) | Payer::Credential(id), _) => Some(Owner::Credential(id)),
        (Payer::Stranger, client) => client.map(Owner::Client),
    }
}

/// `time` in nanoseconds since 1970.
fn nanoseconds(time: DateTime<Utc>) -> i64 {
    time.timestamp_millis().saturating_mul(1_000_000)
}
