//! Where a chunked body ends.
//!
//! Source: RFC 9112, section 7.1. Chunk extensions mean nothing to us and are refused.

/// How many digits the size of a chunk may have.
const MAX_DIGITS: usize = 8;
/// How large all trailers may be, in bytes.
const MAX_TRAILER_BYTES: usize = 4 * 1024;

/// How far a chunked body has arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chunks {
    Size { digits: usize, size: u64 },
    SizeEnd(u64),
    Data(u64),
    DataEnd,
    DataLineEnd,
    Trailer { line: usize, all: usize },
    TrailerEnd { line: usize, all: usize },
    Ended,
    Broken,
}

impl Chunks {
    pub const NEW: Self = Self::Size { digits: 0, size: 0 };

    /// Says how many of the `bytes` still are of this body, and in order.
    pub fn take(&mut self, bytes: &[u8]) -> usize {
        let mut taken = 0;
        while let Some(byte) = bytes.get(taken) {
            if let Self::Data(left) = self {
                let here = (bytes.len() - taken).min(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= here as u64;
                taken += here;
                if *left == 0 {
                    *self = Self::DataEnd;
                }
                continue;
            }
            *self = self.after(*byte);
            if *self == Self::Broken {
                break;
            }
            taken += 1;
            if *self == Self::Ended {
                break;
            }
        }
        taken
    }

    fn after(self, byte: u8) -> Self {
        match (self, byte) {
            (Self::Size { digits, size }, _) if byte.is_ascii_hexdigit() && digits < MAX_DIGITS => {
                let digit = char::from(byte).to_digit(16).unwrap_or_default();
                Self::Size { digits: digits + 1, size: size * 16 + u64::from(digit) }
            }
            (Self::Size { digits: 1.., size }, b'\r') => Self::SizeEnd(size),
            (Self::SizeEnd(0), b'\n') => Self::Trailer { line: 0, all: 0 },
            (Self::SizeEnd(size), b'\n') => Self::Data(size),
            (Self::DataEnd, b'\r') => Self::DataLineEnd,
            (Self::DataLineEnd, b'\n') => Self::NEW,
            (Self::Trailer { line, all }, b'\r') => Self::TrailerEnd { line, all },
            (Self::Trailer { line, all }, _)
                if all < MAX_TRAILER_BYTES && (byte == b'\t' || !byte.is_ascii_control()) =>
            {
                Self::Trailer { line: line + 1, all: all + 1 }
            }
            (Self::TrailerEnd { line: 0, .. }, b'\n') => Self::Ended,
            // The line's end counts too: else there could be lines without number.
            (Self::TrailerEnd { all, .. }, b'\n') => Self::Trailer { line: 0, all: all + 2 },
            _ => Self::Broken,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (usize, Chunks) {
        let mut chunks = Chunks::NEW;
        let taken = chunks.take(text.as_bytes());
        let mut single = Chunks::NEW;
        let mut one_by_one = 0;
        while one_by_one < text.len() && single.take(&text.as_bytes()[one_by_one..=one_by_one]) == 1 {
            one_by_one += 1;
            if single == Chunks::Ended {
                break;
            }
        }
        assert_eq!((taken, chunks), (one_by_one, single), "{text:?}");
        (taken, chunks)
    }

    #[test]
    fn a_good_body_ends_where_it_ends() {
        for body in [
            "0\r\n\r\n",
            "5\r\nhello\r\n0\r\n\r\n",
            "0000000A\r\n0\r\n\r\nGET /\r\n0\r\nA: b\r\nC: d\r\n\r\n",
        ] {
            assert_eq!(read(&format!("{body}GET / HTTP/1.1\r\n")), (body.len(), Chunks::Ended));
        }
    }

    #[test]
    fn nothing_passes_from_where_a_body_breaks() {
        for (good, rest) in [
            ("", "\r\n"),
            ("", "x\r\n"),
            ("", "-1\r\n"),
            ("", " 5\r\n"),
            ("5", " \r\n"),
            ("5", ";a=b\r\n"),
            ("5", "\nhello"),
            ("5\r", "\rhello"),
            ("0", "x5\r\n"),
            ("00000000", "5\r\n"),
            ("5\r\nhello", "x\r\n"),
            ("5\r\nhello", "\n0\r\n\r\n"),
            ("5\r\nhello\r", "0"),
            ("0\r\nA: b", "\nC: d\r\n\r\n"),
            ("0\r\nA: ", "\0\r\n\r\n"),
            ("0\r\n\r", "x"),
        ] {
            assert_eq!(read(&format!("{good}{rest}")), (good.len(), Chunks::Broken), "{good:?} {rest:?}");
        }
        assert_eq!(read(&format!("0\r\n{}", "A: b\r\n".repeat(800))).1, Chunks::Broken);
    }
}
