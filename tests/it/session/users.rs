//! A host with users of its own: what the session shows of them, and when it asks.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use donjon::crypto::{Keyring, SystemRandom};
use donjon::http::Body;
use donjon::scope::{Account, CurrentScope, Method, SessionEnd, UserId};
use donjon::session::{Proof, Session, SessionLayer, Sessions, UserSource, UserSourceError};
use donjon::store::{SessionStore, SqlStore};
use donjon::testing::ManualClock;
use http::header::{RETRY_AFTER, SET_COOKIE};
use http::{Request, Response, StatusCode};
use time::Duration;
use tokio::sync::Notify;

use super::app::{App, cookie, handle};
use crate::broken::session::without_refresh;
use crate::support::database::{Database, databases};
use crate::support::statements::counted;

/// The host's table of users, and how it answers.
#[derive(Clone, Default)]
struct Table(Arc<Rows>);

#[derive(Default)]
struct Rows {
    rows: Mutex<HashMap<String, Row>>,
    asked: AtomicUsize,
    /// Makes the next answer wait, once it was read.
    pause: Mutex<Option<Arc<Pause>>>,
}

#[derive(Clone, Copy)]
enum Row {
    Named(&'static str),
    Fails,
    Panics,
    Impostor,
}

#[derive(Default)]
struct Pause {
    read: Notify,
    go_on: Notify,
}

impl Table {
    fn put(&self, user: &str, row: Row) {
        self.0.rows.lock().unwrap().insert(user.to_owned(), row);
    }

    fn remove(&self, user: &str) {
        self.0.rows.lock().unwrap().remove(user);
    }

    /// How often it was asked since this was called last.
    fn asked(&self) -> usize {
        self.0.asked.swap(0, Ordering::SeqCst)
    }

    fn pause(&self) -> Arc<Pause> {
        let pause = Arc::new(Pause::default());
        *self.0.pause.lock().unwrap() = Some(pause.clone());
        pause
    }
}

#[async_trait]
impl UserSource for Table {
    async fn load_user(&self, id: &UserId) -> Result<Option<Account>, UserSourceError> {
        self.0.asked.fetch_add(1, Ordering::SeqCst);
        let row = self.0.rows.lock().unwrap().get(id.as_str()).copied();
        let pause = self.0.pause.lock().unwrap().take();
        if let Some(pause) = pause {
            pause.read.notify_one();
            pause.go_on.notified().await;
        }
        match row {
            None => Ok(None),
            Some(Row::Named(name)) => {
                let attributes = [("name".to_owned(), name.into())].into_iter().collect();
                Ok(Some(Account::new(id.clone()).with_attributes(attributes)))
            }
            Some(Row::Fails) => Err("the table is locked".into()),
            Some(Row::Panics) => panic!("a bug of the host's"),
            Some(Row::Impostor) => Ok(Some(Account::new(UserId::new("root")?))),
        }
    }
}

/// A host with two users.
struct Host {
    app: App,
    table: Table,
    sessions: Sessions,
}

impl Host {
    async fn new(database: &Database) -> Self {
        let table = Table::default();
        table.put("ann", Row::Named("Ann"));
        table.put("bob", Row::Named("Bob"));
        let store = database.store().await;
        Self::node(store.clone(), &store, Keyring::ephemeral(&SystemRandom), table)
    }

    /// Another process of the same host.
    async fn another(&self, database: &Database) -> Self {
        let store = match database.name {
            "sqlite" => self.app.store.clone(),
            _ => database.store().await,
        };
        Self::node(store.clone(), &store, self.app.keyring.clone(), self.table.clone())
    }

    fn node(
        store: SqlStore,
        seen: impl Into<Arc<dyn SessionStore>>,
        keyring: Keyring,
        table: Table,
    ) -> Self {
        let clock = Arc::new(ManualClock::default());
        let layer = SessionLayer::new(seen, &keyring).clock(clock.clone());
        let layer = layer.user_source(Arc::new(table.clone()));
        let sessions = layer.sessions();
        let app = App::layered(layer, answer, store, clock, keyring);
        Self { app, table, sessions }
    }

    async fn changed(&self, user: &str) {
        self.sessions.user_changed(&UserId::new(user).unwrap()).await.unwrap();
    }

