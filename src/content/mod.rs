//! Content that comes with the program: the profile of the first organisation, and sample entries
//! to try the service with.

pub mod generated;

use sea_orm::entity::prelude::*;
use serde_json::{Map, Value, json};

use crate::{
    app::App,
    auth::Caller,
    editorial::{
        Draft, Kind, finder, history,
        load::Stored,
        store::{self, Before, Write},
        workflow::Stage,
    },
    entity::{
        entry,
        vocabulary::{self, AuditAction, State},
    },
    http::{Error, Result},
    interchange::Collection,
    organisation::Organisation,
};

/// The profile in each language, word for word as it was given.
const PROFILES: [(&str, &str); 2] =
    [("tr", include_str!("seed/organisation.tr.json")), ("en", include_str!("seed/organisation.en.json"))];

/// The sample entries, in the format of `import`, in an order in which most references are known.
/// They are fictional: see `demo/PROVENANCE.md`.
pub const DEMO: [(Collection, &str); 7] = [
    (Collection::Topics, include_str!("demo/topics.ndjson")),
    (Collection::Partners, include_str!("demo/partners.ndjson")),
    (Collection::People, include_str!("demo/people.ndjson")),
    (Collection::Projects, include_str!("demo/projects.ndjson")),
    (Collection::Events, include_str!("demo/events.ndjson")),
    (Collection::Publications, include_str!("demo/publications.ndjson")),
    (Collection::Practices, include_str!("demo/practices.ndjson")),
];

/// The profile as a writer would send it.
#[must_use]
pub fn profile() -> Value {
    let mut profile = json!({ "original_locale": "tr" });
    let mut translations = Map::new();
    for (locale, text) in PROFILES {
        let Ok(Value::Object(mut texts)) = serde_json::from_str(text) else { continue };
        texts.shift_remove("schema");
        texts.shift_remove("lang");
        for neutral in ["slug", "contact"] {
            if let Some(value) = texts.shift_remove(neutral) {
                profile[neutral] = value;
            }
        }
        translations.insert(locale.to_owned(), texts.into());
    }
    profile["translations"] = translations.into();
    profile
}

/// Whether the database holds no entry but the profile.
///
/// # Errors
/// When the database fails.
pub async fn is_empty(app: &App) -> Result<bool> {
    let others = entry::Entity::find().filter(entry::Column::Kind.ne(vocabulary::Kind::Organisation));
    Ok(others.one(app.db.reader()).await?.is_none())
}

/// Stores and publishes the profile, unless there is one. Says whether it did.
///
/// # Errors
/// When the database fails.
pub async fn seed_profile(app: &App) -> Result<bool> {
    let tx = app.db.begin().await?;
    if finder::of_kind(&Caller::SYSTEM, Organisation::KIND).one(&tx).await?.is_some() {
        return Ok(false);
    }
    let profile = profile();
    app.contract.check("NewOrganisation", &profile)?;
    let draft = Draft::<Organisation>::read(&profile)?;
    let missing = draft.missing();
    if !missing.is_empty() {
        return Err(Error::Invalid(missing));
    }
    let write = Write {
        before: Before::Nothing,
        draft,
        stage: Stage::new(State::Published),
        published_at: None,
        delete: false,
        note: None,
    };
    let saved = store::save(&tx, &app.clock, &Caller::SYSTEM, vec![write]).await?;
    let event = |stored: &Stored<Organisation>| {
        Caller::SYSTEM.did(AuditAction::ContentPublished).on("organisation", stored.entry.id).because("seed")
    };
    history::seal(&tx, app.clock.now(), saved.iter().map(event).collect::<Vec<_>>()).await?;
    tx.commit().await?;
    Ok(true)
}
