//! The second listener: what it tells, and what it must not.

use std::{
    collections::{BTreeMap, HashSet},
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use axum::{
    body::Body,
    http::{Method, Request},
};
use chrono::TimeDelta;
use http_body_util::BodyExt;
use serde_json::json;
use sogep::{
    metrics,
    server::{self, Limits},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tower::ServiceExt;

use crate::{
    app::{As, TestApp, temporary_directory},
    jobs::{enqueue, set_all_aside},
};

async fn page(service: &TestApp) -> String {
    let request = Request::builder().uri("/metrics").body(Body::empty()).unwrap();
    let response = metrics::router(&service.app).oneshot(request).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    assert_eq!(response.headers()["cache-control"], "no-store");
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

/// Name, labels and value of a sample.
fn sample(line: &str) -> (String, BTreeMap<String, String>, f64) {
    let (series, value) = line.rsplit_once(' ').unwrap();
    let (name, labels) = match series.split_once('{') {
        Some((name, labels)) => (name, labels.strip_suffix('}').unwrap()),
        None => (series, ""),
    };
    assert!(is_name(name), "{line}");
    let labels = labels.split("\",").filter(|label| !label.is_empty()).map(|label| {
        let (key, value) = label.split_once("=\"").unwrap();
        assert!(is_name(key), "{line}");
        (key.to_owned(), value.trim_end_matches('"').to_owned())
    });
    (name.to_owned(), labels.collect(), value.parse().unwrap())
}

/// The samples of a page, by series as they are written. Fails when it is not what Prometheus reads.
fn parsed(page: &str) -> BTreeMap<String, f64> {
    let mut kinds = BTreeMap::new();
    let mut samples = BTreeMap::new();
    let mut family = String::new();
    let mut buckets: BTreeMap<String, f64> = BTreeMap::new();
    assert!(page.ends_with('\n'));
    for line in page.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            rest.split_once(' ').unwrap().0.clone_into(&mut family);
            continue;
        }
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert_eq!(name, family, "{line}");
            assert!(matches!(kind, "counter" | "gauge" | "histogram"), "{line}");
            assert!(kinds.insert(name.to_owned(), kind.to_owned()).is_none(), "twice: {line}");
            continue;
        }
        let (name, mut labels, value) = sample(line);
        let is_counter = kinds[&family] == "counter";
        assert_eq!(is_counter, name.ends_with("_total"), "{line}");
        if kinds[&family] == "histogram" {
            let part = name.strip_prefix(&family).unwrap();
            let bound = labels.remove("le");
            assert_eq!(part == "_bucket", bound.is_some(), "{line}");
            let before = buckets.entry(format!("{labels:?}")).or_default();
            match part {
                "_bucket" => {
                    assert!(value >= *before, "buckets add up: {line}");
                    *before = value;
                }
                "_sum" => {}
                "_count" => assert!((value - *before).abs() < 0.5, "the last bucket holds all: {line}"),
                other => panic!("{other}"),
            }
        } else {
            assert_eq!(name, family, "{line}");
        }
        let series = line.rsplit_once(' ').unwrap().0.to_owned();
        assert!(samples.insert(series, value).is_none(), "twice: {line}");
    }
    samples
}

