//! The operations on content: seven kinds and the profile.

use axum::http::Method;
use serde_json::{Value, json};

use super::{Grid, Request, Who, but_for_its_id, is_about_content};
use crate::{
    app::{self, As},
    document::operations,
};

/// The states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// A draft that the author of the columns has made.
    DraftOfAuthor,
    /// A draft that the writing key of the columns has made.
    DraftOfKey,
    /// A draft that somebody else has made.
    Draft,
    Public,
    ForPartners,
    Internal,
    /// Published, and not to be shown: a person who has not agreed.
    Hidden,
    Archived,
    Trashed,
    Absent,
}

const STATES: [State; 10] = [
    State::DraftOfAuthor,
    State::DraftOfKey,
    State::Draft,
    State::Public,
    State::ForPartners,
    State::Internal,
    State::Hidden,
    State::Archived,
    State::Trashed,
    State::Absent,
];

/// Whether `who` may know of an entry in this state.
fn sees(who: Who, state: State) -> bool {
    match state {
        State::Trashed | State::Absent => false,
        _ if who.edits() => true,
        State::Public => who.reads(),
        State::ForPartners => matches!(who, Who::SkPartners | Who::Viewer | Who::Author),
        State::Internal => matches!(who, Who::Viewer | Who::Author),
        State::DraftOfAuthor => who == Who::Author,
        State::DraftOfKey => who == Who::SkWrite,
        State::Draft | State::Hidden | State::Archived => false,
    }
}

/// What `who` gets of an operation on an entry in this state; none: it is allowed.
fn refusal(who: Who, permission: &str, changes: bool, state: State) -> Option<u16> {
    if who.is_stranger() {
        return Some(401);
    }
    let permitted = match permission {
        "read" => who.reads(),
        "write" => who.writes(),
        "edit" => who.edits(),
        other => panic!("no rule for the permission {other}"),
    };
    if !permitted {
        return Some(403);
    }
    if !sees(who, state) {
        return Some(404);
    }
    let own_draft = matches!(state, State::DraftOfAuthor | State::DraftOfKey);
    (changes && !who.edits() && !own_draft).then_some(403)
}

fn body(collection: &str) -> Value {
    match collection {
        "publications" => app::publication("Deneme"),
        "projects" => app::project("Deneme"),
        "events" => app::event("Deneme"),
        "practices" => app::practice("Deneme"),
        "people" => app::person("Deneme Kişi", &["name"]),
        "partners" => app::partner("Deneme"),
        "topics" => app::topic("Deneme"),
        other => panic!("no example for {other}"),
    }
}

/// A new entry in this state; gives its address and its tag.
async fn entry(grid: &Grid, collection: &str, state: State) -> (String, String) {
    let service = &grid.service;
    let list = format!("/v1/{collection}");
    if state == State::Absent {
        return (format!("{list}/yok-boyle-bir-sey"), "\"1.x\"".to_owned());
    }
    let creator = match state {
        State::DraftOfAuthor => grid.credential(Who::Author),
        State::DraftOfKey => grid.credential(Who::SkWrite),
        _ => As::Admin,
    };
    let mut body = body(collection);
    match state {
        State::ForPartners => body["visibility"] = "partners".into(),
        State::Internal => body["visibility"] = "internal".into(),
        State::Hidden if collection == "people" => body["consent"] = Value::Null,
        _ => {}
    }
    let created = service.post(&list, creator, body).await;
    assert_eq!(created.status, 201, "{}", created.text);
    let path = format!("{list}/{}", created.body["id"].as_str().unwrap());
    let to = |state: &'static str| {
        let path = format!("{path}/transitions");
        async move {
            let moved = service.post(&path, As::Editor, json!({ "to": state })).await;
            assert_eq!(moved.status, 200, "{}", moved.text);
        }
    };
    match state {
        State::Public | State::ForPartners | State::Internal | State::Hidden => to("published").await,
        State::Archived => {
            to("published").await;
            to("archived").await;
        }
        _ => {}
    }
    let etag = service.get(&path, As::Editor).await.etag().to_owned();
    if state == State::Trashed {
        assert_eq!(service.delete(&path, As::Editor, &etag).await.status, 204);
    }
    (path, etag)
}

/// What is sent to `path` with `method` for an entry at `entry`.
fn request(method: &Method, template: &str, entry: &(String, String), state: State) -> Request {
    let (path, etag) = entry;
    let transition = template.ends_with("/transitions");
    let to = match state {
        State::Public | State::ForPartners | State::Internal | State::Hidden => "archived",
        State::Archived => "draft",
        _ => "published",
    };
    Request {
        method: method.clone(),
        path: if transition { format!("{path}/transitions") } else { path.clone() },
        etag: (*method != Method::GET).then(|| etag.clone()),
        body: match (method.as_str(), transition) {
            (_, true) => Some(json!({ "to": to })),
            ("PATCH", _) => Some(json!({})),
            _ => None,
        },
    }
}

