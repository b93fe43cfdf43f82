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
