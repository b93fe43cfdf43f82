//! What a writer says of an entry: the shape of `POST`, of a patched entry, of a revision's
//! snapshot and of a line of an export. They differ only in how they name other entries.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize, Serializer, ser::SerializeMap};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{
    check,
    kind::{Agents, CreditField, Kind, object},
};
use crate::{
    app::App,
    clock::optional_instant,
    entity::vocabulary::{IdentifierScheme, Role, Visibility},
    http::{Error, FieldError, Result, contract::read_part},
};

/// An entry as a writer sends it.
#[derive(Clone, Debug)]
pub struct Draft<K: Kind> {
    /// What all kinds share.
    pub common: Common,
    /// The texts, by language tag.
    pub translations: BTreeMap<String, K::Texts>,
    /// Who had a part in it, in the order of the kind's credit fields.
    pub credits: Vec<Credit>,
    /// What it points to, in the order of the kind's link fields.
    pub links: Vec<Link>,
    /// The kind's own fields.
    pub fields: K::Fields,
}

impl<K: Kind> PartialEq for Draft<K> {
    fn eq(&self, other: &Self) -> bool {
        self.common == other.common
            && self.translations == other.translations
            && self.credits == other.credits
            && self.links == other.links
            && self.fields == other.fields
    }
}

/// What a writer says of an entry of any kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Common {
    /// The last part of the entry's address. Left out, it is made from the title.
    #[serde(default)]
    #[schema(pattern = "^[a-z0-9]+(-[a-z0-9]+)*$", max_length = 96)]
    pub slug: Option<String>,
    /// Who may see the entry once it is published.
    #[serde(default = "everybody")]
    pub visibility: Visibility,
    /// The language the entry was written in. Left out, it is the service's default.
    #[serde(default)]
    #[schema(pattern = "^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length = 35, example = "tr")]
    pub original_locale: String,
    /// The partner the entry belongs to, by id or slug.
    #[serde(default)]
    #[schema(max_length = 96)]
    pub owner: Option<String>,
    /// Where the entry was taken from.
    #[serde(default)]
    pub source: Option<Source>,
    /// The topics the entry is about, by id or slug, the most important first.
    #[serde(default)]
    #[schema(max_items = 50, max_length = 96)]
    pub topics: Vec<String>,
    /// The names the world outside knows the entry by.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub identifiers: Vec<Identifier>,
}

fn everybody() -> Visibility {
    Visibility::Public
}

/// Where an entry was taken from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// The collection it was taken from.
    #[schema(pattern = r"^\S([^\r\n\t]*\S)?$", max_length = 200, example = "ornek-arsiv")]
    pub name: String,
    /// Its id there; unique within the collection and the kind.
    #[schema(pattern = r"^\S([^\r\n\t]*\S)?$", max_length = 500, example = "oai:ornek.example:42")]
    pub id: String,
    /// Its address there.
    #[serde(default)]
    #[schema(format = "uri", max_length = 2000)]
    pub url: Option<String>,
    /// When it was last changed there.
    #[serde(default, deserialize_with = "optional_instant")]
    pub datestamp: Option<DateTime<Utc>>,
    /// When it was taken over.
    #[serde(default, deserialize_with = "optional_instant")]
    pub harvested_at: Option<DateTime<Utc>>,
    /// Whether it has been changed since it was taken over.
    #[serde(default)]
    pub altered: bool,
}

/// A name the world outside knows an entry by.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Identifier {
    /// The system it belongs to.
    pub scheme: IdentifierScheme,
    /// The identifier in its normal form: without a resolver's address, DOI in lower case.
    #[schema(pattern = r"^\S([^\r\n\t]*\S)?$", max_length = 500, example = "10.5555/sogep.2016.12")]
    pub value: String,
}

/// The part somebody had in an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credit {
    /// The property it stands in.
    pub field: &'static str,
    /// The part.
    pub role: Role,
    /// The name as printed.
    pub name: Option<String>,
    /// The person, by id or slug.
    pub person: Option<String>,
    /// The partner, by id or slug.
    pub partner: Option<String>,
}

