//! Topics are counted along their tree, as each caller sees it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::*;
use crate::{
    app::{practice, project},
    reading::{COLLECTIONS, walk},
};

/// Label, the wider topic, and who may see it; `draft`: nobody outside.
const TREE: [(&str, &str, &str); 13] = [
    ("t1", "", "public"),
    ("t2", "t1", "public"),
    ("t3", "t2", "public"),
    ("t4", "t2", "partners"),
    ("t5", "t4", "public"),
    ("t6", "t1", "internal"),
    ("t7", "t6", "public"),
    ("t8", "", "public"),
    ("t9", "t8", "draft"),
    ("t10", "t9", "public"),
    ("t11", "t10", "partners"),
    ("t12", "", "partners"),
    ("t13", "t12", "public"),
];

/// The topics of that tree, and eight entries in every collection that has topics.
async fn world() -> TestApp {
    let service = TestApp::start().await;
    for (label, broader, visibility) in TREE {
        let mut body = topic(label);
        body["broader"] = if broader.is_empty() { Value::Null } else { broader.into() };
        if visibility == "draft" {
            service.post("/v1/topics", As::Editor, body).await;
        } else {
            body["visibility"] = visibility.into();
            service.published("topics", body).await;
        }
    }
    let mut dice = 7_u64;
    let mut below = |most: usize| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(dice >> 33).unwrap() % most
    };
    let scopes = ["name", "role", "biography", "affiliation"];
    for (collection, make) in [
        ("partners", &partner as &dyn Fn(&str) -> Value),
        ("people", &|name| person(name, &scopes)),
        ("projects", &project),
        ("events", &event),
        ("publications", &publication),
        ("practices", &practice),
    ] {
        for number in 0..8 {
            let word = ["Kadın", "Barış"][below(2)];
            let mut body = make(&format!("{word} {collection} {number}"));
            let topics: BTreeSet<&str> = (0..below(4)).map(|_| TREE[below(TREE.len())].0).collect();
            body["topics"] = json!(topics);
            body["visibility"] = ["public", "public", "partners", "internal"][below(4)].into();
            service.published(collection, body).await;
        }
    }
    service
}

/// Slug, wider topic, entries with it, entries with it or a narrower one.
type Row = (String, Option<String>, u64, u64);

fn rows(answer: &Value, facet: &str) -> BTreeSet<Row> {
    let facets = answer["facets"].as_array().unwrap();
    let values = facets.iter().find(|known| known["name"] == facet).unwrap()["values"].as_array().unwrap();
    let counts: Vec<u64> = values.iter().map(|value| value["count"].as_u64().unwrap()).collect();
    assert!(counts.is_sorted_by(|one, other| one >= other), "{counts:?}");
    let row = |value: &Value| {
        let text = |name: &str| value[name].as_str().map(str::to_owned);
        let number = |name: &str| value[name].as_u64().unwrap();
        (text("value").unwrap(), text("broader"), number("count"), number("total"))
    };
    let rows: BTreeSet<Row> = values.iter().map(row).collect();
    assert_eq!(rows.len(), counts.len(), "no topic comes twice");
    rows
}

/// What counting by hand gives for entries with these topics.
fn expected(tree: &BTreeMap<String, Option<String>>, entries: &[BTreeSet<String>]) -> BTreeSet<Row> {
    let row = |(topic, broader): (&String, &Option<String>)| {
        let has = |entry: &&BTreeSet<String>| entry.contains(topic);
        let is_under = |entry: &&BTreeSet<String>| {
            entry.iter().any(|own| {
                let above = std::iter::successors(Some(own), |topic| tree.get(*topic)?.as_ref());
                tree.contains_key(own) && above.into_iter().any(|above| above == topic)
            })
        };
        let count =
            |is_one: &dyn Fn(&&BTreeSet<String>) -> bool| entries.iter().filter(is_one).count() as u64;
        (topic.clone(), broader.clone(), count(&has), count(&is_under))
    };
    tree.iter().map(row).filter(|(.., total)| *total > 0).collect()
}

