//! Entries made by rule, as many as are wanted: to see how the service does with ten thousand or a
//! million. They are fictional. The same seed makes the same entries.

mod dice;
mod lines;
mod turkish;
mod words;

use std::sync::Arc;

use lines::Maker;

use super::is_empty;
use crate::{
    app::App,
    http::{Error, Result},
    interchange::{
        Collection,
        import::{self, Input, Job, Report},
    },
};

/// How many entries go into one transaction: what bounds the memory, and the journal of the database.
const PORTION: u16 = 20_000;

/// What to generate.
#[derive(Clone, Copy, Debug)]
pub struct Generated {
    /// How many publications. The other kinds follow: people, and a few projects, events and partners.
    pub publications: u64,
    /// What chooses the words and all else.
    pub seed: u64,
}

impl Generated {
    /// How many entries there are of a collection.
    #[must_use]
    pub fn count(self, collection: Collection) -> u64 {
        let of = |share: u64, least: u64, most: u64| (self.publications / share).clamp(least, most);
        match collection {
            Collection::Topics => 60,
            Collection::Partners => of(500, 4, 500),
            Collection::People => of(20, 20, 3_600),
            Collection::Projects => of(200, 4, 2_000),
            Collection::Events => of(100, 4, 4_000),
            Collection::Publications => self.publications,
            Collection::Organisation | Collection::Practices => 0,
        }
    }

    /// The number of all entries.
    #[must_use]
    pub fn total(self) -> u64 {
        Collection::ALL.into_iter().map(|collection| self.count(collection)).sum()
    }

    /// What one import after another stores, those that others refer to first.
    fn jobs(self) -> impl Iterator<Item = Job> {
        let maker = Arc::new(Maker::new(self));
        let portions = move |collection| {
            let count = self.count(collection);
            (0..count).step_by(PORTION.into()).map(move |first| first..count.min(first + u64::from(PORTION)))
        };
        Collection::ALL.into_iter().flat_map(move |collection| {
            let maker = Arc::clone(&maker);
            portions(collection).map(move |numbers| {
                let maker = Arc::clone(&maker);
                let input = Input::made(move || {
                    let maker = Arc::clone(&maker);
                    Box::new(numbers.clone().map(move |number| maker.line(collection, number)))
                });
                Job { inputs: vec![(collection, input)], dry_run: false, keep_going: false }
            })
        })
    }
}

/// Stores what is generated, through the checks and the writing of an import, twenty thousand entries a
/// transaction. Calls `progress` with the number of lines that a step has read; each is read twice.
///
/// # Errors
/// 409 when the database holds content already; when the database fails.
pub async fn store(app: &App, generated: Generated, progress: &(dyn Fn(u64) + Sync)) -> Result<Report> {
    if !is_empty(app).await? {
        return Err(Error::conflict(
            "entries are generated on an empty database, and this one holds content",
        ));
    }
    let mut total = Report { imported: true, ..Report::default() };
    for job in generated.jobs() {
        let report = import::import(app, &job, progress).await?;
        if let Some(error) = report.errors.first() {
            return Err(Error::internal(format!("a generated entry is bad: {error:?}")));
        }
        total.created += report.created;
    }
    Ok(total)
}
