//! A bulk request as it comes in: how it is to be done, and its operations, each still as it was
//! written, so that no more than a batch of them is in memory as JSON values.

use std::fmt;

use serde::{
    Deserializer,
    de::{Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Value, value::RawValue};

use crate::{
    app::App,
    editorial::Kind,
    http::{
        BulkBody, Code, Error, FieldError, Result,
        query::{Parameters, Values},
    },
    interchange::csv::Table,
};

/// How many operations a request may have.
pub const MAX_OPERATIONS: usize = 10_000;

/// What happens when an operation cannot be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Nothing is done.
    Atomic,
    /// The others are done.
    PerItem,
}

/// The words of the modes; the first is meant when nothing is said.
const MODES: [(&str, Mode); 2] = [("atomic", Mode::Atomic), ("per_item", Mode::PerItem)];

/// The query parameters: for tables and lines, which have no other place to say it.
#[derive(Debug)]
pub struct BulkParameters {
    mode: Option<Mode>,
    dry_run: Option<bool>,
}

impl Parameters for BulkParameters {
    const NAMES: &'static [&'static str] = &["mode", "dry_run"];

    fn read(values: &mut Values<'_>) -> Self {
        let mode = values.get("mode").is_some().then(|| values.one_of("mode", &MODES)).flatten();
        let words = [("false", false), ("true", true)];
        let dry_run = values.get("dry_run").is_some().then(|| values.one_of("dry_run", &words)).flatten();
        Self { mode, dry_run }
    }
}

/// The operations of a request.
#[derive(Debug)]
pub enum Items<'a> {
    /// Operations of all kinds, in JSON.
    Operations(Vec<&'a str>),
    /// Entries to be upserted, one a line, with the number of the line.
    Lines(Vec<(usize, &'a str)>),
    /// Entries to be upserted, one a row.
    Table(Table),
}

/// A bulk request.
#[derive(Debug)]
pub struct Request<'a> {
    /// What happens when an operation cannot be done.
    pub mode: Mode,
    /// Whether all is to be as it was.
    pub dry_run: bool,
    /// The operations.
    pub items: Items<'a>,
}

impl<'a> Request<'a> {
    /// Reads a request.
    ///
    /// # Errors
    /// 400 when it cannot be read, 422 when it is not what is documented.
    pub fn read<K: Kind>(app: &App, parameters: &BulkParameters, body: &'a BulkBody) -> Result<Self> {
        let malformed = |detail: String| Error::Problem(Code::MalformedBody, detail);
        let items = match body.media_type {
            "application/json" => return read_json(parameters, body),
            "text/csv" => {
                let table = Table::read::<K>(app, &body.bytes, body.charset.as_deref(), MAX_OPERATIONS)?;
                Items::Table(table)
            }
            _ => {
                let text = std::str::from_utf8(&body.bytes).map_err(|error| malformed(error.to_string()))?;
                let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
                let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
                Items::Lines(lines.take(MAX_OPERATIONS + 1).collect())
            }
        };
        let request = Self {
            mode: parameters.mode.unwrap_or(Mode::Atomic),
            dry_run: parameters.dry_run.unwrap_or(false),
            items,
        };
        request.bounded(Vec::new())
    }

    /// The request, unless it has no operation or too many.
    fn bounded(self, mut errors: Vec<FieldError>) -> Result<Self> {
        match self.len() {
            0 => errors.push(FieldError::at("/operations", "too_few", "there is nothing to do")),
            count if count > MAX_OPERATIONS => {
                let detail = format!("a request may have {MAX_OPERATIONS} operations");
                errors.push(FieldError::at("/operations", "too_many", detail));
            }
            _ => {}
        }
        if errors.is_empty() { Ok(self) } else { Err(Error::Invalid(errors)) }
    }

    /// How many operations there are.
    pub fn len(&self) -> usize {
        match &self.items {
            Items::Operations(texts) => texts.len(),
            Items::Lines(lines) => lines.len(),
            Items::Table(table) => table.count(),
        }
    }

    /// How many bytes operation `index` was sent in.
    pub fn size(&self, index: usize) -> usize {
        match &self.items {
            Items::Operations(texts) => texts.get(index).map_or(0, |text| text.len()),
            Items::Lines(lines) => lines.get(index).map_or(0, |(_, text)| text.len()),
            Items::Table(table) => table.size(index),
        }
    }

    /// Where the operations end that begin with `start` and have no more than `bytes` together, or one more.
    pub fn portion(&self, start: usize, bytes: usize) -> usize {
        let mut total = 0;
        let ends = (start..self.len()).find(|index| {
            total += self.size(*index);
            total >= bytes
        });
        ends.map_or(self.len(), |last| last + 1)
    }

    /// What to say of a mistake in operation `index` so that it is found in what was sent: the line
    /// and the column, where there are such.
    pub fn place(&self, index: usize, pointer: &str) -> String {
        match &self.items {
            Items::Operations(_) => String::new(),
            Items::Lines(lines) => {
                lines.get(index).map(|(line, _)| format!("line {line}: ")).unwrap_or_default()
            }
            Items::Table(table) => {
                let pointer = pointer.strip_prefix("/entry").unwrap_or(pointer);
                let column = table.column(pointer).map(|name| format!(", column `{name}`"));
                format!("line {}{}: ", table.line(index), column.unwrap_or_default())
            }
        }
    }
}

/// Reads a request in JSON.
fn read_json<'a>(parameters: &BulkParameters, body: &'a BulkBody) -> Result<Request<'a>> {
    let given = [("mode", parameters.mode.is_some()), ("dry_run", parameters.dry_run.is_some())];
    let refuse =
        |name: &str| FieldError::parameter(name, "contradiction", "a body in JSON says this in itself");
    let refused: Vec<FieldError> =
        given.iter().filter(|(_, is_given)| *is_given).map(|(name, _)| refuse(name)).collect();
    if !refused.is_empty() {
        return Err(Error::Parameters(refused));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(&body.bytes);
    let envelope =
        deserializer.deserialize_any(Envelope).and_then(|envelope| deserializer.end().map(|()| envelope));
    let envelope = envelope.map_err(|error| Error::Problem(Code::MalformedBody, error.to_string()))?;
    let Some(Sent { mode, dry_run, operations, mut errors }) = envelope else {
        return Err(Error::Invalid(vec![FieldError::at("", "type", "an object is wanted")]));
    };
    let mode = match mode {
        None => Mode::Atomic,
        Some(word) => MODES.iter().find(|(name, _)| word == *name).map_or_else(
            || {
                errors.push(FieldError::at("/mode", "not_in_list", "must be one of: atomic, per_item"));
                Mode::Atomic
            },
            |(_, mode)| *mode,
        ),
    };
    let dry_run = match dry_run {
        None => false,
        Some(Value::Bool(dry_run)) => dry_run,
        Some(_) => {
            errors.push(FieldError::at("/dry_run", "type", "true or false is wanted"));
            true
        }
    };
    let Some(operations) = operations else {
        errors.push(FieldError::at("/operations", "required", "a list of operations is needed"));
        return Err(Error::Invalid(errors));
    };
    Request { mode, dry_run, items: Items::Operations(operations) }.bounded(errors)
}

