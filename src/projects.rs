//! Projects: what is being done, by whom, with what money and result.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::{
    editorial::{
        Draft, Kind, check,
        kind::{Agents, CreditField, LinkField, columns},
        lists::{CODE, COUNTRY, Field, Holds, words},
        values::{CountryShare, Multilingual},
    },
    entity::{
        self,
        vocabulary::{self, IdentifierScheme, Measure, ProjectStatus, Reach, Role, TransactionType},
    },
    http::FieldError,
};

/// The roles of organisations in an activity.
pub const PARTNER_ROLES: &[Role] = &[Role::Funder, Role::Lead, Role::Implementer, Role::Supporter];
/// The roles of people in an activity.
pub const TEAM_ROLES: &[Role] =
    &[Role::Coordinator, Role::Researcher, Role::Adviser, Role::Trainer, Role::TeamMember];

/// The kind.
#[derive(Clone, Debug)]
pub struct Project;

/// What does not depend on language.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Fields {
    /// The project's code in the organisation's books; part of its IATI identifier.
    #[serde(default)]
    #[schema(pattern = r"^[^\s/&|?]+$", max_length = 60, example = "ESB-2013")]
    pub code: Option<String>,
    /// How far it is.
    #[serde(default = "planned")]
    pub status: ProjectStatus,
    /// When it was to begin.
    #[serde(default)]
    pub planned_start: Option<NaiveDate>,
    /// When it was to end.
    #[serde(default)]
    pub planned_end: Option<NaiveDate>,
    /// When it began.
    #[serde(default)]
    pub actual_start: Option<NaiveDate>,
    /// When it ended.
    #[serde(default)]
    pub actual_end: Option<NaiveDate>,
    /// How far it reaches.
    #[serde(default)]
    pub scope: Option<Reach>,
    /// The countries it works in, with their shares.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub countries: Vec<CountryShare>,
    /// The Sustainable Development Goals and targets it serves, such as `5` or `5.2`.
    #[serde(default)]
    #[schema(max_items = 50, pattern = r"^([1-9]|1[0-7])(\.[0-9a-z]{1,2})?$", example = json!(["5.2"]))]
    pub sdg_targets: Vec<String>,
    /// Its sectors, with their shares.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub sectors: Vec<Sector>,
    /// OECD DAC gender equality marker: 0 not targeted, 1 significant, 2 principal objective.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 2)]
    pub gender_marker: Option<i16>,
    /// Its budget, in periods of at most a year.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub budget: Vec<BudgetLine>,
    /// What money came in and went out.
    #[serde(default)]
    #[schema(max_items = 500)]
    pub transactions: Vec<Transaction>,
    /// What it was to achieve, and what it did.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub results: Vec<ProjectResult>,
    /// Its own website.
    #[serde(default)]
    #[schema(format = "uri", max_length = 2000)]
    pub website: Option<String>,
}

fn planned() -> ProjectStatus {
    ProjectStatus::Planned
}

/// A sector and its share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Sector {
    /// The sector vocabulary (IATI `SectorVocabulary`); 1 is the OECD DAC five-digit list.
    #[schema(pattern = "^[0-9]{1,3}$", example = "1")]
    pub vocabulary: String,
    /// The sector's code there.
    #[schema(pattern = "^[0-9A-Za-z.-]{1,20}$", example = "15180")]
    pub code: String,
    /// Percentage of the whole; null when there is only one.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 100)]
    pub percentage: Option<f64>,
}

/// Money planned for a period.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BudgetLine {
    /// The amount, as a decimal number.
    #[schema(pattern = r"^-?[0-9]{1,13}(\.[0-9]{1,2})?$", example = "120000.00")]
    pub amount: String,
    /// ISO 4217 code.
    #[schema(pattern = "^[A-Z]{3}$", example = "EUR")]
    pub currency: String,
    /// First day.
    pub period_start: NaiveDate,
    /// Last day.
    pub period_end: NaiveDate,
    /// The day whose exchange rate counts.
    pub value_date: NaiveDate,
}

