//! Many changes in one request: all of them or none, or each for itself.

use axum::http::Method;
use serde_json::{Value, json};
use sogep::{
    auth::Scope,
    entity::vocabulary::{AuditAction, KeyType},
};

use crate::app::{self, Answer, As, TestApp};

const TOPICS: &str = "/v1/topics:bulk";
const PUBLICATIONS: &str = "/v1/publications:bulk";

async fn bulk(service: &TestApp, path: &str, who: As, operations: Value) -> Answer {
    service.post(path, who, json!({ "operations": operations })).await
}

async fn per_item(service: &TestApp, path: &str, who: As, operations: Value) -> Answer {
    service.post(path, who, json!({ "mode": "per_item", "operations": operations })).await
}

fn create(entry: impl Into<Value>) -> Value {
    json!({ "op": "create", "entry": entry.into() })
}

fn upsert(entry: impl Into<Value>) -> Value {
    json!({ "op": "upsert", "entry": entry.into() })
}

fn topic(slug: &str) -> Value {
    json!({ "slug": slug, "translations": { "tr": { "label": slug } } })
}

fn from(id: usize) -> Value {
    json!({ "source": { "name": "arsiv", "id": id.to_string() }, "translations": { "tr": { "label": format!("Konu {id}") } } })
}

fn counts(answer: &Answer) -> [u64; 6] {
    ["created", "updated", "unchanged", "transitioned", "trashed", "failed"]
        .map(|name| answer.body["counts"][name].as_u64().unwrap_or_else(|| panic!("{}", answer.text)))
}

fn outcomes(answer: &Answer) -> Vec<(u64, &str)> {
    let results = answer.body["results"].as_array().unwrap_or_else(|| panic!("{}", answer.text));
    let one = |result: &'_ Value| result["status"].as_u64().unwrap();
    results.iter().map(|result| (one(result), result["outcome"].as_str().unwrap())).collect()
}

/// The code of each problem, and where its mistakes are.
fn problems(answer: &Answer) -> Vec<(u64, &str, Vec<&str>)> {
    let results = answer.body["results"].as_array().unwrap_or_else(|| panic!("{}", answer.text));
    let failed = results.iter().filter(|result| !result["problem"].is_null());
    failed
        .map(|result| {
            let errors = result["problem"]["errors"].as_array().unwrap();
            let places = errors.iter().map(|error| error["pointer"].as_str().unwrap()).collect();
            (result["index"].as_u64().unwrap(), result["problem"]["code"].as_str().unwrap(), places)
        })
        .collect()
}

#[tokio::test]
async fn every_operation_does_what_its_own_request_would() {
    let service = TestApp::start().await;
    for slug in ["bir", "iki", "uc"] {
        service.post("/v1/topics", As::Editor, topic(slug)).await;
    }
    let operations = json!([
        create(json!({ "translations": { "tr": { "label": "Yeni konu" } }, "broader": "dort" })),
        create(topic("dort")),
        { "op": "update", "id": "bir", "version": 1, "patch": { "notation": "1", "related": ["yeni-konu"] } },
        { "op": "transition", "id": "iki", "to": "published", "note": "Hazır." },
        { "op": "trash", "id": "uc", "version": 1 },
        upsert(from(7)),
        upsert(json!({ "slug": "bes", "translations": { "tr": { "label": "Beş" } } })),
    ]);
    let lines = service.trail().await.len();
    let answer = bulk(&service, TOPICS, As::Editor, operations).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.body["applied"], true);
    assert_eq!(counts(&answer), [4, 1, 0, 1, 1, 0]);
    let expected = [
        (201, "created"),
        (201, "created"),
        (200, "updated"),
        (200, "transitioned"),
        (204, "trashed"),
        (201, "created"),
        (201, "created"),
    ];
    assert_eq!(outcomes(&answer), expected);
    let made = &answer.body["results"][0];
    assert_eq!((&made["slug"], &made["version"]), (&json!("yeni-konu"), &json!(1)));
    let shown = service.get("/v1/topics/yeni-konu", As::Editor).await;
    assert_eq!((&shown.body["id"], &shown.body["broader"]["slug"]), (&made["id"], &json!("dort")));
    let changed = service.get("/v1/topics/bir", As::Editor).await;
    assert_eq!((changed.body["notation"].as_str(), &changed.etag()[..3]), (Some("1"), "\"2."));
    assert_eq!(changed.body["related"][0]["slug"], "yeni-konu");
    assert_eq!(service.get("/v1/topics/iki", As::Publishable).await.status, 200);
    assert_eq!(service.get("/v1/topics/uc", As::Editor).await.status, 404);
    assert_eq!(service.get("/v1/topics/konu-7", As::Editor).await.body["source"]["id"], "7");
    let new = service.trail().await.split_off(lines);
    // Keys note their first use, beside the request.
    let actions: Vec<_> = new
        .into_iter()
        .map(|line| line.action)
        .filter(|action| *action != AuditAction::KeyFirstUsed)
        .collect();
    let created = AuditAction::ContentCreated;
    let expected = [
        created,
        created,
        AuditAction::ContentUpdated,
        AuditAction::ContentPublished,
        AuditAction::ContentDeleted,
        created,
        created,
    ];
    assert_eq!(actions, expected, "a line for each entry");
}

