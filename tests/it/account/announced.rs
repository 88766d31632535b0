//! What is written in the audit log is announced by `tracing`, where a host's alarms listen: all of
//! it, once, and nothing that was not written.

use donjon::account::{Policy, Unconfirmed};
use time::Duration;

use super::second_factor::{App, VERIFY};
use super::world::{ALICE, PASSWORD, World, each_world, each_world_with, log_in};
use crate::support::browser::Browser;
use crate::support::heard::Ears;

const WRONG: &str = "not the password of anybody";
const BOB: &str = "bob@example.test";

/// A browser that was never here, in this network.
fn stranger(world: &World, address: &str) -> Browser {
    let mut browser = world.browser();
    browser.peer = Some(address.parse().unwrap());
    world.clock.advance(Duration::SECOND);
    browser
}

async fn fail(world: &World, email: &str, times: u32) {
    for _ in 0..times {
        let mut browser = world.browser();
        let fields = [("email", email), ("password", WRONG)];
        browser.post("/login", &fields).await;
    }
}

#[tokio::test]
async fn lockouts_and_strange_logins_are_announced() {
    each_world(async |world| {
        let ears = Ears::open();
        world.user(ALICE).await;
        for address in ["192.0.2.1", "192.0.2.1", "203.0.113.7"] {
            let page = log_in(&mut stranger(&world, address), ALICE, PASSWORD).await;
            assert_eq!(page.body, format!("hello {ALICE} at /"));
        }
        fail(&world, ALICE, Policy::default().lockout.attempts + 3).await;
        fail(&world, "nobody@example.test", Policy::default().lockout.attempts + 3).await;
        for (action, times) in [
            ("account.create", 1),
            ("session.new_device", 1),
            ("session.suspicious", 1),
            ("account.lock", 1),
        ] {
            assert_eq!(ears.count(action), times, "{action}");
        }
        ears.have_heard_all(&world.store).await;
    })
    .await;
}

#[tokio::test]
async fn sign_ups_and_links_are_announced_as_often_as_they_are_written() {
    let blocking = Policy { unconfirmed: Unconfirmed::Block, ..Policy::default() };
    let policy = Policy { even_answers: Duration::ZERO, ..blocking };
    each_world_with(
        |builder| builder.policy(policy),
        async |world| {
            let ears = Ears::open();
            let fields = [("email", BOB), ("password", PASSWORD)];
            for _ in 0..policy.link_requests.times + 2 {
                world.browser().post("/register", &fields).await;
            }
            for path in ["/confirm/resend", "/forgot-password", "/login/link"] {
                for email in [BOB, "nobody@example.test"] {
                    for _ in 0..policy.link_requests.times + 1 {
                        world.browser().post(path, &[("email", email)]).await;
                    }
                }
            }
            world.clock.advance(Duration::HOUR);
            // Refused, and the link to confirm is mailed anew.
            world.browser().post("/login", &fields).await;
            assert!(ears.count("account.register") > 1);
            assert!(ears.count("account.link_request") > 3);
            ears.have_heard_all(&world.store).await;
        },
    )
    .await;
}

#[tokio::test]
async fn an_address_that_is_taken_from_somebody_is_announced() {
    each_world(async |world| {
        let ears = Ears::open();
        world.user(ALICE).await;
        world.browser().post("/register", &[("email", BOB), ("password", PASSWORD)]).await;
        let accounts = world.accounts.accounts();
        let alice = accounts.find_by_email(ALICE).await.unwrap().unwrap();
        accounts.change_email(alice.id(), BOB).await.unwrap();
        assert_eq!(ears.count("account.email_change"), 2);
        ears.have_heard_all(&world.store).await;
    })
    .await;
}

#[tokio::test]
async fn locked_codes_and_strange_second_factors_are_announced() {
    each_world(async |world| {
        let ears = Ears::open();
        let app = App::of(&world, ALICE).await;
        for (address, code) in
            [("192.0.2.1", app.next_code(&world)), ("203.0.113.7", app.codes[0].clone())]
        {
            let mut browser = stranger(&world, address);
            log_in(&mut browser, ALICE, PASSWORD).await;
            let page = browser.post(VERIFY, &[("code", &code)]).await;
            assert_eq!(browser.follow(page).await.body, format!("hello {ALICE} at /"));
        }
        let mut thief = stranger(&world, "198.51.100.9");
        log_in(&mut thief, ALICE, PASSWORD).await;
        for _ in 0..Policy::default().second_factor_lockout.attempts + 2 {
            thief.post(VERIFY, &[("code", "000000")]).await;
        }
        assert_eq!(ears.count("session.suspicious"), 2);
        assert_eq!(ears.count("mfa.lock"), 1);
        ears.have_heard_all(&world.store).await;
    })
    .await;
}

#[tokio::test]
async fn a_strange_login_by_a_mailed_link_is_announced() {
    each_world(async |world| {
        let ears = Ears::open();
        world.user(ALICE).await;
        for address in ["192.0.2.1", "203.0.113.7"] {
            let mut browser = stranger(&world, address);
            let page = browser.get("/login/link").await;
            browser.submit(&page, &[("email", ALICE)]).await;
            let page = browser.get(&world.link_to(ALICE).await).await;
            browser.submit(&page, &[]).await;
        }
        assert_eq!(ears.count("session.suspicious"), 1);
        ears.have_heard_all(&world.store).await;
    })
    .await;
}
