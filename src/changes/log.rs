//! The log as a list.

use std::collections::{HashMap, HashSet};

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::Response,
};
use sea_orm::{
    QueryOrder, QuerySelect,
    entity::prelude::*,
    sea_query::{ExprTrait, Query as Statement, SelectStatement},
};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{Change, ChangedEntry, Feed, wrong_place};
use crate::{
    app::App,
    auth::Follower,
    editorial::{answer::render, finder, view::View},
    entity::{
        change, entry,
        vocabulary::{self, Happened, Visibility, What},
    },
    http::{
        Error, Query, Result,
        conditional::{self, Version},
        locale::Language,
        query::{Parameters, Values},
    },
    kinds::{by_kind, for_kind},
};

/// A page of the change log.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChangePage {
    /// What has changed, the earliest first; each entry once.
    pub data: Vec<Change>,
    /// Where the page ends.
    pub page: ChangePageInfo,
}

/// Where a page of the change log ends.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChangePageInfo {
    /// How many changes a page has at most.
    #[schema(minimum = 1, maximum = 100, example = 100)]
    pub limit: u64,
    /// The place to resume: keep it, and send it as `after`, at once when there is `more`, else whenever
    /// you like.
    pub next_cursor: String,
    /// Whether there is more already.
    pub more: bool,
}

/// Which changes are wanted.
#[derive(Debug)]
pub struct Wanted {
    after: Option<String>,
    kinds: Vec<vocabulary::Kind>,
    limit: u64,
}

impl Parameters for Wanted {
    const NAMES: &'static [&'static str] = &["after", "kind", "limit"];

    fn read(values: &mut Values<'_>) -> Self {
        Self {
            after: values.get("after").map(str::to_owned),
            kinds: values.words("kind"),
            limit: values.number("limit", 1, 100, 100),
        }
    }
}

