//! The versions of an entry: listed, read, compared field by field, and brought back.

use axum::{extract::State, http::HeaderMap, response::Response};
use chrono::{DateTime, Utc};
use sea_orm::{QueryOrder, QuerySelect, entity::prelude::*};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{
    actors::{Actors, By},
    answer::{about, answer, rendered, served, show},
    difference::{self, Difference},
    edit, finder,
    kind::{Kind, object},
    lookup::{self, Among},
    parameters::{EntryParameters, ItemParameters},
    working_copy::{self, Change, as_shown, version},
};
use crate::{
    app::App,
    auth::{NoBody, Once, Writer},
    entity::{entry, revision, vocabulary::State as EntryState},
    http::{
        Error, Id, Query, Result, conditional,
        cursor::Position,
        extract::Part,
        locale::Language,
        page::{PageInfo, PageParameters},
        query::{Parameters, Values},
    },
};

/// A version of an entry.
#[derive(Debug, Serialize, ToSchema)]
pub struct Version {
    /// Its number, counted with every change of the entry or its working copy.
    #[schema(minimum = 1)]
    pub version: i32,
    /// The state the entry was in.
    pub state: EntryState,
    /// Whether it is a version of the working copy, not of what readers saw.
    pub working: bool,
    /// Whether it is what readers see now, or would see.
    pub current: bool,
    /// When it was made.
    pub at: DateTime<Utc>,
    /// Who made it; null: the program itself.
    #[schema(required)]
    pub by: Option<By>,
    /// Why.
    #[schema(required)]
    pub note: Option<String>,
}

/// A page of versions.
#[derive(Debug, Serialize, ToSchema)]
pub struct VersionPage {
    /// The versions, the latest first.
    pub data: Vec<Version>,
    /// Where the page ends.
    pub page: PageInfo,
}

/// What is different between two versions.
#[derive(Debug, Serialize, ToSchema)]
pub struct Comparison {
    /// The version that was there before.
    pub from: i32,
    /// The version it is compared with.
    pub to: i32,
    /// The fields that differ, relations and translations among them.
    pub differences: Vec<Difference>,
}

/// Which versions are compared.
#[derive(Debug)]
pub struct Compared {
    from: i32,
    to: i32,
}

impl Parameters for Compared {
    const NAMES: &'static [&'static str] = &["from", "to"];

    fn read(values: &mut Values<'_>) -> Self {
        let mut number = |name: &str| {
            let number = number(values.get(name).unwrap_or_default());
            if number.is_none() {
                values.refuse(name, "format", "must be the number of a version");
            }
            number.unwrap_or_default()
        };
        Self { from: number("from"), to: number("to") }
    }
}

/// The number of a version: digits, as this service writes them.
fn number(text: &str) -> Option<i32> {
    text.parse().ok().filter(|number: &i32| *number > 0 && number.to_string() == text)
}

/// The latest version that readers see, or would see: the working copy's come after it.
async fn current(db: &impl ConnectionTrait, entry: &entry::Model) -> Result<Option<i32>> {
    let latest = revision::Entity::find()
        .select_only()
        .column(revision::Column::Version)
        .filter(revision::Column::EntryId.eq(entry.id))
        .filter(revision::Column::Working.eq(false))
        .order_by_desc(revision::Column::Version)
        .into_tuple()
        .one(db)
        .await?;
    Ok(latest)
}

fn shown(row: revision::Model, current: Option<i32>, actors: &Actors) -> Version {
    Version {
        version: row.version,
        state: row.state,
        working: row.working,
        current: current == Some(row.version),
        at: row.at,
        by: actors.get(row.actor_id),
        note: row.note,
    }
}

/// `GET /v1/{collection}/{id}/versions`
pub(super) async fn list<K: Kind>(
    State(app): State<App>,
    Writer(caller): Writer,
    id: Id,
    Query(page): Query<PageParameters>,
    headers: HeaderMap,
) -> Result<Response> {
    let db = app.db.reader();
    let entry = lookup::changeable::<K>(db, &caller, &id, Among::All, false).await?;
    let key = app.secrets.cursor_key();
    let list = format!("versions|{}|{:?}", entry.id, caller.id());
    let after = page.after(key, &list)?.and_then(|after| after.sort_key.parse::<i32>().ok());
    let mut select = revision::Entity::find()
        .filter(revision::Column::EntryId.eq(entry.id))
        .order_by_desc(revision::Column::Version)
        .limit(page.wanted());
    if let Some(after) = after {
        select = select.filter(revision::Column::Version.lt(after));
    }
    let mut rows = select.all(db).await?;
    let position =
        |last: &revision::Model| Position { sort_key: last.version.to_string(), id: last.entry_id };
    let page = page.cut(&mut rows, position, key, &list);
    let actors = Actors::load(db, rows.iter().map(|row| row.actor_id)).await?;
    let current = current(db, &entry).await?;
    let data = rows.into_iter().map(|row| shown(row, current, &actors)).collect();
    about(&app, &headers, &caller, &entry, &VersionPage { data, page })
}

