//! What one process and one client may use up.

use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// File descriptors kept for the database, files and whatever else is not a connection.
const OTHER_FILES: u64 = 128;

/// The numbers of the server (SECURITY.md I-03, I-04, I-08, R-06).
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections of the whole process.
    pub connections: usize,
    /// How many of `connections` only trusted peers get, so that health checks enter during a flood.
    pub reserved: usize,
    /// Connections of one client: an IPv4 address or an IPv6 /64. Trusted peers are exempt.
    pub per_client: usize,
    /// How long a request's head may take, from its first byte; for the first one, from the connection.
    pub head: Duration,
    /// How long a connection may stay open with nothing under way.
    pub idle: Duration,
    /// How old an HTTP/2 connection may become before the client is asked to open another. An HTTP/1
    /// client could be sending when it is told, so its connection may live on.
    pub http2_age: Duration,
    /// While a client does not take its answer as fast as it is sent, it must take `write_bytes` in
    /// this time.
    pub write_window: Duration,
    /// See `write_window`.
    pub write_bytes: usize,
    /// How long we wait for the client's end of a connection after ours: until then what it still
    /// sends is thrown away, because a reset could overtake the answer.
    pub linger: Duration,
    /// How long requests under way may take to finish when the connection, or the service, must end.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4096,
            reserved: 64,
            per_client: 512,
            head: Duration::from_secs(10),
            idle: Duration::from_mins(1),
            http2_age: Duration::from_mins(10),
            write_window: Duration::from_secs(30),
            write_bytes: 64 * 1024,
            linger: Duration::from_secs(5),
            drain: Duration::from_secs(25),
        }
    }
}

impl Limits {
    /// The defaults, with no more connections than the process may have files open. Raises its limit
    /// on open files as far as that needs and the system permits.
    #[must_use]
    pub fn of_this_process() -> Self {
        let mut limits = Self::default();
        let files = raise_open_files(limits.connections as u64 + OTHER_FILES);
        limits.fit(files);
        if limits.connections < Self::default().connections {
            tracing::warn!(
                files,
                connections = limits.connections,
                "few files may be open: raise `ulimit -n`"
            );
        }
        limits
    }

    /// Those of the second listener: its few clients are machines of ours.
    #[must_use]
    pub fn for_watchers() -> Self {
        Self { connections: 32, reserved: 8, per_client: 16, ..Self::default() }
    }

    /// Leaves `OTHER_FILES` of `files`, or three quarters where there are very few.
    fn fit(&mut self, files: u64) {
        let fitting = files.saturating_sub(OTHER_FILES).max(files / 4).max(1);
        self.connections = self.connections.min(usize::try_from(fitting).unwrap_or(usize::MAX));
        self.reserved = self.reserved.min(self.connections / 4);
    }
}

/// Raises the soft limit on open files to `wanted`, or to the hard limit; says what it then is.
fn raise_open_files(wanted: u64) -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let current = current.unwrap_or(u64::MAX);
    let reachable = wanted.min(maximum.unwrap_or(u64::MAX));
    let raised = Rlimit { current: Some(reachable), maximum };
    if reachable > current && setrlimit(Resource::Nofile, raised).is_ok() { reachable } else { current }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_fit_into_the_open_files() {
        for (files, connections, reserved) in
            [(u64::MAX, 4096, 64), (4224, 4096, 64), (1024, 896, 64), (256, 128, 32), (128, 32, 8), (2, 1, 0)]
        {
            let mut limits = Limits::default();
            limits.fit(files);
            assert_eq!((limits.connections, limits.reserved), (connections, reserved), "{files} files");
        }
    }
}
