//! The head of an HTTP/1 request, judged strictly.
//!
//! What two readers of one connection understand differently lets a client smuggle one request inside
//! another. So nothing is repaired here: what is not exactly as written in the RFC is refused.
//!
//! Source: RFC 9112, sections 2.2, 3, 5 and 6; RFC 9110, section 7.2.

use axum::http::{Method, Uri, uri::Authority};
use httparse::{EMPTY_HEADER, Status};
use memchr::memchr;

use crate::http::{Code, peer::Refused};

/// How many headers a request may have.
pub(super) const MAX_HEADERS: usize = 64;
/// How large a request's head may be, in bytes.
pub(super) const MAX_HEAD_BYTES: usize = 32 * 1024;
/// How large one usually is, in bytes.
const USUAL_HEAD_BYTES: usize = 512;
/// How long an address may be, in bytes.
const MAX_TARGET_BYTES: usize = 8 * 1024;
/// How long the rest of the first line may be: method, version, spaces.
const MAX_METHOD_BYTES: usize = 64;

const TARGET_TOO_LONG: Refused = Refused { code: Code::UriTooLong, detail: "an address may have 8 KiB" };
const TOO_MANY: Refused = Refused { code: Code::HeadersTooLarge, detail: "a request may have 64 headers" };
const TOO_LARGE: Refused =
    Refused { code: Code::HeadersTooLarge, detail: "the head of a request may have 32 KiB" };

/// 400, because of `detail`.
pub(super) const fn malformed(detail: &'static str) -> Refused {
    Refused { code: Code::MalformedRequest, detail }
}

/// How the body that follows a head ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Length {
    /// After so many bytes.
    Bytes(u64),
    /// With a last chunk.
    Chunked,
}

/// A head as far as it has arrived.
#[derive(Debug, Default)]
pub(super) struct Head {
    bytes: Vec<u8>,
    line_start: usize,
    lines: usize,
    has_skipped: bool,
}

impl Head {
    /// What has arrived.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether anything has arrived.
    pub fn has_begun(&self) -> bool {
        self.has_skipped || !self.bytes.is_empty()
    }

    /// Takes the next byte; says whether the head ends with it.
    fn push(&mut self, byte: u8) -> Result<bool, Refused> {
        let follows_cr = self.bytes.last() == Some(&b'\r');
        if (byte == b'\n') != follows_cr {
            return Err(malformed("every line of the head ends with CR LF, and neither stands alone"));
        }
        if byte.is_ascii_control() && !matches!(byte, b'\r' | b'\n' | b'\t') {
            return Err(malformed("the head contains a control character"));
        }
        self.bytes.push(byte);
        self.check_size()?;
        if byte == b'\n' { self.end_line() } else { Ok(false) }
    }

    /// Takes what has arrived, up to the end of the head; says how much that was, and whether it ended.
    pub fn take(&mut self, bytes: &[u8]) -> Result<(usize, bool), Refused> {
        let mut taken = 0;
        while let Some(rest) = bytes.get(taken..).filter(|rest| !rest.is_empty()) {
            let line = memchr(b'\r', rest).map_or(rest, |end| &rest[..end]);
            let is_odd = |byte: &u8| byte.is_ascii_control() && *byte != b'\t';
            // Without a branch, so that many bytes are looked at together.
            let has_odd = line.iter().fold(false, |odd, byte| odd | is_odd(byte));
            if line.is_empty() || has_odd || self.bytes.last() == Some(&b'\r') {
                taken += 1;
                if self.push(rest[0])? {
                    return Ok((taken, true));
                }
                continue;
            }
            if self.bytes.capacity() == 0 {
                self.bytes.reserve(USUAL_HEAD_BYTES.max(line.len()));
            }
            self.bytes.extend_from_slice(line);
            self.check_size()?;
            taken += line.len();
        }
        Ok((taken, false))
    }

    fn check_size(&self) -> Result<(), Refused> {
        if self.lines == 0 && self.bytes.len() > MAX_TARGET_BYTES + MAX_METHOD_BYTES {
            return Err(TARGET_TOO_LONG);
        }
        if self.bytes.len() > MAX_HEAD_BYTES { Err(TOO_LARGE) } else { Ok(()) }
    }

