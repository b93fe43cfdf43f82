//! All kinds of content: calling what is generic over the kind, for every one, or when only its name is
//! known.

use std::collections::BTreeMap;

use crate::{
    app::App,
    editorial::lists::derived,
    entity::{entry, vocabulary::Kind},
    http::Result,
};

/// Calls a macro with every kind that has a collection.
macro_rules! every_collection {
    ($do:ident) => {
        $do!(
            $crate::publications::Publication,
            $crate::projects::Project,
            $crate::events::Event,
            $crate::practices::Practice,
            $crate::people::Person,
            $crate::partners::Partner,
            $crate::topics::Topic
        )
    };
}

/// Calls a function that is generic over the kind, for the kind that a word of
/// [`crate::entity::vocabulary::Kind`] names.
macro_rules! for_kind {
    ($kind:expr, $function:ident($($argument:expr),* $(,)?)) => {
        match $kind {
            $crate::entity::vocabulary::Kind::Organisation => $function::<$crate::organisation::Organisation>($($argument),*).await,
            $crate::entity::vocabulary::Kind::Topic => $function::<$crate::topics::Topic>($($argument),*).await,
            $crate::entity::vocabulary::Kind::Partner => $function::<$crate::partners::Partner>($($argument),*).await,
            $crate::entity::vocabulary::Kind::Person => $function::<$crate::people::Person>($($argument),*).await,
            $crate::entity::vocabulary::Kind::Project => $function::<$crate::projects::Project>($($argument),*).await,
            $crate::entity::vocabulary::Kind::Event => $function::<$crate::events::Event>($($argument),*).await,
            $crate::entity::vocabulary::Kind::Publication => $function::<$crate::publications::Publication>($($argument),*).await,
            $crate::entity::vocabulary::Kind::Practice => $function::<$crate::practices::Practice>($($argument),*).await,
        }
    };
}

pub(crate) use {every_collection, for_kind};

/// `rows` by kind, for `for_kind!`.
#[must_use]
pub fn by_kind(rows: Vec<entry::Model>) -> BTreeMap<Kind, Vec<entry::Model>> {
    let mut kinds: BTreeMap<Kind, Vec<entry::Model>> = BTreeMap::new();
    for row in rows {
        kinds.entry(row.kind).or_default().push(row);
    }
    kinds
}

/// Derives what lists find entries by, where an older version of the rules did so, or none; before the
/// service starts.
///
/// # Errors
/// When the database fails.
pub async fn catch_up(app: &App) -> Result<()> {
    if !derived::is_behind(app).await? {
        return Ok(());
    }
    let mut done = 0;
    macro_rules! derive {
        ($($kind:ty),*) => {$(done += derived::catch_up::<$kind>(app).await?;)*};
    }
    every_collection!(derive);
    if done > 0 {
        tracing::info!(entries = done, "what lists find entries by was derived anew");
    }
    Ok(())
}
