//! Values in the form in which they are stored and compared: by code point, on both databases alike.
//!
//! A date that is known only to the year or month is stored with zeros (`2016-03-00`): it stands before
//! the days in it, and within what it is asked for. In a comparison it counts as its first day.

use chrono::{DateTime, Datelike, Days, NaiveDate, SecondsFormat, TimeDelta, Utc};
use serde_json::{Map, Value};

use super::field::{Field, Holds, Place};

/// After every date: no year has five digits here.
const AFTER_ALL: &str = "~";

/// Values that are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Span {
    /// This one.
    Is(String),
    /// From the first to before the second.
    Within(String, String),
}

/// The values that `properties`, an entry's own, hold of `field`, in the form in which they are stored.
#[must_use]
pub fn stored(field: &Field, properties: &Map<String, Value>) -> Vec<String> {
    let Place::Own(names) = field.place else { return Vec::new() };
    let names = if names.is_empty() { &[field.name] } else { names };
    let present = names.iter().filter_map(|name| properties.get(*name)).find(|value| !value.is_null());
    let mut keys: Vec<String> = match present {
        Some(Value::Array(items)) => items.iter().filter_map(|item| stored_one(field.holds, item)).collect(),
        Some(value) => stored_one(field.holds, value).into_iter().collect(),
        None => Vec::new(),
    };
    keys.sort_unstable();
    keys.dedup();
    keys
}

fn stored_one(holds: Holds, value: &Value) -> Option<String> {
    let text = match value {
        Value::Object(object) => object.get("code")?.as_str()?.to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match holds {
        Holds::Number { .. } => text.parse().ok().map(number),
        Holds::PartialDate => Some(padded(&text)),
        Holds::Year => text.get(..4).map(str::to_owned),
        Holds::Instant => DateTime::parse_from_rfc3339(&text).ok().map(|at| instant(at.to_utc())),
        Holds::Words(_) | Holds::Text(_) | Holds::Flag | Holds::Date => Some(text),
        Holds::Entries(_) | Holds::Title => None,
    }
}

fn number(number: u32) -> String {
    format!("{number:010}")
}

/// An instant as it is stored, to the millisecond.
#[must_use]
pub fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// `2016-03` as `2016-03-00`.
fn padded(date: &str) -> String {
    format!("{date}{}", "-00-00".get(date.len().saturating_sub(4)..).unwrap_or_default())
}

/// What `text`, a value that somebody asks for, means; what is wanted when it means nothing.
///
/// # Errors
/// A sentence for whoever sent it.
pub fn asked(holds: Holds, text: &str) -> Result<Span, String> {
    match holds {
        Holds::Words(words) => {
            let words = words();
            if words.iter().any(|word| word == text) {
                return Ok(Span::Is(text.to_owned()));
            }
            Err(format!("must be one of: {}", words.join(", ")))
        }
        Holds::Text(form) if (form.fits)(text) => Ok(Span::Is(text.to_owned())),
        Holds::Text(form) => Err(form.wanted.to_owned()),
        Holds::Flag if matches!(text, "true" | "false") => Ok(Span::Is(text.to_owned())),
        Holds::Flag => Err("must be one of: true, false".to_owned()),
        Holds::Number { least, most } => whole(text, least, most).map(|value| Span::Is(number(value))),
        Holds::Year => year(text).map(|year| Span::Is(format!("{year:04}"))),
        Holds::Date => day(text).map(|day| Span::Is(day.to_string())),
        Holds::PartialDate => {
            days(text)?;
            // Of what a date may hold, only the hyphen stands before `.`.
            Ok(if text.len() == 10 {
                Span::Is(text.to_owned())
            } else {
                Span::Within(format!("{text}-"), format!("{text}."))
            })
        }
        Holds::Instant | Holds::Entries(_) | Holds::Title => Err("this cannot be asked here".to_owned()),
    }
}

/// The key from which on values are wanted, or up to which they are not: of all that is `text`, the
/// first, or else (`after`) what comes next.
///
/// # Errors
/// A sentence for whoever sent it.
pub fn edge(holds: Holds, text: &str, after: bool) -> Result<String, String> {
    match holds {
        Holds::Number { least, most } => {
            whole(text, least, most).map(|value| number(value.saturating_add(u32::from(after))))
        }
        Holds::Year => year(text).map(|year| match year + u32::from(after) {
            10_000 => AFTER_ALL.to_owned(),
            year => format!("{year:04}"),
        }),
        Holds::Date => {
            let day = day(text)?;
            Ok(if after { next(day).map(|day| day.to_string()) } else { Some(day.to_string()) }
                .unwrap_or_else(|| AFTER_ALL.to_owned()))
        }
        Holds::PartialDate => {
            let (first, last) = days(text)?;
            let day = if after { next(last) } else { Some(first) };
            Ok(day.map_or_else(|| AFTER_ALL.to_owned(), first_with))
        }
        _ => asked(holds, text).map(|span| match span {
            Span::Is(key) | Span::Within(key, _) => key,
        }),
    }
}

/// The instant from which on values are wanted, or up to which they are not; `now` is the present one.
///
/// # Errors
/// A sentence for whoever sent it.
pub fn moment(text: &str, after: bool, now: DateTime<Utc>) -> Result<DateTime<Utc>, String> {
    let wanted = "must be an instant such as 2026-03-08T09:00:00Z, a day such as 2026-03-08, or `now`";
    let at = if text == "now" {
        now
    } else if text.len() == 10 {
        let midnight = day(text).ok().and_then(|day| day.and_hms_opt(0, 0, 0));
        midnight.map(|midnight| midnight.and_utc()).ok_or(wanted)?
    } else {
        let at = DateTime::parse_from_rfc3339(text).ok().map(|at| at.to_utc());
        // What is stored has years of four digits.
        at.filter(|at| (0..=9999).contains(&at.year())).ok_or(wanted)?
    };
    let whole = crate::clock::whole_milliseconds(at);
    let rounded =
        if after || whole < at { whole.checked_add_signed(TimeDelta::milliseconds(1)) } else { Some(whole) };
    rounded.ok_or_else(|| wanted.to_owned())
}

/// The first stored key whose first day is `day`.
fn first_with(day: NaiveDate) -> String {
    match (day.month(), day.day()) {
        (1, 1) => format!("{:04}-00-00", day.year()),
        (month, 1) => format!("{:04}-{month:02}-00", day.year()),
        _ => day.to_string(),
    }
}

fn next(day: NaiveDate) -> Option<NaiveDate> {
    day.checked_add_days(Days::new(1)).filter(|day| day.year() <= 9999)
}

fn whole(text: &str, least: u32, most: u32) -> Result<u32, String> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let value = text.parse().ok().filter(|value| digits && (least..=most).contains(value));
    value.ok_or_else(|| format!("must be a whole number from {least} to {most}"))
}

