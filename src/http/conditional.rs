//! Entity tags: what a reader has, and which version a writer read.
//!
//! Source: RFC 9110, sections 8.8.3 and 13.

use std::fmt;

use aws_lc_rs::digest;
use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use chrono::{DateTime, Utc};

use super::{Code, Error, Result};

/// What the tags of answers in a content coding end with.
pub const CODED: [&str; 2] = ["-br", "-gzip"];

/// What a writer has read: a version of an entry, or of its working copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    /// Its number; 0: of nothing that has versions.
    pub number: i32,
    /// Whether it is one of the working copy.
    pub is_copy: bool,
}

impl Version {
    /// A version of what readers see.
    #[must_use]
    pub const fn live(number: i32) -> Self {
        Self { number, is_copy: false }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}{}", self.number, if self.is_copy { "d" } else { "" })
    }
}

/// The strong tag of the answer `body`, which shows version `version` of its entry.
#[must_use]
pub fn tag(version: Version, body: &[u8]) -> String {
    let digest = digest::digest(&digest::SHA256, body);
    let short: Vec<u8> = digest.as_ref().iter().take(12).copied().collect();
    format!("\"{version}.{}\"", BASE64.encode(short))
}

/// `at` as headers write it. Source: RFC 9110, section 5.6.7.
#[must_use]
pub fn date(at: DateTime<Utc>) -> Option<HeaderValue> {
    HeaderValue::from_str(&at.format("%a, %d %b %Y %H:%M:%S GMT").to_string()).ok()
}

/// The version that `If-Match` names.
///
/// A writer may have read any representation of the entry (any language), so only the part of the
/// tag that all of them share counts.
///
/// # Errors
/// 428 when there is no `If-Match`, 412 when it is not a tag of ours; `*` is not taken: it would
/// overwrite unseen work.
pub fn required_version(headers: &HeaderMap) -> Result<Version> {
    match optional_version(headers)? {
        Some(version) => Ok(version),
        None => Err(Error::Problem(
            Code::PreconditionRequired,
            "send `If-Match` with the `ETag` you read".to_owned(),
        )),
    }
}

/// The version that `If-Match` names, if there is one.
///
/// # Errors
/// 412 when it is not a tag of ours, or several.
pub fn optional_version(headers: &HeaderMap) -> Result<Option<Version>> {
    let mut values = headers.get_all(header::IF_MATCH).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let version = value
        .to_str()
        .ok()
        .and_then(|text| text.trim().strip_prefix('"')?.strip_suffix('"')?.split_once('.'))
        .filter(|(_, rest)| !rest.contains('"'))
        .and_then(|(version, _)| {
            let number = version.strip_suffix('d');
            let (number, is_copy) = (number.unwrap_or(version), number.is_some());
            let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
            Some(Version { number: number.parse().ok().filter(|_| is_number)?, is_copy })
        });
    match version {
        Some(version) if values.next().is_none() => Ok(Some(version)),
        _ => Err(Error::Problem(
            Code::PreconditionFailed,
            "`If-Match` must be one entity tag as this service sent it".to_owned(),
        )),
    }
}

/// The tag in the list of `If-None-Match` that is `tag`, or `tag` of the same answer in a content coding:
/// whoever has that has this. Source: RFC 9110, sections 8.8.3 and 13.1.2.
#[must_use]
pub fn known<'a>(list: &'a HeaderValue, tag: &'a str) -> Option<&'a str> {
    list.to_str().ok()?.split(',').map(str::trim).find_map(|item| {
        match item.strip_prefix("W/").unwrap_or(item) {
            "*" => Some(tag),
            item => (plain(item) == plain(tag)).then_some(item),
        }
    })
}

/// A tag without its quotes and the name of a content coding.
fn plain(tag: &str) -> Option<&str> {
    let inner = tag.strip_prefix('"')?.strip_suffix('"')?;
    Some(CODED.iter().find_map(|coding| inner.strip_suffix(coding)).unwrap_or(inner))
}

/// Answers with `body`, or with 304 when the caller has it already.
#[must_use]
pub fn answer(request: &HeaderMap, etag: &str, mut response: Response<Vec<u8>>) -> Response {
    if let Ok(value) = HeaderValue::from_str(etag) {
        response.headers_mut().insert(header::ETAG, value);
    }
    unless_known(response.map(Body::from).into_response(), request.get_all(header::IF_NONE_MATCH))
}

/// `response`, or 304 when a tag of `If-None-Match` is its own.
#[must_use]
pub fn unless_known<'a>(response: Response, lists: impl IntoIterator<Item = &'a HeaderValue>) -> Response {
    let tag = response.headers().get(header::ETAG).filter(|_| response.status() == StatusCode::OK);
    let tag = tag.and_then(|tag| tag.to_str().ok());
    let known = tag.and_then(|tag| lists.into_iter().find_map(|list| known(list, tag)));
    let Some(known) = known.and_then(|known| HeaderValue::from_str(known).ok()) else { return response };
    let (mut parts, _) = response.into_parts();
    parts.status = StatusCode::NOT_MODIFIED;
    parts.headers.insert(header::ETAG, known);
    parts.headers.remove(header::CONTENT_TYPE);
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::empty())
}
