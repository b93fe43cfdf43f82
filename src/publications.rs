//! Publications: reports, briefs, toolkits, books, data and news, the organisation's own and others'.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::{
    editorial::{
        Draft, Kind, check,
        kind::{Agents, CreditField, LinkField, columns},
        lists::{CODE, Field, Holds, LANGUAGE, words},
    },
    entity::{
        self,
        vocabulary::{self, Access, Audience, IdentifierScheme, PublicationType, Reach, Role},
    },
    http::FieldError,
};

/// The kind.
#[derive(Clone, Debug)]
pub struct Publication;

/// What does not depend on language.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Fields {
    /// The form of the publication.
    #[serde(default)]
    pub r#type: Option<PublicationType>,
    /// When it appeared: `YYYY`, `YYYY-MM` or `YYYY-MM-DD`.
    #[serde(default)]
    #[schema(pattern = r"^\d{4}(-\d{2}(-\d{2})?)?$", example = "2016-03")]
    pub issued: Option<String>,
    /// The languages of its text (BCP 47).
    #[serde(default)]
    #[schema(max_items = 20, max_length = 35, example = json!(["tr"]))]
    pub languages: Vec<String>,
    /// The series it belongs to.
    #[serde(default)]
    #[schema(pattern = r"^\S([^\r\n\t]*\S)?$", max_length = 300)]
    pub series: Option<String>,
    /// Its number in the series.
    #[serde(default)]
    #[schema(pattern = r"^\S([^\r\n\t]*\S)?$", max_length = 60)]
    pub number: Option<String>,
    /// Its pages: how many, or from where to where.
    #[serde(default)]
    #[schema(pattern = r"^\S([^\r\n\t]*\S)?$", max_length = 60, example = "12-48")]
    pub pages: Option<String>,
    /// Its edition.
    #[serde(default)]
    #[schema(pattern = r"^\S([^\r\n\t]*\S)?$", max_length = 60)]
    pub edition: Option<String>,
    /// Where it was published.
    #[serde(default)]
    #[schema(pattern = r"^\S([^\r\n\t]*\S)?$", max_length = 200, example = "İstanbul")]
    pub place: Option<String>,
    /// Its licence (SPDX identifier).
    #[serde(default)]
    #[schema(pattern = r"^[A-Za-z0-9.+-]+$", max_length = 100, example = "CC-BY-4.0")]
    pub licence: Option<String>,
    /// Who may read the full text.
    #[serde(default)]
    pub access: Option<Access>,
    /// Until when the full text is withheld.
    #[serde(default)]
    pub embargo_until: Option<NaiveDate>,
    /// How far what it says reaches.
    #[serde(default)]
    pub scope: Option<Reach>,
    /// Whom it is written for.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub audience: Vec<Audience>,
}

/// What is written once per language.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Texts {
    /// The title.
    #[serde(default)]
    #[schema(
        pattern = r"^\S([^\r\n\t]*\S)?$",
        max_length = 300,
        example = "Sığınmaevleri için asgari standartlar"
    )]
    pub title: Option<String>,
    /// The subtitle.
    #[serde(default)]
    #[schema(pattern = r"^\S([^\r\n\t]*\S)?$", max_length = 300)]
    pub subtitle: Option<String>,
    /// The abstract.
    #[serde(default)]
    #[schema(max_length = 5000)]
    pub summary: Option<String>,
    /// The text, in Markdown.
    #[serde(default)]
    #[schema(max_length = 100_000)]
    pub body: Option<String>,
}

