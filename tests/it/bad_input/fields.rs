//! Fields: each has its form, its length and its bounds.

use axum::http::Method;
use serde_json::{Value, json};

use super::{JSON, is_problem, refuses_at};
use crate::app::{As, TestApp, event, partner, practice, project, publication, topic};

#[tokio::test]
async fn texts_may_be_so_long_and_not_one_longer() {
    let service = TestApp::start().await;
    let text = |length: usize| "ş".repeat(length);
    let list = |length: usize| (0..length).map(|number| json!(format!("k{number}"))).collect::<Value>();
    let tr = |name: &str, value: Value| json!({ "translations": { "tr": { name: value } } });
    for (collection, good, patch, over, place) in [
        (
            "publications",
            publication("A"),
            tr("title", text(300).into()),
            tr("title", text(301).into()),
            "/translations/tr/title",
        ),
        (
            "publications",
            publication("A"),
            tr("summary", text(5000).into()),
            tr("summary", text(5001).into()),
            "/translations/tr/summary",
        ),
        (
            "publications",
            publication("A"),
            tr("body", text(100_000).into()),
            tr("body", text(100_001).into()),
            "/translations/tr/body",
        ),
        (
            "publications",
            publication("A"),
            json!({ "pages": text(60) }),
            json!({ "pages": text(61) }),
            "/pages",
        ),
        (
            "publications",
            publication("A"),
            json!({ "slug": "a".repeat(96) }),
            json!({ "slug": "a".repeat(97) }),
            "/slug",
        ),
        (
            "topics",
            topic("A"),
            tr("alternative_labels", list(50)),
            tr("alternative_labels", list(51)),
            "/translations/tr/alternative_labels",
        ),
        (
            "topics",
            topic("A"),
            tr("alternative_labels", json!([text(300)])),
            tr("alternative_labels", json!([text(301)])),
            "/translations/tr/alternative_labels/0",
        ),
        (
            "topics",
            topic("A"),
            json!({ "position": 1_000_000 }),
            json!({ "position": 1_000_001 }),
            "/position",
        ),
        (
            "partners",
            partner("A"),
            tr("short_name", text(60).into()),
            tr("short_name", text(61).into()),
            "/translations/tr/short_name",
        ),
    ] {
        let mut body = good.clone();
        sogep::http::json::merge(&mut body, patch);
        let taken = service.post(&format!("/v1/{collection}"), As::Editor, body).await;
        assert_eq!(taken.status, 201, "{place}: {}", taken.text);
        refuses_at(&service, collection, good, over, &[place]).await;
    }
    let topics = |length: usize| json!({ "topics": list(length) });
    refuses_at(&service, "publications", publication("A"), topics(51), &["/topics"]).await;
}

#[tokio::test]
async fn no_text_holds_what_a_reader_could_not_see() {
    let service = TestApp::start().await;
    service.credential(As::Editor).await;
    let before = service.rows().await;
    for hidden in
        ["\u{0}", "\u{1}", "\u{7F}", "\u{85}", "\u{202E}", "\u{2066}", "\u{FFFF}", "\u{1FFFE}", "\r"]
    {
        let text = format!("a{hidden}b");
        let tr = |name: &str| json!({ "translations": { "tr": { name: text } } });
        let mut answer = vec![service.post("/v1/topics", As::Editor, tr("label")).await];
        answer.push(service.post("/v1/topics", As::Editor, tr("definition")).await);
        answer.push(
            service
                .post("/v1/topics", As::Editor, json!({ "notation": text, "translations": { "tr": {} } }))
                .await,
        );
        for (answer, place) in
            answer.iter().zip(["/translations/tr/label", "/translations/tr/definition", "/notation"])
        {
            is_problem(answer, 422, "invalid");
            assert!(answer.places().contains(&place), "{hidden:?}: {}", answer.text);
        }
    }
    assert_eq!(service.rows().await, before);
    let lines = "## Başlık\n\n\tgirinti, ‘tırnak’, 🏳️‍🌈 ve צ";
    let taken = service
        .post(
            "/v1/topics",
            As::Editor,
            json!({ "translations": { "tr": { "label": "A", "definition": lines } } }),
        )
        .await;
    assert_eq!((taken.status.as_u16(), &taken.body["definition"]), (201, &json!(lines)));
}

#[tokio::test]
async fn names_of_properties_are_looked_at_like_texts() {
    let service = TestApp::start().await;
    for name in ["t\u{0}r", "\u{202E}tr", "xx-çok-yanlış", ""] {
        let body = json!({ "results": [{ "measure": "unit", "indicator": { name: "Sayı" } }] });
        let refused = service
            .post("/v1/projects", As::Editor, {
                let mut good = project("A");
                sogep::http::json::merge(&mut good, body);
                good
            })
            .await;
        is_problem(&refused, 422, "invalid");
        let refused =
            service.post("/v1/topics", As::Editor, json!({ "translations": { "tr": {}, name: {} } })).await;
        is_problem(&refused, 422, "invalid");
        let refused =
            service.post("/v1/topics", As::Editor, json!({ "translations": { "tr": {} }, name: 1 })).await;
        is_problem(&refused, 422, "invalid");
    }
}

