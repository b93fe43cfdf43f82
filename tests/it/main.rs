//! The service as its callers know it: over HTTP, on a fresh database, on SQLite and PostgreSQL.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on stops")]

mod access;
mod app;
mod bad_input;
mod bulk;
mod cache;
mod changes;
mod connections;
mod csv;
mod discovery;
mod document;
mod editing;
mod generated;
mod http2;
mod idempotency;
mod interchange;
mod jobs;
mod layout;
mod limits;
mod lists;
mod matrix;
mod metrics;
mod oracle;
mod privacy;
mod reading;
mod schema;
mod synonyms;
mod vocabularies;
mod workflow;
