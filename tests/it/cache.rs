//! Finished answers: sent again only while nothing behind them has changed, and to nobody but those who
//! may have them.

use axum::http::{Method, StatusCode};
use futures_util::future::join_all;
use serde_json::{Value, json};
use sogep::{
    auth::{Caller, Scope},
    cache,
    entity::vocabulary::{AccountRole, KeyType},
    keys::{self, NewKey},
    trail,
};

use crate::{
    app::{Answer, As, TestApp, person, publication, topic},
    editing::{edit, send_to, trash},
};

/// How many statements a read of `path` takes now, and the answer.
async fn asked(service: &TestApp, path: &str, headers: &[(&str, &str)]) -> (usize, Answer) {
    service.counted(service.send(Method::GET, path, As::Publishable, headers, None)).await
}

/// Reads `path` until it is kept, and gives the answer.
async fn kept(service: &TestApp, path: &str) -> Answer {
    // The first one makes the key known.
    service.get(path, As::Publishable).await;
    let made = service.get(path, As::Publishable).await;
    let (statements, sent) = asked(service, path, &[]).await;
    assert_eq!((statements, sent.status), (0, made.status), "{path}: {}", sent.text);
    sent
}

async fn changed(service: &TestApp, path: &str, patch: Value) {
    let answer = edit(service, path, patch).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
}

fn titled(title: &str) -> Value {
    json!({ "translations": { "tr": { "title": title } } })
}

/// The headers that are of one request alone.
const OWN: [&str; 2] = ["x-request-id", "ratelimit"];

fn same(one: &Answer, other: &Answer) {
    assert_eq!((one.status, &one.text), (other.status, &other.text));
    let shared = |answer: &Answer| {
        let mut headers = answer.headers.clone();
        for name in OWN {
            headers.remove(name);
        }
        headers.remove("content-length");
        let mut lines: Vec<String> =
            headers.iter().map(|(name, value)| format!("{name}: {value:?}")).collect();
        lines.sort_unstable();
        lines
    };
    assert_eq!(shared(one), shared(other));
    assert_ne!(one.header("x-request-id"), other.header("x-request-id"));
}

#[tokio::test]
async fn what_was_answered_is_sent_again_without_a_query() {
    let service = TestApp::with_demo().await;
    for path in [
        "/v1/publications/siginaga-erisim-arastirmasi",
        "/v1/publications/siginaga-erisim-arastirmasi?fields=title,authors&include=authors",
        "/v1/publications?topic=siddet&limit=5&count=exact",
        "/v1/publications?facets=topic&q=kad%C4%B1n",
        "/v1/search?q=kad%C4%B1n",
        "/v1/search/suggest?q=kad",
        "/v1/publications/siginaga-erisim-arastirmasi/related",
        "/v1/organisation?locale=en",
        "/v1/vocabularies",
    ] {
        service.get(path, As::Publishable).await;
        service.app.cache.clear();
        let made = service.get(path, As::Publishable).await;
        let (statements, sent) = asked(&service, path, &[]).await;
        assert_eq!((statements, sent.status), (0, StatusCode::OK), "{path}: {}", sent.text);
        same(&made, &sent);
        let tag = sent.etag();
        for tags in [tag.to_owned(), format!("W/{tag}"), format!("\"x\", {tag}"), "*".to_owned()] {
            let (statements, known) = asked(&service, path, &[("if-none-match", &tags)]).await;
            assert_eq!((statements, known.status), (0, StatusCode::NOT_MODIFIED), "{path} {tags}");
            assert_eq!((known.etag(), known.text.as_str()), (tag, ""));
            assert!(!known.headers.contains_key("content-type"));
        }
        let (statements, other) = asked(&service, path, &[("if-none-match", "\"x\"")]).await;
        assert_eq!((statements, other.status), (0, StatusCode::OK));
    }
    kept(&service, "/v1/publications?topic=siddet&limit=5&count=exact").await;
    let (statements, sorted) =
        asked(&service, "/v1/publications?count=exact&limit=5&topic=siddet", &[]).await;
    assert_eq!((statements, sorted.status), (0, StatusCode::OK), "the order of parameters does not matter");
}

