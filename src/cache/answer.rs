//! An answer as it is kept.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use bytes::Bytes;

use super::{Accepted, Coding, Sources, hearing::Seen};
use crate::{
    http::{
        conditional,
        envelope::{REQUEST_ID, SECURITY_HEADERS},
        limits::FIELDS,
    },
    metrics::Histogram,
};

/// The headers of an answer that are the same for all its readers; [`crate::http::envelope`] adds its own.
const KEPT: [HeaderName; 6] = [
    header::CONTENT_TYPE,
    header::CACHE_CONTROL,
    header::VARY,
    header::CONTENT_LANGUAGE,
    header::LAST_MODIFIED,
    header::LINK,
];
/// What is smaller is not worth compressing, in bytes.
const LEAST: usize = 512;
/// What a header takes besides its value, in bytes, at a guess.
const HEADER_BYTES: usize = 64;

/// Says of a response that everybody who reads what is public may have it, and what it was made of.
#[derive(Clone, Copy, Debug)]
pub struct Made(pub Sources);

/// The bytes of an answer in one coding.
#[derive(Clone, Debug)]
pub struct Body {
    /// The coding.
    pub coding: Coding,
    /// The bytes.
    pub bytes: Bytes,
    /// Their strong entity tag.
    pub tag: HeaderValue,
    /// The headers of the answer.
    pub headers: HeaderMap,
    /// The headers when the client has it already.
    pub unchanged: HeaderMap,
}

/// A finished answer.
#[derive(Debug)]
pub struct Answer {
    /// What it was made of.
    pub sources: Sources,
    /// When.
    pub seen: Seen,
    /// The template of its route.
    pub route: Arc<str>,
    /// How long answers of the route take.
    pub took: Arc<Histogram>,
    bodies: Vec<Body>,
    /// Whether it was asked for again, compressed.
    is_wanted: AtomicBool,
}

impl Body {
    fn new(coding: Coding, bytes: Bytes, tag: HeaderValue, headers: HeaderMap) -> Self {
        let mut unchanged = headers.clone();
        unchanged.remove(header::CONTENT_TYPE);
        unchanged.remove(header::CONTENT_ENCODING);
        Self { coding, bytes, tag, headers, unchanged }
    }
}

impl Answer {
    /// The answer with these headers, the tag among them, and these bytes; none without a tag.
    #[must_use]
    pub fn new(
        (sources, seen): (Sources, Seen),
        (route, took): (Arc<str>, Arc<Histogram>),
        headers: &HeaderMap,
        bytes: Bytes,
    ) -> Option<Self> {
        let tag = headers.get(header::ETAG)?.clone();
        let mut kept = HeaderMap::with_capacity(24);
        for name in KEPT {
            kept.extend(headers.get(&name).map(|value| (name, value.clone())));
        }
        for (name, value) in SECURITY_HEADERS {
            kept.insert(name, HeaderValue::from_static(value));
        }
        kept.insert(header::ETAG, tag.clone());
        // Places for what every answer has of its own: a map that grows is copied.
        for name in FIELDS.into_iter().chain([REQUEST_ID]) {
            kept.insert(name, HeaderValue::from_static(""));
        }
        let body = Body::new(Coding::Identity, bytes, tag, kept);
        Some(Self { sources, seen, route, took, bodies: vec![body], is_wanted: AtomicBool::new(false) })
    }

    /// The answer for whoever takes these codings.
    #[must_use]
    pub fn body(&self, accepted: Accepted) -> &Body {
        let best = accepted.best();
        let is = |coding| move |body: &&Body| body.coding == coding;
        let found = self.bodies.iter().find(is(best));
        // Made of one piece: there is always the identity.
        found
            .or_else(|| self.bodies.iter().find(is(Coding::Gzip)).filter(|_| accepted.gzip))
            .unwrap_or(&self.bodies[0])
    }

    /// The headers of the answer to whoever sends `If-None-Match` and has it already, in whatever coding.
    #[must_use]
    pub fn unchanged(&self, if_none_match: &HeaderValue) -> Option<HeaderMap> {
        let list = if_none_match.as_bytes();
        if let Some(body) = self.bodies.iter().find(|body| body.tag.as_bytes() == list) {
            return Some(body.unchanged.clone());
        }
        let plain = self.bodies.first()?;
        let known = conditional::known(if_none_match, plain.tag.to_str().ok()?)?;
        let mut headers = plain.unchanged.clone();
        headers.insert(header::ETAG, HeaderValue::from_str(known).ok()?);
        Some(headers)
    }

    /// Whether it is time to make the answer in the coding that is wanted: when that is asked for again.
    #[must_use]
    pub fn is_due(&self, accepted: Accepted) -> bool {
        let best = accepted.best();
        best != Coding::Identity
            && self.bodies.first().is_some_and(|body| body.bytes.len() >= LEAST)
            && self.bodies.iter().all(|body| body.coding != best)
            && self.is_wanted.swap(true, Ordering::AcqRel)
    }

    /// The same answer, in the coding `coding` too. Milliseconds of computing.
    #[must_use]
    pub fn coded(&self, coding: Coding) -> Option<Self> {
        let plain = self.bodies.first()?;
        let bytes = Bytes::from(coding.encode(&plain.bytes).ok()?);
        let name = coding.name()?;
        let tag = plain.tag.to_str().ok()?.strip_suffix('"')?;
        let tag = HeaderValue::try_from(format!("{tag}-{name}\"")).ok()?;
        let mut headers = plain.headers.clone();
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
        headers.insert(header::ETAG, tag.clone());
        let mut bodies = self.bodies.clone();
        bodies.push(Body::new(coding, bytes, tag, headers));
        Some(Self {
            sources: self.sources,
            seen: self.seen.clone(),
            route: Arc::clone(&self.route),
            took: Arc::clone(&self.took),
            bodies,
            is_wanted: AtomicBool::new(false),
        })
    }

    /// What it takes, in bytes.
    #[must_use]
    pub fn weight(&self) -> u64 {
        let headers =
            |body: &Body| -> usize { body.headers.values().map(|value| HEADER_BYTES + value.len()).sum() };
        let bodies = self.bodies.iter().map(|body| size_of::<Body>() + body.bytes.len() + headers(body));
        (size_of::<Self>() + bodies.sum::<usize>()) as u64
    }
}
