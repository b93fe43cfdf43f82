//! Filters, facets, pages.

use super::*;

/// Thirty entries: every third an event, every fifth in English too, years and topics by number.
fn thirty() -> Vec<Entry> {
    (1..=30_u128)
        .map(|number| {
            let mut entry = with(
                entry(number, "Kadın emeği", &"söz ".repeat(number as usize % 7)),
                &[
                    ("year", Value::Number(2000 + i64::try_from(number).unwrap())),
                    ("topic", text(if number % 2 == 0 { "emek" } else { "barış" })),
                    ("topic", text(if number % 3 == 0 { "kent" } else { "ev" })),
                ],
            );
            if number % 3 == 0 {
                entry.kind = Kind::Event;
            }
            if number % 5 == 0 {
                entry.rows.push(Row { locale: "en".to_owned(), ..row("Labour of women", "") });
                entry.attributes.push(("file".to_owned(), text("pdf")));
            }
            entry
        })
        .collect()
}

fn total(index: &Index, filters: &[Filter]) -> usize {
    index.search(&Query { filters, ..ask("kadın") }).unwrap().total
}

#[test]
fn filters_select_by_the_values_of_an_entry() {
    let (_folder, index) = index(&thirty());
    for (test, count) in [
        (filter("topic", Test::AnyOf(vec![text("emek"), text("kent")])), 20),
        (filter("topic", Test::AllOf(vec![text("emek"), text("kent"), text("emek")])), 5),
        (filter("topic", Test::AllOf(vec![text("emek"), text("unknown")])), 0),
        (filter("topic", Test::NoneOf(vec![text("emek")])), 15),
        (filter("topic", Test::AnyOf(vec![])), 0),
        (filter("year", Test::Within(vec![(2010, 2012)])), 3),
        (filter("year", Test::Within(vec![(i64::MIN, 2005)])), 5),
        (filter("year", Test::Within(vec![(2012, 2010)])), 0),
        (filter("file", Test::Present), 6),
        (filter("file", Test::Absent), 24),
        (filter("unknown", Test::Absent), 30),
        (filter("unknown", Test::Present), 0),
        (filter("kind", Test::AnyOf(vec![text("event")])), 10),
        (filter("locale", Test::AllOf(vec![text("tr"), text("en")])), 6),
    ] {
        let filters = [test];
        let [test] = &filters;
        assert_eq!(total(&index, &filters), count, "{test:?}");
        let everything = index.search(&Query { filters: &filters, ..ask("") }).unwrap();
        assert_eq!(everything.total, count, "{test:?}, without words");
    }
    let odd = |id: Uuid| id.as_u128() % 2 == 1;
    assert_eq!(index.search(&Query { allowed: Some(&odd), ..ask("kadın") }).unwrap().total, 15);
}

#[test]
fn any_number_of_conditions_is_kept() {
    let values: Vec<Value> = (0..150).map(Value::Number).collect();
    let attributes: Vec<(&str, Value)> = values.iter().map(|value| ("number", value.clone())).collect();
    let (_folder, index) =
        index(&[with(entry(1, "Kadın", ""), &attributes), with(entry(2, "Kadın", ""), &attributes[..149])]);
    assert_eq!(total(&index, &[filter("number", Test::AllOf(values[..149].to_vec()))]), 2);
    assert_eq!(total(&index, &[filter("number", Test::AllOf(values))]), 1);
}

#[test]
fn a_facet_counts_entries_and_leaves_its_own_filter_aside() {
    let (_folder, index) = index(&thirty());
    let filters = [
        filter("kind", Test::AnyOf(vec![text("event")])),
        filter("topic", Test::AnyOf(vec![text("emek")])),
        filter("topic", Test::AnyOf(vec![text("kent")])),
    ];
    let query = Query { filters: &filters, facets: &["topic", "kind", "file", "unknown"], ..ask("kadın") };
    let found = index.search(&query).unwrap();
    assert_eq!(found.total, 5);
    let expected = [
        // Of the ten events all are about the city.
        ("topic", vec![(text("kent"), 10), (text("barış"), 5), (text("emek"), 5)]),
        // Of what is about labour and the city all are events.
        ("kind", vec![(text("event"), 5)]),
        ("file", vec![(text("pdf"), 1)]),
        ("unknown", vec![]),
    ];
    let facets = found.facets.into_iter().map(|(name, counted)| {
        let counted = counted.into_iter().inspect(|counted| assert_eq!(counted.total, counted.count));
        (name, counted.map(|counted| (counted.value, counted.count)).collect::<Vec<_>>())
    });
    assert!(facets.eq(expected.map(|(name, counts)| (name.to_owned(), counts))));
}

#[test]
fn pages_hold_everything_once_and_in_order() {
    let (_folder, index) = index(&thirty());
    for words in ["kadın söz", ""] {
        let all = index.search(&Query { limit: 100, listing: true, ..ask(words) }).unwrap();
        assert_eq!((all.hits.len(), all.next), (30, None));
        assert_eq!(all.entries.iter().map(Uuid::as_u128).collect::<Vec<_>>(), numbers(&all));
        for limit in [1, 7, 29, 30] {
            let (mut paged, mut after) = (Vec::new(), None);
            loop {
                let page = index.search(&Query { limit, after, ..ask(words) }).unwrap();
                assert_eq!(page.total, 30, "the total is of all pages");
                paged.extend(numbers(&page));
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            assert_eq!(paged, numbers(&all), "{words:?} by {limit}");
        }
    }
    assert_eq!(index.search(&Query { limit: 0, ..ask("kadın") }).unwrap().total, 30);
}
