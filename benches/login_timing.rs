//! Whether the time of an answer tells who has an account: a report, not a gate (what is gated is that
//! every branch makes the same store and hash calls in the same order; see the tests of enumeration).
//!
//! Method. Each page that takes an address is asked with an address of each kind ("arms": nobody's,
//! a user's with a wrong password, a locked one, one whose hash was imported, …), in process, without
//! a socket, with the arms taking turns so that drift of the machine meets all alike. Every question is asked of an address
//! that was not asked before where asking changes something. The hash is made cheap (64 KiB, one
//! pass), so that its own variance hides nothing, and answers that come at even times come every 5 ms
//! instead of every 100. For each arm there are two figures: the median with
//! its 95 % confidence interval (by order statistics, so no distribution is assumed), and Welch's t
//! against the first arm, over the times up to the 90th percentile of both together (cropping as in
//! Reparaz, Balasch and Verbauwhede, "Dude, is my code constant time?", 2017, whose threshold of
//! |t| > 4.5 is that of a difference). A last arm repeats the first: what it differs by is noise.
//!
//! ```sh
//! cargo bench --all-features --bench login_timing
//! ```
#![expect(clippy::unwrap_used, clippy::panic, reason = "a benchmark that cannot start may stop")]
#![expect(clippy::disallowed_methods, reason = "a benchmark looks at the clock")]
#![expect(clippy::print_stdout, reason = "a report is printed")]
#![expect(clippy::indexing_slicing, reason = "a benchmark that cannot count may stop")]
#![expect(dead_code, unreachable_pub, reason = "the tests' helpers are for more than this")]

#[path = "../tests/it/support/browser.rs"]
mod browser;
#[path = "../tests/it/support/database.rs"]
mod database;

use std::convert::Infallible;
use std::time::{Duration, Instant};

use bytes::Bytes;
use donjon::account::password::{HashCost, ImportLimits, StoredCost, StoredHash};
use donjon::account::{AccountLayer, Policy};
use donjon::crypto::{Keyring, SystemRandom};
use donjon::http::Body;
use donjon::session::SessionLayer;
use donjon::store::{LockoutPolicy, SqlStore};
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use tower::{Layer as _, service_fn};

use crate::browser::Browser;
use crate::database::databases;

const ORIGIN: &str = "http://127.0.0.1:3000";
/// Answers that come at even times come at multiples of this.
const STEP: time::Duration = time::Duration::milliseconds(5);
const PASSWORD: &str = "correct horse battery staple";
const WRONG: &str = "wrong horse battery staple";
/// Hashes of other systems, and one of before the cost was changed, of whatever password: cheap, like our
/// own.
const BCRYPT: &str = "$2b$04$K3TvkPBr4LVQAbZHcbT6VOQVdmMKSnVJp0pBUUxDkbWfo1fpJTWxy";
const PBKDF2: &str = "pbkdf2_sha256$1000$RtNMVQVmHm8$W7lx+DYpE4fCCKHhVLzdwRJ8T5CuUsWHUZ0BrWmLkHM=";
const SCRYPT: &str =
    "$scrypt$ln=8,r=8,p=1$c2FsdHNhbHRzYWx0c2FsdA$W7lx+DYpE4fCCKHhVLzdwRJ8T5CuUsWHUZ0BrWmLkHM";
const OLD_COST: &str = "$argon2id$v=19$m=256,t=3,p=1$c2FsdHNhbHRzYWx0c2FsdA$W7lx+DYpE4fCCKHhVLzdwRJ8T5CuUsWHUZ0BrWmLkHM";

/// A page, and what is asked of it.
struct Question {
    name: &'static str,
    path: &'static str,
    password: Option<&'static str>,
    arms: &'static [Arm],
}

#[derive(Clone, Copy, Debug)]
enum Arm {
    Nobody,
    /// A confirmed user with a password.
    User,
    /// A user who never confirmed the address.
    Unconfirmed,
    /// A user without a password.
    Federated,
    /// A user with too many failures.
    Locked,
    /// Users with a hash of another system, and of before the cost was changed.
    Bcrypt,
    Pbkdf2,
    Scrypt,
    OldCost,
    NobodyAgain,
}

