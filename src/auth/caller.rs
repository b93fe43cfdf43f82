//! The caller of a request, and the permissions that handlers ask for by type.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};
use chrono::TimeDelta;
use sea_orm::{JoinType, QuerySelect, entity::prelude::*, sea_query::Expr};
use uuid::Uuid;

use super::{Grants, Scope, key, session, token};
use crate::{
    app::App,
    config::Access,
    entity::{
        api_key, user,
        vocabulary::{AccountRole, KeyType, Visibility},
    },
    http::{
        Code, Error, Exchange, Result,
        limits::{self, Payer},
    },
};

/// Whose request it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Somebody without a credential.
    Nobody,
    /// A person who has signed in.
    Account {
        /// The account.
        id: Uuid,
        /// The session.
        session_id: Uuid,
        /// Its e-mail address.
        email: String,
        /// Its name.
        name: Option<String>,
        /// Its role now.
        role: AccountRole,
    },
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

/// Who is calling and what they may do. A wrong credential is 401, never anonymity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Whose request it is.
    pub actor: Actor,
    /// What they may do.
    pub grants: Grants,
}

impl Caller {
    /// The program itself: commands that seed, import and export.
    pub const SYSTEM: Self = Self {
        actor: Actor::Nobody,
        grants: Grants { reads: Some(Visibility::Internal), writes: true, edits: true, administers: true },
    };

    /// A reader of what is public.
    pub const PUBLIC: Self =
        Self { actor: Actor::Nobody, grants: Grants { reads: Some(Visibility::Public), ..Grants::NONE } };

    /// The id of the account or key.
    #[must_use]
    pub fn id(&self) -> Option<Uuid> {
        match &self.actor {
            Actor::Nobody => None,
            Actor::Account { id, .. } | Actor::Key { id, .. } => Some(*id),
        }
    }

    /// Who pays for the request. All visitors of a page share its publishable key.
    fn payer(&self) -> Payer {
        match &self.actor {
            Actor::Nobody => Payer::Stranger,
            Actor::Key { id, kind: KeyType::Publishable, .. } => Payer::Visitor(*id),
            Actor::Account { id, .. } | Actor::Key { id, .. } => Payer::Credential(*id),
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
}

impl FromRequestParts<App> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        if let Some(known) = parts.extensions.get::<Self>() {
            return Ok(known.clone());
        }
        let caller = match credential(&parts.headers)? {
            None => {
                let reads = (app.config.access == Access::Open).then_some(Visibility::Public);
                Self { actor: Actor::Nobody, grants: Grants { reads, ..Grants::NONE } }
            }
            Some(text) if text.starts_with("sogep_") => with_key(app, text).await?,
            Some(text) => with_token(app, text).await?,
        };
        if let (Some(exchange), Some(id)) = (parts.extensions.get::<Exchange>(), caller.id()) {
            exchange.called_by(id);
        }
        limits::charge(app, parts, caller.payer()).await?;
        parts.extensions.insert(caller.clone());
        Ok(caller)
    }
}

fn credential(headers: &HeaderMap) -> Result<Option<&str>> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        let detail = "send one credential".to_owned();
        return Err(Error::Problem(Code::MalformedRequest, detail));
    }
    let (scheme, text) = value.to_str().ok().and_then(|text| text.split_once(' ')).unwrap_or_default();
    if scheme.eq_ignore_ascii_case("bearer") {
        Ok(Some(text.trim()))
    } else {
        Err(Error::Unauthorized("send `Authorization: Bearer …`"))
    }
}

const REFUSED: Error = Error::Unauthorized("the credential is wrong, expired or revoked");

async fn with_token(app: &App, text: &str) -> Result<Caller> {
    let claims = token::verify(app, text).await?.ok_or(REFUSED)?;
    let (session, user) = session::live(app.db.reader(), claims.sid).await?.ok_or(REFUSED)?;
    let now = app.clock.now();
    if session.ended_at.is_some()
        || session.expires_at <= now
        || user.disabled_at.is_some()
        || user.id != claims.sub
    {
        return Err(REFUSED);
    }
    let actor = Actor::Account {
        id: user.id,
        session_id: session.id,
        email: user.email,
        name: user.name,
        role: user.role,
    };
    Ok(Caller { actor, grants: Grants::of_role(user.role) })
}

async fn with_key(app: &App, text: &str) -> Result<Caller> {
    let prefix = key::prefix(text).ok_or(REFUSED)?;
    let to_creator = api_key::Entity::belongs_to(user::Entity)
        .from(api_key::Column::CreatedBy)
        .to(user::Column::Id)
        .into();
    let found = api_key::Entity::find()
        .filter(api_key::Column::Prefix.eq(prefix))
        .join(JoinType::LeftJoin, to_creator)
        .select_also(user::Entity)
        .one(app.db.reader())
        .await?;
    // An unknown key takes the same steps as a wrong one.
    let given = app.secrets.api_key_hash(text);
    let stored = found.as_ref().map_or("", |(row, _)| row.hash.as_str());
    let same = aws_lc_rs::constant_time::verify_slices_are_equal(given.as_bytes(), stored.as_bytes());
    let (row, creator) = found.filter(|_| same.is_ok()).ok_or(REFUSED)?;
    let now = app.clock.now();
    let creator_is_gone = creator.as_ref().is_some_and(|creator| creator.disabled_at.is_some());
    if row.revoked_at.is_some() || row.expires_at <= now || creator_is_gone {
        return Err(REFUSED);
    }
    note_use(app, &row);
    let scopes: Vec<Scope> = serde_json::from_value(row.scopes).map_err(Error::internal)?;
    // A key made on the command line has no creator whose rights could limit it.
    let limit = creator.map_or(Caller::SYSTEM.grants, |creator| Grants::of_role(creator.role));
    let grants = match row.r#type {
        KeyType::Publishable => Grants { reads: Some(Visibility::Public), ..Grants::NONE },
        KeyType::Secret => Grants::of_scopes(&scopes, limit),
    };
    let actor = Actor::Key { id: row.id, name: row.name, kind: row.r#type, scopes };
    Ok(Caller { actor, grants })
}

/// Notes that a key is in use: beside the request, and at most once a minute.
fn note_use(app: &App, row: &api_key::Model) {
    let now = app.clock.now();
    if row.last_used_at.is_some_and(|last| now - last < TimeDelta::minutes(1)) {
        return;
    }
    let (app, id) = (app.clone(), row.id);
    tokio::spawn(async move {
        let noted = async {
            let tx = app.db.begin().await?;
            api_key::Entity::update_many()
                .col_expr(api_key::Column::LastUsedAt, Expr::value(now))
                .filter(api_key::Column::Id.eq(id))
                .exec(&tx)
                .await?;
            tx.commit().await
        };
        if let Err(error) = noted.await {
            tracing::warn!(%error, "the use of a key could not be noted");
        }
    });
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
                if has(&caller) {
                    Ok(Self(caller))
                } else if caller.actor == Actor::Nobody {
                    Err(Error::Unauthorized("send `Authorization: Bearer` and a token or key"))
                } else {
                    Err(Error::Forbidden($needs))
                }
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
    /// A signed-in person who may manage keys and accounts; never a key.
    Administrator, "the role `admin`", |caller| caller.grants.administers
}

permission! {
    /// Whoever has a credential.
    Signed, "a credential", |caller| caller.actor != Actor::Nobody
}
