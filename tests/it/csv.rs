//! Collections as tables, out and back in: exactly, safely, and as people write them.

use std::path::PathBuf;

use axum::http::Method;
use encoding_rs::WINDOWS_1254;
use serde_json::{Value, json};
use sogep::{
    entity::vocabulary::AuditAction,
    interchange::{
        Collection,
        csv::{Delimiter, Layout, Names},
        export::{Format, export},
        import::{Input, Job, Report, import},
    },
};

use crate::{
    app::{self, As, TestApp},
    editing::edit,
    privacy::samples,
};

const COMMA: Format = Format::Csv { delimiter: Delimiter::Comma, names: Names::En };
const TURKISH: Format = Format::Csv { delimiter: Delimiter::Semicolon, names: Names::Tr };

async fn exported(service: &TestApp, name: &str, format: Format) -> Vec<(Collection, PathBuf)> {
    let directory = service.directory().join(name);
    export(&service.app, &directory, &Collection::ALL, format, &|_| {}).await.unwrap();
    let file =
        |collection: Collection| (collection, directory.join(format!("{collection}.{}", format.extension())));
    Collection::ALL.into_iter().map(file).collect()
}

async fn imported(service: &TestApp, files: Vec<(Collection, PathBuf)>) -> Report {
    let inputs = files.into_iter().map(|(collection, path)| (collection, Input::File(path))).collect();
    import(&service.app, &Job { inputs, dry_run: false, keep_going: false }, &|_| {}).await.unwrap()
}

fn counts(report: &Report) -> [usize; 4] {
    assert!(report.errors.is_empty(), "{:?}", report.errors.first());
    [report.created, report.updated, report.unchanged, report.failed]
}

/// Imports one table.
async fn table(service: &TestApp, collection: Collection, bytes: impl AsRef<[u8]>) -> Report {
    let path = service.directory().join(format!("{collection}.csv"));
    std::fs::write(&path, bytes).unwrap();
    imported(service, vec![(collection, path)]).await
}

/// The lines of all collections, whatever their order.
async fn lines(service: &TestApp, name: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for (_, path) in exported(service, name, Format::Ndjson).await {
        lines.extend(std::fs::read_to_string(path).unwrap().lines().map(str::to_owned));
    }
    lines.sort();
    lines
}

/// Texts that a table, a spreadsheet or a shell could take for something else.
const NASTY: [&str; 26] = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "=HYPERLINK(\"https://evil.example\";\"x\")",
    "'=1+1",
    "''=1",
    "'",
    "'tek",
    "a\"b",
    "\"",
    "a;b,c",
    "a|b",
    "a\\|b",
    "\\",
    "\\e",
    "\\\\e",
    "\\0",
    "<person:x>",
    "007",
    "1,5",
    "TRUE",
    "null",
    "ışğüöçİ",
    "a b",
    "editor: x",
];

/// Texts that may have several lines.
const LONG: [&str; 8] = ["", "\n", "\t=1+1", "a\nb\n\n=c", " a ", " ", "- bir\n- iki", "\n'=x"];

