//! Every operation × every kind of caller × every state an object can be in.
//!
//! The rows are the operations of the document; one without a rule here fails. Only what is allowed is
//! written down, everything else must be 401, 403 or 404. A refused call leaves every row of every
//! table as it was, and one line in the audit trail; a 404 is byte for byte the one of what does not
//! exist.

mod content;

use axum::http::Method;
use chrono::TimeDelta;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};
use serde_json::{Value, json};
use sogep::{
    auth::{
        Scope,
        session::SignIn,
        token::{self, Claims},
    },
    entity::{
        session, user,
        vocabulary::{AccountRole, AuditAction, KeyType},
    },
};
use uuid::Uuid;

use crate::{
    app::{Answer, As, TestApp, now},
    document::operations,
};

/// The columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    Nobody,
    Garbage,
    ExpiredToken,
    EndedSession,
    OtherAudience,
    RefreshToken,
    RevokedKey,
    ExpiredKey,
    Publishable,
    SkRead,
    SkPartners,
    SkWrite,
    SkPublish,
    /// A key that follows the change log of what is public.
    SkFollow,
    /// A key that may follow the change log, and reads nothing.
    SkFollowBlind,
    Viewer,
    Author,
    Editor,
    Admin,
    Owner,
    /// An owner who has not proved who they are for a while.
    StaleOwner,
    /// An editor whose session has not shown the second factor that the role needs.
    EditorWithoutFactor,
}

impl Who {
    pub const ALL: [Self; 22] = [
        Self::Nobody,
        Self::Garbage,
        Self::ExpiredToken,
        Self::EndedSession,
        Self::OtherAudience,
        Self::RefreshToken,
        Self::RevokedKey,
        Self::ExpiredKey,
        Self::Publishable,
        Self::SkRead,
        Self::SkPartners,
        Self::SkWrite,
        Self::SkPublish,
        Self::SkFollow,
        Self::SkFollowBlind,
        Self::Viewer,
        Self::Author,
        Self::Editor,
        Self::Admin,
        Self::Owner,
        Self::StaleOwner,
        Self::EditorWithoutFactor,
    ];

    /// Whether the credential is none, or worth nothing.
    pub fn is_stranger(self) -> bool {
        matches!(
            self,
            Self::Nobody
                | Self::Garbage
                | Self::ExpiredToken
                | Self::EndedSession
                | Self::OtherAudience
                | Self::RefreshToken
                | Self::RevokedKey
                | Self::ExpiredKey
        )
    }

    fn is_account(self) -> bool {
        matches!(
            self,
            Self::Viewer
                | Self::Author
                | Self::Editor
                | Self::Admin
                | Self::Owner
                | Self::StaleOwner
                | Self::EditorWithoutFactor
        )
    }

    fn administers(self) -> bool {
        matches!(self, Self::Admin | Self::Owner | Self::StaleOwner)
    }

    pub fn edits(self) -> bool {
        self.administers() || matches!(self, Self::Editor | Self::SkPublish)
    }

    pub fn writes(self) -> bool {
        self.edits() || matches!(self, Self::Author | Self::SkWrite)
    }

    pub fn reads(self) -> bool {
        !self.is_stranger()
            && !matches!(self, Self::SkWrite | Self::SkFollowBlind | Self::EditorWithoutFactor)
    }

    /// A publishing key needs the scope for it like any other.
    fn follows(self) -> bool {
        self.administers() || matches!(self, Self::Editor | Self::SkFollow)
    }
}

/// A service, and a credential for every column.
pub struct Grid {
    pub service: TestApp,
    credentials: Vec<(Who, As)>,
}

impl Grid {
    pub async fn start() -> Self {
        let service = TestApp::with(&[("SOGEP_SECOND_FACTOR", "editor")]).await;
        let mut credentials = Vec::new();
        for who in Who::ALL {
            credentials.push((who, credential(&service, who).await));
        }
        // Keys note their first use, beside the request.
        for (_, credential) in &credentials {
            service.get("/v1/me", credential.clone()).await;
        }
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        service.app.trail.flush().await;
        Self { service, credentials }
    }

