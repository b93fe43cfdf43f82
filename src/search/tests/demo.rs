//! How well the sample publications are found: the measures of `SEARCH.md`, section 7.

use std::collections::{HashMap, HashSet};

use serde_json::Value as Json;

use super::*;
use crate::search::{Likeness, ranking};

const PUBLICATIONS: &str = include_str!("../../../tests/data/search/demo-publications.jsonl");
const TAXONOMY: &str = include_str!("../../../tests/data/search/demo-taxonomy.json");
const QUERIES: &str = include_str!("../../../tests/data/search/queries.demo.dev.jsonl");
const BEHAVIOURS: &str = include_str!("../../../tests/data/search/behaviours.dev.tsv");
const RELATED: &str = include_str!("../../../tests/data/search/related.dev.tsv");

/// The sample publications in an index; the language versions of a work are rows of one entry.
struct Demo {
    _folder: TempDir,
    index: Index,
    /// The entry of each slug.
    entries: HashMap<String, Uuid>,
}

fn word<'a>(object: &'a Json, key: &str) -> &'a str {
    object[key].as_str().unwrap_or_default()
}

fn lines(text: &str) -> impl Iterator<Item = Json> {
    text.lines().map(|line| serde_json::from_str(line).unwrap())
}

impl Demo {
    fn new() -> Self {
        let taxonomy: Json = serde_json::from_str(TAXONOMY).unwrap();
        let topics = taxonomy["topics"].as_array().unwrap();
        let label = |key: &Json, locale: &str| {
            let topic = topics.iter().find(|topic| topic["key"] == *key).unwrap();
            (Weight::Linked, word(topic, locale).to_owned())
        };
        let mut works: Vec<Entry> = Vec::new();
        let mut groups: HashMap<String, usize> = HashMap::new();
        let mut entries = HashMap::new();
        for line in lines(PUBLICATIONS) {
            let locale = word(&line, "lang");
            let keys = line["topics"].as_array().unwrap();
            let mut row = row(word(&line, "title"), word(&line, "abstract"));
            row.locale = locale.to_owned();
            row.texts.extend(keys.iter().map(|key| label(key, locale)));
            let work = *groups.entry(word(&line, "group").to_owned()).or_insert_with(|| {
                let attributes = keys.iter().map(|key| ("topic".to_owned(), text(key.as_str().unwrap())));
                let mut work = entry(works.len() as u128 + 1, "", "");
                work.published = line["year"].as_i64().unwrap();
                work.attributes = attributes.collect();
                work.rows.clear();
                works.push(work);
                works.len() - 1
            });
            works[work].rows.push(row);
            entries.insert(word(&line, "slug").to_owned(), works[work].id);
        }
        let (folder, index) = index(&works);
        Self { _folder: folder, index, entries }
    }

    fn search(&self, text: &str, limit: usize) -> Vec<Uuid> {
        let found = self.index.search(&Query { limit, ..ask(text) }).unwrap();
        found.hits.into_iter().map(|hit| hit.entry).collect()
    }

    fn of(&self, slugs: &str) -> HashSet<Uuid> {
        slugs.split(',').filter_map(|slug| self.entries.get(slug).copied()).collect()
    }

    /// nDCG@10 with the gain 2^grade − 1.
    fn gain(&self, query: &Json, text: &str) -> f64 {
        let mut grades: HashMap<Uuid, u32> = HashMap::new();
        for (slug, grade) in query["qrels"].as_object().unwrap() {
            let best = grades.entry(self.entries[slug]).or_default();
            *best = (*best).max(grade.as_u64().unwrap().try_into().unwrap());
        }
        let sum = |grades: &mut dyn Iterator<Item = u32>| -> f64 {
            let gains = grades.take(10).zip(2_u32..);
            gains.map(|(grade, place)| f64::from((1_u32 << grade) - 1) / f64::from(place).log2()).sum()
        };
        let found = self.search(text, 10);
        let mut ideal: Vec<u32> = grades.values().copied().collect();
        ideal.sort_unstable_by(|one, other| other.cmp(one));
        sum(&mut found.iter().map(|entry| grades.get(entry).copied().unwrap_or_default()))
            / sum(&mut ideal.into_iter())
    }
}

#[test]
fn judged_queries_find_what_answers_them() {
    let demo = Demo::new();
    for (set, least) in [("domain-tr", 0.81), ("domain-en", 0.86)] {
        let queries: Vec<Json> = lines(QUERIES).filter(|query| word(query, "set") == set).collect();
        let mean = |spell: fn(&str) -> String| {
            let gains = queries.iter().map(|query| demo.gain(query, &spell(word(query, "query"))));
            gains.sum::<f64>() / ranking::real(queries.len())
        };
        let plain = mean(str::to_owned);
        assert!(plain >= least, "{set}: {plain:.3}");
        let upper = |text: &str| text.replace('i', "İ").replace('ı', "I").to_uppercase();
        let ascii = |text: &str| crate::search::analysis::fold(text);
        for (name, gain) in [("upper case", mean(upper)), ("ASCII", mean(ascii))] {
            assert!((gain - plain).abs() < 1e-9, "{set}, {name}: {gain:.3} instead of {plain:.3}");
        }
    }
}

#[test]
fn queries_behave_as_expected() {
    let demo = Demo::new();
    let mut missed = Vec::new();
    for line in BEHAVIOURS.lines().skip(1) {
        let columns: Vec<&str> = line.split('\t').collect();
        let (query, expected, within) = (columns[2], columns[4], columns[5].parse().unwrap());
        let found = demo.search(query, within);
        let expected_any = demo.of(expected);
        let behaves = if expected == "-" {
            found.is_empty()
        } else {
            found.iter().any(|entry| expected_any.contains(entry))
        };
        if !behaves {
            missed.push(query);
        }
    }
    assert!(missed.len() <= 2, "{missed:?}");
}

#[test]
fn related_publications_are_those_expected() {
    let demo = Demo::new();
    let mut missed = Vec::new();
    for line in RELATED.lines().skip(1) {
        let columns: Vec<&str> = line.split('\t').collect();
        let likeness = Likeness {
            entry: demo.entries[columns[1]],
            locale: None,
            reader: Visibility::Public,
            audience: Visibility::Public,
            kinds: &[],
            limit: columns[4].parse().unwrap(),
        };
        let expected = demo.of(columns[2]);
        let related = demo.index.related(&likeness).unwrap();
        let hits = related.iter().filter(|related| expected.contains(&related.entry)).count();
        if hits < columns[3].parse().unwrap() {
            missed.push(columns[1]);
        }
    }
    assert!(missed.len() <= 1, "{missed:?}");
}