/// Publications and other entries that hold all of them.
async fn store_nasty(service: &TestApp) {
    for (number, text) in NASTY.iter().enumerate() {
        let long = LONG[number % LONG.len()];
        let mut body = app::publication(text);
        body["slug"] = format!("zor-{number}").into();
        body["series"] = (*text).into();
        body["translations"]["tr"]["summary"] = long.into();
        body["translations"]["tr"]["body"] = LONG[(number + 3) % LONG.len()].into();
        if number % 2 == 0 {
            body["translations"]["en"] = json!({ "subtitle": text });
        } else if number % 3 == 0 {
            body["translations"]["en"] = json!({});
        }
        body["authors"] = json!([{ "name": text }, { "name": "İkinci | <kişi>" }]);
        body["contributors"] = json!([{ "role": "translator", "name": text }]);
        body["source"] = json!({ "name": text, "id": number.to_string(), "altered": true });
        let made = service.post("/v1/publications", As::Editor, body).await;
        assert_eq!(made.status, 201, "{}", made.text);
    }
    let labels: Vec<&str> = NASTY.iter().chain(&LONG).copied().collect();
    let topic = json!({ "slug": "etiketler", "translations": { "tr": { "label": "E", "alternative_labels": labels }, "en": { "alternative_labels": [""] } } });
    let made = service.post("/v1/topics", As::Editor, topic).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let result =
        json!({ "indicator": { "tr": "=1+1", "en": "a,\"b\"\n" }, "measure": "unit", "baseline": "" });
    let mut project = app::project("Proje");
    project["results"] = json!([result]);
    project["countries"] =
        json!([{ "code": "TR", "percentage": 33.3 }, { "code": "DE", "percentage": null }]);
    assert_eq!(service.post("/v1/projects", As::Editor, project).await.status, 201);
    let mut event = app::event("Etkinlik");
    event["point"] = json!({ "latitude": -41.5, "longitude": 0 });
    event["recurrence"] = json!({ "rule": "FREQ=WEEKLY;COUNT=6", "exceptions": [] });
    assert_eq!(service.post("/v1/events", As::Editor, event).await.status, 201);
}

#[tokio::test]
async fn what_goes_out_comes_back_in_and_changes_nothing() {
    let service = TestApp::with_demo().await;
    let contact = json!({ "contact": { "email": "iletisim@sogep.example" } });
    assert_eq!(edit(&service, "/v1/organisation", contact).await.status, 200);
    edit(&service, "/v1/topics/siddet", json!({ "slug": "kadina-yonelik-siddet" })).await;
    store_nasty(&service).await;
    let before = service.rows().await;
    let all = samples().len() + 1 + NASTY.len() + 3;
    for (name, format) in [
        ("comma", COMMA),
        ("turkish", TURKISH),
        ("tab", Format::Csv { delimiter: Delimiter::Tab, names: Names::Tr }),
    ] {
        let files = exported(&service, name, format).await;
        assert_eq!(counts(&imported(&service, files).await), [0, 0, all, 0], "{name}");
        assert!(service.rows().await == before, "{name}");
    }
}

#[tokio::test]
async fn what_goes_out_makes_the_same_elsewhere() {
    let service = TestApp::with_demo().await;
    store_nasty(&service).await;
    let files = exported(&service, "tables", TURKISH).await;
    let other = TestApp::start().await;
    let report = imported(&other, files).await;
    assert_eq!(counts(&report), [samples().len() + NASTY.len() + 3, 0, 1, 0]);
    assert_eq!(lines(&other, "lines").await, lines(&service, "lines").await);
}

#[tokio::test]
async fn no_cell_is_a_formula_and_excel_knows_the_encoding() {
    let service = TestApp::start().await;
    store_nasty(&service).await;
    let files = exported(&service, "tables", COMMA).await;
    let bytes = std::fs::read(&files[6].1).unwrap();
    assert!(bytes.starts_with(b"\xEF\xBB\xBF"));
    let mut cells = 0;
    for row in csv_reader(&bytes[3..]) {
        for cell in row {
            assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']), "{cell:?}");
            cells += 1;
        }
    }
    assert!(cells > 500);
}

/// A reader of its own: rows of quoted cells.
fn csv_reader(bytes: &[u8]) -> impl Iterator<Item = Vec<String>> {
    let text = std::str::from_utf8(bytes).unwrap();
    let (mut rows, mut row, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                cell.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            '\r' if !quoted => {}
            '\n' if !quoted => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            other => cell.push(other),
        }
    }
    rows.into_iter()
}

