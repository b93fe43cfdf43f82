//! The page of the second listener.
//!
//! Source: the text format 0.0.4, <https://prometheus.io/docs/instrumenting/exposition_formats/>.

use std::{
    fmt::{Display, Write},
    sync::atomic::Ordering,
    time::Duration,
};

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};

use super::{BOUNDS, Lag, lag, locked, measure};
use crate::{
    app::App,
    http::{Error, peer::Refused},
};

const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";
/// How long the database may take; the page has the rest in any case.
const PATIENCE: Duration = Duration::from_secs(2);

/// The routes of the second listener. Nobody is asked who they are: only those who watch the service
/// can reach it.
pub fn router(app: &App) -> Router {
    Router::new()
        .route("/metrics", get(get_metrics))
        .layer(middleware::from_fn(guarded))
        .with_state(app.clone())
}

/// Answers what is no good request as the service does, but without a body.
async fn guarded(request: Request, next: Next) -> Response {
    let mut response = match request.extensions().get::<Refused>() {
        Some(refused) => Error::from(*refused).code().status().into_response(),
        None => next.run(request).await,
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

async fn get_metrics(
    State(app): State<App>,
) -> (StatusCode, [(header::HeaderName, &'static str); 1], String) {
    (StatusCode::OK, [(header::CONTENT_TYPE, MEDIA_TYPE)], text(&app).await)
}

/// All that is known now.
async fn text(app: &App) -> String {
    let mut page = Page::default();
    page.family("sogep_info", "gauge", "The version that runs.");
    page.sample("sogep_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
    requests(app, &mut page);
    cache(app, &mut page);
    jobs(app, &mut page);
    search(app, &mut page);
    database(app, &mut page).await;
    process(&mut page);
    page.0
}

fn requests(app: &App, page: &mut Page) {
    let metrics = &app.metrics;
    page.family("sogep_requests_total", "counter", "Requests answered, by class and status.");
    for (class, status, count) in metrics.answers().filter(|(_, _, count)| *count > 0) {
        page.sample("sogep_requests_total", &[("class", class), ("status", status)], count);
    }
    page.family(
        "sogep_requests_shed_total",
        "counter",
        "Requests turned away because all places were taken.",
    );
    for (class, count) in locked(&metrics.shed).iter() {
        page.sample("sogep_requests_shed_total", &[("class", class)], count);
    }
    page.family("sogep_requests_limited_total", "counter", "Requests told to wait, by the limit they met.");
    for (policy, count) in locked(&metrics.limited).iter() {
        page.sample("sogep_requests_limited_total", &[("policy", policy)], count);
    }
    let name = "sogep_request_duration_seconds";
    page.family(name, "histogram", "How long requests took, by method and template of the route.");
    let durations = metrics.durations.read().unwrap_or_else(std::sync::PoisonError::into_inner);
    for (route, methods) in durations.iter() {
        for (method, histogram) in methods {
            let labels = [("method", *method), ("route", route)];
            let bounds = BOUNDS.iter().map(ToString::to_string).chain(["+Inf".to_owned()]);
            let mut sum = 0;
            for (count, bound) in histogram.counts.iter().zip(bounds) {
                sum += count.load(Ordering::Relaxed);
                page.sample(&format!("{name}_bucket"), &[labels[0], labels[1], ("le", &bound)], sum);
            }
            let seconds = Duration::from_micros(histogram.microseconds.load(Ordering::Relaxed));
            page.sample(&format!("{name}_sum"), &labels, seconds.as_secs_f64());
            page.sample(&format!("{name}_count"), &labels, sum);
        }
    }
}

/// The finished answers that are kept.
fn cache(app: &App, page: &mut Page) {
    let held = app.cache.held();
    page.single("sogep_cache_answers", "Finished answers that are kept.", held.answers);
    page.single("sogep_cache_bytes", "What the finished answers take, in bytes.", held.bytes);
    let hits = "Requests answered from what was kept.";
    page.family("sogep_cache_hits_total", "counter", hits);
    page.sample("sogep_cache_hits_total", &[], app.metrics.sent_again.load(Ordering::Relaxed));
    let help = "Whether the process hears of changes, without which it sends nothing that it keeps.";
    page.single("sogep_cache_hearing", help, u8::from(app.cache.hearing.is_hearing()));
}

fn jobs(app: &App, page: &mut Page) {
    page.family("sogep_job_tries_total", "counter", "Tries of jobs by this process, by kind and outcome.");
    for ((kind, succeeded), count) in locked(&app.metrics.tries).iter() {
        let outcome = if *succeeded { "done" } else { "failed" };
        page.sample("sogep_job_tries_total", &[("kind", kind), ("outcome", outcome)], count);
    }
}

/// What is known of the search index of this process, once it is open.
fn search(app: &App, page: &mut Page) {
    let Some((stats, behind)) = app.catalogue.watched() else { return };
    page.single("sogep_search_entries", "Entries in the search index of this process.", stats.entries);
    page.single("sogep_search_bytes", "Bytes of the search index on the disk.", stats.bytes);
    let help = "Changes that the search index had not taken in when it last looked.";
    page.single("sogep_search_lag_changes", help, behind);
}

/// What the database knows, if it can be reached.
async fn database(app: &App, page: &mut Page) {
    page.family("sogep_database_connections", "gauge", "Connections to the database, by pool and use.");
    for pool in app.db.pools() {
        for (state, count) in [("in_use", pool.in_use), ("idle", pool.idle)] {
            page.sample("sogep_database_connections", &[("pool", pool.name), ("state", state)], count);
        }
    }
    let asked = async { Ok::<_, Error>((lag(app).await?, measure::amounts(app).await?)) };
    let answer = tokio::time::timeout(PATIENCE, asked).await.ok().and_then(Result::ok);
    page.single("sogep_database_up", "Whether the database answers.", u8::from(answer.is_some()));
    let Some((Lag { jobs, schedule }, amounts)) = answer else { return };
    page.family("sogep_jobs", "gauge", "Jobs of all replicas, by state.");
    for (state, count) in
        [("waiting", amounts.waiting), ("running", amounts.running), ("set_aside", amounts.set_aside)]
    {
        page.sample("sogep_jobs", &[("state", state)], count);
    }
    page.single("sogep_job_lag_seconds", "How long the oldest job that is due has been waiting.", jobs);
    let help = "How long the oldest entry that is due has been waiting to be published or archived.";
    page.single("sogep_schedule_lag_seconds", help, schedule);
    page.single("sogep_audit_seq", "The number of the last line of the audit trail.", amounts.audit_seq);
}

/// What the system says of this process, where it does.
fn process(page: &mut Page) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kibibytes = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    if let Some(kibibytes) = kibibytes {
        page.single("process_resident_memory_bytes", "Memory in use.", kibibytes * 1024);
    }
}

/// A page under way.
#[derive(Default)]
struct Page(String);

impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a `String` cannot fail, here and below.
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        self.0.push_str(name);
        for (index, (label, value)) in labels.iter().enumerate() {
            let before = if index == 0 { '{' } else { ',' };
            let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let _ = write!(self.0, "{before}{label}=\"{value}\"");
        }
        let after = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.0, "{after} {value}");
    }

    /// A gauge without labels.
    fn single(&mut self, name: &str, help: &str, value: impl Display) {
        self.family(name, "gauge", help);
        self.sample(name, &[], value);
    }
}
