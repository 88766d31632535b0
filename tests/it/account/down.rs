//! What a store that fails costs: a 503, and nobody is logged in.

use donjon::account::AccountLayer;
use donjon::crypto::{Keyring, SystemRandom};
use donjon::session::SessionLayer;
use donjon::store::SqlStore;
use http::StatusCode;
use sqlx::Connection as _;
use tower::{Layer as _, service_fn};

use super::attacks::nothing;
use super::world::{ALICE, ORIGIN, PASSWORD};
use crate::support::browser::Browser;
use crate::support::database::Database;

const LOGIN: [(&str, &str); 2] = [("email", ALICE), ("password", PASSWORD)];

#[tokio::test]
async fn a_store_that_is_down_costs_a_503_and_logs_nobody_in() {
    let sessions = Database::sqlite().store().await;
    let keyring = Keyring::ephemeral(&SystemRandom);
    let (_directory, down) = ruined().await;
    let accounts = AccountLayer::builder(&down, &keyring, ORIGIN).build().unwrap();
    let sessions = SessionLayer::new(sessions, &keyring).base_url(ORIGIN).unwrap();
    let mut browser = Browser::new(sessions.layer(accounts.layer(service_fn(nothing))), ORIGIN);
    for path in ["/login", "/register", "/forgot-password", "/confirm/resend", "/login/link"] {
        let page = browser.post(path, &LOGIN).await;
        assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert_eq!(page.text_of("error"), "temporarily_unavailable");
        assert!(!page.body.contains("donjon_"), "{path}");
    }
    let link = format!("/confirm?token={}", "A".repeat(43));
    assert_eq!(browser.get(&link).await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(browser.cookies.is_empty());
}

/// A database whose tables are gone.
pub async fn ruined() -> (tempfile::TempDir, SqlStore) {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", directory.path().join("ruined.db").display());
    let store = SqlStore::connect(&url).await.unwrap();
    let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'donjon%'",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    sqlx::query("PRAGMA foreign_keys = OFF").execute(&mut connection).await.unwrap();
    for table in tables {
        let drop = sqlx::AssertSqlSafe(format!("DROP TABLE {table}"));
        sqlx::query(drop).execute(&mut connection).await.unwrap();
    }
    (directory, store)
}
