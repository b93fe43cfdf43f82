//! What becomes known of a request while it is served, for the envelope that surrounds it.

use std::sync::{Arc, OnceLock};

use uuid::Uuid;

/// One request and its answer. Cloning it is cheap.
#[derive(Clone, Debug)]
pub struct Exchange(Arc<Facts>);

#[derive(Debug)]
struct Facts {
    request_id: Arc<str>,
    caller: OnceLock<Uuid>,
}

impl Exchange {
    /// The exchange whose request has this id.
    #[must_use]
    pub fn new(request_id: &str) -> Self {
        Self(Arc::new(Facts { request_id: request_id.into(), caller: OnceLock::new() }))
    }

    /// The id of the request, as in `X-Request-Id`.
    #[must_use]
    pub fn request_id(&self) -> Arc<str> {
        Arc::clone(&self.0.request_id)
    }

    /// Says who called; the first to say it is believed.
    pub fn called_by(&self, id: Uuid) {
        // Already set: the same request was looked at before.
        let _ = self.0.caller.set(id);
    }

    /// The account or key that called, once it is known.
    #[must_use]
    pub fn caller(&self) -> Option<Uuid> {
        self.0.caller.get().copied()
    }
}
