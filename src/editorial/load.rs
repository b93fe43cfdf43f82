//! Reading entries whole: a fixed number of queries, however many there are.

use std::collections::{BTreeMap, HashMap};

use sea_orm::{
    FromQueryResult, QueryOrder, QuerySelect,
    entity::prelude::*,
    sea_query::{Expr, ExprTrait},
};
use serde_json::{Map, Value};

use super::{
    draft::{Common, Credit, Draft, Identifier, Link, Source},
    kind::Kind,
    shape::Shape,
};
use crate::{
    entity::{contribution, entry, entry_link, entry_text, entry_topic, identifier},
    http::{Error, Result},
};

/// An entry as it is stored.
#[derive(Clone, Debug)]
pub struct Stored<K: Kind> {
    /// The row that all kinds share.
    pub entry: entry::Model,
    /// What was written; other entries are named by id.
    pub draft: Draft<K>,
    /// Whether this is the working copy, not what readers see.
    pub is_copy: bool,
}

/// The texts of an entry in one language, perhaps without the body.
#[derive(Debug, FromQueryResult)]
struct Text {
    entry_id: Uuid,
    locale: String,
    title: Option<String>,
    summary: Option<String>,
    body: Option<String>,
    details: Value,
}

/// Reads what belongs to `entries`, in their order, as far as `shape` wants it.
///
/// # Errors
/// When the database fails or holds what cannot be read.
pub async fn load<K: Kind>(
    db: &impl ConnectionTrait,
    entries: Vec<entry::Model>,
    shape: &Shape,
) -> Result<Vec<Stored<K>>> {
    if entries.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<Uuid> = entries.iter().map(|entry| entry.id).collect();
    let mut rows = HashMap::new();
    for row in K::Row::find().filter(Expr::col("id").is_in(ids.clone())).all(db).await? {
        let (id, fields) = K::from_row(row)?;
        rows.insert(id, fields);
    }
    let mut texts = texts(db, &ids, shape.needs_body()).await?;
    let mut topics = topics::<K>(db, &ids, shape).await?;
    let mut credits = credits::<K>(db, &ids, shape).await?;
    let mut links = links::<K>(db, &ids, shape).await?;
    let mut identifiers = identifiers(db, &ids, shape).await?;
    entries
        .into_iter()
        .map(|entry| {
            let id = &entry.id;
            let fields = rows.remove(id).ok_or_else(|| Error::internal("an entry without its own row"))?;
            let common = Common {
                slug: Some(entry.slug.clone()),
                visibility: entry.visibility,
                original_locale: entry.original_locale.clone(),
                owner: entry.owner_id.filter(|_| shape.wants("owner")).map(|id| id.to_string()),
                source: source(&entry),
                topics: topics.remove(id).unwrap_or_default(),
                identifiers: identifiers.remove(id).unwrap_or_default(),
            };
            let draft = Draft {
                common,
                translations: translations::<K>(texts.remove(id).unwrap_or_default())?,
                credits: credits.remove(id).unwrap_or_default(),
                links: links.remove(id).unwrap_or_default(),
                fields,
            };
            Ok(Stored { entry, draft, is_copy: false })
        })
        .collect()
}

fn source(entry: &entry::Model) -> Option<Source> {
    Some(Source {
        name: entry.source_name.clone()?,
        id: entry.source_id.clone()?,
        url: entry.source_url.clone(),
        datestamp: entry.source_datestamp,
        harvested_at: entry.harvested_at,
        altered: entry.source_altered,
    })
}

async fn texts(db: &impl ConnectionTrait, ids: &[Uuid], with_body: bool) -> Result<HashMap<Uuid, Vec<Text>>> {
    use entry_text::Column;
    let mut select = entry_text::Entity::find().select_only().columns([
        Column::EntryId,
        Column::Locale,
        Column::Title,
        Column::Summary,
        Column::Details,
    ]);
    select = if with_body {
        select.column(Column::Body)
    } else {
        select.expr_as(Expr::value(Option::<String>::None), "body")
    };
    let rows = select.filter(Column::EntryId.is_in(ids.iter().copied())).into_model::<Text>().all(db).await?;
    Ok(grouped(rows, |text| text.entry_id, Some))
}

/// The texts by language. A person may have none at all; the row that holds the name is no text.
fn translations<K: Kind>(texts: Vec<Text>) -> Result<BTreeMap<String, K::Texts>> {
    let mut translations = BTreeMap::new();
    for text in texts {
        let Value::Object(mut object) = text.details else { continue };
        if object.shift_remove(NO_TEXTS).is_some() {
            continue;
        }
        put(&mut object, K::TITLE, text.title);
        put(&mut object, K::SUMMARY, text.summary);
        put(&mut object, K::BODY, text.body);
        let texts = serde_json::from_value(object.into()).map_err(Error::internal)?;
        translations.insert(text.locale, texts);
    }
    Ok(translations)
}

