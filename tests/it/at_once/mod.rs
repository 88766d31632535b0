//! PostgreSQL: transitions that come to the same rows at the same moment, by connections of their
//! own.

mod address;
mod given_up;
mod granted;
mod sessions;

use donjon::store::SqlStore;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::support::database::{Database, databases};

/// The database of the test and its store; `None` without PostgreSQL.
async fn postgres() -> Option<(Database, SqlStore)> {
    let database = databases().await.into_iter().find(|database| database.name == "postgres")?;
    let store = database.store().await;
    Some((database, store))
}

/// A connection of the test's own.
async fn connection(database: &Database) -> PgConnection {
    PgConnection::connect(&database.url).await.unwrap()
}

async fn run(connection: &mut PgConnection, statement: &str) {
    let statement = AssertSqlSafe(statement.to_owned());
    sqlx::raw_sql(statement).execute(connection).await.unwrap();
}

/// Waits until somebody waits for this connection.
async fn is_waited_for(connection: &mut PgConnection) {
    loop {
        let waiting: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM pg_locks
             WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid)))",
        )
        .fetch_one(&mut *connection)
        .await
        .unwrap();
        if waiting {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
}
