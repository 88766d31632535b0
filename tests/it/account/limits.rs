//! How often forms may be posted, by whom and about whom.

use std::sync::{Arc, Mutex};

use donjon::account::{AccountLayerBuilder, FormLimits, Limits, Policy};
use donjon::store::RateLimit;
use http::{Method, StatusCode};
use time::Duration;
use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

use super::world::{ALICE, PASSWORD, World, each_world, each_world_with, log_in};
use crate::support::browser::{Browser, Page};
use crate::support::statements::counted;

const WINDOW: Duration = Duration::minutes(10);
const HERE: &str = "198.51.100.1";
const THERE: &str = "203.0.113.7";
const REFUSED: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;
const TOO_MANY: StatusCode = StatusCode::TOO_MANY_REQUESTS;

/// So many forms in all, so many of one kind by a network, by a pair, about an account.
pub fn limited(
    forms: u32,
    [network, pair, account]: [u32; 3],
) -> impl Fn(AccountLayerBuilder) -> AccountLayerBuilder {
    let limit = |times| RateLimit { times, window: WINDOW };
    let kind = FormLimits {
        per_network: limit(network),
        per_pair: limit(pair),
        per_account: limit(account),
    };
    let limits = Limits { forms: limit(forms), logins: kind, mails: kind, ..Limits::default() };
    move |builder| builder.policy(Policy { limits, ..Policy::default() })
}

pub fn from(world: &World, address: &str) -> Browser {
    let mut browser = world.browser();
    browser.peer = Some(address.parse().unwrap());
    browser
}

async fn login(browser: &mut Browser, email: &str, password: &str) -> Page {
    browser.post("/login", &[("email", email), ("password", password)]).await
}

pub fn is_too_many(page: &Page) {
    assert_eq!(page.status, TOO_MANY);
    assert_eq!(page.text_of("error"), "too_many_requests");
    let seconds: i64 = page.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=WINDOW.whole_seconds()).contains(&seconds), "{seconds}");
}

#[tokio::test]
async fn logins_are_limited_by_network_whoever_they_are_for() {
    each_world_with(limited(99, [3, 99, 99]), async |world| {
        world.user(ALICE).await;
        let mut browser = from(&world, HERE);
        for email in ["nobody@example.test", ALICE, "else@example.test"] {
            assert_eq!(login(&mut browser, email, "wrong").await.status, REFUSED, "{email}");
        }
        // Another browser, and the right password, do not help; another network does.
        is_too_many(&login(&mut from(&world, HERE), ALICE, PASSWORD).await);
        is_too_many(&login(&mut browser, "nobody@example.test", PASSWORD).await);
        let entered = login(&mut from(&world, THERE), ALICE, PASSWORD).await;
        assert_eq!(entered.status, StatusCode::SEE_OTHER);
        world.clock.advance(WINDOW);
        assert_eq!(login(&mut browser, ALICE, PASSWORD).await.status, StatusCode::SEE_OTHER);
    })
    .await;
}

#[tokio::test]
async fn an_ipv6_customer_is_one_network() {
    each_world_with(limited(99, [2, 99, 99]), async |world| {
        for (address, expected) in [
            ("2001:db8:0:1::1", REFUSED),
            ("2001:db8:0:ff::2", REFUSED),
            ("2001:db8:0:2::3", TOO_MANY),
            ("2001:db8:0:100::1", REFUSED),
        ] {
            let page = login(&mut from(&world, address), ALICE, "wrong").await;
            assert_eq!(page.status, expected, "{address}");
        }
    })
    .await;
}

#[tokio::test]
async fn logins_are_limited_by_network_and_account_together() {
    each_world_with(limited(99, [99, 2, 99]), async |world| {
        let mut browser = from(&world, HERE);
        for _ in 0..2 {
            assert_eq!(login(&mut browser, ALICE, "wrong").await.status, REFUSED);
        }
        is_too_many(&login(&mut browser, ALICE, "wrong").await);
        assert_eq!(login(&mut browser, "bob@example.test", "wrong").await.status, REFUSED);
        assert_eq!(login(&mut from(&world, THERE), ALICE, "wrong").await.status, REFUSED);
    })
    .await;
}

