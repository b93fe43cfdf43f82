//! Connecting to SQLite or PostgreSQL, and bringing the schema up to date.
//!
//! On SQLite one connection writes and the others only read, so a reader never waits for a writer.
//! On PostgreSQL both are the same pool; the rate limits have one of their own, so that they do not
//! wait behind the very requests they are to hold back.

mod connect;
mod listener;
pub mod rows;

use std::path::Path;

use migration::{Migrator, MigratorTrait};
use sea_orm::{
    AccessMode, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, IsolationLevel,
    SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
};

use crate::config::Config;
use connect::{postgres, private_directory, sqlite};

pub use listener::Listener;

/// The advisory lock that migrations take on PostgreSQL; the number is arbitrary but must not change.
const MIGRATION_LOCK: i64 = 0x0073_6f67_6570;

/// The database, for reading and for writing.
#[derive(Clone, Debug)]
pub struct Db {
    reader: DatabaseConnection,
    writer: DatabaseConnection,
    counter: DatabaseConnection,
    log: DatabaseConnection,
}

/// How much of a pool of connections is used.
#[derive(Clone, Copy, Debug)]
pub struct Pool {
    /// What the pool is for.
    pub name: &'static str,
    /// Connections that somebody has.
    pub in_use: usize,
    /// Connections that nobody has.
    pub idle: usize,
}

/// Why the database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// It cannot be reached, opened or written.
    #[error("the database {0} cannot be used: {1}")]
    Unusable(String, #[source] DbErr),
    /// The directory of the SQLite file cannot be used.
    #[error("{0}: {1}")]
    Directory(String, #[source] std::io::Error),
    /// Another program version migrated it further than this one knows.
    #[error(
        "the database has the migration `{0}`, which this version does not know: it is newer than this binary"
    )]
    Newer(String),
    /// This build carries an SQLite with a known corruption bug.
    #[error("SQLite {0} is too old")]
    OldSqlite(String),
    /// There is no such role to be given rights.
    #[error("`{0}` cannot be given rights: wanted is the plain name of a role, on PostgreSQL")]
    Role(String),
    /// A statement failed.
    #[error(transparent)]
    Statement(#[from] DbErr),
}

impl Db {
    /// Opens the configured database; creates an SQLite file that is not there.
    ///
    /// # Errors
    /// When it cannot be opened for writing.
    pub async fn connect(config: &Config) -> Result<Self, DbError> {
        match config.database_url.as_deref() {
            Some(url) if url.starts_with("postgres") => postgres(url, config).await,
            Some(url) => sqlite(url.trim_start_matches("sqlite:").trim_start_matches("//"), config).await,
            None => {
                private_directory(&config.data_dir)?;
                sqlite(&config.data_dir.join("sogep.db").to_string_lossy(), config).await
            }
        }
    }

    /// The connections for reading outside a transaction.
    #[must_use]
    pub fn reader(&self) -> &DatabaseConnection {
        &self.reader
    }

    /// The connections for counting requests.
    #[must_use]
    pub fn counter(&self) -> &DatabaseConnection {
        &self.counter
    }

    /// The connection for hearing of changes: it never waits behind requests.
    #[must_use]
    pub fn log(&self) -> &DatabaseConnection {
        &self.log
    }

    /// What PostgreSQL wakes when something has changed. `None` on SQLite, and when it cannot be had now.
    pub async fn listener(&self) -> Option<Listener> {
        if !self.is_postgres() {
            return None;
        }
        Listener::open(self.log.get_postgres_connection_pool()).await
    }