    /// What the scope shows of who is logged in.
    async fn name(&self, cookie: &str) -> String {
        self.app.get("/name", cookie).await.into_body()
    }
}

async fn answer(request: Request<Body>) -> Result<Response<Body>, Infallible> {
    let session = request.extensions().get::<Session>().unwrap().clone();
    let scope = request.extensions().get::<CurrentScope>().unwrap().clone();
    let name = |scope: &CurrentScope| {
        let account = scope.account().map(|account| account.attributes().clone());
        account.map_or("nobody".into(), |known| known["name"].as_str().unwrap().to_owned())
    };
    let path = request.uri().path().to_owned();
    let body = match path.trim_start_matches('/').split_once('/') {
        None if path == "/name" => name(&scope),
        // The host hands in what it has at hand; the source knows better.
        Some(("enter", user)) => {
            let account = Account::new(UserId::new(user).unwrap());
            let entered = session.log_in(account, Proof::by([Method::PASSWORD])).await;
            entered.map_or_else(|error| error.to_string(), |scope| name(&scope))
        }
        _ => return handle(request).await,
    };
    Ok(Response::new(Body::from(body)))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_seen_by_the_next_request_on_every_node() {
    for database in databases().await {
        let host = Host::new(&database).await;
        let other = host.another(&database).await;
        let (here, there) = (host.app.login("ann").await, other.app.login("ann").await);
        let bob = host.app.login("bob").await;

        host.table.put("ann", Row::Named("Anna"));
        host.table.put("bob", Row::Named("Robert"));
        assert_eq!(host.name(&here).await, "Ann", "nobody has said that anything changed");
        host.changed("ann").await;
        for node in [&host, &other] {
            assert_eq!(node.name(&here).await, "Anna", "{}", database.name);
            assert_eq!(node.name(&there).await, "Anna");
            assert_eq!(node.name(&bob).await, "Bob", "nobody has said anything about bob");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_host_is_asked_when_something_changed_and_no_sooner() {
    for database in databases().await {
        let host = Host::new(&database).await;
        let (entered, login) = counted(host.app.get("/enter/ann", "")).await;
        assert_eq!(entered.body(), "Ann", "the source is asked before anybody is logged in");
        assert_eq!((login.reads(), login.transitions()), (1, 1), "{login:?}");
        let ann = cookie(&entered);
        let bob = host.app.login("bob").await;
        assert_eq!(host.table.asked(), 2);

        for _ in 0..3 {
            let (_, usual) = counted(host.name(&ann)).await;
            assert_eq!((usual.reads(), usual.0.len()), (1, 1), "{}: {usual:?}", database.name);
        }
        assert_eq!(host.table.asked(), 0);
        let (_, change) = counted(host.changed("ann")).await;
        assert_eq!((change.reads(), change.transitions()), (0, 1), "{change:?}");
        let (_, refresh) = counted(host.name(&ann)).await;
        assert_eq!((refresh.reads(), refresh.transitions()), (1, 1), "{refresh:?}");
        for user in [&ann, &bob] {
            let (_, usual) = counted(host.name(user)).await;
            assert_eq!((usual.reads(), usual.0.len()), (1, 1), "{usual:?}");
        }
        assert_eq!(host.table.asked(), 1, "bob has not changed");
        let (_, nobody) = counted(host.name("")).await;
        assert_eq!((nobody.0.len(), host.table.asked()), (0, 0), "{nobody:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_gone_is_logged_out_everywhere_and_comes_in_nowhere() {
    for database in databases().await {
        let host = Host::new(&database).await;
        let (first, second) = (host.app.login("ann").await, host.app.login("ann").await);
        host.app.get("/put/secret", &first).await;
        host.table.remove("ann");
        host.changed("ann").await;

        let page = host.app.page("/name", &first).await;
        assert_eq!((page.status(), page.body().as_str()), (StatusCode::OK, "nobody"));
        assert!(page.headers()[SET_COOKIE].to_str().unwrap().contains("Max-Age=0"));
        assert_eq!(host.app.get("/data", &second).await.body(), "");
        let events = host.app.store.session_events(0, 10).await.unwrap();
        let ends: Vec<_> = events.iter().map(|event| event.end).collect();
        assert_eq!(ends, [SessionEnd::Revoked; 2], "each session ended, and once");

        let refused = host.app.get("/enter/ann", "").await;
        assert_eq!(refused.body(), "the user is gone, or may not come in any more");
        assert!(!refused.headers().contains_key(SET_COOKIE));
        host.table.put("ann", Row::Named("Ann"));
        host.changed("ann").await;
        assert_eq!(host.name(&first).await, "nobody", "what ended does not come back");
        assert_eq!(host.app.get("/enter/ann", &first).await.body(), "Ann");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_fails_lets_nobody_in_on_what_they_were() {
    for database in databases().await {
        let host = Host::new(&database).await;
        let (ann, bob) = (host.app.login("ann").await, host.app.login("bob").await);
        for fault in [Row::Fails, Row::Panics, Row::Impostor] {
            host.table.put("ann", fault);
            assert_eq!(host.name(&ann).await, "Ann", "nobody asks");
            host.changed("ann").await;
            let refused = host.app.page("/name", &ann).await;
            assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
            assert!(refused.headers().contains_key(RETRY_AFTER));
            assert!(!refused.headers().contains_key(SET_COOKIE), "nobody is logged out by it");
            for secret in ["locked", "bug of", "somebody else"] {
                assert!(!refused.body().contains(secret), "nobody is told why");
            }
            let login = host.app.get("/enter/ann", "").await;
            assert!(login.body().starts_with("the host's users cannot be looked up"));
            assert!(!login.headers().contains_key(SET_COOKIE));
            assert_eq!(host.name(&bob).await, "Bob", "who has not changed is not concerned");

            host.table.put("ann", Row::Named("Ann"));
            assert_eq!(host.name(&ann).await, "Ann", "the session goes on");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_answer_never_replaces_a_newer_one() {
    for database in databases().await {
        let host = Arc::new(Host::new(&database).await);
        let ann = host.app.login("ann").await;
        host.table.put("ann", Row::Named("Slow"));
        host.changed("ann").await;
        let pause = host.table.pause();
        let slow = tokio::spawn({
            let (host, ann) = (host.clone(), ann.clone());
            async move { host.name(&ann).await }
        });
        pause.read.notified().await;
        host.table.put("ann", Row::Named("New"));
        host.changed("ann").await;
        assert_eq!(host.name(&ann).await, "New");
        pause.go_on.notify_one();
        assert_eq!(slow.await.unwrap(), "Slow", "that request began before the change");
        host.table.asked();
        assert_eq!(host.name(&ann).await, "New", "{}", database.name);
        assert_eq!(host.table.asked(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_in_the_middle_of_an_answer_is_not_lost() {
    for database in databases().await {
        let host = Arc::new(Host::new(&database).await);
        let mut ann = host.app.login("ann").await;
        for path in ["/name", "/enter/ann"] {
            host.changed("ann").await;
            let pause = host.table.pause();
            let asking = tokio::spawn({
                let (host, ann) = (host.clone(), ann.clone());
                // Logging in from elsewhere, so that nothing is asked before.
                async move { host.app.get(path, if path == "/name" { &ann } else { "" }).await }
            });
            pause.read.notified().await;
            host.table.put("ann", Row::Named("Changed"));
            host.changed("ann").await;
            pause.go_on.notify_one();
            let asked = asking.await.unwrap();
            assert_eq!(asked.body(), "Ann", "{path}: the answer was read before");
            if asked.headers().contains_key(SET_COOKIE) {
                ann = cookie(&asked);
            }
            assert_eq!(host.name(&ann).await, "Changed", "{path}, {}", database.name);
            host.table.put("ann", Row::Named("Ann"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_two_requests_at_once_all_see_the_change() {
    for database in databases().await {
        let host = Arc::new(Host::new(&database).await);
        let ann = host.app.login("ann").await;
        host.table.put("ann", Row::Named("Anna"));
        host.changed("ann").await;
        let mut race = tokio::task::JoinSet::new();
        for caller in 0..32 {
            let (host, ann) = (host.clone(), ann.clone());
            race.spawn(async move {
                // Some of them write the session for reasons of their own.
                let path = if caller % 8 == 0 { "/put/x" } else { "/name" };
                host.app.get(path, &ann).await.into_body()
            });
        }
        for seen in race.join_all().await {
            assert!(["Anna", "put"].contains(&seen.as_str()), "{seen}");
        }
        host.table.asked();
        assert_eq!(host.name(&ann).await, "Anna");
        assert_eq!(host.table.asked(), 0, "{}: it is written", database.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_cannot_be_written_still_answers() {
    let host = Host::new(&Database::sqlite()).await;
    let ann = host.app.login("ann").await;
    let store = host.app.store.clone();
    let failing = without_refresh(&store);
    let failing = Host::node(store, failing, host.app.keyring.clone(), host.table.clone());
    host.table.put("ann", Row::Named("Anna"));
    host.changed("ann").await;
    host.table.asked();
    for _ in 0..2 {
        assert_eq!(failing.name(&ann).await, "Anna");
    }
    assert_eq!(host.table.asked(), 2, "the next request asks again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_from_before_there_was_a_source_is_asked_for() {
    for database in databases().await {
        let before = App::new(&database).await;
        let ann = before.login("ann").await;
        let table = Table::default();
        table.put("ann", Row::Named("Ann"));
        let host =
            Host::node(before.store.clone(), &before.store, before.keyring.clone(), table.clone());
        assert_eq!(host.name(&ann).await, "Ann");
        assert_eq!((host.name(&ann).await, table.asked()), ("Ann".into(), 1));
        assert_eq!(before.who(&ann).await, "ann", "and without the source all is as it was");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_request_writes_after_a_change_is_asked_for_again() {
    for database in databases().await {
        let host = Arc::new(Host::new(&database).await);
        let ann = host.app.login("ann").await;
        // While one request is on its way, the user changes and another request learns of it.
        let overtaken = {
            let (host, ann) = (host.clone(), ann.clone());
            host.clone().app.beside(move |request| {
                let (host, ann) = (host.clone(), ann.clone());
                async move {
                    host.table.put("ann", Row::Named("Anna"));
                    host.changed("ann").await;
                    assert_eq!(host.name(&ann).await, "Anna");
                    handle(request).await
                }
            })
        };
        let rotated = cookie(&overtaken.get("/rotate", &ann).await);
        assert_eq!(host.name(&rotated).await, "Anna", "{}", database.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_host_says_of_a_user_does_not_say_who_acts() {
    for database in databases().await {
        let host = Host::new(&database).await;
        let root = cookie(&host.app.get("/impersonate/ann", "").await);
        host.table.put("ann", Row::Named("Anna"));
        host.changed("ann").await;
        assert_eq!(host.name(&root).await, "Anna");
        assert_eq!(host.app.get("/actor", &root).await.body(), "root", "{}", database.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_limits_of_a_session_are_its_own_whatever_the_host_says() {
    for database in databases().await {
        let host = Host::new(&database).await;
        let ann = host.app.login("ann").await;
        host.app.clock.advance(Duration::minutes(29));
        host.changed("ann").await;
        assert_eq!(host.name(&ann).await, "Ann");
        host.app.clock.advance(Duration::minutes(30));
        host.changed("ann").await;
        host.table.asked();
        assert_eq!(host.name(&ann).await, "nobody");
        assert_eq!(host.table.asked(), 0, "nobody asks for who is not there");
    }
}

#[cfg(feature = "accounts")]
#[tokio::test(flavor = "multi_thread")]
async fn accounts_of_ours_need_no_source() {
    use donjon::account::AccountLayer;

    for database in databases().await {
        let host = Host::new(&database).await;
        let accounts =
            AccountLayer::builder(&host.app.store, &host.app.keyring, "http://127.0.0.1:3000");
        let accounts = accounts.build().unwrap();
        let attributes = [("name".to_owned(), "Ours".into())].into_iter().collect();
        let made = accounts.accounts().create("o@example.test", None, attributes, true);
        let ours = made.await.unwrap().id().to_string();
        let entered = host.app.get(&format!("/login/{ours}"), "").await;
        assert_eq!(entered.status(), StatusCode::OK);
        host.changed(&ours).await;
        let (name, statements) = counted(host.name(&cookie(&entered))).await;
        assert_eq!((name.as_str(), statements.0.len()), ("Ours", 1), "{statements:?}");
        assert_eq!(host.table.asked(), 0);
    }
}