    /// The head, when it has ended.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    fn end_line(&mut self) -> Result<bool, Refused> {
        let is_empty = self.bytes.len() - self.line_start == 2;
        if is_empty && self.lines > 0 {
            return Ok(true);
        }
        if is_empty {
            // One empty line before a request is to be ignored.
            if std::mem::replace(&mut self.has_skipped, true) {
                return Err(malformed("there are empty lines before the request"));
            }
            self.bytes.clear();
            return Ok(false);
        }
        self.lines += 1;
        self.line_start = self.bytes.len();
        if self.lines > MAX_HEADERS + 1 { Err(TOO_MANY) } else { Ok(false) }
    }

    /// Judges a head that has ended.
    pub fn check(&self) -> Result<Length, Refused> {
        let mut headers = [EMPTY_HEADER; MAX_HEADERS];
        let mut request = httparse::Request::new(&mut headers);
        let parsed = request.parse(&self.bytes);
        if parsed != Ok(Status::Complete(self.bytes.len())) || request.headers.len() + 1 != self.lines {
            return Err(malformed("the head is not that of an HTTP/1.1 request"));
        }
        check_first_line(&request)?;
        check_host(&request)?;
        length(&request)
    }
}

fn check_first_line(request: &httparse::Request) -> Result<(), Refused> {
    let target = request.path.unwrap_or_default();
    if target.len() > MAX_TARGET_BYTES {
        return Err(TARGET_TOO_LONG);
    }
    let method = request.method.unwrap_or_default();
    if Method::from_bytes(method.as_bytes()).is_err() || !is_target(target, method) {
        return Err(malformed("the address is not that of an HTTP/1.1 request"));
    }
    Ok(())
}

/// Whether `target` has one of the four forms, and the one for its method.
fn is_target(target: &str, method: &str) -> bool {
    let has_form = match method {
        "CONNECT" => is_host(target.as_bytes()),
        "OPTIONS" if target == "*" => true,
        _ => ["/", "http://", "https://"].iter().any(|start| target.starts_with(start)),
    };
    // A path of nothing but what URIs are made of needs no parser (RFC 3986, appendix A).
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?%".contains(&byte);
    if target.starts_with('/') && has_form && target.bytes().all(is_plain) {
        return true;
    }
    // What follows a `#` is for the client alone, and the parser would drop it.
    has_form && target.is_ascii() && !target.contains('#') && target.parse::<Uri>().is_ok()
}

fn check_host(request: &httparse::Request) -> Result<(), Refused> {
    let mut hosts = values(request, "host");
    match (hosts.next(), hosts.next()) {
        (None, _) if request.version == Some(0) => Ok(()),
        (Some(host), None) if is_host(host) => Ok(()),
        _ => Err(malformed("a request has one `Host`, with a name and perhaps a port")),
    }
}

fn is_host(value: &[u8]) -> bool {
    !value.contains(&b'@') && Authority::try_from(value).is_ok_and(|host| !host.host().is_empty())
}

fn length(request: &httparse::Request) -> Result<Length, Refused> {
    let mut lengths = values(request, "content-length");
    let mut encodings = values(request, "transfer-encoding");
    match (lengths.next(), lengths.next(), encodings.next(), encodings.next()) {
        (None, _, None, _) => Ok(Length::Bytes(0)),
        (Some(digits), None, None, _) => {
            let refused = || malformed("`Content-Length` is a number");
            bytes(digits).map(Length::Bytes).ok_or_else(refused)
        }
        (None, _, Some(encoding), None)
            if request.version == Some(1) && encoding.eq_ignore_ascii_case(b"chunked") =>
        {
            Ok(Length::Chunked)
        }
        _ => Err(malformed("a body has one `Content-Length`, or `Transfer-Encoding: chunked` and no other")),
    }
}

