//! Our own extractors: they fail with a problem document and take nothing that is not documented.

use std::time::Duration;

use axum::{
    extract::{FromRequest, FromRequestParts, RawPathParams, Request},
    http::{HeaderMap, header, request::Parts},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    Code, Error, Result, json,
    query::{self, Parameters},
};
use crate::app::App;

/// How large a JSON body may be, in bytes (SECURITY.md I-01).
pub const MAX_BODY_BYTES: usize = 256 * 1024;
/// How long a body may take to arrive (SECURITY.md I-04).
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// How large the body of a bulk request may be, in bytes.
pub const MAX_BULK_BYTES: usize = 16 * 1024 * 1024;
/// How long it may take to arrive.
const BULK_TIMEOUT: Duration = Duration::from_mins(2);
/// What a bulk request may be sent as.
pub const BULK_TYPES: [&str; 3] = ["application/json", "application/x-ndjson", "text/csv"];
/// How large the body of a sign-in may be, in bytes: far more than its fields can hold.
const MAX_SIGN_IN_BYTES: usize = 16 * 1024;
/// How long it may take to arrive.
const SIGN_IN_TIMEOUT: Duration = Duration::from_secs(10);

/// The query parameters of an operation.
#[derive(Debug)]
pub struct Query<P>(pub P);

impl<P: Parameters> FromRequestParts<App> for Query<P> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        query::read(parts.uri.query(), &parts.headers, &app.config, app.clock.now()).map(Self)
    }
}

/// How a path names an entry: by id or by slug.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Id {
    /// By id, written as this service writes it.
    Uuid(Uuid),
    /// By slug.
    Slug(String),
}

impl Id {
    /// Reads an id or a slug; `None` when `text` is neither.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if let Ok(id) = Uuid::try_parse(text) {
            return (id.hyphenated().to_string() == text).then_some(Self::Uuid(id));
        }
        is_slug(text).then(|| Self::Slug(text.to_owned()))
    }
}

/// Whether `text` has the form of a slug: words of `a-z0-9` joined by single hyphens, at most 96
/// characters, and not the form of an id.
#[must_use]
pub fn is_slug(text: &str) -> bool {
    let word =
        |word: &str| !word.is_empty() && word.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9'));
    text.len() <= 96 && text.split('-').all(word) && Uuid::try_parse(text).is_err()
}

impl FromRequestParts<App> for Id {
    type Rejection = Error;

    /// 404 when the path holds neither an id nor a slug: nothing can be there.
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let params = RawPathParams::from_request_parts(parts, app).await.map_err(|_bad| Error::NotFound)?;
        params.iter().next().and_then(|(_, value)| Self::parse(value)).ok_or(Error::NotFound)
    }
}

/// The last name that a path holds, as it is written.
#[derive(Clone, Debug)]
pub struct Part(pub String);

impl FromRequestParts<App> for Part {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let params = RawPathParams::from_request_parts(parts, app).await.map_err(|_bad| Error::NotFound)?;
        params.iter().last().map(|(_, value)| Self(value.to_owned())).ok_or(Error::NotFound)
    }
}

/// A JSON body of the type `T`, checked against the schema that is published for it.
#[derive(Debug)]
pub struct Body<T>(pub T);

impl<T: DeserializeOwned + ToSchema> FromRequest<App> for Body<T> {
    type Rejection = Error;

    async fn from_request(request: Request, app: &App) -> Result<Self> {
        let value = read(request, &["application/json"]).await?;
        app.contract.decode(&T::name(), value).map(Self)
    }
}

/// A JSON body that the handler checks itself.
#[derive(Debug)]
pub struct Document(pub Value);

impl FromRequest<App> for Document {
    type Rejection = Error;

    async fn from_request(request: Request, _: &App) -> Result<Self> {
        read(request, &["application/json"]).await.map(Self)
    }
}

/// A merge patch (RFC 7396) that the handler checks itself.
#[derive(Debug)]
pub struct MergePatch(pub Value);

impl FromRequest<App> for MergePatch {
    type Rejection = Error;

    async fn from_request(request: Request, _: &App) -> Result<Self> {
        read(request, &["application/json", "application/merge-patch+json"]).await.map(Self)
    }
}

/// The body of a bulk request, which the handler reads itself.
#[derive(Debug)]
pub struct BulkBody {
    /// What it is said to be: `application/json`, `application/x-ndjson` or `text/csv`.
    pub media_type: &'static str,
    /// What its characters are said to be written in; only a table may be in anything but UTF-8.
    pub charset: Option<String>,
    /// The body.
    pub bytes: Bytes,
}

impl FromRequest<App> for BulkBody {
    type Rejection = Error;

