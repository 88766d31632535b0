//! Logging in by a mailed link.

use donjon::account::{Policy, Unconfirmed};
use futures_util::future::join_all;
use time::Duration;

use super::*;
use crate::account::second_factor::{App, VERIFY, methods};
use crate::account::world::{ALICE, PASSWORD, World, each_world, each_world_with, log_in};
use crate::support::browser::{Browser, Page};

/// A browser that has asked for a link, and the link.
pub(in crate::account) async fn asked(world: &World) -> (Browser, String) {
    let mut browser = world.browser();
    let page = browser.get("/login?return_to=%2Freports").await;
    let page = browser.get(&page.link("Email me a link instead")).await;
    let page = browser.submit(&page, &[("email", ALICE)]).await;
    assert!(page.has("resend"), "{}", page.body);
    (browser, world.link_to(ALICE).await)
}

async fn open(browser: &mut Browser, link: &str, fields: &[(&str, &str)]) -> Page {
    let page = browser.get(link).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    let page = browser.submit(&page, fields).await;
    browser.follow(page).await
}

#[tokio::test]
async fn a_link_logs_in_by_one_click_once_and_keeps_the_trip() {
    each_world(async |world| {
        world.user(ALICE).await;
        let (mut browser, link) = asked(&world).await;
        // A scanner opens it first.
        world.browser().get(&link).await;
        assert!(browser.get(&link).await.body.contains(ALICE));
        let page = open(&mut browser, &link, &[("remember", "1")]).await;
        assert_eq!(page.body, format!("hello {ALICE} at /reports"));
        assert_eq!(methods(&world, ALICE).await, [["email"]]);
        assert!(!browser.cookies.contains_key("login-link"), "it is used up");
        assert_eq!(browser.get(&link).await.status, StatusCode::GONE);
    })
    .await;
}

/// Whoever has somebody else's mails, or asked for a link from there, is out, too.
#[tokio::test]
async fn signing_out_everywhere_ends_the_links_that_were_mailed() {
    links_end_by("/settings/sessions/sign-out").await;
}

#[tokio::test]
async fn logging_out_all_others_ends_the_links_that_were_mailed() {
    links_end_by("/settings/sessions/revoke-others").await;
}

