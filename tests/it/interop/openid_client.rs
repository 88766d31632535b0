//! npm `openid-client` as the third-party client, and PyPI `joserfc` to look at its tokens.

use std::time::Duration;

use serde_json::{Value, json};

use super::host::{Client, Host, Setting, USER};
use crate::support::database::databases;
use crate::support::{process, tools};

const LIMIT: Duration = Duration::from_secs(120);
const SCRIPT: &str = "openid_client.mjs";

#[tokio::test]
async fn openid_client_walks_the_whole_trip() {
    for database in databases().await {
        let Some(node) = tools::node(SCRIPT) else { return };
        let keys: Value = process::run(node, &json!({"keys": true}), LIMIT).await;
        let clients = clients(&keys);
        let machine = Client::confidential("machine", "client_secret_basic")
            .with("grant_types", json!(["client_credentials"]))
            .with("scope", json!("api:read"));
        let mut configured = clients.clone();
        configured.push(machine.clone());
        let host = Host::start(Setting {
            database_url: &database.url,
            clients: &configured,
            ..Setting::default()
        })
        .await;

        let seen: Vec<Value> =
            clients.iter().map(|client| as_seen_by_itself(client, &keys)).collect();
        let request = json!({
            "issuer": host.base,
            "api": format!("{}/api/me", host.base),
            "user": {"email": USER.email, "password": USER.password},
            "clients": seen,
            "machine": machine.metadata,
        });
        let node = tools::node(SCRIPT).unwrap();
        let report: Value = process::run(node, &request, LIMIT).await;

        check_discovery(&report["discovery"], &host.base);
        for client in &clients {
            let name = format!("{} on {}", client.id(), database.name);
            let trip = &report["clients"][client.id()];
            check_trip(trip, client, &name);
            check_tokens(trip, client, &host).await;
        }
        check_machine(&report["machine"]);
    }
}

/// One client for every way to authenticate, and both algorithms of an ID token.
fn clients(keys: &Value) -> Vec<Client> {
    vec![
        Client::public("spa"),
        Client::confidential("basic", "client_secret_basic"),
        Client::confidential("post", "client_secret_post")
            .with("id_token_signed_response_alg", json!("ES256")),
        Client::web("keyed", "private_key_jwt").with("jwks", json!({"keys": [keys["public"]]})),
    ]
}

/// Its metadata, with its private key where it has one.
fn as_seen_by_itself(client: &Client, keys: &Value) -> Value {
    let mut metadata = client.metadata.clone();
    if metadata.get("jwks").is_some() {
        metadata["private_key"] = keys["private"].clone();
    }
    metadata
}

fn check_discovery(metadata: &Value, issuer: &str) {
    assert_eq!(metadata["issuer"], issuer);
    assert_eq!(metadata["code_challenge_methods_supported"], json!(["S256"]));
    assert_eq!(metadata["authorization_response_iss_parameter_supported"], true);
}

fn check_trip(trip: &Value, client: &Client, name: &str) {
    assert_eq!(trip["pages"], json!(["login", "consent"]), "{name}");
    assert_eq!(trip["tokens"]["token_type"], "bearer", "{name}");
    let claims = &trip["claims"];
    let sub = claims["sub"].as_str().unwrap();
    assert!(!sub.contains('@'), "{name}: sub is an email address");
    assert_eq!(claims["nonce"], trip["nonce"], "{name}");
    assert_eq!(claims["aud"], client.id(), "{name}");

    assert_eq!(trip["userinfo"]["sub"], sub, "{name}");
    assert_eq!(trip["userinfo"]["email"], USER.email, "{name}");
    assert_eq!(trip["userinfo"]["name"], USER.name, "{name}");

    let api = &trip["api"];
    assert_eq!(api["status"], 200, "{name}: {api}");
    assert_eq!(api["body"]["sub"], sub, "{name}");
    assert_eq!(api["body"]["client_id"], client.id(), "{name}");

    if !client.is_public() {
        assert_eq!(trip["introspection"]["active"], true, "{name}");
        assert_eq!(trip["introspection"]["sub"], sub, "{name}");
    }
    let expected = json!({
        "rotates": true, "repeats_successor": true, "fresh_access_token": true,
        "rotates_again": true, "reuse": "invalid_grant", "after_reuse": "invalid_grant",
    });
    assert_eq!(trip["refresh"], expected, "{name}");
    assert_eq!(trip["wrong_verifier"], "invalid_grant", "{name}");
    // The session and the consent are remembered; a code's second use ends what the first gave.
    let expected =
        json!({"pages": [], "before": 200, "second_use": "invalid_grant", "access_after": 401});
    assert_eq!(trip["replay"], expected, "{name}");

    let revocation = &trip["revocation"];
    assert_eq!(revocation["before"], 200, "{name}");
    assert_eq!(revocation["refresh_after"], "invalid_grant", "{name}");
    assert_eq!(revocation["access_after"], 401, "{name}");
    assert_eq!(revocation["userinfo_after"], "invalid_token", "{name}");
    assert_eq!(revocation["unknown_token"], Value::Null, "{name}");
    if !client.is_public() {
        assert_eq!(revocation["introspection_after"], json!({"active": false}), "{name}");
    }
}

fn check_machine(report: &Value) {
    assert_eq!(report["tokens"].get("refresh_token"), None);
    assert_eq!(report["tokens"].get("id_token"), None);
    assert_eq!(report["api"]["status"], 200, "{report}");
    assert_eq!(report["api"]["body"]["client_id"], "machine");
    assert_eq!(report["too_much"], "invalid_scope");
}

async fn check_tokens(trip: &Value, client: &Client, host: &Host) {
    let Some(python) = tools::python("tokens.py") else { return };
    let alg = &client.metadata["id_token_signed_response_alg"];
    let request = json!({
        "jwks": host.jwks().await,
        "issuer": host.base,
        "client_id": client.id(),
        "audience": host.base,
        "nonce": trip["nonce"],
        "access_token": trip["tokens"]["access_token"],
        "id_token": trip["tokens"]["id_token"],
        "id_token_alg": alg.as_str().unwrap_or("RS256"),
    });
    let report: Value = process::run(python, &request, LIMIT).await;
    assert_eq!(report["access_token"]["header"]["alg"], "ES256");
    assert_eq!(report["access_token"]["claims"]["sub"], trip["claims"]["sub"]);
}