    async fn from_request(request: Request, _: &App) -> Result<Self> {
        let (parts, body) = request.into_parts();
        let (media_type, charset) = bulk_media_type(&parts.headers)?;
        let bytes = collected(&parts.headers, body, MAX_BULK_BYTES, BULK_TIMEOUT).await?;
        Ok(Self { media_type, charset, bytes })
    }
}

/// The media type of a bulk request, and the character set of a table.
fn bulk_media_type(headers: &HeaderMap) -> Result<(&'static str, Option<String>)> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut parts = given.split(';').map(str::trim);
    let is_table = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(BULK_TYPES[2]));
    if !is_table || headers.contains_key(header::CONTENT_ENCODING) {
        check_media_type(headers, &BULK_TYPES)?;
        let is = |name: &&&str| given.to_ascii_lowercase().starts_with(**name);
        return Ok((BULK_TYPES.iter().find(is).copied().unwrap_or(BULK_TYPES[0]), None));
    }
    let charset = parts.find_map(|part| {
        let (name, value) = part.split_once('=')?;
        name.eq_ignore_ascii_case("charset").then(|| value.trim_matches('"').to_owned())
    });
    Ok((BULK_TYPES[2], charset))
}

/// A JSON answer.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(body) => ([(header::CONTENT_TYPE, "application/json")], body).into_response(),
            Err(error) => Error::internal(error).into_response(),
        }
    }
}

/// `request` once its body is all there. Whoever signs in has no credential yet, so a body that comes
/// drop by drop must not hold a place while it does; and those bodies are small.
///
/// # Errors
/// 413 when it is too large, 408 when it takes too long, 400 when it breaks off.
pub async fn arrived(request: Request) -> Result<Request> {
    let (parts, body) = request.into_parts();
    let bytes = collected(&parts.headers, body, MAX_SIGN_IN_BYTES, SIGN_IN_TIMEOUT).await?;
    Ok(Request::from_parts(parts, bytes.into()))
}

async fn read(request: Request, media_types: &[&str]) -> Result<Value> {
    check_media_type(request.headers(), media_types)?;
    let (parts, body) = request.into_parts();
    let bytes = collected(&parts.headers, body, MAX_BODY_BYTES, BODY_TIMEOUT).await?;
    json::parse(&bytes).map_err(|detail| Error::Problem(Code::MalformedBody, detail))
}

async fn collected(
    headers: &HeaderMap,
    body: axum::body::Body,
    most: usize,
    patience: Duration,
) -> Result<Bytes> {
    let too_large = || Error::Problem(Code::PayloadTooLarge, format!("a body may have {most} bytes here"));
    let announced =
        headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > most) {
        return Err(too_large());
    }
    let body = Limited::new(body, most).collect();
    let collected = tokio::time::timeout(patience, body).await.map_err(|_elapsed| {
        Error::Problem(Code::RequestTimeout, "the body did not arrive in time".to_owned())
    })?;
    let whole = collected.map_err(|error| {
        if error.is::<LengthLimitError>() {
            too_large()
        } else {
            Error::Problem(Code::MalformedRequest, "the body broke off".to_owned())
        }
    })?;
    Ok(whole.to_bytes())
}

fn check_media_type(headers: &HeaderMap, accepted: &[&str]) -> Result<()> {
    let refused = |detail: &str| Err(Error::Problem(Code::UnsupportedMediaType, detail.to_owned()));
    if headers.contains_key(header::CONTENT_ENCODING) {
        return refused("send the body without a content encoding");
    }
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let mut parts = given.unwrap_or_default().split(';').map(str::trim);
    let media_type = parts.next().unwrap_or_default();
    let is_accepted = accepted.iter().any(|name| name.eq_ignore_ascii_case(media_type));
    let is_utf8 = parts.all(|part| part.eq_ignore_ascii_case("charset=utf-8"));
    if is_accepted && is_utf8 {
        return Ok(());
    }
    refused(&format!("send `Content-Type: {}`", accepted.join("` or `")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_only_as_it_is_written() {
        let id = Uuid::from_u128(0x0192_f3c4_a5b6_7c8d_9e0f_1a2b_3c4d_5e6f);
        assert_eq!(Id::parse(&id.to_string()), Some(Id::Uuid(id)));
        for text in [
            id.to_string().to_uppercase(),
            format!("{{{id}}}"),
            id.simple().to_string(),
            format!("urn:uuid:{id}"),
        ] {
            assert_eq!(Id::parse(&text), None, "{text}");
        }
    }

    #[test]
    fn a_slug_is_words_of_ascii_joined_by_hyphens() {
        for good in ["a", "istanbul-sozlesmesi", "6284-izleme"] {
            assert!(is_slug(good), "{good}");
        }
        for bad in ["", "-a", "a-", "a--b", "A", "ş", "a b", "a.b", "a/b", &"a".repeat(97)] {
            assert!(!is_slug(bad), "{bad}");
        }
    }
}
