//! `sogep`: the content API of a civil-society organisation. This page is the map of the house.
//!
//! # A request
//!
//! [`server`] accepts the connection, lets nothing but strictly framed HTTP through and closes what is
//! slow. [`http::envelope`] gives the request its id, a place among those that are served at once, its
//! deadline and log line; [`router`] finds the handler. The handler's arguments are its contract: an
//! extractor of [`auth::caller`] is the permission, those of [`http::extract`] read what was sent. It
//! calls queries, and answers. Two functions of ours per request: handler, query.
//!
//! # What is where
//!
//! | what | where |
//! |---|---|
//! | the command line: `serve`, `user`, `key`, `import`, … | [`command`] |
//! | what is finished already, sent before anything else | [`front`] |
//! | finished answers, kept until the content behind them changes; hearing of changes | [`cache`] |
//! | all routes, all layers, the OpenAPI document | [`router`] |
//! | connections: strict framing, caps, deadlines | [`server`] |
//! | what is done beside the requests | [`worker`] |
//! | how we speak HTTP: errors, strict JSON, parameters, languages, cursors, entity tags | [`http`] |
//! | how often one may ask, how many are served at once, which web pages may | [`http::limits`], [`http::places`], [`http::streams`], [`http::cors`] |
//! | the published document as the judge of what comes in | [`http::contract`] |
//! | who is calling and what they may do; signing in, second factors, one's own account | [`auth`] |
//! | a `POST` that may be sent again: the key, and its effect once | [`http::idempotency`], [`auth::once`] |
//! | the entry that every kind of content is: who sees it, reading, writing, documenting | [`editorial`] |
//! | which entries a list has, in which order: filters, sorts, pages, the alphabet | [`editorial::lists`], [`editorial::collation`] |
//! | the kinds: own fields, texts, rules, example | [`publications`], [`projects`], [`events`], [`practices`], [`people`], [`partners`], [`topics`], [`organisation`] |
//! | what a preview link shows; what is published, archived and deleted when its time has come | [`previews`], [`schedule`] |
//! | calling what is generic over the kind when only its name is known | [`kinds`] |
//! | administration: accounts, where they are signed in, keys, the audit trail, jobs | [`users`], [`sessions`], [`keys`], [`audit`], [`backlog`] |
//! | the change log, for those who keep a copy | [`changes`] |
//! | what words bring in when they are searched for | [`synonyms`] |
//! | the closed lists of words, with their labels | [`vocabularies`] |
//! | one entry, with what was asked for beside it | [`reading`] |
//! | lists, search, completions, what is related; keeping the index up with the change log | [`discovery`] |
//! | collections as NDJSON, in and out | [`interchange`] |
//! | the profile and the sample entries that come with the program; entries by rule, as many as wanted | [`content`] |
//! | health, documentation page, what problem codes mean | [`service`] |
//! | the search index: analyser, ranking, facets, completions, related entries | [`search`] |
//! | the audit trail: writing its lines, checking its chain | [`trail`] |
//! | work that is done later, at least once: the queue, claims, tries | [`jobs`] |
//! | messages to people: the transports, the texts | [`mail`] |
//! | what is counted, and the page for whoever watches the service | [`metrics`] |
//! | the tables, and the closed lists of words | [`entity`] |
//! | the schema of the database | the crate `migration` |
//! | connecting, transactions, migrating | [`db`] |
//! | what is derived from the master secret, and the keys that sign tokens | [`crypto`] |
//! | settings | [`config`] |
//! | time and ids | [`clock`] |
//! | what all handlers share | [`app`] |
//! | logs | [`telemetry`] |
//!
//! # Who may use whom
//!
//! | row | modules | may use |
//! |---|---|---|
//! | 5 | `command` `front` `router` `server` `worker` | everything |
//! | 4 | `changes` `content` `discovery` `interchange` `reading` `service`, the kinds and `kinds`, `previews` `schedule` `users` `sessions` `keys` `audit` `backlog` `synonyms` `vocabularies` | rows 1 to 3, and each other's public rules |
//! | 3 | `auth` `editorial` | rows 1 and 2, and each other |
//! | 2 | `app` `cache` `http` `db` `crypto` `jobs` `mail` `metrics` `search` `trail` | row 1, and each other |
//! | 1 | `clock` `config` `entity` `telemetry` | the standard library and crates |
//!
//! # To add a kind
//!
//! A migration for its table, an entity, a file that implements [`editorial::Kind`], its name in
//! [`router`], in [`interchange`] and in [`changes`], tests, `UPDATE_OPENAPI=1 cargo test document`. Everything else
//! (list with its filters and orders, item, create, patch, trash, transitions, revisions, change log, import, export, schemas,
//! documentation) follows from the declaration.
//!
//! # What must stay true
//!
//! Every read of content begins at [`editorial::finder`]. Every write leaves a revision and a line in
//! the change log and in the audit trail, in its own transaction. Every operation declares its
//! permission and has its row in the access matrix (`tests/it/matrix.rs`). Every `POST` of a known caller
//! takes effect once for its key ([`auth::once`]; `tests/it/idempotency/operations.rs`). A body is judged by the
//! schema that is published for it. Both databases behave alike. No query per row. No secret and no personal datum in a log.

pub mod app;
pub mod audit;
pub mod auth;
pub mod backlog;
pub mod cache;
pub mod changes;
pub mod clock;
pub mod command;
pub mod config;
pub mod content;
pub mod crypto;
pub mod db;
pub mod discovery;
pub mod editorial;
pub mod entity;
pub mod events;
pub mod front;
pub mod http;
pub mod interchange;
pub mod jobs;
pub mod keys;
pub mod kinds;
pub mod mail;
pub mod metrics;
pub mod organisation;
pub mod partners;
pub mod people;
pub mod practices;
pub mod previews;
pub mod projects;
pub mod publications;
pub mod reading;
pub mod router;
pub mod schedule;
pub mod search;
pub mod server;
pub mod service;
pub mod sessions;
pub mod synonyms;
pub mod telemetry;
pub mod topics;
pub mod trail;
pub mod users;
pub mod vocabularies;
pub mod worker;
