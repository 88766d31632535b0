//! Apps of the host's own: the store's contract, the page, the endpoints, and the API behind the layer.

mod attacks;
mod ends;
#[cfg(feature = "resource")]
mod layer;
mod limits;
mod login;
mod refresh;
mod requests;
mod single_sign_on;
mod store;

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use donjon::account::app::{App, AppSessions};
use donjon::audit::AuditEntry;
use donjon::crypto::sha256;
use donjon::http::PeerAddr;
use donjon::scope::UserId;
use donjon::store::{AuditFilter, SqlStore};
use donjon::testing::ManualClock;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::Full;
use serde_json::{Value, json};
use url::Url;

use super::world::{ALICE, World, each_world_over};
use crate::support::browser::{Browser, Page};

const LOGIN: &str = "/app/login";
const EXCHANGE: &str = "/app/session";
const REFRESH: &str = "/app/session/refresh";
const REVOKE: &str = "/app/session/revoke";
const LIST: &str = "/settings/sessions";

const PHONE: &str = "acme-ios";
const SCHEME: &str = "com.example.acme:/logged-in";
const CLAIMED: &str = "https://app.example/ios/logged-in";
const DESKTOP: &str = "acme-desktop";
const LOOPBACK: &str = "http://127.0.0.1/logged-in";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// The apps of these stories.
pub(super) fn apps_over(store: &SqlStore, clock: Arc<ManualClock>) -> AppSessions {
    let phone = App::new(PHONE, "Acme for iPhone")
        .redirect_uri(SCHEME)
        .redirect_uri(CLAIMED)
        .scopes(["api:read", "api:write"])
        .asks_once();
    let desktop =
        App::new(DESKTOP, "Acme for desktops").redirect_uri(LOOPBACK).scopes(["api:read"]);
    AppSessions::new(store, "acmeapp".parse().unwrap())
        .clock(clock)
        .app(phone)
        .unwrap()
        .app(desktop)
        .unwrap()
}

async fn each_app_world(story: impl AsyncFn(World, AppSessions)) {
    each_world_over(
        |store, clock, builder| builder.apps(&apps_over(store, clock)),
        async |world| {
            let apps = apps_over(&world.store, world.clock.clone());
            story(world, apps).await;
        },
    )
    .await;
}

/// What an app opens in the browser.
pub(super) fn ask(fields: &[(&str, &str)]) -> String {
    let challenge = URL_SAFE_NO_PAD.encode(sha256(VERIFIER.as_bytes()));
    let mut all = vec![
        ("app", PHONE),
        ("redirect_uri", SCHEME),
        ("code_challenge", challenge.as_str()),
        ("code_challenge_method", "S256"),
        ("state", "a state & more"),
    ];
    all.retain(|(name, _)| fields.iter().all(|(given, _)| given != name));
    all.extend(fields.iter().copied().filter(|(_, value)| !value.is_empty()));
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(all).finish();
    format!("{LOGIN}?{query}")
}

/// Lets the app in that asks so, and gives the code.
async fn code(browser: &mut Browser, address: &str) -> String {
    let page = browser.get(address).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    let page = browser.submit(&page, &[("decision", "approve")]).await;
    sent(&page, "code").unwrap_or_else(|| panic!("{}: {}", page.status, page.body))
}

/// What a redirect sends to the app in this field.
fn sent(page: &Page, name: &str) -> Option<String> {
    let target = page.headers.get("location")?.to_str().unwrap();
    let url = Url::parse(target).ok()?;
    let found = url.query_pairs().find(|(key, _)| key == name)?;
    Some(found.1.into_owned())
}

/// What an app gets to hear.
#[derive(Debug)]
struct Told {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

impl Told {
    fn text(&self, name: &str) -> String {
        let text = self.body.get(name).and_then(Value::as_str);
        text.unwrap_or_else(|| panic!("no {name} in {self:?}")).to_owned()
    }

    fn access(&self) -> String {
        self.text("access_token")
    }

    fn refresh(&self) -> String {
        self.text("refresh_token")
    }

    fn is_refused(&self, error: &str) -> bool {
        self.status == StatusCode::BAD_REQUEST && self.body["error"] == error
    }
}

/// Posts what an app posts, from nowhere in particular.
async fn post(world: &World, path: &str, body: impl Into<Bytes>, kind: &str) -> Told {
    let request = Request::post(path)
        .header("host", "127.0.0.1:3000")
        .header("content-type", kind)
        .header("user-agent", "Acme/1.0 (iPhone)")
        .extension(PeerAddr([192, 0, 2, 7].into()))
        .body(Full::new(body.into()))
        .unwrap();
    let (parts, body) = world.browser().send(request).await.into_parts();
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    Told { status: parts.status, headers: parts.headers, body }
}

async fn call(world: &World, path: &str, body: &Value) -> Told {
    post(world, path, body.to_string(), "application/json").await
}

fn exchange_of(code: &str) -> Value {
    json!({ "app": PHONE, "code": code, "code_verifier": VERIFIER, "redirect_uri": SCHEME })
}

async fn exchange(world: &World, code: &str) -> Told {
    call(world, EXCHANGE, &exchange_of(code)).await
}

async fn refresh(world: &World, token: &str) -> Told {
    call(world, REFRESH, &json!({ "app": PHONE, "refresh_token": token })).await
}

/// A session of the app on Alice's phone, whom this browser is logged in as.
async fn on_the_phone(world: &World, browser: &mut Browser) -> Told {
    let code = code(browser, &ask(&[])).await;
    let told = exchange(world, &code).await;
    assert_eq!(told.status, StatusCode::OK, "{told:?}");
    told
}

/// Whether an access token opens something.
async fn opens(apps: &AppSessions, told: &Told) -> bool {
    apps.verify(&told.access()).await.is_ok()
}

async fn alice(world: &World) -> UserId {
    let account = world.accounts.accounts().find_by_email(ALICE).await.unwrap();
    account.unwrap().id().clone()
}

/// What the audit log tells of this action, newest first.
async fn told(world: &World, action: &str) -> Vec<AuditEntry> {
    let filter = AuditFilter { action: Some(action.into()), ..AuditFilter::default() };
    world.store.audit_entries(&filter, 100).await.unwrap()
}
