//! The caller of a request, and the permissions that handlers ask for by type.

use std::sync::Arc;

use axum::{extract::FromRequestParts, http::request::Parts};
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::{Grants, Scope, credential};
use crate::{
    app::App,
    config::Access,
    entity::vocabulary::{AccountRole, ActorType, AuditAction, KeyType, Visibility},
    http::{
        Code, Error, Exchange, Result,
        limits::{self, Payer},
    },
    trail::Event,
};

/// How long ago somebody may have proved who they are when it comes to dangerous operations.
const FRESH: TimeDelta = TimeDelta::minutes(5);

/// Whose request it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Somebody without a credential.
    Nobody,
    /// The program itself, from its command line.
    System,
    /// A person who has signed in.
    Account(Account),
    /// A program with a key.
    Key {
        /// The key's id.
        id: Uuid,
        /// The key's name.
        name: String,
        /// What it is for.
        kind: KeyType,
        /// Its scopes.
        scopes: Vec<Scope>,
    },
}

impl Actor {
    /// Who pays for the request. All visitors of a page share its publishable key.
    #[must_use]
    pub fn payer(&self) -> Payer {
        match self {
            Self::Nobody | Self::System => Payer::Stranger,
            Self::Key { id, kind: KeyType::Publishable, .. } => Payer::Visitor(*id),
            Self::Account(Account { id, .. }) | Self::Key { id, .. } => Payer::Credential(*id),
        }
    }
}

/// A person who has signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The account.
    pub id: Uuid,
    /// The session.
    pub session_id: Uuid,
    /// Its e-mail address.
    pub email: String,
    /// Its name.
    pub name: Option<String>,
    /// Its role now.
    pub role: AccountRole,
    /// When they last proved who they are.
    pub authenticated_at: DateTime<Utc>,
    /// How it stands with their second factor.
    pub factor: Factor,
}

/// How it stands with the second factor of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Factor {
    /// It was shown.
    Shown,
    /// None is set up, and the role does not need one.
    NotNeeded,
    /// The role needs one, and it was not shown: this session can do nothing but set it up.
    Missing,
}

/// Who is calling and what they may do. A wrong credential is 401, never anonymity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Whose request it is.
    pub actor: Actor,
    /// What they may do.
    pub grants: Grants,
    /// The request, for the audit trail.
    pub request_id: Option<Arc<str>>,
}

impl Caller {
    /// The program itself: commands that seed, import and export.
    pub const SYSTEM: Self = Self {
        actor: Actor::System,
        grants: Grants {
            reads: Some(Visibility::Internal),
            writes: true,
            edits: true,
            administers: true,
            follows: true,
        },
        request_id: None,
    };

    /// A reader of what is public.
    pub const PUBLIC: Self = Self {
        actor: Actor::Nobody,
        grants: Grants { reads: Some(Visibility::Public), ..Grants::NONE },
        request_id: None,
    };

    /// The id of the account or key.
    #[must_use]
    pub fn id(&self) -> Option<Uuid> {
        match &self.actor {
            Actor::Nobody | Actor::System => None,
            Actor::Account(Account { id, .. }) | Actor::Key { id, .. } => Some(*id),
        }
    }

    /// The role of the account; the command line may do what the owner may.
    #[must_use]
    pub fn role(&self) -> Option<AccountRole> {
        match &self.actor {
            Actor::Account(account) => Some(account.role),
            Actor::System => Some(AccountRole::Owner),
            _ => None,
        }
    }

    /// Whether the caller belongs to the organisation: sees what is internal.
    #[must_use]
    pub fn is_inside(&self) -> bool {
        self.grants.reads == Some(Visibility::Internal)
    }

    /// Whether the caller sees nothing but what is public.
    #[must_use]
    pub fn is_public(&self) -> bool {
        !self.grants.writes && self.grants.reads.is_none_or(|reads| reads == Visibility::Public)
    }

    /// The caller as one who only reads what is published for them.
    #[must_use]
    pub fn as_reader(&self) -> Self {
        Self { grants: Grants { reads: self.grants.reads, ..Grants::NONE }, ..self.clone() }
    }

    /// Whether the credential of the request `parts`, which this caller was known by when it came, still
    /// grants the same. For answers that outlast the request.
    pub async fn is_still_good(&self, app: &App, parts: &Parts) -> bool {
        let verified = credential::of(parts, app, parts.extensions.get::<Exchange>()).await;
        verified.is_ok_and(|verified| verified.is_some_and(|(_, grants)| grants == self.grants))
    }

    /// What kind of caller it is, for the audit trail.
    #[must_use]
    pub fn actor_type(&self) -> ActorType {
        match self.actor {
            Actor::Nobody => ActorType::Nobody,
            Actor::System => ActorType::System,
            Actor::Account { .. } => ActorType::Account,
            Actor::Key { .. } => ActorType::Key,
        }
    }

