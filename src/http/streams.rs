//! How many answers without an end are under way, and what wakes them.
//!
//! They hold no place of [`super::places`]: those are for what ends. They have seats of their own.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;
use uuid::Uuid;

use super::{Code, Error, Result};

/// How many there may be in one process.
pub const MOST: usize = 64;
/// How many one credential may have in one process.
pub const MOST_OF_ONE: usize = 4;
/// When to try again who has them all, in seconds.
const RETRY_AFTER: i64 = 30;

/// Marks an answer whose body goes on for as long as both sides wish. Its connection is not idle.
#[derive(Clone, Copy, Debug)]
pub struct Endless;

/// The streams of one process.
#[derive(Debug)]
pub struct Streams {
    seats: Mutex<Seats>,
    news: watch::Sender<i64>,
}

#[derive(Debug, Default)]
struct Seats {
    by_credential: HashMap<Uuid, usize>,
    taken: usize,
    is_watched: bool,
}

/// The right to one stream; dropping it gives it back.
#[derive(Debug)]
pub struct Seat {
    streams: Arc<Streams>,
    credential: Uuid,
}

impl Default for Streams {
    fn default() -> Self {
        Self { seats: Mutex::default(), news: watch::Sender::new(0) }
    }
}

impl Streams {
    /// A seat for this credential.
    ///
    /// # Errors
    /// 429 when it has its share already, 503 when all are taken.
    pub fn take(self: &Arc<Self>, credential: Uuid) -> Result<Seat> {
        let mut seats = self.seats();
        let own = seats.by_credential.get(&credential).copied().unwrap_or_default();
        if own >= MOST_OF_ONE {
            return Err(Error::OverQuota { policy: "streams", retry_after: RETRY_AFTER });
        }
        if seats.taken >= MOST {
            let detail = "as many streams are open as there may be; poll instead, or try again later";
            return Err(Error::Problem(Code::Overloaded, detail.to_owned()));
        }
        seats.by_credential.insert(credential, own + 1);
        seats.taken += 1;
        drop(seats);
        Ok(Seat { streams: Arc::clone(self), credential })
    }

    /// How many there are.
    #[must_use]
    pub fn taken(&self) -> usize {
        self.seats().taken
    }

    /// What tells the streams that there is news.
    #[must_use]
    pub fn news(&self) -> watch::Receiver<i64> {
        self.news.subscribe()
    }

    /// Tells them how far the news reaches.
    pub fn tell(&self, latest: i64) {
        self.news.send_if_modified(|known| std::mem::replace(known, latest) != latest);
    }

    /// Wakes all of them.
    pub fn wake(&self) {
        self.news.send_modify(|_same| {});
    }

    /// Whether the caller is to look for news from now on, because nobody does.
    #[must_use]
    pub fn begins_watch(&self) -> bool {
        !std::mem::replace(&mut self.seats().is_watched, true)
    }

    /// Whether the one who looks for news may stop, because nobody listens.
    #[must_use]
    pub fn ends_watch(&self) -> bool {
        let mut seats = self.seats();
        if seats.taken == 0 {
            seats.is_watched = false;
        }
        seats.taken == 0
    }

    fn seats(&self) -> MutexGuard<'_, Seats> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut seats = self.streams.seats();
        seats.taken -= 1;
        if let Some(own) = seats.by_credential.get_mut(&self.credential) {
            *own -= 1;
            if *own == 0 {
                seats.by_credential.remove(&self.credential);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seats_are_bounded_for_each_and_for_all_and_come_back() {
        let streams = Arc::new(Streams::default());
        let mut held: Vec<Seat> = (0..MOST_OF_ONE).map(|_| streams.take(Uuid::nil()).unwrap()).collect();
        assert_eq!(streams.take(Uuid::nil()).unwrap_err().code(), Code::TooManyRequests);
        held.pop();
        held.push(streams.take(Uuid::nil()).unwrap());
        held.extend((MOST_OF_ONE..MOST).map(|number| streams.take(Uuid::from_u128(number as u128)).unwrap()));
        assert_eq!(streams.take(Uuid::max()).unwrap_err().code(), Code::Overloaded);
        assert!(streams.begins_watch() && !streams.begins_watch() && !streams.ends_watch());
        held.clear();
        assert_eq!((streams.taken(), streams.seats().by_credential.len()), (0, 0));
        assert!(streams.ends_watch() && streams.begins_watch());
    }
}
