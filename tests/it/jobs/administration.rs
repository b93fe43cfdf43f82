//! Jobs as administrators see them.

use axum::http::Method;
use chrono::TimeDelta;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};
use serde_json::json;
use sogep::{
    entity::{
        job,
        vocabulary::{AccountRole, AuditAction},
    },
    jobs::{self, Kind},
};
use uuid::Uuid;

use super::{enqueue, rows, wear_out};
use crate::app::{Answer, As, TestApp};

async fn retry(service: &TestApp, id: Uuid) -> Answer {
    service.send(Method::POST, &format!("/v1/jobs/{id}/retry"), As::Admin, &[], None).await
}

async fn discard(service: &TestApp, id: Uuid) -> Answer {
    service.send(Method::DELETE, &format!("/v1/jobs/{id}"), As::Admin, &[], None).await
}

fn ids(answer: &Answer) -> Vec<Uuid> {
    let data = answer.body["data"].as_array().unwrap();
    data.iter().map(|job| job["id"].as_str().unwrap().parse().unwrap()).collect()
}

#[tokio::test]
async fn jobs_are_listed_by_state_and_never_say_what_they_are_about() {
    let service = TestApp::start().await;
    enqueue(&service, 1).await;
    wear_out(&service, "the mail server refused with 550").await;
    let made = enqueue(&service, 4).await;
    assert_eq!(jobs::claim(&service.app, Kind::Mail, 1).await.unwrap()[0].id, made[0]);
    let all = service.get("/v1/jobs", As::Admin).await;
    let mut expected: Vec<Uuid> = rows(&service).await.iter().map(|row| row.id).collect();
    expected.reverse();
    assert_eq!(ids(&all), expected);
    for secret in ["kisi", "gizli", "sogep.example", "payload"] {
        assert!(!all.text.contains(secret), "{secret} in {}", all.text);
    }
    for (state, expected) in [
        ("waiting", vec![made[3], made[2], made[1]]),
        ("running", vec![made[0]]),
        ("set_aside", vec![expected[4]]),
    ] {
        let listed = service.get(&format!("/v1/jobs?state={state}"), As::Admin).await;
        assert_eq!(ids(&listed), expected, "{state}");
        assert!(listed.body["data"].as_array().unwrap().iter().all(|job| job["state"] == state));
    }
    let aside = &all.body["data"][4];
    assert_eq!((&aside["kind"], &aside["attempts"]), (&json!("mail"), &json!(1)));
    assert_eq!(aside["last_error"], "the mail server refused with 550");
    assert_eq!(aside["created_at"], "2026-03-08T09:00:00Z");
    // Whoever holds it is gone: it waits again.
    service.app.clock.advance(jobs::LEASE);
    assert!(ids(&service.get("/v1/jobs?state=running", As::Admin).await).is_empty());
}

#[tokio::test]
async fn pages_of_jobs_have_no_gap_and_bad_parameters_are_named() {
    let service = TestApp::start().await;
    let mut made = enqueue(&service, 5).await;
    made.reverse();
    let mut found = Vec::new();
    let mut cursor = String::new();
    for _ in 0..3 {
        let page = service.get(&format!("/v1/jobs?limit=2&state=waiting{cursor}"), As::Admin).await;
        found.extend(ids(&page));
        let next = page.body["page"]["next_cursor"].as_str();
        cursor = next.map(|next| format!("&cursor={next}")).unwrap_or_default();
        // What comes meanwhile is on no later page.
        enqueue(&service, 1).await;
    }
    assert_eq!((found, cursor.as_str()), (made, ""));
    let first = service.get("/v1/jobs?limit=2", As::Admin).await;
    let cursor = first.body["page"]["next_cursor"].as_str().unwrap().to_owned();
    for (query, place) in [
        ("state=done".to_owned(), "state"),
        ("limit=0".to_owned(), "limit"),
        ("limit=101".to_owned(), "limit"),
        ("cursor=x".to_owned(), "cursor"),
        (format!("state=waiting&cursor={cursor}"), "cursor"),
    ] {
        let refused = service.get(&format!("/v1/jobs?{query}"), As::Admin).await;
        assert_eq!((refused.status.as_u16(), refused.places()), (400, vec![place]), "{query}");
    }
}

