//! Who shows another entry has changed when that has: exactly as far as its readers can tell.
//!
//! What readers can tell is not computed here, but looked up: every entry that shows the other one is
//! read by everybody before and after. The time of the last change must have moved exactly for those
//! that look different to the widest of their audiences, to which it tells nothing else; and the log must
//! tell each reader of exactly those that look different, the time included, to it or to a wider audience.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use chrono::TimeDelta;
use sea_orm::{ActiveValue::Set, EntityTrait};
use serde_json::{Value, json};
use sogep::entity::{contribution, vocabulary::Role};
use uuid::Uuid;

use super::{follow, partners, public};
use crate::{
    app::{As, TestApp, partner, person, practice, project, publication, topic},
    editing::edit,
};

/// Reads as `reads` and follows as `follows`.
struct Reader {
    reads: As,
    follows: As,
    place: String,
}

/// Entries by id, as one reader sees them.
type Seen = BTreeMap<String, Value>;

const LEVELS: [&str; 4] = ["public", "partners", "internal", "draft"];

/// A service in which everybody reads and some follow.
struct World {
    service: TestApp,
    readers: Vec<Reader>,
    /// The entries that show the other one, by id: what they are called here.
    names: BTreeMap<String, String>,
    collections: BTreeSet<&'static str>,
}

impl World {
    async fn new() -> Self {
        let service = TestApp::start().await;
        let (public, partners) = (public(&service).await, partners(&service).await);
        let mut readers = Vec::new();
        for (reads, follows) in
            [(public.clone(), public), (partners.clone(), partners), (As::Viewer, As::Editor)]
        {
            readers.push(Reader { reads, follows, place: String::new() });
        }
        Self { service, readers, names: BTreeMap::new(), collections: BTreeSet::new() }
    }

    /// Makes an entry of each level that shows another one.
    async fn add(&mut self, collection: &'static str, name: &str, body: Value) {
        for level in LEVELS {
            let mut body = body.clone();
            if level != "draft" {
                body["visibility"] = level.into();
            }
            let path = if level == "draft" {
                let made = self.service.post(&format!("/v1/{collection}"), As::Editor, body).await;
                assert_eq!(made.status, 201, "{}", made.text);
                made.header("location").to_owned()
            } else {
                self.service.published(collection, body).await
            };
            let id = self.service.get(&path, As::Editor).await.body["id"].as_str().unwrap().to_owned();
            self.names.insert(id, format!("{name} ({level})"));
        }
        self.collections.insert(collection);
    }

    async fn seen_by(&self, who: &As) -> Seen {
        let mut seen = Seen::new();
        for collection in &self.collections {
            let page = self.service.get(&format!("/v1/{collection}?limit=100"), who.clone()).await;
            assert_eq!(page.body["page"]["next_cursor"], Value::Null);
            for entry in page.body["data"].as_array().unwrap() {
                let id = entry["id"].as_str().unwrap();
                if self.names.contains_key(id) {
                    seen.insert(id.to_owned(), entry.clone());
                }
            }
        }
        seen
    }

    async fn seen(&self) -> Vec<Seen> {
        let mut seen = Vec::new();
        for who in self.readers.iter().map(|reader| &reader.reads).chain([&As::Editor]) {
            seen.push(self.seen_by(who).await);
        }
        seen
    }

    /// Takes `path` through `steps`, and compares what is told with what can be seen. Gives how often an
    /// entry was told of.
    async fn check(&mut self, path: &str, steps: &[(&str, Value)]) -> usize {
        let id = self.service.get(path, As::Editor).await.body["id"].as_str().unwrap().to_owned();
        let path = format!("/v1/{}/{id}", path.split('/').nth(2).unwrap());
        let mut before = self.seen().await;
        for reader in &mut self.readers {
            reader.place = follow(&self.service, &reader.follows, None, 100).await.1;
        }
        let mut told = 0;
        for (step, act) in steps {
            self.service.app.clock.advance(TimeDelta::seconds(1));
            match act {
                Value::Null => crate::editing::trash(&self.service, &path).await,
                Value::String(state) => {
                    let moved = crate::editing::send_to(&self.service, &path, As::Editor, state).await;
                    assert_eq!(moved.status, 200, "{step}: {}", moved.text);
                }
                patch => {
                    let changed = edit(&self.service, &path, patch.clone()).await;
                    assert_eq!(changed.status, 200, "{step}: {}", changed.text);
                }
            }
            let after = self.seen().await;
            told += self.compare(step, &id, &before, &after).await;
            before = after;
        }
        told
    }

