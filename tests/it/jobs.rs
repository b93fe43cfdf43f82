//! Work that is done later: at least once, by whichever replica is free, again when it fails.

mod administration;

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use chrono::TimeDelta;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, sea_query::Expr};
use serde_json::json;
use sogep::{
    app::App,
    config::Config,
    entity::{job, vocabulary::AccountRole},
    jobs::{self, Claimed, Failure, Job, Kind},
    mail::{Message, texts},
};
use tokio::{
    sync::{Barrier, watch},
    task::JoinHandle,
};
use uuid::Uuid;

use crate::app::{As, TestApp, now};

fn message(number: usize) -> Message {
    texts::password_reset(&format!("kisi{number}@sogep.example"), "https://example.org/#token=gizli")
}

/// Enqueues `count` jobs in one transaction; gives their ids.
pub async fn enqueue(service: &TestApp, count: usize) -> Vec<Uuid> {
    let tx = service.app.db.begin().await.unwrap();
    let mut ids = Vec::new();
    for number in 0..count {
        ids.push(jobs::enqueue(&service.app, &tx, &Job::Mail(message(number))).await.unwrap());
    }
    tx.commit().await.unwrap();
    ids
}

/// All jobs there are, the oldest first.
pub async fn rows(service: &TestApp) -> Vec<job::Model> {
    job::Entity::find().order_by_asc(job::Column::Id).all(service.app.db.reader()).await.unwrap()
}

async fn only(service: &TestApp) -> job::Model {
    let [row] = &rows(service).await[..] else { panic!("there is not one job") };
    row.clone()
}

async fn claim(service: &TestApp) -> Option<Claimed> {
    jobs::claim(&service.app, Kind::Mail, 1).await.unwrap().pop()
}

/// Sets the one job that is due aside.
pub async fn wear_out(service: &TestApp, why: &str) {
    let claimed = claim(service).await.unwrap();
    assert!(jobs::fail(&service.app, &claimed, &Failure::Permanent(why.to_owned())).await.unwrap());
}

/// Sets aside whatever there is.
pub async fn set_all_aside(service: &TestApp) {
    while let Some(claimed) = claim(service).await {
        jobs::fail(&service.app, &claimed, &Failure::Permanent("no".to_owned())).await.unwrap();
    }
}

/// A worker of the test's own.
struct Worker {
    stop: watch::Sender<()>,
    task: JoinHandle<()>,
}

impl Worker {
    fn start<F>(
        service: &TestApp,
        perform: impl Fn(App, Uuid, Job) -> F + Clone + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        let (stop, stopped) = watch::channel(());
        let task = tokio::spawn(jobs::run(service.app.clone(), Kind::Mail, stopped, perform));
        Self { stop, task }
    }

    async fn stop(self) {
        drop(self.stop);
        self.task.await.unwrap();
    }
}

async fn is_empty(service: &TestApp) -> bool {
    job::Entity::find().count(service.app.db.reader()).await.unwrap() == 0
}

#[tokio::test]
async fn two_replicas_share_the_work_and_do_each_job_once() {
    let service = TestApp::start().await;
    let replica = service.replica().await;
    let ids = enqueue(&service, 200).await;
    let done = Arc::new(Mutex::new(HashMap::<Uuid, Vec<usize>>::new()));
    let workers = [&service, &replica].into_iter().enumerate().map(|(number, service)| {
        let done = Arc::clone(&done);
        Worker::start(service, move |_, id, _| {
            let done = Arc::clone(&done);
            async move {
                tokio::time::sleep(Duration::from_millis(2)).await;
                done.lock().unwrap().entry(id).or_default().push(number);
                Ok(())
            }
        })
    });
    let workers: Vec<Worker> = workers.collect();
    service.until("all jobs are done", async || is_empty(&service).await).await;
    for worker in workers {
        worker.stop().await;
    }
    let done = done.lock().unwrap();
    assert_eq!(done.len(), ids.len());
    assert!(ids.iter().all(|id| done[id].len() == 1), "{done:?}");
    let by_replica = done.values().filter(|by| **by == [1]).count();
    assert!((1..200).contains(&by_replica), "the other replica did {by_replica}");
}

