//! Who is calling: accounts and sessions, access tokens, keys, and what each may do.

mod attempt;
mod blocklist;
pub mod caller;
mod credential;
mod expired;
pub mod factor;
mod jwks;
pub mod key;
mod known_device;
mod me;
pub mod once;
pub mod one_time;
pub mod password;
mod payload;
pub mod session;
mod sign_in;
pub mod token;
pub mod totp;

pub use caller::{Administrator, Caller, Editor, Follower, Fresh, Person, Reader, Signed, Writer};
pub use credential::{bearer, grants_of};
pub use expired::delete_expired;
pub use once::{NoBody, Once};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    entity::{
        user,
        vocabulary::{AccountRole, Visibility},
    },
};

/// Whether an account can be entered no more.
fn is_closed(account: &user::Model) -> bool {
    account.disabled_at.is_some() || account.deleted_at.is_some()
}

/// The routes for signing in and out, for one's own account, and for verifying our tokens.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(sign_in::log_in))
        .routes(routes!(sign_in::refresh))
        .routes(routes!(sign_in::log_out))
        .routes(routes!(sign_in::reauthenticate))
        .routes(routes!(sign_in::ask_for_password))
        .routes(routes!(sign_in::choose_password))
        .routes(routes!(me::get_me))
        .routes(routes!(me::change_password))
        .routes(routes!(me::begin_second_factor, me::remove_second_factor))
        .routes(routes!(me::confirm_second_factor))
        .routes(routes!(me::renew_recovery_codes))
        .routes(routes!(jwks::get_jwks))
}

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
    /// Follow the change log of what it reads.
    #[serde(rename = "changes:read")]
    ChangesRead,
}

/// What a caller may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a permission by itself")]
pub struct Grants {
    /// The widest visibility of published entries the caller reads; `None`: reads nothing.
    pub reads: Option<Visibility>,
    /// May create entries and change its own drafts.
    pub writes: bool,
    /// May see and change every entry, and publish.
    pub edits: bool,
    /// May manage keys and accounts.
    pub administers: bool,
    /// May follow the change log of what it reads.
    pub follows: bool,
}

impl Grants {
    /// What somebody without a credential may do.
    pub const NONE: Self =
        Self { reads: None, writes: false, edits: false, administers: false, follows: false };

    /// Whether nothing of `other` is missing.
    #[must_use]
    pub fn cover(self, other: Self) -> bool {
        self.reads >= other.reads
            && self.writes >= other.writes
            && self.edits >= other.edits
            && self.administers >= other.administers
            && self.follows >= other.follows
    }

    /// What an account of this role may do.
    #[must_use]
    pub fn of_role(role: AccountRole) -> Self {
        Self {
            reads: Some(Visibility::Internal),
            writes: role >= AccountRole::Author,
            edits: role >= AccountRole::Editor,
            administers: role >= AccountRole::Admin,
            follows: role >= AccountRole::Editor,
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
        Self {
            reads,
            writes: (has(Scope::ContentWrite) && limit.writes) || edits,
            edits,
            administers: false,
            follows: has(Scope::ChangesRead) && reads.is_some(),
        }
    }
}
