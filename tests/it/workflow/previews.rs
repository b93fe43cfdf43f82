//! Preview links: one entry for whoever has the link, for a while.

use chrono::TimeDelta;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};
use serde_json::{Value, json};
use sogep::entity::{user, vocabulary::AccountRole};

use super::{draft, tag};
use crate::app::{As, TestApp, person, publication, topic};

async fn link(service: &TestApp, path: &str, who: As, body: Value) -> (String, String) {
    let made = service.post(&format!("{path}/previews"), who, body).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let url = made.body["url"].as_str().unwrap();
    let address = url.strip_prefix("https://api.sogep.example").unwrap();
    (address.to_owned(), made.header("location").to_owned())
}

#[tokio::test]
async fn a_link_shows_one_draft_without_an_account_until_it_expires_or_is_revoked() {
    let service = TestApp::start().await;
    let path = draft(&service, "publications", As::Author, publication("Taslak")).await;
    let (address, place) =
        link(&service, &path, As::Author, json!({ "expires_in_hours": 2, "note": "Dil editörü" })).await;
    let seen = service.get(&address, As::Nobody).await;
    assert_eq!((seen.status.as_u16(), &seen.body["title"]), (200, &json!("Taslak")), "{}", seen.text);
    assert_eq!(seen.header("cache-control"), "private, no-store");
    assert!(seen.header("etag").starts_with("\"0."), "not how often it was changed");
    assert_eq!(service.get(&path, As::Publishable).await.status, 404, "the entry itself stays closed");
    for bad in [
        "/v1/previews/x",
        &format!("{}A", &address[..address.len() - 1]),
        &format!("{address}A"),
        "/v1/previews/%00",
    ] {
        if *bad == address {
            continue;
        }
        assert_eq!(service.get(bad, As::Nobody).await.status, 404, "{bad}");
    }
    let list = service.get(&format!("{path}/previews"), As::Editor).await;
    assert_eq!(
        (&list.body["data"][0]["note"], list.body["data"].as_array().unwrap().len()),
        (&json!("Dil editörü"), 1)
    );
    assert!(!list.text.contains(address.rsplit('/').next().unwrap()));
    service.app.clock.advance(TimeDelta::hours(2));
    assert_eq!(service.get(&address, As::Nobody).await.status, 404, "expired");
    let (address, other) = link(&service, &path, As::Editor, json!({})).await;
    assert_eq!(service.get(&address, As::Nobody).await.status, 200);
    assert_eq!(service.delete(&other, As::Editor, "").await.status, 204);
    assert_eq!(service.delete(&other, As::Editor, "").await.status, 204, "once more is no harm");
    assert_eq!(service.get(&address, As::Nobody).await.status, 404, "revoked");
    let elsewhere = draft(&service, "publications", As::Editor, publication("Başka")).await;
    let foreign = format!("{elsewhere}/previews/{}", place.rsplit('/').next().unwrap());
    assert_eq!(service.delete(&foreign, As::Editor, "").await.status, 404, "a link of another entry");
}

#[tokio::test]
async fn a_link_shows_the_working_copy_as_the_public_would_see_it() {
    let service = TestApp::start().await;
    let mut internal = topic("İç konu");
    internal["visibility"] = json!("internal");
    service.published("topics", internal).await;
    let mut body = publication("Rapor");
    body["topics"] = json!(["ic-konu"]);
    let path = service.published("publications", body).await;
    service
        .patch(
            &format!("{path}?draft=true"),
            As::Editor,
            &tag(&service, &path).await,
            json!({ "pages": "8" }),
        )
        .await;
    let (address, _) = link(&service, &path, As::Editor, json!({})).await;
    let seen = service.get(&address, As::Nobody).await;
    assert_eq!((&seen.body["pages"], &seen.body["topics"]), (&json!("8"), &json!([])), "{}", seen.text);
    assert_eq!(service.get(&format!("{address}?locale=all"), As::Editor).await.status, 400);
    service.delete(&path, As::Editor, &tag(&service, &path).await).await;
    assert_eq!(service.get(&address, As::Nobody).await.status, 404, "in the trash");
}

