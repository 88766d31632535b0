//! Where not everybody signs up.

use donjon::account::{AccountLayerBuilder, Policy, SignUps};
use futures_util::future::join_all;

use super::*;
use crate::account::enumeration::{cost, seen, warm};
use crate::account::organizations::{acme, invite, sign_up_by};
use crate::account::world::{ALICE, PASSWORD, each_world_with};

const NOBODY: &str = "nobody@example.test";
const BOB: &str = "bob@example.test";

fn only(sign_ups: SignUps) -> impl Fn(AccountLayerBuilder) -> AccountLayerBuilder {
    let even_answers = time::Duration::ZERO;
    move |builder| builder.policy(Policy { sign_ups, even_answers, ..Policy::default() })
}

#[tokio::test(flavor = "multi_thread")]
async fn where_sign_ups_are_closed_the_page_says_so_and_every_address_is_told_the_same() {
    for (sign_ups, said) in [
        (SignUps::Closed, "Nobody can create an account"),
        (SignUps::Invited, "takes new accounts by invitation"),
    ] {
        each_world_with(only(sign_ups), async |world| {
            world.user(ALICE).await;
            warm(&world, &world.store).await;
            let mut browser = world.browser();
            let page = browser.get("/register").await;
            assert_eq!(page.status, StatusCode::OK);
            assert!(page.text_of("register-closed").contains(said), "{}", page.body);
            assert!(!page.has("submit"), "{}", page.body);
            let fields = |email| [("email", email), ("password", PASSWORD)];
            let (new, new_cost) = cost(&mut world.browser(), "/register", &fields(NOBODY)).await;
            let (old, old_cost) = cost(&mut world.browser(), "/register", &fields(ALICE)).await;
            assert_eq!(new.status, StatusCode::FORBIDDEN);
            assert_eq!((&new.body, &new.headers), (&old.body, &old.headers));
            assert_eq!(seen(&new, NOBODY), seen(&old, ALICE));
            assert_eq!(new_cost, old_cost);
            assert!(found(&world, NOBODY).await.is_none());
            assert!(world.all_mails().await.is_empty());
            world.logged_in(ALICE).await;
        })
        .await;
    }
}

