use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::header::{CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, HeaderValue, Request, StatusCode};
use time::format_description::well_known::Rfc2822;
use time::{Duration, OffsetDateTime};

use super::endpoints::live_secrets;
use super::event::body;
use super::sign;
use crate::audit::{Action, AuditActor, Entry};
use crate::crypto::{Clock, Keyring, Random, SystemClock, SystemRandom};
use crate::delivery::pump::{self, Pump, RunningWorker};
use crate::http::{Egress, EgressError};
use crate::store::{
    Effects, Result, SWEEP_BATCH, WebhookAttempt, WebhookDelivery, WebhookOutcome, WebhookStore,
    sweep_regularly,
};

/// How long an endpoint may take to answer.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(15);
/// For how long a delivery belongs to the worker that took it: longer than an answer may take.
const LEASE: Duration = Duration::seconds(60);
/// The pauses between attempts.
const PAUSES: [Duration; 7] = [
    Duration::MINUTE,
    Duration::minutes(5),
    Duration::minutes(15),
    Duration::HOUR,
    Duration::hours(3),
    Duration::hours(10),
    Duration::DAY,
];
/// The longest pause that an endpoint can ask for.
const LONGEST_RETRY_AFTER: Duration = Duration::DAY;
/// How many deliveries to one endpoint are under way at the same time.
const EACH: u32 = 4;
/// How long an event is kept.
const KEPT: Duration = Duration::days(30);

/// Sees events off to the endpoints that asked for them. Any number of processes may run workers over
/// one store.
///
/// Only a status of 2xx says that an event arrived; redirects are not followed. What did not arrive is
/// tried again after 1, 5 and 15 minutes, 1, 3, 10 and 24 hours, or as much later as the endpoint asks
/// for with `Retry-After`, within a day; then it is a dead letter, until somebody sends it again
/// ([`WebhookEndpoints::replay`](super::WebhookEndpoints::replay)). 410 disables the endpoint. A worker
/// that is killed leaves a lease that runs out, so an event is sent at least once, and in rare cases
/// twice; its id, in `webhook-id`, is always the same. Events may come in another order than they
/// happened.
///
/// Endpoints are served in turn: one that hangs, or many, leave a place for whoever has none.
///
/// While it runs, a worker removes events a month after they happened, in bounded batches, unless
/// they are still on their way ([`WebhookWorker::keep_for`]).
#[derive(Clone, Debug)]
#[must_use]
pub struct WebhookWorker {
    store: Arc<dyn WebhookStore>,
    keyring: Keyring,
    egress: Egress,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    concurrency: usize,
    poll_every: std::time::Duration,
    keep_for: Duration,
}

impl WebhookWorker {
    /// A worker that sends what is in `store` by the guarded client; the endpoints' secrets are sealed
    /// with `keyring`. It waits 15 seconds for an answer.
    pub fn new(
        store: impl Into<Arc<dyn WebhookStore>>,
        keyring: &Keyring,
        egress: &Egress,
    ) -> Self {
        Self {
            store: store.into(),
            keyring: keyring.clone(),
            egress: egress.clone().patience(PATIENCE),
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
            concurrency: 16,
            poll_every: std::time::Duration::from_secs(1),
            keep_for: KEPT,
        }
    }

    /// How long an endpoint may take to answer; at most half a minute.
    pub fn patience(mut self, patience: std::time::Duration) -> Self {
        let most = std::time::Duration::from_secs(30);
        self.egress = self.egress.patience(patience.min(most));
        self
    }

    /// How many events are sent at the same time; at least one, by default sixteen, of which four at
    /// most go to one endpoint.
    pub fn concurrency(mut self, concurrency: usize) -> Self {
        self.concurrency = concurrency.max(1);
        self
    }

    /// How often it is looked for what is due; by default every second.
    pub fn poll_every(mut self, poll_every: std::time::Duration) -> Self {
        self.poll_every = poll_every;
        self
    }

    /// How long events are kept that arrived or were given up, or that wait for an endpoint to be
    /// enabled again, with their ledgers; by default 30 days, and at least two, in which every
    /// attempt has been made.
    pub fn keep_for(mut self, keep_for: Duration) -> Self {
        self.keep_for = keep_for.max(Duration::days(2));
        self
    }

    /// Another clock; for tests.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Runs in a task of its own until it is stopped, or what this returns is dropped. Must be called
    /// inside a tokio runtime.
    pub fn start(self) -> RunningWorker {
        let sweeping = Arc::new(self.clone());
        sweep_regularly(&sweeping, |worker| Box::pin(async move { worker.forget().await }));
        pump::start(self, sweeping)
    }

