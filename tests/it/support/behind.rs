//! What a test does behind the store.

use super::database::{Database, databases};

/// Each database, where the test can look behind the store.
pub async fn open_databases() -> Vec<(Database, tempfile::TempDir)> {
    let mut all = Vec::new();
    for mut database in databases().await {
        let directory = tempfile::tempdir().unwrap();
        if database.name == "sqlite" {
            database.url = format!("sqlite://{}", directory.path().join("a.db").display());
        }
        all.push((database, directory));
    }
    all
}

/// Runs a statement behind the store.
pub async fn run(url: &str, statement: String) {
    use sqlx::Executor as _;

    let statement = sqlx::AssertSqlSafe(statement);
    if url.starts_with("sqlite") {
        let pool = sqlx::SqlitePool::connect(url).await.unwrap();
        pool.execute(statement).await.unwrap();
    } else {
        #[cfg(feature = "postgres")]
        sqlx::PgPool::connect(url).await.unwrap().execute(statement).await.unwrap();
    }
}