/// What the object of a request holds.
#[derive(Debug, Default)]
struct Sent<'a> {
    mode: Option<Value>,
    dry_run: Option<Value>,
    operations: Option<Vec<&'a str>>,
    errors: Vec<FieldError>,
}

/// Reads the object of a request; nothing when it is no object.
struct Envelope;

impl<'de> Visitor<'de> for Envelope {
    type Value = Option<Sent<'de>>;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut sent = Sent::default();
        let mut seen = Vec::new();
        while let Some(name) = entries.next_key::<String>()? {
            if seen.contains(&name) {
                return Err(A::Error::custom("a name is given twice"));
            }
            match name.as_str() {
                "mode" => sent.mode = Some(short(entries.next_value::<&RawValue>()?)),
                "dry_run" => sent.dry_run = Some(short(entries.next_value::<&RawValue>()?)),
                "operations" => {
                    let list = entries.next_value::<&RawValue>()?.get();
                    if list.starts_with('[') {
                        let read = serde_json::Deserializer::from_str(list).deserialize_seq(List);
                        sent.operations = Some(read.map_err(A::Error::custom)?);
                    }
                }
                _ => {
                    entries.next_value::<IgnoredAny>()?;
                    if sent.errors.len() >= crate::http::json::MAX_ERRORS {
                        return Err(A::Error::custom("too many unknown names"));
                    }
                    let pointer = format!("/{}", crate::http::json::escaped(&name));
                    sent.errors.push(FieldError::at(pointer, "unknown_field", "this is not a known field"));
                }
            }
            seen.push(name);
        }
        Ok(Some(sent))
    }
}

/// A value that is a word or a truth; null when it is anything else.
fn short(raw: &RawValue) -> Value {
    let text = raw.get();
    if text.len() > 100 { Value::Null } else { serde_json::from_str(text).unwrap_or_default() }
}

/// Reads the list of operations, and no more of it than may be there.
struct List;

impl<'de> Visitor<'de> for List {
    type Value = Vec<&'de str>;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("a list of operations")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut texts = Vec::new();
        while texts.len() <= MAX_OPERATIONS {
            let Some(raw) = items.next_element::<&RawValue>()? else { return Ok(texts) };
            texts.push(raw.get());
        }
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(texts)
    }
}