/// Or whoever has many networks could keep the owner out of everything.
#[tokio::test]
async fn an_account_is_limited_in_all_but_not_for_browsers_that_it_is_known_by() {
    each_world_with(limited(99, [99, 99, 4]), async |world| {
        world.user(ALICE).await;
        let mut home = from(&world, "192.0.2.1");
        log_in(&mut home, ALICE, PASSWORD).await;
        home.cookies.retain(|name, _| name == "device");
        for network in 0..3 {
            let mut stranger = from(&world, &format!("198.51.100.{network}"));
            assert_eq!(login(&mut stranger, ALICE, "wrong").await.status, REFUSED);
        }
        is_too_many(&login(&mut from(&world, THERE), ALICE, PASSWORD).await);
        assert_eq!(login(&mut home, ALICE, PASSWORD).await.status, StatusCode::SEE_OTHER);
    })
    .await;
}

/// Or whoever once logged in as the user could keep every browser of theirs out.
#[tokio::test]
async fn a_browser_that_is_known_uses_up_only_its_own() {
    each_world_with(limited(99, [99, 99, 3]), async |world| {
        world.user(ALICE).await;
        let [mut old, mut home] = ["192.0.2.1", "192.0.2.2"].map(|address| from(&world, address));
        for browser in [&mut old, &mut home] {
            log_in(browser, ALICE, PASSWORD).await;
            browser.cookies.retain(|name, _| name == "device");
        }
        for _ in 0..3 {
            assert_eq!(login(&mut old, ALICE, "wrong").await.status, REFUSED);
        }
        is_too_many(&login(&mut old, ALICE, PASSWORD).await);
        assert_eq!(login(&mut home, ALICE, PASSWORD).await.status, StatusCode::SEE_OTHER);
    })
    .await;
}

/// Else whoever knows many addresses has five guesses at each of their codes.
#[tokio::test]
async fn digits_that_confirm_an_address_are_limited_by_network() {
    const CONFIRM: &str = "/confirm";
    each_world_with(limited(99, [4, 2, 99]), async |world| {
        let mut browser = from(&world, HERE);
        for (email, expected) in [
            ("a@example.test", REFUSED),
            ("a@example.test", REFUSED),
            ("a@example.test", TOO_MANY),
            ("b@example.test", REFUSED),
            ("c@example.test", TOO_MANY),
        ] {
            let page = browser.post(CONFIRM, &[("email", email), ("code", "000000")]).await;
            assert_eq!(page.status, expected, "{email}");
        }
        let guess = [("email", "c@example.test"), ("code", "000000")];
        assert_eq!(from(&world, THERE).post(CONFIRM, &guess).await.status, REFUSED);
        // Logins are counted apart.
        assert_eq!(login(&mut browser, ALICE, "wrong").await.status, REFUSED);
        world.clock.advance(WINDOW);
        assert_eq!(browser.post(CONFIRM, &guess).await.status, REFUSED);
    })
    .await;
}

#[tokio::test]
async fn choosing_another_password_counts_as_the_login_that_it_ends() {
    const CHOOSE: &str = "/login/password";
    each_world_with(limited(99, [99, 3, 99]), async |world| {
        world.user(ALICE).await;
        let accounts = world.accounts.accounts();
        let alice = accounts.find_by_email(ALICE).await.unwrap().unwrap();
        accounts.require_password_change(alice.id(), &donjon::account::By::system()).await.unwrap();
        let mut browser = from(&world, HERE);
        assert_eq!(log_in(&mut browser, ALICE, PASSWORD).await.url.path(), CHOOSE);
        for _ in 0..3 {
            let page = browser.post(CHOOSE, &[("password", PASSWORD)]).await;
            assert_eq!(page.status, REFUSED);
            assert!(page.headers["ratelimit"].to_str().unwrap().contains("\"account\";r="));
        }
        let better = [("password", "another fine phrase")];
        is_too_many(&browser.post(CHOOSE, &better).await);
        assert_eq!(browser.get("/").await.body, "hello stranger at /");
        // Without a login there is nothing to choose for, and nothing but the form is counted.
        let page = from(&world, HERE).post(CHOOSE, &better).await;
        assert_eq!(page.location().unwrap().path(), "/login");
        // The login that waited is over by then.
        world.clock.advance(WINDOW);
        assert_eq!(log_in(&mut browser, ALICE, PASSWORD).await.url.path(), CHOOSE);
        let entered = browser.post(CHOOSE, &better).await;
        assert_eq!(browser.follow(entered).await.body, format!("hello {ALICE} at /"));
    })
    .await;
}