#[tokio::test]
async fn the_page_counts_what_happens_and_is_what_prometheus_reads() {
    let service = TestApp::with(&[("SOGEP_RATE_LIMIT_READ", "1")]).await;
    for who in [As::Viewer, As::Viewer, As::Nobody] {
        service.get("/v1/publications/yok", who).await;
    }
    service.post("/v1/auth/login", As::Nobody, json!({})).await;
    service.get("/livez", As::Nobody).await;
    enqueue(&service, 2).await;
    set_all_aside(&service).await;
    enqueue(&service, 3).await;
    service.app.clock.advance(TimeDelta::seconds(90));
    sogep::jobs::claim(&service.app, sogep::jobs::Kind::Mail, 1).await.unwrap();
    let samples = parsed(&page(&service).await);
    for (series, value) in [
        ("sogep_requests_total{class=\"content\",status=\"4xx\"}", 3.0),
        ("sogep_requests_total{class=\"sign_in\",status=\"4xx\"}", 1.0),
        ("sogep_requests_total{class=\"service\",status=\"2xx\"}", 1.0),
        ("sogep_requests_limited_total{policy=\"read\"}", 1.0),
        ("sogep_request_duration_seconds_count{method=\"GET\",route=\"/v1/publications/{id}\"}", 3.0),
        ("sogep_jobs{state=\"waiting\"}", 2.0),
        ("sogep_jobs{state=\"running\"}", 1.0),
        ("sogep_jobs{state=\"set_aside\"}", 2.0),
        ("sogep_job_lag_seconds", 90.0),
        ("sogep_schedule_lag_seconds", 0.0),
        ("sogep_database_up", 1.0),
    ] {
        assert!((samples[series] - value).abs() < 0.001, "{series}: {}", samples[series]);
    }
    service.work().await;
    let trail = service.trail().await;
    let samples = parsed(&page(&service).await);
    assert!((samples["sogep_job_tries_total{kind=\"mail\",outcome=\"done\"}"] - 2.0).abs() < 0.1);
    assert_eq!(samples["sogep_audit_seq"].to_string(), trail.last().unwrap().seq.to_string());
    let writer = if service.app.db.is_postgres() { "main" } else { "writer" };
    assert!(samples.contains_key(&format!("sogep_database_connections{{pool=\"{writer}\",state=\"idle\"}}")));
    #[cfg(target_os = "linux")]
    assert!(samples["process_resident_memory_bytes"] > 1e6);
}

#[tokio::test]
async fn requests_that_find_no_place_are_counted() {
    let service = TestApp::start().await;
    service.get("/v1/topics", As::Viewer).await;
    let held = crate::limits::places::fill(&service).await;
    assert_eq!(service.get("/v1/topics", As::Viewer).await.status, 503);
    drop(held);
    let samples = parsed(&page(&service).await);
    assert!((samples["sogep_requests_shed_total{class=\"content\"}"] - 1.0).abs() < 0.1);
}

