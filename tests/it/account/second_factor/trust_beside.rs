//! Browsers that a user trusts, in sessions that were opened elsewhere: by an identity provider, which
//! asks for no second factor of ours, where an organization does.

use donjon::audit::Action;
use donjon::store::AuditFilter;
use futures_util::future::join_all;
use time::Duration;

use super::*;
use crate::account::world::{ALICE, PASSWORD, each_world, each_world_with};
use crate::support::statements::counted;

const MALLORY: &str = "mallory@example.test";
const STEP: &str = "/login/again?factor=second&return_to=%2Freports";

/// A browser that its user trusts, and whose session is over.
async fn trusting(world: &World, email: &str, code: &str) -> Browser {
    let mut browser = world.browser();
    let page = comes_back(&mut browser, email).await;
    assert!(page.has("trust"), "{}", page.body);
    let page = browser.submit(&page, &[("code", code), ("trust", "1")]).await;
    assert_eq!(page.location().unwrap().path(), "/reports", "{}", page.body);
    browser.cookies.retain(|name, _| name == "device");
    browser
}

/// From the identity provider to the question for the second factor, or past it.
async fn comes_back(browser: &mut Browser, email: &str) -> Page {
    browser.cookies.remove("session");
    browser.get(&format!("/vouched?{email}")).await;
    browser.get(STEP).await
}

/// Whether the user is let past it in this browser, in another session.
async fn passes(browser: &Browser, email: &str) -> bool {
    let page = comes_back(&mut browser.clone(), email).await;
    let passed = page.location().is_some_and(|to| to.path() == "/reports");
    assert!(passed || page.has("code"), "{}", page.body);
    passed
}

async fn told(world: &World, action: &Action) -> usize {
    let filter = AuditFilter { action: Some(action.as_str().to_owned()), ..AuditFilter::default() };
    world.store.audit_entries(&filter, 100).await.unwrap().len()
}

#[tokio::test]
async fn a_browser_that_is_trusted_in_one_session_is_asked_for_no_code_in_the_next() {
    each_world(async |world| {
        let app = App::of(&world, ALICE).await;
        let home = trusting(&world, ALICE, &app.codes[0]).await;
        assert_eq!(told(&world, &Action::TRUST_BROWSER).await, 1);
        world.clock.advance(Duration::SECOND);
        let mut next = home.clone();
        let page = comes_back(&mut next, ALICE).await;
        assert_eq!(page.location().unwrap().path(), "/reports");
        // It says no more than what was proven, of a session that the provider opened.
        assert_eq!(methods(&world, ALICE).await[0], ["fed", "tbr"]);
        assert_eq!(told(&world, &Action::VERIFY).await, 2, "of the code, and of the trust");
        // Trust is one, whichever way somebody comes.
        let page = log_in(&mut home.clone(), ALICE, PASSWORD).await;
        assert_eq!(page.url.path(), "/");
        assert!(!passes(&world.browser(), ALICE).await, "another browser is asked");

        world.clock.advance(Duration::days(30) - Duration::seconds(2));
        assert!(passes(&home, ALICE).await);
        world.clock.advance(Duration::SECOND);
        assert!(!passes(&home, ALICE).await);
    })
    .await;
}

#[tokio::test]
async fn trust_of_a_login_is_worth_as_much_in_a_session_of_the_provider() {
    each_world(async |world| {
        let app = App::of(&world, ALICE).await;
        let mut home = world.browser();
        let page = pending(&mut home, ALICE).await;
        home.submit(&page, &[("code", &app.codes[0]), ("trust", "1")]).await;
        assert!(passes(&home, ALICE).await);
        // Who does not say so is known there, and asked for the code.
        let mut other = world.browser();
        pending(&mut other, ALICE).await;
        verify(&mut other, &app.codes[1]).await;
        assert!(!passes(&other, ALICE).await);
        let page = comes_back(&mut other, ALICE).await;
        other.submit(&page, &[("code", &app.codes[2])]).await;
        assert!(!passes(&other, ALICE).await);
    })
    .await;
}

