//! The columns of a kind's table, as its schema has them.

use clap::ValueEnum;
use serde_json::{Map, Value};

use super::{
    cell::{Form, Word},
    credit::CreditCell,
    words::{self, folded},
};
use crate::{
    app::App,
    editorial::Kind,
    entity::labels,
    http::{Error, FieldError, Result, query::nearest},
};

/// What the columns are called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Names {
    /// As the fields are.
    #[default]
    En,
    /// In Turkish.
    Tr,
}

/// One column.
#[derive(Clone, Debug)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Where in the entry its values stand: one step, two, or three in texts.
    pub path: Vec<String>,
    /// What its cells hold.
    pub form: Form,
    /// What an empty cell stands for.
    pub absent: Absent,
    /// The name of the field in all languages, and the language of a text.
    field: String,
    locale: Option<String>,
    /// Whether the object that it belongs to cannot be without it.
    pub is_needed: bool,
    /// Whether it is the first text of its language.
    pub is_first: bool,
}

/// What an empty cell stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absent {
    /// Null.
    Null,
    /// An empty list.
    Empty,
    /// Nothing is said.
    Unsaid,
}

/// The columns of a kind.
#[derive(Clone, Debug)]
pub struct Layout {
    /// Them, in order.
    pub columns: Vec<Column>,
    default_locale: String,
}

/// Where the texts of an entry stand.
pub const TRANSLATIONS: &str = "translations";

impl Layout {
    /// The columns of `K`, with texts in these languages.
    ///
    /// # Errors
    /// When the kind has no schema.
    pub fn of<K: Kind>(app: &App, locales: &[String]) -> Result<Self> {
        let name = format!("{}Row", K::NAME);
        let schema =
            app.contract.schema(&name).ok_or_else(|| Error::internal(format!("no schema {name}")))?;
        let empty = Map::new();
        let properties = schema["properties"].as_object().unwrap_or(&empty);
        let mut names: Vec<&String> = properties.keys().filter(|name| name.as_str() != "state").collect();
        names.insert(1.min(names.len()), properties.get_key_value("state").map_or(&name, |(name, _)| name));
        let mut columns = Vec::new();
        for name in names {
            let Some(property) = properties.get(name.as_str()) else { continue };
            if let Some(field) = K::CREDITS.iter().find(|field| field.name == name) {
                let roles = field.roles.iter().map(|role| serde_json::json!(role)).collect::<Vec<_>>();
                let form = Form::Credits(CreditCell::new(field, labelled(&roles, "Role")));
                columns.push(Column::plain(name, form, Absent::Empty));
            } else if name == TRANSLATIONS {
                let texts = resolved(app, &property["additionalProperties"]).0;
                for (place, (text, property)) in
                    texts["properties"].as_object().into_iter().flatten().enumerate()
                {
                    columns.extend(locales.iter().map(|locale| Column {
                        is_first: place == 0,
                        ..Column::text(app, text, locale, property)
                    }));
                }
            } else {
                columns.extend(Column::of(app, name, property));
            }
        }
        Ok(Self { columns, default_locale: app.config.default_locale.clone() })
    }

    /// What the columns are called.
    #[must_use]
    pub fn names(&self, names: Names) -> Vec<String> {
        self.columns.iter().map(|column| column.called(names)).collect()
    }

    /// Which column each of `heads` is; an empty one is none.
    ///
    /// # Errors
    /// Every name that is not known, with the nearest that is, and every one that stands twice.
    pub fn find<'a>(&self, heads: impl Iterator<Item = &'a str>) -> Result<Vec<Option<usize>>> {
        let known: Vec<Vec<String>> =
            self.columns.iter().map(|column| column.folded_names(&self.default_locale)).collect();
        let mut errors = Vec::new();
        let mut found: Vec<Option<usize>> = Vec::new();
        for head in heads {
            let name = folded(super::cell::plain(head));
            if name.is_empty() {
                found.push(None);
                continue;
            }
            let place = known
                .iter()
                .position(|names| names.first() == Some(&name))
                .or_else(|| known.iter().position(|names| names.contains(&name)));
            let shown: String = head.chars().take(60).collect();
            match place {
                None => {
                    let near = nearest(&name, known.iter().flatten().map(String::as_str));
                    let near =
                        known.iter().position(|names| names.iter().any(|name| Some(name.as_str()) == near));
                    let near = near.and_then(|place| self.columns.get(place));
                    let near = near.map(|column| format!("; the nearest is `{}`", column.name));
                    let detail = format!("the column `{shown}` is not known{}", near.unwrap_or_default());
                    errors.push(FieldError::at("", "unknown_column", detail));
                }
                Some(place) if found.contains(&Some(place)) => {
                    let detail = format!("the column `{shown}` is there twice");
                    errors.push(FieldError::at("", "repeated_column", detail));
                }
                Some(place) => found.push(Some(place)),
            }
            if errors.len() >= crate::http::json::MAX_ERRORS {
                break;
            }
        }
        if errors.is_empty() { Ok(found) } else { Err(Error::Invalid(errors)) }
    }
}

impl Column {
    fn plain(name: &str, form: Form, absent: Absent) -> Self {
        Self {
            name: name.to_owned(),
            path: vec![name.to_owned()],
            form,
            absent,
            field: name.to_owned(),
            locale: None,
            is_needed: false,
            is_first: false,
        }
    }