    pub fn credential(&self, who: Who) -> As {
        self.credentials.iter().find(|(known, _)| *known == who).unwrap().1.clone()
    }

    /// Sends requests that are all to be refused; then looks at what they left behind.
    pub async fn refused(&self, place: &str, attempts: &[Attempt]) {
        let before = self.service.rows().await;
        let lines = self.service.trail().await.len();
        let mut expected_lines = (0, 0);
        for Attempt { what, callers, request, like } in attempts {
            for (who, status) in callers {
                let place = format!("{place} ({what}) by {who:?}");
                let answer = request.send(&self.service, self.credential(*who)).await;
                assert_eq!(answer.status, *status, "{place}: {}", answer.text);
                for name in ["etag", "last-modified", "location"] {
                    assert!(!answer.headers.contains_key(name), "{place} tells {name}");
                }
                match status {
                    401 if *who != Who::Nobody => expected_lines.0 += 1,
                    403 => expected_lines.1 += 1,
                    404 => {
                        let text = but_for_its_id(&answer);
                        assert!(like.as_ref().is_none_or(|like| *like == text), "{place}: {text}");
                    }
                    _ => {}
                }
            }
        }
        assert_eq!(self.service.rows().await, before, "{place}: something was left behind");
        let new = self.service.trail().await.split_off(lines);
        let count = |action| new.iter().filter(|line| line.action == action).count();
        let found = (count(AuditAction::AuthnFail), count(AuditAction::AuthzFail));
        assert_eq!(found, expected_lines, "{place}: lines in the audit trail");
    }
}

/// A request, and those who are to be refused it.
pub struct Attempt {
    /// The state of what it is about.
    pub what: String,
    /// Who sends it, and the status they get.
    pub callers: Vec<(Who, u16)>,
    pub request: Request,
    /// What a 404 is to look like.
    pub like: Option<String>,
}

/// One request.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: Method,
    pub path: String,
    pub etag: Option<String>,
    pub body: Option<Value>,
}

impl Request {
    pub async fn send(&self, service: &TestApp, who: As) -> Answer {
        let etag = self.etag.as_deref().map(|etag| ("if-match", etag));
        let headers: Vec<_> = etag.into_iter().collect();
        service.send(self.method.clone(), &self.path, who, &headers, self.body.clone()).await
    }
}

/// The answer as text, but for the id of its request.
pub fn but_for_its_id(answer: &Answer) -> String {
    answer.text_without_id()
}

