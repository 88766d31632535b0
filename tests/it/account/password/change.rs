//! Changing a password, and setting the first one, while logged in.

use donjon::audit::AuditLog;
use donjon::delivery::Message;
use donjon::scope::Attributes;
use http::StatusCode;
use time::Duration;

use super::*;
use crate::account::second_factor::{App, VERIFY};
use crate::account::world::{ALICE, PASSWORD, World, each_world, log_in};
use crate::support::statements::counted;

async fn logged_in_as(browser: &mut Browser) -> String {
    browser.get("/").await.body
}

fn subjects(mails: &[Message]) -> Vec<&str> {
    mails.iter().map(|mail| mail.subject.as_str()).collect()
}

#[tokio::test]
async fn a_changed_password_ends_every_other_session_and_is_told() {
    each_world(async |world| {
        world.user(ALICE).await;
        let (mut here, mut there) = (world.logged_in(ALICE).await, world.logged_in(ALICE).await);
        let reset = world.reset_link(ALICE).await;
        let before = here.cookies["session"].clone();
        assert!(here.get(PATH).await.has("current"));
        let page = change(&mut here, PASSWORD, BETTER).await;
        let page = here.follow(page).await;
        assert!(page.body.contains("Your new password is set"), "{}", page.body);

        assert_ne!(here.cookies["session"], before, "the token is another");
        assert_eq!(logged_in_as(&mut here).await, format!("hello {ALICE} at /"));
        assert_eq!(logged_in_as(&mut there).await, "hello stranger at /");
        let page = world.browser().get(&reset).await;
        assert_eq!(page.status, StatusCode::GONE, "a link to reset is over, too");
        assert_eq!(subjects(&world.mails_to(ALICE).await), ["Your password was changed"]);
        assert_eq!(log_in(&mut there, ALICE, PASSWORD).await.status, REFUSED);
        assert_eq!(log_in(&mut there, ALICE, BETTER).await.body, format!("hello {ALICE} at /"));

        let log = AuditLog::new(&world.store);
        let page = log.query().action("account.password_change").newest(9).await.unwrap();
        assert_eq!(page.entries.len(), 1);
        let alice = world.account(ALICE).await;
        assert_eq!(page.entries[0].user.as_ref(), Some(alice.id()));
    })
    .await;
}

#[tokio::test]
async fn guessing_at_the_present_password_counts_as_guessing_at_the_login() {
    each_world(async |world| {
        world.user(ALICE).await;
        let mut thief = world.logged_in(ALICE).await;
        thief.cookies.remove("device");
        for _ in 0..5 {
            let page = change(&mut thief, "wrong password", BETTER).await;
            assert_eq!(page.status, REFUSED);
            assert!(page.body.contains("That is not your current password."));
        }
        assert_eq!(change(&mut thief, PASSWORD, BETTER).await.status, REFUSED, "locked");
        assert_eq!(log_in(&mut world.browser(), ALICE, PASSWORD).await.status, REFUSED);
        let mails = world.mails_to(ALICE).await;
        assert_eq!(subjects(&mails), ["We have paused logins to your account"]);
        world.clock.advance(Duration::minutes(15));
        assert_eq!(change(&mut thief, PASSWORD, BETTER).await.status, StatusCode::SEE_OTHER);
    })
    .await;
}

#[tokio::test]
async fn what_may_not_be_chosen_is_said_before_anything_is_counted() {
    each_world(async |world| {
        world.user(ALICE).await;
        let mut browser = world.logged_in(ALICE).await;
        for (password, said) in [
            ("short", "That is a little short."),
            ("password1", "Many people use this password"),
            ("alice@example.test", "Leave out your name"),
            (PASSWORD, "That is the password you have already."),
        ] {
            for _ in 0..2 {
                let page = change(&mut browser, PASSWORD, password).await;
                assert_eq!(page.status, REFUSED);
                assert!(page.text_of("password-hint").contains(said), "{}", page.body);
            }
        }
        assert!(world.mails_to(ALICE).await.is_empty());
        assert_eq!(change(&mut browser, PASSWORD, BETTER).await.status, StatusCode::SEE_OTHER);
    })
    .await;
}

#[tokio::test]
async fn a_first_password_takes_a_fresh_login_and_no_other() {
    each_world(async |world| {
        let accounts = world.accounts.accounts();
        accounts.create(ALICE, None, Attributes::default(), true).await.unwrap();
        let mut browser = let_in(&world, ALICE).await;
        let page = browser.get(PATH).await;
        assert!(page.has("password") && !page.has("current"), "{}", page.body);
        let mut stale = browser.clone();
        world.clock.advance(Duration::minutes(6));
        for page in [stale.get(PATH).await, change(&mut stale, "", BETTER).await] {
            assert_eq!(page.location().unwrap().path(), "/login/again");
        }

        let mut fresh = let_in(&world, ALICE).await;
        let page = change(&mut fresh, "", BETTER).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.body);
        assert_eq!(logged_in_as(&mut stale).await, "hello stranger at /");
        assert_eq!(subjects(&world.mails_to(ALICE).await), ["Your account has a password now"]);
        // From now on it is known, and must be.
        assert_eq!(change(&mut fresh, "", "another fine phrase").await.status, REFUSED);
        let page = log_in(&mut world.browser(), ALICE, BETTER).await;
        assert_eq!(page.body, format!("hello {ALICE} at /"));
    })
    .await;
}

/// A browser in which the user is logged in by another door than ours.
async fn let_in(world: &World, email: &str) -> Browser {
    let mut browser = world.browser();
    browser.get(&format!("/other-door?{email}")).await;
    browser
}

#[tokio::test]
async fn a_change_makes_every_browser_unknown_but_the_one_it_was_made_in() {
    each_world(async |world| {
        let app = App::of(&world, ALICE).await;
        let mut home = world.browser();
        log_in(&mut home, ALICE, PASSWORD).await;
        let code = app.code(&world);
        let page = home.post(VERIFY, &[("code", &code), ("trust", "1")]).await;
        home.follow(page).await;
        // The trust is over with the password that it was given for.
        assert_eq!(change(&mut home, PASSWORD, BETTER).await.status, StatusCode::SEE_OTHER);
        home.cookies.remove("session");
        assert_eq!(log_in(&mut home, ALICE, BETTER).await.url.path(), VERIFY);
        // And yet the browser is known: who locks the address does not lock it out.
        let mut stranger = world.browser();
        for _ in 0..6 {
            log_in(&mut stranger, ALICE, "wrong password").await;
        }
        assert_eq!(log_in(&mut home, ALICE, BETTER).await.url.path(), VERIFY);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_made_once_however_many_make_it_and_costs_no_more_than_it_must() {
    each_world(async |world| {
        world.user(ALICE).await;
        let mut browser = world.logged_in(ALICE).await;
        let twins = (0..8).map(|index| {
            let mut twin = browser.clone();
            async move { change(&mut twin, PASSWORD, &format!("{BETTER} {index}")).await }
        });
        let answers = futures_util::future::join_all(twins).await;
        // The others are refused, or find the session under another token.
        let led = answers.iter().filter_map(Page::location);
        assert_eq!(led.filter(|target| target.path() == PATH).count(), 1);

        let bob = "bob@example.test";
        world.user(bob).await;
        browser = world.logged_in(bob).await;
        let (page, cost) = counted(change(&mut browser, PASSWORD, BETTER)).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER);
        // The session and the user; the attempt, the change (for PostgreSQL two statements and a
        // commit), the new token.
        assert!(cost.reads() <= 3 && cost.transitions() <= 4, "{cost:?}");
    })
    .await;
}
