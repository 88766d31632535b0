//! Verdicts, and the queue.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Mutex, mpsc};
use std::time::Duration;

use futures_util::future::join_all;
use proptest::prelude::*;
use tokio::runtime::{Builder, Runtime};
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};
use tracing::Level;
use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

use super::*;
use crate::account::password::Pbkdf2Hmac;
use crate::crypto::SystemRandom;

const CHEAP: HashCost = HashCost { memory: 64, passes: 1, lanes: 1 };
const NOT_CHEAP: HashCost = HashCost { memory: 65_536, passes: 4, lanes: 1 };

fn pool(cost: HashCost, size: PoolSize) -> PasswordPool {
    PasswordPool::new(cost, size, Arc::new(SystemRandom)).unwrap()
}

fn cheap() -> PasswordPool {
    pool(CHEAP, PoolSize::default())
}

fn secret(text: &str) -> Redacted<String> {
    Redacted(text.to_owned())
}

/// Any work instead of a hash.
async fn run<T: Send + 'static>(
    pool: &PasswordPool,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Busy> {
    pool.reserve()?.run(work).await
}

async fn is_right(pool: &PasswordPool, password: &str, hash: &Redacted<String>) -> bool {
    let verdict = pool.verify(secret(password), Some(hash.clone())).await.unwrap();
    matches!(verdict, Verdict::Right { .. })
}

/// The hash that takes the place of another once the password is known.
async fn rehashed(pool: &PasswordPool, password: &str, hash: &str) -> Redacted<String> {
    match pool.verify(secret(password), Some(secret(hash))).await.unwrap() {
        Verdict::Right { verified, rehashed: Some(new) } if verified.0 == hash => new,
        verdict => panic!("{hash}: {verdict:?}"),
    }
}

#[tokio::test]
async fn nobody_has_any_password() {
    let pool = cheap();
    let hash = pool.hash(secret("correct horse")).await.unwrap();
    let right = pool.verify(secret("correct horse"), Some(hash.clone())).await.unwrap();
    assert_eq!(right, Verdict::Right { verified: hash.clone(), rehashed: None });
    assert_eq!(pool.verify(secret("wrong"), Some(hash)).await.unwrap(), Verdict::Wrong);
    assert_eq!(pool.verify(secret("correct horse"), None).await.unwrap(), Verdict::Wrong);
}

#[tokio::test]
async fn a_hash_of_another_cost_is_replaced_once_the_password_is_known() {
    let old = cheap().hash(secret("correct horse")).await.unwrap();
    let pool = pool(HashCost { passes: 2, ..CHEAP }, PoolSize::default());
    let new = rehashed(&pool, "correct horse", &old.0).await;
    assert!(new.0.contains("t=2"), "{}", new.0);
}

/// Who is locked does not learn from the time that it takes.
#[tokio::test]
async fn nothing_is_hashed_again_for_who_is_not_admitted() {
    let old = cheap().hash(secret("correct horse")).await.unwrap();
    let pool = pool(HashCost { passes: 2, ..CHEAP }, PoolSize::default());
    let place = pool.reserve().unwrap();
    let right = place.look(secret("correct horse"), Some(old.clone())).await;
    assert_eq!(right, Ok(Some(Right { verified: old, outdated: true })));
}

#[tokio::test]
async fn an_imported_hash_is_replaced_once_the_password_is_known() {
    let imported = include_str!("../../../../tests/fixtures/passwords/imported.json");
    let cases: Vec<serde_json::Value> = serde_json::from_str(imported).unwrap();
    let pool = cheap();
    for case in cases {
        let (password, hash) = (case["password"].as_str().unwrap(), case["hash"].as_str().unwrap());
        if hash.starts_with("$argon2id$v=19$m=64,t=1,p=1$") {
            continue;
        }
        let new = rehashed(&pool, password, hash).await;
        assert!(new.0.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{}", new.0);
        let again = pool.verify(secret(password), Some(new.clone())).await.unwrap();
        assert_eq!(again, Verdict::Right { verified: new.clone(), rehashed: None });
        // What bcrypt cut off counts from now on.
        assert!(!is_right(&pool, &format!("{password}x"), &new).await, "{hash}");
    }
}

/// The costs of what was told to be computed, in order; what was warned of stands between.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<String>>>);

impl<S: tracing::Subscriber> Layer<S> for Told {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == "donjon::password"
            || *event.metadata().level() == Level::WARN
        {
            event.record(&mut self.clone());
        }
    }
}