#[tokio::test]
async fn atomic_does_all_or_nothing_and_names_every_mistake() {
    let service = TestApp::start().await;
    service.post("/v1/topics", As::Editor, topic("var")).await;
    let before = service.rows().await;
    let lines = service.trail().await.len();
    let operations = json!([
        create(topic("iyi")),
        create(json!({ "translations": { "tr": { "label": 7 } } })),
        { "op": "update", "id": "var", "version": 9, "patch": { "notation": "1" } },
        { "op": "update", "id": "var-degil", "version": 1, "patch": {} },
        create(topic("var")),
        create(json!({ "slug": "x", "broader": "hic", "translations": { "tr": { "label": "X" } } })),
        { "op": "destroy", "id": "var" },
        { "op": "trash", "id": "var", "version": 1, "nonsense": true },
    ]);
    let answer = bulk(&service, TOPICS, As::Editor, operations).await;
    assert_eq!((answer.status.as_u16(), answer.code()), (422, "invalid"));
    let mut places = answer.places();
    places.sort_unstable();
    let expected = [
        "/operations/1/entry/translations/tr/label",
        "/operations/2/version",
        "/operations/3/id",
        "/operations/4/entry/slug",
        "/operations/5/entry/broader",
        "/operations/6/op",
        "/operations/7/nonsense",
    ];
    assert_eq!(places, expected);
    assert_eq!(answer.body["detail"], "7 of 8 operations cannot be done, so nothing was changed");
    assert!(service.rows().await == before, "something was left behind");
    assert_eq!(service.trail().await.len(), lines);
}

#[tokio::test]
async fn per_item_does_the_others() {
    let service = TestApp::start().await;
    service.post("/v1/topics", As::Editor, topic("var")).await;
    let operations = json!([
        create(topic("iyi")),
        create(json!({ "translations": { "tr": { "label": 7 } } })),
        { "op": "update", "id": "var", "version": 9, "patch": { "notation": "1" } },
        { "op": "update", "id": "var-degil", "version": 1, "patch": {} },
        create(json!({ "slug": "x", "broader": "hic", "translations": { "tr": { "label": "X" } } })),
        create(json!({ "slug": "y", "broader": "x", "translations": { "tr": { "label": "Y" } } })),
        create(json!({ "slug": "z", "broader": "iyi", "translations": { "tr": { "label": "Z" } } })),
        "nonsense",
    ]);
    let answer = per_item(&service, TOPICS, As::Editor, operations).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(counts(&answer), [2, 0, 0, 0, 0, 6]);
    let expected = [
        (1, "invalid", vec!["/entry/translations/tr/label"]),
        (2, "precondition-failed", vec!["/version"]),
        (3, "not-found", vec!["/id"]),
        (4, "invalid", vec!["/entry/broader"]),
        (5, "invalid", vec!["/entry/broader"]),
        (7, "invalid", vec!["/op"]),
    ];
    assert_eq!(problems(&answer), expected);
    assert_eq!(answer.body["results"][2]["version"], 1, "the version that is there");
    assert_eq!(service.get("/v1/topics", As::Editor).await.slugs(), ["iyi", "var", "z"]);
    let rows = service.rows().await;
    assert!(!rows.iter().any(|row| row.contains("version: 0")), "no place stays reserved");
}

