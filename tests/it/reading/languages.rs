//! Languages: which one is shown, and what stands in for a text that is missing.

use axum::http::Method;
use serde_json::{Value, json};

use super::half_translated;
use crate::app::{As, TestApp, partner, publication, topic};

#[tokio::test]
async fn a_text_that_is_missing_is_taken_from_the_original_unless_that_is_not_wanted() {
    let service = TestApp::start().await;
    let path = half_translated(&service).await;
    let english = service.get(&format!("{path}?locale=en"), As::Publishable).await;
    assert_eq!(english.body["title"], "Report on violence");
    assert_eq!(english.body["summary"], "Kısa bir özet.");
    assert_eq!((&english.body["locale"], english.header("content-language")), (&json!("en"), "en"));
    assert_eq!(english.body["translations"], json!(["en", "tr"]));
    let strict = service.get(&format!("{path}?locale=en&fallback=none"), As::Publishable).await;
    assert_eq!(strict.body["title"], "Report on violence");
    assert_eq!(strict.body["summary"], Value::Null);
    let turkish = service.get(&path, As::Publishable).await;
    assert_eq!(turkish.body["title"], "Şiddet raporu");
    assert_eq!((&turkish.body["locale"], turkish.header("content-language")), (&json!("tr"), "tr"));
}

#[tokio::test]
async fn an_entry_without_a_translation_says_which_language_it_is_in() {
    let service = TestApp::start().await;
    let path = service.published("publications", publication("Yalnız Türkçe")).await;
    let english = service.get(&format!("{path}?locale=en"), As::Publishable).await;
    assert_eq!(english.body["title"], "Yalnız Türkçe");
    assert_eq!((&english.body["locale"], english.header("content-language")), (&json!("tr"), "tr"));
    let strict = service.get(&format!("{path}?locale=en&fallback=none"), As::Publishable).await;
    assert_eq!(strict.body["title"], Value::Null);
    assert_eq!(strict.body["translations"], json!(["tr"]));
}

#[tokio::test]
async fn the_language_comes_from_the_parameter_else_the_header_else_the_default() {
    let service = TestApp::start().await;
    let path = half_translated(&service).await;
    for (query, header, expected) in [
        ("", "", "tr"),
        ("", "en-GB, tr;q=0.5", "en"),
        ("", "de, tr;q=0.2, en;q=0.1", "tr"),
        ("", "de", "tr"),
        ("?locale=tr", "en", "tr"),
        ("?locale=en", "tr", "en"),
    ] {
        for path in [format!("{path}{query}"), format!("/v1/publications{query}")] {
            let headers = [("accept-language", header)];
            let answer = service.send(Method::GET, &path, As::Publishable, &headers, None).await;
            assert_eq!(answer.header("content-language"), expected, "{path} {header}");
            let vary = answer.header("vary").to_lowercase();
            // A language that was named does not depend on the header.
            assert_eq!(vary.contains("accept-language"), query.is_empty(), "{path} {vary}");
            assert!(vary.contains("authorization"), "{vary}");
        }
    }
    for locale in ["de", "TR", "", "tr-TR", "tr,en"] {
        let refused = service.get(&format!("{path}?locale={locale}"), As::Publishable).await;
        assert_eq!((refused.status.as_u16(), refused.places()), (400, vec!["locale"]), "{locale}");
    }
    let refused = service.get(&format!("{path}?fallback=maybe"), As::Publishable).await;
    assert_eq!((refused.status.as_u16(), refused.places()), (400, vec!["fallback"]));
}

#[tokio::test]
async fn every_translation_at_once_is_for_those_who_edit() {
    let service = TestApp::start().await;
    let path = half_translated(&service).await;
    for address in [format!("{path}?locale=all"), "/v1/publications?locale=all".to_owned()] {
        for who in [As::Publishable, As::Partner, As::Viewer] {
            assert_eq!(service.get(&address, who).await.status, 403);
        }
    }
    assert_eq!(service.get("/v1/organisation?locale=all", As::Publishable).await.status, 403);
    let all = service.get(&format!("{path}?locale=all"), As::Editor).await;
    assert_eq!(all.body["translations"]["tr"]["title"], "Şiddet raporu");
    assert_eq!(all.body["translations"]["en"]["title"], "Report on violence");
    let patch = json!({ "translations": all.body["translations"] });
    let same = service.patch(&format!("{path}?locale=all"), As::Editor, all.etag(), patch).await;
    assert_eq!(same.status, 200, "what is read can be written: {}", same.text);
    assert_eq!(same.body["translations"], all.body["translations"]);
    let list = service.get("/v1/publications?locale=all", As::Editor).await;
    assert_eq!(list.body["data"][0]["translations"]["en"]["title"], "Report on violence");
}

#[tokio::test]
async fn other_entries_are_embedded_in_brief_and_in_the_language_asked_for() {
    let service = TestApp::start().await;
    let mut body = topic("Şiddet");
    body["translations"]["en"] = json!({ "label": "Violence" });
    service.published("topics", body).await;
    service.published("partners", partner("Mor Pencere")).await;
    let mut body = publication("Rapor");
    body["topics"] = json!(["siddet"]);
    body["publishers"] = json!([{ "partner": "mor-pencere" }]);
    let path = service.published("publications", body).await;
    let english = service.get(&format!("{path}?locale=en"), As::Publishable).await;
    let id = service.get("/v1/topics/siddet", As::Publishable).await.body["id"].clone();
    assert_eq!(english.body["topics"], json!([{ "id": id, "slug": "siddet", "name": "Violence" }]));
    assert_eq!(english.body["publishers"][0]["partner"]["name"], "Mor Pencere");
    assert_eq!(english.body["publishers"][0]["name"], "Mor Pencere");
    let turkish = service.get(&path, As::Publishable).await;
    assert_eq!(turkish.body["topics"][0]["name"], "Şiddet");
}
