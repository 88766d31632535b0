//! `axum-login` over `tower-sessions`, with sessions and one user of its own: on a map in memory, or
//! on SQLite.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum_login::tower_sessions::SessionStore;
use axum_login::tower_sessions::session::{Id, Record};
use axum_login::tower_sessions::session_store::{self, Error};
use axum_login::{AuthUser, AuthnBackend};
use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions};

/// The one user there is.
pub(crate) const USER: &str = "019a3b5e-7c1d-7f00-8a4e-2f6d3c9b1e75";

#[derive(Clone, Debug)]
pub(crate) struct User;

impl AuthUser for User {
    type Id = String;

    fn id(&self) -> String {
        USER.to_owned()
    }

    fn session_auth_hash(&self) -> &[u8] {
        b"hash"
    }
}

/// The sessions and the user of the peer.
#[derive(Clone, Debug)]
pub(crate) enum Peer {
    Memory(Arc<Mutex<HashMap<Id, Record>>>),
    Sqlite(SqlitePool),
}

impl AuthnBackend for Peer {
    type User = User;
    type Credentials = ();
    type Error = sqlx::Error;

    async fn authenticate(&self, (): ()) -> Result<Option<User>, sqlx::Error> {
        Ok(None)
    }

    async fn get_user(&self, id: &String) -> Result<Option<User>, sqlx::Error> {
        match self {
            Self::Memory(_) => Ok((id == USER).then_some(User)),
            Self::Sqlite(pool) => {
                let found: Option<(String, String)> =
                    sqlx::query_as("SELECT id, email FROM users WHERE id = ?")
                        .bind(id)
                        .fetch_optional(pool)
                        .await?;
                Ok(found.map(|_| User))
            }
        }
    }
}

#[async_trait]
impl SessionStore for Peer {
    async fn save(&self, record: &Record) -> session_store::Result<()> {
        match self {
            Self::Memory(map) => {
                map.lock().unwrap().insert(record.id, record.clone());
            }
            Self::Sqlite(pool) => {
                let data = serde_json::to_string(record).map_err(encode)?;
                sqlx::query("INSERT OR REPLACE INTO sessions (id, data, expiry) VALUES (?, ?, ?)")
                    .bind(record.id.to_string())
                    .bind(data)
                    .bind(record.expiry_date.unix_timestamp())
                    .execute(pool)
                    .await
                    .map_err(backend)?;
            }
        }
        Ok(())
    }

    async fn load(&self, id: &Id) -> session_store::Result<Option<Record>> {
        match self {
            Self::Memory(map) => Ok(map.lock().unwrap().get(id).cloned()),
            Self::Sqlite(pool) => {
                let row: Option<(String,)> =
                    sqlx::query_as("SELECT data FROM sessions WHERE id = ? AND expiry > ?")
                        .bind(id.to_string())
                        .bind(0_i64)
                        .fetch_optional(pool)
                        .await
                        .map_err(backend)?;
                row.map(|(data,)| serde_json::from_str(&data).map_err(encode)).transpose()
            }
        }
    }

    async fn delete(&self, _: &Id) -> session_store::Result<()> {
        Ok(())
    }
}

fn backend(error: sqlx::Error) -> Error {
    Error::Backend(error.to_string())
}

fn encode(error: serde_json::Error) -> Error {
    Error::Encode(error.to_string())
}

pub(crate) async fn database(file: &str) -> SqlitePool {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal);
    let pool = SqlitePoolOptions::new()
        .max_connections(4)
        .test_before_acquire(false)
        .connect_with(options)
        .await
        .unwrap();
    for statement in [
        "CREATE TABLE sessions (id TEXT PRIMARY KEY, data TEXT, expiry BIGINT)",
        "CREATE TABLE users (id TEXT PRIMARY KEY, email TEXT)",
    ] {
        sqlx::query(statement).execute(&pool).await.unwrap();
    }
    sqlx::query("INSERT INTO users VALUES (?, 'a@example.test')")
        .bind(USER)
        .execute(&pool)
        .await
        .unwrap();
    pool
}
