//! What the connection knows of a request, left in its extensions.

use std::net::SocketAddr;

use super::{Code, Error};

/// Who is at the other end of the connection; a proxy when there is one. IPv4 is always written as
/// such, never mapped into IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// The request's head broke the rules of HTTP/1: this stands in for it, and the connection ends with
/// the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// How it is refused.
    pub code: Code,
    /// What the client reads.
    pub detail: &'static str,
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        Self::Problem(refused.code, refused.detail.to_owned())
    }
}
