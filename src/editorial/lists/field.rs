//! What a list can be filtered and sorted by. A kind declares it once, as [`Kind::FIELDS`]; what follows
//! from its credits, links, topics and identifiers is added here.

use sea_orm::ActiveEnum;

use crate::{
    editorial::kind::{Agents, Kind},
    entity::{
        entry,
        vocabulary::{self, IdentifierScheme},
    },
};

/// A property that lists can be filtered or sorted by.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// The parameter's name.
    pub name: &'static str,
    /// What its values are.
    pub holds: Holds,
    /// Where its values stand.
    pub place: Place,
    /// Whether an entry can have several.
    pub many: bool,
    /// Whether lists can be sorted by it.
    pub sorts: bool,
    /// What it is, in the documentation.
    pub meaning: &'static str,
}

/// What the values of a field are.
#[derive(Clone, Copy, Debug)]
pub enum Holds {
    /// Words of a closed list, which the function gives.
    Words(fn() -> Vec<String>),
    /// Texts of one form, compared letter by letter.
    Text(&'static Form),
    /// `true` or `false`.
    Flag,
    /// Whole numbers.
    Number {
        /// The least.
        least: u32,
        /// The greatest.
        most: u32,
    },
    /// `YYYY`, `YYYY-MM` or `YYYY-MM-DD`.
    PartialDate,
    /// The year of a date.
    Year,
    /// `YYYY-MM-DD`.
    Date,
    /// RFC 3339 instants, in whole milliseconds.
    Instant,
    /// Other entries, by id or slug.
    Entries(vocabulary::Kind),
    /// The entry's title; only sorted by.
    Title,
}

/// Where the values of a field stand.
#[derive(Clone, Copy, Debug)]
pub enum Place {
    /// In the kind's own properties, the first of these that is there; none: the one of the same name.
    Own(&'static [&'static str]),
    /// In the row that all kinds share.
    Entry(entry::Column),
    /// Among the titles.
    Title,
    /// Among the topics.
    Topics,
    /// Among the credits, whatever the property.
    Credits,
    /// In the link of the same name.
    Link,
    /// Among the identifiers.
    Identifier(IdentifierScheme),
}

/// The form of a text.
#[derive(Debug)]
pub struct Form {
    /// As a regular expression, for the documentation.
    pub pattern: &'static str,
    /// A text of this form.
    pub example: &'static str,
    /// What is wanted, for whoever sends another.
    pub wanted: &'static str,
    /// Whether a text has this form.
    pub fits: fn(&str) -> bool,
}

/// A language tag (BCP 47).
pub const LANGUAGE: Holds = Holds::Text(&Form {
    pattern: "^[A-Za-z0-9]{2,8}(-[A-Za-z0-9]{1,8})*$",
    example: "tr",
    wanted: "must be a language tag such as tr",
    fits: |text| text.len() <= 35 && text.split('-').all(|part| is_alphanumeric(part, 1, 8)),
});

/// A country code (ISO 3166-1 alpha-2).
pub const COUNTRY: Holds = Holds::Text(&Form {
    pattern: "^[A-Z]{2}$",
    example: "TR",
    wanted: "must be two capital letters such as TR (ISO 3166-1 alpha-2)",
    fits: |text| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase()),
});

/// A code without blanks and commas.
pub const CODE: Holds = Holds::Text(&Form {
    pattern: r"^[^\s,]{1,100}$",
    example: "5.2",
    wanted: "must be a code of up to 100 characters without blanks",
    fits: |text| text.chars().count() <= 100 && !text.contains(char::is_whitespace),
});

/// An identifier in its normal form.
const IDENTIFIER: Holds = Holds::Text(&Form {
    pattern: r"^[^\s,]{1,500}$",
    example: "10.5555/sogep.2016.12",
    wanted: "must be an identifier without a resolver's address, of up to 500 characters",
    fits: |text| text.chars().count() <= 500 && !text.contains(char::is_whitespace),
});

