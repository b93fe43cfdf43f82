//! Links that show one entry, as it would be published, to whoever has them.

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{
    IntoActiveModel, QueryOrder, QuerySelect,
    entity::prelude::*,
    sea_query::{Expr, ExprTrait},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::{
    actors::{Actors, By},
    answer::{about, answer, rendered, served},
    finder,
    handlers::created,
    kind::Kind,
    lookup::{self, Among},
    references::kind_name,
    working_copy,
};
use crate::{
    app::App,
    auth::{Caller, Once, Writer, grants_of},
    entity::{
        entry, preview,
        vocabulary::{AuditAction, State as EntryState},
    },
    http::{
        Body, Error, Id, Query, Result,
        conditional::Version,
        cursor::Position,
        extract::Part,
        locale::{Language, Served},
        page::{PageInfo, PageParameters},
        query::NoParameters,
    },
    trail,
};

/// What the links are sealed for.
const PURPOSE: &str = "preview";
/// How many links to one entry may be good at a time.
const MAX_LIVING: u64 = 50;

/// A link to be made.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPreview {
    /// For how many hours it is good.
    #[serde(default = "three_days")]
    #[schema(minimum = 1, maximum = 720, default = 72)]
    pub expires_in_hours: u16,
    /// Whom it is for.
    #[serde(default)]
    #[schema(max_length = 200, example = "Dil editörü")]
    pub note: Option<String>,
}

fn three_days() -> u16 {
    72
}

/// A link.
#[derive(Debug, Serialize, ToSchema)]
pub struct Preview {
    /// Its id.
    pub id: Uuid,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Who made it.
    #[schema(required)]
    pub created_by: Option<By>,
    /// When it stops.
    pub expires_at: DateTime<Utc>,
    /// When it was revoked.
    #[schema(required)]
    pub revoked_at: Option<DateTime<Utc>>,
    /// Whom it is for.
    #[schema(required)]
    pub note: Option<String>,
}

/// A link that has just been made.
#[derive(Debug, Serialize, ToSchema)]
pub struct CreatedPreview {
    /// What is known of it.
    pub preview: Preview,
    /// What opens the entry, shown this once: `GET /v1/previews/{token}`.
    pub token: String,
    /// Where this service shows the entry to whoever has the link.
    #[schema(format = "uri")]
    pub url: String,
}

/// A page of links.
#[derive(Debug, Serialize, ToSchema)]
pub struct PreviewPage {
    /// The links, the latest first.
    pub data: Vec<Preview>,
    /// Where the page ends.
    pub page: PageInfo,
}

fn shown(row: preview::Model, actors: &Actors) -> Preview {
    Preview {
        id: row.id,
        created_at: row.created_at,
        created_by: actors.get(row.created_by),
        expires_at: row.expires_at,
        revoked_at: row.revoked_at,
        note: row.note,
    }
}

/// `POST /v1/{collection}/{id}/previews`
pub(super) async fn create<K: Kind>(
    State(app): State<App>,
    Writer(caller): Writer,
    id: Id,
    Query(NoParameters): Query<NoParameters>,
    Once(effect, Body(new)): Once<Body<NewPreview>>,
) -> Result<Response> {
    let tx = effect.begin().await?;
    let entry = lookup::changeable::<K>(&tx, &caller, &id, Among::Alive, true).await?;
    if !entry.consented {
        return Err(Error::conflict("who has not agreed to be shown is shown to nobody, not even by a link"));
    }
    let now = app.clock.now();
    let living = preview::Entity::find()
        .filter(preview::Column::EntryId.eq(entry.id))
        .filter(preview::Column::RevokedAt.is_null())
        .filter(preview::Column::ExpiresAt.gt(now));
    if sea_orm::PaginatorTrait::count(living, &tx).await? >= MAX_LIVING {
        return Err(Error::conflict(format!("{MAX_LIVING} links to this entry are good: revoke some")));
    }
    let row = preview::Model {
        id: app.clock.secret_id(),
        entry_id: entry.id,
        created_by: caller.id(),
        created_at: now,
        expires_at: now + TimeDelta::hours(new.expires_in_hours.into()),
        revoked_at: None,
        note: new.note,
    };
    preview::Entity::insert(row.clone().into_active_model().reset_all()).exec_without_returning(&tx).await?;
    let event = caller.did(AuditAction::PreviewCreated).on(kind_name(K::KIND), entry.id);
    trail::record(&tx, now, [event]).await?;
    let token = app.secrets.seal(row.id.as_bytes(), PURPOSE).map_err(Error::internal)?;
    let actors = Actors::load(&tx, [row.created_by]).await?;
    let url = format!("{}/v1/previews/{token}", app.config.base_url);
    let location = format!("/v1/{}/{}/previews/{}", K::COLLECTION, entry.id, row.id);
    let made = json!(CreatedPreview { preview: shown(row, &actors), token, url });
    let served = Served::only(&app.config.default_locale);
    let response = answer(&HeaderMap::new(), &caller, &served, Version::live(0), None, &made)?;
    effect.commit(tx, created(response, &location)).await
}

