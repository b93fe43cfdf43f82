//! The index as a whole.

mod damage;
mod demo;
mod filtering;
mod hidden;
mod order;
mod related;

use tempfile::TempDir;
use uuid::Uuid;

use super::{Completion, Entry, Filter, Found, Index, Position, Query, Row, Synonyms, Test, Value, Weight};
use crate::entity::vocabulary::{Kind, Visibility};

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

fn position(change: i64) -> Position {
    Position { database: "test".to_owned(), change }
}

/// A Turkish row with a title, which also completes.
fn row(title: &str, summary: &str) -> Row {
    Row {
        locale: "tr".to_owned(),
        texts: vec![(Weight::Title, title.to_owned()), (Weight::Summary, summary.to_owned())],
        completions: vec![Completion { text: title.to_owned(), order: title.as_bytes().to_vec() }],
    }
}

/// A public publication with one row; the higher its number, the newer.
fn entry(number: u128, title: &str, summary: &str) -> Entry {
    Entry {
        id: id(number),
        kind: Kind::Publication,
        audience: Visibility::Public,
        published: i64::try_from(number).unwrap(),
        attributes: Vec::new(),
        rows: vec![row(title, summary)],
    }
}

fn with(mut entry: Entry, attributes: &[(&str, Value)]) -> Entry {
    let attributes = attributes.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
    entry.attributes.extend(attributes);
    entry
}

fn seen_by(mut entry: Entry, audience: Visibility) -> Entry {
    entry.audience = audience;
    entry
}

fn filter(attribute: &str, test: Test) -> Filter {
    Filter { attribute: attribute.to_owned(), test }
}

/// An index in a folder of its own that holds `entries`.
fn index(entries: &[Entry]) -> (TempDir, Index) {
    let folder = tempfile::tempdir().unwrap();
    let index = Index::open(&folder.path().join("search"), "test").unwrap();
    index.apply(entries, &[], &position(1)).unwrap();
    (folder, index)
}

fn ask(text: &str) -> Query<'_> {
    Query::new(text, Visibility::Public, Synonyms::starting())
}

/// The numbers of the entries found.
fn numbers(found: &Found) -> Vec<u128> {
    found.hits.iter().map(|hit| hit.entry.as_u128()).collect()
}

fn found(index: &Index, text: &str) -> Vec<u128> {
    numbers(&index.search(&ask(text)).unwrap())
}

#[test]
fn what_is_written_is_found_and_what_is_replaced_or_removed_is_not() {
    let (_folder, index) = index(&[entry(1, "Sığınmaevi", "kadın"), entry(2, "Kreş", "çocuk")]);
    assert_eq!(found(&index, "SIĞINMAEVLERİ"), [1]);
    index.apply(&[entry(1, "Bütçe", "kadın")], &[id(2)], &position(2)).unwrap();
    assert_eq!(found(&index, "sığınmaevi kreş"), [] as [u128; 0]);
    assert_eq!(found(&index, "butce"), [1]);
    assert_eq!(index.position(), Some(position(2)));
    let stats = index.stats();
    assert_eq!((stats.entries, stats.rows), (1, 1));
    assert!(stats.bytes > 0);
    let without_rows = Entry { rows: Vec::new(), ..entry(1, "", "") };
    index.apply(&[without_rows], &[], &position(3)).unwrap();
    assert_eq!(found(&index, ""), [] as [u128; 0]);
    index.apply(&[entry(3, "İlk", ""), entry(3, "Son", "")], &[], &position(4)).unwrap();
    assert_eq!((found(&index, ""), found(&index, "ilk")), (vec![3], vec![]), "the last word counts");
}

