//! Why a request could not be served, as problem documents.
//!
//! Source: RFC 9457.

use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use sea_orm::{DbErr, RuntimeErr};
use serde::Serialize;
use utoipa::ToSchema;

/// What handlers and queries return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Declares the problem codes: name, status, title, and the explanation served at `/problems/{code}`.
macro_rules! codes {
    ($($variant:ident = $code:literal, $status:ident, $title:literal, $meaning:literal;)+) => {
        /// What went wrong, in one stable word.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Code {
            $(#[doc = $meaning] $variant,)+
        }

        impl Code {
            /// All codes.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The code as it is sent.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }

            /// The HTTP status it comes with.
            #[must_use]
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status,)+ }
            }

            /// The problem's title: the same words every time.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)+ }
            }

            /// What it means and what to do about it.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning,)+ }
            }
        }
    };
}

codes! {
    InvalidParameter = "invalid-parameter", BAD_REQUEST, "A parameter is not acceptable",
        "A query parameter is unknown, repeated, or has a value outside its documented range, or `Idempotency-Key` is no key. `errors` names each.";
    MalformedBody = "malformed-body", BAD_REQUEST, "The body is not JSON",
        "The body is not one JSON value in UTF-8: a syntax error, a name given twice in one object, or nesting deeper than 64 levels.";
    MalformedRequest = "malformed-request", BAD_REQUEST, "The request cannot be understood",
        "A header or the address of the request breaks the rules of HTTP.";
    Unauthorized = "unauthorized", UNAUTHORIZED, "A valid credential is needed",
        "No credential was sent, or the one sent is wrong, expired or revoked. Send `Authorization: Bearer` with an access token, a publishable or a secret key.";
    KeyExpired = "key-expired", UNAUTHORIZED, "The key has expired",
        "The key is right and too old. An administrator can make a new one.";
    CodeRequired = "code-required", UNAUTHORIZED, "The second factor is needed",
        "The password is right. Send it again with `code`, the six digits that the authenticator shows, or with a `recovery_code`.";
    InvalidToken = "invalid-token", BAD_REQUEST, "The link is not good any more",
        "The token of an invitation or password reset has been used, has expired, or was replaced by a newer one. Ask for a new one.";
    ReauthenticationRequired = "reauthentication-required", FORBIDDEN, "Prove again who you are",
        "This operation wants a proof that is not older than five minutes: `POST /v1/auth/reauthenticate`, then try again.";
    SecondFactorRequired = "second-factor-required", FORBIDDEN, "A second factor is needed",
        "The account's role needs a second factor. Set one up: `POST /v1/me/second-factor`.";
    Forbidden = "forbidden", FORBIDDEN, "The credential does not allow this",
        "The caller is known and may not do this. `detail` says what is needed.";
    NotFound = "not-found", NOT_FOUND, "Nothing is here",
        "Nothing is at this address, or nothing the caller may know of.";
    MethodNotAllowed = "method-not-allowed", METHOD_NOT_ALLOWED, "The method is not allowed here",
        "The address exists but not for this method; `Allow` lists those it takes.";
    NotAcceptable = "not-acceptable", NOT_ACCEPTABLE, "No acceptable representation",
        "The request's `Accept` excludes what there is: `application/json`, and where an operation documents it, `text/csv` or `application/x-ndjson`.";
    RequestTimeout = "request-timeout", REQUEST_TIMEOUT, "The body did not arrive in time",
        "The whole body must arrive within 30 seconds, that of a bulk request within two minutes.";
    Conflict = "conflict", CONFLICT, "The request contradicts what is there",
        "What was asked cannot be done in the present state. `detail` says why and what can be done.";
    IdempotencyKeyInUse = "idempotency-key-in-use", CONFLICT, "The request is being carried out",
        "Another request with this `Idempotency-Key` is being carried out at this moment. Send the same request again after `Retry-After` seconds to get its answer.";
    PreconditionFailed = "precondition-failed", PRECONDITION_FAILED, "The entry has changed",
        "`If-Match` names an older version. `ETag` carries the current one: read again, merge, retry.";
    PayloadTooLarge = "payload-too-large", PAYLOAD_TOO_LARGE, "The body is too large",
        "A JSON body may have 256 KiB, that of a bulk request 16 MiB.";
    UriTooLong = "uri-too-long", URI_TOO_LONG, "The address is too long",
        "An address may have 8 KiB.";
    UnsupportedMediaType = "unsupported-media-type", UNSUPPORTED_MEDIA_TYPE, "The media type is not supported",
        "Send `Content-Type: application/json`; `PATCH` also takes `application/merge-patch+json`, a bulk request `application/x-ndjson` and `text/csv`. Content encodings are not taken.";
    Invalid = "invalid", UNPROCESSABLE_ENTITY, "Some fields are not acceptable",
        "The body is JSON but not what is documented. `errors` lists every mistake with a JSON pointer.";
    IdempotencyKeyReused = "idempotency-key-reused", UNPROCESSABLE_ENTITY, "The key was used for something else",
        "Under this `Idempotency-Key` another body, `Content-Type` or `If-Match` was sent to this address within the last 24 hours, and carried out. Take a new key for a new request.";
    PreconditionRequired = "precondition-required", PRECONDITION_REQUIRED, "If-Match is needed",
        "Changing an entry needs `If-Match` with the `ETag` it was read with, so that nobody's work is overwritten unseen.";
    TooManyRequests = "quota-exceeded", TOO_MANY_REQUESTS, "The quota is used up",
        "Too many requests in too short a time. `violated-policies` names the limits, `RateLimit-Policy` and `RateLimit` describe them. Try again after `Retry-After` seconds.";
    HeadersTooLarge = "headers-too-large", REQUEST_HEADER_FIELDS_TOO_LARGE, "The headers are too large",
        "A request may have 64 headers and 32 KiB of them.";
    Internal = "internal", INTERNAL_SERVER_ERROR, "Something failed on our side",
        "The failure has been logged under the request id. Trying again may help.";
    Unavailable = "unavailable", SERVICE_UNAVAILABLE, "Not available at the moment",
        "The service is stopping, or cannot reach its database. Try again after `Retry-After` seconds.";
    Overloaded = "temporary-reduced-capacity", SERVICE_UNAVAILABLE, "Too busy at the moment",
        "The service has more to do than it can and turns some requests away, whoever sends them. Nothing was done. Try again after `Retry-After` seconds.";
}

