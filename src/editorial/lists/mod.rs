//! Lists: which entries, in which order, page by page.
//!
//! A kind declares what its lists can be filtered and sorted by ([`field`]). From this one declaration the
//! parameters are read ([`parse`], [`value`]) and documented (`editorial::describe`), what entries hold
//! is stored in a form that both databases compare alike ([`derived`]), and queries are made
//! ([`filter`], [`order`]).

pub mod derived;
pub mod field;
pub mod filter;
pub mod order;
pub mod parse;
pub mod value;

pub use field::{CODE, COUNTRY, Field, Holds, LANGUAGE, words};
