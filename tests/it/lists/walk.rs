//! Random content, filters, orders and page sizes: a walk gives every match once and in order, whatever
//! comes and goes meanwhile, and finds what a naive reading of the same caller's answers finds.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use sogep::editorial::collation;

use super::*;
use crate::{app::project, reading::walk};

/// Numbers that repeat from run to run (a linear congruential generator; Knuth, MMIX).
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % most
    }

    fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }

    fn some<T: Clone>(&mut self, of: &[T], most: usize) -> Vec<T> {
        let count = self.below(most + 1);
        let mut chosen: Vec<usize> = (0..count).map(|_| self.below(of.len())).collect();
        chosen.sort_unstable();
        chosen.dedup();
        chosen.into_iter().map(|index| of[index].clone()).collect()
    }
}

const TOPICS: [(&str, &str); 7] = [
    ("t1", ""),
    ("t2", "t1"),
    ("t3", "t2"),
    ("t4", ""),
    ("t5", "t4"),
    // Not published: an editor sees it and what lies below it.
    ("t6", "t4"),
    ("t7", "t6"),
];
const PEOPLE: [&str; 3] = ["p1", "p2", "p3"];
const PARTNERS: [&str; 3] = ["o1", "o2", "o3"];
const TYPES: [&str; 4] = ["news", "book", "article", "video"];
const ISSUED: [&str; 7] = ["2019", "2020", "2020-01", "2020-01-01", "2020-06", "2021-03-08", "2022"];
const TITLES: [&str; 10] = ["Çam", "cam", "Cam", "ılık", "ilik", "İlk", "öz", "oz", "şal", "sal"];

async fn content(dice: &mut Dice) -> TestApp {
    let service = TestApp::start().await;
    for (label, broader) in TOPICS {
        let mut body = topic(label);
        body["broader"] = if broader.is_empty() { Value::Null } else { broader.into() };
        if label == "t6" {
            service.post("/v1/topics", As::Editor, body).await;
        } else {
            service.published("topics", body).await;
        }
    }
    for name in PEOPLE {
        service.published("people", person(name, if name == "p3" { &[] } else { &["name"] })).await;
    }
    for name in PARTNERS {
        let mut body = partner(name);
        body["visibility"] = if name == "o3" { "internal".into() } else { "public".into() };
        service.published("partners", body).await;
    }
    service.published("projects", project("Proje")).await;
    for _ in 0..50 {
        write(&service, dice).await;
    }
    service
}

/// A random publication; mostly it is published.
async fn write(service: &TestApp, dice: &mut Dice) {
    let title = format!("{} {}", dice.one(&TITLES), dice.below(4));
    let mut body = with(
        &title,
        &json!({
            "type": dice.one(&TYPES), "issued": dice.one(&ISSUED),
            "languages": dice.one(&[json!(["tr"]), json!(["tr", "en"]), json!(["en"])]),
            "topics": dice.some(&TOPICS.map(|(label, _)| label), 3),
            "audience": dice.some(&["media", "educators", "researchers"], 2),
            "project": dice.one(&[Value::Null, json!("proje")]),
            "visibility": dice.one(&["public", "public", "public", "partners", "internal"]),
        }),
    );
    body["authors"] =
        dice.some(&PEOPLE, 2).into_iter().map(|slug| json!({ "name": slug, "person": slug })).collect();
    body["publishers"] =
        dice.some(&PARTNERS, 2).into_iter().map(|slug| json!({ "name": slug, "partner": slug })).collect();
    if dice.below(2) == 0 {
        body["translations"]["en"] = json!({ "title": dice.one(&TITLES) });
    }
    service.app.clock.advance(TimeDelta::milliseconds(500 * i64::try_from(dice.below(2)).unwrap()));
    let is_draft = dice.below(8) == 0;
    if is_draft {
        service.post("/v1/publications", As::Editor, body).await;
    } else {
        service.published("publications", body).await;
    }
}