/// One mistake in a body or a parameter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// Where in the body (RFC 6901 JSON pointer); null when a parameter is meant.
    #[schema(required, example = "/translations/tr/title")]
    pub pointer: Option<String>,
    /// The query parameter or header; null when a place in the body is meant.
    #[schema(required)]
    pub parameter: Option<String>,
    /// What is wrong, in one stable word.
    #[schema(example = "required")]
    pub code: String,
    /// What is wrong, in a sentence.
    #[schema(example = "a published entry needs this")]
    pub detail: String,
}

impl FieldError {
    /// A mistake at `pointer` in the body.
    #[must_use]
    pub fn at(pointer: impl Into<String>, code: &str, detail: impl Into<String>) -> Self {
        let pointer = Some(brief(pointer.into()));
        Self { pointer, parameter: None, code: code.to_owned(), detail: detail.into() }
    }

    /// A mistake in the query parameter or header `name`.
    #[must_use]
    pub fn parameter(name: &str, code: &str, detail: impl Into<String>) -> Self {
        Self { pointer: None, parameter: Some(name.to_owned()), code: code.to_owned(), detail: detail.into() }
    }
}

/// `pointer` with long names cut short. Ours are not long; whoever sends another gets enough of it back
/// to find it, and no more.
fn brief(pointer: String) -> String {
    const LONGEST: usize = 59;
    if pointer.len() <= LONGEST + 1 {
        return pointer;
    }
    let step = |step: &str| match step.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", step.get(..end).unwrap_or_default()),
        None => step.to_owned(),
    };
    pointer.split('/').map(step).collect::<Vec<_>>().join("/")
}

/// A problem document (RFC 9457).
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Problem {
    /// Where the problem is explained.
    #[serde(rename = "type")]
    #[schema(example = "/problems/not-found")]
    pub kind: String,
    /// The problem's name, the same every time.
    #[schema(example = "Nothing is here")]
    pub title: String,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599, example = 404)]
    pub status: u16,
    /// What happened this time.
    #[schema(example = "nothing is here under that identifier")]
    pub detail: String,
    /// The problem in one stable word.
    #[schema(example = "not-found")]
    pub code: String,
    /// Every single mistake, when there are several places to mend.
    pub errors: Vec<FieldError>,
    /// The id of this request, as in `X-Request-Id`; name it when you report the problem.
    #[schema(example = "0192f3c4a5b67c8d9e0f1a2b3c4d5e6f")]
    pub request_id: String,
    /// The limits that were exceeded, as `RateLimit-Policy` names them; only there when some were.
    #[serde(rename = "violated-policies", skip_serializing_if = "Vec::is_empty")]
    #[schema(example = json!(["read"]))]
    pub violated_policies: Vec<&'static str>,
}

