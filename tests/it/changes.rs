//! The change log: whoever follows it has what there is, nothing else, and learns of nothing else.

mod dependents;
mod stream;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use sogep::{
    auth::{Caller, Scope},
    editorial::{
        Draft, history,
        store::{self, Before, Write},
        workflow::Stage,
    },
    entity::vocabulary::{KeyType, State},
    http::cursor::Mark,
    topics::Topic,
};

use crate::{
    app::{Answer, As, TestApp, event, partner, person, practice, project, publication, topic},
    editing::{edit, send_to, trash},
    reading::{COLLECTIONS, walk},
};

/// A key that follows what is public.
pub async fn public(service: &TestApp) -> As {
    let scopes = vec![Scope::ContentRead, Scope::ChangesRead];
    As::Bearer(service.key(KeyType::Secret, scopes).await)
}

/// A key that follows what is for partners, too.
pub async fn partners(service: &TestApp) -> As {
    let scopes = vec![Scope::ContentReadPartners, Scope::ChangesRead];
    As::Bearer(service.key(KeyType::Secret, scopes).await)
}

/// One page of the log.
async fn page(service: &TestApp, who: &As, query: &str) -> Answer {
    let answer = service.get(&format!("/v1/changes?{query}"), who.clone()).await;
    assert_eq!(answer.status, 200, "{query}: {}", answer.text);
    answer
}

fn cursor(page: &Answer) -> String {
    page.body["page"]["next_cursor"].as_str().unwrap().to_owned()
}

/// Everything after `after`, in pages of `limit`, and the place where it ends.
pub async fn follow(service: &TestApp, who: &As, after: Option<&str>, limit: u64) -> (Vec<Value>, String) {
    let (mut changes, mut place) = (Vec::new(), after.map(str::to_owned));
    loop {
        let after = place.map(|place| format!("&after={place}")).unwrap_or_default();
        let page = page(service, who, &format!("limit={limit}{after}")).await;
        let data = page.body["data"].as_array().unwrap();
        assert!(data.len() as u64 <= limit);
        changes.extend(data.iter().cloned());
        let more = page.body["page"]["more"] == true;
        assert!(!more || data.len() as u64 == limit);
        place = Some(cursor(&page));
        if !more {
            return (changes, cursor(&page));
        }
    }
}

/// What each change says: slug, what happened, whether there is an entry.
fn told(changes: &[Value]) -> Vec<(&str, &str, bool)> {
    changes
        .iter()
        .map(|change| {
            let slug = change["slug"].as_str().unwrap_or("-");
            (slug, change["change"].as_str().unwrap(), !change["entry"].is_null())
        })
        .collect()
}

#[tokio::test]
async fn from_the_beginning_it_is_what_there_is() {
    let service = TestApp::with_demo().await;
    let hidden = service.published("publications", publication("Geri çekilen")).await;
    assert_eq!(send_to(&service, &hidden, As::Editor, "archived").await.status, 200);
    let mut body = publication("İçeride");
    body["visibility"] = "internal".into();
    service.published("publications", body).await;
    for who in [public(&service).await, partners(&service).await, As::Editor] {
        let (changes, _) = follow(&service, &who, None, 7).await;
        let ids: BTreeSet<&str> = changes.iter().map(|change| change["id"].as_str().unwrap()).collect();
        assert_eq!(ids.len(), changes.len(), "each entry comes once");
        let mut mirror: BTreeMap<(String, String), Value> = BTreeMap::new();
        for change in changes.iter().filter(|change| !change["entry"].is_null()) {
            let text = |name: &str| change[name].as_str().unwrap().to_owned();
            for name in ["kind", "id", "slug"] {
                assert_eq!(change["entry"][name], change[name]);
            }
            mirror.insert((text("kind"), text("id")), change["entry"].clone());
        }
        let tombstones = changes.len() - mirror.len();
        assert_eq!(tombstones, 1, "{:?}", told(&changes));
        let reader = if who == As::Editor { As::Viewer } else { who.clone() };
        let mut listed = 0;
        for collection in COLLECTIONS {
            for summary in walk(&service, &format!("/v1/{collection}?limit=100"), reader.clone()).await {
                let id = summary["id"].as_str().unwrap();
                let item = service.get(&format!("/v1/{collection}/{id}"), reader.clone()).await.body;
                same(&item, &mirror[&(item["kind"].as_str().unwrap().to_owned(), id.to_owned())]);
                listed += 1;
            }
        }
        let profile = service.get("/v1/organisation", reader).await.body;
        same(&profile, &mirror[&("organisation".to_owned(), profile["id"].as_str().unwrap().to_owned())]);
        assert_eq!(mirror.len(), listed + 1, "nothing that is not to be seen");
        assert!(listed > 40, "{listed}");
    }
}

