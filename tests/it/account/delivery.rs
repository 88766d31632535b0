//! A change that was acknowledged never loses its mail.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use donjon::account::AccountLayer;
use donjon::account::password::HashCost;
use donjon::crypto::{Clock as _, Keyring, SystemRandom};
use donjon::delivery::{MailError, Mailbox, Mailer, Message, RetryPolicy, Worker};
use donjon::session::SessionLayer;
use donjon::store::{DeadLetter, Delivery, DeliveryOutcome, OutboxStore, SqlStore, StoreError};
use donjon::testing::ManualClock;
use time::{Duration, OffsetDateTime};
use tokio::sync::{Notify, watch};
use tower::{Layer as _, service_fn};

use super::world::{ALICE, ORIGIN, PASSWORD};
use crate::support::browser::Browser;
use crate::support::database::{Database, databases};

struct Post {
    store: SqlStore,
    keyring: Keyring,
    clock: Arc<ManualClock>,
    _database: Database,
}

impl Post {
    /// An application where Alice has just signed up.
    async fn with_a_mail(database: Database) -> Self {
        let store = database.store().await;
        let keyring = Keyring::ephemeral(&SystemRandom);
        let clock = Arc::new(ManualClock::default());
        let accounts = AccountLayer::builder(&store, &keyring, ORIGIN)
            .hash_cost(HashCost { memory: 64, passes: 1, lanes: 1 })
            .clock(clock.clone())
            .build()
            .unwrap();
        let sessions = SessionLayer::new(store.clone(), &keyring).base_url(ORIGIN).unwrap();
        let nothing = service_fn(|_: http::Request<http_body_util::Full<bytes::Bytes>>| async {
            Ok::<_, std::convert::Infallible>(http::Response::new(http_body_util::Full::<
                bytes::Bytes,
            >::default()))
        });
        let mut browser = Browser::new(sessions.layer(accounts.layer(nothing)), ORIGIN);
        let page = browser.post("/register", &[("email", ALICE), ("password", PASSWORD)]).await;
        assert!(page.status.is_success());
        Self { store, keyring, clock, _database: database }
    }

    fn worker(&self, mailer: impl Mailer) -> Worker {
        Worker::new(&self.store, &self.keyring, mailer).clock(self.clock.clone())
    }
}

/// A mailer that never comes back.
#[derive(Debug, Default)]
struct Stuck(Arc<Notify>);

#[async_trait]
impl Mailer for Stuck {
    async fn send(&self, _: &Message) -> Result<(), MailError> {
        self.0.notify_one();
        std::future::pending().await
    }
}

/// A mailer that panics, in a thread that says nothing of it.
#[derive(Clone, Debug, Default)]
struct Panics(Arc<AtomicUsize>);

#[async_trait]
impl Mailer for Panics {
    async fn send(&self, _: &Message) -> Result<(), MailError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        std::panic::resume_unwind(Box::new("no template"));
    }
}

/// A mailer that fails so many times first.
#[derive(Clone, Debug)]
struct Flaky {
    failures: Arc<AtomicUsize>,
    permanent: bool,
    then: Mailbox,
}

impl Flaky {
    fn new(failures: usize, permanent: bool) -> Self {
        Self { failures: Arc::new(AtomicUsize::new(failures)), permanent, then: Mailbox::default() }
    }
}

#[async_trait]
impl Mailer for Flaky {
    async fn send(&self, message: &Message) -> Result<(), MailError> {
        let fail = |n: usize| n.checked_sub(1);
        if self.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, fail).is_err() {
            return self.then.send(message).await;
        }
        Err(if self.permanent {
            MailError::Permanent("no such mailbox".into())
        } else {
            MailError::Temporary("try later".into())
        })
    }
}