    /// Begins a transaction that writes. Dropping it rolls it back.
    ///
    /// # Errors
    /// When no connection is free in time.
    pub async fn begin(&self) -> Result<DatabaseTransaction, DbErr> {
        // A deferred transaction on SQLite fails at once when it turns from reading to writing.
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..Default::default()
        };
        self.writer.begin_with_options(options).await
    }

    /// Begins a transaction that only reads, and reads everything as one moment had it.
    ///
    /// # Errors
    /// When no connection is free in time.
    pub async fn snapshot(&self) -> Result<DatabaseTransaction, DbErr> {
        // On SQLite every transaction is one.
        if self.is_postgres() {
            let level = IsolationLevel::RepeatableRead;
            self.reader.begin_with_config(Some(level), Some(AccessMode::ReadOnly)).await
        } else {
            self.reader.begin().await
        }
    }

    /// Whether the database is PostgreSQL.
    #[must_use]
    pub fn is_postgres(&self) -> bool {
        self.writer.get_database_backend() == DbBackend::Postgres
    }

    /// How the pools are used: on PostgreSQL one for everything and one for the rate limits, on SQLite
    /// one that reads and one that writes.
    #[must_use]
    pub fn pools(&self) -> Vec<Pool> {
        let pool = |name, size: u32, idle: usize| {
            let size = usize::try_from(size).unwrap_or(usize::MAX);
            Pool { name, in_use: size.saturating_sub(idle), idle }
        };
        let postgres = |name, connection: &DatabaseConnection| {
            let known = connection.get_postgres_connection_pool();
            pool(name, known.size(), known.num_idle())
        };
        let sqlite = |name, connection: &DatabaseConnection| {
            let known = connection.get_sqlite_connection_pool();
            pool(name, known.size(), known.num_idle())
        };
        // Asked for the pool of the other database, the library panics.
        if self.is_postgres() {
            vec![postgres("main", &self.writer), postgres("limits", &self.counter)]
        } else {
            vec![sqlite("reader", &self.reader), sqlite("writer", &self.writer)]
        }
    }

    /// Calls `count` for every statement sent, in and out of transactions, but for those by which the
    /// process hears of changes: they belong to no request.
    pub fn on_statement(&mut self, count: impl Fn() + Clone + Send + Sync + 'static) {
        let for_reader = count.clone();
        let for_counter = count.clone();
        self.reader.set_metric_callback(move |_info| for_reader());
        self.counter.set_metric_callback(move |_info| for_counter());
        self.writer.set_metric_callback(move |_info| count());
    }

    /// Brings the schema up to date. Of several processes that try at once, one does the work.
    ///
    /// # Errors
    /// When the database is newer than this binary, or a step fails (and leaves nothing behind).
    pub async fn migrate(&self, data_dir: &Path) -> Result<(), DbError> {
        if self.is_postgres() {
            // The lock is held by this transaction's connection; the steps use others.
            let lock = self.begin().await?;
            // No query builder knows advisory locks. Waiting for the other process is no failure.
            lock.execute_unprepared(&format!(
                "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0; \
                 SET LOCAL idle_in_transaction_session_timeout = 0; \
                 SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"
            ))
            .await?;
            let done = self.migrate_locked().await;
            lock.rollback().await?;
            done
        } else {
            let path = data_dir.join("migration.lock");
            private_directory(data_dir)?;
            let shown = path.display().to_string();
            // Waiting for another process must not stop this one's other tasks.
            let locked = tokio::task::spawn_blocking(move || {
                std::fs::File::create(&path).and_then(|file| file.lock().map(|()| file))
            });
            let file = locked
                .await
                .map_err(std::io::Error::other)
                .and_then(|locked| locked)
                .map_err(|error| DbError::Directory(shown, error))?;
            let done = self.migrate_locked().await;
            drop(file);
            done
        }
    }

    async fn migrate_locked(&self) -> Result<(), DbError> {
        // A role that may not change the schema can still serve when there is nothing to change.
        if !self.is_current().await? {
            Migrator::up(&self.writer, None).await?;
        }
        Ok(())
    }

    /// Lets a PostgreSQL role serve: read and write everything, but only read and add to the audit
    /// trail, and change no table (SECURITY.md C-05).
    ///
    /// # Errors
    /// On SQLite, which has no roles; when the name is no plain one, or a statement fails.
    pub async fn grant_to(&self, role: &str) -> Result<(), DbError> {
        let plain = !role.is_empty()
            && role.len() <= 63
            && role.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !self.is_postgres() || !plain {
            return Err(DbError::Role(role.to_owned()));
        }
        // No query builder knows GRANT, and no statement can bind a name: it was checked above.
        self.writer
            .execute_unprepared(&format!(
                "GRANT USAGE ON SCHEMA public TO \"{role}\";
                 GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO \"{role}\";
                 GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO \"{role}\";
                 REVOKE UPDATE, DELETE, TRUNCATE ON audit FROM \"{role}\";
                 REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON seaql_migrations FROM \"{role}\";"
            ))
            .await?;
        Ok(())
    }

    /// Whether every migration has run.
    ///
    /// # Errors
    /// When the database is newer than this binary.
    pub async fn is_current(&self) -> Result<bool, DbError> {
        self.refuse_newer().await?;
        Ok(Migrator::get_pending_migrations_read_only(&self.reader).await?.is_empty())
    }

    async fn refuse_newer(&self) -> Result<(), DbError> {
        let known = Migrator::migrations();
        let models = match Migrator::get_migration_models(&self.writer).await {
            Ok(models) => models,
            // The table of migrations is not there before the first one.
            Err(_absent) => return Ok(()),
        };
        match models.into_iter().find(|model| known.iter().all(|step| step.name() != model.version)) {
            Some(unknown) => Err(DbError::Newer(unknown.version)),
            None => Ok(()),
        }
    }
}

/// Takes the lock `number` until the transaction ends, unless somebody has it; says whether it was free.
/// On SQLite a transaction that writes is alone anyway.
///
/// # Errors
/// When the database fails.
pub async fn try_lock(tx: &DatabaseTransaction, number: i64) -> Result<bool, DbErr> {
    if tx.get_database_backend() != DbBackend::Postgres {
        return Ok(true);
    }
    // No query builder knows advisory locks.
    let take = "SELECT pg_try_advisory_xact_lock($1) AS is_free";
    let take = Statement::from_sql_and_values(DbBackend::Postgres, take, [number.into()]);
    let row = tx.query_one_raw(take).await?;
    row.map_or(Ok(false), |row| row.try_get("", "is_free"))
}
