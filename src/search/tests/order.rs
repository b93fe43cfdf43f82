//! The order depends on the entries alone.

use super::*;

fn hundred() -> Vec<Entry> {
    let words =
        ["kadın", "emek", "barış", "kent", "şiddet", "sığınmaevi", "bütçe", "iklim", "göç", "eşitlik"];
    (1..=100_u128)
        .map(|number| {
            let some =
                |step: usize| (0..step).map(move |turn| words[(number as usize * step + turn * turn) % 10]);
            let title: Vec<&str> = some(2 + number as usize % 3).collect();
            let summary: Vec<&str> = some(3 + number as usize % 11).collect();
            Entry { published: (number % 4) as i64, ..entry(number, &title.join(" "), &summary.join(" ")) }
        })
        .collect()
}

#[test]
fn the_way_entries_were_written_changes_nothing() {
    let entries = hundred();
    let (_one, at_once) = index(&entries);
    let (_two, in_pieces) = index(&[]);
    for (number, piece) in entries.chunks(3).rev().enumerate() {
        // Each is written in another form first, with entries that will be gone.
        let former: Vec<Entry> = piece.iter().map(|one| entry(one.id.as_u128(), "eski", "kadın")).collect();
        let gone: Vec<Entry> = (200..230).map(|number| entry(number, "kadın emek kadim", "emekli")).collect();
        let position = position(i64::try_from(number).unwrap());
        in_pieces.apply(&[former, gone].concat(), &[], &position).unwrap();
        in_pieces.apply(piece, &[], &position).unwrap();
    }
    let gone: Vec<Uuid> = (200..230).map(id).collect();
    in_pieces.apply(&[], &gone, &position(99)).unwrap();
    let (_three, rebuilt) = index(&[]);
    let mut rebuild = rebuilt.rebuild().unwrap();
    for piece in entries.chunks(7) {
        rebuild.put(piece).unwrap();
    }
    rebuild.finish(&position(5)).unwrap();
    for words in ["kadın emek", "barıs şidet", "sıgınmaevinde bütçe iklim", "eski", "emekl", "kadm", "e", ""]
    {
        let query = Query { limit: 100, ..ask(words) };
        let expected = at_once.search(&query).unwrap();
        assert_eq!(in_pieces.search(&query).unwrap(), expected, "{words}");
        assert_eq!(rebuilt.search(&query).unwrap(), expected, "{words}, rebuilt");
    }
    for number in [1, 50, 77] {
        let likeness = crate::search::Likeness {
            entry: id(number),
            locale: None,
            reader: Visibility::Public,
            audience: Visibility::Public,
            kinds: &[],
            limit: 20,
        };
        let expected = at_once.related(&likeness).unwrap();
        assert_eq!(in_pieces.related(&likeness).unwrap(), expected);
        assert_eq!(rebuilt.related(&likeness).unwrap(), expected);
    }
}

#[test]
fn among_equals_the_newest_comes_first_and_then_the_id() {
    let mut entries: Vec<Entry> = (1..=6).map(|number| entry(number, "Kadın", "emek")).collect();
    for (entry, published) in entries.iter_mut().zip([5, 9, 5, 9, -1, 5]) {
        entry.published = published;
    }
    let (_folder, index) = index(&entries);
    assert_eq!(found(&index, "kadın"), [2, 4, 1, 3, 6, 5]);
    assert_eq!(found(&index, ""), [2, 4, 1, 3, 6, 5]);
}
