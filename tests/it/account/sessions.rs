//! The page where a user sees where they are logged in, and ends it.

use std::net::IpAddr;
use std::sync::Arc;

use donjon::audit::AuditEntry;
use donjon::scope::SessionEnd;
use donjon::session::{Place, Places};
use donjon::store::AuditFilter;
use futures_util::future::join_all;
use http::StatusCode;
use time::Duration;

use super::second_factor::App;
use super::world::{ALICE, PASSWORD, World, each_world, each_world_with, log_in};
use crate::support::browser::{Browser, Page};
use crate::support::statements::counted;

const LIST: &str = "/settings/sessions";
const REVOKE: &str = "/settings/sessions/revoke";
const OTHERS: &str = "/settings/sessions/revoke-others";
const EVERYWHERE: &str = "/settings/sessions/sign-out";
const PHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 \
     (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1";
const DESKTOP: &str =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0";

/// Knows the office.
#[derive(Debug)]
struct Office;

impl Places for Office {
    fn lookup(&self, address: IpAddr) -> Option<Place> {
        let office = address == IpAddr::from([192, 0, 2, 1]);
        office.then(|| Place { city: Some("Bern".into()), country: "CH".parse().ok() })
    }
}

async fn logged_in(world: &World, user_agent: &'static str, address: &str) -> Browser {
    let mut browser = world.browser();
    (browser.user_agent, browser.peer) = (user_agent, Some(address.parse().unwrap()));
    log_in(&mut browser, ALICE, PASSWORD).await;
    browser
}

/// The ids on the page, in its order.
fn ids(page: &Page) -> Vec<String> {
    let inputs = page.body.split("name=\"session\" value=\"").skip(1);
    inputs.map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
}

async fn is_in(browser: &mut Browser) -> bool {
    browser.get("/").await.body == format!("hello {ALICE} at /")
}

async fn entries(world: &World, action: &str) -> Vec<AuditEntry> {
    let filter = AuditFilter { action: Some(action.into()), ..AuditFilter::default() };
    world.store.audit_entries(&filter, 10).await.unwrap()
}

#[tokio::test]
async fn each_session_is_shown_by_what_its_user_recognises_it_by() {
    each_world_with(
        |builder| builder.places(Arc::new(Office)),
        async |world| {
            world.user(ALICE).await;
            let mut desktop = logged_in(&world, DESKTOP, "192.0.2.1").await;
            world.clock.advance(Duration::minutes(2));
            logged_in(&world, PHONE, "2001:db8::7").await;
            let mut admin = world.browser();
            admin.get(&format!("/act?{ALICE}")).await;
            let page = desktop.get(LIST).await;
            assert_eq!(ids(&page).len(), 3);
            for shown in [
                "Firefox on Windows",
                "Bern, CH · 192.0.2.1",
                "Safari on iPhone",
                "2001:db8::7",
                "A device we don’t know",
                "Support, in your name",
            ] {
                assert!(page.body.contains(shown), "{shown}: {}", page.body);
            }
            let this = page.body.split("<li>").find(|row| row.contains("this-device")).unwrap();
            assert!(this.contains("Firefox on Windows"), "{this}");
            // Whoever acts as the user sees it as the user does.
            assert_eq!(admin.get(LIST).await.status, StatusCode::OK);
            assert_eq!(world.browser().get(LIST).await.location().unwrap().path(), "/login");
        },
    )
    .await;
}

#[tokio::test]
async fn one_session_is_ended_and_no_one_elses() {
    each_world(async |world| {
        world.user(ALICE).await;
        world.user("bob@example.test").await;
        let mut here = logged_in(&world, DESKTOP, "192.0.2.1").await;
        world.clock.advance(Duration::minutes(10));
        let mut there = logged_in(&world, PHONE, "192.0.2.2").await;
        let mut bob = world.logged_in("bob@example.test").await;
        let page = here.get(LIST).await;
        let (theirs, bobs) =
            (ids(&there.get(LIST).await)[0].clone(), ids(&bob.get(LIST).await)[0].clone());
        assert!(ids(&page).contains(&theirs) && !ids(&page).contains(&bobs));
        for (id, expected) in [(bobs.as_str(), 0), ("nonsense", 0), (theirs.as_str(), 1)] {
            let (done, cost) = counted(here.post(REVOKE, &[("session", id)])).await;
            assert_eq!(done.location().unwrap().path(), LIST, "{id}");
            assert!(cost.transitions() <= 2, "count, end: {cost:?}");
            assert_eq!(entries(&world, "session.revoke").await.len(), expected, "{id}");
        }
        let entry = entries(&world, "session.revoke").await.remove(0);
        assert_eq!((entry.subject.as_deref(), entry.address), (Some(&*theirs), here.peer));
        assert!(!is_in(&mut there).await && is_in(&mut here).await);
        assert_eq!(bob.get("/").await.body, "hello bob@example.test at /");
        // A page that was open still works, on nobody.
        let done = here.post(REVOKE, &[("session", &theirs)]).await;
        assert_eq!(here.follow(done).await.status, StatusCode::OK);

        // The session at hand is a logout.
        let own = ids(&here.get(LIST).await)[0].clone();
        let done = here.post(REVOKE, &[("session", &own)]).await;
        assert!(here.follow(done).await.has("logged-out"));
        assert!(!is_in(&mut here).await);
    })
    .await;
}

#[tokio::test]
async fn all_others_are_ended_and_the_one_at_hand_stays() {
    each_world(async |world| {
        world.user(ALICE).await;
        let mut here = logged_in(&world, DESKTOP, "192.0.2.1").await;
        let mut others = [logged_in(&world, PHONE, "192.0.2.2").await, world.browser()];
        others[1].get(&format!("/act?{ALICE}")).await;
        let page = here.get(LIST).await;
        let form = page.form_to(OTHERS);
        assert!(form.fields.is_empty());
        let done = here.post(OTHERS, &[]).await;
        let page = here.follow(done).await;
        assert_eq!(ids(&page).len(), 1);
        assert!(page.body.contains("All other devices are logged out."));
        for other in &mut others {
            assert!(!is_in(other).await, "administrators too");
        }
        assert!(is_in(&mut here).await);
        assert_eq!(entries(&world, "session.revoke_all").await.len(), 1);
    })
    .await;
}

/// As of somebody whose computer was stolen, with all that its browser keeps.
#[tokio::test]
async fn what_was_stolen_comes_in_no_more_and_the_browser_at_hand_stays_trusted() {
    each_world(async |world| {
        let app = App::of(&world, ALICE).await;
        let [mut here, mut stolen] = [world.browser(), world.browser()];
        for (browser, code) in [(&mut here, &app.codes[0]), (&mut stolen, &app.codes[1])] {
            let page = log_in(browser, ALICE, PASSWORD).await;
            browser.submit(&page, &[("code", code), ("trust", "1")]).await;
            assert!(is_in(browser).await);
        }
        let leads_to = async |browser: &Browser| {
            let mut browser = browser.clone();
            browser.cookies.remove("session");
            log_in(&mut browser, ALICE, PASSWORD).await.url.path().to_owned()
        };
        world.clock.advance(Duration::DAY);
        for browser in [&mut here, &mut stolen] {
            assert_eq!(log_in(browser, ALICE, PASSWORD).await.url.path(), "/");
        }
        let mut waits = world.browser();
        let question = log_in(&mut waits, ALICE, PASSWORD).await;
        assert!(is_in(&mut stolen).await && question.has("code"));
        let before = here.cookies["device"].clone();
        here.post(OTHERS, &[]).await;
        assert!(is_in(&mut here).await && !is_in(&mut stolen).await);
        assert_eq!(leads_to(&stolen).await, "/login/verify");
        let code = [("code", app.codes[2].as_str())];
        waits.submit(&question, &code).await;
        assert!(!is_in(&mut waits).await, "nor does a login go on that was begun before");
        // Here it is trusted as long as was said; a copy of what it kept before is worth nothing.
        assert_eq!(leads_to(&here).await, "/");
        let mut copy = here.clone();
        copy.cookies.insert("device".into(), before);
        assert_eq!(leads_to(&copy).await, "/login/verify");
        here.post(OTHERS, &[]).await;
        assert_eq!(leads_to(&here).await, "/");
        world.clock.advance(Duration::days(29));
        assert_eq!(leads_to(&here).await, "/login/verify", "it is not prolonged");
    })
    .await;
}

/// Neither of the owner, nor of a thief who knows what is coming.
#[tokio::test(flavor = "multi_thread")]
async fn of_all_who_log_out_all_others_at_once_one_stays() {
    each_world(async |world| {
        world.user(ALICE).await;
        let mut browsers = Vec::new();
        for _ in 0..32 {
            let mut browser = world.browser();
            browser.get(&format!("/vouched?{ALICE}")).await;
            browsers.push(browser);
        }
        let pages = join_all(browsers.iter_mut().map(|browser| browser.post(OTHERS, &[]))).await;
        let done = pages.iter().filter(|page| page.location().unwrap().path() == LIST).count();
        let late = pages.iter().filter(|page| page.location().unwrap().path() == "/login").count();
        assert_eq!((done, late), (1, 31));
        let mut left = 0;
        for browser in &mut browsers {
            left += usize::from(is_in(browser).await);
        }
        assert_eq!((left, entries(&world, "session.revoke_all").await.len()), (1, 1));
    })
    .await;
}

#[tokio::test]
async fn everywhere_is_here_too_and_apps_if_the_user_says_so() {
    each_world(async |world| {
        world.user(ALICE).await;
        for (fields, end) in [
            (&[][..], SessionEnd::Revoked),
            (&[("apps", "1")][..], SessionEnd::SignedOutEverywhere),
        ] {
            world.clock.advance(Duration::SECOND);
            let mut here = logged_in(&world, DESKTOP, "192.0.2.1").await;
            let mut there = logged_in(&world, PHONE, "192.0.2.2").await;
            let before = world.store.session_events(0, 100).await.unwrap().len();
            let page = here.get(LIST).await;
            assert!(page.has("apps"));
            let done = here.post(EVERYWHERE, fields).await;
            assert!(here.follow(done).await.has("logged-out"));
            assert!(!is_in(&mut here).await && !is_in(&mut there).await);
            let events = world.store.session_events(0, 100).await.unwrap().split_off(before);
            let ends = events.iter().map(|event| event.end);
            assert!(ends.clone().all(|other| other == end), "{events:?}");
            // One for the user as a whole reaches what sessions of long ago have left behind.
            let whole = events.iter().filter(|event| event.session_id.is_none()).count();
            assert_eq!((whole, events.len()), if fields.is_empty() { (0, 2) } else { (1, 3) });
        }
        let told = entries(&world, "session.revoke_all").await;
        let apps: Vec<_> =
            told.iter().map(|entry| entry.metadata["apps"].as_bool().unwrap()).collect();
        assert_eq!(apps, [true, false]);
    })
    .await;
}

#[tokio::test]
async fn a_form_for_the_end_of_a_session_is_posted_from_here_only() {
    each_world(async |world| {
        world.user(ALICE).await;
        let mut here = logged_in(&world, DESKTOP, "192.0.2.1").await;
        for path in [REVOKE, OTHERS, EVERYWHERE] {
            let page = here.post_from("https://evil.example", path, &[]).await;
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{path}");
            // Whoever had to log in in between comes back by a GET.
            assert_eq!(here.get(path).await.location().unwrap().path(), LIST);
        }
        assert!(is_in(&mut here).await);
    })
    .await;
}

#[tokio::test]
async fn a_logout_is_written_down_with_the_end_of_the_session_and_only_then() {
    each_world(async |world| {
        world.user(ALICE).await;
        let mut alice = logged_in(&world, DESKTOP, "192.0.2.1").await;
        let told = async || {
            let action = Some("session.log_out".to_owned());
            let filter = AuditFilter { action, ..AuditFilter::default() };
            world.store.audit_entries(&filter, 10).await.unwrap()
        };
        assert!(told().await.is_empty());
        alice.post("/logout", &[]).await;
        // A stranger, and a browser that is out already, log nobody out.
        alice.post("/logout", &[]).await;
        world.browser().post("/logout", &[]).await;
        let entries = told().await;
        let [entry] = entries.as_slice() else { panic!("{entries:?}") };
        let account = world.account(ALICE).await;
        assert_eq!(
            (entry.actor.as_ref(), entry.user.as_ref()),
            (Some(account.id()), Some(account.id()))
        );
        assert_eq!(entry.address, Some([192, 0, 2, 1].into()));
    })
    .await;
}
