//! What happens to a request whose session changes under its feet, and to cookies on their way.

use std::convert::Infallible;
use std::sync::Arc;

use donjon::crypto::Keyring;
use donjon::http::Body;
use donjon::scope::{Account, Method, SessionEnd, UserId};
use donjon::session::{Proof, Session};
use http::header::{CACHE_CONTROL, COOKIE, SET_COOKIE};
use http::{HeaderValue, Request, Response};

use super::app::{App, cookie, handle};
use crate::support::database::{Database, databases};

/// An application whose requests are overtaken by `first` before they do anything.
fn overtaken(app: &Arc<App>, first: &'static str) -> App {
    let overtaking = app.clone();
    app.beside(move |request: Request<Body>| {
        let app = overtaking.clone();
        async move {
            let carried = request.headers()[COOKIE].to_str().unwrap().to_owned();
            let overtook = app.get(first, &carried).await;
            let mut response = handle(request).await?;
            if let Some(set) = overtook.headers().get(SET_COOKIE) {
                response.headers_mut().insert("overtook", set.clone());
            }
            Ok(response)
        }
    })
}

fn overtook(response: &Response<String>) -> String {
    let set = response.headers()["overtook"].to_str().unwrap();
    set.split(';').next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_loser_of_a_rotation_is_told() {
    for database in databases().await {
        let app = Arc::new(App::new(&database).await);
        for path in ["/rotate", "/fresh"] {
            let user = app.login("ann").await;
            let lost = overtaken(&app, "/rotate").page(path, &user).await;
            assert_eq!(lost.body(), "the session ended while the request was on its way");
            assert!(!lost.headers().contains_key(SET_COOKIE), "the winner's cookie stays");
            assert_eq!(app.who(&overtook(&lost)).await, "ann");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_is_overtaken_goes_through_and_still_ends_the_other_users_session() {
    for database in databases().await {
        let app = Arc::new(App::new(&database).await);
        let ann = app.login("ann").await;
        let response = overtaken(&app, "/rotate").get("/switch/bob", &ann).await;
        assert_eq!(app.who(&cookie(&response)).await, "bob");
        assert_eq!(app.get("/flash", &cookie(&response)).await.body(), "welcome");
        assert_eq!(app.who(&overtook(&response)).await, "nobody", "{}", database.name);
        let events = app.store.session_events(0, 10).await.unwrap();
        assert_eq!(events.iter().map(|e| e.end).collect::<Vec<_>>(), [SessionEnd::Replaced]);

        let again = overtaken(&app, "/logout").get("/login/bob", &cookie(&response)).await;
        assert_eq!(app.who(&cookie(&again)).await, "bob", "a login is not undone by a logout");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_ends_meanwhile_crashes_nothing() {
    for database in databases().await {
        let app = Arc::new(App::new(&database).await);
        for (path, answer) in [
            ("/who", "ann"),
            ("/put/late", "put"),
            ("/logout", "out"),
            ("/revoke-others", "the session ended while the request was on its way"),
            ("/revoke-all", "0"),
            ("/rotate", "the session ended while the request was on its way"),
        ] {
            let user = app.login("ann").await;
            let response = overtaken(&app, "/logout").get(path, &user).await;
            assert_eq!((response.status().as_u16(), response.body().as_str()), (200, answer));
            assert_eq!(app.who(&user).await, "nobody", "{path}");
            assert_eq!(app.get("/data", &user).await.body(), "", "{path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_two_logins_from_one_page_all_go_through() {
    for database in databases().await {
        let app = Arc::new(App::new(&database).await);
        let visitor = cookie(&app.get("/put/cart", "").await);
        let mut race = tokio::task::JoinSet::new();
        for _ in 0..32 {
            let (app, visitor) = (app.clone(), visitor.clone());
            race.spawn(async move { app.get("/login/ann", &visitor).await });
        }
        let mut carts = 0;
        for response in race.join_all().await {
            let user = cookie(&response);
            assert_eq!(app.who(&user).await, "ann");
            carts += usize::from(app.get("/data", &user).await.body() == "cart");
        }
        assert_eq!(carts, 1, "one of them took the visitor's session over");
        assert_eq!(app.who(&visitor).await, "nobody");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_response_with_a_session_cookie_is_in_no_cache() {
    let app = App::new(&Database::sqlite()).await;
    let public = app.beside(async |request: Request<Body>| {
        let session = request.extensions().get::<Session>().unwrap().clone();
        let account = Account::new(UserId::new("ann").unwrap());
        session.log_in(account, Proof::by([Method::PASSWORD])).await.unwrap();
        let mut response = Response::new(Body::empty());
        let public = HeaderValue::from_static("public, max-age=3600");
        response.headers_mut().insert(CACHE_CONTROL, public);
        Ok::<_, Infallible>(response)
    });
    assert_eq!(public.get("/", "").await.headers()[CACHE_CONTROL], "no-store");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_on_its_way_out_logs_nobody_out() {
    let old = App::new(&Database::sqlite()).await;
    let user = old.login("ann").await;
    let key = |name: &str, byte: u8| format!("{name}:{}", base64(byte));
    let (first, second) = (key("k1", 7), key("k2", 9));
    let app = |keys: &str| {
        App::over(old.store.clone(), old.clock.clone(), keys.parse::<Keyring>().unwrap())
    };
    assert_eq!(app(&first).who(&user).await, "nobody", "another keyring knows nobody");

    let before = app(&first).login("ann").await;
    let both = app(&format!("{second},{first}"));
    let renewed = both.get("/who", &before).await;
    assert_eq!(renewed.body(), "ann");
    let after = cookie(&renewed);
    assert_ne!(before, after);
    assert!(!both.get("/who", &after).await.headers().contains_key(SET_COOKIE));
    assert_eq!(app(&second).who(&after).await, "ann");
    assert_eq!(app(&second).who(&before).await, "nobody");
}

fn base64(byte: u8) -> String {
    use base64::Engine as _;
    let bytes: Vec<u8> = (0..32).map(|at: u8| at.wrapping_mul(byte).wrapping_add(byte)).collect();
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
