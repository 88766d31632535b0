//! Somebody signs up with another's address and a password of their own, and waits for the owner
//! to press the button in the mail.

use donjon::account::passkey::Passkeys;
use donjon::account::{AccountLayerBuilder, Policy, Unconfirmed};
use donjon::store::AuditFilter;
use donjon::testing::SoftPasskey;
use http::StatusCode;
use time::Duration;

use super::second_factor::App;
use super::world::{ALICE, PASSWORD, World, each_world, each_world_at, each_world_with, log_in};
use crate::support::browser::{Browser, Page};
use crate::support::statements::counted;

const EVIL: &str = "the stranger's password";
const REFUSED: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;

async fn sign_up(browser: &mut Browser, email: &str, password: &str) {
    let page = browser.get("/register").await;
    let page = browser.submit(&page, &[("email", email), ("password", password)]).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.set_cookie("registration").is_some());
}

/// A stranger signs up with Alice's address; gives the stranger's browser and Alice's mail.
async fn hijack(world: &World) -> (Browser, String) {
    let mut stranger = world.browser();
    sign_up(&mut stranger, ALICE, EVIL).await;
    (stranger, world.link_to(ALICE).await)
}

async fn is_confirmed(world: &World) -> bool {
    world.account(ALICE).await.email_verified()
}

/// The button of the page is pressed, whatever the page asks for.
async fn press(browser: &mut Browser, link: &str, fields: &[(&str, &str)]) -> Page {
    let page = browser.get(link).await;
    browser.submit(&page, fields).await
}

#[tokio::test]
async fn a_stranger_who_signed_up_with_an_address_does_not_get_the_account_when_its_owner_confirms()
{
    each_world(async |world| {
        let (mut stranger, link) = hijack(&world).await;
        let mut alice = world.browser();
        let page = alice.get(&link).await;
        assert!(page.has("password") && page.has("submit"), "{}", page.body);
        // She presses the button, with nothing, with a password that she would have chosen, and
        // with a form that leaves the field out.
        let token = page.form().fields[0].1.clone();
        for fields in [vec![("password", "")], vec![("password", PASSWORD)], vec![]] {
            let fields = [vec![("token", token.as_str())], fields].concat();
            let page = alice.post("/confirm", &fields).await;
            assert_eq!(page.status, REFUSED);
            assert!(page.has("forgot"));
        }
        assert!(!is_confirmed(&world).await);
        let page = log_in(&mut stranger, ALICE, EVIL).await;
        assert_eq!(page.status, REFUSED, "still not let in");
        world.mails_to(ALICE).await;

        // The way out: a password of her own, which confirms the address.
        let newest = alice.get(&link).await;
        assert_eq!(newest.status, StatusCode::GONE, "the stranger's login sent a newer link");
        let page = alice.get("/forgot-password").await;
        alice.submit(&page, &[("email", ALICE)]).await;
        let page = press(&mut alice, &world.link_to(ALICE).await, &[("password", PASSWORD)]).await;
        assert!(alice.follow(page).await.body.contains("Your new password is set."));
        assert!(is_confirmed(&world).await);
        assert_eq!(log_in(&mut stranger, ALICE, EVIL).await.status, REFUSED);
        let page = log_in(&mut alice, ALICE, PASSWORD).await;
        assert_eq!(page.body, "hello alice@example.test at /");
    })
    .await;
}

#[tokio::test]
async fn the_page_that_asks_for_the_password_leads_to_choosing_another() {
    each_world(async |world| {
        let (_, link) = hijack(&world).await;
        let mut alice = world.browser();
        let page = alice.get(&link).await;
        let page = alice.get(&page.link("Choose a new password")).await;
        assert_eq!(page.value_of("email"), ALICE);
        alice.submit(&page, &[]).await;
        let page = press(&mut alice, &world.link_to(ALICE).await, &[("password", PASSWORD)]).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER);
        assert!(is_confirmed(&world).await);
        assert_eq!(alice.get(&link).await.status, StatusCode::GONE);
    })
    .await;
}

