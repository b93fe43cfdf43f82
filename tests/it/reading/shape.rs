//! What of an entry an answer has: `fields` and `include`.

use axum::http::Method;
use serde_json::{Value, json};

use crate::app::{As, TestApp, partner, person, project, publication, topic};

const BODY: &str =
    "## Neden?\n\nÜç ilçede **görüşmeler** [yapıldı](https://sogep.example/a).\n\n<script>alert(1)</script>";

/// A publication that refers to one entry of each kind it can, and its address.
async fn linked(service: &TestApp) -> String {
    service.published("topics", topic("Şiddet")).await;
    service.published("topics", topic("Hukuk")).await;
    service.published("partners", partner("Mor Pencere")).await;
    service.published("people", person("Işıl Öztürk", &["name"])).await;
    let mut parent = project("Eşit bütçe");
    parent["translations"]["tr"]["body"] = "Projenin metni.".into();
    parent["topics"] = json!(["hukuk"]);
    service.published("projects", parent).await;
    let mut body = publication("Sığınmaevi raporu");
    body["translations"]["tr"]["body"] = BODY.into();
    body["topics"] = json!(["siddet", "hukuk"]);
    body["authors"] = json!([{ "person": "isil-ozturk" }, { "name": "Yalnız Ad" }]);
    body["publishers"] = json!([{ "partner": "mor-pencere" }]);
    body["project"] = "esit-butce".into();
    service.published("publications", body).await
}

