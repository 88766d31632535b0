//! A passkey as the second step, beside a password.

use super::*;
use crate::account::second_factor::{App, methods};

const MALLORY: &str = "mallory@example.test";

#[tokio::test]
async fn a_login_takes_the_password_and_a_passkey() {
    each_world(async |world| {
        let mut passkey = user_with_passkey(&world, ALICE).await;
        let mut browser = world.browser();
        let page = pending(&mut browser, ALICE).await;
        assert!(page.has("passkey") && !page.has("code") && page.has("trust"));
        assert_eq!(browser.get("/").await.body, "hello stranger at /");
        assert_eq!(verify(&mut browser, &page, &mut passkey).await.body, hello(ALICE));
        assert_eq!(methods(&world, ALICE).await[0], ["pwd", "hwk", "user", "mfa"]);
        assert!(!browser.cookies.contains_key("pending-login"));
    })
    .await;
}

#[tokio::test]
async fn who_has_an_app_too_takes_either() {
    each_world(async |world| {
        world.user(ALICE).await;
        let mut settled = world.logged_in(ALICE).await;
        let app = App::set_up(&world, &mut settled).await;
        let mut passkey = SoftPasskey::at(ORIGIN);
        add(&mut settled, &mut passkey, "").await;
        let mut browser = world.browser();
        let page = pending(&mut browser, ALICE).await;
        assert!(page.has("passkey") && page.has("code"));
        assert_eq!(verify(&mut browser, &page, &mut passkey).await.body, hello(ALICE));
        world.clock.advance(Duration::SECOND);
        let mut browser = world.browser();
        pending(&mut browser, ALICE).await;
        let page = browser.post(VERIFY, &[("code", &app.code(&world))]).await;
        assert_eq!(browser.follow(page).await.body, hello(ALICE));
        assert_eq!(methods(&world, ALICE).await[0], ["pwd", "otp", "mfa"]);

        // Without the app the passkey still stands before the account.
        settled.post("/settings/two-factor/disable", &[("code", &app.codes[0])]).await;
        let mails = world.mails_to(ALICE).await;
        let last = mails.last().unwrap();
        assert_eq!(last.subject, "Your authenticator app was removed", "{mails:?}");
        let page = pending(&mut world.browser(), ALICE).await;
        assert!(page.has("passkey") && page.has("code"), "and so do the other backup codes");
    })
    .await;
}

#[tokio::test]
async fn a_key_without_a_pin_is_enough_beside_a_password_and_not_instead_of_it() {
    each_world(async |world| {
        world.user(ALICE).await;
        let mut key = SoftPasskey::at(ORIGIN).without_user_verification();
        give(&world, ALICE, &mut key).await;
        let mut browser = world.browser();
        let page = pending(&mut browser, ALICE).await;
        assert_eq!(verify(&mut browser, &page, &mut key).await.body, hello(ALICE));
        // A browser that is told another wish than ours.
        let mut browser = world.browser();
        let options = options_on(&browser.get("/login").await);
        assert!(key.get(&options).is_err(), "{options}");
        let weaker = options.replace("\"required\"", "\"preferred\"");
        let answer = key.get(&weaker).unwrap();
        let page = browser.post("/login", &[("credential", &answer)]).await;
        assert_eq!(page.status, REFUSED);
        assert_eq!(browser.get("/").await.body, "hello stranger at /");
    })
    .await;
}

#[tokio::test]
async fn a_second_step_takes_a_passkey_of_its_own_user_only() {
    each_world(async |world| {
        let mut alices = user_with_passkey(&world, ALICE).await;
        let mut mallorys = user_with_passkey(&world, MALLORY).await;
        let (mut alice, mut mallory) = (world.browser(), world.browser());
        let page = pending(&mut alice, ALICE).await;
        let mallorys_page = pending(&mut mallory, MALLORY).await;
        // Mallory has Alice's password, and an authenticator of their own.
        assert!(mallorys.get(&options_on(&page)).is_err(), "a browser would not even ask it");
        let open = |page: &Page| {
            let mut options: serde_json::Value = serde_json::from_str(&options_on(page)).unwrap();
            options["allowCredentials"] = serde_json::json!([]);
            options.to_string()
        };
        let answer = mallorys.get(&open(&page)).unwrap();
        let fields = [("credential", answer.as_str())];
        assert_eq!(alice.post(VERIFY, &fields).await.status, REFUSED);
        // Nor does Alice's passkey, tricked into answering, complete Mallory's login.
        let answer = alices.get(&open(&mallorys_page)).unwrap();
        let page = mallory.post(VERIFY, &[("credential", &answer)]).await;
        assert_eq!(page.status, REFUSED);
        assert_eq!(mallory.get("/").await.body, "hello stranger at /");
        let page = alice.get(VERIFY).await;
        assert_eq!(verify(&mut alice, &page, &mut alices).await.body, hello(ALICE));
    })
    .await;
}

