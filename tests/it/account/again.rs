//! Proving again who is there.

use http::StatusCode;
use time::Duration;

use super::second_factor::App;
use super::world::{ALICE, PASSWORD, World, each_world, log_in};
use crate::support::browser::{Browser, Page};
use crate::support::statements::counted;

const STALE: Duration = Duration::minutes(6);
const REFUSED: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;
const SETTINGS: &str = "/settings/two-factor";

/// The question, as it is asked on the way to a sensitive page.
async fn asked(browser: &mut Browser) -> Page {
    let page = browser.get(SETTINGS).await;
    assert_eq!(page.location().unwrap().path(), "/login/again");
    browser.follow(page).await
}

#[tokio::test]
async fn a_stale_login_is_freshened_by_the_password_in_the_same_session() {
    each_world(async |world| {
        world.user(ALICE).await;
        let mut browser = world.logged_in(ALICE).await;
        assert_eq!(browser.get(SETTINGS).await.status, StatusCode::OK);
        world.clock.advance(STALE);
        let page = asked(&mut browser).await;
        assert!(page.body.contains(ALICE) && !page.has("email") && page.has("password"));
        let before = browser.cookies["session"].clone();
        let mut thief = browser.clone();

        let page = browser.submit(&page, &[("password", "wrong")]).await;
        assert_eq!(page.status, REFUSED);
        assert_eq!(browser.get(SETTINGS).await.location().unwrap().path(), "/login/again");
        let page = browser.submit(&page, &[("password", PASSWORD)]).await;
        assert_eq!(page.location().unwrap().path(), SETTINGS);
        assert_eq!(browser.follow(page).await.status, StatusCode::OK);
        // A new token, and the old one opens nothing; but one session as before.
        assert_ne!(browser.cookies["session"], before);
        assert_eq!(thief.get("/").await.body, "hello stranger at /");
        let list = browser.get("/settings/sessions").await;
        assert_eq!(list.body.matches("name=\"session\"").count(), 1);
        assert!(list.has("this-device"));
        // Who is fresh is not asked.
        let page = browser.get("/login/again?return_to=%2Fsettings").await;
        assert_eq!(page.location().unwrap().path(), "/settings");
        world.clock.advance(STALE);
        asked(&mut browser).await;
    })
    .await;
}

#[tokio::test]
async fn a_stranger_is_sent_to_log_in() {
    each_world(async |world| {
        let page = world.browser().get("/login/again").await;
        assert_eq!(page.location().unwrap().path(), "/login");
        let page = world.browser().post("/login/again", &[("password", PASSWORD)]).await;
        assert_eq!(page.location().unwrap().path(), "/login");
    })
    .await;
}

#[tokio::test]
async fn guesses_here_are_counted_with_those_at_the_login() {
    each_world(async |world| {
        world.user(ALICE).await;
        let mut browser = world.logged_in(ALICE).await;
        world.clock.advance(STALE);
        let page = asked(&mut browser).await;
        for _ in 0..5 {
            assert_eq!(browser.submit(&page, &[("password", "wrong")]).await.status, REFUSED);
        }
        assert_eq!(browser.submit(&page, &[("password", PASSWORD)]).await.status, REFUSED);
        assert_eq!(world.mails_to(ALICE).await.len(), 1, "the owner is told");
        // The lock is that of this browser, at the login too; and it ends.
        let mut out = browser.clone();
        out.cookies.retain(|name, _| name == "device");
        assert_eq!(log_in(&mut out, ALICE, PASSWORD).await.status, REFUSED);
        world.logged_in(ALICE).await;
        world.clock.advance(Duration::minutes(15));
        let page = asked(&mut browser).await;
        let page = browser.submit(&page, &[("password", PASSWORD)]).await;
        assert_eq!(page.location().unwrap().path(), SETTINGS);
    })
    .await;
}

#[tokio::test]
async fn nobody_becomes_somebody_else_here() {
    each_world(async |world| {
        world.user(ALICE).await;
        world
            .accounts
            .accounts()
            .create("bob@example.test", Some("another password"), Default::default(), true)
            .await
            .unwrap();
        let mut browser = world.logged_in(ALICE).await;
        world.clock.advance(STALE);
        let page = asked(&mut browser).await;
        let fields = [("email", "bob@example.test"), ("password", "another password")];
        assert_eq!(browser.submit(&page, &fields).await.status, REFUSED);
        assert_eq!(browser.get("/").await.body, format!("hello {ALICE} at /"));
    })
    .await;
}

