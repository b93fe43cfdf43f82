//! What all handlers share.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use crate::{
    cache::Cache,
    clock::Clock,
    config::Config,
    crypto::{Keyring, PasswordHashing, Secrets},
    db::Db,
    http::{
        contract::Contract, cors::Origins, idempotency::InFlight, limits::Limits, places::Places,
        streams::Streams,
    },
    jobs::Jobs,
    mail::Mailer,
    metrics::Metrics,
    search::{Catalogue, SynonymsInUse},
    trail::Trail,
};

/// The parts of a running service. Cloning it is cheap.
#[derive(Clone, Debug)]
pub struct App(Arc<Parts>);

/// See [`App`], which dereferences to this.
#[derive(Debug)]
pub struct Parts {
    /// The database.
    pub db: Db,
    /// Time and ids.
    pub clock: Clock,
    /// The configuration.
    pub config: Config,
    /// Keys derived from the master secret.
    pub secrets: Secrets,
    /// The keys that sign access tokens.
    pub keyring: Keyring,
    /// The published document, which judges what comes in.
    pub contract: Contract,
    /// The audit trail.
    pub trail: Trail,
    /// The way out for messages.
    pub mailer: Mailer,
    /// What wakes the workers.
    pub jobs: Jobs,
    /// The search index.
    pub catalogue: Catalogue,
    /// The synonyms that searches use.
    pub synonyms: SynonymsInUse,
    /// The finished answers.
    pub cache: Cache,
    /// What is counted, for whoever watches the service.
    pub metrics: Metrics,
    /// Where passwords are hashed.
    pub hashing: PasswordHashing,
    /// How often callers have asked lately.
    pub limits: Limits,
    /// How many requests are served at once.
    pub places: Places,
    /// The requests that can be sent again and are being served.
    pub in_flight: InFlight,
    /// The answers without an end.
    pub streams: Arc<Streams>,
    /// The web origins that keys are bound to.
    pub origins: Origins,
    draining: AtomicBool,
}

impl App {
    /// A service made of these parts.
    #[must_use]
    pub fn new(
        db: Db,
        clock: Clock,
        config: Config,
        secrets: Secrets,
        keyring: Keyring,
        contract: Contract,
        mailer: Mailer,
    ) -> Self {
        Self(Arc::new(Parts {
            trail: Trail::open(db.clone(), clock.clone()),
            mailer,
            jobs: Jobs::default(),
            catalogue: Catalogue::new(config.data_dir.join("index")),
            synonyms: SynonymsInUse::default(),
            metrics: Metrics::default(),
            cache: Cache::new(u64::from(config.cache) << 20),
            db,
            clock,
            config,
            secrets,
            keyring,
            contract,
            hashing: PasswordHashing::default(),
            limits: Limits::default(),
            places: Places::default(),
            in_flight: InFlight::default(),
            streams: Arc::default(),
            origins: Origins::default(),
            draining: AtomicBool::new(false),
        }))
    }

    /// Says that the service is about to stop: from now on it is not ready.
    pub fn drain(&self) {
        self.0.draining.store(true, Ordering::Relaxed);
    }

    /// Whether the service is about to stop.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.0.draining.load(Ordering::Relaxed)
    }
}

impl std::ops::Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
