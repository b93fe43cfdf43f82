//! Schedules: to the minute, once, whatever happens to the replicas.

use chrono::TimeDelta;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::{Value, json};
use sogep::{
    entity::{change, revision, vocabulary::What},
    schedule::keep_schedule,
};

use super::{draft, go, tag};
use crate::app::{As, TestApp, publication, topic};

async fn look(service: &TestApp) {
    keep_schedule(service.app.clone()).await.unwrap();
}

#[tokio::test]
async fn an_entry_is_published_and_archived_when_its_time_has_come() {
    let service = TestApp::start().await;
    let path = draft(&service, "publications", As::Editor, publication("Rapor")).await;
    let body =
        json!({ "to": "scheduled", "at": "2026-03-08T12:00:00+02:00", "until": "2026-03-08T11:00:00Z" });
    let planned = go(&service, &path, As::Editor, body).await;
    assert_eq!(
        (planned.status.as_u16(), &planned.body["state"]),
        (200, &json!("scheduled")),
        "{}",
        planned.text
    );
    let standing = service.get(&format!("{path}/transitions"), As::Editor).await;
    assert_eq!(
        (&standing.body["publish_at"], &standing.body["unpublish_at"]),
        (&json!("2026-03-08T10:00:00Z"), &json!("2026-03-08T11:00:00Z"))
    );
    for (minutes, seen) in [(59, 404), (1, 200), (59, 200), (1, 404)] {
        service.app.clock.advance(TimeDelta::minutes(minutes));
        look(&service).await;
        look(&service).await;
        assert_eq!(service.get(&path, As::Publishable).await.status.as_u16(), seen);
    }
    assert_eq!(service.get(&path, As::Editor).await.body["state"], "archived");
    assert_eq!(service.get(&path, As::Editor).await.body["published_at"], "2026-03-08T10:00:00Z");
    let versions = service.get(&format!("{path}/versions"), As::Editor).await;
    assert_eq!(versions.body["data"].as_array().unwrap().len(), 4, "{}", versions.text);
    assert_eq!(versions.body["data"][0]["by"], Value::Null, "the program itself");
}

#[tokio::test]
async fn a_schedule_can_be_moved_and_called_off() {
    let service = TestApp::start().await;
    let path = draft(&service, "publications", As::Editor, publication("Rapor")).await;
    go(&service, &path, As::Editor, json!({ "to": "scheduled", "at": "2026-03-08T10:00:00Z" })).await;
    let later =
        go(&service, &path, As::Editor, json!({ "to": "scheduled", "at": "2026-03-08T12:00:00Z" })).await;
    assert_eq!(later.status, 200, "{}", later.text);
    service.app.clock.advance(TimeDelta::hours(2));
    look(&service).await;
    assert_eq!(service.get(&path, As::Publishable).await.status, 404);
    // What is scheduled may be corrected, but not lose what it needs.
    let lacking =
        service.patch(&path, As::Editor, &tag(&service, &path).await, json!({ "issued": null })).await;
    assert_eq!(lacking.places(), ["/issued"]);
    assert_eq!(go(&service, &path, As::Editor, json!({ "to": "draft" })).await.status, 200);
    service.app.clock.advance(TimeDelta::hours(5));
    look(&service).await;
    assert_eq!(service.get(&path, As::Editor).await.body["state"], "draft");
    // The end of what is published, too.
    go(&service, &path, As::Editor, json!({ "to": "published" })).await;
    let public = service.get(&path, As::Publishable).await;
    let ends =
        go(&service, &path, As::Editor, json!({ "to": "archived", "at": "2026-03-09T00:00:00Z" })).await;
    assert_eq!((ends.status.as_u16(), &ends.body["state"]), (200, &json!("published")), "{}", ends.text);
    assert_eq!(
        service.get(&path, As::Publishable).await.text,
        public.text,
        "readers do not see what is planned"
    );
    assert_eq!(go(&service, &path, As::Editor, json!({ "to": "published" })).await.status, 200, "called off");
    service.app.clock.advance(TimeDelta::days(3));
    look(&service).await;
    assert_eq!(service.get(&path, As::Publishable).await.status, 200);
}

