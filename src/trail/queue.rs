//! Lines about what was refused, on their way into the trail.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use tokio::sync::{
    mpsc::{self, Receiver, Sender},
    oneshot,
};

use super::{Event, lock, write};
use crate::{clock::Clock, db::Db, entity::vocabulary::AuditAction, http::Result};

/// How many lines wait at most. More are counted and dropped: a flood must not fill the memory.
const CAPACITY: usize = 4_096;
/// How many lines a minute are taken. Whoever may call may be refused as often as they like, and the
/// trail is kept for ever: more are counted, and one line says how many.
const LINES_A_MINUTE: u64 = 3_000;
/// How many lines are written at once.
const BATCH: usize = 256;
/// How long to wait before trying again when the database fails.
const PAUSE: Duration = Duration::from_secs(1);

/// The queue and the task that empties it.
#[derive(Debug)]
pub struct Trail {
    sender: Sender<Item>,
    clock: Clock,
    lost: Arc<AtomicU64>,
    taken: Mutex<(Instant, u64)>,
}

enum Item {
    Event(DateTime<Utc>, Box<Event>),
    Flush(oneshot::Sender<()>),
}

impl Trail {
    /// Starts the task; it ends when the trail is dropped and all is written.
    #[must_use]
    pub fn open(db: Db, clock: Clock) -> Self {
        let (sender, receiver) = mpsc::channel(CAPACITY);
        let lost = Arc::new(AtomicU64::new(0));
        tokio::spawn(keep_writing(db, clock.clone(), receiver, Arc::clone(&lost)));
        Self { sender, clock, lost, taken: Mutex::new((Instant::now(), 0)) }
    }

    /// Whether this minute has room for another line.
    fn has_room(&self) -> bool {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.0.elapsed() >= Duration::from_mins(1) {
            *taken = (Instant::now(), 0);
        }
        taken.1 += 1;
        taken.1 <= LINES_A_MINUTE
    }

    /// Notes that something was refused. Never waits.
    pub fn note(&self, event: Event) {
        if self.has_room() {
            event.log();
            if self.sender.try_send(Item::Event(self.clock.now(), Box::new(event))).is_ok() {
                return;
            }
        }
        self.lost.fetch_add(1, Ordering::Relaxed);
    }

    /// Waits until everything that was noted before is written.
    pub async fn flush(&self) {
        let (done, written) = oneshot::channel();
        if self.sender.send(Item::Flush(done)).await.is_ok() {
            // The task has ended, so there is nothing left to wait for.
            let _ = written.await;
        }
    }
}

async fn keep_writing(db: Db, clock: Clock, mut receiver: Receiver<Item>, lost: Arc<AtomicU64>) {
    let mut items = Vec::with_capacity(BATCH);
    while receiver.recv_many(&mut items, BATCH).await > 0 {
        let mut events = Vec::new();
        let mut waiting = Vec::new();
        for item in items.drain(..) {
            match item {
                Item::Event(at, event) => events.push((at, *event)),
                Item::Flush(done) => waiting.push(done),
            }
        }
        let dropped = lost.swap(0, Ordering::Relaxed);
        if dropped > 0 {
            let event = Event::refused(AuditAction::AuditLost, "overload").on("audit", dropped);
            events.push((clock.now(), event));
        }
        while let Err(error) = batch(&db, &events).await {
            tracing::error!(%error, lines = events.len(), "the audit trail cannot be written; trying again");
            if receiver.is_closed() {
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
        for done in waiting {
            // Whoever waited has gone.
            let _ = done.send(());
        }
    }
}

async fn batch(db: &Db, events: &[(DateTime<Utc>, Event)]) -> Result<()> {
    if events.is_empty() {
        return Ok(());
    }
    let tx = db.begin().await?;
    lock(&tx).await?;
    write(&tx, events.to_vec()).await?;
    tx.commit().await?;
    Ok(())
}