/// `GET /v1/{collection}/{id}/previews`
pub(super) async fn list<K: Kind>(
    State(app): State<App>,
    Writer(caller): Writer,
    id: Id,
    Query(page): Query<PageParameters>,
    headers: HeaderMap,
) -> Result<Response> {
    let db = app.db.reader();
    let entry = lookup::changeable::<K>(db, &caller, &id, Among::Alive, false).await?;
    let key = app.secrets.cursor_key();
    let list = format!("previews|{}|{:?}", entry.id, caller.id());
    let after = page.after(key, &list)?;
    let mut select = preview::Entity::find()
        .filter(preview::Column::EntryId.eq(entry.id))
        .order_by_desc(preview::Column::CreatedAt)
        .order_by_desc(preview::Column::Id)
        .limit(page.wanted());
    if let Some((at, id)) =
        after.and_then(|after| Some((after.sort_key.parse::<DateTime<Utc>>().ok()?, after.id)))
    {
        let tie = preview::Column::CreatedAt.eq(at).and(preview::Column::Id.lt(id));
        select = select.filter(preview::Column::CreatedAt.lt(at).or(tie));
    }
    let mut rows = select.all(db).await?;
    let position = |last: &preview::Model| Position { sort_key: last.created_at.to_rfc3339(), id: last.id };
    let page = page.cut(&mut rows, position, key, &list);
    let actors = Actors::load(db, rows.iter().map(|row| row.created_by)).await?;
    let data = rows.into_iter().map(|row| shown(row, &actors)).collect();
    about(&app, &headers, &caller, &entry, &PreviewPage { data, page })
}

/// `DELETE /v1/{collection}/{id}/previews/{preview}`
pub(super) async fn revoke<K: Kind>(
    State(app): State<App>,
    Writer(caller): Writer,
    id: Id,
    Part(part): Part,
    Query(NoParameters): Query<NoParameters>,
) -> Result<StatusCode> {
    let Some(Id::Uuid(link)) = Id::parse(&part) else { return Err(Error::NotFound) };
    let tx = app.db.begin().await?;
    let entry = lookup::changeable::<K>(&tx, &caller, &id, Among::Alive, true).await?;
    let row =
        preview::Entity::find_by_id(link).filter(preview::Column::EntryId.eq(entry.id)).one(&tx).await?;
    let row = row.ok_or(Error::NotFound)?;
    let now = app.clock.now();
    if row.revoked_at.is_none() {
        preview::Entity::update_many()
            .col_expr(preview::Column::RevokedAt, Expr::value(now))
            .filter(preview::Column::Id.eq(link))
            .exec(&tx)
            .await?;
        let event = caller.did(AuditAction::PreviewRevoked).on(kind_name(K::KIND), entry.id);
        trail::record(&tx, now, [event]).await?;
        tx.commit().await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// The entry that the link `token` opens.
///
/// # Errors
/// 404 when it opens none: it is no link of ours, has expired, was revoked, or the entry is gone.
pub async fn opened(app: &App, token: &str) -> Result<entry::Model> {
    let id = app.secrets.open(token, PURPOSE).ok_or(Error::NotFound)?;
    let id = Uuid::from_slice(&id).map_err(|_bad| Error::NotFound)?;
    let db = app.db.reader();
    let row = preview::Entity::find_by_id(id).one(db).await?.ok_or(Error::NotFound)?;
    if row.revoked_at.is_some() || row.expires_at <= app.clock.now() {
        return Err(Error::NotFound);
    }
    let entry =
        entry::Entity::find_by_id(row.entry_id).filter(finder::visible_to(&Caller::SYSTEM)).one(db).await?;
    // Consent may have been withdrawn since, and so may the entry.
    let entry = entry.filter(|entry| entry.consented && entry.state != EntryState::Archived);
    let entry = entry.ok_or(Error::NotFound)?;
    if is_still_allowed(app, &row, &entry).await? { Ok(entry) } else { Err(Error::NotFound) }
}

/// Whether who made a link may still change the entry, and so show it: an editor, or an author whose own
/// it is while it is on its way. What editors write of it later is not the author's to show.
async fn is_still_allowed(app: &App, link: &preview::Model, entry: &entry::Model) -> Result<bool> {
    let Some(maker) = link.created_by else { return Ok(false) };
    let grants = grants_of(app, maker).await?;
    let is_on_its_way = matches!(entry.state, EntryState::Draft | EntryState::InReview);
    Ok(grants.edits || (grants.writes && is_on_its_way && entry.created_by == Some(maker)))
}

/// Shows `entry`, or its working copy, as everybody would see it once it is published.
///
/// # Errors
/// When the database fails.
pub async fn show<K: Kind>(
    app: &App,
    headers: &HeaderMap,
    language: &Language,
    entry: entry::Model,
) -> Result<Response> {
    let db = app.db.reader();
    let stored = match working_copy::of::<K>(db, &entry).await? {
        Some(copy) => copy,
        None => lookup::whole::<K>(db, entry).await?,
    };
    if !K::is_shown(&stored.draft.fields) {
        return Err(Error::NotFound);
    }
    let shown = rendered(db, &Caller::PUBLIC, language, stored).await?;
    let served = served(language, [&shown]);
    // Whatever the public may keep, nobody keeps this: the answer is that of somebody inside.
    answer(headers, &Caller::SYSTEM, &served, Version::live(0), None, &shown.into())
}