impl Visit for Told {
    fn record_str(&mut self, _: &Field, value: &str) {
        self.0.lock().unwrap().push(value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "cost" {
            self.0.lock().unwrap().push(format!("warned of {value:?}"));
        }
    }
}

/// What one verification computes, and warns of.
fn computed(
    pool: &PasswordPool,
    password: &str,
    stored: Option<&str>,
    replaces: bool,
) -> Vec<String> {
    let told = Told::default();
    let subscriber = tracing_subscriber::registry().with(told.clone());
    let stored = stored.map(secret);
    tracing::subscriber::with_default(subscriber, || match replaces {
        true => drop(pool.0.verify(password, stored)),
        false => drop(pool.0.look(password, stored)),
    });
    let told = told.0.lock().unwrap();
    told.clone()
}

#[test]
fn every_verification_computes_one_hash_of_each_declared_cost() {
    let old = HashCost { memory: 128, ..CHEAP };
    let (bcrypt, pbkdf2) = (
        StoredCost::Bcrypt { cost: 4 },
        StoredCost::Pbkdf2 { hmac: Pbkdf2Hmac::Sha256, rounds: 1000, blocks: 1 },
    );
    let scrypt = StoredCost::Scrypt { log_n: 4, r: 8, p: 1 };
    let declared = [old.into(), bcrypt, pbkdf2, scrypt];
    let pool = cheap().stored_as(declared).unwrap();
    // Twice, and the present one: nothing more.
    let pool = pool.stored_as([bcrypt, CHEAP.into()]).unwrap();
    let expected: Vec<String> = [StoredCost::from(CHEAP)]
        .into_iter()
        .chain(declared)
        .map(|cost| format!("verify {cost}"))
        .collect();
    let made = |cost| Hasher::new(cost).unwrap().hash(&SystemRandom, "correct horse").unwrap().0;
    let of_nobody = |cost: StoredCost| {
        cost.of_nobody(&SystemRandom, &ImportLimits::default()).unwrap().text().0.clone()
    };
    let stored = [made(CHEAP), made(old), of_nobody(bcrypt), of_nobody(pbkdf2), of_nobody(scrypt)];
    for stored in stored.iter().map(|text| Some(text.as_str())).chain([None, Some("!"), Some("")]) {
        for password in ["wrong", "", "correct horse"] {
            assert_eq!(computed(&pool, password, stored, false), expected, "{stored:?}");
        }
    }
    // Each spelling, whoever it is for.
    for stored in [None, Some(made(old).as_str())] {
        assert_eq!(computed(&pool, "\u{fb01}sh", stored, false).len(), expected.len() * 2);
    }
    // Only who is let in has an old hash replaced.
    let replaced = computed(&pool, "correct horse", Some(&made(old)), true);
    let hashed = format!("hash {}", StoredCost::from(CHEAP));
    assert_eq!(replaced.split_last(), Some((&hashed, expected.as_slice())));
    assert_eq!(computed(&pool, "wrong", Some(&made(old)), true), expected);
    // With nothing declared, it is one.
    assert_eq!(computed(&cheap(), "wrong", None, false), expected[..1]);
}

#[test]
fn a_hash_that_nobody_declared_is_verified_and_warned_of_once() {
    let old = HashCost { memory: 128, ..CHEAP };
    let hash = Hasher::new(old).unwrap().hash(&SystemRandom, "correct horse").unwrap();
    let pool = cheap();
    let right = pool.0.look("correct horse", Some(hash.clone()));
    assert_eq!(right, Some(Right { verified: hash.clone(), outdated: true }));
    let own = format!("verify {}", StoredCost::from(old));
    let present = format!("verify {}", StoredCost::from(CHEAP));
    let pool = cheap();
    let first = computed(&pool, "correct horse", Some(&hash.0), false);
    let warned = format!("warned of {}", StoredCost::from(old));
    assert_eq!(first, [present.clone(), warned, own.clone()]);
    // Clones are the same pool.
    assert_eq!(computed(&pool.clone(), "wrong", Some(&hash.0), false), [present, own]);
}

#[tokio::test]
async fn the_queue_counts_all_that_a_verification_computes() {
    let same = HashCost { memory: 128, ..CHEAP };
    let size = PoolSize { workers: 2, queue: 7 };
    let pool = pool(CHEAP, size).stored_as([same.into()]).unwrap();
    // 64 and 128 KiB: as long as three hashes.
    let mut held: Vec<_> = (0..4).map(|_| pool.reserve().unwrap()).collect();
    assert!(pool.reserve().is_err(), "there is room for no more than seven hashes to wait");
    let one = pool.reserve_one().unwrap();
    assert!(pool.reserve_one().is_err());
    drop((held.pop(), one));
    assert!(pool.reserve().is_ok());
    // A worker always has room for one, however long it takes and short the queue is.
    let long = StoredCost::Bcrypt { cost: 15 };
    let pool =
        super::tests::pool(CHEAP, PoolSize { workers: 1, queue: 0 }).stored_as([long]).unwrap();
    let place = pool.reserve().unwrap();
    assert!(pool.reserve().is_err() && pool.reserve_one().is_err());
    drop(place);
    assert!(pool.reserve().is_ok());
}

#[test]
fn what_no_hash_costs_cannot_be_declared() {
    let (none, costly) = (StoredCost::Bcrypt { cost: 3 }, StoredCost::Bcrypt { cost: 16 });
    assert_eq!(cheap().stored_as([none]).unwrap_err(), StoredCostError::Impossible(none));
    assert_eq!(cheap().stored_as([costly]).unwrap_err(), StoredCostError::TooCostly(costly));
    let limits = ImportLimits { bcrypt: 16, ..ImportLimits::default() };
    assert!(cheap().import_limits(limits).stored_as([costly]).is_ok());
}

#[tokio::test]
async fn what_is_no_hash_that_may_be_computed_is_wrong_soon() {
    let pool = cheap();
    let bcrypt = format!("$2b$31${}", "a".repeat(53));
    for stored in ["", "!", "5f4dcc3b5aa765d61d8327deb882cf99", &bcrypt] {
        let verdict = pool.verify(secret("password"), Some(secret(stored)));
        let verdict = timeout(Duration::from_secs(60), verdict).await.unwrap();
        assert_eq!(verdict.unwrap(), Verdict::Wrong, "{stored}");
    }
    let strict = ImportLimits { memory: 0, filled: 0, bcrypt: 0, pbkdf2: 0 };
    let pool = pool.import_limits(strict);
    let own = pool.hash(secret("password")).await.unwrap();
    assert!(is_right(&pool, "password", &own).await, "our own hashes are within any limits");
}

#[tokio::test]
async fn a_password_is_the_same_on_every_keyboard() {
    let pool = cheap();
    let hash = pool.hash(secret("cafe\u{301} ﬁne")).await.unwrap();
    for same in ["café fine", "cafe\u{301} fine", "café ﬁne"] {
        let right = Verdict::Right { verified: hash.clone(), rehashed: None };
        assert_eq!(pool.verify(secret(same), Some(hash.clone())).await.unwrap(), right, "{same}");
    }
    assert!(!is_right(&pool, "cafe fine", &hash).await);

    // Somebody else hashed what was typed.
    let theirs = pool.0.hasher.hash(&SystemRandom, "cafe\u{301} fine").unwrap();
    assert!(!is_right(&pool, "café fine", &theirs).await);
    let ours = rehashed(&pool, "cafe\u{301} fine", &theirs.0).await;
    assert!(is_right(&pool, "café fine", &ours).await);
}

#[tokio::test]
async fn a_flood_is_turned_away_and_then_all_is_well_again() {
    let pool = pool(HashCost { memory: 4096, ..CHEAP }, PoolSize { workers: 1, queue: 3 });
    let calls = (0..20).map(|_| {
        let pool = pool.clone();
        tokio::spawn(async move { pool.hash(secret("correct horse")).await })
    });
    let answers = join_all(calls).await;
    let done = answers.into_iter().filter(|answer| answer.as_ref().unwrap().is_ok()).count();
    assert!((1..20).contains(&done), "{done}");
    assert!(pool.hash(secret("correct horse")).await.is_ok());
}

/// One thread runs everything here: if hashing were done on it, nothing else would be.
#[tokio::test(flavor = "current_thread")]
async fn the_runtime_goes_on_while_passwords_are_hashed() {
    let pool = pool(NOT_CHEAP, PoolSize { workers: 1, queue: 9 });
    let ticks = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&ticks);
    let ticking = tokio::spawn(async move {
        loop {
            sleep(Duration::from_millis(1)).await;
            counter.fetch_add(1, SeqCst);
        }
    });
    let hashes = (0..3).map(|_| pool.hash(secret("correct horse")));
    assert!(join_all(hashes).await.iter().all(Result::is_ok));
    ticking.abort();
    // Three hashes take some hundred milliseconds; of a blocked runtime there are two or three.
    assert!(ticks.load(SeqCst) >= 20, "{ticks:?} ticks");
}

