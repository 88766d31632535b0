//! Two processes over one PostgreSQL are one host: whichever a request reaches, it goes on.

use std::time::Duration;

use http::Method;
use serde_json::Value;

use super::agent::{self, Agent};
use super::host::{Client, Host, Setting};
use super::trip;
use crate::support::database::{Database, databases};

async fn postgres() -> Option<Database> {
    databases().await.into_iter().find(|database| database.name == "postgres")
}

/// Two hosts that answer for the first one's URL.
async fn two_hosts(database: &Database, client: &Client) -> (Host, Host) {
    use base64::Engine as _;
    let key =
        base64::engine::general_purpose::STANDARD.encode(std::array::from_fn::<u8, 32, _>(|at| {
            (at as u8).wrapping_mul(37).wrapping_add(11)
        }));
    let keyring = format!("k1:{key}");
    let clients = [client.clone()];
    let setting = |issuer| Setting {
        database_url: &database.url,
        clients: &clients,
        keyring: Some(&keyring),
        issuer,
        ..Setting::default()
    };
    let first = Host::start(setting(None)).await;
    let second = Host::start(setting(Some(&first.base))).await;
    (first, second)
}

#[tokio::test]
async fn each_step_of_a_trip_may_reach_another_process() {
    let Some(database) = postgres().await else { return };
    let client = Client::confidential("app", "client_secret_basic");
    let (a, b) = two_hosts(&database, &client).await;

    // The browser's requests alternate between the two: authorize, login, consent, all of it.
    let mut agent = Agent::balanced(&[a.port, b.port]);
    let page = trip::open(&mut agent, &a.base, &client).await;
    let page = trip::log_in(&mut agent, &page).await;
    let code = trip::code(&mut agent, page).await;

    let tokens = trip::redeem(&b, &client, &code).await;
    let subject = trip::subject(&a, &tokens).await;
    assert_eq!(trip::subject(&b, &tokens).await, subject);
    assert_eq!(userinfo(&a, &tokens).await.1["sub"], subject);

    let refreshed = refresh(&a, &client, &tokens).await;
    assert_eq!(trip::subject(&b, &refreshed).await, subject);
    assert_eq!(userinfo(&b, &refreshed).await.1["sub"], subject);

    let refresh_token = refreshed["refresh_token"].as_str().unwrap();
    let revoked = b.call(&client, "/oauth/revoke", &[("token", refresh_token)]).await;
    assert_eq!(revoked.status, 200, "{revoked}");
    refused_within_a_second(&b, &refreshed, Duration::ZERO).await;
    refused_within_a_second(&a, &refreshed, Duration::from_secs(1)).await;
    assert_eq!(userinfo(&a, &refreshed).await.0, 401);
    refused_within_a_second(&a, &tokens, Duration::ZERO).await;
}

#[tokio::test]
async fn a_code_redeemed_at_one_process_is_spent_at_the_other() {
    let Some(database) = postgres().await else { return };
    let client = Client::confidential("app", "client_secret_basic");
    let (a, b) = two_hosts(&database, &client).await;
    let mut agent = Agent::balanced(&[b.port, a.port]);
    let page = trip::open(&mut agent, &a.base, &client).await;
    let page = trip::log_in(&mut agent, &page).await;
    let code = trip::code(&mut agent, page).await;

    let tokens = trip::redeem(&a, &client, &code).await;
    let again = trip::try_redeem(&b, &client, &code).await;
    assert_eq!((again.status.as_u16(), &again.json()["error"]), (400, &"invalid_grant".into()));
    refused_within_a_second(&a, &tokens, Duration::from_secs(1)).await;
}

#[tokio::test]
async fn a_killed_process_takes_nothing_with_it() {
    let Some(database) = postgres().await else { return };
    let client = Client::confidential("app", "client_secret_basic");
    let (a, b) = two_hosts(&database, &client).await;
    let mut agent = Agent::balanced(&[a.port]);
    let page = trip::open(&mut agent, &a.base, &client).await;
    let page = trip::log_in(&mut agent, &page).await;
    let code = trip::code(&mut agent, page).await;
    let tokens = trip::redeem(&a, &client, &code).await;
    drop(a);

    let subject = trip::subject(&b, &tokens).await;
    let refreshed = refresh(&b, &client, &tokens).await;
    assert_eq!(trip::subject(&b, &refreshed).await, subject);
    let mut agent = agent.moved_to(b.port);
    let page = trip::open(&mut agent, &b.base, &client).await;
    let code = trip::code(&mut agent, page).await;
    assert_eq!(trip::subject(&b, &trip::redeem(&b, &client, &code).await).await, subject);
}

async fn userinfo(host: &Host, tokens: &Value) -> (u16, Value) {
    let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
    let url = host.url("/oauth/userinfo");
    let answer = agent::call(Method::GET, host.port, &url, &bearer, &[]).await;
    (answer.status.as_u16(), serde_json::from_str(&answer.body).unwrap_or_default())
}

async fn refresh(host: &Host, client: &Client, tokens: &Value) -> Value {
    let refresh_token = tokens["refresh_token"].as_str().unwrap();
    let form = [("grant_type", "refresh_token"), ("refresh_token", refresh_token)];
    let answer = host.call(client, "/oauth/token", &form).await;
    assert_eq!(answer.status, 200, "{answer}");
    answer.json()
}

/// The API refuses these tokens, at the latest after `patience`.
async fn refused_within_a_second(host: &Host, tokens: &Value, patience: Duration) {
    let access_token = tokens["access_token"].as_str().unwrap();
    let deadline = tokio::time::Instant::now() + patience;
    loop {
        let answer = host.api(access_token).await;
        if answer.status == 401 {
            return;
        }
        let late = tokio::time::Instant::now() > deadline;
        assert!(!late, "still accepted after {patience:?}: {answer}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
