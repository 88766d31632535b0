//! An administrator acts as a user in Debian's Chromium.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use donjon::account::password::HashCost;
use donjon::account::{AccountLayer, AdminAct, AdminAuthorizer};
use donjon::crypto::{Keyring, SystemRandom};
use donjon::page::Theme;
use donjon::scope::{Account, CurrentScope};
use donjon::session::SessionLayer;
use donjon::testing::ManualClock;
use http::{Request, Response};
use http_body_util::Full;
use serde_json::{Value, json};
use tower::{Layer as _, service_fn};

use crate::account::world::PASSWORD;
use crate::support::browser::Browser;
use crate::support::database::Database;
use crate::support::serve::Listener;
use crate::support::{process, tools};

const SCREENSHOTS: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/screenshots-impersonation");
const ROOT: &str = "root@example.test";
const BOB: &str = "bob@example.test";
/// Whoever opens it comes back after so many minutes.
const LATER: &str = "/later";

#[derive(Debug)]
struct Staff;

#[async_trait]
impl AdminAuthorizer for Staff {
    async fn may(&self, who: &CurrentScope, act: AdminAct, _: Option<&Account>) -> bool {
        who.account().and_then(Account::email) == Some(ROOT)
            && act != AdminAct::ImpersonateAdministrator
    }

    async fn is_administrator(&self, account: &Account) -> bool {
        account.email() == Some(ROOT)
    }
}

/// What the browser saw of a page: its status, where it was, and what stood on top.
const SHOWN: u16 = 200;
const REFUSED: u16 = 403;
const PAGES: &[(&str, u16)] = &[
    ("/", SHOWN),
    ("/reports", SHOWN),
    ("/settings", SHOWN),
    ("/settings/sessions", SHOWN),
    ("/logout", SHOWN),
    ("/settings/password", REFUSED),
    ("/settings/two-factor", REFUSED),
    ("/settings/export", REFUSED),
    ("/settings/delete", REFUSED),
    ("/login/again", REFUSED),
    ("/admin", REFUSED),
];

#[tokio::test(flavor = "multi_thread")]
async fn chromium_acts_as_a_user_and_sees_it_on_every_page() {
    let Some(chromium) = tools::chromium() else { return };
    let Some(node) = tools::node("impersonation.mjs") else { return };
    let listener = Listener::bind().await;
    let origin = format!("http://127.0.0.1:{}", listener.port());
    // One database will do: what differs is proven elsewhere.
    let database = Database::sqlite();
    let office = office(&database, &origin).await;
    let _serving = listener.serve(office);
    let pages: Vec<_> = PAGES.iter().map(|(path, _)| path).collect();
    let request = json!({
        "chromium": chromium,
        "origin": origin,
        "screenshots": SCREENSHOTS,
        "administrator": {"email": ROOT, "password": PASSWORD},
        "user": {"email": BOB},
        "pages": pages,
        "later": LATER,
    });
    let report: Value = process::run(node, &request, Duration::from_secs(300)).await;

    let (root, bob) = (format!("hello {ROOT}"), format!("hello {BOB}"));
    let said = |name: &str| report[name].as_str().unwrap().to_owned();
    assert_eq!(said("before"), root, "{report:#}");
    assert!(said("acting").ends_with(&bob), "{report:#}");
    for (path, status) in PAGES {
        let seen = &report["pages"][path];
        assert_eq!(seen["status"], *status, "{path}: {report:#}");
        assert_eq!(seen["at"], *path, "{report:#}");
        let banner = seen["banner"].as_str().unwrap_or_else(|| panic!("{path}: {report:#}"));
        assert!(banner.starts_with(&format!("You are acting as {BOB}.")), "{path}: {banner}");
    }
    let stopped = &report["stopped"];
    assert!(stopped["at"].as_str().unwrap().starts_with("/admin/users/"), "{report:#}");
    assert_eq!(stopped["banner"], false, "{report:#}");
    assert_eq!(said("after"), root, "{report:#}");
    assert!(said("at_fourteen").ends_with(&bob), "{report:#}");
    assert_eq!(said("at_twenty_nine"), "hello stranger", "{report:#}");
    assert_eq!(report["users_page"], json!([200, "/login"]), "{report:#}");
    assert_eq!(said("logged_in_again"), root, "{report:#}");
    assert_eq!(report["office"], json!([200, "/admin"]), "{report:#}");
    assert_eq!(report["complaints"], json!([]), "{report:#}");
}

/// An application whose own pages carry the banner, too, with a page that moves its clock.
async fn office(database: &Database, origin: &str) -> Browser {
    let store = database.store().await;
    let (keyring, clock) = (Keyring::ephemeral(&SystemRandom), Arc::new(ManualClock::default()));
    let accounts = AccountLayer::builder(&store, &keyring, origin)
        .pages(Theme::new("Acme"))
        .hash_cost(HashCost { memory: 64, passes: 1, lanes: 1 })
        .administrators(Staff)
        .clock(clock.clone())
        .build()
        .unwrap();
    for email in [ROOT, BOB] {
        let users = accounts.accounts();
        users.create(email, Some(PASSWORD), Default::default(), true).await.unwrap();
    }
    let sessions =
        SessionLayer::new(store, &keyring).base_url(origin).unwrap().clock(clock.clone());
    let banners = accounts.clone();
    let host = service_fn(move |request: Request<Full<Bytes>>| {
        let (banners, clock) = (banners.clone(), clock.clone());
        async move {
            if request.uri().path() == LATER {
                let minutes = request.uri().query().unwrap().strip_prefix("minutes=").unwrap();
                clock.advance(time::Duration::minutes(minutes.parse().unwrap()));
            }
            let scope = request.extensions().get::<CurrentScope>().cloned().unwrap();
            let name = scope.account().and_then(Account::email).unwrap_or("stranger");
            let banner = banners.impersonation_banner(&scope).unwrap_or_default();
            let page = format!("<!doctype html><body>{banner}<p>hello {name}</p></body>");
            let page = Response::builder().header("content-type", "text/html").body(page.into());
            Ok::<Response<Full<Bytes>>, Infallible>(page.unwrap())
        }
    });
    Browser::new(sessions.layer(accounts.layer(host)), origin)
}
