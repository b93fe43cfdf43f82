//! What is shown of the entries that were found: in brief, whatever their kind, loaded through the finder.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::{
    auth::Caller,
    editorial::{Kind, answer::render, finder, markdown, shape::Shape, view::View},
    entity::{entry, vocabulary},
    http::{Result, locale::Language},
    kinds::{by_kind, for_kind},
    search::{Matched, highlight, snippet},
};

/// About how many characters of a text a hit shows.
const PASSAGE: usize = 200;

/// A part of a text as it reads: neither Markdown nor HTML.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Part {
    /// The characters.
    #[schema(example = "Kadına")]
    pub text: String,
    /// Whether it answers the query.
    pub matched: bool,
}

/// Where an entry answers the query. The parts, one after the other, are the text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Highlights {
    /// The name of the entry.
    pub title: Vec<Part>,
    /// The passage of its texts that answers best, of some 200 characters; empty when it has no texts.
    pub passage: Vec<Part>,
}

/// An entry of any kind, in brief.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Brief {
    /// Its id.
    pub id: Uuid,
    /// What it is: `GET /v1/{its collection}/{slug}` has the rest.
    pub kind: vocabulary::Kind,
    /// The last part of its address.
    #[schema(example = "siginmaevi-standartlari-politika-notu")]
    pub slug: String,
    /// The language of the texts here.
    #[schema(example = "tr")]
    pub locale: String,
    /// The languages that it is written in.
    pub translations: Vec<String>,
    /// Its title, label or name.
    #[schema(required, example = "Sığınmaevleri için asgari standartlar")]
    pub title: Option<String>,
    /// What sums it up.
    #[schema(required)]
    pub summary: Option<String>,
    /// When it was first published.
    #[schema(required)]
    pub published_at: Option<DateTime<Utc>>,
    /// When anything visible in it last changed.
    pub updated_at: DateTime<Utc>,
}

/// An entry that is shown, and its texts.
#[derive(Debug)]
pub struct Shown {
    /// In brief.
    pub brief: Brief,
    /// The texts that a passage may come from, the summary first; whether it is Markdown.
    texts: Vec<(String, bool)>,
}

/// The entries `ids`, as far as `caller` may read them; without the long texts when `with_body` is not set.
///
/// # Errors
/// When the database fails.
pub async fn load(
    db: &impl ConnectionTrait,
    caller: &Caller,
    language: &Language,
    ids: impl Iterator<Item = Uuid>,
    with_body: bool,
) -> Result<HashMap<Uuid, Shown>> {
    let ids: Vec<Uuid> = ids.collect();
    let mut shown = HashMap::new();
    if ids.is_empty() {
        return Ok(shown);
    }
    // Search knows only what is published, whoever asks.
    let reader = caller.as_reader();
    let rows = entry::Entity::find()
        .filter(entry::Column::Id.is_in(ids))
        .filter(finder::visible_to(&reader))
        .all(db)
        .await?;
    let view = View { language, caller: &reader, shape: &Shape::own(with_body) };
    for (kind, rows) in by_kind(rows) {
        for_kind!(kind, add(db, &view, rows, &mut shown))?;
    }
    Ok(shown)
}

async fn add<K: Kind>(
    db: &impl ConnectionTrait,
    view: &View<'_>,
    rows: Vec<entry::Model>,
    shown: &mut HashMap<Uuid, Shown>,
) -> Result<()> {
    let kept = rows.clone();
    let rendered = render::<K>(db, view, rows).await?;
    for (row, rendered) in kept.into_iter().zip(rendered) {
        shown.insert(row.id, of_entry::<K>(row, &rendered));
    }
    Ok(())
}

fn of_entry<K: Kind>(row: entry::Model, rendered: &Map<String, Value>) -> Shown {
    let text = |name: &str| rendered.get(name).and_then(Value::as_str).map(str::to_owned);
    let summary = K::SUMMARY.and_then(text);
    let own = crate::editorial::kind::object(&K::Texts::default());
    let others = own.keys().filter(|name| {
        let name = Some(name.as_str());
        name != K::TITLE && name != K::SUMMARY
    });
    let others = others.filter_map(|name| Some((text(name)?, Some(name.as_str()) == K::BODY)));
    let texts = summary.iter().cloned().map(|summary| (summary, false)).chain(others).collect();
    let translations = rendered.get("translations").and_then(Value::as_array);
    let brief = Brief {
        id: row.id,
        kind: K::KIND,
        slug: row.slug,
        locale: text("locale").unwrap_or_default(),
        translations: translations
            .into_iter()
            .flatten()
            .filter_map(|locale| locale.as_str().map(str::to_owned))
            .collect(),
        title: K::TITLE.and_then(text).or_else(|| name(rendered)),
        summary,
        published_at: row.published_at,
        updated_at: row.updated_at,
    };
    Shown { brief, texts }
}

/// The name of an entry whose name is not one of its texts.
fn name(rendered: &Map<String, Value>) -> Option<String> {
    match rendered.get("name")? {
        Value::String(name) => Some(name.clone()),
        name => Some(name.get("display")?.as_str()?.to_owned()),
    }
}

impl Shown {
    /// Where it answers what `matched` was asked for.
    #[must_use]
    pub fn highlights(&self, matched: &Matched) -> Highlights {
        let title = self.brief.title.as_deref().unwrap_or_default();
        let answering = self.texts.iter().find(|(text, _)| !highlight(text, matched).is_empty());
        let text = match answering.or(self.texts.first()) {
            Some((text, true)) => &markdown::plain(text),
            Some((text, false)) => text,
            None => "",
        };
        let passage = text.get(snippet(text, matched, PASSAGE)).unwrap_or_default();
        Highlights { title: parts(title, matched), passage: parts(passage, matched) }
    }
}

/// `text`, cut where what answers begins and ends.
fn parts(text: &str, matched: &Matched) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut end = 0;
    let mut push = |range: std::ops::Range<usize>, matched| {
        let text = text.get(range).unwrap_or_default();
        if !text.is_empty() {
            parts.push(Part { text: text.to_owned(), matched });
        }
    };
    for range in highlight(text, matched) {
        push(end..range.start, false);
        end = range.end;
        push(range, true);
    }
    push(end..text.len(), false);
    parts
}