#[tokio::test]
async fn a_holder_that_stops_is_succeeded_and_has_no_say_any_more() {
    let service = TestApp::start().await;
    let replica = service.replica().await;
    enqueue(&service, 1).await;
    let paused = claim(&service).await.unwrap();
    service.app.clock.advance(jobs::LEASE - TimeDelta::milliseconds(1));
    assert!(claim(&replica).await.is_none() && claim(&service).await.is_none(), "it is being done");
    service.app.clock.advance(TimeDelta::milliseconds(1));
    let successor = claim(&replica).await.unwrap();
    assert_eq!((paused.id, successor.attempts), (successor.id, 2));
    let before = only(&service).await;
    assert!(!jobs::finish(&service.app, &paused).await.unwrap());
    for failure in [Failure::Permanent("no".to_owned()), Failure::Temporary("no".to_owned())] {
        assert!(!jobs::fail(&service.app, &paused, &failure).await.unwrap());
    }
    assert_eq!(only(&service).await, before);
    assert!(jobs::finish(&replica.app, &successor).await.unwrap());
    assert!(rows(&service).await.is_empty());
    // The lease outlives any try, and a successor is there within half a minute (SECURITY.md N-07).
    assert!(jobs::LEASE.to_std().unwrap() > jobs::PATIENCE && jobs::LEASE < TimeDelta::seconds(29));
}

#[tokio::test]
async fn a_claim_that_ran_out_but_that_nobody_took_still_counts() {
    let service = TestApp::start().await;
    enqueue(&service, 1).await;
    let slow = claim(&service).await.unwrap();
    service.app.clock.advance(jobs::LEASE * 2);
    assert!(jobs::finish(&service.app, &slow).await.unwrap());
    assert!(rows(&service).await.is_empty());
}

#[tokio::test]
async fn what_fails_is_tried_again_later_each_time_and_then_set_aside() {
    let service = TestApp::start().await;
    let [id] = enqueue(&service, 1).await[..] else { panic!("one") };
    let failure = Failure::Temporary("the mail server asks to try again later".to_owned());
    for (attempts, least) in [(1, 5), (2, 60), (3, 300), (4, 1800), (5, 7200)] {
        let claimed = claim(&service).await.unwrap();
        assert_eq!(claimed.attempts, attempts);
        assert!(jobs::fail(&service.app, &claimed, &failure).await.unwrap());
        let row = only(&service).await;
        let wait = row.run_at - service.app.clock.now();
        assert_eq!(Some(wait), jobs::delay(id, attempts));
        assert!(wait >= TimeDelta::seconds(least) && wait * 10 <= TimeDelta::seconds(least) * 12, "{wait}");
        assert_eq!((row.claim, row.claimed_until, row.set_aside_at), (None, None, None));
        service.app.clock.advance(wait - TimeDelta::milliseconds(1));
        assert!(claim(&service).await.is_none(), "not before its time");
        service.app.clock.advance(TimeDelta::milliseconds(1));
    }
    let claimed = claim(&service).await.unwrap();
    assert_eq!(claimed.attempts, jobs::TRIES);
    assert!(jobs::fail(&service.app, &claimed, &failure).await.unwrap());
    let row = only(&service).await;
    assert_eq!(row.set_aside_at, Some(service.app.clock.now()));
    assert_eq!(row.last_error.as_deref(), Some("the mail server asks to try again later"));
    service.app.clock.advance(TimeDelta::days(1));
    assert!(claim(&service).await.is_none(), "it waits for an administrator");
}

#[tokio::test]
async fn what_brings_its_workers_down_is_set_aside_and_holds_up_nothing() {
    let service = TestApp::start().await;
    let [poison, good] = enqueue(&service, 2).await[..] else { panic!("two") };
    for attempts in 1..=jobs::TRIES {
        // The process is killed: nobody says how it went.
        let claimed = claim(&service).await.unwrap();
        assert_eq!((claimed.id, claimed.attempts), (poison, attempts));
        service.app.clock.advance(jobs::LEASE);
    }
    assert!(claim(&service).await.is_none(), "it is set aside instead");
    assert_eq!(claim(&service).await.unwrap().id, good);
    let row = &rows(&service).await[0];
    assert_eq!((row.id, row.last_error.as_deref()), (poison, Some("no try came to an end")));
    assert!(row.set_aside_at.is_some());
}