#[tokio::test]
async fn a_working_copy_is_published_when_its_time_has_come() {
    let service = TestApp::start().await;
    let path = service.published("publications", publication("Rapor")).await;
    let other = service.published("publications", publication("Başka")).await;
    for (path, slug) in [(&path, "yeni"), (&other, "ayni")] {
        let kept = service
            .patch(
                &format!("{path}?draft=true"),
                As::Editor,
                &tag(&service, path).await,
                json!({ "slug": slug }),
            )
            .await;
        assert_eq!(kept.status, 200, "{}", kept.text);
        let planned =
            go(&service, path, As::Editor, json!({ "to": "published", "at": "2026-03-08T10:00:00Z" })).await;
        assert_eq!(
            (planned.status.as_u16(), &planned.body["state"]),
            (200, &json!("published")),
            "{}",
            planned.text
        );
    }
    let mut taken = publication("Aynı");
    taken["slug"] = json!("ayni");
    draft(&service, "publications", As::Editor, taken).await;
    service.app.clock.advance(TimeDelta::hours(1));
    look(&service).await;
    look(&service).await;
    assert_eq!(service.get("/v1/publications/yeni", As::Publishable).await.status, 200);
    // One that cannot be published holds up nothing and says why.
    assert_eq!(service.get(&other, As::Publishable).await.status, 200);
    let standing = service.get(&format!("{other}/transitions"), As::Editor).await;
    assert!(standing.body["note"].as_str().unwrap().contains("/slug"), "{}", standing.text);
    assert_eq!(standing.body["publish_at"], Value::Null);
    assert_ne!(standing.body["working_copy"], Value::Null, "the work is not lost");
}

#[tokio::test]
async fn what_was_missed_altogether_is_never_shown() {
    let service = TestApp::start().await;
    let path = draft(&service, "topics", As::Editor, topic("Konu")).await;
    let body = json!({ "to": "scheduled", "at": "2026-03-08T10:00:00Z", "until": "2026-03-08T11:00:00Z" });
    go(&service, &path, As::Editor, body).await;
    let trashed = draft(&service, "topics", As::Editor, topic("Çöp")).await;
    go(&service, &trashed, As::Editor, json!({ "to": "scheduled", "at": "2026-03-08T10:00:00Z" })).await;
    service.delete(&trashed, As::Editor, &tag(&service, &trashed).await).await;
    service.app.clock.advance(TimeDelta::hours(2));
    look(&service).await;
    assert_eq!(service.get(&path, As::Editor).await.body["state"], "archived");
    let lines = change::Entity::find().all(service.app.db.reader()).await.unwrap();
    assert!(lines.iter().all(|line| line.what != What::Published || line.slug == "sogep"), "{lines:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_replicas_publish_each_entry_once() {
    let service = TestApp::start().await;
    let mut paths = Vec::new();
    for number in 0..120 {
        let path = draft(&service, "topics", As::Editor, topic(&format!("Konu {number}"))).await;
        go(&service, &path, As::Editor, json!({ "to": "scheduled", "at": "2026-03-08T10:00:00Z" })).await;
        paths.push(path);
    }
    let replica = service.replica().await;
    service.app.clock.advance(TimeDelta::hours(1));
    let mut looks = tokio::task::JoinSet::new();
    for app in [&service.app, &replica.app, &service.app, &replica.app] {
        looks.spawn(keep_schedule(app.clone()));
    }
    while let Some(done) = looks.join_next().await {
        done.unwrap().unwrap();
    }
    look(&service).await;
    let db = service.app.db.reader();
    let published =
        change::Entity::find().filter(change::Column::What.eq(What::Published)).all(db).await.unwrap();
    assert_eq!(published.iter().filter(|line| line.slug.starts_with("konu")).count(), 120);
    let versions = revision::Entity::find().filter(revision::Column::Version.gt(2)).all(db).await.unwrap();
    assert_eq!(versions.len(), 120, "one version each");
    assert_eq!(service.get(&paths[119], As::Publishable).await.status, 200);
}