async fn credential(service: &TestApp, who: Who) -> As {
    let sk = async |scopes: &[Scope]| As::Bearer(service.key(KeyType::Secret, scopes.to_vec()).await);
    match who {
        Who::Nobody => As::Nobody,
        Who::Garbage => As::Bearer("garbage".to_owned()),
        Who::ExpiredToken => As::Bearer(forged(service, |claims| claims.exp = now().timestamp() - 31).await),
        Who::OtherAudience => {
            As::Bearer(forged(service, |claims| "https://other.example".clone_into(&mut claims.aud)).await)
        }
        Who::EndedSession => {
            let token = service.account(AccountRole::Owner).await;
            let ended = service.delete("/v1/sessions", As::Bearer(token.clone()), "").await;
            assert_eq!(ended.status, 204);
            let claims = claims(&token);
            let tx = service.app.db.begin().await.unwrap();
            sogep::auth::session::end_sessions(&service.app, &tx, session::Column::Id.eq(claims.sid))
                .await
                .unwrap();
            tx.commit().await.unwrap();
            As::Bearer(token)
        }
        Who::RefreshToken => {
            let token = service.account(AccountRole::Owner).await;
            As::Bearer(service.session(claims(&token).sub, SignIn::default()).await.refresh_token)
        }
        Who::RevokedKey | Who::ExpiredKey => {
            let secret = service.key(KeyType::Secret, vec![Scope::ContentPublish]).await;
            let prefix = sogep::auth::key::prefix(&secret).unwrap().to_owned();
            let column = if who == Who::RevokedKey {
                sogep::entity::api_key::Column::RevokedAt
            } else {
                sogep::entity::api_key::Column::ExpiresAt
            };
            let tx = service.app.db.begin().await.unwrap();
            sogep::entity::api_key::Entity::update_many()
                .col_expr(column, Expr::value(now()))
                .filter(sogep::entity::api_key::Column::Prefix.eq(prefix))
                .exec(&tx)
                .await
                .unwrap();
            tx.commit().await.unwrap();
            As::Bearer(secret)
        }
        Who::Publishable => As::Publishable,
        Who::SkRead => sk(&[Scope::ContentRead]).await,
        Who::SkPartners => sk(&[Scope::ContentRead, Scope::ContentReadPartners]).await,
        Who::SkWrite => sk(&[Scope::ContentWrite]).await,
        Who::SkPublish => sk(&[Scope::ContentPublish]).await,
        Who::SkFollow => sk(&[Scope::ContentRead, Scope::ChangesRead]).await,
        Who::SkFollowBlind => sk(&[Scope::ChangesRead]).await,
        Who::Viewer => As::Viewer,
        Who::Author => As::Author,
        Who::Editor => As::Editor,
        Who::Admin => As::Admin,
        Who::Owner => As::Owner,
        Who::StaleOwner => {
            let token = service.account(AccountRole::Owner).await;
            let long_ago = now() - TimeDelta::minutes(5) - TimeDelta::seconds(1);
            let tx = service.app.db.begin().await.unwrap();
            session::Entity::update_many()
                .col_expr(session::Column::AuthenticatedAt, Expr::value(Some(long_ago)))
                .filter(session::Column::Id.eq(claims(&token).sid))
                .exec(&tx)
                .await
                .unwrap();
            tx.commit().await.unwrap();
            As::Bearer(token)
        }
        Who::EditorWithoutFactor => {
            let id = claims(&service.account(AccountRole::Editor).await).sub;
            let granted = service.session(id, SignIn::default()).await;
            As::Bearer(token::issue(&service.app, id, granted.session_id, AccountRole::Editor).unwrap())
        }
    }
}

/// What a token says.
fn claims(token: &str) -> Claims {
    jsonwebtoken::dangerous::insecure_decode::<Claims>(token).unwrap().claims
}

/// An owner's token with other claims, well signed.
async fn forged(service: &TestApp, change: impl FnOnce(&mut Claims)) -> String {
    let good = service.account(AccountRole::Owner).await;
    let mut claims = claims(&good);
    change(&mut claims);
    let (_, key) = service.app.keyring.active(now()).unwrap();
    jsonwebtoken::encode(&jsonwebtoken::decode_header(&good).unwrap(), &claims, &key).unwrap()
}

/// The state an object is in, for operations on accounts, keys and sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Object {
    /// The operation is about no object.
    None,
    /// There is one.
    Present,
    /// There is none with this id.
    Absent,
}