#[tokio::test]
async fn a_panic_is_a_failed_try_and_no_more() {
    let service = TestApp::start().await;
    let ids = enqueue(&service, 3).await;
    let poison = ids[0];
    let worker = Worker::start(&service, move |_, id, _| async move {
        assert_ne!(id, poison, "the payload is gizli");
        Ok(())
    });
    service.until("the others are done", async || rows(&service).await.len() == 1).await;
    service.until("it is said", async || only(&service).await.last_error.is_some()).await;
    let row = only(&service).await;
    assert_eq!((row.id, row.attempts), (poison, 1));
    assert_eq!(row.last_error.as_deref(), Some("the program failed"), "and not with what words");
    enqueue(&service, 1).await;
    service.app.jobs.wake();
    service.until("the worker goes on", async || rows(&service).await.len() == 1).await;
    worker.stop().await;
}

#[tokio::test]
async fn several_are_done_at_a_time() {
    let service = TestApp::start().await;
    enqueue(&service, 8).await;
    // Each waits for three others.
    let barrier = Arc::new(Barrier::new(4));
    let worker = Worker::start(&service, move |_, _, _| {
        let barrier = Arc::clone(&barrier);
        async move {
            barrier.wait().await;
            Ok(())
        }
    });
    service.until("all jobs are done", async || is_empty(&service).await).await;
    worker.stop().await;
}

#[tokio::test]
async fn whoever_stops_finishes_what_it_has_begun_and_begins_nothing() {
    let service = TestApp::start().await;
    enqueue(&service, 9).await;
    let begun = Arc::new(AtomicUsize::new(0));
    let (open, opened) = watch::channel(());
    let counted = Arc::clone(&begun);
    let worker = Worker::start(&service, move |_, _, _| {
        counted.fetch_add(1, Ordering::Relaxed);
        let mut opened = opened.clone();
        async move {
            // Ends when the sender is gone.
            let _ = opened.changed().await;
            Ok(())
        }
    });
    service.until("some are begun", async || begun.load(Ordering::Relaxed) == 4).await;
    let stopping = tokio::spawn(worker.stop());
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!stopping.is_finished(), "it waits");
    drop(open);
    stopping.await.unwrap();
    assert_eq!(begun.load(Ordering::Relaxed), 4);
    assert_eq!(rows(&service).await.len(), 5, "the rest is left for others");
}

#[tokio::test]
async fn what_is_committed_begins_at_once() {
    let service = TestApp::start().await;
    let worker = Worker::start(&service, |_, _, _| async { Ok(()) });
    let started = Instant::now();
    // Found only by looking once a second, each would take one.
    for _ in 0..8 {
        enqueue(&service, 1).await;
        service.app.jobs.wake();
        service.until("it is done", async || is_empty(&service).await).await;
    }
    assert!(started.elapsed() < Duration::from_secs(6), "{:?}", started.elapsed());
    enqueue(&service, 1).await;
    service.until("it is found without a word", async || is_empty(&service).await).await;
    worker.stop().await;
}

#[tokio::test]
async fn a_transaction_that_is_taken_back_takes_its_jobs_along() {
    let service = TestApp::start().await;
    let tx = service.app.db.begin().await.unwrap();
    jobs::enqueue(&service.app, &tx, &Job::Mail(message(0))).await.unwrap();
    drop(tx);
    enqueue(&service, 1).await;
    assert_eq!(service.mail("@sogep.example", 1).await.len(), 1);
    assert!(rows(&service).await.is_empty());
}

