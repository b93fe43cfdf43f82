//! The tables: one file each, columns only, no behaviour.
//!
//! Lists and structured values are JSON columns here and typed in the slice that owns them.
//! Closed lists of words that are both stored and sent are declared once, in [`vocabulary`].

pub mod api_key;
pub mod audit;
pub mod change;
pub mod contribution;
pub mod entry;
pub mod entry_link;
pub mod entry_text;
pub mod entry_topic;
pub mod entry_value;
pub mod event;
pub mod idempotency_key;
pub mod identifier;
pub mod job;
pub mod known_device;
pub mod labels;
pub mod one_time_token;
pub mod organisation;
pub mod partner;
pub mod person;
pub mod practice;
pub mod preview;
pub mod project;
pub mod publication;
pub mod rate_limit;
pub mod recovery_code;
pub mod refresh_token;
pub mod revision;
pub mod session;
pub mod sign_in_failure;
pub mod signing_key;
pub mod slug_history;
pub mod synonym;
pub mod synonym_edition;
pub mod title_key;
pub mod topic;
pub mod user;
pub mod vocabulary;
