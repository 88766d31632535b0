//! Other providers, and users whose organization enforces single sign-on.

use super::*;
use crate::account::single_sign_on::{BOB, DOMAIN, acme, enforced, sends_to_login, with_sso};
use crate::account::world::each_world_with;
use donjon::store::SsoMode;

fn bob() -> FakeUser {
    FakeUser::new("bob-1").with_email(BOB, true)
}

#[tokio::test]
async fn no_other_provider_leads_past_that_of_the_organization() {
    let fake = Fake::start().await;
    each_world_with(
        |builder| with_sso(fake.known(builder)),
        async |world| {
            // An identity that is there already, and somebody new.
            let mut browser = world.browser();
            let page = fake.arrive(&mut browser, bob()).await;
            assert_eq!(page.body, greeting(BOB));
            enforced(&world).await;
            assert_eq!(who(&mut browser).await, "hello stranger at /", "it has ended");
            let new = FakeUser::new("new-1").with_email("new@acme.example", true);
            for user in [bob(), new] {
                let mut browser = world.browser();
                let page = fake.arrive(&mut browser, user).await;
                assert!(sends_to_login(&page), "{}", page.url);
                assert_eq!(who(&mut browser).await, "hello stranger at /");
            }
            let accounts = world.accounts.accounts();
            assert!(accounts.find_by_email("new@acme.example").await.unwrap().is_none());
        },
    )
    .await;
}

#[tokio::test]
async fn a_provider_can_be_that_of_the_organization() {
    let fake = Fake::start().await;
    each_world_with(
        |builder| with_sso(fake.known(builder)),
        async |world| {
            let id = acme(&world).await;
            let organizations = world.accounts.organizations();
            organizations.grant_domain(id, DOMAIN, BEGIN).await.unwrap();
            let new = FakeUser::new("new-1").with_email("new@acme.example", true);
            let mut browser = world.browser();
            fake.arrive(&mut browser, new.clone()).await;
            let came_by = Some(BEGIN.to_owned());
            let at = donjon::crypto::Clock::now(&*world.clock);
            let (domain, mode) = (DOMAIN.to_owned(), SsoMode::Enforced);
            let new_mode =
                donjon::store::NewSsoMode { organization: id, domain, mode, came_by, at };
            let none = donjon::store::Effects::none();
            world.store.change_sso(&new_mode, None, &none).await.unwrap();
            assert_eq!(who(&mut browser).await, greeting("new@acme.example"));
            let second = FakeUser::new("new-2").with_email("second@acme.example", true);
            for user in [new, second.clone()] {
                let mut browser = world.browser();
                let page = fake.arrive(&mut browser, user).await;
                assert!(page.body.starts_with("hello "), "{}", page.body);
            }
        },
    )
    .await;
}
