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
/// What the place of a header takes in a map, in bytes.
const HEADER_BYTES: usize = 112;

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
    headers: HeaderMap,
    plain: Body,
    coded: Vec<Body>,
    /// Whether it was asked for again, compressed.
    is_wanted: AtomicBool,
}

impl Answer {
    /// The answer with these headers, the tag among them, and these bytes; none without a tag.
    #[must_use]
    pub fn new(
        (sources, seen): (Sources, Seen),
        (route, took): (Arc<str>, Arc<Histogram>),
        headers: &HeaderMap,
        bytes: &[u8],
    ) -> Option<Self> {
        let tag = headers.get(header::ETAG)?.clone();
        let mut kept = HeaderMap::new();
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
        // What the bytes were written into may be twice as large.
        let plain = Body { coding: Coding::Identity, bytes: Bytes::copy_from_slice(bytes), tag };
        Some(Self {
            sources,
            seen,
            route,
            took,
            headers: kept,
            plain,
            coded: Vec::new(),
            is_wanted: AtomicBool::new(false),
        })
    }

    fn body(&self, accepted: Accepted) -> &Body {
        let coded = |coding| self.coded.iter().find(move |body| body.coding == coding);
        let brotli = accepted.brotli.then(|| coded(Coding::Brotli)).flatten();
        brotli.or_else(|| coded(Coding::Gzip).filter(|_| accepted.gzip)).unwrap_or(&self.plain)
    }

    fn bodies(&self) -> impl Iterator<Item = &Body> {
        [&self.plain].into_iter().chain(&self.coded)
    }

    /// The headers and the bytes of the answer for whoever takes these codings.
    #[must_use]
    pub fn whole(&self, accepted: Accepted) -> (HeaderMap, Bytes) {
        let body = self.body(accepted);
        let mut headers = self.headers.clone();
        headers.insert(header::ETAG, body.tag.clone());
        if let Some(name) = body.coding.name() {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
        }
        (headers, body.bytes.clone())
    }

    /// The headers of the answer to whoever sends `If-None-Match` and has it already, in whatever coding.
    #[must_use]
    pub fn unchanged(&self, if_none_match: &HeaderValue) -> Option<HeaderMap> {
        let list = if_none_match.as_bytes();
        let tag = if let Some(body) = self.bodies().find(|body| body.tag.as_bytes() == list) {
            body.tag.clone()
        } else {
            let plain = self.plain.tag.to_str().ok()?;
            HeaderValue::from_str(conditional::known(if_none_match, plain)?).ok()?
        };
        let mut headers = self.headers.clone();
        headers.insert(header::ETAG, tag);
        headers.remove(header::CONTENT_TYPE);
        Some(headers)
    }

    /// Whether it is time to make the answer in the coding that is wanted: when that is asked for again.
    #[must_use]
    pub fn is_due(&self, accepted: Accepted) -> bool {
        let best = accepted.best();
        best != Coding::Identity
            && self.plain.bytes.len() >= LEAST
            && self.coded.iter().all(|body| body.coding != best)
            && self.is_wanted.swap(true, Ordering::AcqRel)
    }

    /// The same answer, in the coding `coding` too. Milliseconds of computing.
    #[must_use]
    pub fn coded(&self, coding: Coding) -> Option<Self> {
        let plain = &self.plain;
        let bytes = Bytes::copy_from_slice(&coding.encode(&plain.bytes).ok()?);
        let name = coding.name()?;
        let tag = plain.tag.to_str().ok()?.strip_suffix('"')?;
        let tag = HeaderValue::try_from(format!("{tag}-{name}\"")).ok()?;
        let mut coded = self.coded.clone();
        coded.push(Body { coding, bytes, tag });
        Some(Self {
            sources: self.sources,
            seen: self.seen.clone(),
            route: Arc::clone(&self.route),
            took: Arc::clone(&self.took),
            headers: self.headers.clone(),
            plain: plain.clone(),
            coded,
            is_wanted: AtomicBool::new(false),
        })
    }

    /// What it takes, in bytes.
    #[must_use]
    pub fn weight(&self) -> u64 {
        let bodies = self.bodies().map(|body| size_of::<Body>() + body.bytes.len() + body.tag.len());
        let headers = self.headers.values().map(HeaderValue::len).sum::<usize>();
        let places = self.headers.capacity() * HEADER_BYTES;
        (size_of::<Self>() + bodies.sum::<usize>() + headers + places) as u64
    }
}
