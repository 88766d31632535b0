//! The authorization-code trip, step by step, for tests that look between the steps.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::agent::{Agent, Answer};
use super::host::{Client, Host, REDIRECT_URI, USER};

const VERIFIER: &str = "a-code-verifier-of-more-than-43-characters-in-all";

/// Opens the authorization endpoint; returns where the browser is when it must wait for the user,
/// or the redirect to the client.
pub async fn open(agent: &mut Agent, base: &str, client: &Client) -> Answer {
    let challenge = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, VERIFIER.as_bytes());
    let challenge = URL_SAFE_NO_PAD.encode(challenge);
    let parameters = [
        ("response_type", "code"),
        ("client_id", client.id()),
        ("redirect_uri", REDIRECT_URI),
        ("scope", "openid profile email offline_access api:read"),
        ("state", "a state"),
        ("nonce", "a nonce"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ];
    let url = url::Url::parse_with_params(&format!("{base}/oauth/authorize"), parameters).unwrap();
    let answer = agent.get(url.as_str()).await;
    agent.follow(answer, REDIRECT_URI).await
}

/// Fills in the login page.
pub async fn log_in(agent: &mut Agent, page: &Answer) -> Answer {
    let values = [("email", USER.email), ("password", USER.password)];
    let answer = agent.submit(page, "submit", &values).await;
    agent.follow(answer, REDIRECT_URI).await
}

/// Approves the consent page, if the browser is at one, and takes the code off the redirect.
pub async fn code(agent: &mut Agent, mut at: Answer) -> String {
    if at.has("approve") {
        let answer = agent.submit(&at, "approve", &[]).await;
        at = agent.follow(answer, REDIRECT_URI).await;
    }
    assert_eq!(at.location_parameter("state").as_deref(), Some("a state"), "{at}");
    at.location_parameter("code").unwrap_or_else(|| panic!("no code: {at}"))
}

/// Redeems a code at this host.
pub async fn redeem(host: &Host, client: &Client, code: &str) -> Value {
    let answer = try_redeem(host, client, code).await;
    assert_eq!(answer.status, 200, "{answer}");
    answer.json()
}

pub async fn try_redeem(host: &Host, client: &Client, code: &str) -> Answer {
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", REDIRECT_URI),
        ("code_verifier", VERIFIER),
    ];
    host.call(client, "/oauth/token", &form).await
}

/// Who the API says the holder of these tokens is.
pub async fn subject(host: &Host, tokens: &Value) -> String {
    let answer = host.api(tokens["access_token"].as_str().unwrap()).await;
    assert_eq!(answer.status, 200, "{answer}");
    answer.json()["sub"].as_str().unwrap().to_owned()
}
