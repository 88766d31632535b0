//! Browsers that a user trusts to ask for no code.

use time::Duration;

use super::*;
use crate::account::world::{ALICE, each_world, each_world_with};

const MALLORY: &str = "mallory@example.test";

/// A browser that the user trusts, and is logged out of.
async fn trusted(world: &World, email: &str, code: &str) -> Browser {
    let mut browser = world.browser();
    let page = pending(&mut browser, email).await;
    let page = browser.submit(&page, &[("code", code), ("trust", "1")]).await;
    assert_eq!(browser.follow(page).await.body, format!("hello {email} at /"));
    browser.cookies.retain(|name, _| name == "device");
    browser
}

/// Where the password alone leads.
async fn leads_to(browser: &Browser, email: &str) -> String {
    let mut browser = browser.clone();
    browser.cookies.remove("session");
    let page = log_in(&mut browser, email, PASSWORD).await;
    page.url.path().to_owned()
}

#[tokio::test]
async fn a_trusted_browser_asks_for_no_code_for_thirty_days() {
    each_world(async |world| {
        let app = App::of(&world, ALICE).await;
        let mut home = trusted(&world, ALICE, &app.codes[0]).await;
        assert_eq!(leads_to(&world.browser(), ALICE).await, VERIFY);
        world.clock.advance(Duration::days(30) - Duration::SECOND);
        // A login there does not prolong it, and says no more than what was proven.
        log_in(&mut home, ALICE, PASSWORD).await;
        assert_eq!(methods(&world, ALICE).await[0], ["pwd", "tbr"]);
        home.cookies.remove("session");
        assert_eq!(leads_to(&home, ALICE).await, "/");
        world.clock.advance(Duration::SECOND);
        assert_eq!(leads_to(&home, ALICE).await, VERIFY);
    })
    .await;
}

#[tokio::test]
async fn a_browser_is_trusted_by_whoever_said_so_and_nobody_else() {
    each_world(async |world| {
        let (app, other) = (App::of(&world, ALICE).await, App::of(&world, MALLORY).await);
        let mut shared = trusted(&world, MALLORY, &other.codes[0]).await;
        assert_eq!(leads_to(&shared, ALICE).await, VERIFY);
        // Not by ticking no box.
        pending(&mut shared, ALICE).await;
        verify(&mut shared, &app.codes[0]).await;
        shared.cookies.remove("session");
        assert_eq!(leads_to(&shared, ALICE).await, VERIFY);
        assert_eq!(leads_to(&shared, MALLORY).await, "/");
        assert_eq!(shared.get("/").await.body, "hello stranger at /");
    })
    .await;
}

#[tokio::test]
async fn a_reset_ends_the_trust_in_every_browser() {
    each_world(async |world| {
        let app = App::of(&world, ALICE).await;
        let mut home = trusted(&world, ALICE, &app.codes[0]).await;
        let away = trusted(&world, ALICE, &app.codes[1]).await;
        // Each code was told of.
        world.mails_to(ALICE).await;
        let link = world.reset_link(ALICE).await;
        let page = home.get(&link).await;
        home.submit(&page, &[("password", PASSWORD)]).await;
        assert_eq!(leads_to(&home, ALICE).await, VERIFY);
        assert_eq!(leads_to(&away, ALICE).await, VERIFY);
    })
    .await;
}

#[tokio::test]
async fn signing_out_everywhere_ends_the_trust_in_every_browser() {
    each_world(async |world| {
        let app = App::of(&world, ALICE).await;
        for with_apps in [false, true] {
            let away = trusted(&world, ALICE, &app.codes[usize::from(with_apps) * 2]).await;
            let mut home = trusted(&world, ALICE, &app.codes[usize::from(with_apps) * 2 + 1]).await;
            log_in(&mut home, ALICE, PASSWORD).await;
            let fields: &[(&str, &str)] = if with_apps { &[("apps", "1")] } else { &[] };
            let mut waits = world.browser();
            pending(&mut waits, ALICE).await;
            home.post("/settings/sessions/sign-out", fields).await;
            // Nor does a login go on whose password was proven before.
            verify(&mut waits, &app.codes[4]).await;
            assert_eq!(waits.get("/").await.body, "hello stranger at /");
            assert_eq!(leads_to(&home, ALICE).await, VERIFY);
            assert_eq!(leads_to(&away, ALICE).await, VERIFY);
        }
    })
    .await;
}

#[tokio::test]
async fn whoever_forgets_trusted_browsers_is_asked_again_in_each_and_logged_out_of_none() {
    each_world(async |world| {
        const FORGET: &str = "/settings/sessions/forget-browsers";
        let (app, other) = (App::of(&world, ALICE).await, App::of(&world, MALLORY).await);
        let mut home = trusted(&world, ALICE, &app.codes[0]).await;
        let away = trusted(&world, ALICE, &app.codes[1]).await;
        let mallorys = trusted(&world, MALLORY, &other.codes[0]).await;
        log_in(&mut home, ALICE, PASSWORD).await;
        let page = home.get("/settings/sessions").await;
        assert!(page.form_to(FORGET).fields.is_empty());
        let mut waits = world.browser();
        pending(&mut waits, ALICE).await;
        // A stranger forgets nothing, and a page that is only looked at, too.
        assert_eq!(world.browser().post(FORGET, &[]).await.location().unwrap().path(), "/login");
        home.get(FORGET).await;
        assert_eq!(leads_to(&home, ALICE).await, "/");
        let done = home.post(FORGET, &[]).await;
        let page = home.follow(done).await;
        assert!(page.body.contains("No browser is trusted any more."), "{}", page.body);
        for browser in [&home, &away] {
            assert_eq!(leads_to(browser, ALICE).await, VERIFY);
        }
        assert_eq!(home.get("/").await.body, format!("hello {ALICE} at /"));
        assert_eq!(leads_to(&mallorys, MALLORY).await, "/");
        verify(&mut waits, &app.codes[2]).await;
        assert_eq!(waits.get("/").await.body, "hello stranger at /");
        // Who has no second factor has nothing to forget.
        world.user("bob@example.test").await;
        let page = world.logged_in("bob@example.test").await.get("/settings/sessions").await;
        assert!(page.has("revoke-others") && !page.has("forget-browsers"));
    })
    .await;
}

#[tokio::test]
async fn another_app_is_trusted_in_no_browser() {
    each_world(async |world| {
        let app = App::of(&world, ALICE).await;
        let mut home = trusted(&world, ALICE, &app.codes[0]).await;
        let away = trusted(&world, ALICE, &app.codes[1]).await;
        log_in(&mut home, ALICE, PASSWORD).await;
        home.post("/settings/two-factor/disable", &[("code", &app.codes[2])]).await;
        assert_eq!(leads_to(&away, ALICE).await, "/");
        App::set_up(&world, &mut home).await;
        home.cookies.remove("session");
        assert_eq!(leads_to(&home, ALICE).await, VERIFY);
        assert_eq!(leads_to(&away, ALICE).await, VERIFY);
    })
    .await;
}

#[tokio::test]
async fn a_host_may_trust_no_browser() {
    let policy = donjon::account::Policy { trust_for: Duration::ZERO, ..Default::default() };
    each_world_with(
        |builder| builder.policy(policy),
        async |world| {
            let app = App::of(&world, ALICE).await;
            let mut browser = world.browser();
            assert!(!pending(&mut browser, ALICE).await.has("trust"));
            browser.post(VERIFY, &[("code", &app.codes[0]), ("trust", "1")]).await;
            browser.cookies.remove("session");
            assert_eq!(leads_to(&browser, ALICE).await, VERIFY);
        },
    )
    .await;
}