#[tokio::test]
async fn nothing_that_is_sent_becomes_a_label_however_much_is_sent() {
    let service = TestApp::start().await;
    let canary = "kanarya7Qx";
    for number in 0..40 {
        let headers =
            [("x-canary", canary), ("user-agent", canary), ("origin", "https://kanarya7qx.example")];
        for path in [
            format!("/v1/publications/{canary}{number}"),
            format!("/{canary}/{number}"),
            format!("/v1/users/{canary}{number}?{canary}={canary}"),
            format!("/docs/{canary}{number}"),
        ] {
            let request = Request::builder().method("GET").uri(path);
            let request =
                headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
            service.raw(request.body(Body::empty()).unwrap()).await;
        }
        let method = Method::from_bytes(format!("{canary}{number}").as_bytes()).unwrap();
        service.raw(Request::builder().method(method).uri("/v1/topics").body(Body::empty()).unwrap()).await;
    }
    let email = format!("{canary}@sogep.example");
    service.post("/v1/users", As::Owner, json!({ "email": email, "name": canary, "role": "viewer" })).await;
    service.post("/v1/auth/forgotten-password", As::Nobody, json!({ "email": email })).await;
    service.mail(&email.to_lowercase(), 1).await;
    let text = page(&service).await;
    parsed(&text);
    assert!(!text.to_lowercase().contains("kanarya"), "{text}");
    for id in service.rows().await.iter().flat_map(|row| {
        row.split(|letter: char| !letter.is_ascii_hexdigit() && letter != '-')
            .map(str::to_owned)
            .collect::<Vec<_>>()
    }) {
        assert!(id.len() != 36 || !text.contains(&id), "{id}");
    }
    let routes: HashSet<&str> =
        text.split("route=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert!(routes.contains("(none)") && routes.len() < 10, "{routes:?}");
    assert!(text.contains("method=\"(other)\""));
}

#[tokio::test]
async fn the_page_has_what_the_process_knows_while_the_database_is_away() {
    let service = TestApp::start().await;
    service.get("/livez", As::Nobody).await;
    service.app.db.reader().clone().close().await.unwrap();
    let samples = parsed(&page(&service).await);
    assert!(samples["sogep_database_up"].abs() < 0.1);
    assert!(samples.contains_key("sogep_requests_total{class=\"service\",status=\"2xx\"}"));
    assert!(!samples.contains_key("sogep_job_lag_seconds"));
}

#[tokio::test]
async fn the_second_listener_serves_its_page_and_nothing_else() {
    let service = TestApp::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = metrics::router(&service.app);
    let serving = tokio::spawn(async move {
        server::serve(
            listener,
            router,
            Limits::for_watchers(),
            |ip| ip.is_loopback(),
            std::future::pending(),
        )
        .await;
    });
    let ask = async |head: &str| {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(format!("{head}\r\n\r\n").as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    let good = ask("GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close").await;
    assert!(good.starts_with("HTTP/1.1 200 OK") && good.contains("sogep_database_up 1"), "{good}");
    for (head, status) in [
        ("GET /v1/topics HTTP/1.1\r\nHost: a\r\nConnection: close", "404"),
        ("GET / HTTP/1.1\r\nHost: a\r\nConnection: close", "404"),
        ("POST /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0", "405"),
        ("GET /metrics HTTP/1.1", "400"),
        ("GET /metrics HTTP/1.1\r\nHost: a\r\nHost: b", "400"),
    ] {
        let answer = ask(head).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{head}: {answer}");
    }
    assert_eq!(service.get("/metrics", As::Nobody).await.status, 404, "it is not on the first one");
    serving.abort();
}

/// The program itself, in a directory of its own.
fn serve(settings: &[(&str, &str)], directory: &std::path::Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_sogep"))
        .arg("serve")
        .env_clear()
        .env("SOGEP_LISTEN", "127.0.0.1:0")
        .env("SOGEP_LOG", "warn")
        .envs(settings.iter().copied())
        .current_dir(directory)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The first `count` lines it prints, and what it has logged by then.
fn said(mut program: Child, count: usize) -> (Vec<String>, String) {
    let lines = BufReader::new(program.stdout.take().unwrap()).lines().map(Result::unwrap);
    let lines = lines.take(count).collect();
    program.kill().unwrap();
    let output = program.wait_with_output().unwrap();
    (lines, String::from_utf8(output.stderr).unwrap())
}

#[test]
fn a_listener_that_somebody_has_named_must_be_there_and_the_default_need_not() {
    let directory = temporary_directory();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = serve(&[("SOGEP_ADMIN_LISTEN", &address)], directory.path()).wait_with_output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(
        !output.status.success() && error.contains("`admin_listen`") && error.contains(&address),
        "{error}"
    );
    assert!(!directory.path().join("data").exists(), "it fails before it has done anything");
    let (lines, _) = said(serve(&[("SOGEP_ADMIN_LISTEN", "127.0.0.1:0")], directory.path()), 2);
    assert!(lines[0].starts_with("Serving on http://127.0.0.1:"), "{lines:?}");
    assert!(
        lines[1].starts_with("Metrics on http://127.0.0.1:") && lines[1].ends_with("/metrics"),
        "{lines:?}"
    );
    assert!(!lines[1].contains(":0/"), "{lines:?}");
    // If this cannot be had, somebody else has it already.
    let default = std::net::TcpListener::bind("127.0.0.1:9090");
    let (lines, log) = said(serve(&[], directory.path()), 1);
    assert!(lines[0].starts_with("Serving on "), "{lines:?}");
    assert!(log.contains("there are no metrics") && log.contains("`admin_listen`"), "{log}");
    drop(default);
    let (lines, log) = said(serve(&[("SOGEP_ADMIN_LISTEN", "off")], directory.path()), 1);
    assert!(lines[0].starts_with("Serving on ") && !log.contains("metrics"), "{lines:?} {log}");
}
