//! The arithmetic of a limit: GCRA by virtual scheduling.
//!
//! A bucket is one number: when it will be empty again. A unit moves that on by `interval`; what
//! would lead further than `window` from now does not fit. All times are nanoseconds since 1970, so
//! that an interval is exact to a billionth however high the quota.
//!
//! Source: ITU-T I.371, annex A.

/// The time in which an empty bucket takes the whole quota, in nanoseconds.
const MINUTE: i64 = 60_000_000_000;

/// How many units fit into a minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    units: i64,
}

impl Quota {
    /// `units` a minute; at least one.
    #[must_use]
    pub fn a_minute(units: u32) -> Self {
        Self { units: i64::from(units.max(1)) }
    }

    /// How many units there are.
    #[must_use]
    pub fn units(self) -> i64 {
        self.units
    }

    /// The time in which one unit drains.
    #[must_use]
    pub fn interval(self) -> i64 {
        // Rounded up: never more than the quota.
        (MINUTE + self.units - 1) / self.units
    }

    /// The time in which a full bucket drains.
    #[must_use]
    pub fn window(self) -> i64 {
        self.units * self.interval()
    }

    /// When a bucket drains that once said `empty_at`: not before now, and not later than if it were
    /// full now, which a clock that was set back would claim.
    #[must_use]
    pub fn level(self, empty_at: i64, now: i64) -> i64 {
        empty_at.clamp(now, now + self.window())
    }

    /// When the bucket will be empty after `units` more; `None` when they do not fit.
    #[must_use]
    pub fn take(self, empty_at: i64, now: i64, units: i64) -> Option<i64> {
        let then = self.level(empty_at, now) + units * self.interval();
        (then <= now + self.window()).then_some(then)
    }

    /// How many units fit now.
    #[must_use]
    pub fn left(self, empty_at: i64, now: i64) -> i64 {
        (now + self.window() - self.level(empty_at, now)) / self.interval()
    }

    /// In how many nanoseconds `units` fit.
    #[must_use]
    pub fn wait(self, empty_at: i64, now: i64, units: i64) -> i64 {
        let then = self.level(empty_at, now) + units * self.interval();
        (then - now - self.window()).max(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_772_960_400_000_000_000;

    #[test]
    fn a_burst_gets_exactly_the_quota_whatever_it_is() {
        for units in [1, 3, 7, 300, 3000, 59_999] {
            let quota = Quota::a_minute(units);
            let (mut empty_at, mut taken) = (0, 0);
            while let Some(then) = quota.take(empty_at, NOW, 1) {
                assert_eq!(quota.left(empty_at, NOW), quota.units() - taken);
                (empty_at, taken) = (then, taken + 1);
            }
            assert_eq!(taken, i64::from(units));
            assert_eq!(quota.left(empty_at, NOW), 0);
            assert_eq!(quota.wait(empty_at, NOW, 1), quota.interval());
            let later = NOW + quota.interval();
            assert!(quota.take(empty_at, later - 1, 1).is_none() && quota.take(empty_at, later, 1).is_some());
            assert!(quota.take(empty_at, later, 2).is_none() || units == 1);
        }
    }

    #[test]
    fn a_clock_that_was_set_back_locks_nobody_out_for_longer_than_the_window() {
        let quota = Quota::a_minute(10);
        let tomorrow = NOW + 24 * 60 * MINUTE;
        assert_eq!(quota.left(tomorrow, NOW), 0);
        assert_eq!(quota.wait(tomorrow, NOW, 1), quota.interval());
    }
}