/// A number of bytes that hyper takes too: it keeps the largest ones for itself.
fn bytes(digits: &[u8]) -> Option<u64> {
    let are_digits = !digits.is_empty() && digits.len() <= 18 && digits.iter().all(u8::is_ascii_digit);
    are_digits.then(|| digits.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0')))
}

fn values<'a>(request: &'a httparse::Request, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
    request
        .headers
        .iter()
        .filter(move |header| header.name.eq_ignore_ascii_case(name))
        .map(|header| header.value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(text: &str) -> Result<Length, Code> {
        let mut head = Head::default();
        for byte in text.bytes() {
            if head.push(byte).map_err(|refused| refused.code)? {
                return head.check().map_err(|refused| refused.code);
            }
        }
        panic!("{text:?} does not end");
    }

    #[test]
    fn good_heads_tell_how_the_body_ends() {
        for (head, length) in [
            ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", Length::Bytes(0)),
            ("\r\nGET /?q=%C5%9F HTTP/1.1\r\nhost:a:80\r\nX-Text: ş\t\r\n\r\n", Length::Bytes(0)),
            ("OPTIONS * HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", Length::Bytes(0)),
            ("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", Length::Bytes(0)),
            ("GET http://a/b HTTP/1.1\r\nHost: a\r\n\r\n", Length::Bytes(0)),
            ("GET / HTTP/1.0\r\n\r\n", Length::Bytes(0)),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0012 \r\n\r\n", Length::Bytes(12)),
            ("POST / HTTP/1.1\r\nHost: a\r\ntransfer-encoding: Chunked\r\n\r\n", Length::Chunked),
        ] {
            assert_eq!(judge(head), Ok(length), "{head:?}");
        }
    }

    #[test]
    fn a_head_that_breaks_a_rule_is_refused() {
        for lines in [
            "X: y",
            "Host: a\r\nHost: a",
            "Host: a\r\nhost: b",
            "Host:",
            "Host: a b",
            "Host: user@a",
            "Host: a/b",
            "Host: a\r\n folded",
            "Host : a",
            "Host: a\r\nX\t: y",
            "Host: a\r\n: y",
            "Host: a\r\nX y",
            "Host: a\r\nX: \u{7f}",
            "Host: a\r\nX: \0",
            "Host: a\r\nContent-Length: ",
            "Host: a\r\nContent-Length: +1",
            "Host: a\r\nContent-Length: 1, 1",
            "Host: a\r\nContent-Length: 0x1",
            "Host: a\r\nContent-Length: 99999999999999999999",
            "Host: a\r\nContent-Length: 1\r\nContent-Length: 1",
            "Host: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked",
            "Host: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 1",
            "Host: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
            "Host: a\r\nTransfer-Encoding: gzip, chunked",
            "Host: a\r\nTransfer-Encoding: chunked;q=1",
            "Host: a\r\nTransfer-Encoding: identity",
            "Host: a\r\nTransfer-Encoding:",
        ] {
            let head = format!("POST / HTTP/1.1\r\n{lines}\r\n\r\n");
            assert_eq!(judge(&head), Err(Code::MalformedRequest), "{head:?}");
        }
        for head in [
            "GET / HTTP/1.1\nHost: a\n\n",
            "GET / HTTP/1.1\r\nHost: a\n\r\n",
            "GET / HTTP/1.1\r\nX: a\rb\r\nHost: a\r\n\r\n",
            "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            " GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
            "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET a HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET a:80 HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET * HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
            "CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET /ş HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET /\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.2\r\nHost: a\r\n\r\n",
            "GET / HTTP/2.0\r\nHost: a\r\n\r\n",
            "GET / http/1.1\r\nHost: a\r\n\r\n",
            "G(T / HTTP/1.1\r\nHost: a\r\n\r\n",
            "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
            "\u{16}\u{3}\u{1}",
        ] {
            assert_eq!(judge(head), Err(Code::MalformedRequest), "{head:?}");
        }
    }

    #[test]
    fn it_does_not_matter_how_a_head_is_cut() {
        for text in [
            "GET /v1/topics?a=b HTTP/1.1\r\nHost: a\r\nX:\tb\r\n\r\nGET /",
            "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "\r\n\r\nGET / HTTP/1.1",
            "GET / HTTP/1.1\rHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\rHost: a\r\n\r\n",
            "GET / HTTP/1.1\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\u{1}\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: \u{7f}",
        ] {
            let by_byte = |head: &mut Head| -> Result<(usize, bool), Refused> {
                for (index, byte) in text.bytes().enumerate() {
                    if head.push(byte)? {
                        return Ok((index + 1, true));
                    }
                }
                Ok((text.len(), false))
            };
            let mut expected = Head::default();
            let wanted = by_byte(&mut expected).map_err(|refused| refused.detail);
            for cut in 0..text.len() {
                let mut head = Head::default();
                let (first, rest) = text.as_bytes().split_at(cut);
                let found = head.take(first).and_then(|(taken, ended)| {
                    if ended {
                        Ok((taken, true))
                    } else {
                        head.take(rest).map(|(more, ended)| (taken + more, ended))
                    }
                });
                assert_eq!(found.map_err(|refused| refused.detail), wanted, "{text:?} cut at {cut}");
                assert_eq!(head.bytes(), expected.bytes(), "{text:?} cut at {cut}");
            }
        }
    }

    #[test]
    fn a_head_has_a_size() {
        let with = |lines: &str| format!("GET / HTTP/1.1\r\nHost: a\r\n{lines}\r\n");
        assert!(judge(&with(&"X: y\r\n".repeat(63))).is_ok());
        assert_eq!(judge(&with(&"X: y\r\n".repeat(64))), Err(Code::HeadersTooLarge));
        assert!(judge(&with(&format!("X: {}\r\n", "y".repeat(32_700)))).is_ok());
        assert_eq!(judge(&with(&format!("X: {}\r\n", "y".repeat(32_800)))), Err(Code::HeadersTooLarge));
        let target = |length: usize| format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(length - 1));
        assert!(judge(&target(8192)).is_ok());
        assert_eq!(judge(&target(8193)), Err(Code::UriTooLong));
        assert_eq!(judge(&target(40_000)), Err(Code::UriTooLong));
    }
}