/// Compares an item with what the log tells of it: the same, with the texts of all languages.
fn same(item: &Value, told: &Value) {
    let (mut item, mut told) = (item.clone(), told.clone());
    let languages: Vec<String> = serde_json::from_value(item["translations"].take()).unwrap();
    let texts: BTreeMap<String, Value> = serde_json::from_value(told["translations"].take()).unwrap();
    assert_eq!(languages, texts.into_keys().collect::<Vec<_>>());
    assert_eq!(item, told);
}

#[tokio::test]
async fn what_is_no_more_leaves_a_tombstone_and_nothing_else() {
    let service = TestApp::start().await;
    let who = public(&service).await;
    let start = follow(&service, &who, None, 100).await.1;
    let report = service.published("publications", publication("Gizli anlatı")).await;
    let leaflet = service.published("publications", publication("Broşür")).await;
    let aylin = service.published("people", person("Aylin Kanarya", &["name", "biography"])).await;
    let gone = service.published("people", person("Sevgi Kanarya", &["name"])).await;
    let (changes, place) = follow(&service, &who, Some(&start), 100).await;
    assert_eq!(
        told(&changes),
        [
            ("gizli-anlati", "published", true),
            ("brosur", "published", true),
            ("aylin-kanarya", "published", true),
            ("sevgi-kanarya", "published", true),
        ]
    );
    assert!(changes[2]["entry"]["consent"].is_null(), "what a person agreed to is for those who write");
    // What was told before the withdrawal is not told again.
    assert_eq!(
        edit(&service, &report, json!({ "slug": "gizli-ad", "visibility": "internal" })).await.status,
        200
    );
    trash(&service, &leaflet).await;
    let withdrawn = json!({ "consent": { "withdrawn_at": "2026-03-01T00:00:00Z" } });
    assert_eq!(edit(&service, &aylin, withdrawn).await.status, 200);
    trash(&service, &gone).await;
    for from in [&place, &start] {
        let (changes, _) = follow(&service, &who, Some(from), 100).await;
        assert_eq!(
            told(&changes),
            [
                ("gizli-anlati", "unpublished", false),
                ("brosur", "deleted", false),
                ("-", "unpublished", false),
                ("-", "deleted", false),
            ]
        );
        for change in &changes {
            let names: Vec<&String> = change.as_object().unwrap().keys().collect();
            assert_eq!(names, ["kind", "id", "slug", "change", "at", "entry"]);
        }
        let text = serde_json::to_string(&changes).unwrap();
        for canary in ["kanarya", "Kanarya", "gizli-ad", "Gizli"] {
            assert!(!text.contains(canary), "{canary} in {text}");
        }
    }
}

#[tokio::test]
async fn everybody_hears_of_what_they_may_see_and_of_nothing_else() {
    let service = TestApp::start().await;
    let readers = [public(&service).await, partners(&service).await, As::Editor];
    let mut places = Vec::new();
    for who in &readers {
        places.push(follow(&service, who, None, 100).await.1);
    }
    let path = service.post("/v1/publications", As::Author, publication("Rapor")).await;
    let path = path.header("location").to_owned();
    let steps: [(&str, Value, [Option<&str>; 3]); 10] = [
        ("a draft is changed", json!({ "pages": "1" }), [None, None, None]),
        ("published", json!("published"), [Some("published"); 3]),
        ("changed", json!({ "pages": "2" }), [Some("updated"); 3]),
        (
            "for partners",
            json!({ "visibility": "partners" }),
            [Some("unpublished"), Some("updated"), Some("updated")],
        ),
        ("changed there", json!({ "pages": "3" }), [None, Some("updated"), Some("updated")]),
        ("internal", json!({ "visibility": "internal" }), [None, Some("unpublished"), Some("updated")]),
        ("changed there", json!({ "pages": "4" }), [None, None, Some("updated")]),
        ("for all", json!({ "visibility": "public" }), [Some("published"); 3]),
        ("archived", json!("archived"), [Some("unpublished"); 3]),
        ("changed there", json!({ "pages": "5" }), [None, None, None]),
    ];
    for (step, act, expected) in steps {
        let done = match act.as_str() {
            Some(state) => send_to(&service, &path, As::Editor, state).await,
            None => edit(&service, &path, act).await,
        };
        assert_eq!(done.status, 200, "{step}: {}", done.text);
        for ((who, place), expected) in readers.iter().zip(&mut places).zip(expected) {
            let before = place.clone();
            let (changes, end) = follow(&service, who, Some(place), 100).await;
            let happened: Vec<&str> =
                changes.iter().map(|change| change["change"].as_str().unwrap()).collect();
            assert_eq!(happened, expected.into_iter().collect::<Vec<_>>(), "{step}: {who:?}");
            assert_eq!(before == end, expected.is_none(), "{step}: the cursor tells of what was not told");
            *place = end;
        }
    }
    // Nor does asking again show that others have heard something.
    let first = page(&service, &readers[0], &format!("after={}", places[0])).await;
    edit(&service, &path, json!({ "pages": "6" })).await;
    let second = page(&service, &readers[0], &format!("after={}", places[0])).await;
    assert_eq!((&first.text, first.etag()), (&second.text, second.etag()));
    let headers = [("if-none-match", first.etag())];
    let address = format!("/v1/changes?after={}", places[0]);
    let known = service.send(axum::http::Method::GET, &address, readers[0].clone(), &headers, None).await;
    assert_eq!(known.status, 304);
    assert_eq!(first.header("cache-control"), "private, no-store");
}

