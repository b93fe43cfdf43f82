//! Keys: who makes them, and what they are good for.

use axum::http::{Method, StatusCode};
use chrono::TimeDelta;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};
use serde_json::{Value, json};
use sogep::{
    auth::Scope,
    entity::{
        api_key, user,
        vocabulary::{AccountRole, KeyType},
    },
};

use super::{EMAIL, PASSWORD, account, me, set, tokens};
use crate::app::{As, TestApp, now, topic};

/// Makes a key over HTTP; gives its secret and its address.
async fn make_key(service: &TestApp, who: As, body: Value) -> (String, String) {
    let made = service.post("/v1/keys", who, body).await;
    assert_eq!(made.status, 201, "{}", made.text);
    (made.body["secret"].as_str().unwrap().to_owned(), made.header("location").to_owned())
}

/// What is stored of a key.
async fn row(service: &TestApp, secret: &str) -> api_key::Model {
    let prefix = sogep::auth::key::prefix(secret).unwrap();
    let found = api_key::Entity::find().filter(api_key::Column::Prefix.eq(prefix));
    found.one(service.app.db.reader()).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_key_is_refused_once_it_is_mistyped_revoked_or_expired() {
    let service = TestApp::start().await;
    for body in [
        json!({ "type": "publishable", "name": "Ana sayfa", "expires_in_days": 1 }),
        json!({ "type": "secret", "name": "Sunucu", "scopes": ["content:read"], "expires_in_days": 1 }),
    ] {
        let (first, address) = make_key(&service, As::Admin, body.clone()).await;
        let (second, _) = make_key(&service, As::Owner, body.clone()).await;
        assert_eq!(me(&service, &first).await.status, 200);
        let last = if first.ends_with('0') { "1" } else { "0" };
        let mistyped = format!("{}{last}", &first[..first.len() - 1]);
        let mixed = format!("{}{}", &first[..30], &second[30..]);
        for wrong in [mistyped, mixed, first[..first.len() - 1].to_owned(), first.to_uppercase()] {
            assert_eq!(me(&service, &wrong).await.status, 401);
        }
        assert_eq!(service.delete(&address, As::Admin, "").await.status, 204);
        assert_eq!(me(&service, &first).await.status, 401);
        assert_eq!(service.get("/v1/topics", As::Bearer(first)).await.status, 401);
        let row = service.get(&address, As::Admin).await;
        assert!(row.body["revoked_at"].is_string(), "it stays in the list");
        assert_eq!(me(&service, &second).await.status, 200);
    }
    let (short, _) =
        make_key(&service, As::Owner, json!({ "type": "publishable", "name": "Kısa", "expires_in_days": 1 }))
            .await;
    service.app.clock.advance(TimeDelta::hours(24) - TimeDelta::seconds(1));
    assert_eq!(me(&service, &short).await.status, 200);
    service.app.clock.advance(TimeDelta::seconds(1));
    assert_eq!(me(&service, &short).await.status, 401);
}

#[tokio::test]
async fn a_key_can_do_no_more_than_who_made_it_can_do_now() {
    let service = TestApp::start().await;
    let id = account(&service, EMAIL, AccountRole::Admin).await;
    let (access, _) = tokens(&service).await;
    let scopes = json!(["content:read", "content:write", "content:publish"]);
    let body = json!({ "type": "secret", "name": "Sunucu", "scopes": scopes });
    let (secret, _) = make_key(&service, As::Bearer(access), body).await;
    let key = As::Bearer(secret.clone());
    let path = service.post("/v1/topics", key.clone(), topic("Konu")).await.header("location").to_owned();
    let publish = async |path: &str, state: &str| {
        let body = json!({ "to": state });
        service.post(&format!("{path}/transitions"), key.clone(), body).await.status.as_u16()
    };
    assert_eq!(publish(&path, "published").await, 200);
    set(&service, id, user::Column::Role, AccountRole::Author).await;
    assert_eq!(publish(&path, "archived").await, 403);
    assert_eq!(service.post("/v1/topics", key.clone(), topic("Başka")).await.status, 201);
    set(&service, id, user::Column::Role, AccountRole::Viewer).await;
    assert_eq!(service.post("/v1/topics", key.clone(), topic("Üç")).await.status, 403);
    assert_eq!(service.get("/v1/topics", key.clone()).await.status, 200);
    assert_eq!(me(&service, &secret).await.body["permissions"], json!(["read"]));
    set(&service, id, user::Column::DisabledAt, now()).await;
    assert_eq!(me(&service, &secret).await.status, 401);
}

#[tokio::test]
async fn keys_are_managed_by_administrators_and_never_by_keys() {
    let service = TestApp::start().await;
    let body = json!({ "type": "publishable", "name": "Ana sayfa" });
    let (_, address) = make_key(&service, As::Admin, body.clone()).await;
    let all =
        vec![Scope::ContentRead, Scope::ContentReadPartners, Scope::ContentWrite, Scope::ContentPublish];
    let strongest = As::Bearer(service.key(KeyType::Secret, all).await);
    for who in [As::Publishable, As::Partner, strongest, As::Viewer, As::Author, As::Editor] {
        for (method, path, body) in [
            (Method::GET, "/v1/keys", None),
            (Method::POST, "/v1/keys", Some(body.clone())),
            (Method::GET, address.as_str(), None),
            (Method::DELETE, address.as_str(), None),
        ] {
            let refused = service.send(method.clone(), path, who.clone(), &[], body).await;
            assert_eq!(
                (refused.status, refused.code()),
                (StatusCode::FORBIDDEN, "forbidden"),
                "{who:?} {method}"
            );
        }
    }
    for who in [As::Admin, As::Owner] {
        assert_eq!(service.get("/v1/keys", who).await.status, 200);
    }
}

#[tokio::test]
async fn a_secret_is_shown_once_and_kept_nowhere() {
    let service = TestApp::start().await;
    account(&service, EMAIL, AccountRole::Owner).await;
    let (access, refresh_token) = tokens(&service).await;
    let body = json!({ "type": "secret", "name": "Sunucu", "scopes": ["content:read"] });
    let (secret, address) = make_key(&service, As::Owner, body).await;
    let list = service.get("/v1/keys", As::Owner).await;
    let one = service.get(&address, As::Owner).await;
    let rows = service.rows().await.concat();
    let hidden = secret.rsplit_once('_').unwrap().1;
    for text in [&list.text, &one.text, &rows] {
        assert!(!text.contains(hidden));
    }
    assert!(!one.text.contains("hash"));
    for credential in [access.as_str(), &refresh_token, &refresh_token["sogep_rt_".len()..], PASSWORD] {
        assert!(!rows.contains(credential), "{credential}");
    }
}

#[tokio::test]
async fn a_key_that_makes_no_sense_is_not_made() {
    let service = TestApp::start().await;
    for (body, places) in [
        (json!({ "type": "secret", "name": "Sunucu" }), vec!["/scopes"]),
        (json!({ "type": "publishable", "name": "A", "scopes": ["content:read"] }), vec!["/scopes"]),
        (json!({ "type": "secret", "name": "A", "scopes": ["users:manage"] }), vec!["/scopes/0"]),
        (json!({ "type": "publishable", "name": "A", "partner": "yok" }), vec!["/partner"]),
        (
            json!({ "type": "secret", "name": "A", "partner": "yok", "scopes": ["content:publish"] }),
            vec!["/scopes", "/partner"],
        ),
        (json!({ "type": "publishable", "name": "A", "expires_in_days": 0 }), vec!["/expires_in_days"]),
        (json!({ "type": "publishable", "name": "A", "expires_in_days": 367 }), vec!["/expires_in_days"]),
        (json!({ "type": "root", "name": " ", "secret": "x" }), vec!["/type", "/name", "/secret"]),
    ] {
        let refused = service.post("/v1/keys", As::Owner, body).await;
        assert_eq!(refused.status, 422, "{}", refused.text);
        let mut found = refused.places();
        found.sort_by_key(|place| places.iter().position(|known| known == place));
        assert_eq!(found, places);
    }
}

#[tokio::test]
async fn a_key_that_only_writes_reads_nothing() {
    let service = TestApp::start().await;
    let key = As::Bearer(service.key(KeyType::Secret, vec![Scope::ContentWrite]).await);
    let created = service.post("/v1/topics", key.clone(), topic("Konu")).await;
    assert_eq!(created.status, 201);
    for path in ["/v1/topics", "/v1/organisation", created.header("location")] {
        assert_eq!(service.get(path, key.clone()).await.status, 403, "{path}");
    }
    let other = service.post("/v1/topics", As::Editor, topic("Başka")).await.header("location").to_owned();
    assert_eq!(service.patch(&other, key.clone(), "\"1.x\"", json!({})).await.status, 404);
    let mine =
        service.patch(created.header("location"), key, created.etag(), json!({ "notation": "1" })).await;
    assert_eq!(mine.status, 200);
}

#[tokio::test]
async fn a_key_is_told_of_its_end_from_a_fortnight_before_and_then_what_it_died_of() {
    let service = TestApp::start().await;
    let body = json!({ "type": "publishable", "name": "Ana sayfa", "expires_in_days": 15 });
    let (secret, _) = make_key(&service, As::Owner, body).await;
    assert_eq!(me(&service, &secret).await.header("key-expires"), "");
    service.app.clock.advance(TimeDelta::days(2));
    assert_eq!(me(&service, &secret).await.header("key-expires"), "Mon, 23 Mar 2026 09:00:00 GMT");
    service.app.clock.advance(TimeDelta::days(13));
    let dead = me(&service, &secret).await;
    assert_eq!((dead.status.as_u16(), dead.code()), (401, "key-expired"));
    let mistyped = format!("{}{}", &secret[..20], &secret[20..].chars().rev().collect::<String>());
    assert_eq!(me(&service, &mistyped).await.code(), "unauthorized", "only its holder learns it");
}

#[tokio::test]
async fn a_key_that_nobody_uses_for_ninety_days_is_refused() {
    let service = TestApp::start().await;
    let body = json!({ "type": "publishable", "name": "Ana sayfa", "expires_in_days": 366 });
    let (used, _) = make_key(&service, As::Owner, body.clone()).await;
    let (unused, _) = make_key(&service, As::Owner, body).await;
    for _ in 0..2 {
        service.app.clock.advance(TimeDelta::days(60));
        assert_eq!(me(&service, &used).await.status, 200);
        let noted = async || {
            let now = service.app.clock.now();
            row(&service, &used).await.last_used_at.is_some_and(|last| now - last < TimeDelta::minutes(1))
        };
        service.until("the use of a key is noted", noted).await;
    }
    assert_eq!(me(&service, &unused).await.status, 401);
}

#[tokio::test]
async fn a_replaced_key_stays_good_for_the_overlap_and_no_longer() {
    let service = TestApp::start().await;
    let body =
        json!({ "type": "secret", "name": "Sunucu", "scopes": ["content:read"], "networks": ["10.0.0.0/8"] });
    let (old, address) = make_key(&service, As::Owner, body).await;
    let rotation = format!("{address}/rotation");
    for overlap in [-1, 8] {
        let refused = service.post(&rotation, As::Owner, json!({ "overlap_days": overlap })).await;
        assert_eq!(refused.places(), ["/overlap_days"]);
    }
    let made = service.post(&rotation, As::Owner, json!({ "overlap_days": 2 })).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let new = made.body["secret"].as_str().unwrap().to_owned();
    assert_eq!(made.body["key"]["networks"], json!(["10.0.0.0/8"]), "it may do the same");
    let shown = service.get(&address, As::Owner).await;
    assert_eq!(shown.body["successor_id"], made.body["key"]["id"]);
    assert_eq!(service.post(&rotation, As::Owner, json!({})).await.status, 409, "it is replaced already");
    let from = async |secret: &str| {
        service.get_from("10.1.2.3", "/v1/me", As::Bearer(secret.to_owned()), &[]).await.status.as_u16()
    };
    assert_eq!((from(&old).await, from(&new).await), (200, 200));
    service.app.clock.advance(TimeDelta::days(2));
    assert_eq!((from(&old).await, from(&new).await), (401, 200));
    let owner = As::Bearer(service.account(AccountRole::Owner).await);
    let rotation = format!("{}/rotation", made.header("location"));
    let last = service.post(&rotation, owner, json!({ "overlap_days": 0 })).await;
    assert_eq!(last.status, 201, "{}", last.text);
    assert_eq!(from(&new).await, 401, "without overlap it ends at once");
}

#[tokio::test]
async fn a_publishable_key_may_be_bound_to_origins() {
    let service = TestApp::start().await;
    let body = json!({ "type": "publishable", "name": "A", "origins": ["https://ok.org"] });
    let (secret, _) = make_key(&service, As::Owner, body).await;
    let from = async |origin: &str| {
        let headers = [("origin", origin)];
        service.send(Method::GET, "/v1/topics", As::Bearer(secret.clone()), &headers, None).await
    };
    let good = from("https://ok.org").await;
    assert_eq!((good.status.as_u16(), good.header("access-control-allow-origin")), (200, "https://ok.org"));
    for other in
        ["null", "http://ok.org", "https://ok.org.evil.com", "https://evilok.org", "https://ok.org:8443"]
    {
        let bad = from(other).await;
        assert_eq!((bad.status.as_u16(), bad.header("access-control-allow-origin")), (401, ""), "{other}");
    }
    assert_eq!(me(&service, &secret).await.status, 200, "a server that renders pages sends no origin");
    for (body, place) in [
        (json!({ "type": "publishable", "name": "A", "origins": ["https://ok.org/"] }), "/origins/0"),
        (json!({ "type": "publishable", "name": "A", "origins": ["*"] }), "/origins/0"),
        (json!({ "type": "publishable", "name": "A", "networks": ["10.0.0.0/8"] }), "/networks"),
        (
            json!({ "type": "secret", "name": "A", "scopes": ["content:read"], "origins": ["https://ok.org"] }),
            "/origins",
        ),
        (
            json!({ "type": "secret", "name": "A", "scopes": ["content:read"], "networks": ["10.0.0.0/33"] }),
            "/networks/0",
        ),
    ] {
        let refused = service.post("/v1/keys", As::Owner, body).await;
        assert_eq!((refused.status.as_u16(), refused.places()), (422, vec![place]));
    }
}

#[tokio::test]
async fn a_secret_key_may_be_bound_to_networks_and_elsewhere_is_like_a_wrong_one() {
    let service = TestApp::with(&[("SOGEP_TRUSTED_PROXIES", "127.0.0.1")]).await;
    let networks = json!(["192.0.2.0/24", "2001:db8::/32"]);
    let body = json!({ "type": "secret", "name": "A", "scopes": ["content:read"], "networks": networks });
    let (secret, _) = make_key(&service, As::Owner, body).await;
    let key = As::Bearer(secret.clone());
    let forwarded = [("x-forwarded-for", "192.0.2.9")];
    for (peer, headers, status) in [
        ("192.0.2.7", &[][..], 200),
        ("2001:db8::1", &[], 200),
        ("198.51.100.1", &[], 401),
        ("198.51.100.1", &forwarded, 401),
        ("127.0.0.1", &forwarded, 200),
    ] {
        let answer = service.get_from(peer, "/v1/topics", key.clone(), headers).await;
        assert_eq!(answer.status, status, "{peer}");
    }
    let elsewhere = service.get_from("198.51.100.1", "/v1/me", key, &[]).await;
    let wrong =
        service.get_from("198.51.100.1", "/v1/me", As::Bearer("sogep_sk_yanlis".to_owned()), &[]).await;
    assert_eq!(super::but_for_its_id(&elsewhere), super::but_for_its_id(&wrong));
}

#[tokio::test]
async fn keys_and_second_factors_outlive_the_master_secret_they_were_made_under() {
    let service = TestApp::start().await;
    let body = json!({ "type": "publishable", "name": "Ana sayfa" });
    let (secret, _) = make_key(&service, As::Owner, body).await;
    let access = service.credential(As::Owner).await.unwrap();
    let with = |previous: bool| {
        let mut config = service.app.config.clone();
        config.previous_secret = config.secret.clone().filter(|_| previous);
        config.secret = Some("hJ3nR8yUe5-somebody-has-left-Pd6Gc1".to_owned().into());
        config
    };
    let later = service.replica_with(with(true)).await;
    assert_eq!(me(&later, &secret).await.status, 200);
    assert_eq!(me(&later, &access).await.status, 200, "the signing key opens, too");
    let renewed = async || row(&later, &secret).await.hash == later.app.secrets.api_key_hash(&secret);
    later.until("what is stored of the key is replaced", renewed).await;
    sogep::command::reseal(&later.app).await.unwrap();
    let last = service.replica_with(with(false)).await;
    assert_eq!(me(&last, &secret).await.status, 200);
    assert_eq!(me(&last, &access).await.status, 200);
    assert_eq!(me(&service, &secret).await.status, 401, "and the first secret is worth nothing any more");
}

#[tokio::test]
async fn whoever_goes_on_guessing_is_told_to_wait_and_nobody_else_is() {
    let service = TestApp::start().await;
    let guess = async |peer: &str| {
        service.get_from(peer, "/v1/me", As::Bearer("sogep_sk_yanlis".to_owned()), &[]).await.status.as_u16()
    };
    for _ in 0..30 {
        assert_eq!(guess("192.0.2.7").await, 401);
    }
    let lines = service.trail().await.len();
    assert_eq!(guess("192.0.2.7").await, 429);
    assert_eq!(service.trail().await.len(), lines, "nor does it fill the trail");
    assert_eq!(guess("192.0.2.8").await, 401);
    let good = service.get_from("192.0.2.7", "/v1/me", As::Partner, &[]).await;
    assert_eq!(good.status, 200, "a good credential from the same address");
}

#[tokio::test]
async fn a_partner_s_key_never_sees_or_publishes_what_others_write() {
    let service = TestApp::start().await;
    let partner = service.published("partners", crate::app::partner("Dernek")).await;
    let slug = partner.rsplit('/').next().unwrap();
    let body = json!({ "type": "secret", "name": "A", "partner": slug, "scopes": ["content:read", "content:write"] });
    let (secret, address) = make_key(&service, As::Owner, body).await;
    let key = As::Bearer(secret);
    let own = service.post("/v1/topics", key.clone(), topic("Kendi")).await.header("location").to_owned();
    let other = service.post("/v1/topics", As::Author, topic("Başka")).await.header("location").to_owned();
    // A key from before this was refused at its making.
    let id: uuid::Uuid = address.rsplit('/').next().unwrap().parse().unwrap();
    let tx = service.app.db.begin().await.unwrap();
    let scopes = json!(["content:read", "content:write", "content:publish"]);
    api_key::Entity::update_many()
        .col_expr(api_key::Column::Scopes, Expr::value(scopes))
        .filter(api_key::Column::Id.eq(id))
        .exec(&tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(service.get(&own, key.clone()).await.status, 200);
    assert_eq!(service.get(&other, key.clone()).await.status, 404);
    for (path, status) in [(own, 403), (other, 404)] {
        let to = json!({ "to": "published" });
        assert_eq!(service.post(&format!("{path}/transitions"), key.clone(), to).await.status, status);
    }
}
