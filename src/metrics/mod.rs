//! What the service counts, and the page that tells it to whoever watches (Prometheus text format).
//!
//! Labels are words of ours: kinds, states, methods of HTTP, templates of routes. No id, address or path
//! as it was sent becomes one (SECURITY.md L-02), so there are never more than there are routes.

mod measure;
mod page;

pub use measure::{Lag, lag};
pub use page::router;

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{http::StatusCode, response::Response};

use crate::http::{Code, error::Problem, places::Class};

/// The upper ends of the classes of durations, in seconds.
const BOUNDS: [f64; 11] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];
/// The classes of requests.
const CLASSES: [&str; 5] = ["administration", "bulk", "content", "service", "sign_in"];
/// The classes of statuses.
const STATUSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// The counters of one process.
#[derive(Debug, Default)]
pub struct Metrics {
    /// Answers, by class of request and of status.
    answers: [[AtomicU64; STATUSES.len()]; CLASSES.len()],
    /// Answers that were kept, and sent again.
    sent_again: AtomicU64,
    /// Requests that found no place, by class.
    shed: Mutex<BTreeMap<&'static str, u64>>,
    /// Requests that were told to wait, by limit.
    limited: Mutex<BTreeMap<&'static str, u64>>,
    /// Tries of jobs, by kind and whether they succeeded.
    tries: Mutex<BTreeMap<(&'static str, bool), u64>>,
    durations: RwLock<BTreeMap<String, BTreeMap<&'static str, Arc<Histogram>>>>,
}

/// How long something took, in classes.
#[derive(Debug, Default)]
pub struct Histogram {
    /// How many fell into each class; the last one has no upper end.
    counts: [AtomicU64; BOUNDS.len() + 1],
    microseconds: AtomicU64,
}

impl Histogram {
    fn record(&self, took: Duration) {
        let seconds = took.as_secs_f64();
        let class = BOUNDS.iter().position(|bound| seconds <= *bound).unwrap_or(BOUNDS.len());
        if let Some(count) = self.counts.get(class) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        let microseconds = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.microseconds.fetch_add(microseconds, Ordering::Relaxed);
    }
}

impl Metrics {
    /// Counts an answer to a request that matched the template `route`, before its problem is written out.
    pub fn answered(
        &self,
        method: &'static str,
        route: Option<&str>,
        class: Option<Class>,
        response: &Response,
        took: Duration,
    ) {
        let class = class.map_or("service", Class::name);
        self.count(class, response.status());
        self.histogram(method, route.unwrap_or("(none)")).record(took);
        let Some(problem) = response.extensions().get::<Problem>() else { return };
        if problem.code == Code::Overloaded.as_str() {
            *locked(&self.shed).entry(class).or_default() += 1;
        }
        for policy in &problem.violated_policies {
            *locked(&self.limited).entry(*policy).or_default() += 1;
        }
    }

    /// Counts an answer that was kept, and is sent again.
    pub fn sent_again(&self, class: Class, status: StatusCode, histogram: &Histogram, took: Duration) {
        self.count(class.name(), status);
        self.sent_again.fetch_add(1, Ordering::Relaxed);
        histogram.record(took);
    }

    /// Counts a try of a job.
    pub fn tried(&self, kind: &'static str, succeeded: bool) {
        *locked(&self.tries).entry((kind, succeeded)).or_default() += 1;
    }

    fn count(&self, class: &'static str, status: StatusCode) {
        let class = CLASSES.iter().position(|known| *known == class);
        let status = usize::from(status.as_u16() / 100).saturating_sub(1);
        let counted = class.and_then(|class| self.answers.get(class)?.get(status));
        if let Some(count) = counted {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many answers there were, by class of request and of status.
    fn answers(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
        CLASSES.into_iter().zip(&self.answers).flat_map(|(class, counts)| {
            let counts = counts.iter().map(|count| count.load(Ordering::Relaxed));
            STATUSES.into_iter().zip(counts).map(move |(status, count)| (class, status, count))
        })
    }

    /// How long answers of the route `route` take.
    pub fn histogram(&self, method: &'static str, route: &str) -> Arc<Histogram> {
        let known = self.durations.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(histogram) = known.get(route).and_then(|methods| methods.get(method)) {
            return Arc::clone(histogram);
        }
        drop(known);
        let mut known = self.durations.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(known.entry(route.to_owned()).or_default().entry(method).or_default())
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
