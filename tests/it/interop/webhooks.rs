//! PyPI `standardwebhooks` as the receiver of our webhooks, and as the sender of its own.

use std::time::Duration;

use donjon::crypto::{Clock as _, RandomExt as _, SystemClock, SystemRandom};
use donjon::delivery::webhook::{
    HEADER_ID, HEADER_SIGNATURE, HEADER_TIMESTAMP, WebhookError, WebhookSecret, WebhookVerifier,
    sign,
};
use http::HeaderMap;
use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::support::{process, tools};

const LIMIT: Duration = Duration::from_secs(60);
const BODIES: [&str; 5] =
    ["{}", "{\"type\":\"user.created\"}", "", "ünï\u{1f511}\r\n", "1668971364.{}"];

#[derive(Deserialize)]
struct Report {
    accepted: Vec<bool>,
    signatures: Vec<String>,
}

#[tokio::test]
async fn what_the_worker_delivers_is_accepted_by_an_independent_receiver() {
    use std::sync::Arc;

    use crate::webhooks::each_story;

    each_story(async |story| {
        let Some(python) = tools::python_with("standardwebhooks", "webhooks.py") else { return };
        let old = story.secret.clone();
        let decades = time::Duration::days(36_500);
        let new = story.endpoints.rotate_secret(story.id, decades).await.unwrap();
        story.user("a@example.test").await;
        // The other side reads the machine's clock.
        assert_eq!(story.worker().clock(Arc::new(SystemClock)).run_once().await, 1);
        let message = &story.receiver.received()[0];
        let headers: HeaderMap = [HEADER_ID, HEADER_TIMESTAMP, HEADER_SIGNATURE]
            .map(|name| (name.clone(), message.headers[name].clone()))
            .into_iter()
            .collect();
        let body = String::from_utf8(message.body.clone()).unwrap();
        let received = |secret: &WebhookSecret, body: &str| {
            json!({"secret": secret.expose(), "headers": texts(&headers), "body": body})
        };
        let received = [
            received(&old, &body),
            received(&new, &body),
            received(&secret(), &body),
            received(&new, &body.replace("user.created", "user.deleted")),
        ];
        let request = json!({"received": received, "to_send": []});
        let report: Report = process::run(python, &request, LIMIT).await;
        assert_eq!(report.accepted, [true, true, false, false]);
    })
    .await;
}

#[tokio::test]
async fn webhooks_are_those_of_the_standard_in_both_directions() {
    let Some(python) = tools::python_with("standardwebhooks", "webhooks.py") else { return };
    let (old, new, other) = (secret(), secret(), secret());
    // The other side reads the machine's clock.
    let now = SystemClock.now();
    let minutes = |minutes| now + time::Duration::minutes(minutes);

    let mut received = Vec::new();
    let mut expected = Vec::new();
    let mut send = |by: &[&WebhookSecret], to: &WebhookSecret, at, body: &str, good| {
        let headers = sign(by.iter().copied(), SystemRandom.uuid_v7(now), at, body.as_bytes());
        received.push(json!({"secret": to.expose(), "headers": texts(&headers), "body": body}));
        expected.push(good);
    };
    for body in BODIES {
        send(&[&old], &old, now, body, true);
        send(&[&new, &old], &old, now, body, true);
        send(&[&new, &old], &new, now, body, true);
        send(&[&new, &old], &other, now, body, false);
        send(&[&old], &old, minutes(-4), body, true);
        send(&[&old], &old, minutes(-6), body, false);
        send(&[&old], &old, minutes(6), body, false);
    }
    let ids = ["msg_2KWPBgLlAfxdpx2AI54pPJ85f4W", "1", "a-b_c:d"];
    let to_send = |id: &&str| {
        BODIES.map(|body| {
            json!({"secret": old.expose(), "id": id, "timestamp": now.unix_timestamp(), "body": body})
        })
    };
    let to_send: Vec<Value> = ids.iter().flat_map(to_send).collect();
    let request = json!({"received": received, "to_send": to_send});
    let report: Report = process::run(python, &request, LIMIT).await;

    assert_eq!(report.accepted, expected);
    assert_eq!(report.signatures.len(), to_send.len());
    let verifier = WebhookVerifier::new([new, old]);
    for (message, signature) in to_send.iter().zip(report.signatures) {
        let (headers, body) = received_from(message, &signature);
        let verified = verifier.verify(&headers, body, now).unwrap();
        assert_eq!(verified.id, message["id"].as_str().unwrap());
        assert_eq!(
            verified.sent_at,
            OffsetDateTime::from_unix_timestamp(now.unix_timestamp()).unwrap()
        );
        let stranger = WebhookVerifier::new([other.clone()]);
        assert_eq!(stranger.verify(&headers, body, now), Err(WebhookError::Signature));
    }
}

fn secret() -> WebhookSecret {
    WebhookSecret::generate(&SystemRandom)
}

fn texts(headers: &HeaderMap) -> Value {
    let text = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        (name.to_string(), json!(value.to_str().unwrap()))
    };
    Value::Object(headers.iter().map(text).collect())
}

fn received_from<'a>(message: &'a Value, signature: &str) -> (HeaderMap, &'a [u8]) {
    let headers = HeaderMap::from_iter([
        (HEADER_ID, message["id"].as_str().unwrap().parse().unwrap()),
        (HEADER_TIMESTAMP, message["timestamp"].as_i64().unwrap().into()),
        (HEADER_SIGNATURE, signature.parse().unwrap()),
    ]);
    (headers, message["body"].as_str().unwrap().as_bytes())
}