#[tokio::test]
async fn who_may_not_follow_is_told_so() {
    let service = TestApp::start().await;
    let key = async |scopes: &[Scope]| As::Bearer(service.key(KeyType::Secret, scopes.to_vec()).await);
    for (who, status) in [
        (As::Nobody, 401),
        (As::Publishable, 403),
        (As::Partner, 403),
        (As::Viewer, 403),
        (As::Author, 403),
        (As::Editor, 200),
        (key(&[Scope::ChangesRead]).await, 403),
        (key(&[Scope::ContentPublish]).await, 403),
        (key(&[Scope::ContentPublish, Scope::ChangesRead]).await, 200),
    ] {
        for path in ["/v1/changes", "/v1/changes/stream"] {
            assert_eq!(service.get(path, who.clone()).await.status, status, "{path} {who:?}");
        }
    }
}

#[tokio::test]
async fn an_entry_comes_once_where_it_changed_last_and_reading_goes_on_anywhere() {
    let service = TestApp::start().await;
    let who = public(&service).await;
    let start = follow(&service, &who, None, 100).await.1;
    let mut paths = Vec::new();
    for title in ["Bir", "İki", "Üç", "Dört"] {
        paths.push(service.published("topics", topic(title)).await);
    }
    edit(&service, &paths[0], json!({ "position": 5 })).await;
    edit(&service, &paths[2], json!({ "position": 5 })).await;
    edit(&service, &paths[0], json!({ "position": 6 })).await;
    let (all, end) = follow(&service, &who, Some(&start), 100).await;
    let expected = [
        ("iki", "published", true),
        ("dort", "published", true),
        ("uc", "updated", true),
        ("bir", "updated", true),
    ];
    assert_eq!(told(&all), expected);
    for limit in 1..5 {
        assert_eq!(follow(&service, &who, Some(&start), limit).await, (all.clone(), end.clone()), "{limit}");
    }
    // Whoever stands between two lines goes on from there, and nothing is lost when one of them moves.
    let first = page(&service, &who, &format!("after={start}&limit=2")).await;
    edit(&service, &paths[1], json!({ "position": 7 })).await;
    edit(&service, &paths[2], json!({ "position": 7 })).await;
    let (rest, _) = follow(&service, &who, Some(&cursor(&first)), 1).await;
    assert_eq!(told(&rest), [("bir", "updated", true), ("iki", "updated", true), ("uc", "updated", true)]);
}

#[tokio::test]
async fn a_cursor_is_good_for_the_same_feed_whoever_reads_it() {
    let service = TestApp::start().await;
    let (who, other) = (public(&service).await, public(&service).await);
    service.published("topics", topic("Bakım")).await;
    let place = follow(&service, &who, None, 100).await.1;
    assert_eq!(follow(&service, &other, Some(&place), 100).await, (Vec::new(), place.clone()));
    let of_topics = cursor(&page(&service, &who, "kind=topic").await);
    let same = page(&service, &who, &format!("kind=topic,topic&after={of_topics}")).await;
    assert_eq!(cursor(&same), of_topics);
    let beyond = |log: &str| Mark(1_000_000).seal(service.app.secrets.cursor_key(), log);
    for (who, query) in [
        (&who, format!("kind=topic&after={place}")),
        (&who, format!("after={of_topics}")),
        (&As::Editor, format!("after={place}")),
        (&partners(&service).await, format!("after={place}")),
        (&who, "after=".to_owned()),
        (&who, "after=AAAA".to_owned()),
        (&who, format!("after={}", beyond("changes|Some(Public)|[]"))),
    ] {
        for path in ["/v1/changes", "/v1/changes/stream"] {
            let answer = service.get(&format!("{path}?{query}"), who.clone()).await;
            assert_eq!(
                (answer.status.as_u16(), answer.places()),
                (400, vec!["after"]),
                "{query}: {}",
                answer.text
            );
        }
    }
    for (query, place) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("kind=report", "kind"),
        ("kind=", "kind"),
        ("kind=topic,", "kind"),
        ("kind=topic&kind=person", "kind"),
        ("cursor=x", "cursor"),
    ] {
        let answer = service.get(&format!("/v1/changes?{query}"), who.clone()).await;
        assert_eq!((answer.status.as_u16(), answer.places()), (400, vec![place]), "{query}");
    }
}

