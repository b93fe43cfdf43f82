//! The only reader of time and the only maker of ids.
//!
//! Tests let it stand still, and then times and ids repeat from run to run.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

/// Tells the time, in whole milliseconds, and makes ids.
#[derive(Clone, Debug, Default)]
pub struct Clock(Option<Arc<Mutex<Standing>>>);

#[derive(Debug)]
struct Standing {
    now: DateTime<Utc>,
    ids: u128,
}

impl Clock {
    /// A clock that shows `now` until it is moved, and counts its ids from 1.
    #[must_use]
    pub fn standing_at(now: DateTime<Utc>) -> Self {
        Self(Some(Arc::new(Mutex::new(Standing { now, ids: 0 }))))
    }

    /// The time, in whole milliseconds.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the time")]
    pub fn now(&self) -> DateTime<Utc> {
        self.standing(|standing| standing.now).unwrap_or_else(|| whole_milliseconds(Utc::now()))
    }

    /// Moves a standing clock forward; a running one takes no notice.
    pub fn advance(&self, by: TimeDelta) {
        self.standing(|standing| standing.now += by);
    }

    /// A new id that grows with time (UUID version 7).
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one place that makes ids")]
    pub fn id(&self) -> Uuid {
        self.counted(0x7000).unwrap_or_else(Uuid::now_v7)
    }

    /// A new id that tells nothing (UUID version 4): for people, accounts, keys and files.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one place that makes ids")]
    pub fn secret_id(&self) -> Uuid {
        self.counted(0x4000).unwrap_or_else(Uuid::new_v4)
    }

    fn counted(&self, version: u128) -> Option<Uuid> {
        self.standing(|standing| {
            standing.ids += 1;
            Uuid::from_u128((version << 64) | (0x8000 << 48) | standing.ids)
        })
    }

    fn standing<T>(&self, read: impl FnOnce(&mut Standing) -> T) -> Option<T> {
        let standing = self.0.as_ref()?;
        Some(read(&mut standing.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

/// `instant` without what is finer than a millisecond, which both databases keep alike.
#[must_use]
pub fn whole_milliseconds(instant: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(instant.timestamp_millis()).unwrap_or(instant)
}

/// Reads an optional RFC 3339 instant as UTC in whole milliseconds, for `deserialize_with`.
///
/// # Errors
/// When the text is not an RFC 3339 instant.
pub fn optional_instant<'de, D>(deserializer: D) -> Result<Option<DateTime<Utc>>, D::Error>
where
    D: serde::Deserializer<'de>,
{
    let instant: Option<DateTime<Utc>> = serde::Deserialize::deserialize(deserializer)?;
    Ok(instant.map(whole_milliseconds))
}
