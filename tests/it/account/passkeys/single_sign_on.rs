//! Passkeys of users whose organization enforces single sign-on.

use super::*;
use crate::account::single_sign_on::{
    BOB, OLGA, acme, enforced, sends_to_login, set, who, with_sso,
};

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

#[tokio::test]
async fn the_last_owner_who_comes_in_all_the_same_keeps_a_passkey() {
    use donjon::store::{BreakGlassChange, SsoMode};

    let change = |builder: AccountLayerBuilder| with_sso(builder.passkeys(Passkeys::default()));
    each_world_at(ORIGIN, change, async |world| {
        let mut passkey = user_with_passkey(&world, OLGA).await;
        let id = acme(&world).await;
        let account = world.account(OLGA).await;
        let mut olga = world.browser();
        olga.get(&format!("/vouched?{OLGA}")).await;
        // Only who used the passkey that there is adds another.
        let step_up = "/login/again?factor=second";
        let page = olga.get(step_up).await;
        let answer = passkey.get(&options_on(&page)).unwrap();
        olga.post(step_up, &[("credential", &answer)]).await;
        add(&mut olga, &mut SoftPasskey::at(ORIGIN), "another").await;
        let organizations = world.accounts.organizations();
        let told = organizations.name_break_glass(id, account.id(), true).await.unwrap();
        assert_eq!(told, BreakGlassChange::Done);
        set(&world, id, SsoMode::Enforced).await;
        let held = world.store.passkeys_of(account.id()).await.unwrap();
        for (passkey, goes) in [(&held[0], true), (&held[1], false)] {
            let id = passkey.id.to_string();
            let page = olga.post("/settings/passkeys/delete", &[("id", &id)]).await;
            assert_eq!(page.location().is_some(), goes, "{}", page.body);
            let said = page.body.contains("you are the only owner who comes in");
            assert_eq!((page.status == REFUSED, said), (!goes, !goes), "{}", page.body);
        }
        assert_eq!(world.store.passkeys_of(account.id()).await.unwrap().len(), 1);
    })
    .await;
}
