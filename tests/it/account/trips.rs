//! The whole trips of ordinary users.

use donjon::account::{Policy, Unconfirmed};
use http::StatusCode;
use time::Duration;

use super::world::{ALICE, PASSWORD, each_world, each_world_with, log_in};

#[tokio::test]
async fn sign_up_confirm_log_in_log_out() {
    each_world(async |world| {
        let mut browser = world.browser();
        let page =
            browser.get("/login?return_to=%2Foauth%2Fresume%3Fa%3Db&interaction_id=i-1").await;
        let page = browser.get(&page.link("Create an account")).await;
        let fields = [("email", " Alice@Example.TEST "), ("password", PASSWORD)];
        let page = browser.submit(&page, &fields).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.body.contains(ALICE));

        // A scanner opens the link, twice; then the user does, and presses the button.
        let link = world.link_to(ALICE).await;
        world.browser().get(&link).await;
        world.browser().get(&link).await;
        let page = browser.get(&link).await;
        let page = browser.submit(&page, &[]).await;
        let page = browser.follow(page).await;
        assert!(page.body.contains("Your email address is confirmed."));

        let page = browser.submit(&page, &[("email", ALICE), ("password", PASSWORD)]).await;
        let page = browser.follow(page).await;
        assert_eq!(page.body, "hello alice@example.test at /oauth/resume?a=b");
        let found = world.accounts.accounts().find_by_email("ALICE@example.test").await.unwrap();
        assert!(found.unwrap().email_verified());

        let page = browser.get("/logout").await;
        assert!(page.body.contains(ALICE));
        let page = browser.submit(&page, &[]).await;
        let page = browser.follow(page).await;
        assert!(page.has("logged-out"));
        assert_eq!(browser.get("/").await.body, "hello stranger at /");
        assert!(!browser.cookies.contains_key("session"));
    })
    .await;
}

#[tokio::test]
async fn a_forgotten_password_is_replaced_and_everything_else_ends() {
    each_world(async |world| {
        world.user(ALICE).await;
        let mut elsewhere = world.logged_in(ALICE).await;
        let mut attacker = world.browser();
        for _ in 0..6 {
            log_in(&mut attacker, ALICE, "wrong password").await;
        }
        assert_eq!(world.mails_to(ALICE).await[0].subject, "We have paused logins to your account");

        let link = world.reset_link(ALICE).await;
        let mut browser = world.browser();
        let page = browser.get(&link).await;
        assert_eq!(page.value_of("email"), ALICE);
        let short = browser.submit(&page, &[("password", "short")]).await;
        assert_eq!(short.status, StatusCode::UNPROCESSABLE_ENTITY);
        let page = browser.submit(&short, &[("password", "a new password")]).await;
        let page = browser.follow(page).await;
        assert!(page.body.contains("Your new password is set."));

        assert_eq!(elsewhere.get("/").await.body, "hello stranger at /");
        assert_eq!(world.mails_to(ALICE).await[0].subject, "Your password was changed");
        let old = log_in(&mut browser, ALICE, PASSWORD).await;
        assert_eq!(old.status, StatusCode::UNPROCESSABLE_ENTITY);
        let new = log_in(&mut browser, ALICE, "a new password").await;
        assert_eq!(new.body, "hello alice@example.test at /");
        let again = browser.get(&link).await;
        assert_eq!(again.status, StatusCode::GONE);
    })
    .await;
}

#[tokio::test]
async fn remember_me_outlives_the_browser() {
    each_world(async |world| {
        world.user(ALICE).await;
        let mut browser = world.browser();
        for (remember, persistent) in [(None, false), (Some(("remember", "1")), true)] {
            let page = browser.another().get("/login").await;
            let mut fields = vec![("email", ALICE), ("password", PASSWORD)];
            fields.extend(remember);
            let page = browser.submit(&page, &fields).await;
            let cookie = page.set_cookie("session").unwrap();
            assert_eq!(cookie.contains("Max-Age=5184000"), persistent, "{cookie}");
            assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
        }
    })
    .await;
}