#[tokio::test]
async fn people_write_tables_in_turkish() {
    let service = TestApp::start().await;
    let text = "kisa ad;BAŞLIK (TR);Özet;Başlık (İngilizce);Tür;YAYIN TARİHİ;Diller;Hedef kitle;Yazarlar;Yayın durumu;Tanımlayıcılar\r\n\
                izleme;İzleme raporu;Kısa ışıklı özet;Monitoring;araştırma raporu;2024-05;tr|en;Sivil toplum|media;Işıl Öztürk|Şule;Yayımlanmış;DOI:10.5555/izleme\r\n";
    let (latin5, _, lossy) = WINDOWS_1254.encode(text);
    assert!(!lossy);
    let utf16: Vec<u8> =
        [0xFF, 0xFE].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    assert_eq!(counts(&table(&service, Collection::Publications, &latin5).await), [1, 0, 0, 0]);
    let shown = service.get("/v1/publications/izleme?locale=all", As::Editor).await.body;
    assert_eq!(shown["translations"]["tr"]["summary"], "Kısa ışıklı özet");
    assert_eq!(shown["translations"]["en"]["title"], "Monitoring");
    assert_eq!((&shown["type"], &shown["state"]), (&json!("research_report"), &json!("published")));
    assert_eq!(shown["audience"], json!(["civil_society", "media"]));
    assert_eq!(
        (&shown["authors"][0]["name"], &shown["authors"][1]["name"]),
        (&json!("Işıl Öztürk"), &json!("Şule"))
    );
    assert_eq!(shown["identifiers"][0]["value"], "10.5555/izleme");
    for bytes in [text.as_bytes(), &utf16, format!("\u{FEFF}sep=;\r\n{text}").as_bytes()] {
        assert_eq!(counts(&table(&service, Collection::Publications, bytes).await), [0, 0, 1, 0]);
    }
}

#[tokio::test]
async fn every_column_has_a_turkish_name_of_its_own() {
    let service = TestApp::start().await;
    macro_rules! check {
        ($($kind:ty),*) => {$({
            let layout = Layout::of::<$kind>(&service.app, &service.app.config.locales).unwrap();
            let (english, turkish) = (layout.names(Names::En), layout.names(Names::Tr));
            for (english, turkish) in english.iter().zip(&turkish) {
                assert!(english != turkish, "{english} has no Turkish name");
            }
            for names in [&english, &turkish] {
                let found = layout.find(names.iter().map(String::as_str)).unwrap();
                let expected: Vec<Option<usize>> = (0..names.len()).map(Some).collect();
                assert_eq!(found, expected, "{names:?}");
            }
        })*};
    }
    check!(
        sogep::publications::Publication,
        sogep::projects::Project,
        sogep::events::Event,
        sogep::practices::Practice,
        sogep::people::Person,
        sogep::partners::Partner,
        sogep::topics::Topic
    );
}

#[tokio::test]
async fn what_has_no_column_stays_and_an_empty_cell_clears() {
    let service = TestApp::with_demo().await;
    let path = "/v1/people/isil-ozturk?locale=all";
    let before = service.get(path, As::Editor).await.body;
    assert!(!before["consent"].is_null() && !before["translations"]["tr"].is_null());
    let report = table(
        &service,
        Collection::People,
        "slug,website,name_given,consent_withdrawn_at\nisil-ozturk,,Işıl Su,\n",
    )
    .await;
    assert_eq!(counts(&report), [0, 1, 0, 0]);
    let after = service.get(path, As::Editor).await.body;
    assert_eq!((&after["name"]["given"], &after["website"]), (&json!("Işıl Su"), &Value::Null));
    for same in ["consent", "translations", "roles", "state"] {
        assert_eq!(after[same], before[same], "{same}");
    }
    assert_eq!(after["name"]["display"], before["name"]["display"]);
    let cleared = "slug,consent_given_by,consent_text_version,consent_scope,consent_given_at,consent_withdrawn_at\nisil-ozturk,,,,,\n";
    assert_eq!(counts(&table(&service, Collection::People, cleared).await), [0, 1, 0, 0]);
    assert!(service.get(path, As::Editor).await.body["consent"].is_null());
}

