//! Whole collections in and out: nothing is lost, and nothing half done.

use std::path::Path;

use sea_orm::EntityTrait;
use serde_json::{Value, json};
use sogep::{
    entity::entry,
    interchange::{
        Collection,
        export::{Format, export},
        import::{Input, Job, LineError, Report, import},
    },
};

use crate::{
    app::{As, TestApp},
    editing::{edit, trash},
    privacy::samples,
};

async fn run(service: &TestApp, inputs: Vec<(Collection, Input)>, dry_run: bool, keep_going: bool) -> Report {
    import(&service.app, &Job { inputs, dry_run, keep_going }, &|_| {}).await.unwrap()
}

/// The lines of a collection, as an input.
fn lines(collection: Collection, lines: &[Value]) -> (Collection, Input) {
    let text = lines.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n") + "\n";
    (collection, Input::Embedded(text.leak()))
}

/// Imports topics; nothing may be bad.
async fn import_topics(service: &TestApp, topics: &[Value]) -> Report {
    let report = run(service, vec![lines(Collection::Topics, topics)], false, false).await;
    assert!(report.imported, "{:?}", report.errors);
    report
}

/// A line for a public topic.
fn line(slug: &str) -> Value {
    json!({ "slug": slug, "state": "published", "translations": { "tr": { "label": slug } } })
}

fn counts(report: &Report) -> [usize; 4] {
    [report.created, report.updated, report.unchanged, report.failed]
}

fn places(errors: &[LineError]) -> Vec<(usize, &str)> {
    errors.iter().map(|error| (error.line, error.pointer.as_deref().unwrap_or_default())).collect()
}

async fn exported(service: &TestApp, name: &str) -> Vec<(Collection, Input)> {
    let directory = service.directory().join(name);
    export(&service.app, &directory, &Collection::ALL, Format::Ndjson, &|_| {}).await.unwrap();
    let file =
        |collection: Collection| (collection, Input::File(directory.join(format!("{collection}.ndjson"))));
    Collection::ALL.into_iter().map(file).collect()
}