#[tokio::test]
async fn who_has_not_agreed_to_be_shown_is_shown_by_no_link() {
    let service = TestApp::start().await;
    let mut body = person("Gizli Kişi", &["name"]);
    body["consent"] = Value::Null;
    let path = draft(&service, "people", As::Editor, body).await;
    assert_eq!(service.post(&format!("{path}/previews"), As::Editor, json!({})).await.status, 409);
    let agreed = draft(&service, "people", As::Editor, person("Açık Kişi", &["name"])).await;
    let (address, _) = link(&service, &agreed, As::Editor, json!({})).await;
    assert_eq!(service.get(&address, As::Nobody).await.status, 200);
    let withdrawn = json!({ "consent": { "withdrawn_at": "2026-03-08T08:00:00Z" } });
    let changed = service.patch(&agreed, As::Editor, &tag(&service, &agreed).await, withdrawn).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    assert_eq!(service.get(&address, As::Nobody).await.status, 404);
}

#[tokio::test]
async fn there_is_an_end_to_links() {
    let service = TestApp::start().await;
    let path = draft(&service, "topics", As::Editor, topic("Konu")).await;
    for _ in 0..50 {
        link(&service, &path, As::Editor, json!({})).await;
    }
    assert_eq!(service.post(&format!("{path}/previews"), As::Editor, json!({})).await.status, 409);
    for hours in [0, 721] {
        let refused =
            service.post(&format!("{path}/previews"), As::Editor, json!({ "expires_in_hours": hours })).await;
        assert_eq!((refused.status.as_u16(), refused.places()), (422, vec!["/expires_in_hours"]));
    }
    service.app.clock.advance(TimeDelta::hours(72));
    link(&service, &path, As::Editor, json!({})).await;
}

#[tokio::test]
async fn an_author_s_link_shows_nothing_that_the_author_may_not_see() {
    let service = TestApp::start().await;
    let path = draft(&service, "publications", As::Author, publication("Rapor")).await;
    let (theirs, _) = link(&service, &path, As::Author, json!({})).await;
    let (editors, _) = link(&service, &path, As::Editor, json!({})).await;
    for to in ["published", "archived"] {
        let moved = super::go(&service, &path, As::Editor, json!({ "to": to })).await;
        assert_eq!(moved.status, 200, "{}", moved.text);
        assert_eq!(service.get(&theirs, As::Nobody).await.status, 404, "{to}");
        let expected = if to == "published" { 200 } else { 404 };
        assert_eq!(service.get(&editors, As::Nobody).await.status, expected, "{to}");
    }
}

#[tokio::test]
async fn a_link_is_worth_what_its_maker_is() {
    let service = TestApp::start().await;
    let path = draft(&service, "publications", As::Editor, publication("Rapor")).await;
    let new = json!({ "type": "secret", "name": "A", "scopes": ["content:publish"] });
    let made = service.post("/v1/keys", As::Admin, new).await;
    let key = As::Bearer(made.body["secret"].as_str().unwrap().to_owned());
    let (address, _) = link(&service, &path, key, json!({})).await;
    assert_eq!(service.get(&address, As::Nobody).await.status, 200);
    let admin: uuid::Uuid =
        service.get("/v1/me", As::Admin).await.body["id"].as_str().unwrap().parse().unwrap();
    for (role, status) in [(AccountRole::Author, 404), (AccountRole::Editor, 200)] {
        let tx = service.app.db.begin().await.unwrap();
        user::Entity::update_many()
            .col_expr(user::Column::Role, Expr::value(role))
            .filter(user::Column::Id.eq(admin))
            .exec(&tx)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        assert_eq!(service.get(&address, As::Nobody).await.status, status, "made by a key of a {role:?}");
    }
}