#[tokio::test]
async fn signing_up_after_the_stranger_does_not_make_the_strangers_password_hers() {
    each_world(async |world| {
        let (_, link) = hijack(&world).await;
        let mut alice = world.browser();
        sign_up(&mut alice, ALICE, PASSWORD).await;
        sign_up(&mut alice, "alice.two@example.test", PASSWORD).await;
        let page = alice.get(&link).await;
        assert!(page.has("password"), "the stranger's account is not the one she made");
        let page = alice.submit(&page, &[("password", PASSWORD)]).await;
        assert_eq!(page.status, REFUSED);
        assert!(!is_confirmed(&world).await);
    })
    .await;
}

#[tokio::test]
async fn a_stranger_who_was_let_in_unconfirmed_is_out_when_the_owner_takes_the_account() {
    let lenient = Policy { unconfirmed: Unconfirmed::Allow, ..Policy::default() };
    each_world_with(
        |builder| builder.policy(lenient),
        async |world| {
            let (mut stranger, link) = hijack(&world).await;
            let page = log_in(&mut stranger, ALICE, EVIL).await;
            assert_eq!(page.body, "hello alice@example.test at /");
            let page = press(&mut world.browser(), &link, &[("password", PASSWORD)]).await;
            assert_eq!(page.status, REFUSED);
            let link = world.reset_link(ALICE).await;
            press(&mut world.browser(), &link, &[("password", PASSWORD)]).await;
            assert!(is_confirmed(&world).await);
            assert_eq!(stranger.get("/").await.body, "hello stranger at /");
        },
    )
    .await;
}

/// The stranger has made the account so that it opens by other things than the password.
#[tokio::test]
async fn nothing_that_a_stranger_has_set_up_is_left_when_the_owner_takes_the_account() {
    let lenient = Policy { unconfirmed: Unconfirmed::Allow, ..Policy::default() };
    let origin = "http://localhost:3000";
    let change =
        |builder: AccountLayerBuilder| builder.policy(lenient).passkeys(Passkeys::default());
    each_world_at(origin, change, async |world| {
        let mut stranger = world.browser();
        sign_up(&mut stranger, ALICE, EVIL).await;
        log_in(&mut stranger, ALICE, EVIL).await;
        let mut passkey = SoftPasskey::at(origin);
        let page = stranger.get("/settings/passkeys").await;
        let answer = passkey.create(&page.data("data-options")).unwrap();
        let page = stranger.post("/settings/passkeys", &[("credential", &answer)]).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.body);
        let app = App::set_up(&world, &mut stranger).await;
        world.mails_to(ALICE).await;

        let mut alice = world.browser();
        let page = alice.get("/forgot-password").await;
        alice.submit(&page, &[("email", ALICE)]).await;
        let mails = world.mails_to(ALICE).await;
        let link = mails[0].text.lines().find(|line| line.starts_with("http")).unwrap();
        press(&mut alice, link, &[("password", PASSWORD)]).await;
        assert!(is_confirmed(&world).await);

        let page = world.browser().get("/login").await;
        let answer = passkey.get(&page.data("data-options")).unwrap();
        let page = stranger.post("/login", &[("credential", &answer)]).await;
        assert_eq!(page.status, REFUSED);
        assert_eq!(stranger.get("/").await.body, "hello stranger at /");
        // She is asked for no code of an app that is not hers.
        let page = log_in(&mut alice, ALICE, PASSWORD).await;
        assert_eq!(page.body, "hello alice@example.test at /");
        let page = alice.get("/settings/two-factor").await;
        assert!(!page.body.contains(&app.codes[0]) && !page.has("disable"), "{}", page.body);

        // What she sets up herself is hers, and another reset leaves it.
        let mut own = SoftPasskey::at(origin);
        let page = alice.get("/settings/passkeys").await;
        let answer = own.create(&page.data("data-options")).unwrap();
        alice.post("/settings/passkeys", &[("credential", &answer)]).await;
        world.mails_to(ALICE).await;
        let page = alice.get("/forgot-password").await;
        alice.submit(&page, &[("email", ALICE)]).await;
        let mails = world.mails_to(ALICE).await;
        let link = mails[0].text.lines().find(|line| line.starts_with("http")).unwrap();
        press(&mut alice, link, &[("password", "yet another password")]).await;
        let page = alice.get("/login").await;
        let answer = own.get(&page.data("data-options")).unwrap();
        alice.post("/login", &[("credential", &answer)]).await;
        assert_eq!(alice.get("/").await.body, "hello alice@example.test at /");
    })
    .await;
}

