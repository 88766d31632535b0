//! What a request pays for its session: without a cookie, and with a valid one; beside
//! `tower-sessions` with `axum-login`, on a map in memory and on SQLite.
//!
//! Each side answers the same question (who is logged in?) from a session and a user of its own.
//! On SQLite both sides read the same kind of file through pools of the same size: donjon takes
//! session and user in one statement, the peer in two.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot start may stop")]

#[path = "axum_login_peer/mod.rs"]
mod peer;

use std::convert::Infallible;
use std::sync::Arc;

use axum_login::tower_sessions::SessionManagerLayer;
use axum_login::{AuthManagerLayerBuilder, AuthSession};
use criterion::{Criterion, criterion_group, criterion_main};
use donjon::crypto::{Keyring, SystemRandom};
use donjon::http::Body;
use donjon::scope::{Account, CurrentScope, Method, UserId};
use donjon::session::{Proof, Session, SessionLayer};
use donjon::store::{NewUser, SqlStore};
use http::header::{COOKIE, SET_COOKIE};
use http::{Request, Response, StatusCode};
use time::OffsetDateTime;
use tokio::runtime::Runtime;
use tower::util::BoxCloneService;
use tower::{Layer as _, ServiceExt as _, service_fn};

use crate::peer::{Peer, USER, User};

type App = BoxCloneService<Request<Body>, (StatusCode, Option<String>), Infallible>;

const KNOWN: StatusCode = StatusCode::OK;
const UNKNOWN: StatusCode = StatusCode::NO_CONTENT;

fn session(c: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str| directory.path().join(name).display().to_string();
    let apps = runtime.block_on(async {
        let pool = peer::database(&file("peer.db")).await;
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

criterion_group!(benches, session);
criterion_main!(benches);
