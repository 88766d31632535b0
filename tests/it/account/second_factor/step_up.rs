//! The second factor in a session that was opened without it: what is asked, counted and refused.

use futures_util::future::join_all;

use super::*;
use crate::account::world::{ALICE, each_world};
use crate::support::statements::counted;

const BOB: &str = "bob@example.test";
const STEP: &str = "/login/again?factor=second&return_to=%2Freports";

/// A session that another party vouched for, and nothing else.
async fn vouched(world: &World, email: &str) -> Browser {
    let mut browser = world.browser();
    browser.get(&format!("/vouched?{email}")).await;
    browser
}

async fn steps_up(browser: &mut Browser, code: &str) -> bool {
    let page = browser.post(STEP, &[("code", code)]).await;
    page.location().is_some_and(|to| to.path() == "/reports")
}

#[tokio::test]
async fn a_session_gets_the_factor_that_its_user_shows() {
    each_world(async |world| {
        let app = App::of(&world, ALICE).await;
        for code in [&app.code(&world), &app.codes[0]] {
            world.clock.advance(Duration::SECOND);
            let mut browser = vouched(&world, ALICE).await;
            let before = browser.cookies["session"].clone();
            let page = browser.get(STEP).await;
            assert!(page.has("code") && page.has("trust") && !page.has("password"));
            let page = browser.submit(&page, &[("code", code)]).await;
            assert_eq!(page.location().unwrap().path(), "/reports", "{}", page.body);
            assert_ne!(browser.cookies["session"], before);
            assert_eq!(methods(&world, ALICE).await[0], ["fed", "otp", "mfa"]);
            // Who has it is not asked again, whatever is posted.
            assert_eq!(browser.get(STEP).await.location().unwrap().path(), "/reports");
            assert!(steps_up(&mut browser, "000000").await);
        }
        let page = vouched(&world, ALICE).await.get("/settings/two-factor").await;
        assert_eq!(page.text_of("codes-left"), "9 left");
    })
    .await;
}

#[tokio::test]
async fn nothing_gets_fresh_by_it_and_a_stranger_logs_in() {
    each_world(async |world| {
        let app = App::of(&world, ALICE).await;
        let mut browser = vouched(&world, ALICE).await;
        world.clock.advance(Duration::minutes(10));
        assert!(steps_up(&mut browser, &app.code(&world)).await);
        let page = browser.get("/settings/two-factor").await;
        assert_eq!(page.location().unwrap().path(), "/login/again");
        for page in [world.browser().get(STEP).await, world.browser().post(STEP, &[]).await] {
            assert_eq!(page.location().unwrap().path(), "/login");
        }
        // Not even with somebody's login that waits for a code in the same browser.
        let mut waiting = world.browser();
        pending(&mut waiting, ALICE).await;
        let page = waiting.post(STEP, &[("code", &app.next_code(&world))]).await;
        assert_eq!(page.location().unwrap().path(), "/login");
        assert_eq!(waiting.get("/").await.body, "hello stranger at /");
    })
    .await;
}

#[tokio::test]
async fn a_code_of_another_and_one_that_was_used_are_nothing() {
    each_world(async |world| {
        let app = App::of(&world, ALICE).await;
        let bobs = App::of(&world, BOB).await;
        let mut browser = vouched(&world, ALICE).await;
        for wrong in [bobs.code(&world).as_str(), &bobs.codes[0], ""] {
            assert!(!steps_up(&mut browser, wrong).await, "{wrong}");
        }
        let mut bob = world.browser();
        pending(&mut bob, BOB).await;
        assert_eq!(verify(&mut bob, &bobs.codes[0]).await.body, format!("hello {BOB} at /"));
        // Used up at a login, and shown here; used up here, and shown at a login.
        let mut owner = world.browser();
        pending(&mut owner, ALICE).await;
        let code = app.code(&world);
        assert_eq!(verify(&mut owner, &code).await.body, format!("hello {ALICE} at /"));
        assert!(!steps_up(&mut browser, &code).await);
        let code = app.next_code(&world);
        assert!(steps_up(&mut browser, &code).await);
        let mut other = vouched(&world, ALICE).await;
        assert!(!steps_up(&mut other, &code).await);
        let mut owner = world.browser();
        pending(&mut owner, ALICE).await;
        assert_eq!(verify(&mut owner, &code).await.status, REFUSED);
        assert_eq!(methods(&world, ALICE).await.iter().filter(|all| all.len() == 1).count(), 1);
    })
    .await;
}

