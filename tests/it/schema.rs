//! The schema goes up and down, and only one of many processes takes it there.

use migration::{Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, Database, DatabaseConnection};
use sogep::{config::Config, db::Db};

use crate::app::{TestApp, temporary_directory};

async fn connect(config: &Config) -> DatabaseConnection {
    let file = format!("sqlite://{}?mode=rwc", config.data_dir.join("sogep.db").display());
    Database::connect(config.database_url.clone().unwrap_or(file)).await.unwrap()
}

#[tokio::test]
async fn every_step_can_be_taken_back_and_taken_again() {
    let service = TestApp::start().await;
    let db = connect(&service.app.config).await;
    for _ in 0..2 {
        Migrator::down(&db, None).await.unwrap();
        assert!(db.execute_unprepared("SELECT 1 FROM entry").await.is_err(), "the tables are gone");
        Migrator::up(&db, None).await.unwrap();
        assert!(db.execute_unprepared("SELECT 1 FROM entry").await.is_ok(), "and there again");
    }
}

#[tokio::test]
async fn of_many_processes_that_start_at_once_one_migrates() {
    let service = TestApp::start().await;
    let db = connect(&service.app.config).await;
    Migrator::down(&db, None).await.unwrap();
    let mut starts = tokio::task::JoinSet::new();
    for _ in 0..5 {
        let config = service.app.config.clone();
        starts.spawn(async move {
            let db = Db::connect(&config).await.unwrap();
            db.migrate(&config.data_dir).await
        });
    }
    while let Some(start) = starts.join_next().await {
        assert!(start.unwrap().is_ok());
    }
    assert!(service.app.db.is_current().await.unwrap());
}

#[tokio::test]
async fn a_database_newer_than_the_binary_is_refused() {
    let service = TestApp::start().await;
    let db = connect(&service.app.config).await;
    db.execute_unprepared(
        "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m20990101_future', 1)",
    )
    .await
    .unwrap();
    let refused = service.app.db.migrate(&service.app.config.data_dir).await.unwrap_err();
    assert!(refused.to_string().contains("m20990101_future"), "{refused}");
}

#[tokio::test]
async fn a_data_directory_that_cannot_be_made_is_named() {
    let directory = temporary_directory();
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    let below = file.join("data").display().to_string();
    let config = Config::from_sources("", [("SOGEP_DATA_DIR".to_owned(), below.clone())]).unwrap();
    let refused = Db::connect(&config).await.unwrap_err();
    assert!(refused.to_string().contains(&below), "{refused}");
}

#[tokio::test]
async fn the_role_that_serves_can_change_no_table_and_no_line_of_the_trail() {
    let service = TestApp::start().await;
    if !service.app.db.is_postgres() {
        let refused = service.app.db.grant_to("sogep_app").await.unwrap_err();
        assert!(refused.to_string().contains("on PostgreSQL"), "SQLite has no roles: {refused}");
        return;
    }
    let owner = connect(&service.app.config).await;
    // Roles belong to the server, and other tests run on it.
    let role = format!("sogep_app_{}", uuid::Uuid::from_u128(u128::from(std::process::id())).simple());
    owner.execute_unprepared(&format!("CREATE ROLE {role} LOGIN")).await.unwrap();
    service.app.db.grant_to(&role).await.unwrap();
    for bad in ["", "a; DROP TABLE audit", "\"x\"", &"a".repeat(64)] {
        assert!(service.app.db.grant_to(bad).await.is_err(), "{bad}");
    }
    let mut config = service.app.config.clone();
    let mut url: url::Url = config.database_url.take().unwrap().parse().unwrap();
    url.set_username(&role).unwrap();
    config.database_url = Some(url.to_string());
    let serving = service.replica_with(config.clone()).await;
    let path = serving.published("topics", crate::app::topic("Konu")).await;
    assert_eq!(serving.get(&path, crate::app::As::Publishable).await.status, 200);
    assert_eq!(serving.get("/v1/audit", crate::app::As::Owner).await.status, 200);
    let db = connect(&config).await;
    for sql in [
        "DROP TABLE entry",
        "CREATE TABLE x (id int)",
        "ALTER TABLE entry ADD COLUMN x int",
        "UPDATE audit SET reason = 'x'",
        "DELETE FROM audit",
        "TRUNCATE audit",
        "DROP TRIGGER audit_append_only ON audit",
        "INSERT INTO seaql_migrations (version, applied_at) VALUES ('x', 1)",
    ] {
        let refused = db.execute_unprepared(sql).await.unwrap_err().to_string();
        assert!(
            refused.contains("permission denied") || refused.contains("must be owner"),
            "{sql}: {refused}"
        );
    }
}
