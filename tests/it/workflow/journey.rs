//! Random people do random things to a few entries that refer to each other. Whatever they do: only the
//! ways that there are lead from state to state, no version is lost, and whoever follows the change log
//! holds what readers see, after every step and replayed from the beginning.

use std::collections::{BTreeMap, HashMap};

use axum::http::Method;
use chrono::TimeDelta;
use serde_json::{Value, json};
use sogep::{auth::Scope, entity::vocabulary::KeyType, schedule};

use crate::{
    app::{Answer, As, TestApp, person, publication, topic},
    reading::COLLECTIONS,
};

/// Numbers that look random and are the same every time (splitmix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ (mixed >> 31)) % sides as u64).unwrap()
    }

    fn pick<T: Clone>(&mut self, items: &[T]) -> T {
        items[self.roll(items.len())].clone()
    }
}

/// The ways that there are, and whether authors may take them with their own.
const WAYS: [(&str, &str, bool); 13] = [
    ("draft", "in_review", true),
    ("draft", "scheduled", false),
    ("draft", "published", false),
    ("in_review", "draft", true),
    ("in_review", "scheduled", false),
    ("in_review", "published", false),
    ("scheduled", "draft", false),
    ("scheduled", "scheduled", false),
    ("scheduled", "published", false),
    ("published", "draft", false),
    ("published", "published", false),
    ("published", "archived", false),
    ("archived", "draft", false),
];

/// A copy that follows the log, and whose eyes it sees with.
struct Follower {
    reader: As,
    key: As,
    after: Option<String>,
    entries: HashMap<String, Value>,
}

impl Follower {
    async fn new(service: &TestApp, reader: As, scopes: &[Scope]) -> Self {
        let scopes = [scopes, &[Scope::ChangesRead]].concat();
        let key = As::Bearer(service.key(KeyType::Secret, scopes).await);
        Self { reader, key, after: None, entries: HashMap::new() }
    }

    /// Reads on to the end of the log.
    async fn catch_up(&mut self, service: &TestApp) {
        loop {
            let after = self.after.as_ref().map(|after| format!("&after={after}")).unwrap_or_default();
            let page = service.get(&format!("/v1/changes?limit=7{after}"), self.key.clone()).await;
            assert_eq!(page.status, 200, "{}", page.text);
            for line in page.body["data"].as_array().unwrap() {
                let id = line["id"].as_str().unwrap().to_owned();
                if line["entry"].is_null() {
                    let names: Vec<&str> = line.as_object().unwrap().keys().map(String::as_str).collect();
                    assert_eq!(names, ["kind", "id", "slug", "change", "at", "entry"], "nothing else");
                    assert!(line["kind"] != "person" || line["slug"].is_null(), "a name: {line}");
                    self.entries.remove(&id);
                } else {
                    assert_eq!(line["entry"]["state"], "published", "{line}");
                    self.entries.insert(id, line["entry"].clone());
                }
            }
            self.after = Some(page.body["page"]["next_cursor"].as_str().unwrap().to_owned());
            if page.body["page"]["more"] == false {
                return;
            }
        }
    }

    /// Fails unless the copy is what the lists show.
    async fn compare(&self, service: &TestApp, step: &str) {
        let mut copy: BTreeMap<&String, &Value> = self.entries.iter().collect();
        copy.retain(|_, entry| entry["kind"] != "organisation");
        for collection in COLLECTIONS {
            let list = service.get(&format!("/v1/{collection}?limit=100"), self.reader.clone()).await;
            for shown in list.body["data"].as_array().unwrap() {
                let id = shown["id"].as_str().unwrap().to_owned();
                let copied = copy.remove(&id).unwrap_or_else(|| panic!("{step}: {shown} is missing"));
                for (name, value) in shown.as_object().unwrap() {
                    if name != "translations" {
                        assert_eq!(&copied[name], value, "{step}: {name} of {id}");
                    }
                }
            }
        }
        assert!(copy.is_empty(), "{step}: {:?} should be gone", copy.values().collect::<Vec<_>>());
    }
}

/// What is known of an entry: where it is, and its versions so far.
struct Known {
    path: String,
    author: As,
    versions: Vec<Value>,
}

struct Journey {
    service: TestApp,
    dice: Dice,
    known: Vec<Known>,
    accepted: usize,
    refused: usize,
    jumps: usize,
}

const PEOPLE: [As; 3] = [As::Author, As::Editor, As::Admin];

impl Journey {
    fn somebody(&mut self) -> As {
        self.dice.pick(&PEOPLE)
    }

    fn slug(&mut self, collection: &str) -> Vec<String> {
        let of_kind: Vec<&Known> =
            self.known.iter().filter(|known| known.path.starts_with(&format!("/v1/{collection}/"))).collect();
        if of_kind.is_empty() {
            return Vec::new();
        }
        let chosen = of_kind[self.dice.roll(of_kind.len())].path.rsplit('/').next().unwrap().to_owned();
        vec![chosen]
    }