fn names(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[tokio::test]
async fn an_answer_has_the_properties_that_were_picked() {
    let service = TestApp::start().await;
    let path = linked(&service).await;
    let get = async |query: &str| {
        let answer = service.get(&format!("{path}?{query}"), As::Publishable).await;
        assert_eq!(answer.status, 200, "{query}: {}", answer.text);
        answer.body
    };
    assert_eq!(
        get("fields=title,slug").await,
        json!({ "slug": "siginmaevi-raporu", "title": "Sığınmaevi raporu" })
    );
    assert_eq!(
        get("fields=topics.slug,authors.name,authors.person.slug,project.name").await,
        json!({
            "authors": [{ "name": "Işıl Öztürk", "person": { "slug": "isil-ozturk" } }, { "name": "Yalnız Ad", "person": null }],
            "project": { "name": "Eşit bütçe" },
            "topics": [{ "slug": "siddet" }, { "slug": "hukuk" }],
        })
    );
    assert_eq!(get("fields=project,project").await["project"]["slug"], "esit-butce");
    // What is picked in a list is what is picked in an item, the long text too.
    let list = service.get("/v1/publications?fields=title,body&count=exact", As::Publishable).await;
    assert_eq!(list.body["data"], json!([{ "title": "Sığınmaevi raporu", "body": BODY }]));
    assert_eq!(list.body["total"], 1);
    assert_eq!(list.body["data"][0], get("fields=title,body").await);
    // The version that a writer needs is in the tag whatever was picked.
    let short = service.get(&format!("{path}?fields=id"), As::Editor).await;
    let changed = service.patch(&path, As::Editor, short.etag(), json!({ "place": "İstanbul" })).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    let profile = service.get("/v1/organisation?fields=mission,contact.email", As::Publishable).await;
    assert_eq!(names(&profile.body), ["mission", "contact"]);
    assert_eq!(names(&profile.body["contact"]), ["email"]);
}

#[tokio::test]
async fn what_is_not_picked_is_not_read() {
    let service = TestApp::start().await;
    let path = linked(&service).await;
    // A call may also look the key up, or open a connection: such things come on top, and not every time.
    let of_path = async |path: String| {
        let mut least = usize::MAX;
        for _ in 0..4 {
            let (count, answer) = service.statements(service.get(&path, As::Publishable)).await;
            assert_eq!(answer.status, 200, "{path}: {}", answer.text);
            least = least.min(count);
        }
        least
    };
    let counted = async |query: &str| {
        let list = of_path(format!("/v1/publications?{query}")).await;
        let item = of_path(format!("{path}?{query}")).await;
        assert_eq!(item, list, "an item takes what a list takes: {query}");
        list
    };
    let least = counted("fields=title").await;
    assert_eq!(counted("fields=title,summary,type,issued,translations").await, least);
    // The key; which entries, and what is their own. One query more for the names of all that is referred to.
    assert_eq!(least, 3);
    assert_eq!(counted("fields=title,identifiers").await, least);
    for more in ["fields=title,topics", "fields=title,topics,authors,project,cites", "fallback=original"] {
        assert_eq!(counted(more).await, least + 1, "{more}");
    }
    // An entry that is included takes a fixed number, and less when less of it is picked.
    let whole = counted("fields=project&include=project").await;
    let some = counted("fields=project.entry.title").await;
    assert!(some < whole, "{some} {whole}");
    for number in 0..20 {
        let mut body = publication(&format!("Rapor {number}"));
        body["topics"] = json!(["siddet"]);
        body["project"] = "esit-butce".into();
        service.published("publications", body).await;
    }
    let list = "/v1/publications?fields=project&include=project".to_owned();
    assert_eq!(of_path(list).await, whole, "whatever the page holds");
}

#[tokio::test]
async fn an_excerpt_is_the_beginning_of_a_text_as_it_reads() {
    let service = TestApp::start().await;
    let path = linked(&service).await;
    let query = "fields=summary:excerpt(6),body:excerpt(18),project.entry.summary:excerpt(9)";
    let answer = service.get(&format!("{path}?{query}"), As::Publishable).await;
    assert_eq!(
        answer.body,
        json!({ "summary": "Kısa…", "body": "Neden? Üç ilçede…", "project": { "entry": { "summary": "Kısa bir…" } } })
    );
    let list = service.get("/v1/publications?fields=body:excerpt(1000)", As::Publishable).await;
    assert_eq!(list.body["data"], json!([{ "body": "Neden? Üç ilçede görüşmeler yapıldı." }]));
}

#[tokio::test]
async fn what_a_list_leaves_out_is_added_when_it_is_asked_for() {
    let service = TestApp::start().await;
    let path = linked(&service).await;
    let plain = service.get("/v1/publications", As::Publishable).await;
    assert_eq!(plain.body["data"][0].get("body"), None);
    let list = service.get("/v1/publications?include=body,project,authors,topics", As::Publishable).await;
    let entry = &list.body["data"][0];
    assert_eq!(entry["body"], BODY);
    let shown = service.get("/v1/projects", As::Publishable).await;
    assert_eq!(entry["project"]["entry"], shown.body["data"][0], "as its list shows it");
    assert_eq!(entry["authors"][0]["person"]["entry"]["name"]["display"], "Işıl Öztürk");
    assert_eq!(entry["authors"][1]["person"], Value::Null);
    assert_eq!(entry["topics"][1]["entry"]["label"], "Hukuk");
    assert_eq!(entry["publishers"][0]["partner"].get("entry"), None);

    let item = service.get(&format!("{path}?include=body_html,related"), As::Publishable).await;
    let html = item.body["body_html"].as_str().unwrap();
    assert!(html.starts_with("<h2>Neden?</h2>") && html.contains("<strong>görüşmeler</strong>"), "{html}");
    assert!(!html.contains("script"), "{html}");
    assert_eq!(item.body["body"], BODY);
    let related = service.get(&format!("{path}/related"), As::Publishable).await;
    assert_eq!(item.body["related"], related.body["data"]);
    assert_eq!(item.body["related"][0]["slug"], "esit-butce");

    // Both together: what is included comes to what is picked.
    let both = service
        .get("/v1/publications?fields=title,project.name&include=body_html,project", As::Publishable)
        .await;
    assert_eq!(names(&both.body["data"][0]), ["title", "project", "body_html"]);
    assert_eq!(names(&both.body["data"][0]["project"]), ["name", "entry"]);
    // A cursor is good for another choice of properties.
    service.published("publications", publication("Başka rapor")).await;
    let first = service.get("/v1/publications?limit=1&fields=slug", As::Publishable).await;
    let cursor = first.body["page"]["next_cursor"].as_str().unwrap();
    let next = format!("/v1/publications?limit=1&include=body&cursor={cursor}");
    assert_eq!(service.get(&next, As::Publishable).await.status, 200);
}

#[tokio::test]
async fn nothing_is_included_that_the_caller_may_not_read() {
    let service = TestApp::start().await;
    let path = linked(&service).await;
    let address = format!("{path}?include=project,authors,topics,publishers");
    let hide = async |what: &str, patch: Value| {
        let etag = service.get(what, As::Editor).await.etag().to_owned();
        let hidden = service.patch(what, As::Editor, &etag, patch).await;
        assert_eq!(hidden.status, 200, "{}", hidden.text);
    };
    hide("/v1/projects/esit-butce", json!({ "visibility": "partners" })).await;
    hide("/v1/people/isil-ozturk", json!({ "consent": null })).await;
    hide("/v1/topics/siddet", json!({ "visibility": "internal" })).await;
    let public = service.get(&address, As::Publishable).await;
    assert_eq!(public.body["project"], Value::Null);
    assert_eq!(public.body["authors"][0]["person"], Value::Null);
    assert_eq!(public.body["topics"].as_array().unwrap().len(), 1);
    assert_eq!(public.body["topics"][0]["entry"]["slug"], "hukuk");
    let partner = service.get(&address, As::Partner).await;
    assert_eq!(partner.body["project"]["entry"]["slug"], "esit-butce");
    assert_eq!(partner.body["authors"][0]["person"], Value::Null);
    let inside = service.get(&address, As::Viewer).await;
    assert_eq!(inside.body["topics"][0]["entry"]["slug"], "siddet");
    // What is withheld of an entry is withheld of it wherever it is shown.
    let shown = service.get("/v1/publications?include=authors", As::Editor).await;
    assert_eq!(shown.body["data"][0]["authors"][0]["person"]["entry"]["consent"], Value::Null);
}

#[tokio::test]
async fn a_mistake_is_named() {
    let service = TestApp::start().await;
    let path = linked(&service).await;
    let many = vec!["title"; 101].join(",");
    for (query, code, told) in [
        ("fields=", "not_in_list", "nearest"),
        ("fields=titel", "not_in_list", "`title`"),
        ("fields=title,", "not_in_list", "nearest"),
        ("fields=title,,slug", "not_in_list", "nearest"),
        ("fields=Title", "not_in_list", "`title`"),
        ("fields=title.tr", "not_in_list", "`title` has no properties"),
        ("fields=authors.nam", "not_in_list", "`name`"),
        ("fields=authors.", "not_in_list", "nearest"),
        ("fields=project.entry.cites.entry", "not_in_list", "nearest"),
        ("fields=project.entry.body", "not_in_list", "nearest"),
        ("fields=a.b.c.d.e.f.g.h.i.j", "not_in_list", "deep"),
        ("fields=title,title:excerpt(5)", "not_in_list", "excerpt"),
        ("fields=summary,summary:excerpt(5)", "contradiction", "otherwise"),
        ("fields=project,project.name", "contradiction", "otherwise"),
        ("fields=project.name,project", "contradiction", "otherwise"),
        ("fields=summary:excerpt(0)", "format", "1 to 1000"),
        ("fields=summary:excerpt(1001)", "format", "1 to 1000"),
        ("fields=summary:excerpt(%2B5)", "format", "1 to 1000"),
        ("fields=summary:excerpt", "format", "1 to 1000"),
        ("fields=summary:", "format", "1 to 1000"),
        ("fields=summary:first(5)", "format", "1 to 1000"),
        ("fields=password_hash", "not_in_list", "nearest"),
        ("fields=created_by", "not_in_list", "nearest"),
        (format!("fields={many}").as_str(), "too_many", "100"),
        ("include=", "not_in_list", "can be: body"),
        ("include=files", "not_in_list", "project"),
        ("include=body,titles", "not_in_list", "project"),
    ] {
        for place in [path.as_str(), "/v1/publications"] {
            let refused = service.get(&format!("{place}?{query}"), As::Publishable).await;
            assert_eq!(refused.status, 400, "{query}: {}", refused.text);
            let error = &refused.body["errors"][0];
            assert_eq!(
                (&error["code"], refused.places()[0]),
                (&json!(code), query.split('=').next().unwrap()),
                "{query}"
            );
            assert!(error["detail"].as_str().unwrap().contains(told), "{query}: {error}");
        }
    }
    for query in
        ["include=related", "fields=related", "limit=21&include=body", "limit=50&fields=body:excerpt(9)"]
    {
        let refused = service.get(&format!("/v1/publications?{query}"), As::Publishable).await;
        assert_eq!(refused.status, 400, "{query}: {}", refused.text);
    }
    assert_eq!(service.get("/v1/publications?limit=20&include=body", As::Publishable).await.status, 200);
    for query in ["include=topics", "draft=true"] {
        assert_eq!(service.get(&format!("/v1/organisation?{query}"), As::Publishable).await.status, 400);
    }
    // A topic calls other topics related: that is what `related` means of it.
    let topic = service.get("/v1/topics/siddet?include=related&fields=related", As::Publishable).await;
    assert_eq!((topic.status.as_u16(), &topic.body["related"]), (200, &json!([])));
}

#[tokio::test]
async fn a_former_address_keeps_what_was_asked_for() {
    let service = TestApp::start().await;
    let path = linked(&service).await;
    let etag = service.get(&path, As::Editor).await.etag().to_owned();
    service.patch(&path, As::Editor, &etag, json!({ "slug": "yeni-ad" })).await;
    let moved = service.get(&format!("{path}?fields=title&locale=tr"), As::Publishable).await;
    assert_eq!(moved.header("location"), "/v1/publications/yeni-ad?fields=title&locale=tr");
    assert_eq!(moved.header("vary"), "authorization, accept-encoding, Origin");
}

#[tokio::test]
async fn more_than_an_answer_may_hold_is_refused() {
    let service = TestApp::start().await;
    for part in 0..6 {
        let operations: Vec<Value> = (0..100)
            .map(|number| json!({ "op": "create", "entry": partner(&format!("Ortak {part} {number}")) }))
            .collect();
        let made = service.post("/v1/partners:bulk", As::Editor, json!({ "operations": operations })).await;
        assert_eq!(made.status, 200, "{}", made.text);
        let names: Vec<Value> =
            (0..100).map(|number| json!({ "partner": format!("ortak-{part}-{number}") })).collect();
        let mut body = publication(&format!("Rapor {part}"));
        body["publishers"] = names.into();
        service.published("publications", body).await;
    }
    let list = "/v1/publications?include=publishers&fields=publishers.partner.entry.name";
    let refused = service.get(list, As::Editor).await;
    assert_eq!((refused.status.as_u16(), refused.places()), (400, vec!["include"]), "{}", refused.text);
    assert!(refused.text.contains("shorter page"), "{}", refused.text);
    let (statements, shorter) = service.statements(service.get(&format!("{list}&limit=5"), As::Editor)).await;
    assert_eq!(shorter.status, 200, "{}", shorter.text);
    assert!(statements < 25, "{statements}");
}

#[tokio::test]
async fn what_was_picked_can_be_had_already() {
    let service = TestApp::start().await;
    let path = format!("{}?fields=title&include=related", linked(&service).await);
    let etag = service.get(&path, As::Publishable).await.etag().to_owned();
    let again = service.send(Method::GET, &path, As::Publishable, &[("if-none-match", &etag)], None).await;
    assert_eq!(again.status, 304);
}

#[tokio::test]
async fn a_list_says_in_which_languages_it_is() {
    let service = TestApp::start().await;
    service.published("publications", publication("Yalnız Türkçe")).await;
    let mut body = publication("İki dilde");
    body["translations"]["en"] = json!({ "title": "In two languages" });
    service.published("publications", body).await;
    for (query, expected) in [
        ("locale=en", "en, tr"),
        ("locale=en&fields=title", "en, tr"),
        ("locale=en&fallback=none", "en"),
        ("locale=tr", "tr"),
        ("locale=en&type=news", "en"),
    ] {
        let list = service.get(&format!("/v1/publications?{query}"), As::Publishable).await;
        assert_eq!(list.header("content-language"), expected, "{query}");
    }
}
