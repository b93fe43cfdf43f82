//! Logs: one JSON object a line, on standard error.
//!
//! Lines are gathered and written a few times a second, by a thread of their own: one write each would
//! cost a request more than its answer. What is gathered when the process is killed is lost.

use std::{
    io::{self, Write},
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use chrono::{DateTime, SecondsFormat, Utc};
use tracing_subscriber::{EnvFilter, fmt::MakeWriter};
use uuid::Uuid;

use crate::clock::Clock;

/// How long a line waits to be written.
const GATHERED: Duration = Duration::from_millis(50);
/// How many bytes are gathered before whoever adds to them writes them.
const MOST: usize = 256 * 1024;
/// What the lines about answers name as their source; filters know it.
const ANSWERS: &str = "sogep::http::envelope";

/// Lines that are not yet written.
#[derive(Debug, Default)]
struct Lines(Mutex<Vec<u8>>);

static LINES: OnceLock<Lines> = OnceLock::new();

/// An answer, for its line in the log.
#[derive(Clone, Copy, Debug)]
pub struct Answered<'a> {
    /// The request's id.
    pub request_id: &'a str,
    /// Its method.
    pub method: &'static str,
    /// The template of its route.
    pub route: &'a str,
    /// The status of the answer.
    pub status: u16,
    /// The account or key that called.
    pub caller: Option<Uuid>,
    /// How long it took.
    pub took: Duration,
}

/// Begins logging what `filter` lets through; an unusable filter lets through what is `info`.
pub fn begin(filter: &str) {
    // Said once for every connection that resets streams in a flood, which the log would not survive.
    let filter = format!("h2=error,{filter}");
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_bad| EnvFilter::new("info"));
    let lines = LINES.get_or_init(Lines::default);
    let subscriber = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_span_list(false)
        // Said with a macro that panics when nobody reads standard error: a full log disk would stop all.
        .log_internal_errors(false)
        .with_env_filter(filter)
        .with_writer(lines)
        .finish();
    // Only a test has begun before.
    let _ = tracing::subscriber::set_global_default(subscriber);
    // Without the thread, lines are written when there are many, and at the end.
    let _ = std::thread::Builder::new().name("log".to_owned()).spawn(|| {
        loop {
            std::thread::sleep(GATHERED);
            end();
        }
    });
}

/// Writes what is gathered: before the process ends.
pub fn end() {
    if let Some(lines) = LINES.get() {
        write(&mut lines.gathered());
    }
}

/// Says that a request was answered: what `tracing` would say, at a tenth of the cost.
pub fn answered(answer: &Answered<'_>) {
    let Some(lines) = LINES.get() else { return };
    if tracing::enabled!(target: ANSWERS, tracing::Level::INFO) {
        lines.add_with(|gathered| write_answer(gathered, answer, Clock::default().now()));
    }
}

/// The line about `answer`, given `at`. What is in it needs no escaping: it is all ours.
fn write_answer(line: &mut Vec<u8>, answer: &Answered<'_>, at: DateTime<Utc>) {
    let Answered { request_id, method, route, status, caller, took } = *answer;
    let mut number = itoa::Buffer::new();
    let mut uuid = Uuid::encode_buffer();
    let mut add = |parts: &[&str]| parts.iter().for_each(|part| line.extend_from_slice(part.as_bytes()));
    add(&["{\"timestamp\":\"", &at.to_rfc3339_opts(SecondsFormat::Millis, true)]);
    add(&["\",\"level\":\"INFO\",\"message\":\"answered\",\"request_id\":\"", request_id]);
    add(&["\",\"method\":\"", method, "\",\"route\":\"", route, "\",\"status\":", number.format(status)]);
    if let Some(caller) = caller {
        add(&[",\"caller\":\"", caller.hyphenated().encode_lower(&mut uuid), "\""]);
    }
    let microseconds = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    add(&[",\"duration_ms\":", number.format(microseconds / 1000), "."]);
    // Three digits: a thousand more, without its first.
    add(&[&number.format(1000 + microseconds % 1000)[1..], ",\"target\":\"", ANSWERS, "\"}\n"]);
}

impl Lines {
    fn gathered(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add_with(&self, add: impl FnOnce(&mut Vec<u8>)) {
        let mut gathered = self.gathered();
        add(&mut gathered);
        if gathered.len() >= MOST {
            write(&mut gathered);
        }
    }
}

/// Writes what is gathered. A log that cannot be written stops nothing.
fn write(gathered: &mut Vec<u8>) {
    if !gathered.is_empty() {
        let _ = io::stderr().write_all(gathered);
        gathered.clear();
    }
}

impl Write for &Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.add_with(|gathered| gathered.extend_from_slice(line));
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for &'static Lines {
    type Writer = &'static Lines;

    fn make_writer(&'a self) -> Self::Writer {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_about_an_answer_is_an_object() {
        let answer = Answered {
            request_id: "0123",
            method: "GET",
            route: "/v1/topics/{id}",
            status: 200,
            caller: Some(Uuid::from_u128(7)),
            took: Duration::from_micros(12_045),
        };
        let at = DateTime::from_timestamp_millis(1_772_960_400_042).unwrap();
        let mut line = Vec::new();
        write_answer(&mut line, &answer, at);
        assert!(line.ends_with(b"}\n"));
        let read: serde_json::Value = serde_json::from_slice(&line).unwrap();
        let expected = serde_json::json!({
            "timestamp": "2026-03-08T09:00:00.042Z", "level": "INFO", "message": "answered",
            "request_id": "0123", "method": "GET", "route": "/v1/topics/{id}", "status": 200,
            "caller": "00000000-0000-0000-0000-000000000007", "duration_ms": 12.045,
            "target": "sogep::http::envelope",
        });
        assert_eq!(read, expected);
        line.clear();
        write_answer(&mut line, &Answered { caller: None, ..answer }, at);
        assert!(serde_json::from_slice::<serde_json::Value>(&line).unwrap().get("caller").is_none());
    }
}
