//! Events: where people meet, once or again and again.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::{
    auth::Caller,
    clock::optional_instant,
    editorial::{
        Draft, Kind, check,
        kind::{Agents, CreditField, LinkField, columns},
        lists::{COUNTRY, Field, Holds, LANGUAGE, words},
    },
    entity::{
        self,
        vocabulary::{self, AttendanceMode, EventStatus, EventType, LocationPrecision, Role, State},
    },
    http::FieldError,
};

/// The kind.
#[derive(Clone, Debug)]
pub struct Event;

/// What does not depend on language.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Fields {
    /// The form of the event.
    #[serde(default)]
    pub r#type: Option<EventType>,
    /// When it begins.
    #[serde(default, deserialize_with = "optional_instant")]
    #[schema(example = "2027-03-08T15:30:00Z")]
    pub starts_at: Option<DateTime<Utc>>,
    /// When it ends.
    #[serde(default, deserialize_with = "optional_instant")]
    #[schema(example = "2027-03-08T17:30:00Z")]
    pub ends_at: Option<DateTime<Utc>>,
    /// The time zone its times are meant in (IANA name).
    #[serde(default)]
    #[schema(max_length = 60, example = "Europe/Istanbul")]
    pub time_zone: Option<String>,
    /// Whether it takes whole days, in its time zone.
    #[serde(default)]
    pub all_day: bool,
    /// Whether it takes place.
    #[serde(default = "confirmed")]
    pub status: EventStatus,
    /// Counts the changes since it was published, for calendars (RFC 5545 SEQUENCE); kept by the
    /// service, and only ever set by a writer to take it over from elsewhere.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000)]
    pub sequence: i32,
    /// How people attend.
    #[serde(default)]
    pub mode: Option<AttendanceMode>,
    /// Where it is, on the map.
    #[serde(default)]
    pub point: Option<Point>,
    /// The country it is in (ISO 3166-1 alpha-2).
    #[serde(default)]
    #[schema(pattern = "^[A-Z]{2}$", example = "TR")]
    pub country: Option<String>,
    /// Where it is, on the web.
    #[serde(default)]
    #[schema(format = "uri", max_length = 2000)]
    pub online_url: Option<String>,
    /// How precisely the public may learn where it is. What is withheld is null in every answer.
    #[serde(default = "exact")]
    pub location_precision: LocationPrecision,
    /// The languages spoken (BCP 47).
    #[serde(default)]
    #[schema(max_items = 20, max_length = 35, example = json!(["tr"]))]
    pub languages: Vec<String>,
    /// How many people can attend.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 10_000_000)]
    pub capacity: Option<i32>,
    /// Where to register.
    #[serde(default)]
    #[schema(format = "uri", max_length = 2000)]
    pub registration_url: Option<String>,
    /// Until when to register.
    #[serde(default, deserialize_with = "optional_instant")]
    pub registration_deadline: Option<DateTime<Utc>>,
    /// How it comes again.
    #[serde(default)]
    pub recurrence: Option<Recurrence>,
}

fn confirmed() -> EventStatus {
    EventStatus::Confirmed
}

fn exact() -> LocationPrecision {
    LocationPrecision::Exact
}

/// A point on the map (WGS 84).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// Degrees north.
    #[schema(minimum = -90, maximum = 90, example = 41.0351)]
    pub latitude: f64,
    /// Degrees east.
    #[schema(minimum = -180, maximum = 180, example = 28.9784)]
    pub longitude: f64,
}

/// How an event comes again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Recurrence {
    /// The rule (RFC 5545 RRULE, without its name).
    #[schema(max_length = 300, example = "FREQ=WEEKLY;COUNT=6")]
    pub rule: String,
    /// Beginnings that do not take place.
    #[serde(default)]
    #[schema(max_items = 200)]
    pub exceptions: Vec<DateTime<Utc>>,
}

/// What is written once per language.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Texts {
    /// The title.
    #[serde(default)]
    #[schema(pattern = r"^\S([^\r\n\t]*\S)?$", max_length = 300, example = "8 Mart Paneli: Bakım Emeği")]
    pub title: Option<String>,
    /// What it is about, in brief.
    #[serde(default)]
    #[schema(max_length = 5000)]
    pub summary: Option<String>,
    /// The text, in Markdown.
    #[serde(default)]
    #[schema(max_length = 100_000)]
    pub body: Option<String>,
    /// The name of the venue.
    #[serde(default)]
    #[schema(pattern = r"^\S([^\r\n\t]*\S)?$", max_length = 300)]
    pub venue_name: Option<String>,
    /// The address of the venue.
    #[serde(default)]
    #[schema(max_length = 500)]
    pub venue_address: Option<String>,
    /// The city.
    #[serde(default)]
    #[schema(pattern = r"^\S([^\r\n\t]*\S)?$", max_length = 200, example = "İstanbul")]
    pub city: Option<String>,
    /// What people with disabilities will find.
    #[serde(default)]
    #[schema(max_length = 5000)]
    pub accessibility: Option<String>,
}