/// Money that moved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Transaction {
    /// What it did.
    pub r#type: TransactionType,
    /// When.
    pub date: NaiveDate,
    /// The amount, as a decimal number.
    #[schema(pattern = r"^-?[0-9]{1,13}(\.[0-9]{1,2})?$", example = "60000.00")]
    pub amount: String,
    /// ISO 4217 code.
    #[schema(pattern = "^[A-Z]{3}$", example = "EUR")]
    pub currency: String,
    /// The day whose exchange rate counts.
    pub value_date: NaiveDate,
}

/// A result and how it is measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProjectResult {
    /// What is measured, in several languages.
    #[schema(example = json!({ "tr": "Bütçesini izleyen belediye", "en": "Municipalities monitoring their budget" }))]
    pub indicator: Multilingual,
    /// What the values are counted in.
    pub measure: Measure,
    /// The value before.
    #[serde(default)]
    #[schema(max_length = 300)]
    pub baseline: Option<String>,
    /// The year of the value before.
    #[serde(default)]
    #[schema(minimum = 1900, maximum = 2200)]
    pub baseline_year: Option<i32>,
    /// The value to be reached.
    #[serde(default)]
    #[schema(max_length = 300)]
    pub target: Option<String>,
    /// The value reached.
    #[serde(default)]
    #[schema(max_length = 300)]
    pub actual: Option<String>,
}

/// What is written once per language.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Texts {
    /// The title.
    #[serde(default)]
    #[schema(pattern = r"^\S([^\r\n\t]*\S)?$", max_length = 300, example = "Eşit Bütçe")]
    pub title: Option<String>,
    /// What it is about, in brief.
    #[serde(default)]
    #[schema(max_length = 5000)]
    pub summary: Option<String>,
    /// The text, in Markdown.
    #[serde(default)]
    #[schema(max_length = 100_000)]
    pub body: Option<String>,
    /// What it is to achieve.
    #[serde(default)]
    #[schema(max_items = 50, max_length = 1000)]
    pub objectives: Vec<String>,
    /// Whom it is for.
    #[serde(default)]
    #[schema(max_length = 5000)]
    pub beneficiaries: Option<String>,
}

