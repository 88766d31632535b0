//! Sessions that were opened without the second factor that there is by now: they give themselves
//! none, and take none away.

use donjon::account::AccountLayerBuilder;
use donjon::account::organization::OrganizationPolicy;

use super::*;
use crate::account::second_factor::{App, secret_on};

const ACME: &str = "/settings/organizations/acme";
const SETUP: &str = "/settings/two-factor/setup";
const RENAME: &str = "/settings/passkeys/rename";
const DELETE: &str = "/settings/passkeys/delete";

/// Sessions of Alice's, by her password and by a door of the host's.
async fn sessions(world: &World) -> [Browser; 2] {
    let mut by_door = world.browser();
    by_door.get(&format!("/other-door?{ALICE}")).await;
    [world.logged_in(ALICE).await, by_door]
}

#[track_caller]
fn asks_for_the_second_factor(page: &Page) {
    let location = page.location().unwrap_or_else(|| panic!("{}", page.body));
    assert!(location.query().unwrap_or_default().contains("factor=second"), "{location}");
}

#[tokio::test]
async fn a_session_without_the_second_factor_adds_no_passkey_though_it_is_fresh() {
    each_world(async |world| {
        world.user(ALICE).await;
        let mut opened = Vec::new();
        for mut session in sessions(&world).await {
            // Asked while there was nothing to be asked for.
            let page = session.get(SETTINGS).await;
            let answer = SoftPasskey::at(ORIGIN).create(&options_on(&page)).unwrap();
            opened.push((session, answer));
        }
        let mut owner = world.logged_in(ALICE).await;
        App::set_up(&world, &mut owner).await;
        let found = world.accounts.accounts().find_by_email(ALICE).await.unwrap();
        let id = found.unwrap().id().clone();
        let organizations = world.accounts.organizations();
        let acme = organizations.create(&"Acme".parse().unwrap(), Some("acme"), &id).await.unwrap();
        organizations.require_second_factor(acme.id, true).await.unwrap();

        world.clock.advance(Duration::minutes(6));
        for (session, answer) in &mut opened {
            let page = session.get("/login/again").await;
            let fresh = session.submit(&page, &[("password", PASSWORD)]).await;
            assert_eq!(fresh.status, StatusCode::SEE_OTHER);
            let fields =
                [("id", "x"), ("name", "mine"), ("credential", answer), ("code", "000000")];
            for path in [SETTINGS, RENAME, DELETE, SETUP] {
                asks_for_the_second_factor(&session.get(path).await);
                asks_for_the_second_factor(&session.post(path, &fields).await);
            }
            asks_for_the_second_factor(&session.get(ACME).await);
        }
        assert!(world.store.passkeys_of(&id).await.unwrap().is_empty());
        assert!(world.mails_to(ALICE).await.is_empty());

        // A program is told in words of its own.
        let (program, _) = &mut opened[0];
        program.accept = "application/json";
        let page = program.get(SETTINGS).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN);
        assert!(page.body.contains("second_factor_required"), "{}", page.body);
    })
    .await;
}

#[tokio::test]
async fn nor_does_it_take_a_passkey_away_or_set_up_an_app_beside_it() {
    each_world(async |world| {
        world.user(ALICE).await;
        let mut opened = Vec::new();
        for mut session in sessions(&world).await {
            let secret = secret_on(&session.get(SETUP).await);
            opened.push((session, secret));
        }
        let mut passkey = SoftPasskey::at(ORIGIN);
        give(&world, ALICE, &mut passkey).await;
        let found = world.accounts.accounts().find_by_email(ALICE).await.unwrap();
        let user = found.unwrap().id().clone();
        let key = world.store.passkeys_of(&user).await.unwrap()[0].id.to_string();
        for (session, secret) in &mut opened {
            let code = secret.code_at(world.clock.now());
            for path in [DELETE, RENAME, SETUP] {
                let fields = [("id", key.as_str()), ("name", "mine"), ("code", &code)];
                asks_for_the_second_factor(&session.post(path, &fields).await);
                asks_for_the_second_factor(&session.get(path).await);
            }
        }
        assert_eq!(world.store.passkeys_of(&user).await.unwrap()[0].name, "given");
        assert!(world.store.find_second_factor(&user).await.unwrap().is_none());

        // Who used it does as they like, and then there is nothing to be asked for.
        let mut browser = world.browser();
        come_in(&mut browser, &mut passkey).await;
        assert_eq!(browser.get(SETUP).await.status, StatusCode::OK);
        browser.post(DELETE, &[("id", &key)]).await;
        assert!(world.store.passkeys_of(&user).await.unwrap().is_empty());
        let mut session = world.logged_in(ALICE).await;
        assert_eq!(session.get(SETTINGS).await.status, StatusCode::OK);
    })
    .await;
}

