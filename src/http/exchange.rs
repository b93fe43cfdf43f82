//! What becomes known of a request while it is served, for the envelope that surrounds it.

use std::{
    fmt,
    net::IpAddr,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::{extract::FromRequestParts, http::request::Parts};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Error, address::ClientPrefix, limits::Charge};
use crate::entity::vocabulary::ActorType;

/// One request and its answer. Cloning it is cheap.
#[derive(Clone)]
pub struct Exchange(Arc<Facts>);

struct Facts {
    request_id: Arc<str>,
    client: Option<IpAddr>,
    caller: OnceLock<(ActorType, Uuid)>,
    key_expires: OnceLock<DateTime<Utc>>,
    charge: Mutex<Option<Charge>>,
    origin_is_allowed: AtomicBool,
}

impl Exchange {
    /// The exchange whose request has this id and came from `client`.
    #[must_use]
    pub fn new(request_id: &str, client: Option<IpAddr>) -> Self {
        Self(Arc::new(Facts {
            request_id: request_id.into(),
            client,
            caller: OnceLock::new(),
            key_expires: OnceLock::new(),
            charge: Mutex::default(),
            origin_is_allowed: AtomicBool::new(false),
        }))
    }

    /// The id of the request, as in `X-Request-Id`.
    #[must_use]
    pub fn request_id(&self) -> Arc<str> {
        Arc::clone(&self.0.request_id)
    }

    /// The client's address, for comparing it with the networks a key is bound to. It must be
    /// neither logged nor stored (SECURITY.md P-08). `None` when nobody said where the request is from.
    #[must_use]
    pub fn client_ip(&self) -> Option<IpAddr> {
        self.0.client
    }

    /// What counts as one client, for limits by address.
    #[must_use]
    pub fn client_prefix(&self) -> Option<ClientPrefix> {
        self.0.client.map(ClientPrefix::of)
    }

    /// Says who called; the first to say it is believed.
    pub fn called_by(&self, actor_type: ActorType, id: Uuid) {
        // Already set: the same request was looked at before.
        let _ = self.0.caller.set((actor_type, id));
    }

    /// The account or key that called, once it is known.
    #[must_use]
    pub fn caller(&self) -> Option<(ActorType, Uuid)> {
        self.0.caller.get().copied()
    }

    /// Says until when the key of this request is good.
    pub fn key_expires(&self, at: DateTime<Utc>) {
        // As above.
        let _ = self.0.key_expires.set(at);
    }

    /// Until when the key of this request is good, if it came with one that is soon good no more.
    #[must_use]
    pub fn key_expiry(&self) -> Option<DateTime<Utc>> {
        self.0.key_expires.get().copied()
    }

    /// Notes what the request was charged; the last charge is what the answer tells.
    pub fn charged(&self, charge: Charge) {
        *self.0.charge.lock().unwrap_or_else(PoisonError::into_inner) = Some(charge);
    }

    /// What the request was charged, if it was.
    #[must_use]
    pub fn charge(&self) -> Option<Charge> {
        *self.0.charge.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says that the caller is a publishable key bound to the very `Origin` of this request, whose
    /// page may therefore read the answer.
    pub fn allow_origin(&self) {
        self.0.origin_is_allowed.store(true, Ordering::Relaxed);
    }

    /// Whether somebody called [`Exchange::allow_origin`].
    #[must_use]
    pub fn origin_is_allowed(&self) -> bool {
        self.0.origin_is_allowed.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for Exchange {
    /// Without the address.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Exchange")
            .field("request_id", &self.0.request_id)
            .field("caller", &self.0.caller.get())
            .finish_non_exhaustive()
    }
}

impl<S: Sync> FromRequestParts<S> for Exchange {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        parts.extensions.get().cloned().ok_or_else(|| Error::internal("a request without its envelope"))
    }
}
