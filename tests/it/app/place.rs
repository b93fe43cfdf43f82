//! Where a test keeps its data: a directory in memory, a database of its own.

use std::{
    io::Write,
    sync::{
        LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use migration::MigratorTrait;
use sea_orm::{ConnectionTrait, Database};
use tempfile::TempDir;

pub fn temporary_directory() -> TempDir {
    let memory = std::path::Path::new("/dev/shm");
    if memory.is_dir() { TempDir::new_in(memory).unwrap() } else { TempDir::new().unwrap() }
}

/// The server to make databases on; without one the suite runs on SQLite, and says so.
pub fn postgres_url() -> Option<String> {
    static SAID: LazyLock<Option<String>> = LazyLock::new(|| {
        let url = std::env::var("TEST_DATABASE_URL").ok();
        if url.is_none() {
            // Not by a macro: the test harness would keep what a macro prints to itself.
            let said = "\n*** TEST_DATABASE_URL is not set: these tests run on SQLite only, PostgreSQL is SKIPPED ***\n\n";
            std::io::stderr().write_all(said.as_bytes()).unwrap();
        }
        url
    });
    SAID.clone()
}

/// A new database on the server at `url`: a copy of one that has been migrated once.
pub async fn fresh_postgres(url: &str) -> String {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    static TEMPLATE: tokio::sync::OnceCell<String> = tokio::sync::OnceCell::const_new();
    let (base, _) = url.rsplit_once('/').unwrap();
    let process = std::process::id();
    let server = Database::connect(url).await.unwrap();
    let template = TEMPLATE.get_or_init(async || {
        let name = format!("sogep_template_{process}");
        server.execute_unprepared(&format!("CREATE DATABASE {name}")).await.unwrap();
        // A pool belongs to the runtime of its test, and a template must have no connection.
        let db = Database::connect(format!("{base}/{name}")).await.unwrap();
        migration::Migrator::up(&db, None).await.unwrap();
        db.close().await.unwrap();
        name
    });
    let template = template.await;
    let name = format!("sogep_test_{process}_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    let create = format!("CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY");
    server.execute_unprepared(&create).await.unwrap();
    server.close().await.unwrap();
    format!("{base}/{name}")
}