    /// The columns of a property: one, or one for each property of a flat object.
    fn of(app: &App, name: &str, property: &Value) -> Vec<Self> {
        let (schema, kind, nullable) = resolved(app, property);
        let kind = if name == "state" { "State".to_owned() } else { kind };
        if let Some(parts) = schema["properties"].as_object()
            && parts.values().all(|part| form(app, part).is_some())
        {
            let required: Vec<&str> =
                schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            let column = |(part, property): (&String, &Value)| {
                let (form, absent) = form(app, property)?;
                let name = format!("{name}_{part}");
                Some(Self {
                    path: vec![path_of(&name, part), part.clone()],
                    is_needed: required.contains(&part.as_str()),
                    ..Self::plain(&name, form, absent)
                })
            };
            return parts.iter().filter_map(column).collect();
        }
        if let Some(codes) = schema["enum"].as_array() {
            let absent = if nullable { Absent::Null } else { Absent::Unsaid };
            return vec![Self::plain(name, Form::Word(labelled(codes, &kind)), absent)];
        }
        if name == "identifiers" {
            return vec![Self::plain(name, Form::Identifiers, Absent::Empty)];
        }
        let (form, absent) = form(app, property).unwrap_or_else(|| json_form(&schema, nullable));
        vec![Self::plain(name, form, absent)]
    }

    fn text(app: &App, text: &str, locale: &str, property: &Value) -> Self {
        let (schema, _, nullable) = resolved(app, property);
        let (form, absent) = form(app, property).unwrap_or_else(|| json_form(&schema, nullable));
        Self {
            name: format!("{text}_{locale}"),
            path: vec![TRANSLATIONS.to_owned(), locale.to_owned(), text.to_owned()],
            form,
            absent,
            field: text.to_owned(),
            locale: Some(locale.to_owned()),
            is_needed: false,
            is_first: false,
        }
    }

    /// Where its values stand, as a JSON pointer.
    #[must_use]
    pub fn pointer(&self) -> String {
        self.path
            .iter()
            .fold(String::new(), |pointer, step| pointer + "/" + &crate::http::json::escaped(step))
    }

    /// What it is called in the first line of a table.
    fn called(&self, names: Names) -> String {
        let turkish = words::turkish(&self.field).first().filter(|_| names == Names::Tr);
        match (turkish, &self.locale) {
            (None, _) => self.name.clone(),
            (Some(name), None) => (*name).to_owned(),
            (Some(name), Some(locale)) => format!("{name} ({locale})"),
        }
    }

    /// Everything it may be called, folded; its own name comes first.
    fn folded_names(&self, default_locale: &str) -> Vec<String> {
        let mut names = vec![folded(&self.name)];
        let fields = std::iter::once(self.field.as_str()).chain(words::turkish(&self.field).iter().copied());
        for field in fields {
            match &self.locale {
                None => names.push(folded(field)),
                Some(locale) => {
                    let languages =
                        std::iter::once(locale.as_str()).chain(words::languages(locale).iter().copied());
                    names.extend(languages.map(|language| folded(&format!("{field} {language}"))));
                    if locale == default_locale {
                        names.push(folded(field));
                    }
                }
            }
        }
        names
    }
}

/// The name of an object, of one of its columns and the part that the column is.
fn path_of(column: &str, part: &str) -> String {
    column.strip_suffix(part).and_then(|name| name.strip_suffix('_')).unwrap_or(column).to_owned()
}

/// What the cells of a property hold, when it is no object; and what an empty one stands for.
fn form(app: &App, property: &Value) -> Option<(Form, Absent)> {
    let (schema, kind, nullable) = resolved(app, property);
    let absent = if nullable { Absent::Null } else { Absent::Unsaid };
    if let Some(codes) = schema["enum"].as_array() {
        return Some((Form::Word(labelled(codes, &kind)), absent));
    }
    let types = &schema["type"];
    let is = |name: &str| types == name || types.as_array().is_some_and(|types| types.contains(&name.into()));
    let form = if is("string") {
        Form::Text
    } else if is("integer") {
        Form::Integer
    } else if is("number") {
        Form::Number
    } else if is("boolean") {
        Form::Boolean
    } else if is("array") {
        let (item, _) = self::form(app, &schema["items"])?;
        let is_flat = matches!(item, Form::Text | Form::Word(_));
        return is_flat
            .then(|| (Form::List(Box::new(item)), if nullable { Absent::Null } else { Absent::Empty }));
    } else {
        return None;
    };
    Some((form, absent))
}

fn json_form(schema: &Value, nullable: bool) -> (Form, Absent) {
    let absent = match schema["type"].as_str() {
        _ if nullable => Absent::Null,
        Some("array") => Absent::Empty,
        _ => Absent::Unsaid,
    };
    (Form::Json, absent)
}

/// A schema without its reference and without the alternative null, the name that it has, and
/// whether null may stand there.
fn resolved(app: &App, schema: &Value) -> (Value, String, bool) {
    let alternatives = schema["oneOf"].as_array();
    let mut nullable = schema["type"].as_array().is_some_and(|types| types.contains(&"null".into()));
    let mut inner = schema;
    if let Some(alternatives) = alternatives {
        nullable = alternatives.iter().any(|schema| schema["type"] == "null");
        if let Some(other) = alternatives.iter().find(|schema| schema["type"] != "null") {
            inner = other;
        }
    }
    match inner["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()) {
        Some(name) => (app.contract.schema(name).cloned().unwrap_or_default(), name.to_owned(), nullable),
        None => (inner.clone(), String::new(), nullable),
    }
}

/// The words of the closed list `name`, with their labels.
fn labelled(codes: &[Value], name: &str) -> Vec<Word> {
    let known = labels::of(name);
    let word = |code: &Value| {
        let code = code.as_str()?;
        let labels = known.iter().filter(|word| word.value == code);
        let labels = labels.flat_map(|word| [folded(word.labels.en), folded(word.labels.tr)]);
        Some(Word { code: code.to_owned(), labels: std::iter::once(folded(code)).chain(labels).collect() })
    };
    codes.iter().filter_map(word).collect()
}