    async fn compare(&mut self, step: &str, changed: &str, before: &[Seen], after: &[Seen]) -> usize {
        let mut told = 0;
        // What only the editors know of moves no time: what they are sent has a tag of its own.
        let mut is_told = false;
        // Whether the widest of its audiences can tell, by entry; the editors come last.
        let mut news: BTreeMap<&str, bool> = BTreeMap::new();
        let mut look_different = BTreeSet::new();
        for (place, (old, new)) in before.iter().zip(after).enumerate() {
            for (id, entry) in new {
                news.entry(id).or_insert(without_time(entry) != without_time(&old[id]));
                if *entry != old[id] {
                    look_different.insert(self.names[id].as_str());
                }
            }
            let Some(reader) = self.readers.get_mut(place) else { continue };
            let (changes, end) = follow(&self.service, &reader.follows, Some(&reader.place), 100).await;
            reader.place = end;
            let heard: BTreeSet<&str> = changes
                .iter()
                .filter_map(|change| self.names.get(change["id"].as_str().unwrap()).map(String::as_str))
                .collect();
            assert_eq!(heard, look_different, "{step}: what {:?} hears", reader.reads);
            told += heard.len();
            is_told |= changes.iter().any(|change| change["id"] == changed);
        }
        let editors = before.len() - 1;
        for (id, entry) in &after[editors] {
            let moved = entry["updated_at"] != before[editors][id]["updated_at"];
            assert_eq!(moved, is_told && news[id.as_str()], "{step}: the time of {}", self.names[id]);
        }
        told
    }
}

fn without_time(entry: &Value) -> Value {
    let mut entry = entry.clone();
    entry["updated_at"] = Value::Null;
    entry
}

/// What an entry goes through, whose name is changed by `name` and something else by `other`.
fn steps(name: impl Fn(&str) -> Value, other: Value) -> Vec<(&'static str, Value)> {
    let visible = |to: &str| json!({ "visibility": to });
    let mut both = name("Sekizinci ad");
    both["visibility"] = "internal".into();
    vec![
        ("a draft is renamed", name("Birinci ad")),
        ("published", json!("published")),
        ("renamed", name("İkinci ad")),
        ("another address", json!({ "slug": "baska-adres" })),
        ("something nobody else shows", other),
        ("public → partners", visible("partners")),
        ("renamed for partners", name("Üçüncü ad")),
        ("partners → internal", visible("internal")),
        ("renamed inside", name("Dördüncü ad")),
        ("internal → partners", visible("partners")),
        ("partners → public", visible("public")),
        ("archived", json!("archived")),
        ("renamed in the archive", name("Beşinci ad")),
        ("drafted", json!("draft")),
        ("published again", json!("published")),
        ("renamed and hidden at once", both),
        ("public again", visible("public")),
        ("trashed", Value::Null),
    ]
}

fn id_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap()
}

/// A draft; its address.
async fn draft(service: &TestApp, collection: &str, body: Value) -> String {
    let made = service.post(&format!("/v1/{collection}"), As::Editor, body).await;
    assert_eq!(made.status, 201, "{}", made.text);
    made.header("location").to_owned()
}

/// `body` with more.
fn with(mut body: Value, more: Value) -> Value {
    let Value::Object(more) = more else { panic!("no object: {more}") };
    body.as_object_mut().unwrap().extend(more);
    body
}

fn anonymous(more: Value) -> Value {
    with(with(practice("Anonim"), json!({ "anonymised": true })), more)
}

#[tokio::test]
async fn a_topic_is_shown_by_what_is_filed_under_it_and_by_its_neighbours() {
    let mut world = World::new().await;
    let path = draft(&world.service, "topics", topic("Konu")).await;
    let topics = json!({ "topics": [id_of(&path)] });
    world.add("publications", "publication", with(publication("Rapor"), topics.clone())).await;
    world.add("practices", "anonymised practice", anonymous(topics.clone())).await;
    world.add("people", "person", with(person("Ayşe", &["name", "biography"]), topics.clone())).await;
    world.add("people", "person without biography", with(person("Fatma", &["name"]), topics)).await;
    world.add("topics", "narrower", with(topic("Dar"), json!({ "broader": id_of(&path) }))).await;
    world.add("topics", "related", with(topic("Yakın"), json!({ "related": [id_of(&path)] }))).await;
    world.add("topics", "other", topic("Başka")).await;
    let steps =
        steps(|name| json!({ "translations": { "tr": { "label": name } } }), json!({ "position": 3 }));
    assert!(world.check(&path, &steps).await > 100);
}

#[tokio::test]
async fn a_person_is_shown_by_what_they_are_credited_in() {
    let mut world = World::new().await;
    let path = draft(&world.service, "people", person("Kişi", &["name", "biography"])).await;
    let printed = json!({ "authors": [{ "role": "author", "person": id_of(&path), "name": "K. Kişi" }] });
    let unprinted = json!({ "authors": [{ "role": "author", "person": id_of(&path) }, { "role": "author", "name": "N" }] });
    let people = json!({ "people": [{ "role": "coordinator", "person": id_of(&path) }] });
    world.add("publications", "as printed", with(publication("Rapor"), printed)).await;
    world.add("publications", "not printed", with(publication("Broşür"), unprinted)).await;
    world.add("practices", "practice", with(practice("Deneme"), people.clone())).await;
    world.add("practices", "anonymised practice", anonymous(people)).await;
    let consent = |withdrawn: Value| json!({ "consent": { "withdrawn_at": withdrawn } });
    let name = |name: &str| json!({ "name": { "display": name } });
    let mut steps = steps(name, json!({ "website": "https://kisi.example" }));
    let published = 2;
    steps.insert(published, ("consent is withdrawn", consent(json!("2026-03-01T00:00:00Z"))));
    steps.insert(published + 1, ("renamed without consent", name("Gizli ad")));
    steps.insert(published + 2, ("consent is given again", consent(Value::Null)));
    assert!(world.check(&path, &steps).await > 60);
}