#[tokio::test]
async fn what_changes_is_changed_in_every_answer_at_once() {
    let service = TestApp::start().await;
    let author = service.published("people", person("Ayşe Yılmaz", &["name"])).await;
    let subject = service.published("topics", topic("Emek")).await;
    let id = |path: &str| path.rsplit('/').next().unwrap().to_owned();
    let (author_id, subject_id) = (id(&author), id(&subject));
    let mut body = publication("Bakım emeği");
    body["authors"] = json!([{ "person": author_id }]);
    body["topics"] = json!([subject_id]);
    let path = service.published("publications", body).await;
    let slug = service.get(&path, As::Publishable).await.body["slug"].as_str().unwrap().to_owned();
    let shows = [
        format!("/v1/publications/{slug}"),
        "/v1/publications".to_owned(),
        format!("/v1/publications?topic={subject_id}"),
        format!("/v1/publications/{slug}?include=authors"),
    ];
    for path in &shows {
        assert!(kept(&service, path).await.text.contains("Ayşe Yılmaz"), "{path}");
    }
    changed(&service, &author, json!({ "name": { "display": "Ayşe Demir" } })).await;
    for path in &shows {
        let answer = service.get(path, As::Publishable).await;
        assert!(
            answer.text.contains("Ayşe Demir") && !answer.text.contains("Yılmaz"),
            "{path}: {}",
            answer.text
        );
        kept(&service, path).await;
    }
    let tags: Vec<String> = join_all(shows.iter().map(|path| kept(&service, path)))
        .await
        .iter()
        .map(|answer| answer.etag().to_owned())
        .collect();
    let compressed = [("accept-encoding", "br")];
    for path in &shows {
        coded(&service, path, "br").await;
    }
    send_to(&service, &path, As::Editor, "archived").await;
    for (path, tag) in shows.iter().zip(&tags) {
        for headers in [&[][..], &compressed, &[("if-none-match", tag.as_str())]] {
            let answer = service.send(Method::GET, path, As::Publishable, headers, None).await;
            assert!(!answer.text.contains("Bakım"), "{path} {headers:?}: {}", answer.text);
            assert_ne!(answer.status, StatusCode::NOT_MODIFIED, "{path} {headers:?}");
            assert!(!answer.headers.contains_key("content-encoding"));
        }
    }
    assert_eq!(service.get(&shows[0], As::Publishable).await.status, StatusCode::NOT_FOUND);
    trash(&service, &author).await;
    assert!(service.get("/v1/people", As::Publishable).await.slugs().is_empty());
}

