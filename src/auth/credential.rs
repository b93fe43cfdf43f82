//! Credentials: whose they are, and whether they are good.

use axum::http::{HeaderMap, HeaderValue, header, request::Parts};
use chrono::{DurationRound, TimeDelta};
use ipnet::IpNet;
use sea_orm::{JoinType, QuerySelect, entity::prelude::*, sea_query::Expr};

use super::{
    Caller, Grants, Scope,
    caller::{Account, Actor, Factor},
    is_closed, key, session, token,
};
use crate::{
    app::App,
    cache::Good,
    crypto::Generation,
    entity::{
        api_key, user,
        vocabulary::{ActorType, AuditAction, KeyType, Visibility},
    },
    http::{Code, Error, Exchange, Result, conditional, limits},
    trail::{self, Event},
};

/// How long a key may lie unused before it is refused.
const UNUSED: TimeDelta = TimeDelta::days(90);

/// Why a key is refused whose time is over.
const EXPIRED: &str = "expired";

/// How long before its end a key is told of it with every answer.
const WARNED: TimeDelta = TimeDelta::days(14);

/// Whom the credential of a request names and what they may do; none without a credential.
///
/// # Errors
/// 401 when it is wrong, 400 when there are two.
pub async fn of(parts: &Parts, app: &App, exchange: Option<&Exchange>) -> Result<Option<(Actor, Grants)>> {
    let verified = match sent(&parts.headers)? {
        None => return Ok(None),
        Some(text) if text.starts_with("sogep_") => with_key(app, text, &parts.headers, exchange).await?,
        Some(text) => with_token(app, text).await?,
    };
    match verified {
        Ok(good) => Ok(Some(good)),
        Err(refused) => {
            // Whoever goes on guessing is told to wait, and fills no trail meanwhile.
            if let Some(exchange) = exchange {
                limits::charge_failure(app, exchange).await?;
            }
            app.trail.note(refused.event.in_request(exchange.map(Exchange::request_id)));
            Err(refused.answer)
        }
    }
}

/// The credential that `Authorization` holds.
#[must_use]
pub fn bearer(value: &HeaderValue) -> Option<&str> {
    let (scheme, text) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| text.trim())
}

/// What the header says. A credential comes there and nowhere else.
fn sent(headers: &HeaderMap) -> Result<Option<&str>> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        let detail = "send one credential".to_owned();
        return Err(Error::Problem(Code::MalformedRequest, detail));
    }
    bearer(value).map(Some).ok_or(Error::Unauthorized("send `Authorization: Bearer …`"))
}

/// Why a credential is refused: what the caller reads, and what the audit trail keeps.
struct Refused {
    answer: Error,
    event: Event,
}

/// A refusal that tells the caller nothing.
fn refused(reason: &'static str) -> Refused {
    Refused {
        answer: Error::Unauthorized("the credential is wrong, expired or revoked"),
        event: Event::refused(AuditAction::AuthnFail, reason),
    }
}

type Verified = std::result::Result<(Actor, Grants), Refused>;

async fn with_token(app: &App, text: &str) -> Result<Verified> {
    let claims = match token::verify(app, text).await? {
        Ok(claims) => claims,
        Err(reason) => return Ok(Err(refused(reason))),
    };
    let known = |reason| {
        let refused = refused(reason);
        Refused { event: refused.event.on("session", claims.sid), ..refused }
    };
    let Some((session, user)) = session::live(app.db.reader(), claims.sid).await? else {
        return Ok(Err(known("unknown_session")));
    };
    if user.id != claims.sub {
        return Ok(Err(known("other_account")));
    }
    if session.ended_at.is_some() || session.expires_at <= app.clock.now() {
        return Ok(Err(known("session_ended")));
    }
    if is_closed(&user) {
        return Ok(Err(known("account_disabled")));
    }
    let needs_factor = app.config.second_factor.is_some_and(|least| user.role >= least);
    let factor = match (session.second_factor, needs_factor) {
        (true, _) => Factor::Shown,
        (false, true) => Factor::Missing,
        (false, false) => Factor::NotNeeded,
    };
    let grants = if factor == Factor::Missing { Grants::NONE } else { Grants::of_role(user.role) };
    let account = Account {
        id: user.id,
        session_id: session.id,
        email: user.email,
        name: user.name,
        role: user.role,
        authenticated_at: session.authenticated_at.unwrap_or(session.created_at),
        factor,
    };
    Ok(Ok((Actor::Account(account), grants)))
}