#[tokio::test]
async fn who_goes_away_before_their_turn_makes_no_work() {
    let pool = pool(CHEAP, PoolSize { workers: 1, queue: 8 });
    let (go, held) = mpsc::channel::<()>();
    let working = {
        let pool = pool.clone();
        tokio::spawn(async move { run(&pool, move || held.recv().is_ok()).await })
    };
    until(|| pool.0.workers.available_permits() == 0).await;

    let begun = Arc::new(AtomicUsize::new(0));
    let calls: Vec<_> = (0..8)
        .map(|_| {
            let (pool, begun) = (pool.clone(), Arc::clone(&begun));
            tokio::spawn(async move { run(&pool, move || begun.fetch_add(1, SeqCst)).await })
        })
        .collect();
    until(|| pool.0.places.available_permits() == 0).await;
    assert_eq!(pool.hash(secret("x")).await, Err(Busy));

    calls.iter().skip(1).for_each(tokio::task::JoinHandle::abort);
    until(|| pool.0.places.available_permits() == 7).await;
    go.send(()).unwrap();
    assert_eq!(working.await.unwrap(), Ok(true));
    assert_eq!(join_all(calls).await.into_iter().filter(|call| call.is_ok()).count(), 1);
    assert_eq!(begun.load(SeqCst), 1);
    until(|| pool.0.places.available_permits() == 9).await;
}