#[tokio::test]
async fn the_table_tells_neither_who_is_written_to_nor_what() {
    let service = TestApp::start().await;
    let ids = enqueue(&service, 2).await;
    let stored = rows(&service).await;
    for row in &stored {
        let text = format!("{row:?}").to_lowercase();
        for secret in ["kisi", "sogep.example", "gizli", "example.org", "subject"] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
    // Nor does a payload open for another job.
    let tx = service.app.db.begin().await.unwrap();
    job::Entity::update_many()
        .col_expr(job::Column::SealedPayload, Expr::value(&stored[0].sealed_payload))
        .filter(job::Column::Id.eq(ids[1]))
        .exec(&tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    service.work().await;
    let row = only(&service).await;
    assert_eq!((row.id, row.last_error.as_deref()), (ids[1], Some("it was sealed under another secret")));
    let sent = service.mail("@sogep.example", 1).await;
    assert_eq!(sent.len(), 1, "only what is sealed for its own job is done");
    // Recipients whose server got it twice can tell.
    assert!(sent[0].contains(&format!("Message-ID: <{}@", ids[0])), "{}", sent[0]);
}

#[tokio::test]
async fn what_waits_is_sealed_anew_with_everything_else() {
    let service = TestApp::start().await;
    enqueue(&service, 3).await;
    let settings = |secret: &str, previous: Option<&str>| Config {
        secret: Some(secret.to_owned().into()),
        previous_secret: previous.map(|previous| previous.to_owned().into()),
        ..service.app.config.clone()
    };
    let old = service.app.config.secret.as_ref().unwrap().to_string();
    let later = service.replica_with(settings("kR3mXw8-only-good-later-Tq5Zb1vN", Some(&old))).await;
    sogep::command::reseal(&later.app).await.unwrap();
    let after = service.replica_with(settings("kR3mXw8-only-good-later-Tq5Zb1vN", None)).await;
    after.work().await;
    assert!(rows(&service).await.is_empty());
}

#[tokio::test]
async fn what_another_version_knows_is_left_for_it() {
    let service = TestApp::start().await;
    enqueue(&service, 1).await;
    let tx = service.app.db.begin().await.unwrap();
    job::Entity::update_many()
        .col_expr(job::Column::Kind, Expr::value("unheard_of"))
        .exec(&tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let before = only(&service).await;
    service.work().await;
    service.app.clock.advance(TimeDelta::days(2));
    service.work().await;
    assert_eq!(only(&service).await, before);
    let listed = service.get("/v1/jobs", As::Bearer(service.account(AccountRole::Admin).await)).await;
    assert_eq!(listed.body["data"][0]["kind"], "unheard_of");
}

#[tokio::test]
async fn a_link_that_has_expired_is_not_sent() {
    let service = TestApp::start().await;
    let body = json!({ "email": "yeni@sogep.example", "role": "viewer" });
    assert_eq!(service.post("/v1/users", As::Owner, body).await.status, 201);
    assert_eq!(rows(&service).await.len(), 1);
    service.app.clock.advance(TimeDelta::hours(72));
    service.work().await;
    assert!(rows(&service).await.is_empty(), "nor kept");
    enqueue(&service, 1).await;
    // That one is sent: so nothing was before.
    assert_eq!(service.mail("@sogep.example", 1).await.len(), 1);
}

#[tokio::test]
async fn nobody_writes_while_nothing_is_due() {
    let service = TestApp::start().await;
    enqueue(&service, 1).await;
    let claimed = claim(&service).await.unwrap();
    jobs::fail(&service.app, &claimed, &Failure::Temporary("later".to_owned())).await.unwrap();
    // The writer is taken: whoever wanted it would wait, and fail.
    let held = service.app.db.begin().await.unwrap();
    let (statements, found) = service.statements(claim(&service)).await;
    assert!(found.is_none());
    assert_eq!(statements, 1);
    drop(held);
}

#[tokio::test]
async fn what_was_set_aside_is_deleted_after_thirty_days() {
    let service = TestApp::start().await;
    enqueue(&service, 1).await;
    wear_out(&service, "no").await;
    service.app.clock.advance(jobs::KEPT);
    enqueue(&service, 1).await;
    jobs::delete_old(service.app.clone()).await.unwrap();
    assert_eq!(rows(&service).await.len(), 2);
    service.app.clock.advance(TimeDelta::milliseconds(1));
    jobs::delete_old(service.app.clone()).await.unwrap();
    let left = only(&service).await;
    assert!(left.set_aside_at.is_none() && left.created_at == now() + jobs::KEPT);
}
