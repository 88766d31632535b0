//! The pages where a user sees to the second factor.

use time::Duration;

use super::*;
use crate::account::world::{ALICE, each_world};

const STATUS: &str = "/settings/two-factor";
const CODES: &str = "/settings/two-factor/backup-codes";
const DISABLE: &str = "/settings/two-factor/disable";

#[tokio::test]
async fn setting_up_shows_a_picture_a_key_and_the_codes_once() {
    each_world(async |world| {
        world.user(ALICE).await;
        let mut browser = world.logged_in(ALICE).await;
        assert!(browser.get(STATUS).await.has("two-factor-off"));
        let page = browser.get(SETUP).await;
        assert!(page.body.contains("<svg xmlns") && page.body.contains("aria-label=\"QR code"));
        let secret = secret_on(&page);
        assert_eq!(secret_on(&browser.get(SETUP).await).as_bytes(), secret.as_bytes());

        // Without a good code there is nothing.
        let page = browser.post(SETUP, &[("code", "000000")]).await;
        assert_eq!(page.status, REFUSED);
        assert_eq!(secret_on(&page).as_bytes(), secret.as_bytes());
        assert!(browser.get(STATUS).await.has("two-factor-off"));

        let code = secret.code_at(world.clock.now());
        let mut twin = browser.clone();
        let page = browser.post(SETUP, &[("code", &code)]).await;
        assert_eq!(codes_on(&page).len(), 10);
        assert_eq!(page.headers["cache-control"], "no-store");
        // The session knows of it, under a new token.
        assert_ne!(browser.cookies["session"], twin.cookies["session"]);
        twin.cookies.insert("session".to_owned(), browser.cookies["session"].clone());
        let late = twin.post(SETUP, &[("code", &code)]).await;
        assert_eq!(late.location().unwrap().path(), STATUS);
        let page = browser.get(STATUS).await;
        assert!(page.has("two-factor-on") && codes_on(&page).is_empty());
        assert_eq!(browser.get(SETUP).await.location().unwrap().path(), STATUS);
        // The code that confirmed it is used up.
        let mut other = world.browser();
        pending(&mut other, ALICE).await;
        assert_eq!(verify(&mut other, &code).await.status, REFUSED);
    })
    .await;
}

#[tokio::test]
async fn a_key_is_confirmed_by_its_own_user_in_its_own_session_within_a_quarter_of_an_hour() {
    each_world(async |world| {
        let mallory = "mallory@example.test";
        world.user(ALICE).await;
        world.user(mallory).await;
        let mut attacker = world.logged_in(mallory).await;
        let secret = secret_on(&attacker.get(SETUP).await);
        let planted = attacker.cookies["totp-setup"].clone();
        for email in [ALICE, mallory] {
            let mut victim = world.logged_in(email).await;
            victim.cookies.insert("totp-setup".into(), planted.clone());
            let code = secret.code_at(world.clock.now());
            let page = victim.post(SETUP, &[("code", &code)]).await;
            assert_eq!(page.location().unwrap().path(), SETUP, "{email}");
            assert_ne!(secret_on(&victim.follow(page).await).as_bytes(), secret.as_bytes());
        }
        world.clock.advance(Duration::minutes(15));
        let page = attacker.get(SETUP).await;
        let page = attacker.follow(page).await;
        let page = attacker.submit(&page, &[("email", mallory), ("password", PASSWORD)]).await;
        assert!(attacker.follow(page).await.has("secret"));
        attacker.cookies.insert("totp-setup".into(), planted);
        let code = secret.code_at(world.clock.now());
        let page = attacker.post(SETUP, &[("code", &code)]).await;
        assert_eq!(page.location().unwrap().path(), SETUP);
        assert!(methods(&world, mallory).await.iter().all(|methods| methods == &["pwd"]));
    })
    .await;
}

