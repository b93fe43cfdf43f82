//! The audit trail: what is in it, what never is, and how a break is found.

use axum::http::Method;
use chrono::TimeDelta;
use futures_util::future::join_all;
use sea_orm::{ConnectionTrait, Database, DatabaseConnection};
use serde_json::{Value, json};
use sogep::{
    entity::vocabulary::{AccountRole, ActorType, AuditAction, AuditOutcome},
    trail::{self, Anchor, Broken, Event},
};

use super::{EMAIL, PASSWORD, account, me, sign_in, tokens};
use crate::app::{As, TestApp, publication, topic};

/// A connection that may do what the service's own may not.
async fn by_hand(service: &TestApp) -> DatabaseConnection {
    let config = &service.app.config;
    let file = format!("sqlite://{}", config.data_dir.join("sogep.db").display());
    Database::connect(config.database_url.clone().unwrap_or(file)).await.unwrap()
}

async fn without_triggers(service: &TestApp) -> DatabaseConnection {
    let db = by_hand(service).await;
    let sql = if service.app.db.is_postgres() {
        "DROP TRIGGER audit_append_only ON audit; DROP TRIGGER audit_not_truncated ON audit"
    } else {
        "DROP TRIGGER audit_no_update; DROP TRIGGER audit_no_delete; DROP TRIGGER audit_no_replace"
    };
    db.execute_unprepared(sql).await.unwrap();
    db
}

async fn verify(service: &TestApp, anchor: Option<&Anchor>) -> Result<i64, String> {
    let anchor = anchor.map(|anchor| (anchor, service.app.secrets.anchor_key()));
    match trail::verify(service.app.db.reader(), anchor, &|_| {}).await {
        Ok(verified) => Ok(verified.lines),
        Err(Broken::Line(seq, _)) => Err(format!("line {seq}")),
        Err(Broken::Anchor(seq, _)) => Err(format!("anchor {seq}")),
        Err(Broken::Unreadable(error)) => panic!("{error}"),
    }
}

/// A service with at least twenty lines in its trail.
async fn with_lines() -> (TestApp, i64) {
    let service = TestApp::start().await;
    for number in 0..10 {
        service.published("topics", topic(&format!("Konu {number}"))).await;
    }
    let lines = verify(&service, None).await.unwrap();
    assert!(lines >= 20);
    (service, lines)
}

#[tokio::test]
async fn no_line_can_be_changed_or_removed() {
    let (service, lines) = with_lines().await;
    let db = by_hand(&service).await;
    let mut tries = vec![
        "UPDATE audit SET reason = 'x' WHERE seq = 3",
        "DELETE FROM audit WHERE seq = 3",
        "DELETE FROM audit",
    ];
    if service.app.db.is_postgres() {
        tries.push("TRUNCATE audit");
    } else {
        tries.push("INSERT OR REPLACE INTO audit SELECT * FROM audit WHERE seq = 3");
    }
    for sql in tries {
        let refused = db.execute_unprepared(sql).await.unwrap_err().to_string();
        assert!(refused.contains("append-only"), "{sql}: {refused}");
    }
    assert_eq!(verify(&service, None).await, Ok(lines));
}

#[tokio::test]
async fn verifying_names_the_first_bad_line() {
    let copy = "seq, at, action, outcome, actor_type, actor_id, object_type, object_id, reason, fields, request_id, previous, hash";
    let inserted = format!(
        "UPDATE audit SET seq = seq + 1000 WHERE seq > 10; UPDATE audit SET seq = seq - 999 WHERE seq > 1000; \
         INSERT INTO audit ({copy}) SELECT 11, at, action, outcome, actor_type, actor_id, object_type, object_id, reason, \
         fields, request_id, previous, hash FROM audit WHERE seq = 10"
    );
    for (what, sql, bad) in [
        ("a changed reason", "UPDATE audit SET reason = 'x' WHERE seq = 7", "line 7"),
        (
            "a changed time",
            "UPDATE audit SET at = (SELECT min(at) FROM audit a WHERE a.seq = 1), actor_type = 'nobody' WHERE seq = 9",
            "line 9",
        ),
        ("a changed hash", "UPDATE audit SET hash = previous WHERE seq = 12", "line 12"),
        ("a deleted line", "DELETE FROM audit WHERE seq = 5", "line 5"),
        ("a deleted first line", "DELETE FROM audit WHERE seq = 1", "line 1"),
        ("a line before the first", "UPDATE audit SET seq = 0 WHERE seq = 20", "line 0"),
        ("an inserted line", inserted.as_str(), "line 11"),
        (
            "two lines that changed places",
            "UPDATE audit SET seq = 9999 WHERE seq = 8; UPDATE audit SET seq = 8 WHERE seq = 13; UPDATE audit SET seq = 13 WHERE seq = 9999",
            "line 8",
        ),
    ] {
        let (service, _) = with_lines().await;
        let db = without_triggers(&service).await;
        db.execute_unprepared(sql).await.unwrap();
        assert_eq!(verify(&service, None).await, Err(bad.to_owned()), "{what}");
    }
}

