//! All kinds of content: calling what is generic over the kind, for every one, or when only its name is
//! known.

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