/// Why a request could not be served. The text is what the client reads.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A problem that its code and a sentence describe.
    #[error("{1}")]
    Problem(Code, String),
    /// 401.
    #[error("{0}")]
    Unauthorized(&'static str),
    /// 403: what is missing.
    #[error("this needs {0}")]
    Forbidden(&'static str),
    /// 404, also for what the caller may not know of.
    #[error("nothing is here under that identifier")]
    NotFound,
    /// 400, with every offending parameter.
    #[error("some parameters are not acceptable")]
    Parameters(Vec<FieldError>),
    /// 422, with every offending field.
    #[error("some fields are not acceptable")]
    Invalid(Vec<FieldError>),
    /// 422 for a reason of its own, with every offending field.
    #[error("{0}")]
    InvalidBecause(String, Vec<FieldError>),
    /// 412, with the current `ETag`.
    #[error("the entry has changed since you read it")]
    Stale(String),
    /// 429.
    #[error("the quota `{policy}` is used up; it has room again in {retry_after} seconds")]
    OverQuota {
        /// The limit, as `RateLimit-Policy` names it.
        policy: &'static str,
        /// In how many seconds the request may be sent again.
        retry_after: i64,
    },
    /// 503.
    #[error("the database cannot be reached in time")]
    Unavailable(#[source] DbErr),
    /// 500. The source is logged once, never sent.
    #[error("something failed on our side")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// 500, because of `source`.
    pub fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(source.into())
    }

    /// 409, for the reason given.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::Problem(Code::Conflict, detail.into())
    }

    /// The code it is sent with.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Problem(code, _) => *code,
            Self::Unauthorized(_) => Code::Unauthorized,
            Self::Forbidden(_) => Code::Forbidden,
            Self::NotFound => Code::NotFound,
            Self::Parameters(_) => Code::InvalidParameter,
            Self::Invalid(_) | Self::InvalidBecause(..) => Code::Invalid,
            Self::Stale(_) => Code::PreconditionFailed,
            Self::OverQuota { .. } => Code::TooManyRequests,
            Self::Unavailable(_) => Code::Unavailable,
            Self::Internal(_) => Code::Internal,
        }
    }
}

impl From<aws_lc_rs::error::Unspecified> for Error {
    /// The cryptographic library does not say what has failed; the system had no randomness to give.
    fn from(error: aws_lc_rs::error::Unspecified) -> Self {
        Self::internal(error)
    }
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        if is_out_of_reach(&error) { Self::Unavailable(error) } else { Self::internal(error) }
    }
}

/// Whether the database itself is the trouble: gone, too slow to give a connection, or locked. Trying
/// again later may help, so this is 503 and not 500.
fn is_out_of_reach(error: &DbErr) -> bool {
    match error {
        DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => true,
        DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error)) => {
            match &**error {
                sqlx::Error::Io(_)
                | sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed
                | sqlx::Error::WorkerCrashed => true,
                // SQLite: busy, locked, I/O error, full, cannot open. PostgreSQL: lock not available,
                // cancelled, shutting down, not accepting connections, disk full.
                sqlx::Error::Database(error) => error.code().is_some_and(|code| {
                    // SQLite's codes are numbers of at most four digits, PostgreSQL's have five characters.
                    let primary =
                        code.parse::<u32>().ok().filter(|_| code.len() < 5).map_or(0, |code| code & 0xFF);
                    matches!(primary, 5 | 6 | 10 | 13 | 14)
                        || matches!(
                            &*code,
                            "55P03"
                                | "57014"
                                | "57P01"
                                | "57P02"
                                | "57P03"
                                | "53100"
                                | "53300"
                                | "40001"
                                | "40P01"
                        )
                }),
                _ => false,
            }
        }
        _ => false,
    }
}

impl IntoResponse for Error {
    /// An empty answer that carries the problem; `envelope` writes it, once the request id is known.
    fn into_response(self) -> Response {
        let code = self.code();
        let detail = self.to_string();
        match &self {
            Self::Internal(source) => tracing::error!(error = %source, "a request failed"),
            Self::Unavailable(source) => tracing::warn!(error = %source, "the database is out of reach"),
            _ => {}
        }
        let header =
            |name: HeaderName, value: &str| HeaderValue::from_str(value).ok().map(|value| (name, value));
        let extra = match &self {
            _ if code.status() == StatusCode::UNAUTHORIZED => {
                header(header::WWW_AUTHENTICATE, "Bearer realm=\"sogep\"")
            }
            Self::Stale(etag) => header(header::ETAG, etag),
            Self::OverQuota { retry_after, .. } => header(header::RETRY_AFTER, &retry_after.to_string()),
            Self::Problem(Code::IdempotencyKeyInUse, _) => header(header::RETRY_AFTER, "1"),
            Self::Unavailable(_) | Self::Problem(Code::Unavailable | Code::Overloaded, _) => {
                header(header::RETRY_AFTER, "2")
            }
            _ => None,
        };
        let violated_policies = match self {
            Self::OverQuota { policy, .. } => vec![policy],
            _ => Vec::new(),
        };
        let errors = match self {
            Self::Parameters(errors) | Self::Invalid(errors) | Self::InvalidBecause(_, errors) => errors,
            _ => Vec::new(),
        };
        let problem = Problem {
            kind: format!("/problems/{}", code.as_str()),
            title: code.title().to_owned(),
            status: code.status().as_u16(),
            detail,
            code: code.as_str().to_owned(),
            errors,
            request_id: String::new(),
            violated_policies,
        };
        let mut response = code.status().into_response();
        response.headers_mut().extend(extra);
        response.extensions_mut().insert(problem);
        response
    }
}
