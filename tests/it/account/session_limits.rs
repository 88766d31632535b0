//! How long each kind of session lives, to the second: the last one in which it is alive, and the
//! first in which it is over.

use http::StatusCode;
use time::Duration;

use super::second_factor::{App, VERIFY, pending};
use super::world::{ALICE, PASSWORD, World, each_world, log_in};
use crate::support::browser::Browser;

/// A kind of session.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Ordinary,
    Remembered,
    Impersonation,
}

impl Kind {
    /// A browser with one of Alice's.
    async fn begin(self, world: &World) -> Browser {
        let mut browser = world.browser();
        match self {
            Self::Ordinary => drop(log_in(&mut browser, ALICE, PASSWORD).await),
            Self::Remembered => {
                let page = browser.get("/login").await;
                let fields = [("email", ALICE), ("password", PASSWORD), ("remember", "1")];
                let page = browser.submit(&page, &fields).await;
                let cookie = page.set_cookie("session").unwrap();
                assert!(cookie.ends_with("Max-Age=5184000"), "{cookie}");
            }
            Self::Impersonation => drop(browser.get(&format!("/act?{ALICE}")).await),
        }
        browser
    }
}

/// Whether it is alive. It is used by that.
async fn lives(browser: &mut Browser) -> bool {
    browser.get("/").await.body == format!("hello {ALICE} at /")
}

/// Whether it is used so often that it is alive to the end of this time.
async fn lives_in_use(
    world: &World,
    browser: &mut Browser,
    whole: Duration,
    every: Duration,
) -> bool {
    let mut left = whole;
    while left > Duration::ZERO {
        let step = left.min(every);
        world.clock.advance(step);
        left -= step;
        if !lives(browser).await {
            return false;
        }
    }
    true
}

