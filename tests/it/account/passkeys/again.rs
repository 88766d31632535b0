//! A passkey of somebody who is logged in, and proves it again.

use std::net::IpAddr;

use super::*;
use crate::account::second_factor::App;
use crate::support::statements::counted;

const AGAIN: &str = "/login/again";
const STALE: Duration = Duration::minutes(6);
const MALLORY: &str = "mallory@example.test";

/// The question, on the way to a sensitive page.
async fn asked(browser: &mut Browser) -> Page {
    let page = browser.get(SETTINGS).await;
    assert_eq!(page.location().unwrap().path(), AGAIN);
    browser.follow(page).await
}

/// Posts an answer, as the page's script does.
async fn answer(browser: &mut Browser, page: &Page, answer: &str) -> Page {
    browser.submit(page, &[("credential", answer)]).await
}

async fn is_stale(browser: &mut Browser) -> bool {
    browser.get(SETTINGS).await.location().is_some_and(|to| to.path() == AGAIN)
}

/// A page's options, with no credential named: what a page of somebody else's might ask.
fn open(page: &Page) -> String {
    let mut options: serde_json::Value = serde_json::from_str(&options_on(page)).unwrap();
    options["allowCredentials"] = serde_json::json!([]);
    options.to_string()
}

#[tokio::test]
async fn a_passkey_is_asked_for_beside_the_password_and_freshens_the_session() {
    each_world(async |world| {
        let mut passkey = user_with_passkey(&world, ALICE).await;
        let mut browser = world.browser();
        come_in(&mut browser, &mut passkey).await;
        world.clock.advance(STALE);
        let page = asked(&mut browser).await;
        assert!(page.has("password") && page.has("passkey") && !page.has("no-way"));
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("/login/passkey.js"), "{policy}");
        let thief = browser.clone();
        let signed = passkey.get(&options_on(&page)).unwrap();
        let done = answer(&mut browser, &page, &signed).await;
        assert_eq!(done.location().unwrap().path(), SETTINGS);
        assert!(done.set_cookie("passkey-again").unwrap().ends_with("Max-Age=0"));
        assert_eq!(browser.follow(done).await.status, StatusCode::OK);
        assert_ne!(browser.cookies["session"], thief.cookies["session"], "under a new token");
        assert_eq!(thief.clone().get("/").await.body, "hello stranger at /");
        let log = donjon::audit::AuditLog::new(&world.store);
        let told = log.query().action("session.reauthenticate").newest(9).await.unwrap();
        assert_eq!(told.entries.len(), 1);

        // Without script the password still does.
        world.clock.advance(STALE);
        let page = asked(&mut browser).await;
        let done = browser.submit(&page, &[("password", PASSWORD)]).await;
        assert_eq!(done.location().unwrap().path(), SETTINGS);
    })
    .await;
}

#[tokio::test]
async fn who_has_a_passkey_only_is_asked_for_that() {
    each_world(async |world| {
        let accounts = world.accounts.accounts();
        accounts.create(ALICE, None, Default::default(), true).await.unwrap();
        let mut passkey = SoftPasskey::at(ORIGIN);
        give(&world, ALICE, &mut passkey).await;
        let mut browser = world.browser();
        come_in(&mut browser, &mut passkey).await;
        world.clock.advance(STALE);
        let page = asked(&mut browser).await;
        let typed = ["password", "code", "submit", "no-way"];
        assert!(page.has("passkey") && typed.iter().all(|id| !page.has(id)), "{}", page.body);
        assert!(page.body.contains("A passkey needs JavaScript"), "{}", page.body);
        for nothing in ["", "e30", "{}"] {
            assert_eq!(answer(&mut browser, &page, nothing).await.status, REFUSED);
        }
        let page = browser.get(AGAIN).await;
        let signed = passkey.get(&options_on(&page)).unwrap();
        let done = answer(&mut browser, &page, &signed).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER);
        assert!(!is_stale(&mut browser).await);
    })
    .await;
}

#[tokio::test]
async fn it_does_beside_an_app_too() {
    each_world(async |world| {
        let accounts = world.accounts.accounts();
        accounts.create(ALICE, None, Default::default(), true).await.unwrap();
        let mut passkey = SoftPasskey::at(ORIGIN);
        give(&world, ALICE, &mut passkey).await;
        let mut browser = world.browser();
        come_in(&mut browser, &mut passkey).await;
        let app = App::set_up(&world, &mut browser).await;
        world.clock.advance(STALE);
        let page = asked(&mut browser).await;
        assert!(page.has("passkey") && page.has("code") && !page.has("password"));
        let done = browser.submit(&page, &[("code", &app.code(&world))]).await;
        assert_eq!(done.location().unwrap().path(), SETTINGS);
        world.clock.advance(STALE);
        let page = asked(&mut browser).await;
        let signed = passkey.get(&options_on(&page)).unwrap();
        assert_eq!(answer(&mut browser, &page, &signed).await.status, StatusCode::SEE_OTHER);
    })
    .await;
}

