//! Opening the two kinds of database.

use std::{path::Path, time::Duration};

use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DbBackend, SqliteTransactionMode, Statement,
    TransactionOptions, TransactionTrait,
};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};

use super::{Db, DbError};
use crate::{config::Config, crypto};

/// How long a request waits for a connection before it is turned away with 503.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);
/// How many more connections to PostgreSQL the rate limits have.
const COUNTER_CONNECTIONS: u32 = 2;
/// How many more hearing of changes has: one asks, one is told.
const LOG_CONNECTIONS: u32 = 2;
/// SQLite older than this can corrupt a WAL database (SECURITY.md 0.3; sqlite.org/wal.html).
const OLDEST_SQLITE: (u32, u32, u32) = (3, 51, 3);

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

pub(super) async fn sqlite(path: &str, config: &Config) -> Result<Db, DbError> {
    let url = format!("sqlite://{path}?mode=rwc");
    let open = async |connections: u32, writes: bool| {
        let mut options = ConnectOptions::new(url.clone());
        options
            .max_connections(connections)
            .min_connections(1)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            // A connection to a file does not die; to ask its thread whether it lives costs as much as to
            // ask it for an entry.
            .test_before_acquire(false)
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
    let log = open(1, false).await?;
    Ok(Db { counter: reader.clone(), log, reader, writer })
}

fn connection(options: SqliteConnectOptions, writes: bool) -> SqliteConnectOptions {
    let options = options
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(3))
        .synchronous(SqliteSynchronous::Full)
        .pragma("temp_store", "memory");
    if writes {
        // With less, a large transaction writes pages out that it still changes (KiB).
        options.journal_mode(SqliteJournalMode::Wal).pragma("cache_size", "-32768")
    } else {
        // The pages of the indexes that all lists walk; with the 2 MB of the default they are read again
        // and again (KiB).
        options.pragma("query_only", "on").pragma("cache_size", "-8192")
    }
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

pub(super) async fn postgres(url: &str, config: &Config) -> Result<Db, DbError> {
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
    let log = open(LOG_CONNECTIONS).await?;
    Ok(Db { reader: pool.clone(), writer: pool, counter, log })
}

/// Creates `path` so that only its owner may look inside.
pub(super) fn private_directory(path: &Path) -> Result<(), DbError> {
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