#[tokio::test]
async fn what_was_set_aside_is_tried_again_or_discarded_and_nothing_else_is() {
    let service = TestApp::start().await;
    let [id] = enqueue(&service, 1).await[..] else { panic!("one") };
    for refused in [retry(&service, id).await, discard(&service, id).await] {
        assert_eq!((refused.status.as_u16(), refused.code()), (409, "conflict"), "it is waiting");
    }
    // PostgreSQL lets go of what the refused requests held a moment after they are answered.
    let claimed = std::cell::RefCell::new(None);
    service
        .until("it is claimed", async || {
            let found = jobs::claim(&service.app, Kind::Mail, 1).await.unwrap().pop();
            claimed.replace(found).is_none() && claimed.borrow().is_some()
        })
        .await;
    let claimed = claimed.into_inner().unwrap();
    for refused in [retry(&service, id).await, discard(&service, id).await] {
        assert_eq!(refused.status, 409, "it is running");
    }
    let failure = jobs::Failure::Permanent("no".to_owned());
    assert!(jobs::fail(&service.app, &claimed, &failure).await.unwrap());
    service.app.clock.advance(TimeDelta::minutes(5));
    let again = retry(&service, id).await;
    assert_eq!(again.status, 200, "{}", again.text);
    assert_eq!((&again.body["state"], &again.body["attempts"]), (&json!("waiting"), &json!(0)));
    assert_eq!(again.body, service.get("/v1/jobs", As::Admin).await.body["data"][0]);
    assert_eq!(service.mail("kisi0@sogep.example", 1).await.len(), 1, "it is done");
    enqueue(&service, 1).await;
    wear_out(&service, "no").await;
    let id = rows(&service).await[0].id;
    assert_eq!(discard(&service, id).await.status, 204);
    assert!(rows(&service).await.is_empty());
    for absent in [retry(&service, id).await, discard(&service, id).await] {
        assert_eq!(absent.status, 404);
    }
    let trail = service.trail().await;
    for action in [AuditAction::JobRetried, AuditAction::JobDiscarded] {
        let lines: Vec<_> = trail.iter().filter(|line| line.action == action).collect();
        assert_eq!(lines.len(), 1, "{action:?}");
        assert_eq!(lines[0].object_type.as_deref(), Some("job"));
        assert!(lines[0].actor_id.is_some());
    }
}

#[tokio::test]
async fn how_far_the_service_is_behind_is_told_and_makes_it_no_less_ready() {
    let service = TestApp::start().await;
    let lags = async || {
        let ready = service.get("/readyz", As::Nobody).await;
        assert_eq!(ready.status, 200);
        [
            ready.body["job_lag_seconds"].as_u64().unwrap(),
            ready.body["schedule_lag_seconds"].as_u64().unwrap(),
        ]
    };
    assert_eq!(lags().await, [0, 0]);
    enqueue(&service, 1).await;
    assert_eq!(lags().await, [0, 0], "it has just come");
    service.app.clock.advance(TimeDelta::seconds(90));
    enqueue(&service, 1).await;
    assert_eq!(lags().await, [90, 0]);
    let claimed = jobs::claim(&service.app, Kind::Mail, 1).await.unwrap();
    assert_eq!(lags().await, [0, 0], "the oldest is being done");
    jobs::finish(&service.app, &claimed[0]).await.unwrap();
    service.work().await;
    let schedule = async |column: sogep::entity::entry::Column, state: &str| {
        let owner = service.account(AccountRole::Owner).await;
        let made = service
            .post("/v1/publications", As::Bearer(owner), crate::app::publication("Zamanı gelen"))
            .await;
        let id: Uuid = made.body["id"].as_str().unwrap().parse().unwrap();
        let tx = service.app.db.begin().await.unwrap();
        sogep::entity::entry::Entity::update_many()
            .col_expr(column, Expr::value(Some(service.app.clock.now())))
            .col_expr(sogep::entity::entry::Column::State, Expr::value(state))
            .filter(sogep::entity::entry::Column::Id.eq(id))
            .exec(&tx)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    };
    schedule(sogep::entity::entry::Column::PublishAt, "scheduled").await;
    service.app.clock.advance(TimeDelta::seconds(30));
    assert_eq!(lags().await, [0, 30]);
    schedule(sogep::entity::entry::Column::UnpublishAt, "archived").await;
    schedule(sogep::entity::entry::Column::UnpublishAt, "published").await;
    service.app.clock.advance(TimeDelta::seconds(12));
    assert_eq!(lags().await, [0, 42]);
    let tx = service.app.db.begin().await.unwrap();
    sogep::entity::entry::Entity::update_many()
        .col_expr(sogep::entity::entry::Column::State, Expr::value("archived"))
        .filter(sogep::entity::entry::Column::State.eq("scheduled"))
        .exec(&tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(lags().await, [0, 12], "one is left that should have been archived");
    assert!(job::Entity::find().one(service.app.db.reader()).await.unwrap().is_none());
}