    /// Removes the oldest events that nobody waits for, a batch of them, and answers how many went:
    /// for tests, and for a host that calls it when it likes. What [`WebhookWorker::start`] starts
    /// does it every minute.
    ///
    /// # Errors
    /// [`StoreError`](crate::store::StoreError).
    pub async fn forget(&self) -> Result<u64> {
        self.store.sweep_webhooks(self.clock.now() - self.keep_for, SWEEP_BATCH).await
    }

    /// Sends what is due now, and answers how many deliveries were tried: for tests, and for a host
    /// that calls it when it likes.
    pub async fn run_once(&self) -> usize {
        pump::run_once(self).await
    }

    async fn deliver(self, delivery: WebhookDelivery) {
        let answer = self.send(&delivery).await;
        let now = self.clock.now();
        let (status, fault) = match &answer {
            Ok((status, _)) => (Some(status.as_u16()), None),
            Err(fault) => (None, Some(fault.as_str().to_owned())),
        };
        let attempt = WebhookAttempt { number: delivery.attempt, at: now, status, fault };
        let outcome = outcome_of(&answer, delivery.attempt_of_round, now);
        let along = self.effects(&delivery, outcome, now).await;
        let (id, endpoint) = (delivery.event.id, delivery.endpoint);
        if outcome != WebhookOutcome::Delivered {
            tracing::warn!(%id, %endpoint, ?outcome, status, fault = attempt.fault, "a webhook did not arrive");
        }
        // If this fails the lease runs out, and the event is sent again.
        match self.store.finish_webhook(&delivery, &attempt, outcome, &along).await {
            Ok(()) => along.announce(),
            Err(error) => tracing::warn!(%error, %id, "the outcome of a webhook was not noted"),
        }
    }

    async fn send(
        &self,
        delivery: &WebhookDelivery,
    ) -> std::result::Result<(StatusCode, HeaderMap), Fault> {
        let now = self.clock.now();
        let secrets = live_secrets(&self.keyring, delivery.endpoint, &delivery.secrets, now);
        let secrets = secrets.ok_or(Fault::Secrets)?;
        let body = body(&delivery.event);
        let mut request = Request::post(delivery.url.as_str())
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .header(USER_AGENT, HeaderValue::from_static("donjon-webhooks"))
            .body(Bytes::new())
            .map_err(|_| Fault::Url)?;
        request.headers_mut().extend(sign(&secrets, delivery.event.id, now, &body));
        *request.body_mut() = Bytes::from(body);
        // The status says whether it arrived; what else is said, and how much, is nobody's concern.
        match self.egress.send_for_head(request).await {
            Ok(response) => Ok((response.status(), response.into_parts().0.headers)),
            Err(error) => {
                tracing::debug!(%error, id = %delivery.event.id, "a webhook was not sent");
                Err(Fault::of(&error))
            }
        }
    }

    /// What the audit log tells if this outcome disables the endpoint.
    async fn effects(
        &self,
        delivery: &WebhookDelivery,
        outcome: WebhookOutcome,
        now: OffsetDateTime,
    ) -> Effects {
        if outcome != WebhookOutcome::Gone {
            return Effects::none();
        }
        let entry = Entry::new(Action::DISABLE_WEBHOOK).by(AuditActor::System);
        let mut entry = entry.to("webhook_endpoint", delivery.endpoint).with("status", 410);
        match self.store.find_webhook_endpoint(delivery.endpoint).await {
            Ok(found) => {
                if let Some(id) = found.and_then(|endpoint| endpoint.organization) {
                    entry = entry.in_organization(id);
                }
            }
            // It is told all the same, if not to the organization.
            Err(error) => tracing::warn!(%error, "whose a webhook endpoint is was not found"),
        }
        entry.at(now, &*self.random).into()
    }
}

impl Pump for WebhookWorker {
    fn concurrency(&self) -> usize {
        self.concurrency
    }

    fn poll_every(&self) -> std::time::Duration {
        self.poll_every
    }

    fn claim(&self, free: u32) -> BoxFuture<'_, Vec<BoxFuture<'static, ()>>> {
        Box::pin(async move {
            let claimed = self.store.claim_webhooks(self.clock.now(), LEASE, free, EACH).await;
            let claimed = claimed.unwrap_or_else(|error| {
                tracing::warn!(%error, "webhooks could not be read");
                Vec::new()
            });
            claimed.into_iter().map(|delivery| self.clone().deliver(delivery).boxed()).collect()
        })
    }
}

/// Why no answer came. Operators see the word, and never what the network said: who names an address
/// must not learn what is inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// The keyring does not open the endpoint's secrets.
    Secrets,
    Url,
    Forbidden,
    Unresolvable,
    Timeout,
    Connection,
}