#[tokio::test]
async fn an_answer_to_another_question_freshens_nothing_and_this_one_logs_nobody_in() {
    each_world(async |world| {
        let mut passkey = user_with_passkey(&world, ALICE).await;
        let (mut browser, mut second) = (world.browser(), world.browser());
        come_in(&mut browser, &mut passkey).await;
        let creation = options_on(&browser.get(SETTINGS).await);
        world.clock.advance(STALE);
        let page = asked(&mut browser).await;
        let login = browser.get("/login?return_to=%2F").await;
        let verify = pending(&mut second, ALICE).await;
        browser.cookies.insert("passkey-verify".into(), second.cookies["passkey-verify"].clone());
        let registration = SoftPasskey::at(ORIGIN).create(&creation).unwrap();
        for (which, elsewhere) in [
            ("login", passkey.get(&options_on(&login)).unwrap()),
            ("second step", passkey.get(&options_on(&verify)).unwrap()),
            ("registration", registration),
        ] {
            assert_eq!(answer(&mut browser, &page, &elsewhere).await.status, REFUSED, "{which}");
            assert!(is_stale(&mut browser).await, "{which}");
        }
        // The other way round, with whatever cookies there are.
        let page = browser.get(AGAIN).await;
        let signed = passkey.get(&options_on(&page)).unwrap();
        let question = browser.cookies["passkey-again"].clone();
        for name in ["passkey-again", "passkey-login", "passkey-verify", "passkey-register"] {
            second.cookies.insert(name.into(), question.clone());
        }
        let fields = [("credential", signed.as_str())];
        assert_eq!(second.post("/login", &fields).await.status, REFUSED);
        for name in ["passkey-login", "passkey-verify"] {
            second.cookies.insert(name.into(), question.clone());
        }
        assert_eq!(second.post(VERIFY, &fields).await.status, REFUSED);
        assert_eq!(second.get("/").await.body, "hello stranger at /");
        assert_eq!(answer(&mut browser, &page, &signed).await.status, StatusCode::SEE_OTHER);
    })
    .await;
}

#[tokio::test]
async fn an_answer_is_good_once_in_the_session_that_was_asked() {
    each_world(async |world| {
        let mut passkey = user_with_passkey(&world, ALICE).await;
        let (mut here, mut there) = (world.browser(), world.browser());
        come_in(&mut here, &mut passkey).await;
        world.clock.advance(Duration::SECOND);
        come_in(&mut there, &mut passkey).await;
        world.clock.advance(STALE);
        let page = asked(&mut here).await;
        asked(&mut there).await;
        let signed = passkey.get(&options_on(&page)).unwrap();
        // Another session of the same user, even with the cookie of the question.
        assert_eq!(answer(&mut there, &page, &signed).await.status, REFUSED);
        there.cookies.insert("passkey-again".into(), here.cookies["passkey-again"].clone());
        assert_eq!(answer(&mut there, &page, &signed).await.status, REFUSED);
        assert!(is_stale(&mut there).await);

        let question = here.cookies["passkey-again"].clone();
        assert_eq!(answer(&mut here, &page, &signed).await.status, StatusCode::SEE_OTHER);
        world.clock.advance(STALE);
        here.cookies.insert("passkey-again".into(), question);
        assert_eq!(answer(&mut here, &page, &signed).await.status, REFUSED, "it was answered");
        assert!(is_stale(&mut here).await);
    })
    .await;
}

#[tokio::test]
async fn somebody_elses_passkey_freshens_nothing() {
    each_world(async |world| {
        let mut alices = user_with_passkey(&world, ALICE).await;
        let mut mallorys = user_with_passkey(&world, MALLORY).await;
        let mut browser = world.browser();
        come_in(&mut browser, &mut alices).await;
        world.clock.advance(STALE);
        let page = asked(&mut browser).await;
        assert!(mallorys.get(&options_on(&page)).is_err(), "a browser would not even ask it");
        let signed = mallorys.get(&open(&page)).unwrap();
        assert_eq!(answer(&mut browser, &page, &signed).await.status, REFUSED);
        assert!(is_stale(&mut browser).await);
        assert_eq!(browser.get("/").await.body, hello(ALICE));
    })
    .await;
}

