//! Topics: the subjects everything is filed under, as a tree (a SKOS concept scheme).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::{
    editorial::{
        Draft, Kind, check, collation,
        kind::{LinkField, columns},
        lists::{CODE, Field, Holds},
    },
    entity::{self, vocabulary},
    http::FieldError,
};

/// The kind.
#[derive(Clone, Debug)]
pub struct Topic;

/// What does not depend on language.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Fields {
    /// A code for the topic.
    #[serde(default)]
    #[schema(pattern = r"^\S([^\r\n\t]*\S)?$", max_length = 60, example = "1.2")]
    pub notation: Option<String>,
    /// Its place in the default order; equals stand by label.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000)]
    pub position: i32,
    /// Concepts of other schemes that are the same (`skos:exactMatch`).
    #[serde(default)]
    #[schema(max_items = 20, max_length = 2000)]
    pub exact_matches: Vec<String>,
    /// Concepts of other schemes that are close (`skos:closeMatch`).
    #[serde(default)]
    #[schema(max_items = 20, max_length = 2000, example = json!(["http://metadata.un.org/sdg/5.2"]))]
    pub close_matches: Vec<String>,
}

/// What is written once per language.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Texts {
    /// The preferred label.
    #[serde(default)]
    #[schema(pattern = r"^\S([^\r\n\t]*\S)?$", max_length = 300, example = "Kadına yönelik şiddet")]
    pub label: Option<String>,
    /// Other words for it.
    #[serde(default)]
    #[schema(max_items = 50, max_length = 300, example = json!(["Erkek şiddeti"]))]
    pub alternative_labels: Vec<String>,
    /// What is meant by it.
    #[serde(default)]
    #[schema(max_length = 5000)]
    pub definition: Option<String>,
}

impl Kind for Topic {
    const KIND: vocabulary::Kind = vocabulary::Kind::Topic;
    const NAME: &'static str = "Topic";
    const COLLECTION: &'static str = "topics";
    const TITLE: Option<&'static str> = Some("label");
    const SUMMARY: Option<&'static str> = Some("definition");
    const BODY: Option<&'static str> = None;
    const HAS_TOPICS: bool = false;
    const DESCENDING: bool = false;
    const ORDER: &'static str = "by position, then by label in Turkish order";
    const REQUIRED_TEXTS: &'static [&'static str] = &["label"];
    const FIELDS: &'static [Field] = &[
        Field::new("notation", CODE, "Its code."),
        Field::new(
            "position",
            Holds::Number { least: 0, most: 1_000_000 },
            "Its place in the default order.",
        )
        .sorts(),
    ];
    const LINKS: &'static [LinkField] = &[
        LinkField {
            name: "broader",
            target: vocabulary::Kind::Topic,
            many: false,
            acyclic: true,
            meaning: "The wider topic it belongs to.",
        },
        LinkField {
            name: "related",
            target: vocabulary::Kind::Topic,
            many: true,
            acyclic: false,
            meaning: "Topics that are neither wider nor narrower, but near.",
        },
    ];

    type Fields = Fields;
    type Texts = Texts;
    type Row = entity::topic::Entity;

    columns!(topic: notation, position; json exact_matches, close_matches; json?);

    fn title(texts: &Texts) -> Option<&str> {
        texts.label.as_deref()
    }

    fn sort_key(draft: &Draft<Self>) -> String {
        let name = draft.heading().map_or_else(|| collation::LAST.to_owned(), |name| collation::key(&name));
        format!("{:07}{name}", draft.fields.position)
    }

    fn check(draft: &Draft<Self>, errors: &mut Vec<FieldError>) {
        for (list, name) in
            [(&draft.fields.exact_matches, "exact_matches"), (&draft.fields.close_matches, "close_matches")]
        {
            check::no_repeats(list, &format!("/{name}"), errors);
            for (index, address) in list.iter().enumerate() {
                check::web_address(address, &format!("/{name}/{index}"), errors);
            }
        }
    }

    fn example() -> Value {
        json!({
            "slug": "siddet",
            "original_locale": "tr",
            "translations": {
                "tr": { "label": "Kadına yönelik şiddet", "alternative_labels": ["Erkek şiddeti"], "definition": "Kadınlara kadın oldukları için uygulanan her türlü şiddet." },
                "en": { "label": "Violence against women", "alternative_labels": ["VAW"] }
            },
            "notation": "1.2",
            "position": 10,
            "close_matches": ["http://metadata.un.org/sdg/5.2"],
            "broader": "haklar",
            "related": ["hukuk"]
        })
    }
}