#[tokio::test]
async fn a_circle_is_undone_and_the_rest_is_done() {
    let service = TestApp::start().await;
    let with = |slug: &str, broader: &str| {
        let mut topic = topic(slug);
        topic["broader"] = broader.into();
        create(topic)
    };
    let operations = json!([with("a", "b"), with("b", "a"), create(topic("c"))]);
    service.credential(As::Editor).await;
    let before = service.rows().await;
    let answer = bulk(&service, TOPICS, As::Editor, operations.clone()).await;
    assert_eq!(answer.status, 422);
    assert!(service.rows().await == before);
    let answer = per_item(&service, TOPICS, As::Editor, operations).await;
    assert_eq!(counts(&answer), [1, 0, 0, 0, 0, 2], "{}", answer.text);
    assert_eq!(service.get("/v1/topics", As::Editor).await.slugs(), ["c"]);
}

#[tokio::test]
async fn a_dry_run_tells_all_and_keeps_nothing() {
    let service = TestApp::start().await;
    service.post("/v1/topics", As::Editor, topic("var")).await;
    let before = service.rows().await;
    let lines = service.trail().await.len();
    let operations =
        json!([create(topic("yeni")), { "op": "trash", "id": "var", "version": 1 }, create(json!({}))]);
    let body = json!({ "mode": "per_item", "dry_run": true, "operations": operations });
    let answer = service.post(TOPICS, As::Editor, body).await;
    assert_eq!((answer.status.as_u16(), counts(&answer)), (200, [1, 0, 0, 0, 1, 1]));
    assert_eq!((&answer.body["applied"], &answer.body["dry_run"]), (&json!(false), &json!(true)));
    assert!(answer.body["results"][0]["id"].is_null(), "no such entry will ever be");
    let atomic = service.post(TOPICS, As::Editor, json!({ "dry_run": true, "operations": operations })).await;
    assert_eq!((atomic.status.as_u16(), atomic.places()), (422, vec!["/operations/2/entry/translations"]));
    assert!(service.rows().await == before);
    assert_eq!(service.trail().await.len(), lines);
}

#[tokio::test]
async fn an_upsert_finds_its_entry_by_source_and_leaves_what_it_does_not_name() {
    let service = TestApp::start().await;
    let operations: Vec<Value> = (0..450).map(|id| upsert(from(id))).collect();
    let first = bulk(&service, TOPICS, As::Editor, operations.clone().into()).await;
    assert_eq!(counts(&first), [450, 0, 0, 0, 0, 0], "{}", first.text);
    let before = service.rows().await;
    let second = bulk(&service, TOPICS, As::Editor, operations.into()).await;
    assert_eq!(counts(&second), [0, 0, 450, 0, 0, 0]);
    assert_eq!(second.body["applied"], false, "nothing was to be done");
    assert!(service.rows().await == before);
    let change = json!({ "notation": "1", "slug": "baska-ad" });
    crate::editing::edit(&service, "/v1/topics/konu-7", change).await;
    let mut changed = from(7);
    changed["translations"]["tr"]["label"] = "Yeni ad".into();
    let third = bulk(&service, TOPICS, As::Editor, json!([upsert(changed), upsert(from(450))])).await;
    assert_eq!(counts(&third), [1, 1, 0, 0, 0, 0]);
    let shown = service.get("/v1/topics/baska-ad", As::Editor).await;
    assert_eq!((&shown.body["label"], &shown.body["notation"]), (&json!("Yeni ad"), &json!("1")));
    let nameless = json!([upsert(json!({ "translations": { "tr": { "label": "A" } } }))]);
    let refused = bulk(&service, TOPICS, As::Editor, nameless).await;
    assert_eq!(refused.places(), ["/operations/0/entry/source"]);
}

#[tokio::test]
async fn an_entry_is_named_once() {
    let service = TestApp::start().await;
    let made = service.post("/v1/topics", As::Editor, topic("var")).await;
    let id = made.body["id"].as_str().unwrap();
    let update = |id: &str| json!({ "op": "update", "id": id, "version": 1, "patch": { "notation": "1" } });
    let mut twin = from(1);
    twin["slug"] = "ikiz".into();
    for (first, second, place) in [
        (update("var"), update("var"), "/operations/1/id"),
        (update("var"), update(id), "/operations/1/id"),
        (update(id), json!({ "op": "trash", "id": "var", "version": 1 }), "/operations/1/id"),
        (create(topic("a")), create(topic("a")), "/operations/1/entry/slug"),
        (create(topic("a")), update("a"), "/operations/1/id"),
        (upsert(from(1)), upsert(twin), "/operations/1/entry/source/id"),
        (update("var"), upsert(topic("var")), "/operations/1/entry/slug"),
        (update(id), upsert(topic("var")), "/operations/1/entry"),
        (create(json!({ "translations": { "tr": { "label": "Ad" } } })), update("ad"), "/operations/1/id"),
    ] {
        let before = service.rows().await;
        let answer = bulk(&service, TOPICS, As::Editor, json!([first, second])).await;
        assert_eq!((answer.status.as_u16(), answer.places()), (422, vec![place]), "{first} {second}");
        assert_eq!(answer.body["errors"][0]["code"], "repeated", "{first} {second}");
        assert!(service.rows().await == before);
    }
}

