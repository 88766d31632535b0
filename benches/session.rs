//! What a request pays for its session: without a cookie, and with a valid one; beside
//! `tower-sessions` with `axum-login`, on a map in memory and on SQLite.
//!
//! Each side answers the same question (who is logged in?) from a session and a user of its own.
//! On SQLite both sides read the same kind of file through pools of the same size: donjon takes
//! session and user in one statement, the peer in two.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot start may stop")]

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum_login::tower_sessions::session::{Id, Record};
use axum_login::tower_sessions::session_store::{self, Error};
use axum_login::tower_sessions::{SessionManagerLayer, SessionStore};
use axum_login::{AuthManagerLayerBuilder, AuthSession, AuthUser, AuthnBackend};
use criterion::{Criterion, criterion_group, criterion_main};
use donjon::crypto::{Keyring, SystemRandom};
use donjon::http::Body;
use donjon::scope::{Account, CurrentScope, Method, UserId};
use donjon::session::{Proof, Session, SessionLayer};
use donjon::store::{NewUser, SqlStore};
use http::header::{COOKIE, SET_COOKIE};
use http::{Request, Response, StatusCode};
use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions};
use time::OffsetDateTime;
use tokio::runtime::Runtime;
use tower::util::BoxCloneService;
use tower::{Layer as _, ServiceExt as _, service_fn};

type App = BoxCloneService<Request<Body>, (StatusCode, Option<String>), Infallible>;

const USER: &str = "019a3b5e-7c1d-7f00-8a4e-2f6d3c9b1e75";
const KNOWN: StatusCode = StatusCode::OK;
const UNKNOWN: StatusCode = StatusCode::NO_CONTENT;

fn session(c: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str| directory.path().join(name).display().to_string();
    let apps = runtime.block_on(async {
        let pool = peer_database(&file("peer.db")).await;
        [
            ("donjon, SQLite", donjon(&format!("sqlite://{}", file("donjon.db"))).await),
            ("axum-login, SQLite", axum_login(Peer::Sqlite(pool))),
            ("axum-login, memory", axum_login(Peer::Memory(Arc::default()))),
        ]
    });

    let mut group = c.benchmark_group("session/no cookie");
    for (name, app) in &apps {
        group.bench_function(*name, |b| {
            b.to_async(&runtime).iter(|| async { assert_eq!(ask(app, None).await.0, UNKNOWN) });
        });
    }
    group.finish();

    let mut group = c.benchmark_group("session/valid cookie");
    for (name, app) in &apps {
        let cookie = runtime.block_on(log_in(app));
        group.bench_function(*name, |b| {
            b.to_async(&runtime)
                .iter(|| async { assert_eq!(ask(app, Some(&cookie)).await.0, KNOWN) });
        });
    }
    group.finish();
}

async fn ask(app: &App, cookie: Option<&str>) -> (StatusCode, Option<String>) {
    let request = Request::get("/");
    let request = match cookie {
        Some(cookie) => request.header(COOKIE, cookie),
        None => request,
    };
    let Ok(answer) = app.clone().oneshot(request.body(Body::empty()).unwrap()).await;
    answer
}

async fn log_in(app: &App) -> String {
    let request = Request::post("/login").body(Body::empty()).unwrap();
    let Ok((_, cookie)) = app.clone().oneshot(request).await;
    cookie.unwrap()
}

/// What the benchmark looks at: the status, and the cookie that was set.
fn answer<T>(response: Response<T>) -> (StatusCode, Option<String>) {
    let cookie = response.headers().get(SET_COOKIE).map(|value| value.to_str().unwrap());
    let pair = cookie.and_then(|value| value.split(';').next()).map(str::to_owned);
    (response.status(), pair)
}

fn status(status: StatusCode) -> Result<Response<Body>, Infallible> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    Ok(response)
}

async fn donjon(url: &str) -> App {
    let store = SqlStore::connect(url).await.unwrap();
    let account = Account::new(UserId::new(USER).unwrap()).with_email("a@example.test", true);
    let created_at = OffsetDateTime::UNIX_EPOCH;
    let user = NewUser { account: account.clone(), password: None, created_at };
    store.create_user(&user, &donjon::store::Effects::none()).await.unwrap();
    let inner = service_fn(move |request: Request<Body>| {
        let account = account.clone();
        async move {
            if request.method() == http::Method::POST {
                let session = request.extensions().get::<Session>().unwrap();
                session.log_in(account, Proof::by([Method::PASSWORD])).await.unwrap();
            }
            let scope = request.extensions().get::<CurrentScope>();
            let known = scope.and_then(CurrentScope::account).is_some();
            status(if known { KNOWN } else { UNKNOWN })
        }
    });
    let layer = SessionLayer::new(&store, &Keyring::ephemeral(&SystemRandom));
    BoxCloneService::new(layer.layer(inner).map_response(answer))
}

fn axum_login(peer: Peer) -> App {
    let sessions = SessionManagerLayer::new(peer.clone());
    let layer = AuthManagerLayerBuilder::new(peer, sessions).build();
    let inner = service_fn(|mut request: Request<Body>| async move {
        let logs_in = request.method() == http::Method::POST;
        let session = request.extensions_mut().get_mut::<AuthSession<Peer>>().unwrap();
        if logs_in {
            session.login(&User).await.unwrap();
            return status(KNOWN);
        }
        status(if session.user.is_some() { KNOWN } else { UNKNOWN })
    });
    BoxCloneService::new(layer.layer(inner).map_response(answer))
}

#[derive(Clone, Debug)]
struct User;

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
enum Peer {
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

async fn peer_database(file: &str) -> SqlitePool {
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

criterion_group!(benches, session);
criterion_main!(benches);
