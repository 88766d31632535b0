//! A login that waits for a code opens nothing else, and does not wait for long.

use time::Duration;

use super::*;
use crate::account::world::{ALICE, each_world};

const MALLORY: &str = "mallory@example.test";

/// Whether the login still waits.
async fn waits(browser: &Browser) -> bool {
    browser.clone().get(VERIFY).await.status == StatusCode::OK
}

#[tokio::test]
async fn a_pending_login_is_no_session_and_opens_nothing_else() {
    each_world(async |world| {
        App::of(&world, ALICE).await;
        let sessions = methods(&world, ALICE).await.len();
        let mut browser = world.browser();
        let page = browser.post("/login", &[("email", ALICE), ("password", PASSWORD)]).await;
        let cookie = page.set_cookie("pending-login").unwrap();
        assert!(cookie.ends_with("; HttpOnly; SameSite=Lax; Path=/; Max-Age=300"), "{cookie}");
        assert_eq!(browser.cookies.len(), 1, "{:?}", browser.cookies);
        assert_eq!(methods(&world, ALICE).await.len(), sessions);
        let value = browser.cookies["pending-login"].clone();
        for name in ["session", "device", "totp-setup", "registrant"] {
            let mut forger = browser.clone();
            forger.cookies.insert(name.into(), value.clone());
            assert_eq!(forger.get("/").await.body, "hello stranger at /", "{name}");
            for path in ["/settings", "/settings/two-factor", SETUP] {
                let page = forger.get(path).await;
                assert_eq!(page.location().unwrap().path(), "/login", "{name} {path}");
            }
        }
        // And nothing else is one.
        for made_up in ["x", "e30", &value[..value.len() - 4]] {
            let mut forger = world.browser();
            forger.cookies.insert("pending-login".into(), made_up.into());
            assert!(!waits(&forger).await, "{made_up}");
        }
        assert!(!waits(&world.browser()).await);
    })
    .await;
}

#[tokio::test]
async fn a_pending_login_dies_after_five_minutes() {
    each_world(async |world| {
        let app = App::of(&world, ALICE).await;
        let mut browser = world.browser();
        pending(&mut browser, ALICE).await;
        world.clock.advance(Duration::minutes(5) - Duration::SECOND);
        assert!(waits(&browser).await);
        world.clock.advance(Duration::SECOND);
        assert!(!waits(&browser).await);
        let page = browser.post(VERIFY, &[("code", &app.code(&world))]).await;
        assert_eq!(page.location().unwrap().path(), "/login");
        let page = browser.follow(page).await;
        assert!(page.body.contains("That took a little long"), "{}", page.body);
        assert_eq!(browser.get("/").await.body, "hello stranger at /");
    })
    .await;
}

#[tokio::test]
async fn a_pending_login_dies_with_a_reset_of_the_password() {
    each_world(async |world| {
        let app = App::of(&world, ALICE).await;
        let mut thief = world.browser();
        pending(&mut thief, ALICE).await;
        let link = world.reset_link(ALICE).await;
        let mut owner = world.browser();
        let page = owner.get(&link).await;
        owner.submit(&page, &[("password", "another good password")]).await;
        for code in [&app.code(&world), &app.codes[0]] {
            let page = thief.clone().post(VERIFY, &[("code", code)]).await;
            assert_eq!(page.location().unwrap().path(), "/login");
        }
        assert!(methods(&world, ALICE).await.is_empty());
        // The second factor stays.
        let page = log_in(&mut owner, ALICE, "another good password").await;
        assert_eq!(page.url.path(), VERIFY);
        let page = verify(&mut owner, &app.codes[0]).await;
        assert_eq!(page.body, format!("hello {ALICE} at /"));
    })
    .await;
}

#[tokio::test]
async fn a_pending_login_takes_codes_of_its_own_user_only() {
    each_world(async |world| {
        let alices = App::of(&world, ALICE).await;
        let mallorys = App::of(&world, MALLORY).await;
        let (mut alice, mut mallory) = (world.browser(), world.browser());
        pending(&mut alice, ALICE).await;
        pending(&mut mallory, MALLORY).await;
        // Who steals the cookie has no code for it, and their own is none.
        let mut thief = mallory.clone();
        thief.cookies = alice.cookies.clone();
        for code in [&mallorys.code(&world), &mallorys.codes[0]] {
            assert_eq!(verify(&mut thief, code).await.status, REFUSED);
        }
        // Another's code does not make one's own login theirs.
        assert_eq!(verify(&mut mallory, &alices.code(&world)).await.status, REFUSED);
        let page = verify(&mut mallory, &mallorys.codes[0]).await;
        assert_eq!(page.body, format!("hello {MALLORY} at /"));
        let page = verify(&mut alice, &alices.code(&world)).await;
        assert_eq!(page.body, format!("hello {ALICE} at /"));
    })
    .await;
}
