//! The lines of each collection, in the format of `import`.

use std::array;

use serde_json::{Map, Value, json};

use super::{
    Generated,
    dice::{Dice, Ranks},
    turkish::{Writer, capitalised},
    words::{FAMILY, GIVEN, MATTERS, PLACES, SUBJECTS, WORKS},
};
use crate::{editorial::slug, interchange::Collection};

/// How many topics stand under each of the top ones.
const NARROWER: u64 = 4;
/// The years in which publications appeared.
const YEARS: (u64, u64) = (1990, 2024);

/// Makes lines.
#[derive(Debug)]
pub struct Maker {
    wanted: Generated,
    writer: Writer,
    topics: Ranks,
    people: Ranks,
    works: Ranks,
}

impl Maker {
    pub fn new(wanted: Generated) -> Self {
        Self {
            wanted,
            writer: Writer::new(),
            topics: Ranks::new(wanted.count(Collection::Topics), 0),
            people: Ranks::new(wanted.count(Collection::People), 20),
            works: Ranks::new(WORKS.len() as u64, 1),
        }
    }

    /// Line `number` of `collection`, from 0.
    pub fn line(&self, collection: Collection, number: u64) -> Value {
        let dice = &mut Dice::new(self.wanted.seed, collection as u64, number);
        match collection {
            Collection::Topics => topic(number),
            Collection::Partners => self.partner(dice, number),
            Collection::People => person(dice, number),
            Collection::Projects => self.project(dice, number),
            Collection::Events => self.event(dice, number),
            _ => self.publication(dice, number),
        }
    }

    fn publication(&self, dice: &mut Dice, number: u64) -> Value {
        let subject = self.writer.phrase(dice);
        let (kind, word) = pick(&WORKS, dice.ranked(&self.works));
        let place = dice.one(&PLACES);
        let title = match dice.below(3) {
            0 => format!("{} üzerine {word}: {place}", capitalised(&subject)),
            1 => format!("{} ve {}", capitalised(&subject), self.writer.phrase(dice)),
            _ => format!("{place}: {subject}, {word}"),
        };
        let issued = issued(dice);
        let year: u64 = issued.get(..4).and_then(|year| year.parse().ok()).unwrap_or(YEARS.0);
        let mut texts = Map::new();
        let summary = self.writer.summary(dice);
        texts.insert("tr".to_owned(), json!({ "title": title, "summary": summary }));
        if dice.percent(10) {
            let english = format!("Publication {number}: {word}");
            let summary = format!("In Turkish, with tables in English. {summary}");
            texts.insert("en".to_owned(), json!({ "title": english, "summary": summary }));
        }
        let authors: Vec<Value> = dice.some(&self.people, 2).into_iter().map(credit).collect();
        let mut line = json!({
            "slug": numbered(&title, number),
            "state": state(dice),
            "published_at": instant(dice, year, 12),
            "translations": texts,
            "topics": topics(&dice.some(&self.topics, 3)),
            "type": kind,
            "issued": issued,
            "languages": dice.one(&[["tr"].as_slice(), &["tr"], &["tr"], &["tr", "en"], &["ku", "tr"], &["en"]]),
            "access": dice.one(&["open", "open", "open", "restricted"]),
            "scope": dice.one(&["local", "national", "regional"]),
            "authors": authors,
        });
        if dice.percent(40) {
            let doi = format!("10.5555/{}.{number}", self.wanted.seed);
            line["identifiers"] = json!([{ "scheme": "doi", "value": doi }]);
        }
        if dice.percent(10) {
            line["project"] = json!(project_slug(dice.below(self.wanted.count(Collection::Projects))));
        }
        line
    }

    fn project(&self, dice: &mut Dice, number: u64) -> Value {
        let year = YEARS.0 + dice.below(YEARS.1 - YEARS.0);
        let title = format!("{} için ortak çalışma", capitalised(&self.writer.phrase(dice)));
        let start = format!("{year}-{:02}-01", 1 + dice.below(12));
        json!({
            "slug": project_slug(number),
            "state": state(dice),
            "published_at": instant(dice, year, 12),
            "translations": { "tr": { "title": title, "summary": self.writer.summary(dice) } },
            "topics": topics(&dice.some(&self.topics, 2)),
            "status": dice.one(&["planned", "active", "completed"]),
            "planned_start": start,
            "planned_end": format!("{}-06-30", year + 2),
            "partners": [{ "role": "implementer", "partner": partner_slug(dice.below(self.wanted.count(Collection::Partners))) }],
        })
    }