async fn with_key(
    app: &App,
    text: &str,
    headers: &HeaderMap,
    exchange: Option<&Exchange>,
) -> Result<Verified> {
    // Well-formed or not is told without asking the database (SECURITY.md K-01).
    let Some(prefix) = key::prefix(text) else { return Ok(Err(refused("malformed"))) };
    let seen = app.cache.hearing.moment();
    let found = key_and_creator(app, api_key::Column::Prefix.eq(prefix)).await?;
    // An unknown key takes the same steps as a wrong one.
    let stored = found.as_ref().map_or("", |(row, _)| row.hash.as_str());
    let made_under = app.secrets.check_api_key(text, stored);
    let Some((row, creator)) = found else { return Ok(Err(refused("unknown_key"))) };
    let known = |reason| {
        let refused = refused(reason);
        Refused { event: refused.event.on("key", row.id), ..refused }
    };
    let Some(made_under) = made_under else { return Ok(Err(known("wrong_secret"))) };
    let now = app.clock.now();
    match worthless(&row, creator.as_ref(), now) {
        // Only who has the whole key learns this.
        Some(reason @ EXPIRED) => {
            let detail = "the key has expired: an administrator can make a new one".to_owned();
            return Ok(Err(Refused { answer: Error::Problem(Code::KeyExpired, detail), ..known(reason) }));
        }
        Some(reason) => return Ok(Err(known(reason))),
        None => {}
    }
    let list = |stored: &Option<Json>| -> Result<Vec<String>> {
        stored.clone().map_or_else(|| Ok(Vec::new()), serde_json::from_value).map_err(Error::internal)
    };
    let (origins, networks) = (list(&row.origins)?, list(&row.networks)?);
    if !networks.is_empty() && !is_within(&networks, exchange) {
        return Ok(Err(known("network")));
    }
    // A browser says which page it is for. Programs do not, and whoever forges it has no need of one.
    if let (Some(origin), false) = (headers.get(header::ORIGIN), origins.is_empty()) {
        if !origins.iter().any(|known| known.as_bytes() == origin.as_bytes()) {
            return Ok(Err(known("origin")));
        }
        if let Some(exchange) = exchange {
            exchange.allow_origin();
        }
    }
    // What is stored of a key made under the previous master secret is replaced when it is shown.
    let renewed = (made_under == Generation::Previous).then(|| app.secrets.api_key_hash(text));
    note_use(app, &row, renewed, exchange);
    if let Some(exchange) = exchange.filter(|_| row.expires_at - now <= WARNED) {
        exchange.key_expires(row.expires_at);
    }
    let (scopes, grants) = granted(&row, creator.as_ref())?;
    let (id, expires_at) = (row.id, row.expires_at);
    let actor = Actor::Key { id, name: row.name, kind: row.r#type, scopes };
    // The next requests of who reads what is public, from wherever, need not ask the database.
    if grants == Caller::PUBLIC.grants && networks.is_empty() {
        let expires = (expires_at - now <= WARNED).then(|| conditional::date(expires_at)).flatten();
        let good = Good { id, payer: actor.payer(), origins, expires_at, expires };
        app.cache.known.remember(text, good, now, seen);
    }
    Ok(Ok((actor, grants)))
}

/// The key that `condition` describes, and who made it.
async fn key_and_creator(
    app: &App,
    condition: Expr,
) -> Result<Option<(api_key::Model, Option<user::Model>)>> {
    let to_creator = api_key::Entity::belongs_to(user::Entity)
        .from(api_key::Column::CreatedBy)
        .to(user::Column::Id)
        .into();
    let select = api_key::Entity::find().filter(condition).join(JoinType::LeftJoin, to_creator);
    Ok(select.select_also(user::Entity).one(app.db.reader()).await?)
}

/// Why a key is good no more, in one word.
fn worthless(row: &api_key::Model, creator: Option<&user::Model>, now: DateTimeUtc) -> Option<&'static str> {
    if row.revoked_at.is_some() {
        Some("revoked")
    } else if row.expires_at <= now {
        Some(EXPIRED)
    } else if now - row.last_used_at.unwrap_or(row.created_at) > UNUSED {
        Some("unused")
    } else if creator.is_some_and(is_closed) {
        Some("creator_disabled")
    } else {
        None
    }
}