    async fn create(&mut self) -> Answer {
        let (who, number) = (self.somebody(), self.known.len());
        let collection = self.dice.pick(&["topics", "people", "publications"]);
        let mut body = match collection {
            "topics" => topic(&format!("Konu {number}")),
            "people" => person(&format!("Kişi {number}"), &["name"]),
            _ => publication(&format!("Rapor {number}")),
        };
        body["visibility"] = self.dice.pick(&["public", "public", "partners", "internal"]).into();
        if collection == "publications" {
            body["topics"] = json!(self.slug("topics"));
            let people = self.slug("people");
            body["authors"] = people.iter().map(|id| json!({ "name": "Basılı", "person": id })).collect();
        }
        let made = self.service.post(&format!("/v1/{collection}"), who.clone(), body).await;
        if made.status == 201 {
            let path = format!("/v1/{collection}/{}", made.body["id"].as_str().unwrap());
            self.known.push(Known { path, author: who, versions: Vec::new() });
        }
        made
    }

    async fn edit(&mut self, path: &str) -> Answer {
        let who = self.somebody();
        let number = self.dice.roll(1000);
        let patch = match (self.dice.roll(6), path.split('/').nth(2).unwrap()) {
            (0, _) => json!({ "slug": format!("adres-{number}") }),
            (1, _) => json!({ "visibility": self.dice.pick(&["public", "partners", "internal"]) }),
            (2, "people") => {
                json!({ "consent": { "withdrawn_at": self.dice.pick(&[json!("2026-03-08T08:00:00Z"), Value::Null]) } })
            }
            (_, "people") => json!({ "name": { "display": format!("Kişi {number}") } }),
            (2, "publications") => json!({ "topics": self.slug("topics") }),
            (_, "topics") => json!({ "translations": { "tr": { "label": format!("Konu {number}") } } }),
            _ => json!({ "translations": { "tr": { "title": format!("Rapor {number}") } } }),
        };
        let query = self.dice.pick(&["", "", "?draft=true"]);
        let etag = self.service.get(&format!("{path}{query}"), As::Admin).await.etag_or("\"1.x\"");
        self.service.patch(&format!("{path}{query}"), who, &etag, patch).await
    }

    async fn move_on(&mut self, path: &str) -> Answer {
        let who = self.somebody();
        let before = self.service.get(path, As::Admin).await;
        let to = self.dice.pick(&["draft", "in_review", "scheduled", "published", "published", "archived"]);
        let mut body = json!({ "to": to, "note": "Neden" });
        let soon = |minutes: usize| {
            let at = self.service.app.clock.now() + TimeDelta::minutes(i64::try_from(minutes).unwrap());
            at.to_rfc3339()
        };
        if to == "scheduled" || (to == "archived" && self.dice.roll(2) == 0) {
            body["at"] = soon(1 + self.dice.roll(20)).into();
        }
        let sent = self.service.post(&format!("{path}/transitions"), who.clone(), body.clone()).await;
        let from = before.body["state"].as_str().unwrap_or_default();
        let way = WAYS.iter().find(|(start, end, _)| *start == from && *end == to);
        if sent.status == 200 {
            let (.., for_authors) = way.unwrap_or_else(|| panic!("{from} to {to}: {}", sent.text));
            let own = self.known.iter().any(|known| known.path == path && known.author == who);
            assert!(who != As::Author || (*for_authors && own), "{who:?}: {from} to {to}");
            let is_planned = body.get("at").is_some() && to == "archived";
            assert_eq!(sent.body["state"], if is_planned { "published" } else { to }, "{}", sent.text);
        } else {
            assert!(matches!(sent.status.as_u16(), 403 | 404 | 409 | 422), "{}", sent.text);
            assert_eq!(self.service.get(path, As::Admin).await.text_without_id(), before.text_without_id());
            if sent.status == 409 {
                let pending = from == "published" && to == "published";
                assert!(way.is_none() || pending, "{from} to {to} is a way: {}", sent.text);
            }
        }
        sent
    }

    async fn throw_or_take_out(&mut self, path: &str) -> Answer {
        let who = self.somebody();
        match self.dice.roll(3) {
            0 => {
                let etag = self.service.get(path, As::Admin).await.etag_or("\"1.x\"");
                self.service.delete(path, who, &etag).await
            }
            1 => self.service.send(Method::POST, &format!("{path}/restore"), who, &[], None).await,
            _ => {
                let etag = self.service.get(path, As::Admin).await.etag_or("\"1.x\"");
                self.service.delete(&format!("{path}?draft=true"), who, &etag).await
            }
        }
    }

