//! Logging in with a passkey and nothing else.

use super::*;
use crate::account::second_factor::methods;
use crate::support::statements::counted;

#[tokio::test]
async fn a_passkey_logs_in_without_a_name() {
    each_world(async |world| {
        let mut passkey = user_with_passkey(&world, ALICE).await;
        let mut browser = world.browser();
        let page = browser.get("/login?return_to=%2Freports%3Fa%3Db").await;
        let action = page.form().action;
        let answer = passkey.get(&options_on(&page)).unwrap();
        let page = browser.post(&action, &[("remember", "1"), ("credential", &answer)]).await;
        assert_eq!(page.location().unwrap().as_str(), "http://localhost:3000/reports?a=b");
        assert!(page.set_cookie("session").unwrap().contains("Max-Age="));
        assert!(page.set_cookie("passkey-login").unwrap().ends_with("Max-Age=0"));
        assert_eq!(browser.get("/").await.body, hello(ALICE));
        assert_eq!(methods(&world, ALICE).await[0], ["hwk", "user", "mfa"]);
        let page = browser.get(SETTINGS).await;
        assert!(page.body.contains("last used 2026-01-01"), "{}", page.body);
    })
    .await;
}

/// As when the host has seen a thief, who may have added the passkey.
#[tokio::test]
async fn a_passkey_is_no_way_around_the_choice_of_another_password() {
    each_world(async |world| {
        let mut passkey = user_with_passkey(&world, ALICE).await;
        let accounts = world.accounts.accounts();
        let account = accounts.find_by_email(ALICE).await.unwrap().unwrap();
        assert!(
            accounts
                .require_password_change(account.id(), &donjon::account::By::system())
                .await
                .unwrap()
        );
        let mut browser = world.browser();
        let page = come_in(&mut browser, &mut passkey).await;
        assert_eq!((page.status, page.url.path()), (StatusCode::OK, "/login/password"));
        assert_eq!(browser.get("/").await.body, "hello stranger at /");
        let page = browser.submit(&page, &[("password", "another good password")]).await;
        assert_eq!(browser.follow(page).await.body, hello(ALICE));
        world.clock.advance(Duration::SECOND);
        let page = come_in(&mut world.browser(), &mut passkey).await;
        assert_eq!(page.body, hello(ALICE), "it was asked for once");
    })
    .await;
}