#[tokio::test]
async fn mistakes_are_named_by_line_and_column() {
    let service = TestApp::start().await;
    let before = service.rows().await;
    let text = "slug,Başlık (tr),type,issued,gender\n";
    let path = service.directory().join("publications.csv");
    std::fs::write(&path, text).unwrap();
    let inputs = vec![(Collection::Publications, Input::File(path))];
    let refused = import(&service.app, &Job { inputs, dry_run: false, keep_going: true }, &|_| {}).await;
    assert!(format!("{:?}", refused.unwrap_err()).contains("the column `gender` is not known"));
    let text = "slug,Başlık (tr),type,issued,Yazarlar\n\
                iyi,\"İki\nsatır\",news,2024,A\n\
                kotu,K,haberr,2024,A\n\
                tarih,T,news,dün,<kimse:x>\n\
                cok,C,news,2024,A,B\n\
                ,Adsız,news,2024,\n";
    let report = table(&service, Collection::Publications, text).await;
    assert!(!report.imported);
    let mut places: Vec<_> = report
        .errors
        .iter()
        .map(|error| (error.line, error.column.as_deref().unwrap_or_default(), error.code.as_str()))
        .collect();
    places.sort_unstable();
    let expected = [
        (2, "Başlık (tr)", "pattern"),
        (4, "type", "not_in_list"),
        (5, "Yazarlar", "format"),
        (6, "", "too_many"),
        (7, "slug", "required"),
    ];
    assert_eq!(places, expected);
    let endless = format!("slug,label_tr\na,A\nb,\"{}", "x".repeat(3 * 1024 * 1024));
    let path = service.directory().join("topics.csv");
    std::fs::write(&path, endless).unwrap();
    let inputs = vec![(Collection::Topics, Input::File(path))];
    let refused = import(&service.app, &Job { inputs, dry_run: false, keep_going: true }, &|_| {}).await;
    assert!(refused.unwrap_err().to_string().contains("not closed"));
    assert!(service.rows().await == before);
}

#[tokio::test]
async fn a_collection_is_downloaded_and_uploaded_again() {
    let service = TestApp::with_demo().await;
    store_nasty(&service).await;
    let before = service.rows().await;
    let lines = service.trail().await.len();
    for collection in ["publications", "projects", "events", "practices", "people", "partners", "topics"] {
        for (query, media_type) in [
            ("", "text/csv; charset=utf-8"),
            ("?format=csv&delimiter=semicolon&headers=tr", "text/csv; charset=utf-8"),
            ("?format=ndjson", "application/x-ndjson"),
        ] {
            let path = format!("/v1/{collection}:export{query}");
            let file = service
                .send(Method::GET, &path, As::Editor, &[("accept", "text/csv, application/x-ndjson")], None)
                .await;
            assert_eq!((file.status.as_u16(), file.header("content-type")), (200, media_type), "{path}");
            let name = format!(
                "attachment; filename=\"{collection}.{}\"",
                if query == "?format=ndjson" { "ndjson" } else { "csv" }
            );
            assert_eq!(
                (file.header("content-disposition"), file.header("cache-control")),
                (name.as_str(), "no-store")
            );
            let bulk = format!("/v1/{collection}:bulk");
            let headers = [("content-type", media_type.split(';').next().unwrap())];
            let answer = service.send_bytes(Method::POST, &bulk, As::Editor, &headers, file.text).await;
            assert_eq!(answer.status, 200, "{path}: {}", &answer.text[..answer.text.len().min(2000)]);
            assert_eq!(answer.body["counts"]["unchanged"], answer.body["results"].as_array().unwrap().len());
            assert!(!answer.body["results"].as_array().unwrap().is_empty());
        }
    }
    assert!(service.rows().await == before);
    let new = service.trail().await.split_off(lines);
    assert_eq!(new.len(), 21, "every download leaves a line, and nothing else does");
    assert!(new.iter().all(|line| line.action == AuditAction::ContentExported && line.actor_id.is_some()));
    for (who, status) in [(As::Author, 403), (As::Viewer, 403), (As::Publishable, 403), (As::Nobody, 401)] {
        assert_eq!(service.get("/v1/people:export", who).await.status, status);
    }
    let html =
        service.send(Method::GET, "/v1/people:export", As::Editor, &[("accept", "text/html")], None).await;
    assert_eq!(html.status, 406);
    let list = service.send(Method::GET, "/v1/people", As::Editor, &[("accept", "text/csv")], None).await;
    assert_eq!(list.status, 406);
    let odd = service.get("/v1/people:export?format=ndjson&headers=tr", As::Editor).await;
    assert_eq!((odd.status.as_u16(), odd.places()), (400, vec!["headers"]));
}

