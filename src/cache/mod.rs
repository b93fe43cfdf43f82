//! Finished answers, kept until the content behind them changes.
//!
//! An [`Answer`] is the bytes that readers of what is public are sent, in every coding they take, with its
//! entity tag. It knows its [`Sources`], what it was made of; [`Hearing`] knows what has changed since,
//! in this process and in others. An answer is sent only if nothing of what it was made of has changed, and
//! only while the process can hear of changes at all: none is older than the last acknowledged write on the
//! same replica, nor than a second on another (DESIGN.md, section 8).
//!
//! Nothing is kept of what was refused, and nothing that only one caller sees. [`crate::front`] asks first
//! here; what is public is marked so where it is made, `editorial::answer`.

mod answer;
mod coding;
mod flights;
mod hearing;
mod key;
mod known;
mod sources;

use std::{collections::hash_map::RandomState, sync::Arc};

use quick_cache::{Weighter, sync};
use tokio::sync::Semaphore;

pub use self::{
    answer::{Answer, Body, Made},
    coding::{Accepted, Coding},
    flights::{Flight, Flights, Landing, Pilot, landed},
    hearing::{Hearing, Seen, follow},
    key::{Key, Target},
    known::{Good, Known, KnownKeys},
    sources::{Change, Sources},
};

/// An answer that alone takes more than this part of the store is not kept.
const LARGEST_PART: u64 = 16;

/// The finished answers of one process.
#[derive(Debug)]
pub struct Cache {
    answers: Option<Answers>,
    largest: u64,
    /// What has changed.
    pub hearing: Hearing,
    /// The keys that are known to be good.
    pub known: KnownKeys,
    /// The answers that are being made.
    pub flights: Flights,
    /// Whoever compresses an answer holds this.
    pub coder: Arc<Semaphore>,
}

type Answers = sync::Cache<Key, Arc<Answer>, Bytes, RandomState>;

#[derive(Clone, Debug)]
struct Bytes;

impl Weighter<Key, Arc<Answer>> for Bytes {
    fn weight(&self, key: &Key, answer: &Arc<Answer>) -> u64 {
        key.weight() + answer.weight()
    }
}

/// How large the store is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Answers in it.
    pub answers: usize,
    /// What they take, in bytes.
    pub bytes: u64,
}

impl Cache {
    /// A store of at most so many bytes; none at all: 0.
    #[must_use]
    pub fn new(bytes: u64) -> Self {
        // A guess of how many there will be: the store grows with what it holds.
        let expected = usize::try_from(bytes / 8192).unwrap_or(usize::MAX);
        let answers = (bytes > 0).then(|| {
            sync::Cache::with(expected, bytes, Bytes, RandomState::new(), sync::DefaultLifecycle::default())
        });
        Self {
            answers,
            largest: bytes / LARGEST_PART,
            hearing: Hearing::default(),
            known: KnownKeys::default(),
            flights: Flights::default(),
            coder: Arc::new(Semaphore::new(1)),
        }
    }

    /// Whether answers are kept at all.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.answers.is_some()
    }

    /// The answer to `target`, if there is one and nothing behind it has changed.
    #[must_use]
    pub fn get(&self, target: &Target<'_>) -> Option<Arc<Answer>> {
        let answers = self.answers.as_ref()?;
        let answer = answers.get(target)?;
        if self.hearing.holds(&answer.sources, &answer.seen) {
            return Some(answer);
        }
        answers.remove_if(target, |kept| Arc::ptr_eq(kept, &answer));
        None
    }

    /// Keeps `answer`, unless it would take too much of the store.
    pub fn keep(&self, key: Key, answer: Arc<Answer>) {
        let Some(answers) = &self.answers else { return };
        if Bytes.weight(&key, &answer) <= self.largest {
            answers.insert(key, answer);
        }
    }

    /// Puts `answer` in the place of the same in fewer codings, if that is still there.
    pub fn complete(&self, key: Key, answer: Arc<Answer>) {
        if let Some(answers) = &self.answers {
            // Gone meanwhile, it is made again when it is asked for.
            let _ = answers.replace(key, answer, true);
        }
    }

    /// Forgets all answers, so that one sees what making them costs.
    pub fn clear(&self) {
        if let Some(answers) = &self.answers {
            answers.clear();
        }
    }

    /// How large the store is.
    #[must_use]
    pub fn held(&self) -> Held {
        self.answers.as_ref().map_or(Held { answers: 0, bytes: 0 }, |answers| Held {
            answers: answers.len(),
            bytes: answers.weight(),
        })
    }
}