    /// The line of the audit trail about something this caller does.
    #[must_use]
    pub fn did(&self, action: AuditAction) -> Event {
        self.signed(Event::done(action))
    }

    /// `event` as this caller's doing.
    #[must_use]
    pub fn signed(&self, event: Event) -> Event {
        event.by(self.actor_type(), self.id()).in_request(self.request_id.clone())
    }
}

impl FromRequestParts<App> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        if let Some(known) = parts.extensions.get::<Self>() {
            return Ok(known.clone());
        }
        let exchange = parts.extensions.get::<Exchange>().cloned();
        let request_id = exchange.as_ref().map(Exchange::request_id);
        let verified = credential::of(parts, app, exchange.as_ref()).await?;
        let (actor, grants) = verified.unwrap_or_else(|| {
            let reads = (app.config.access == Access::Open).then_some(Visibility::Public);
            (Actor::Nobody, Grants { reads, ..Grants::NONE })
        });
        let caller = Self { actor, grants, request_id };
        if let (Some(exchange), Some(id)) = (exchange, caller.id()) {
            exchange.called_by(caller.actor_type(), id);
        }
        limits::charge(app, parts, caller.actor.payer()).await?;
        parts.extensions.insert(caller.clone());
        Ok(caller)
    }
}

/// Why a caller who lacks a permission is refused.
fn refusal(caller: &Caller, needs: &'static str) -> Error {
    match &caller.actor {
        Actor::Nobody => Error::Unauthorized("send `Authorization: Bearer` and a token or key"),
        Actor::Account(Account { factor: Factor::Missing, .. }) => {
            let detail = "this role needs a second factor: set one up at `/v1/me/second-factor`";
            Error::Problem(Code::SecondFactorRequired, detail.to_owned())
        }
        _ => Error::Forbidden(needs),
    }
}

/// Declares a permission: an extractor that takes only callers who have it.
macro_rules! permission {
    ($(#[$doc:meta])* $name:ident, $needs:literal, $has:expr) => {
        $(#[$doc])*
        ///
        /// Taking this argument *is* the permission check: 401 without a credential, 403 with one
        /// that does not suffice.
        #[derive(Clone, Debug)]
        pub struct $name(pub Caller);

        impl FromRequestParts<App> for $name {
            type Rejection = Error;

            async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
                let caller = Caller::from_request_parts(parts, app).await?;
                let has: fn(&Caller) -> bool = $has;
                if has(&caller) { Ok(Self(caller)) } else { Err(refusal(&caller, $needs)) }
            }
        }

        impl AsRef<Caller> for $name {
            fn as_ref(&self) -> &Caller {
                &self.0
            }
        }
    };
}

permission! {
    /// A caller who may read content: any account, a publishable key, a secret key with
    /// `content:read`; anybody when access is open.
    Reader, "the scope `content:read`", |caller| caller.grants.reads.is_some()
}

permission! {
    /// A caller who may create entries and change their own drafts.
    Writer, "the role `author` or the scope `content:write`", |caller| caller.grants.writes
}

permission! {
    /// A caller who may change and publish every entry.
    Editor, "the role `editor` or the scope `content:publish`", |caller| caller.grants.edits
}

permission! {
    /// A caller who may follow the change log of what they read.
    Follower, "the role `editor`, or the scope `changes:read` and one to read with",
    |caller| caller.grants.follows
}

permission! {
    /// A signed-in person who may manage keys and accounts; never a key.
    Administrator, "the role `admin`", |caller| caller.grants.administers
}

permission! {
    /// A signed-in person, with or without a second factor; never a key.
    Person, "a signed-in account", |caller| matches!(caller.actor, Actor::Account(_))
}

permission! {
    /// Whoever has a credential.
    Signed, "a credential", |caller| caller.actor != Actor::Nobody
}

/// A caller with the permission `P` who has proved who they are within the last five minutes: for
/// what an unattended screen must not allow (SECURITY.md A-10). 403 `reauthentication-required` else.
#[derive(Clone, Debug)]
pub struct Fresh<P>(pub P);

impl<P> FromRequestParts<App> for Fresh<P>
where
    P: FromRequestParts<App, Rejection = Error> + AsRef<Caller>,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let permitted = P::from_request_parts(parts, app).await?;
        match &permitted.as_ref().actor {
            Actor::Account(account) if app.clock.now() - account.authenticated_at <= FRESH => {
                Ok(Self(permitted))
            }
            _ => {
                let detail =
                    "prove again who you are at `/v1/auth/reauthenticate`; it holds for five minutes";
                Err(Error::Problem(Code::ReauthenticationRequired, detail.to_owned()))
            }
        }
    }
}
