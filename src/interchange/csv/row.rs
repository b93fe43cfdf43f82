//! A row of a table: what its cells say of an entry, and nothing about what has no column.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Map, Value};

use super::{
    cell::BARE,
    layout::{Absent, Column, Layout, TRANSLATIONS},
};
use crate::http::FieldError;

/// What one cell says.
#[derive(Clone, Debug, PartialEq)]
enum Said {
    /// Nothing is there.
    Empty,
    /// The language is there, without any text.
    Bare,
    /// This.
    Value(Value),
}

/// A row.
#[derive(Clone, Debug)]
pub struct Row {
    layout: Arc<Layout>,
    cells: Vec<(usize, Said)>,
}

impl Row {
    /// Reads the cells of a row, each under its column.
    ///
    /// # Errors
    /// Every cell that does not hold what its column does.
    pub fn read<'a>(
        layout: &Arc<Layout>,
        heads: &[Option<usize>],
        cells: impl Iterator<Item = &'a str>,
    ) -> Result<Self, Vec<FieldError>> {
        let mut errors = Vec::new();
        let mut read = Vec::with_capacity(heads.len());
        let mut cells = cells;
        for head in heads {
            let cell = cells.next().unwrap_or_default();
            let Some((place, column)) = head.and_then(|place| Some((place, layout.columns.get(place)?)))
            else {
                if !cell.is_empty() {
                    let detail = "a cell has no name in the first line";
                    errors.push(FieldError::at("", "unknown_column", detail));
                }
                continue;
            };
            if cell == BARE && column.path.len() == 3 {
                read.push((place, Said::Bare));
                continue;
            }
            match column.form.read(cell) {
                Ok(None) => read.push((place, Said::Empty)),
                Ok(Some(value)) => read.push((place, Said::Value(value))),
                Err((code, detail)) => errors.push(FieldError::at(column.pointer(), code, detail)),
            }
        }
        if cells.next().is_some() {
            errors.push(FieldError::at("", "too_many", "the row has more cells than the first line"));
        }
        if errors.is_empty() { Ok(Self { layout: Arc::clone(layout), cells: read }) } else { Err(errors) }
    }

    fn columns(&self) -> impl Iterator<Item = (&Column, &Said)> {
        self.cells.iter().filter_map(|(place, said)| Some((self.layout.columns.get(*place)?, said)))
    }

    /// The text at `pointer`.
    #[must_use]
    pub fn text(&self, pointer: &str) -> Option<&str> {
        let (_, said) = self.columns().find(|(column, _)| column.pointer() == pointer)?;
        match said {
            Said::Value(value) => value.as_str(),
            _ => None,
        }
    }

    /// The entry `base` (null: a new one) as the row wants it.
    #[must_use]
    pub fn onto(&self, base: Value) -> Value {
        let mut document = match base {
            Value::Object(object) => object,
            _ => Map::new(),
        };
        let mut objects: BTreeMap<&str, Vec<(&Column, &Said)>> = BTreeMap::new();
        let mut texts: BTreeMap<&str, Vec<(&Column, &Said)>> = BTreeMap::new();
        for (column, said) in self.columns() {
            match column.path.as_slice() {
                [name] => set(&mut document, name, column, said),
                [object, _] => objects.entry(object).or_default().push((column, said)),
                [_, locale, _] => texts.entry(locale).or_default().push((column, said)),
                _ => {}
            }
        }
        for (name, cells) in objects {
            let object = self.object(name, document.shift_remove(name), &cells);
            document.insert(name.to_owned(), object);
        }
        let translations = document.entry(TRANSLATIONS).or_insert_with(|| Map::new().into());
        if let Some(translations) = translations.as_object_mut() {
            for (locale, cells) in texts {
                let base = translations.shift_remove(locale);
                if let Some(texts) = language(base.as_ref(), &cells) {
                    translations.insert(locale.to_owned(), texts);
                }
            }
        }
        document.into()
    }

    /// The object that is spread over columns of its own.
    fn object(&self, name: &str, base: Option<Value>, cells: &[(&Column, &Said)]) -> Value {
        let all_empty = cells.iter().all(|(_, said)| **said == Said::Empty);
        let mut needed = self
            .layout
            .columns
            .iter()
            .filter(|column| column.is_needed && column.path.first().is_some_and(|first| first == name));
        let is_whole = needed.all(|column| cells.iter().any(|(other, _)| other.name == column.name));
        let base = base.and_then(|base| base.as_object().cloned());
        // An object without what it needs is none.
        if all_empty && (is_whole || base.is_none()) {
            return Value::Null;
        }
        let mut object = base.unwrap_or_default();
        for (column, said) in cells {
            if let Some(part) = column.path.last() {
                set(&mut object, part, column, said);
            }
        }
        object.into()
    }
}

/// Puts what a cell says under `name`.
fn set(object: &mut Map<String, Value>, name: &str, column: &Column, said: &Said) {
    let value = match (said, column.absent) {
        (Said::Value(value), _) => value.clone(),
        (_, Absent::Null) => Value::Null,
        (_, Absent::Empty) => Value::Array(Vec::new()),
        (_, Absent::Unsaid) => return,
    };
    object.insert(name.to_owned(), value);
}

/// The texts in one language; none when there are none.
fn language(base: Option<&Value>, cells: &[(&Column, &Said)]) -> Option<Value> {
    let mut texts = base.and_then(Value::as_object).cloned().unwrap_or_default();
    let was_there = base.is_some();
    let is_bare = |texts: &Map<String, Value>| {
        texts.values().all(|text| text.is_null() || text.as_array().is_some_and(Vec::is_empty))
    };
    let had_texts = !is_bare(&texts);
    for (column, said) in cells {
        if let Some(name) = column.path.last() {
            set(&mut texts, name, column, said);
        }
    }
    let is_marked = cells.iter().any(|(_, said)| **said == Said::Bare);
    // A language that has lost its last text is gone; one that had none stays as it was.
    let stays = !is_bare(&texts) || is_marked || (was_there && !had_texts && !is_whole(cells));
    stays.then(|| texts.into())
}

/// Whether the first text of the language, which would have its mark, has a column.
fn is_whole(cells: &[(&Column, &Said)]) -> bool {
    cells.iter().any(|(column, _)| column.is_first)
}
