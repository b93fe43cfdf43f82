//! Bringing an entry to the public and back: where it stands, where it may go, and going there.

use axum::{extract::State, http::HeaderMap, response::Response};
use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    actors::{Actors, By},
    answer::{about, show},
    edit,
    kind::Kind,
    load::Stored,
    lookup::{self, Among},
    parameters::ItemParameters,
    store::Write,
    workflow::{self, Hindrance, Rules, Stage, Transition},
    working_copy,
};
use crate::{
    app::App,
    auth::{Caller, Once, Writer},
    entity::{
        entry, revision, user,
        vocabulary::{AccountRole, State as EntryState},
    },
    http::{
        Body, Error, FieldError, Id, Query, Result,
        conditional::{self, Version},
        query::NoParameters,
    },
};

/// Where an entry stands, and where this caller may bring it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Standing {
    /// Its state.
    pub state: EntryState,
    /// When it, or its working copy, is to be published.
    #[schema(required)]
    pub publish_at: Option<DateTime<Utc>>,
    /// When it is to be archived.
    #[schema(required)]
    pub unpublish_at: Option<DateTime<Utc>>,
    /// Who sent it to review.
    #[schema(required)]
    pub submitted_by: Option<By>,
    /// Who is to review it.
    #[schema(required)]
    pub assignee: Option<By>,
    /// The version that is its working copy; null when there is none.
    #[schema(required, minimum = 1)]
    pub working_copy: Option<i32>,
    /// Why it is where it is.
    #[schema(required)]
    pub note: Option<String>,
    /// The ways there are.
    pub transitions: Vec<Way>,
}

/// A way that an entry may take.
#[derive(Debug, Serialize, ToSchema)]
pub struct Way {
    /// The state it leads to.
    pub to: EntryState,
    /// The fields that must be sent with it.
    pub needs: Vec<String>,
    /// What the entry still lacks for it, with the language of each text.
    pub missing: Vec<FieldError>,
    /// Why this caller may not take it; null: they may.
    #[schema(required)]
    pub hindrance: Option<Hindrance>,
}

/// `GET /v1/{collection}/{id}/transitions`
pub(super) async fn list<K: Kind>(
    State(app): State<App>,
    Writer(caller): Writer,
    id: Id,
    Query(NoParameters): Query<NoParameters>,
    headers: HeaderMap,
) -> Result<Response> {
    let db = app.db.reader();
    let entry = lookup::find::<K>(db, &caller, &id, Among::Alive, false).await?;
    let entry = lookup::allowed(&caller, entry, workflow::may_take_part)?;
    let rules = rules(&app, db, &entry).await?;
    let latest = revision::Entity::find_by_id((entry.id, entry.version)).one(db).await?;
    let actors = Actors::load(db, [entry.submitted_by, entry.assignee_id]).await?;
    let ways = workflow::ways(&caller, Stage::of(&entry), rules);
    let stored = lookup::whole::<K>(db, entry).await?;
    let entry = stored.entry.clone();
    let content = working_copy::of::<K>(db, &entry).await?.unwrap_or(stored);
    let missing = content.draft.missing();
    let way = |(to, hindrance)| Way {
        to,
        needs: workflow::needs(&caller, &entry, to).iter().map(|name| (*name).to_owned()).collect(),
        missing: if Stage::new(to).is_complete() { missing.clone() } else { Vec::new() },
        hindrance,
    };
    let standing = Standing {
        state: entry.state,
        publish_at: entry.publish_at,
        unpublish_at: entry.unpublish_at,
        submitted_by: actors.get(entry.submitted_by),
        assignee: actors.get(entry.assignee_id),
        working_copy: entry.draft_version,
        note: latest.and_then(|latest| latest.note),
        transitions: ways.into_iter().map(way).collect(),
    };
    about(&app, &headers, &caller, &entry, &standing)
}

/// `POST /v1/{collection}/{id}/transitions`
pub(super) async fn take<K: Kind>(
    State(app): State<App>,
    Writer(caller): Writer,
    id: Id,
    Query(ItemParameters(language)): Query<ItemParameters>,
    headers: HeaderMap,
    Once(effect, Body(transition)): Once<Body<Transition>>,
) -> Result<Response> {
    let tx = effect.begin().await?;
    let stored = lookup::held::<K>(&tx, &caller, Some(&id), workflow::may_take_part).await?;
    if let Some(version) = conditional::optional_version(&headers)? {
        // A transition concerns both: whoever has read either knows what there is.
        let version = Version { is_copy: stored.is_copy, ..version };
        edit::refuse_stale(&tx, &caller, &language, version, &stored).await?;
    }
    let write = prepared(&app, &tx, &caller, stored, transition).await?;
    let saved = edit::write(&app, &tx, &caller, write).await?;
    let response = show(&tx, &caller, &language, &HeaderMap::new(), saved).await?;
    effect.commit(tx, response).await
}

/// The write that brings `stored` where `transition` says, if that is a way for `caller`.
///
/// # Errors
/// 409, 403 or 422.
pub async fn prepared<K: Kind>(
    app: &App,
    tx: &impl ConnectionTrait,
    caller: &Caller,
    stored: Stored<K>,
    transition: Transition,
) -> Result<Write<K>> {
    let rules = rules(app, tx, &stored.entry).await?;
    workflow::check(caller, Stage::of(&stored.entry), transition.to, rules)?;
    let stage = transition.stage(caller, &stored.entry, app.clock.now())?;
    if let Some(assignee) = transition.assignee {
        check_assignee(tx, assignee).await?;
    }
    let copy = working_copy::of::<K>(tx, &stored.entry).await?;
    let mut write = Write { stage, note: transition.note, ..Write::of(stored) };
    match copy {
        // What is published, or worked on further, is the working copy.
        Some(copy) if stage.draft_version.is_none() => write.draft = copy.draft,
        Some(copy) if stage.publish_at.is_some() => {
            let missing = copy.draft.missing();
            if !missing.is_empty() {
                return Err(Error::Invalid(missing));
            }
        }
        _ => {}
    }
    Ok(write)
}

async fn rules(app: &App, db: &impl ConnectionTrait, entry: &entry::Model) -> Result<Rules> {
    let four_eyes = app.config.four_eyes;
    let mut last_author = None;
    if four_eyes {
        let version = entry.draft_version.unwrap_or(entry.version);
        let latest = revision::Entity::find_by_id((entry.id, version)).one(db).await?;
        last_author = latest.and_then(|latest| latest.actor_id);
    }
    Ok(Rules { four_eyes, last_author })
}

/// Checks that an account can be asked to review.
async fn check_assignee(db: &impl ConnectionTrait, id: Uuid) -> Result<()> {
    let account = user::Entity::find_by_id(id).one(db).await?;
    let reviews = account.is_some_and(|account| {
        account.role >= AccountRole::Editor && account.disabled_at.is_none() && account.deleted_at.is_none()
    });
    if reviews {
        return Ok(());
    }
    let detail = "there is no account of an editor with this id";
    Err(Error::Invalid(vec![FieldError::at("/assignee", "unknown_reference", detail)]))
}