/// A credit as a writer sends it. At least one of `name`, `person` and `partner` is needed, and not
/// both of the last two.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCredit {
    /// The part they had; may be left out where there is only one to have.
    #[serde(default)]
    pub role: Option<Role>,
    /// The name as printed. It is what stays when the person does not wish to be shown.
    #[serde(default)]
    #[schema(pattern = r"^\S([^\r\n\t]*\S)?$", max_length = 300, example = "Işıl Öztürk")]
    pub name: Option<String>,
    /// The person, by id or slug.
    #[serde(default)]
    #[schema(max_length = 96, example = "isil-ozturk")]
    pub person: Option<String>,
    /// The partner, by id or slug.
    #[serde(default)]
    #[schema(max_length = 96)]
    pub partner: Option<String>,
}

/// A pointer to another entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The property it stands in.
    pub field: &'static str,
    /// The entry, by id or slug.
    pub target: String,
}

impl<K: Kind> Draft<K> {
    /// Reads a document that the schema `New…` has accepted.
    ///
    /// # Errors
    /// [`crate::http::Error::Invalid`] where a type is narrower than its schema could say.
    pub fn read(value: &Value) -> Result<Self> {
        // Nothing is copied but what is kept: a body is long, and many are read.
        let part = |name: &str| value.get(name).unwrap_or(&Value::Null);
        let mut credits = Vec::new();
        for field in K::CREDITS {
            let given: Option<Vec<NewCredit>> = read_part(part(field.name))?;
            credits.extend(given.unwrap_or_default().into_iter().map(|credit| credited(field, credit)));
        }
        let mut links = Vec::new();
        for field in K::LINKS {
            let targets = match part(field.name) {
                Value::String(target) => vec![target.clone()],
                other => read_part::<Option<Vec<String>>>(other)?.unwrap_or_default(),
            };
            links.extend(targets.into_iter().map(|target| Link { field: field.name, target }));
        }
        let translations: Option<BTreeMap<String, K::Texts>> = read_part(part("translations"))?;
        Ok(Self {
            common: read_part(value)?,
            translations: translations.unwrap_or_default(),
            credits,
            links,
            fields: read_part(value)?,
        })
    }

    /// The document that [`Draft::read`] reads.
    #[must_use]
    pub fn to_value(&self) -> Value {
        object(self).into()
    }

    /// What the link field `name` points to.
    pub fn targets(&self, name: &str) -> impl Iterator<Item = &str> {
        self.links.iter().filter(move |link| link.field == name).map(|link| link.target.as_str())
    }

    /// The texts in the language the entry was written in.
    #[must_use]
    pub fn original(&self) -> Option<&K::Texts> {
        self.translations.get(&self.common.original_locale)
    }

    /// The entry's name in the language it was written in.
    #[must_use]
    pub fn heading(&self) -> Option<String> {
        K::heading(&self.fields, self.original())
    }

    /// What the entry lacks to be published.
    #[must_use]
    pub fn missing(&self) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let mut require = |value: Option<&Value>, pointer: String| {
            let absent = match value {
                None | Some(Value::Null) => true,
                Some(Value::String(text)) => text.is_empty(),
                Some(Value::Array(items)) => items.is_empty(),
                Some(_) => false,
            };
            if absent {
                errors.push(FieldError::at(pointer, "required", "a published entry needs this"));
            }
        };
        let document: Map<String, Value> = object(&self.fields);
        for name in K::REQUIRED {
            require(document.get(*name), format!("/{name}"));
        }
        let texts = self.original().map(object).unwrap_or_default();
        for name in K::REQUIRED_TEXTS {
            require(texts.get(*name), format!("/translations/{}/{name}", self.common.original_locale));
        }
        K::check_publishable(self, &mut errors);
        errors
    }
}