/// Asks for `path` in the coding `name` until it comes in that.
async fn coded(service: &TestApp, path: &str, name: &str) -> Answer {
    for _ in 0..500 {
        let answer =
            service.send(Method::GET, path, As::Publishable, &[("accept-encoding", name)], None).await;
        if answer.headers.contains_key("content-encoding") {
            return answer;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("{path} does not come in {name}");
}

#[tokio::test]
async fn only_what_changed_is_made_anew() {
    let service = TestApp::start().await;
    let one = service.published("publications", publication("Bir")).await;
    let other = service.published("publications", publication("İki")).await;
    service.published("topics", topic("Emek")).await;
    for path in [&one, "/v1/topics", "/v1/publications", "/v1/vocabularies"] {
        kept(&service, path).await;
    }
    changed(&service, &other, titled("Üç")).await;
    for (path, is_kept) in
        [(one.as_str(), true), ("/v1/topics", true), ("/v1/vocabularies", true), ("/v1/publications", false)]
    {
        let (statements, _) = asked(&service, path, &[]).await;
        assert_eq!(statements == 0, is_kept, "{path}");
    }
    // A draft is nothing to the public.
    kept(&service, "/v1/publications").await;
    assert_eq!(
        service.post("/v1/publications", As::Author, publication("Taslak")).await.status,
        StatusCode::CREATED
    );
    assert_eq!(asked(&service, "/v1/publications", &[]).await.0, 0);
}

#[tokio::test]
async fn many_who_ask_for_what_is_not_there_yet_get_what_is_made_once() {
    let service = TestApp::with_demo().await;
    let path = "/v1/publications?limit=50";
    // However slow this machine is.
    let following = tokio::spawn(cache::follow(service.app.clone()));
    service.get(path, As::Publishable).await;
    let (alone, _) = service.statements(service.get(path, As::Publishable)).await;
    let mut least = usize::MAX;
    // On a machine that is busy elsewhere a process may fail to hear for a moment, and keeps nothing then.
    for _ in 0..10 {
        service.app.cache.clear();
        let all = (0..40).map(|_| service.get(path, As::Publishable));
        let (statements, answers) = service.counted(join_all(all)).await;
        let are_same = |answer: &Answer| answer.status == StatusCode::OK && answer.text == answers[0].text;
        assert!(answers.iter().all(are_same));
        least = least.min(statements);
        if least <= alone {
            break;
        }
    }
    assert!(least <= alone, "{least} statements for 40, {alone} for one");
    following.abort();
    // What cannot be kept is made for each.
    let none = (0..5).map(|_| service.get("/v1/publications/yok", As::Publishable));
    assert!(join_all(none).await.iter().all(|answer| answer.status == StatusCode::NOT_FOUND));
}

#[tokio::test]
async fn a_coding_has_its_own_tag_and_is_the_same_answer() {
    let service = TestApp::with_demo().await;
    let path = "/v1/publications?limit=20";
    let following = tokio::spawn(cache::follow(service.app.clone()));
    let plain = kept(&service, path).await;
    assert!(plain.header("vary").contains("accept-encoding"));
    let mut tags = vec![plain.etag().to_owned()];
    for name in ["br", "gzip"] {
        let answer = coded(&service, path, name).await;
        assert_eq!(answer.header("content-encoding"), name);
        assert!(answer.length < plain.length / 2);
        tags.push(answer.etag().to_owned());
        let (statements, known) =
            asked(&service, path, &[("accept-encoding", name), ("if-none-match", answer.etag())]).await;
        assert_eq!((statements, known.status, known.etag()), (0, StatusCode::NOT_MODIFIED, answer.etag()));
        let refused = format!("{name};q=0");
        let (_, other) = asked(&service, path, &[("accept-encoding", &refused)]).await;
        assert!(!other.headers.contains_key("content-encoding") && other.text == plain.text);
    }
    tags.dedup();
    assert_eq!(tags.len(), 3, "{tags:?}");
    following.abort();
    // Whoever has it in a coding is told so by a process that does not keep it.
    for tag in &tags {
        service.app.cache.clear();
        let editor = service.send(Method::GET, path, As::Publishable, &[("if-none-match", tag)], None).await;
        assert_eq!((editor.status, editor.etag()), (StatusCode::NOT_MODIFIED, tag.as_str()));
    }
}

async fn key(service: &TestApp, origins: &[&str]) -> (uuid::Uuid, As) {
    let new = NewKey {
        r#type: KeyType::Publishable,
        name: "Sayfa".to_owned(),
        scopes: Vec::<Scope>::new(),
        partner: None,
        expires_in_days: 90,
        origins: origins.iter().map(|origin| (*origin).to_owned()).collect(),
        networks: Vec::new(),
    };
    let tx = service.app.db.begin().await.unwrap();
    let (text, row, events) = keys::create(&service.app, &tx, &Caller::SYSTEM, new).await.unwrap();
    trail::record(&tx, service.app.clock.now(), events).await.unwrap();
    tx.commit().await.unwrap();
    (row.id, As::Bearer(text))
}

#[tokio::test]
async fn a_key_opens_kept_answers_as_long_as_it_is_good() {
    let service = TestApp::with_demo().await;
    let path = "/v1/topics";
    kept(&service, path).await;
    let (id, who) = key(&service, &["https://sayfa.example"]).await;
    let ask = async |origin: Option<&str>| {
        let headers: Vec<(&str, &str)> = origin.iter().map(|origin| ("origin", *origin)).collect();
        service.send(Method::GET, path, who.clone(), &headers, None).await
    };
    for _ in 0..2 {
        let right = ask(Some("https://sayfa.example")).await;
        assert_eq!(right.status, StatusCode::OK);
        assert_eq!(right.header("access-control-allow-origin"), "https://sayfa.example");
        assert!(right.header("vary").contains("Origin"));
        assert_eq!(ask(Some("https://baska.example")).await.status, StatusCode::UNAUTHORIZED);
        let program = ask(None).await;
        assert_eq!(program.status, StatusCode::OK);
        assert!(!program.headers.contains_key("access-control-allow-origin"));
    }
    let almost = match &who {
        As::Bearer(text) => As::Bearer(format!("{}x{}", &text[..30], &text[31..])),
        _ => unreachable!(),
    };
    assert_eq!(service.get(path, almost).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(service.get(path, As::Nobody).await.status, StatusCode::UNAUTHORIZED);
    let revoked = service.delete(&format!("/v1/keys/{id}"), As::Admin, "").await;
    assert!(revoked.status.is_success(), "{}", revoked.text);
    assert_eq!(ask(None).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(ask(Some("https://sayfa.example")).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn what_only_some_may_see_is_never_kept() {
    let service = TestApp::start().await;
    let mut hidden = publication("Yalnız paydaşlar için");
    hidden["visibility"] = "partners".into();
    let path = service.published("publications", hidden).await;
    let draft = service.post("/v1/publications", As::Editor, publication("Taslak")).await;
    let draft = draft.header("location").to_owned();
    for who in [As::Editor, As::Partner, As::Viewer, As::Author] {
        for path in [path.as_str(), draft.as_str(), "/v1/publications", "/v1/topics"] {
            service.get(path, who.clone()).await;
            let (statements, answer) = service.counted(service.get(path, who.clone())).await;
            assert!(statements > 0, "{who:?} {path}");
            if answer.status == StatusCode::OK && path != "/v1/topics" {
                assert_eq!(answer.header("cache-control"), "private, no-store");
            }
            let public = service.get(path, As::Publishable).await;
            assert!(!public.text.contains("paydaşlar") && !public.text.contains("Taslak"), "{path}");
        }
    }
    assert_eq!(service.get(&path, As::Partner).await.status, StatusCode::OK);
}

#[tokio::test]
async fn each_language_is_kept_by_itself() {
    let service = TestApp::with_demo().await;
    let path = "/v1/publications/siginaga-erisim-arastirmasi?fallback=none";
    let in_language = async |tag: &str| {
        let answer =
            service.send(Method::GET, path, As::Publishable, &[("accept-language", tag)], None).await;
        (answer.status, answer.header("content-language").to_owned(), answer.text)
    };
    for _ in 0..3 {
        let (turkish, english) = (in_language("tr").await, in_language("en-GB, tr;q=0.5").await);
        assert_eq!((turkish.1.as_str(), turkish.0), ("tr", StatusCode::OK));
        assert_ne!(turkish.2, english.2);
        assert_eq!(in_language("de").await, turkish);
    }
    let named = async |tag: &str| {
        let path = "/v1/organisation?locale=en";
        service.send(Method::GET, path, As::Publishable, &[("accept-language", tag)], None).await.text
    };
    assert_eq!(named("tr").await, named("en").await);
}

#[tokio::test]
async fn kept_answers_are_charged_and_end_with_the_quota() {
    let service = TestApp::with(&[("SOGEP_RATE_LIMIT_READ", "10")]).await;
    let mut left = Vec::new();
    for _ in 0..10 {
        let answer = service.get_from("192.0.2.7", "/v1/topics", As::Publishable, &[]).await;
        assert_eq!(answer.status, StatusCode::OK);
        left.push(answer.header("ratelimit").to_owned());
    }
    assert!(left[0].contains("r=9;") && left[9].contains("r=0;"), "{left:?}");
    let over = service.get_from("192.0.2.7", "/v1/topics", As::Publishable, &[]).await;
    assert_eq!(over.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(over.headers.contains_key("retry-after"));
    let other = service.get_from("192.0.2.8", "/v1/topics", As::Publishable, &[]).await;
    assert_eq!(other.status, StatusCode::OK);
}

#[tokio::test]
async fn open_access_needs_no_key_and_bears_no_wrong_one() {
    let service = TestApp::with(&[("SOGEP_ACCESS", "open")]).await;
    service.published("topics", topic("Emek")).await;
    service.get("/v1/topics", As::Nobody).await;
    let (statements, answer) = service.counted(service.get("/v1/topics", As::Nobody)).await;
    assert_eq!((statements, answer.status), (0, StatusCode::OK));
    let wrong = As::Bearer("sogep_pk_yok".to_owned());
    assert_eq!(service.get("/v1/topics", wrong).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn another_replica_hears_of_changes_and_sends_nothing_kept_while_it_cannot() {
    let service = TestApp::start().await;
    let path = service.published("publications", publication("Bir")).await;
    let replica = service.replica().await;
    kept(&replica, &path).await;
    changed(&service, &path, titled("İki")).await;
    let (statements, answer) = asked(&replica, &path, &[]).await;
    assert!(statements > 0 && answer.text.contains("İki"), "{}", answer.text);
    kept(&replica, &path).await;
    // As a task beside the requests.
    let following = tokio::spawn(cache::follow(replica.app.clone()));
    changed(&service, &path, titled("Üç")).await;
    replica.until("the replica to hear", async || replica.unheard(&path).await.text.contains("Üç")).await;
    following.abort();
    replica.app.db.log().clone().close().await.unwrap();
    replica.app.cache.hearing.catch_up(&replica.app).await;
    assert!(!replica.app.cache.hearing.is_hearing());
    for _ in 0..2 {
        let (statements, answer) = asked(&replica, &path, &[]).await;
        assert!(statements > 0 && answer.status == StatusCode::OK);
    }
}

#[tokio::test]
async fn an_account_that_is_closed_takes_its_keys_along() {
    let service = TestApp::start().await;
    let admin = service.account(AccountRole::Admin).await;
    let body = json!({ "type": "publishable", "name": "Sayfa", "expires_in_days": 30 });
    let made = service.post("/v1/keys", As::Bearer(admin.clone()), body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let who = As::Bearer(made.body["secret"].as_str().unwrap().to_owned());
    for _ in 0..3 {
        assert_eq!(service.get("/v1/topics", who.clone()).await.status, StatusCode::OK);
    }
    let me = service.get("/v1/me", As::Bearer(admin)).await;
    let user = format!("/v1/users/{}", me.body["id"].as_str().unwrap());
    let etag = service.get(&user, As::Owner).await.etag().to_owned();
    let closed = service.patch(&user, As::Owner, &etag, json!({ "disabled": true })).await;
    assert_eq!(closed.status, StatusCode::OK, "{}", closed.text);
    assert_eq!(service.get("/v1/topics", who).await.status, StatusCode::UNAUTHORIZED);
}
