//! Hearing of changes: those of this process before they are acknowledged, those of others soon after.
//!
//! What has changed stands in two logs of the database, each in the order of its commits: the change log
//! for content, the audit trail for all else. Whoever has written reads on in them before answering;
//! PostgreSQL wakes the other processes (`NOTIFY`, sent by a trigger on the audit trail); and every
//! process looks for itself several times a second. A process that could not look lately has stopped
//! hearing, and sends nothing that it keeps.

use std::{
    collections::VecDeque,
    sync::{
        PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use sea_orm::{
    QueryOrder, QuerySelect,
    entity::prelude::*,
    sea_query::{Query as Statement, SelectStatement},
};
use tokio::{sync::Mutex, time::timeout};

use super::{Change, Sources};
use crate::{
    app::App,
    entity::{
        audit, change,
        vocabulary::{AuditAction, Kind, Visibility},
    },
    http::{Error, Result},
};

/// How often a process looks.
const LOOK: Duration = Duration::from_millis(200);
/// How long after it last looked it still counts as hearing. With the time that sending takes it must stay
/// below a second.
const HEARS: Duration = Duration::from_millis(800);
/// How long one look may take.
const PATIENCE: Duration = Duration::from_millis(700);
/// How many changes are remembered; an answer that was not asked for since is made anew.
const REMEMBERED: usize = 16_384;

/// What a process has heard.
#[derive(Debug)]
pub struct Hearing {
    changes: RwLock<VecDeque<Change>>,
    /// How many changes there have been, those that are forgotten included.
    count: AtomicU64,
    /// Until when the process counts as hearing, in microseconds since it began. Written under `failed`.
    until: AtomicU64,
    /// The last who asked for a look and did not get it: an earlier look does not count any more.
    failed: std::sync::Mutex<u64>,
    began: Instant,
    /// How many have asked for a look.
    asked: AtomicU64,
    places: Mutex<Places>,
}

/// Up to where a process has heard.
#[derive(Debug, Default)]
struct Places {
    content: Option<i64>,
    trail: i64,
    /// Whoever asked before has been answered.
    answered: u64,
}

/// When something was made: after so many changes.
#[derive(Debug)]
pub struct Seen(AtomicU64);

impl Clone for Seen {
    fn clone(&self) -> Self {
        Self(AtomicU64::new(self.0.load(Ordering::Acquire)))
    }
}

impl Default for Hearing {
    fn default() -> Self {
        Self {
            changes: RwLock::default(),
            count: AtomicU64::new(0),
            until: AtomicU64::new(0),
            failed: std::sync::Mutex::default(),
            began: Instant::now(),
            asked: AtomicU64::new(0),
            places: Mutex::default(),
        }
    }
}

impl Hearing {
    /// Whether the process has looked lately.
    #[must_use]
    pub fn is_hearing(&self) -> bool {
        self.microseconds(Instant::now()) < self.until.load(Ordering::Acquire)
    }

    /// The present moment. To be taken before anything is read of what is then made.
    #[must_use]
    pub fn moment(&self) -> Seen {
        Seen(AtomicU64::new(self.count.load(Ordering::Acquire)))
    }

    /// Whether nothing of `sources` has changed since `seen`, as far as is known; whoever goes by the answer
    /// asks [`Hearing::is_hearing`] too.
    #[must_use]
    pub fn holds(&self, sources: &Sources, seen: &Seen) -> bool {
        let count = self.count.load(Ordering::Acquire);
        let since = seen.0.load(Ordering::Acquire);
        if since == count {
            return true;
        }
        let changes = self.changes.read().unwrap_or_else(PoisonError::into_inner);
        // Under the lock, for meanwhile there may be more.
        let count = self.count.load(Ordering::Acquire);
        let news = usize::try_from(count - since).unwrap_or(usize::MAX);
        let Some(known) = changes.len().checked_sub(news) else { return *sources == Sources::NOTHING };
        if changes.range(known..).any(|change| sources.meet(change)) {
            return false;
        }
        seen.0.fetch_max(count, Ordering::AcqRel);
        true
    }

    /// Hears of everything that was committed before this was called. When it cannot, the process counts as
    /// not hearing, until it can.
    pub async fn catch_up(&self, app: &App) {
        let asked = self.asked.fetch_add(1, Ordering::AcqRel) + 1;
        let looked = timeout(PATIENCE, self.look(app, asked)).await;
        let error = match looked {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(_elapsed) => "the database does not answer in time".to_owned(),
        };
        let was_hearing = self.is_hearing();
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        *failed = asked.max(*failed);
        self.until.store(0, Ordering::Release);
        drop(failed);
        if was_hearing {
            tracing::warn!(error, "changes are not heard of: finished answers rest");
        }
    }

    async fn look(&self, app: &App, asked: u64) -> Result<()> {
        let mut places = self.places.lock().await;
        if places.answered >= asked {
            // Somebody looked after this was asked, for all who were waiting.
            return Ok(());
        }
        let (began, waiting) = (Instant::now(), self.asked.load(Ordering::Acquire));
        let (content, trail) = ends(app.db.log()).await?;
        let changes = match places.content {
            Some(place) if place <= content && places.trail <= trail => {
                let mut changes = of_content(app.db.log(), place, content).await?;
                changes.extend(of_trail(app.db.log(), places.trail, trail).await?);
                changes
            }
            // The first look, or a log that was shorter all at once: a backup was restored.
            _ => vec![Change::Everything],
        };
        self.note(&changes);
        *places = Places { content: Some(content), trail, answered: waiting };
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting >= *failed {
            self.until.store(self.microseconds(began + HEARS), Ordering::Release);
        }
        Ok(())
    }

    fn note(&self, news: &[Change]) {
        if news.is_empty() {
            return;
        }
        let mut changes = self.changes.write().unwrap_or_else(PoisonError::into_inner);
        changes.extend(news);
        let forgotten = changes.len().saturating_sub(REMEMBERED);
        changes.drain(..forgotten);
        self.count.fetch_add(news.len() as u64, Ordering::AcqRel);
    }

    fn microseconds(&self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.began).as_micros()).unwrap_or(u64::MAX)
    }
}