#[tokio::test]
async fn a_key_that_verifies_nobody_is_not_enough() {
    each_world(async |world| {
        world.user(ALICE).await;
        let mut key = SoftPasskey::at(ORIGIN).without_user_verification();
        give(&world, ALICE, &mut key).await;
        let mut browser = world.browser();
        let page = pending(&mut browser, ALICE).await;
        assert_eq!(verify(&mut browser, &page, &mut key).await.body, hello(ALICE));
        world.clock.advance(STALE);
        let page = asked(&mut browser).await;
        // It was left in the computer, and whoever found that has a finger to touch it.
        assert!(key.get(&options_on(&page)).is_err());
        let weaker = options_on(&page).replace("\"required\"", "\"preferred\"");
        let signed = key.get(&weaker).unwrap();
        let refused = answer(&mut browser, &page, &signed).await;
        assert_eq!(refused.status, REFUSED);
        assert!(refused.body.contains("That passkey didn’t work."), "{}", refused.body);
        assert!(is_stale(&mut browser).await);
        let done = browser.submit(&refused, &[("password", PASSWORD)]).await;
        assert_eq!(done.location().unwrap().path(), SETTINGS);
    })
    .await;
}

/// As in a browser that is trusted to do without the key: no login asks for it, and none is fresh.
#[tokio::test]
async fn who_has_only_a_key_that_verifies_nobody_may_choose_a_password() {
    each_world(async |world| {
        let accounts = world.accounts.accounts();
        accounts.create(ALICE, None, Default::default(), true).await.unwrap();
        let mut key = SoftPasskey::at(ORIGIN).without_user_verification();
        give(&world, ALICE, &mut key).await;
        let mut browser = world.browser();
        browser.get(&format!("/other-door?{ALICE}")).await;
        world.clock.advance(STALE);
        let page = asked(&mut browser).await;
        assert!(page.has("passkey") && page.has("by-link") && !page.has("no-way"));
        let ask = browser.get(&page.link("Choose a password by mail")).await;
        assert_eq!(ask.value_of("email"), ALICE);
        browser.submit(&ask, &[]).await;
        let mails = world.mails_to(ALICE).await;
        let link = mails[0].text.lines().find(|line| line.starts_with("http")).unwrap();
        let open = browser.get(link).await;
        browser.submit(&open, &[("password", PASSWORD)]).await;
        let page = pending(&mut browser, ALICE).await;
        assert_eq!(verify(&mut browser, &page, &mut key).await.body, hello(ALICE));
        world.clock.advance(STALE);
        let page = asked(&mut browser).await;
        assert!(page.has("password") && !page.has("set-password"), "{}", page.body);
        let done = browser.submit(&page, &[("password", PASSWORD)]).await;
        assert_eq!(done.location().unwrap().path(), SETTINGS);

        // One that verifies its user does, and is all that is asked for.
        accounts.create(MALLORY, None, Default::default(), true).await.unwrap();
        let mut passkey = SoftPasskey::at(ORIGIN);
        give(&world, MALLORY, &mut passkey).await;
        let mut browser = world.browser();
        come_in(&mut browser, &mut passkey).await;
        world.clock.advance(STALE);
        let page = asked(&mut browser).await;
        assert!(page.has("passkey") && !page.has("set-password"), "{}", page.body);
    })
    .await;
}

#[tokio::test]
async fn guesses_at_passkeys_here_lock_codes_and_passkeys_at_the_login() {
    each_world(async |world| {
        let mut passkey = user_with_passkey(&world, ALICE).await;
        let mut foreign = user_with_passkey(&world, MALLORY).await;
        let mut browser = world.browser();
        come_in(&mut browser, &mut passkey).await;
        let app = App::set_up(&world, &mut browser).await;
        world.clock.advance(STALE);
        world.mails_to(ALICE).await;
        let page = asked(&mut browser).await;
        for _ in 0..5 {
            let signed = foreign.get(&open(&page)).unwrap();
            assert_eq!(answer(&mut browser, &page, &signed).await.status, REFUSED);
        }
        let page = browser.get(AGAIN).await;
        let signed = passkey.get(&options_on(&page)).unwrap();
        assert_eq!(answer(&mut browser, &page, &signed).await.status, REFUSED, "it is locked");
        assert_eq!(world.mails_to(ALICE).await.len(), 1, "and the owner told");
        let mut other = world.browser();
        assert_eq!(come_in(&mut other, &mut passkey).await.status, REFUSED);
        pending(&mut other, ALICE).await;
        let code = app.code(&world);
        assert_eq!(other.post(VERIFY, &[("code", &code)]).await.status, REFUSED);
        world.clock.advance(Duration::minutes(15));
        let page = browser.get(AGAIN).await;
        let signed = passkey.get(&options_on(&page)).unwrap();
        assert_eq!(answer(&mut browser, &page, &signed).await.status, StatusCode::SEE_OTHER);
    })
    .await;
}

