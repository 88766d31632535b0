//! PyPI `pyotp` as the authenticator app.

use std::time::Duration;

use donjon::account::mfa::TotpSecret;
use donjon::crypto::SystemRandom;
use serde::Deserialize;
use serde_json::json;
use time::OffsetDateTime;

use crate::support::{process, tools};

const LIMIT: Duration = Duration::from_secs(60);
const DRIFTS: [i64; 9] = [-3600, -60, -31, -30, 0, 29, 30, 60, 3600];
const NAMES: [(&str, &str); 5] = [
    ("Acme", "alice@example.test"),
    ("Acme & Söhne / 東京", "alice+home@example.test"),
    ("100 % secure? #1", "a b\"c<d>=&e"),
    ("Ac\u{200d}me", "ünï@exämple.test"),
    ("~*-._'()!", "x"),
];

#[derive(Deserialize)]
struct Shown {
    code: String,
    accepted: Vec<bool>,
}

#[tokio::test]
async fn an_authenticator_app_shows_the_codes_that_are_accepted() {
    let Some(python) = tools::python_with("pyotp", "totp.py") else { return };
    let secrets = NAMES.map(|_| TotpSecret::generate(&SystemRandom));
    let times: Vec<i64> = (0..40i64).map(|i| 3_659 + i * i * 1_234_567).collect();
    let apps = secrets.iter().zip(NAMES).map(|(secret, (issuer, account))| {
        let uri = secret.expose_uri(issuer, account);
        json!({"uri": uri, "issuer": issuer, "account": account, "secret": secret.expose(), "times": times})
    });
    let request = json!({"apps": apps.collect::<Vec<_>>(), "drifts": DRIFTS});
    let apps: Vec<Vec<Shown>> = process::run(python, &request, LIMIT).await;

    assert_eq!(apps.len(), NAMES.len());
    for (secret, shown) in secrets.iter().zip(apps) {
        assert_eq!(shown.len(), times.len());
        for (time, shown) in times.iter().zip(shown) {
            let at = |drift: i64| OffsetDateTime::from_unix_timestamp(time + drift).unwrap();
            assert_eq!(shown.code, secret.code_at(at(0)), "{time}");
            let accepted = DRIFTS.map(|drift| secret.check(&shown.code, at(drift), None).is_some());
            assert_eq!(shown.accepted, accepted, "{time}");
        }
    }
}
