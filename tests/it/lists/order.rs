//! The orders of lists.

use std::collections::BTreeSet;

use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait};
use sogep::{
    entity::{entry, entry_value, title_key},
    kinds,
};

use super::*;
use crate::{
    app::practice,
    reading::{COLLECTIONS, walk},
};

/// Walks `path` in pages of `limit` and in one; both must agree. Gives the slugs.
async fn walked(service: &TestApp, path: &str, limit: u8) -> Vec<String> {
    let small = walk(service, &format!("{path}&limit={limit}"), As::Publishable).await;
    let large = walk(service, &format!("{path}&limit=100"), As::Publishable).await;
    assert_eq!(small, large, "{path}");
    large.iter().map(|entry| entry["slug"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn titles_come_in_turkish_order_both_ways() {
    let service = TestApp::start().await;
    let ordered: Vec<&str> = include_str!("../../data/collation.dev.txt").lines().collect();
    for number in 0..ordered.len() {
        // Not in their order: 31 has no divisor in common with their number.
        let title = ordered[(number * 31) % ordered.len()];
        service.published("publications", publication(title)).await;
    }
    let titles = |entries: Vec<Value>| -> Vec<String> {
        entries.iter().map(|entry| entry["title"].as_str().unwrap().to_owned()).collect()
    };
    let up = walk(&service, "/v1/publications?sort=title&limit=9", As::Publishable).await;
    assert_eq!(titles(up), ordered);
    let down = walk(&service, "/v1/publications?sort=-title&limit=9", As::Publishable).await;
    let mut reversed = titles(down);
    reversed.reverse();
    assert_eq!(reversed, ordered);
}

#[tokio::test]
async fn titles_stand_by_the_language_they_are_served_in() {
    let service = TestApp::start().await;
    for (title, english) in
        [("Çiçek", Some("Apple")), ("Zil", None), ("Armut", Some("Zebra")), ("Ceviz", Some("Mouse"))]
    {
        let mut body = publication(title);
        if let Some(english) = english {
            body["translations"]["en"] = json!({ "title": english });
        } else {
            body["translations"]["en"] = json!({ "summary": "No title." });
        }
        service.published("publications", body).await;
    }
    for (query, expected) in [
        ("sort=title", ["armut", "ceviz", "cicek", "zil"]),
        ("sort=title&locale=en", ["cicek", "ceviz", "armut", "zil"]),
        ("sort=-title&locale=en", ["zil", "armut", "ceviz", "cicek"]),
        ("sort=title&locale=en&fallback=none", ["cicek", "ceviz", "armut", "zil"]),
        ("sort=-title&locale=en&fallback=none", ["armut", "ceviz", "cicek", "zil"]),
    ] {
        for limit in [1, 3] {
            assert_eq!(
                walked(&service, &format!("/v1/publications?{query}"), limit).await,
                expected,
                "{query}"
            );
        }
    }
}

#[tokio::test]
async fn what_has_no_value_is_last_both_ways() {
    let service = TestApp::start().await;
    for (title, start, end) in [
        ("a", Some("2014"), None),
        ("b", None, Some("2020")),
        ("c", Some("2012-05"), None),
        ("d", None, None),
        ("e", Some("2014"), Some("2015")),
        ("f", None, Some("2019")),
    ] {
        let mut body = practice(title);
        (body["period_start"], body["period_end"]) = (json!(start), json!(end));
        service.published("practices", body).await;
    }
    for (sort, expected) in [
        ("period_start", "c a e b d f"),
        ("-period_start", "e a c f d b"),
        ("period_start,period_end", "c e a f b d"),
        ("-period_start,-period_end", "e a c b f d"),
        ("-period_start,period_end", "e a c f b d"),
        ("period_end,-period_start", "e f b a c d"),
        ("period_start,-title", "c e a f d b"),
        ("-period_end,-period_start,title", "b f e a c d"),
    ] {
        let expected: Vec<&str> = expected.split_whitespace().collect();
        for limit in [1, 2, 4, 6] {
            let path = format!("/v1/practices?sort={sort}");
            assert_eq!(walked(&service, &path, limit).await, expected, "{sort} {limit}");
        }
    }
}

#[tokio::test]
async fn the_default_order_is_one_that_can_be_asked_for() {
    let service = TestApp::with_demo().await;
    for (collection, sort) in [
        ("publications", "-issued"),
        ("events", "-starts_at"),
        ("projects", "-start"),
        ("practices", "-period_start"),
        ("people", "name"),
        ("partners", "name"),
        ("topics", "position,label"),
    ] {
        let by_default = walked(&service, &format!("/v1/{collection}?locale=tr"), 7).await;
        let asked = walked(&service, &format!("/v1/{collection}?locale=tr&sort={sort}"), 7).await;
        assert_eq!(asked, by_default, "{collection}");
    }
}

#[tokio::test]
async fn every_documented_order_can_be_walked() {
    let service = TestApp::with_demo().await;
    for (path, method, operation) in crate::document::operations() {
        if method != "GET" || !COLLECTIONS.iter().any(|collection| path == format!("/v1/{collection}")) {
            continue;
        }
        let parameters = operation["parameters"].as_array().unwrap();
        let sort = parameters.iter().find(|parameter| parameter["name"] == "sort").unwrap();
        for word in sort["schema"]["items"]["enum"].as_array().unwrap() {
            let word = word.as_str().unwrap();
            let slugs = walked(&service, &format!("{path}?sort={word}"), 7).await;
            assert_eq!(
                slugs.len(),
                walked(&service, &format!("{path}?count=exact"), 100).await.len(),
                "{word}"
            );
        }
    }
}

#[tokio::test]
async fn what_an_older_version_wrote_is_derived_before_the_service_starts() {
    let service = TestApp::with_demo().await;
    let queries = [
        "/v1/publications?topic[under]=siddet&sort=title&limit=100",
        "/v1/people?role[exists]=true&sort=-name",
        "/v1/events?country[exists]=true&limit=100",
    ];
    let mut answers = Vec::new();
    for query in queries {
        answers.push(service.get(query, As::Publishable).await.text);
    }
    let before: BTreeSet<String> = service.rows().await.into_iter().collect();
    let tx = service.app.db.begin().await.unwrap();
    entry_value::Entity::delete_many().exec(&tx).await.unwrap();
    title_key::Entity::delete_many().exec(&tx).await.unwrap();
    for row in entry::Entity::find().all(&tx).await.unwrap() {
        let old = entry::ActiveModel {
            id: Set(row.id),
            derived_by: Set(0),
            sort_key: Set("old".to_owned()),
            ..Default::default()
        };
        old.update(&tx).await.unwrap();
    }
    tx.commit().await.unwrap();
    // Nobody was told of this.
    service.app.cache.clear();
    assert!(service.get(queries[0], As::Publishable).await.text != answers[0]);
    kinds::catch_up(&service.app).await.unwrap();
    service.app.cache.clear();
    for (query, answer) in queries.iter().zip(answers) {
        assert_eq!(service.get(query, As::Publishable).await.text, answer, "{query}");
    }
    let after: BTreeSet<String> = service.rows().await.into_iter().collect();
    let differences: Vec<&String> = after.symmetric_difference(&before).collect();
    assert!(differences.iter().all(|row| row.contains("kind: Organisation")), "{differences:#?}");
    let again = Box::pin(kinds::catch_up(&service.app));
    let (statements, done) = service.statements(again).await;
    done.unwrap();
    assert_eq!(statements, 1, "nothing is left to do");
}