/// What the operations that are not about content allow, beside the permission that they declare.
async fn requests(grid: &Grid, path: &str, method: &Method) -> Vec<(Object, Request)> {
    let service = &grid.service;
    let request = |path: &str, etag: Option<String>, body: Option<Value>| Request {
        method: method.clone(),
        path: path.to_owned(),
        etag,
        body,
    };
    let body = match (method.as_str(), path) {
        ("POST", "/v1/keys") => Some(json!({ "type": "publishable", "name": "A" })),
        ("POST", "/v1/keys/{id}/rotation") => Some(json!({})),
        ("POST", "/v1/users") => Some(
            json!({ "email": format!("{}@sogep.example", service.app.clock.secret_id()), "role": "viewer" }),
        ),
        ("PATCH", "/v1/users/{id}") => Some(json!({ "name": "Yeni" })),
        ("POST", "/v1/me/password") => {
            Some(json!({ "current_password": "x", "new_password": "mor menekşeler yağmurda susar" }))
        }
        ("POST", "/v1/me/second-factor/confirmation") => Some(json!({ "code": "000000" })),
        ("POST", "/v1/synonyms") => {
            Some(json!({ "key": format!("a {}", service.app.clock.id()), "alternatives": ["b"] }))
        }
        ("PATCH", "/v1/synonyms/{id}") => Some(json!({ "alternatives": ["c"] })),
        ("POST", "/v1/auth/reauthenticate") => Some(json!({ "password": "x" })),
        _ => None,
    };
    if path.starts_with("/v1/search") {
        return vec![(Object::None, request(&format!("{path}?q=kad%C4%B1n"), None, None))];
    }
    if path.starts_with("/v1/vocabularies") {
        return vec![(Object::None, request(&path.replace("{name}", "state"), None, None))];
    }
    if !path.contains("{id}") {
        return vec![(Object::None, request(path, None, body))];
    }
    let absent = path.replace("{id}", &Uuid::from_u128(7 << 64 | 0x4000 << 64 | 0x8000 << 48).to_string());
    let (present, etag) = if path.starts_with("/v1/users") {
        let email = format!("{}@sogep.example", service.app.clock.secret_id());
        let made = service.post("/v1/users", As::Owner, json!({ "email": email, "role": "viewer" })).await;
        (made.body["id"].as_str().unwrap().to_owned(), Some(made.etag().to_owned()))
    } else if path.starts_with("/v1/keys") {
        let made = service.post("/v1/keys", As::Owner, json!({ "type": "publishable", "name": "A" })).await;
        (made.body["key"]["id"].as_str().unwrap().to_owned(), None)
    } else if path.starts_with("/v1/synonyms") {
        let new = json!({ "key": format!("a {}", service.app.clock.id()), "alternatives": ["b"] });
        let made = service.post("/v1/synonyms", As::Owner, new).await;
        (made.body["id"].as_str().unwrap().to_owned(), Some(made.etag().to_owned()))
    } else if path.starts_with("/v1/jobs") {
        crate::jobs::enqueue(service, 1).await;
        crate::jobs::set_all_aside(service).await;
        (crate::jobs::rows(service).await.last().unwrap().id.to_string(), None)
    } else {
        // A session of an account that none of the columns is.
        let token = service.account(AccountRole::Viewer).await;
        (claims(&token).sid.to_string(), None)
    };
    vec![
        (Object::Present, request(&path.replace("{id}", &present), etag.clone(), body.clone())),
        (Object::Absent, request(&absent, etag, body)),
    ]
}

/// What `who` gets of an operation with this permission; none: it is allowed.
fn refusal(who: Who, permission: &str, fresh: bool, path: &str, object: Object) -> Option<u16> {
    if who.is_stranger() {
        return Some(401);
    }
    let permitted = match permission {
        "signed_in" => true,
        "account" => who.is_account(),
        "administer" => who.administers(),
        "follow" => who.follows(),
        "edit" => who.edits(),
        "read" => who.reads(),
        other => panic!("no rule for the permission {other}"),
    };
    if !permitted || (fresh && !is_fresh(who)) {
        return Some(403);
    }
    let is_session_of_another = path == "/v1/sessions/{id}" && !who.administers();
    (object == Object::Absent || is_session_of_another).then_some(404)
}

fn is_fresh(who: Who) -> bool {
    who != Who::StaleOwner
}

/// The operations on content: those of every kind, and of the profile.
pub fn is_about_content(operation: &Value) -> bool {
    !matches!(
        operation["tags"][0].as_str().unwrap(),
        "auth"
            | "sessions"
            | "users"
            | "keys"
            | "audit"
            | "jobs"
            | "service"
            | "previews"
            | "changes"
            | "search"
            | "synonyms"
            | "vocabularies"
    )
}

