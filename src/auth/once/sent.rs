//! What a request says, as a hash.

use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest::{Context, SHA256};
use axum::{
    body::Body,
    http::{HeaderMap, header},
};
use http_body_util::BodyExt;

/// The hash of a request's body and of the headers that decide what it means. It grows while the body
/// is read, so it does not matter who reads it.
#[derive(Clone)]
pub struct Sent(Arc<Mutex<Context>>);

impl Sent {
    /// The hash of `headers`, and of what follows.
    pub fn begin(headers: &HeaderMap) -> Self {
        let mut context = Context::new(&SHA256);
        for name in [header::CONTENT_TYPE, header::IF_MATCH] {
            for value in headers.get_all(&name) {
                context.update(name.as_str().as_bytes());
                context.update(&value.len().to_be_bytes());
                context.update(value.as_bytes());
            }
        }
        context.update(b"body");
        Self(Arc::new(Mutex::new(context)))
    }

    /// `body`, which is hashed as it is read.
    pub fn with(&self, body: Body) -> Body {
        let sent = self.clone();
        Body::new(body.map_frame(move |frame| {
            if let Some(data) = frame.data_ref() {
                sent.0.lock().unwrap_or_else(PoisonError::into_inner).update(data);
            }
            frame
        }))
    }

    /// The hash of all that was read.
    pub fn fingerprint(&self) -> Vec<u8> {
        let context = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        context.finish().as_ref().to_vec()
    }
}