impl Kind for Event {
    const KIND: vocabulary::Kind = vocabulary::Kind::Event;
    const NAME: &'static str = "Event";
    const COLLECTION: &'static str = "events";
    const DESCENDING: bool = true;
    const ORDER: &'static str = "the latest beginning first";
    const REQUIRED: &'static [&'static str] = &["starts_at", "ends_at", "time_zone"];
    const REQUIRED_TEXTS: &'static [&'static str] = &["title"];
    const FIELDS: &'static [Field] = &[
        Field::new("type", Holds::Words(words::<EventType>), "The form of the event."),
        Field::new("starts_at", Holds::Instant, "When it begins.").sorts(),
        Field::new("ends_at", Holds::Instant, "When it ends.").sorts(),
        Field::new("all_day", Holds::Flag, "Whether it takes whole days."),
        Field::new("status", Holds::Words(words::<EventStatus>), "Whether it takes place."),
        Field::new("mode", Holds::Words(words::<AttendanceMode>), "How people attend."),
        Field::new("country", COUNTRY, "The country it is in, where that is shown."),
        Field::new("language", LANGUAGE, "A language spoken.").of(&["languages"]).many(),
        Field::new("registration_deadline", Holds::Instant, "Until when to register."),
    ];
    const CREDITS: &'static [CreditField] = &[
        CreditField {
            name: "speakers",
            agents: Agents::Any,
            roles: &[Role::Speaker, Role::Moderator, Role::Panellist, Role::Trainer],
            meaning: "Who speaks, in order.",
        },
        CreditField {
            name: "organisers",
            agents: Agents::Any,
            roles: &[Role::Organiser, Role::CoOrganiser, Role::Host, Role::Supporter],
            meaning: "Who is behind it, in order.",
        },
    ];
    const LINKS: &'static [LinkField] = &[LinkField {
        name: "project",
        target: vocabulary::Kind::Project,
        many: false,
        acyclic: false,
        meaning: "The project it belongs to.",
    }];

    type Fields = Fields;
    type Texts = Texts;
    type Row = entity::event::Entity;

    columns!(event: r#type, starts_at, ends_at, time_zone, all_day, status, sequence, mode, country, online_url,
            location_precision, capacity, registration_url, registration_deadline;
        json languages; json? point, recurrence);

    fn title(texts: &Texts) -> Option<&str> {
        texts.title.as_deref()
    }

    fn sort_key(draft: &Draft<Self>) -> String {
        let starts_at = draft.fields.starts_at;
        starts_at.map(|at| at.format("%Y-%m-%dT%H:%M:%S%.3f").to_string()).unwrap_or_default()
    }

    fn check(draft: &Draft<Self>, errors: &mut Vec<FieldError>) {
        let fields = &draft.fields;
        check::in_order(fields.starts_at.as_ref(), fields.ends_at.as_ref(), "/ends_at", errors);
        if fields.time_zone.as_ref().is_some_and(|name| name.parse::<chrono_tz::Tz>().is_err()) {
            let detail = "wanted: the IANA name of a time zone, such as Europe/Istanbul";
            errors.push(FieldError::at("/time_zone", "format", detail));
        }
        check::optional_web_address(fields.online_url.as_ref(), "/online_url", errors);
        check::optional_web_address(fields.registration_url.as_ref(), "/registration_url", errors);
        check::languages(&fields.languages, "/languages", errors);
        if let Some(recurrence) = &fields.recurrence
            && let Err(detail) = check_rule(&recurrence.rule)
        {
            errors.push(FieldError::at("/recurrence/rule", "format", detail));
        }
    }

    /// A place that is withheld now stays so.
    fn keep_guarded(present: &Draft<Self>, former: &mut Draft<Self>) {
        former.fields.location_precision = present.fields.location_precision;
    }

    /// Where an event is stays with those inside, as far as its location precision says.
    fn withhold(draft: &mut Draft<Self>, caller: &Caller) {
        let precision = draft.fields.location_precision;
        if caller.is_inside() || precision == LocationPrecision::Exact {
            return;
        }
        draft.fields.point = None;
        draft.fields.online_url = None;
        let hidden = precision == LocationPrecision::Hidden;
        if hidden {
            draft.fields.country = None;
        }
        for texts in draft.translations.values_mut() {
            texts.venue_name = None;
            texts.venue_address = None;
            if hidden {
                texts.city = None;
            }
        }
    }

    /// Calendars take a changed event only with a higher sequence.
    fn revise(before: &Draft<Self>, state: State, after: &mut Draft<Self>) {
        let changed = before != after;
        if changed && state == State::Published && after.fields.sequence <= before.fields.sequence {
            after.fields.sequence = before.fields.sequence.saturating_add(1);
        }
    }

    fn example() -> Value {
        json!({
            "slug": "bakim-emegi-paneli",
            "original_locale": "tr",
            "translations": {
                "tr": {
                    "title": "8 Mart Paneli: Bakım Emeği",
                    "summary": "Görünmeyen emeği görünür kılmak üzerine bir akşam.",
                    "venue_name": "Kamer Hatun Kültür Evi",
                    "city": "İstanbul",
                    "accessibility": "Girişte rampa ve işaret dili çevirisi vardır."
                },
                "en": { "title": "8 March Panel: Care Work", "city": "Istanbul" }
            },
            "topics": ["bakim", "emek"],
            "type": "panel",
            "starts_at": "2027-03-08T15:30:00Z",
            "ends_at": "2027-03-08T17:30:00Z",
            "time_zone": "Europe/Istanbul",
            "status": "confirmed",
            "mode": "hybrid",
            "country": "TR",
            "location_precision": "exact",
            "languages": ["tr"],
            "capacity": 80,
            "registration_url": "https://sogep.example/kayit/8-mart",
            "speakers": [{ "role": "speaker", "name": "Işıl Öztürk", "person": "isil-ozturk" }],
            "organisers": [{ "role": "organiser", "name": "SOGEP" }]
        })
    }
}