#[tokio::test]
async fn changes_of_addresses_are_limited_with_the_other_mails() {
    each_world_with(limited(99, [2, 99, 99]), async |world| {
        world.user(ALICE).await;
        let mut browser = from(&world, HERE);
        log_in(&mut browser, ALICE, PASSWORD).await;
        let ask = [("email", "alice@new.example.test")];
        for path in ["/settings/email", "/forgot-password"] {
            assert_ne!(browser.post(path, &ask).await.status, TOO_MANY, "{path}");
        }
        is_too_many(&browser.post("/settings/email", &ask).await);
    })
    .await;
}

/// What a limit refuses is no guess: it locks nothing.
#[tokio::test]
async fn who_is_refused_does_not_lock_the_address() {
    each_world_with(limited(99, [2, 99, 99]), async |world| {
        world.user(ALICE).await;
        let mut stranger = from(&world, HERE);
        for _ in 0..9 {
            login(&mut stranger, ALICE, "wrong").await;
        }
        let entered = login(&mut from(&world, THERE), ALICE, PASSWORD).await;
        assert_eq!(entered.status, StatusCode::SEE_OTHER);
        assert!(world.mails_to(ALICE).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn registrations_and_requests_for_mails_are_limited_together() {
    each_world_with(limited(99, [4, 2, 99]), async |world| {
        let mut browser = from(&world, HERE);
        let paths = ["/register", "/forgot-password", "/confirm/resend"];
        for (index, path) in paths.iter().enumerate() {
            let page = browser.post(path, &[("email", ALICE), ("password", PASSWORD)]).await;
            assert_eq!(page.status == TOO_MANY, index == 2, "{path}");
        }
        let other = [("email", "bob@example.test"), ("password", PASSWORD)];
        assert_eq!(browser.post("/register", &other).await.status, StatusCode::OK);
        is_too_many(&browser.post("/register", &other).await);
    })
    .await;
}

#[tokio::test]
async fn every_form_counts_and_the_pages_do_not() {
    each_world_with(limited(3, [99, 99, 99]), async |world| {
        world.user(ALICE).await;
        let mut browser = from(&world, HERE);
        log_in(&mut browser, ALICE, PASSWORD).await;
        for path in ["/settings/sessions/revoke-others", "/settings/two-factor/disable"] {
            assert_ne!(browser.post(path, &[]).await.status, TOO_MANY, "{path}");
        }
        for path in [
            "/settings/sessions/revoke",
            "/settings/two-factor/setup",
            "/login/verify",
            "/login/again",
            "/confirm",
            "/reset-password",
            "/register",
            "/login",
            "/logout",
        ] {
            let fields = [("email", ALICE), ("password", PASSWORD), ("code", "1")];
            let status = browser.post(path, &fields).await.status;
            // What asks the store for nothing is not counted: there is nothing to guess.
            let expected = if path == "/login/verify" { StatusCode::SEE_OTHER } else { TOO_MANY };
            assert_eq!(status, expected, "{path}");
        }
        assert_eq!(browser.get("/settings/sessions").await.status, StatusCode::OK);
    })
    .await;
}

#[tokio::test]
async fn an_answer_tells_what_the_network_has_left_and_nothing_of_the_account() {
    each_world_with(limited(50, [3, 9, 1]), async |world| {
        let mut browser = from(&world, HERE);
        let page = login(&mut browser, ALICE, "wrong").await;
        let header = |page: &Page, name: &str| page.headers[name].to_str().unwrap().to_owned();
        assert_eq!(
            header(&page, "ratelimit-policy"),
            "\"forms\";q=50;w=600, \"logins\";q=3;w=600, \"account\";q=9;w=600"
        );
        assert_eq!(
            header(&page, "ratelimit"),
            "\"forms\";r=49;t=600, \"logins\";r=2;t=600, \"account\";r=8;t=600"
        );
        world.clock.advance(Duration::seconds(100));
        let page = login(&mut browser, ALICE, "wrong").await;
        is_too_many(&page);
        assert_eq!(page.headers["retry-after"], "500");
        assert_eq!(
            header(&page, "ratelimit"),
            "\"forms\";r=48;t=500, \"logins\";r=1;t=500, \"account\";r=7;t=500"
        );
        assert!(!browser.get("/login").await.headers.contains_key("ratelimit"));
    })
    .await;
}

#[tokio::test]
async fn a_program_is_told_in_its_own_way() {
    each_world_with(limited(0, [9, 9, 9]), async |world| {
        let mut browser = from(&world, HERE);
        browser.accept = "application/json";
        let form = Some("email=a%40example.test&password=x".to_owned());
        let page = browser.request(Method::POST, "/login", form, None).await;
        assert_eq!(page.status, TOO_MANY);
        assert_eq!(page.headers["content-type"], "application/json");
        let told: serde_json::Value = serde_json::from_str(&page.body).unwrap();
        assert_eq!(told["error"], "too_many_requests");
        assert!(page.headers.contains_key("retry-after"));
    })
    .await;
}

/// The tests of everything else say nothing of their peers, and count on this.
#[tokio::test]
async fn a_host_that_ignores_unknown_peers_limits_no_network_for_them() {
    each_world_with(limited(0, [0, 0, 99]), async |world| {
        world.user(ALICE).await;
        let entered = login(&mut world.browser(), ALICE, PASSWORD).await;
        assert_eq!(entered.status, StatusCode::SEE_OTHER);
        assert!(!entered.headers.contains_key("ratelimit"));
    })
    .await;
}

/// The same, where the host does not ignore them.
fn unknown(forms: u32, kind: [u32; 3]) -> impl Fn(AccountLayerBuilder) -> AccountLayerBuilder {
    let limited = limited(forms, kind);
    move |builder| limited(builder).danger_ignore_unknown_peers(false)
}

/// Or a server that forgets to name its peers would have no limits for those who guess.
#[tokio::test]
async fn who_comes_from_nobody_knows_where_is_limited_with_all_who_do() {
    each_world_with(unknown(99, [3, 1, 99]), async |world| {
        world.user(ALICE).await;
        for email in ["nobody@example.test", ALICE, "else@example.test"] {
            assert_eq!(login(&mut world.browser(), email, "wrong").await.status, REFUSED);
        }
        is_too_many(&login(&mut world.browser(), ALICE, PASSWORD).await);
        is_too_many(&login(&mut world.browser(), "more@example.test", "wrong").await);
        for (path, email) in [
            ("/register", "a@example.test"),
            ("/forgot-password", "b@example.test"),
            ("/login/link", "c@example.test"),
        ] {
            let fields = [("email", email), ("password", PASSWORD)];
            assert_eq!(world.browser().post(path, &fields).await.status, StatusCode::OK, "{path}");
        }
        let more = [("email", "bob@example.test"), ("password", PASSWORD)];
        is_too_many(&world.browser().post("/register", &more).await);
        // Who comes from somewhere is none of them.
        let entered = login(&mut from(&world, HERE), ALICE, PASSWORD).await;
        assert_eq!(entered.status, StatusCode::SEE_OTHER);
        world.clock.advance(WINDOW);
        let entered = login(&mut world.browser(), ALICE, PASSWORD).await;
        assert_eq!(entered.status, StatusCode::SEE_OTHER);
    })
    .await;
}

/// Whoever could come from anywhere has no more guesses at one account for it.
#[tokio::test]
async fn an_account_is_limited_though_nobody_knows_where_its_strangers_come_from() {
    each_world_with(unknown(99, [99, 99, 2]), async |world| {
        world.user(ALICE).await;
        for path in ["/login", "/forgot-password"] {
            let fields = [("email", ALICE), ("password", "wrong")];
            for _ in 0..2 {
                assert_ne!(world.browser().post(path, &fields).await.status, TOO_MANY, "{path}");
            }
            is_too_many(&world.browser().post(path, &fields).await);
        }
    })
    .await;
}

/// Or one stranger could keep everybody out of everything.
#[tokio::test]
async fn whoever_uses_up_what_strangers_share_keeps_nobody_out_who_is_known() {
    each_world_with(unknown(9, [9, 9, 99]), async |world| {
        world.user(ALICE).await;
        let mut home = world.browser();
        log_in(&mut home, ALICE, PASSWORD).await;
        let mut inside = home.clone();
        home.cookies.retain(|name, _| name == "device");
        for _ in 0..12 {
            login(&mut world.browser(), "nobody@example.test", "wrong").await;
        }
        is_too_many(&login(&mut world.browser(), ALICE, PASSWORD).await);
        assert_eq!(login(&mut home, ALICE, PASSWORD).await.status, StatusCode::SEE_OTHER);
        let page = inside.post("/settings/sessions/revoke-others", &[]).await;
        assert_ne!(page.status, TOO_MANY);
    })
    .await;
}

/// Or one stranger with an account of their own could keep the owner of another out of new browsers.
#[tokio::test]
async fn who_is_logged_in_has_as_many_tries_about_another_account_as_a_network() {
    each_world_with(unknown(99, [99, 2, 4]), async |world| {
        world.user(ALICE).await;
        world.user("mallory@example.test").await;
        let mut mallory = world.logged_in("mallory@example.test").await;
        for path in ["/login", "/forgot-password"] {
            let fields = [("email", ALICE), ("password", "wrong")];
            for _ in 0..2 {
                assert_ne!(mallory.post(path, &fields).await.status, TOO_MANY, "{path}");
            }
            is_too_many(&mallory.post(path, &fields).await);
        }
        // About somebody else there are more, and nothing of Alice's is used up.
        assert_eq!(login(&mut mallory, "bob@example.test", "wrong").await.status, REFUSED);
        let entered = login(&mut world.browser(), ALICE, PASSWORD).await;
        assert_eq!(entered.status, StatusCode::SEE_OTHER);
    })
    .await;
}

/// Or an update that begins to see its proxy would slow a whole site down, and nobody knew why.
#[tokio::test]
async fn the_log_tells_once_of_a_proxy_that_nobody_declared() {
    each_world(async |world| {
        let warnings = Warnings::default();
        let hearing = tracing_subscriber::registry().with(warnings.clone());
        let guard = tracing::subscriber::set_default(hearing);
        for (peer, forwarded_for, told) in [
            (THERE, Some(HERE), 0),
            ("172.17.0.1", None, 0),
            ("172.17.0.1", Some(HERE), 1),
            ("127.0.0.1", Some(THERE), 1),
        ] {
            let mut browser = from(&world, peer);
            browser.forwarded_for = forwarded_for;
            login(&mut browser, ALICE, "wrong").await;
            let heard = warnings.0.lock().unwrap();
            let heard: Vec<_> = heard.iter().filter(|said| said.contains("proxy")).collect();
            assert_eq!(heard.len(), told, "{peer} {heard:?}");
            assert!(heard.iter().all(|said| said.contains("trusted_proxies")), "{heard:?}");
        }
        drop(guard);
    })
    .await;
}

/// What the host is warned of.
#[derive(Clone, Default)]
struct Warnings(Arc<Mutex<Vec<String>>>);

impl<S: tracing::Subscriber> Layer<S> for Warnings {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        if *event.metadata().level() == tracing::Level::WARN {
            event.record(&mut self.clone());
        }
    }
}

impl Visit for Warnings {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            self.0.lock().unwrap().push(format!("{value:?}"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn counting_is_part_of_the_login_and_one_write_elsewhere() {
    each_world(async |world| {
        world.user(ALICE).await;
        log_in(&mut from(&world, THERE), ALICE, PASSWORD).await;
        let mut browser = from(&world, HERE);
        let fields = [("email", ALICE), ("password", PASSWORD)];
        let (_, wrong) = counted(login(&mut browser, ALICE, "wrong")).await;
        assert_eq!((wrong.reads(), wrong.transitions()), (0, 2), "begin, note: {wrong:?}");
        let (_, login) = counted(browser.post("/login", &fields)).await;
        assert_eq!(
            (login.reads(), login.transitions()),
            (1, 3),
            "standing; begin, session, complete"
        );
        let (_, forgot) = counted(browser.post("/forgot-password", &fields)).await;
        assert_eq!((forgot.reads(), forgot.transitions()), (1, 2), "session; count, link");
    })
    .await;
}
