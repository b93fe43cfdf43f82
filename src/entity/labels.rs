//! What the closed lists of words, and the words in them, are called in Turkish and in English.

use std::sync::LazyLock;

use serde::{
    Serialize,
    de::{
        DeserializeOwned,
        value::{Error, StrDeserializer},
    },
};
use utoipa::ToSchema;

use super::vocabulary;

/// Declares a closed list. A word is sent in `snake_case`; beside it stand its English and its Turkish
/// label, and the nearest concept of a public vocabulary where there is one.
macro_rules! words {
    (
        $(#[$doc:meta])* $name:ident: $name_en:literal, $name_tr:literal {
            $($(#[$attribute:meta])* $variant:ident: $en:literal, $tr:literal $(, $uri:literal)?;)+
        }
    ) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash,
            serde::Serialize, serde::Deserialize, utoipa::ToSchema,
        )]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $(#[doc = concat!($en, " · ", $tr)] $(#[$attribute])* $variant,)+
        }

        impl $crate::entity::labels::Labelled for $name {
            const LABELS: $crate::entity::labels::Labels =
                $crate::entity::labels::Labels { tr: $name_tr, en: $name_en };
            const WORDS: &'static [$crate::entity::labels::Word<Self>] = &[$(
                $crate::entity::labels::Word {
                    value: Self::$variant,
                    labels: $crate::entity::labels::Labels { tr: $tr, en: $en },
                    uri: [$($uri,)? ""][0],
                },
            )+];
        }
    };
}

pub(super) use words;

/// What something is called in both languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Labels {
    /// In Turkish.
    #[schema(example = "Politika notu")]
    pub tr: &'static str,
    /// In English.
    #[schema(example = "Policy brief")]
    pub en: &'static str,
}

impl Labels {
    /// What it is called in the language of the tag `locale`; none for other languages.
    #[must_use]
    pub fn of(self, locale: &str) -> Option<&'static str> {
        match locale.split('-').next().unwrap_or_default() {
            "tr" => Some(self.tr),
            "en" => Some(self.en),
            _ => None,
        }
    }

    /// The same, and English where there is no label in the language.
    #[must_use]
    pub fn shown(self, locale: &str) -> &'static str {
        self.of(locale).unwrap_or(self.en)
    }
}

/// The language of [`Labels::shown`].
#[must_use]
pub fn shown_locale(locale: &str) -> &str {
    let is_known = Labels { tr: "", en: "" }.of(locale).is_some();
    if is_known { locale } else { "en" }
}

/// A word of a closed list.
#[derive(Clone, Copy, Debug)]
pub struct Word<T> {
    /// The word.
    pub value: T,
    /// What it is called.
    pub labels: Labels,
    /// The nearest concept of a public vocabulary; empty when none is near.
    pub uri: &'static str,
}

/// A closed list whose words have labels.
pub trait Labelled: Serialize + DeserializeOwned + PartialEq + Sized + 'static {
    /// What the list is called.
    const LABELS: Labels;
    /// Every word.
    const WORDS: &'static [Word<Self>];
}

/// What the word that is sent as `word` is called; none when the list `T` has no such word.
#[must_use]
pub fn label<T: Labelled>(word: &str) -> Option<Labels> {
    let word = T::deserialize(StrDeserializer::<Error>::new(word)).ok()?;
    T::WORDS.iter().find(|known| known.value == word).map(|known| known.labels)
}

/// A closed list as it is sent.
#[derive(Clone, Debug)]
pub struct List {
    /// What its schema is called in the document.
    pub schema: &'static str,
    /// What it is called.
    pub labels: Labels,
    /// Its words, in their order.
    pub words: Vec<Word<String>>,
}

impl List {
    fn new<T: Labelled>(schema: &'static str) -> Self {
        let word = |word: &Word<T>| {
            let value = serde_json::to_value(&word.value).ok()?.as_str()?.to_owned();
            Some(Word { value, labels: word.labels, uri: word.uri })
        };
        Self { schema, labels: T::LABELS, words: T::WORDS.iter().filter_map(word).collect() }
    }
}

/// The closed lists that content is described with. A test holds them to those of the document.
#[must_use]
pub fn lists() -> &'static [List] {
    macro_rules! lists {
        ($($list:ident),*) => { vec![$(List::new::<vocabulary::$list>(stringify!($list))),*] };
    }
    static LISTS: LazyLock<Vec<List>> = LazyLock::new(|| {
        lists!(
            Kind,
            State,
            Visibility,
            Happened,
            RelatedReason,
            ActorType,
            Role,
            IdentifierScheme,
            ProjectStatus,
            Reach,
            TransactionType,
            Measure,
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
            PartnerType
        )
    });
    &LISTS
}

/// The words of the closed list whose schema is called `schema`; none when there is no such list.
#[must_use]
pub fn of(schema: &str) -> &'static [Word<String>] {
    let list = lists().iter().find(|list| list.schema == schema);
    list.map(|list| list.words.as_slice()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_has_its_label_in_the_language_or_in_english() {
        let labels = label::<vocabulary::PublicationType>("shadow_report").unwrap();
        assert_eq!(labels.shown("tr"), "Gölge rapor");
        assert_eq!(labels.shown("en-GB"), "Shadow report");
        assert_eq!((labels.of("de"), labels.shown("de")), (None, "Shadow report"));
        assert_eq!(label::<vocabulary::IdentifierScheme>("org-id").unwrap().tr, "org-id.guide kimliği");
        assert_eq!(label::<vocabulary::PublicationType>("panel"), None);
    }
}