#[tokio::test]
async fn a_session_that_nobody_uses_is_over_at_its_second() {
    each_world(async |world| {
        world.user(ALICE).await;
        for (kind, idle) in [
            (Kind::Ordinary, Duration::minutes(30)),
            (Kind::Impersonation, Duration::minutes(15)),
            (Kind::Remembered, Duration::days(60)),
        ] {
            let (mut before, mut at) = (kind.begin(&world).await, kind.begin(&world).await);
            world.clock.advance(idle - Duration::SECOND);
            assert!(lives(&mut before).await, "{kind:?}");
            world.clock.advance(Duration::SECOND);
            assert!(!lives(&mut at).await, "{kind:?}");
            // What was used in time goes on, unless it was its last second in any case.
            let goes_on = !matches!(kind, Kind::Remembered);
            assert_eq!(lives(&mut before).await, goes_on, "{kind:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_session_that_is_used_all_the_time_is_over_at_its_second() {
    each_world(async |world| {
        world.user(ALICE).await;
        for (kind, whole, every) in [
            (Kind::Ordinary, Duration::hours(24), Duration::minutes(29)),
            (Kind::Impersonation, Duration::minutes(30), Duration::minutes(14)),
            (Kind::Remembered, Duration::days(60), Duration::days(3)),
        ] {
            let mut browser = kind.begin(&world).await;
            let last = whole - Duration::SECOND;
            assert!(lives_in_use(&world, &mut browser, last, every).await, "{kind:?}");
            world.clock.advance(Duration::SECOND);
            assert!(!lives(&mut browser).await, "{kind:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn to_prove_it_again_prolongs_nothing() {
    each_world(async |world| {
        world.user(ALICE).await;
        for (kind, whole, every) in [
            (Kind::Ordinary, Duration::hours(24), Duration::minutes(29)),
            (Kind::Remembered, Duration::days(60), Duration::days(3)),
        ] {
            let mut browser = kind.begin(&world).await;
            let late = whole - Duration::minutes(2);
            assert!(lives_in_use(&world, &mut browser, late, every).await, "{kind:?}");
            let page = browser.get("/login/again").await;
            let page = browser.submit(&page, &[("password", PASSWORD)]).await;
            assert_eq!(page.status, StatusCode::SEE_OTHER, "{kind:?}");
            world.clock.advance(Duration::seconds(119));
            assert!(lives(&mut browser).await, "{kind:?}");
            world.clock.advance(Duration::SECOND);
            assert!(!lives(&mut browser).await, "{kind:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_login_is_fresh_to_its_second() {
    each_world(async |world| {
        world.user(ALICE).await;
        let mut browser = world.logged_in(ALICE).await;
        world.clock.advance(Duration::minutes(5) - Duration::SECOND);
        assert_eq!(browser.get("/settings/two-factor").await.status, StatusCode::OK);
        world.clock.advance(Duration::SECOND);
        let page = browser.get("/settings/two-factor").await;
        assert_eq!(page.location().unwrap().path(), "/login/again");
    })
    .await;
}

#[tokio::test]
async fn a_login_that_waits_for_a_code_waits_to_its_second() {
    each_world(async |world| {
        let app = App::of(&world, ALICE).await;
        let (mut before, mut at) = (world.browser(), world.browser());
        pending(&mut before, ALICE).await;
        pending(&mut at, ALICE).await;
        assert!(!lives(&mut before).await, "it is no session");
        world.clock.advance(Duration::minutes(5) - Duration::SECOND);
        let page = before.post(VERIFY, &[("code", &app.code(&world))]).await;
        assert_eq!(before.follow(page).await.body, format!("hello {ALICE} at /"));
        world.clock.advance(Duration::SECOND);
        let page = at.get(VERIFY).await;
        assert_eq!(page.location().unwrap().path(), "/login");
        let page = at.post(VERIFY, &[("code", &app.next_code(&world))]).await;
        assert_eq!(page.location().unwrap().path(), "/login", "{}", page.body);
        assert!(!lives(&mut at).await);
    })
    .await;
}

#[tokio::test]
async fn a_login_that_waits_for_another_password_waits_to_its_second() {
    each_world(async |world| {
        world.user(ALICE).await;
        let accounts = world.accounts.accounts();
        let account = accounts.find_by_email(ALICE).await.unwrap().unwrap();
        accounts
            .require_password_change(account.id(), &donjon::account::By::system())
            .await
            .unwrap();
        let (mut before, mut at) = (world.browser(), world.browser());
        for browser in [&mut before, &mut at] {
            let page = log_in(browser, ALICE, PASSWORD).await;
            assert_eq!(page.url.path(), "/login/password");
        }
        world.clock.advance(Duration::minutes(5) - Duration::SECOND);
        let page = before.get("/login/password").await;
        assert_eq!(page.status, StatusCode::OK);
        let chosen = [("password", "another one, and a good one")];
        world.clock.advance(Duration::SECOND);
        let late = at.post("/login/password", &chosen).await;
        assert_eq!(late.location().unwrap().path(), "/login");
        let late = before.submit(&page, &chosen).await;
        assert_eq!(late.location().unwrap().path(), "/login", "whenever the page was opened");
        assert!(!lives(&mut at).await && !lives(&mut before).await);
    })
    .await;
}

#[tokio::test]
async fn a_login_that_waits_for_the_word_to_keep_the_account_waits_to_its_second() {
    each_world(async |world| {
        world.user(ALICE).await;
        let mut leaving = world.logged_in(ALICE).await;
        let fields = [("confirm", "1"), ("password", PASSWORD)];
        let page = leaving.post("/settings/delete", &fields).await;
        assert!(page.has("leaving"), "{}", page.body);
        let (mut before, mut at) = (world.browser(), world.browser());
        for browser in [&mut before, &mut at] {
            let page = log_in(browser, ALICE, PASSWORD).await;
            assert_eq!(page.url.path(), "/keep-account", "{}", page.body);
        }
        world.clock.advance(Duration::minutes(5));
        let late = at.post("/keep-account", &[]).await;
        assert_eq!(late.status, StatusCode::GONE);
        assert!(!lives(&mut at).await);
        world.clock.advance(-Duration::SECOND);
        let page = before.post("/keep-account", &[]).await;
        assert_eq!(before.follow(page).await.body, format!("hello {ALICE} at /"));
    })
    .await;
}