#[tokio::test]
async fn slugs_are_made_that_nobody_has() {
    let service = TestApp::start().await;
    service.post("/v1/topics", As::Editor, topic("ayni-ad")).await;
    let same = || create(json!({ "translations": { "tr": { "label": "Aynı ad" } } }));
    let operations = json!([same(), same(), create(topic("ayni-ad-3")), same()]);
    let answer = bulk(&service, TOPICS, As::Editor, operations).await;
    let slugs: Vec<&str> = answer.body["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| result["slug"].as_str().unwrap())
        .collect();
    assert_eq!(slugs, ["ayni-ad-2", "ayni-ad-4", "ayni-ad-3", "ayni-ad-5"]);
}

#[tokio::test]
async fn authors_do_in_bulk_what_they_may_do_and_no_more() {
    let service = TestApp::start().await;
    let publication = |slug: &str| {
        let mut body = app::publication(slug);
        body["slug"] = slug.into();
        body
    };
    service.post("/v1/publications", As::Author, publication("benim")).await;
    service.post("/v1/publications", As::Author, publication("benim-iki")).await;
    service.post("/v1/publications", As::Editor, publication("gizli")).await;
    service.published("publications", publication("acik")).await;
    let update = |id: &str| json!({ "op": "update", "id": id, "version": 1, "patch": { "number": "1" } });
    let before = service.rows().await;
    for (operation, code) in [
        (update("gizli"), "not-found"),
        (update("yok"), "not-found"),
        (json!({ "op": "trash", "id": "gizli", "version": 1 }), "not-found"),
        (json!({ "op": "transition", "id": "gizli", "to": "published" }), "not-found"),
        (json!({ "op": "update", "id": "acik", "version": 2, "patch": { "number": "1" } }), "forbidden"),
        (json!({ "op": "trash", "id": "acik", "version": 2 }), "forbidden"),
        (json!({ "op": "transition", "id": "benim", "to": "published" }), "forbidden"),
        (upsert(publication("gizli")), "invalid"),
        (upsert(publication("acik")), "forbidden"),
        (create(json!({ "translations": { "tr": { "title": "A" } }, "cites": ["gizli"] })), "invalid"),
    ] {
        let operations = json!([update("benim-iki"), operation]);
        let answer = bulk(&service, PUBLICATIONS, As::Author, operations.clone()).await;
        assert_eq!(answer.status, 422, "{operation}: {}", answer.text);
        assert!(
            answer.places().iter().all(|place| place.starts_with("/operations/1/")),
            "{:?}",
            answer.places()
        );
        let dry = json!({ "mode": "per_item", "dry_run": true, "operations": operations });
        let answer = service.post(PUBLICATIONS, As::Author, dry).await;
        assert_eq!(problems(&answer)[0].1, code, "{operation}");
        assert!(service.rows().await == before, "{operation}");
    }
    // What is somebody else's is told exactly as what is not there.
    let told = async |id: &str| {
        let answer = bulk(&service, PUBLICATIONS, As::Author, json!([update(id)])).await;
        answer.text.replace(answer.header("x-request-id"), "")
    };
    assert_eq!(told("gizli").await, told("yok").await);
    let operations = json!([
        update("benim"),
        { "op": "trash", "id": "benim-iki", "version": 1 },
        create(publication("yeni")),
        upsert(publication("daha-yeni")),
        create(json!({ "translations": { "tr": { "title": "B" } }, "cites": ["daha-yeni", "acik"] })),
    ]);
    let answer = bulk(&service, PUBLICATIONS, As::Author, operations).await;
    assert_eq!(counts(&answer), [3, 1, 0, 0, 1, 0], "{}", answer.text);
    for who in [As::Viewer, As::Publishable, As::Partner] {
        let answer = bulk(&service, PUBLICATIONS, who, json!([create(publication("z"))])).await;
        assert_eq!(answer.status, 403);
    }
    let key = As::Bearer(service.key(KeyType::Secret, vec![Scope::ContentWrite]).await);
    let answer = bulk(&service, PUBLICATIONS, key, json!([create(publication("anahtar"))])).await;
    assert_eq!(counts(&answer), [1, 0, 0, 0, 0, 0], "{}", answer.text);
}

#[tokio::test]
async fn versions_are_asked_for_and_compared() {
    let service = TestApp::start().await;
    for slug in ["a", "b", "c"] {
        service.post("/v1/topics", As::Editor, topic(slug)).await;
    }
    let operations = json!([
        { "op": "update", "id": "a", "patch": { "notation": "1" } },
        { "op": "trash", "id": "b" },
        { "op": "transition", "id": "c", "to": "published", "version": 2 },
    ]);
    let answer = per_item(&service, TOPICS, As::Editor, operations).await;
    let codes: Vec<_> = problems(&answer).into_iter().map(|(_, code, places)| (code, places)).collect();
    let required = ("precondition-required", vec!["/version"]);
    assert_eq!(codes, [required.clone(), required, ("precondition-failed", vec!["/version"])]);
    assert_eq!(outcomes(&answer), [(428, "failed"), (428, "failed"), (412, "failed")]);
    assert_eq!(answer.body["applied"], false);
}

#[tokio::test]
async fn what_a_published_entry_needs_is_asked_for() {
    let service = TestApp::start().await;
    service
        .post(
            "/v1/publications",
            As::Editor,
            json!({ "slug": "a", "translations": { "tr": { "title": "A" } } }),
        )
        .await;
    let operations = json!([
        { "op": "transition", "id": "a", "to": "published" },
    ]);
    let answer = bulk(&service, PUBLICATIONS, As::Editor, operations).await;
    assert_eq!(answer.places(), ["/operations/0/to"; 4]);
    assert!(answer.body["errors"][0]["detail"].as_str().unwrap().starts_with("`/type`: "));
    let path = service.published("publications", app::publication("B")).await;
    let id = path.rsplit('/').next().unwrap();
    let gone = json!([{ "op": "update", "id": id, "version": 2, "patch": { "issued": null } }]);
    assert_eq!(bulk(&service, PUBLICATIONS, As::Editor, gone).await.places(), ["/operations/0/patch/issued"]);
    let again = json!([{ "op": "transition", "id": id, "to": "published" }]);
    let again = per_item(&service, PUBLICATIONS, As::Editor, again).await;
    assert_eq!(problems(&again), [(0, "conflict", vec!["/to"])]);
}

#[tokio::test]
async fn a_request_is_held_against_its_own_rules() {
    let service = TestApp::start().await;
    service.credential(As::Editor).await;
    let before = service.rows().await;
    let many: Vec<Value> = (0..10_001).map(|_| json!(0)).collect();
    for (body, places) in [
        (json!({}), vec!["/operations"]),
        (json!({ "operations": [] }), vec!["/operations"]),
        (json!({ "operations": {} }), vec!["/operations"]),
        (json!({ "operations": many }), vec!["/operations"]),
        (
            json!({ "operations": [0], "mode": "some", "dry_run": 1, "x": [] }),
            vec!["/x", "/mode", "/dry_run"],
        ),
        (json!([]), vec![""]),
        (json!("x"), vec![""]),
    ] {
        let answer = service.post(TOPICS, As::Editor, body).await;
        assert_eq!((answer.status.as_u16(), answer.places()), (422, places));
    }
    let send = async |body: &str, media_type: &str, path: &str| {
        let headers = [("content-type", media_type)];
        let answer = service.send_bytes(Method::POST, path, As::Editor, &headers, body.to_owned()).await;
        (answer.status.as_u16(), answer.code().to_owned())
    };
    let malformed = (400, "malformed-body".to_owned());
    for body in [
        "",
        "{",
        "{\"operations\": [}",
        "{\"mode\":\"atomic\",\"mode\":\"atomic\",\"operations\":[0]}",
        "{} {}",
    ] {
        assert_eq!(send(body, "application/json", TOPICS).await, malformed, "{body}");
    }
    let deep = format!("{{\"operations\": [{}{}]}}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(send(&deep, "application/json", TOPICS).await.0, 422);
    let large = format!("{{\"operations\": [\"{}\"]}}", "x".repeat(300 * 1024));
    assert_eq!(send(&large, "application/json", TOPICS).await.0, 422);
    let huge = "x".repeat(16 * 1024 * 1024 + 1);
    assert_eq!(send(&huge, "application/json", TOPICS).await, (413, "payload-too-large".to_owned()));
    assert_eq!(send("{}", "text/plain", TOPICS).await, (415, "unsupported-media-type".to_owned()));
    let with_query = format!("{TOPICS}?mode=per_item");
    assert_eq!(send("{}", "application/json", &with_query).await, (400, "invalid-parameter".to_owned()));
    // A name given twice in one operation is a mistake of that operation.
    let twice = r#"{"operations": [{"op": "trash", "op": "trash", "id": "a"}]}"#;
    assert_eq!(send(twice, "application/json", TOPICS).await.0, 422);
    assert!(service.rows().await == before);
}

#[tokio::test]
async fn lines_and_tables_are_upserts() {
    let service = TestApp::start().await;
    service.credential(As::Author).await;
    let send = async |body: &str, media_type: &str, path: &str| {
        let headers = [("content-type", media_type)];
        service.send_bytes(Method::POST, path, As::Editor, &headers, body.to_owned()).await
    };
    let lines = "{\"slug\":\"a\",\"state\":\"published\",\"translations\":{\"tr\":{\"label\":\"A\"}}}\n\n{\"slug\":\"b\",\"broader\":\"a\",\"translations\":{\"tr\":{\"label\":\"B\"}}}\n";
    let answer = send(lines, "application/x-ndjson", TOPICS).await;
    assert_eq!(counts(&answer), [2, 0, 0, 0, 0, 0], "{}", answer.text);
    assert_eq!(service.get("/v1/topics", As::Publishable).await.slugs(), ["a"]);
    let table = "slug;Etiket (tr);Üst konu\r\nb;\"Bé; \"\"B\"\"\";\r\nc;C;b\r\n";
    let answer = send(table, "text/csv", TOPICS).await;
    assert_eq!(counts(&answer), [1, 1, 0, 0, 0, 0], "{}", answer.text);
    let shown = service.get("/v1/topics/b", As::Editor).await;
    assert_eq!((&shown.body["label"], &shown.body["broader"]), (&json!("Bé; \"B\""), &Value::Null));
    let before = service.rows().await;
    let dry =
        send("slug,notation\nc,1\n", "text/csv; charset=utf-8", &format!("{TOPICS}?dry_run=true")).await;
    assert_eq!((counts(&dry), service.rows().await == before), ([0, 1, 0, 0, 0, 0], true));
    let bad = send("slug;position\nc;1\nd;üç\n", "text/csv", TOPICS).await;
    assert_eq!((bad.status.as_u16(), bad.places()), (422, vec!["/operations/1/entry/position"]));
    assert_eq!(bad.body["errors"][0]["detail"], "line 3, column `position`: wanted: a whole number");
    let unknown = send("slug;etikett\n", "text/csv", TOPICS).await;
    assert_eq!(unknown.status, 422);
    let detail = unknown.body["errors"][0]["detail"].as_str().unwrap();
    assert_eq!(detail, "the column `etikett` is not known; the nearest is `label_tr`");
    // A state is a transition, with its rights and ways.
    let state = "slug,state\nc,archived\n";
    assert_eq!(send(state, "text/csv", TOPICS).await.places(), ["/operations/0/entry/state"]);
    let headers = [("content-type", "text/csv")];
    let author = service
        .send_bytes(Method::POST, TOPICS, As::Author, &headers, "slug,label_tr,state\nz,Z,published\n")
        .await;
    assert_eq!(author.places(), ["/operations/0/entry/state"]);
    assert!(service.rows().await == before);
}

#[tokio::test]
async fn parallel_requests_about_the_same_entries_lose_nothing() {
    let service = TestApp::start().await;
    let made = bulk(&service, TOPICS, As::Editor, (0..50).map(|id| upsert(from(id))).collect()).await;
    assert_eq!(counts(&made)[0], 50);
    let update = |number: usize, notation: &str| json!({ "op": "update", "id": format!("konu-{number}"), "version": 1, "patch": { "notation": notation } });
    let one: Value = (0..50).map(|number| update(number, "1")).collect();
    let two: Value = (0..50).rev().map(|number| update(number, "2")).collect();
    let (one, two) =
        tokio::join!(bulk(&service, TOPICS, As::Editor, one), bulk(&service, TOPICS, As::Editor, two));
    let mut statuses = [one.status.as_u16(), two.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 422], "{} {}", one.text, two.text);
}
