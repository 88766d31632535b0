//! SQLite: one writer task that groups transitions into durable commits, and a pool of readers.

mod account;
mod acting;
mod admin;
mod api_token;
mod app_session;
mod audit;
mod close;
mod displaced;
mod domain_link;
mod email_change;
mod identity;
mod invitation;
mod lifecycle;
mod limit;
mod mail_link;
mod mfa;
mod organization;
mod outbox;
mod passkey;
mod password;
mod provider;
mod refused_login;
mod saml;
mod session;
mod session_events;
mod single_sign_on;
mod steps;
mod support;
mod sweep;
mod webhook;
mod writer;

use std::path::PathBuf;
use std::str::FromStr as _;
use std::time::Duration;

use futures_util::future::BoxFuture;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, SqlitePool};

use self::writer::Writer;
use super::{ConnectError, migrate};
use crate::crypto::{RandomExt as _, SystemRandom};
use crate::store::Result;

const READERS: u32 = 4;
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(super) struct SqliteStore {
    writer: Writer,
    readers: SqlitePool,
    /// Removed when the store is; dropped last.
    _temporary: Option<TemporaryFile>,
}

impl SqliteStore {
    pub(super) async fn connect(url: &str) -> Result<Self, ConnectError> {
        let temporary =
            if url.contains(":memory:") { Some(TemporaryFile::create()?) } else { None };
        let options = match &temporary {
            Some(file) => SqliteConnectOptions::new().filename(&file.0),
            None => SqliteConnectOptions::from_str(url)?,
        };
        let synchronous =
            if temporary.is_some() { SqliteSynchronous::Off } else { SqliteSynchronous::Full };
        let options = options
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(synchronous)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT)
            .log_statements(tracing::log::LevelFilter::Trace);
        // A pool, since the future of migrating a bare connection is not `Send`.
        let migrating = SqlitePoolOptions::new().max_connections(1).connect_with(options.clone());
        let migrating = migrating.await?;
        migrate::sqlite().run(&migrating).await?;
        migrating.close().await;

        let readers = SqlitePoolOptions::new()
            .min_connections(READERS)
            .max_connections(READERS)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .connect_with(options.clone().read_only(true))
            .await?;
        Ok(Self { writer: Writer::spawn(options), readers, _temporary: temporary })
    }

    /// The pool to read with. A reader sees every transition that was acknowledged before.
    pub(super) fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    /// Runs `work` whole or not at all, durably, after every transition before it and before
    /// every one after. An `Err` undoes it; a denial that must be remembered is an `Ok`. If the
    /// caller goes away before it is decided, nothing changes.
    pub(super) async fn transition<T, W>(&self, work: W) -> Result<T>
    where
        T: Send + 'static,
        W: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T>> + Send + 'static,
    {
        self.writer.run(work).await
    }
}

#[derive(Debug)]
struct TemporaryFile(PathBuf);

impl TemporaryFile {
    fn create() -> std::io::Result<Self> {
        let name = format!("donjon-{}.db", SystemRandom.token().expose());
        let path = std::env::temp_dir().join(name);
        std::fs::OpenOptions::new().write(true).create_new(true).open(&path)?;
        Ok(Self(path))
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        for suffix in ["", "-wal", "-shm"] {
            let mut path = self.0.clone().into_os_string();
            path.push(suffix);
            let _ = std::fs::remove_file(path);
        }
    }
}
