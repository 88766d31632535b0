//! A process that causes every kind of mail there is, and sends them, killed at any moment (SIGKILL): no
//! mail of an answer that went out is lost, and none is sent twice but what was being sent.

mod flows;
mod life;
#[cfg(feature = "passkeys")]
mod passkeys;
#[cfg(feature = "social")]
mod social;

use std::collections::{BTreeSet, HashMap};
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use donjon::crypto::{Clock as _, Keyring, SystemClock};
use donjon::delivery::Worker;
use donjon::page::Letter;
use donjon::store::SqlStore;
use donjon::testing::ManualClock;
use serde::{Deserialize, Serialize};

use self::life::{Life, Noting};
use crate::support::database::{Database, databases};

/// Under this name the process that is to be killed is told what to do.
const TASK: &str = "DONJON_TEST_TO_BE_KILLED";
/// How many on each database: every second one at any moment from the start of the process on.
const KILLS: u32 = 50;
/// How long after its first flow a process lives at most.
const PAUSE: u64 = 60_000;
/// How many mails are sent at the same time, and so may be sent twice by one kill.
const AT_ONCE: usize = 4;
/// Begins the line that tells which life the lines after it are of.
const LIFE: &str = "life";
const KEYRING: &str = "k1:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

/// What the process is to do.
#[derive(Serialize, Deserialize)]
struct Task {
    url: String,
    folder: PathBuf,
    life: u32,
}

impl Task {
    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// Adds a line to a file, whole or not at all.
fn note(file: &Path, line: &str) {
    let mut file = OpenOptions::new().create(true).append(true).open(file).unwrap();
    file.write_all(format!("{line}\n").as_bytes()).unwrap();
}

fn lines(file: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

fn worker(store: &SqlStore, mailer: Noting) -> Worker {
    let keyring: Keyring = KEYRING.parse().unwrap();
    Worker::new(store, &keyring, mailer).concurrency(AT_ONCE)
}

/// Lives until it is killed; does nothing unless it is told to. Each life begins with another flow, so
/// that every one is gone through, and each is where lives end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_life_that_is_to_be_killed() {
    let Ok(task) = std::env::var(TASK) else { return };
    let task: Task = serde_json::from_str(&task).unwrap();
    let store = SqlStore::connect(&task.url).await.unwrap();
    let mailer = Noting::into(task.file("sent"));
    let _mails = worker(&store, mailer.clone()).poll_every(Duration::from_millis(3)).start();
    note(&task.file("sent"), &format!("{LIFE} {}", task.life));
    let mut life = Life::begin(store, mailer, &task).await;
    for number in task.life as usize / 2.. {
        flows::flow(&mut life, number % flows::FLOWS).await;
        note(&task.file("alive"), &task.life.to_string());
    }
}

/// When a process is killed.
#[derive(Clone, Copy)]
enum End {
    /// So long after it was started, whatever it is at then.
    AfterStart(Duration),
    /// So long after its first flow.
    AfterFlow(Duration),
}

/// Starts the process, and kills it. Answers how long it took to get to its end.
async fn live_and_die(task: &Task, end: End) -> Duration {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let log = std::fs::File::create(task.file("log")).unwrap();
    command
        .args(["--exact", "account::killed::a_life_that_is_to_be_killed", "--nocapture"])
        .env(TASK, serde_json::to_string(task).unwrap())
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log);
    #[expect(
        clippy::disallowed_methods,
        reason = "when a process is killed no clock in the hand says"
    )]
    let started = Instant::now();
    let mut child = command.spawn().unwrap();
    let alive = task.life.to_string();
    let pause = match end {
        End::AfterStart(pause) => pause,
        End::AfterFlow(pause) => {
            while lines(&task.file("alive")).last() != Some(&alive) {
                let ended = child.try_wait().unwrap();
                assert!(ended.is_none(), "{ended:?}: {:?}", lines(&task.file("log")));
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            pause
        }
    };
    tokio::time::sleep(pause).await;
    child.kill().unwrap();
    let lived = started.elapsed();
    let status = child.wait().unwrap();
    assert_eq!(status.code(), None, "it was killed: {:?}", lines(&task.file("log")));
    lived
}