/// The threads may be busy with other work of the host: until one is free, nothing has begun.
#[test]
fn who_goes_away_before_a_thread_is_free_makes_no_work() {
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .max_blocking_threads(1)
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(async {
        let pool = pool(CHEAP, PoolSize { workers: 1, queue: 0 });
        let (go, held) = mpsc::channel::<()>();
        let host = spawn_blocking(move || held.recv().is_ok());
        let begun = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&begun);
        let work = run(&pool, move || counter.fetch_add(1, SeqCst));
        assert!(timeout(Duration::from_millis(50), work).await.is_err());
        go.send(()).unwrap();
        assert!(host.await.unwrap());
        until(|| pool.0.places.available_permits() == 1).await;
        assert_eq!(run(&pool, || ()).await, Ok(()));
        assert_eq!(begun.load(SeqCst), 0);
    });
}

#[tokio::test]
async fn turns_come_in_the_order_of_arrival() {
    let pool = pool(CHEAP, PoolSize { workers: 1, queue: 32 });
    let (served, order) = mpsc::channel();
    let calls = (0..32).map(|number| {
        let served = served.clone();
        run(&pool, move || served.send(number).is_ok())
    });
    assert!(join_all(calls).await.into_iter().all(|call| call == Ok(true)));
    assert!(order.try_iter().eq(0..32));
}

#[tokio::test]
async fn work_that_panics_gives_its_place_back() {
    let pool = pool(CHEAP, PoolSize { workers: 1, queue: 0 });
    assert_eq!(run(&pool, || panic!("on purpose")).await.map(|(): ()| ()), Err(Busy));
    until(|| pool.0.places.available_permits() == 1).await;
    assert_eq!(run(&pool, || 7).await, Ok(7));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whoever comes, stays or goes: never more work than workers, never more callers than places,
    /// and in the end all of both are free.
    #[test]
    fn workers_and_places_are_kept(
        workers in 1..4_usize,
        queue in 0..6_usize,
        callers in proptest::collection::vec((0..3_u64, 0..3_u64, proptest::option::of(0..4_u64)), 1..40),
    ) {
        let runtime = Runtime::new().unwrap();
        let (most, done, busy, gone) = runtime.block_on(storm(workers, queue, &callers));
        prop_assert!(most <= workers, "{most} at a time");
        prop_assert_eq!(done + busy + gone, callers.len());
        let patient = callers.iter().all(|(_, _, patience)| patience.is_none());
        prop_assert!(!patient || done >= callers.len().min(workers + queue));
    }
}

/// Each caller comes after some milliseconds, has work for some, and may go away after some.
/// Answers the most that worked at a time, and how many were served, turned away, and gone.
async fn storm(
    workers: usize,
    queue: usize,
    callers: &[(u64, u64, Option<u64>)],
) -> (usize, usize, usize, usize) {
    let pool = pool(CHEAP, PoolSize { workers, queue });
    let (working, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let calls = callers.iter().map(|&(after, takes, patience)| {
        let (pool, working, most) = (pool.clone(), Arc::clone(&working), Arc::clone(&most));
        let patience = Duration::from_millis(patience.unwrap_or(60_000));
        async move {
            sleep(Duration::from_millis(after)).await;
            let work = run(&pool, move || {
                most.fetch_max(working.fetch_add(1, SeqCst) + 1, SeqCst);
                std::thread::sleep(Duration::from_millis(takes));
                working.fetch_sub(1, SeqCst);
            });
            timeout(patience, work).await
        }
    });
    let answers = join_all(calls).await;
    let count = |wanted: fn(&Result<Result<(), Busy>, _>) -> bool| {
        answers.iter().filter(|answer| wanted(answer)).count()
    };
    let counts =
        (count(|a| *a == Ok(Ok(()))), count(|a| *a == Ok(Err(Busy))), count(Result::is_err));
    until(|| pool.0.places.available_permits() == workers + queue).await;
    until(|| pool.0.workers.available_permits() == workers).await;
    (most.load(SeqCst), counts.0, counts.1, counts.2)
}

async fn until(holds: impl Fn() -> bool) {
    for _ in 0..5_000 {
        if holds() {
            return;
        }
        sleep(Duration::from_millis(2)).await;
    }
    panic!("it never came to pass");
}
