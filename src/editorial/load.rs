//! Reading entries whole: a fixed number of queries, however many there are.

use std::collections::{BTreeMap, HashMap};

use sea_orm::{
    ActiveEnum, DbBackend, EntityName, FromQueryResult, QueryResult, QuerySelect,
    entity::prelude::*,
    sea_query::{Expr, ExprTrait, SimpleExpr},
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{
    draft::{Common, Credit, Draft, Identifier, Link, Source},
    kind::Kind,
    shape::Shape,
};
use crate::{
    entity::{
        entry,
        vocabulary::{IdentifierScheme, Role},
    },
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

/// The row of an entry's kind, and what else is its own: lists, as JSON.
struct Own<M> {
    row: M,
    texts: Option<String>,
    topics: Option<String>,
    credits: Option<String>,
    links: Option<String>,
    identifiers: Option<String>,
}

impl<M: FromQueryResult> FromQueryResult for Own<M> {
    fn from_query_result(result: &QueryResult, prefix: &str) -> Result<Self, DbErr> {
        let [texts, topics, credits, links, identifiers] = LISTS.map(|list| result.try_get(prefix, list));
        Ok(Self {
            row: M::from_query_result(result, prefix)?,
            texts: texts?,
            topics: topics?,
            credits: credits?,
            links: links?,
            identifiers: identifiers?,
        })
    }
}

/// The names of the lists that are read beside a row.
const LISTS: [&str; 5] = ["of_texts", "of_topics", "of_credits", "of_links", "of_identifiers"];

/// Locale, title, summary, body, details.
type Text = (String, Option<String>, Option<String>, Option<String>, Value);
/// Position, topic.
type Topic = (i32, Uuid);
/// Position, field, role, name, person, partner.
type Contribution = (i32, String, String, Option<String>, Option<Uuid>, Option<Uuid>);
/// Position, relation, target.
type Target = (i32, String, Uuid);
/// Position, scheme, value.
type Name = (i32, String, String);

/// What a column of a list holds.
#[derive(Clone, Copy)]
enum Column {
    /// A text or a number.
    Plain(&'static str),
    /// An id.
    Id(&'static str),
    /// JSON.
    Json(&'static str),
    /// What is not wanted.
    Null,
}

/// The rows of `table` that belong to an entry of `owner`, as a JSON array of arrays. As many lists as an
/// entry has are then read with one query, and one row. No query builder writes JSON.
fn list(backend: DbBackend, owner: &str, table: &str, columns: &[Column]) -> SimpleExpr {
    let is_postgres = backend == DbBackend::Postgres;
    let columns: Vec<String> = columns
        .iter()
        .map(|column| match column {
            Column::Plain(name) => format!("\"{table}\".\"{name}\""),
            // PostgreSQL writes an id as a text, and its JSON as it is.
            Column::Id(name) | Column::Json(name) if is_postgres => format!("\"{table}\".\"{name}\""),
            Column::Id(name) => format!("NULLIF(HEX(\"{table}\".\"{name}\"), '')"),
            Column::Json(name) => format!("JSON(\"{table}\".\"{name}\")"),
            Column::Null => "NULL".to_owned(),
        })
        .collect();
    let columns = columns.join(", ");
    let rows = if is_postgres {
        format!("CAST(JSON_AGG(JSON_BUILD_ARRAY({columns})) AS text)")
    } else {
        format!("JSON_GROUP_ARRAY(JSON_ARRAY({columns}))")
    };
    Expr::cust(format!(
        "(SELECT {rows} FROM \"{table}\" WHERE \"{table}\".\"entry_id\" = \"{owner}\".\"id\")"
    ))
}

/// The rows of a list.
fn rows<T: DeserializeOwned>(list: Option<&str>) -> Result<Vec<T>> {
    list.map_or(Ok(Vec::new()), |list| serde_json::from_str(list).map_err(Error::internal))
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
    let mut owned = own::<K>(db, entries.iter().map(|entry| entry.id), shape).await?;
    entries
        .into_iter()
        .map(|entry| {
            let id = &entry.id;
            let (fields, own) =
                owned.remove(id).ok_or_else(|| Error::internal("an entry without its own row"))?;
            let common = Common {
                slug: Some(entry.slug.clone()),
                visibility: entry.visibility,
                original_locale: entry.original_locale.clone(),
                owner: entry.owner_id.filter(|_| shape.wants("owner")).map(|id| id.to_string()),
                source: source(&entry),
                topics: topics(own.topics.as_deref())?,
                identifiers: identifiers(own.identifiers.as_deref())?,
            };
            let draft = Draft {
                common,
                translations: translations::<K>(own.texts.as_deref())?,
                credits: credits::<K>(own.credits.as_deref(), shape)?,
                links: links::<K>(own.links.as_deref(), shape)?,
                fields,
            };
            Ok(Stored { entry, draft, is_copy: false })
        })
        .collect()
}

/// What is the entries' own, by id.
async fn own<K: Kind>(
    db: &impl ConnectionTrait,
    ids: impl Iterator<Item = Uuid>,
    shape: &Shape,
) -> Result<HashMap<Uuid, (K::Fields, Own<()>)>> {
    use Column::{Id, Json, Null, Plain};
    let backend = db.get_database_backend();
    let owner = K::Row::default();
    let list = |table, columns: &[Column]| self::list(backend, owner.table_name(), table, columns);
    let body = if shape.needs_body() { Plain("body") } else { Null };
    let texts =
        list("entry_text", &[Plain("locale"), Plain("title"), Plain("summary"), body, Json("details")]);
    let is_wanted = |mut names: std::slice::Iter<'_, &'static str>| names.any(|name| shape.wants(name));
    let credit_fields: Vec<&'static str> = K::CREDITS.iter().map(|field| field.name).collect();
    let link_fields: Vec<&'static str> = K::LINKS.iter().map(|field| field.name).collect();
    let topics = (K::HAS_TOPICS && shape.wants("topics"))
        .then(|| list("entry_topic", &[Plain("position"), Id("topic_id")]));
    let credits = is_wanted(credit_fields.iter()).then(|| {
        let named = [Plain("position"), Plain("field"), Plain("role"), Plain("name")];
        list("contribution", &[&named[..], &[Id("person_id"), Id("partner_id")]].concat())
    });
    let links = is_wanted(link_fields.iter())
        .then(|| list("entry_link", &[Plain("position"), Plain("relation"), Id("target_id")]));
    let identifiers = shape
        .wants("identifiers")
        .then(|| list("identifier", &[Plain("position"), Plain("scheme"), Plain("value")]));
    let lists = [Some(texts), topics, credits, links, identifiers];
    let mut select = K::Row::find().filter(Expr::col("id").is_in(ids));
    for (name, list) in LISTS.into_iter().zip(lists) {
        select = select.expr_as(list.unwrap_or_else(|| Expr::cust("CAST(NULL AS text)")), name);
    }
    let rows = select.into_model::<Own<<K::Row as EntityTrait>::Model>>().all(db).await?;
    let own = |own: Own<<K::Row as EntityTrait>::Model>| {
        let Own { row, texts, topics, credits, links, identifiers } = own;
        let (id, fields) = K::from_row(row)?;
        Ok((id, (fields, Own { row: (), texts, topics, credits, links, identifiers })))
    };
    rows.into_iter().map(own).collect()
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

/// The texts by language. A person may have none at all; the row that holds the name is no text.
fn translations<K: Kind>(texts: Option<&str>) -> Result<BTreeMap<String, K::Texts>> {
    let mut translations = BTreeMap::new();
    for (locale, title, summary, body, details) in rows::<Text>(texts)? {
        let Value::Object(mut object) = details else { continue };
        if object.shift_remove(NO_TEXTS).is_some() {
            continue;
        }
        put(&mut object, K::TITLE, title);
        put(&mut object, K::SUMMARY, summary);
        put(&mut object, K::BODY, body);
        let texts = serde_json::from_value(object.into()).map_err(Error::internal)?;
        translations.insert(locale, texts);
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

fn topics(list: Option<&str>) -> Result<Vec<String>> {
    let mut topics = rows::<Topic>(list)?;
    topics.sort_by_key(|(position, _)| *position);
    Ok(topics.into_iter().map(|(_, topic)| topic.to_string()).collect())
}

fn credits<K: Kind>(list: Option<&str>, shape: &Shape) -> Result<Vec<Credit>> {
    let mut credits = Vec::new();
    for (position, field, role, name, person, partner) in rows::<Contribution>(list)? {
        let Some((order, field)) = wanted(shape, K::CREDITS.iter().map(|field| field.name), &field) else {
            continue;
        };
        let credit = Credit {
            field,
            role: Role::try_from_value(&role)?,
            name,
            person: person.map(|id| id.to_string()),
            partner: partner.map(|id| id.to_string()),
        };
        credits.push(((order, position), credit));
    }
    credits.sort_by_key(|(place, _)| *place);
    Ok(credits.into_iter().map(|(_, credit)| credit).collect())
}

fn links<K: Kind>(list: Option<&str>, shape: &Shape) -> Result<Vec<Link>> {
    let mut links = Vec::new();
    for (position, relation, target) in rows::<Target>(list)? {
        let known = wanted(shape, K::LINKS.iter().map(|field| field.name), &relation);
        let link = |(order, field)| ((order, position), Link { field, target: target.to_string() });
        links.extend(known.map(link));
    }
    links.sort_by_key(|(place, _)| *place);
    Ok(links.into_iter().map(|(_, link)| link).collect())
}

fn identifiers(list: Option<&str>) -> Result<Vec<Identifier>> {
    let mut names = rows::<Name>(list)?;
    names.sort_by_key(|(position, ..)| *position);
    let identifier = |(_, scheme, value): Name| {
        Ok(Identifier { scheme: IdentifierScheme::try_from_value(&scheme)?, value })
    };
    names.into_iter().map(identifier).collect()
}

/// The one of `names` that `name` is, if it is wanted, and its place among them.
fn wanted(
    shape: &Shape,
    names: impl Iterator<Item = &'static str>,
    name: &str,
) -> Option<(usize, &'static str)> {
    names.enumerate().find(|(_, known)| *known == name).filter(|(_, name)| shape.wants(name))
}