#[tokio::test]
async fn new_backup_codes_take_a_code_of_the_app() {
    each_world(async |world| {
        world.user(ALICE).await;
        let mut browser = world.logged_in(ALICE).await;
        let app = App::set_up(&world, &mut browser).await;
        for bad in [app.codes[0].as_str(), "000000", ""] {
            assert_eq!(browser.post(CODES, &[("code", bad)]).await.status, REFUSED, "{bad}");
        }
        let code = app.code(&world);
        let fresh = codes_on(&browser.post(CODES, &[("code", &code)]).await);
        assert_eq!(fresh.len(), 10);
        assert!(fresh.iter().all(|code| !app.codes.contains(code)));
        assert_eq!(browser.post(CODES, &[("code", &code)]).await.status, REFUSED, "a replay");
        let mut other = world.browser();
        pending(&mut other, ALICE).await;
        assert_eq!(verify(&mut other, &app.codes[0]).await.status, REFUSED);
        assert_eq!(verify(&mut other, &fresh[0]).await.body, format!("hello {ALICE} at /"));
    })
    .await;
}

#[tokio::test]
async fn turning_it_off_takes_a_code_of_either_kind_and_is_told() {
    each_world(async |world| {
        world.user(ALICE).await;
        let mut browser = world.logged_in(ALICE).await;
        for with_app in [true, false] {
            let app = App::set_up(&world, &mut browser).await;
            assert_eq!(browser.post(DISABLE, &[("code", "000000")]).await.status, REFUSED);
            assert!(browser.get(STATUS).await.has("two-factor-on"));
            let code = if with_app { app.code(&world) } else { app.codes[9].clone() };
            let page = browser.post(DISABLE, &[("code", &code)]).await;
            assert_eq!(page.location().unwrap().path(), STATUS);
            assert!(browser.get(STATUS).await.has("two-factor-off"));
            let mails = world.mails_to(ALICE).await;
            assert_eq!(mails[0].subject, "Two-step login was turned off");
            let page = log_in(&mut world.browser(), ALICE, PASSWORD).await;
            assert_eq!(page.body, format!("hello {ALICE} at /"));
            let page = browser.post(DISABLE, &[("code", &code)]).await;
            assert_eq!(page.location().unwrap().path(), STATUS);
        }
    })
    .await;
}

#[tokio::test]
async fn guesses_in_the_settings_and_at_the_login_are_counted_together() {
    each_world(async |world| {
        world.user(ALICE).await;
        let mut browser = world.logged_in(ALICE).await;
        let app = App::set_up(&world, &mut browser).await;
        let mut login = world.browser();
        pending(&mut login, ALICE).await;
        for (path, times) in [(CODES, 2), (DISABLE, 2), (VERIFY, 1)] {
            for _ in 0..times {
                let at = if path == VERIFY { &mut login } else { &mut browser };
                assert_eq!(at.post(path, &[("code", "000000")]).await.status, REFUSED);
            }
        }
        let code = app.code(&world);
        for path in [CODES, DISABLE] {
            assert_eq!(browser.post(path, &[("code", &code)]).await.status, REFUSED, "{path}");
        }
        assert_eq!(login.post(VERIFY, &[("code", &code)]).await.status, REFUSED);
    })
    .await;
}

#[tokio::test]
async fn everything_about_the_second_factor_takes_a_fresh_login() {
    each_world(async |world| {
        world.user(ALICE).await;
        let mut browser = world.logged_in(ALICE).await;
        let app = App::set_up(&world, &mut browser).await;
        world.clock.advance(Duration::minutes(6));
        let code = app.code(&world);
        for (mut visitor, asks) in [(browser, "/login/again"), (world.browser(), "/login")] {
            for path in [STATUS, SETUP, CODES, DISABLE] {
                let shown = visitor.get(path).await;
                let shown = visitor.follow(shown).await;
                assert_eq!(shown.url.path(), asks, "{path}");
                if path != STATUS {
                    let sent = visitor.post(path, &[("code", &code)]).await;
                    assert_eq!(sent.location().unwrap().path(), asks, "{path}");
                }
            }
        }
        let page = log_in(&mut world.browser(), ALICE, PASSWORD).await;
        assert_eq!(page.url.path(), VERIFY, "it is still on");
    })
    .await;
}
