//! Logins that lead to choosing another password first.

use donjon::account::Policy;
use http::StatusCode;
use time::Duration;

use super::*;
use crate::account::second_factor::{App, VERIFY, methods, pending};
use crate::account::world::{ALICE, PASSWORD, World, each_world, each_world_with, log_in};

const CHOOSE: &str = "/login/password";

pub(in crate::account) async fn require(world: &World, email: &str) {
    let accounts = world.accounts.accounts();
    let account = accounts.find_by_email(email).await.unwrap().unwrap();
    assert!(
        accounts
            .require_password_change(account.id(), &donjon::account::By::system())
            .await
            .unwrap()
    );
}

/// Logs in, and stands before the question for another password.
async fn asked(browser: &mut Browser, email: &str) -> Page {
    let page = log_in(browser, email, PASSWORD).await;
    assert_eq!((page.status, page.url.path()), (StatusCode::OK, CHOOSE), "{}", page.body);
    page
}

#[tokio::test]
async fn who_must_choose_another_password_gets_no_session_before() {
    each_world(async |world| {
        world.user(ALICE).await;
        let mut before = world.logged_in(ALICE).await;
        require(&world, ALICE).await;
        assert_eq!(before.get("/").await.body, "hello stranger at /");

        let mut browser = world.browser();
        let page = browser.get("/login?return_to=%2Freports%3Fa%3Db").await;
        let page = browser.submit(&page, &[("email", ALICE), ("password", PASSWORD)]).await;
        let cookie = page.set_cookie("pending-password").unwrap();
        assert!(cookie.ends_with("; HttpOnly; SameSite=Lax; Path=/; Max-Age=300"), "{cookie}");
        assert_eq!(browser.cookies.len(), 1, "{:?}", browser.cookies);
        let choose = browser.follow(page).await;
        assert_eq!(browser.get("/").await.body, "hello stranger at /");
        for path in ["/settings", PATH, VERIFY] {
            let page = browser.clone().get(path).await;
            assert_eq!(page.location().unwrap().path(), "/login", "{path}");
        }
        assert!(methods(&world, ALICE).await.is_empty());

        for (password, said) in [
            ("short", "That is a little short."),
            (PASSWORD, "That is the password you have already."),
        ] {
            let page = browser.submit(&choose, &[("password", password)]).await;
            assert_eq!(page.status, REFUSED);
            assert!(page.text_of("password-hint").contains(said), "{}", page.body);
        }
        let page = browser.submit(&choose, &[("password", BETTER)]).await;
        assert_eq!(page.location().unwrap().as_str(), "http://127.0.0.1:3000/reports?a=b");
        assert!(!browser.cookies.contains_key("pending-password"));
        assert_eq!(browser.get("/").await.body, format!("hello {ALICE} at /"));
        assert_eq!(methods(&world, ALICE).await, [["pwd"]]);
        assert_eq!(world.mails_to(ALICE).await[0].subject, "Your password was changed");

        // It was asked for once.
        let page = log_in(&mut world.browser(), ALICE, BETTER).await;
        assert_eq!(page.body, format!("hello {ALICE} at /"));
    })
    .await;
}

#[tokio::test]
async fn a_code_comes_before_the_question_for_another_password() {
    each_world(async |world| {
        let app = App::of(&world, ALICE).await;
        require(&world, ALICE).await;
        let mut browser = world.browser();
        pending(&mut browser, ALICE).await;
        assert_eq!(browser.clone().get(CHOOSE).await.location().unwrap().path(), "/login");
        let fields = [("code", &*app.code(&world)), ("trust", "1")];
        let page = browser.post(VERIFY, &fields).await;
        let page = browser.follow(page).await;
        assert_eq!(page.url.path(), CHOOSE);
        let page = browser.submit(&page, &[("password", BETTER)]).await;
        assert_eq!(browser.follow(page).await.body, format!("hello {ALICE} at /"));
        assert_eq!(methods(&world, ALICE).await[0], ["pwd", "otp", "mfa"]);
        // The trust that was given with the code holds.
        browser.cookies.remove("session");
        let page = log_in(&mut browser, ALICE, BETTER).await;
        assert_eq!(page.body, format!("hello {ALICE} at /"));
    })
    .await;
}