/// The scopes of a key that is good, and what it may do now.
fn granted(row: &api_key::Model, creator: Option<&user::Model>) -> Result<(Vec<Scope>, Grants)> {
    let scopes: Vec<Scope> = serde_json::from_value(row.scopes.clone()).map_err(Error::internal)?;
    // A key made on the command line has no creator whose rights could limit it.
    let limit = creator.map_or(Caller::SYSTEM.grants, |creator| Grants::of_role(creator.role));
    // Nor does a partner's key ever see or publish what others are writing (SECURITY.md K-03, Z-07).
    let limit = Grants { edits: limit.edits && row.partner_id.is_none(), ..limit };
    let grants = match row.r#type {
        KeyType::Publishable => Grants { reads: Some(Visibility::Public), ..Grants::NONE },
        KeyType::Secret => Grants::of_scopes(&scopes, limit),
    };
    Ok((scopes, grants))
}

/// What the account or key `id` may do now, when it is not there to ask: nothing, once it is closed or
/// good no more.
///
/// # Errors
/// When the database fails.
pub async fn grants_of(app: &App, id: Uuid) -> Result<Grants> {
    if let Some(account) = user::Entity::find_by_id(id).one(app.db.reader()).await? {
        return Ok(if is_closed(&account) { Grants::NONE } else { Grants::of_role(account.role) });
    }
    match key_and_creator(app, api_key::Column::Id.eq(id)).await? {
        Some((row, creator)) if worthless(&row, creator.as_ref(), app.clock.now()).is_none() => {
            Ok(granted(&row, creator.as_ref())?.1)
        }
        _ => Ok(Grants::NONE),
    }
}

/// Whether the request comes from one of `networks`; one whose origin is not known comes from none.
fn is_within(networks: &[String], exchange: Option<&Exchange>) -> bool {
    let Some(address) = exchange.and_then(Exchange::client_ip) else { return false };
    networks.iter().filter_map(|network| network.parse::<IpNet>().ok()).any(|net| net.contains(&address))
}

/// Notes that a key is in use: beside the request, and at most once a minute.
fn note_use(app: &App, row: &api_key::Model, renewed: Option<String>, exchange: Option<&Exchange>) {
    // To the minute, which is all that anybody needs to know.
    let now = app.clock.now().duration_trunc(TimeDelta::minutes(1)).unwrap_or_else(|_never| app.clock.now());
    let recently = row.last_used_at.is_some_and(|last| now - last < TimeDelta::minutes(1));
    if recently && renewed.is_none() {
        return;
    }
    let first = row.last_used_at.is_none().then(|| {
        let event = Event::done(AuditAction::KeyFirstUsed).by(ActorType::Key, Some(row.id)).on("key", row.id);
        event.in_request(exchange.map(Exchange::request_id))
    });
    let (app, id) = (app.clone(), row.id);
    let seen = row.last_used_at;
    tokio::spawn(async move {
        let noted = async {
            let tx = app.db.begin().await?;
            let unchanged = seen.map_or_else(
                || api_key::Column::LastUsedAt.is_null(),
                |seen| api_key::Column::LastUsedAt.eq(seen),
            );
            let hash = renewed.map_or_else(|| Expr::col(api_key::Column::Hash), Expr::value);
            let updated = api_key::Entity::update_many()
                .col_expr(api_key::Column::LastUsedAt, Expr::value(now))
                .col_expr(api_key::Column::Hash, hash)
                .filter(api_key::Column::Id.eq(id))
                .filter(unchanged)
                .exec(&tx)
                .await?;
            // Of many requests at once, one has noted it.
            if updated.rows_affected > 0 {
                trail::record(&tx, now, first).await?;
            }
            Ok::<(), Error>(tx.commit().await?)
        };
        if let Err(error) = noted.await {
            tracing::warn!(%error, "the use of a key could not be noted");
        }
    });
}