fn is_alphanumeric(part: &str, least: usize, most: usize) -> bool {
    (least..=most).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// The words of the closed list `T`, for [`Holds::Words`].
#[must_use]
pub fn words<T: ActiveEnum<Value = String>>() -> Vec<String> {
    T::values()
}

impl Field {
    /// A field of the kind's own property of the same name, of which an entry has at most one value.
    #[must_use]
    pub const fn new(name: &'static str, holds: Holds, meaning: &'static str) -> Self {
        Self { name, holds, place: Place::Own(&[]), many: false, sorts: false, meaning }
    }

    /// The same, of the first of these properties that is there. Of an object it is the `code`.
    #[must_use]
    pub const fn of(self, properties: &'static [&'static str]) -> Self {
        Self { place: Place::Own(properties), ..self }
    }

    /// The same, of which an entry can have several values.
    #[must_use]
    pub const fn many(self) -> Self {
        Self { many: true, ..self }
    }

    /// The same, which lists can also be sorted by.
    #[must_use]
    pub const fn sorts(self) -> Self {
        Self { sorts: true, ..self }
    }

    /// Whether its values can be counted: they are words, or something that several entries share.
    #[must_use]
    pub fn is_counted(&self) -> bool {
        match self.holds {
            Holds::Words(_) | Holds::Year | Holds::Flag | Holds::Entries(_) => true,
            Holds::Text(_) => matches!(self.place, Place::Own(_)),
            Holds::Number { .. } | Holds::PartialDate | Holds::Date | Holds::Instant | Holds::Title => false,
        }
    }

    const fn at(self, place: Place) -> Self {
        Self { place, ..self }
    }

    /// What can be asked of it. The first is also what is meant when no operator is named.
    #[must_use]
    pub fn operators(&self) -> Vec<Operator> {
        use Operator::{All, Any, Exists, Gt, Gte, Lt, Lte, Not, Under};
        let mut operators = match self.holds {
            Holds::Title => return Vec::new(),
            Holds::Flag => return vec![Any],
            Holds::Instant => vec![Gt, Gte, Lt, Lte],
            Holds::Words(_) | Holds::Text(_) | Holds::Entries(_) => vec![Any, Not],
            Holds::Number { .. } | Holds::PartialDate | Holds::Date | Holds::Year => {
                vec![Any, Not, Gt, Gte, Lt, Lte]
            }
        };
        if self.many {
            operators.push(All);
        }
        if matches!(self.holds, Holds::Entries(vocabulary::Kind::Topic)) {
            operators.push(Under);
        }
        if !matches!(self.place, Place::Entry(entry::Column::UpdatedAt | entry::Column::Visibility)) {
            operators.push(Exists);
        }
        operators
    }
}

/// The fields of `K` whose values can be counted.
#[must_use]
pub fn facets<K: Kind>() -> Vec<Field> {
    let mut fields = fields::<K>();
    fields.retain(Field::is_counted);
    fields
}

/// What is asked of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// It has one of the values.
    Any,
    /// It has none of the values.
    Not,
    /// It has every one of the values.
    All,
    /// It has one of the topics, or a narrower one.
    Under,
    /// It comes after the value.
    Gt,
    /// It is the value, or comes after it.
    Gte,
    /// It comes before the value.
    Lt,
    /// It is the value, or comes before it.
    Lte,
    /// It has a value at all, or none.
    Exists,
}

impl Operator {
    /// As it is written between brackets.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Not => "not",
            Self::All => "all",
            Self::Under => "under",
            Self::Gt => "gt",
            Self::Gte => "gte",
            Self::Lt => "lt",
            Self::Lte => "lte",
            Self::Exists => "exists",
        }
    }
}

/// What is not public about an entry stands in no list of its readers, so its visibility tells nothing
/// that the entry does not.
const COMMON: [Field; 3] = [
    Field::new("visibility", Holds::Words(words::<vocabulary::Visibility>), "Who may see it.")
        .at(Place::Entry(entry::Column::Visibility)),
    Field::new("published_at", Holds::Instant, "When it was first published.")
        .at(Place::Entry(entry::Column::PublishedAt))
        .sorts(),
    Field::new("updated_at", Holds::Instant, "When anything visible in it last changed.")
        .at(Place::Entry(entry::Column::UpdatedAt))
        .sorts(),
];

/// All that lists of `K` can be filtered and sorted by.
#[must_use]
pub fn fields<K: Kind>() -> Vec<Field> {
    let mut fields = K::FIELDS.to_vec();
    let entries = |name, kind, meaning| Field::new(name, Holds::Entries(kind), meaning);
    if K::HAS_TOPICS {
        let topic = entries("topic", vocabulary::Kind::Topic, "A topic it is about.");
        fields.push(topic.at(Place::Topics).many());
    }
    let credits = |agents| K::CREDITS.iter().any(|field| field.agents == agents);
    if credits(Agents::People) || credits(Agents::Any) {
        let person = entries("person", vocabulary::Kind::Person, "A person who had a part in it.");
        fields.push(person.at(Place::Credits).many());
    }
    if credits(Agents::Partners) || credits(Agents::Any) {
        let partner = entries("partner", vocabulary::Kind::Partner, "A partner that had a part in it.");
        fields.push(partner.at(Place::Credits).many());
    }
    fields.extend(K::LINKS.iter().map(|link| Field {
        many: link.many,
        ..entries(link.name, link.target, link.meaning).at(Place::Link)
    }));
    fields.extend(K::IDENTIFIERS.iter().map(|(name, scheme)| {
        Field::new(name, IDENTIFIER, "An identifier of this scheme.").at(Place::Identifier(*scheme)).many()
    }));
    fields.push(Field::new(K::TITLE.unwrap_or("name"), Holds::Title, "").at(Place::Title).sorts());
    fields.extend(COMMON);
    fields
}