fn year(text: &str) -> Result<u32, String> {
    let digits = text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit());
    let year = text.parse().ok().filter(|_| digits);
    year.ok_or_else(|| "must be a year of four digits such as 2024".to_owned())
}

fn day(text: &str) -> Result<NaiveDate, String> {
    let day = days(text).ok().filter(|_| text.len() == 10).map(|(day, _)| day);
    day.ok_or_else(|| "must be a day such as 2024-03-08".to_owned())
}

/// The first and the last day of a date that may be known only to the year or month.
fn days(text: &str) -> Result<(NaiveDate, NaiveDate), String> {
    let parsed = || {
        let shape = |(index, byte): (usize, u8)| {
            if matches!(index, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() }
        };
        let is_shaped = matches!(text.len(), 4 | 7 | 10) && text.bytes().enumerate().all(shape);
        let year = text.get(..4).filter(|_| is_shaped)?.parse().ok()?;
        let part = |from: usize| text.get(from..from + 2).and_then(|part| part.parse::<u32>().ok());
        let first = NaiveDate::from_ymd_opt(year, part(5).unwrap_or(1), part(8).unwrap_or(1))?;
        let last = match text.len() {
            4 => NaiveDate::from_ymd_opt(year, 12, 31)?,
            7 => first.checked_add_months(chrono::Months::new(1))?.pred_opt()?,
            _ => first,
        };
        Some((first, last))
    };
    parsed().ok_or_else(|| "must be a date: YYYY, YYYY-MM or YYYY-MM-DD".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_known_to_the_year_or_month_counts_as_its_first_day() {
        let from =
            |text, after, stored: &str| padded(stored) >= edge(Holds::PartialDate, text, after).unwrap();
        for (text, after, stored, expected) in [
            ("2020", false, "2020", true),
            ("2020-01-01", false, "2020", true),
            ("2020-01-02", false, "2020", false),
            ("2020-01-02", false, "2020-01", false),
            ("2020-01-02", false, "2020-01-02", true),
            ("2020-02", false, "2020-02", true),
            ("2020-02-01", false, "2020-02", true),
            ("2020-02", false, "2020", false),
            ("2020", true, "2020-12-31", false),
            ("2020", true, "2021", true),
            ("2020-02", true, "2020-02-29", false),
            ("2020-02", true, "2020-03", true),
            ("2020-12-31", true, "2021", true),
            ("9999", true, "9999-12-31", false),
        ] {
            assert_eq!(from(text, after, stored), expected, "{stored} from {text} {after}");
        }
        for wrong in
            ["", "20", "2020-13", "2020-02-30", "2020-2-1", "abcd", "2020-", "+202", "٢٠٢٠", "2020/01"]
        {
            assert!(edge(Holds::PartialDate, wrong, false).is_err(), "{wrong}");
            assert!(asked(Holds::PartialDate, wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_instant_finer_than_a_millisecond_is_between_two() {
        let now = "2026-03-08T09:00:00Z".parse().unwrap();
        let moment = |text, after| instant(moment(text, after, now).unwrap());
        assert_eq!(moment("now", false), "2026-03-08T09:00:00.000Z");
        assert_eq!(moment("now", true), "2026-03-08T09:00:00.001Z");
        assert_eq!(moment("2026-01-01", false), "2026-01-01T00:00:00.000Z");
        assert_eq!(moment("2026-01-01T03:00:00+03:00", false), "2026-01-01T00:00:00.000Z");
        assert_eq!(moment("2026-01-01T00:00:00.0004Z", false), "2026-01-01T00:00:00.001Z");
        assert_eq!(moment("2026-01-01T00:00:00.0004Z", true), "2026-01-01T00:00:00.001Z");
    }
}