impl Kind for Publication {
    const KIND: vocabulary::Kind = vocabulary::Kind::Publication;
    const NAME: &'static str = "Publication";
    const COLLECTION: &'static str = "publications";
    const DESCENDING: bool = true;
    const ORDER: &'static str = "the latest issued first";
    const REQUIRED: &'static [&'static str] = &["type", "issued", "languages"];
    const REQUIRED_TEXTS: &'static [&'static str] = &["title", "summary"];
    const FIELDS: &'static [Field] = &[
        Field::new("type", Holds::Words(words::<PublicationType>), "The form of the publication."),
        Field::new("issued", Holds::PartialDate, "When it appeared.").sorts(),
        Field::new("year", Holds::Year, "The year in which it appeared.").of(&["issued"]),
        Field::new("language", LANGUAGE, "A language of its text.").of(&["languages"]).many(),
        Field::new("licence", CODE, "Its licence (SPDX identifier)."),
        Field::new("access", Holds::Words(words::<Access>), "Who may read the full text."),
        Field::new("embargo_until", Holds::Date, "Until when the full text is withheld."),
        Field::new("scope", Holds::Words(words::<Reach>), "How far what it says reaches."),
        Field::new("audience", Holds::Words(words::<Audience>), "Whom it is written for.").many(),
    ];
    const IDENTIFIERS: &'static [(&'static str, IdentifierScheme)] =
        &[("doi", IdentifierScheme::Doi), ("isbn", IdentifierScheme::Isbn), ("issn", IdentifierScheme::Issn)];
    const CREDITS: &'static [CreditField] = &[
        CreditField {
            name: "authors",
            agents: Agents::Any,
            roles: &[Role::Author],
            meaning: "Who wrote it, in order.",
        },
        CreditField {
            name: "contributors",
            agents: Agents::Any,
            roles: &[
                Role::Editor,
                Role::Translator,
                Role::Illustrator,
                Role::Reviewer,
                Role::Researcher,
                Role::Contributor,
            ],
            meaning: "Who else had a part in it, in order.",
        },
        CreditField {
            name: "publishers",
            agents: Agents::Partners,
            roles: &[Role::Publisher],
            meaning: "Who published it.",
        },
    ];
    const LINKS: &'static [LinkField] = &[
        LinkField {
            name: "project",
            target: vocabulary::Kind::Project,
            many: false,
            acyclic: false,
            meaning: "The project it came out of.",
        },
        LinkField {
            name: "cites",
            target: vocabulary::Kind::Publication,
            many: true,
            acyclic: false,
            meaning: "Publications it cites.",
        },
        LinkField {
            name: "supersedes",
            target: vocabulary::Kind::Publication,
            many: true,
            acyclic: false,
            meaning: "Publications it replaces.",
        },
        LinkField {
            name: "translation_of",
            target: vocabulary::Kind::Publication,
            many: false,
            acyclic: true,
            meaning: "The publication it is a translation of.",
        },
        LinkField {
            name: "part_of",
            target: vocabulary::Kind::Publication,
            many: false,
            acyclic: true,
            meaning: "The publication it is a part of.",
        },
    ];

    type Fields = Fields;
    type Texts = Texts;
    type Row = entity::publication::Entity;

    columns!(publication: r#type, issued, series, number, pages, edition, place, licence, access, embargo_until, scope;
        json languages, audience; json?);

    fn title(texts: &Texts) -> Option<&str> {
        texts.title.as_deref()
    }

    fn sort_key(draft: &Draft<Self>) -> String {
        draft.fields.issued.clone().unwrap_or_default()
    }

    fn check(draft: &Draft<Self>, errors: &mut Vec<FieldError>) {
        let fields = &draft.fields;
        check::partial_date(fields.issued.as_ref(), "/issued", errors);
        check::languages(&fields.languages, "/languages", errors);
        check::no_repeats(&fields.audience, "/audience", errors);
        if fields.embargo_until.is_some() && fields.access != Some(Access::Embargoed) {
            let detail = "only what is `embargoed` has an end of its embargo";
            errors.push(FieldError::at("/embargo_until", "contradiction", detail));
        }
    }

    fn example() -> Value {
        json!({
            "slug": "siginmaevi-standartlari-politika-notu",
            "visibility": "public",
            "original_locale": "tr",
            "translations": {
                "tr": {
                    "title": "Sığınmaevleri için asgari standartlar: politika notu",
                    "summary": "Sığınmaevlerinin kapasitesi, çalışan sayısı, gizlilik ve çocuklara dönük hizmetler bakımından asgari standartlar öneriliyor.",
                    "body": "## Neden asgari standart?\n\nÜç ilçede yapılan görüşmeler, hizmetlerin birbirini tutmadığını gösterdi."
                },
                "en": {
                    "title": "Minimum standards for women's shelters: a policy brief",
                    "summary": "Proposes minimum standards for the capacity, staffing, confidentiality and children's services of shelters."
                }
            },
            "topics": ["siddet", "hukuk"],
            "type": "policy_brief",
            "issued": "2015-11",
            "languages": ["tr"],
            "licence": "CC-BY-4.0",
            "access": "open",
            "scope": "national",
            "audience": ["policy_makers", "local_government"],
            "authors": [{ "name": "Işıl Öztürk", "person": "isil-ozturk" }],
            "publishers": [{ "name": "SOGEP" }],
            "project": "esit-butce",
            "identifiers": [{ "scheme": "doi", "value": "10.5555/sogep.2015.11" }]
        })
    }
}
