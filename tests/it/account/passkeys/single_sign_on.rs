//! Passkeys of users whose organization enforces single sign-on.

use super::*;
use crate::account::single_sign_on::{BOB, enforced, sends_to_login, who, with_sso};

#[tokio::test]
async fn a_passkey_does_not_lead_past_the_identity_provider() {
    let change = |builder: AccountLayerBuilder| with_sso(builder.passkeys(Passkeys::default()));
    each_world_at(ORIGIN, change, async |world| {
        let mut passkey = user_with_passkey(&world, BOB).await;
        enforced(&world).await;
        world.clock.advance(Duration::SECOND);
        let mut browser = world.browser();
        let page = come_in(&mut browser, &mut passkey).await;
        assert!(sends_to_login(&page), "{}", page.url);
        assert_eq!(who(&mut browser).await, "hello stranger at /");
    })
    .await;
}
