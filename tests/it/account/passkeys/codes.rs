//! Backup codes of who has passkeys and no app.

use super::*;
use crate::account::second_factor::{App, codes_on, methods};

const FACTORS: &str = "/settings/two-factor";
const CODES: &str = "/settings/two-factor/backup-codes";

/// Answers what the page asks; gives the codes that are shown then.
async fn make(browser: &mut Browser, passkey: &mut SoftPasskey) -> Vec<String> {
    let page = browser.get(FACTORS).await;
    let answer = passkey.get(&options_on(&page)).unwrap();
    let page = browser.post(CODES, &[("credential", &answer)]).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    codes_on(&page)
}

#[tokio::test]
async fn who_has_passkeys_and_no_app_gets_backup_codes_too() {
    each_world(async |world| {
        let mut passkey = user_with_passkey(&world, ALICE).await;
        let mut settled = world.browser();
        come_in(&mut settled, &mut passkey).await;
        // None are asked for before there are some.
        let page = pending(&mut world.browser(), ALICE).await;
        assert!(!page.has("code"));
        let codes = make(&mut settled, &mut passkey).await;
        assert_eq!(codes.len(), 10);

        // The passkey is lost: the password and a code come in, once.
        world.clock.advance(Duration::SECOND);
        let mut browser = world.browser();
        let page = pending(&mut browser, ALICE).await;
        assert!(page.has("passkey") && page.has("code"));
        assert!(page.body.contains("one of your backup codes"), "{}", page.body);
        let page = browser.post(VERIFY, &[("code", &codes[0])]).await;
        assert_eq!(browser.follow(page).await.body, hello(ALICE));
        assert_eq!(methods(&world, ALICE).await[0], ["pwd", "otp", "mfa"]);
        assert_eq!(browser.get(FACTORS).await.text_of("codes-left"), "9 left");
        let mut thief = world.browser();
        pending(&mut thief, ALICE).await;
        assert_eq!(thief.post(VERIFY, &[("code", &codes[0])]).await.status, REFUSED);

        // New ones take the place of the old ones.
        let fresh = make(&mut settled, &mut passkey).await;
        assert_eq!(thief.post(VERIFY, &[("code", &codes[1])]).await.status, REFUSED);
        let page = thief.post(VERIFY, &[("code", &fresh[1])]).await;
        assert_eq!(thief.follow(page).await.body, hello(ALICE));
    })
    .await;
}

#[tokio::test]
async fn they_are_counted_with_passkeys_and_lift_a_session_too() {
    each_world(async |world| {
        let mut passkey = user_with_passkey(&world, ALICE).await;
        let mut settled = world.browser();
        come_in(&mut settled, &mut passkey).await;
        let codes = make(&mut settled, &mut passkey).await;
        world.clock.advance(Duration::SECOND);
        let mut vouched = world.browser();
        vouched.get(&format!("/vouched?{ALICE}")).await;
        let step = "/login/again?factor=second";
        assert!(vouched.get(step).await.has("code"));
        let page = vouched.post(step, &[("code", &codes[0])]).await;
        assert_eq!(page.location().unwrap().path(), "/");
        assert_eq!(methods(&world, ALICE).await[0], ["fed", "otp", "mfa"]);

        let mut thief = world.browser();
        let page = pending(&mut thief, ALICE).await;
        for _ in 0..5 {
            assert_eq!(thief.post(VERIFY, &[("code", "AAAAA-AAAAA")]).await.status, REFUSED);
        }
        assert_eq!(thief.post(VERIFY, &[("code", &codes[1])]).await.status, REFUSED);
        assert_eq!(verify(&mut thief, &page, &mut passkey).await.status, REFUSED);
    })
    .await;
}

#[tokio::test]
async fn they_take_a_passkey_of_the_user_in_this_session_and_go_with_the_last_one() {
    each_world(async |world| {
        let mut passkey = user_with_passkey(&world, ALICE).await;
        let mut mallorys = user_with_passkey(&world, "mallory@example.test").await;
        let mut browser = world.browser();
        come_in(&mut browser, &mut passkey).await;
        let page = browser.get(FACTORS).await;
        let open = options_on(&page).replace("\"allowCredentials\":[{", "\"x\":[{");
        let foreign = mallorys.get(&open).unwrap();
        for fields in [[("credential", foreign.as_str())], [("credential", "")], [("code", "1")]] {
            let page = browser.post(CODES, &fields).await;
            assert!(codes_on(&page).is_empty(), "{}", page.body);
        }
        // An answer to another question is none to this.
        let step = browser.get("/login/again?factor=second").await;
        assert_eq!(step.location().unwrap().path(), "/", "who came by a passkey has shown it");
        let codes = make(&mut browser, &mut passkey).await;
        assert!(!world.browser().post(CODES, &[]).await.has("codes"));

        // With an app the codes are the app's; without it they stand in for the passkey again.
        let app = App::set_up(&world, &mut browser).await;
        let mut thief = world.browser();
        pending(&mut thief, ALICE).await;
        assert_eq!(thief.post(VERIFY, &[("code", &codes[2])]).await.status, REFUSED);
        browser.post("/settings/two-factor/disable", &[("code", &app.codes[0])]).await;
        let page = thief.post(VERIFY, &[("code", &app.codes[1])]).await;
        assert_eq!(page.location().unwrap().path(), "/login", "it began with the app");
        pending(&mut thief, ALICE).await;
        let page = thief.post(VERIFY, &[("code", &app.codes[1])]).await;
        assert_eq!(thief.follow(page).await.body, hello(ALICE));

        let account = world.account(ALICE).await;
        let id = world.store.passkeys_of(account.id()).await.unwrap()[0].id.to_string();
        browser.post("/settings/passkeys/delete", &[("id", &id)]).await;
        // The password alone opens, and nothing of the codes is left.
        world.logged_in(ALICE).await;
        assert!(world.store.find_second_factor(account.id()).await.unwrap().is_none());
        let page = browser.get(FACTORS).await;
        assert!(page.has("two-factor-off") && !page.has("passkey-codes"));
    })
    .await;
}