#[tokio::test]
async fn a_passkey_of_several_devices_is_said_to_be_no_hardware() {
    each_world(async |world| {
        world.user(ALICE).await;
        for algorithm in PasskeyAlgorithm::ALL {
            let mut synced = SoftPasskey::at(ORIGIN).with_algorithm(algorithm).synced();
            give(&world, ALICE, &mut synced).await;
            for _ in 0..2 {
                world.clock.advance(Duration::SECOND);
                let page = come_in(&mut world.browser(), &mut synced).await;
                assert_eq!(page.body, hello(ALICE), "{algorithm:?}");
                assert_eq!(methods(&world, ALICE).await[0], ["swk", "user", "mfa"]);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn the_login_page_asks_the_same_of_everybody() {
    each_world(async |world| {
        let mut known = world.browser();
        let mut passkey = user_with_passkey(&world, ALICE).await;
        come_in(&mut known, &mut passkey).await;
        known.cookies.remove("session");
        let mut stranger = world.browser();
        for path in ["/login", "/login?login_hint=alice%40example.test"] {
            let pages = [known.get(path).await, stranger.get(path).await];
            let [ours, theirs] = pages.map(|page| {
                let mut options: serde_json::Value =
                    serde_json::from_str(&options_on(&page)).unwrap();
                let challenge = options["challenge"].take();
                (options, page.body.replace(challenge.as_str().unwrap(), "CHALLENGE"))
            });
            assert_eq!(ours, theirs);
            assert_eq!(ours.0["allowCredentials"], serde_json::json!([]));
        }
        // Not even a wrong password is told.
        let fields = [("email", ALICE), ("password", "wrong password")];
        let page = stranger.post("/login", &fields).await;
        let options: serde_json::Value = serde_json::from_str(&options_on(&page)).unwrap();
        assert_eq!(options["allowCredentials"], serde_json::json!([]));
    })
    .await;
}

#[tokio::test]
async fn a_page_that_asks_has_our_script_and_no_other() {
    each_world(async |world| {
        let mut browser = world.browser();
        for (path, leads_on) in [("/login", false), ("/login?return_to=%2Fa", true)] {
            let page = browser.get(path).await;
            let csp = page.headers["content-security-policy"].to_str().unwrap();
            assert!(csp.starts_with("default-src 'none'"), "{csp}");
            assert!(csp.ends_with("; script-src http://localhost:3000/login/passkey.js"), "{csp}");
            assert_eq!(csp.contains("form-action 'self'"), !leads_on, "{csp}");
            let source = page.data("src");
            let script = browser.get(&source).await;
            assert_eq!(script.status, StatusCode::OK);
            assert_eq!(script.headers["content-type"], "text/javascript; charset=utf-8");
            assert_eq!(script.headers["x-content-type-options"], "nosniff");
            assert!(script.body.contains("navigator.credentials"));
            assert_eq!(page.body.matches("<script").count(), 1);
        }
        let page = browser.post("/login/passkey.js", &[]).await;
        assert_eq!(page.status, StatusCode::METHOD_NOT_ALLOWED);
    })
    .await;
}

#[tokio::test]
async fn a_passkey_of_an_unconfirmed_address_sends_the_link_again() {
    each_world(async |world| {
        let accounts = world.accounts.accounts();
        accounts.create(ALICE, Some(PASSWORD), Default::default(), false).await.unwrap();
        let mut passkey = SoftPasskey::at(ORIGIN);
        give(&world, ALICE, &mut passkey).await;
        let mut browser = world.browser();
        let page = come_in(&mut browser, &mut passkey).await;
        assert!(page.body.contains("Check your mail"), "{}", page.body);
        assert_eq!(browser.get("/").await.body, "hello stranger at /");
        assert_eq!(world.mails_to(ALICE).await[0].subject, "Confirm your email address");
    })
    .await;
}

#[tokio::test]
async fn a_passkey_that_counts_backwards_is_told_of_refused_or_removed() {
    for policy in [SignCountPolicy::Warn, SignCountPolicy::RequireReauth, SignCountPolicy::Revoke] {
        each_world_with(Passkeys::default().sign_count(policy), async |world| {
            world.user(ALICE).await;
            let mut passkey = SoftPasskey::at(ORIGIN);
            give(&world, ALICE, &mut passkey).await;
            passkey.set_sign_count(100);
            assert_eq!(come_in(&mut world.browser(), &mut passkey).await.body, hello(ALICE));
            // The copy was made before.
            passkey.set_sign_count(50);
            let mut thief = world.browser();
            let page = come_in(&mut thief, &mut passkey).await;
            let mails = world.mails_to(ALICE).await;
            assert_eq!(mails.len(), 1, "{policy:?}: {mails:?}");
            assert_eq!(mails[0].subject, "One of your passkeys may have been copied");
            let inside = thief.get("/").await.body == hello(ALICE);
            assert_eq!(inside, policy == SignCountPolicy::Warn, "{policy:?}");
            assert_eq!(page.status == REFUSED, policy != SignCountPolicy::Warn, "{policy:?}");
            // The owner's own goes on counting.
            passkey.set_sign_count(101);
            let page = come_in(&mut world.browser(), &mut passkey).await;
            let owner_inside = page.body == hello(ALICE);
            assert_eq!(owner_inside, policy != SignCountPolicy::Revoke, "{policy:?}");
            let page = log_in(&mut world.browser(), ALICE, PASSWORD).await;
            let asks = page.url.path() == VERIFY;
            assert_eq!(asks, policy != SignCountPolicy::Revoke, "{policy:?}");
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_by_passkey_costs_no_more_than_it_must() {
    each_world(async |world| {
        let mut passkey = user_with_passkey(&world, ALICE).await;
        let mut browser = world.browser();
        let (page, shown) = counted(browser.get("/login")).await;
        assert_eq!((shown.reads(), shown.transitions()), (0, 0));
        let answer = passkey.get(&options_on(&page)).unwrap();
        let fields = [("credential", answer.as_str())];
        let (page, right) = counted(browser.post("/login", &fields)).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER);
        assert_eq!((right.reads(), right.transitions()), (1, 3), "standing; begin, session, use");
        let mut second = world.browser();
        pending(&mut second, ALICE).await;
        let (page, shown) = counted(second.get(VERIFY)).await;
        assert_eq!((shown.reads(), shown.transitions()), (2, 0), "passkeys, app");
        let answer = passkey.get(&options_on(&page)).unwrap();
        let (page, right) = counted(second.post(VERIFY, &[("credential", &answer)])).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER);
        assert_eq!((right.reads(), right.transitions()), (1, 3), "standing; begin, session, use");
    })
    .await;
}

#[tokio::test]
async fn a_session_of_a_passkey_is_fresh_and_then_is_not() {
    each_world(async |world| {
        let mut passkey = user_with_passkey(&world, ALICE).await;
        let mut browser = world.browser();
        come_in(&mut browser, &mut passkey).await;
        assert_eq!(browser.get(SETTINGS).await.status, StatusCode::OK);
        world.clock.advance(Duration::minutes(20));
        let page = browser.get(SETTINGS).await;
        // The page that asks again leads to the login page, where the passkey answers.
        let page = browser.follow(page).await;
        let page = browser.get(&page.link("Log in another way")).await;
        let answer = passkey.get(&options_on(&page)).unwrap();
        let page = browser.post(&page.form().action, &[("credential", &answer)]).await;
        assert_eq!(page.location().unwrap().path(), SETTINGS);
        assert_eq!(browser.get(SETTINGS).await.status, StatusCode::OK);
    })
    .await;
}