const QUESTIONS: &[Question] = &[
    Question {
        name: "login with a wrong password",
        path: "/login",
        password: Some(WRONG),
        arms: &[
            Arm::Nobody,
            Arm::User,
            Arm::Unconfirmed,
            Arm::Federated,
            Arm::Locked,
            Arm::Bcrypt,
            Arm::Pbkdf2,
            Arm::Scrypt,
            Arm::OldCost,
            Arm::NobodyAgain,
        ],
    },
    Question {
        name: "registration",
        path: "/register",
        password: Some(PASSWORD),
        arms: &[Arm::Nobody, Arm::User, Arm::Unconfirmed, Arm::NobodyAgain],
    },
    Question {
        name: "forgotten password",
        path: "/forgot-password",
        password: None,
        arms: &[Arm::Nobody, Arm::User, Arm::Unconfirmed, Arm::Federated, Arm::NobodyAgain],
    },
    Question {
        name: "another link to confirm",
        path: "/confirm/resend",
        password: None,
        arms: &[Arm::Nobody, Arm::User, Arm::Unconfirmed, Arm::NobodyAgain],
    },
    Question {
        name: "link to log in",
        path: "/login/link",
        password: None,
        arms: &[Arm::Nobody, Arm::User, Arm::Unconfirmed, Arm::Federated, Arm::NobodyAgain],
    },
];

fn main() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    // `cargo test --benches` only asks whether it starts.
    let rounds = if std::env::args().any(|argument| argument == "--bench") { 2_000 } else { 5 };
    runtime.block_on(async {
        for database in databases().await {
            println!("\n{} ({rounds} rounds)", database.name);
            let store = database.store().await;
            for question in QUESTIONS {
                report(question, &ask(&Site::new(&store), question, rounds).await);
            }
        }
    });
}

struct Site {
    accounts: AccountLayer,
    browser: Browser,
}

impl Site {
    fn new(store: &SqlStore) -> Self {
        let keyring = Keyring::ephemeral(&SystemRandom);
        let lockout = LockoutPolicy { attempts: 2, lock_for: time::Duration::HOUR };
        let accounts = AccountLayer::builder(store, &keyring, ORIGIN)
            .hash_cost(HashCost { memory: 64, passes: 1, lanes: 1 })
            .danger_ignore_unknown_peers(true)
            .stored_as([BCRYPT, PBKDF2, SCRYPT, OLD_COST].map(cost_of))
            .policy(Policy { lockout, even_answers: STEP, ..Policy::default() })
            .build()
            .unwrap();
        let sessions = SessionLayer::new(store.clone(), &keyring).base_url(ORIGIN).unwrap();
        let app = sessions.layer(accounts.layer(service_fn(hello)));
        Self { accounts, browser: Browser::new(app, ORIGIN) }
    }

    /// An address of this kind that nobody asked about yet.
    async fn address(&self, arm: Arm, question: &Question, round: usize) -> String {
        let page = question.path.trim_matches('/').replace('/', "-");
        // Of the same length, whatever the arm.
        let address = format!("{page}.{:02}.{round:05}@example.test", arm as usize);
        let create = |password, confirmed| {
            self.accounts.accounts().create(&address, password, Default::default(), confirmed)
        };
        match arm {
            Arm::Nobody | Arm::NobodyAgain => {}
            Arm::User => drop(create(Some(PASSWORD), true).await.unwrap()),
            Arm::Unconfirmed => drop(create(Some(PASSWORD), false).await.unwrap()),
            Arm::Federated => drop(create(None, true).await.unwrap()),
            Arm::Bcrypt => self.import(&address, BCRYPT).await,
            Arm::Pbkdf2 => self.import(&address, PBKDF2).await,
            Arm::Scrypt => self.import(&address, SCRYPT).await,
            Arm::OldCost => self.import(&address, OLD_COST).await,
            Arm::Locked => {
                create(Some(PASSWORD), true).await.unwrap();
                for _ in 0..3 {
                    let fields = [("email", address.as_str()), ("password", WRONG)];
                    self.browser.another().post("/login", &fields).await;
                }
            }
        }
        address
    }

