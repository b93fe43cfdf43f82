//! What the words of the closed lists are called in English and in Turkish.

use serde::Serialize;

use super::vocabulary;

/// A closed list whose words have labels.
pub trait Labelled: Serialize + Sized + 'static {
    /// Every word with its English and its Turkish label.
    const LABELS: &'static [(Self, &'static str, &'static str)];
}

/// A word as it is sent, its English label, its Turkish label.
pub type Label = (String, &'static str, &'static str);

fn labels<T: Labelled>() -> Vec<Label> {
    let label = |(word, en, tr): &(T, &'static str, &'static str)| {
        let code = serde_json::to_value(word).ok()?.as_str()?.to_owned();
        Some((code, *en, *tr))
    };
    T::LABELS.iter().filter_map(label).collect()
}

/// The labels of the closed list that is called `name` in the document; none when there is no such.
#[must_use]
pub fn of(name: &str) -> Vec<Label> {
    macro_rules! find {
        ($($list:ident),*) => {
            match name { $(stringify!($list) => labels::<vocabulary::$list>(),)* _ => Vec::new() }
        };
    }
    find!(
        State,
        Visibility,
        Role,
        IdentifierScheme,
        ProjectStatus,
        Reach,
        EventType,
        EventStatus,
        AttendanceMode,
        LocationPrecision,
        PublicationType,
        Access,
        Audience,
        Outcome,
        PersonRole,
        ConsentScope,
        PartnerType,
        TransactionType,
        Measure
    )
}
