//! Who is calling: accounts and sessions, access tokens, keys, and what each may do.

mod blocklist;
pub mod caller;
pub mod handlers;
pub mod key;
pub mod password;
pub mod session;
pub mod token;
pub mod totp;

pub use handlers::router;

pub use caller::{Administrator, Caller, Editor, Reader, Signed, Writer};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::entity::vocabulary::{AccountRole, Visibility};

/// What a secret key may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub enum Scope {
    /// Read what is public.
    #[serde(rename = "content:read")]
    ContentRead,
    /// Read also what is for partner organisations.
    #[serde(rename = "content:read:partners")]
    ContentReadPartners,
    /// Create entries and change its own drafts.
    #[serde(rename = "content:write")]
    ContentWrite,
    /// Read, change and publish every entry.
    #[serde(rename = "content:publish")]
    ContentPublish,
}

/// What a caller may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grants {
    /// The widest visibility of published entries the caller reads; `None`: reads nothing.
    pub reads: Option<Visibility>,
    /// May create entries and change its own drafts.
    pub writes: bool,
    /// May see and change every entry, and publish.
    pub edits: bool,
    /// May manage keys and accounts.
    pub administers: bool,
}

impl Grants {
    /// What somebody without a credential may do.
    pub const NONE: Self = Self { reads: None, writes: false, edits: false, administers: false };

    /// What an account of this role may do.
    #[must_use]
    pub fn of_role(role: AccountRole) -> Self {
        Self {
            reads: Some(Visibility::Internal),
            writes: role >= AccountRole::Author,
            edits: role >= AccountRole::Editor,
            administers: role >= AccountRole::Admin,
        }
    }

    /// What a key with these scopes may do; never more than `limit`, its creator's grants today.
    #[must_use]
    pub fn of_scopes(scopes: &[Scope], limit: Self) -> Self {
        let has = |scope| scopes.contains(&scope);
        let edits = has(Scope::ContentPublish) && limit.edits;
        let reads = if edits {
            Some(Visibility::Internal)
        } else if has(Scope::ContentReadPartners) {
            Some(Visibility::Partners)
        } else {
            has(Scope::ContentRead).then_some(Visibility::Public)
        };
        Self { reads, writes: (has(Scope::ContentWrite) && limit.writes) || edits, edits, administers: false }
    }
}
