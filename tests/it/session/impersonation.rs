//! An administrator who acts as a user: a session of its own, from which nothing goes to another.

use donjon::http::Body;
use donjon::scope::SessionEnd;
use donjon::session::{RequireSudoLayer, SessionLayer};
use http::header::{COOKIE, SET_COOKIE};
use http::{Request, StatusCode};
use time::Duration;
use tower::{Layer as _, ServiceExt as _};

use super::app::{App, cookie, handle};
use crate::support::database::{Database, databases};

#[tokio::test(flavor = "multi_thread")]
async fn nothing_goes_from_an_impersonation_to_the_user_or_back() {
    for database in databases().await {
        let app = App::new(&database).await;
        let ann = app.login("ann").await;
        let mut before = (ann.clone(), app.get("/sid", &ann).await.into_body());
        // In one browser: the administrator takes over from ann, and ann logs in after them.
        for (path, actor) in [("/impersonate/ann", "root"), ("/login/ann", "User")] {
            app.get("/put/private", &before.0).await;
            let after = cookie(&app.get(path, &before.0).await);
            assert_eq!(app.get("/actor", &after).await.body(), actor, "{}", database.name);
            assert_eq!(app.who(&after).await, "ann");
            assert_eq!(app.get("/data", &after).await.body(), "", "{path}: the data stays behind");
            assert_eq!(app.who(&before.0).await, "nobody");
            let sid = app.get("/sid", &after).await.into_body();
            assert_ne!(sid, before.1, "{path}: what rests on the one does not rest on the other");
            before = (after, sid);
        }
        let events = app.store.session_events(0, 10).await.unwrap();
        let ends: Vec<_> = events.iter().map(|event| event.end).collect();
        assert_eq!(ends, [SessionEnd::Replaced; 2], "{}", database.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_impersonation_goes_on_when_it_is_proven_again() {
    for database in databases().await {
        let app = App::new(&database).await;
        let first = cookie(&app.get("/impersonate/ann", "").await);
        app.get("/put/note", &first).await;
        let again = cookie(&app.get("/impersonate/ann", &first).await);
        assert_eq!(app.get("/data", &again).await.body(), "note");
        let rotated = cookie(&app.get("/rotate", &again).await);
        assert_eq!(app.get("/actor", &rotated).await.body(), "root", "{}", database.name);
        assert!(app.store.session_events(0, 10).await.unwrap().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_impersonation_is_short_and_ends_with_the_browser() {
    for database in databases().await {
        let app = App::new(&database).await;
        let begun = app.get("/impersonate/ann", "").await;
        let set = begun.headers()[SET_COOKIE].to_str().unwrap();
        assert!(!set.contains("Max-Age"), "it was asked to be remembered: {set}");
        let idle = cookie(&begun);
        app.clock.advance(Duration::minutes(15));
        assert_eq!(app.who(&idle).await, "nobody", "{}", database.name);

        let used = cookie(&app.get("/impersonate/ann", "").await);
        for _ in 0..3 {
            app.clock.advance(Duration::minutes(9));
            assert_eq!(app.who(&used).await, "ann", "{}", database.name);
        }
        app.clock.advance(Duration::minutes(3));
        assert_eq!(app.who(&used).await, "nobody");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_has_proven_nothing_in_the_users_name() {
    let app = App::new(&Database::sqlite()).await;
    let layer = SessionLayer::new(&app.store, &app.keyring)
        .base_url("http://127.0.0.1:3000")
        .unwrap()
        .clock(app.clock.clone());
    let sudo = RequireSudoLayer::default().clock(app.clock.clone());
    let guarded = layer.layer(sudo.layer(tower::service_fn(handle)));
    for (path, expected) in
        [("/login/ann", StatusCode::OK), ("/impersonate/ann", StatusCode::FORBIDDEN)]
    {
        let cookie = cookie(&app.get(path, "").await);
        let request = Request::get("/who").header(COOKIE, cookie).body(Body::empty()).unwrap();
        assert_eq!(guarded.clone().oneshot(request).await.unwrap().status(), expected, "{path}");
    }
}