#[tokio::test]
async fn a_code_is_asked_of_who_has_an_app_and_no_password() {
    each_world(async |world| {
        let mut browser = vouched_for(&world, ALICE).await;
        let app = App::set_up(&world, &mut browser).await;
        world.clock.advance(STALE);
        let page = asked(&mut browser).await;
        assert!(page.has("code") && !page.has("password"));
        assert_eq!(browser.submit(&page, &[("code", "000000")]).await.status, REFUSED);
        let code = app.code(&world);
        let done = browser.submit(&page, &[("code", &code)]).await;
        assert_eq!(done.location().unwrap().path(), SETTINGS);
        world.clock.advance(STALE);
        let page = asked(&mut browser).await;
        let again = browser.submit(&page, &[("code", &code)]).await;
        assert_eq!(again.status, REFUSED, "a code works once");
    })
    .await;
}

/// Each of the two is proof enough of who is there, as it is at the login of whoever has one of them: a
/// password is known to whoever looked over a shoulder, and a code takes the device.
#[tokio::test]
async fn who_has_a_password_and_an_app_has_the_choice() {
    each_world(async |world| {
        world.user(ALICE).await;
        let mut browser = world.logged_in(ALICE).await;
        let app = App::set_up(&world, &mut browser).await;
        world.clock.advance(STALE);
        let page = asked(&mut browser).await;
        assert!(page.has("password") && page.has("code"));
        let done = browser.submit(&page, &[("password", PASSWORD)]).await;
        assert_eq!(done.location().unwrap().path(), SETTINGS);
        world.clock.advance(STALE);
        let (page, code) = (asked(&mut browser).await, app.code(&world));
        // What a browser has filled in is no second guess.
        let done = browser.submit(&page, &[("password", "filled in"), ("code", &code)]).await;
        assert_eq!(done.location().unwrap().path(), SETTINGS);
        world.clock.advance(STALE);
        let page = asked(&mut browser).await;
        let again = browser.submit(&page, &[("code", &code)]).await;
        assert_eq!(again.status, REFUSED, "a code works once");
    })
    .await;
}

#[tokio::test]
async fn a_code_that_was_used_here_does_not_work_at_the_login() {
    each_world(async |world| {
        world.user(ALICE).await;
        let mut browser = world.logged_in(ALICE).await;
        let app = App::set_up(&world, &mut browser).await;
        world.clock.advance(STALE);
        let (page, code) = (asked(&mut browser).await, app.code(&world));
        let done = browser.submit(&page, &[("code", &code)]).await;
        assert_eq!(done.location().unwrap().path(), SETTINGS);
        let mut thief = world.browser();
        log_in(&mut thief, ALICE, PASSWORD).await;
        let page = thief.post("/login/verify", &[("code", &code)]).await;
        assert_eq!(page.status, REFUSED);
    })
    .await;
}

#[tokio::test]
async fn anothers_code_is_none() {
    each_world(async |world| {
        world.user(ALICE).await;
        let mut browser = world.logged_in(ALICE).await;
        App::set_up(&world, &mut browser).await;
        let mallory = App::of(&world, "mallory@example.test").await;
        world.clock.advance(STALE);
        let (page, code) = (asked(&mut browser).await, mallory.code(&world));
        assert_eq!(browser.submit(&page, &[("code", &code)]).await.status, REFUSED);
        asked(&mut browser).await;
    })
    .await;
}

#[tokio::test]
async fn guesses_at_codes_here_are_counted_with_those_at_the_login_and_locked() {
    each_world(async |world| {
        world.user(ALICE).await;
        let mut browser = world.logged_in(ALICE).await;
        let app = App::set_up(&world, &mut browser).await;
        world.clock.advance(STALE);
        let page = asked(&mut browser).await;
        world.mails_to(ALICE).await;
        let mut told = Vec::new();
        for _ in 0..6 {
            assert_eq!(browser.submit(&page, &[("code", "000000")]).await.status, REFUSED);
            told.extend(world.mails_to(ALICE).await);
        }
        assert_eq!(told.len(), 1, "the owner is told: {told:?}");
        let code = app.code(&world);
        assert_eq!(browser.submit(&page, &[("code", &code)]).await.status, REFUSED);
        let mut elsewhere = world.browser();
        log_in(&mut elsewhere, ALICE, PASSWORD).await;
        let page = elsewhere.post("/login/verify", &[("code", &code)]).await;
        assert_eq!(page.status, REFUSED, "the lock is that of the login");
    })
    .await;
}

