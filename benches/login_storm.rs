//! What a storm of logins does to everybody else, and whether that is little enough: 16 callers ask for a
//! page behind a session, first alone, then while 64 others log in over and over. On SQLite, and on
//! PostgreSQL where one answers (`DONJON_TEST_POSTGRES`); beside `axum-login` on the same kind of file (and on
//! a map in memory), with the same argon2id parameters, hashing on tokio's blocking threads as is usual there.
//!
//! There is no socket. The runtime has two workers; on two cores, idle means that both are busy with
//! pages. What is printed: pages per second and the 50th and 99th percentile of the time one takes,
//! idle and in the storm; how many logins a second went through, and how many were told to come back
//! later (503 with `Retry-After`, which the callers of this storm ignore for all but a tenth of a
//! second). Then one burst of more logins than the queue holds.
//!
//! It fails (exit status 1) if on any store of ours
//!
//! * the pages keep less than half of their idle throughput (per second) in the storm, or
//! * of the burst more than twice as many logins go through as the pool has places, or none, or whoever
//!   does not is told anything but 503 with `Retry-After`.
//!
//! ```sh
//! cargo bench --all-features --bench login_storm
//! ```
#![expect(clippy::unwrap_used, clippy::panic, reason = "a benchmark that cannot start may stop")]
#![expect(clippy::disallowed_methods, reason = "a benchmark looks at the clock")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a report is printed")]
#![expect(dead_code, unreachable_pub, reason = "the tests' helpers are for more than this")]

#[path = "../tests/it/support/database.rs"]
mod database;
#[path = "axum_login_peer/mod.rs"]
mod peer;

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Argon2, PasswordHash};
use axum_login::tower_sessions::SessionManagerLayer;
use axum_login::{AuthManagerLayerBuilder, AuthSession};
use donjon::account::AccountLayer;
use donjon::account::password::PoolSize;
use donjon::crypto::{Keyring, SystemRandom};
use donjon::http::{Body, PeerAddr};
use donjon::scope::CurrentScope;
use donjon::session::SessionLayer;
use donjon::store::SqlStore;
use http::header::{CONTENT_TYPE, COOKIE, LOCATION, ORIGIN, RETRY_AFTER, SET_COOKIE};
use http::{Method, Request, Response, StatusCode};
use tokio::task::JoinSet;
use tower::util::BoxCloneSyncService;
use tower::{Layer as _, ServiceExt as _, service_fn};

use crate::peer::{Peer, User};

type App = BoxCloneSyncService<Request<Body>, Response<()>, Infallible>;

const SITE: &str = "http://127.0.0.1:3000";
const PASSWORD: &str = "correct horse battery staple";
const READERS: usize = 16;
const STORM: usize = 64;
/// More than any queue holds that is for two cores.
const BURST: usize = 256;
/// The least share of its idle throughput that the site keeps in a storm.
const KEPT: f64 = 0.5;
const IDLE: Duration = Duration::from_secs(5);
const STORMY: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    // `cargo test --benches` only asks whether it starts: what is measured in a moment decides nothing.
    let short = !std::env::args().any(|argument| argument == "--bench");
    let scale = if short { 50 } else { 1 };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    println!("{cores} cores, {:?}", pool_size());
    let faults = runtime.block_on(async {
        let directory = tempfile::tempdir().unwrap();
        let file = |name: &str| directory.path().join(name).display().to_string();
        let mut faults = Vec::new();
        let on_file = donjon(&format!("sqlite://{}", file("donjon.db"))).await;
        faults.extend(judge("donjon, SQLite", &measure("donjon, SQLite", &on_file, scale).await));
        // It says loudly if there is none.
        let servers = database::databases().await;
        for server in servers.iter().filter(|database| database.name == "postgres") {
            let name = "donjon, PostgreSQL";
            let app = donjon(&server.url).await;
            faults.extend(judge(name, &measure(name, &app, scale).await));
        }
        let pool = peer::database(&file("peer.db")).await;
        for (name, app) in [
            ("axum-login, SQLite", axum_login(Peer::Sqlite(pool))),
            ("axum-login, memory", axum_login(Peer::Memory(Arc::default()))),
        ] {
            measure(name, &app, scale).await;
        }
        faults
    });
    for fault in &faults {
        eprintln!("\n*** FAILED: {fault} ***");
    }
    if short || faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// That of two cores by default: one hashes, one is left to everybody else.