#[tokio::test]
async fn a_worker_that_is_killed_while_sending_loses_nothing() {
    for database in databases().await {
        let post = Post::with_a_mail(database).await;
        let stuck = Stuck::default();
        let taken = Arc::clone(&stuck.0);
        let worker = post.worker(stuck).start();
        taken.notified().await;
        worker.kill();

        let mailbox = Mailbox::default();
        let next = post.worker(mailbox.clone());
        assert_eq!(next.run_once().await, 0, "it still belongs to the dead worker");
        post.clock.advance(Duration::seconds(29));
        assert_eq!(next.run_once().await, 0, "as it does for half a minute");
        post.clock.advance(Duration::SECOND);
        assert_eq!(next.run_once().await, 1);
        assert_eq!(mailbox.messages_to(ALICE).len(), 1);
        post.clock.advance(Duration::days(1));
        assert_eq!(next.run_once().await, 0, "it is sent once");
    }
}

/// What becomes of renewals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Renewals {
    /// What should.
    Work,
    /// Somebody else has what is to be renewed.
    ComeLate,
    /// They do not get through.
    AreLost,
}

/// The store, but for what becomes of renewals; counts them.
#[derive(Debug)]
struct Renewing {
    store: Arc<dyn OutboxStore>,
    renewals: Renewals,
    renewed: watch::Sender<usize>,
}

impl Renewing {
    fn over(store: &SqlStore, renewals: Renewals) -> Arc<Self> {
        Arc::new(Self { store: store.into(), renewals, renewed: watch::Sender::new(0) })
    }
}

#[async_trait]
impl OutboxStore for Renewing {
    async fn claim_deliveries(
        &self,
        kind: &str,
        now: OffsetDateTime,
        lease: Duration,
        limit: u32,
    ) -> Result<Vec<Delivery>, StoreError> {
        self.store.claim_deliveries(kind, now, lease, limit).await
    }

    async fn renew_delivery(
        &self,
        delivery: &Delivery,
        until: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let renewed = match self.renewals {
            Renewals::Work => self.store.renew_delivery(delivery, until).await,
            Renewals::ComeLate => Ok(false),
            Renewals::AreLost => Err(StoreError::Unavailable("no such host".into())),
        };
        self.renewed.send_modify(|times| *times += 1);
        renewed
    }

    async fn finish_delivery(
        &self,
        delivery: &Delivery,
        outcome: DeliveryOutcome,
    ) -> Result<(), StoreError> {
        self.store.finish_delivery(delivery, outcome).await
    }

    async fn dead_letters(&self, kind: &str, limit: u32) -> Result<Vec<DeadLetter>, StoreError> {
        self.store.dead_letters(kind, limit).await
    }

    async fn revive_dead_letters(
        &self,
        kind: &str,
        since: OffsetDateTime,
        now: OffsetDateTime,
        limit: u32,
    ) -> Result<u64, StoreError> {
        self.store.revive_dead_letters(kind, since, now, limit).await
    }

    async fn sweep_dead_letters(
        &self,
        before: OffsetDateTime,
        limit: u32,
    ) -> Result<u64, StoreError> {
        self.store.sweep_dead_letters(before, limit).await
    }
}

const SHORT: std::time::Duration = std::time::Duration::from_secs(1);

#[tokio::test]
async fn a_mail_that_takes_long_is_its_workers_for_as_long_as_that_lives() {
    for database in databases().await {
        let post = Post::with_a_mail(database).await;
        let store = Renewing::over(&post.store, Renewals::Work);
        let mut renewed = store.renewed.subscribe();
        let stuck = Stuck::default();
        let taken = Arc::clone(&stuck.0);
        let store: Arc<dyn OutboxStore> = store;
        let worker = Worker::new(store, &post.keyring, stuck).clock(post.clock.clone());
        let worker = worker.lease(SHORT).start();
        taken.notified().await;
        let mailbox = Mailbox::default();
        let other = post.worker(mailbox.clone());
        // Far beyond one lease.
        for _ in 0..5 {
            post.clock.advance(Duration::milliseconds(900));
            assert_eq!(other.run_once().await, 0, "it is being sent");
            // One may have been under way before the clock went on.
            let before = *renewed.borrow();
            renewed.wait_for(|times| *times >= before + 2).await.unwrap();
        }
        worker.kill();
        post.clock.advance(Duration::SECOND);
        assert_eq!(other.run_once().await, 1);
        assert_eq!(mailbox.messages_to(ALICE).len(), 1);
    }
}