impl Kind for Project {
    const KIND: vocabulary::Kind = vocabulary::Kind::Project;
    const NAME: &'static str = "Project";
    const COLLECTION: &'static str = "projects";
    const DESCENDING: bool = true;
    const ORDER: &'static str = "the latest begun first";
    const REQUIRED_TEXTS: &'static [&'static str] = &["title", "summary"];
    const FIELDS: &'static [Field] = &[
        Field::new("code", CODE, "Its code in the organisation's books."),
        Field::new("status", Holds::Words(words::<ProjectStatus>), "How far it is."),
        Field::new("start", Holds::Date, "When it began, else was to begin.")
            .of(&["actual_start", "planned_start"])
            .sorts(),
        Field::new("end", Holds::Date, "When it ended, else was to end.")
            .of(&["actual_end", "planned_end"])
            .sorts(),
        Field::new("year", Holds::Year, "The year in which it began, else was to begin.")
            .of(&["actual_start", "planned_start"]),
        Field::new("scope", Holds::Words(words::<Reach>), "How far it reaches."),
        Field::new("country", COUNTRY, "A country it works in.").of(&["countries"]).many(),
        Field::new("sdg_target", CODE, "A Sustainable Development Goal or target it serves.")
            .of(&["sdg_targets"])
            .many(),
        Field::new("sector", CODE, "The code of a sector it works in.").of(&["sectors"]).many(),
        Field::new("gender_marker", Holds::Number { least: 0, most: 2 }, "OECD DAC gender equality marker."),
    ];
    const IDENTIFIERS: &'static [(&'static str, IdentifierScheme)] = &[("iati", IdentifierScheme::Iati)];
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
    const LINKS: &'static [LinkField] = &[LinkField {
        name: "parent",
        target: vocabulary::Kind::Project,
        many: false,
        acyclic: true,
        meaning: "The project it is a part of.",
    }];

    type Fields = Fields;
    type Texts = Texts;
    type Row = entity::project::Entity;

    columns!(project: code, status, planned_start, planned_end, actual_start, actual_end, scope, gender_marker, website;
        json countries, sdg_targets, sectors, budget, transactions, results; json?);

    fn title(texts: &Texts) -> Option<&str> {
        texts.title.as_deref()
    }

    fn sort_key(draft: &Draft<Self>) -> String {
        let start = draft.fields.actual_start.or(draft.fields.planned_start);
        start.map(|date| date.to_string()).unwrap_or_default()
    }

    fn check(draft: &Draft<Self>, errors: &mut Vec<FieldError>) {
        let fields = &draft.fields;
        check::in_order(fields.planned_start.as_ref(), fields.planned_end.as_ref(), "/planned_end", errors);
        check::in_order(fields.actual_start.as_ref(), fields.actual_end.as_ref(), "/actual_end", errors);
        check::optional_web_address(fields.website.as_ref(), "/website", errors);
        check::no_repeats(&fields.sdg_targets, "/sdg_targets", errors);
        let countries = fields.countries.iter().map(|share| (share.code.as_str(), share.percentage));
        check::shares(countries, "/countries", errors);
        let sectors = fields.sectors.iter().map(|sector| (sector.code.as_str(), sector.percentage));
        check::shares(sectors, "/sectors", errors);
        for (index, result) in fields.results.iter().enumerate() {
            check::multilingual(&result.indicator, &format!("/results/{index}/indicator"), errors);
        }
        for (index, line) in fields.budget.iter().enumerate() {
            let pointer = format!("/budget/{index}/period_end");
            check::in_order(Some(&line.period_start), Some(&line.period_end), &pointer, errors);
            // IATI 2.03: a budget covers at most a year.
            if (line.period_end - line.period_start).num_days() > 365 {
                errors.push(FieldError::at(pointer, "out_of_range", "a budget line covers at most a year"));
            }
        }
    }

    fn check_publishable(draft: &Draft<Self>, errors: &mut Vec<FieldError>) {
        let fields = &draft.fields;
        if fields.planned_start.or(fields.actual_start).is_none() {
            errors.push(FieldError::at(
                "/planned_start",
                "required",
                "a published project needs a planned or an actual start",
            ));
        }
        if fields.planned_end.or(fields.actual_end).is_none() {
            errors.push(FieldError::at(
                "/planned_end",
                "required",
                "a published project needs a planned or an actual end",
            ));
        }
    }

    fn example() -> Value {
        json!({
            "slug": "esit-butce",
            "original_locale": "tr",
            "translations": {
                "tr": {
                    "title": "Eşit Bütçe: Belediyelerde Toplumsal Cinsiyete Duyarlı Bütçeleme",
                    "summary": "Beş belediyede bütçenin kadınlar ve erkekler için ne getirdiği birlikte izlendi.",
                    "objectives": ["Beş belediyede bütçe izleme grubu kurmak"],
                    "beneficiaries": "Yerel kadın örgütleri ve belediye meclis üyeleri"
                },
                "en": { "title": "Equal Budget: Gender-Responsive Budgeting in Municipalities" }
            },
            "topics": ["butce", "kent"],
            "code": "ESB-2013",
            "status": "completed",
            "actual_start": "2012-09-01",
            "actual_end": "2014-08-31",
            "scope": "local",
            "countries": [{ "code": "TR", "percentage": 100 }],
            "sdg_targets": ["5.c"],
            "sectors": [{ "vocabulary": "1", "code": "15170", "percentage": null }],
            "gender_marker": 2,
            "budget": [{
                "amount": "48000.00", "currency": "EUR",
                "period_start": "2012-09-01", "period_end": "2013-08-31", "value_date": "2012-09-01"
            }],
            "results": [{
                "indicator": { "tr": "Bütçesini izleyen belediye", "en": "Municipalities monitoring their budget" },
                "measure": "unit", "baseline": "0", "baseline_year": 2012, "target": "5", "actual": "4"
            }],
            "partners": [{ "role": "funder", "name": "Ortak Gelecek Fonu" }],
            "people": [{ "role": "coordinator", "name": "Gülşah Doğan", "person": "gulsah-dogan" }]
        })
    }
}
