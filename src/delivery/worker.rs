use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use time::{Duration, OffsetDateTime};
use tokio::time::{Instant, sleep, timeout_at};
use uuid::Uuid;

use super::message::{MAIL, open};
use super::pump::{self, Pump, RunningWorker};
use super::{MailError, Mailer};
use crate::crypto::{Clock, Keyring, SystemClock};
use crate::store::{
    DeadLetter, Delivery, DeliveryOutcome, OutboxStore, Result, SWEEP_BATCH, sweep_regularly,
};

/// How long sending one message may take, unless the host says.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(120);
/// For how long a message belongs to the worker that took it, unless it says that it is still at it.
const LEASE: std::time::Duration = std::time::Duration::from_secs(30);
/// How often it says so in that time.
const RENEWED: u32 = 3;
/// The pause before it says so again, if the store did not hear it; of the lease.
const UNHEARD: u32 = 30;
/// The most dead letters of one list.
const PAGE: u32 = 200;
/// How long a dead letter is kept.
const DEAD_KEPT: Duration = Duration::days(30);

/// When a message that was not sent is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// How many times it is tried before it is a dead letter.
    pub attempts: u32,
    /// The pause after the first try; it doubles with each.
    pub first_pause: Duration,
    /// The longest pause.
    pub longest_pause: Duration,
    /// How many times it is tried in all if a policy refuses it ([`MailError::Refused`]): the
    /// reputation of whoever sends it suffers by each. The last try is after the longest pause.
    pub refusals: u32,
}

impl Default for RetryPolicy {
    /// Ten times within about three hours: after 10 s, 20 s, 40 s … at most an hour. What a policy
    /// refuses three times, after 10 s and an hour.
    fn default() -> Self {
        Self {
            attempts: 10,
            first_pause: Duration::seconds(10),
            longest_pause: Duration::HOUR,
            refusals: 3,
        }
    }
}

impl RetryPolicy {
    /// The pause after try number `attempt`, from 1; `None` if it was the last.
    fn pause_after(&self, attempt: u32) -> Option<Duration> {
        if attempt >= self.attempts {
            return None;
        }
        let doubled = 2_i32.checked_pow(attempt.saturating_sub(1)).unwrap_or(i32::MAX);
        let pause = self.first_pause.checked_mul(doubled).unwrap_or(self.longest_pause);
        Some(pause.min(self.longest_pause))
    }

    /// The same, if it was a policy that refused it.
    fn pause_after_refusal(&self, attempt: u32) -> Option<Duration> {
        match self.refusals.min(self.attempts).saturating_sub(attempt) {
            0 => None,
            1 => Some(self.longest_pause),
            _ => self.pause_after(attempt),
        }
    }
}

/// Sends the mails of the outbox. See the [module](super).
///
/// While it runs, it removes dead letters a month after they were written, in bounded batches: they
/// hold addresses ([`Worker::keep_dead_letters_for`]).
#[derive(Clone, Debug)]
pub struct Worker {
    store: Arc<dyn OutboxStore>,
    keyring: Keyring,
    mailer: Arc<dyn Mailer>,
    clock: Arc<dyn Clock>,
    retry: RetryPolicy,
    concurrency: usize,
    poll_every: std::time::Duration,
    patience: std::time::Duration,
    lease: std::time::Duration,
    dead_kept: Duration,
}

/// A mail that was given up. Of what it says nothing is told, which may be a secret link.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeadMail {
    /// The id of its delivery.
    pub id: Uuid,
    /// The address and the subject; `None` if the keyring does not open it.
    pub envelope: Option<(String, String)>,
    /// How many times it was tried.
    pub attempts: u32,
    /// When it was written.
    pub created_at: OffsetDateTime,
}

impl Worker {
    /// A worker that sends what is in `store`, sealed with `keyring`, by `mailer`.
    pub fn new(
        store: impl Into<Arc<dyn OutboxStore>>,
        keyring: &Keyring,
        mailer: impl Mailer,
    ) -> Self {
        Self {
            store: store.into(),
            keyring: keyring.clone(),
            mailer: Arc::new(mailer),
            clock: Arc::new(SystemClock),
            retry: RetryPolicy::default(),
            concurrency: 8,
            poll_every: std::time::Duration::from_secs(1),
            patience: PATIENCE,
            lease: LEASE,
            dead_kept: DEAD_KEPT,
        }
    }

    /// When a message that was not sent is tried again.
    #[must_use]
    pub fn retry(self, retry: RetryPolicy) -> Self {
        Self { retry, ..self }
    }

    /// How many messages are sent at the same time; at least one, by default eight.
    #[must_use]
    pub fn concurrency(self, concurrency: usize) -> Self {
        Self { concurrency: concurrency.max(1), ..self }
    }

    /// How often the outbox is looked at; by default every second.
    #[must_use]
    pub fn poll_every(self, poll_every: std::time::Duration) -> Self {
        Self { poll_every, ..self }
    }

