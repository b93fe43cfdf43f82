//! The other end of a connection.

/// The address at the other end of the connection, as a request extension.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub std::net::SocketAddr);