fn credited(field: &CreditField, credit: NewCredit) -> Credit {
    // Which role is meant when none is said has been checked: there is only one.
    let only = field.roles.first().copied().unwrap_or(Role::Contributor);
    Credit {
        field: field.name,
        role: credit.role.unwrap_or(only),
        name: credit.name,
        person: credit.person,
        partner: credit.partner,
    }
}

/// The document that [`Draft::read`] reads. It is written as it is, for that is done with every version,
/// and texts are long.
impl<K: Kind> Serialize for Draft<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let document = Document::<K> {
            common: if K::HAS_TOPICS {
                Shared::All(&self.common)
            } else {
                let mut common = object(&self.common);
                common.shift_remove("topics");
                Shared::WithoutTopics(common)
            },
            translations: &self.translations,
            fields: &self.fields,
            others: Others(self),
        };
        document.serialize(serializer)
    }
}

#[derive(Serialize)]
#[serde(bound = "")]
struct Document<'a, K: Kind> {
    #[serde(flatten)]
    common: Shared<'a>,
    translations: &'a BTreeMap<String, K::Texts>,
    #[serde(flatten)]
    fields: &'a K::Fields,
    #[serde(flatten)]
    others: Others<'a, K>,
}

/// What all kinds share, as far as this one does.
#[derive(Serialize)]
#[serde(untagged)]
enum Shared<'a> {
    All(&'a Common),
    WithoutTopics(Map<String, Value>),
}

/// The credits and links, each in its property.
struct Others<'a, K: Kind>(&'a Draft<K>);

impl<K: Kind> Serialize for Others<'_, K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut properties = serializer.serialize_map(None)?;
        for field in K::CREDITS {
            let credits = self.0.credits.iter().filter(|credit| credit.field == field.name);
            let credits: Vec<WrittenCredit> = credits.map(|credit| written(field, credit)).collect();
            properties.serialize_entry(field.name, &credits)?;
        }
        for field in K::LINKS {
            let targets: Vec<&str> = self.0.targets(field.name).collect();
            if field.many {
                properties.serialize_entry(field.name, &targets)?;
            } else {
                properties.serialize_entry(field.name, &targets.last())?;
            }
        }
        properties.end()
    }
}

/// A credit as a writer sends it: with what may stand in its property.
#[derive(Serialize)]
struct WrittenCredit<'a> {
    role: Role,
    name: &'a Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    person: Option<&'a Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    partner: Option<&'a Option<String>>,
}

fn written<'a>(field: &CreditField, credit: &'a Credit) -> WrittenCredit<'a> {
    WrittenCredit {
        role: credit.role,
        name: &credit.name,
        person: (field.agents != Agents::Partners).then_some(&credit.person),
        partner: (field.agents != Agents::People).then_some(&credit.partner),
    }
}

/// Checks a whole document against the schema `schema`, then against the rules that a schema cannot
/// say. All mistakes come back; the draft is there when the document could be read.
///
/// # Errors
/// When the schema is not there.
pub fn checked<K: Kind>(
    app: &App,
    schema: &str,
    document: &Value,
) -> Result<(Option<Draft<K>>, Vec<FieldError>)> {
    let errors = app.contract.mistakes(schema, document)?;
    if !errors.is_empty() {
        return Ok((None, errors));
    }
    checked_by_rules(app, document)
}

/// Checks a document that its schema has accepted against the rules that a schema cannot say.
///
/// # Errors
/// None but what a failing service has.
pub fn checked_by_rules<K: Kind>(app: &App, document: &Value) -> Result<(Option<Draft<K>>, Vec<FieldError>)> {
    let mut errors = Vec::new();
    let draft = match Draft::<K>::read(document) {
        Ok(mut draft) => {
            if draft.common.original_locale.is_empty() {
                draft.common.original_locale.clone_from(&app.config.default_locale);
            }
            draft
        }
        Err(Error::Invalid(errors)) => return Ok((None, errors)),
        Err(other) => return Err(other),
    };
    check::common(&draft, &app.config.locales, &mut errors);
    Ok((Some(draft), errors))
}
