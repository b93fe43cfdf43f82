//! People: those of the organisation and of the field who have agreed to be shown.
//!
//! Without consent a person is invisible everywhere, even as an author's link. What of them is
//! shown is what they have agreed to. Ids tell no time.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    auth::Caller,
    clock::{Clock, optional_instant},
    editorial::{
        Draft, Kind, check, collation,
        kind::{LinkField, columns},
        lists::{Field, Holds, words},
    },
    entity::{
        self,
        vocabulary::{self, ConsentScope, IdentifierScheme, PersonRole},
    },
    http::FieldError,
};

/// The kind.
#[derive(Clone, Debug)]
pub struct Person;

/// What does not depend on language.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Fields {
    /// The person's name.
    #[serde(default)]
    pub name: Option<Name>,
    /// What the person is to the organisation.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub roles: Vec<PersonRole>,
    /// The person's website.
    #[serde(default)]
    #[schema(format = "uri", max_length = 2000)]
    pub website: Option<String>,
    /// What the person has agreed to. Only writers see it; for everybody else it is null.
    #[serde(default)]
    pub consent: Option<Consent>,
}

/// A person's name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Name {
    /// Given names.
    #[serde(default)]
    #[schema(pattern = r"^\S([^\r\n\t]*\S)?$", max_length = 150, example = "Işıl")]
    pub given: Option<String>,
    /// Family names.
    #[serde(default)]
    #[schema(pattern = r"^\S([^\r\n\t]*\S)?$", max_length = 150, example = "Öztürk")]
    pub family: Option<String>,
    /// The name as it is shown.
    #[schema(pattern = r"^\S([^\r\n\t]*\S)?$", max_length = 300, example = "Işıl Öztürk")]
    pub display: String,
}

/// What a person has agreed to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Consent {
    /// Who gave it: the person, or who may speak for them.
    #[schema(pattern = r"^\S([^\r\n\t]*\S)?$", max_length = 300, example = "Işıl Öztürk")]
    pub given_by: String,
    /// The version of the text that was agreed to.
    #[schema(pattern = r"^\S([^\r\n\t]*\S)?$", max_length = 60, example = "2026-01")]
    pub text_version: String,
    /// What may be shown. Without `name`, nothing.
    #[schema(max_items = 20)]
    pub scope: Vec<ConsentScope>,
    /// When it was given.
    #[serde(deserialize_with = "instant")]
    pub given_at: DateTime<Utc>,
    /// When it was withdrawn.
    #[serde(default, deserialize_with = "optional_instant")]
    pub withdrawn_at: Option<DateTime<Utc>>,
}

fn instant<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<DateTime<Utc>, D::Error> {
    DateTime::<Utc>::deserialize(deserializer).map(crate::clock::whole_milliseconds)
}

/// What is written once per language.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Texts {
    /// The academic or professional title.
    #[serde(default)]
    #[schema(pattern = r"^\S([^\r\n\t]*\S)?$", max_length = 200, example = "Doç. Dr.")]
    pub title: Option<String>,
    /// Where the person works.
    #[serde(default)]
    #[schema(pattern = r"^\S([^\r\n\t]*\S)?$", max_length = 300)]
    pub affiliation: Option<String>,
    /// The biography, in Markdown.
    #[serde(default)]
    #[schema(max_length = 20_000)]
    pub biography: Option<String>,
}