#[tokio::test]
async fn slugs_languages_and_dates_are_what_they_say() {
    let service = TestApp::start().await;
    for slug in ["Buyuk", "a--b", "-a", "a-", "a b", "ş", "", "a/b", "01930000-0000-7000-8000-000000000000"]
    {
        refuses_at(&service, "topics", topic("A"), json!({ "slug": slug }), &["/slug"]).await;
    }
    refuses_at(&service, "topics", topic("A"), json!({ "original_locale": "en" }), &["/translations/en"])
        .await;
    refuses_at(
        &service,
        "topics",
        topic("A"),
        json!({ "translations": { "de": {} } }),
        &["/translations/de"],
    )
    .await;
    let german = json!({ "original_locale": "de", "translations": { "tr": null, "de": { "label": "A" } } });
    refuses_at(&service, "topics", topic("A"), german, &["/original_locale", "/translations/de"]).await;
    for date in
        ["2024-02-30", "2024-13-01", "24-01-01", "2024-1-1", "2024-01-01T00:00:00Z", "01.02.2024", "", "2024"]
    {
        refuses_at(&service, "projects", project("A"), json!({ "planned_start": date }), &["/planned_start"])
            .await;
    }
    for date in
        ["2024-02-30", "2024-13", "24", "2024-1", "2024-00", "2024/05", "Mart 2024", "", "2024-05-", "+2024"]
    {
        refuses_at(&service, "publications", publication("A"), json!({ "issued": date }), &["/issued"]).await;
        refuses_at(&service, "practices", practice("A"), json!({ "period_start": date }), &["/period_start"])
            .await;
    }
    for instant in
        ["2026-05-01", "2026-05-01T15:00:00", "2026-05-01T25:00:00Z", "2026-02-30T15:00:00Z", "now", ""]
    {
        refuses_at(
            &service,
            "events",
            event("A"),
            json!({ "registration_deadline": instant }),
            &["/registration_deadline"],
        )
        .await;
    }
    for zone in ["Istanbul", "europe/istanbul", "GMT+3", "+03:00", "", "Europe/Atlantis"] {
        refuses_at(&service, "events", event("A"), json!({ "time_zone": zone }), &["/time_zone"]).await;
    }
    for language in ["Türkçe", "t", "tr_TR!", ""] {
        refuses_at(
            &service,
            "publications",
            publication("A"),
            json!({ "languages": [language] }),
            &["/languages/0"],
        )
        .await;
    }
    for (patch, place) in [
        (json!({ "actual_end": "2023-12-31" }), "/actual_end"),
        (json!({ "planned_start": "2024-05-02", "planned_end": "2024-05-01" }), "/planned_end"),
    ] {
        refuses_at(&service, "projects", project("A"), patch, &[place]).await;
    }
    refuses_at(&service, "events", event("A"), json!({ "ends_at": "2026-05-01T14:59:59Z" }), &["/ends_at"])
        .await;
}

#[tokio::test]
async fn instants_are_kept_in_utc_and_whole_milliseconds() {
    let service = TestApp::start().await;
    let mut body = event("A");
    body["starts_at"] = "2026-05-01T18:00:00.123456+03:00".into();
    let created = service.post("/v1/events", As::Editor, body).await;
    assert_eq!(created.body["starts_at"], "2026-05-01T15:00:00.123Z");
    assert_eq!(service.get(created.header("location"), As::Editor).await.text, created.text);
}

#[tokio::test]
async fn rules_of_recurrence_are_those_of_the_standard() {
    let service = TestApp::start().await;
    for rule in [
        "",
        "WEEKLY",
        "COUNT=6",
        "FREQ=HOURLY",
        "FREQ=WEEKLY;COUNT=0",
        "FREQ=WEEKLY;BYDAY=XX",
        "RRULE:FREQ=DAILY",
        "FREQ=DAILY;COUNT=2;UNTIL=20270101",
        "FREQ=DAILY\nX:1",
    ] {
        let recurrence = json!({ "recurrence": { "rule": rule } });
        refuses_at(&service, "events", event("A"), recurrence, &["/recurrence/rule"]).await;
    }
    let exception = json!({ "recurrence": { "rule": "FREQ=DAILY", "exceptions": ["yarın"] } });
    refuses_at(&service, "events", event("A"), exception, &["/recurrence/exceptions/0"]).await;
}