#[tokio::test]
async fn a_login_that_waits_for_another_password_dies_in_time_and_with_a_reset() {
    each_world(async |world| {
        world.user(ALICE).await;
        require(&world, ALICE).await;
        let mut late = world.browser();
        let page = asked(&mut late, ALICE).await;
        let mut last = late.clone();
        world.clock.advance(Duration::minutes(5) - Duration::SECOND);
        assert_eq!(last.get(CHOOSE).await.status, StatusCode::OK);
        world.clock.advance(Duration::SECOND);
        let page = late.submit(&page, &[("password", BETTER)]).await;
        assert!(late.follow(page).await.body.contains("That took a little long"));

        let mut thief = world.browser();
        let page = asked(&mut thief, ALICE).await;
        let link = world.reset_link(ALICE).await;
        let mut owner = world.browser();
        let form = owner.get(&link).await;
        owner.submit(&form, &[("password", BETTER)]).await;
        let page = thief.submit(&page, &[("password", "the thief's fine phrase")]).await;
        assert_eq!(page.location().unwrap().path(), "/login");
        assert_eq!(thief.get("/").await.body, "hello stranger at /");
        // A reset is as good as a change.
        let page = log_in(&mut owner, ALICE, BETTER).await;
        assert_eq!(page.body, format!("hello {ALICE} at /"));
    })
    .await;
}

#[tokio::test]
async fn another_password_is_chosen_once_however_many_try_with_one_cookie() {
    each_world(async |world| {
        world.user(ALICE).await;
        require(&world, ALICE).await;
        let mut browser = world.browser();
        let page = asked(&mut browser, ALICE).await;
        let twins = (0..8).map(|index| {
            let (mut twin, page) = (browser.clone(), page.clone());
            async move {
                let password = format!("{BETTER} {index}");
                twin.submit(&page, &[("password", &password)]).await;
                twin.get("/").await.body
            }
        });
        let seen = futures_util::future::join_all(twins).await;
        let in_session = seen.iter().filter(|body| **body == format!("hello {ALICE} at /"));
        assert_eq!(in_session.count(), 1, "{seen:?}");
        assert_eq!(methods(&world, ALICE).await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn nothing_but_our_own_cookie_leads_to_another_password() {
    each_world(async |world| {
        world.user(ALICE).await;
        App::of(&world, "bob@example.test").await;
        require(&world, ALICE).await;
        let (mut alice, mut bob) = (world.browser(), world.browser());
        asked(&mut alice, ALICE).await;
        pending(&mut bob, "bob@example.test").await;
        let ours = alice.cookies["pending-password"].clone();
        for made_up in ["x", "e30", &ours[..ours.len() - 4], &bob.cookies["pending-login"]] {
            let mut forger = world.browser();
            forger.cookies.insert("pending-password".into(), made_up.into());
            let page = forger.post(CHOOSE, &[("password", BETTER)]).await;
            assert_eq!(page.location().unwrap().path(), "/login", "{made_up}");
        }
        // Nor does it stand in for a code.
        let mut forger = world.browser();
        forger.cookies.insert("pending-login".into(), ours);
        assert_eq!(forger.get(VERIFY).await.location().unwrap().path(), "/login");
    })
    .await;
}

#[tokio::test]
async fn a_password_that_is_too_old_is_replaced_at_the_next_login() {
    let policy = Policy { password_max_age: Some(Duration::days(90)), ..Policy::default() };
    each_world_with(
        |builder| builder.policy(policy),
        async |world| {
            world.user(ALICE).await;
            world.clock.advance(Duration::days(90) - Duration::SECOND);
            let page = log_in(&mut world.browser(), ALICE, PASSWORD).await;
            assert_eq!(page.body, format!("hello {ALICE} at /"));
            world.clock.advance(Duration::SECOND);
            let mut browser = world.browser();
            let page = asked(&mut browser, ALICE).await;
            let page = browser.submit(&page, &[("password", BETTER)]).await;
            assert_eq!(browser.follow(page).await.body, format!("hello {ALICE} at /"));
            let page = log_in(&mut world.browser(), ALICE, BETTER).await;
            assert_eq!(page.body, format!("hello {ALICE} at /"));
        },
    )
    .await;
}
