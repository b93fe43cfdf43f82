//! Connecting to SQLite or PostgreSQL, and bringing the schema up to date.
//!
//! On SQLite one connection writes and the others only read, so a reader never waits for a writer.
//! On PostgreSQL both are the same pool; the rate limits have one of their own, so that they do not
//! wait behind the very requests they are to hold back.

use std::{path::Path, time::Duration};

use migration::{Migrator, MigratorTrait};
use sea_orm::{
    AccessMode, ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction,
    DbBackend, DbErr, IsolationLevel, SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};

use crate::{config::Config, crypto};

/// How long a request waits for a connection before it is turned away with 503.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);
/// How many more connections to PostgreSQL the rate limits have.
const COUNTER_CONNECTIONS: u32 = 2;
/// SQLite older than this can corrupt a WAL database (SECURITY.md 0.3; sqlite.org/wal.html).
const OLDEST_SQLITE: (u32, u32, u32) = (3, 51, 3);
/// The advisory lock that migrations take on PostgreSQL; the number is arbitrary but must not change.
const MIGRATION_LOCK: i64 = 0x0073_6f67_6570;

/// The database, for reading and for writing.
#[derive(Clone, Debug)]
pub struct Db {
    reader: DatabaseConnection,
    writer: DatabaseConnection,
    counter: DatabaseConnection,
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

    /// Calls `count` for every statement sent, in and out of transactions.
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

/// Takes the rights of others away from an SQLite file and what lies beside it (SECURITY.md C-09).
#[cfg(unix)]
fn keep_private(path: &str) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    for file in [path.to_owned(), format!("{path}-wal"), format!("{path}-shm")] {
        match std::fs::metadata(&file) {
            Ok(metadata) if metadata.permissions().mode() & 0o077 != 0 => {
                std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600))?;
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(not(unix))]
fn keep_private(_: &str) -> std::io::Result<()> {
    Ok(())
}

async fn sqlite(path: &str, config: &Config) -> Result<Db, DbError> {
    let url = format!("sqlite://{path}?mode=rwc");
    let open = async |connections: u32, writes: bool| {
        let mut options = ConnectOptions::new(url.clone());
        options
            .max_connections(connections)
            .min_connections(1)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .sqlx_logging(false)
            .map_sqlx_sqlite_opts(move |sqlite| connection(sqlite, writes));
        Database::connect(options).await.map_err(|error| DbError::Unusable(path.to_owned(), error))
    };
    // The writer first: it creates the file and its log.
    let writer = open(1, true).await?;
    let version = writer
        // No query builder names the SQLite version.
        .query_one_raw(Statement::from_string(DbBackend::Sqlite, "SELECT sqlite_version() AS version"))
        .await?
        .map(|row| row.try_get::<String>("", "version"))
        .transpose()?
        .unwrap_or_default();
    let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap_or_default());
    let mut part = || parts.next().unwrap_or_default();
    if (part(), part(), part()) < OLDEST_SQLITE {
        return Err(DbError::OldSqlite(version));
    }
    // Opened for reading only, a file that cannot be written would be noticed at the first write.
    let probe = writer.begin_with_options(TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..Default::default()
    });
    let unusable = |error| DbError::Unusable(path.to_owned(), error);
    probe.await.map_err(unusable)?.rollback().await.map_err(unusable)?;
    let reader = open(config.database_connections, false).await?;
    keep_private(path).map_err(|error| DbError::Directory(path.to_owned(), error))?;
    Ok(Db { counter: reader.clone(), reader, writer })
}

fn connection(options: SqliteConnectOptions, writes: bool) -> SqliteConnectOptions {
    let options = options
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(3))
        .synchronous(SqliteSynchronous::Full)
        .pragma("temp_store", "memory");
    if writes { options.journal_mode(SqliteJournalMode::Wal) } else { options.pragma("query_only", "on") }
}

/// `url`, with the server's certificate verified unless it is on this machine or the URL says how it is
/// to be (SECURITY.md C-04).
fn verified(url: &str) -> String {
    let Ok(mut parsed) = url::Url::parse(url) else { return url.to_owned() };
    let says = parsed.query_pairs().any(|(name, _)| matches!(&*name, "sslmode" | "ssl-mode" | "host"));
    // The address of a scheme that is none of the web's is only text.
    let host = parsed.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let is_local = match host.parse::<std::net::IpAddr>() {
        Ok(address) => address.is_loopback(),
        Err(_name) => host.is_empty() || host == "localhost" || host.starts_with('%'),
    };
    if says || is_local {
        return url.to_owned();
    }
    parsed.query_pairs_mut().append_pair("sslmode", "verify-full");
    parsed.into()
}

async fn postgres(url: &str, config: &Config) -> Result<Db, DbError> {
    let url = &verified(url);
    let open = async |connections: u32| {
        let mut options = ConnectOptions::new(url.to_owned());
        options
            .max_connections(connections)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .sqlx_logging(false)
            .map_sqlx_postgres_opts(|postgres| {
                postgres.options([
                    ("statement_timeout", "15s"),
                    ("lock_timeout", "5s"),
                    ("idle_in_transaction_session_timeout", "60s"),
                ])
            })
            // A client that goes away while BEGIN is under way leaves its connection inside a
            // transaction; what is written on it later would be lost (sqlx#4385). Such a connection is
            // thrown away here. It is also how a dead connection is noticed.
            .test_before_acquire(false)
            .map_sqlx_postgres_before_acquire(|connection, _meta| {
                Box::pin(async move {
                    // By the simple protocol: in the extended one the two times always differ.
                    let row =
                        sqlx::raw_sql("SELECT now() = statement_timestamp()").fetch_one(connection).await?;
                    sqlx::Row::try_get::<bool, _>(&row, 0)
                })
            });
        Database::connect(options).await.map_err(|error| DbError::Unusable("on PostgreSQL".to_owned(), error))
    };
    let pool = open(config.database_connections).await?;
    let counter = open(COUNTER_CONNECTIONS).await?;
    Ok(Db { reader: pool.clone(), writer: pool, counter })
}

/// Creates `path` so that only its owner may look inside.
fn private_directory(path: &Path) -> Result<(), DbError> {
    crypto::private_directory(path).map_err(|error| DbError::Directory(path.display().to_string(), error))
}

#[cfg(test)]
mod tests {
    use super::verified;

    #[test]
    fn a_database_elsewhere_has_to_prove_who_it_is() {
        for (url, mode) in [
            ("postgres://a@db.example/x", Some("verify-full")),
            ("postgres://a:p%40ss@10.0.0.7:5433/x?application_name=y", Some("verify-full")),
            ("postgres://a@db.example/x?sslmode=require", Some("require")),
            ("postgres://a@localhost/x", None),
            ("postgres://a@127.0.0.1:5432/x", None),
            ("postgres://a@[::1]/x", None),
            ("postgres://a@%2Fvar%2Frun/x", None),
            ("postgres:///x?host=/var/run/postgresql", None),
        ] {
            let verified = verified(url);
            let parsed: url::Url = verified.parse().unwrap();
            let found =
                parsed.query_pairs().find(|(name, _)| name == "sslmode").map(|(_, mode)| mode.into_owned());
            assert_eq!(found.as_deref(), mode, "{verified}");
        }
    }
}