async fn links_end_by(action: &str) {
    each_world(async |world| {
        world.user(ALICE).await;
        let (mut thief, link) = asked(&world).await;
        let page = thief.get(&link).await;
        let reset = world.reset_link(ALICE).await;
        let mut browser = world.logged_in(ALICE).await;
        // The end of one session leaves them.
        let other = world.logged_in(ALICE).await;
        let list = browser.get("/settings/sessions").await;
        let row = list
            .body
            .split("<li>")
            .find(|row| row.contains("name=\"session\"") && !row.contains("this-device"));
        let id = row.unwrap().split("name=\"session\" value=\"").nth(1).unwrap();
        let id = id.split('"').next().unwrap();
        browser.post("/settings/sessions/revoke", &[("session", id)]).await;
        assert_eq!(other.clone().get("/").await.body, "hello stranger at /");
        assert_eq!(thief.get(&link).await.status, StatusCode::OK);
        browser.post(action, &[]).await;
        assert_eq!(thief.get(&link).await.status, StatusCode::GONE);
        assert_eq!(thief.submit(&page, &[]).await.status, StatusCode::GONE);
        assert_eq!(world.browser().get(&reset).await.status, StatusCode::GONE);
        assert_eq!(thief.get("/").await.body, "hello stranger at /");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_logs_in_one_of_many() {
    each_world(async |world| {
        world.user(ALICE).await;
        let (mut browser, link) = asked(&world).await;
        let page = browser.get(&link).await;
        let twins = (0..8).map(|_| {
            let (mut twin, page) = (browser.clone(), page.clone());
            async move {
                twin.submit(&page, &[]).await;
                twin.get("/").await.body
            }
        });
        let seen = join_all(twins).await;
        let in_session = seen.iter().filter(|body| **body == format!("hello {ALICE} at /"));
        assert_eq!(in_session.count(), 1, "{seen:?}");
        assert_eq!(methods(&world, ALICE).await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn in_another_browser_a_link_takes_the_address() {
    each_world(async |world| {
        world.user(ALICE).await;
        // Somebody sends the link to their own account to a victim.
        let (_, link) = asked(&world).await;
        let mut victim = world.browser();
        let page = victim.get(&link).await;
        assert!(page.has("email") && !page.body.contains(ALICE), "{}", page.body);
        for email in ["", "victim@example.test", "alice"] {
            let page = victim.submit(&page, &[("email", email)]).await;
            assert_eq!(page.status, REFUSED);
            assert!(!page.body.contains(ALICE));
        }
        assert_eq!(victim.get("/").await.body, "hello stranger at /");
        // Its owner opens it on the phone.
        let page = open(&mut world.browser(), &link, &[("email", " Alice@Example.TEST")]).await;
        assert_eq!(page.body, format!("hello {ALICE} at /reports"));
    })
    .await;
}

#[tokio::test]
async fn a_link_works_for_ten_minutes_and_until_a_newer_one_a_reset_or_another_password() {
    each_world(async |world| {
        world.user(ALICE).await;
        let (mut browser, link) = asked(&world).await;
        world.clock.advance(Duration::minutes(10) - Duration::SECOND);
        let page = browser.get(&link).await;
        assert_eq!(page.status, StatusCode::OK);
        world.clock.advance(Duration::SECOND);
        assert_eq!(browser.submit(&page, &[]).await.status, StatusCode::GONE);

        let (_, older) = asked(&world).await;
        let (_, newer) = asked(&world).await;
        assert_eq!(browser.get(&older).await.status, StatusCode::GONE);
        world.clock.advance(Duration::minutes(9));
        let reset = world.reset_link(ALICE).await;
        let page = browser.get(&reset).await;
        browser.submit(&page, &[("password", "zwölf boxkämpfer jagen")]).await;
        assert_eq!(browser.get(&newer).await.status, StatusCode::GONE);

        world.clock.advance(Duration::minutes(15));
        world.mails_to(ALICE).await;
        let (_, link) = asked(&world).await;
        let mut browser = world.browser();
        log_in(&mut browser, ALICE, "zwölf boxkämpfer jagen").await;
        let fields = [("current", "zwölf boxkämpfer jagen"), ("password", PASSWORD)];
        let page = browser.post("/settings/password", &fields).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.body);
        assert_eq!(browser.get(&link).await.status, StatusCode::GONE);
    })
    .await;
}

#[tokio::test]
async fn a_second_factor_is_asked_for_behind_a_link_too() {
    each_world(async |world| {
        let app = App::of(&world, ALICE).await;
        let (mut browser, link) = asked(&world).await;
        let page = open(&mut browser, &link, &[]).await;
        assert_eq!(page.url.path(), VERIFY, "{}", page.body);
        assert_eq!(browser.get("/").await.body, "hello stranger at /");
        assert_eq!(browser.get(&link).await.status, StatusCode::GONE, "it is used up");
        let page = browser.submit(&page, &[("code", &app.code(&world))]).await;
        assert_eq!(browser.follow(page).await.body, format!("hello {ALICE} at /reports"));
        assert_eq!(methods(&world, ALICE).await[0], ["email", "otp", "mfa"]);
    })
    .await;
}

#[tokio::test]
async fn a_link_confirms_an_address_but_not_the_password_that_a_stranger_chose() {
    for unconfirmed in [Unconfirmed::Block, Unconfirmed::Allow] {
        let policy = Policy { unconfirmed, ..Policy::default() };
        each_world_with(
            |builder| builder.policy(policy),
            async |world| {
                // A stranger signs up with Alice's address; she asks for a link.
                let mut stranger = world.browser();
                let fields = [("email", ALICE), ("password", PASSWORD)];
                stranger.post("/register", &fields).await;
                world.mails_to(ALICE).await;
                let (mut alice, link) = asked(&world).await;
                let page = alice.get(&link).await;
                assert!(page.has("password") && page.has("forgot"), "{}", page.body);
                for password in ["", "a password of her own"] {
                    let page = alice.submit(&page, &[("password", password)]).await;
                    assert_eq!(page.status, REFUSED);
                }
                let find = async || world.accounts.accounts().find_by_email(ALICE).await;
                assert!(!find().await.unwrap().unwrap().email_verified());
                assert_eq!(alice.get("/").await.body, "hello stranger at /");

                // Whoever signed up is asked for nothing, and is confirmed.
                let mut home = stranger;
                home.post("/login/link", &[("email", ALICE)]).await;
                let link = world.link_to(ALICE).await;
                let page = open(&mut home, &link, &[]).await;
                assert_eq!(page.body, format!("hello {ALICE} at /"));
                assert!(find().await.unwrap().unwrap().email_verified());
            },
        )
        .await;
    }
}

#[tokio::test]
async fn a_host_may_do_without_links_to_log_in() {
    let policy = Policy { login_link_for: Duration::ZERO, ..Policy::default() };
    each_world_with(
        |builder| builder.policy(policy),
        async |world| {
            let mut browser = world.browser();
            assert!(!browser.get("/login").await.has("by-link"));
            for path in ["/login/link", "/login/link/open"] {
                let page = browser.get(path).await;
                assert_eq!(page.body, format!("hello stranger at {path}"), "the host's own");
            }
        },
    )
    .await;
}