#[tokio::test]
async fn only_the_kinds_asked_for_come() {
    let service = TestApp::start().await;
    for (collection, body) in [
        ("topics", topic("A")),
        ("partners", partner("A")),
        ("people", person("A", &["name"])),
        ("projects", project("A")),
        ("events", event("A")),
        ("publications", publication("A")),
        ("practices", practice("A")),
    ] {
        service.published(collection, body).await;
    }
    let who = public(&service).await;
    for (query, expected) in [
        (
            "",
            vec!["organisation", "topic", "partner", "person", "project", "event", "publication", "practice"],
        ),
        ("kind=practice,person", vec!["person", "practice"]),
        ("kind=organisation", vec!["organisation"]),
    ] {
        let page = page(&service, &who, query).await;
        let data = page.body["data"].as_array().unwrap();
        let kinds: Vec<&str> = data.iter().map(|change| change["entry"]["kind"].as_str().unwrap()).collect();
        assert_eq!(kinds, expected, "{query}");
    }
}

#[tokio::test]
async fn a_page_costs_the_same_whatever_it_holds() {
    let service = TestApp::start().await;
    let made = async |from: usize, to: usize| {
        for number in from..to {
            let mut body = publication(&format!("Rapor {number}"));
            let filed = service.published("topics", topic(&format!("Konu {number}"))).await;
            body["topics"] = json!([filed.rsplit('/').next()]);
            let path = service.published("publications", body).await;
            if number % 3 == 0 {
                send_to(&service, &path, As::Editor, "draft").await;
            }
        }
    };
    made(0, 2).await;
    let (few, first) = service.statements(page(&service, &As::Editor, "")).await;
    made(2, 30).await;
    let (many, second) = service.statements(page(&service, &As::Editor, "limit=60")).await;
    assert_eq!(first.body["data"].as_array().unwrap().len(), 5);
    assert_eq!(second.body["data"].as_array().unwrap().len(), 60);
    assert_eq!(few, many);
    assert!(many < 40, "{many}");
}

#[tokio::test]
async fn who_commits_last_comes_last_and_is_not_missed() {
    let service = TestApp::start().await;
    let who = public(&service).await;
    let start = follow(&service, &who, None, 100).await.1;
    let write = |slug: &str| {
        let draft = Draft::<Topic>::read(&json!({
            "slug": slug, "original_locale": "tr", "translations": { "tr": { "label": slug } },
        }));
        Write {
            before: Before::Nothing,
            draft: draft.unwrap(),
            stage: Stage::new(State::Published),
            published_at: None,
            delete: false,
            note: None,
        }
    };
    let app = &service.app;
    if !app.db.is_postgres() {
        // There one writes at a time, so they commit in the order in which they write.
        for slug in ["ikinci", "birinci"] {
            let tx = app.db.begin().await.unwrap();
            store::save(&tx, &app.clock, &Caller::SYSTEM, vec![write(slug)]).await.unwrap();
            history::seal(&tx, app.clock.now(), []).await.unwrap();
            tx.commit().await.unwrap();
        }
        assert_eq!(told(&follow(&service, &who, Some(&start), 1).await.0).len(), 2);
        return;
    }
    let slow = app.db.begin().await.unwrap();
    store::save(&slow, &app.clock, &Caller::SYSTEM, vec![write("birinci")]).await.unwrap();
    let fast = app.db.begin().await.unwrap();
    store::save(&fast, &app.clock, &Caller::SYSTEM, vec![write("ikinci")]).await.unwrap();
    history::seal(&fast, app.clock.now(), []).await.unwrap();
    assert_eq!(follow(&service, &who, Some(&start), 100).await.0, [] as [Value; 0], "not before the commit");
    fast.commit().await.unwrap();
    let (changes, place) = follow(&service, &who, Some(&start), 100).await;
    assert_eq!(told(&changes), [("ikinci", "published", true)]);
    history::seal(&slow, app.clock.now(), []).await.unwrap();
    slow.commit().await.unwrap();
    let (changes, _) = follow(&service, &who, Some(&place), 100).await;
    assert_eq!(told(&changes), [("birinci", "published", true)]);
}