/// What happens between two pages. Gives the slug of what is not as it was.
async fn disturb(service: &TestApp, dice: &mut Dice) -> Option<String> {
    if dice.below(3) == 0 {
        write(service, dice).await;
        return None;
    }
    let all = walk(service, "/v1/publications?limit=100", As::Editor).await;
    let slug = dice.one(&all)["slug"].as_str().unwrap().to_owned();
    let path = format!("/v1/publications/{slug}");
    let etag = service.get(&path, As::Editor).await.etag().to_owned();
    let answer = match dice.below(3) {
        0 => service.delete(&path, As::Editor, &etag).await,
        1 => service.patch(&path, As::Editor, &etag, json!({ "issued": dice.one(&ISSUED) })).await,
        _ => {
            let changed = json!({ "type": dice.one(&TYPES), "topics": dice.some(&["t1", "t3"], 2) });
            service.patch(&path, As::Editor, &etag, changed).await
        }
    };
    assert!(answer.status.is_success(), "{}", answer.text);
    Some(slug)
}

/// A filter as it is sent, and whether it lets an entry through, as the caller is served it.
type Filter = (String, Box<dyn Fn(&Value) -> bool>);

fn texts(entry: &Value, list: &str, pointer: &str) -> BTreeSet<String> {
    let items = entry[list].as_array().unwrap().iter();
    items.filter_map(|item| item.pointer(pointer)?.as_str().map(str::to_owned)).collect()
}

/// A filter over a list of values.
fn over(
    dice: &mut Dice,
    name: &str,
    words: &[&str],
    of: impl Fn(&Value) -> BTreeSet<String> + 'static,
) -> Filter {
    let mut asked = dice.some(words, 3);
    if asked.is_empty() {
        asked.push(dice.one(words));
    }
    let set: BTreeSet<String> = asked.iter().map(|word| (*word).to_owned()).collect();
    let list = asked.join(",");
    match dice.below(5) {
        0 => (format!("{name}[not]={list}"), Box::new(move |entry| of(entry).is_disjoint(&set))),
        1 => (format!("{name}[exists]=true"), Box::new(move |entry| !of(entry).is_empty())),
        2 => (format!("{name}[exists]=false"), Box::new(move |entry| of(entry).is_empty())),
        _ => (format!("{name}={list}"), Box::new(move |entry| !of(entry).is_disjoint(&set))),
    }
}

/// A date known to the year or month as its first day.
fn first_day(date: &str) -> String {
    format!("{date}{}", &"-01-01"[date.len() - 4..])
}

/// `broader` tells the wider topic of each that the caller sees.
fn filter(dice: &mut Dice, broader: &BTreeMap<String, Option<String>>) -> Filter {
    let topics = TOPICS.map(|(label, _)| label);
    match dice.below(9) {
        0 => over(dice, "type", &TYPES, |entry| [entry["type"].as_str().unwrap().to_owned()].into()),
        1 => over(dice, "topic", &topics, |entry| texts(entry, "topics", "/slug")),
        2 => over(dice, "person", &PEOPLE, |entry| texts(entry, "authors", "/person/slug")),
        3 => over(dice, "partner", &PARTNERS, |entry| texts(entry, "publishers", "/partner/slug")),
        4 => over(dice, "audience", &["media", "educators"], |entry| texts(entry, "audience", "")),
        5 => over(dice, "project", &["proje"], |entry| {
            entry["project"]["slug"].as_str().map(str::to_owned).into_iter().collect()
        }),
        6 => {
            let asked: BTreeSet<String> =
                dice.some(&["tr", "en"], 2).into_iter().chain(["tr"]).map(str::to_owned).collect();
            let list = asked.iter().cloned().collect::<Vec<_>>().join(",");
            (
                format!("language[all]={list}"),
                Box::new(move |entry| texts(entry, "languages", "").is_superset(&asked)),
            )
        }
        7 => {
            let day = dice.one(&ISSUED.map(first_day));
            let query = format!("issued[gte]={day}");
            (query, Box::new(move |entry| first_day(entry["issued"].as_str().unwrap()) >= day))
        }
        _ => {
            let root = dice.one(&topics).to_owned();
            let query = format!("topic[under]={root}");
            let broader = broader.clone();
            (
                query,
                Box::new(move |entry| {
                    texts(entry, "topics", "/slug").into_iter().any(|mut topic| {
                        while topic != root {
                            match broader.get(&topic).cloned().flatten() {
                                Some(wider) => topic = wider,
                                None => return false,
                            }
                        }
                        true
                    })
                }),
            )
        }
    }
}

