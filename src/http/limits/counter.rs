//! Taking units: alone, or from a lease on a bucket that all replicas share.

use std::{
    hash::{BuildHasher, RandomState},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use sea_orm::DbErr;

use super::{
    Policy, SECOND,
    buckets::{Bucket, Buckets, State},
    quota::Quota,
    shared,
};
use crate::app::App;

/// A quota above this stands for no limit, and is not worth a statement: each replica counts alone.
const LARGEST_SHARED: i64 = 1_000_000;
/// How long the shared buckets may take to answer.
const SHARED_TIMEOUT: Duration = Duration::from_millis(150);
/// For how long they are then left alone.
const SHARED_PAUSE: Duration = Duration::from_secs(1);
/// How long a request waits for others that ask for the same bucket, and may bring enough for it.
const TURN_TIMEOUT: Duration = Duration::from_secs(1);
/// How many different buckets are asked for at once.
const ASKERS: usize = 64;
/// A lease is at most this part of what is left, so that near the end every unit is asked for.
const LEASED_PART: i64 = 16;
/// After this time units that were leased count as spent, in nanoseconds.
const LEASE_ENDS: i64 = 5 * SECOND;

/// The counters of one process.
#[derive(Debug)]
pub struct Limits {
    buckets: Mutex<Buckets>,
    askers: [tokio::sync::Mutex<()>; ASKERS],
    hasher: RandomState,
    /// Until when the shared buckets are left alone.
    alone_until: Mutex<Option<Instant>>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            buckets: Mutex::default(),
            askers: std::array::from_fn(|_| tokio::sync::Mutex::default()),
            hasher: RandomState::new(),
            alone_until: Mutex::default(),
        }
    }
}

/// Units that a request wants.
#[derive(Clone, Copy, Debug)]
pub struct Taking {
    /// From where.
    pub bucket: Bucket,
    /// How many there are in a minute.
    pub quota: Quota,
    /// How many are wanted.
    pub units: i64,
    /// When, in nanoseconds since 1970.
    pub now: i64,
}

/// What came of it.
#[derive(Clone, Copy, Debug)]
pub struct Taken {
    /// Whether they were there.
    pub fits: bool,
    /// When the bucket will be empty, without what this process has leased and not spent.
    pub empty_at: i64,
}

impl Limits {
    /// Takes what a request wants, if it is there.
    pub(super) async fn take(&self, app: &App, taking: Taking) -> Taken {
        if let Some(taken) = self.take_at_once(app, taking) {
            return taken;
        }
        if self.is_alone() {
            return self.take_alone(taking);
        }
        let Ok(_turn) = tokio::time::timeout(TURN_TIMEOUT, self.asker(&taking.bucket).lock()).await else {
            return self.take_alone(taking);
        };
        // Whoever was here before may have brought enough, or found nobody there.
        if let Some(taken) = self.take_leased(taking) {
            return taken;
        }
        if self.is_alone() {
            return self.take_alone(taking);
        }
        let error = match tokio::time::timeout(SHARED_TIMEOUT, self.take_shared(app, taking)).await {
            Ok(Ok(taken)) => return taken,
            Ok(Err(error)) => error.to_string(),
            Err(_elapsed) => "it takes too long".to_owned(),
        };
        self.leave_alone(&error);
        self.take_alone(taking)
    }

    /// Takes what a request wants, if that can be told without asking others.
    pub(super) fn take_at_once(&self, app: &App, taking: Taking) -> Option<Taken> {
        if !app.db.is_postgres() || taking.quota.units() > LARGEST_SHARED {
            return Some(self.take_alone(taking));
        }
        self.take_leased(taking)
    }

    /// Takes from what this process knows of the bucket.
    fn take_alone(&self, taking: Taking) -> Taken {
        let Taking { bucket, quota, units, now } = taking;
        let mut buckets = self.buckets();
        let known = spent(quota, known(&buckets, &bucket, now));
        let Some(empty_at) = quota.take(known, now, units) else {
            return Taken { fits: false, empty_at: known };
        };
        buckets.set(bucket, State { empty_at, ..State::default() }, now);
        Taken { fits: true, empty_at }
    }

