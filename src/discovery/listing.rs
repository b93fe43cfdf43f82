//! Lists: which entries of a kind, in which order, page by page; searched and counted by the index.
//!
//! A list comes from the database. With `q`, the index says which entries and how well they answer; with
//! `facets`, it counts. It knows what is published and nothing else, so then the list holds only that.

use axum::{
    Router,
    extract::{OriginalUri, State},
    http::HeaderMap,
    response::Response,
    routing::get,
};
use sea_orm::{ActiveEnum, Condition, QuerySelect, entity::prelude::*};
use serde_json::json;

use super::{
    ask, condition,
    facets::{Facet, FacetValue, labelled},
    filling::{self, Current},
    link,
    searching::{place, position},
};
use crate::{
    app::App,
    auth::{Caller, Reader},
    cache::Sources,
    editorial::{
        Kind,
        answer::{answer, made_of, render, served},
        finder,
        handlers::check_language,
        lists::{
            field::{Holds, Place},
            filter,
            order::Listing,
        },
        parameters::{ListParameters, STATE, Shelf},
        view::View,
    },
    entity::{entry, vocabulary::State as EntryState},
    http::{
        Error, FieldError, Query, Result, conditional::Version, cursor::Position, locale::Language,
        page::opened,
    },
    reading,
    search::{self, Found},
    synonyms,
};

/// How many of the best entries found are put in another order than that of how well they answer.
const MOST_SORTED: usize = 10_000;

/// The route.
pub fn router<K: Kind>() -> Router<App> {
    Router::new().route(&format!("/v1/{}", K::COLLECTION), get(list::<K>))
}

/// What a page holds.
struct Page {
    entries: Vec<entry::Model>,
    /// Where the next begins.
    next: Option<Position>,
    total: Option<u64>,
}