fn pool_size() -> PoolSize {
    PoolSize { workers: 1, queue: 64 }
}

/// What became of the pages in the storm, and of the burst.
struct Outcome {
    idle: Pages,
    stormy: Pages,
    done: u32,
    later: u32,
}

/// What is wrong with it.
fn judge(name: &str, outcome: &Outcome) -> Vec<String> {
    let mut faults = Vec::new();
    let (idle, stormy) = (outcome.idle.per_second, outcome.stormy.per_second);
    let kept = stormy / idle;
    if kept < KEPT || kept.is_nan() {
        let least = idle * KEPT;
        faults.push(format!(
            "{name}: {stormy:.0} pages/s in the storm, of {idle:.0} idle; at least {least:.0} are wanted"
        ));
    }
    let PoolSize { workers, queue } = pool_size();
    let places = u32::try_from(workers + queue).unwrap();
    let burst = u32::try_from(BURST).unwrap();
    let Outcome { done, later, .. } = *outcome;
    if done + later != burst || done == 0 || later == 0 {
        faults.push(format!(
            "{name}: of {burst} logins at once {done} went through, {later} got 503"
        ));
    }
    // A place may be free again before all of the burst has come.
    if done > places * 2 {
        faults.push(format!("{name}: {done} logins waited at once, with {places} places"));
    }
    faults
}

async fn measure(name: &str, app: &App, scale: u32) -> Outcome {
    let cookie = log_in(app, 0).await.expect_cookie();
    let idle = read(app, &cookie, IDLE / scale).await;
    let stop = Arc::new(AtomicBool::new(false));
    let storm: JoinSet<_> =
        (0..STORM).map(|caller| storm_in(app.clone(), caller, Arc::clone(&stop))).collect();
    let began = Instant::now();
    let stormy = read(app, &cookie, STORMY / scale).await;
    stop.store(true, Ordering::Relaxed);
    let took = began.elapsed().as_secs_f64();
    let (done, later) = sum(storm.join_all().await);
    println!("\n{name}");
    println!("  idle     {idle}");
    println!("  in storm {stormy}");
    println!(
        "  kept {:.0} % of its throughput; {:.0} logins/s went through, {:.0}/s were told to wait",
        stormy.per_second / idle.per_second * 100.0,
        f64::from(done) / took,
        f64::from(later) / took,
    );
    let burst: JoinSet<_> = (0..BURST)
        .map(|caller| {
            let app = app.clone();
            async move { log_in(&app, caller).await }
        })
        .collect();
    let (done, later) = sum(burst.join_all().await.iter().map(Login::count));
    println!("  of {BURST} at once {done} logged in, {later} got 503 with Retry-After");
    Outcome { idle, stormy, done, later }
}

fn sum(counts: impl IntoIterator<Item = (u32, u32)>) -> (u32, u32) {
    counts.into_iter().fold((0, 0), |sum, count| (sum.0 + count.0, sum.1 + count.1))
}

/// What the readers saw.
struct Pages {
    per_second: f64,
    median: Duration,
    p99: Duration,
}

impl std::fmt::Display for Pages {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{:>7.0} pages/s, p50 {:>9.1?}, p99 {:>9.1?}",
            self.per_second, self.median, self.p99
        )
    }
}

async fn read(app: &App, cookie: &str, time: Duration) -> Pages {
    let began = Instant::now();
    let readers: JoinSet<_> = (0..READERS)
        .map(|_| {
            let (app, cookie) = (app.clone(), cookie.to_owned());
            async move {
                let mut times = Vec::new();
                while began.elapsed() < time {
                    let request = Request::get("/").header(COOKIE, &cookie);
                    let asked = Instant::now();
                    let Ok(response) =
                        app.clone().oneshot(request.body(Body::empty()).unwrap()).await;
                    times.push(asked.elapsed());
                    assert_eq!(response.status(), StatusCode::OK);
                }
                times
            }
        })
        .collect();
    let mut times: Vec<_> = readers.join_all().await.into_iter().flatten().collect();
    let took = began.elapsed().as_secs_f64();
    times.sort_unstable();
    let at = |percent: usize| times.get(times.len() * percent / 100).copied().unwrap_or_default();
    let count = u32::try_from(times.len()).unwrap();
    Pages { per_second: f64::from(count) / took, median: at(50), p99: at(99) }
}

