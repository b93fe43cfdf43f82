//! `POST /v1/{collection}:bulk`: many changes in one request and one transaction.
//!
//! A request is a list of operations, each what a single request would be, or a table or lines of
//! entries to be upserted. All are looked at before anything is written; then they are written as an
//! import is (`super::engine`), a batch at a time. In atomic mode one that cannot be done keeps all
//! from being done. Otherwise the rest is done, in one transaction too: what the answer says is kept.

mod answer;
mod describe;
mod handler;
mod look;
mod operation;
mod places;
mod plan;
mod request;
mod run;

pub use describe::describe;
pub use handler::router;
