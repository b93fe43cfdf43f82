//! Writing tables.

use std::io::Write;

use csv::QuoteStyle;
use serde_json::Value;

use super::{
    cell::BARE,
    encoding::Delimiter,
    layout::{Layout, Names, TRANSLATIONS},
};

/// Writes a table, with a mark by which Excel knows UTF-8. Every cell stands in quotation marks, so
/// that nothing in it can be taken for the beginning of another.
pub struct Writer<W: Write> {
    layout: Layout,
    table: csv::Writer<W>,
}

impl<W: Write> Writer<W> {
    /// Begins a table with its first line.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn begin(mut to: W, layout: Layout, delimiter: Delimiter, names: Names) -> std::io::Result<Self> {
        to.write_all("\u{FEFF}".as_bytes())?;
        let mut table = csv::WriterBuilder::new()
            .delimiter(delimiter.byte())
            .quote_style(QuoteStyle::Always)
            .terminator(csv::Terminator::CRLF)
            .from_writer(to);
        table.write_record(layout.names(names))?;
        Ok(Self { layout, table })
    }

    /// Adds the row of an entry, in the shape of a line of NDJSON.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&mut self, entry: &Value) -> std::io::Result<()> {
        for column in &self.layout.columns {
            let value = column.path.iter().try_fold(entry, |value, step| value.get(step));
            let mut cell = column.form.cell(value.unwrap_or(&Value::Null));
            if column.is_first && cell.is_empty() && is_bare(entry, &column.path) {
                BARE.clone_into(&mut cell);
            }
            self.table.write_field(cell)?;
        }
        self.table.write_record(None::<&[u8]>)?;
        Ok(())
    }

    /// What it is written to, with all that was written.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn flushed(&mut self) -> std::io::Result<&W> {
        self.table.flush()?;
        Ok(self.table.get_ref())
    }

    /// Ends the table.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn end(self) -> std::io::Result<W> {
        self.table.into_inner().map_err(|error| std::io::Error::other(error.to_string()))
    }
}

/// Whether the language of a text is there, without any text.
fn is_bare(entry: &Value, path: &[String]) -> bool {
    let texts = path.get(1).and_then(|locale| entry.get(TRANSLATIONS)?.get(locale)?.as_object());
    texts.is_some_and(|texts| {
        texts.values().all(|text| text.is_null() || text.as_array().is_some_and(Vec::is_empty))
    })
}