async fn storm_in(app: App, caller: usize, stop: Arc<AtomicBool>) -> (u32, u32) {
    let mut counts = (0, 0);
    while !stop.load(Ordering::Relaxed) {
        let login = log_in(&app, caller).await;
        counts = sum([counts, login.count()]);
        if matches!(login, Login::Later) {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    counts
}

enum Login {
    Done(String),
    Later,
}

impl Login {
    fn count(&self) -> (u32, u32) {
        match self {
            Self::Done(_) => (1, 0),
            Self::Later => (0, 1),
        }
    }

    fn expect_cookie(self) -> String {
        match self {
            Self::Done(cookie) => cookie,
            Self::Later => String::new(),
        }
    }
}

/// Each caller is a user of their own, at an address of their own.
async fn log_in(app: &App, caller: usize) -> Login {
    let body = format!("email=user{caller}%40example.test&password={}", PASSWORD.replace(' ', "+"));
    let mut request = Request::post("/login")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(ORIGIN, SITE)
        .header("host", SITE.trim_start_matches("http://"))
        .body(Body::from(body))
        .unwrap();
    let [high, low] = u16::try_from(caller).unwrap().to_be_bytes();
    request.extensions_mut().insert(PeerAddr(IpAddr::V4(Ipv4Addr::new(198, 18, high, low))));
    let Ok(response) = app.clone().oneshot(request).await;
    match response.status() {
        StatusCode::SERVICE_UNAVAILABLE => {
            assert!(response.headers().contains_key(RETRY_AFTER));
            Login::Later
        }
        status => {
            assert_eq!(status, StatusCode::SEE_OTHER);
            assert_eq!(response.headers()[LOCATION], "/");
            let cookies = response.headers().get_all(SET_COOKIE).iter();
            let pairs = cookies.filter_map(|cookie| cookie.to_str().unwrap().split(';').next());
            Login::Done(pairs.collect::<Vec<_>>().join("; "))
        }
    }
}

fn page(status: StatusCode) -> Result<Response<Body>, Infallible> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    Ok(response)
}

async fn donjon(url: &str) -> App {
    let store = SqlStore::connect(url).await.unwrap();
    let keyring = Keyring::ephemeral(&SystemRandom);
    let accounts = AccountLayer::builder(&store, &keyring, SITE);
    let accounts = accounts.pool_size(pool_size()).build().unwrap();
    for user in 0..BURST {
        let email = format!("user{user}@example.test");
        let created = accounts.accounts().create(&email, Some(PASSWORD), Default::default(), true);
        created.await.unwrap();
    }
    let sessions = SessionLayer::new(store, &keyring).base_url(SITE).unwrap();
    let inner = service_fn(|request: Request<_>| async move {
        let scope = request.extensions().get::<CurrentScope>();
        let known = scope.and_then(CurrentScope::account).is_some();
        page(if known { StatusCode::OK } else { StatusCode::UNAUTHORIZED })
    });
    let app = sessions.layer(accounts.layer(inner));
    BoxCloneSyncService::new(app.map_response(|response: Response<_>| response.map(|_| ())))
}

fn axum_login(peer: Peer) -> App {
    let argon2 = || {
        let params = argon2::Params::new(19_456, 2, 1, None).unwrap();
        Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params)
    };
    let hash: Arc<str> = argon2().hash_password(PASSWORD.as_bytes()).unwrap().to_string().into();
    let sessions = SessionManagerLayer::new(peer.clone());
    let layer = AuthManagerLayerBuilder::new(peer, sessions).build();
    let inner = service_fn(move |mut request: Request<Body>| {
        let hash = Arc::clone(&hash);
        async move {
            let logs_in = request.method() == Method::POST;
            let session = request.extensions_mut().get_mut::<AuthSession<Peer>>().unwrap().clone();
            if logs_in {
                let mut session = session;
                let verify = move || {
                    let hash = PasswordHash::new(&hash).unwrap();
                    argon2().verify_password(PASSWORD.as_bytes(), &hash).unwrap();
                };
                tokio::task::spawn_blocking(verify).await.unwrap();
                session.login(&User).await.unwrap();
                let mut response = page(StatusCode::SEE_OTHER)?;
                response.headers_mut().insert(LOCATION, http::HeaderValue::from_static("/"));
                return Ok(response);
            }
            page(if session.user.is_some() { StatusCode::OK } else { StatusCode::UNAUTHORIZED })
        }
    });
    BoxCloneSyncService::new(layer.layer(inner).map_response(|response| response.map(|_| ())))
}
