//! What an answer was made of, and what can change of that.

use uuid::Uuid;

use crate::entity::vocabulary::{Kind, Visibility};

/// What an answer was made of. Whatever an entry shows of others is the entry's: when it changes, the
/// change log tells of the entry too (`editorial::dependents`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    entry: Option<Uuid>,
    kinds: u16,
    has_words: bool,
    access: bool,
}

/// Something that has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// An entry of this kind, for these readers and those who see more.
    Entry(Kind, Uuid, Visibility),
    /// The synonyms that searches use.
    Synonyms,
    /// Keys and accounts.
    Access,
    /// More than can be told.
    Everything,
}

impl Sources {
    /// Nothing that changes while the process runs.
    pub const NOTHING: Self = Self { entry: None, kinds: 0, has_words: false, access: false };

    /// All content, and the synonyms.
    pub const CONTENT: Self = Self { entry: None, kinds: u16::MAX, has_words: true, access: false };

    /// Keys and accounts.
    pub const ACCESS: Self = Self { entry: None, kinds: 0, has_words: false, access: true };

    /// One entry.
    #[must_use]
    pub fn entry(id: Uuid) -> Self {
        Self { entry: Some(id), ..Self::NOTHING }
    }

    /// These, and whatever there is of `kind`.
    #[must_use]
    pub fn and_kind(self, kind: Kind) -> Self {
        Self { kinds: self.kinds | bit(kind), ..self }
    }

    /// Whether `change` may have changed an answer, made of these, to readers of what is public.
    #[must_use]
    pub fn meet(&self, change: &Change) -> bool {
        match *change {
            Change::Entry(kind, id, audience) => {
                audience == Visibility::Public && (self.kinds & bit(kind) != 0 || self.entry == Some(id))
            }
            Change::Synonyms => self.has_words,
            Change::Access => self.access,
            Change::Everything => *self != Self::NOTHING,
        }
    }
}

fn bit(kind: Kind) -> u16 {
    1 << (kind as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_meets_what_is_made_of_it() {
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let public = |kind, id| Change::Entry(kind, id, Visibility::Public);
        let list = Sources::NOTHING.and_kind(Kind::Topic).and_kind(Kind::Event);
        for (sources, change, expected) in [
            (Sources::entry(one), public(Kind::Topic, one), true),
            (Sources::entry(one), public(Kind::Topic, other), false),
            (Sources::entry(one), Change::Entry(Kind::Topic, one, Visibility::Partners), false),
            (list, public(Kind::Topic, other), true),
            (list, public(Kind::Event, other), true),
            (list, public(Kind::Person, other), false),
            (list, Change::Synonyms, false),
            (Sources::CONTENT, public(Kind::Person, other), true),
            (Sources::CONTENT, Change::Synonyms, true),
            (Sources::CONTENT, Change::Access, false),
            (Sources::ACCESS, Change::Access, true),
            (Sources::ACCESS, public(Kind::Person, other), false),
            (list, Change::Everything, true),
            (Sources::NOTHING, Change::Everything, false),
        ] {
            assert_eq!(sources.meet(&change), expected, "{sources:?} {change:?}");
        }
    }
}
