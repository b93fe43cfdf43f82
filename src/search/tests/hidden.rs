//! What somebody may not see leaves no trace.

use super::*;
use crate::search::{Beginning, Likeness};

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
    assert_eq!(facets(Visibility::Public), [(Value::Entry(id(51)), 1)]);
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
