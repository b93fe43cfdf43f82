//! The operations on a collection, the same for every kind.

use axum::{
    Router,
    extract::{OriginalUri, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use sea_orm::{Condition, QueryOrder, QuerySelect, entity::prelude::*, sea_query::LockType};
use serde_json::{Value, json};

use super::{
    answer::{answer, describe_audience, render, show},
    claims,
    draft::Draft,
    finder, history,
    kind::Kind,
    load::{Stored, load},
    parameters::{ItemParameters, ListParameters, with_cursor},
    references, slug,
    store::{self, Before, Write},
    tree,
    view::View,
    workflow::{self, Stage, Transition},
};
use crate::{
    app::App,
    auth::{Caller, Editor, Reader, Writer},
    entity::{
        entry, slug_history,
        vocabulary::{AuditAction, State as EntryState},
    },
    http::{
        Body, Error, Id, MergePatch, Query, Result, conditional, cursor::Position, extract::Document,
        json::merge, locale::Language, page::opened,
    },
};

/// How an entry is held while it is changed: others who change it wait, others who refer to it do not.
const HELD: LockType = LockType::NoKeyUpdate;

/// The routes of the collection of `K`.
pub fn router<K: Kind>() -> Router<App> {
    let collection = format!("/v1/{}", K::COLLECTION);
    let item = format!("{collection}/{{id}}");
    Router::new()
        .route(&collection, get(list::<K>).post(create::<K>))
        .route(&item, get(read::<K>).patch(change::<K>).delete(trash::<K>))
        .route(&format!("{item}/transitions"), post(transition::<K>))
}

/// `GET /v1/{collection}`
async fn list<K: Kind>(
    State(app): State<App>,
    Reader(caller): Reader,
    Query(parameters): Query<ListParameters>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Result<Response> {
    check_language(&caller, &parameters.language)?;
    // A cursor is good only for the same list, seen with the same eyes.
    let list =
        format!("{}|{:?}|{:?}", K::COLLECTION, caller.grants, caller.id().filter(|_| caller.grants.writes));
    let after = opened(parameters.cursor.as_deref(), app.secrets.cursor_key(), &list)?;
    let limit = parameters.limit;
    let mut rows = page::<K>(app.db.reader(), &caller, after, limit + 1).await?;
    let more = rows.len() > usize::try_from(limit).map_err(Error::internal)?;
    rows.truncate(usize::try_from(limit).map_err(Error::internal)?);
    let next = rows.last().filter(|_| more).map(|last| {
        let position = Position { sort_key: last.sort_key.clone(), id: last.id };
        position.seal(app.secrets.cursor_key(), &list)
    });
    let latest = rows.iter().map(|row| row.updated_at).max();
    let view = View { language: &parameters.language, caller: &caller, with_body: false };
    let data = render::<K>(app.db.reader(), view, rows).await?;
    let page = json!({ "data": data, "page": { "limit": limit, "next_cursor": next } });
    let mut response = answer(&headers, &caller, &parameters.language.locale, 0, latest, &page)?;
    if let Some(cursor) = next {
        let link = format!("<{}{}>; rel=\"next\"", app.config.base_url, with_cursor(&uri, &cursor));
        response.headers_mut().extend(HeaderValue::from_str(&link).ok().map(|link| (header::LINK, link)));
    }
    Ok(response)
}

/// `POST /v1/{collection}`
async fn create<K: Kind>(
    State(app): State<App>,
    Writer(caller): Writer,
    Query(ItemParameters(language)): Query<ItemParameters>,
    Document(body): Document,
) -> Result<Response> {
    let draft = checked::<K>(&app, &body)?;
    let tx = app.db.begin().await?;
    let saved =
        write(&app, &tx, &caller, Before::Nothing, draft, Stage::new(EntryState::Draft), None).await?;
    let location = format!("/v1/{}/{}", K::COLLECTION, saved.entry.slug);
    let mut response = show(&tx, &caller, &language, &HeaderMap::new(), saved).await?;
    tx.commit().await?;
    *response.status_mut() = StatusCode::CREATED;
    response
        .headers_mut()
        .extend(HeaderValue::from_str(&location).ok().map(|value| (header::LOCATION, value)));
    Ok(response)
}

/// `GET /v1/{collection}/{id}`
async fn read<K: Kind>(
    State(app): State<App>,
    Reader(caller): Reader,
    id: Id,
    Query(ItemParameters(language)): Query<ItemParameters>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Result<Response> {
    check_language(&caller, &language)?;
    match find::<K>(app.db.reader(), &caller, &id, false).await? {
        Some(entry) => show_entry::<K>(&app, &caller, &language, &headers, entry).await,
        None => moved::<K>(&app, &caller, &id, uri.query()).await,
    }
}

/// Shows one entry; also how the organisation's profile is read.
///
/// # Errors
/// When the database fails.
pub async fn show_entry<K: Kind>(
    app: &App,
    caller: &Caller,
    language: &Language,
    headers: &HeaderMap,
    entry: entry::Model,
) -> Result<Response> {
    let stored = load::<K>(app.db.reader(), vec![entry], true).await?.pop().ok_or(Error::NotFound)?;
    show(app.db.reader(), caller, language, headers, stored).await
}

/// `PATCH /v1/{collection}/{id}`
async fn change<K: Kind>(
    State(app): State<App>,
    Writer(caller): Writer,
    id: Id,
    Query(ItemParameters(language)): Query<ItemParameters>,
    headers: HeaderMap,
    MergePatch(patch): MergePatch,
) -> Result<Response> {
    change_entry::<K>(&app, &caller, Some(&id), &language, &headers, patch).await
}

/// Changes one entry; also how the organisation's profile is changed. Without an id, the only one
/// of its kind is meant.
///
/// # Errors
/// 404, 403, 428, 412, 422 or 409, in this order.
pub async fn change_entry<K: Kind>(
    app: &App,
    caller: &Caller,
    id: Option<&Id>,
    language: &Language,
    headers: &HeaderMap,
    patch: Value,
) -> Result<Response> {
    let tx = app.db.begin().await?;
    let stored = for_change::<K>(&tx, caller, id).await?;
    let version = conditional::required_version(headers)?;
    refuse_stale(&tx, caller, language, version, &stored).await?;
    app.contract.check(&format!("{}Patch", K::NAME), &patch)?;
    let mut document = stored.draft.to_value();
    merge(&mut document, patch);
    let draft = checked::<K>(app, &document)?;
    let stage = Stage::of(&stored.entry);
    let saved = write(app, &tx, caller, Before::Stored(Box::new(stored)), draft, stage, None).await?;
    let response = show(&tx, caller, language, &HeaderMap::new(), saved).await?;
    tx.commit().await?;
    Ok(response)
}

/// `DELETE /v1/{collection}/{id}`
async fn trash<K: Kind>(
    State(app): State<App>,
    Writer(caller): Writer,
    id: Id,
    Query(ItemParameters(language)): Query<ItemParameters>,
    headers: HeaderMap,
) -> Result<StatusCode> {
    let tx = app.db.begin().await?;
    let stored = for_change::<K>(&tx, &caller, Some(&id)).await?;
    let version = conditional::required_version(&headers)?;
    refuse_stale(&tx, &caller, &language, version, &stored).await?;
    let write = Write {
        draft: stored.draft.clone(),
        stage: Stage::of(&stored.entry),
        before: Before::Stored(Box::new(stored)),
        published_at: None,
        delete: true,
        note: None,
    };
    let saved = store::save(&tx, &app.clock, &caller, vec![write]).await?;
    let events = saved.iter().map(|stored| {
        caller.did(AuditAction::ContentDeleted).on(references::kind_name(K::KIND), stored.entry.id)
    });
    history::seal(&tx, app.clock.now(), events.collect::<Vec<_>>()).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /v1/{collection}/{id}/transitions`
async fn transition<K: Kind>(
    State(app): State<App>,
    Editor(caller): Editor,
    id: Id,
    Query(ItemParameters(language)): Query<ItemParameters>,
    headers: HeaderMap,
    Body(Transition { to, note }): Body<Transition>,
) -> Result<Response> {
    let tx = app.db.begin().await?;
    let stored = for_change::<K>(&tx, &caller, Some(&id)).await?;
    if let Some(version) = conditional::optional_version(&headers)? {
        refuse_stale(&tx, &caller, &language, version, &stored).await?;
    }
    let to = EntryState::from(to);
    workflow::check(stored.entry.state, to)?;
    let (draft, stage) = (stored.draft.clone(), Stage { state: to, ..Stage::of(&stored.entry) });
    let saved = write(&app, &tx, &caller, Before::Stored(Box::new(stored)), draft, stage, note).await?;
    let response = show(&tx, &caller, &language, &HeaderMap::new(), saved).await?;
    tx.commit().await?;
    Ok(response)
}

/// One page of the default order.
async fn page<K: Kind>(
    db: &impl ConnectionTrait,
    caller: &Caller,
    after: Option<Position>,
    limit: u64,
) -> Result<Vec<entry::Model>> {
    use entry::Column::{Id, SortKey};
    let mut select = finder::of_kind(caller, K::KIND).limit(limit);
    if let Some(Position { sort_key, id }) = after {
        // The bound is implied by the rest; alone it can be served by the index.
        let (bound, key, tie) = if K::DESCENDING {
            (SortKey.lte(&sort_key), SortKey.lt(&sort_key), Id.lt(id))
        } else {
            (SortKey.gte(&sort_key), SortKey.gt(&sort_key), Id.gt(id))
        };
        let tie = Condition::all().add(SortKey.eq(sort_key)).add(tie);
        select = select.filter(bound).filter(Condition::any().add(key).add(tie));
    }
    let select = if K::DESCENDING {
        select.order_by_desc(SortKey).order_by_desc(Id)
    } else {
        select.order_by_asc(SortKey).order_by_asc(Id)
    };
    Ok(select.all(db).await?)
}

/// The entry with this id or slug, if the caller may see it.
async fn find<K: Kind>(
    db: &impl ConnectionTrait,
    caller: &Caller,
    id: &Id,
    for_change: bool,
) -> Result<Option<entry::Model>> {
    let mut select = finder::of_kind(caller, K::KIND);
    select = match id {
        Id::Uuid(id) => select.filter(entry::Column::Id.eq(*id)),
        Id::Slug(slug) => select.filter(entry::Column::Slug.eq(slug)),
    };
    if for_change {
        select = select.lock(HELD);
    }
    Ok(select.one(db).await?)
}

/// The entry that is to be changed, held until the transaction ends.
async fn for_change<K: Kind>(
    db: &impl ConnectionTrait,
    caller: &Caller,
    id: Option<&Id>,
) -> Result<Stored<K>> {
    let entry = match id {
        Some(id) => find::<K>(db, caller, id, true).await?,
        None => finder::of_kind(caller, K::KIND).lock(HELD).one(db).await?,
    };
    let entry = entry.ok_or(Error::NotFound)?;
    if !finder::may_change(caller, &entry) {
        return Err(Error::Forbidden("the role `editor`, or an own draft"));
    }
    load::<K>(db, vec![entry], true).await?.pop().ok_or(Error::NotFound)
}

/// 308 to the present address of an entry whose slug was another one once.
async fn moved<K: Kind>(app: &App, caller: &Caller, id: &Id, query: Option<&str>) -> Result<Response> {
    let Id::Slug(slug) = id else { return Err(Error::NotFound) };
    let former = slug_history::Entity::find_by_id((K::KIND, slug.clone())).one(app.db.reader()).await?;
    let former = former.ok_or(Error::NotFound)?;
    let entry = find::<K>(app.db.reader(), caller, &Id::Uuid(former.entry_id), false)
        .await?
        .ok_or(Error::NotFound)?;
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    let location = format!("/v1/{}/{}{query}", K::COLLECTION, entry.slug);
    let mut response = StatusCode::PERMANENT_REDIRECT.into_response();
    response
        .headers_mut()
        .extend(HeaderValue::from_str(&location).ok().map(|value| (header::LOCATION, value)));
    describe_audience(caller, response.headers_mut());
    Ok(response)
}

/// Checks a whole document: against its schema, then against the rules that a schema cannot say.
fn checked<K: Kind>(app: &App, document: &Value) -> Result<Draft<K>> {
    let (draft, errors) = super::draft::checked::<K>(app, &format!("New{}", K::NAME), document)?;
    match draft {
        Some(draft) if errors.is_empty() => Ok(draft),
        _ => Err(Error::Invalid(errors)),
    }
}

/// Writes one entry, after everything that only the database knows has been checked.
async fn write<K: Kind>(
    app: &App,
    tx: &impl ConnectionTrait,
    caller: &Caller,
    before: Before<K>,
    mut draft: Draft<K>,
    stage: Stage,
    note: Option<String>,
) -> Result<Stored<K>> {
    let made = draft.common.slug.is_none();
    if made {
        let heading = draft.heading().unwrap_or_default();
        let fallback = super::references::kind_name(K::KIND);
        draft.common.slug = Some(slug::free(tx, K::KIND, &heading, fallback, before.id()).await?);
    }
    let mut items = [(draft, Vec::new())];
    let mut kept = Vec::new();
    if let Before::Stored(before) = &before {
        kept.extend(before.draft.clone().references().into_iter().map(|reference| reference.name.clone()));
    }
    references::resolve(tx, caller, &mut items, &kept).await?;
    claims::clashes(tx, &mut items, &[before.id()], &[]).await?;
    let [(draft, mut errors)] = items;
    if stage.state == EntryState::Published {
        errors.extend(draft.missing());
    }
    if made && errors.iter().any(|error| error.pointer.as_deref() == Some("/slug")) {
        // Another writer has just published the same title; nobody sent that slug.
        return Err(Error::conflict("somebody has just taken the slug made from the title; try again"));
    }
    if !errors.is_empty() {
        return Err(Error::Invalid(errors));
    }
    if let Before::Stored(before) = &before
        && before.draft == draft
        && Stage::of(&before.entry) == stage
    {
        // Nothing is to change, so nothing has happened.
        return Ok(Stored::clone(before));
    }
    let (action, fields) = history::action(&before, &draft, stage.state);
    let write = Write { before, draft, stage, published_at: None, delete: false, note };
    let mut saved = store::save(tx, &app.clock, caller, vec![write]).await?;
    let saved = saved.pop().ok_or_else(|| Error::internal("nothing was saved"))?;
    let circles = tree::circles::<K>(tx, &[saved.entry.id]).await?;
    if !circles.is_empty() {
        return Err(Error::Invalid(circles.into_iter().map(|(_, error)| error).collect()));
    }
    let event = caller.did(action).on(references::kind_name(K::KIND), saved.entry.id).changing(fields);
    history::seal(tx, app.clock.now(), [event]).await?;
    Ok(saved)
}

/// 412 with the current tag when the entry is no longer at `version`.
async fn refuse_stale<K: Kind>(
    db: &impl ConnectionTrait,
    caller: &Caller,
    language: &Language,
    version: i32,
    stored: &Stored<K>,
) -> Result<()> {
    if stored.entry.version == version {
        return Ok(());
    }
    let current = show(db, caller, language, &HeaderMap::new(), stored.clone()).await?;
    let etag = current.headers().get(header::ETAG).and_then(|value| value.to_str().ok());
    Err(Error::Stale(etag.unwrap_or_default().to_owned()))
}

/// `locale=all` is for those who write.
///
/// # Errors
/// 403 for everybody else.
pub fn check_language(caller: &Caller, language: &Language) -> Result<()> {
    if language.all && !caller.grants.writes {
        return Err(Error::Forbidden("the role `author` for `locale=all`"));
    }
    Ok(())
}
