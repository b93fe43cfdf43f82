//! Entries with all that they need to be published.

use serde_json::{Value, json};

/// A publication with all that it needs to be published.
pub fn publication(title: &str) -> Value {
    json!({
        "type": "research_report", "issued": "2024", "languages": ["tr"],
        "translations": { "tr": { "title": title, "summary": "Kısa bir özet." } },
    })
}

/// A project with all that it needs to be published.
pub fn project(title: &str) -> Value {
    json!({
        "actual_start": "2024-01-01", "actual_end": "2025-06-30",
        "translations": { "tr": { "title": title, "summary": "Kısa bir özet." } },
    })
}

/// An event with all that it needs to be published.
pub fn event(title: &str) -> Value {
    json!({
        "starts_at": "2026-05-01T15:00:00Z", "ends_at": "2026-05-01T17:00:00Z", "time_zone": "Europe/Istanbul",
        "translations": { "tr": { "title": title } },
    })
}

/// A practice with all that it needs to be published.
pub fn practice(title: &str) -> Value {
    let texts = json!({
        "title": title, "summary": "Kısa bir özet.", "what_was_done": "Denendi.", "what_happened": "Olmadı.",
    });
    json!({ "outcome": "failed", "translations": { "tr": texts } })
}

/// A topic with all that it needs to be published.
pub fn topic(label: &str) -> Value {
    json!({ "translations": { "tr": { "label": label } } })
}

/// A partner with all that it needs to be published.
pub fn partner(name: &str) -> Value {
    json!({ "translations": { "tr": { "name": name } } })
}

/// A person who has agreed to be shown as far as `scope` says.
pub fn person(name: &str, scope: &[&str]) -> Value {
    json!({
        "name": { "display": name },
        "consent": {
            "given_by": name, "text_version": "2026-01", "scope": scope, "given_at": "2026-01-15T09:00:00Z",
        },
        "translations": {},
    })
}
