//! Content codings: which one a client takes, and making them.
//!
//! Source: RFC 9110, section 12.5.3; RFC 1952; RFC 7932. Only what everybody may read is compressed, so
//! what is secret never shares a stream with what somebody else chose (BREACH).

use std::io::{self, Write};

use axum::http::HeaderValue;

/// The window of the Brotli stream, as a power of two; answers are small.
const WINDOW: u32 = 18;
/// How hard to try: of 11, and of 9.
const BROTLI_QUALITY: u32 = 5;
const GZIP_LEVEL: u32 = 6;

/// How the bytes of an answer are coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// As they are.
    Identity,
    /// gzip.
    Gzip,
    /// Brotli.
    Brotli,
}

/// The codings that a client takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    /// Whether it takes gzip.
    pub gzip: bool,
    /// Whether it takes Brotli.
    pub brotli: bool,
}

impl Coding {
    /// Its name in `Content-Encoding`.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        match self {
            Self::Identity => None,
            Self::Gzip => Some("gzip"),
            Self::Brotli => Some("br"),
        }
    }

    /// `bytes` in this coding. Milliseconds of computing.
    ///
    /// # Errors
    /// Never, as long as there is memory.
    pub fn encode(self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            Self::Identity => Ok(bytes.to_vec()),
            Self::Gzip => {
                let mut writer =
                    flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(GZIP_LEVEL));
                writer.write_all(bytes)?;
                writer.finish()
            }
            Self::Brotli => {
                let mut coded = Vec::new();
                {
                    let mut writer = brotli::CompressorWriter::new(&mut coded, 4096, BROTLI_QUALITY, WINDOW);
                    writer.write_all(bytes)?;
                }
                Ok(coded)
            }
        }
    }
}

impl Accepted {
    /// Reads `Accept-Encoding`; a coding with the weight 0 is refused, `*` is any that is not named.
    #[must_use]
    pub fn read(header: &HeaderValue) -> Self {
        let Ok(list) = header.to_str() else { return Self::default() };
        let mut all = None;
        let (mut gzip, mut brotli) = (None, None);
        for item in list.split(',').take(20) {
            let mut parts = item.split(';').map(str::trim);
            let name = parts.next().unwrap_or_default();
            let is_taken = !parts.any(|part| {
                part.strip_prefix("q=")
                    .is_some_and(|weight| weight.parse::<f32>().is_ok_and(|weight| weight <= 0.0))
            });
            if name.eq_ignore_ascii_case("br") {
                brotli = Some(is_taken);
            } else if name.eq_ignore_ascii_case("gzip") || name.eq_ignore_ascii_case("x-gzip") {
                gzip = Some(is_taken);
            } else if name == "*" {
                all = Some(is_taken);
            }
        }
        let all = all.unwrap_or_default();
        Self { gzip: gzip.unwrap_or(all), brotli: brotli.unwrap_or(all) }
    }

    /// The one that is sent: the smallest.
    #[must_use]
    pub const fn best(self) -> Coding {
        match (self.brotli, self.gzip) {
            (true, _) => Coding::Brotli,
            (false, true) => Coding::Gzip,
            (false, false) => Coding::Identity,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn the_client_chooses() {
        for (header, expected) in [
            ("", Coding::Identity),
            ("gzip", Coding::Gzip),
            ("gzip, deflate, br, zstd", Coding::Brotli),
            ("br;q=0, gzip", Coding::Gzip),
            ("BR", Coding::Brotli),
            ("*", Coding::Brotli),
            ("*;q=0.1, br;q=0.000", Coding::Gzip),
            ("identity, deflate", Coding::Identity),
            ("gzip;q=0", Coding::Identity),
        ] {
            let header = HeaderValue::from_static(header);
            assert_eq!(Accepted::read(&header).best(), expected, "{header:?}");
        }
    }

    #[test]
    fn what_is_coded_can_be_read_again() {
        let text = "Toplumsal cinsiyet eşitliği politikaları. ".repeat(500);
        let gzip = Coding::Gzip.encode(text.as_bytes()).unwrap();
        let mut read = String::new();
        flate2::read::GzDecoder::new(&gzip[..]).read_to_string(&mut read).unwrap();
        assert_eq!(read, text);
        let coded = Coding::Brotli.encode(text.as_bytes()).unwrap();
        read.clear();
        brotli::Decompressor::new(&coded[..], 4096).read_to_string(&mut read).unwrap();
        assert_eq!(read, text);
        assert!(coded.len() < text.len() / 20 && gzip.len() < text.len() / 20);
    }
}