#[tokio::test]
async fn a_partner_is_shown_by_credits_owned_entries_and_people() {
    let mut world = World::new().await;
    let path = draft(&world.service, "partners", partner("Paydaş")).await;
    let partners = json!({ "partners": [{ "role": "lead", "partner": id_of(&path) }] });
    let owner = json!({ "owner": id_of(&path) });
    world.add("projects", "project", with(project("Proje"), partners.clone())).await;
    world.add("projects", "owned project", with(project("Bizim"), owner.clone())).await;
    world.add("practices", "anonymised practice", anonymous(partners)).await;
    world.add("practices", "owned anonymised practice", anonymous(owner)).await;
    let affiliated = json!({ "affiliated_with": id_of(&path) });
    world.add("people", "person", with(person("Ayşe", &["name", "affiliation"]), affiliated.clone())).await;
    world.add("people", "silent person", with(person("Fatma", &["name"]), affiliated)).await;
    let steps =
        steps(|name| json!({ "translations": { "tr": { "name": name } } }), json!({ "country": "TR" }));
    assert!(world.check(&path, &steps).await > 80);
}

#[tokio::test]
async fn a_project_is_shown_by_what_links_to_it() {
    let mut world = World::new().await;
    let path = draft(&world.service, "projects", project("Proje")).await;
    let link = json!({ "project": id_of(&path) });
    world.add("publications", "publication", with(publication("Rapor"), link.clone())).await;
    world.add("practices", "practice", with(practice("Deneme"), link.clone())).await;
    world.add("practices", "anonymised practice", anonymous(link)).await;
    let steps =
        steps(|name| json!({ "translations": { "tr": { "title": name } } }), json!({ "code": "X-1" }));
    assert!(world.check(&path, &steps).await > 50);
}

#[tokio::test]
async fn touching_costs_the_same_however_many_are_touched() {
    let service = TestApp::start().await;
    let path = service.published("topics", topic("Konu")).await;
    let renamed = async |name: &str| {
        let patch = json!({ "translations": { "tr": { "label": name } } });
        let etag = service.get(&path, As::Editor).await.etag().to_owned();
        let (statements, answer) = service.statements(service.patch(&path, As::Editor, &etag, patch)).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        statements
    };
    let none = renamed("Bir").await;
    for number in 0..25 {
        let body = with(publication(&format!("Rapor {number}")), json!({ "topics": ["konu"] }));
        service.published("publications", body).await;
    }
    assert_eq!(renamed("İki").await, none);
    assert!(none < 40, "{none}");
}

#[tokio::test]
async fn who_refers_to_an_entry_while_it_is_published_hears_of_it() {
    let service = TestApp::start().await;
    let made = service.post("/v1/partners", As::Editor, partner("Dernek")).await;
    let partner: Uuid = made.body["id"].as_str().unwrap().parse().unwrap();
    let path = service.published("projects", project("Proje")).await;
    let project: Uuid = service.get(&path, As::Editor).await.body["id"].as_str().unwrap().parse().unwrap();
    service.app.clock.advance(TimeDelta::minutes(1));
    // Somebody adds the partner to the project and has not committed yet.
    let adding = service.app.db.begin().await.unwrap();
    let credit = contribution::ActiveModel {
        entry_id: Set(project),
        field: Set("partners".to_owned()),
        position: Set(0),
        role: Set(Role::Lead),
        name: Set(None),
        person_id: Set(None),
        partner_id: Set(Some(partner)),
        is_open: Set(true),
    };
    contribution::Entity::insert(credit).exec_without_returning(&adding).await.unwrap();
    // Meanwhile the partner is published, which has to wait.
    let address = format!("{}/transitions", made.header("location"));
    let mut publishing = std::pin::pin!(service.post(&address, As::Editor, json!({ "to": "published" })));
    let early = tokio::time::timeout(Duration::from_millis(500), &mut publishing).await;
    assert!(early.is_err(), "published before it was known who refers to it");
    adding.commit().await.unwrap();
    let published = publishing.await;
    assert_eq!(published.status, 200, "{}", published.text);
    let seen = service.get(&path, As::Publishable).await;
    assert_eq!(seen.body["partners"][0]["partner"]["slug"], "dernek");
    assert_eq!(seen.body["updated_at"], "2026-03-08T09:01:00Z", "it was touched");
}
