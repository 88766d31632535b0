//! Confirming an address by the six digits that came with the link.

use time::Duration;

use super::*;
use crate::account::world::{ALICE, PASSWORD, World, each_world, log_in};
use crate::support::browser::{Browser, Page};

async fn sign_up(world: &World, email: &str) -> (Browser, Page) {
    let mut browser = world.browser();
    let page = browser.post("/register", &[("email", email), ("password", PASSWORD)]).await;
    assert!(page.has("code"), "{}", page.body);
    (browser, page)
}

async fn mailed(world: &World, email: &str) -> String {
    let mails = world.mails_to(email).await;
    digits(mails.last().unwrap())
}

async fn enter(browser: &mut Browser, code: &str, password: &str) -> Page {
    let fields = [("email", ALICE), ("code", code), ("password", password)];
    browser.post("/confirm", &fields).await
}

async fn is_confirmed(world: &World) -> bool {
    world.account(ALICE).await.email_verified()
}

#[tokio::test]
async fn the_digits_in_the_mail_confirm_in_the_browser_that_signed_up() {
    each_world(async |world| {
        let (mut browser, _) = sign_up(&world, ALICE).await;
        let mails = world.mails_to(ALICE).await;
        let code = digits(&mails[0]);
        let spaced = format!(" {} {}", &code[..3], &code[3..]);
        let page = enter(&mut browser, &spaced, "").await;
        let page = browser.follow(page).await;
        assert!(page.body.contains("Your email address is confirmed."), "{}", page.body);
        assert!(is_confirmed(&world).await);
        // Link and code are one, and used up.
        assert_eq!(enter(&mut browser, &code, "").await.status, REFUSED);
        let link = mails[0].text.lines().find(|line| line.starts_with("http")).unwrap();
        assert_eq!(browser.get(link).await.status, StatusCode::GONE);
    })
    .await;
}

#[tokio::test]
async fn five_wrong_codes_void_the_code_and_more_mails_give_no_more_tries() {
    each_world(async |world| {
        let (mut browser, _) = sign_up(&world, ALICE).await;
        let code = mailed(&world, ALICE).await;
        for _ in 0..5 {
            assert_eq!(enter(&mut browser, &other(&code), "").await.status, REFUSED);
        }
        assert_eq!(enter(&mut browser, &code, "").await.status, REFUSED, "the sixth try");
        browser.post("/confirm/resend", &[("email", ALICE)]).await;
        let code = mailed(&world, ALICE).await;
        assert_eq!(enter(&mut browser, &code, "").await.status, REFUSED, "of the next code");
        assert!(!is_confirmed(&world).await);
        world.clock.advance(Duration::HOUR);
        assert_eq!(enter(&mut browser, &code, "").await.status, StatusCode::SEE_OTHER);
    })
    .await;
}

#[tokio::test]
async fn a_code_is_its_users_and_replaced_by_the_next() {
    each_world(async |world| {
        let (mut browser, _) = sign_up(&world, ALICE).await;
        let first = mailed(&world, ALICE).await;
        let mallory = "mallory@example.test";
        sign_up(&world, mallory).await;
        let foreign = mailed(&world, mallory).await;
        let page = browser.post("/confirm/resend", &[("email", ALICE)]).await;
        let second = mailed(&world, ALICE).await;
        for wrong in [&first, &foreign] {
            if *wrong != second {
                assert_eq!(enter(&mut browser, wrong, "").await.status, REFUSED);
            }
        }
        assert!(page.has("code"));
        assert_eq!(enter(&mut browser, &second, "").await.status, StatusCode::SEE_OTHER);
    })
    .await;
}

#[tokio::test]
async fn a_stranger_who_signed_up_does_not_get_the_account_by_the_owners_code() {
    each_world(async |world| {
        sign_up(&world, ALICE).await;
        let code = mailed(&world, ALICE).await;
        // The owner types the code in a browser of her own: it takes the password, too.
        let mut alice = world.browser();
        let page = alice.get(&format!("/confirm?login_hint={ALICE}")).await;
        assert_eq!(page.value_of("email"), ALICE);
        assert!(page.has("password"));
        for password in ["", "a password of her own"] {
            assert_eq!(enter(&mut alice, &code, password).await.status, REFUSED);
        }
        assert!(!is_confirmed(&world).await);
        assert_eq!(enter(&mut alice, &code, PASSWORD).await.status, StatusCode::SEE_OTHER);
    })
    .await;
}

#[tokio::test]
async fn a_login_that_waits_for_the_confirmation_takes_the_code() {
    each_world(async |world| {
        sign_up(&world, ALICE).await;
        let mut browser = world.browser();
        let page = log_in(&mut browser, ALICE, PASSWORD).await;
        let page = browser.get(&page.link("have the message sent again")).await;
        assert!(page.has("code") && page.has("resend"));
        let code = mailed(&world, ALICE).await;
        assert_eq!(enter(&mut browser, &code, PASSWORD).await.status, StatusCode::SEE_OTHER);
        let page = log_in(&mut browser, ALICE, PASSWORD).await;
        assert_eq!(page.body, format!("hello {ALICE} at /"));
    })
    .await;
}
