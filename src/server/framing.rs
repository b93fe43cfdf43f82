//! Where one HTTP/1 request ends and the next begins.
//!
//! hyper is lenient about heads, and its service does not see what was odd. So the bytes pass through
//! here first: a head is held back until it is complete and found good, a body is followed to its end.
//! For a bad head, one of ours is passed on; the service answers it in turn, and the connection ends.

use super::{
    chunks::Chunks,
    head::{Head, Length, malformed},
};
use crate::http::peer::Refused;

/// What stands in for a refused head. The method is none of HTTP's, so that nothing else answers it.
const STAND_IN: &[u8] = b"REFUSED / HTTP/1.1\r\nHost: refused\r\nConnection: close\r\n\r\n";
/// What an HTTP/2 client that asks for nothing else sends first. Source: RFC 9113, section 3.4.
const HTTP2_HEAD: &[u8] = b"PRI * HTTP/2.0\r\n\r\n";
const HTTP2_REST: &[u8] = b"SM\r\n\r\n";

/// What a connection is in the midst of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// A head, or waiting for the first one.
    Head,
    /// Nothing: the next head may come.
    Between,
    /// A body.
    Body,
    /// HTTP/2, which has a framing of its own.
    Http2,
    /// A head was refused: nothing is read any more.
    Refused,
    /// A body broke a rule: for the service, the client's part ends here.
    Broken,
}

#[derive(Debug)]
enum State {
    Head(Head),
    Body(u64),
    Chunks(Chunks),
    /// So many bytes of what follows an HTTP/2 head have arrived.
    Preface(usize),
    Http2,
    Refused(Refused),
    Broken,
}

/// The bytes of one connection, on their way in.
#[derive(Debug)]
pub(super) struct Framing {
    state: State,
    ready: Vec<u8>,
    passed: usize,
    heads: u64,
}

impl Framing {
    pub fn new() -> Self {
        Self { state: State::Head(Head::default()), ready: Vec::new(), passed: 0, heads: 0 }
    }

    /// What the connection is in the midst of.
    pub fn stage(&self) -> Stage {
        match &self.state {
            State::Head(head) if self.heads > 0 && !head.has_begun() => Stage::Between,
            State::Head(_) | State::Preface(_) => Stage::Head,
            State::Body(_) | State::Chunks(_) => Stage::Body,
            State::Http2 => Stage::Http2,
            State::Refused(_) => Stage::Refused,
            State::Broken => Stage::Broken,
        }
    }

    /// How many heads have passed, the stand-in included.
    pub fn heads(&self) -> u64 {
        self.heads
    }

    /// Why the last head was a stand-in, if it was.
    pub fn refused(&self) -> Option<Refused> {
        if let State::Refused(refused) = self.state { Some(refused) } else { None }
    }

    /// What may pass now.
    pub fn ready(&self) -> &[u8] {
        &self.ready[self.passed..]
    }

    /// Notes that so many bytes of [`Framing::ready`] have passed.
    pub fn pass(&mut self, count: usize) {
        self.passed += count;
        if self.passed >= self.ready.len() {
            // An idle connection keeps no memory here.
            self.ready = Vec::new();
            self.passed = 0;
        }
    }

