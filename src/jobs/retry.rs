//! When a job that failed is tried again.

use chrono::TimeDelta;
use uuid::Uuid;

/// How long to wait after each failed try; after the last one nothing is left but to set it aside.
const DELAYS: [TimeDelta; 5] = [
    TimeDelta::seconds(5),
    TimeDelta::minutes(1),
    TimeDelta::minutes(5),
    TimeDelta::minutes(30),
    TimeDelta::hours(2),
];
/// How often a job is tried: once, and after each delay.
pub const TRIES: i32 = 6;
/// By how much a wait is made longer at most, in thousandths.
const JITTER: u32 = 200;

/// How long to wait after the try with this number, counted from 1; `None` after the last one.
///
/// Jobs that failed together do not come back together: each waits up to a fifth longer, which follows
/// from its id.
#[must_use]
pub fn delay(id: Uuid, attempts: i32) -> Option<TimeDelta> {
    let index = usize::try_from(attempts).ok()?.saturating_sub(1);
    let base = *DELAYS.get(index)?;
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(id.as_bytes());
    hasher.update(&attempts.to_be_bytes());
    let thousandths = i64::from(hasher.finalize() % (JITTER + 1));
    Some(base + TimeDelta::milliseconds(base.num_milliseconds() * thousandths / 1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_differ_from_job_to_job_and_end() {
        let ids: Vec<Uuid> = (0..100).map(Uuid::from_u128).collect();
        for (attempts, base) in [(1, 5), (2, 60), (3, 300), (4, 1800), (5, 7200)] {
            let waits: std::collections::BTreeSet<i64> =
                ids.iter().map(|id| delay(*id, attempts).unwrap().num_milliseconds()).collect();
            assert!(waits.len() > 50, "{attempts}: {waits:?}");
            assert!(waits.iter().all(|wait| (base * 1000..=base * 1200).contains(wait)), "{waits:?}");
        }
        assert!(delay(Uuid::nil(), TRIES - 1).is_some() && delay(Uuid::nil(), TRIES).is_none());
        assert_eq!(delay(Uuid::nil(), 3), delay(Uuid::nil(), 3));
    }
}