/// Some number below `bound`; the same each time the test runs (xorshift64).
fn draw(seed: &mut u64, bound: u64) -> u64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    *seed % bound
}

#[tokio::test(flavor = "multi_thread")]
async fn no_mail_is_lost_at_fifty_kills_and_none_doubled_but_what_was_being_sent() {
    let mut both = tokio::task::JoinSet::new();
    for database in databases().await {
        both.spawn(no_mail_is_lost(database));
    }
    both.join_all().await;
}

async fn no_mail_is_lost(database: Database) {
    let mut seed = 0x9E37_79B9_7F4A_7C15;
    let folder = tempfile::tempdir().unwrap();
    // A file that processes share, where the database is one.
    let url = match database.name {
        "sqlite" => format!("sqlite://{}", folder.path().join("app.db").display()),
        _ => database.url.clone(),
    };
    let mut task = Task { url, folder: folder.path().to_owned(), life: 0 };
    // Nothing is there when the first one starts.
    let mut lived = Duration::from_millis(200);
    for life in 0..KILLS {
        task.life = life + 1;
        if life % 2 == 0 {
            let bound = u64::try_from(lived.as_micros()).unwrap();
            let pause = Duration::from_micros(draw(&mut seed, bound));
            live_and_die(&task, End::AfterStart(pause)).await;
        } else {
            let pause = Duration::from_micros(draw(&mut seed, PAUSE));
            lived = live_and_die(&task, End::AfterFlow(pause)).await;
        }
    }
    let store = SqlStore::connect(&task.url).await.unwrap();

    // What the dead had taken is due when their leases are over.
    let clock = Arc::new(ManualClock::new(SystemClock.now() + time::Duration::HOUR));
    let last = worker(&store, Noting::into(task.file("sent"))).clock(clock);
    while last.run_once().await > 0 {}
    let acknowledged = lines(&task.file("acknowledged"));
    assert!(acknowledged.len() > KILLS as usize, "{} mails", acknowledged.len());
    // In which life each was sent first, and how often in all; the ids by what they are.
    let mut times: HashMap<String, (String, usize)> = HashMap::new();
    let mut deliveries: HashMap<String, Vec<String>> = HashMap::new();
    let mut life = String::new();
    for line in lines(&task.file("sent")) {
        let (id, what) = line.split_once(' ').unwrap();
        if id == LIFE {
            life = what.to_owned();
            continue;
        }
        let seen = times.entry(id.to_owned()).or_insert_with(|| (life.clone(), 0));
        seen.1 += 1;
        if seen.1 == 1 {
            deliveries.entry(what.to_owned()).or_default().push(id.to_owned());
        }
    }
    let seen: BTreeSet<_> =
        acknowledged.iter().map(|what| what.split(' ').next().unwrap()).collect();
    assert_eq!(seen, caused(), "{}: a kind of mail that no flow causes", database.name);
    for what in &acknowledged {
        let ids = deliveries.get(what).map_or(0, Vec::len);
        assert_eq!(ids, 1, "{}: {what}", database.name);
    }
    // What was being sent at a kill, and nothing else, came twice.
    let mut doubled: HashMap<&str, usize> = HashMap::new();
    for (life, times) in times.values().filter(|(_, times)| *times > 1) {
        assert_eq!(*times, 2, "{}", database.name);
        *doubled.entry(life).or_default() += 1;
    }
    let most = doubled.values().max().copied().unwrap_or(0);
    assert!(most <= AT_ONCE, "{}: {doubled:?}", database.name);
    println!("{}: {} mails, {doubled:?} twice", database.name, times.len());
}

/// The kinds of mail that there are in this build.
fn caused() -> BTreeSet<&'static str> {
    let there = |kind: &&&str| {
        let of_passkeys = kind.starts_with("passkey_")
            || ["app_removed", "break_glass_suspected"].contains(*kind);
        let of_social = kind.starts_with("identity_") || **kind == "provider_email";
        (cfg!(feature = "passkeys") || !of_passkeys) && (cfg!(feature = "social") || !of_social)
    };
    Letter::KINDS.iter().filter(there).copied().collect()
}