fn topics_of(entry: &Value) -> BTreeSet<String> {
    entry["topics"]
        .as_array()
        .unwrap()
        .iter()
        .map(|topic| topic["slug"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn counts_follow_the_tree_that_the_caller_sees() {
    let service = world().await;
    let mut wider_only = 0;
    for who in [As::Publishable, As::Partner, As::Viewer] {
        let topics = walk(&service, "/v1/topics?limit=100", who.clone()).await;
        let slug = |value: &Value| value["slug"].as_str().map(str::to_owned);
        let tree: BTreeMap<_, _> =
            topics.iter().map(|topic| (slug(topic).unwrap(), slug(&topic["broader"]))).collect();
        let mut everywhere = HashMap::new();
        for collection in COLLECTIONS.into_iter().filter(|collection| *collection != "topics") {
            for filter in ["", "&q=kad%C4%B1n", "&visibility=public", "&q=bar%C4%B1%C5%9F&visibility=public"]
            {
                let path = format!("/v1/{collection}?limit=100{filter}");
                let entries: Vec<_> = walk(&service, &path, who.clone()).await;
                if filter.is_empty() {
                    everywhere.extend(entries.iter().map(|entry| (slug(entry).unwrap(), topics_of(entry))));
                }
                let entries: Vec<_> = entries.iter().map(topics_of).collect();
                let expected = expected(&tree, &entries);
                // Its own filter is left aside.
                for own in ["", "&topic=t3", "&topic[under]=t1&topic[not]=t2"] {
                    let path = format!("/v1/{collection}?facets=topic{filter}{own}");
                    let answer = service.get(&path, who.clone()).await;
                    assert_eq!(rows(&answer.body, "topic"), expected, "{path} as {who:?}");
                }
                wider_only += expected.iter().filter(|(_, _, count, _)| *count == 0).count();
                for (topic, .., total) in expected.iter().filter(|_| filter.len() < 15) {
                    let path = format!("/v1/{collection}?count=exact{filter}&topic[under]={topic}");
                    assert_eq!(
                        service.get(&path, who.clone()).await.body["total"],
                        *total,
                        "{path} as {who:?}"
                    );
                }
            }
        }
        let found = service.get("/v1/search?q=kad%C4%B1n&limit=100&facets=topic,kind", who.clone()).await;
        let hits = found.body["data"].as_array().unwrap().iter();
        let entries: Vec<_> =
            hits.filter_map(|hit| everywhere.get(hit["slug"].as_str().unwrap()).cloned()).collect();
        assert!(entries.len() > 8);
        assert_eq!(rows(&found.body, "topic"), expected(&tree, &entries), "{who:?}");
        assert!(
            rows(&found.body, "kind")
                .iter()
                .all(|(_, wider, count, total)| { wider.is_none() && count == total })
        );
    }
    assert!(wider_only > 20, "{wider_only} times a topic was there for a narrower one's sake");
    // What is not published is counted for nobody.
    let path = "/v1/publications?facets=topic";
    let (inside, editor) = (service.get(path, As::Viewer).await, service.get(path, As::Editor).await);
    assert_eq!(editor.body["facets"], inside.body["facets"]);
}

#[tokio::test]
async fn topics_are_counted_by_the_wider_one() {
    let service = world().await;
    for who in [As::Publishable, As::Viewer] {
        let answer = service.get("/v1/topics?facets=broader,related", who.clone()).await;
        let counted = rows(&answer.body, "broader");
        assert!(counted.len() >= 2, "{counted:?}");
        assert_eq!(rows(&answer.body, "related"), BTreeSet::new());
        for (topic, _, count, total) in counted {
            for (operator, expected) in [("any", count), ("under", total)] {
                let path = format!("/v1/topics?count=exact&broader[{operator}]={topic}");
                assert_eq!(
                    service.get(&path, who.clone()).await.body["total"],
                    expected,
                    "{path} as {who:?}"
                );
            }
        }
    }
}