    /// How long sending one message may take; by default two minutes, and at most a quarter of an
    /// hour. A server that scans mails may take ten for its last answer (RFC 5321, section
    /// 4.5.3.2.6); what it takes after that comes twice.
    #[must_use]
    pub fn patience(self, patience: std::time::Duration) -> Self {
        Self { patience: patience.min(std::time::Duration::from_secs(900)), ..self }
    }

    /// For how long a message belongs to the worker that took it; by default half a minute, and between
    /// a second and five minutes. What a worker was sending when it was killed is sent by another after
    /// this time.
    ///
    /// While a message is being sent the worker renews its lease, three times in this time. If it
    /// cannot, since it does not reach the store, it lets go of the message before the lease ends and
    /// another takes it: a server that had just accepted it gets it twice. The clocks of all processes
    /// must agree by far less than this time.
    #[must_use]
    pub fn lease(self, lease: std::time::Duration) -> Self {
        let [least, most] = [1, 300].map(std::time::Duration::from_secs);
        Self { lease: lease.clamp(least, most), ..self }
    }

    /// How long a message is kept that cannot be sent, for operators to see; by default 30 days.
    #[must_use]
    pub fn keep_dead_letters_for(self, kept: Duration) -> Self {
        Self { dead_kept: kept, ..self }
    }

    /// Another clock; for tests.
    #[must_use]
    pub fn clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    /// Runs in a task of its own until it is stopped, or what this returns is dropped. Must be
    /// called inside a tokio runtime.
    pub fn start(self) -> RunningWorker {
        let sweeping = Arc::new(self.clone());
        sweep_regularly(&sweeping, |worker| Box::pin(async move { worker.forget().await }));
        pump::start(self, sweeping)
    }

    /// Removes the dead letters that are too old, a batch of them, and answers how many went: for
    /// tests, and for a host that calls it when it likes. What [`Worker::start`] starts does it every
    /// minute.
    ///
    /// # Errors
    /// [`StoreError`](crate::store::StoreError).
    pub async fn forget(&self) -> Result<u64> {
        self.store.sweep_dead_letters(self.clock.now() - self.dead_kept, SWEEP_BATCH).await
    }

    /// Tries the dead letters once more that were written at `since` or later, as if they had never
    /// been: for operators, once what refused them is mended (a password, a quota, a block). Answers
    /// how many there were. Each is sent under the id that it had.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # use donjon::crypto::{Clock as _, Keyring, SystemClock, SystemRandom};
    /// # use donjon::delivery::{Mailbox, Worker};
    /// # use donjon::store::SqlStore;
    /// # let store = SqlStore::connect("sqlite::memory:").await?;
    /// # let keyring = Keyring::ephemeral(&SystemRandom);
    /// # let worker = Worker::new(&store, &keyring, Mailbox::default());
    /// let yesterday = SystemClock.now() - time::Duration::DAY;
    /// assert_eq!(worker.revive_dead_letters(yesterday).await?, 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// [`StoreError`](crate::store::StoreError); some may have been revived.
    pub async fn revive_dead_letters(&self, since: OffsetDateTime) -> Result<u64> {
        let mut revived = 0;
        loop {
            let now = self.clock.now();
            let more = self.store.revive_dead_letters(MAIL, since, now, SWEEP_BATCH).await?;
            revived += more;
            if more < u64::from(SWEEP_BATCH) {
                return Ok(revived);
            }
        }
    }

    /// The dead letters, those written last first; at most 200.
    ///
    /// # Errors
    /// [`StoreError`](crate::store::StoreError).
    pub async fn dead_letters(&self) -> Result<Vec<DeadMail>> {
        let dead = self.store.dead_letters(MAIL, PAGE).await?;
        let mail = |letter: DeadLetter| {
            let DeadLetter { id, payload, attempts, created_at } = letter;
            let opened = open(&self.keyring, id, &payload).ok();
            let envelope = opened.map(|message| (message.to, message.subject));
            DeadMail { id, envelope, attempts, created_at }
        };
        Ok(dead.into_iter().map(mail).collect())
    }

    /// Sends what is due now, and answers how many messages were tried: for tests, and for a host
    /// that calls it when it likes.
    pub async fn run_once(&self) -> usize {
        pump::run_once(self).await
    }

    async fn deliver(&self, delivery: Delivery, claimed: Instant) {
        let sent = tokio::select! {
            biased;
            sent = self.send(&delivery) => sent,
            () = self.hold(&delivery, claimed) => {
                tracing::warn!(id = %delivery.id, "a mail that took long was left to others");
                return;
            }
        };
        let outcome = match sent {
            Ok(()) => DeliveryOutcome::Delivered,
            Err(error) => self.outcome_of(&delivery, &error),
        };
        // If this fails the lease runs out, and the message is sent again.
        if let Err(error) = self.store.finish_delivery(&delivery, outcome).await {
            tracing::warn!(%error, id = %delivery.id, "the outcome of a mail was not noted");
        }
    }

