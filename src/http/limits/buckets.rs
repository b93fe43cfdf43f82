//! The buckets one process remembers.

use std::collections::{BTreeSet, HashMap};

use uuid::Uuid;

use super::Policy;
use crate::http::address::ClientPrefix;

/// How many buckets are remembered; one takes some 200 bytes.
const MAX_BUCKETS: usize = 100_000;

/// Whose bucket it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Owner {
    /// An account or key.
    Credential(Uuid),
    /// One visitor of a page that carries a publishable key.
    Visitor(Uuid, ClientPrefix),
    /// A client without a credential.
    Client(ClientPrefix),
    /// All together.
    Everybody,
}

impl Owner {
    /// The owner as bytes; no two owners have the same.
    #[must_use]
    pub fn to_bytes(self) -> Vec<u8> {
        let (tag, id, client) = match self {
            Self::Credential(id) => (b'c', Some(id), None),
            Self::Visitor(id, client) => (b'v', Some(id), Some(client)),
            Self::Client(client) => (b'a', None, Some(client)),
            Self::Everybody => (b'e', None, None),
        };
        let mut bytes = vec![tag];
        bytes.extend(id.iter().flat_map(Uuid::as_bytes));
        match client {
            Some(ClientPrefix::V4(address)) => bytes.extend(address.octets()),
            Some(ClientPrefix::V6(bits)) => bytes.extend(bits.to_be_bytes()),
            None => {}
        }
        bytes
    }
}

/// Which bucket it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Bucket {
    /// What is limited.
    pub policy: Policy,
    /// For whom.
    pub owner: Owner,
}

/// What is known of a bucket. Times are nanoseconds since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// When it will be empty again, units leased and not yet spent included.
    pub empty_at: i64,
    /// Units that this process has taken from the shared bucket and not yet spent.
    pub unspent: i64,
    /// When it last took some.
    pub leased_at: i64,
    /// How many it took then.
    pub leased: i64,
}

/// Buckets by name and by emptiness: the emptiest make room, in logarithmic time. Where a bucket stands in
/// that order is put right only when its turn comes: most are filled again and again before.
#[derive(Debug, Default)]
pub struct Buckets {
    states: HashMap<Bucket, State>,
    by_emptiness: BTreeSet<(i64, Bucket)>,
}

impl Buckets {
    /// What is known of `bucket`; one nobody knows is empty.
    #[must_use]
    pub fn get(&self, bucket: &Bucket) -> State {
        self.states.get(bucket).copied().unwrap_or_default()
    }

    /// Remembers `state`. Forgets buckets that are empty by `now`, two at a time so that the work is
    /// bounded, and the emptiest when there are too many.
    pub fn set(&mut self, bucket: Bucket, state: State, now: i64) {
        if self.states.insert(bucket, state).is_none() {
            self.by_emptiness.insert((state.empty_at, bucket));
        }
        for _ in 0..2 {
            let Some(&(noted, emptiest)) = self.by_emptiness.first() else { break };
            if noted > now && self.states.len() <= MAX_BUCKETS {
                break;
            }
            self.by_emptiness.pop_first();
            match self.states.get(&emptiest) {
                Some(state) if state.empty_at > noted => {
                    self.by_emptiness.insert((state.empty_at, emptiest));
                }
                _ => {
                    self.states.remove(&emptiest);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(number: usize) -> Bucket {
        Bucket { policy: Policy::Read, owner: Owner::Credential(Uuid::from_u128(number as u128)) }
    }

    fn until(empty_at: usize) -> State {
        State { empty_at: i64::try_from(empty_at).unwrap(), ..State::default() }
    }

    #[test]
    fn a_full_house_forgets_the_emptiest_and_what_is_idle_goes_by_itself() {
        let mut buckets = Buckets::default();
        for number in 1..=MAX_BUCKETS + 10 {
            buckets.set(bucket(number), until(1000 + number), 1000);
        }
        assert_eq!((buckets.states.len(), buckets.by_emptiness.len()), (MAX_BUCKETS, MAX_BUCKETS));
        assert_eq!(buckets.get(&bucket(10)), State::default());
        assert_eq!(buckets.get(&bucket(11)), until(1011));
        for _ in 0..20 {
            buckets.set(bucket(0), until(9_000_000), 2000);
        }
        assert_eq!(buckets.states.len(), MAX_BUCKETS + 1 - 40);
        assert_eq!(buckets.by_emptiness.len(), buckets.states.len());
    }
}