    /// Takes what has arrived. As long as it is called only when nothing is ready, no more is kept
    /// than one head and `bytes`.
    pub fn feed(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let taken = match &mut self.state {
                State::Head(_) => self.feed_head(bytes),
                State::Body(left) => {
                    let taken = bytes.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                    *left -= taken as u64;
                    let has_ended = *left == 0;
                    self.ready.extend_from_slice(&bytes[..taken]);
                    if has_ended {
                        self.state = State::Head(Head::default());
                    }
                    taken
                }
                State::Chunks(chunks) => {
                    let taken = chunks.take(bytes);
                    let chunks = *chunks;
                    self.ready.extend_from_slice(&bytes[..taken]);
                    match chunks {
                        Chunks::Ended => self.state = State::Head(Head::default()),
                        Chunks::Broken => self.state = State::Broken,
                        _ => {}
                    }
                    taken
                }
                State::Preface(seen) => {
                    if HTTP2_REST.get(*seen) == bytes.first() {
                        *seen += 1;
                        if *seen == HTTP2_REST.len() {
                            self.ready.extend_from_slice(HTTP2_HEAD);
                            self.ready.extend_from_slice(HTTP2_REST);
                            self.state = State::Http2;
                        }
                    } else {
                        self.refuse(malformed("an HTTP/2 connection begins otherwise"));
                    }
                    1
                }
                State::Http2 => {
                    self.ready.extend_from_slice(bytes);
                    bytes.len()
                }
                State::Refused(_) | State::Broken => return,
            };
            bytes = &bytes[taken..];
        }
    }

    fn feed_head(&mut self, bytes: &[u8]) -> usize {
        let State::Head(head) = &mut self.state else { return 0 };
        let taken = match head.take(bytes) {
            Ok((taken, false)) => return taken,
            Ok((taken, true)) => taken,
            Err(refused) => {
                self.refuse(refused);
                // Nothing is read any more.
                return bytes.len();
            }
        };
        if self.heads == 0 && head.bytes() == HTTP2_HEAD {
            self.state = State::Preface(0);
            return taken;
        }
        match head.check() {
            Ok(length) => {
                let bytes = std::mem::take(head).into_bytes();
                if self.ready.is_empty() {
                    self.ready = bytes;
                } else {
                    self.ready.extend_from_slice(&bytes);
                }
                self.heads += 1;
                self.state = match length {
                    Length::Bytes(0) => State::Head(Head::default()),
                    Length::Bytes(count) => State::Body(count),
                    Length::Chunked => State::Chunks(Chunks::NEW),
                };
            }
            Err(refused) => self.refuse(refused),
        }
        taken
    }

    fn refuse(&mut self, refused: Refused) {
        self.ready.extend_from_slice(STAND_IN);
        self.heads += 1;
        self.state = State::Refused(refused);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Code;

    /// What passes, and what remains, when `text` arrives in the pieces given.
    fn passed<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<u8>, Stage, u64) {
        let mut framing = Framing::new();
        let mut passed = Vec::new();
        for piece in pieces {
            framing.feed(piece);
            passed.extend_from_slice(framing.ready());
            framing.pass(framing.ready().len());
        }
        (passed, framing.stage(), framing.heads())
    }

    /// Numbers that look random, and are the same every time.
    fn numbers(mut seed: u64) -> impl FnMut(usize) -> usize {
        move |below| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            usize::try_from(seed % below as u64).unwrap()
        }
    }

    const GET: &str = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n";
    const POST: &str = "POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nGET /";
    const CHUNKED: &str =
        "PUT /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nT: u\r\n\r\n";
    const BAD: &str = "GET /d HTTP/1.1\r\n\r\n";

    #[test]
    fn requests_pass_unchanged_however_they_are_cut() {
        let stand_in = std::str::from_utf8(STAND_IN).unwrap();
        for (sent, expected, stage, heads) in [
            (GET.to_owned(), GET.to_owned(), Stage::Between, 1),
            (format!("{POST}{CHUNKED}{GET}"), format!("{POST}{CHUNKED}{GET}"), Stage::Between, 3),
            (format!("{POST}\r\n{GET}"), format!("{POST}{GET}"), Stage::Between, 2),
            (format!("{GET}{BAD}{GET}"), format!("{GET}{stand_in}"), Stage::Refused, 2),
            (format!("{CHUNKED}GET /"), CHUNKED.to_owned(), Stage::Head, 1),
            (
                POST.strip_suffix('/').unwrap().to_owned(),
                POST.strip_suffix('/').unwrap().to_owned(),
                Stage::Body,
                1,
            ),
        ] {
            let sent = sent.as_bytes();
            let expected = (expected.into_bytes(), stage, heads);
            for cut in 0..=sent.len() {
                assert_eq!(passed([&sent[..cut], &sent[cut..]]), expected, "cut at {cut}");
            }
            assert_eq!(passed(sent.chunks(1)), expected);
            let mut below = numbers(42);
            for _ in 0..200 {
                let mut pieces = Vec::new();
                let mut rest = sent;
                while !rest.is_empty() {
                    let (piece, after) = rest.split_at(1 + below(rest.len()));
                    pieces.push(piece);
                    rest = after;
                }
                assert_eq!(passed(pieces), expected);
            }
        }
    }

    #[test]
    fn a_broken_body_ends_the_stream_where_it_breaks() {
        let head = CHUNKED.split_inclusive("\r\n\r\n").next().unwrap();
        let sent = format!("{head}5\r\nhelloGET / HTTP/1.1\r\nHost: a\r\n\r\n");
        let expected = (format!("{head}5\r\nhello").into_bytes(), Stage::Broken, 1);
        assert_eq!(passed([sent.as_bytes()]), expected);
        assert_eq!(passed(sent.as_bytes().chunks(1)), expected);
    }

    #[test]
    fn http2_passes_as_it_is_when_it_comes_first() {
        let sent = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
        assert_eq!(passed([&sent[..]]), (sent.to_vec(), Stage::Http2, 0));
        assert_eq!(passed(sent.chunks(1)), (sent.to_vec(), Stage::Http2, 0));
        for bad in [&b"PRI * HTTP/2.0\r\n\r\nGET / HTTP/1.1"[..], &[GET.as_bytes(), sent].concat()] {
            assert_eq!(passed([bad]).1, Stage::Refused);
        }
    }

    #[test]
    fn garbage_never_panics_and_never_piles_up() {
        let mut below = numbers(7);
        let pieces =
            [GET, POST, CHUNKED, BAD, "\r\n", "5\r\n", ": ", "\0", "Host: a\r\n", "PRI * HTTP/2.0\r\n\r\n"];
        for _ in 0..2000 {
            let mut framing = Framing::new();
            for _ in 0..below(40) {
                let mut piece = pieces[below(pieces.len())].as_bytes().to_vec();
                for _ in 0..below(3) {
                    let at = below(piece.len());
                    piece[at] = u8::try_from(below(256)).unwrap();
                }
                framing.feed(&piece);
                assert!(framing.ready().len() <= 64 * 1024);
                framing.pass(below(framing.ready().len() + 1));
            }
        }
    }

    #[test]
    fn why_a_head_is_refused_is_kept() {
        let mut framing = Framing::new();
        framing.feed(GET.as_bytes());
        assert_eq!(framing.refused(), None);
        framing.feed(BAD.as_bytes());
        assert_eq!(framing.refused().map(|refused| refused.code), Some(Code::MalformedRequest));
    }
}