/// Checks the parts of a recurrence rule. Source: RFC 5545, section 3.3.10.
fn check_rule(rule: &str) -> Result<(), String> {
    let mut seen = Vec::new();
    for (number, part) in (1..).zip(rule.split(';')) {
        let (name, value) =
            part.split_once('=').ok_or_else(|| format!("part {number} of the rule is not NAME=VALUE"))?;
        if seen.contains(&name) {
            return Err(format!("{name} is given twice"));
        }
        seen.push(name);
        if !is_rule_part(name, value) {
            return Err(format!("part {number} of the rule is none that a recurrence rule has (RFC 5545)"));
        }
    }
    if !seen.contains(&"FREQ") {
        return Err("FREQ is needed".to_owned());
    }
    if seen.contains(&"COUNT") && seen.contains(&"UNTIL") {
        return Err("COUNT and UNTIL exclude each other".to_owned());
    }
    Ok(())
}

fn is_rule_part(name: &str, value: &str) -> bool {
    let number = |text: &str, least: i32, most: i32| {
        let digits = text.trim_start_matches(['+', '-']);
        !digits.is_empty()
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && text.parse::<i32>().is_ok_and(|number| (least..=most).contains(&number))
    };
    let numbers = |least, most| value.split(',').all(|text| number(text, least, most));
    let either = |most: i32| {
        value.split(',').all(|text| number(text, -most, most) && !text.ends_with("00") && text != "0")
    };
    match name {
        "FREQ" => matches!(value, "DAILY" | "WEEKLY" | "MONTHLY" | "YEARLY"),
        "INTERVAL" | "COUNT" => number(value, 1, 1000),
        "UNTIL" => {
            let date =
                value.get(..8).is_some_and(|date| chrono::NaiveDate::parse_from_str(date, "%Y%m%d").is_ok());
            date && (value.len() == 8
                || chrono::NaiveDateTime::parse_from_str(value, "%Y%m%dT%H%M%SZ").is_ok())
        }
        "BYDAY" => value.split(',').all(|day| {
            let (place, name) = day.split_at_checked(day.len().saturating_sub(2)).unwrap_or_default();
            matches!(name, "MO" | "TU" | "WE" | "TH" | "FR" | "SA" | "SU")
                && (place.is_empty() || number(place, -53, 53))
        }),
        "WKST" => matches!(value, "MO" | "TU" | "WE" | "TH" | "FR" | "SA" | "SU"),
        "BYMONTH" => numbers(1, 12),
        "BYHOUR" => numbers(0, 23),
        "BYMINUTE" | "BYSECOND" => numbers(0, 59),
        "BYMONTHDAY" => either(31),
        "BYYEARDAY" | "BYSETPOS" => either(366),
        "BYWEEKNO" => either(53),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recurrence_rules_are_checked_part_by_part() {
        for good in [
            "FREQ=WEEKLY;COUNT=6",
            "FREQ=MONTHLY;BYDAY=1TH;UNTIL=20271231T000000Z",
            "FREQ=YEARLY;BYMONTH=3;BYMONTHDAY=8",
            "FREQ=MONTHLY;BYDAY=-1FR;INTERVAL=2;WKST=MO",
        ] {
            assert_eq!(check_rule(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "WEEKLY",
            "COUNT=6",
            "FREQ=HOURLY",
            "FREQ=WEEKLY;COUNT=0",
            "FREQ=WEEKLY;COUNT=2;UNTIL=20270101",
            "FREQ=WEEKLY;BYDAY=XX",
            "FREQ=WEEKLY;FREQ=DAILY",
            "FREQ=DAILY;UNTIL=2027",
            "FREQ=DAILY;BYDAY=ÅMO",
            "FREQ=DAILY;X=1",
        ] {
            assert!(check_rule(bad).is_err(), "{bad}");
        }
    }
}
