//! Logins with browsers, and from networks, that a user is not known by.

use donjon::account::Policy;
use donjon::delivery::Message;
use donjon::store::AuditFilter;
use time::Duration;

use super::second_factor::App;
use super::world::{ALICE, PASSWORD, World, each_world, each_world_with, log_in};
use crate::support::browser::Browser;
use crate::support::statements::counted;

const HOME: &str = "192.0.2.1";
const AWAY: &str = "203.0.113.7";
const NEW_DEVICE: &str = "A login with a new device";
const STRANGE: &str = "Was this you?";
const FIREFOX: &str =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0";

async fn enter(world: &World, browser: &mut Browser, address: &str) -> Vec<Message> {
    world.clock.advance(Duration::SECOND);
    browser.peer = Some(address.parse().unwrap());
    browser.user_agent = FIREFOX;
    browser.cookies.retain(|name, _| name == "device");
    let page = log_in(browser, ALICE, PASSWORD).await;
    assert_eq!(page.body, format!("hello {ALICE} at /"), "nobody is kept out");
    world.all_mails_to(ALICE).await
}

fn subjects(mails: &[Message]) -> Vec<&str> {
    mails.iter().map(|mail| mail.subject.as_str()).collect()
}

/// The actions and devices that the log tells of, oldest first.
async fn told(world: &World) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for action in ["session.new_device", "session.suspicious"] {
        let filter = AuditFilter { action: Some(action.into()), ..AuditFilter::default() };
        all.extend(world.store.audit_entries(&filter, 10).await.unwrap());
    }
    all.sort_by_key(|entry| (entry.at, entry.id));
    let told = |entry: donjon::audit::AuditEntry| {
        (entry.action.to_string(), entry.metadata["device"].as_str().unwrap().to_owned())
    };
    all.into_iter().map(told).collect()
}

#[tokio::test]
async fn a_login_that_may_be_somebody_elses_is_told_to_its_user() {
    each_world(async |world| {
        world.user(ALICE).await;
        let mut laptop = world.browser();
        assert!(enter(&world, &mut laptop, HOME).await.is_empty(), "the very first login");
        assert!(enter(&world, &mut laptop, HOME).await.is_empty());
        // Another browser at home.
        let mails = enter(&world, &mut world.browser(), HOME).await;
        assert_eq!(subjects(&mails), [NEW_DEVICE]);
        for part in ["Firefox on Windows", HOME, "/settings/sessions"] {
            assert!(mails[0].text.contains(part) && mails[0].html.contains(part), "{part}");
        }
        // The laptop away from home: written down, but no mail.
        assert!(enter(&world, &mut laptop, AWAY).await.is_empty());
        assert!(enter(&world, &mut laptop, AWAY).await.is_empty());
        // A strange browser in a strange place.
        let mails = enter(&world, &mut world.browser(), "198.51.100.9").await;
        assert_eq!(subjects(&mails), [STRANGE]);
        let told = told(&world).await;
        let told: Vec<_> = told.iter().map(|(action, device)| (&**action, &**device)).collect();
        assert_eq!(
            told,
            [
                ("session.new_device", "unknown"),
                ("session.suspicious", "known"),
                ("session.suspicious", "unknown"),
            ]
        );
    })
    .await;
}

#[tokio::test]
async fn a_network_is_known_however_many_addresses_it_has() {
    each_world(async |world| {
        world.user(ALICE).await;
        let mut laptop = world.browser();
        for address in ["2001:db8:0:1::1", "2001:db8:0:ff::2"] {
            assert!(enter(&world, &mut laptop, address).await.is_empty(), "{address}");
        }
        assert!(told(&world).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_reset_makes_every_other_browser_new_again() {
    each_world(async |world| {
        world.user(ALICE).await;
        let mut laptop = world.browser();
        enter(&world, &mut laptop, HOME).await;
        let link = world.reset_link(ALICE).await;
        let mut other = world.browser();
        let page = other.get(&link).await;
        other.submit(&page, &[("password", PASSWORD)]).await;
        world.all_mails_to(ALICE).await;
        assert_eq!(subjects(&enter(&world, &mut laptop, HOME).await), [NEW_DEVICE]);
        assert!(enter(&world, &mut other, HOME).await.is_empty());
    })
    .await;
}

/// Who stays logged in is a matter of the session; who has been here, of the device.
#[tokio::test]
async fn remember_me_makes_no_browser_known_or_unknown() {
    each_world(async |world| {
        world.user(ALICE).await;
        enter(&world, &mut world.browser(), HOME).await;
        for remember in [true, false] {
            let mut browser = world.browser();
            browser.peer = Some(HOME.parse().unwrap());
            let page = browser.get("/login").await;
            let mut fields = vec![("email", ALICE), ("password", PASSWORD)];
            fields.extend(remember.then_some(("remember", "1")));
            browser.submit(&page, &fields).await;
            assert_eq!(subjects(&world.all_mails_to(ALICE).await), [NEW_DEVICE], "{remember}");
            assert!(enter(&world, &mut browser, HOME).await.is_empty());
        }
    })
    .await;
}

#[tokio::test]
async fn a_second_factor_is_told_of_once_it_was_given() {
    each_world(async |world| {
        let app = App::of(&world, ALICE).await;
        world.all_mails_to(ALICE).await;
        let mut thief = world.browser();
        thief.peer = Some(AWAY.parse().unwrap());
        let page = thief.get("/login").await;
        let page = thief.submit(&page, &[("email", ALICE), ("password", PASSWORD)]).await;
        let page = thief.follow(page).await;
        thief.submit(&page, &[("code", "000000")]).await;
        assert!(world.all_mails_to(ALICE).await.is_empty(), "nobody got in");
        thief.submit(&page, &[("code", &app.code(&world))]).await;
        assert_eq!(subjects(&world.all_mails_to(ALICE).await), [STRANGE]);
    })
    .await;
}

#[tokio::test]
async fn a_host_that_remembers_no_browsers_tells_of_networks_only() {
    let forgetful = |builder: donjon::account::AccountLayerBuilder| {
        builder.policy(Policy { known_for: Duration::ZERO, ..Policy::default() })
    };
    each_world_with(forgetful, async |world| {
        world.user(ALICE).await;
        for address in [HOME, HOME, AWAY] {
            assert!(enter(&world, &mut world.browser(), address).await.is_empty());
        }
        assert_eq!(told(&world).await, [("session.suspicious".into(), "known".into())]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn telling_is_part_of_the_login() {
    each_world(async |world| {
        world.user(ALICE).await;
        enter(&world, &mut world.browser(), HOME).await;
        let mut stranger = world.browser();
        stranger.peer = Some(AWAY.parse().unwrap());
        let fields = [("email", ALICE), ("password", PASSWORD)];
        let (_, login) = counted(stranger.post("/login", &fields)).await;
        assert_eq!(
            (login.reads(), login.transitions()),
            (1, 3),
            "standing; begin, session, complete"
        );
        assert_eq!(subjects(&world.all_mails_to(ALICE).await), [STRANGE]);
    })
    .await;
}
