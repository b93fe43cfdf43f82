//! All kinds of content: calling what is generic over the kind when only its name is known.

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
pub(crate) use for_kind;
