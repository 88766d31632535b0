//! Sessions: the store's contract, and the layers over HTTP.

mod app;
mod data;
mod impersonation;
mod organization;
mod races;
mod users;

use std::sync::Arc;

use donjon::crypto::{Keyring, SystemRandom};
use donjon::http::Body;
use donjon::page::Theme;
use donjon::scope::SessionEnd;
use donjon::session::{Lifetimes, RequireSudoLayer, RequireUserLayer, SessionLayer};
use donjon::testing::contract;
use http::header::{CACHE_CONTROL, COOKIE, LOCATION, SET_COOKIE};
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use time::Duration;
use tower::{Layer as _, ServiceExt as _};

use self::app::{App, cookie, handle};
use crate::support::database::{Database, databases};
use crate::support::statements::counted;

#[tokio::test(flavor = "multi_thread")]
async fn each_database_keeps_the_contract_of_sessions() {
    for database in databases().await {
        let outcome = contract::sessions(database.store().await.into()).await;
        assert!(outcome.is_ok(), "{}: {outcome:?}", database.name);
    }
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
        for beside in ["theme=dark", "name=Zoë", "\u{2000}session=x", "session =x", "Session=x"] {
            for both in [format!("{beside}; {good}"), format!("{good}; {beside}")] {
                assert_eq!(app.who(&both).await, "ann", "{both}");
            }
        }
        // What a script of the host's, or a neighbour on a sibling domain, set costs only itself.
        for beside in [&b"city=Z\xFCrich"[..], "x".repeat(200_000).as_bytes(), &b"a; ".repeat(9999)]
        {
            for both in [[beside, good.as_bytes()], [good.as_bytes(), beside]] {
                let response = app.get_raw("/who", &both.join(&b"; "[..])).await;
                assert_eq!(response.body(), "ann", "{:?}", &beside[..9]);
            }
        }
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
async fn a_session_that_is_used_goes_on_whatever_the_limits() {
    for database in databases().await {
        let app = App::new(&database).await;
        for idle in [Duration::minutes(2), Duration::minutes(5), Duration::minutes(30)] {
            let mut lifetimes = Lifetimes::default();
            lifetimes.idle = idle;
            let app = app.with(|layer| layer.lifetimes(lifetimes));
            let used = app.login("ann").await;
            for _ in 0..12 {
                app.clock.advance(idle / 2);
                assert_eq!(app.who(&used).await, "ann", "{idle}, {}", database.name);
            }
            app.clock.advance(idle);
            assert_eq!(app.who(&used).await, "nobody", "{idle}");
        }
        let mut lifetimes = Lifetimes::default();
        (lifetimes.idle, lifetimes.absolute) = (Duration::MAX, Duration::MAX);
        (lifetimes.remembered, lifetimes.fresh) = (Duration::MAX, Duration::MAX);
        let app = app.with(|layer| layer.lifetimes(lifetimes));
        for path in ["/login/ann", "/remember/ann"] {
            let endless = cookie(&app.get(path, "").await);
            app.clock.advance(Duration::days(3_650));
            assert_eq!(app.who(&endless).await, "ann", "{path}, {}", database.name);
        }
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

/// A thief may open as many as they like: each is in the list, where its owner ends it.
#[tokio::test(flavor = "multi_thread")]
async fn the_list_of_sessions_is_whole_however_many_are_opened() {
    for database in databases().await {
        let app = App::new(&database).await;
        let count = async |cookie: &str| {
            let list = app.get("/sessions", cookie).await.into_body();
            list.matches("Browser/1").count()
        };
        let (unused, used) = (app.login("ann").await, app.login("ann").await);
        let bob = app.login("bob").await;
        app.clock.advance(Duration::minutes(6));
        assert_eq!(app.who(&used).await, "ann");
        let mut opened = Vec::new();
        for _ in 0..98 {
            opened.push(app.login("ann").await);
        }
        assert_eq!(count(&used).await, 100);
        let last = app.login("ann").await;
        assert_eq!((count(&last).await, app.who(&unused).await), (100, "nobody".into()));
        assert_eq!(app.who(&used).await, "ann", "it is older, and was used since");
        assert_eq!(app.who(&bob).await, "bob");
        let after = app.store.session_events(0, 100).await.unwrap();
        let ends: Vec<_> = after.iter().map(|event| event.end).collect();
        assert_eq!(ends, [SessionEnd::Displaced], "{}", database.name);

        // Many at once leave no more than there may be, and each costs what it did.
        let few = Arc::new(app.with(|layer| layer.sessions_per_user(3)));
        let (one, cost) = counted(few.login("ann")).await;
        assert_eq!((count(&one).await, cost.transitions()), (3, 1), "{cost:?}");
        if database.name == "postgres" {
            assert_eq!(cost.0.len(), 1, "{cost:?}");
        }
        let mut logins = tokio::task::JoinSet::new();
        for _ in 0..32 {
            let few = Arc::clone(&few);
            logins.spawn(async move { few.login("ann").await });
        }
        let logins = logins.join_all().await;
        let mut living = Vec::new();
        for cookie in &logins {
            if app.who(cookie).await == "ann" {
                living.push(cookie);
            }
        }
        // All are of the same moment, so that one from before may have stayed.
        assert!((1..=3).contains(&living.len()), "{}: {living:?}", database.name);
        assert_eq!(count(living[0]).await, 3, "{}", database.name);
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

async fn body<B: http_body::Body<Error: std::fmt::Debug>>(response: Response<B>) -> String {
    let body = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

#[tokio::test]
async fn a_store_that_fails_is_not_a_logout() {
    let app = App::new(&Database::sqlite()).await;
    let cookie = app.login("ann").await;
    let failing: Arc<dyn donjon::store::SessionStore> =
        Arc::new(crate::broken::unreachable::Unreachable);
    let layer = SessionLayer::new(failing, &app.keyring).base_url("http://127.0.0.1:3000").unwrap();
    let service = layer.pages(Theme::new("Northwind")).layer(tower::service_fn(handle));
    let request = Request::get("/who").header(COOKIE, &cookie).body(Body::empty()).unwrap();
    let response = service.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(response.headers().contains_key("retry-after"));
    assert!(!response.headers().contains_key(SET_COOKIE), "the browser keeps its cookie");
    assert!(body(response).await.contains("\"error\":\"temporarily_unavailable\""));
    let request = Request::get("/who").header(COOKIE, &cookie).header("accept", "text/html");
    let response = service.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let page = body(response).await;
    assert!(page.contains("Northwind") && page.contains("id=\"error-description\""), "{page}");
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
    let renewed = app::cookie(&app.get("/fresh", &cookie).await);
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