/// What it does not hold any more another sends, and both would come.
#[tokio::test]
async fn a_worker_lets_go_of_what_it_cannot_keep() {
    for renewals in [Renewals::ComeLate, Renewals::AreLost] {
        for database in databases().await {
            let post = Post::with_a_mail(database).await;
            let store: Arc<dyn OutboxStore> = Renewing::over(&post.store, renewals);
            let worker = Worker::new(store, &post.keyring, Stuck::default());
            let worker = worker.clock(post.clock.clone()).lease(SHORT);
            let tried = tokio::time::timeout(SHORT * 30, worker.run_once()).await;
            assert_eq!(tried.unwrap(), 1, "{renewals:?}");
            let mailbox = Mailbox::default();
            let other = post.worker(mailbox.clone());
            assert_eq!(other.run_once().await, 0, "nothing was decided");
            post.clock.advance(Duration::SECOND);
            assert_eq!(other.run_once().await, 1);
            assert_eq!(mailbox.messages_to(ALICE).len(), 1);
        }
    }
}

#[tokio::test]
async fn what_fails_is_tried_again_after_growing_pauses() {
    for database in databases().await {
        let post = Post::with_a_mail(database).await;
        let flaky = Flaky::new(3, false);
        let worker = post.worker(flaky.clone());
        for pause in [10, 20, 40] {
            assert_eq!(worker.run_once().await, 1);
            post.clock.advance(Duration::seconds(pause - 1));
            assert_eq!(worker.run_once().await, 0, "after {pause} s");
            post.clock.advance(Duration::seconds(1));
        }
        assert_eq!(worker.run_once().await, 1);
        assert_eq!(flaky.then.messages_to(ALICE).len(), 1);
    }
}

#[tokio::test]
async fn what_never_goes_becomes_a_dead_letter() {
    for database in databases().await {
        for (flaky, tries) in [(Flaky::new(usize::MAX, false), 3), (Flaky::new(9, true), 1)] {
            let post = Post::with_a_mail(Database::sqlite()).await;
            let retry = RetryPolicy { attempts: 3, ..RetryPolicy::default() };
            let worker = post.worker(flaky.clone()).retry(retry);
            let mut tried = 0;
            for _ in 0..10 {
                tried += worker.run_once().await;
                post.clock.advance(Duration::days(1));
            }
            assert_eq!(tried, tries, "{}", database.name);
        }
    }
}

/// A mailer to a server that refuses what it takes for spam.
#[derive(Debug)]
struct Spam;

#[async_trait]
impl Mailer for Spam {
    async fn send(&self, _: &Message) -> Result<(), MailError> {
        Err(MailError::Refused("554 5.7.1 looks like spam".into()))
    }
}

/// Each further try makes the server think worse of us.
#[tokio::test]
async fn what_a_policy_refuses_is_tried_three_times() {
    for database in databases().await {
        let post = Post::with_a_mail(database).await;
        let worker = post.worker(Spam);
        for pause in [Duration::seconds(10), Duration::HOUR] {
            assert_eq!(worker.run_once().await, 1);
            post.clock.advance(pause - Duration::SECOND);
            assert_eq!(worker.run_once().await, 0, "after {pause}");
            post.clock.advance(Duration::SECOND);
        }
        assert_eq!(worker.run_once().await, 1);
        post.clock.advance(Duration::days(1));
        assert_eq!(worker.run_once().await, 0, "it is a dead letter");
        // Once the operator has mended it, it is tried anew, and as often.
        let since = post.clock.now() - Duration::days(2);
        assert_eq!(worker.revive_dead_letters(since).await.unwrap(), 1);
        let mailbox = Mailbox::default();
        assert_eq!(worker.run_once().await, 1);
        post.clock.advance(Duration::seconds(10));
        assert_eq!(post.worker(mailbox.clone()).run_once().await, 1);
        assert_eq!(mailbox.messages_to(ALICE).len(), 1);
    }
}