#[tokio::test]
async fn verifying_names_a_line_that_holds_what_none_can() {
    let mut edits = vec!["UPDATE audit SET action = 'made_up' WHERE seq = 9"];
    let (service, _) = with_lines().await;
    if !service.app.db.is_postgres() {
        edits.push("UPDATE audit SET at = 'garbage' WHERE seq = 9");
        edits.push("UPDATE audit SET actor_id = x'7878' WHERE seq = 9");
    }
    for sql in edits {
        let (service, _) = with_lines().await;
        without_triggers(&service).await.execute_unprepared(sql).await.unwrap();
        assert_eq!(verify(&service, None).await, Err("line 9".to_owned()), "{sql}");
    }
}

#[tokio::test]
async fn a_cut_or_rebuilt_trail_does_not_fit_its_anchor() {
    let (service, lines) = with_lines().await;
    let key = service.app.secrets.anchor_key();
    let anchor = trail::anchor(service.app.db.reader(), key, service.app.clock.now()).await.unwrap().unwrap();
    assert_eq!(anchor.seq, lines);
    service.published("topics", topic("Sonra")).await;
    assert_eq!(verify(&service, Some(&anchor)).await, Ok(lines + 2), "it may grow");
    let forged = Anchor { seq: 1, ..anchor.clone() };
    assert_eq!(verify(&service, Some(&forged)).await, Err("anchor 1".to_owned()));
    let db = without_triggers(&service).await;
    db.execute_unprepared(&format!("DELETE FROM audit WHERE seq > {}", lines - 10)).await.unwrap();
    assert_eq!(verify(&service, None).await, Ok(lines - 10), "by itself it looks whole");
    assert_eq!(verify(&service, Some(&anchor)).await, Err(format!("anchor {lines}")));
    // Somebody writes other lines in place of those, with hashes that fit.
    for number in 0..6 {
        service.published("topics", topic(&format!("Yeni {number}"))).await;
    }
    assert_eq!(verify(&service, None).await, Ok(lines + 2));
    assert_eq!(verify(&service, Some(&anchor)).await, Err(format!("anchor {lines}")));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_writers_make_one_chain_without_gaps() {
    let service = TestApp::start().await;
    let other = service.replica().await;
    let before = verify(&service, None).await.unwrap();
    let write = async |number: usize| {
        let app = if number.is_multiple_of(2) { &service.app } else { &other.app };
        let tx = app.db.begin().await.unwrap();
        let event = Event::done(AuditAction::ContentCreated).on("topic", number);
        trail::record(&tx, app.clock.now(), [event]).await.unwrap();
        tx.commit().await.unwrap();
        app.trail.note(Event::refused(AuditAction::AuthzFail, "test"));
    };
    // As many as a pool of four gives connections to in time.
    for round in 0..8 {
        join_all((0..8).map(|number| write(round * 8 + number))).await;
    }
    service.app.trail.flush().await;
    other.app.trail.flush().await;
    assert_eq!(verify(&service, None).await, Ok(before + 128));
}

#[tokio::test]
async fn what_is_rolled_back_leaves_no_line() {
    let service = TestApp::start().await;
    let before = service.trail().await.len();
    let tx = service.app.db.begin().await.unwrap();
    trail::record(&tx, service.app.clock.now(), [Event::done(AuditAction::KeyCreated)]).await.unwrap();
    drop(tx);
    let incomplete = service.post("/v1/topics", As::Editor, json!({ "translations": { "tr": {} } })).await;
    assert_eq!(incomplete.status, 201, "{}", incomplete.text);
    let path = incomplete.header("location").to_owned();
    let refused =
        service.post(&format!("{path}/transitions"), As::Editor, json!({ "to": "published" })).await;
    assert_eq!(refused.status, 422);
    let lines = service.trail().await;
    let new: Vec<AuditAction> = lines[before..].iter().map(|line| line.action).collect();
    assert_eq!(new, [AuditAction::ContentCreated]);
}

#[tokio::test]
async fn every_act_leaves_one_line_that_says_who_and_what() {
    use AuditAction as Did;
    use AuditOutcome::{Failure, Success};
    let service = TestApp::start().await;
    let id = account(&service, EMAIL, AccountRole::Owner).await;
    let mut seen = service.trail().await.len();
    let mut new = async |expected: &[(AuditAction, AuditOutcome)]| -> Vec<sogep::entity::audit::Model> {
        let lines = service.trail().await.split_off(seen);
        seen += lines.len();
        let got: Vec<_> = lines.iter().map(|line| (line.action, line.outcome)).collect();
        assert_eq!(got, expected);
        lines
    };
    sign_in(&service, EMAIL, "uzun ve akılda kalan bir porola").await;
    sign_in(&service, "yok@sogep.example", PASSWORD).await;
    let lines = new(&[(Did::AuthnLoginFail, Failure), (Did::AuthnLoginFail, Failure)]).await;
    assert_eq!(lines[0].object_id, Some(id.to_string()));
    assert_eq!((lines[1].object_id.clone(), lines[1].reason.as_deref()), (None, Some("unknown_account")));
    let (access, token) = tokens(&service).await;
    let lines = new(&[(Did::AuthnLoginSuccess, Success)]).await;
    assert_eq!((lines[0].actor_type, lines[0].actor_id), (ActorType::Account, Some(id)));
    let who = || As::Bearer(access.clone());
    let created = service.post("/v1/publications", who(), publication("Rapor")).await;
    let lines = new(&[(Did::ContentCreated, Success)]).await;
    assert_eq!(lines[0].request_id.as_deref(), Some(created.header("x-request-id")));
    assert_eq!(lines[0].object_id.as_deref(), created.body["id"].as_str());
    let path = created.header("location").to_owned();
    let changed = service.patch(&path, who(), created.etag(), json!({ "edition": "2" })).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    assert_eq!(new(&[(Did::ContentUpdated, Success)]).await[0].fields, "edition");
    let same = service.patch(&path, who(), changed.etag(), json!({ "edition": "2" })).await;
    new(&[]).await;
    for (to, action) in [("published", Did::ContentPublished), ("archived", Did::ContentUnpublished)] {
        service.post(&format!("{path}/transitions"), who(), json!({ "to": to })).await;
        new(&[(action, Success)]).await;
    }
    let current = service.get(&path, who()).await;
    assert_ne!(current.etag(), same.etag());
    service.delete(&path, who(), current.etag()).await;
    new(&[(Did::ContentDeleted, Success)]).await;
    let key = service.post("/v1/keys", who(), json!({ "type": "publishable", "name": "A" })).await;
    new(&[(Did::KeyCreated, Success)]).await;
    let secret = key.body["secret"].as_str().unwrap().to_owned();
    service.get("/v1/topics", As::Bearer(secret.clone())).await;
    let first_used = async || service.trail().await.iter().any(|line| line.action == Did::KeyFirstUsed);
    service.until("the use of a key is noted", first_used).await;
    new(&[(Did::KeyFirstUsed, Success)]).await;
    assert_eq!(service.get("/v1/keys", As::Bearer(secret.clone())).await.status, 403);
    let lines = new(&[(Did::AuthzFail, Failure)]).await;
    assert_eq!(lines[0].object_id.as_deref(), Some("GET /v1/keys"));
    let key = key.header("location").to_owned();
    service.post(&format!("{key}/rotation"), who(), json!({})).await;
    new(&[(Did::KeyRotated, Success), (Did::KeyCreated, Success)]).await;
    service.send(Method::DELETE, &key, who(), &[], None).await;
    service.send(Method::DELETE, &key, who(), &[], None).await;
    new(&[(Did::KeyRevoked, Success)]).await;
    service.get("/v1/topics", As::Bearer(secret)).await;
    let lines = new(&[(Did::AuthnFail, Failure)]).await;
    assert_eq!((lines[0].reason.as_deref(), lines[0].object_type.as_deref()), (Some("revoked"), Some("key")));
    service.post("/v1/users", who(), json!({ "email": "b@sogep.example", "role": "viewer" })).await;
    new(&[(Did::UserCreated, Success), (Did::UserInvited, Success)]).await;
    service.app.clock.advance(TimeDelta::minutes(6));
    service.post("/v1/auth/reauthenticate", who(), json!({ "password": PASSWORD })).await;
    new(&[(Did::AuthnReauthentication, Success)]).await;
    super::log_out(&service, &token).await;
    super::log_out(&service, &token).await;
    new(&[(Did::SessionEnded, Success)]).await;
    me(&service, &access).await;
    assert_eq!(new(&[(Did::AuthnFail, Failure)]).await[0].reason.as_deref(), Some("session_ended"));
    service.get("/v1/topics", As::Nobody).await;
    new(&[]).await;
}

#[tokio::test]
async fn administrators_read_and_filter_it() {
    let service = TestApp::start().await;
    for who in [As::Publishable, As::Partner, As::Viewer, As::Author, As::Editor] {
        assert_eq!(service.get("/v1/audit", who).await.status, 403);
    }
    let path = service.published("topics", topic("Konu")).await;
    service.published("topics", topic("Başka")).await;
    let id = service.get(&path, As::Editor).await.body["id"].as_str().unwrap().to_owned();
    let editor = service.get("/v1/me", As::Editor).await.body["id"].as_str().unwrap().to_owned();
    service.app.trail.flush().await;
    let lines = async |query: &str| -> Vec<Value> {
        let page = service.get(&format!("/v1/audit{query}"), As::Admin).await;
        assert_eq!(page.status, 200, "{}", page.text);
        page.body["data"].as_array().unwrap().clone()
    };
    let all = lines("?limit=100").await;
    let numbers: Vec<i64> = all.iter().map(|line| line["seq"].as_i64().unwrap()).collect();
    assert!(numbers.is_sorted_by(|a, b| *a == b + 1) && numbers.last() == Some(&1), "{numbers:?}");
    let actions = |lines: &[Value]| -> Vec<String> {
        lines.iter().map(|line| line["action"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(actions(&lines(&format!("?object={id}")).await), ["content_published", "content_created"]);
    assert_eq!(lines(&format!("?actor={editor}")).await.len(), 5, "and the refusal above");
    assert_eq!(lines("?action=content_created").await.len(), 2);
    assert!(lines("?outcome=failure").await.iter().all(|line| line["action"] == "authz_fail"));
    assert_eq!(lines("?from=2026-03-08T09:00:01Z").await.len(), 0);
    assert_eq!(lines("?until=2026-03-08T09:00:00Z").await.len(), 0);
    let mut walked = Vec::new();
    let mut query = "?limit=3".to_owned();
    for _ in 0..40 {
        let page = service.get(&format!("/v1/audit{query}"), As::Owner).await;
        walked.extend(page.body["data"].as_array().unwrap().iter().map(|line| line["seq"].as_i64().unwrap()));
        let Some(cursor) = page.body["page"]["next_cursor"].as_str() else { break };
        query = format!("?limit=3&cursor={cursor}");
        let other = service.get(&format!("/v1/audit{query}&action=content_created"), As::Owner).await;
        assert_eq!(other.status, 400, "a cursor is good for the same filter");
    }
    assert_eq!(walked, numbers);
    for (query, place) in [
        ("?actor=x", "actor"),
        ("?action=read", "action"),
        ("?outcome=maybe", "outcome"),
        ("?from=yesterday", "from"),
        ("?limit=0", "limit"),
        ("?cursor=AAAA", "cursor"),
        ("?email=x", "email"),
    ] {
        let refused = service.get(&format!("/v1/audit{query}"), As::Owner).await;
        assert_eq!((refused.status.as_u16(), refused.places()), (400, vec![place]), "{query}");
    }
}
