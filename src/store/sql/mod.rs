//! The contract on SQLite and PostgreSQL.

mod account;
mod admin;
mod api_token;
mod app_session;
mod audit;
mod convert;
mod email_change;
mod ends;
mod erase;
mod identity;
mod invitation;
mod lifecycle;
mod mail_link;
mod mfa;
mod migrate;
mod organization;
mod outbox;
mod passkey;
#[cfg(feature = "postgres")]
mod postgres;
mod provider;
mod rate_limit;
mod saml;
mod session;
mod single_sign_on;
#[cfg(feature = "sqlite")]
mod sqlite;
mod webhook;

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use super::Store;

/// The whole contract on a SQL database. Cheap to clone; coerces into what each layer takes.
///
/// * `sqlite://FILE`: an embedded database, made if missing; writes are durable when acknowledged.
/// * `sqlite::memory:`: a temporary file that goes with the last clone; for tests and demos.
/// * `postgres://…`: PostgreSQL 13 or later; any number of processes may share it.
///
/// Migrations run when connecting; they are recorded in a table of our own
/// (`donjon_migrations`), so that a host that uses sqlx for itself never collides.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use donjon::store::SqlStore;
///
/// let store = SqlStore::connect("sqlite::memory:").await?;
/// # Ok::<(), donjon::store::ConnectError>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct SqlStore(Arc<dyn Store>);

/// How a [`SqlStore`] uses its database.
///
/// ```
/// use std::time::Duration;
///
/// use donjon::store::StoreOptions;
///
/// let mut options = StoreOptions::default();
/// options.patience = Duration::from_secs(3);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreOptions {
    /// How long PostgreSQL may take for one call: 10 seconds. The server is told to give up then
    /// (`statement_timeout`), and is waited for a second longer; after it the call fails
    /// ([`Unavailable`](super::StoreError::Unavailable)), the request is answered 503, and the
    /// connection is closed. What was being committed then may have been, or not. The server ends a
    /// transaction that it hears nothing more of after as long
    /// (`idle_in_transaction_session_timeout`). It does not hold for migrations. SQLite is in this
    /// very process, and is not waited for.
    pub patience: Duration,
    /// How many connections to PostgreSQL there are at most: 16.
    pub connections: u32,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self { patience: Duration::from_secs(10), connections: 16 }
    }
}

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The URL names no backend that this build has; here is its scheme.
    #[error(
        "{0:?} names no database this build knows; expected sqlite://FILE, sqlite::memory: \
         (feature `sqlite`) or postgres://… (feature `postgres`)"
    )]
    UnknownUrl(String),
    /// The database refused.
    #[error("the database cannot be opened: {0}")]
    Database(#[from] sqlx::Error),
    /// A migration failed.
    #[error("the database cannot be migrated: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// The temporary directory is not writable.
    #[error("no temporary file for a database in memory: {0}")]
    TemporaryFile(#[from] std::io::Error),
}

impl SqlStore {
    /// Opens and migrates the database at `url`.
    ///
    /// # Errors
    /// [`ConnectError`].
    pub async fn connect(url: &str) -> Result<Self, ConnectError> {
        Self::connect_with(url, StoreOptions::default()).await
    }

    /// The same, with options of the host's.
    ///
    /// # Errors
    /// [`ConnectError`].
    #[cfg_attr(
        not(feature = "postgres"),
        expect(unused_variables, reason = "they are for PostgreSQL")
    )]
    pub async fn connect_with(url: &str, options: StoreOptions) -> Result<Self, ConnectError> {
        #[cfg(feature = "sqlite")]
        if url.starts_with("sqlite:") {
            return Ok(Self(Arc::new(sqlite::SqliteStore::connect(url).await?)));
        }
        #[cfg(feature = "postgres")]
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Ok(Self(Arc::new(postgres::PostgresStore::connect(url, options).await?)));
        }
        // The rest of it may hold a password.
        let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
        Err(ConnectError::UnknownUrl(scheme.to_owned()))
    }
}

impl Deref for SqlStore {
    type Target = dyn Store;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

/// A layer takes the part of the contract it needs.
macro_rules! coerce {
    ($($part:ident),*) => {$(
        impl From<SqlStore> for Arc<dyn super::$part> {
            fn from(store: SqlStore) -> Self {
                store.0
            }
        }
        impl From<&SqlStore> for Arc<dyn super::$part> {
            fn from(store: &SqlStore) -> Self {
                store.0.clone()
            }
        }
    )*};
}

coerce!(
    Store,
    SessionStore,
    AccountStore,
    UserStore,
    AuditStore,
    EmailChangeStore,
    InvitationStore,
    LifecycleStore,
    LimitStore,
    AdminStore,
    MfaStore,
    IdentityStore,
    OrganizationStore,
    ApiTokenStore,
    AppSessionStore,
    PasswordStore,
    MailLinkStore,
    OutboxStore,
    PasskeyStore,
    ProviderStore,
    SamlStore,
    SsoStore,
    SupportStore,
    WebhookStore
);

#[cfg(all(test, feature = "sqlite"))]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_unknown_url_is_refused_with_what_would_do() {
        let error = SqlStore::connect("mysql://me:secret@x").await.unwrap_err().to_string();
        assert!(error.contains("\"mysql\"") && error.contains("sqlite://FILE"), "{error}");
        assert!(!error.contains("secret"), "{error}");
    }

    #[tokio::test]
    async fn a_task_can_connect() {
        tokio::spawn(SqlStore::connect("sqlite::memory:")).await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn migrating_twice_changes_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", directory.path().join("app.db").display());
        drop(SqlStore::connect(&url).await.unwrap());
        SqlStore::connect(&url).await.unwrap();
    }
}
