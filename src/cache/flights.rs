//! Answers that are being made: one at a time for each, however many wait.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

use super::Key;

/// The answers that are being made.
#[derive(Clone, Debug, Default)]
pub struct Flights(Arc<Mutex<HashMap<Key, watch::Receiver<Landing>>>>);

/// How the making of an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Landing {
    /// Not yet; or whoever made it went away.
    None,
    /// It is kept.
    Kept,
    /// It cannot be kept: all have to ask for themselves.
    NotKept,
}

/// A part in making an answer.
#[derive(Debug)]
pub enum Flight {
    /// To make it. Others wait until this is dropped.
    Pilot(Pilot),
    /// To wait for whoever makes it.
    Passenger(watch::Receiver<Landing>),
}

/// Whoever makes an answer.
#[derive(Debug)]
pub struct Pilot {
    flights: Flights,
    key: Key,
    landing: watch::Sender<Landing>,
}

impl Flights {
    /// Begins to make the answer `key`, unless somebody does.
    #[must_use]
    pub fn board(&self, key: &Key) -> Flight {
        let mut flights = self.flights();
        if let Some(landing) = flights.get(key) {
            return Flight::Passenger(landing.clone());
        }
        let (landing, passengers) = watch::channel(Landing::None);
        flights.insert(key.clone(), passengers);
        Flight::Pilot(Pilot { flights: self.clone(), key: key.clone(), landing })
    }

    fn flights(&self) -> MutexGuard<'_, HashMap<Key, watch::Receiver<Landing>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pilot {
    /// Which answer it is.
    #[must_use]
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// Says how it ended.
    pub fn land(self, landing: Landing) {
        // Fails when nobody waits.
        let _ = self.landing.send(landing);
    }
}

impl Drop for Pilot {
    fn drop(&mut self) {
        self.flights.flights().remove(&self.key);
    }
}

/// Waits until the answer is made, and says how that ended.
pub async fn landed(mut landing: watch::Receiver<Landing>) -> Landing {
    // An error: whoever made it went away, and may have said something before.
    let _ = landing.changed().await;
    *landing.borrow()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::Target;

    #[tokio::test]
    async fn one_makes_it_and_the_others_hear_how_it_ended() {
        let flights = Flights::default();
        let key = Target::new("/v1/topics", 0).to_key();
        for (end, expected) in [
            (Some(Landing::Kept), Landing::Kept),
            (Some(Landing::NotKept), Landing::NotKept),
            (None, Landing::None),
        ] {
            let Flight::Pilot(pilot) = flights.board(&key) else { panic!("nobody makes it") };
            let Flight::Passenger(first) = flights.board(&key) else { panic!("somebody makes it") };
            let Flight::Passenger(second) = flights.board(&key) else { panic!("somebody makes it") };
            match end {
                Some(end) => pilot.land(end),
                None => drop(pilot),
            }
            assert_eq!((landed(first).await, landed(second).await), (expected, expected));
        }
        assert!(flights.flights().is_empty());
    }
}
