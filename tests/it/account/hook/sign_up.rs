//! Signing up where the host has a word in it.

use super::*;
use crate::account::enumeration::{cost, seen, warm};
use crate::account::world::{ALICE, PASSWORD, each_world_with};

const NOBODY: &str = "nobody@example.test";
const REFUSED: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;

fn form<'a>(email: &'a str, name: &'a str) -> [(&'a str, &'a str); 3] {
    [("email", email), ("password", PASSWORD), (FIELD, name)]
}

#[tokio::test]
async fn what_the_host_knows_of_somebody_new_is_written_with_the_account() {
    let house = House::default();
    each_world_with(
        |builder| house.known(builder),
        async |world| {
            let mut browser = world.browser();
            let page = browser.get("/register").await;
            assert!(page.body.contains("What may we call you?"), "{}", page.body);
            let page = browser.submit(&page, &form(ALICE, "Alice \"A\" <i>")).await;
            assert_eq!(page.status, StatusCode::OK, "{}", page.body);
            let account = found(&world, ALICE).await.unwrap();
            let profile: Profile = account.attributes_as().unwrap();
            let expected = Profile { display_name: "Alice \"A\" <i>".into(), visits: 0 };
            assert_eq!(profile, expected);
            // The password is told to nobody.
            let asked = format!("{ALICE} Form Some(\"Alice \\\"A\\\" <i>\") None");
            assert_eq!(house.asked(), [asked]);
        },
    )
    .await;
}

#[tokio::test]
async fn a_field_of_the_hosts_own_is_filled_in_and_not_too_long() {
    let house = House::default();
    each_world_with(
        |builder| house.known(builder),
        async |world| {
            let mut browser = world.browser();
            for name in ["", " ", "more than twenty letters"] {
                let page = browser.post("/register", &form(ALICE, name)).await;
                assert_eq!(page.status, REFUSED, "{name}");
                assert!(page.has("field-display_name-wrong"), "{}", page.body);
                assert_eq!(page.value_of("email"), ALICE);
            }
            let twice = [("email", ALICE), ("password", PASSWORD), (FIELD, "a"), (FIELD, "b")];
            assert_eq!(browser.post("/register", &twice).await.status, REFUSED);
            assert!(house.asked().is_empty() && found(&world, ALICE).await.is_none());
        },
    )
    .await;
}

/// It is asked before anybody has looked for the address.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_host_says_to_a_sign_up_tells_nothing_of_the_address() {
    let house = House::default();
    each_world_with(
        |builder| house.known(builder),
        async |world| {
            world.user(ALICE).await;
            warm(&world, &world.store).await;
            let browser = world.browser();
            for mood in [Mood::Refuses, Mood::Errs, Mood::Panics, Mood::Kind] {
                house.at_sign_up(mood);
                let fields = |email| form(email, "Alice");
                let ask = async |email: &'static str| {
                    let (page, cost) =
                        cost(&mut browser.another(), "/register", &fields(email)).await;
                    assert_eq!(house.asked().len(), 1, "{mood:?} {email}");
                    (page, cost)
                };
                let (new, new_cost) = ask(NOBODY).await;
                let (old, old_cost) = ask(ALICE).await;
                assert_eq!(seen(&new, NOBODY), seen(&old, ALICE), "{mood:?}");
                assert_eq!(new_cost, old_cost, "{mood:?}");
                let there = found(&world, NOBODY).await.is_some();
                assert_eq!(there, mood == Mood::Kind, "{mood:?}");
                match mood {
                    Mood::Kind => assert_eq!(new.status, StatusCode::OK),
                    Mood::Refuses => {
                        assert_eq!(new.status, REFUSED);
                        assert!(new.body.contains("Not today"), "{}", new.body);
                        assert!(!new.body.contains("<b>"), "{}", new.body);
                        assert_eq!(new.value_of("field-display_name"), "Alice");
                    }
                    Mood::Errs | Mood::Panics => {
                        assert_eq!(new.status, StatusCode::SERVICE_UNAVAILABLE);
                    }
                }
                if mood != Mood::Kind {
                    assert!(world.all_mails().await.is_empty(), "{mood:?}");
                }
            }
        },
    )
    .await;
}
