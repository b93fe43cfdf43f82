//! Places for the new entries of a bulk request, under the slugs that were given or are made.

use std::collections::{HashMap, HashSet};

use sea_orm::{QuerySelect, entity::prelude::*};

use super::run::BATCH;
use crate::{
    app::App,
    auth::Caller,
    editorial::{Kind, references::kind_name, slug},
    entity::{entry, slug_history},
    http::Result,
    interchange::engine::{self, Existing, Names, Source},
};

/// An entry that may have to be made.
#[derive(Debug)]
pub struct New {
    /// The operation that makes it.
    pub index: usize,
    /// The slug that was given.
    pub slug: Option<String>,
    /// What else the slug is made from.
    pub title: String,
    /// Where it was taken from.
    pub source: Option<Source>,
    /// Whether it is made only when it is not there yet.
    pub may_be_there: bool,
}

/// The new entries of a round.
#[derive(Debug, Default)]
pub struct Places {
    /// The slug of each, by operation.
    pub slugs: HashMap<usize, String>,
    /// The operation that makes the entry with a slug.
    pub makers: HashMap<String, usize>,
    /// The places of those that others may refer to, by operation.
    pub reserved: HashMap<usize, entry::Model>,
}

/// Finds out which of `news` are not there, and gives each its slug; one whose given slug is taken gets
/// none. Those whose slug is one of `named` get a place, so that others can refer to them.
///
/// # Errors
/// When the database fails.
pub async fn reserve<K: Kind>(
    app: &App,
    db: &impl ConnectionTrait,
    caller: &Caller,
    news: Vec<&New>,
    named: &HashSet<String>,
) -> Result<Places> {
    let mut slugs =
        Slugs { given: news.iter().filter_map(|new| new.slug.clone()).collect(), ..Slugs::default() };
    let mut places = Places::default();
    for batch in news.chunks(BATCH) {
        let existing = existing::<K>(db, caller, batch).await?;
        let is_there = |new: &New| {
            let found = match (&new.source, &new.slug) {
                _ if !new.may_be_there => None,
                (Some(source), _) => existing.by_source(source),
                (None, slug) => slug.as_ref().and_then(|slug| existing.by_slug(slug)),
            };
            found.is_some()
        };
        let absent: Vec<&New> = batch.iter().copied().filter(|new| !is_there(new)).collect();
        let wanted = absent.iter().map(|new| new.slug.clone().unwrap_or_else(|| base::<K>(&new.title)));
        let taken = taken::<K>(db, wanted.collect()).await?;
        let (mut indices, mut reserved) = (Vec::new(), Vec::new());
        for new in absent {
            let slug = match &new.slug {
                Some(slug) if taken.contains(slug) => continue,
                Some(slug) => slug.clone(),
                None => slugs.make::<K>(db, base::<K>(&new.title), &taken).await?,
            };
            places.makers.insert(slug.clone(), new.index);
            places.slugs.insert(new.index, slug.clone());
            if named.contains(&slug) {
                indices.push(new.index);
                reserved.push(slug);
            }
        }
        let rows = engine::reserve::<K>(app, db, caller, reserved).await?;
        places.reserved.extend(indices.into_iter().zip(rows));
    }
    Ok(places)
}

/// Those of `news` that may be there, and are.
async fn existing<K: Kind>(db: &impl ConnectionTrait, caller: &Caller, news: &[&New]) -> Result<Existing> {
    let mut names = Names::default();
    for new in news.iter().filter(|new| new.may_be_there) {
        match (&new.source, &new.slug) {
            (Some(source), _) => names.sources.push(source.clone()),
            (None, slug) => names.slugs.extend(slug.clone()),
        }
    }
    Existing::find::<K>(db, Some(caller), &names).await
}

/// The slug that a title makes, if it is free.
fn base<K: Kind>(title: &str) -> String {
    let made = slug::from_title(title);
    if made.is_empty() { kind_name(K::KIND).to_owned() } else { made }
}

/// Which of `slugs` an entry has, or has had.
async fn taken<K: Kind>(db: &impl ConnectionTrait, slugs: Vec<String>) -> Result<HashSet<String>> {
    let present: Vec<String> = entry::Entity::find()
        .select_only()
        .column(entry::Column::Slug)
        .filter(entry::Column::Kind.eq(K::KIND))
        .filter(entry::Column::Slug.is_in(&slugs))
        .into_tuple()
        .all(db)
        .await?;
    let former: Vec<String> = slug_history::Entity::find()
        .select_only()
        .column(slug_history::Column::Slug)
        .filter(slug_history::Column::Kind.eq(K::KIND))
        .filter(slug_history::Column::Slug.is_in(&slugs))
        .into_tuple()
        .all(db)
        .await?;
    Ok(present.into_iter().chain(former).collect())
}

/// The slugs of a request.
#[derive(Default)]
struct Slugs {
    /// Those that operations give.
    given: HashSet<String>,
    /// Those that were made.
    made: HashSet<String>,
    /// Of a title that others have, too: the slugs that are like it, and the next number to try.
    numbered: HashMap<String, (HashSet<String>, usize)>,
}

impl Slugs {
    /// A slug that nobody has, like `base`.
    async fn make<K: Kind>(
        &mut self,
        db: &impl ConnectionTrait,
        base: String,
        taken: &HashSet<String>,
    ) -> Result<String> {
        let is_free = |slug: &String| !self.given.contains(slug) && !self.made.contains(slug);
        if !taken.contains(&base) && is_free(&base) {
            self.made.insert(base.clone());
            return Ok(base);
        }
        if !self.numbered.contains_key(&base) {
            let like = slug::like(db, K::KIND, &base, None).await?;
            self.numbered.insert(base.clone(), (like, 2));
        }
        let mut slug = base.clone();
        if let Some((like, next)) = self.numbered.get_mut(&base) {
            while like.contains(&slug) || self.given.contains(&slug) || self.made.contains(&slug) {
                slug = format!("{base}-{next}");
                *next += 1;
            }
        }
        self.made.insert(slug.clone());
        Ok(slug)
    }
}