#[test]
fn any_query_at_all_is_answered() {
    let (_folder, index) = index(&[entry(1, "Kadın hakları", "ve"), entry(2, "5.2 göstergesi", "C190")]);
    let long = "kadın ".repeat(2_000) + &"uzun".repeat(2_000);
    for text in [
        "ve",
        "the of",
        "***",
        "?",
        "\"",
        "kad*",
        "\0\u{1}",
        "\u{202e}kadın",
        "🏳️‍🌈",
        "AND OR NOT (",
        "' OR 1=1",
        "نساء",
        "-kadın",
        "a:b",
        "\\",
        "𝓀𝒶𝒹ı𝓃",
        &long,
    ] {
        index.search(&ask(text)).unwrap();
        index
            .suggest(&super::Beginning {
                text,
                audience: Visibility::Public,
                kinds: &[],
                locales: &[],
                limit: 5,
            })
            .unwrap();
    }
    assert_eq!(found(&index, "***"), [] as [u128; 0], "no word, nothing found");
    assert_eq!(found(&index, " \t"), [2, 1], "blank is everything, the newest first");
    assert_eq!(found(&index, "𝓀𝒶𝒹ı𝓃"), [1]);
    assert_eq!(found(&index, "5.2"), [2]);
    assert_eq!(found(&index, "190"), [] as [u128; 0], "numbers are not corrected");
}

#[test]
fn the_best_row_of_an_entry_counts() {
    let mut both = entry(1, "Barış atölyesi", "söyleşi");
    both.rows.push(Row { locale: "en".to_owned(), ..row("Peace workshop", "talk") });
    let (_folder, index) = index(&[both, entry(2, "Başka", "peace üzerine uzun bir metin")]);
    let answer = index.search(&ask("peace workshop")).unwrap();
    assert_eq!((numbers(&answer), answer.total), (vec![1, 2], 2));
    assert_eq!(answer.hits[0].locale, "en");
    let turkish = ["tr".to_owned()];
    let answer = index.search(&Query { locales: &turkish, ..ask("peace workshop") }).unwrap();
    assert_eq!(numbers(&answer), [2], "only Turkish rows are searched");
}

#[test]
fn typing_errors_are_pointed_out_as_titles_spell_the_word() {
    let (_folder, index) = index(&[entry(1, "Toplumsal Cinsiyet ve SIĞINMAEVİ", "x"), entry(2, "Kreş", "y")]);
    let suggestion = |text: &str| index.search(&ask(text)).unwrap().suggestion;
    assert_eq!(suggestion("toplmsal kreş").as_deref(), Some("toplumsal kreş"));
    assert_eq!(suggestion("«sıgınmevi»!").as_deref(), Some("«sığınmaevi»!"));
    assert_eq!(suggestion("toplumsal"), None);
    assert_eq!(suggestion("qzxwvbnmk plrtgh"), None);
}

#[test]
fn a_beginning_is_completed_in_turkish_order_and_whole_titles_first() {
    let words: Vec<&str> = include_str!("../../../tests/data/search/collation.dev.txt").lines().collect();
    let order = |place: usize| u16::try_from(place).unwrap().to_be_bytes().to_vec();
    let mut entries = Vec::new();
    // In reverse, so that no accident puts them right.
    for (place, word) in words.iter().enumerate().rev() {
        let mut entry = entry(place as u128 + 1, word, "");
        entry.rows[0].completions[0].order = order(place);
        entries.push(entry);
    }
    let mut inside = entry(900, "Büyük İstanbul’un göçü", "");
    inside.rows[0].completions[0].order = order(0);
    entries.push(inside);
    let (_folder, index) = index(&entries);
    let suggest = |text: &str, limit: usize| -> Vec<String> {
        let beginning =
            super::Beginning { text, audience: Visibility::Public, kinds: &[], locales: &[], limit };
        index.suggest(&beginning).unwrap().into_iter().map(|suggestion| suggestion.text).collect()
    };
    assert_eq!(
        suggest("I", 20)[..9],
        ["Iğdır", "ıhlamur", "Ihlara", "ılık", "Isparta", "ışık", "İhsan", "ilik", "İstanbul"]
    );
    assert_eq!(suggest("ist", 20), ["İstanbul", "Büyük İstanbul’un göçü"]);
    assert_eq!(suggest("GÖÇ", 2), ["göç", "Büyük İstanbul’un göçü"]);
    assert_eq!(suggest("büyük istanbul'un gö", 5), ["Büyük İstanbul’un göçü"]);
    assert_eq!(suggest("kar ", 5), ["kar", "kâr"], "a space ends the word");
    assert_eq!(suggest("tanbul", 5), [] as [&str; 0]);
    assert_eq!(suggest("…", 5), [] as [&str; 0]);
    assert_eq!(suggest("a", 0), [] as [&str; 0]);
}
