//! Whether a connection still lives: what is under way on it, and until when it may be.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::{
    Limits,
    framing::{Framing, Stage},
};
use crate::http::peer::Refused;

/// From how many bytes on a write shows that something is under way: a `PING` is not enough.
const TELLING_BYTES: usize = 1024;

/// What happens on one connection. Its wire and its requests report here, its task asks.
pub(super) struct Pulse {
    limits: Limits,
    state: Mutex<State>,
}

/// What is to be done with a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing, before then.
    Wait(Instant),
    /// Let what is under way finish, and end it.
    Leave,
    /// End it now.
    Cut,
}

struct State {
    opened: Instant,
    touched: Instant,
    stage: Stage,
    head_since: Instant,
    heads: u64,
    refused: Option<Refused>,
    /// Requests so far, and those whose answer is not made yet.
    called: u64,
    busy: usize,
    output: Option<Output>,
    leaving: Option<Instant>,
    is_overdue: bool,
}

/// Output that could not be written at once.
struct Output {
    since: Instant,
    bytes: usize,
    is_blocked: bool,
}

/// A request whose answer is not made yet.
pub(super) struct Busy(Arc<Pulse>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.finish(Instant::now());
    }
}

impl Pulse {
    /// A connection that is opened `now`.
    pub fn new(limits: Limits, now: Instant) -> Arc<Self> {
        let state = State {
            opened: now,
            touched: now,
            stage: Stage::Head,
            head_since: now,
            heads: 0,
            refused: None,
            called: 0,
            busy: 0,
            output: None,
            leaving: None,
            is_overdue: false,
        };
        Arc::new(Self { limits, state: Mutex::new(state) })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Bytes arrived, and `framing` has seen them.
    pub fn read(&self, framing: &Framing, now: Instant) {
        let (stage, heads) = (framing.stage(), framing.heads());
        let mut state = self.state();
        if stage == Stage::Head && (state.stage != Stage::Head || state.heads != heads) {
            state.head_since = now;
        }
        if stage == Stage::Http2 && state.stage != Stage::Http2 {
            state.touched = now;
        }
        if matches!(stage, Stage::Refused | Stage::Broken) {
            state.refused = framing.refused();
            state.leaving.get_or_insert(now);
        }
        state.stage = stage;
        state.heads = heads;
    }

    /// So many bytes of output were written.
    pub fn wrote(&self, bytes: usize, now: Instant) {
        let mut state = self.state();
        if bytes >= TELLING_BYTES {
            state.touched = now;
        }
        if let Some(output) = &mut state.output {
            output.bytes += bytes;
            output.is_blocked = false;
            if output.bytes >= self.limits.write_bytes {
                state.output = None;
            }
        }
    }

    /// Output could not be written: the client does not take it.
    pub fn block(&self, now: Instant) {
        let mut state = self.state();
        let output = || Output { since: now, bytes: 0, is_blocked: true };
        state.output.get_or_insert_with(output).is_blocked = true;
    }

    /// A request is there. Says so until it is dropped, and why the request is refused, if it is.
    pub fn begin(self: &Arc<Self>, now: Instant) -> (Busy, Option<Refused>) {
        let mut state = self.state();
        state.called += 1;
        state.busy += 1;
        state.touched = now;
        // The refused head is the last one.
        let refused = state.refused.filter(|_| state.called == state.heads);
        drop(state);
        (Busy(Arc::clone(self)), refused)
    }

    fn finish(&self, now: Instant) {
        let mut state = self.state();
        state.busy -= 1;
        state.touched = now;
    }

    /// Whether the request now answered has not wholly arrived, so that no other can follow it.
    pub fn is_cut_short(&self) -> bool {
        let state = self.state();
        matches!(state.stage, Stage::Body | Stage::Refused | Stage::Broken) && state.called == state.heads
    }

    /// Whether the client has had its time, so that no more consideration is due.
    pub fn is_overdue(&self) -> bool {
        self.state().is_overdue
    }

    /// What is to be done `now`.
    pub fn verdict(&self, now: Instant) -> Verdict {
        let mut state = self.state();
        let mut next = now + self.limits.idle;
        if let Some(output) = &state.output {
            let due = output.since + self.limits.write_window;
            if now < due {
                next = next.min(due);
            } else if output.is_blocked {
                state.is_overdue = true;
                return Verdict::Cut;
            } else {
                state.output = None;
            }
        }
        let Some((due, verdict)) = state.due(&self.limits) else { return Verdict::Wait(next) };
        if now < due {
            return Verdict::Wait(next.min(due));
        }
        state.is_overdue = true;
        if verdict == Verdict::Leave {
            state.leaving = Some(now);
        }
        verdict
    }
}

impl State {
    /// What is due next, and when.
    fn due(&self, limits: &Limits) -> Option<(Instant, Verdict)> {
        if let Some(leaving) = self.leaving {
            let drained = leaving + limits.drain;
            // Once nothing is under way: time to send the last bytes, and to linger.
            let ended = leaving.max(self.touched) + limits.linger * 2;
            return Some((if self.busy == 0 { drained.min(ended) } else { drained }, Verdict::Cut));
        }
        let quiet = match self.stage {
            _ if self.busy > 0 => None,
            Stage::Head => Some(self.head_since.max(self.touched) + limits.head),
            _ => Some(self.touched + limits.idle),
        };
        let aged = (self.stage == Stage::Http2).then(|| self.opened + limits.http2_age);
        let due = quiet.into_iter().chain(aged).min()?;
        Some((due, Verdict::Leave))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

    /// A connection whose time is told by the test, in seconds since it was opened.
    struct Watched {
        pulse: Arc<Pulse>,
        framing: Framing,
        opened: Instant,
    }

    impl Watched {
        fn new() -> Self {
            let opened = Instant::now();
            Self { pulse: Pulse::new(Limits::default(), opened), framing: Framing::new(), opened }
        }

        fn at(&self, second: u64) -> Instant {
            self.opened + Duration::from_secs(second)
        }

        fn read(&mut self, second: u64, bytes: &[u8]) {
            self.framing.feed(bytes);
            self.framing.pass(self.framing.ready().len());
            self.pulse.read(&self.framing, self.at(second));
        }

        /// A request that is answered after `took` seconds.
        fn answer(&self, second: u64, took: u64) -> Option<Refused> {
            let (busy, refused) = self.pulse.begin(self.at(second));
            std::mem::forget(busy);
            self.pulse.finish(self.at(second + took));
            refused
        }

        /// At which second something must be done, and what, when nothing happens any more.
        fn ends(&self, mut second: u64) -> (u64, Verdict) {
            loop {
                match self.pulse.verdict(self.at(second)) {
                    Verdict::Wait(until) => {
                        assert!(until > self.at(second));
                        second = (until - self.opened).as_secs();
                    }
                    verdict => return (second, verdict),
                }
            }
        }
    }

    #[test]
    fn a_head_has_ten_seconds_and_a_quiet_connection_sixty() {
        assert_eq!(Watched::new().ends(0), (10, Verdict::Leave), "nothing sent");
        let mut slow = Watched::new();
        for (second, byte) in (0..9).zip(GET) {
            slow.read(second, &[*byte]);
        }
        assert_eq!(slow.ends(9), (10, Verdict::Leave), "a slow first head");
        let mut idle = Watched::new();
        idle.read(0, GET);
        idle.answer(0, 7);
        assert_eq!(idle.ends(7), (67, Verdict::Leave), "idle");
        assert_eq!(idle.ends(67), (77, Verdict::Cut), "idle, and the connection does not end");
        let mut late = Watched::new();
        late.read(0, GET);
        late.answer(0, 0);
        late.read(30, b"G");
        late.read(35, b"E");
        assert_eq!(late.ends(35), (40, Verdict::Leave), "a slow second head");
        let mut long = Watched::new();
        long.read(0, GET);
        let _busy = long.pulse.begin(long.at(0));
        assert!(matches!(long.pulse.verdict(long.at(300)), Verdict::Wait(_)), "a slow handler");
    }

    #[test]
    fn an_answer_must_be_taken() {
        let mut stalled = Watched::new();
        stalled.read(0, GET);
        let _busy = stalled.pulse.begin(stalled.at(0));
        stalled.pulse.block(stalled.at(0));
        stalled.pulse.wrote(1000, stalled.at(20));
        stalled.pulse.block(stalled.at(20));
        assert_eq!(stalled.ends(20), (30, Verdict::Cut));
        assert!(stalled.pulse.is_overdue());
        let mut steady = Watched::new();
        steady.read(0, GET);
        steady.answer(0, 0);
        for second in (0..200).step_by(20) {
            steady.pulse.block(steady.at(second));
            steady.pulse.wrote(64 * 1024, steady.at(second + 20));
            assert!(matches!(steady.pulse.verdict(steady.at(second + 20)), Verdict::Wait(_)));
        }
        assert_eq!(steady.ends(200), (260, Verdict::Leave));
    }

    #[test]
    fn http2_ends_when_it_is_quiet_and_when_it_is_old() {
        let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
        let mut quiet = Watched::new();
        quiet.read(0, preface);
        for second in (10..60).step_by(10) {
            quiet.read(second, b"ping");
            quiet.pulse.wrote(17, quiet.at(second));
        }
        assert_eq!(quiet.ends(50), (60, Verdict::Leave));
        let mut old = Watched::new();
        old.read(0, preface);
        for second in (10..600).step_by(10) {
            old.answer(second, 0);
            assert!(matches!(old.pulse.verdict(old.at(second)), Verdict::Wait(_)));
        }
        let _busy = old.pulse.begin(old.at(590));
        assert_eq!(old.ends(590), (600, Verdict::Leave));
        assert_eq!(old.ends(600), (625, Verdict::Cut));
    }

    #[test]
    fn only_the_last_request_is_the_refused_one() {
        let mut watched = Watched::new();
        watched.read(0, &[GET, b"GET / HTTP/1.1\n"].concat());
        assert_eq!(watched.answer(0, 3), None);
        assert!(watched.answer(3, 0).is_some());
        assert_eq!(watched.ends(3), (13, Verdict::Cut));
    }
}
