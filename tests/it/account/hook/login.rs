//! Logging in by the password where the host has a word in it.

use donjon::account::Policy;

use super::*;
use crate::account::enumeration::{cost, seen, warm};
use crate::account::lifecycle::leaving;
use crate::account::password::forced::require;
use crate::account::second_factor::methods;
use crate::account::world::{ALICE, PASSWORD, each_world_with, log_in};

const BETTER: &str = "zwölf boxkämpfer jagen";

#[tokio::test]
async fn a_login_that_the_host_refuses_leaves_no_session_nor_anything_else() {
    let house = House::default();
    let attempts = usize::try_from(Policy::default().lockout.attempts).unwrap();
    each_world_with(
        |builder| house.known(builder),
        async |world| {
            world.user(ALICE).await;
            // More often than a password may be wrong: the right one is not counted as such.
            for mood in BAD.into_iter().cycle().take(attempts + 1) {
                house.at_login(mood);
                let mut browser = world.browser();
                let page = log_in(&mut browser, ALICE, PASSWORD).await;
                is_turned_away(&mut browser, &page, mood).await;
                assert!(methods(&world, ALICE).await.is_empty(), "{mood:?}");
                assert_eq!(house.asked(), [format!("{ALICE} Browser pwd")]);
            }
            assert!(world.all_mails_to(ALICE).await.is_empty(), "no login is told of");
            house.at_login(Mood::Kind);
            world.logged_in(ALICE).await;
        },
    )
    .await;
}

/// Only who has shown to be the user is told anything.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_host_says_to_a_login_is_told_to_nobody_else() {
    let house = House::default();
    each_world_with(
        |builder| house.known(builder),
        async |world| {
            world.user(ALICE).await;
            let waiting = "waiting@example.test";
            let accounts = world.accounts.accounts();
            accounts.create(waiting, Some(PASSWORD), Default::default(), false).await.unwrap();
            warm(&world, &world.store).await;
            house.at_login(Mood::Refuses);
            let mut answers = Vec::new();
            for (email, password) in
                [("nobody@example.test", PASSWORD), (ALICE, "wrong password"), (waiting, PASSWORD)]
            {
                let fields = [("email", email), ("password", password)];
                let (page, cost) = cost(&mut world.browser(), "/login", &fields).await;
                answers.push((seen(&page, email), cost));
            }
            assert_eq!(answers[0].0.0, StatusCode::UNPROCESSABLE_ENTITY);
            assert!(answers.iter().all(|answer| *answer == answers[0]));
            assert!(house.asked().is_empty());
        },
    )
    .await;
}

/// Much may have changed while it waited.
#[tokio::test]
async fn a_login_that_waited_for_another_password_is_asked_about_once_more() {
    let house = House::default();
    each_world_with(
        |builder| house.known(builder),
        async |world| {
            world.user(ALICE).await;
            require(&world, ALICE).await;
            for mood in BAD {
                house.at_login(Mood::Kind);
                let mut browser = world.browser();
                let page = log_in(&mut browser, ALICE, PASSWORD).await;
                assert_eq!(page.url.path(), "/login/password", "{}", page.body);
                house.at_login(mood);
                let page = browser.submit(&page, &[("password", BETTER)]).await;
                is_turned_away(&mut browser, &page, mood).await;
            }
            house.at_login(Mood::Kind);
            let page = log_in(&mut world.browser(), ALICE, PASSWORD).await;
            assert_eq!(page.url.path(), "/login/password", "the password is the old one");
        },
    )
    .await;
}

#[tokio::test]
async fn a_login_that_would_keep_the_account_is_asked_about_first() {
    let house = House::default();
    each_world_with(
        |builder| house.known(builder),
        async |world| {
            leaving(&world).await;
            let mut browser = world.browser();
            let offer = log_in(&mut browser, ALICE, PASSWORD).await;
            assert_eq!(offer.url.path(), "/keep-account");
            house.at_login(Mood::Refuses);
            let page = browser.submit(&offer, &[]).await;
            is_turned_away(&mut browser, &page, Mood::Refuses).await;
            // Who may not come in is not offered it, either.
            let mut browser = world.browser();
            let page = log_in(&mut browser, ALICE, PASSWORD).await;
            is_turned_away(&mut browser, &page, Mood::Refuses).await;
            house.at_login(Mood::Kind);
            let page = log_in(&mut world.browser(), ALICE, PASSWORD).await;
            assert_eq!(page.url.path(), "/keep-account", "it is still going to be deleted");
        },
    )
    .await;
}
