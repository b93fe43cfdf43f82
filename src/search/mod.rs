//! The search index: analyser, postings, ranking, facets, completions, related entries.
//!
//! Derived data, never the truth: it is filled by whoever knows the database, may be deleted at any time,
//! and is then made again. Nothing here knows the database or HTTP.
//!
//! | what | where |
//! |---|---|
//! | from text to tokens | [`analysis`], the word lists in `lists` |
//! | what is indexed | [`Entry`], [`Row`], [`Value`]; as fields of the engine in `schema` |
//! | the index of this process | [`Catalogue`] |
//! | the index on the disk | [`Index`], its files in `directory` |
//! | one state of it | `snapshot`, its parts in `segment`; what is kept in memory of a part in `table` |
//! | from a query to terms | `expansion`, [`Synonyms`]; the table of this process is in [`SynonymsInUse`] |
//! | the score | `ranking` |
//! | searching, filtering, counting | [`Query`], [`Filter`], [`Found`]; [`Counted`], along the `tree` of topics |
//! | typing errors pointed out | `suggestion` |
//! | marking what matched | [`highlight`](fn@highlight), [`snippet`] |
//! | completing a beginning | [`Beginning`], [`Suggestion`] |
//! | what else is of interest | [`Likeness`], [`Related`]; texts are compared in `likeness` |
//!
//! # What must stay true
//!
//! What somebody may not see leaves no trace: not in results, counts or facets, nor in the rarity of a
//! word, in corrections or in completions. The order of results depends on the entries alone, not on
//! when they were written, merged or deleted.

pub mod analysis;
mod catalogue;
mod codec;
mod completion;
mod counting;
mod directory;
mod error;
mod expansion;
mod filter;
mod highlight;
mod in_use;
mod likeness;
mod lists;
mod query;
mod ranking;
mod record;
mod related;
mod schema;
mod segment;
mod snapshot;
mod store;
mod suggestion;
mod synonyms;
mod table;
#[cfg(test)]
mod tests;
mod tree;

pub use catalogue::{Catalogue, FINGERPRINT};
pub use completion::{Beginning, Suggestion};
pub use counting::Counted;
pub use error::{Error, Result};
pub use filter::{Filter, Test};
pub use highlight::{Matched, highlight, snippet};
pub use in_use::SynonymsInUse;
pub use lists::starting_synonyms;
pub use query::{Found, Hit, Place, Query};
pub use record::{Completion, Entry, Row, Value, Weight, attribute};
pub use related::{Likeness, Related};
pub use store::{Index, Position, Rebuild, Stats};
pub use synonyms::Synonyms;