#[tokio::test]
async fn the_trust_of_another_user_is_worth_nothing() {
    each_world(async |world| {
        let (app, mallorys) = (App::of(&world, ALICE).await, App::of(&world, MALLORY).await);
        let shared = trusting(&world, MALLORY, &mallorys.codes[0]).await;
        assert!(passes(&shared, MALLORY).await);
        assert!(!passes(&shared, ALICE).await);
        // Nor does it become hers by a code that was no right one, or by hers without a word.
        for code in [mallorys.codes[1].as_str(), "000000", ""] {
            let mut browser = shared.clone();
            let page = comes_back(&mut browser, ALICE).await;
            let page = browser.submit(&page, &[("code", code), ("trust", "1")]).await;
            assert_eq!(page.status, REFUSED, "{code}");
            assert!(!passes(&browser, ALICE).await, "{code}");
        }
        let mut browser = shared.clone();
        let page = comes_back(&mut browser, ALICE).await;
        browser.submit(&page, &[("code", &app.codes[0])]).await;
        assert!(!passes(&browser, ALICE).await);
        assert!(passes(&browser, MALLORY).await, "who shares a browser keeps what they said");
    })
    .await;
}

#[tokio::test]
async fn trust_ends_with_the_epoch_that_it_was_given_in() {
    each_world(async |world| {
        let app = App::of(&world, ALICE).await;
        // Signing out everywhere, or everywhere but in another browser.
        for (action, code) in [("sign-out", &app.codes[0]), ("revoke-others", &app.codes[5])] {
            let home = trusting(&world, ALICE, code).await;
            assert!(passes(&home, ALICE).await);
            let mut other = world.browser();
            other.get(&format!("/vouched?{ALICE}")).await;
            other.post(&format!("/settings/sessions/{action}"), &[]).await;
            assert!(!passes(&home, ALICE).await, "{action}");
        }
        // A reset.
        let home = trusting(&world, ALICE, &app.codes[1]).await;
        assert!(passes(&home, ALICE).await);
        world.mails_to(ALICE).await;
        let link = world.reset_link(ALICE).await;
        let mut reader = world.browser();
        let page = reader.get(&link).await;
        reader.submit(&page, &[("password", PASSWORD)]).await;
        assert!(!passes(&home, ALICE).await);
        // The end of the app; then there is nothing to be asked for, and nothing that is trusted.
        let home = trusting(&world, ALICE, &app.codes[2]).await;
        let mut owner = world.browser();
        pending(&mut owner, ALICE).await;
        verify(&mut owner, &app.codes[3]).await;
        owner.post("/settings/two-factor/disable", &[("code", &app.codes[4])]).await;
        let page = comes_back(&mut home.clone(), ALICE).await;
        assert_eq!(page.location().unwrap().path(), SETUP);
        App::set_up(&world, &mut owner).await;
        assert!(!passes(&home, ALICE).await);
    })
    .await;
}

#[tokio::test]
async fn nothing_gets_fresh_by_trust_and_to_prove_it_again_gives_none() {
    each_world(async |world| {
        let app = App::of(&world, ALICE).await;
        let mut home = trusting(&world, ALICE, &app.codes[0]).await;
        home.get(&format!("/vouched?{ALICE}")).await;
        world.clock.advance(Duration::minutes(10));
        assert_eq!(home.get(STEP).await.location().unwrap().path(), "/reports");
        let page = home.get("/settings/two-factor").await;
        assert_eq!(page.location().unwrap().path(), "/login/again");
        let page = home.get("/login/again").await;
        assert!(page.has("password") && !page.has("trust"));

        let mut borrowed = world.browser();
        borrowed.get(&format!("/vouched?{ALICE}")).await;
        world.clock.advance(Duration::minutes(10));
        let fields = [("password", PASSWORD), ("trust", "1")];
        let page = borrowed.post("/login/again", &fields).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.body);
        assert!(!passes(&borrowed, ALICE).await);
    })
    .await;
}

