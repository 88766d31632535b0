//! Every other door leads past the hook, too.

use donjon::account::Policy;

use super::*;
use crate::account::apps::{apps_over, ask};
use crate::account::mailed::login_link::asked;
use crate::account::second_factor::{App, methods, pending, verify};
use crate::account::world::{ALICE, each_world_over, each_world_with};

/// What the browser was given for the second step opens nothing more after the refusal.
#[tokio::test]
async fn a_login_by_two_factors_is_asked_about_after_the_second() {
    let house = House::default();
    let attempts = usize::try_from(Policy::default().second_factor_lockout.attempts).unwrap();
    each_world_with(
        |builder| house.known(builder),
        async |world| {
            let app = App::of(&world, ALICE).await;
            let before = methods(&world, ALICE).await.len();
            house.asked();
            // More often than a code may be wrong: a right one is not counted as such.
            for mood in BAD.into_iter().cycle().take(attempts + 1) {
                house.at_login(mood);
                let mut browser = world.browser();
                pending(&mut browser, ALICE).await;
                assert!(house.asked().is_empty(), "one factor proves nothing yet");
                let mut kept = browser.clone();
                let page = verify(&mut browser, &app.next_code(&world)).await;
                assert_eq!(house.asked(), [format!("{ALICE} Browser pwd+otp+mfa")]);
                is_turned_away(&mut browser, &page, mood).await;
                if mood == Mood::Refuses {
                    // A copy of the cookie opens no more.
                    let page = verify(&mut kept, &app.next_code(&world)).await;
                    is_turned_away(&mut kept, &page, mood).await;
                    house.asked();
                }
            }
            assert_eq!(methods(&world, ALICE).await.len(), before);
            house.at_login(Mood::Kind);
            let mut browser = world.browser();
            pending(&mut browser, ALICE).await;
            let page = verify(&mut browser, &app.next_code(&world)).await;
            assert_eq!(page.body, format!("hello {ALICE} at /"));
        },
    )
    .await;
}

#[tokio::test]
async fn a_login_by_a_mailed_link_is_asked_about_and_the_link_still_works_after_a_refusal() {
    let house = House::default();
    each_world_with(
        |builder| house.known(builder),
        async |world| {
            world.user(ALICE).await;
            let (mut browser, link) = asked(&world).await;
            for mood in BAD {
                house.at_login(mood);
                let page = browser.get(&link).await;
                let page = browser.submit(&page, &[("email", ALICE)]).await;
                is_turned_away(&mut browser, &page, mood).await;
                assert_eq!(house.asked(), [format!("{ALICE} Browser email")]);
            }
            assert!(methods(&world, ALICE).await.is_empty());
            house.at_login(Mood::Kind);
            let page = browser.get(&link).await;
            let page = browser.submit(&page, &[("email", ALICE)]).await;
            assert_eq!(browser.follow(page).await.body, format!("hello {ALICE} at /reports"));
        },
    )
    .await;
}

#[cfg(feature = "passkeys")]
#[tokio::test]
async fn a_login_by_a_passkey_is_asked_about() {
    use crate::account::passkeys::{come_in, user_with_passkey};
    use crate::account::world::each_world_at;

    let house = House::default();
    each_world_at(
        "http://localhost:3000",
        |builder| house.known(builder).passkeys(donjon::account::passkey::Passkeys::default()),
        async |world| {
            let mut passkey = user_with_passkey(&world, ALICE).await;
            let before = methods(&world, ALICE).await.len();
            house.asked();
            for mood in BAD {
                house.at_login(mood);
                world.clock.advance(time::Duration::SECOND);
                let mut browser = world.browser();
                let page = come_in(&mut browser, &mut passkey).await;
                is_turned_away(&mut browser, &page, mood).await;
                assert_eq!(house.asked(), [format!("{ALICE} Browser hwk+user+mfa")]);
            }
            assert_eq!(methods(&world, ALICE).await.len(), before);
        },
    )
    .await;
}

#[tokio::test]
async fn an_app_that_a_user_lets_in_is_asked_about_and_gets_no_code() {
    let house = House::default();
    each_world_over(
        |store, clock, builder| house.known(builder).apps(&apps_over(store, clock)),
        async |world| {
            world.user(ALICE).await;
            let mut browser = world.logged_in(ALICE).await;
            house.asked();
            for mood in BAD {
                house.at_login(mood);
                let page = browser.get(&ask(&[])).await;
                let page = browser.submit(&page, &[("decision", "approve")]).await;
                assert!(page.location().is_none(), "{:?}", page.headers);
                assert_eq!(page.body.contains("Not today"), mood == Mood::Refuses);
                assert_eq!(house.asked(), [format!("{ALICE} App(\"acme-ios\") pwd")]);
                assert_eq!(browser.get("/").await.body, format!("hello {ALICE} at /"));
            }
            house.at_login(Mood::Kind);
            let page = browser.get(&ask(&[])).await;
            let page = browser.submit(&page, &[("decision", "approve")]).await;
            assert!(page.headers["location"].to_str().unwrap().contains("?code="));
        },
    )
    .await;
}