/// The host’s own door let somebody in who had not shown that the address is theirs.
#[tokio::test]
async fn a_link_takes_over_an_account_that_was_made_without_a_password() {
    let lenient = Policy { unconfirmed: Unconfirmed::Allow, ..Policy::default() };
    each_world_with(
        |builder| builder.policy(lenient),
        async |world| {
            let accounts = world.accounts.accounts();
            accounts.create(ALICE, None, Default::default(), false).await.unwrap();
            let mut stranger = world.browser();
            stranger.get(&format!("/other-door?{ALICE}")).await;
            App::set_up(&world, &mut stranger).await;

            let mut alice = world.browser();
            alice.post("/login/link", &[("email", ALICE)]).await;
            let link = world.link_to(ALICE).await;
            let page = press(&mut alice, &link, &[]).await;
            assert_eq!(alice.follow(page).await.body, "hello alice@example.test at /");
            assert!(is_confirmed(&world).await);
            assert_eq!(stranger.get("/").await.body, "hello stranger at /");
            let page = log_in_by_link(&world, &mut alice).await;
            assert_eq!(page.body, "hello alice@example.test at /", "no code is asked for");
        },
    )
    .await;
}

async fn log_in_by_link(world: &World, browser: &mut Browser) -> Page {
    world.clock.advance(Duration::minutes(20));
    browser.post("/logout", &[]).await;
    browser.post("/login/link", &[("email", ALICE)]).await;
    let link = world.link_to(ALICE).await;
    let page = press(browser, &link, &[]).await;
    browser.follow(page).await
}

/// Somebody signs up with addresses that are not theirs, and lets the accounts be.
#[tokio::test]
async fn an_account_that_nobody_confirms_goes_and_leaves_the_address() {
    each_world(async |world| {
        let accounts = world.accounts.accounts();
        let imported = "imported@example.test";
        accounts.create(imported, Some(PASSWORD), Default::default(), false).await.unwrap();
        let (mut stranger, _) = hijack(&world).await;
        let (mut bob, bobs) = (world.browser(), "bob@example.test");
        sign_up(&mut bob, bobs, PASSWORD).await;
        let page = bob.get(&world.link_to(bobs).await).await;
        bob.submit(&page, &[]).await;

        world.clock.advance(Duration::days(7) - Duration::SECOND);
        assert_eq!(world.accounts.remove_abandoned().await.unwrap(), 0);
        // Who asks for the link again has not let it be.
        stranger.post("/confirm/resend", &[("email", ALICE)]).await;
        world.clock.advance(Duration::hours(47));
        assert_eq!(world.accounts.remove_abandoned().await.unwrap(), 0);
        world.clock.advance(Duration::hours(2));
        assert_eq!(world.accounts.remove_abandoned().await.unwrap(), 1);
        assert!(accounts.find_by_email(ALICE).await.unwrap().is_none());
        for stays in [imported, bobs] {
            assert!(accounts.find_by_email(stays).await.unwrap().is_some(), "{stays}");
        }
        let filter = AuditFilter { action: Some("account.delete".into()), ..Default::default() };
        let entries = world.store.audit_entries(&filter, 10).await.unwrap();
        assert_eq!(entries.len(), 1);
        assert_eq!(entries[0].metadata["abandoned"], true);
        world.user(ALICE).await;
    })
    .await;
}

