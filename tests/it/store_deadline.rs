//! A PostgreSQL that does not answer: no request waits for it for ever.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use donjon::crypto::{Keyring, Redacted, SystemRandom, TokenHash};
use donjon::http::Body;
use donjon::scope::{Account, CurrentScope, UserId};
use donjon::session::{Proof, Session, SessionLayer};
use donjon::store::{Effects, SqlStore, StoreError, StoreOptions};
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use time::OffsetDateTime;
use tower::{Layer as _, service_fn};
use url::Url;

use crate::support::browser::Browser;
use crate::support::database::{Database, databases};
use crate::support::proxy::Proxy;

const ORIGIN: &str = "http://127.0.0.1:3000";
/// Far more than any deadline here, and far less than for ever.
const FOR_EVER: Duration = Duration::from_secs(120);

/// The database of the test by way of a proxy; `None` without PostgreSQL.
async fn behind_a_proxy() -> Option<(Database, Proxy, SqlStore)> {
    let database = databases().await.into_iter().find(|database| database.name == "postgres")?;
    let mut url = Url::parse(&database.url).unwrap();
    let server = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap_or(5432));
    let proxy = Proxy::before(server).await;
    url.set_host(Some("127.0.0.1")).unwrap();
    url.set_port(Some(proxy.address.port())).unwrap();
    let mut options = StoreOptions::default();
    options.patience = Duration::from_millis(300);
    options.connections = 4;
    let store = SqlStore::connect_with(url.as_str(), options).await.unwrap();
    Some((database, proxy, store))
}

async fn is_unavailable(store: &SqlStore) -> bool {
    let user = UserId::new("alice").unwrap();
    let call = store.sessions_of(&user, OffsetDateTime::UNIX_EPOCH);
    let answer = tokio::time::timeout(FOR_EVER, call).await.unwrap();
    matches!(answer, Err(StoreError::Unavailable(_)))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_hangs_holds_nobody_for_ever_and_is_used_again_when_it_answers() {
    let Some((_database, proxy, store)) = behind_a_proxy().await else { return };
    assert!(!is_unavailable(&store).await);
    proxy.hold();
    // More than there are connections: those who wait for one are answered too.
    let callers = (0..12).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { is_unavailable(&store).await })
    });
    for caller in callers.collect::<Vec<_>>() {
        assert!(caller.await.unwrap());
    }
    let (token, password) = (TokenHash::from_bytes([7; 32]), Redacted("x".into()));
    let (along, now) = (Effects::none(), OffsetDateTime::UNIX_EPOCH);
    let reset = store.reset_password(&token, &password, &along, now);
    let reset = tokio::time::timeout(FOR_EVER, reset).await.unwrap();
    assert!(matches!(reset, Err(StoreError::Unavailable(_))), "{reset:?}");
    proxy.let_flow();
    let mut tries = 0;
    while is_unavailable(&store).await {
        tries += 1;
        assert!(tries < 100, "the store does not come back");
    }
}

async fn page(request: Request<Full<Bytes>>) -> Result<Response<Body>, Infallible> {
    let session = request.extensions().get::<Session>().unwrap().clone();
    if request.uri().path() == "/in" {
        let account = Account::new(UserId::new("alice").unwrap());
        session.log_in(account, Proof::by([])).await.unwrap();
    }
    let scope = request.extensions().get::<CurrentScope>().unwrap();
    let name = scope.account().map_or("nobody".to_owned(), |account| account.id().to_string());
    Ok(Response::new(Body::from(name)))
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_while_the_database_hangs_is_told_to_come_back() {
    let Some((_database, proxy, store)) = behind_a_proxy().await else { return };
    let keyring = Keyring::ephemeral(&SystemRandom);
    let sessions = SessionLayer::new(&store, &keyring).base_url(ORIGIN).unwrap().without_sweeper();
    let mut browser = Browser::new(sessions.layer(service_fn(page)), ORIGIN);
    browser.get("/in").await;
    assert_eq!(browser.get("/").await.body, "alice");
    proxy.hold();
    let answer = tokio::time::timeout(FOR_EVER, browser.get("/")).await.unwrap();
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.headers.contains_key("retry-after"));
    assert!(browser.cookies.keys().any(|name| name.contains("session")), "still logged in");
}

#[tokio::test]
async fn a_wrong_address_is_told_as_what_it_is() {
    // Nobody listens where somebody did a moment ago.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let error = SqlStore::connect(&format!("postgres://me@127.0.0.1:{port}/db")).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("refused"), "{text}");
    assert!(!text.contains("timed out"), "{text}");
}
