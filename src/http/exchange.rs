//! What becomes known of a request while it is served, for the envelope that surrounds it.

use std::sync::{Arc, OnceLock};

use axum::{extract::FromRequestParts, http::request::Parts};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::Error;
use crate::entity::vocabulary::ActorType;

/// One request and its answer. Cloning it is cheap.
#[derive(Clone, Debug)]
pub struct Exchange(Arc<Facts>);

#[derive(Debug)]
struct Facts {
    request_id: Arc<str>,
    caller: OnceLock<(ActorType, Uuid)>,
    key_expires: OnceLock<DateTime<Utc>>,
}

impl Exchange {
    /// The exchange whose request has this id.
    #[must_use]
    pub fn new(request_id: &str) -> Self {
        Self(Arc::new(Facts {
            request_id: request_id.into(),
            caller: OnceLock::new(),
            key_expires: OnceLock::new(),
        }))
    }

    /// The id of the request, as in `X-Request-Id`.
    #[must_use]
    pub fn request_id(&self) -> Arc<str> {
        Arc::clone(&self.0.request_id)
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

    /// Until when the key of this request is good, if it came with one.
    #[must_use]
    pub fn key_expiry(&self) -> Option<DateTime<Utc>> {
        self.0.key_expires.get().copied()
    }
}

impl Exchange {
    /// T.
    pub fn allow_origin(&self) {}
    /// T.
    #[must_use]
    pub fn client_ip(&self) -> Option<std::net::IpAddr> {
        None
    }
}

impl<S: Sync> FromRequestParts<S> for Exchange {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        parts.extensions.get().cloned().ok_or_else(|| Error::internal("a request without its envelope"))
    }
}