#[tokio::test]
async fn who_chose_the_password_confirms_anywhere() {
    each_world(async |world| {
        // In the browser that signed up, by one click; even after signing up once more.
        let mut home = world.browser();
        sign_up(&mut home, ALICE, PASSWORD).await;
        let link = world.link_to(ALICE).await;
        sign_up(&mut home, ALICE, PASSWORD).await;
        let page = home.get(&link).await;
        assert!(!page.has("password"));
        let page = home.submit(&page, &[]).await;
        assert!(home.follow(page).await.body.contains("Your email address is confirmed."));
        assert!(is_confirmed(&world).await);

        // In another, with the password.
        let bob = "bob@example.test";
        sign_up(&mut home, bob, PASSWORD).await;
        let link = world.link_to(bob).await;
        let mut phone = world.browser();
        let page = press(&mut phone, &link, &[("password", PASSWORD)]).await;
        assert!(phone.follow(page).await.body.contains("Your email address is confirmed."));

        // To have shown it at the login is not enough: it would be told by the cookie.
        let carol = "carol@example.test";
        sign_up(&mut home, carol, PASSWORD).await;
        world.mails_to(carol).await;
        log_in(&mut phone, carol, PASSWORD).await;
        assert!(!phone.cookies.contains_key("registration"));
        let page = phone.get(&world.link_to(carol).await).await;
        phone.submit(&page, &[("password", PASSWORD)]).await;
        let page = log_in(&mut phone, carol, PASSWORD).await;
        assert_eq!(page.body, "hello carol@example.test at /");
    })
    .await;
}

#[tokio::test]
async fn the_cookie_of_a_registration_is_for_us_alone_and_for_as_long_as_the_link() {
    each_world(async |world| {
        let mut home = world.browser();
        let page = home.post("/register", &[("email", ALICE), ("password", PASSWORD)]).await;
        let cookie = page.set_cookie("registration").unwrap();
        assert!(cookie.ends_with("; HttpOnly; SameSite=Lax; Path=/; Max-Age=172800"), "{cookie}");
        let link = world.link_to(ALICE).await;
        let real = home.cookies["registration"].clone();
        // One of ours for another purpose; one that was changed.
        world.user("mallory@example.test").await;
        let device = world.logged_in("mallory@example.test").await.cookies["device"].clone();
        let other = if real[40..].starts_with('A') { 'B' } else { 'A' };
        let changed = format!("{}{other}{}", &real[..40], &real[41..]);
        for made_up in [device, changed, "x".into()] {
            let mut forger = world.browser();
            forger.cookies.insert("registration".into(), made_up);
            assert!(forger.get(&link).await.has("password"));
        }
        // A link that was sent again later outlives the browser's part.
        world.clock.advance(Duration::hours(47));
        home.post("/confirm/resend", &[("email", ALICE)]).await;
        let link = world.link_to(ALICE).await;
        assert!(!home.get(&link).await.has("password"));
        world.clock.advance(Duration::HOUR);
        assert!(home.get(&link).await.has("password"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_at_the_link_counts_as_guessing_at_the_login_and_looks_the_same_when_locked() {
    each_world(async |world| {
        let (_, link) = hijack(&world).await;
        let mut guesser = world.browser();
        let page = guesser.get(&link).await;
        let mut answers = Vec::new();
        for _ in 0..7 {
            let guess = guesser.submit(&page, &[("password", "wrong password")]);
            let (answer, cost) = counted(guess).await;
            answers.push((answer.status, answer.headers, answer.body, cost));
        }
        let (answer, cost) = counted(guesser.submit(&page, &[("password", EVIL)])).await;
        answers.push((answer.status, answer.headers, answer.body, cost));
        assert_eq!(answers[0].0, REFUSED);
        for answer in &answers[1..] {
            assert_eq!(answer, &answers[1], "locked and wrong are the same");
        }
        let (reads, transitions) = (answers[1].3.reads(), answers[1].3.transitions());
        assert_eq!((reads, transitions), (1, 2), "the link; the attempt, and that it was refused");
        assert!(!is_confirmed(&world).await);
        let mails = world.mails_to(ALICE).await;
        assert_eq!(mails[0].subject, "We have paused logins to your account");
        let page = log_in(&mut guesser, ALICE, EVIL).await;
        assert_eq!(page.status, REFUSED, "the address is locked");

        world.clock.advance(Duration::minutes(15));
        let page = guesser.get(&link).await;
        let page = guesser.submit(&page, &[("password", EVIL)]).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER);
    })
    .await;
}