/// In `details`, marks a row that only holds the entry's name.
pub const NO_TEXTS: &str = "-";

fn put(object: &mut Map<String, Value>, name: Option<&str>, text: Option<String>) {
    if let Some(name) = name {
        object.insert(name.to_owned(), text.into());
    }
}

async fn topics<K: Kind>(
    db: &impl ConnectionTrait,
    ids: &[Uuid],
    shape: &Shape,
) -> Result<HashMap<Uuid, Vec<String>>> {
    use entry_topic::Column;
    if !K::HAS_TOPICS || !shape.wants("topics") {
        return Ok(HashMap::new());
    }
    let rows = entry_topic::Entity::find()
        .filter(Column::EntryId.is_in(ids.iter().copied()))
        .order_by_asc(Column::Position)
        .all(db)
        .await?;
    Ok(grouped(rows, |row| row.entry_id, |row| Some(row.topic_id.to_string())))
}

async fn credits<K: Kind>(
    db: &impl ConnectionTrait,
    ids: &[Uuid],
    shape: &Shape,
) -> Result<HashMap<Uuid, Vec<Credit>>> {
    use contribution::Column;
    if !K::CREDITS.iter().any(|field| shape.wants(field.name)) {
        return Ok(HashMap::new());
    }
    let rows = contribution::Entity::find()
        .filter(Column::EntryId.is_in(ids.iter().copied()))
        .order_by_asc(Column::Position)
        .all(db)
        .await?;
    let credit = |row: contribution::Model| {
        Some(Credit {
            field: wanted(shape, K::CREDITS.iter().map(|field| field.name), &row.field)?,
            role: row.role,
            name: row.name,
            person: row.person_id.map(|id| id.to_string()),
            partner: row.partner_id.map(|id| id.to_string()),
        })
    };
    let mut credits = grouped(rows, |row| row.entry_id, credit);
    let order = |field: &str| K::CREDITS.iter().position(|known| known.name == field);
    for list in credits.values_mut() {
        list.sort_by_key(|credit| order(credit.field));
    }
    Ok(credits)
}

async fn links<K: Kind>(
    db: &impl ConnectionTrait,
    ids: &[Uuid],
    shape: &Shape,
) -> Result<HashMap<Uuid, Vec<Link>>> {
    use entry_link::Column;
    if !K::LINKS.iter().any(|field| shape.wants(field.name)) {
        return Ok(HashMap::new());
    }
    let rows = entry_link::Entity::find()
        .filter(Column::EntryId.is_in(ids.iter().copied()))
        .order_by_asc(Column::Position)
        .all(db)
        .await?;
    let link = |row: entry_link::Model| {
        let field = wanted(shape, K::LINKS.iter().map(|field| field.name), &row.relation)?;
        Some(Link { field, target: row.target_id.to_string() })
    };
    let mut links = grouped(rows, |row| row.entry_id, link);
    let order = |field: &str| K::LINKS.iter().position(|known| known.name == field);
    for list in links.values_mut() {
        list.sort_by_key(|link| order(link.field));
    }
    Ok(links)
}

async fn identifiers(
    db: &impl ConnectionTrait,
    ids: &[Uuid],
    shape: &Shape,
) -> Result<HashMap<Uuid, Vec<Identifier>>> {
    use identifier::Column;
    if !shape.wants("identifiers") {
        return Ok(HashMap::new());
    }
    let rows = identifier::Entity::find()
        .filter(Column::EntryId.is_in(ids.iter().copied()))
        .order_by_asc(Column::Position)
        .all(db)
        .await?;
    let identifier = |row: identifier::Model| Some(Identifier { scheme: row.scheme, value: row.value });
    Ok(grouped(rows, |row| row.entry_id, identifier))
}

/// The one of `names` that `name` is, if it is wanted.
fn wanted(shape: &Shape, mut names: impl Iterator<Item = &'static str>, name: &str) -> Option<&'static str> {
    names.find(|known| *known == name).filter(|name| shape.wants(name))
}

/// `rows` in lists by `key`, each row turned into what `value` makes of it.
fn grouped<R, T>(
    rows: Vec<R>,
    key: impl Fn(&R) -> Uuid,
    value: impl Fn(R) -> Option<T>,
) -> HashMap<Uuid, Vec<T>> {
    let mut groups: HashMap<Uuid, Vec<T>> = HashMap::new();
    for row in rows {
        let key = key(&row);
        groups.entry(key).or_default().extend(value(row));
    }
    groups
}
