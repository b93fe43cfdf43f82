//! What readers get: an entry in one language, other entries in brief, and nothing that the caller
//! may not learn.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    draft::{Credit, Draft, Identifier, Source},
    kind::{Kind, object},
    load::Stored,
    references::{Compact, References},
    shape::Shape,
};
use crate::{
    auth::Caller,
    entity::vocabulary::{self, Role, State, Visibility},
    http::locale::Language,
};

/// What readers get of an entry of any kind, before its texts.
#[derive(Debug, Serialize, ToSchema)]
pub struct Head {
    /// The entry's id.
    pub id: Uuid,
    /// What the entry is.
    pub kind: vocabulary::Kind,
    /// The last part of its address.
    #[schema(example = "siginmaevi-standartlari-politika-notu")]
    pub slug: String,
    /// How far it is on its way to the public.
    pub state: State,
    /// Who may see it once it is published.
    pub visibility: Visibility,
    /// The language of the texts in this answer.
    #[schema(example = "tr")]
    pub locale: String,
    /// The language the entry was written in.
    #[schema(example = "tr")]
    pub original_locale: String,
}

/// What readers get of an entry of any kind, after its own properties.
#[derive(Debug, Serialize, ToSchema)]
pub struct Tail {
    /// The names the world outside knows it by.
    pub identifiers: Vec<Identifier>,
    /// The partner it belongs to.
    #[schema(required)]
    pub owner: Option<Compact>,
    /// Where it was taken from.
    #[schema(required)]
    pub source: Option<Source>,
    /// When it was first published.
    #[schema(required)]
    pub published_at: Option<DateTime<Utc>>,
    /// When anything visible in it last changed.
    pub updated_at: DateTime<Utc>,
}

/// The part somebody had in an entry. Who does not wish to be shown, or may not be, is only the
/// name as printed.
#[derive(Debug, Serialize, ToSchema)]
pub struct CreditView {
    /// The part.
    pub role: Role,
    /// The name: as printed, else as the person or partner is called.
    #[schema(example = "Işıl Öztürk")]
    pub name: String,
    /// The person, if there is one to see.
    #[schema(required)]
    pub person: Option<Compact>,
    /// The partner, if there is one to see.
    #[schema(required)]
    pub partner: Option<Compact>,
}

/// How an entry is shown.
#[derive(Clone, Debug)]
pub struct View<'a> {
    /// In which language.
    pub language: &'a Language,
    /// To whom.
    pub caller: &'a Caller,
    /// What of it. Of what is not wanted nothing need have been read; it is left out by [`Shape::cut`].
    pub shape: &'a Shape,
}

/// The ids that `entries` refer to.
#[must_use]
pub fn referred_to<K: Kind>(entries: &mut [Stored<K>]) -> HashSet<Uuid> {
    let references = entries.iter_mut().flat_map(|stored| stored.draft.references());
    references.filter_map(|reference| reference.name.parse().ok()).collect()
}

impl View<'_> {
    /// The entry as it is sent.
    #[must_use]
    pub fn render<K: Kind>(&self, mut stored: Stored<K>, references: &References) -> Map<String, Value> {
        K::withhold(&mut stored.draft, self.caller);
        let Stored { entry, draft, .. } = stored;
        let (locale, texts) = self.texts(&draft);
        let head = Head {
            id: entry.id,
            kind: entry.kind,
            slug: entry.slug,
            state: entry.state,
            visibility: entry.visibility,
            locale,
            original_locale: entry.original_locale,
        };
        let mut shown = object(&head);
        let translations = if self.language.all {
            object(&draft.translations).into()
        } else {
            draft.translations.keys().cloned().map(Value::from).collect()
        };
        shown.insert("translations".to_owned(), translations);
        shown.extend(texts);
        shown.extend(object(&draft.fields));
        for field in K::CREDITS {
            let credits = draft.credits.iter().filter(|credit| credit.field == field.name);
            let credits: Vec<Value> =
                credits.filter_map(|credit| self.credit::<K>(credit, references)).collect();
            shown.insert(field.name.to_owned(), credits.into());
        }
        for field in K::LINKS {
            let mut targets =
                draft.targets(field.name).filter_map(|id| references.compact(id, self.language));
            let value = if field.many { targets.collect() } else { targets.next().unwrap_or_default() };
            shown.insert(field.name.to_owned(), value);
        }
        if K::HAS_TOPICS {
            let topics = draft.common.topics.iter().filter_map(|id| references.compact(id, self.language));
            shown.insert("topics".to_owned(), topics.collect());
        }
        shown.insert("identifiers".to_owned(), json!(draft.common.identifiers));
        let owner = draft.common.owner.as_deref().and_then(|id| references.compact(id, self.language));
        shown.insert("owner".to_owned(), owner.into());
        shown.insert("source".to_owned(), json!(draft.common.source));
        shown.insert("published_at".to_owned(), json!(entry.published_at));
        shown.insert("updated_at".to_owned(), json!(entry.updated_at));
        shown
    }

    /// The texts to show and the language they are in. Where one is missing in the language asked
    /// for, the original's stands in, unless the caller does not want that.
    fn texts<K: Kind>(&self, draft: &Draft<K>) -> (String, Map<String, Value>) {
        let original = &draft.common.original_locale;
        let translated = draft.translations.get(&self.language.locale);
        let locale =
            if translated.is_some() || !self.language.fallback { &self.language.locale } else { original };
        let mut texts = object(&translated.cloned().unwrap_or_default());
        if self.language.fallback
            && let Some(original) = draft.original()
        {
            for (name, text) in object(original) {
                if texts.get(&name).is_none_or(is_missing) {
                    texts.insert(name, text);
                }
            }
        }
        if let Some(body) = K::BODY.filter(|_| !self.shape.needs_body()) {
            texts.shift_remove(body);
        }
        (locale.clone(), texts)
    }

    /// A credit; none when it would name somebody the caller may not know of.
    ///
    /// Of a person who is not to be seen, only a publication keeps the name: it is printed on it.
    fn credit<K: Kind>(&self, credit: &Credit, references: &References) -> Option<Value> {
        let compact =
            |id: &Option<String>| id.as_deref().and_then(|id| references.compact(id, self.language));
        let (person, partner) = (compact(&credit.person), compact(&credit.partner));
        if credit.person.is_some() && person.is_none() && K::KIND != vocabulary::Kind::Publication {
            return None;
        }
        let known = person.as_ref().or(partner.as_ref());
        let name = credit.name.as_deref().or_else(|| known?.get("name")?.as_str())?;
        Some(json!({ "role": credit.role, "name": name, "person": person, "partner": partner }))
    }
}

fn is_missing(text: &Value) -> bool {
    match text {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}
