//! A PostgreSQL that does not answer: no request waits for it for ever.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use donjon::crypto::{KeyedHash, Keyring, Redacted, SystemRandom, TokenHash};
use donjon::http::Body;
use donjon::scope::{Account, CurrentScope, MemberRole, OrganizationId, UserId};
use donjon::session::{Proof, Session, SessionLayer};
use donjon::store::*;
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
    // The proxy reads what passes.
    url.query_pairs_mut().append_pair("sslmode", "disable");
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
    let (token, user) = (TokenHash::from_bytes([7; 32]), UserId::new("alice").unwrap());
    let link = FollowedLink { token, user, email: "alice@example.test".into() };
    let password = Redacted("x".into());
    let (along, now) = (Effects::none(), OffsetDateTime::UNIX_EPOCH);
    let reset = store.reset_password(&link, &password, &along, now);
    let reset = tokio::time::timeout(FOR_EVER, reset).await.unwrap();
    assert!(matches!(reset, Err(StoreError::Unavailable(_))), "{reset:?}");
    proxy.let_flow();
    let mut tries = 0;
    while is_unavailable(&store).await {
        tries += 1;
        assert!(tries < 100, "the store does not come back");
    }
}

/// Begins a transaction, and hears nothing more.
async fn ends_in_time<T: std::fmt::Debug>(
    (proxy, store): (&Proxy, &SqlStore),
    what: &str,
    transition: impl Future<Output = Result<T, StoreError>>,
) {
    proxy.hold_after("BEGIN");
    let answer = tokio::time::timeout(FOR_EVER, transition).await;
    let answer = answer.unwrap_or_else(|_| panic!("{what} holds its caller for ever"));
    assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{what}: {answer:?}");
    proxy.let_flow();
    let mut tries = 0;
    while is_unavailable(store).await {
        tries += 1;
        assert!(tries < 100, "the store does not come back after {what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_transaction_holds_its_caller_for_ever() {
    let Some((_database, proxy, store)) = behind_a_proxy().await else { return };
    let (along, now) = (Effects::none(), OffsetDateTime::UNIX_EPOCH);
    let (id, user) = (OrganizationId(uuid::Uuid::nil()), UserId::new("alice").unwrap());
    let (role, secret) = (MemberRole::MEMBER, KeyedHash::from_bytes([7; 32]));
    let token = NewApiToken {
        id: ApiTokenId(uuid::Uuid::nil()),
        hash: TokenHash::from_bytes([7; 32]),
        owner: TokenOwner::User(user.clone()),
        made_in: None,
        by: None,
        name: "n".into(),
        scopes: Vec::new(),
        created_at: now,
        expires_at: None,
    };
    let account = ServiceAccount {
        id: user.clone(),
        organization: Some(id),
        name: "n".into(),
        created_at: now,
        disabled_at: None,
    };
    let invitation = NewInvitation {
        id: InvitationId(uuid::Uuid::nil()),
        organization: id,
        email: "a@example.test".into(),
        role: role.clone(),
        secret,
        inviter: None,
        created_at: now,
        expires_at: now,
    };
    let followed = FollowedInvitation { id: invitation.id, secret, givers: Vec::new() };
    let new = NewUser { account: Account::new(user.clone()), password: None, created_at: now };
    let sso = NewSsoMode {
        organization: id,
        domain: "acme.example".into(),
        mode: SsoMode::Enforced,
        came_by: None,
        at: now,
    };
    let change = NewRole { role: role.clone(), gives: Vec::new() };
    macro_rules! each_ends_in_time {
        ($($call:ident($($argument:expr),*);)*) => {
            $(ends_in_time((&proxy, &store), stringify!($call), store.$call($($argument),*)).await;)*
        };
    }
    each_ends_in_time! {
        create_api_token(&token, 1, &along);
        create_service_account(&account, None, 1, &along);
        disable_service_account(&user, None, None, &along);
        rename_organization(id, "n", None, &along);
        require_second_factor(id, true, None, &along);
        delete_organization(id, None, &along, now);
        add_member(id, &user, &role, &along, now);
        remove_member(id, &user, None, &along, now);
        change_role(id, &user, &change, None, &along);
        invite(&invitation, None, None, &along);
        revoke_invitation(id, invitation.id, None, &along);
        accept_invitation(&followed, &user, &along, now);
        register_invited(&followed, &new, &along);
        change_sso(&sso, None, &along);
        name_break_glass((id, &user), true, None, &along, now);
        require_password_change(&user, &along, now);
        remove_passkey(&user, uuid::Uuid::nil(), &OpenWays::default(), &along, &along);
        unlink_identity(&user, "idp", &OpenWays::default(), &along);
        disable_account(&user, &along, now);
        unlock(&user, &along);
        remove_password(&user, &along, now);
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