    fn event(&self, dice: &mut Dice, number: u64) -> Value {
        let year = YEARS.0 + dice.below(YEARS.1 - YEARS.0);
        let day = format!("{year}-{:02}-{:02}", 1 + dice.below(12), 1 + dice.below(28));
        let title = format!("{} buluşması", capitalised(&self.writer.phrase(dice)));
        json!({
            "slug": numbered(&title, number),
            "state": state(dice),
            "published_at": instant(dice, year, 12),
            "translations": { "tr": { "title": title, "summary": self.writer.sentence(dice), "city": dice.one(&PLACES) } },
            "topics": topics(&dice.some(&self.topics, 2)),
            "type": dice.one(&["conference", "panel", "workshop", "seminar", "training"]),
            "starts_at": format!("{day}T08:00:00Z"),
            "ends_at": format!("{day}T15:00:00Z"),
            "time_zone": "Europe/Istanbul",
            "status": "confirmed",
        })
    }

    fn partner(&self, dice: &mut Dice, number: u64) -> Value {
        let name = format!("{} {} Derneği", dice.one(&PLACES), capitalised(&self.writer.phrase(dice)));
        json!({
            "slug": partner_slug(number),
            "state": "published",
            "translations": { "tr": { "name": format!("{name} {}", number + 1), "description": self.writer.sentence(dice) } },
            "type": dice.one(&["ngo", "womens_organisation", "university", "municipality"]),
            "country": "TR",
        })
    }
}

/// The topics are the same for every seed: twelve, and four under each.
fn topic(number: u64) -> Value {
    let (subject, matter) = (number % SUBJECTS.len() as u64, number / SUBJECTS.len() as u64);
    let mut line = json!({
        "slug": topic_slug(number),
        "state": "published",
        "position": number,
        "translations": { "tr": { "label": capitalised(&topic_label(number)) } },
    });
    if matter > 0 && matter <= NARROWER {
        line["broader"] = json!(topic_slug(subject));
    }
    line
}

fn topic_label(number: u64) -> String {
    let (subject, matter) = (number % SUBJECTS.len() as u64, number / SUBJECTS.len() as u64);
    let subject = pick(&SUBJECTS, subject);
    match matter.checked_sub(1) {
        None => format!("{subject} çalışmaları"),
        Some(matter) => format!("{subject} {}", pick(&MATTERS, matter)),
    }
}

fn topic_slug(number: u64) -> String {
    slug::from_title(&topic_label(number))
}

fn topics(numbers: &[u64]) -> Vec<String> {
    numbers.iter().copied().map(topic_slug).collect()
}

/// Every person has consented to their name.
fn person(dice: &mut Dice, number: u64) -> Value {
    let (given, family) = name(number);
    let display = format!("{given} {family}");
    json!({
        "slug": slug::from_title(&display),
        "state": "published",
        "published_at": instant(dice, 2_020, 12),
        "translations": {},
        "name": { "given": given, "family": family, "display": display },
        "roles": [dice.one(&["researcher", "academic", "activist", "volunteer"])],
        "consent": { "given_by": display, "text_version": "1", "scope": ["name", "role"], "given_at": "2020-01-01T00:00:00Z" },
    })
}

/// Neighbours differ in both names.
fn name(number: u64) -> (&'static str, &'static str) {
    let given = number % GIVEN.len() as u64;
    (pick(&GIVEN, given), pick(&FAMILY, (number / GIVEN.len() as u64 + given) % FAMILY.len() as u64))
}

fn credit(number: u64) -> Value {
    let (given, family) = name(number);
    let display = format!("{given} {family}");
    json!({ "person": slug::from_title(&display), "name": display })
}

fn project_slug(number: u64) -> String {
    format!("proje-{}", number + 1)
}

fn partner_slug(number: u64) -> String {
    format!("ortak-{}", number + 1)
}

/// A slug of its own: the title, and the number.
fn numbered(title: &str, number: u64) -> String {
    format!("{}-{}", slug::from_title(title), number + 1)
}

fn state(dice: &mut Dice) -> &'static str {
    if dice.percent(92) { "published" } else { "draft" }
}

/// When it appeared: a year, a month or a day.
fn issued(dice: &mut Dice) -> String {
    let [year, month, day] = array::from_fn(|part| match part {
        0 => YEARS.0 + dice.below(YEARS.1 - YEARS.0 + 1),
        1 => 1 + dice.below(12),
        _ => 1 + dice.below(28),
    });
    match dice.below(10) {
        0 => format!("{year}"),
        1..=3 => format!("{year}-{month:02}"),
        _ => format!("{year}-{month:02}-{day:02}"),
    }
}

/// An instant of `year`, in one of its first `months`.
fn instant(dice: &mut Dice, year: u64, months: u64) -> String {
    let (month, day) = (1 + dice.below(months), 1 + dice.below(28));
    let (hour, minute, second) = (dice.below(24), dice.below(60), dice.below(60));
    format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

fn pick<T: Copy + Default>(all: &[T], index: u64) -> T {
    usize::try_from(index).ok().and_then(|index| all.get(index)).copied().unwrap_or_default()
}