#[tokio::test]
async fn a_removed_passkey_and_one_of_another_domain_are_not_asked_for() {
    each_world(async |world| {
        let mut passkey = user_with_passkey(&world, ALICE).await;
        let mut browser = world.browser();
        come_in(&mut browser, &mut passkey).await;
        world.clock.advance(STALE);
        let page = asked(&mut browser).await;
        let signed = passkey.get(&options_on(&page)).unwrap();
        let account = world.account(ALICE).await;
        let held = world.store.passkeys_of(account.id()).await.unwrap();
        let none = Effects::none();
        world
            .store
            .remove_passkey(account.id(), held[0].id, &open_ways(), &none, &none)
            .await
            .unwrap();
        assert_eq!(answer(&mut browser, &page, &signed).await.status, REFUSED);
        let page = browser.get(AGAIN).await;
        assert!(page.has("password") && !page.has("passkey"));

        let elsewhere = Passkey { rp_id: "other.example".into(), ..held[0].clone() };
        let answered = AnsweredChallenge {
            hash: Challenge::generate(&SystemRandom).hash(),
            expires_at: world.clock.now(),
        };
        world.store.add_passkey(&elsewhere, answered, None, &none).await.unwrap();
        let page = browser.get(AGAIN).await;
        assert!(page.has("password") && !page.has("passkey"), "{}", page.body);
    })
    .await;
}

#[tokio::test]
async fn who_acts_as_the_user_has_no_passkey_here() {
    each_world(async |world| {
        let mut passkey = user_with_passkey(&world, ALICE).await;
        let mut browser = world.browser();
        browser.get(&format!("/act?{ALICE}")).await;
        assert_eq!(browser.get(AGAIN).await.status, StatusCode::FORBIDDEN);
        let signed = passkey.get(&options_on(&browser.get("/login?return_to=%2F").await));
        let page = browser.post(AGAIN, &[("credential", &signed.unwrap())]).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN);
        assert_eq!(page.text_of("error"), "impersonation_forbidden");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn proving_it_again_by_a_passkey_costs_no_more_than_it_must() {
    each_world(async |world| {
        let mut passkey = user_with_passkey(&world, ALICE).await;
        let mut browser = world.browser();
        come_in(&mut browser, &mut passkey).await;
        world.clock.advance(STALE);
        asked(&mut browser).await;
        let (page, shown) = counted(browser.get(AGAIN)).await;
        assert_eq!((shown.reads(), shown.transitions()), (3, 0), "session, proofs, passkeys");
        let signed = passkey.get(&options_on(&page)).unwrap();
        let (done, right) = counted(answer(&mut browser, &page, &signed)).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER);
        assert_eq!((right.reads(), right.transitions()), (2, 3), "…; begin, use, rotate");
    })
    .await;
}

/// Whatever is done with passkeys: no network asks more of us than its share.
#[tokio::test]
async fn answers_of_passkeys_are_counted_with_the_logins_of_a_network() {
    each_world(async |world| {
        let mut passkey = user_with_passkey(&world, ALICE).await;
        let mut browser = world.browser();
        browser.peer = Some(IpAddr::from([192, 0, 2, 7]));
        let page = browser.get("/login").await;
        let signed = passkey.get(&options_on(&page)).unwrap();
        for _ in 0..300 {
            let page = browser.post("/login", &[("credential", "{}")]).await;
            assert_eq!(page.status, REFUSED);
        }
        let page = browser.post("/login", &[("credential", &signed)]).await;
        assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS);
        assert!(page.headers.contains_key("retry-after"));
        let mut elsewhere = browser.clone();
        elsewhere.peer = Some(IpAddr::from([198, 51, 100, 7]));
        let page = elsewhere.get("/login").await;
        let signed = passkey.get(&options_on(&page)).unwrap();
        let page = elsewhere.post("/login", &[("credential", &signed)]).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER);
    })
    .await;
}
