//! PostgreSQL: one statement per transition. The loser of a race is classified by a second
//! statement, since the first one's snapshot is stale.

mod account;
mod acting;
mod api_token;
mod audit;
mod identity;
mod invitation;
mod lifecycle;
mod mfa;
mod organization;
mod outbox;
mod passkey;
mod provider;
mod saml;
mod session;
mod session_data;
mod session_events;

use std::str::FromStr as _;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions as _, PgPool};

use super::{ConnectError, migrate};

const CONNECTIONS: u32 = 16;
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// The advisory lock under which the log of session ends is written.
const SESSION_EVENTS_LOCK: i64 = 0x646F_6E6A_0001;

#[derive(Debug)]
pub(super) struct PostgresStore {
    pool: PgPool,
}

impl PostgresStore {
    pub(super) async fn connect(url: &str) -> Result<Self, ConnectError> {
        let options = PgConnectOptions::from_str(url)?
            .application_name("donjon")
            .log_statements(tracing::log::LevelFilter::Trace);
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .test_before_acquire(false)
            .connect_with(options)
            .await?;
        migrate::postgres().run(&pool).await?;
        Ok(Self { pool })
    }

    /// The pool, to read and to run single-statement transitions with.
    pub(super) fn pool(&self) -> &PgPool {
        &self.pool
    }
}
