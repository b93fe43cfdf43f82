//! Who still gets a connection.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::Limits;

/// All connections of the process, counted.
pub(super) struct Slots {
    limits: Limits,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    all: usize,
    by_client: HashMap<IpAddr, usize>,
}

/// The right to one connection; given back when dropped.
pub(super) struct Slot {
    slots: Arc<Slots>,
    client: Option<IpAddr>,
}

impl Slots {
    pub fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self { limits, taken: Mutex::default() })
    }

    /// A slot for a peer at `ip`, unless all, or all of its own, are taken.
    pub fn take(self: &Arc<Self>, ip: IpAddr, is_trusted: bool) -> Option<Slot> {
        let Limits { connections, reserved, per_client, .. } = self.limits;
        let most = if is_trusted { connections } else { connections - reserved.min(connections) };
        let client = (!is_trusted).then(|| client(ip));
        let mut taken = self.taken();
        if taken.all >= most {
            return None;
        }
        if let Some(client) = client {
            let own = taken.by_client.entry(client).or_default();
            if *own >= per_client {
                return None;
            }
            *own += 1;
        }
        taken.all += 1;
        Some(Slot { slots: Arc::clone(self), client })
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut taken = self.slots.taken();
        taken.all -= 1;
        let Some(client) = self.client else { return };
        if let Some(own) = taken.by_client.get_mut(&client) {
            *own -= 1;
            if *own == 0 {
                taken.by_client.remove(&client);
            }
        }
    }
}

/// What one client has: an IPv4 address, or an IPv6 network of 64 bits.
fn client(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(_) => ip,
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() & (u128::MAX << 64)).into(),
    }
}

/// Says something at most once a second, and how often it would have been said.
#[derive(Default)]
pub(super) struct Seldom {
    said: Option<Instant>,
    count: u64,
}

impl Seldom {
    /// Counts one more; calls `say` with the count when it is time.
    pub fn say(&mut self, say: impl FnOnce(u64)) {
        self.count += 1;
        let now = Instant::now();
        if self.said.is_none_or(|said| now - said >= Duration::from_secs(1)) {
            self.said = Some(now);
            say(std::mem::take(&mut self.count));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slots(connections: usize, reserved: usize, per_client: usize) -> Arc<Slots> {
        Slots::new(Limits { connections, reserved, per_client, ..Limits::default() })
    }

    #[test]
    fn a_client_is_an_address_or_a_network_and_gets_back_what_it_returns() {
        let slots = slots(100, 0, 2);
        let ip = |text: &str| text.parse().unwrap();
        let first = slots.take(ip("2001:db8::1"), false).unwrap();
        let _second = slots.take(ip("2001:db8::ffff:1"), false).unwrap();
        assert!(slots.take(ip("2001:db8::2"), false).is_none());
        assert!(slots.take(ip("2001:db8::2"), true).is_some());
        assert!(slots.take(ip("2001:db8:0:1::2"), false).is_some());
        drop(first);
        assert!(slots.take(ip("2001:db8::2"), false).is_some());
        assert_eq!(slots.taken().by_client.len(), 1);
        let _addresses =
            ["10.0.0.1", "10.0.0.2"].map(|text| [0, 1].map(|_| slots.take(ip(text), false).unwrap()));
        assert!(slots.take(ip("10.0.0.1"), false).is_none());
    }

    #[test]
    fn the_last_slots_are_for_those_who_are_trusted() {
        let slots = slots(3, 1, 9);
        let ip = "10.0.0.1".parse().unwrap();
        let _strangers = [0, 1].map(|_| slots.take(ip, false).unwrap());
        assert!(slots.take(ip, false).is_none());
        let _trusted = slots.take(ip, true).unwrap();
        assert!(slots.take(ip, true).is_none());
    }
}