#[tokio::test]
async fn a_browser_that_is_trusted_logs_in_without_the_second_factor_and_changes_none() {
    each_world(async |world| {
        let mut passkey = user_with_passkey(&world, ALICE).await;
        let mut browser = world.browser();
        let page = pending(&mut browser, ALICE).await;
        let answer = passkey.get(&options_on(&page)).unwrap();
        browser.post(VERIFY, &[("credential", &answer), ("trust", "1")]).await;
        browser.cookies.retain(|name, _| name == "device");
        assert_eq!(log_in(&mut browser, ALICE, PASSWORD).await.body, hello(ALICE));
        // Whoever has the computer and the password would come to stay.
        let found = world.accounts.accounts().find_by_email(ALICE).await.unwrap();
        let user = found.unwrap().id().clone();
        let key = world.store.passkeys_of(&user).await.unwrap()[0].id.to_string();
        for path in [SETTINGS, SETUP, DELETE, RENAME] {
            asks_for_the_second_factor(&browser.post(path, &[("id", &key), ("name", "x")]).await);
            asks_for_the_second_factor(&browser.get(path).await);
        }
        assert_eq!(world.store.passkeys_of(&user).await.unwrap()[0].id.to_string(), key);
        // Its owner shows the passkey, and goes on.
        let page = browser.get(SETTINGS).await;
        let page = browser.follow(page).await;
        let answer = passkey.get(&options_on(&page)).unwrap();
        let page = browser.submit(&page, &[("credential", &answer)]).await;
        let page = browser.follow(page).await;
        assert_eq!((page.status, page.url.path()), (StatusCode::OK, SETTINGS), "{}", page.body);
    })
    .await;
}

/// The host decides whose word for it counts: here that of a provider which says so by nothing.
#[tokio::test]
async fn a_provider_that_says_nothing_of_factors_stands_for_none_though_it_is_believed() {
    let policy =
        OrganizationPolicy { vouched_factors: Some(Vec::new()), ..OrganizationPolicy::default() };
    let change = |builder: AccountLayerBuilder| {
        builder.passkeys(Passkeys::default()).organizations(policy.clone())
    };
    each_world_at(ORIGIN, change, async |world| {
        world.user(ALICE).await;
        give(&world, ALICE, &mut SoftPasskey::at(ORIGIN)).await;
        let mut by_door = world.browser();
        by_door.get(&format!("/other-door?{ALICE}")).await;
        asks_for_the_second_factor(&by_door.get(SETTINGS).await);
    })
    .await;
}

/// As after the host has turned passkeys off, or moved to another domain.
#[tokio::test]
async fn who_has_passkeys_that_cannot_be_used_here_is_not_led_round_and_round() {
    let change = |builder: AccountLayerBuilder| builder;
    each_world_at(ORIGIN, change, async |world| {
        world.user(ALICE).await;
        give(&world, ALICE, &mut SoftPasskey::at(ORIGIN)).await;
        let mut by_door = world.browser();
        by_door.get(&format!("/other-door?{ALICE}")).await;
        let page = by_door.get(SETUP).await;
        asks_for_the_second_factor(&page);
        let page = by_door.follow(page).await;
        assert_eq!((page.status, page.url.path()), (StatusCode::OK, "/login/again"));
        assert!(page.has("code") && !page.has("passkey"), "{}", page.body);
        assert_eq!(by_door.submit(&page, &[("code", "000000")]).await.status, REFUSED);
    })
    .await;
}
