//! How we speak HTTP; knows no resource.

pub mod address;
pub mod conditional;
pub mod contract;
pub mod cors;
pub mod cursor;
pub mod envelope;
pub mod error;
pub mod exchange;
pub mod extract;
pub mod idempotency;
pub mod json;
pub mod limits;
pub mod locale;
pub mod openapi;
pub mod page;
pub mod peer;
pub mod places;
pub mod query;
pub mod streams;

pub use error::{Code, Error, FieldError, Result};
pub use exchange::Exchange;
pub use extract::{Body, BulkBody, Id, Json, MergePatch, Query};
