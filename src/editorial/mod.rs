//! The entry that every kind of content is.
//!
//! What all kinds share lives here once: what a kind declares ([`kind`]), what a writer sends
//! ([`draft`], [`mentions`]), who sees what ([`finder`], [`lookup`]), reading ([`load`], [`references`],
//! [`view`], [`answer`], [`actors`]), writing ([`edit`], [`store`], [`claims`], [`tree`], [`slug`],
//! [`history`], [`dependents`]), finding entries in lists ([`lists`], [`collation`]), the way to the public and back ([`workflow`], [`transitions`],
//! [`working_copy`], [`versions`], [`difference`], [`previews`], [`mod@purge`]), the operations
//! ([`handlers`], [`parameters`]) and how they are documented ([`mod@describe`]). A slice such as
//! [`crate::publications`] adds only its own columns, texts and rules.

pub mod actors;
pub mod answer;
pub mod check;
pub mod claims;
pub mod collation;
pub mod dependents;
pub mod describe;
pub mod difference;
pub mod draft;
pub mod edit;
pub mod finder;
pub mod handlers;
pub mod history;
pub mod kind;
pub mod lists;
pub mod load;
pub mod lookup;
pub mod mentions;
pub mod parameters;
pub mod previews;
pub mod purge;
pub mod references;
pub mod slug;
pub mod store;
pub mod transitions;
pub mod tree;
pub mod versions;
pub mod view;
pub mod workflow;
pub mod working_copy;

pub use describe::describe;
pub use draft::Draft;
pub use handlers::router;
pub use kind::Kind;

/// What several kinds say in the same words.
pub mod values {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Serialize};
    use utoipa::ToSchema;

    /// A share of an activity that goes to a country.
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
    #[serde(deny_unknown_fields)]
    pub struct CountryShare {
        /// ISO 3166-1 alpha-2 code.
        #[schema(pattern = "^[A-Z]{2}$", example = "TR")]
        pub code: String,
        /// Percentage of the whole; null when it is not known.
        #[serde(default)]
        #[schema(minimum = 0, maximum = 100)]
        pub percentage: Option<f64>,
    }

    /// One text in several languages, by language tag.
    pub type Multilingual = BTreeMap<String, String>;
}
