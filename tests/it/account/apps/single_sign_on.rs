//! Apps of users whose organization enforces single sign-on.

use donjon::store::SsoMode;

use super::*;
use crate::account::single_sign_on::{BOB, acme, set, with_sso};
use crate::account::world::VOUCHED_AT;

#[tokio::test]
async fn an_app_is_let_in_by_who_came_by_the_provider_and_by_nobody_else() {
    each_world_over(
        |store, clock, builder| with_sso(builder.apps(&apps_over(store, clock))),
        async |world| {
            let apps = apps_over(&world.store, world.clock.clone());
            let id = acme(&world).await;
            let mut by_password = world.logged_in(BOB).await;
            let mut by_provider = world.browser();
            by_provider.get(&format!("/vouched?{BOB}")).await;
            let ends = on_the_phone(&world, &mut by_password).await;
            let stays = on_the_phone(&world, &mut by_provider).await;
            let early = code(&mut by_password, &ask(&[])).await;
            set(&world, id, SsoMode::Enforced).await;
            assert!(!opens(&apps, &ends).await && opens(&apps, &stays).await);
            assert!(refresh(&world, &ends.refresh()).await.is_refused("invalid_grant"));
            let stays = refresh(&world, &stays.refresh()).await;
            assert!(opens(&apps, &stays).await, "{stays:?}");
            assert!(exchange(&world, &early).await.is_refused("invalid_grant"));
            // Another provider's users are let in by it, from then on by none but it.
            let organizations = world.accounts.organizations();
            let domain = crate::account::single_sign_on::DOMAIN;
            organizations.grant_domain(id, domain, "/saml/new/login").await.unwrap();
            assert!(!opens(&apps, &stays).await, "it came by {VOUCHED_AT}");
            assert!(refresh(&world, &stays.refresh()).await.is_refused("invalid_grant"));
        },
    )
    .await;
}