/// `GET /v1/{collection}/{id}/versions/{version}`
pub(super) async fn read<K: Kind>(
    State(app): State<App>,
    Writer(caller): Writer,
    id: Id,
    Part(part): Part,
    Query(ItemParameters(language)): Query<ItemParameters>,
    headers: HeaderMap,
) -> Result<Response> {
    let db = app.db.reader();
    let entry = lookup::changeable::<K>(db, &caller, &id, Among::All, false).await?;
    let (row, draft) = version::<K>(db, &entry, number(&part).ok_or(Error::NotFound)?).await?;
    let actors = Actors::load(db, [row.actor_id]).await?;
    let current = current(db, &entry).await?;
    let of_entry = entry.version;
    let content = rendered(db, &caller, &language, as_shown(entry, &row, draft)).await?;
    let served = served(&language, [&content]);
    let mut version = object(&shown(row, current, &actors));
    version.insert("entry".to_owned(), content.into());
    answer(&headers, &caller, &served, conditional::Version::live(of_entry), None, &version.into())
}

/// `GET /v1/{collection}/{id}/versions/compare`
pub(super) async fn compare<K: Kind>(
    State(app): State<App>,
    Writer(caller): Writer,
    id: Id,
    Query(Compared { from, to }): Query<Compared>,
    headers: HeaderMap,
) -> Result<Response> {
    let db = app.db.reader();
    let entry = lookup::changeable::<K>(db, &caller, &id, Among::All, false).await?;
    let language = Language { all: true, ..Language::fixed(&app.config.default_locale) };
    let mut documents = Vec::new();
    for number in [from, to] {
        let (row, draft) = version::<K>(db, &entry, number).await?;
        let mut content = rendered(db, &caller, &language, as_shown(entry.clone(), &row, draft)).await?;
        // The texts are compared in all their languages, and times are those of the versions.
        let texts = object(&K::Texts::default());
        let beside = ["locale", "updated_at", "published_at"];
        content.retain(|name, _| !texts.contains_key(name) && !beside.contains(&name.as_str()));
        documents.push(Value::from(content));
    }
    let differences = match documents.as_slice() {
        [from, to] => difference::between(from, to),
        _ => Vec::new(),
    };
    about(&app, &headers, &caller, &entry, &Comparison { from, to, differences })
}

/// `POST /v1/{collection}/{id}/versions/{version}/restore`
pub(super) async fn restore<K: Kind>(
    State(app): State<App>,
    Writer(caller): Writer,
    id: Id,
    Part(part): Part,
    Query(EntryParameters { language, draft: into_copy }): Query<EntryParameters>,
    headers: HeaderMap,
    Once(effect, NoBody): Once<NoBody>,
) -> Result<Response> {
    let tx = effect.begin().await?;
    let stored = lookup::held::<K>(&tx, &caller, Some(&id), finder::may_change).await?;
    let copy = working_copy::of::<K>(&tx, &stored.entry).await?;
    let seen = copy.as_ref().filter(|_| into_copy).unwrap_or(&stored);
    edit::require_current(&tx, &caller, &language, &headers, seen).await?;
    let number = number(&part).ok_or(Error::NotFound)?;
    let (_, mut former) = version::<K>(&tx, &stored.entry, number).await?;
    // What decides who sees the entry, and where, is not brought back with its content.
    former.common.slug.clone_from(&seen.draft.common.slug);
    former.common.visibility = seen.draft.common.visibility;
    K::keep_guarded(&seen.draft, &mut former);
    edit::forget_what_is_gone(&tx, &caller, &mut former, &seen.draft).await?;
    let former = edit::checked::<K>(&app, &former.to_value())?;
    let note = Some(format!("version {number} restored"));
    let change = Change { live: stored, copy, draft: former, note };
    let saved = working_copy::apply(&app, &tx, &caller, change, into_copy).await?;
    let response = show(&tx, &caller, &language, &HeaderMap::new(), saved).await?;
    effect.commit(tx, response).await
}
