//! A passkey that was copied, of the last owner who comes in although single sign-on is enforced.

use donjon::delivery::Message;
use donjon::store::{BreakGlassChange, PasskeyRemoval, SsoMode};

use super::*;
use crate::account::second_factor::codes_on;
use crate::account::single_sign_on::{BOB, OLGA, acme, set, who, with_sso};
use crate::support::heard::Ears;

const GLASS: &str = "/login/break-glass";
const FACTORS: &str = "/settings/two-factor";
const CODES: &str = "/settings/two-factor/backup-codes";

/// Gets to where the second step is asked for.
async fn with_password(browser: &mut Browser) -> Page {
    let page = browser.get(GLASS).await;
    let page = browser.submit(&page, &[("email", OLGA), ("password", PASSWORD)]).await;
    browser.follow(page).await
}

async fn with_passkey(browser: &mut Browser, passkey: &mut SoftPasskey) -> Page {
    let page = with_password(browser).await;
    let answer = passkey.get(&options_on(&page)).unwrap();
    browser.post(VERIFY, &[("credential", &answer)]).await
}

#[tokio::test]
async fn a_copied_passkey_of_the_last_owner_who_comes_in_opens_nothing_and_locks_nobody_out() {
    let passkeys = Passkeys::default().sign_count(SignCountPolicy::Revoke);
    let change = |builder: AccountLayerBuilder| with_sso(builder.passkeys(passkeys.clone()));
    each_world_at(ORIGIN, change, async |world| {
        let ears = Ears::open();
        let mut passkey = user_with_passkey(&world, OLGA).await;
        let id = acme(&world).await;
        let accounts = world.accounts.accounts();
        let olga = accounts.find_by_email(OLGA).await.unwrap().unwrap();
        let organizations = world.accounts.organizations();
        let named = organizations.name_break_glass(id, olga.id(), true).await.unwrap();
        assert_eq!(named, BreakGlassChange::Done);
        let bob = accounts.find_by_email(BOB).await.unwrap().unwrap();
        let owner = donjon::scope::MemberRole::OWNER;
        organizations.change_role(id, bob.id(), &owner).await.unwrap();
        set(&world, id, SsoMode::Enforced).await;
        world.clock.advance(Duration::HOUR);

        passkey.set_sign_count(100);
        let mut settled = world.browser();
        with_passkey(&mut settled, &mut passkey).await;
        assert_eq!(who(&mut settled).await, hello(OLGA));
        let page = settled.get(FACTORS).await;
        let answer = passkey.get(&options_on(&page)).unwrap();
        let codes = codes_on(&settled.post(CODES, &[("credential", &answer)]).await);
        world.mails_to("nobody@x.example").await;

        // The copy was made before; it goes on counting.
        world.clock.advance(Duration::SECOND);
        let mut thief = world.browser();
        passkey.set_sign_count(50);
        assert_eq!(with_passkey(&mut thief, &mut passkey).await.status, REFUSED);
        let mails = world.all_mails().await;
        for (to, subject) in [
            (OLGA, "One of your passkeys may have been copied"),
            (BOB, "A passkey that opens Acme may have been copied"),
        ] {
            let told = |mail: &&Message| mail.to == to && mail.subject == subject;
            let times = mails.iter().filter(told).count();
            assert_eq!(times, 1, "{to}: {mails:?}");
        }
        assert_eq!((ears.count("passkey.suspect"), ears.count("passkey.remove")), (2, 0));
        let page = with_password(&mut thief).await;
        assert_eq!(page.url.path(), VERIFY, "the password alone is not enough");
        assert!(!page.has("passkey"), "it is not asked for any more");
        let held = world.store.passkeys_of(olga.id()).await.unwrap();
        assert!(held.len() == 1 && held[0].suspended_at.is_some(), "{held:?}");
        assert!(settled.get(SETTINGS).await.body.contains("May have been copied: refused"));
        assert_eq!(who(&mut thief).await, "hello stranger at /");

        // A code opens; and with something better the passkey goes.
        let mut rescued = world.browser();
        with_password(&mut rescued).await;
        let page = rescued.post(VERIFY, &[("code", &codes[0])]).await;
        assert_eq!(rescued.follow(page).await.body, hello(OLGA));
        let mut other = SoftPasskey::at(ORIGIN);
        give(&world, OLGA, &mut other).await;
        let open = open_ways();
        let none = Effects::none();
        let gone = world.store.remove_passkey(olga.id(), held[0].id, &open, &none, &none).await;
        assert!(matches!(gone, Ok(PasskeyRemoval::Removed { last_factor: false, .. })), "{gone:?}");
        let mut browser = world.browser();
        with_passkey(&mut browser, &mut other).await;
        assert_eq!(who(&mut browser).await, hello(OLGA));
    })
    .await;
}
