//! What the host tells Tally of, by webhook (Standard Webhooks): verified, and shown.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use askama::Template;
use aws_lc_rs::hmac;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::pages::BRAND;

/// How many are shown.
const MOST: usize = 50;
/// How old a message may be, or how far ahead of our clock, in seconds.
const TOLERANCE: u64 = 5 * 60;

/// The events that have come, the newest first.
#[derive(Clone, Default)]
pub(crate) struct Inbox(Arc<Kept>);

#[derive(Default)]
struct Kept {
    key: OnceLock<hmac::Key>,
    events: Mutex<VecDeque<Event>>,
}

struct Event {
    id: String,
    kind: String,
    body: String,
}

impl Inbox {
    /// Learns the secret that the host made for us: `whsec_` and the key in base64.
    pub(crate) fn learn(&self, secret: &str) {
        if let Ok(key) = STANDARD.decode(secret.trim_start_matches("whsec_")) {
            let _ = self.0.key.set(hmac::Key::new(hmac::HMAC_SHA256, &key));
        }
    }

    /// Where the host posts to.
    pub(super) fn routes(&self) -> Router {
        Router::new().route("/webhooks", post(receive)).with_state(self.clone())
    }

    pub(super) fn page(&self) -> Response {
        let events = self.0.events.lock().unwrap_or_else(PoisonError::into_inner);
        BRAND.page("Events", &Page { events: events.iter().collect() })
    }

    /// Whether the host wrote this, just now.
    #[expect(clippy::disallowed_methods, reason = "a program of its own, with a clock of its own")]
    fn verify(&self, [id, timestamp, signatures]: [&str; 3], body: &[u8]) -> bool {
        let Some(key) = self.0.key.get() else { return false };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let is_fresh = timestamp.parse().is_ok_and(|at| now.abs_diff(at) <= TOLERANCE);
        let signed = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body].concat();
        let signatures = signatures.split(' ').filter_map(|one| one.strip_prefix("v1,"));
        let mut signatures = signatures.filter_map(|one| STANDARD.decode(one).ok());
        is_fresh && signatures.any(|tag| hmac::verify(key, &signed, &tag).is_ok())
    }
}

async fn receive(State(inbox): State<Inbox>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let [id, timestamp, signatures] = ["webhook-id", "webhook-timestamp", "webhook-signature"];
    let signed = [header(id), header(timestamp), header(signatures)];
    if !inbox.verify(signed, &body) {
        return StatusCode::UNAUTHORIZED;
    }
    let Ok(message) = serde_json::from_slice::<serde_json::Value>(&body) else {
        return StatusCode::BAD_REQUEST;
    };
    let mut events = inbox.0.events.lock().unwrap_or_else(PoisonError::into_inner);
    // The same one may come again.
    if events.iter().all(|event| event.id != header(id)) {
        events.truncate(MOST - 1);
        let kind =
            message.get("type").and_then(|kind| kind.as_str()).unwrap_or_default().to_owned();
        let event = Event { id: header(id).to_owned(), kind, body: format!("{message:#}") };
        events.push_front(event);
    }
    StatusCode::NO_CONTENT
}

#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<section class="row">
<div><h1>What the host told us</h1><p>By webhook, signed; the newest first.</p></div>
<a class="button" href="/">Home</a>
</section>
{% for event in events %}<section class="event">
<h2>{{ event.kind }}</h2>
<pre>{{ event.body }}</pre>
</section>
{% else %}<section><p>Nothing yet. Log in at the host, and look again.</p></section>
{% endfor %}"#
)]
struct Page<'a> {
    events: Vec<&'a Event>,
}
