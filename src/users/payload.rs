//! What requests about accounts and their answers carry.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    entity::{user, vocabulary::AccountRole},
    http::page::PageInfo,
};

/// Somebody to be invited.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    /// The e-mail address to sign in with and to send messages to; in ASCII.
    #[schema(min_length = 3, max_length = 254, example = "editor@sogep.example")]
    pub email: String,
    /// What they are called.
    #[serde(default)]
    #[schema(pattern = r"^\S([^\r\n\t]*\S)?$", max_length = 200, example = "Işıl Öztürk")]
    pub name: Option<String>,
    /// What they may do. Only owners appoint administrators and owners.
    pub role: AccountRole,
}

/// What is to change of an account.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserPatch {
    /// The e-mail address. Another one ends all sessions of the account.
    #[serde(default)]
    #[schema(nullable = false, min_length = 3, max_length = 254, example = "editor@sogep.example")]
    pub email: Option<String>,
    /// What they are called; null: nothing is known.
    #[serde(default)]
    #[schema(value_type = Option<String>, pattern = r"^\S([^\r\n\t]*\S)?$", max_length = 200, example = "Işıl Öztürk")]
    pub name: Name,
    /// What they may do.
    #[serde(default)]
    #[schema(nullable = false)]
    pub role: Option<AccountRole>,
    /// Whether the account is closed.
    #[serde(default)]
    #[schema(nullable = false)]
    pub disabled: Option<bool>,
}

/// What becomes of a name.
#[derive(Debug, Default)]
pub enum Name {
    /// It stays.
    #[default]
    Keep,
    /// Nothing is known any more.
    Clear,
    /// It is this one.
    Set(String),
}

impl<'de> Deserialize<'de> for Name {
    /// Only what is given is read: absent is [`Name::Keep`].
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let given: Option<String> = Deserialize::deserialize(deserializer)?;
        Ok(given.map_or(Self::Clear, Self::Set))
    }
}

/// An account.
#[derive(Debug, Serialize, ToSchema)]
pub struct User {
    /// Its id.
    pub id: Uuid,
    /// The e-mail address.
    #[schema(example = "editor@sogep.example")]
    pub email: String,
    /// What they are called.
    #[schema(required, example = "Işıl Öztürk")]
    pub name: Option<String>,
    /// What they may do.
    pub role: AccountRole,
    /// How the account stands.
    pub status: UserStatus,
    /// Whether a second factor is in force.
    pub second_factor: bool,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When the password was chosen; null while it was not.
    #[schema(required)]
    pub password_changed_at: Option<DateTime<Utc>>,
}

/// How an account stands.
#[derive(Clone, Copy, Debug, Serialize, PartialEq, Eq, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UserStatus {
    /// No password has been chosen yet.
    Invited,
    /// It can be signed in to.
    Active,
    /// It is closed.
    Disabled,
}

/// A page of accounts.
#[derive(Debug, Serialize, ToSchema)]
pub struct UserPage {
    /// The accounts.
    pub data: Vec<User>,
    /// Where the page ends.
    pub page: PageInfo,
}

impl From<user::Model> for User {
    fn from(row: user::Model) -> Self {
        let has_password = !row.password_hash.is_empty();
        let status = match (row.disabled_at, has_password) {
            (Some(_), _) => UserStatus::Disabled,
            (None, true) => UserStatus::Active,
            (None, false) => UserStatus::Invited,
        };
        Self {
            id: row.id,
            email: row.email,
            name: row.name,
            role: row.role,
            status,
            second_factor: row.totp_confirmed_at.is_some(),
            created_at: row.created_at,
            password_changed_at: has_password.then_some(row.password_changed_at),
        }
    }
}

/// The address in the one form in which it is stored: only ASCII letters change their case, so that
/// no two addresses become one (SECURITY.md A-08). `None` when it is no address in ASCII.
#[must_use]
pub fn canonical_email(email: &str) -> Option<String> {
    let email = email.trim().to_ascii_lowercase();
    let good = email.len() <= 254
        && email.split_once('@').is_some_and(|(local, domain)| {
            let word = |part: &str| {
                !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            };
            !local.is_empty() && domain.contains('.') && domain.split('.').all(word)
        })
        && email.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>()[],;:\\\"".contains(&byte));
    good.then_some(email)
}