/// Hears of changes as long as the process runs; what fails is tried again.
pub async fn follow(app: App) {
    let mut listener = None;
    loop {
        app.cache.hearing.catch_up(&app).await;
        if listener.is_none() && app.cache.hearing.is_hearing() {
            listener = app.db.listener().await;
        }
        let woken = async {
            match &mut listener {
                Some(listener) => listener.woken().await,
                None => std::future::pending().await,
            }
        };
        // Woken or not, it looks; a connection that broke is opened anew.
        if let Ok(false) = timeout(LOOK, woken).await {
            listener = None;
        }
    }
}

/// The ends of the two logs.
async fn ends(db: &impl ConnectionTrait) -> Result<(i64, i64)> {
    let greatest = |entity: SelectStatement| Expr::expr(Expr::SubQuery(None, Box::new(entity.into())));
    let content = Statement::select().expr(change::Column::Position.max()).from(change::Entity).take();
    let trail = Statement::select().expr(audit::Column::Seq.max()).from(audit::Entity).take();
    let both =
        Statement::select().expr_as(greatest(content), "content").expr_as(greatest(trail), "trail").take();
    let row = db.query_one(&both).await?.ok_or_else(|| Error::internal("no ends of the logs"))?;
    let place = |name| row.try_get::<Option<i64>>("", name).map(Option::unwrap_or_default);
    Ok((place("content")?, place("trail")?))
}

/// The changes of content after the place `from`, up to `to`.
async fn of_content(db: &impl ConnectionTrait, from: i64, to: i64) -> Result<Vec<Change>> {
    use change::Column::{Audience, EntryId, Kind as OfKind, Position};
    if from == to {
        return Ok(Vec::new());
    }
    let lines: Vec<(Kind, Uuid, Option<Visibility>)> = change::Entity::find()
        .select_only()
        .columns([OfKind, EntryId, Audience])
        .filter(Position.gt(from))
        .filter(Position.lte(to))
        .limit(REMEMBERED as u64 + 1)
        .into_tuple()
        .all(db)
        .await?;
    if lines.len() > REMEMBERED {
        return Ok(vec![Change::Everything]);
    }
    // What only editors saw is in no answer that is kept.
    let told =
        |(kind, id, audience): (Kind, Uuid, Option<Visibility>)| Some(Change::Entry(kind, id, audience?));
    Ok(lines.into_iter().filter_map(told).collect())
}

/// The changes of all else, likewise.
async fn of_trail(db: &impl ConnectionTrait, from: i64, to: i64) -> Result<Vec<Change>> {
    use audit::Column::{Action, Seq};
    if from == to {
        return Ok(Vec::new());
    }
    let actions: Vec<AuditAction> = audit::Entity::find()
        .select_only()
        .column(Action)
        .filter(Seq.gt(from))
        .filter(Seq.lte(to))
        .order_by_asc(Seq)
        .limit(REMEMBERED as u64 + 1)
        .into_tuple()
        .all(db)
        .await?;
    if actions.len() > REMEMBERED {
        return Ok(vec![Change::Everything]);
    }
    let mut changes: Vec<Change> = actions.into_iter().filter_map(of_action).collect();
    changes.dedup();
    Ok(changes)
}

/// What a line of the trail changes besides content.
fn of_action(action: AuditAction) -> Option<Change> {
    use AuditAction as A;
    match action {
        A::SynonymCreated | A::SynonymUpdated | A::SynonymDeleted => Some(Change::Synonyms),
        A::KeyCreated
        | A::KeyRotated
        | A::KeyRevoked
        | A::UserUpdated
        | A::UserRoleChanged
        | A::UserDisabled
        | A::UserEnabled
        | A::UserDeleted
        | A::SecretsResealed => Some(Change::Access),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topic(number: u128) -> Change {
        Change::Entry(Kind::Topic, Uuid::from_u128(number), Visibility::Public)
    }

    #[test]
    fn what_was_made_holds_until_something_of_it_changes() {
        let hearing = Hearing::default();
        let sources = Sources::entry(Uuid::from_u128(7));
        let seen = hearing.moment();
        assert!(hearing.holds(&sources, &seen));
        hearing.note(&[topic(1), Change::Access]);
        assert!(hearing.holds(&sources, &seen));
        let before = hearing.moment();
        hearing.note(&[topic(2), topic(7)]);
        let after = hearing.moment();
        for (seen, expected) in [(&seen, false), (&before, false), (&after, true)] {
            assert_eq!(hearing.holds(&sources, seen), expected);
        }
        hearing.note(&[Change::Everything]);
        assert!(!hearing.holds(&sources, &after));
        assert!(hearing.holds(&Sources::NOTHING, &after));
    }

    #[test]
    fn what_was_not_asked_for_since_too_many_changes_is_made_anew() {
        let hearing = Hearing::default();
        let sources = Sources::entry(Uuid::from_u128(7));
        let (asked, forgotten) = (hearing.moment(), hearing.moment());
        for number in 0..3 {
            hearing.note(&vec![topic(1000 + number); REMEMBERED / 2]);
            assert!(hearing.holds(&sources, &asked));
        }
        assert!(!hearing.holds(&sources, &forgotten));
        assert_eq!(hearing.changes.read().unwrap().len(), REMEMBERED);
    }
}