#[tokio::test]
async fn accounts_keys_sessions_and_the_trail_are_for_whom_the_document_says() {
    let grid = Grid::start().await;
    let mut cells = 0;
    for (path, method, operation) in operations() {
        let permission = operation["x-permission"].as_str().unwrap().to_owned();
        if is_about_content(&operation) || permission == "none" {
            continue;
        }
        let fresh = operation["x-reauthentication"] == true;
        let place = format!("{method} {path}");
        let absent = requests(&grid, &path, &method).await.pop().unwrap();
        let mut like = None;
        if absent.0 == Object::Absent {
            like = Some(but_for_its_id(&absent.1.send(&grid.service, As::Owner).await));
        }
        for (object, request) in requests(&grid, &path, &method).await {
            let expected = |who| refusal(who, &permission, fresh, &path, object);
            let refused: Vec<_> =
                Who::ALL.into_iter().filter_map(|who| Some((who, expected(who)?))).collect();
            let what = format!("{object:?}");
            grid.refused(&place, &[Attempt { what, callers: refused, request, like: like.clone() }]).await;
            for who in Who::ALL.into_iter().filter(|who| expected(*who).is_none()) {
                // A fresh object for each: the operation may end it.
                let requests = requests(&grid, &path, &method).await;
                let (_, request) = requests.into_iter().find(|(other, _)| *other == object).unwrap();
                let answer = request.send(&grid.service, grid.credential(who)).await;
                let proves = path == "/v1/auth/reauthenticate" && answer.status == 401;
                let status = answer.status.as_u16();
                assert!(proves || !matches!(status, 401 | 403 | 404), "{place} by {who:?}: {}", answer.text);
            }
            cells += Who::ALL.len();
        }
    }
    assert!(cells > 500, "{cells} cells");
}

#[tokio::test]
async fn what_needs_no_credential_is_the_same_for_all() {
    let grid = Grid::start().await;
    let mut open = Vec::new();
    for (path, method, operation) in operations() {
        if operation["x-permission"] != "none" {
            continue;
        }
        open.push(path.clone());
        let path = path.replace("{code}", "not-found").replace("{token}", "x");
        let body = operation.get("requestBody").map(|_| json!({}));
        let request = Request { method, path, etag: None, body };
        let expected = request.send(&grid.service, As::Nobody).await;
        for who in Who::ALL {
            let answer = request.send(&grid.service, grid.credential(who)).await;
            assert_eq!(answer.status, expected.status, "{} by {who:?}", request.path);
            assert_eq!(but_for_its_id(&answer), but_for_its_id(&expected));
        }
    }
    open.sort();
    assert_eq!(
        open,
        [
            "/.well-known/jwks.json",
            "/livez",
            "/openapi.json",
            "/problems",
            "/problems/{code}",
            "/readyz",
            "/v1/auth/forgotten-password",
            "/v1/auth/login",
            "/v1/auth/logout",
            "/v1/auth/password",
            "/v1/auth/refresh",
            "/v1/previews/{token}",
        ],
        "what is open to all is decided here, too"
    );
}

#[tokio::test]
async fn a_role_that_is_taken_away_is_gone_at_the_next_call() {
    let grid = Grid::start().await;
    let service = &grid.service;
    let token = service.account(AccountRole::Owner).await;
    let id = claims(&token).sub;
    for (role, allowed) in [
        (AccountRole::Admin, true),
        (AccountRole::Editor, false),
        (AccountRole::Viewer, false),
        (AccountRole::Owner, true),
    ] {
        let tx = service.app.db.begin().await.unwrap();
        user::Entity::update_many()
            .col_expr(user::Column::Role, Expr::value(role))
            .filter(user::Column::Id.eq(id))
            .exec(&tx)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        let status = service.get("/v1/users", As::Bearer(token.clone())).await.status.as_u16();
        assert_eq!(status, if allowed { 200 } else { 403 }, "{role:?}");
    }
}