    async fn import(&self, address: &str, hash: &str) {
        let accounts = self.accounts.accounts();
        accounts.import(address, hash, Default::default(), true).await.unwrap();
    }
}

fn cost_of(hash: &str) -> StoredCost {
    StoredHash::parse(hash, &ImportLimits::default()).unwrap().cost()
}

async fn hello(_: Request<Full<Bytes>>) -> Result<Response<Body>, Infallible> {
    Ok(Response::new(Body::empty()))
}

/// The times of each arm's answers.
async fn ask(site: &Site, question: &Question, rounds: usize) -> Vec<Vec<f64>> {
    let mut times = vec![Vec::with_capacity(rounds); question.arms.len()];
    let mut seen: Option<StatusCode> = None;
    for round in 0..rounds {
        for turn in 0..question.arms.len() {
            // Another one begins each round.
            let index = (turn + round) % question.arms.len();
            let address = site.address(question.arms[index], question, round).await;
            let mut fields = vec![("email", address.as_str())];
            fields.extend(question.password.map(|password| ("password", password)));
            let mut browser = site.browser.another();
            let asked = Instant::now();
            let page = browser.post(question.path, &fields).await;
            times[index].push(asked.elapsed().as_secs_f64());
            assert_eq!(*seen.get_or_insert(page.status), page.status, "{}", page.body);
        }
    }
    times
}

fn report(question: &Question, times: &[Vec<f64>]) {
    println!("\n  {}", question.name);
    for (arm, own) in question.arms.iter().zip(times) {
        let (low, median, high) = median(own);
        let t = welch(&times[0], own);
        println!(
            "    {:<12} median {:>9.1?} ({:>9.1?} to {:>9.1?})  t {t:>6.1}{}",
            format!("{arm:?}"),
            Duration::from_secs_f64(median),
            Duration::from_secs_f64(low),
            Duration::from_secs_f64(high),
            if t.abs() > 4.5 { "  DIFFERS" } else { "" }
        );
    }
}

/// The median between the ends of its 95 % confidence interval.
fn median(times: &[f64]) -> (f64, f64, f64) {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    let count = sorted.len();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "ranks"
    )]
    let half_width = (0.98 * (count as f64).sqrt()).ceil() as usize;
    let middle = count / 2;
    let at = |rank: usize| sorted[rank.min(count - 1)];
    (at(middle.saturating_sub(half_width)), at(middle), at(middle + half_width))
}

/// Welch's t of the times that are not among the slowest tenth of both.
fn welch(first: &[f64], second: &[f64]) -> f64 {
    let mut pooled: Vec<_> = first.iter().chain(second).copied().collect();
    pooled.sort_by(f64::total_cmp);
    let crop = pooled[pooled.len() * 9 / 10];
    let (first, second) = (Moments::of(first, crop), Moments::of(second, crop));
    let error = (first.variance / first.count + second.variance / second.count).sqrt();
    if error == 0.0 { 0.0 } else { (second.mean - first.mean) / error }
}

struct Moments {
    count: f64,
    mean: f64,
    variance: f64,
}

impl Moments {
    #[expect(clippy::cast_precision_loss, reason = "counts of thousands")]
    fn of(times: &[f64], crop: f64) -> Self {
        let kept: Vec<_> = times.iter().copied().filter(|time| *time <= crop).collect();
        let count = kept.len() as f64;
        let mean = kept.iter().sum::<f64>() / count;
        let squares: f64 = kept.iter().map(|time| (time - mean).powi(2)).sum();
        Self { count, mean, variance: squares / (count - 1.0) }
    }
}
