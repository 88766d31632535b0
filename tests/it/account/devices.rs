//! Browsers that a user is known by: a stranger's lock does not reach them, and they open nothing.

use donjon::account::Policy;
use http::StatusCode;
use time::Duration;

use super::world::{ALICE, PASSWORD, World, each_world, each_world_with, log_in};
use crate::support::browser::Browser;
use crate::support::statements::counted;

const MALLORY: &str = "mallory@example.test";
const REFUSED: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;
const IN: StatusCode = StatusCode::OK;

/// A browser that this user has logged in with, and is logged out of.
async fn known(world: &World, email: &str) -> Browser {
    let mut browser = world.logged_in(email).await;
    browser.cookies.retain(|name, _| name == "device");
    assert_eq!(browser.cookies.len(), 1);
    browser
}

/// Guesses five times, so that whatever it is counted under has no attempt left.
async fn guess(browser: &mut Browser) {
    for _ in 0..5 {
        assert_eq!(log_in(browser, ALICE, "wrong password").await.status, REFUSED);
    }
}

async fn try_password(browser: &Browser) -> StatusCode {
    log_in(&mut browser.clone(), ALICE, PASSWORD).await.status
}

#[tokio::test]
async fn a_stranger_who_locks_an_address_does_not_lock_its_owner_out_of_a_known_browser() {
    each_world(async |world| {
        world.user(ALICE).await;
        let home = known(&world, ALICE).await;
        guess(&mut world.browser()).await;
        assert_eq!(try_password(&world.browser()).await, REFUSED);
        assert_eq!(try_password(&home).await, IN);
        // And the owner's login does not give the stranger new guesses.
        assert_eq!(try_password(&world.browser()).await, REFUSED);
        world.clock.advance(Duration::minutes(15));
        assert_eq!(try_password(&world.browser()).await, IN);
    })
    .await;
}

#[tokio::test]
async fn a_stolen_device_cookie_gets_as_many_guesses_as_everybody_and_locks_only_itself() {
    each_world(async |world| {
        world.user(ALICE).await;
        let (home, work) = (known(&world, ALICE).await, known(&world, ALICE).await);
        let mut thief = home.clone();
        assert_eq!(thief.get("/").await.body, "hello stranger at /");
        guess(&mut thief).await;
        assert_eq!(try_password(&thief).await, REFUSED);
        assert_eq!(world.mails_to(ALICE).await.len(), 1, "the owner is told");
        assert_eq!(try_password(&home).await, REFUSED, "it is the same browser to us");
        assert_eq!(try_password(&work).await, IN);
        assert_eq!(try_password(&world.browser()).await, IN);
    })
    .await;
}

#[tokio::test]
async fn a_device_cookie_counts_only_for_its_own_user() {
    each_world(async |world| {
        world.user(ALICE).await;
        world.user(MALLORY).await;
        let mut attacker = known(&world, MALLORY).await;
        guess(&mut attacker).await;
        assert_eq!(try_password(&world.browser()).await, REFUSED);
        assert_eq!(try_password(&attacker).await, REFUSED);
    })
    .await;
}

#[tokio::test]
async fn a_browser_is_known_to_everybody_who_logs_in_with_it() {
    each_world(async |world| {
        world.user(ALICE).await;
        world.user(MALLORY).await;
        let mut shared = known(&world, ALICE).await;
        assert_eq!(log_in(&mut shared, MALLORY, PASSWORD).await.status, IN);
        shared.cookies.remove("session");
        guess(&mut world.browser()).await;
        assert_eq!(try_password(&shared).await, IN);
    })
    .await;
}

#[tokio::test]
async fn a_reset_makes_every_browser_unknown_but_the_one_it_was_done_with() {
    each_world(async |world| {
        world.user(ALICE).await;
        let thief = known(&world, ALICE).await;
        let link = world.reset_link(ALICE).await;
        let mut owner = world.browser();
        let page = owner.get(&link).await;
        let page = owner.submit(&page, &[("password", PASSWORD)]).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER);
        guess(&mut thief.clone()).await;
        assert_eq!(try_password(&world.browser()).await, REFUSED, "counted under the address");
        assert_eq!(try_password(&thief).await, REFUSED);
        assert_eq!(try_password(&owner).await, IN);
    })
    .await;
}

