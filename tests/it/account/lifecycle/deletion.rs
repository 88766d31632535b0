//! Asking for the end of an account.

use donjon::account::{DeletionPolicy, Policy};
use donjon::scope::SessionEnd;
use time::Duration;

use super::*;
use crate::account::world::{each_world, each_world_with, log_in};

#[tokio::test]
async fn everything_ends_at_once_and_the_owner_is_told() {
    each_world(async |world| {
        world.user(ALICE).await;
        let mut browser = world.logged_in(ALICE).await;
        let mut other = world.logged_in(ALICE).await;
        let reset = world.reset_link(ALICE).await;
        assert!(browser.get(DELETE).await.body.contains("14 days"));
        let page = ask(&mut browser).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        assert!(page.has("leaving") && page.body.contains("2026-01-15"), "{}", page.body);
        assert!(!browser.cookies.contains_key("session"), "{:?}", browser.cookies);
        assert_eq!(other.get("/").await.body, "hello stranger at /");
        let over = other.get(reset.strip_prefix(super::super::world::ORIGIN).unwrap()).await;
        assert_eq!(over.status, StatusCode::GONE, "links end too");
        let mails = world.mails_to(ALICE).await;
        assert_eq!(mails.len(), 1);
        assert_eq!(mails[0].subject, "Your account will be deleted");
        assert!(mails[0].text.contains("2026-01-15"), "{}", mails[0].text);
        let events = world.store.session_events(0, 10).await.unwrap();
        assert!(events.iter().all(|event| event.end == SessionEnd::AccountDeleted));
        assert_eq!(events.len(), 3, "two sessions, and offline access");
        assert!(has_account(&world, ALICE).await, "not before the grace is over");
    })
    .await;
}

#[tokio::test]
async fn it_takes_a_fresh_login_the_password_again_and_a_checked_box() {
    each_world(async |world| {
        world.user(ALICE).await;
        let mut browser = world.logged_in(ALICE).await;
        for fields in [
            [("confirm", "1"), ("password", "wrong")].as_slice(),
            &[("confirm", "1"), ("password", "")],
            &[("confirm", "1")],
            &[("confirm", "1"), ("code", "000000")],
            &[("password", PASSWORD)],
        ] {
            let page = browser.post(DELETE, fields).await;
            assert_eq!(page.status, REFUSED, "{fields:?}");
        }
        let elsewhere =
            browser.post_from("https://evil.example", DELETE, &[("confirm", "1")]).await;
        assert_eq!(elsewhere.status, StatusCode::FORBIDDEN);
        world.clock.advance(Duration::minutes(6));
        for mut visitor in [browser.clone(), world.browser()] {
            let page = ask(&mut visitor).await;
            assert!(page.location().unwrap().path().starts_with("/login"));
            assert!(visitor.get(DELETE).await.location().unwrap().path().starts_with("/login"));
        }
        assert_eq!(browser.get("/").await.body, format!("hello {ALICE} at /"));
    })
    .await;
}

#[tokio::test]
async fn guesses_at_the_password_are_counted_as_those_at_the_login() {
    each_world(async |world| {
        world.user(ALICE).await;
        let mut browser = world.logged_in(ALICE).await;
        for _ in 0..5 {
            browser.post(DELETE, &[("confirm", "1"), ("password", "guess")]).await;
        }
        assert_eq!(ask(&mut browser).await.status, REFUSED);
        assert!(has_account(&world, ALICE).await);
        let id = world.account(ALICE).await;
        let standing = world.store.standing(id.id()).await.unwrap().unwrap();
        assert!(standing.is_open());
    })
    .await;
}

#[tokio::test]
async fn a_code_does_in_place_of_the_password_and_only_once() {
    use crate::account::second_factor::App;

    each_world(async |world| {
        world.user(ALICE).await;
        let mut browser = world.logged_in(ALICE).await;
        let app = App::set_up(&world, &mut browser).await;
        assert!(browser.get(DELETE).await.has("code"));
        let code = app.code(&world);
        let page = browser.post(DELETE, &[("code", &code)]).await;
        assert_eq!(page.status, REFUSED, "the box");
        let page = browser.post(DELETE, &[("confirm", "1"), ("code", &code)]).await;
        assert!(page.has("leaving"), "{}", page.body);
    })
    .await;
}

#[tokio::test]
async fn without_a_grace_the_account_is_gone_at_once() {
    let at_once = DeletionPolicy { grace: Duration::ZERO, ..DeletionPolicy::default() };
    let policy = Policy { deletion: at_once, ..Policy::default() };
    each_world_with(
        |builder| builder.policy(policy),
        async |world| {
            leaving(&world).await;
            assert!(!has_account(&world, ALICE).await);
            let mails = world.mails_to(ALICE).await;
            assert_eq!(mails.len(), 1, "{mails:?}");
            assert_eq!(mails[0].subject, "Your account is deleted");
            let mut browser = world.browser();
            assert_eq!(log_in(&mut browser, ALICE, PASSWORD).await.status, REFUSED);
        },
    )
    .await;
}

#[tokio::test]
async fn whoever_goes_at_once_waits_for_nobody_elses_deletion() {
    let at_once = DeletionPolicy { grace: Duration::ZERO, ..DeletionPolicy::default() };
    let policy = Policy { deletion: at_once, ..Policy::default() };
    each_world_with(
        |builder| builder.policy(policy),
        async |world| {
            const BOB: &str = "bob@example.test";
            world.user(BOB).await;
            let bob = world.account(BOB).await;
            let now = donjon::crypto::Clock::now(&*world.clock);
            let deletion =
                donjon::store::NewDeletion { user: bob.id().clone(), at: now, keep: None };
            let none = donjon::store::Effects::none();
            world.store.request_deletion(&deletion, &none, now).await.unwrap();
            leaving(&world).await;
            assert!(!has_account(&world, ALICE).await);
            assert!(has_account(&world, BOB).await, "his turn comes with the sweeper");
            assert_eq!(world.accounts.execute_due_deletions().await.unwrap(), 1);
            assert!(!has_account(&world, BOB).await);
        },
    )
    .await;
}