#[tokio::test]
async fn who_acts_as_the_user_is_trusted_in_no_browser() {
    each_world(async |world| {
        let app = App::of(&world, ALICE).await;
        let mut home = trusting(&world, ALICE, &app.codes[0]).await;
        home.get(&format!("/act?{ALICE}")).await;
        let code = app.code(&world);
        for page in
            [home.get(STEP).await, home.post(STEP, &[("code", &code), ("trust", "1")]).await]
        {
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{}", page.body);
        }
        assert!(methods(&world, ALICE).await.iter().all(|all| !all.contains(&"tbr".to_owned())));
        // And who is not logged in is told nothing of whom the browser trusts.
        home.cookies.remove("session");
        assert_eq!(home.get(STEP).await.location().unwrap().path(), "/login");
    })
    .await;
}

#[tokio::test]
async fn where_the_host_trusts_no_browser_none_is_trusted_here_either() {
    let policy = donjon::account::Policy {
        trust_for: Duration::ZERO,
        even_answers: Duration::ZERO,
        ..Default::default()
    };
    each_world_with(
        |builder| builder.policy(policy),
        async |world| {
            let app = App::of(&world, ALICE).await;
            let mut browser = world.browser();
            let page = comes_back(&mut browser, ALICE).await;
            assert!(page.has("code") && !page.has("trust"));
            browser.post(STEP, &[("code", &app.codes[0]), ("trust", "1")]).await;
            assert_eq!(methods(&world, ALICE).await[0], ["fed", "otp", "mfa"]);
            assert_eq!(told(&world, &Action::TRUST_BROWSER).await, 0);
            assert!(!passes(&browser, ALICE).await);
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_gets_the_trust_of_one_code_and_one_session_is_lifted_once() {
    each_world(async |world| {
        let app = App::of(&world, ALICE).await;
        let code = app.code(&world);
        let mut browsers = Vec::new();
        for _ in 0..32 {
            let mut browser = world.browser();
            browser.get(&format!("/vouched?{ALICE}")).await;
            browsers.push(browser);
        }
        let fields = [("code", code.as_str()), ("trust", "1")];
        join_all(browsers.iter_mut().map(|browser| browser.post(STEP, &fields))).await;
        let trusted: Vec<_> =
            browsers.into_iter().filter(|browser| browser.cookies.contains_key("device")).collect();
        assert_eq!((trusted.len(), told(&world, &Action::TRUST_BROWSER).await), (1, 1));

        // One session, asked for at once in many windows.
        let mut home = trusted.into_iter().next().unwrap();
        home.cookies.remove("session");
        home.get(&format!("/vouched?{ALICE}")).await;
        let before = told(&world, &Action::VERIFY).await;
        let mut windows = vec![home; 32];
        let pages = join_all(windows.iter_mut().map(|window| window.get(STEP))).await;
        let lifted = pages.iter().filter(|page| page.location().unwrap().path() == "/reports");
        assert_eq!(lifted.count(), 1);
        assert_eq!(told(&world, &Action::VERIFY).await, before + 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trust_costs_one_read_and_one_write_and_a_stranger_nothing() {
    each_world(async |world| {
        let app = App::of(&world, ALICE).await;
        let mut home = trusting(&world, ALICE, &app.codes[0]).await;
        home.get(&format!("/vouched?{ALICE}")).await;
        let (page, cost) = counted(home.get(STEP)).await;
        assert_eq!(page.location().unwrap().path(), "/reports");
        assert_eq!((cost.reads(), cost.transitions()), (2, 1), "session, user; rotate");
        let mut stranger = world.browser();
        stranger.get(&format!("/vouched?{ALICE}")).await;
        let (_, cost) = counted(stranger.get(STEP)).await;
        assert_eq!((cost.reads(), cost.transitions()), (2, 0), "session, factors");
    })
    .await;
}