#[tokio::test]
async fn who_has_neither_is_shown_the_other_doors() {
    each_world(async |world| {
        let mut browser = vouched_for(&world, ALICE).await;
        world.clock.advance(STALE);
        let page = asked(&mut browser).await;
        assert!(page.has("no-way") && !page.has("password") && !page.has("code"));
        assert_eq!(browser.post("/login/again", &[("password", "")]).await.status, REFUSED);
    })
    .await;
}

#[tokio::test]
async fn who_has_nothing_logs_in_by_a_link_or_chooses_a_password_by_mail() {
    each_world(async |world| {
        let mut browser = vouched_for(&world, ALICE).await;
        world.clock.advance(STALE);
        let page = asked(&mut browser).await;
        let ask = browser.get(&page.link("Email me a link instead")).await;
        assert_eq!(ask.value_of("email"), ALICE);
        browser.submit(&ask, &[]).await;
        let link = world.link_to(ALICE).await;
        let open = browser.get(&link).await;
        let there = browser.submit(&open, &[]).await;
        assert_eq!(there.location().unwrap().path(), SETTINGS, "the trip goes on");
        assert_eq!(browser.follow(there).await.status, StatusCode::OK);

        world.clock.advance(STALE);
        let page = asked(&mut browser).await;
        let ask = browser.get(&page.link("Choose a password by mail")).await;
        assert_eq!(ask.value_of("email"), ALICE);
        browser.submit(&ask, &[]).await;
        let link = world.link_to(ALICE).await;
        let open = browser.get(&link).await;
        let set = browser.submit(&open, &[("password", PASSWORD)]).await;
        assert_eq!(set.location().unwrap().path(), "/login");
        // Every session ended with it, this one too; the password is asked for from now on.
        let page = browser.follow(set).await;
        let there = browser.submit(&page, &[("email", ALICE), ("password", PASSWORD)]).await;
        assert_eq!(there.location().unwrap().path(), SETTINGS);
        world.clock.advance(STALE);
        assert!(asked(&mut browser).await.has("password"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn proving_it_again_costs_no_more_than_it_must() {
    each_world(async |world| {
        world.user(ALICE).await;
        let mut browser = world.logged_in(ALICE).await;
        world.clock.advance(STALE);
        let page = asked(&mut browser).await;
        let (_, wrong) = counted(browser.submit(&page, &[("password", "wrong")])).await;
        assert_eq!((wrong.reads(), wrong.transitions()), (2, 2), "session, proofs; begin, note");
        let (_, right) = counted(browser.submit(&page, &[("password", PASSWORD)])).await;
        assert_eq!((right.reads(), right.transitions()), (2, 3), "…; begin, complete, rotate");
    })
    .await;
}

/// A user without a password, whom the host has let in.
async fn vouched_for(world: &World, email: &str) -> Browser {
    world.accounts.accounts().create(email, None, Default::default(), true).await.unwrap();
    let mut browser = world.browser();
    browser.get(&format!("/other-door?{email}")).await;
    browser
}

#[tokio::test]
async fn who_acts_as_the_user_proves_nothing_and_changes_nothing() {
    each_world(async |world| {
        world.user(ALICE).await;
        let mut browser = world.browser();
        browser.get(&format!("/act?{ALICE}")).await;
        assert_eq!(browser.get("/").await.body, format!("hello {ALICE} at /"));
        for page in [
            browser.get(SETTINGS).await,
            browser.get("/login/again").await,
            browser.post("/login/again", &[("password", PASSWORD)]).await,
            browser.post("/settings/sessions/revoke-others", &[]).await,
            browser.post("/settings/sessions/sign-out", &[("apps", "1")]).await,
        ] {
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{}", page.url);
            assert_eq!(page.text_of("error"), "impersonation_forbidden");
        }
        assert_eq!(browser.get("/").await.body, format!("hello {ALICE} at /"));
    })
    .await;
}
