//! Debian's Chromium logs in with other providers: npm `oidc-provider`, and a second instance of
//! ourselves.

use std::cell::RefCell;
use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use donjon::crypto::{Clock as _, SystemClock};
use http::Request;
use http_body_util::Full;
use serde_json::{Value, json};
use tower::service_fn;

use super::host::USER;
use super::social::{COLLEAGUE, Neighbour, oidc_provider, ourselves};
use crate::account::world::{PASSWORD, World, each_world_at};
use crate::support::browser::Browser;
use crate::support::serve::Listener;
use crate::support::{process, tools};

const SCREENSHOTS: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/screenshots-social");
/// Who has an account here before, with a password, under an address that no provider knows.
const LOCAL: &str = "lou@example.test";

/// Two people at a provider: the addresses it vouches for, and what each fills in there.
struct People {
    newcomer: (&'static str, Value),
    other: (&'static str, Value),
}

#[tokio::test(flavor = "multi_thread")]
async fn chromium_logs_in_with_an_independent_provider() {
    let Some(chromium) = tools::chromium() else { return };
    let listener = Listener::bind().await;
    let origin = format!("http://127.0.0.1:{}", listener.port());
    let Some(neighbour) = oidc_provider(&origin).await else { return };
    let steps = |login: &str| {
        json!([
            {"fields": {"login": login, "password": "whatever"}, "button": "[type=submit]"},
            {"fields": {}, "button": "[type=submit]"},
        ])
    };
    let people = People {
        newcomer: ("robin@example.test", steps("robin")),
        other: ("casey@example.test", steps("casey")),
    };
    walk((&chromium, "independent"), (listener, &origin), &neighbour, people).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn chromium_logs_in_with_a_second_instance_of_ourselves() {
    let Some(chromium) = tools::chromium() else { return };
    let listener = Listener::bind().await;
    let origin = format!("http://127.0.0.1:{}", listener.port());
    let neighbour = ourselves(&origin).await;
    let steps = |email: &str| {
        json!([
            {"fields": {"email": email, "password": USER.password}, "button": "#submit"},
            {"fields": {}, "button": "#approve"},
        ])
    };
    let people =
        People { newcomer: (USER.email, steps(USER.email)), other: (COLLEAGUE, steps(COLLEAGUE)) };
    walk((&chromium, "ourselves"), (listener, &origin), &neighbour, people).await;
}

async fn walk(
    (chromium, name): (impl serde::Serialize, &str),
    (listener, origin): (Listener, &str),
    neighbour: &Neighbour,
    people: People,
) {
    let listener = RefCell::new(Some(listener));
    let (newcomer, other) = (people.newcomer, people.other);
    let chromium = serde_json::to_value(chromium).unwrap();
    let change = |builder: donjon::account::AccountLayerBuilder| builder.social(neighbour.social());
    each_world_at(origin, change, async |world| {
        // One database will do: what differs is proven elsewhere.
        let Some(listener) = listener.borrow_mut().take() else { return };
        let Some(node) = tools::node("social.mjs") else { return };
        let _serving = listener.serve(on_time(&world, origin));
        world.user(LOCAL).await;
        let request = json!({
            "chromium": chromium,
            "origin": origin,
            "screenshots": format!("{SCREENSHOTS}/{name}"),
            "door": "Log in with Other",
            "newcomer": newcomer.1,
            "other": other.1,
            "user": {"email": LOCAL, "password": PASSWORD},
        });
        let report: Value = process::run(node, &request, Duration::from_secs(300)).await;

        let hello = |email: &str| format!("hello {email} at /");
        for (how, who) in [
            ("signed_up", newcomer.0),
            ("came_again", newcomer.0),
            ("by_password", LOCAL),
            ("by_provider", LOCAL),
        ] {
            assert_eq!(report[how], hello(who), "{how}: {report:#}");
        }
        let settings = report["settings"].as_str().unwrap();
        assert!(settings.contains(newcomer.0), "{report:#}");
        assert_eq!(report["linked"][0], "/settings/connections", "{report:#}");
        let linked = report["linked"][1].as_str().unwrap();
        assert!(linked.contains("Other") && linked.contains(other.0), "{report:#}");
        assert_eq!(report["unlinked"], true, "{report:#}");
        assert_eq!(report["complaints"], json!([]), "{report:#}");

        let accounts = world.accounts.accounts();
        for (email, there) in [(newcomer.0, true), (LOCAL, true), (other.0, false)] {
            let found = accounts.find_by_email(email).await.unwrap();
            assert_eq!(found.is_some(), there, "{email}");
        }
    })
    .await;
}

/// The application, on the time of the provider.
fn on_time(world: &World, origin: &str) -> Browser {
    let (app, clock) = (world.browser(), world.clock.clone());
    let service = service_fn(move |request: Request<Full<Bytes>>| {
        clock.advance(SystemClock.now() - clock.now());
        let app = app.clone();
        async move { Ok::<_, Infallible>(app.send(request).await.map(Full::from)) }
    });
    Browser::new(service, origin)
}
