//! The table of synonyms that this process uses, and whether it is still the latest.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::Synonyms;

/// For how long a table is used without asking whether there is a newer edition.
const UNASKED: Duration = Duration::from_millis(500);

/// The table in use. Whoever knows the database tells it which edition is the latest.
#[derive(Debug, Default)]
pub struct SynonymsInUse(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    table: Option<(i64, Arc<Synonyms>)>,
    /// When the table was last known to be the latest; none: it has to be asked.
    asked_at: Option<Instant>,
    /// How often this process has changed the table.
    changes: u64,
}

/// When the latest edition was asked for: what has changed since makes the answer an old one.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    at: Instant,
    changes: u64,
}

impl SynonymsInUse {
    /// The table, when it was the latest a moment ago.
    #[must_use]
    pub fn recent(&self) -> Option<Arc<Synonyms>> {
        let known = self.known();
        let is_recent = known.asked_at.is_some_and(|at| at.elapsed() < UNASKED);
        known.table.as_ref().filter(|_| is_recent).map(|(_, table)| Arc::clone(table))
    }

    /// Notes that the latest edition is about to be asked for.
    #[must_use]
    pub fn ask(&self) -> Asked {
        Asked { at: Instant::now(), changes: self.known().changes }
    }

    /// The table, when it is of the edition that was found to be the latest.
    #[must_use]
    pub fn of_edition(&self, edition: i64, asked: Asked) -> Option<Arc<Synonyms>> {
        let mut known = self.known();
        let table = known.table.as_ref().filter(|(known, _)| *known == edition);
        let table = table.map(|(_, table)| Arc::clone(table))?;
        known.confirm(asked);
        Some(table)
    }

    /// Uses `table`, which is at least of the edition that was found to be the latest.
    pub fn replace(&self, edition: i64, table: Synonyms, asked: Asked) -> Arc<Synonyms> {
        let table = Arc::new(table);
        let mut known = self.known();
        known.table = Some((edition, Arc::clone(&table)));
        known.confirm(asked);
        table
    }

    /// Notes that this process has changed the table: its next search asks.
    pub fn forget(&self) {
        let mut known = self.known();
        known.asked_at = None;
        known.changes += 1;
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn confirm(&mut self, asked: Asked) {
        if self.changes == asked.changes {
            self.asked_at = Some(asked.at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_not_covered_up_by_whoever_asked_before_it() {
        let in_use = SynonymsInUse::default();
        assert!(in_use.recent().is_none());
        let asked = in_use.ask();
        in_use.replace(1, Synonyms::default(), asked);
        assert!(in_use.recent().is_some());
        let asked = in_use.ask();
        in_use.forget();
        assert!(in_use.of_edition(1, asked).is_some());
        assert!(in_use.recent().is_none(), "the answer was older than the change");
        assert!(in_use.of_edition(2, in_use.ask()).is_none());
        in_use.replace(2, Synonyms::default(), in_use.ask());
        assert!(in_use.recent().is_some());
    }
}