/// What `entry` is sorted by, so that it can be compared; nothing where it has none.
fn key(entry: &Value, name: &str) -> Option<String> {
    let text = entry[name].as_str()?.to_owned();
    Some(match name {
        "title" => collation::key(&text),
        "issued" => format!("{text}{}", &"-00-00"[text.len() - 4..]),
        // So that a whole second stands before its half.
        _ => text.replace('Z', ""),
    })
}

/// The same in Rust, over what the caller is served.
fn sorted(mut entries: Vec<Value>, sort: &[(&str, bool)]) -> Vec<String> {
    entries.sort_by(|one, other| {
        let mut order = std::cmp::Ordering::Equal;
        for (name, descending) in sort {
            order = order.then_with(|| match (key(one, name), key(other, name)) {
                (Some(one), Some(other)) if *descending => other.cmp(&one),
                (Some(one), Some(other)) => one.cmp(&other),
                (one, other) => one.is_none().cmp(&other.is_none()),
            });
        }
        let ids = one["id"].as_str().cmp(&other["id"].as_str());
        order.then(if sort.last().unwrap().1 { ids.reverse() } else { ids })
    });
    entries.iter().map(|entry| entry["slug"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_walk_gives_every_match_once_and_in_order_whatever_comes_and_goes() {
    let mut dice = Dice(20_261_124);
    let service = content(&mut dice).await;
    let mut pages = crc32fast::Hasher::new();
    let mut found = 0;
    for round in 0..60 {
        let who = dice.one(&[As::Publishable, As::Publishable, As::Partner, As::Viewer, As::Editor]);
        let locale = dice.one(&["tr", "en", "en&fallback=none"]);
        let topics = walk(&service, "/v1/topics?limit=100", who.clone()).await;
        let broader = topics.iter().map(|topic| {
            let wider = topic["broader"]["slug"].as_str().map(str::to_owned);
            (topic["slug"].as_str().unwrap().to_owned(), wider)
        });
        let broader: BTreeMap<_, _> = broader.collect();
        let filters: BTreeMap<String, _> = (0..dice.below(4))
            .map(|_| filter(&mut dice, &broader))
            .map(|(query, lets)| (query.split('=').next().unwrap().to_owned(), (query, lets)))
            .collect();
        let mut sort = dice.some(&["issued", "title", "updated_at", "published_at"], 3);
        sort.truncate(3);
        let sort: Vec<(&str, bool)> = if sort.is_empty() {
            vec![("issued", true)]
        } else {
            sort.into_iter().map(|name| (name, dice.below(2) == 0)).collect()
        };
        let words: Vec<String> = sort
            .iter()
            .map(|(name, descending)| format!("{}{name}", if *descending { "-" } else { "" }))
            .collect();
        let mut list = format!("/v1/publications?locale={locale}&sort={}", words.join(","));
        for (query, _) in filters.values() {
            list = format!("{list}&{query}");
        }
        let all = walk(&service, &format!("/v1/publications?limit=100&locale={locale}"), who.clone()).await;
        let all = all.into_iter().filter(|entry| filters.values().all(|(_, lets)| lets(entry)));
        let expected = sorted(all.collect(), &sort);
        let mut touched = BTreeSet::new();
        let mut given = Vec::new();
        let mut next = Some(format!("{list}&limit={}&count=exact", dice.one(&[1, 2, 3, 7, 20])));
        while let Some(path) = next {
            let page = service.get(&path, who.clone()).await;
            assert_eq!(page.status, 200, "{path}: {}", page.text);
            if given.is_empty() {
                assert_eq!(page.body["total"], expected.len(), "{round}: {list}");
            }
            pages.update(page.text.as_bytes());
            given.extend(page.slugs().into_iter().map(str::to_owned));
            next = crate::reading::next_page(&page);
            if next.is_some() && dice.below(3) == 0 {
                touched.extend(disturb(&service, &mut dice).await);
            }
        }
        let untouched = |slugs: &[String]| -> Vec<String> {
            slugs.iter().filter(|slug| expected.contains(slug) && !touched.contains(*slug)).cloned().collect()
        };
        assert_eq!(untouched(&given), untouched(&expected), "{round}: {list} as {who:?}");
        found += expected.len();
    }
    assert!(found > 300, "{found} entries were found");
    // The same on both databases, byte for byte.
    insta::assert_snapshot!("pages", format!("{:08x}", pages.finalize()));
}
