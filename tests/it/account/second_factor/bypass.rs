//! Ways around the second factor that somebody with the password might try.

use donjon::account::password::{HashCost, PoolSize};
use donjon::account::{AccountLayer, Policy, Unconfirmed};
use donjon::session::SessionLayer;
use donjon::store::Effects;
use futures_util::future::join_all;
use tower::{Layer as _, service_fn};

use super::*;
use crate::account::world::{ALICE, ORIGIN, each_world, each_world_with, hello};

const STRANGER: &str = "hello stranger at /";

/// The same application in another process, which shares nothing but the store and the keys.
fn another_process(world: &World) -> Browser {
    let accounts = AccountLayer::builder(&world.store, &world.keyring, ORIGIN)
        .hash_cost(HashCost { memory: 64, passes: 1, lanes: 1 })
        .pool_size(PoolSize { workers: 2, queue: 64 })
        .clock(world.clock.clone())
        .build()
        .unwrap();
    let sessions = SessionLayer::new(world.store.clone(), &world.keyring)
        .base_url(ORIGIN)
        .unwrap()
        .clock(world.clock.clone());
    Browser::new(sessions.layer(accounts.layer(service_fn(hello))), ORIGIN)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_opens_once_in_all_processes_together() {
    each_world(async |world| {
        let app = App::of(&world, ALICE).await;
        for code in [&app.code(&world), &app.codes[0]] {
            let mut browsers = Vec::new();
            for process in [world.browser(), another_process(&world)] {
                for _ in 0..2 {
                    let mut browser = process.another();
                    pending(&mut browser, ALICE).await;
                    browsers.push(browser);
                }
            }
            let tries = browsers.iter_mut().map(|browser| async {
                browser.post(VERIFY, &[("code", code)]).await;
                browser.get("/").await.body
            });
            let seen = join_all(tries).await;
            let inside = seen.iter().filter(|body| *body != STRANGER).count();
            assert_eq!(inside, 1, "{code}: {seen:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn no_code_of_an_earlier_time_opens_after_a_later_one_whatever_the_clock_says() {
    each_world(async |world| {
        let app = App::of(&world, ALICE).await;
        let (earlier, now) = (app.code(&world), app.next_code(&world));
        // The app of somebody whose clock is fast.
        let later = app.next_code(&world);
        world.clock.advance(-Duration::seconds(30));
        let mut owner = world.browser();
        pending(&mut owner, ALICE).await;
        assert_eq!(verify(&mut owner, &later).await.body, format!("hello {ALICE} at /"));

        let mut thief = world.browser();
        pending(&mut thief, ALICE).await;
        for code in [&later, &now, &earlier] {
            assert_eq!(verify(&mut thief, code).await.status, REFUSED);
        }
        // Somebody sets the clock back, to when the code was good.
        world.clock.advance(-Duration::seconds(30));
        pending(&mut thief, ALICE).await;
        assert_eq!(verify(&mut thief, &earlier).await.status, REFUSED);
        assert_eq!(thief.get("/").await.body, STRANGER);
        world.clock.advance(Duration::seconds(60));
        pending(&mut thief, ALICE).await;
        let next = app.next_code(&world);
        assert_eq!(verify(&mut thief, &next).await.body, format!("hello {ALICE} at /"));
    })
    .await;
}

/// The cookie of one step is sealed for that step.
#[tokio::test]
async fn no_step_is_skipped_by_calling_its_cookie_another() {
    each_world(async |world| {
        App::of(&world, ALICE).await;
        let mut thief = world.browser();
        pending(&mut thief, ALICE).await;
        let waiting = thief.cookies["pending-login"].clone();
        let chosen = [("password", "a password of the thief's own")];
        for (name, path) in [
            ("pending-password", "/login/password"),
            ("keep-account", "/keep-account"),
            ("device", "/login"),
            ("session", "/settings"),
            ("registration", "/confirm"),
        ] {
            let mut browser = world.browser();
            browser.cookies.insert(name.into(), waiting.clone());
            browser.post(path, &chosen).await;
            browser.get(path).await;
            assert_eq!(browser.get("/").await.body, STRANGER, "{name}");
        }
        pending(&mut thief, ALICE).await;
    })
    .await;
}

#[tokio::test]
async fn a_reset_and_a_registration_over_the_account_lead_to_the_code_all_the_same() {
    each_world(async |world| {
        App::of(&world, ALICE).await;
        let mut browser = world.browser();
        let fields = [("email", ALICE), ("password", "a password of the thief's own")];
        let page = browser.get("/register").await;
        browser.submit(&page, &fields).await;
        assert_eq!(browser.get("/").await.body, STRANGER);
        pending(&mut browser, ALICE).await;
        world.mails_to(ALICE).await;

        // Who reads the mail has one factor.
        let mut reader = world.browser();
        let link = world.reset_link(ALICE).await;
        let page = reader.get(&link).await;
        let page = reader.submit(&page, &[("password", "another good password")]).await;
        reader.follow(page).await;
        assert_eq!(reader.get("/").await.body, STRANGER);
        let page = log_in(&mut reader, ALICE, "another good password").await;
        assert_eq!(page.url.path(), VERIFY);
        assert_eq!(reader.get("/settings/two-factor").await.location().unwrap().path(), "/login");
    })
    .await;
}

/// Where addresses may wait to be confirmed: whoever reads the mail has one factor.
#[tokio::test]
async fn a_confirmation_opens_nothing_to_who_has_a_second_factor() {
    let policy = Policy {
        unconfirmed: Unconfirmed::Allow,
        even_answers: Duration::ZERO,
        ..Policy::default()
    };
    each_world_with(
        |builder| builder.policy(policy),
        async |world| {
            let mut owner = world.browser();
            let page = owner.get("/register").await;
            owner.submit(&page, &[("email", ALICE), ("password", PASSWORD)]).await;
            let link = world.link_to(ALICE).await;
            log_in(&mut owner, ALICE, PASSWORD).await;
            App::set_up(&world, &mut owner).await;
            let mut reader = world.browser();
            let page = reader.get(&link).await;
            let page = reader.submit(&page, &[("password", PASSWORD)]).await;
            assert_eq!(page.location().unwrap().path(), "/login");
            assert_eq!(reader.get("/").await.body, STRANGER);
            pending(&mut reader, ALICE).await;
        },
    )
    .await;
}

#[tokio::test]
async fn turning_it_off_and_on_again_leaves_no_login_that_waits() {
    each_world(async |world| {
        world.user(ALICE).await;
        let mut owner = world.logged_in(ALICE).await;
        let app = App::set_up(&world, &mut owner).await;
        let mut thief = world.browser();
        pending(&mut thief, ALICE).await;
        let page = owner.post("/settings/two-factor/disable", &[("code", &app.codes[0])]).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.body);
        for code in [&app.code(&world), &app.codes[1]] {
            let page = thief.clone().post(VERIFY, &[("code", code)]).await;
            assert_eq!(page.location().unwrap().path(), "/login");
        }
        let other = App::set_up(&world, &mut owner).await;
        for code in [&app.code(&world), &other.code(&world), &other.codes[0]] {
            let page = thief.clone().post(VERIFY, &[("code", code)]).await;
            assert_eq!(page.location().unwrap().path(), "/login");
        }
        assert_eq!(thief.get("/").await.body, STRANGER);
    })
    .await;
}

#[tokio::test]
async fn an_account_that_is_disabled_while_a_login_waits_stays_shut() {
    each_world(async |world| {
        let app = App::of(&world, ALICE).await;
        let accounts = world.accounts.accounts();
        let account = accounts.find_by_email(ALICE).await.unwrap().unwrap();
        let (id, none) = (account.id(), Effects::none());
        accounts.require_password_change(id, &donjon::account::By::system()).await.unwrap();
        let mut choosing = world.browser();
        pending(&mut choosing, ALICE).await;
        let page = verify(&mut choosing, &app.codes[0]).await;
        assert_eq!(page.url.path(), "/login/password");
        let mut waiting = world.browser();
        pending(&mut waiting, ALICE).await;

        world.store.disable_account(id, &none, world.clock.now()).await.unwrap();
        let late = waiting.post(VERIFY, &[("code", &app.code(&world))]).await;
        assert_eq!(late.location().unwrap().path(), "/login");
        let chosen = [("password", "another one, and a good one")];
        let late = choosing.submit(&page, &chosen).await;
        assert_eq!(late.location().unwrap().path(), "/login");
        world.store.enable_account(id, &none).await.unwrap();
        for browser in [&mut waiting, &mut choosing] {
            assert_eq!(browser.get("/").await.body, STRANGER);
        }
        pending(&mut world.browser(), ALICE).await;
    })
    .await;
}

/// What a session may do does not make it another user's, and a trusted browser trusts one.
#[tokio::test]
async fn what_was_proven_for_one_user_is_worth_nothing_for_another_in_the_same_browser() {
    const MALLORY: &str = "mallory@example.test";
    each_world(async |world| {
        let (alices, mallorys) = (App::of(&world, ALICE).await, App::of(&world, MALLORY).await);
        let mut browser = world.browser();
        let page = pending(&mut browser, MALLORY).await;
        let trusting = [("code", mallorys.codes[0].as_str()), ("trust", "1")];
        let page = browser.submit(&page, &trusting).await;
        assert_eq!(browser.follow(page).await.body, format!("hello {MALLORY} at /"));
        // Over the session of the one, with the password of the other.
        let fields = [("email", ALICE), ("password", PASSWORD)];
        let page = browser.post("/login", &fields).await;
        assert_eq!(page.location().unwrap().path(), VERIFY);
        assert_eq!(browser.get("/").await.body, format!("hello {MALLORY} at /"), "until then");
        for code in [&mallorys.codes[1], &mallorys.code(&world)] {
            assert_eq!(browser.post(VERIFY, &[("code", code)]).await.status, REFUSED);
        }
        let page = verify(&mut browser, &alices.codes[0]).await;
        assert_eq!(page.body, format!("hello {ALICE} at /"));
    })
    .await;
}