#[tokio::test]
async fn what_is_cut_off_or_not_closed_is_refused() {
    let service = TestApp::start().await;
    let send = async |body: &[u8], media_type: &str| {
        let headers = [("content-type", media_type)];
        service.send_bytes(Method::POST, "/v1/topics:bulk", As::Editor, &headers, body.to_vec()).await
    };
    let whole = "slug,label (tr)\nkadin,Kadın hakları\nsiddet,Şiddet ş\n".as_bytes();
    let cut = &whole[..whole.len() - 2];
    let begins = "slug,label (tr)\na,x\nb,\"y\nc,z\n".as_bytes();
    for (body, media_type) in [
        (cut, "text/csv"),
        (cut, "text/csv; charset=utf-8"),
        (begins, "text/csv"),
        (begins, "text/csv; charset=utf-8"),
    ] {
        let refused = send(body, media_type).await;
        assert!(matches!(refused.status.as_u16(), 400 | 422), "{media_type}: {}", refused.text);
    }
    assert!(service.get("/v1/topics", As::Editor).await.slugs().is_empty());
    assert_eq!(send(whole, "text/csv").await.status, 200);
}

#[tokio::test]
async fn what_lies_in_the_trash_and_is_named_stays_named() {
    let service = TestApp::start().await;
    let topic = service.published("topics", crate::app::topic("Konu")).await;
    let mut body = crate::app::publication("Rapor");
    body["topics"] = json!(["konu"]);
    let path = service.published("publications", body).await;
    crate::editing::trash(&service, &topic).await;
    for format in ["csv", "ndjson"] {
        let file = service.get(&format!("/v1/publications:export?format={format}"), As::Editor).await;
        let media_type = if format == "csv" { "text/csv" } else { "application/x-ndjson" };
        let headers = [("content-type", media_type)];
        let back = service
            .send_bytes(Method::POST, "/v1/publications:bulk", As::Editor, &headers, file.text.clone())
            .await;
        assert_eq!(
            (back.status.as_u16(), &back.body["counts"]["unchanged"]),
            (200, &json!(1)),
            "{}",
            back.text
        );
        let edited = file.text.replace("Rapor", &format!("Rapor {format}"));
        let back =
            service.send_bytes(Method::POST, "/v1/publications:bulk", As::Editor, &headers, edited).await;
        assert_eq!(
            (back.status.as_u16(), &back.body["counts"]["updated"]),
            (200, &json!(1)),
            "{}",
            back.text
        );
    }
    let restored = service.send(Method::POST, &format!("{topic}/restore"), As::Editor, &[], None).await;
    assert_eq!(restored.status, 200);
    assert_eq!(service.get(&path, As::Editor).await.body["topics"][0]["slug"], "konu");
}

#[tokio::test]
async fn what_lies_in_the_trash_does_not_stand_beside_what_took_its_place() {
    let service = TestApp::start().await;
    let old = service.published("projects", crate::app::project("Eski")).await;
    service.published("projects", crate::app::project("Yeni")).await;
    let mut body = crate::app::publication("Rapor");
    body["project"] = json!("eski");
    let path = service.published("publications", body).await;
    crate::editing::trash(&service, &old).await;
    let row = json!({ "slug": "rapor", "project": "yeni", "translations": {} });
    let headers = [("content-type", "application/x-ndjson")];
    let moved = service
        .send_bytes(Method::POST, "/v1/publications:bulk", As::Editor, &headers, row.to_string())
        .await;
    assert_eq!((moved.status.as_u16(), &moved.body["counts"]["updated"]), (200, &json!(1)), "{}", moved.text);
    service.send(Method::POST, &format!("{old}/restore"), As::Editor, &[], None).await;
    assert_eq!(service.get(&path, As::Editor).await.body["project"]["slug"], "yeni");
}