#[tokio::test]
async fn a_dead_letter_is_forgotten_after_a_month() {
    for database in databases().await {
        let post = Post::with_a_mail(database).await;
        let worker = post.worker(Flaky::new(9, true));
        assert_eq!(worker.run_once().await, 1);
        post.clock.advance(Duration::days(30));
        assert_eq!(worker.forget().await.unwrap(), 0);
        let sooner = worker.clone().keep_dead_letters_for(Duration::days(31));
        post.clock.advance(Duration::SECOND);
        assert_eq!(sooner.forget().await.unwrap(), 0);
        assert_eq!(worker.forget().await.unwrap(), 1);
        assert_eq!(worker.forget().await.unwrap(), 0);
    }
}

#[tokio::test]
async fn a_worker_at_work_sends_and_stops() {
    for database in databases().await {
        let post = Post::with_a_mail(database).await;
        let mailbox = Mailbox::default();
        let poll = std::time::Duration::from_millis(5);
        let worker = post.worker(mailbox.clone()).poll_every(poll).start();
        for _ in 0..400 {
            if !mailbox.messages().is_empty() {
                break;
            }
            tokio::time::sleep(poll).await;
        }
        worker.stop().await;
        assert_eq!(mailbox.messages().len(), 1);
    }
}

#[tokio::test]
async fn another_keyring_reads_nothing() {
    for database in databases().await {
        let mut post = Post::with_a_mail(database).await;
        let keyring = std::mem::replace(&mut post.keyring, Keyring::ephemeral(&SystemRandom));
        let mailbox = Mailbox::default();
        assert_eq!(post.worker(mailbox.clone()).run_once().await, 1);
        assert!(mailbox.messages().is_empty());
        // Nor is it lost: with the right one back it goes out.
        post.keyring = keyring;
        post.clock.advance(Duration::MINUTE);
        post.worker(mailbox.clone()).run_once().await;
        assert_eq!(mailbox.messages().len(), 1);
    }
}

/// It is called as often as one that says that it failed, and with the same pauses.
#[tokio::test]
async fn a_mailer_that_panics_is_not_called_for_ever() {
    for database in databases().await {
        let post = Post::with_a_mail(database).await;
        let mailer = Panics::default();
        let retry = RetryPolicy { attempts: 3, ..RetryPolicy::default() };
        let worker = post.worker(mailer.clone()).retry(retry);
        assert_eq!(worker.run_once().await, 1);
        assert_eq!(worker.run_once().await, 0, "it waits");
        for _ in 0..6 {
            post.clock.advance(Duration::hours(2));
            worker.run_once().await;
        }
        assert_eq!(mailer.0.load(Ordering::SeqCst), 3);
    }
}

#[tokio::test]
async fn dead_letters_are_tried_once_more_when_an_operator_says_so() {
    for database in databases().await {
        let post = Post::with_a_mail(database).await;
        let since = post.clock.now();
        let flaky = Flaky::new(3, false);
        let retry = RetryPolicy { attempts: 2, ..RetryPolicy::default() };
        let worker = post.worker(flaky.clone()).retry(retry);
        let try_often = async || {
            for _ in 0..4 {
                worker.run_once().await;
                post.clock.advance(Duration::HOUR);
            }
        };
        try_often().await;
        assert!(flaky.then.messages().is_empty());
        assert_eq!(worker.revive_dead_letters(post.clock.now()).await.unwrap(), 0);
        assert_eq!(worker.revive_dead_letters(since).await.unwrap(), 1);
        assert_eq!(worker.revive_dead_letters(since).await.unwrap(), 0);
        // It has as many tries as before.
        try_often().await;
        assert_eq!(flaky.then.messages_to(ALICE).len(), 1);
        assert_eq!(worker.revive_dead_letters(since).await.unwrap(), 0, "it is gone");
    }
}