#[tokio::test]
async fn who_has_not_confirmed_is_sent_the_link_again_and_does_not_get_in() {
    each_world(async |world| {
        let mut browser = world.browser();
        let page = browser.get("/register").await;
        browser.submit(&page, &[("email", ALICE), ("password", PASSWORD)]).await;
        let first = world.link_to(ALICE).await;

        let page = log_in(&mut browser, ALICE, PASSWORD).await;
        let in_session = browser.cookies.contains_key("session");
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(!in_session, "{}", page.body);
        let page = browser.get(&page.link("have the message sent again")).await;
        assert!(page.has("resend") && page.value_of("email") == ALICE, "{}", page.body);
        let second = world.link_to(ALICE).await;
        let page = browser.post("/confirm/resend", &[("email", ALICE)]).await;
        assert!(page.has("resend"));
        let third = world.link_to(ALICE).await;
        for (link, works) in [(&first, false), (&second, false), (&third, true)] {
            let page = browser.get(link).await;
            assert_eq!(page.status == StatusCode::OK, works, "{link}");
        }
        // The right password does not lock, however often; and only three links are sent.
        for _ in 0..6 {
            log_in(&mut browser, ALICE, PASSWORD).await;
        }
        let page = browser.get(&world.link_to(ALICE).await).await;
        browser.submit(&page, &[]).await;
        let page = log_in(&mut browser, ALICE, PASSWORD).await;
        assert_eq!(page.body, "hello alice@example.test at /");
    })
    .await;
}

#[tokio::test]
async fn a_host_may_let_the_unconfirmed_in() {
    let lenient = Policy { unconfirmed: Unconfirmed::Allow, ..Policy::default() };
    each_world_with(
        |builder| builder.policy(lenient),
        async |world| {
            let mut browser = world.browser();
            let page = browser.get("/register").await;
            browser.submit(&page, &[("email", ALICE), ("password", PASSWORD)]).await;
            let page = log_in(&mut browser, ALICE, PASSWORD).await;
            assert_eq!(page.body, "hello alice@example.test at /");
            let page = browser.get(&world.link_to(ALICE).await).await;
            let page = browser.submit(&page, &[]).await;
            assert_eq!(page.location().unwrap().path(), "/");
        },
    )
    .await;
}

#[tokio::test]
async fn who_is_logged_in_logs_in_again_only_when_asked() {
    each_world(async |world| {
        world.user(ALICE).await;
        let mut browser = world.logged_in(ALICE).await;
        // Just now, and nobody says otherwise.
        let page = browser.get("/login?return_to=%2Fsettings").await;
        assert_eq!(page.location().unwrap().path(), "/settings");
        // The authorization server wants to be sure.
        let page = browser.get("/login?return_to=%2Fresume&interaction_id=i").await;
        assert_eq!((page.status, page.value_of("email").as_str()), (StatusCode::OK, ALICE));
        // A while ago, and a page wants a fresh login.
        world.clock.advance(Duration::minutes(6));
        let page = browser.get("/login").await;
        assert_eq!(page.location().unwrap().path(), "/");
        let page = browser.get("/login?return_to=%2Fsettings").await;
        let before = browser.cookies.clone();
        let page = browser.submit(&page, &[("password", PASSWORD)]).await;
        assert_eq!(page.location().unwrap().path(), "/settings");
        assert_ne!(browser.cookies, before);
    })
    .await;
}

#[tokio::test]
async fn a_logout_goes_on_with_the_trip() {
    each_world(async |world| {
        world.user(ALICE).await;
        let mut browser = world.logged_in(ALICE).await;
        let page = browser.get("/logout?return_to=%2Fend").await;
        let page = browser.submit(&page, &[]).await;
        assert_eq!(browser.follow(page).await.body, "hello stranger at /end");
        let page = browser.get("/logout?return_to=%2Fend").await;
        assert_eq!(browser.follow(page).await.body, "hello stranger at /end");
    })
    .await;
}

#[tokio::test]
async fn a_login_may_lead_on_to_a_client_whose_address_it_does_not_know() {
    each_world(async |world| {
        let mut browser = world.browser();
        let policy = |page: &crate::support::browser::Page| {
            page.headers["content-security-policy"].to_str().unwrap().to_owned()
        };
        let alone = browser.get("/login").await;
        assert!(policy(&alone).ends_with("form-action 'self'"));
        let leading_on = browser.get("/login?return_to=%2Foauth%2Fresume").await;
        assert!(!policy(&leading_on).contains("form-action"));
        assert!(policy(&leading_on).starts_with("default-src 'none'"));
    })
    .await;
}
