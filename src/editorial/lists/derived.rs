//! What lists find entries by is derived from what was written, when it is written: the values that an
//! entry holds, whether readers outside are shown them, and where its titles stand in the alphabet.
//!
//! What is hidden is not said here a second time: an entry is looked at as [`Kind::withhold`] leaves it.

use std::collections::BTreeMap;

use sea_orm::{ActiveValue::Set, QueryOrder, QuerySelect, entity::prelude::*};

use super::{
    field::{Field, Place, fields},
    value,
};
use crate::{
    app::App,
    auth::Caller,
    editorial::{
        collation,
        draft::Draft,
        kind::{Kind, object},
        load::load,
        shape::Shape,
        store,
    },
    entity::{entry, entry_value, title_key, vocabulary},
    http::Result,
};

/// The version of these rules. Entries that an older one was applied to are derived anew when the
/// service starts; to be raised when a rule or the collation changes.
pub const RULES: i16 = 1;

/// How many entries are derived anew in one transaction.
const BATCH: u64 = 200;

/// `draft` without its texts, as readers outside are shown it. No value is a text, and texts are long.
#[must_use]
pub fn open_part<K: Kind>(draft: &Draft<K>) -> Draft<K> {
    let mut open = Draft {
        common: draft.common.clone(),
        translations: BTreeMap::new(),
        credits: draft.credits.clone(),
        links: draft.links.clone(),
        fields: draft.fields.clone(),
    };
    K::withhold(&mut open, &Caller::PUBLIC);
    open
}

/// The fields whose values are derived: the kind's own.
#[must_use]
pub fn derived_fields<K: Kind>() -> Vec<Field> {
    fields::<K>().into_iter().filter(|field| matches!(field.place, Place::Own(_))).collect()
}

/// The values of `fields` by which the entry `id` is found; `open` is what readers outside are shown of
/// `draft`.
#[must_use]
pub fn values<K: Kind>(
    fields: &[Field],
    id: Uuid,
    draft: &Draft<K>,
    open: &Draft<K>,
) -> Vec<entry_value::ActiveModel> {
    let all = object(&draft.fields);
    let open = (open.fields != draft.fields).then(|| object(&open.fields));
    let mut rows = Vec::new();
    for field in fields {
        let shown = open.as_ref().map(|open| value::stored(field, open));
        rows.extend(value::stored(field, &all).into_iter().map(|value| entry_value::ActiveModel {
            entry_id: Set(id),
            field: Set(field.name.to_owned()),
            is_open: Set(shown.as_ref().is_none_or(|shown| shown.contains(&value))),
            value: Set(value),
            kind: Set(K::KIND),
        }));
    }
    rows
}

/// Where the titles of the entry `id` stand. What has no title has none, and is last in every order.
#[must_use]
pub fn title_keys<K: Kind>(id: Uuid, draft: &Draft<K>) -> Vec<title_key::ActiveModel> {
    let original = &draft.common.original_locale;
    let row = |locale: &String, title: Option<String>| {
        let title = title.filter(|title| !title.is_empty())?;
        Some(title_key::ActiveModel {
            entry_id: Set(id),
            locale: Set(locale.clone()),
            kind: Set(K::KIND),
            is_original: Set(locale == original),
            sort_key: Set(collation::key(&title)),
        })
    };
    if K::TITLE.is_none() {
        return row(original, K::ordered_name(&draft.fields, draft.original())).into_iter().collect();
    }
    let named = |texts| K::ordered_name(&draft.fields, Some(texts));
    draft.translations.iter().filter_map(|(locale, texts)| row(locale, named(texts))).collect()
}

/// Whether any collection holds something that an older version of the rules, or none, was applied to.
///
/// # Errors
/// When the database fails.
pub async fn is_behind(app: &App) -> Result<bool> {
    let behind = entry::Entity::find()
        .select_only()
        .column(entry::Column::Id)
        .filter(entry::Column::DerivedBy.lt(RULES))
        .filter(entry::Column::Kind.ne(vocabulary::Kind::Organisation))
        .filter(entry::Column::PurgedAt.is_null());
    Ok(behind.into_tuple::<Uuid>().one(app.db.reader()).await?.is_some())
}

/// Derives anew what an older version of the rules, or none, was applied to. Says of how many entries.
///
/// # Errors
/// When the database fails.
pub async fn catch_up<K: Kind>(app: &App) -> Result<u64> {
    let mut done = 0;
    loop {
        let tx = app.db.begin().await?;
        let rows = entry::Entity::find()
            .filter(entry::Column::Kind.eq(K::KIND))
            .filter(entry::Column::DerivedBy.lt(RULES))
            .filter(entry::Column::PurgedAt.is_null())
            .order_by_asc(entry::Column::Id)
            .limit(BATCH)
            .lock_exclusive()
            .all(&tx)
            .await?;
        if rows.is_empty() {
            return Ok(done);
        }
        done += u64::try_from(rows.len()).unwrap_or_default();
        let entries = load::<K>(&tx, rows, &Shape::WHOLE).await?;
        for stored in &entries {
            let row = entry::ActiveModel {
                sort_key: Set(K::sort_key(&stored.draft)),
                derived_by: Set(RULES),
                ..entry::ActiveModel { id: Set(stored.entry.id), ..Default::default() }
            };
            entry::Entity::update(row).exec(&tx).await?;
        }
        store::rewrite(&tx, &entries).await?;
        tx.commit().await?;
    }
}