#[tokio::test]
async fn identifiers_and_addresses_are_of_their_form() {
    let service = TestApp::start().await;
    for (scheme, value) in [
        ("doi", "https://doi.org/10.5555/x"),
        ("doi", "10.5555/ABC"),
        ("isbn", "978-3-16-148410-1"),
        ("issn", "2049-3631"),
        ("orcid", "0000-0002-1825-0098"),
        ("ror", "5dxps0555"),
        ("wikidata", "42"),
        ("iati", "TR/1"),
        ("urn", "nbn:tr:1"),
        ("handle", "20.500.12345"),
        ("oai", "example.org:42"),
        ("url", "javascript:alert(1)"),
    ] {
        let identifiers = json!({ "identifiers": [{ "scheme": "wikidata", "value": "Q1" }, { "scheme": scheme, "value": value }] });
        refuses_at(&service, "partners", partner("A"), identifiers, &["/identifiers/1/value"]).await;
    }
    for address in [
        "javascript:alert(1)",
        "data:text/html,x",
        "ftp://example.org",
        "//example.org",
        "example.org",
        "https://",
        "https://user:pw@example.org/",
        "http:example.org",
        "file:///etc/passwd",
        "",
    ] {
        refuses_at(&service, "partners", partner("A"), json!({ "website": address }), &["/website"]).await;
        refuses_at(&service, "events", event("A"), json!({ "online_url": address }), &["/online_url"]).await;
        let source = json!({ "source": { "name": "a", "id": "1", "url": address } });
        refuses_at(&service, "partners", partner("A"), source, &["/source/url"]).await;
    }
}

#[tokio::test]
async fn numbers_and_lists_keep_to_their_bounds() {
    let service = TestApp::start().await;
    for (collection, good, patch, place) in [
        ("topics", topic("A"), json!({ "position": -1 }), "/position"),
        ("topics", topic("A"), json!({ "position": 1.5 }), "/position"),
        ("topics", topic("A"), json!({ "position": 99_999_999_999_i64 }), "/position"),
        ("topics", topic("A"), json!({ "position": "1" }), "/position"),
        ("events", event("A"), json!({ "point": { "latitude": 90.1, "longitude": 0 } }), "/point/latitude"),
        ("events", event("A"), json!({ "point": { "latitude": 1 } }), "/point/longitude"),
        ("events", event("A"), json!({ "capacity": -1 }), "/capacity"),
        ("events", event("A"), json!({ "all_day": "yes" }), "/all_day"),
        ("projects", project("A"), json!({ "gender_marker": 3 }), "/gender_marker"),
        (
            "projects",
            project("A"),
            json!({ "countries": [{ "code": "TR", "percentage": 60 }, { "code": "DE", "percentage": 41 }] }),
            "/countries",
        ),
        ("projects", project("A"), json!({ "countries": [{ "code": "Türkiye" }] }), "/countries/0/code"),
        ("projects", project("A"), json!({ "sdg_targets": ["5.2", "5.2"] }), "/sdg_targets/1"),
        ("projects", project("A"), json!({ "partners": [{ "name": "A" }] }), "/partners/0/role"),
        (
            "projects",
            project("A"),
            json!({ "partners": [{ "role": "author", "name": "A" }] }),
            "/partners/0/role",
        ),
        ("publications", publication("A"), json!({ "authors": [{}] }), "/authors/0"),
        ("publications", publication("A"), json!({ "licence": "CC BY 4.0" }), "/licence"),
        ("publications", publication("A"), json!({ "audience": ["media", "media"] }), "/audience/1"),
        ("publications", publication("A"), json!({ "embargo_until": "2027-01-01" }), "/embargo_until"),
    ] {
        refuses_at(&service, collection, good, patch, &[place]).await;
    }
}

#[tokio::test]
async fn a_whole_number_may_be_written_with_a_point() {
    let service = TestApp::start().await;
    let body = r#"{ "position": 7.0, "translations": { "tr": { "label": "A" } } }"#;
    let taken = service.send_bytes(Method::POST, "/v1/topics", As::Editor, &[JSON], body).await;
    assert_eq!(taken.status, 201, "JSON Schema calls it an integer: {}", taken.text);
    assert_eq!(taken.body["position"], 7);
}

#[tokio::test]
async fn names_that_another_entry_has_are_taken() {
    let service = TestApp::start().await;
    let claim = |title: &str, slug: &str, doi: &str, id: &str| {
        let mut body = publication(title);
        body["slug"] = slug.into();
        body["identifiers"] = json!([{ "scheme": "doi", "value": doi }]);
        body["source"] = json!({ "name": "arsiv", "id": id });
        body
    };
    assert_eq!(
        service.post("/v1/publications", As::Editor, claim("A", "a", "10.5555/a", "1")).await.status,
        201
    );
    let before = service.rows().await;
    let refused = service.post("/v1/publications", As::Editor, claim("B", "a", "10.5555/a", "1")).await;
    is_problem(&refused, 422, "invalid");
    assert_eq!(refused.places(), ["/slug", "/source/id", "/identifiers/0"]);
    assert_eq!(service.rows().await, before);
    assert_eq!(
        service.post("/v1/publications", As::Editor, claim("B", "b", "10.5555/b", "2")).await.status,
        201
    );
}
