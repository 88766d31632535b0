//! Real databases, each test with one of its own.

use donjon::store::SqlStore;

/// What `DONJON_REQUIRE` (comma-separated: `postgres,node,python,chromium`) says must not be
/// skipped.
pub fn required(what: &str) -> bool {
    std::env::var("DONJON_REQUIRE").is_ok_and(|list| list.split(',').any(|item| item == what))
}

/// Says loudly that something is skipped, or fails if it is required.
pub fn skip(what: &str, why: &str) {
    use std::io::Write as _;
    assert!(!required(what), "{what} is required by DONJON_REQUIRE, but: {why}");
    // Not by a macro: what those print, the test runner swallows when the test passes.
    let _ = writeln!(std::io::stderr(), "\n*** SKIPPED: {what}: {why} ***\n");
}

/// A fresh database; it is gone when this is dropped.
pub struct Database {
    pub name: &'static str,
    pub url: String,
    /// Where the file is, if there is one.
    _directory: Option<tempfile::TempDir>,
    #[cfg(feature = "postgres")]
    _schema: Option<postgres::Schema>,
}

impl Database {
    /// A SQLite file of its own.
    pub fn sqlite() -> Self {
        Self {
            name: "sqlite",
            url: "sqlite::memory:".into(),
            _directory: None,
            #[cfg(feature = "postgres")]
            _schema: None,
        }
    }

    /// A SQLite file that others can open.
    pub fn sqlite_file() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", directory.path().join("donjon.db").display());
        Self { url, _directory: Some(directory), ..Self::sqlite() }
    }

    /// What somebody does who can write to the database; how many rows it is done to.
    pub async fn tamper(&self, statement: &str) -> u64 {
        use sqlx::Connection as _;
        let statement = sqlx::AssertSqlSafe(statement.to_owned());
        #[cfg(feature = "postgres")]
        if self.name == "postgres" {
            let mut connection = sqlx::PgConnection::connect(&self.url).await.unwrap();
            let done = sqlx::query(statement).execute(&mut connection).await.unwrap();
            return done.rows_affected();
        }
        let mut connection = sqlx::SqliteConnection::connect(&self.url).await.unwrap();
        sqlx::query(statement).execute(&mut connection).await.unwrap().rows_affected()
    }

    pub async fn store(&self) -> SqlStore {
        SqlStore::connect(&self.url).await.unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }
}

/// The same, which others can open.
pub async fn shared_databases() -> Vec<Database> {
    let postgres = databases().await.into_iter().filter(|database| database.name != "sqlite");
    std::iter::once(Database::sqlite_file()).chain(postgres).collect()
}

/// A fresh database of each kind there is here.
pub async fn databases() -> Vec<Database> {
    #[cfg(feature = "postgres")]
    let postgres = postgres::database().await;
    #[cfg(not(feature = "postgres"))]
    let postgres = None;
    [Some(Database::sqlite()), postgres].into_iter().flatten().collect()
}

#[cfg(feature = "postgres")]
mod postgres {
    use std::time::{SystemTime, UNIX_EPOCH};

    use sqlx::{Connection as _, Executor as _, PgConnection};

    use super::{Database, skip};

    /// A schema of its own in the server at `DONJON_TEST_POSTGRES`, or in the one on this machine.
    pub async fn database() -> Option<Database> {
        let server = std::env::var("DONJON_TEST_POSTGRES")
            .unwrap_or_else(|_| "postgres://postgres@127.0.0.1:5432/postgres".into());
        match Schema::create(server).await {
            Ok(schema) => {
                let separator = if schema.server.contains('?') { '&' } else { '?' };
                let url =
                    format!("{}{separator}options[search_path]={}", schema.server, schema.name);
                Some(Database { name: "postgres", url, _directory: None, _schema: Some(schema) })
            }
            Err(error) => {
                skip("postgres", &format!("no server (set DONJON_TEST_POSTGRES): {error}"));
                None
            }
        }
    }

    pub struct Schema {
        server: String,
        name: String,
    }

    impl Schema {
        #[expect(clippy::disallowed_methods, reason = "a name no other run has")]
        async fn create(server: String) -> Result<Self, sqlx::Error> {
            static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
            let next = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
            let name = format!("donjon_test_{}_{}_{next}", std::process::id(), since.as_nanos());
            run(&server, format!("CREATE SCHEMA {name}")).await?;
            Ok(Self { server, name })
        }
    }

    impl Drop for Schema {
        fn drop(&mut self) {
            let (server, name) = (self.server.clone(), self.name.clone());
            let dropped = std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                runtime.unwrap().block_on(run(&server, format!("DROP SCHEMA {name} CASCADE")))
            });
            let _ = dropped.join();
        }
    }

    async fn run(server: &str, statement: String) -> Result<(), sqlx::Error> {
        let mut connection = PgConnection::connect(server).await?;
        connection.execute(sqlx::AssertSqlSafe(statement)).await?;
        connection.close().await
    }
}
