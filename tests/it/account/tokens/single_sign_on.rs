//! API tokens of users whose organization enforces single sign-on.

use donjon::store::SsoMode;
use http::StatusCode;

use super::layer::call;
use super::*;
use crate::account::single_sign_on::{BOB, DOMAIN, acme, set, with_sso};
use crate::support::browser::Browser;
use crate::support::statements::counted;

/// A token that is made at the page.
async fn made(browser: &mut Browser) -> String {
    let fields = [("name", "Backups"), ("scope", "api:read"), ("lifetime", "30")];
    browser.post(TOKENS, &fields).await.text_of("token")
}

#[tokio::test]
async fn a_token_is_good_for_who_came_by_the_provider_and_for_nobody_else() {
    each_world_over(
        |store, clock, builder| with_sso(builder.api_tokens(&tokens_over(store, clock))),
        async |world| {
            let tokens = tokens_over(&world.store, world.clock.clone());
            let opens = async |token: &str| call(&tokens, "api:read", token).await.0.is_success();
            let id = acme(&world).await;
            let mut by_provider = world.browser();
            by_provider.get(&format!("/vouched?{BOB}")).await;
            let ends = made(&mut world.logged_in(BOB).await).await;
            let stays = made(&mut by_provider).await;
            let (host, _) = token_of(&world, &tokens, BOB).await;
            set(&world, id, SsoMode::Enforced).await;
            let (answer, cost) = counted(call(&tokens, "api:read", &ends)).await;
            assert_eq!(answer.0, StatusCode::UNAUTHORIZED);
            assert_eq!(cost.reads(), 1, "{cost:?}");
            assert!(opens(&stays).await && !opens(host.expose()).await);
            let revoked = tokens.of(&id_of(&world, BOB).await, Default::default()).await.unwrap();
            assert_eq!(revoked.len(), 1, "the others are shown as revoked");
            let organizations = world.accounts.organizations();
            organizations.grant_domain(id, DOMAIN, "/saml/next/login").await.unwrap();
            assert!(!opens(&stays).await, "it was made by users of the old one");
            set_off(&world, id).await;
            for token in [&ends, &stays] {
                assert!(!opens(token).await, "it does not come back");
            }
        },
    )
    .await;
}

async fn set_off(world: &World, id: donjon::scope::OrganizationId) {
    let organizations = world.accounts.organizations();
    organizations.set_single_sign_on(id, DOMAIN, SsoMode::Off).await.unwrap();
}
