//! Practices: what was tried and what came of it, the failures included.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::{
    auth::Caller,
    editorial::{
        Draft, Kind, check,
        kind::{Agents, CreditField, LinkField, columns},
        lists::{COUNTRY, Field, Holds, words},
        values::CountryShare,
    },
    entity::{
        self,
        vocabulary::{self, Outcome, Reach},
    },
    http::FieldError,
    projects::{PARTNER_ROLES, TEAM_ROLES},
};

/// The kind.
#[derive(Clone, Debug)]
pub struct Practice;

/// What does not depend on language.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Fields {
    /// What came of it.
    #[serde(default)]
    pub outcome: Option<Outcome>,
    /// When it began: `YYYY`, `YYYY-MM` or `YYYY-MM-DD`.
    #[serde(default)]
    #[schema(pattern = r"^\d{4}(-\d{2}(-\d{2})?)?$", example = "2014")]
    pub period_start: Option<String>,
    /// When it ended: `YYYY`, `YYYY-MM` or `YYYY-MM-DD`.
    #[serde(default)]
    #[schema(pattern = r"^\d{4}(-\d{2}(-\d{2})?)?$", example = "2016-06")]
    pub period_end: Option<String>,
    /// How far it reached.
    #[serde(default)]
    pub scope: Option<Reach>,
    /// The countries it took place in.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub countries: Vec<CountryShare>,
    /// Whether those who took part must not be recognised. Then partners, people, place, project,
    /// owner and source are shown to nobody outside.
    #[serde(default)]
    pub anonymised: bool,
}

/// What is written once per language.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Texts {
    /// The title.
    #[serde(default)]
    #[schema(pattern = r"^\S([^\r\n\t]*\S)?$", max_length = 300, example = "Mahalle bostanında ortak bakım")]
    pub title: Option<String>,
    /// What it is about, in brief.
    #[serde(default)]
    #[schema(max_length = 5000)]
    pub summary: Option<String>,
    /// The situation in which it was tried.
    #[serde(default)]
    #[schema(max_length = 20_000)]
    pub context: Option<String>,
    /// What was done.
    #[serde(default)]
    #[schema(max_length = 20_000)]
    pub what_was_done: Option<String>,
    /// What happened.
    #[serde(default)]
    #[schema(max_length = 20_000)]
    pub what_happened: Option<String>,
    /// Why it went that way.
    #[serde(default)]
    #[schema(max_length = 20_000)]
    pub why: Option<String>,
    /// What others would have to consider.
    #[serde(default)]
    #[schema(max_length = 20_000)]
    pub transferability: Option<String>,
    /// What supports this account.
    #[serde(default)]
    #[schema(max_length = 20_000)]
    pub evidence: Option<String>,
    /// Where it took place.
    #[serde(default)]
    #[schema(pattern = r"^\S([^\r\n\t]*\S)?$", max_length = 200)]
    pub place: Option<String>,
}

impl Kind for Practice {
    const KIND: vocabulary::Kind = vocabulary::Kind::Practice;
    const NAME: &'static str = "Practice";
    const COLLECTION: &'static str = "practices";
    const BODY: Option<&'static str> = None;
    const DESCENDING: bool = true;
    const ORDER: &'static str = "the latest begun first";
    const REQUIRED: &'static [&'static str] = &["outcome"];
    const REQUIRED_TEXTS: &'static [&'static str] = &["title", "summary", "what_was_done", "what_happened"];
    const FIELDS: &'static [Field] = &[
        Field::new("outcome", Holds::Words(words::<Outcome>), "What came of it."),
        Field::new("period_start", Holds::PartialDate, "When it began.").sorts(),
        Field::new("period_end", Holds::PartialDate, "When it ended.").sorts(),
        Field::new("year", Holds::Year, "The year in which it began.").of(&["period_start"]),
        Field::new("scope", Holds::Words(words::<Reach>), "How far it reached."),
        Field::new("country", COUNTRY, "A country it took place in.").of(&["countries"]).many(),
        Field::new("anonymised", Holds::Flag, "Whether those who took part must not be recognised."),
    ];
    const CREDITS: &'static [CreditField] = &[
        CreditField {
            name: "partners",
            agents: Agents::Partners,
            roles: PARTNER_ROLES,
            meaning: "The organisations behind it.",
        },
        CreditField {
            name: "people",
            agents: Agents::People,
            roles: TEAM_ROLES,
            meaning: "The people behind it.",
        },
    ];
    const LINKS: &'static [LinkField] = &[
        LinkField {
            name: "project",
            target: vocabulary::Kind::Project,
            many: false,
            acyclic: false,
            meaning: "The project it belongs to.",
        },
        LinkField {
            name: "documented_in",
            target: vocabulary::Kind::Publication,
            many: true,
            acyclic: false,
            meaning: "Publications that tell more.",
        },
    ];

    type Fields = Fields;
    type Texts = Texts;
    type Row = entity::practice::Entity;

    columns!(practice: outcome, period_start, period_end, scope, anonymised; json countries; json?);

    fn title(texts: &Texts) -> Option<&str> {
        texts.title.as_deref()
    }

    fn sort_key(draft: &Draft<Self>) -> String {
        draft.fields.period_start.clone().unwrap_or_default()
    }

    fn check(draft: &Draft<Self>, errors: &mut Vec<FieldError>) {
        let fields = &draft.fields;
        check::partial_date(fields.period_start.as_ref(), "/period_start", errors);
        check::partial_date(fields.period_end.as_ref(), "/period_end", errors);
        // An end that is only a year or month is not before a day in it.
        let start = fields.period_start.as_deref();
        let end = fields.period_end.as_deref();
        if let (Some(start), Some(end)) = (start, end) {
            let start = start.get(..end.len().min(start.len())).unwrap_or(start);
            check::in_order(Some(&start), Some(&end), "/period_end", errors);
        }
        let countries = fields.countries.iter().map(|share| (share.code.as_str(), share.percentage));
        check::shares(countries, "/countries", errors);
    }

    /// What is told without names stays so.
    fn keep_guarded(present: &Draft<Self>, former: &mut Draft<Self>) {
        former.fields.anonymised = present.fields.anonymised;
    }

    fn withhold(draft: &mut Draft<Self>, caller: &Caller) {
        if caller.is_inside() || !draft.fields.anonymised {
            return;
        }
        draft.credits.clear();
        draft.common.owner = None;
        draft.common.source = None;
        draft.links.retain(|link| link.field != "project");
        for texts in draft.translations.values_mut() {
            texts.place = None;
        }
    }

    fn example() -> Value {
        json!({
            "slug": "mahallede-ortak-bakim",
            "original_locale": "tr",
            "translations": {
                "tr": {
                    "title": "Mahallede ortak bakım nöbeti",
                    "summary": "Bir mahallede kadınlar çocuk bakımını sırayla üstlenmeyi denedi; ilk yıldan sonra sürmedi.",
                    "what_was_done": "On iki aile haftada iki gün dönüşümlü nöbet tuttu.",
                    "what_happened": "Nöbetler yine kadınların üzerinde kaldı; katılım bir yılda yarıya indi.",
                    "why": "Erkeklerin katılımı baştan konuşulmamıştı.",
                    "place": "İstanbul"
                },
                "en": { "title": "Taking turns: shared childcare in a neighbourhood" }
            },
            "topics": ["bakim"],
            "outcome": "failed",
            "period_start": "2014",
            "period_end": "2015-09",
            "scope": "local",
            "countries": [{ "code": "TR", "percentage": null }],
            "anonymised": false,
            "partners": [{ "role": "lead", "name": "SOGEP" }]
        })
    }
}