impl Kind for Person {
    const KIND: vocabulary::Kind = vocabulary::Kind::Person;
    const NAME: &'static str = "Person";
    const COLLECTION: &'static str = "people";
    const TITLE: Option<&'static str> = None;
    const SUMMARY: Option<&'static str> = None;
    const BODY: Option<&'static str> = Some("biography");
    const DESCENDING: bool = false;
    const ORDER: &'static str = "by family name in Turkish order";
    const REQUIRED: &'static [&'static str] = &["name"];
    const REQUIRED_TEXTS: &'static [&'static str] = &[];
    const FIELDS: &'static [Field] =
        &[Field::new("role", Holds::Words(words::<PersonRole>), "What the person is to the organisation.")
            .of(&["roles"])
            .many()];
    const IDENTIFIERS: &'static [(&'static str, IdentifierScheme)] = &[("orcid", IdentifierScheme::Orcid)];
    const LINKS: &'static [LinkField] = &[LinkField {
        name: "affiliated_with",
        target: vocabulary::Kind::Partner,
        many: false,
        acyclic: false,
        meaning: "The partner the person works for.",
    }];

    type Fields = Fields;
    type Texts = Texts;
    type Row = entity::person::Entity;

    columns!(person: website; json roles; json? name, consent);

    fn sort_key(draft: &Draft<Self>) -> String {
        let name = Self::ordered_name(&draft.fields, None);
        name.map_or_else(|| collation::LAST.to_owned(), |name| collation::key(&name))
    }

    /// By family name.
    fn ordered_name(fields: &Fields, _: Option<&Texts>) -> Option<String> {
        let Name { given, family, display } = fields.name.as_ref()?;
        let Some(family) = family else { return Some(display.clone()) };
        Some(format!("{family} {}", given.as_deref().unwrap_or_default()))
    }

    fn heading(fields: &Fields, _: Option<&Texts>) -> Option<String> {
        fields.name.as_ref().map(|name| name.display.clone())
    }

    fn check(draft: &Draft<Self>, errors: &mut Vec<FieldError>) {
        let fields = &draft.fields;
        check::optional_web_address(fields.website.as_ref(), "/website", errors);
        check::no_repeats(&fields.roles, "/roles", errors);
        if let Some(consent) = &fields.consent {
            check::no_repeats(&consent.scope, "/consent/scope", errors);
            let withdrawn_at = consent.withdrawn_at.as_ref();
            check::in_order(Some(&consent.given_at), withdrawn_at, "/consent/withdrawn_at", errors);
        }
    }

    fn is_shown(fields: &Fields) -> bool {
        fields.consent.as_ref().is_some_and(|consent| {
            consent.withdrawn_at.is_none() && consent.scope.contains(&ConsentScope::Name)
        })
    }

    /// Consent is not given again by an old version.
    fn keep_guarded(present: &Draft<Self>, former: &mut Draft<Self>) {
        former.fields.consent.clone_from(&present.fields.consent);
    }

    /// Outside, only what the person has agreed to is shown.
    fn withhold(draft: &mut Draft<Self>, caller: &Caller) {
        let consent = draft.fields.consent.clone();
        if !caller.grants.writes {
            draft.fields.consent = None;
        }
        if caller.is_inside() {
            return;
        }
        let agreed = |scope| consent.as_ref().is_some_and(|consent| consent.scope.contains(&scope));
        let (role, biography, affiliation) =
            (agreed(ConsentScope::Role), agreed(ConsentScope::Biography), agreed(ConsentScope::Affiliation));
        if !role {
            draft.fields.roles.clear();
        }
        if !biography {
            draft.fields.website = None;
            draft.common.identifiers.clear();
            draft.common.topics.clear();
        }
        if !affiliation {
            draft.links.clear();
        }
        for texts in draft.translations.values_mut() {
            texts.title = texts.title.take().filter(|_| role);
            texts.biography = texts.biography.take().filter(|_| biography);
            texts.affiliation = texts.affiliation.take().filter(|_| affiliation);
        }
    }

    fn new_id(clock: &Clock) -> Uuid {
        clock.secret_id()
    }

    fn example() -> Value {
        json!({
            "slug": "isil-ozturk",
            "original_locale": "tr",
            "translations": {
                "tr": { "title": "Doç. Dr.", "affiliation": "Ege Üniversitesi", "biography": "Bakım emeği üzerine çalışıyor." },
                "en": { "title": "Assoc. Prof.", "biography": "Works on care work." }
            },
            "topics": ["emek", "bakim"],
            "name": { "given": "Işıl", "family": "Öztürk", "display": "Işıl Öztürk" },
            "roles": ["academic", "member"],
            "website": "https://ozturk.example",
            "consent": {
                "given_by": "Işıl Öztürk", "text_version": "2026-01",
                "scope": ["name", "biography", "role", "affiliation"],
                "given_at": "2026-01-15T09:00:00Z", "withdrawn_at": null
            },
            "identifiers": [{ "scheme": "orcid", "value": "0000-0002-1825-0097" }]
        })
    }
}
