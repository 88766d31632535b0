//! Sessions: the store's contract, and the layers over HTTP.

mod data;
mod races;

use std::convert::Infallible;
use std::sync::Arc;

use donjon::crypto::{Keyring, SystemRandom};
use donjon::http::{Body, PeerAddr};
use donjon::scope::{Account, CurrentScope, Method, SessionEnd, SessionId, UserId};
use donjon::session::{Proof, RequireSudoLayer, RequireUserLayer, Session, SessionLayer};
use donjon::store::SqlStore;
use donjon::testing::{ManualClock, contract};
use http::header::{CACHE_CONTROL, COOKIE, LOCATION, SET_COOKIE};
use http::{Request, Response, StatusCode};
use time::Duration;
use tower::util::BoxCloneSyncService;
use tower::{Layer as _, ServiceExt as _};

use crate::support::database::{Database, databases};
use crate::support::statements::counted;

#[tokio::test(flavor = "multi_thread")]
async fn each_database_keeps_the_contract_of_sessions() {
    for database in databases().await {
        let outcome = contract::sessions(database.store().await.into()).await;
        assert!(outcome.is_ok(), "{}: {outcome:?}", database.name);
    }
}

/// An application with a session layer, in front of handlers that do what the path says.
struct App {
    service: BoxCloneSyncService<Request<Body>, Response<String>, Infallible>,
    store: SqlStore,
    clock: Arc<ManualClock>,
    keyring: Keyring,
}

impl App {
    async fn new(database: &Database) -> Self {
        let (store, clock) = (database.store().await, Arc::new(ManualClock::default()));
        let keyring = Keyring::ephemeral(&SystemRandom);
        Self::over(store, clock, keyring)
    }

    fn over(store: SqlStore, clock: Arc<ManualClock>, keyring: Keyring) -> Self {
        Self::serving(store, clock, keyring, handle)
    }

    /// The same sessions, in front of another handler.
    fn beside<H, F>(&self, handler: H) -> Self
    where
        H: Fn(Request<Body>) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Result<Response<Body>, Infallible>> + Send + 'static,
    {
        Self::serving(self.store.clone(), self.clock.clone(), self.keyring.clone(), handler)
    }

    fn serving<H, F>(store: SqlStore, clock: Arc<ManualClock>, keyring: Keyring, handler: H) -> Self
    where
        H: Fn(Request<Body>) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Result<Response<Body>, Infallible>> + Send + 'static,
    {
        let layer = SessionLayer::new(&store, &keyring).clock(clock.clone());
        Self::layered(layer, handler, store, clock, keyring)
    }

    fn layered<H, F>(
        layer: SessionLayer,
        handler: H,
        store: SqlStore,
        clock: Arc<ManualClock>,
        keyring: Keyring,
    ) -> Self
    where
        H: Fn(Request<Body>) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Result<Response<Body>, Infallible>> + Send + 'static,
    {
        let layer = layer.base_url("http://127.0.0.1:3000").unwrap().without_sweeper();
        let service = layer.layer(tower::service_fn(handler)).and_then(async |response| {
            let (parts, body) = Response::into_parts(response);
            let bytes = http_body_util::BodyExt::collect(body).await.unwrap().to_bytes();
            Ok(Response::from_parts(parts, String::from_utf8(bytes.to_vec()).unwrap()))
        });
        Self { service: BoxCloneSyncService::new(service), store, clock, keyring }
    }

    /// What a script or a program gets.
    async fn get(&self, path: &str, cookie: &str) -> Response<String> {
        self.ask(Request::get(path), cookie).await
    }

    /// What a browser gets that goes to a page.
    async fn page(&self, path: &str, cookie: &str) -> Response<String> {
        self.ask(Request::get(path).header("accept", "text/html"), cookie).await
    }

    async fn ask(&self, request: http::request::Builder, cookie: &str) -> Response<String> {
        let mut request = request.header("user-agent", "Browser/1");
        if !cookie.is_empty() {
            request = request.header(COOKIE, cookie);
        }
        let peer = PeerAddr([192, 0, 2, 7].into());
        let request = request.extension(peer).body(Body::empty()).unwrap();
        self.service.clone().oneshot(request).await.unwrap()
    }

