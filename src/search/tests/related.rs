//! What stands in front among related entries, and why.

use super::*;
use crate::{
    entity::vocabulary::RelatedReason as Reason,
    search::{Likeness, Related},
};

fn related(index: &Index, number: u128) -> Vec<Related> {
    let likeness = Likeness {
        entry: id(number),
        locale: None,
        reader: Visibility::Public,
        audience: Visibility::Public,
        kinds: &[],
        limit: 10,
    };
    index.related(&likeness).unwrap()
}

#[test]
fn connections_stand_in_front_and_say_so() {
    let to = |number| Value::Entry(id(number));
    let of = |kind, number, title| Entry { kind, ..entry(number, title, "") };
    let (_folder, index) = index(&[
        with(
            entry(1, "Kadın emeği ve ücret", "eşit ücret kampanyası"),
            &[
                ("link", to(2)),
                ("project", to(10)),
                ("person", to(20)),
                ("partner", to(30)),
                ("topic", text("emek")),
            ],
        ),
        entry(2, "Bambaşka", "hiç"),
        with(entry(3, "Üçüncü", "yazı"), &[("project", to(10))]),
        with(entry(4, "Dördüncü", "metin"), &[("partner", to(30))]),
        with(entry(5, "Beşinci", "belge"), &[("topic", text("emek"))]),
        entry(6, "Kadın emeği ve ücret üzerine", "eşit ücret kampanyası"),
        with(entry(7, "Yedinci", "sonra"), &[("link", to(1))]),
        entry(8, "İlgisiz", "konu"),
        with(entry(9, "Dokuzuncu", "kişi"), &[("person", to(20))]),
        of(Kind::Project, 10, "Proje"),
        of(Kind::Person, 20, "Kişi Adı"),
        of(Kind::Partner, 30, "Paydaş"),
    ]);
    let found: Vec<(u128, Reason)> =
        related(&index, 1).into_iter().map(|found| (found.entry.as_u128(), found.reasons[0])).collect();
    let expected = [
        (7, Reason::Link),
        (2, Reason::Link),
        (10, Reason::Project),
        (3, Reason::Project),
        (20, Reason::Person),
        (9, Reason::Person),
        (30, Reason::Partner),
        (4, Reason::Partner),
        (6, Reason::Text),
        (5, Reason::Topic),
    ];
    assert_eq!(found, expected);
    let back = related(&index, 7);
    assert_eq!((back[0].entry, back[0].reasons.as_slice()), (id(1), &[Reason::Link][..]));
    assert_eq!(related(&index, 999), []);
    assert_eq!(related(&index, 8), []);
}

#[test]
fn one_language_is_compared_with_itself() {
    let mut both = entry(1, "Barış atölyesi", "kadınlar barış için");
    both.rows.push(Row { locale: "en".to_owned(), ..row("Peace workshop", "women for peace") });
    let mut english = entry(2, "Peace workshop two", "women for peace");
    english.rows[0].locale = "en".to_owned();
    let (_folder, index) = index(&[
        both,
        english,
        entry(3, "Barış atölyesi iki", "kadınlar barış için"),
        entry(4, "Bambaşka", "metin"),
        entry(5, "Daha başka", "yazı"),
    ]);
    let likeness = Likeness {
        entry: id(1),
        locale: Some("en"),
        reader: Visibility::Public,
        audience: Visibility::Public,
        kinds: &[],
        limit: 5,
    };
    let found = |likeness: &Likeness<'_>| -> Vec<u128> {
        index.related(likeness).unwrap().into_iter().map(|found| found.entry.as_u128()).collect()
    };
    assert_eq!(found(&Likeness { locale: None, ..likeness }), [3]);
    assert_eq!(found(&Likeness { kinds: &[Kind::Event], locale: None, ..likeness }), [] as [u128; 0]);
}
