//! The lines of an import, a batch at a time.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
    path::PathBuf,
};

use serde_json::Value;

use crate::http::{Error, Result, json};

/// How many lines are worked on at once: what bounds the memory an import takes.
const BATCH: usize = 200;
/// How long a line may be, in bytes.
const MAX_LINE_BYTES: usize = 1024 * 1024;

/// Where lines come from.
#[derive(Clone, Debug)]
pub enum Input {
    /// A file.
    File(PathBuf),
    /// Text that comes with the program.
    Embedded(&'static str),
}

impl Input {
    fn open(&self) -> std::io::Result<Box<dyn BufRead + Send>> {
        Ok(match self {
            Self::File(path) => Box::new(BufReader::with_capacity(64 * 1024, File::open(path)?)),
            Self::Embedded(text) => Box::new(text.as_bytes()),
        })
    }
}

/// Reads an input in batches of lines; a line that is too long comes as an error.
pub(super) struct Lines<'a> {
    reader: Box<dyn BufRead + Send>,
    number: usize,
    progress: &'a (dyn Fn(u64) + Sync),
}

impl<'a> Lines<'a> {
    pub fn open(input: &Input, progress: &'a (dyn Fn(u64) + Sync)) -> Result<Self> {
        let reader = input.open().map_err(|error| unreadable(input, &error))?;
        Ok(Self { reader, number: 0, progress })
    }

    /// The next lines that are not empty, with their numbers; none at the end.
    pub fn batch(&mut self) -> std::io::Result<Vec<(usize, Result<Value, String>)>> {
        let mut batch = Vec::with_capacity(BATCH);
        let mut buffer = Vec::new();
        while batch.len() < BATCH {
            buffer.clear();
            let limit = MAX_LINE_BYTES as u64 + 1;
            let read = self.reader.by_ref().take(limit).read_until(b'\n', &mut buffer)?;
            if read == 0 {
                break;
            }
            self.number += 1;
            (self.progress)(read as u64);
            let too_long = buffer.len() > MAX_LINE_BYTES && buffer.last() != Some(&b'\n');
            if too_long {
                self.skip_line()?;
                batch.push((self.number, Err(format!("a line may have {MAX_LINE_BYTES} bytes"))));
            } else if !buffer.trim_ascii().is_empty() {
                let text = buffer.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&buffer);
                batch.push((self.number, json::parse(text)));
            }
        }
        Ok(batch)
    }

    fn skip_line(&mut self) -> std::io::Result<()> {
        loop {
            let available = self.reader.fill_buf()?;
            let (used, done) = match available.iter().position(|byte| *byte == b'\n') {
                Some(end) => (end + 1, true),
                None => (available.len(), available.is_empty()),
            };
            self.reader.consume(used);
            if done {
                return Ok(());
            }
        }
    }
}

/// A failure to read, in a sentence.
pub(super) fn unreadable(input: &Input, error: &std::io::Error) -> Error {
    match input {
        Input::File(path) => Error::conflict(format!("{}: {error}", path.display())),
        Input::Embedded(_) => Error::internal(error.to_string()),
    }
}