#[tokio::test]
async fn guesses_here_and_at_the_login_are_counted_together() {
    each_world(async |world| {
        let app = App::of(&world, ALICE).await;
        let (mut here, mut there) = (vouched(&world, ALICE).await, world.browser());
        pending(&mut there, ALICE).await;
        world.mails_to(ALICE).await;
        for _ in 0..3 {
            assert!(!steps_up(&mut here, "000000").await);
        }
        for _ in 0..2 {
            assert_eq!(verify(&mut there, "000000").await.status, REFUSED);
        }
        assert!(!steps_up(&mut here, &app.code(&world)).await, "codes are locked");
        assert_eq!(verify(&mut there, &app.codes[0]).await.status, REFUSED, "there, too");
        assert_eq!(world.mails_to(ALICE).await.len(), 1, "the owner is told");
        world.clock.advance(Duration::minutes(15));
        assert!(steps_up(&mut here, &app.code(&world)).await);
    })
    .await;
}

#[tokio::test]
async fn who_acts_as_the_user_shows_nothing_and_keeps_what_they_are() {
    each_world(async |world| {
        let app = App::of(&world, ALICE).await;
        let mut browser = world.browser();
        browser.get(&format!("/act?{ALICE}")).await;
        let to_login = browser.get("/login?factor=second").await;
        for page in [
            browser.get(STEP).await,
            browser.post(STEP, &[("code", &app.code(&world))]).await,
            browser.follow(to_login).await,
        ] {
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{}", page.url);
            assert_eq!(page.text_of("error"), "impersonation_forbidden");
        }
        let mut alice = vouched(&world, ALICE).await;
        assert!(steps_up(&mut alice, &app.code(&world)).await, "the code was not used up");
    })
    .await;
}

#[tokio::test]
async fn who_has_none_sets_one_up() {
    each_world(async |world| {
        world.user(ALICE).await;
        let mut browser = vouched(&world, ALICE).await;
        for page in [browser.get(STEP).await, browser.post(STEP, &[("code", "000000")]).await] {
            let to = page.location().unwrap();
            assert_eq!(to.path(), SETUP);
            assert_eq!(to.query(), Some("return_to=%2Freports"));
        }
        set_up(&world, &mut browser).await;
        assert_eq!(browser.get(STEP).await.location().unwrap().path(), "/reports");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_code_lifts_one_of_many_sessions() {
    each_world(async |world| {
        let app = App::of(&world, ALICE).await;
        for code in [&app.code(&world), &app.codes[0]] {
            world.clock.advance(Duration::minutes(15));
            let now = app.code(&world);
            let code = if code.len() == now.len() { &now } else { code };
            let mut browsers = Vec::new();
            for _ in 0..32 {
                browsers.push(vouched(&world, ALICE).await);
            }
            let before = lifted(&world).await;
            join_all(browsers.iter_mut().map(|browser| steps_up(browser, code))).await;
            assert_eq!(lifted(&world).await, before + 1, "{code}");
        }
    })
    .await;
}

/// How many of Alice's sessions have both.
async fn lifted(world: &World) -> usize {
    methods(world, ALICE).await.iter().filter(|all| *all == &["fed", "otp", "mfa"]).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_costs_no_more_than_it_must() {
    each_world(async |world| {
        let app = App::of(&world, ALICE).await;
        let mut browser = vouched(&world, ALICE).await;
        let (_, shown) = counted(browser.get(STEP)).await;
        assert_eq!((shown.reads(), shown.transitions()), (2, 0), "session, factors");
        let (_, wrong) = counted(browser.post(STEP, &[("code", "1")])).await;
        assert_eq!((wrong.reads(), wrong.transitions()), (2, 2), "…; begin, note the refusal");
        let code = app.code(&world);
        let (_, right) = counted(browser.post(STEP, &[("code", &code)])).await;
        assert_eq!((right.reads(), right.transitions()), (1, 3), "session; begin, use up, rotate");
    })
    .await;
}
