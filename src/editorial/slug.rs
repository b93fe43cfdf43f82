//! Addresses made from titles.

use std::collections::HashSet;

use sea_orm::{QuerySelect, entity::prelude::*};

use crate::{
    entity::{entry, slug_history, vocabulary::Kind},
    http::Result,
    search::analysis::lower_case,
};

/// How long a slug made from a title gets; a number may follow.
const MAX_LENGTH: usize = 80;

/// A slug for `title`; empty when it has no letter or digit.
///
/// Turkish letters become their ASCII neighbours, dotless ı and dotted İ alike `i`; what follows an
/// apostrophe stays a word of its own.
#[must_use]
pub fn from_title(title: &str) -> String {
    let plain: String = lower_case(title).collect();
    let ascii = deunicode::deunicode(&plain).to_ascii_lowercase();
    let mut slug = String::new();
    for word in ascii.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty()) {
        if !slug.is_empty() && slug.len() + 1 + word.len() > MAX_LENGTH {
            break;
        }
        if !slug.is_empty() {
            slug.push('-');
        }
        slug.extend(word.chars().take(MAX_LENGTH));
    }
    // Nothing may look like an id.
    if Uuid::try_parse(&slug).is_ok() { format!("s-{slug}") } else { slug }
}

/// A slug made from `title` that no entry of this kind but `own` has or has had; `fallback` when the
/// title has no letter.
///
/// # Errors
/// When the database fails.
pub async fn free(
    db: &impl ConnectionTrait,
    kind: Kind,
    title: &str,
    fallback: &str,
    own: Option<Uuid>,
) -> Result<String> {
    let mut base = from_title(title);
    if base.is_empty() {
        fallback.clone_into(&mut base);
    }
    let taken = like(db, kind, &base, own).await?;
    if !taken.contains(&base) {
        return Ok(base);
    }
    let free =
        (2..=taken.len() + 2).map(|number| format!("{base}-{number}")).find(|slug| !taken.contains(slug));
    Ok(free.unwrap_or(base))
}

/// The slugs that entries of this kind but `own` have or have had and that are `base`, or begin with
/// it and a hyphen.
///
/// # Errors
/// When the database fails.
pub async fn like(
    db: &impl ConnectionTrait,
    kind: Kind,
    base: &str,
    own: Option<Uuid>,
) -> Result<HashSet<String>> {
    // The slugs that begin with the base and a hyphen, and the base itself: of what a slug may hold,
    // only the hyphen stands before `.`. A range is what an index serves on both databases.
    let beyond = format!("{base}.");
    // No entry has the nil id.
    let own = own.unwrap_or_default();
    let present: Vec<String> = entry::Entity::find()
        .select_only()
        .column(entry::Column::Slug)
        .filter(entry::Column::Kind.eq(kind))
        .filter(entry::Column::Id.ne(own))
        .filter(entry::Column::Slug.gte(base))
        .filter(entry::Column::Slug.lt(&beyond))
        .into_tuple()
        .all(db)
        .await?;
    let retired: Vec<String> = slug_history::Entity::find()
        .select_only()
        .column(slug_history::Column::Slug)
        .filter(slug_history::Column::Kind.eq(kind))
        .filter(slug_history::Column::EntryId.ne(own))
        .filter(slug_history::Column::Slug.gte(base))
        .filter(slug_history::Column::Slug.lt(&beyond))
        .into_tuple()
        .all(db)
        .await?;
    Ok(present.into_iter().chain(retired).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_come_from_turkish_letters_properly() {
        for (title, slug) in [
            ("İstanbul Sözleşmesi", "istanbul-sozlesmesi"),
            ("ılıman", "iliman"),
            ("ILIMAN", "iliman"),
            ("Çığ … İZMİR’de", "cig-izmir-de"),
            ("  %50 – eşit!  ", "50-esit"),
            ("Ñandú & Łódź", "nandu-lodz"),
            ("…", ""),
            ("0192f3c4-a5b6-7c8d-9e0f-1a2b3c4d5e6f", "s-0192f3c4-a5b6-7c8d-9e0f-1a2b3c4d5e6f"),
        ] {
            assert_eq!(from_title(title), slug, "{title}");
        }
        let long = from_title(&"uzun başlık ".repeat(30));
        assert!(long.len() <= MAX_LENGTH && crate::http::extract::is_slug(&long), "{long}");
        assert_eq!(from_title(&"a".repeat(300)).len(), MAX_LENGTH);
    }
}