/// Follow changes
///
/// What has become of the entries that the caller may read since `after`, the earliest change first: the
/// entry as it is now, or, when it is there no more, a tombstone without it. From the beginning (no
/// `after`) it is everything there is and was. Every entry comes once, with its latest change; apply what
/// comes in its order, by `id`, and keep `page.next_cursor` together with what you applied. The same may
/// come again, and an entry that you never had may go: both change nothing. Drafts and what is for others
/// are not told of. A cursor does not age and is good for every credential that reads the same.
#[utoipa::path(
    get, path = "/v1/changes", tag = "changes",
    params(
        ("after" = Option<String>, Query, description = "Where to go on: `page.next_cursor` of the page before. Default: from the beginning."),
        ("kind" = Option<Vec<vocabulary::Kind>>, Query, style = Form, explode = false, description = "Only these kinds, separated by commas."),
        ("limit" = Option<u64>, Query, description = "How many changes a page has. Default: 100.", minimum = 1, maximum = 100),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of what you have; 304 when it is still so."),
    ),
    responses(
        (status = 200, description = "A page", body = ChangePage, headers(("ETag" = String, description = "The tag of this representation."))),
        (status = 304, description = "It is still what you have"),
    ),
    extensions(("x-permission" = json!("follow"))),
)]
pub(super) async fn list_changes(
    State(app): State<App>,
    Follower(caller): Follower,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
) -> Result<Response> {
    let feed = Feed::new(&caller, wanted.kinds);
    let after = match wanted.after {
        Some(cursor) => feed.opened(&app, "after", &cursor)?,
        None => 0,
    };
    let page = page(&app, &feed, after, wanted.limit).await?;
    if page.changes.is_empty() {
        refuse_beyond(&app, "after", after).await?;
    }
    let end = page.changes.last().map_or(after, |(place, _)| *place);
    let page = ChangePage {
        data: page.changes.into_iter().map(|(_, change)| change).collect(),
        page: ChangePageInfo { limit: wanted.limit, next_cursor: feed.cursor(&app, end), more: page.more },
    };
    let body = serde_json::to_vec(&page).map_err(Error::internal)?;
    let etag = conditional::tag(Version::live(0), &body);
    let mut response = Response::new(body);
    for (name, value) in [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "private, no-store"),
        (header::VARY, "authorization"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    Ok(conditional::answer(&headers, &etag, response))
}

/// The latest place in the log.
///
/// # Errors
/// When the database fails.
pub async fn latest(db: &impl ConnectionTrait) -> Result<i64> {
    let select = change::Entity::find().select_only().expr(change::Column::Position.max());
    let latest: Option<Option<i64>> = select.into_tuple().one(db).await?;
    Ok(latest.flatten().unwrap_or_default())
}

/// Refuses a place that the log has not reached: a database that was restored from a backup knows less
/// than those who followed it.
///
/// # Errors
/// 400.
pub async fn refuse_beyond(app: &App, parameter: &str, after: i64) -> Result<()> {
    if after > latest(app.db.reader()).await? {
        let detail =
            "the log does not reach this far any more: it was restored; begin again without a cursor";
        return Err(wrong_place(parameter, detail));
    }
    Ok(())
}

/// A part of the log, each change with its place.
#[derive(Debug)]
pub struct Page {
    /// The changes.
    pub changes: Vec<(i64, Change)>,
    /// Whether there are more.
    pub more: bool,
}

/// Up to `limit` changes of `feed` after the place `after`, as one moment had them.
///
/// # Errors
/// When the database fails.
pub async fn page(app: &App, feed: &Feed, after: i64, limit: u64) -> Result<Page> {
    // Were an entry read later than its line, a reader could miss what happened in between.
    let tx = app.db.snapshot().await?;
    let mut lines = lines(feed, after).limit(limit + 1).all(&tx).await?;
    let more = lines.len() as u64 > limit;
    lines.truncate(usize::try_from(limit).map_err(Error::internal)?);
    let mut shown = Present::load(app, &tx, feed, &lines).await?;
    tx.rollback().await?;
    let changes = lines.into_iter().filter_map(|line| Some((line.position?, shown.of(line)))).collect();
    Ok(Page { changes, more })
}

/// The lines after the place `after`, but those that a later one makes idle.
fn lines(feed: &Feed, after: i64) -> Select<change::Entity> {
    use change::Column::{Audience, Kind, Position};
    let select = change::Entity::find()
        .filter(Position.gt(after))
        .filter(Audience.is_in(audiences(feed)))
        .filter(Expr::exists(later(feed)).not())
        .order_by_asc(Position);
    if feed.kinds.is_empty() { select } else { select.filter(Kind.is_in(feed.kinds.iter().copied())) }
}

/// Whether there is a later line about the same entry for the same readers.
fn later(feed: &Feed) -> SelectStatement {
    use change::Column::{Audience, EntryId, Position};
    let (line, later) = (change::Entity, "later");
    Statement::select()
        .expr(Expr::val(1))
        .from_as(change::Entity, later)
        .and_where(Expr::col((later, EntryId)).equals((line, EntryId)))
        .and_where(Expr::col((later, Position)).gt(Expr::col((line, Position))))
        .and_where(Expr::col((later, Audience)).is_in(audiences(feed)))
        .take()
}

/// Whose lines the reader sees: those of its own audience and of the wider ones.
fn audiences(feed: &Feed) -> Vec<Visibility> {
    let all = [Visibility::Public, Visibility::Partners, Visibility::Internal];
    all.into_iter().filter(|audience| Some(*audience) <= feed.reader.grants.reads).collect()
}

/// The entries that lines speak of, as they are now.
struct Present {
    entries: HashMap<Uuid, (String, Value)>,
    /// Those that are not deleted, but not to be seen either.
    hidden: HashSet<Uuid>,
}

impl Present {
    async fn load(
        app: &App,
        tx: &impl ConnectionTrait,
        feed: &Feed,
        lines: &[change::Model],
    ) -> Result<Self> {
        let ids = || lines.iter().map(|line| line.entry_id);
        let mut present = Self { entries: HashMap::new(), hidden: HashSet::new() };
        if lines.is_empty() {
            return Ok(present);
        }
        let rows = entry::Entity::find()
            .filter(entry::Column::Id.is_in(ids()))
            .filter(finder::visible_to(&feed.reader))
            .all(tx)
            .await?;
        let gone: Vec<Uuid> = ids().filter(|id| rows.iter().all(|row| row.id != *id)).collect();
        if !gone.is_empty() {
            let hidden = entry::Entity::find().select_only().column(entry::Column::Id);
            let alive = entry::Column::DeletedAt.is_null();
            let hidden = hidden.filter(entry::Column::Id.is_in(gone)).filter(alive);
            present.hidden = hidden.into_tuple().all(tx).await?.into_iter().collect();
        }
        let language = Language { locale: app.config.default_locale.clone(), all: true, fallback: true };
        let view = View { language: &language, caller: &feed.reader, with_body: true };
        for (kind, rows) in by_kind(rows) {
            let names: Vec<(Uuid, String)> = rows.iter().map(|row| (row.id, row.slug.clone())).collect();
            let shown = for_kind!(kind, render(tx, view.clone(), rows))?;
            let named = names.into_iter().zip(shown).map(|((id, slug), shown)| (id, (slug, shown)));
            present.entries.extend(named);
        }
        Ok(present)
    }

    /// What `line` says now.
    fn of(&mut self, line: change::Model) -> Change {
        let (change, slug, entry) = if let Some((slug, shown)) = self.entries.remove(&line.entry_id) {
            let is_new = line.what == What::Published;
            let change = if is_new { Happened::Published } else { Happened::Updated };
            (change, Some(slug), Some(ChangedEntry(shown)))
        } else {
            let is_hidden = self.hidden.contains(&line.entry_id);
            let change = if is_hidden { Happened::Unpublished } else { Happened::Deleted };
            // A tombstone is for ever, and of a person nothing is.
            (change, Some(line.slug).filter(|_| line.kind != vocabulary::Kind::Person), None)
        };
        Change { kind: line.kind, id: line.entry_id, slug, change, at: line.at, entry }
    }
}
