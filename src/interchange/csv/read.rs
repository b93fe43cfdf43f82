//! Reading tables: as they come, or held in memory.

use std::{
    io::{self, BufReader, Cursor, Read},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use csv::StringRecord;
use encoding_rs::Encoding;

use super::{
    encoding::{Decoded, Delimiter, detect, head},
    layout::Layout,
    row::Row,
};
use crate::{
    app::App,
    editorial::Kind,
    http::{Code, Error, FieldError, Result},
};

/// How long a row may be, in bytes.
const MAX_ROW_BYTES: usize = 1024 * 1024;
/// What may have been read of what follows a row.
const SLACK: usize = 64 * 1024;

/// The rows of a table, one after the other.
pub struct Rows<R: Read> {
    layout: Arc<Layout>,
    heads: Vec<Option<usize>>,
    /// What the columns are called in this table.
    names: Vec<String>,
    records: csv::Reader<BufReader<Decoded<R>>>,
    allowance: Arc<AtomicUsize>,
    quotes: Arc<AtomicUsize>,
    /// The line in which the last row began.
    line: u64,
}

/// A row and its line; or what is wrong with it.
type Numbered = (usize, Result<Row, Vec<FieldError>>);
/// A row, as it came: its line, its cells.
type Record = (usize, StringRecord);

impl<R: Read> Rows<R> {
    /// Opens a table; `open` gives its bytes from the beginning, as often as it is asked to.
    ///
    /// # Errors
    /// 422 when a column is not known, or it cannot be read.
    pub fn open<K: Kind>(
        app: &App,
        encoding: Option<&'static Encoding>,
        open: impl Fn() -> io::Result<R>,
    ) -> Result<Self> {
        let unreadable = |error: io::Error| Error::InvalidBecause(error.to_string(), Vec::new());
        let encoding = match encoding {
            Some(encoding) => encoding,
            None => detect(open().map_err(unreadable)?).map_err(unreadable)?,
        };
        let mut first = head(open().map_err(unreadable)?, encoding).map_err(unreadable)?;
        // Excel may be told the delimiter in a line of its own.
        let told = first.starts_with("sep=");
        let mut delimiter = Delimiter::detect(&first);
        if told {
            first.drain(.."sep=".len());
            delimiter = Delimiter::detect(&first);
        }
        let allowance = Arc::new(AtomicUsize::new(MAX_ROW_BYTES + SLACK));
        let text = Decoded::new(open().map_err(unreadable)?, encoding, Arc::clone(&allowance));
        let quotes = text.quotes();
        let mut records = csv::ReaderBuilder::new()
            .delimiter(delimiter.byte())
            .has_headers(false)
            .flexible(true)
            .from_reader(BufReader::with_capacity(8 * 1024, text));
        let mut record = StringRecord::new();
        for _ in 0..=usize::from(told) {
            records.read_record(&mut record).map_err(|error| unreadable(error.into()))?;
        }
        let layout = Arc::new(Layout::of::<K>(app, &app.config.locales)?);
        let heads = layout.find(record.iter())?;
        let names = record.iter().map(str::to_owned).collect();
        Ok(Self { layout, heads, names, records, allowance, quotes, line: 1 })
    }

    /// The next row that is not empty, as it came.
    fn next_record(&mut self) -> io::Result<Option<Record>> {
        let mut record = StringRecord::new();
        loop {
            self.allowance.store(MAX_ROW_BYTES + SLACK, Ordering::Relaxed);
            if !self.records.read_record(&mut record)? {
                // What is quoted has two of them; what stands in quotes is written twice.
                if self.quotes.load(Ordering::Relaxed) % 2 == 1 {
                    let detail = format!("a quote is not closed: look in line {} and before", self.line);
                    return Err(io::Error::new(io::ErrorKind::InvalidData, detail));
                }
                return Ok(None);
            }
            self.line = record.position().map_or(self.line, csv::Position::line);
            if record.iter().any(|cell| !cell.trim().is_empty()) {
                let line = record.position().map_or(0, csv::Position::line);
                return Ok(Some((usize::try_from(line).unwrap_or(usize::MAX), record)));
            }
        }
    }

    /// The next row that is not empty, and its line.
    ///
    /// # Errors
    /// When the table cannot be read any further.
    pub fn next_row(&mut self) -> io::Result<Option<Numbered>> {
        let Some((line, record)) = self.next_record()? else { return Ok(None) };
        Ok(Some((line, Row::read(&self.layout, &self.heads, record.iter()))))
    }

    /// How many bytes of text have been read.
    pub fn position(&self) -> u64 {
        self.records.position().byte()
    }

    /// What the column is called, in this table, in which the value at `pointer` stands.
    pub fn column(&self, pointer: &str) -> Option<String> {
        column(&self.layout, &self.heads, &self.names, pointer)
    }
}

fn column(layout: &Layout, heads: &[Option<usize>], names: &[String], pointer: &str) -> Option<String> {
    let (place, head) = heads
        .iter()
        .enumerate()
        .filter_map(|(place, head)| Some((place, layout.columns.get((*head)?)?.pointer())))
        .filter(|(_, head)| {
            pointer == head
                || pointer.strip_prefix(head.as_str()).is_some_and(|rest| rest.starts_with('/'))
                || head.strip_prefix(pointer).is_some_and(|rest| rest.starts_with('/') && !pointer.is_empty())
        })
        .max_by_key(|(_, head)| head.len())?;
    let _ = head;
    names.get(place).cloned()
}

/// A table in memory: its rows as they came, to be read one by one.
#[derive(Debug)]
pub struct Table {
    layout: Arc<Layout>,
    heads: Vec<Option<usize>>,
    names: Vec<String>,
    records: Vec<Record>,
}

impl Table {
    /// Reads a table of at most `most` rows; one more shows that it has more.
    ///
    /// # Errors
    /// 415 when its character set is not known, 422 when a column is not, 400 when it breaks off.
    pub fn read<K: Kind>(
        app: &App,
        bytes: &bytes::Bytes,
        charset: Option<&str>,
        most: usize,
    ) -> Result<Self> {
        let encoding = match charset {
            None => None,
            Some(label) => Some(Encoding::for_label(label.as_bytes()).ok_or_else(|| {
                let detail = "the character set is not known: leave it out, and it is found out".to_owned();
                Error::Problem(Code::UnsupportedMediaType, detail)
            })?),
        };
        if encoding == Some(encoding_rs::UTF_8)
            && let Err(error) = std::str::from_utf8(bytes)
        {
            let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let line = before.split(|byte| *byte == b'\n').count();
            return Err(Error::Problem(
                Code::MalformedBody,
                format!("line {line} is not UTF-8, as it is said to be"),
            ));
        }
        let mut rows = Rows::open::<K>(app, encoding, || Ok(Cursor::new(bytes.clone())))?;
        let mut records = Vec::new();
        while records.len() <= most {
            let next = rows.next_record();
            let next = next.map_err(|error| Error::Problem(Code::MalformedBody, error.to_string()))?;
            let Some(record) = next else { break };
            records.push(record);
        }
        let Rows { layout, heads, names, .. } = rows;
        Ok(Self { layout, heads, names, records })
    }

    /// How many rows there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.records.len()
    }

    /// How many bytes row `index` has.
    #[must_use]
    pub fn size(&self, index: usize) -> usize {
        self.records.get(index).map_or(0, |(_, record)| record.as_slice().len())
    }

    /// The line in which row `index` begins.
    #[must_use]
    pub fn line(&self, index: usize) -> usize {
        self.records.get(index).map_or(0, |(line, _)| *line)
    }

    /// Row `index`.
    ///
    /// # Errors
    /// What is wrong with its cells.
    pub fn row(&self, index: usize) -> Result<Row, Vec<FieldError>> {
        let cells = self.records.get(index).into_iter().flat_map(|(_, record)| record.iter());
        Row::read(&self.layout, &self.heads, cells)
    }

    /// What the column is called in which the value at `pointer` stands.
    #[must_use]
    pub fn column(&self, pointer: &str) -> Option<String> {
        column(&self.layout, &self.heads, &self.names, pointer)
    }
}