#[tokio::test]
async fn a_browser_is_known_for_half_a_year_after_the_last_login() {
    each_world(async |world| {
        world.user(ALICE).await;
        let mut home = known(&world, ALICE).await;
        for (after, expected) in [(179, IN), (179, IN), (180, REFUSED)] {
            world.clock.advance(Duration::days(after));
            guess(&mut world.browser()).await;
            assert_eq!(log_in(&mut home, ALICE, PASSWORD).await.status, expected, "{after}");
        }
    })
    .await;
}

#[tokio::test]
async fn only_a_successful_login_makes_a_browser_known_and_its_cookie_is_for_us_alone() {
    each_world(async |world| {
        world.user(ALICE).await;
        let mut browser = world.browser();
        let page = browser.post("/login", &[("email", ALICE), ("password", "wrong")]).await;
        assert_eq!(page.set_cookie("device"), None);
        let page = browser.post("/login", &[("email", ALICE), ("password", PASSWORD)]).await;
        let cookie = page.set_cookie("device").unwrap();
        assert!(cookie.ends_with("; HttpOnly; SameSite=Lax; Path=/; Max-Age=15552000"), "{cookie}");
        assert_eq!(page.headers["cache-control"], "no-store");

        // What is made up, changed, or another's in another keyring, is nobody's.
        guess(&mut world.browser()).await;
        let real = browser.cookies["device"].clone();
        let other = if real[40..].starts_with('A') { 'B' } else { 'A' };
        let changed = format!("{}{other}{}", &real[..40], &real[41..]);
        for made_up in ["x", "e30", changed.as_str(), &real[..real.len() - 4]] {
            let mut forger = world.browser();
            forger.cookies.insert("device".into(), made_up.into());
            let page = log_in(&mut forger, ALICE, PASSWORD).await;
            assert_eq!((page.status, page.set_cookie("device")), (REFUSED, None), "{made_up}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_host_may_do_without_known_browsers() {
    let policy = Policy { known_for: Duration::ZERO, ..Policy::default() };
    each_world_with(
        |builder| builder.policy(policy),
        async |world| {
            world.user(ALICE).await;
            let browser = world.logged_in(ALICE).await;
            assert!(!browser.cookies.contains_key("device"));
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_fails_looks_and_costs_the_same_from_a_known_browser() {
    each_world(async |world| {
        world.user(ALICE).await;
        world.user(MALLORY).await;
        let (home, mut locked) = (known(&world, ALICE).await, known(&world, ALICE).await);
        guess(&mut locked).await;
        let stranger = world.browser();
        let mut seen = Vec::new();
        for (browser, email, password) in [
            (&stranger, "nobody@example.test", PASSWORD),
            (&stranger, ALICE, "wrong password"),
            (&home, "nobody@example.test", PASSWORD),
            (&home, ALICE, "wrong password"),
            (&home, MALLORY, "wrong password"),
            (&locked, ALICE, "wrong password"),
            (&locked, ALICE, PASSWORD),
        ] {
            let mut browser = browser.clone();
            let fields = [("email", email), ("password", password)];
            let (page, cost) = counted(browser.post("/login", &fields)).await;
            let body = page.body.replace(email, "ADDRESS");
            let body = body.replace(&email.replace('@', "%40"), "ADDRESS");
            seen.push((email, (page.status, page.headers, body, cost)));
        }
        for (email, answer) in &seen {
            assert_eq!(answer, &seen[0].1, "{email}");
        }
        // One that goes through begins with the same calls; what it writes at the end tells only who
        // has logged in. (In a browser that is not known, there is a mail.)
        let costs = async |browser: &Browser| {
            let fields = [("email", ALICE), ("password", PASSWORD)];
            counted(browser.clone().post("/login", &fields)).await.1
        };
        let (known, unknown) = (costs(&home).await, costs(&stranger).await);
        let failed = &seen[0].1.3;
        let hashed = failed.0.iter().position(|step| step.starts_with("verify $")).unwrap();
        assert_eq!(failed.transitions(), 2, "begin, note the refusal");
        for through in [&known, &unknown] {
            assert_eq!(through.0[..=hashed], failed.0[..=hashed]);
            let cost = (through.reads(), through.transitions());
            assert_eq!(cost, (1, 3), "begin, standing, session, complete");
        }
    })
    .await;
}
