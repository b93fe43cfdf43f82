//! Effects that take place once, however often their request is sent (SECURITY.md N-01 to N-03).
//!
//! A caller gives the request a key (`Idempotency-Key`). The answer is kept under it in the very
//! transaction of the effect: either both are there or neither. When the request comes again, the kept
//! answer is given instead of a second effect. What is refused keeps nothing (Z-08), so the same key
//! can be used for the mended request.
//!
//! To join, a handler of `POST` asks for [`Once`] around its body, begins its transaction with
//! [`Effect::begin`] and ends it with [`Effect::commit`]. Permissions are checked before that, by the
//! arguments that come first.

mod kept;
mod name;
mod sent;

pub use kept::{KEPT, delete_expired, reseal};

use axum::{
    body::to_bytes,
    extract::{FromRequest, FromRequestParts, Request},
    response::{IntoResponse, Response},
};
use sea_orm::DatabaseTransaction;

use self::{name::Name, sent::Sent};
use super::{Caller, Grants};
use crate::{
    app::App,
    db,
    http::{Code, Error, Result, idempotency::Flight},
};

/// How large an answer may be that is kept, in bytes.
const LARGEST: usize = 8 * 1024 * 1024;

/// What an operation is to do, and the body `B` that says so.
///
/// A request whose answer is known is given that instead of reaching its handler.
#[derive(Debug)]
pub struct Once<B>(pub Effect, pub B);

/// The body of an operation that takes none: whatever comes is not looked at.
#[derive(Clone, Copy, Debug)]
pub struct NoBody;

impl FromRequest<App> for NoBody {
    type Rejection = Error;

    async fn from_request(_: Request, _: &App) -> Result<Self> {
        Ok(Self)
    }
}

/// What a request does to the database. Without a key it is a transaction like any other.
#[derive(Debug)]
pub struct Effect {
    app: App,
    named: Option<Named>,
}

/// A request that has a key.
#[derive(Debug)]
struct Named {
    name: Name,
    fingerprint: Vec<u8>,
    grants: Grants,
    /// While this lives, no other request of the name is served in this process.
    _flight: Flight,
}

/// Why the handler is not called.
#[derive(Debug)]
pub enum Refusal {
    /// The request is refused.
    Error(Error),
    /// It was carried out before; this is the answer.
    Known(Box<Response>),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::Error(error) => error.into_response(),
            Self::Known(answer) => *answer,
        }
    }
}

impl<B: FromRequest<App, Rejection = Error> + Send> FromRequest<App> for Once<B> {
    type Rejection = Refusal;

    async fn from_request(request: Request, app: &App) -> Result<Self, Refusal> {
        let (mut parts, body) = request.into_parts();
        let caller = Caller::from_request_parts(&mut parts, app).await?;
        let Some(name) = Name::of(&parts, &caller)? else {
            let body = B::from_request(Request::from_parts(parts, body), app).await?;
            return Ok(Self(Effect { app: app.clone(), named: None }, body));
        };
        let flight = app.in_flight.begin(name.to_string()).ok_or_else(in_use)?;
        let sent = Sent::begin(&parts.headers);
        let body = B::from_request(Request::from_parts(parts, sent.with(body)), app).await?;
        let named = Named { name, fingerprint: sent.fingerprint(), grants: caller.grants, _flight: flight };
        match kept::find(app.db.reader(), &named.name, app.clock.now()).await? {
            Some(row) => {
                let answer = kept::answer(app, &row, &named.fingerprint, named.grants)?;
                Err(Refusal::Known(Box::new(answer)))
            }
            None => Ok(Self(Effect { app: app.clone(), named: Some(named) }, body)),
        }
    }
}

impl Effect {
    /// Begins the transaction of the effect. Dropping it rolls it back.
    ///
    /// # Errors
    /// 409 when the same request is, or has just been, carried out elsewhere; when the database fails.
    pub async fn begin(&self) -> Result<DatabaseTransaction> {
        let tx = self.app.db.begin().await?;
        if let Some(Named { name, .. }) = &self.named {
            // Whoever had the lock has committed before giving it up, and the next statement sees that.
            let is_alone = db::try_lock(&tx, name.number()).await?;
            if !is_alone || kept::find(&tx, name, self.app.clock.now()).await?.is_some() {
                return Err(in_use());
            }
        }
        Ok(tx)
    }

    /// Ends the transaction of the effect and gives back `answer`, which is kept with it. An answer
    /// that tells no success keeps nothing: the transaction is rolled back.
    ///
    /// # Errors
    /// When the database fails; then the same request, sent again, tells what has become of it.
    pub async fn commit(self, tx: DatabaseTransaction, answer: impl IntoResponse) -> Result<Response> {
        let answer = answer.into_response();
        if !answer.status().is_success() {
            tx.rollback().await?;
            return Ok(answer);
        }
        let Some(Named { name, fingerprint, grants, _flight }) = self.named else {
            tx.commit().await?;
            return Ok(answer);
        };
        let (parts, body) = answer.into_parts();
        let body = to_bytes(body, LARGEST).await.map_err(Error::internal)?;
        kept::keep(&self.app, &tx, name, &fingerprint, grants, (&parts, &body)).await?;
        tx.commit().await?;
        Ok(Response::from_parts(parts, body.into()))
    }
}

fn in_use() -> Error {
    let detail = "a request with this key is being carried out; send it again for its answer".to_owned();
    Error::Problem(Code::IdempotencyKeyInUse, detail)
}