#[tokio::test]
async fn an_answer_to_one_question_is_none_to_another() {
    each_world(async |world| {
        let mut passkey = user_with_passkey(&world, ALICE).await;
        let mut browser = world.browser();
        let login = options_on(&browser.get("/login").await);
        let page = pending(&mut browser, ALICE).await;
        let second = options_on(&page);
        assert_ne!(login, second);
        let to_login = passkey.get(&login).unwrap();
        assert_eq!(browser.post(VERIFY, &[("credential", &to_login)]).await.status, REFUSED);
        let to_second = passkey.get(&second).unwrap();
        assert_eq!(browser.post("/login", &[("credential", &to_second)]).await.status, REFUSED);
        // Neither does one cookie do for the other.
        let swapped = browser.cookies["passkey-verify"].clone();
        browser.cookies.insert("passkey-login".into(), swapped);
        assert_eq!(browser.post("/login", &[("credential", &to_second)]).await.status, REFUSED);
        assert_eq!(browser.get("/").await.body, "hello stranger at /");
    })
    .await;
}

#[tokio::test]
async fn guesses_at_codes_lock_passkeys_and_the_other_way_round() {
    each_world(async |world| {
        world.user(ALICE).await;
        let mut settled = world.logged_in(ALICE).await;
        let app = App::set_up(&world, &mut settled).await;
        let (mut passkey, mut foreign) = (SoftPasskey::at(ORIGIN), SoftPasskey::at(ORIGIN));
        add(&mut settled, &mut passkey, "").await;
        world.user(MALLORY).await;
        give(&world, MALLORY, &mut foreign).await;
        world.mails_to(ALICE).await;

        let mut thief = world.browser();
        let page = pending(&mut thief, ALICE).await;
        let open = options_on(&page).replace("\"allowCredentials\":[{", "\"x\":[{");
        for _ in 0..3 {
            assert_eq!(thief.post(VERIFY, &[("code", "000000")]).await.status, REFUSED);
        }
        for _ in 0..2 {
            let answer = foreign.get(&open).unwrap();
            assert_eq!(thief.post(VERIFY, &[("credential", &answer)]).await.status, REFUSED);
        }
        let page = thief.get(VERIFY).await;
        assert_eq!(verify(&mut thief, &page, &mut passkey).await.status, REFUSED, "it is locked");
        let code = app.code(&world);
        assert_eq!(thief.post(VERIFY, &[("code", &code)]).await.status, REFUSED);
        let mut other = world.browser();
        assert_eq!(come_in(&mut other, &mut passkey).await.status, REFUSED);
        let mails = world.mails_to(ALICE).await;
        assert_eq!(mails.len(), 1, "{mails:?}");
        assert_eq!(mails[0].subject, "Somebody has your password");

        world.clock.advance(Duration::minutes(15));
        assert_eq!(come_in(&mut other, &mut passkey).await.body, hello(ALICE));
    })
    .await;
}

#[tokio::test]
async fn a_browser_is_trusted_by_a_passkey_until_the_last_factor_is_gone() {
    each_world(async |world| {
        let mut passkey = user_with_passkey(&world, ALICE).await;
        let mut home = world.browser();
        let page = pending(&mut home, ALICE).await;
        let answer = passkey.get(&options_on(&page)).unwrap();
        let page = home.post(VERIFY, &[("credential", &answer), ("trust", "1")]).await;
        assert_eq!(home.follow(page).await.body, hello(ALICE));
        let mut away = home.clone();
        away.cookies.retain(|name, _| name == "device");
        assert_eq!(log_in(&mut away.clone(), ALICE, PASSWORD).await.body, hello(ALICE));

        let page = home.get(SETTINGS).await;
        let id = page.body.split("name=\"id\" value=\"").nth(1).unwrap();
        let id = id.split('"').next().unwrap().to_owned();
        home.post("/settings/passkeys/delete", &[("id", &id)]).await;
        add(&mut home, &mut SoftPasskey::at(ORIGIN), "another").await;
        pending(&mut away, ALICE).await;
    })
    .await;
}
