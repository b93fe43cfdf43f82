//! The lines of an import, a batch at a time.

use std::{
    fmt,
    fs::File,
    io::{BufRead, BufReader, Read},
    iter::Enumerate,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::Value;

use crate::{
    app::App,
    editorial::Kind,
    http::{Error, FieldError, Result, json},
    interchange::{csv::Rows, engine::BATCH, record::Record},
};

/// How long a line may be, in bytes.
const MAX_LINE_BYTES: usize = 1024 * 1024;

/// Where lines come from.
#[derive(Clone, Debug)]
pub enum Input {
    /// A file: a table when its name ends in `.csv` or `.tsv`, else NDJSON.
    File(PathBuf),
    /// Text that comes with the program.
    Embedded(&'static str),
    /// Documents that the program makes: the same ones every time they are asked for.
    Made(Made),
}

/// Makes documents.
#[derive(Clone)]
pub struct Made(Arc<dyn Fn() -> Documents + Send + Sync>);

/// Documents, one after the other.
pub type Documents = Box<dyn Iterator<Item = Value> + Send + Sync>;

impl fmt::Debug for Made {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Made")
    }
}

impl Input {
    /// What `make` makes, anew each time it is called.
    pub fn made(make: impl Fn() -> Documents + Send + Sync + 'static) -> Self {
        Self::Made(Made(Arc::new(make)))
    }
}

type Reader = Box<dyn BufRead + Send + Sync>;

fn open(path: &Path) -> std::io::Result<Reader> {
    Ok(Box::new(BufReader::with_capacity(64 * 1024, File::open(path)?)))
}

fn is_table(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    ["csv", "tsv"].iter().any(|name| extension.eq_ignore_ascii_case(name))
}

/// A line, and what it says.
pub(super) type Line = (usize, Result<Record, Vec<FieldError>>);

/// Reads an input in batches of lines.
pub(super) struct Lines<'a> {
    from: From,
    progress: &'a (dyn Fn(u64) + Sync),
}

enum From {
    Documents { reader: Reader, number: usize },
    Table(Box<Rows<Reader>>),
    Made(Enumerate<Documents>),
}

impl<'a> Lines<'a> {
    pub fn open<K: Kind>(app: &App, input: &Input, progress: &'a (dyn Fn(u64) + Sync)) -> Result<Self> {
        let from = match input {
            Input::Made(Made(make)) => From::Made(make().enumerate()),
            Input::Embedded(text) => From::Documents { reader: Box::new(text.as_bytes()), number: 0 },
            Input::File(path) if is_table(path) => {
                From::Table(Box::new(Rows::open::<K>(app, None, || open(path))?))
            }
            Input::File(path) => {
                let reader = open(path).map_err(|error| unreadable(input, &error))?;
                From::Documents { reader, number: 0 }
            }
        };
        Ok(Self { from, progress })
    }

    /// The next lines that are not empty, with their numbers; none at the end. A line that cannot be
    /// read comes as an error.
    pub fn batch(&mut self) -> std::io::Result<Vec<Line>> {
        let mut batch = Vec::with_capacity(BATCH);
        match &mut self.from {
            From::Documents { reader, number } => {
                let mut buffer = Vec::new();
                while batch.len() < BATCH {
                    let Some((read, line)) = document(reader, &mut buffer)? else { break };
                    *number += 1;
                    (self.progress)(read as u64);
                    batch.extend(line.map(|line| (*number, line)));
                }
            }
            From::Table(rows) => {
                let before = rows.position();
                while batch.len() < BATCH {
                    let Some((line, row)) = rows.next_row()? else { break };
                    batch.push((line, row.map(Record::Row)));
                }
                (self.progress)(rows.position() - before);
            }
            From::Made(documents) => {
                let made = documents.take(BATCH);
                batch.extend(made.map(|(index, document)| (index + 1, Ok(Record::Document(document)))));
                (self.progress)(batch.len() as u64);
            }
        }
        Ok(batch)
    }

    /// What the column is called in which the value at `pointer` stands.
    pub fn column(&self, pointer: &str) -> Option<String> {
        match &self.from {
            From::Documents { .. } | From::Made(_) => None,
            From::Table(rows) => rows.column(pointer),
        }
    }
}

/// The next line and how many bytes of it were read; none at the end. An empty line says nothing.
#[expect(clippy::type_complexity, reason = "the shape of a line, once")]
fn document(
    reader: &mut Reader,
    buffer: &mut Vec<u8>,
) -> std::io::Result<Option<(usize, Option<Result<Record, Vec<FieldError>>>)>> {
    buffer.clear();
    let read = reader.by_ref().take(MAX_LINE_BYTES as u64 + 1).read_until(b'\n', buffer)?;
    if read == 0 {
        return Ok(None);
    }
    let malformed = |detail| vec![FieldError::at("", "malformed", detail)];
    let too_long = buffer.len() > MAX_LINE_BYTES && buffer.last() != Some(&b'\n');
    if too_long {
        skip_line(reader)?;
        let detail = format!("a line may have {MAX_LINE_BYTES} bytes");
        return Ok(Some((read, Some(Err(malformed(detail))))));
    }
    if buffer.trim_ascii().is_empty() {
        return Ok(Some((read, None)));
    }
    let text = buffer.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(buffer);
    let record = json::parse(text).map(Record::Document).map_err(malformed);
    Ok(Some((read, Some(record))))
}

fn skip_line(reader: &mut impl BufRead) -> std::io::Result<()> {
    loop {
        let available = reader.fill_buf()?;
        let (used, done) = match available.iter().position(|byte| *byte == b'\n') {
            Some(end) => (end + 1, true),
            None => (available.len(), available.is_empty()),
        };
        reader.consume(used);
        if done {
            return Ok(());
        }
    }
}

/// A failure to read, in a sentence.
pub(super) fn unreadable(input: &Input, error: &std::io::Error) -> Error {
    match input {
        Input::File(path) => Error::conflict(format!("{}: {error}", path.display())),
        Input::Embedded(_) | Input::Made(_) => Error::internal(error.to_string()),
    }
}