/// `GET /v1/{collection}`
async fn list<K: Kind>(
    State(app): State<App>,
    Reader(caller): Reader,
    Query(parameters): Query<ListParameters<K>>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Result<Response> {
    let language = parameters.language.clone();
    check_language(&caller, &language)?;
    check_shelf(&caller, &parameters)?;
    check_states(&caller, &parameters)?;
    // A cursor is good only for the same list, seen with the same eyes.
    let by_title = parameters.selection.sort.iter().any(|key| matches!(key.field.place, Place::Title));
    let list = format!(
        "{}|{:?}|{:?}|{:?}|{:?}|{}",
        K::COLLECTION,
        caller.grants,
        caller.id().filter(|_| caller.grants.writes),
        parameters.described,
        by_title.then_some((&language.locale, language.fallback)),
        uses_index(&parameters),
    );
    let key = app.secrets.cursor_key();
    let after = opened(parameters.cursor.as_deref(), key, &list)?;
    let limit = parameters.limit;
    let mut sources = Some(sources(&parameters));
    let found = if uses_index(&parameters) {
        let (found, is_whole) = asked::<K>(&app, &caller, &parameters, after.as_ref()).await?;
        sources = is_whole.then_some(Sources::CONTENT);
        Some(found)
    } else {
        None
    };
    let page = match &found {
        Some(found) if is_ranked(&parameters) => ranked(&app, &caller, &parameters, found).await?,
        _ => sorted::<K>(&app, &caller, &parameters, found.as_ref(), after.as_ref()).await?,
    };
    let next = page.next.map(|position| position.seal(key, &list));
    let latest = page.entries.iter().map(|entry| entry.updated_at).max();
    let db = app.db.reader();
    let view = View { language: &language, caller: &caller, shape: &parameters.shape };
    let mut data = render::<K>(db, &view, page.entries).await?;
    let served = served(&language, &data);
    reading::complete::<K>(&app, &view, &mut data).await?;
    let mut body = json!({ "data": data, "page": { "limit": limit, "next_cursor": next } });
    if let Some(total) = page.total {
        body["total"] = total.into();
    }
    if let Some(found) = found {
        if parameters.q.is_some() {
            body["suggestion"] = found.suggestion.into();
        }
        if !parameters.facets.is_empty() {
            let facets = labelled(db, &caller, &language, found.facets).await?;
            body["facets"] = serde_json::to_value(facets).map_err(Error::internal)?;
        }
    }
    if parameters.counts_states {
        body["facets"] = json!([states(db, &caller, &language, &parameters).await?]);
    }
    let mut response = answer(&headers, &caller, &served, Version::live(0), latest, &body)?;
    made_of(&mut response, sources);
    let first = after.map(|_| ("first", None));
    let next = next.as_deref().map(|cursor| ("next", Some(cursor)));
    link(&app, &uri, &mut response, first.into_iter().chain(next));
    Ok(response)
}

/// What the list is made of: entries of its kind, those it includes, and those that its filters name.
fn sources<K: Kind>(parameters: &ListParameters<K>) -> Sources {
    let named = parameters.selection.filters.iter().filter_map(|filter| match filter.field.holds {
        Holds::Entries(kind) => Some(kind),
        _ => None,
    });
    let included = parameters.shape.entries.iter().map(|(reference, _)| reference.kind);
    named.chain(included).fold(Sources::NOTHING.and_kind(K::KIND), Sources::and_kind)
}

/// Whether the list is searched or counted.
fn uses_index<K>(parameters: &ListParameters<K>) -> bool {
    parameters.q.is_some() || !parameters.facets.is_empty()
}

/// Whether what answers best comes first.
fn is_ranked<K>(parameters: &ListParameters<K>) -> bool {
    parameters.q.is_some() && parameters.selection.sort.is_empty()
}

fn check_shelf<K>(caller: &Caller, parameters: &ListParameters<K>) -> Result<()> {
    if parameters.shelf.is_none_or(|shelf| shelf == Shelf::State(EntryState::Published)) {
        return Ok(());
    }
    if !caller.grants.writes {
        return Err(Error::Forbidden("the role `author` to see what is not published"));
    }
    if uses_index(parameters) {
        let detail = "`q` and `facets` are about what is published: leave `state` out";
        return Err(Error::Parameters(vec![FieldError::parameter("state", "contradiction", detail)]));
    }
    Ok(())
}

fn check_states<K>(caller: &Caller, parameters: &ListParameters<K>) -> Result<()> {
    if !parameters.counts_states {
        return Ok(());
    }
    if !caller.grants.writes {
        return Err(Error::Forbidden("the role `author` to count what is not published"));
    }
    if uses_index(parameters) {
        let detail = "`state` is counted alone: `q` and other facets are about what is published";
        return Err(Error::Parameters(vec![FieldError::parameter("facets", "contradiction", detail)]));
    }
    Ok(())
}

/// How many entries of the list are in each state, whatever its own filter says of that.
async fn states<K: Kind>(
    db: &impl ConnectionTrait,
    caller: &Caller,
    language: &Language,
    parameters: &ListParameters<K>,
) -> Result<Facet> {
    let counted: Vec<(EntryState, i64)> = entry::Entity::find()
        .select_only()
        .column(entry::Column::State)
        .column_as(entry::Column::Id.count(), "total")
        .filter(chosen(caller, parameters, finder::visible_to(caller)))
        .filter(entry::Column::Kind.eq(K::KIND))
        .group_by(entry::Column::State)
        .into_tuple()
        .all(db)
        .await?;
    let mut counted: Vec<(u64, String)> = counted
        .into_iter()
        .map(|(state, count)| (u64::try_from(count).unwrap_or_default(), state.to_value()))
        .collect();
    counted.sort_unstable_by(|(count, word), (other, another)| other.cmp(count).then(word.cmp(another)));
    let values = counted.into_iter().map(|(count, word)| FacetValue::of_word(STATE, word, count, language));
    Ok(Facet { name: STATE.to_owned(), values: values.collect() })
}

/// What is on the shelf `seen` and answers the filters.
fn chosen<K: Kind>(caller: &Caller, parameters: &ListParameters<K>, seen: Condition) -> Condition {
    let filters = parameters.selection.filters.iter();
    filters.fold(Condition::all().add(seen), |chosen, asked| {
        let first = parameters.selection.sort.first();
        let leads = first.is_some_and(|key| key.field.name == asked.field.name);
        chosen.add(filter::condition(caller, K::KIND, asked, leads))
    })
}

/// What the index says of the list.
async fn asked<K: Kind>(
    app: &App,
    caller: &Caller,
    parameters: &ListParameters<K>,
    after: Option<&Position>,
) -> Result<(Found, bool)> {
    let Current { index, is_whole } = filling::current(app).await?;
    let synonyms = synonyms::current(app).await?;
    let mut filters =
        condition::conditions(app.db.reader(), &caller.as_reader(), &parameters.selection.filters).await?;
    filters.extend(condition::of_kinds(&[K::KIND]));
    let is_ranked = is_ranked(parameters);
    let after = after.filter(|_| is_ranked).and_then(place);
    let limit = if is_ranked { usize::try_from(parameters.limit).unwrap_or(usize::MAX) } else { 0 };
    let listing = parameters.q.is_some() && !is_ranked;
    let (q, facets) = (parameters.q.clone().unwrap_or_default(), parameters.facets.clone());
    let audience = filling::audience(caller);
    let found = ask(move || {
        index.search(&search::Query {
            filters: &filters,
            facets: &facets,
            limit,
            after,
            listing,
            ..search::Query::new(&q, audience, &synonyms)
        })
    })
    .await?;
    Ok((found, is_whole))
}

/// The page of what answers best.
async fn ranked<K>(
    app: &App,
    caller: &Caller,
    parameters: &ListParameters<K>,
    found: &Found,
) -> Result<Page> {
    let rows = entry::Entity::find()
        .filter(entry::Column::Id.is_in(found.hits.iter().map(|hit| hit.entry)))
        .filter(finder::visible_to(&caller.as_reader()))
        .all(app.db.reader())
        .await?;
    let entries = found.hits.iter().filter_map(|hit| rows.iter().find(|row| row.id == hit.entry).cloned());
    let total = parameters.counts.then_some(found.total as u64);
    Ok(Page { entries: entries.collect(), next: found.next.map(position), total })
}

/// The page in an order of the database; of what was `found`, when something was searched for.
async fn sorted<K: Kind>(
    app: &App,
    caller: &Caller,
    parameters: &ListParameters<K>,
    found: Option<&Found>,
    after: Option<&Position>,
) -> Result<Page> {
    let db = app.db.reader();
    let ListParameters { limit, selection, language, .. } = parameters;
    // What the index knows is what a reader sees, in filters too.
    let caller = if found.is_some() { &caller.as_reader() } else { caller };
    let seen = match parameters.shelf {
        Some(Shelf::Trash) => finder::in_trash(caller),
        Some(Shelf::State(state)) => finder::visible_to(caller).add(entry::Column::State.eq(state)),
        None => finder::visible_to(caller),
    };
    let mut seen = chosen(caller, parameters, seen);
    if let Some(found) = found.filter(|_| parameters.q.is_some()) {
        let best = found.entries.iter().take(MOST_SORTED).copied();
        seen = seen.add(entry::Column::Id.is_in(best));
    }
    // What was searched for is few.
    let few = match found {
        Some(_) if parameters.q.is_some() => None,
        _ => filter::few(db, caller, K::KIND, &selection.filters).await?,
    };
    let listing = Listing::new::<K>(caller, language, seen, few, selection.sort.clone());
    let mut rows = listing.page(db, after, limit + 1).await?;
    let most = usize::try_from(*limit).map_err(Error::internal)?;
    let more = rows.len() > most;
    rows.truncate(most);
    let next = rows.last().filter(|_| more).map(|last| listing.position(last)).transpose()?;
    let total = if parameters.counts {
        Some(u64::try_from(listing.count(db).await?).map_err(Error::internal)?)
    } else {
        None
    };
    Ok(Page { entries: rows.into_iter().map(|row| row.entry).collect(), next, total })
}