    /// Takes from the lease. `None` when the shared bucket must be asked: it may have more.
    fn take_leased(&self, taking: Taking) -> Option<Taken> {
        let Taking { bucket, quota, units, now } = taking;
        let mut buckets = self.buckets();
        let mut state = known(&buckets, &bucket, now);
        let fits = state.unspent >= units;
        if fits {
            state.unspent -= units;
            buckets.set(bucket, state, now);
        } else if quota.take(state.empty_at, now, units).is_some() {
            return None;
        }
        // It does not fit, and others can only have taken more.
        Some(Taken { fits, empty_at: spent(quota, state) })
    }

    /// Who asks for `bucket` holds this.
    fn asker(&self, bucket: &Bucket) -> &tokio::sync::Mutex<()> {
        let hash = usize::try_from(self.hasher.hash_one(bucket) % ASKERS as u64).unwrap_or_default();
        &self.askers[hash % ASKERS]
    }

    /// Takes a lease from the shared bucket, and what is wanted from that.
    async fn take_shared(&self, app: &App, taking: Taking) -> Result<Taken, DbErr> {
        let Taking { bucket, quota, units, now } = taking;
        let db = app.db.counter();
        let owner = app.secrets.bucket_hash(&bucket.owner.to_bytes());
        let name = format!("{}:{owner}", bucket.policy.name());
        let mut leased = units.max(lease(bucket.policy, quota, known(&self.buckets(), &bucket, now), now));
        let mut empty_at = shared::take(db, &name, quota, now, leased).await?;
        if empty_at.is_none() && leased > units {
            leased = units;
            empty_at = shared::take(db, &name, quota, now, leased).await?;
        }
        let fits = empty_at.is_some();
        let empty_at = match empty_at {
            Some(empty_at) => empty_at,
            None => shared::empty_at(db, &name).await?,
        };
        let mut buckets = self.buckets();
        let mut state = known(&buckets, &bucket, now);
        // What this process has meanwhile taken alone, the others do not know.
        state.empty_at = state.empty_at.max(empty_at);
        if fits {
            state = State { unspent: state.unspent + leased - units, leased_at: now, leased, ..state };
        }
        buckets.set(bucket, state, now);
        Ok(Taken { fits, empty_at: spent(quota, state) })
    }

    fn is_alone(&self) -> bool {
        let until = *self.alone_until.lock().unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|until| Instant::now() < until)
    }

    /// Leaves the shared buckets alone for a while; says so once in that time.
    fn leave_alone(&self, error: &str) {
        let mut until = self.alone_until.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if until.is_none_or(|until| until <= now) {
            tracing::warn!(error, "the shared rate limits are out of reach; this process counts alone");
            *until = Some(now + SHARED_PAUSE);
        }
    }

    fn buckets(&self) -> MutexGuard<'_, Buckets> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is known of a bucket; a lease that has ended is gone.
fn known(buckets: &Buckets, bucket: &Bucket, now: i64) -> State {
    let state = buckets.get(bucket);
    if now - state.leased_at > LEASE_ENDS { State { unspent: 0, ..state } } else { state }
}

/// When the bucket would be empty if what is leased and unspent were given back.
fn spent(quota: Quota, state: State) -> i64 {
    state.empty_at - state.unspent * quota.interval()
}

/// How many units to take at once: as many as a second or so uses, but few when few are left.
fn lease(policy: Policy, quota: Quota, state: State, now: i64) -> i64 {
    if policy.is_strict() {
        return 1;
    }
    let lasted = now - state.leased_at;
    let wanted = if lasted < SECOND / 2 {
        state.leased.saturating_mul(2)
    } else if lasted < SECOND {
        state.leased
    } else {
        state.leased / 2
    };
    wanted.min(quota.left(state.empty_at, now) / LEASED_PART).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_grows_with_demand_and_shrinks_towards_the_end() {
        let quota = Quota::a_minute(3200);
        let now = 1_772_960_400 * SECOND;
        let after = |leased, seconds| State { leased, leased_at: now - seconds * SECOND, ..State::default() };
        assert_eq!(lease(Policy::Read, quota, State::default(), now), 1);
        assert_eq!(lease(Policy::Read, quota, after(50, 0), now), 100);
        assert_eq!(lease(Policy::Read, quota, after(150, 0), now), 200);
        assert_eq!(lease(Policy::Read, quota, after(50, 2), now), 25);
        assert_eq!(lease(Policy::SignIn, quota, after(50, 0), now), 1);
        let nearly_full = State { empty_at: now + quota.interval() * 3185, ..after(50, 0) };
        assert_eq!(lease(Policy::Read, quota, nearly_full, now), 1);
    }
}