    async fn bring_back(&mut self, path: &str) -> Answer {
        let who = self.somebody();
        let query = self.dice.pick(&["", "?draft=true"]);
        let version = 1 + self.dice.roll(4);
        let etag = self.service.get(path, As::Admin).await.etag_or("\"1.x\"");
        let address = format!("{path}/versions/{version}/restore{query}");
        self.service.send(Method::POST, &address, who, &[("if-match", &etag)], None).await
    }

    async fn wait(&mut self) {
        let jump = self.dice.roll(40) == 0 && self.jumps < 3;
        self.jumps += usize::from(jump);
        let minutes = if jump { 24 * 60 } else { 1 + self.dice.roll(10) };
        self.service.app.clock.advance(TimeDelta::minutes(i64::try_from(minutes).unwrap()));
        schedule::keep_schedule(self.service.app.clone()).await.unwrap();
        schedule::empty_trash(self.service.app.clone()).await.unwrap();
    }

    /// One thing that somebody does; what it was.
    async fn step(&mut self) -> String {
        let path = (!self.known.is_empty()).then(|| {
            let index = self.dice.roll(self.known.len());
            self.known[index].path.clone()
        });
        let (what, answer) = match (self.dice.roll(12), path) {
            (0, _) | (_, None) if self.known.len() < 14 => ("create", self.create().await),
            (0..=3, Some(path)) => ("edit", self.edit(&path).await),
            (4..=8, Some(path)) => ("transition", self.move_on(&path).await),
            (9, Some(path)) => ("trash", self.throw_or_take_out(&path).await),
            (10, Some(path)) => ("restore a version", self.bring_back(&path).await),
            _ => {
                self.wait().await;
                return "wait".to_owned();
            }
        };
        assert!(answer.status.as_u16() < 500, "{what}: {}", answer.text);
        if answer.status.is_success() {
            self.accepted += 1;
        } else {
            self.refused += 1;
        }
        format!("{what}: {}", answer.status)
    }

    /// Fails when a version that was there is not, or is another.
    async fn no_version_is_lost(&mut self) {
        for index in 0..self.known.len() {
            let path = self.known[index].path.clone();
            let list = self.service.get(&format!("{path}/versions?limit=100"), As::Admin).await;
            if list.status == 404 {
                continue; // deleted for good
            }
            let mut versions = list.body["data"].as_array().unwrap().clone();
            versions.reverse();
            let numbers: Vec<usize> = versions
                .iter()
                .map(|version| usize::try_from(version["version"].as_u64().unwrap()).unwrap())
                .collect();
            assert_eq!(numbers, (1..=versions.len()).collect::<Vec<_>>(), "{path}: without gaps");
            for version in &mut versions {
                // Which is the current one changes.
                version.as_object_mut().unwrap().shift_remove("current");
            }
            let known = &mut self.known[index].versions;
            assert_eq!(versions[..known.len()], known[..], "{path}");
            *known = versions;
            if let Some(etag) = self.service.get(&path, As::Admin).await.headers.get("etag") {
                let version = etag.to_str().unwrap().trim_start_matches('"').split('.').next().unwrap();
                assert_eq!(version, self.known[index].versions.len().to_string(), "{path}");
            }
        }
    }
}

async fn travel(seed: u64, steps: usize) {
    let service = TestApp::with(&[("SOGEP_TRASH_DAYS", "1")]).await;
    let mut public = Follower::new(&service, As::Publishable, &[Scope::ContentRead]).await;
    let for_partners = [Scope::ContentRead, Scope::ContentReadPartners];
    let mut partner = Follower::new(&service, As::Partner, &for_partners).await;
    let mut journey =
        Journey { service, dice: Dice(seed), known: Vec::new(), accepted: 0, refused: 0, jumps: 0 };
    for number in 0..steps {
        let what = format!("seed {seed}, step {number}, {}", journey.step().await);
        for follower in [&mut public, &mut partner] {
            follower.catch_up(&journey.service).await;
            follower.compare(&journey.service, &what).await;
            if number % 20 == 19 {
                let mut anew = Follower {
                    reader: follower.reader.clone(),
                    key: follower.key.clone(),
                    after: None,
                    entries: HashMap::new(),
                };
                anew.catch_up(&journey.service).await;
                anew.compare(&journey.service, &format!("{what}, from the beginning")).await;
            }
        }
        if number % 5 == 4 {
            journey.no_version_is_lost().await;
        }
    }
    assert!(journey.accepted > steps / 4, "{} of {steps} were accepted", journey.accepted);
    assert!(journey.refused > 0, "nothing was refused");
}

#[tokio::test]
async fn whatever_is_done_the_log_tells_what_readers_see() {
    travel(1, 220).await;
}

#[tokio::test]
async fn and_with_other_luck() {
    travel(20_261_124, 220).await;
}