    /// The cookie of a fresh login.
    async fn login(&self, user: &str) -> String {
        cookie(&self.get(&format!("/login/{user}"), "").await)
    }

    async fn who(&self, cookie: &str) -> String {
        self.get("/who", cookie).await.into_body()
    }
}

fn now(app: &App) -> time::OffsetDateTime {
    use donjon::crypto::Clock as _;
    app.clock.now()
}

/// What a browser would send back.
fn cookie(response: &Response<String>) -> String {
    let set = response.headers()[SET_COOKIE].to_str().unwrap();
    set.split(';').next().unwrap().to_owned()
}

async fn handle(request: Request<Body>) -> Result<Response<Body>, Infallible> {
    let path = request.uri().path().to_owned();
    let session = request.extensions().get::<Session>().unwrap().clone();
    let data = request.extensions().get::<tower_sessions::Session>().unwrap().clone();
    let mut steps = path.trim_start_matches('/').split('/');
    let answer = match (steps.next().unwrap(), steps.next()) {
        ("who", _) => {
            let scope = request.extensions().get::<CurrentScope>().unwrap();
            scope.account().map_or("nobody".into(), |account| account.id().to_string())
        }
        ("login" | "remember", Some(user)) => {
            let proof = Proof::by([Method::PASSWORD]).remembered(path.starts_with("/remember"));
            let account = Account::new(UserId::new(user).unwrap());
            let scope = session.log_in(account, proof).await.unwrap();
            scope.account().unwrap().id().to_string()
        }
        ("login-and-fail", Some(user)) => {
            let account = Account::new(UserId::new(user).unwrap());
            session.log_in(account, Proof::by([Method::PASSWORD])).await.unwrap();
            let mut response = Response::new(Body::from("oh"));
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            return Ok(response);
        }
        ("logout", _) => session.log_out().await.map_or_else(|e| e.to_string(), |()| "out".into()),
        ("rotate", _) => session.rotate().await.map_or_else(|e| e.to_string(), |()| "new".into()),
        ("fresh", _) => {
            let marked = session.mark_fresh().await;
            marked.map_or_else(|e| e.to_string(), |_| "fresh".into())
        }
        ("sid", _) => session.id().map_or_else(String::new, |id| id.to_string()),
        ("revoke", Some(id)) => {
            let revoked = session.revoke(SessionId(id.parse().unwrap())).await;
            revoked.map_or_else(|e| e.to_string(), |ended| ended.to_string())
        }
        ("revoke-others", _) => session.revoke_others().await.unwrap().to_string(),
        ("revoke-all", _) => session.revoke_all().await.unwrap().to_string(),
        ("sessions", _) => match session.sessions().await {
            Err(error) => error.to_string(),
            Ok(list) => list
                .iter()
                .map(|s| format!("{} {:?};", s.device.address.unwrap(), s.device.user_agent))
                .collect(),
        },
        ("put", Some(value)) => {
            data.insert("key", value).await.unwrap();
            "put".into()
        }
        ("clear", _) => {
            data.clear().await;
            "cleared".into()
        }
        ("flush", _) => data.flush().await.map_or_else(|e| e.to_string(), |()| "flushed".into()),
        ("cycle", _) => data.cycle_id().await.map_or_else(|e| e.to_string(), |()| "cycled".into()),
        ("put-and-fail", Some(value)) => {
            data.insert("key", value).await.unwrap();
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            return Ok(response);
        }
        ("switch", Some(user)) => {
            let before: Option<String> = data.get("key").await.unwrap();
            let account = Account::new(UserId::new(user).unwrap());
            session.log_in(account, Proof::by([Method::PASSWORD])).await.unwrap();
            let after: Option<String> = data.get("key").await.unwrap();
            data.insert("flash", "welcome").await.unwrap();
            format!("{before:?} {after:?}")
        }
        ("flash", _) => data.get::<String>("flash").await.unwrap().unwrap_or_default(),
        ("data", _) => data.get::<String>("key").await.unwrap().unwrap_or_default(),
        other => panic!("{other:?}"),
    };
    Ok(Response::new(Body::from(answer)))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_lasts_until_the_logout() {
    for database in databases().await {
        let app = App::new(&database).await;
        assert_eq!(app.who("").await, "nobody");
        let response = app.get("/login/ann", "").await;
        assert_eq!(response.body(), "ann");
        assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
        let set = response.headers()[SET_COOKIE].to_str().unwrap();
        assert!(set.ends_with("; HttpOnly; SameSite=Lax; Path=/"), "{set}");
        let cookie = cookie(&response);
        assert_eq!(app.who(&cookie).await, "ann");
        let quiet = app.get("/who", &cookie).await;
        assert!(!quiet.headers().contains_key(SET_COOKIE));

        let out = app.get("/logout", &cookie).await;
        assert!(out.headers()[SET_COOKIE].to_str().unwrap().contains("Max-Age=0"));
        assert_eq!(app.who(&cookie).await, "nobody");
        let events = app.store.session_events(0, 10).await.unwrap();
        assert_eq!(events.iter().map(|e| e.end).collect::<Vec<_>>(), [SessionEnd::LoggedOut]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_planted_token_is_worth_nothing_after_the_login() {
    for database in databases().await {
        let app = App::new(&database).await;
        let planted = cookie(&app.get("/put/cart", "").await);
        let response = app.get("/login/ann", &planted).await;
        let own = cookie(&response);
        assert_ne!(planted, own);
        assert_eq!(app.who(&planted).await, "nobody");
        assert_eq!(app.who(&own).await, "ann");
        assert_eq!(app.get("/data", &own).await.body(), "cart", "a visitor's data stays");
        assert_eq!(
            app.get("/data", &planted).await.body(),
            "",
            "and is out of the planter's reach"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_stale_and_doubled_cookies_are_anonymous() {
    for database in databases().await {
        let app = App::new(&database).await;
        let good = app.login("ann").await;
        let value = good.split_once('=').unwrap().1;
        let forged =
            App::over(app.store.clone(), app.clock.clone(), Keyring::ephemeral(&SystemRandom));
        let foreign = forged.login("eve").await;
        for bad in [
            "session=",
            "session=x",
            "session=.",
            "other=1",
            &good[..good.len() - 1],
            &format!("{good}A"),
            &format!("{good}; {good}"),
            &format!("{good}; session=x"),
            &foreign,
            &format!("session={}", value.split_once('.').unwrap().0),
        ] {
            let response = app.get("/who", bad).await;
            assert_eq!(
                (response.status(), response.body().as_str()),
                (StatusCode::OK, "nobody"),
                "{bad}"
            );
        }
        assert_eq!(app.who(&good).await, "ann");
        let over = app.get("/rotate", &good).await;
        for stale in ["session=x", &good] {
            let page = app.page("/who", stale).await;
            assert!(page.headers()[SET_COOKIE].to_str().unwrap().contains("Max-Age=0"), "{stale}");
            // It may have been sent before the rotation, and be answered after it.
            let in_flight = app.get("/who", stale).await;
            assert!(!in_flight.headers().contains_key(SET_COOKIE), "{stale}");
        }
        assert_eq!(app.who(&cookie(&over)).await, "ann");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_end_by_idleness_and_by_age() {
    for database in databases().await {
        let app = App::new(&database).await;
        let idle = app.login("ann").await;
        app.clock.advance(Duration::minutes(29));
        assert_eq!(app.who(&idle).await, "ann");
        app.clock.advance(Duration::minutes(29));
        assert_eq!(app.who(&idle).await, "ann", "activity was written");
        app.clock.advance(Duration::minutes(30));
        assert_eq!(app.who(&idle).await, "nobody", "idle");

        let busy = app.login("ann").await;
        for _ in 0..24 * 3 - 1 {
            app.clock.advance(Duration::minutes(20));
            assert_eq!(app.who(&busy).await, "ann");
        }
        app.clock.advance(Duration::minutes(20));
        assert_eq!(app.who(&busy).await, "nobody", "a day old");

        let response = app.get("/remember/ann", "").await;
        let set = response.headers()[SET_COOKIE].to_str().unwrap();
        assert!(set.ends_with("Max-Age=5184000"), "{set}");
        app.clock.advance(Duration::days(60) - Duration::SECOND);
        assert_eq!(app.who(&cookie(&response)).await, "ann");
        app.clock.advance(Duration::SECOND);
        assert_eq!(app.who(&cookie(&response)).await, "nobody", "sixty days old");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_user_keeps_the_session_and_another_ends_it() {
    for database in databases().await {
        let app = App::new(&database).await;
        let first = app.login("ann").await;
        app.get("/put/secret", &first).await;
        let sid = app.get("/sid", &first).await.into_body();

        let again = cookie(&app.get("/login/ann", &first).await);
        assert_eq!(app.get("/sid", &again).await.body(), &sid);
        assert_eq!(app.get("/data", &again).await.body(), "secret");
        assert_eq!(app.who(&first).await, "nobody");

        let other = cookie(&app.get("/login/bob", &again).await);
        assert_ne!(app.get("/sid", &other).await.body(), &sid);
        assert_eq!(app.get("/data", &other).await.body(), "", "the data was ann's");
        assert_eq!(app.who(&again).await, "nobody");
        let events = app.store.session_events(0, 10).await.unwrap();
        assert_eq!(events.iter().map(|e| e.end).collect::<Vec<_>>(), [SessionEnd::Replaced]);
        assert_eq!(events[0].session_id.unwrap().to_string(), sid);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn host_data_needs_no_login_and_no_row_until_it_is_stored() {
    for database in databases().await {
        let app = App::new(&database).await;
        let read = app.get("/data", "").await;
        assert!(!read.headers().contains_key(SET_COOKIE));
        let visitor = cookie(&app.get("/put/one", "").await);
        assert_eq!(app.who(&visitor).await, "nobody");
        let second = app.get("/put/two", &visitor).await;
        assert!(!second.headers().contains_key(SET_COOKIE), "the session is there already");
        assert_eq!(app.get("/data", &visitor).await.body(), "two");
        app.get("/logout", &visitor).await;
        assert_eq!(app.get("/data", &visitor).await.body(), "");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_token_is_dead_and_two_rotations_have_one_winner() {
    for database in databases().await {
        let app = Arc::new(App::new(&database).await);
        let old = app.login("ann").await;
        let mut race = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let (app, old) = (app.clone(), old.clone());
            race.spawn(async move { app.get("/rotate", &old).await });
        }
        let responses = race.join_all().await;
        let won: Vec<_> = responses.iter().filter(|r| r.body() == "new").map(cookie).collect();
        assert_eq!(won.len(), 1, "{}", database.name);
        assert_eq!(app.who(&won[0]).await, "ann");
        assert_eq!(app.who(&old).await, "nobody");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_whose_handler_fails_still_hands_out_the_new_token() {
    for database in databases().await {
        let app = App::new(&database).await;
        let old = app.login("ann").await;
        let failed = app.get("/login-and-fail/ann", &old).await;
        assert_eq!(failed.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(app.who(&cookie(&failed)).await, "ann");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_listed_and_revoked() {
    for database in databases().await {
        let app = App::new(&database).await;
        let (one, two, three) =
            (app.login("ann").await, app.login("ann").await, app.login("ann").await);
        let bob = app.login("bob").await;
        let list = app.get("/sessions", &one).await.into_body();
        assert_eq!(list, "192.0.2.7 Some(\"Browser/1\");".repeat(3));
        let sid = app.get("/sid", &two).await.into_body();
        assert_eq!(app.get(&format!("/revoke/{sid}"), &bob).await.body(), "false");
        assert_eq!(app.get(&format!("/revoke/{sid}"), "").await.body(), "nobody is logged in");
        assert_eq!(app.who(&two).await, "ann");
        assert_eq!(app.get(&format!("/revoke/{sid}"), &one).await.body(), "true");
        assert_eq!(app.who(&two).await, "nobody");
        assert_eq!(app.get("/revoke-others", &one).await.body(), "1");
        assert_eq!((app.who(&three).await, app.who(&one).await), ("nobody".into(), "ann".into()));
        assert_eq!(app.get("/revoke-all", &one).await.body(), "1");
        assert_eq!((app.who(&one).await, app.who(&bob).await), ("nobody".into(), "bob".into()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn statements_are_counted_at_the_driver() {
    for database in databases().await {
        let app = App::new(&database).await;
        let cookie = app.login("ann").await;
        let (_, statements) = counted(async {
            app.get("/who", "").await;
            app.get("/who", "session=made-up").await;
        })
        .await;
        assert_eq!(statements.0, Vec::<String>::new(), "no cookie of ours, no statement");
        let (_, statements) = counted(app.get("/who", &cookie)).await;
        assert_eq!((statements.reads(), statements.0.len()), (1, 1), "{statements:?}");
        app.clock.advance(Duration::minutes(5));
        let (_, statements) = counted(app.get("/who", &cookie)).await;
        assert_eq!((statements.reads(), statements.transitions()), (1, 1), "{statements:?}");
        let (_, statements) = counted(app.get("/who", &cookie)).await;
        assert_eq!((statements.reads(), statements.0.len()), (1, 1), "activity, and no more");
        let (_, statements) = counted(app.get("/rotate", &cookie)).await;
        assert_eq!((statements.reads(), statements.transitions()), (1, 1), "{statements:?}");
    }
}

#[tokio::test]
async fn a_store_that_fails_is_not_a_logout() {
    let app = App::new(&Database::sqlite()).await;
    let cookie = app.login("ann").await;
    let failing: Arc<dyn donjon::store::SessionStore> =
        Arc::new(crate::broken::session::Unreachable);
    let layer = SessionLayer::new(failing, &app.keyring).base_url("http://127.0.0.1:3000").unwrap();
    let service = layer.layer(tower::service_fn(handle));
    let request = Request::get("/who").header(COOKIE, &cookie).body(Body::empty()).unwrap();
    let response = service.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(response.headers().contains_key("retry-after"));
    assert!(!response.headers().contains_key(SET_COOKIE), "the browser keeps its cookie");
    let response =
        service.oneshot(Request::get("/who").body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn requirements_turn_away_who_may_not_come_in() {
    let app = App::new(&Database::sqlite()).await;
    let layer = SessionLayer::new(&app.store, &app.keyring)
        .base_url("http://127.0.0.1:3000")
        .unwrap()
        .clock(app.clock.clone());
    let user = layer.layer(RequireUserLayer::default().layer(tower::service_fn(handle)));
    let sudo = RequireSudoLayer::new("/login").clock(app.clock.clone());
    let sudo = layer.layer(sudo.layer(tower::service_fn(handle)));
    let request = |method: &str, accept: &str, cookie: &str| {
        let request = Request::builder().method(method).uri("/who?a=b");
        request.header("accept", accept).header(COOKIE, cookie).body(Body::empty()).unwrap()
    };
    let cookie = app.login("ann").await;

    let page = user.clone().oneshot(request("GET", "text/html", "")).await.unwrap();
    assert_eq!(page.status(), StatusCode::SEE_OTHER);
    assert_eq!(page.headers()[LOCATION], "/login?return_to=%2Fwho%3Fa%3Db");
    let post = user.clone().oneshot(request("POST", "text/html", "")).await.unwrap();
    assert_eq!(post.headers()[LOCATION], "/login");
    let api = user.clone().oneshot(request("GET", "application/json", "")).await.unwrap();
    assert_eq!(api.status(), StatusCode::UNAUTHORIZED);
    let known = user.oneshot(request("GET", "text/html", &cookie)).await.unwrap();
    assert_eq!(known.status(), StatusCode::OK);

    let anonymous = sudo.clone().oneshot(request("GET", "*/*", "")).await.unwrap();
    assert_eq!(anonymous.status(), StatusCode::UNAUTHORIZED);
    let fresh = sudo.clone().oneshot(request("GET", "*/*", &cookie)).await.unwrap();
    assert_eq!(fresh.status(), StatusCode::OK);
    app.clock.advance(Duration::minutes(5));
    let stale = sudo.clone().oneshot(request("GET", "*/*", &cookie)).await.unwrap();
    assert_eq!(stale.status(), StatusCode::FORBIDDEN);
    let renewed = super::session::cookie(&app.get("/fresh", &cookie).await);
    let fresh = sudo.oneshot(request("GET", "*/*", &renewed)).await.unwrap();
    assert_eq!(fresh.status(), StatusCode::OK);

    let unlayered = RequireUserLayer::default().layer(tower::service_fn(handle));
    let closed = unlayered.oneshot(request("GET", "*/*", &renewed)).await.unwrap();
    assert_eq!(
        closed.status(),
        StatusCode::INTERNAL_SERVER_ERROR,
        "it fails closed without a session layer"
    );
}
