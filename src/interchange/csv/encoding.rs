//! What a table's bytes are written in, and what separates its cells.

use std::{
    io::{self, Read},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use clap::ValueEnum;
use encoding_rs::{CoderResult, Decoder, DecoderResult, Encoding, UTF_8, WINDOWS_1254};

/// How many bytes are worked on at once.
const CHUNK: usize = 16 * 1024;
/// In how many bytes the first line must end.
const MAX_HEAD: usize = 64 * 1024;

/// What separates the cells of a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Delimiter {
    /// `,`
    #[default]
    Comma,
    /// `;`, as Turkish Excel has it.
    Semicolon,
    /// A tab.
    Tab,
}

impl Delimiter {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Comma, Self::Semicolon, Self::Tab];

    /// The byte.
    #[must_use]
    pub const fn byte(self) -> u8 {
        match self {
            Self::Comma => b',',
            Self::Semicolon => b';',
            Self::Tab => b'\t',
        }
    }

    /// What separates the cells of the first line of `head`: that of the three which stands there
    /// most often, outside of quotes.
    #[must_use]
    pub fn detect(head: &str) -> Self {
        let mut counts = [0_usize; 3];
        let mut quoted = false;
        for byte in head.bytes() {
            match byte {
                b'"' => quoted = !quoted,
                b'\n' | b'\r' if !quoted => break,
                _ if quoted => {}
                _ => {
                    for (count, delimiter) in counts.iter_mut().zip(Self::ALL) {
                        *count += usize::from(byte == delimiter.byte());
                    }
                }
            }
        }
        let most = counts.iter().copied().max().unwrap_or_default();
        Self::ALL
            .into_iter()
            .zip(counts)
            .find(|(_, count)| *count == most)
            .map_or(Self::Comma, |(found, _)| found)
    }
}

/// What `input` is written in: what its mark says, else UTF-8 if it is that, else the code page of
/// Turkish Windows.
///
/// # Errors
/// When it cannot be read.
pub fn detect(mut input: impl Read) -> io::Result<&'static Encoding> {
    let mut decoder = UTF_8.new_decoder_without_bom_handling();
    let mut buffer = vec![0; CHUNK];
    let mut sink = vec![0; 4 * CHUNK];
    let (mut is_first, mut has_letters) = (true, false);
    loop {
        let mut read = 0;
        // A mark must not be cut in two.
        while read < 4 {
            let more = input.read(buffer.get_mut(read..).unwrap_or_default())?;
            if more == 0 {
                break;
            }
            read += more;
        }
        let bytes = buffer.get(..read).unwrap_or_default();
        if is_first && let Some((encoding, _)) = Encoding::for_bom(bytes) {
            return Ok(encoding);
        }
        is_first = false;
        let last = read == 0;
        let (result, _, written) = decoder.decode_to_utf8_without_replacement(bytes, &mut sink, last);
        has_letters |= !sink.get(..written).unwrap_or_default().is_ascii();
        match result {
            // Letters of a code page are hardly ever good UTF-8, even once.
            DecoderResult::Malformed(..) if has_letters => {
                let detail = "this begins as UTF-8 and does not go on so: it is cut off, or damaged";
                return Err(io::Error::new(io::ErrorKind::InvalidData, detail));
            }
            DecoderResult::Malformed(..) => return Ok(WINDOWS_1254),
            _ if last => return Ok(UTF_8),
            _ => {}
        }
    }
}

/// Reads an input as UTF-8, without its mark.
pub struct Decoded<R> {
    input: R,
    decoder: Decoder,
    bytes: Vec<u8>,
    text: Vec<u8>,
    given: usize,
    ended: bool,
    allowance: Arc<AtomicUsize>,
    quotes: Arc<AtomicUsize>,
}

impl<R: Read> Decoded<R> {
    /// Reads `input`, no more than `allowance` bytes of it; whoever shares it may raise it.
    pub fn new(input: R, encoding: &'static Encoding, allowance: Arc<AtomicUsize>) -> Self {
        let decoder = encoding.new_decoder_with_bom_removal();
        Self {
            input,
            decoder,
            bytes: Vec::new(),
            text: Vec::new(),
            given: 0,
            ended: false,
            allowance,
            quotes: Arc::default(),
        }
    }

    /// How many quotes have been read, now and later.
    pub fn quotes(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.quotes)
    }

    fn fill(&mut self) -> io::Result<()> {
        let mut buffer = vec![0; CHUNK];
        let read = self.input.read(&mut buffer)?;
        self.ended = read == 0;
        self.bytes.extend(buffer.get(..read).unwrap_or_default());
        // A byte of a code page can become three.
        self.text.resize(3 * self.bytes.len() + 16, 0);
        let (result, used, written, _) = self.decoder.decode_to_utf8(&self.bytes, &mut self.text, self.ended);
        if result == CoderResult::OutputFull {
            return Err(io::Error::other("a text that does not fit"));
        }
        self.bytes.drain(..used);
        self.text.truncate(written);
        let quotes = self.text.split(|byte| *byte == b'"').count().saturating_sub(1);
        self.quotes.fetch_add(quotes, Ordering::Relaxed);
        self.given = 0;
        Ok(())
    }
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.text.len() && !self.ended {
            self.fill()?;
        }
        let rest = self.text.get(self.given..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        let left = self.allowance.load(Ordering::Relaxed);
        if count > left {
            return Err(io::Error::other("a row is too long, or a quotation mark is not closed"));
        }
        self.allowance.store(left - count, Ordering::Relaxed);
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), rest.get(..count)) {
            to.copy_from_slice(from);
        }
        self.given += count;
        Ok(count)
    }
}

/// The first line of `input`, and perhaps what follows.
///
/// # Errors
/// When it cannot be read.
pub fn head(input: impl Read, encoding: &'static Encoding) -> io::Result<String> {
    let allowance = Arc::new(AtomicUsize::new(usize::MAX));
    let mut head = Vec::new();
    Decoded::new(input, encoding, allowance).take(MAX_HEAD as u64).read_to_end(&mut head)?;
    Ok(String::from_utf8_lossy(&head).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_encoding_is_found_out() {
        let text = "başlık;özet\nİstanbul ığüşöç;€\n".repeat(2000);
        let utf16 = |big: bool| {
            let mark: &[u8] = if big { b"\xFE\xFF" } else { b"\xFF\xFE" };
            let units = text
                .encode_utf16()
                .flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() });
            mark.iter().copied().chain(units).collect::<Vec<u8>>()
        };
        let (latin5, _, lossy) = WINDOWS_1254.encode(&text);
        assert!(!lossy);
        let marked = format!("\u{FEFF}{text}").into_bytes();
        for bytes in [text.clone().into_bytes(), marked, latin5.into_owned(), utf16(true), utf16(false)] {
            let encoding = detect(&bytes[..]).unwrap();
            let mut read = String::new();
            let allowance = Arc::new(AtomicUsize::new(usize::MAX));
            Decoded::new(&bytes[..], encoding, allowance).read_to_string(&mut read).unwrap();
            assert!(read == text, "{}", encoding.name());
        }
    }

    #[test]
    fn the_delimiter_is_found_in_the_first_line() {
        for (head, expected) in [
            ("a;b;c\n1,2,3,4,5", Delimiter::Semicolon),
            ("\"a;b;c;d\",e,f", Delimiter::Comma),
            ("a\tb", Delimiter::Tab),
            ("a", Delimiter::Comma),
            ("", Delimiter::Comma),
        ] {
            assert_eq!(Delimiter::detect(head), expected, "{head}");
        }
    }
}
