//! A whole service for one test: its own database, a clock that stands still, callers of every
//! kind, and a look at every answer whether it is what the document says.

mod answer;
mod bodies;
mod place;

pub use answer::Answer;
pub use bodies::*;
pub use place::{postgres_url, temporary_directory};

use std::{
    net::IpAddr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{
    body::{Body, Bytes},
    http::{Method, Request, StatusCode, header, request},
};
use chrono::{DateTime, Utc};
use http_body_util::BodyExt;
use sea_orm::{ActiveValue::Set, EntityTrait, QueryOrder};
use serde_json::{Value, json};
use sogep::{
    app::App,
    auth::{
        Caller, Scope,
        session::{self, Granted, SignIn},
        token,
    },
    clock::Clock,
    config::Config,
    content,
    crypto::{Keyring, Secrets},
    db::Db,
    entity::{
        self, user,
        vocabulary::{AccountRole, KeyType},
    },
    front::Front,
    http::peer::Peer,
    jobs::{self, Kind},
    keys::{self, NewKey},
    mail::{MailSettings, Mailer, Transport},
    router, synonyms, worker,
};
use tempfile::TempDir;
use tower::ServiceExt;
use uuid::Uuid;

/// When every test happens.
pub fn now() -> DateTime<Utc> {
    "2026-03-08T09:00:00Z".parse().unwrap()
}

/// Who sends a request.
#[derive(Clone, Debug, PartialEq)]
pub enum As {
    Nobody,
    Publishable,
    /// A secret key that reads what is for partners.
    Partner,
    Viewer,
    Author,
    Editor,
    Admin,
    Owner,
    /// Any other credential.
    Bearer(String),
}

/// A service and its database.
pub struct TestApp {
    pub app: App,
    front: Front,
    statements: Arc<AtomicUsize>,
    credentials: tokio::sync::Mutex<Vec<(As, String)>>,
    directory: TempDir,
}

impl TestApp {
    /// A service whose database holds the profile and nothing else.
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    /// A service that also holds the sample content.
    pub async fn with_demo() -> Self {
        let service = Self::start().await;
        service.load_demo().await;
        service
    }

    /// A service with other settings.
    pub async fn with(settings: &[(&str, &str)]) -> Self {
        let directory = temporary_directory();
        let clock = Clock::standing_at(now());
        let mut environment = vec![
            ("SOGEP_DATA_DIR".to_owned(), directory.path().join("data").display().to_string()),
            ("SOGEP_BASE_URL".to_owned(), "https://api.sogep.example".to_owned()),
            ("SOGEP_SECRET".to_owned(), "zQ7fV2kLx9-only-good-here-Wm4Tb8".to_owned()),
            ("SOGEP_DATABASE_CONNECTIONS".to_owned(), "4".to_owned()),
            // Most tests are about something else.
            ("SOGEP_SECOND_FACTOR".to_owned(), "none".to_owned()),
        ];
        // Only the tests of limits are to meet them.
        for limit in ["READ", "WRITE", "ANONYMOUS", "SIGN_IN"] {
            environment.push((format!("SOGEP_RATE_LIMIT_{limit}"), "1000000000".to_owned()));
        }
        environment.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        if let Some(url) = postgres_url() {
            environment.push(("DATABASE_URL".to_owned(), place::fresh_postgres(&url).await));
        }
        let config = Config::from_sources("", environment).unwrap();
        let service = Self::on(config, clock, directory).await;
        content::seed_profile(&service.app).await.unwrap();
        synonyms::seed(&service.app).await.unwrap();
        service
    }

    /// Another process that serves the same database, with the same settings, clock and callers.
    pub async fn replica(&self) -> Self {
        let replica = self.replica_with(self.app.config.clone()).await;
        replica.credentials.lock().await.extend(self.credentials.lock().await.iter().cloned());
        replica
    }

    /// The same with other settings, and without the callers.
    pub async fn replica_with(&self, config: Config) -> Self {
        Self::on(config, self.app.clock.clone(), temporary_directory()).await
    }

    async fn on(config: Config, clock: Clock, directory: TempDir) -> Self {
        let mut db = Db::connect(&config).await.unwrap();
        db.migrate(&config.data_dir).await.unwrap();
        let statements = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&statements);
        db.on_statement(move || {
            counter.fetch_add(1, Ordering::Relaxed);
        });
        let secrets = Secrets::load(&config).unwrap();
        let keyring = Keyring::load(&db, &clock, &secrets).await.unwrap();
        let mail = config.data_dir.join("mail");
        let settings =
            MailSettings { transport: Transport::Folder(mail), from: "sogep@sogep.example".to_owned() };
        let mailer = Mailer::new(settings).unwrap();
        let app = App::new(db, clock, config, secrets, keyring, router::contract(), mailer);
        let front = router::service(&app);
        Self { app, front, statements, credentials: tokio::sync::Mutex::default(), directory }
    }

    pub async fn load_demo(&self) {
        use sogep::interchange::import::{Input, Job, import};
        let inputs = content::DEMO.map(|(collection, text)| (collection, Input::Embedded(text))).to_vec();
        let job = Job { inputs, dry_run: false, keep_going: false };
        let report = import(&self.app, &job, &|_| {}).await.unwrap();
        assert!(report.imported, "{:?}", report.errors.first());
    }

    /// What answers, for a server of the test's own.
    pub fn front(&self) -> Front {
        self.front.clone()
    }

    /// A directory of this test's own.
    pub fn directory(&self) -> PathBuf {
        self.directory.path().to_owned()
    }

    pub async fn get(&self, path: &str, who: As) -> Answer {
        self.send(Method::GET, path, who, &[], None).await
    }

    pub async fn post(&self, path: &str, who: As, body: Value) -> Answer {
        self.send(Method::POST, path, who, &[], Some(body)).await
    }

    pub async fn patch(&self, path: &str, who: As, etag: &str, body: Value) -> Answer {
        self.send(Method::PATCH, path, who, &[("if-match", etag)], Some(body)).await
    }

    pub async fn delete(&self, path: &str, who: As, etag: &str) -> Answer {
        self.send(Method::DELETE, path, who, &[("if-match", etag)], None).await
    }

    /// Creates an entry as an editor and publishes it; gives its address.
    pub async fn published(&self, collection: &str, body: Value) -> String {
        let created = self.post(&format!("/v1/{collection}"), As::Editor, body).await;
        assert_eq!(created.status, StatusCode::CREATED, "{}", created.text);
        let path = created.header("location").to_owned();
        let published =
            self.post(&format!("{path}/transitions"), As::Editor, json!({ "to": "published" })).await;
        assert_eq!(published.status, StatusCode::OK, "{}", published.text);
        path
    }

    /// Sends a request and checks the answer against the document.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        who: As,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Answer {
        let mut headers = headers.to_vec();
        if body.is_some() && !headers.iter().any(|(name, _)| *name == "content-type") {
            headers.push(("content-type", "application/json"));
        }
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        self.send_bytes(method, path, who, &headers, body).await
    }

    /// Sends a body byte by byte as it is given, and checks the answer against the document.
    pub async fn send_bytes(
        &self,
        method: Method,
        path: &str,
        who: As,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let request = Request::builder().method(&method).uri(path);
        self.finish(request, who, headers, body).await
    }

    /// Reads `path`, from the address `peer`.
    pub async fn get_from(&self, peer: &str, path: &str, who: As, headers: &[(&str, &str)]) -> Answer {
        let request = Request::builder().uri(path).extension(peer_at(peer));
        self.finish(request, who, headers, Body::empty()).await
    }

    /// Sends `body` to `path`, from the address `peer`.
    pub async fn post_from(&self, peer: &str, path: &str, who: As, body: Value) -> Answer {
        let request = Request::builder().method(Method::POST).uri(path).extension(peer_at(peer));
        self.finish(request, who, &[("content-type", "application/json")], body.to_string()).await
    }

    async fn finish(
        &self,
        mut request: request::Builder,
        who: As,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        if let Some(credential) = self.credential(who).await {
            request = request.header(header::AUTHORIZATION, format!("Bearer {credential}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body.into()).unwrap();
        let (method, uri) = (request.method().clone(), request.uri().to_string());
        let answer = self.raw(request).await;
        // The document says what `GET` answers; `HEAD` is the same without the body, and what is coded is
        // the same in other bytes.
        if method != Method::HEAD && !answer.headers.contains_key(header::CONTENT_ENCODING) {
            crate::document::check(&method, &uri, &answer);
        }
        answer
    }

    /// Sends a request as it is. Whatever a test has done is heard of before: answers that are kept are
    /// sent wherever they may be, and must be right.
    pub async fn raw(&self, request: Request<Body>) -> Answer {
        self.app.cache.hearing.catch_up(&self.app).await;
        self.answered(request).await
    }

    /// Reads `path` as a process does that has heard only what it hears by itself.
    pub async fn unheard(&self, path: &str) -> Answer {
        let credential = self.credential(As::Publishable).await.unwrap();
        let request =
            Request::builder().uri(path).header(header::AUTHORIZATION, format!("Bearer {credential}"));
        self.answered(request.body(Body::empty()).unwrap()).await
    }

    async fn answered(&self, request: Request<Body>) -> Answer {
        let response = self.front.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        // A stream has no end to wait for.
        let is_endless =
            parts.headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == "text/event-stream");
        let bytes = if is_endless { Bytes::new() } else { body.collect().await.unwrap().to_bytes() };
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let body = serde_json::from_slice(&bytes).unwrap_or_default();
        Answer { status: parts.status, headers: parts.headers, length: bytes.len(), text, body }
    }

    /// How many statements the database gets while `work` is done, when nothing is finished before.
    pub fn statements<T>(&self, work: impl Future<Output = T>) -> impl Future<Output = (usize, T)> {
        self.app.cache.clear();
        self.counted(work)
    }

    /// How many statements the database gets while `work` is done.
    pub async fn counted<T>(&self, work: impl Future<Output = T>) -> (usize, T) {
        let before = self.statements.load(Ordering::Relaxed);
        let done = work.await;
        (self.statements.load(Ordering::Relaxed) - before, done)
    }

    /// Every row of every table, but when keys were last used: that is noted beside the request.
    pub async fn rows(&self) -> Vec<String> {
        let mut rows = Vec::new();
        macro_rules! all {
            ($($table:ident),*) => {$(
                for row in entity::$table::Entity::find().all(self.app.db.reader()).await.unwrap() {
                    rows.push(format!("{} {row:?}", stringify!($table)));
                }
            )*};
        }
        all!(entry, entry_text, entry_topic, contribution, entry_link, identifier, slug_history);
        all!(entry_value, title_key);
        all!(organisation, project, event, publication, practice, person, partner, topic);
        all!(revision, change, user, session, refresh_token, signing_key);
        all!(
            one_time_token,
            recovery_code,
            known_device,
            preview,
            idempotency_key,
            job,
            synonym,
            synonym_edition
        );
        for row in entity::api_key::Entity::find().all(self.app.db.reader()).await.unwrap() {
            rows.push(format!("{:?}", entity::api_key::Model { last_used_at: None, ..row }));
        }
        rows.sort();
        rows
    }

    /// The credential of a caller; made when it is first asked for.
    pub async fn credential(&self, who: As) -> Option<String> {
        let mut known = self.credentials.lock().await;
        if let Some((_, credential)) = known.iter().find(|(other, _)| *other == who) {
            return Some(self.fresh(credential));
        }
        let credential = match who.clone() {
            As::Nobody => return None,
            As::Bearer(text) => return Some(text),
            As::Publishable => self.key(KeyType::Publishable, Vec::new()).await,
            As::Partner => {
                self.key(KeyType::Secret, vec![Scope::ContentRead, Scope::ContentReadPartners]).await
            }
            As::Viewer => self.account(AccountRole::Viewer).await,
            As::Author => self.account(AccountRole::Author).await,
            As::Editor => self.account(AccountRole::Editor).await,
            As::Admin => self.account(AccountRole::Admin).await,
            As::Owner => self.account(AccountRole::Owner).await,
        };
        known.push((who, credential.clone()));
        Some(credential)
    }

    /// The credential, or the same account's token anew when it has expired since.
    fn fresh(&self, credential: &str) -> String {
        let Ok(read) = jsonwebtoken::dangerous::insecure_decode::<token::Claims>(credential) else {
            return credential.to_owned();
        };
        let token::Claims { sub, sid, scope: role, exp, .. } = read.claims;
        if exp > self.app.clock.now().timestamp() {
            return credential.to_owned();
        }
        token::issue(&self.app, sub, sid, role).unwrap()
    }

    /// A new key.
    pub async fn key(&self, kind: KeyType, scopes: Vec<Scope>) -> String {
        let new = NewKey {
            r#type: kind,
            name: "Test".to_owned(),
            scopes,
            partner: None,
            expires_in_days: 90,
            origins: Vec::new(),
            networks: Vec::new(),
        };
        let tx = self.app.db.begin().await.unwrap();
        let (secret, _, _) = keys::create(&self.app, &tx, &Caller::SYSTEM, new).await.unwrap();
        tx.commit().await.unwrap();
        secret
    }

    /// Stores an account.
    pub async fn store_account(&self, id: Uuid, email: &str, role: AccountRole, password_hash: String) {
        let row = user::ActiveModel {
            id: Set(id),
            email: Set(email.to_owned()),
            name: Set(Some("Işıl".to_owned())),
            role: Set(role),
            password_hash: Set(password_hash),
            created_at: Set(now()),
            password_changed_at: Set(now()),
            disabled_at: Set(None),
            version: Set(1),
            sealed_totp_secret: Set(None),
            totp_confirmed_at: Set(None),
            totp_last_step: Set(None),
            deleted_at: Set(None),
        };
        let tx = self.app.db.begin().await.unwrap();
        user::Entity::insert(row).exec_without_returning(&tx).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// A session of an account, begun without its password.
    pub async fn session(&self, account: Uuid, how: SignIn) -> Granted {
        let tx = self.app.db.begin().await.unwrap();
        let account = user::Entity::find_by_id(account).one(&tx).await.unwrap().unwrap();
        let granted = session::begin(&self.app, &tx, account, how).await.unwrap();
        tx.commit().await.unwrap();
        granted
    }

    /// The lines of the audit trail, the first one first, once all is written.
    pub async fn trail(&self) -> Vec<entity::audit::Model> {
        self.app.trail.flush().await;
        entity::audit::Entity::find()
            .order_by_asc(entity::audit::Column::Seq)
            .all(self.app.db.reader())
            .await
            .unwrap()
    }

    /// Waits until `holds`, for what is done beside the requests; fails when it takes far too long.
    pub async fn until(&self, what: &str, holds: impl AsyncFn() -> bool) {
        for _ in 0..800 {
            if holds().await {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(25)).await;
        }
        panic!("waited in vain: {what}");
    }

    /// Does the jobs that are due. Nobody does them before: what a test sees does not depend on the
    /// moment at which it looks.
    pub async fn work(&self) {
        let (stop, stopped) = tokio::sync::watch::channel(());
        let app = self.app.clone();
        let working = tokio::spawn(async move { worker::work(&app, &stopped).await });
        self.until("jobs", async || {
            for kind in Kind::ALL {
                if jobs::is_due(&self.app, kind).await.unwrap() {
                    return false;
                }
            }
            true
        })
        .await;
        drop(stop);
        working.await.unwrap();
    }

    /// The messages that were sent to `address`, the first one first, once there are `count` of them.
    pub async fn mail(&self, address: &str, count: usize) -> Vec<String> {
        let sent = || {
            let directory = self.app.config.data_dir.join("mail");
            let files = std::fs::read_dir(directory).into_iter().flatten().map(|entry| entry.unwrap().path());
            let mut files: Vec<PathBuf> =
                files.filter(|path| path.extension().is_some_and(|extension| extension == "eml")).collect();
            // Named after their jobs, whose ids grow.
            files.sort();
            let texts = files.into_iter().map(|path| std::fs::read_to_string(path).unwrap());
            texts.filter(|text| text.contains(address)).collect::<Vec<_>>()
        };
        self.until("a message", async || {
            self.work().await;
            sent().len() >= count
        })
        .await;
        sent()
    }

    /// An access token of a new account.
    pub async fn account(&self, role: AccountRole) -> String {
        let id = self.app.clock.secret_id();
        // No password opens it: these tests do not sign in.
        self.store_account(id, &format!("{id}@sogep.example"), role, String::new()).await;
        let granted = self.session(id, SignIn { second_factor: true, device: None }).await;
        token::issue(&self.app, id, granted.session_id, role).unwrap()
    }
}

/// The other end of a connection from `address`.
fn peer_at(address: &str) -> Peer {
    Peer((address.parse::<IpAddr>().unwrap(), 50_000).into())
}
