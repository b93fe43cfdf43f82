//! Entries made by rule: the same for the same seed, and like what an organisation has.

use std::collections::{HashMap, HashSet};

use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use serde_json::Value;
use sogep::{
    content::generated::{Generated, store},
    entity::{
        change, contribution, entry,
        vocabulary::{Kind, State},
    },
    http::{Code, Error},
    interchange::{
        Collection,
        export::{Format, export},
    },
};

use crate::app::{As, TestApp};

async fn generated(publications: u64, seed: u64) -> TestApp {
    let service = TestApp::start().await;
    let generated = Generated { publications, seed };
    let report = store(&service.app, generated, &|_| {}).await.unwrap();
    assert_eq!(report.created as u64, generated.total());
    service
}

/// The collections as they are exported.
async fn exported(service: &TestApp) -> Vec<String> {
    let directory = service.directory().join("export");
    export(&service.app, &directory, &Collection::ALL, Format::Ndjson, &|_| {}).await.unwrap();
    let text = |collection| std::fs::read_to_string(directory.join(format!("{collection}.ndjson"))).unwrap();
    Collection::ALL.into_iter().map(text).collect()
}

async fn publications(service: &TestApp) -> Vec<Value> {
    let directory = service.directory().join("publications");
    let chosen = [Collection::Publications];
    export(&service.app, &directory, &chosen, Format::Ndjson, &|_| {}).await.unwrap();
    let text = std::fs::read_to_string(directory.join("publications.ndjson")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn a_seed_makes_the_same_entries_and_another_seed_others() {
    let first = exported(&generated(30, 7).await).await;
    assert_eq!(exported(&generated(30, 7).await).await, first);
    let other = exported(&generated(30, 8).await).await;
    assert_eq!(first.len(), other.len());
    assert_ne!(other, first);
}

#[tokio::test]
async fn generated_publications_are_like_real_ones() {
    let service = generated(400, 1).await;
    let publications = publications(&service).await;
    assert_eq!(publications.len(), 400);

    let drafts = publications.iter().filter(|publication| publication["state"] == "draft").count();
    assert!((15..=55).contains(&drafts), "{drafts} of 400 are drafts");

    let mut topics: HashMap<&str, usize> = HashMap::new();
    let mut years: HashMap<&str, usize> = HashMap::new();
    let (mut letters, mut identified, mut in_english) = (0, 0, 0);
    for publication in &publications {
        let about = publication["topics"].as_array().unwrap();
        assert_eq!((about.len(), publication["authors"].as_array().unwrap().len()), (3, 2));
        for topic in about {
            *topics.entry(topic.as_str().unwrap()).or_default() += 1;
        }
        *years.entry(&publication["issued"].as_str().unwrap()[..4]).or_default() += 1;
        let summary = publication["translations"]["tr"]["summary"].as_str().unwrap();
        let length = summary.chars().count();
        assert!((500..900).contains(&length), "{length} letters: {summary}");
        letters += summary.chars().filter(|letter| "çğıöşüİ".contains(*letter)).count();
        identified += usize::from(publication["identifiers"].as_array().is_some_and(|all| !all.is_empty()));
        in_english += usize::from(publication["translations"].get("en").is_some());
    }
    assert!(letters > 400 * 25, "{letters} Turkish letters");
    assert!((80..240).contains(&identified), "{identified} have an identifier");
    assert!((10..90).contains(&in_english), "{in_english} are in English, too");
    assert!(years.len() > 25, "of {} years", years.len());

    let mut counts: Vec<usize> = topics.values().copied().collect();
    counts.sort_unstable_by(|one, other| other.cmp(one));
    assert!(counts.len() > 40, "{} topics are used", counts.len());
    assert!(counts[0] > 5 * counts[counts.len() / 2], "not skewed: {counts:?}");

    let slugs: HashSet<_> = publications.iter().map(|one| one["slug"].as_str()).collect();
    assert_eq!(slugs.len(), 400);
    let summaries: HashSet<_> =
        publications.iter().map(|one| one["translations"]["tr"]["summary"].as_str()).collect();
    assert_eq!(summaries.len(), 400);
}

#[tokio::test]
async fn generated_entries_are_written_like_all_others() {
    let service = generated(50, 1).await;
    let db = service.app.db.reader();
    let entries = entry::Entity::find().all(db).await.unwrap();
    let changes = change::Entity::find().count(db).await.unwrap();
    assert!(changes >= entries.len() as u64, "{changes} lines in the change log");
    let hidden = entries.iter().filter(|entry| entry.kind == Kind::Person && !entry.consented).count();
    assert_eq!(hidden, 0);
    let credits = contribution::Entity::find().filter(contribution::Column::PersonId.is_not_null());
    assert_eq!(credits.count(db).await.unwrap(), 100);

    let published =
        entries.iter().filter(|one| one.kind == Kind::Publication && one.state == State::Published).count();
    let listed = service.get("/v1/publications?limit=100", As::Publishable).await;
    assert_eq!(listed.body["data"].as_array().unwrap().len(), published);
    let first = &listed.body["data"][0];
    assert!(first["authors"][0]["person"]["slug"].is_string(), "{first}");
}

#[tokio::test]
async fn nothing_is_generated_beside_content() {
    let service = TestApp::with_demo().await;
    let before = exported(&service).await;
    let refused = store(&service.app, Generated { publications: 10, seed: 1 }, &|_| {}).await;
    assert!(matches!(refused, Err(Error::Problem(Code::Conflict, _))), "{refused:?}");
    let count = entry::Entity::find().count(service.app.db.reader()).await.unwrap();
    let lines: usize = before.iter().map(|text| text.lines().count()).sum();
    assert_eq!(count, lines as u64);
}