/// The lines of a file, whatever their order.
fn sorted(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

#[tokio::test]
async fn what_is_exported_and_imported_elsewhere_is_exported_the_same() {
    let service = TestApp::with_demo().await;
    let contact = json!({ "contact": { "email": "iletisim@sogep.example" } });
    assert_eq!(edit(&service, "/v1/organisation", contact).await.status, 200);
    edit(&service, "/v1/topics/siddet", json!({ "slug": "kadina-yonelik-siddet" })).await;
    let first = exported(&service, "export").await;
    let other = TestApp::start().await;
    let report = run(&other, first.clone(), false, false).await;
    assert!(report.imported, "{:?}", report.errors.first());
    assert_eq!(counts(&report), [samples().len(), 1, 0, 0]);
    let second = exported(&other, "export").await;
    for ((collection, first), (_, second)) in first.into_iter().zip(second) {
        let (Input::File(first), Input::File(second)) = (first, second) else { unreachable!() };
        let (first, second) = (sorted(&first), sorted(&second));
        assert!(!first.is_empty());
        assert_eq!(first, second, "{collection}");
    }
    let moved = other.get("/v1/topics/siddet", As::Publishable).await;
    assert_eq!(moved.header("location"), "/v1/topics/kadina-yonelik-siddet");
}

#[tokio::test]
async fn a_second_import_of_the_same_changes_nothing() {
    let service = TestApp::with_demo().await;
    let inputs = exported(&service, "export").await;
    let before = service.rows().await;
    let report = run(&service, inputs, false, false).await;
    assert_eq!(counts(&report), [0, 0, samples().len() + 1, 0]);
    assert!(service.rows().await == before);
}

#[tokio::test]
async fn the_trash_is_not_exported_nor_what_led_into_it() {
    let service = TestApp::start().await;
    let mut narrower = line("dar");
    narrower["broader"] = "genis".into();
    import_topics(&service, &[narrower, line("genis")]).await;
    trash(&service, "/v1/topics/genis").await;
    let inputs = exported(&service, "export").await;
    let (_, Input::File(path)) = &inputs[1] else { unreachable!() };
    let topics = sorted(path);
    assert_eq!(topics.len(), 1);
    let kept: Value = serde_json::from_str(&topics[0]).unwrap();
    assert_eq!((&kept["slug"], &kept["broader"]), (&json!("dar"), &Value::Null));
    let directory = service.directory().join("export");
    let again = export(&service.app, &directory, &Collection::ALL, Format::Ndjson, &|_| {}).await;
    assert!(again.is_err(), "it does not write over a file");
}

#[tokio::test]
async fn a_dry_run_tells_all_and_keeps_nothing() {
    let service = TestApp::start().await;
    import_topics(&service, &[line("a")]).await;
    let before = service.rows().await;
    let mut changed = line("a");
    changed["notation"] = "1".into();
    let topics = lines(Collection::Topics, &[changed, line("b")]);
    let report = run(&service, vec![topics], true, false).await;
    assert_eq!((counts(&report), report.imported), ([1, 1, 0, 0], false));
    assert_eq!(service.rows().await, before);
}

/// Five lines, the third of which is bad, and the fourth of which refers to it.
fn with_one_bad() -> Vec<Value> {
    let mut topics = ["a", "b", "c", "d", "e"].map(line).to_vec();
    topics[2]["position"] = "third".into();
    topics[2]["translations"]["tr"]["nonsense"] = 1.into();
    topics[3]["broader"] = "c".into();
    topics[4]["related"] = json!(["a"]);
    topics
}

#[tokio::test]
async fn one_bad_line_keeps_everything_out_and_is_named() {
    let service = TestApp::start().await;
    let before = service.rows().await;
    let report = run(&service, vec![lines(Collection::Topics, &with_one_bad())], false, false).await;
    assert!(!report.imported);
    assert_eq!(report.failed, 1);
    assert_eq!(places(&report.errors), [(3, "/translations/tr/nonsense"), (3, "/position")]);
    assert_eq!(report.errors[0].collection, "topics");
    assert_eq!(report.errors[0].code, "unknown_field");
    assert_eq!(service.rows().await, before);
}

#[tokio::test]
async fn bad_lines_can_be_left_out_with_all_that_leans_on_them() {
    let service = TestApp::start().await;
    let mut publication = json!({ "slug": "rapor", "translations": { "tr": { "title": "Rapor" } } });
    publication["topics"] = json!(["a", "d"]);
    let inputs =
        vec![lines(Collection::Publications, &[publication]), lines(Collection::Topics, &with_one_bad())];
    let report = run(&service, inputs, false, true).await;
    assert!(report.imported);
    assert_eq!(counts(&report), [3, 0, 0, 3]);
    let mut bad: Vec<_> = report.errors.iter().map(|error| (error.collection.as_str(), error.line)).collect();
    bad.dedup();
    assert_eq!(bad, [("topics", 3), ("topics", 4), ("publications", 1)]);
    assert_eq!(service.get("/v1/topics", As::Editor).await.slugs(), ["a", "b", "e"]);
    let rows = entry::Entity::find().all(service.app.db.reader()).await.unwrap();
    assert!(rows.iter().all(|row| row.version > 0), "no place stays reserved");
    assert_eq!(rows.len(), 4);
}

#[tokio::test]
async fn a_line_may_refer_to_one_that_comes_much_later() {
    let service = TestApp::start().await;
    let mut topics: Vec<Value> = (0..450).map(|number| line(&format!("konu-{number}"))).collect();
    for topic in &mut topics[..449] {
        topic["broader"] = "konu-449".into();
    }
    let partner = json!({ "slug": "dernek", "state": "published", "topics": ["konu-3"], "translations": { "tr": { "name": "D" } } });
    let inputs = vec![lines(Collection::Partners, &[partner]), lines(Collection::Topics, &topics)];
    let report = run(&service, inputs, false, false).await;
    assert_eq!((counts(&report), report.imported), ([451, 0, 0, 0], true), "{:?}", report.errors);
    let first = service.get("/v1/topics/konu-0", As::Publishable).await;
    assert_eq!(first.body["broader"]["slug"], "konu-449");
    assert_eq!(service.get("/v1/partners/dernek", As::Publishable).await.body["topics"][0]["slug"], "konu-3");
}

#[tokio::test]
async fn an_entry_is_known_by_its_source_when_its_slug_has_changed() {
    let service = TestApp::start().await;
    let source = json!({ "name": "arsiv", "id": "42" });
    let (mut old, mut new) = (line("eski"), line("yeni"));
    (old["source"], new["source"]) = (source.clone(), source);
    import_topics(&service, &[old]).await;
    let before = service.get("/v1/topics/eski", As::Publishable).await;
    assert_eq!(counts(&import_topics(&service, &[new.clone()]).await), [0, 1, 0, 0]);
    let after = service.get("/v1/topics/yeni", As::Publishable).await;
    assert_eq!(after.body["id"], before.body["id"]);
    let moved = service.get("/v1/topics/eski", As::Publishable).await;
    assert_eq!((moved.status.as_u16(), moved.header("location")), (308, "/v1/topics/yeni"));
    assert_eq!(counts(&import_topics(&service, &[new]).await), [0, 0, 1, 0]);
}

#[tokio::test]
async fn a_line_says_what_the_entry_was_called() {
    let service = TestApp::start().await;
    let mut topic = line("yeni");
    topic["former_slugs"] = json!(["eski", "daha-eski"]);
    topic["published_at"] = "2015-02-15T12:15:00Z".into();
    import_topics(&service, &[topic]).await;
    for old in ["eski", "daha-eski"] {
        let moved = service.get(&format!("/v1/topics/{old}"), As::Publishable).await;
        assert_eq!((moved.status.as_u16(), moved.header("location")), (308, "/v1/topics/yeni"));
    }
    let shown = service.get("/v1/topics/yeni", As::Publishable).await;
    assert_eq!(shown.body["published_at"], "2015-02-15T12:15:00Z");
}

#[tokio::test]
async fn no_two_lines_can_be_the_same_entry() {
    let service = TestApp::start().await;
    let before = service.rows().await;
    let with = |slug: &str, name: &str, value: Value| {
        let mut line = line(slug);
        line[name] = value;
        line
    };
    let source = json!({ "name": "arsiv", "id": "42" });
    let identifiers = json!([{ "scheme": "wikidata", "value": "Q42" }]);
    for (first, second, place) in [
        (line("a"), line("a"), "/slug"),
        (with("a", "source", source.clone()), with("b", "source", source), "/source/id"),
        (
            with("a", "identifiers", identifiers.clone()),
            with("b", "identifiers", identifiers),
            "/identifiers/0",
        ),
    ] {
        // Far apart, so that they are not read together.
        let mut topics = vec![first];
        topics.extend((0..250).map(|number| line(&format!("konu-{number}"))));
        topics.push(second);
        let report = run(&service, vec![lines(Collection::Topics, &topics)], false, false).await;
        assert!(!report.imported, "{place}");
        assert_eq!(places(&report.errors), [(252, place)]);
        assert_eq!(service.rows().await, before);
        topics.drain(1..=250);
        let report = run(&service, vec![lines(Collection::Topics, &topics)], false, false).await;
        assert_eq!(places(&report.errors), [(2, place)]);
    }
}

#[tokio::test]
async fn no_line_can_take_what_another_entry_was_called() {
    let service = TestApp::start().await;
    let was = |slug: &str, former: &str| {
        let mut line = line(slug);
        line["former_slugs"] = json!([former]);
        line
    };
    import_topics(&service, &[was("bir", "eski")]).await;
    let before = service.rows().await;
    for topics in [
        vec![line("eski")],
        vec![was("iki", "eski")],
        vec![was("iki", "bir")],
        vec![was("a", "b"), line("b")],
        vec![line("a"), was("b", "a")],
        vec![was("a", "c"), was("b", "c")],
    ] {
        let report = run(&service, vec![lines(Collection::Topics, &topics)], false, false).await;
        assert!(!report.imported, "{topics:?}");
        let places = places(&report.errors);
        assert!(matches!(places[..], [(_, "/slug" | "/former_slugs/0")]), "{topics:?}: {places:?}");
        assert_eq!(service.rows().await, before);
    }
}

#[tokio::test]
async fn a_line_that_makes_a_circle_is_bad() {
    let service = TestApp::start().await;
    let (mut a, mut b) = (line("a"), line("b"));
    (a["broader"], b["broader"]) = ("b".into(), "a".into());
    let report = run(&service, vec![lines(Collection::Topics, &[line("c"), a, b])], false, true).await;
    assert!(report.errors.iter().all(|error| error.code == "circle" || error.code == "unknown_reference"));
    assert_eq!(counts(&report), [1, 0, 0, 2]);
    assert_eq!(service.get("/v1/topics", As::Editor).await.slugs(), ["c"]);
}

#[tokio::test]
async fn lines_that_cannot_be_read_are_counted_from_one() {
    let service = TestApp::start().await;
    let path = service.directory().join("topics.ndjson");
    let long = json!({ "slug": "uzun", "translations": {}, "x": "a".repeat(1024 * 1024) });
    let good = line("iyi");
    let text = format!(
        "\u{FEFF}{}\n\n  \r\n{{\n{}\n{long}\n{}\r\n{{\"slug\":\"c\",\"slug\":\"d\",\"translations\":{{}}}}\n{}\n[]\n{good}",
        line("a"),
        line("b"),
        json!({ "translations": {} }),
        json!({ "slug": "e", "state": "in_review", "translations": { "tr": {} } }),
    );
    std::fs::write(&path, text).unwrap();
    let inputs = || vec![(Collection::Topics, Input::File(path.clone()))];
    let report = run(&service, inputs(), false, false).await;
    let expected = [(4, ""), (6, ""), (7, "/slug"), (8, ""), (9, "/state"), (10, "")];
    assert_eq!(places(&report.errors), expected);
    assert!(!report.imported);
    let report = run(&service, inputs(), false, true).await;
    assert_eq!(counts(&report), [3, 0, 0, 6]);
    assert_eq!(service.get("/v1/topics", As::Publishable).await.slugs(), ["a", "b", "iyi"]);
    let absent = Job {
        inputs: vec![(Collection::Topics, Input::File(path.with_extension("yok")))],
        dry_run: false,
        keep_going: true,
    };
    assert!(import(&service.app, &absent, &|_| {}).await.is_err());
}

#[tokio::test]
async fn what_is_to_be_public_must_have_what_it_needs() {
    let service = TestApp::start().await;
    let incomplete =
        |state: &str| json!({ "slug": state, "state": state, "translations": { "tr": { "title": "A" } } });
    let publications = [incomplete("draft"), incomplete("published"), incomplete("archived")];
    let report = run(&service, vec![lines(Collection::Publications, &publications)], false, false).await;
    let expected = [(2, "/type"), (2, "/issued"), (2, "/languages"), (2, "/translations/tr/summary")];
    assert_eq!(places(&report.errors), expected);
}

#[tokio::test]
async fn an_import_brings_back_what_was_in_the_trash() {
    let service = TestApp::start().await;
    import_topics(&service, &[line("a")]).await;
    let before = service.get("/v1/topics/a", As::Publishable).await;
    trash(&service, "/v1/topics/a").await;
    assert_eq!(counts(&import_topics(&service, &[line("a")]).await), [0, 1, 0, 0]);
    let after = service.get("/v1/topics/a", As::Publishable).await;
    assert_eq!((after.status.as_u16(), &after.body["id"]), (200, &before.body["id"]));
}

#[tokio::test]
async fn an_import_leaves_its_versions_and_its_lines_in_the_log() {
    let service = TestApp::start().await;
    import_topics(&service, &[line("a"), line("b")]).await;
    let mut changed = line("a");
    changed["notation"] = "1".into();
    import_topics(&service, &[changed, line("b")]).await;
    let rows = service.rows().await;
    let of = |table: &str| rows.iter().filter(|row| row.starts_with(&format!("{table} "))).count();
    // The profile has one of each.
    assert_eq!((of("revision"), of("change")), (1 + 3, 1 + 3));
}
