//! The operations on content: seven kinds and the profile.

use axum::http::Method;
use serde_json::{Value, json};

use super::{Attempt, Grid, Request, Who, but_for_its_id, is_about_content};
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

/// What `who` gets of the operation at `template` on an entry in this state; none: it is allowed.
fn refusal(who: Who, permission: &str, template: &str, state: State) -> Option<u16> {
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
    let takes_out = template.ends_with("{id}/restore");
    // What lies in the trash is there for whoever may take it out, and only where that is the point.
    let looks_into_trash = takes_out || template.contains("/versions") && !template.ends_with("/restore");
    let is_there = if state == State::Trashed && looks_into_trash {
        who.edits()
    } else {
        sees(who, state) && !takes_out
    };
    if !is_there {
        return Some(404);
    }
    let own_draft = matches!(state, State::DraftOfAuthor | State::DraftOfKey);
    (permission == "write" && !who.edits() && !own_draft).then_some(403)
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

/// What is sent to the operation `method` `template` for an entry at `entry`.
async fn request(
    grid: &Grid,
    method: &Method,
    template: &str,
    entry: &(String, String),
    state: State,
) -> Request {
    let (path, etag) = entry;
    let (_, rest) = template.split_once("{id}").unwrap();
    let mut rest = rest.replace("{version}", "1");
    if rest.ends_with("/compare") {
        rest += "?from=1&to=1";
    }
    if rest.contains("{preview}") {
        let made = grid.service.post(&format!("{path}/previews"), As::Editor, json!({})).await;
        let unknown = "01930000-0000-4000-8000-000000000000";
        rest = rest.replace("{preview}", made.body["preview"]["id"].as_str().unwrap_or(unknown));
    }
    let to = match state {
        State::Public | State::ForPartners | State::Internal | State::Hidden => "archived",
        State::Archived => "draft",
        State::DraftOfAuthor | State::DraftOfKey => "in_review",
        _ => "published",
    };
    Request {
        method: method.clone(),
        path: format!("{path}{rest}"),
        etag: (*method != Method::GET).then(|| etag.clone()),
        body: match (method.as_str(), rest.as_str()) {
            ("POST", "/transitions") => Some(json!({ "to": to })),
            ("POST", "/previews") | ("PATCH", _) => Some(json!({})),
            _ => None,
        },
    }
}

async fn every_cell(collection: &str) {
    let grid = Grid::start().await;
    let mut cells = 0;
    let list = format!("/v1/{collection}");
    // Refused requests and reading change nothing, so one entry for each state serves them all.
    let mut shared = Vec::new();
    for state in STATES {
        if state != State::Hidden || collection == "people" {
            shared.push((state, entry(&grid, collection, state).await));
        }
    }
    let absent = shared.iter().find(|(state, _)| *state == State::Absent).unwrap().1.clone();
    let is_mine = |path: &str| {
        path.strip_prefix(&list).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', ':']))
    };
    let mine = operations().into_iter().filter(|(path, ..)| is_mine(path));
    for (path, method, operation) in mine {
        let permission = operation["x-permission"].as_str().unwrap().to_owned();
        let place = format!("{method} {path}");
        let refused = |state| {
            let callers = Who::ALL.into_iter();
            callers
                .filter_map(|who| Some((who, refusal(who, &permission, &path, state)?)))
                .collect::<Vec<_>>()
        };
        let allowed = |state| -> Vec<Who> {
            let is_allowed = |who: &Who| refusal(*who, &permission, &path, state).is_none();
            Who::ALL.into_iter().filter(is_allowed).collect()
        };
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
            let hidden = |(_, status): &(Who, u16)| *status == 404;
            let callers: Vec<_> =
                refused(State::DraftOfAuthor).into_iter().filter(|caller| !hidden(caller)).collect();
            let attempt = Attempt {
                what: "list".to_owned(),
                callers: callers.clone(),
                request: request.clone(),
                like: None,
            };
            grid.refused(&place, &[attempt]).await;
            for who in Who::ALL.into_iter().filter(|who| callers.iter().all(|(refused, _)| refused != who)) {
                let answer = request.send(&grid.service, grid.credential(who)).await;
                assert!(answer.status.is_success(), "{place} by {who:?}: {}", answer.text);
            }
            cells += Who::ALL.len();
            continue;
        }
        // Of people who have not agreed there are no previews; see `workflow::previews`.
        let shared = shared.iter().filter(|(state, _)| *state != State::Hidden || !path.contains("previews"));
        let mut attempts = Vec::new();
        for (state, entry) in shared.clone() {
            let like =
                request(&grid, &method, &path, &absent, *state).await.send(&grid.service, As::Owner).await;
            attempts.push(Attempt {
                what: format!("{state:?}"),
                callers: refused(*state),
                request: request(&grid, &method, &path, entry, *state).await,
                like: Some(but_for_its_id(&like)),
            });
            cells += Who::ALL.len();
        }
        grid.refused(&place, &attempts).await;
        let ends_it =
            method == Method::DELETE || path.ends_with("/transitions") || path.ends_with("/restore");
        for (state, known) in shared {
            for who in allowed(*state) {
                let fresh = if method != Method::GET && ends_it {
                    entry(&grid, collection, *state).await
                } else {
                    known.clone()
                };
                let request = request(&grid, &method, &path, &fresh, *state).await;
                let answer = request.send(&grid.service, grid.credential(who)).await;
                assert!(answer.status.is_success(), "{place} ({state:?}) by {who:?}: {}", answer.text);
            }
        }
    }
    assert!(cells > 2000, "{cells} cells");
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
        let expected = |who| refusal(who, permission, "/v1/organisation", State::Public);
        let refused: Vec<_> = Who::ALL.into_iter().filter_map(|who| Some((who, expected(who)?))).collect();
        let attempt =
            Attempt { what: "profile".to_owned(), callers: refused, request: request.clone(), like: None };
        grid.refused(&format!("{method} profile"), &[attempt]).await;
        for who in Who::ALL.into_iter().filter(|who| expected(*who).is_none()) {
            let answer = request.send(&grid.service, grid.credential(who)).await;
            assert!(answer.status.is_success(), "{method} by {who:?}: {}", answer.text);
        }
    }
}