    /// Keeps a message that was claimed then. It comes back when the message is no longer this
    /// worker's, or soon will not be.
    async fn hold(&self, delivery: &Delivery, claimed: Instant) {
        // Not to the very end: whatever is under way must have stopped by then.
        let held = self.lease * (UNHEARD - 5) / UNHEARD;
        let mut delivery = delivery.clone();
        let mut until = claimed + held;
        let mut pause = self.lease / RENEWED;
        // What the store did not answer to it may have heard: the same is said again.
        let mut unheard = None;
        loop {
            sleep(pause.min(until.saturating_duration_since(Instant::now()))).await;
            let now = Instant::now();
            if now >= until {
                return;
            }
            let said = unheard.unwrap_or_else(|| (now, self.clock.now() + self.lease));
            let (asked, due_at) = said;
            let renewed = self.store.renew_delivery(&delivery, due_at);
            match timeout_at(until, renewed).await {
                Ok(Ok(true)) => {
                    (unheard, delivery.due_at, until) = (None, due_at, asked + held);
                    let left = until.saturating_duration_since(Instant::now());
                    pause = (self.lease / RENEWED).min(left / 2);
                }
                Ok(Ok(false)) | Err(_) => return,
                Ok(Err(error)) => {
                    tracing::warn!(%error, id = %delivery.id, "a lease was not renewed");
                    (unheard, pause) = (Some(said), self.lease / UNHEARD);
                }
            }
        }
    }

    async fn send(&self, delivery: &Delivery) -> std::result::Result<(), MailError> {
        let message = open(&self.keyring, delivery.id, &delivery.payload)
            .map_err(|error| MailError::Temporary(error.into()))?;
        // A mailer that panics at one message must not be called with it for ever: it counts.
        let sent = AssertUnwindSafe(async { self.mailer.send(&message).await }).catch_unwind();
        match tokio::time::timeout(self.patience, sent).await {
            Ok(Ok(sent)) => sent,
            Ok(Err(_)) => Err(MailError::Temporary("the mailer panicked".into())),
            Err(elapsed) => Err(MailError::Temporary(elapsed.into())),
        }
    }

    fn outcome_of(&self, delivery: &Delivery, error: &MailError) -> DeliveryOutcome {
        let (id, attempt) = (delivery.id, delivery.attempt);
        let pause = match error {
            MailError::Temporary(_) => self.retry.pause_after(delivery.attempt_of_round),
            MailError::Refused(_) => self.retry.pause_after_refusal(delivery.attempt_of_round),
            MailError::Permanent(_) => None,
        };
        match pause {
            Some(pause) => {
                tracing::warn!(%error, %id, attempt, "a mail was not sent");
                DeliveryOutcome::Retry { at: self.clock.now() + pause }
            }
            None => {
                tracing::error!(%error, %id, attempt, "a mail is a dead letter");
                DeliveryOutcome::Dead
            }
        }
    }
}

impl Pump for Worker {
    fn concurrency(&self) -> usize {
        self.concurrency
    }

    fn poll_every(&self) -> std::time::Duration {
        self.poll_every
    }

    fn claim(&self, free: u32) -> BoxFuture<'_, Vec<BoxFuture<'static, ()>>> {
        Box::pin(async move {
            let (asked, now) = (Instant::now(), self.clock.now());
            let lease = Duration::try_from(self.lease).unwrap_or(Duration::MINUTE);
            let claimed = self.store.claim_deliveries(MAIL, now, lease, free).await;
            let claimed = claimed.unwrap_or_else(|error| {
                tracing::warn!(%error, "the outbox could not be read");
                Vec::new()
            });
            let deliver = |delivery| {
                let worker = self.clone();
                async move { worker.deliver(delivery, asked).await }.boxed()
            };
            claimed.into_iter().map(deliver).collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_end() {
        let policy = RetryPolicy {
            attempts: 6,
            first_pause: Duration::seconds(10),
            longest_pause: Duration::seconds(60),
            refusals: 3,
        };
        let pauses: Vec<_> = (1..=6)
            .map(|attempt| policy.pause_after(attempt).map(Duration::whole_seconds))
            .collect();
        assert_eq!(pauses, [Some(10), Some(20), Some(40), Some(60), Some(60), None]);
        let patient = RetryPolicy { attempts: u32::MAX, ..policy };
        assert_eq!(patient.pause_after(1_000_000), Some(Duration::seconds(60)));

        let refused = |policy: RetryPolicy| {
            [1, 2, 3, 4, 9].map(|attempt| policy.pause_after_refusal(attempt))
        };
        let seconds =
            |pauses: [Option<Duration>; 5]| pauses.map(|pause| pause.map(Duration::whole_seconds));
        assert_eq!(seconds(refused(policy)), [Some(10), Some(60), None, None, None]);
        for (refusals, attempts) in [(0, 6), (1, 6), (3, 1)] {
            let policy = RetryPolicy { refusals, attempts, ..policy };
            assert_eq!(refused(policy), [None; 5], "{refusals} {attempts}");
        }
    }
}