async fn every_cell(collection: &str) {
    let grid = Grid::start().await;
    let mut cells = 0;
    let list = format!("/v1/{collection}");
    let is_mine = |path: &str| {
        path.strip_prefix(&list).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', ':']))
    };
    let mine = operations().into_iter().filter(|(path, ..)| is_mine(path));
    for (path, method, operation) in mine {
        let permission = operation["x-permission"].as_str().unwrap().to_owned();
        let place = format!("{method} {path}");
        if !path.contains("{id}") {
            let body = (method == Method::POST).then(|| body(collection)).map(|entry| {
                if path.ends_with(":bulk") {
                    json!({ "operations": [{ "op": "create", "entry": entry }] })
                } else {
                    entry
                }
            });
            let request = Request { method: method.clone(), path: path.clone(), etag: None, body };
            // What is asked for is there for all who may ask.
            let expected =
                |who| refusal(who, &permission, false, State::Public).filter(|status| *status != 404);
            let refused: Vec<_> =
                Who::ALL.into_iter().filter_map(|who| Some((who, expected(who)?))).collect();
            grid.refused(&place, &refused, &request, None).await;
            for who in Who::ALL.into_iter().filter(|who| expected(*who).is_none()) {
                let answer = request.send(&grid.service, grid.credential(who)).await;
                assert!(answer.status.is_success(), "{place} by {who:?}: {}", answer.text);
            }
            cells += Who::ALL.len();
            continue;
        }
        let changes = method != Method::GET;
        for state in STATES {
            if state == State::Hidden && collection != "people" {
                continue;
            }
            let shared = entry(&grid, collection, state).await;
            let absent = entry(&grid, collection, State::Absent).await;
            let like = request(&method, &path, &absent, state).send(&grid.service, As::Owner).await;
            let like = but_for_its_id(&like);
            let expected = |who| refusal(who, &permission, changes, state);
            let refused: Vec<_> =
                Who::ALL.into_iter().filter_map(|who| Some((who, expected(who)?))).collect();
            let place = format!("{place} ({state:?})");
            grid.refused(&place, &refused, &request(&method, &path, &shared, state), Some(&like)).await;
            for who in Who::ALL.into_iter().filter(|who| expected(*who).is_none()) {
                // A fresh one for each: the operation may end it.
                let fresh = if changes { entry(&grid, collection, state).await } else { shared.clone() };
                let request = request(&method, &path, &fresh, state);
                let answer = request.send(&grid.service, grid.credential(who)).await;
                assert!(answer.status.is_success(), "{place} by {who:?}: {}", answer.text);
            }
            cells += Who::ALL.len();
        }
    }
    assert!(cells > 700, "{cells} cells");
}

macro_rules! kinds {
    ($($name:ident: $collection:literal;)+) => {
        $(
            #[tokio::test]
            async fn $name() {
                every_cell($collection).await;
            }
        )+

        #[test]
        fn every_collection_of_the_document_is_here() {
            let known = [$($collection),+, "organisation"];
            for (path, _, operation) in operations() {
                if is_about_content(&operation) {
                    let collection = path.split(['/', ':']).nth(2).unwrap();
                    assert!(known.contains(&collection), "{path} has no row");
                }
            }
        }
    };
}

kinds! {
    publications: "publications";
    projects: "projects";
    events: "events";
    practices: "practices";
    people: "people";
    partners: "partners";
    topics: "topics";
}

#[tokio::test]
async fn the_profile() {
    let grid = Grid::start().await;
    let etag = grid.service.get("/v1/organisation", As::Editor).await.etag().to_owned();
    for (method, permission) in [(Method::GET, "read"), (Method::PATCH, "edit")] {
        let body = (method == Method::PATCH).then(|| json!({}));
        let etag = (method == Method::PATCH).then(|| etag.clone());
        let request = Request { method: method.clone(), path: "/v1/organisation".to_owned(), etag, body };
        let expected = |who| refusal(who, permission, false, State::Public);
        let refused: Vec<_> = Who::ALL.into_iter().filter_map(|who| Some((who, expected(who)?))).collect();
        grid.refused(&format!("{method} profile"), &refused, &request, None).await;
        for who in Who::ALL.into_iter().filter(|who| expected(*who).is_none()) {
            let answer = request.send(&grid.service, grid.credential(who)).await;
            assert!(answer.status.is_success(), "{method} by {who:?}: {}", answer.text);
        }
    }
}