impl Fault {
    fn as_str(self) -> &'static str {
        match self {
            Self::Secrets => "secrets",
            Self::Url => "url",
            Self::Forbidden => "forbidden_address",
            Self::Unresolvable => "unresolvable",
            Self::Timeout => "timeout",
            Self::Connection => "connection",
        }
    }

    fn of(error: &EgressError) -> Self {
        match error {
            EgressError::Url => Self::Url,
            EgressError::Forbidden { .. } => Self::Forbidden,
            EgressError::Unresolvable { .. } => Self::Unresolvable,
            EgressError::Timeout => Self::Timeout,
            EgressError::Connect(_) | EgressError::Status(_) | EgressError::TooLong => {
                Self::Connection
            }
        }
    }
}

/// What becomes of a delivery, after attempt number `attempt` of its round.
fn outcome_of(
    answer: &std::result::Result<(StatusCode, HeaderMap), Fault>,
    attempt: u32,
    now: OffsetDateTime,
) -> WebhookOutcome {
    let asked = match answer {
        Ok((status, _)) if status.is_success() => return WebhookOutcome::Delivered,
        Ok((StatusCode::GONE, _)) => return WebhookOutcome::Gone,
        Ok((_, headers)) => retry_after(headers, now),
        // Our own rules forbid it: it will not be better later.
        Err(Fault::Forbidden | Fault::Url) => return WebhookOutcome::Dead,
        Err(_) => None,
    };
    let index = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX);
    match PAUSES.get(index) {
        Some(pause) => {
            let asked = asked.unwrap_or_default().min(LONGEST_RETRY_AFTER);
            WebhookOutcome::Retry { at: now + asked.max(*pause) }
        }
        None => WebhookOutcome::Dead,
    }
}

/// How long to wait, as the answer asks for: in seconds, or until a date (RFC 9110, section 10.2.3).
fn retry_after(headers: &HeaderMap, now: OffsetDateTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(
            text.parse()
                .map_or(LONGEST_RETRY_AFTER, |seconds: u32| Duration::seconds(seconds.into())),
        );
    }
    OffsetDateTime::parse(text, &Rfc2822).ok().map(|at| at - now)
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);

    fn answer(
        status: u16,
        asked: Option<&str>,
    ) -> std::result::Result<(StatusCode, HeaderMap), Fault> {
        let mut headers = HeaderMap::new();
        if let Some(asked) = asked {
            headers.insert(RETRY_AFTER, asked.parse().unwrap());
        }
        Ok((StatusCode::from_u16(status).unwrap(), headers))
    }

    #[test]
    fn only_2xx_is_success_and_410_is_the_end() {
        for status in 100..600 {
            let expected = match status {
                200..300 => WebhookOutcome::Delivered,
                410 => WebhookOutcome::Gone,
                _ => WebhookOutcome::Retry { at: NOW + Duration::MINUTE },
            };
            assert_eq!(outcome_of(&answer(status, None), 1, NOW), expected, "{status}");
        }
        for fault in [Fault::Forbidden, Fault::Url] {
            assert_eq!(outcome_of(&Err(fault), 1, NOW), WebhookOutcome::Dead);
        }
    }

    #[test]
    fn pauses_grow_and_end() {
        let at = |attempt| match outcome_of(&Err(Fault::Timeout), attempt, NOW) {
            WebhookOutcome::Retry { at } => Some((at - NOW).whole_minutes()),
            WebhookOutcome::Dead => None,
            other => panic!("{other:?}"),
        };
        let pauses: Vec<_> = (1..=9).map(at).collect();
        let expected = [1, 5, 15, 60, 180, 600, 1440].map(Some);
        assert_eq!(pauses[..7], expected);
        assert_eq!(pauses[7..], [None, None]);
    }

    #[test]
    fn an_endpoint_may_ask_for_a_longer_pause_within_a_day() {
        for (asked, seconds) in [
            ("0", 60),
            ("30", 60),
            ("120", 120),
            (" 120 ", 120),
            ("86401", 86400),
            ("4294967296", 86400),
            ("99999999999999999999999", 86400),
            ("-5", 60),
            ("soon", 60),
            ("", 60),
            ("Sat, 21 Nov 2026 12:10:00 GMT", 600),
            ("Sat, 21 Nov 2026 11:00:00 GMT", 60),
            ("Fri, 21 Nov 2036 12:10:00 GMT", 86400),
        ] {
            let outcome = outcome_of(&answer(503, Some(asked)), 1, NOW);
            let expected = WebhookOutcome::Retry { at: NOW + Duration::seconds(seconds) };
            assert_eq!(outcome, expected, "{asked:?}");
        }
        assert_eq!(outcome_of(&answer(503, Some("5")), 8, NOW), WebhookOutcome::Dead);
    }
}