#[tokio::test]
async fn who_is_invited_signs_up_where_only_they_may_and_where_nobody_may_they_do_not() {
    for (sign_ups, comes_in) in [(SignUps::Invited, true), (SignUps::Closed, false)] {
        each_world_with(only(sign_ups), async |world| {
            acme(&world, ALICE).await;
            let mut alice = world.logged_in(ALICE).await;
            let link = invite(&world, &mut alice, BOB, "member").await;
            let page = world.browser().get(&link).await;
            assert!(page.has("login"), "{}", page.body);
            assert_eq!(page.has("submit"), comes_in, "no form that is refused: {}", page.body);
            assert_eq!(page.has("invitation-closed"), !comes_in);
            let page = sign_up_by(&world, &link).await;
            assert_eq!(page.status == StatusCode::SEE_OTHER, comes_in, "{}", page.body);
            assert_eq!(page.has("register-closed"), !comes_in);
            assert_eq!(found(&world, BOB).await.is_some(), comes_in);
            // Who has an account joins, whatever holds for others.
            world.user("carol@example.test").await;
            let link = invite(&world, &mut alice, "carol@example.test", "member").await;
            let mut carol = world.logged_in("carol@example.test").await;
            let page = carol.get(&link).await;
            let page = carol.submit(&page, &[]).await;
            assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.body);
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_sign_up_by_one_invitation_one_gets_an_account() {
    each_world_with(only(SignUps::Invited), async |world| {
        acme(&world, ALICE).await;
        let mut alice = world.logged_in(ALICE).await;
        let link = invite(&world, &mut alice, BOB, "member").await;
        let pages = join_all((0..32).map(|_| sign_up_by(&world, &link))).await;
        let winners = pages.iter().filter(|page| page.status == StatusCode::SEE_OTHER).count();
        assert_eq!(winners, 1, "{:?}", pages.iter().map(|page| page.status).collect::<Vec<_>>());
        assert!(found(&world, BOB).await.is_some());
        let page = sign_up_by(&world, &link).await;
        assert!(page.has("invitation-over"), "{}", page.body);
    })
    .await;
}

#[tokio::test]
async fn the_host_has_a_word_in_who_signs_up_by_an_invitation_and_the_invitation_stays() {
    let house = House::default();
    each_world_with(
        |builder| house.known(builder),
        async |world| {
            acme(&world, ALICE).await;
            let mut alice = world.logged_in(ALICE).await;
            let link = invite(&world, &mut alice, BOB, "member").await;
            let fields = [("password", PASSWORD), (FIELD, "Bob")];
            for mood in BAD {
                house.at_sign_up(mood);
                let mut bob = world.browser();
                let page = bob.get(&link).await;
                let page = bob.submit(&page, &fields).await;
                assert!(page.status.is_client_error() || page.status.is_server_error());
                assert_eq!(page.body.contains("Not today"), mood == Mood::Refuses);
                assert!(found(&world, BOB).await.is_none(), "{mood:?}");
            }
            house.at_sign_up(Mood::Kind);
            for mood in BAD {
                house.at_login(mood);
                let mut bob = world.browser();
                let page = bob.get(&link).await;
                let page = bob.submit(&page, &fields).await;
                is_turned_away(&mut bob, &page, mood).await;
                assert!(found(&world, BOB).await.is_none(), "nothing is written: {mood:?}");
            }
            house.at_login(Mood::Kind);
            house.asked();
            let mut bob = world.browser();
            let page = bob.get(&link).await;
            let nameless = bob.submit(&page, &[("password", PASSWORD)]).await;
            assert!(nameless.has("field-display_name-wrong"), "{}", nameless.body);
            let page = bob.submit(&page, &fields).await;
            assert_eq!(bob.follow(page).await.body, format!("hello {BOB} at /"));
            let profile: Profile = found(&world, BOB).await.unwrap().attributes_as().unwrap();
            assert_eq!(profile.display_name, "Bob");
            let asked = house.asked();
            assert!(asked[0].starts_with(&format!("{BOB} Invitation(")), "{asked:?}");
            assert!(asked[0].ends_with("Some(\"Bob\") None"), "{asked:?}");
            assert_eq!(asked[1..], [format!("{BOB} Browser pwd")]);
        },
    )
    .await;
}

#[cfg(feature = "social")]
#[tokio::test]
async fn a_provider_signs_nobody_up_where_not_everybody_may() {
    use crate::account::social::{Fake, alice, who};

    let fake = Fake::start().await;
    for sign_ups in [SignUps::Invited, SignUps::Closed] {
        each_world_with(
            |builder| fake.known(only(sign_ups)(builder)),
            async |world| {
                let mut browser = world.browser();
                assert!(!browser.get("/register").await.body.contains("Sign up with"));
                let page = fake.arrive(&mut browser, alice()).await;
                assert_eq!(page.url.path(), "/login", "{}", page.body);
                assert_eq!(who(&mut browser).await, "hello stranger at /");
                assert!(found(&world, ALICE).await.is_none());
            },
        )
        .await;
    }
}

#[cfg(feature = "social")]
#[tokio::test]
async fn the_host_has_a_word_in_who_comes_by_a_provider() {
    use crate::account::social::{Fake, alice};

    let (fake, house) = (Fake::start().await, House::default());
    each_world_with(
        |builder| fake.known(house.known(builder)),
        async |world| {
            for mood in BAD {
                house.at_sign_up(mood);
                let mut browser = world.browser();
                let page = fake.arrive(&mut browser, alice()).await;
                is_turned_away(&mut browser, &page, mood).await;
                assert!(found(&world, ALICE).await.is_none(), "{mood:?}");
            }
            house.at_sign_up(Mood::Kind);
            house.asked();
            for mood in BAD {
                house.at_login(mood);
                let mut browser = world.browser();
                let page = fake.arrive(&mut browser, alice()).await;
                is_turned_away(&mut browser, &page, mood).await;
                assert!(found(&world, ALICE).await.is_none(), "nothing is written: {mood:?}");
            }
            let asked_twice =
                [format!("{ALICE} Provider(\"fake\") None None"), format!("{ALICE} Browser fed")];
            assert_eq!(house.asked(), vec![asked_twice.clone(); BAD.len()].concat());
            house.at_login(Mood::Kind);
            let page = fake.arrive(&mut world.browser(), alice()).await;
            assert_eq!(page.body, format!("hello {ALICE} at /"));
            assert_eq!(house.asked(), asked_twice);
            let profile: Profile = found(&world, ALICE).await.unwrap().attributes_as().unwrap();
            assert_eq!(profile.display_name, "Somebody");
            // Whom it has let in once it is asked about at every login.
            for mood in BAD {
                house.at_login(mood);
                let mut browser = world.browser();
                let page = fake.arrive(&mut browser, alice()).await;
                is_turned_away(&mut browser, &page, mood).await;
            }
            assert_eq!(house.asked(), [(); 3].map(|()| format!("{ALICE} Browser fed")));
        },
    )
    .await;
}

/// An account that waits unconfirmed, in a domain for which the provider speaks.
#[cfg(feature = "social")]
async fn waits_in_the_domain(world: &World, email: &str) {
    use crate::account::single_sign_on::{DOMAIN, set_by};
    use donjon::store::SsoMode;

    const BEGIN: &str = "/login/with/fake";
    let id = crate::account::single_sign_on::acme(world).await;
    let accounts = world.accounts.accounts();
    accounts.create(email, Some(PASSWORD), Default::default(), false).await.unwrap();
    world.accounts.organizations().grant_domain(id, DOMAIN, BEGIN).await.unwrap();
    set_by(world, id, BEGIN, SsoMode::Enforced).await;
}

#[cfg(feature = "social")]
#[tokio::test]
async fn the_word_of_a_domain_gives_nobody_an_account_past_the_host() {
    use crate::account::single_sign_on::with_sso;
    use crate::account::social::Fake;
    use donjon::account::Unconfirmed;
    use donjon::testing::FakeUser;

    const FAY: &str = "fay@acme.example";
    let (fake, house) = (Fake::start().await, House::default());
    let fay = || FakeUser::new("fay-1").with_email(FAY, true);
    let allowing = |sign_ups| {
        let even_answers = time::Duration::ZERO;
        let unconfirmed = Unconfirmed::Allow;
        Policy { sign_ups, unconfirmed, even_answers, ..Policy::default() }
    };
    for sign_ups in [SignUps::Invited, SignUps::Closed] {
        each_world_with(
            |builder| with_sso(fake.known(builder.policy(allowing(sign_ups)))),
            async |world| {
                waits_in_the_domain(&world, FAY).await;
                let mut browser = world.browser();
                let page = fake.arrive(&mut browser, fay()).await;
                assert_eq!(page.url.query(), Some("notice=provider-no-account"));
                assert_eq!(browser.get("/").await.body, "hello stranger at /");
                assert!(!found(&world, FAY).await.unwrap().email_verified(), "{sign_ups:?}");
            },
        )
        .await;
    }
    each_world_with(
        |builder| with_sso(fake.known(house.known(builder.policy(allowing(SignUps::Open))))),
        async |world| {
            waits_in_the_domain(&world, FAY).await;
            for mood in BAD {
                house.at_sign_up(mood);
                let mut browser = world.browser();
                let page = fake.arrive(&mut browser, fay()).await;
                is_turned_away(&mut browser, &page, mood).await;
                assert!(!found(&world, FAY).await.unwrap().email_verified(), "{mood:?}");
            }
            house.at_sign_up(Mood::Kind);
            house.asked();
            let page = fake.arrive(&mut world.browser(), fay()).await;
            assert_eq!(page.body, format!("hello {FAY} at /"));
            assert_eq!(house.asked()[0], format!("{FAY} Provider(\"fake\") None None"));
        },
    )
    .await;
}
