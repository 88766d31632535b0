//! The host's own data, as `tower_sessions` shows it.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use donjon::crypto::{Keyring, SystemRandom};
use donjon::http::Body;
use donjon::scope::SessionId;
use donjon::session::SessionLayer;
use donjon::store::DataChange;
use donjon::testing::ManualClock;
use http::header::{CACHE_CONTROL, SET_COOKIE};
use http::{Request, Response, StatusCode};
use time::Duration;
use tokio::sync::Barrier;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store;

use super::app::{App, cookie, handle, now};
use crate::support::database::{Database, databases};
use crate::support::statements::counted;

#[tokio::test(flavor = "multi_thread")]
async fn whoever_logs_in_finds_nothing_of_another_and_loses_nothing_of_their_own() {
    for database in databases().await {
        let app = App::new(&database).await;
        let ann = app.login("ann").await;
        app.get("/put/secret", &ann).await;
        let switched = app.get("/switch/bob", &ann).await;
        assert_eq!(switched.body(), "Some(\"secret\") None");
        let bob = cookie(&switched);
        assert_eq!(app.get("/flash", &bob).await.body(), "welcome");
        assert_eq!(app.get("/data", &bob).await.body(), "");

        let visitor = cookie(&app.get("/put/cart", "").await);
        let switched = app.get("/switch/ann", &visitor).await;
        assert_eq!(switched.body(), "Some(\"cart\") Some(\"cart\")");
        assert_eq!(app.get("/flash", &cookie(&switched)).await.body(), "welcome");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_requests_at_once_do_not_undo_each_other() {
    for database in databases().await {
        let app = App::new(&database).await;
        let user = app.login("ann").await;
        app.get("/put/old", &user).await;
        let loaded = Arc::new(Barrier::new(2));
        let slow = app.beside(move |request: Request<Body>| {
            let loaded = loaded.clone();
            async move {
                let data = request.extensions().get::<tower_sessions::Session>().unwrap();
                let before: Option<String> = data.get("key").await.unwrap();
                loaded.wait().await;
                let key = request.uri().path().trim_start_matches('/');
                data.insert(key, before).await.unwrap();
                Ok::<_, Infallible>(Response::new(Body::empty()))
            }
        });
        tokio::join!(slow.get("/flash", &user), slow.get("/other", &user));
        assert_eq!(app.get("/flash", &user).await.body(), "old", "{}", database.name);
        let sid: SessionId = SessionId(app.get("/sid", &user).await.body().parse().unwrap());
        let ann = donjon::scope::UserId::new("ann").unwrap();
        let sessions = app.store.sessions_of(&ann, now(&app)).await.unwrap();
        let session = sessions.iter().find(|session| session.id == sid).unwrap();
        let stored = app.store.load_session_data(session.data_id).await.unwrap().unwrap();
        assert_eq!(stored.len(), 3, "{stored:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_visitor_left_lives_as_long_as_the_session_that_took_it_over() {
    for database in databases().await {
        let app = App::new(&database).await;
        let visitor = cookie(&app.get("/put/cart", "").await);
        let user = cookie(&app.get("/remember/ann", &visitor).await);
        app.clock.advance(Duration::days(59));
        while app.store.sweep_sessions(now(&app), 100).await.unwrap() > 0 {}
        assert_eq!(app.get("/data", &user).await.body(), "cart");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_host_does_with_its_session_stays_in_this_one() {
    for database in databases().await {
        let app = App::new(&database).await;
        let user = app.login("ann").await;
        app.get("/put/one", &user).await;
        assert_eq!(app.get("/cycle", &user).await.body(), "cycled");
        assert_eq!(app.get("/data", &user).await.body(), "one");
        assert_eq!(app.get("/flush", &user).await.body(), "flushed");
        assert_eq!(app.get("/data", &user).await.body(), "");
        app.get("/put/two", &user).await;
        app.get("/clear", &user).await;
        assert_eq!(app.get("/data", &user).await.body(), "");
        assert_eq!(app.who(&user).await, "ann", "and no login is lost by it");
        for path in ["/clear", "/flush", "/cycle", "/logout"] {
            let none = app.get(path, "").await;
            let set = none.headers().get(SET_COOKIE).map(|set| set.to_str().unwrap());
            assert!(set.is_none_or(|set| set.contains("Max-Age=0")), "{path}: {set:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_stored_after_a_logout_is_a_visitors() {
    for database in databases().await {
        let app = App::new(&database).await;
        let ann = app.login("ann").await;
        app.get("/put/secret", &ann).await;
        let visitor = cookie(&app.get("/logout-and-put/bye", &ann).await);
        assert_eq!(app.who(&visitor).await, "nobody");
        assert_eq!(app.get("/flash", &visitor).await.body(), "bye");
        assert_eq!(app.get("/data", &visitor).await.body(), "");
        assert_eq!(app.who(&ann).await, "nobody");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_failing_handler_stored_is_not_kept() {
    let app = App::new(&Database::sqlite()).await;
    let user = app.login("ann").await;
    app.get("/put/good", &user).await;
    app.get("/put-and-fail/bad", &user).await;
    assert_eq!(app.get("/data", &user).await.body(), "good");
    assert!(!app.get("/put-and-fail/bad", "").await.headers().contains_key(SET_COOKIE));
}

#[tokio::test(flavor = "multi_thread")]
async fn data_costs_what_it_must() {
    for database in databases().await {
        let app = App::new(&database).await;
        let user = app.login("ann").await;
        let (_, visitor) = counted(app.get("/data", "")).await;
        assert_eq!(visitor.0.len(), 0, "{visitor:?}");
        let (_, begun) = counted(app.get("/put/x", "")).await;
        assert_eq!((begun.reads(), begun.transitions()), (0, 2), "{begun:?}");
        let (_, read) = counted(app.get("/data", &user)).await;
        assert_eq!((read.reads(), read.transitions()), (2, 0), "{read:?}");
        let (_, written) = counted(app.get("/put/x", &user)).await;
        assert_eq!((written.reads(), written.transitions()), (2, 1), "{written:?}");
        let (_, same) = counted(app.get("/put/x", &user)).await;
        assert_eq!((same.reads(), same.transitions()), (2, 0), "{same:?}");
    }
}

/// U+0000 is what databases choke on.
#[tokio::test(flavor = "multi_thread")]
async fn any_text_can_be_kept() {
    for database in databases().await {
        let app = App::new(&database).await;
        let user = app.login("ann").await;
        let odd = app.beside(|request: Request<Body>| async move {
            let data = request.extensions().get::<tower_sessions::Session>().unwrap();
            let before: Option<Vec<String>> = data.get("\0key\0").await.unwrap();
            data.insert("\0key\0", vec!["a\0b", "\\u0000", "\u{1}"]).await.unwrap();
            Ok::<_, Infallible>(Response::new(Body::from(format!("{before:?}"))))
        });
        assert_eq!(odd.get("/", &user).await.status(), 200, "{}", database.name);
        let kept = odd.get("/", &user).await.into_body();
        assert_eq!(kept, r#"Some(["a\0b", "\\u0000", "\u{1}"])"#, "{}", database.name);
        app.get("/put/plain", &user).await;
        assert_eq!(app.get("/data", &user).await.body(), "plain");
    }
}

/// As an older version stored it.
#[cfg(feature = "postgres")]
#[tokio::test(flavor = "multi_thread")]
async fn what_was_stored_as_plain_jsonb_is_kept() {
    use sqlx::{Connection as _, PgConnection};

    let migration = include_str!("../../../src/store/migrations/postgres/0006_amend.sql");
    let rewrite = migration.split(';').next().unwrap();
    for database in databases().await.into_iter().filter(|found| found.name == "postgres") {
        let app = App::new(&database).await;
        let user = app.login("ann").await;
        app.get("/put/x", &user).await;
        let mut connection = PgConnection::connect(&database.url).await.unwrap();
        let old = r#"{ "key": "x\"\\", "né\t\u0001": [1, {"a": null}], "flash": "there" }"#;
        let rows = sqlx::query("UPDATE donjon_session_data SET data = $1::text::jsonb")
            .bind(old)
            .execute(&mut connection);
        assert_eq!(rows.await.unwrap().rows_affected(), 1);
        sqlx::raw_sql(rewrite).execute(&mut connection).await.unwrap();

        let ann = donjon::scope::UserId::new("ann").unwrap();
        let session = app.store.sessions_of(&ann, now(&app)).await.unwrap().remove(0);
        let stored = app.store.load_session_data(session.data_id).await.unwrap().unwrap();
        let expected: HashMap<String, serde_json::Value> = serde_json::from_str(old).unwrap();
        assert_eq!(stored, expected);
        // A key that comes again is the same key.
        let change = DataChange { set: expected.clone(), ..DataChange::default() };
        app.store.change_session_data(session.data_id, &change).await.unwrap();
        let keys: i64 =
            sqlx::query_scalar("SELECT count(*) FROM donjon_session_data, jsonb_object_keys(data)")
                .fetch_one(&mut connection)
                .await
                .unwrap();
        assert_eq!(keys, 3);
    }
}

/// A store of the host's choice, which may be full.
#[derive(Clone, Debug, Default)]
struct Foreign(Arc<Mutex<HashMap<Id, Record>>>, Arc<AtomicBool>);

#[async_trait]
impl tower_sessions::SessionStore for Foreign {
    async fn create(&self, record: &mut Record) -> session_store::Result<()> {
        if self.1.load(Ordering::SeqCst) {
            return Err(session_store::Error::Backend("the disk is full".into()));
        }
        let mut records = self.0.lock().unwrap();
        assert!(records.insert(record.id, record.clone()).is_none(), "created twice");
        Ok(())
    }

    async fn save(&self, record: &Record) -> session_store::Result<()> {
        let mut records = self.0.lock().unwrap();
        assert!(records.insert(record.id, record.clone()).is_some(), "saved before it was created");
        Ok(())
    }

    async fn load(&self, id: &Id) -> session_store::Result<Option<Record>> {
        Ok(self.0.lock().unwrap().get(id).cloned())
    }

    async fn delete(&self, id: &Id) -> session_store::Result<()> {
        self.0.lock().unwrap().remove(id);
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn any_store_of_tower_sessions_can_keep_it() {
    let foreign = Foreign::default();
    let records = || foreign.0.lock().unwrap().values().cloned().collect::<Vec<_>>();
    let store = Database::sqlite().store().await;
    let (clock, keyring) = (Arc::new(ManualClock::default()), Keyring::ephemeral(&SystemRandom));
    let layer = SessionLayer::new(&store, &keyring).clock(clock.clone());
    let app = App::layered(layer.data_store(foreign.clone()), handle, store, clock, keyring);

    let visitor = cookie(&app.get("/put/cart", "").await);
    let begun = records();
    assert_eq!((begun.len(), begun[0].expiry_date), (1, now(&app) + Duration::DAY));
    let user = cookie(&app.get("/remember/ann", &visitor).await);
    let kept = records();
    assert_eq!((kept.len(), kept[0].expiry_date), (1, now(&app) + Duration::days(60)));
    assert_eq!(app.get("/data", &user).await.body(), "cart");
    let again = cookie(&app.get("/rotate", &user).await);
    assert_eq!(records(), kept, "rotating the token moves nothing");

    let other = cookie(&app.get("/switch/bob", &again).await);
    let fresh = records();
    assert_eq!((fresh.len(), fresh[0].data.len()), (1, 1), "{fresh:?}");
    assert_ne!(fresh[0].id, kept[0].id);
    app.get("/logout", &other).await;
    assert!(records().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_whose_data_cannot_be_stored_still_hands_out_the_new_token() {
    let foreign = Foreign::default();
    let store = Database::sqlite().store().await;
    let (clock, keyring) = (Arc::new(ManualClock::default()), Keyring::ephemeral(&SystemRandom));
    let layer = SessionLayer::new(&store, &keyring).clock(clock.clone());
    let app = App::layered(layer.data_store(foreign.clone()), handle, store, clock, keyring);
    let old = app.login("ann").await;
    foreign.1.store(true, Ordering::SeqCst);

    // Logs bob in, and then stores a greeting for him.
    let failed = app.page("/switch/bob", &old).await;
    assert_eq!(failed.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(failed.headers()[CACHE_CONTROL], "no-store");
    assert_eq!(app.who(&old).await, "nobody");
    assert_eq!(app.who(&cookie(&failed)).await, "bob", "or the browser would have lost both");

    let kept = app.page("/put/x", &cookie(&failed)).await;
    assert_eq!(kept.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(!kept.headers().contains_key(SET_COOKIE), "nothing else changes the cookie");
}
