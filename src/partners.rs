//! Partners: the organisations of the field.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::{
    editorial::{
        Draft, Kind, check, collation,
        kind::columns,
        lists::{COUNTRY, Field, Holds, words},
    },
    entity::{
        self,
        vocabulary::{self, IdentifierScheme, PartnerType},
    },
    http::FieldError,
};

/// The kind.
#[derive(Clone, Debug)]
pub struct Partner;

/// What does not depend on language.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Fields {
    /// What kind of organisation it is.
    #[serde(default)]
    pub r#type: Option<PartnerType>,
    /// The country it is in (ISO 3166-1 alpha-2).
    #[serde(default)]
    #[schema(pattern = "^[A-Z]{2}$", example = "TR")]
    pub country: Option<String>,
    /// Its website.
    #[serde(default)]
    #[schema(format = "uri", max_length = 2000)]
    pub website: Option<String>,
}

/// What is written once per language.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Texts {
    /// The organisation's name.
    #[serde(default)]
    #[schema(
        pattern = r"^\S([^\r\n\t]*\S)?$",
        max_length = 300,
        example = "Mor Pencere Kadın Dayanışma Derneği"
    )]
    pub name: Option<String>,
    /// Its short name.
    #[serde(default)]
    #[schema(pattern = r"^\S([^\r\n\t]*\S)?$", max_length = 60, example = "Mor Pencere")]
    pub short_name: Option<String>,
    /// What it does, in Markdown.
    #[serde(default)]
    #[schema(max_length = 20_000)]
    pub description: Option<String>,
}

impl Kind for Partner {
    const KIND: vocabulary::Kind = vocabulary::Kind::Partner;
    const NAME: &'static str = "Partner";
    const COLLECTION: &'static str = "partners";
    const TITLE: Option<&'static str> = Some("name");
    const SUMMARY: Option<&'static str> = Some("description");
    const BODY: Option<&'static str> = None;
    const DESCENDING: bool = false;
    const ORDER: &'static str = "by name in Turkish order";
    const REQUIRED_TEXTS: &'static [&'static str] = &["name"];
    const FIELDS: &'static [Field] = &[
        Field::new("type", Holds::Words(words::<PartnerType>), "What kind of organisation it is."),
        Field::new("country", COUNTRY, "The country it is in."),
    ];
    const IDENTIFIERS: &'static [(&'static str, IdentifierScheme)] =
        &[("ror", IdentifierScheme::Ror), ("org_id", IdentifierScheme::OrgId)];

    type Fields = Fields;
    type Texts = Texts;
    type Row = entity::partner::Entity;

    columns!(partner: r#type, country, website; json; json?);

    fn title(texts: &Texts) -> Option<&str> {
        texts.name.as_deref()
    }

    fn sort_key(draft: &Draft<Self>) -> String {
        draft.heading().map_or_else(|| collation::LAST.to_owned(), |name| collation::key(&name))
    }

    fn check(draft: &Draft<Self>, errors: &mut Vec<FieldError>) {
        check::optional_web_address(draft.fields.website.as_ref(), "/website", errors);
    }

    fn example() -> Value {
        json!({
            "slug": "mor-pencere",
            "original_locale": "tr",
            "translations": {
                "tr": { "name": "Mor Pencere Kadın Dayanışma Derneği", "short_name": "Mor Pencere", "description": "Danışma merkezi işleten bir kadın örgütü." },
                "en": { "name": "Purple Window Women's Solidarity Association" }
            },
            "topics": ["siddet"],
            "type": "womens_organisation",
            "country": "TR",
            "website": "https://morpencere.example",
            "identifiers": [{ "scheme": "org-id", "value": "TR-MOI-00-000-001" }]
        })
    }
}
