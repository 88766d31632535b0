//! A passkey as the second factor of a session that was opened without it.

use super::*;
use crate::account::second_factor::methods;

const MALLORY: &str = "mallory@example.test";
const STEP: &str = "/login/again?factor=second&return_to=%2Freports";

async fn vouched(world: &World, email: &str) -> Browser {
    let mut browser = world.browser();
    browser.get(&format!("/vouched?{email}")).await;
    browser
}

/// Answers what the page asks.
async fn answer(browser: &mut Browser, passkey: &mut SoftPasskey) -> Page {
    let page = browser.get(STEP).await;
    let answer = passkey.get(&options_on(&page)).unwrap();
    browser.post(STEP, &[("credential", &answer)]).await
}

#[tokio::test]
async fn a_session_gets_the_passkey_that_its_user_shows() {
    each_world(async |world| {
        world.user(ALICE).await;
        let mut key = SoftPasskey::at(ORIGIN).without_user_verification();
        give(&world, ALICE, &mut key).await;
        let mut browser = vouched(&world, ALICE).await;
        let page = browser.get(STEP).await;
        assert!(page.has("passkey") && !page.has("code") && page.has("trust"));
        let before = browser.cookies["session"].clone();
        let page = answer(&mut browser, &mut key).await;
        assert_eq!(page.location().unwrap().path(), "/reports", "{}", page.body);
        assert_ne!(browser.cookies["session"], before);
        assert_eq!(methods(&world, ALICE).await[0], ["fed", "hwk", "user", "mfa"]);
        assert!(!browser.cookies.contains_key("passkey-step-up"));
    })
    .await;
}

#[tokio::test]
async fn an_answer_is_good_for_one_session_of_one_user_once_and_for_nothing_else() {
    each_world(async |world| {
        let mut passkey = user_with_passkey(&world, ALICE).await;
        let mut mallorys = user_with_passkey(&world, MALLORY).await;
        let (mut one, mut other) = (vouched(&world, ALICE).await, vouched(&world, ALICE).await);
        let page = one.get(STEP).await;
        let open = options_on(&page).replace("\"allowCredentials\":[{", "\"x\":[{");
        let foreign = mallorys.get(&open).unwrap();
        assert_eq!(one.post(STEP, &[("credential", &foreign)]).await.status, REFUSED);

        let page = one.get(STEP).await;
        let good = passkey.get(&options_on(&page)).unwrap();
        let fields = [("credential", good.as_str())];
        // In another session, even with the cookie of the one that asked.
        other.cookies.insert("passkey-step-up".into(), one.cookies["passkey-step-up"].clone());
        assert_eq!(other.post(STEP, &fields).await.status, REFUSED);
        // And no proof of who is there anew.
        world.clock.advance(Duration::minutes(6));
        let step_up = one.cookies["passkey-step-up"].clone();
        one.cookies.insert("passkey-again".into(), step_up);
        assert_eq!(one.post("/login/again", &fields).await.status, REFUSED);
        assert_eq!(one.post(STEP, &fields).await.location().unwrap().path(), "/reports");
        let mut again = vouched(&world, ALICE).await;
        again.cookies.insert("passkey-step-up".into(), other.cookies["passkey-step-up"].clone());
        assert_eq!(again.post(STEP, &fields).await.status, REFUSED, "it was answered before");
    })
    .await;
}

#[tokio::test]
async fn who_acts_as_the_user_shows_no_passkey() {
    each_world(async |world| {
        let mut passkey = user_with_passkey(&world, ALICE).await;
        let mut alice = vouched(&world, ALICE).await;
        let page = alice.get(STEP).await;
        let good = passkey.get(&options_on(&page)).unwrap();
        let mut administrator = alice.clone();
        administrator.get(&format!("/act?{ALICE}")).await;
        let page = administrator.post(STEP, &[("credential", &good)]).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN);
    })
    .await;
}

#[tokio::test]
async fn a_browser_is_trusted_by_a_passkey_beside_a_session_too() {
    each_world(async |world| {
        let mut passkey = user_with_passkey(&world, ALICE).await;
        let mut home = vouched(&world, ALICE).await;
        let page = home.get(STEP).await;
        let good = passkey.get(&options_on(&page)).unwrap();
        // Not by an answer that was none.
        let (mut thief, wrong) = (home.clone(), [("credential", "{}"), ("trust", "1")]);
        assert_eq!(thief.post(STEP, &wrong).await.status, REFUSED);
        assert!(!thief.cookies.contains_key("device"));
        let page = home.post(STEP, &[("credential", good.as_str()), ("trust", "1")]).await;
        assert_eq!(page.location().unwrap().path(), "/reports", "{}", page.body);
        home.cookies.remove("session");
        home.get(&format!("/vouched?{ALICE}")).await;
        assert_eq!(home.get(STEP).await.location().unwrap().path(), "/reports");
        // It goes with the passkey, though another follows.
        let account = world.accounts.accounts().find_by_email(ALICE).await.unwrap().unwrap();
        let id = world.store.passkeys_of(account.id()).await.unwrap()[0].id.to_string();
        let mut owner = world.browser();
        come_in(&mut owner, &mut passkey).await;
        owner.post("/settings/passkeys/delete", &[("id", &id)]).await;
        give(&world, ALICE, &mut SoftPasskey::at(ORIGIN)).await;
        for name in ["session", "passkey-step-up"] {
            home.cookies.remove(name);
        }
        home.get(&format!("/vouched?{ALICE}")).await;
        assert!(home.get(STEP).await.has("passkey"));
    })
    .await;
}
