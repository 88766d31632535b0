//! A request whose body is held back until the session that it began in is over: whoever lost the
//! session must not add a way in by it.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use donjon::account::passkey::Passkeys;
use donjon::crypto::Clock as _;
use donjon::scope::{SessionEnd, UserId};
use donjon::session::SessionLayer;
use donjon::store::{Effects, SessionStore};
use donjon::testing::SoftPasskey;
use futures_util::stream;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use tower::{Layer as _, ServiceExt as _, service_fn};

use super::second_factor::{App, secret_on};
use super::world::{ALICE, World, each_world_at};
use crate::support::browser::{Browser, Page};

const ORIGIN: &str = "http://localhost:3000";
const SETUP: &str = "/settings/two-factor/setup";

/// What a body may be.
type Held = UnsyncBoxBody<Bytes, Infallible>;

/// A browser at the world's application. It sends its last byte only when the user has signed out
/// everywhere, if `is_late`.
fn held(world: &World, like: &Browser, user: &UserId, is_late: bool) -> Browser {
    let clock = world.clock.clone();
    let sessions = SessionLayer::new(world.store.clone(), &world.keyring);
    let sessions = sessions.base_url(ORIGIN).unwrap().clock(clock.clone());
    let host = service_fn(async |_: Request<Held>| {
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
    });
    let app = sessions.layer(world.accounts.layer(host));
    let (store, user): (Arc<dyn SessionStore>, _) = ((&world.store).into(), user.clone());
    let late = service_fn(move |request: Request<Full<Bytes>>| {
        let (app, store, user, now) = (app.clone(), Arc::clone(&store), user.clone(), clock.now());
        async move {
            let request = request.map(|whole| {
                let last = async move {
                    if is_late {
                        let none = Effects::none();
                        let end = SessionEnd::SignedOutEverywhere;
                        store.end_sessions_along(&user, None, end, &none, now).await.unwrap();
                    }
                    let Ok(whole) = whole.collect().await;
                    Ok::<_, Infallible>(Frame::data(whole.to_bytes()))
                };
                StreamBody::new(stream::once(last)).boxed_unsync()
            });
            app.oneshot(request).await
        }
    });
    let mut browser = Browser::new(late, ORIGIN);
    browser.cookies = like.cookies.clone();
    browser
}

/// Alice without a password, and a browser in which she has just logged in.
async fn fresh(world: &World) -> Browser {
    let mut browser = world.browser();
    browser.get(&format!("/other-door?{ALICE}")).await;
    assert_eq!(browser.get("/").await.body, format!("hello {ALICE} at /"));
    browser
}

#[tokio::test]
async fn a_request_that_outlives_its_session_adds_no_way_in() {
    each_world_at(
        ORIGIN,
        |builder| builder.passkeys(Passkeys::default()),
        async |world| {
            let accounts = world.accounts.accounts();
            let account = accounts.create(ALICE, None, Default::default(), true).await.unwrap();
            let user = account.id();
            let send = async |like: &Browser, late, path: &str, fields: &[(&str, &str)]| -> Page {
                held(&world, like, user, late).post(path, fields).await
            };
            for late in [true, false] {
                let mut browser = fresh(&world).await;
                let secret = secret_on(&browser.get(SETUP).await);
                let code = secret.code_at(world.clock.now());
                let page = send(&browser, late, SETUP, &[("code", &code)]).await;
                let app = world.store.find_second_factor(user).await.unwrap();
                assert_eq!(app.is_some(), !late, "an app: {}", page.body);
            }
            world.clock.advance(time::Duration::seconds(30));
            world.store.remove_totp(user, None, &Effects::none()).await.unwrap();

            let app = App::set_up(&world, &mut fresh(&world).await).await;
            for late in [true, false] {
                let browser = fresh(&world).await;
                let code = app.next_code(&world);
                let page =
                    send(&browser, late, "/settings/two-factor/backup-codes", &[("code", &code)])
                        .await;
                assert_eq!(page.body.contains("<li><code>"), !late, "codes: {}", page.body);
            }
            for late in [true, false] {
                let browser = fresh(&world).await;
                let fields = [("password", "a password of a thief's")];
                send(&browser, late, "/settings/password", &fields).await;
                let login = world.store.load_login_user(user).await.unwrap().unwrap();
                assert_eq!(login.password.is_some(), !late, "a first password");
            }

            world.store.remove_totp(user, None, &Effects::none()).await.unwrap();
            for late in [true, false] {
                let mut browser = fresh(&world).await;
                let page = browser.get("/settings/passkeys").await;
                let mut passkey = SoftPasskey::at(ORIGIN);
                let answer = passkey.create(&page.data("data-options")).unwrap();
                send(&browser, late, "/settings/passkeys", &[("credential", &answer)]).await;
                let there = world.store.passkeys_of(user).await.unwrap().len();
                assert_eq!(there, usize::from(!late), "a passkey");
            }
        },
    )
    .await;
}
