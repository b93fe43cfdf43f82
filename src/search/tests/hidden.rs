//! What somebody may not see leaves no trace.

use super::*;
use crate::search::{Beginning, Counted, Likeness};

fn public() -> Vec<Entry> {
    (1..=6)
        .map(|number| {
            with(entry(number, "Kadın emeği raporu", "ücret eşitliği"), &[("person", Value::Entry(id(50)))])
        })
        .chain([with(entry(7, "Barış", "ücret"), &[("person", Value::Entry(id(51)))])])
        .chain([Entry { kind: Kind::Person, ..entry(51, "Ayşe Görünür", "") }])
        .collect()
}

fn internal() -> Vec<Entry> {
    (100..=140)
        .map(|number| entry(number, "Kadın gizlibelge", "gizlikonu ücret"))
        .chain([Entry { kind: Kind::Person, ..entry(50, "Gizem Gizli", "") }])
        .map(|entry| seen_by(entry, Visibility::Internal))
        .collect()
}

#[test]
fn scores_counts_and_corrections_are_as_if_it_were_not_there() {
    let (_one, without) = index(&public());
    let (_two, with) = index(&[public(), internal()].concat());
    for words in ["kadın ücret", "gizlibelge", "gizlibelgo ücret", "gizli", "", "emegi"] {
        let query =
            Query { facets: &["kind", "person"], filters: &[filter("person", Test::Absent)], ..ask(words) };
        assert_eq!(with.search(&query).unwrap(), without.search(&query).unwrap(), "{words}");
        let query = Query { facets: &["kind", "person"], ..ask(words) };
        assert_eq!(with.search(&query).unwrap(), without.search(&query).unwrap(), "{words}");
    }
    let inside = Query { audience: Visibility::Internal, ..ask("gizlibelge") };
    assert_eq!(with.search(&inside).unwrap().total, 42, "{:?}", with.search(&inside).unwrap().hits.len());
    let partners = Query { audience: Visibility::Partners, ..ask("gizlibelge") };
    assert_eq!(with.search(&partners).unwrap().total, 0);
}

#[test]
fn references_to_it_are_not_there() {
    let (_folder, index) = index(&[public(), internal()].concat());
    let person = |number: u128, test: fn(Vec<Value>) -> Test| {
        let filters = [filter("person", test(vec![Value::Entry(id(number))]))];
        let of =
            |audience| index.search(&Query { filters: &filters, audience, ..ask("ücret") }).unwrap().total;
        (of(Visibility::Public), of(Visibility::Internal))
    };
    assert_eq!(person(50, Test::AnyOf), (0, 6));
    assert_eq!(person(50, Test::NoneOf), (7, 42));
    assert_eq!(person(51, Test::AnyOf), (1, 1));
    let facets = |audience| {
        let query = Query { facets: &["person"], audience, ..ask("ücret") };
        index.search(&query).unwrap().facets[0].1.clone()
    };
    let seen = Counted { value: Value::Entry(id(51)), count: 1, total: 1, broader: None };
    assert_eq!(facets(Visibility::Public), [seen]);
    assert_eq!(facets(Visibility::Internal).len(), 2);
}

#[test]
fn it_neither_completes_nor_is_related() {
    let (_folder, index) = index(&[public(), internal()].concat());
    for (audience, count) in [(Visibility::Public, 0), (Visibility::Internal, 42)] {
        let beginning = Beginning { text: "giz", audience, kinds: &[], locales: &[], limit: 50 };
        assert_eq!(index.suggest(&beginning).unwrap().len(), count);
        let likeness =
            Likeness { entry: id(120), locale: None, reader: audience, audience, kinds: &[], limit: 50 };
        assert_eq!(index.related(&likeness).unwrap().is_empty(), count == 0);
    }
    let likeness = Likeness {
        entry: id(1),
        locale: None,
        reader: Visibility::Public,
        audience: Visibility::Public,
        kinds: &[],
        limit: 50,
    };
    let related = index.related(&likeness).unwrap();
    assert!(related.iter().all(|related| related.entry.as_u128() < 50));
    let reasons = related.iter().flat_map(|related| &related.reasons);
    assert!(
        reasons.copied().all(|reason| reason == crate::entity::vocabulary::RelatedReason::Text),
        "the shared person is hidden"
    );
}

/// A circle (1 > 2 > 3 > 1), and a topic (6) between two (5 and 7) that is seen inside only.
#[test]
fn a_topic_passes_on_what_is_counted_only_where_it_is_seen() {
    let topic = |number: u128, broader: u128| {
        let entry = Entry { kind: Kind::Topic, ..entry(number, "Konu", "") };
        with(entry, &[("broader", Value::Entry(id(broader)))])
    };
    let about = |number: u128, topics: &[u128]| {
        let topics: Vec<_> = topics.iter().map(|topic| ("topic", Value::Entry(id(*topic)))).collect();
        with(entry(number, "Rapor", ""), &topics)
    };
    let entries = [
        topic(1, 2),
        topic(2, 3),
        topic(3, 1),
        Entry { kind: Kind::Topic, ..entry(5, "Konu", "") },
        seen_by(topic(6, 5), Visibility::Internal),
        topic(7, 6),
        about(11, &[1, 2]),
        about(12, &[3]),
        about(13, &[6]),
        about(14, &[5, 7]),
        about(15, &[7]),
    ];
    let (_folder, index) = index(&entries);
    let counted = |audience| {
        let query = Query { facets: &["topic"], audience, ..ask("rapor") };
        let mut counted = index.search(&query).unwrap().facets.remove(0).1;
        counted.sort_by_key(|counted| counted.value.clone());
        let row = |counted: Counted| {
            let Value::Entry(topic) = counted.value else { panic!("{counted:?}") };
            let broader = counted.broader.map(|broader| broader.as_u128());
            (topic.as_u128(), counted.count, counted.total, broader)
        };
        counted.into_iter().map(row).collect::<Vec<_>>()
    };
    let circle = [(1, 1, 2, Some(2)), (2, 1, 2, Some(3)), (3, 1, 2, Some(1))];
    let inside = [(5, 1, 3, None), (6, 1, 3, Some(5)), (7, 2, 2, Some(6))];
    assert_eq!(counted(Visibility::Internal), [circle, inside].concat());
    assert_eq!(
        counted(Visibility::Public),
        [circle.as_slice(), &[(5, 1, 1, None), (7, 2, 2, None)]].concat()
    );
}
