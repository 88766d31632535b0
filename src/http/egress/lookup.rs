//! Looking names up, so that names which are never answered hold up nobody else's.
//!
//! The machine's resolver takes a thread for each name, and keeps it until it gives up, which can be
//! half a minute after whoever asked has gone. Names come from strangers, and whoever runs the servers
//! of a domain can have any number of names in it that nobody answers. So
//!
//! * a name is looked up once at a time, for all who ask for it within a moment;
//! * of one domain only a few names are, with those whose threads are not free yet;
//! * a lookup that takes longer than a moment gives its place to the next, and counts with those that
//!   only hold a thread, of which there may be many more. Whoever comes then does not wait for it: an
//!   answer that was lost once is not missed until the machine's resolver gives up.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::timeout;

use super::limits;

/// Who turns a host name into addresses.
pub(super) trait Resolve: Send + Sync + 'static {
    /// All addresses of `host`.
    fn resolve(&self, host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>>;
}

/// Whoever asks the machine's resolver shares its turns, in the whole process.
static TURNS: LazyLock<Turns> = LazyLock::new(|| Turns::to(Arc::new(Machine)));

/// The machine's resolver.
pub(super) struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        TURNS.resolve(host)
    }
}

/// The machine's resolver, without turns.
struct Machine;

impl Resolve for Machine {
    fn resolve(&self, host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        Box::pin(async move {
            let addresses = tokio::net::lookup_host((host, 0)).await?;
            Ok(addresses.map(|address| address.ip()).collect())
        })
    }
}

/// An answer that many wait for. An error is told by its kind: it cannot be copied.
type Answer = Result<Vec<IpAddr>, io::ErrorKind>;
/// The same, or nothing if the lookup ended badly.
type Lookup = Shared<BoxFuture<'static, Option<Answer>>>;
/// How often a name is looked up for somebody whose lookup ended badly: by a panic, or since whoever
/// began it was of a runtime that was shut down.
const BEGUN: usize = 2;

/// Asks another resolver, each name in its turn.
#[derive(Clone)]
struct Turns {
    resolver: Arc<dyn Resolve>,
    /// For lookups that may be answered any moment.
    places: Arc<Semaphore>,
    /// For those, and for all that hold a thread.
    threads: Arc<Semaphore>,
    waiting: Arc<Mutex<Waiting>>,
}

/// What is looked up now.
#[derive(Default)]
struct Waiting {
    names: HashMap<String, Lookup>,
    domains: HashMap<String, Arc<Semaphore>>,
}

impl Resolve for Turns {
    fn resolve(&self, host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        let (turns, host) = (self.clone(), host.to_ascii_lowercase());
        Box::pin(async move {
            for _ in 0..BEGUN {
                if let Some(answer) = turns.join(&host).await {
                    return answer.map_err(io::Error::from);
                }
            }
            Err(io::ErrorKind::Other.into())
        })
    }
}

impl Turns {
    fn to(resolver: Arc<dyn Resolve>) -> Self {
        Self {
            resolver,
            places: Arc::new(Semaphore::new(limits::LOOKUPS)),
            threads: Arc::new(Semaphore::new(limits::LOOKUP_THREADS)),
            waiting: Arc::default(),
        }
    }

    /// The lookup of a name that is under way, or one that begins.
    fn join(&self, host: &str) -> Lookup {
        let (tell, told) = oneshot::channel();
        let (turn, lookup) = {
            let mut waiting = self.waiting();
            if let Some(lookup) = waiting.names.get(host) {
                return lookup.clone();
            }
            let lookup: Lookup = told.map(Result::ok).boxed().shared();
            waiting.names.insert(host.to_owned(), lookup.clone());
            let domain = domain_of(host).to_owned();
            let places = waiting.domains.entry(domain.clone());
            let places =
                places.or_insert_with(|| Arc::new(Semaphore::new(limits::LOOKUPS_OF_DOMAIN)));
            let (places, host) = (Some(Arc::clone(places)), host.to_owned());
            let (turns, own) = (self.clone(), lookup.clone());
            (Turn { turns, host, lookup: own, domain, places, held: None }, lookup)
        };
        // It goes on when nobody waits any more, and keeps what it holds until its thread is free.
        tokio::spawn(async move {
            let answer = turn.look_up().await;
            // Nobody may wait any more.
            let _ = tell.send(answer);
        });
        lookup
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The lookup of one name. However it ends (an answer, a panic, a runtime that is shut down), nobody
/// joins it afterwards.
struct Turn {
    turns: Turns,
    host: String,
    lookup: Lookup,
    domain: String,
    places: Option<Arc<Semaphore>>,
    held: Option<[OwnedSemaphorePermit; 2]>,
}

impl Turn {
    async fn look_up(mut self) -> Answer {
        let late = |_| io::ErrorKind::TimedOut;
        // Nobody waits for longer.
        let place = timeout(limits::CONNECT, self.wait()).await.map_err(late)??;
        let mut asked = self.turns.resolver.resolve(self.host.clone());
        let answer = match timeout(limits::LOOKUP, &mut asked).await {
            Ok(answer) => answer,
            Err(_) => {
                self.leave(&mut self.turns.waiting());
                drop(place);
                asked.await
            }
        };
        answer.map_err(|error| error.kind())
    }

    /// Nobody joins this lookup any more; another one of the same name, which began since, goes on.
    fn leave(&self, waiting: &mut Waiting) {
        if waiting.names.get(&self.host).is_some_and(|lookup| lookup.ptr_eq(&self.lookup)) {
            waiting.names.remove(&self.host);
        }
    }

    /// Waits for a place among those of the domain, a thread, and then a place among all.
    async fn wait(&mut self) -> Result<OwnedSemaphorePermit, io::ErrorKind> {
        let closed = |_| io::ErrorKind::Other;
        let Some(places) = self.places.clone() else { return Err(io::ErrorKind::Other) };
        let place = places.acquire_owned().await.map_err(closed)?;
        let thread = Arc::clone(&self.turns.threads).acquire_owned().await.map_err(closed)?;
        self.held = Some([place, thread]);
        Arc::clone(&self.turns.places).acquire_owned().await.map_err(closed)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        (self.held, self.places) = (None, None);
        let mut waiting = self.turns.waiting();
        self.leave(&mut waiting);
        // The last one of its domain: all others hold it, too.
        if waiting.domains.get(&self.domain).is_some_and(|places| Arc::strong_count(places) == 1) {
            waiting.domains.remove(&self.domain);
        }
    }
}

/// Labels below which domains are handed out in many countries, as in `co.uk`.
const SECOND_LEVEL: [&str; 15] = [
    "ac", "co", "com", "edu", "go", "gob", "gov", "ltd", "mil", "ne", "net", "nom", "or", "org",
    "plc",
];

/// The part of a name that somebody registered, as far as its spelling tells: whoever did decides
/// whether the names in it are answered.
fn domain_of(host: &str) -> &str {
    let name = host.trim_end_matches('.');
    let mut labels = name.rsplit('.');
    let (top, second) = (labels.next().unwrap_or_default(), labels.next().unwrap_or_default());
    let keep = if top.len() == 2 && SECOND_LEVEL.contains(&second) { 3 } else { 2 };
    let dots = name.rmatch_indices('.').nth(keep - 1);
    dots.and_then(|(dot, _)| name.get(dot + 1..)).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::time::Duration;

    use futures_util::future::join_all;
    use tokio::sync::Notify;

    use super::*;

    /// Answers no name with `hang` in it before it is told to, and notes what it is asked.
    #[derive(Default)]
    struct Slow {
        asked: Mutex<Vec<String>>,
        released: Notify,
    }

    impl Slow {
        fn asked(&self) -> Vec<String> {
            self.asked.lock().unwrap().clone()
        }
    }

    struct Resolver(Arc<Slow>);

    impl Resolve for Resolver {
        fn resolve(&self, host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
            let slow = Arc::clone(&self.0);
            slow.asked.lock().unwrap().push(host.clone());
            Box::pin(async move {
                if host.contains("hang") {
                    slow.released.notified().await;
                }
                Ok(vec!["192.0.2.1".parse().unwrap()])
            })
        }
    }

    fn turns() -> (Turns, Arc<Slow>) {
        let slow = Arc::new(Slow::default());
        (Turns::to(Arc::new(Resolver(Arc::clone(&slow)))), slow)
    }

    /// Whether a name is answered within this time.
    async fn within(turns: &Turns, host: &str, time: Duration) -> bool {
        timeout(time, turns.resolve(host.to_owned())).await.is_ok_and(|answer| answer.is_ok())
    }

    /// Somebody asks, and goes away after a moment.
    async fn ask(turns: &Turns, hosts: impl IntoIterator<Item = String>) {
        let asked = hosts.into_iter().map(|host| {
            let turns = turns.clone();
            async move { within(&turns, &host, Duration::from_millis(10)).await }
        });
        assert!(join_all(asked).await.iter().all(|answered| !answered));
    }

    const SOON: Duration = Duration::from_millis(10);

    /// A wildcard, and a server that swallows every question.
    #[tokio::test(start_paused = true)]
    async fn names_of_one_domain_that_hang_hold_up_nobody_elses() {
        let (turns, slow) = turns();
        ask(&turns, (0..1000).map(|n| format!("n{n}.hang.example"))).await;
        assert_eq!(slow.asked().len(), limits::LOOKUPS_OF_DOMAIN);
        assert!(within(&turns, "good.example", SOON).await);
        assert!(within(&turns, "good.other.example", SOON).await);
        // They themselves wait for their own, and not for ever.
        assert!(!within(&turns, "other.hang.example", limits::CONNECT * 2).await);
        assert_eq!(slow.asked().len(), limits::LOOKUPS_OF_DOMAIN + 2);
    }

    #[tokio::test(start_paused = true)]
    async fn domains_that_hang_hold_up_others_for_a_moment_and_not_for_good() {
        let (turns, slow) = turns();
        let names =
            |from: usize| (0..limits::LOOKUPS).map(move |n| format!("hang{}.example", from + n));
        ask(&turns, names(0)).await;
        assert_eq!(slow.asked().len(), limits::LOOKUPS);
        assert!(!within(&turns, "early.example", SOON).await);
        assert!(within(&turns, "good.example", limits::LOOKUP + SOON).await);
        // Every thread has its end, too.
        for round in 1.. {
            if slow.asked().len() >= limits::LOOKUP_THREADS {
                break;
            }
            ask(&turns, names(round * limits::LOOKUPS)).await;
            tokio::time::sleep(limits::LOOKUP).await;
        }
        assert!(!within(&turns, "late.example", limits::LOOKUP * 2).await);
        slow.released.notify_waiters();
        assert!(within(&turns, "last.example", SOON).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_name_is_looked_up_once_for_all_who_ask() {
        let (turns, slow) = turns();
        for _ in 0..32 {
            ask(&turns, ["hang.example".to_owned(), "HANG.example".to_owned()]).await;
        }
        assert_eq!(slow.asked(), ["hang.example"], "also for those who come after others went");
        let all = join_all((0..32).map(|_| turns.resolve("hang.example".to_owned())));
        let release = async {
            tokio::time::sleep(SOON).await;
            slow.released.notify_waiters();
        };
        let (all, ()) = tokio::join!(all, release);
        assert!(all.into_iter().all(|answer| answer.is_ok_and(|found| found.len() == 1)));
        // What was answered is asked anew: the addresses may be others.
        ask(&turns, ["hang.example".to_owned()]).await;
        assert_eq!(slow.asked().len(), 2);
    }

    /// The answer to one question got lost.
    #[tokio::test(start_paused = true)]
    async fn a_name_that_hung_for_a_moment_is_looked_up_anew() {
        let (turns, slow) = turns();
        for asked in 1..=limits::LOOKUPS_OF_DOMAIN {
            ask(&turns, (0..4).map(|_| "hang.example".to_owned())).await;
            assert_eq!(slow.asked().len(), asked, "once for all who ask within a moment");
            tokio::time::sleep(limits::LOOKUP).await;
        }
        // Those that hang hold their threads, of which a domain has only so many.
        assert!(!within(&turns, "hang.example", limits::LOOKUP * 2).await);
        assert_eq!(slow.asked().len(), limits::LOOKUPS_OF_DOMAIN);
        slow.released.notify_one();
        ask(&turns, ["hang.example".to_owned()]).await;
        assert_eq!(slow.asked().len(), limits::LOOKUPS_OF_DOMAIN + 1);
        // The older ones end, and the newest is still the one that is joined.
        for _ in 1..limits::LOOKUPS_OF_DOMAIN {
            slow.released.notify_one();
        }
        tokio::time::sleep(SOON).await;
        ask(&turns, ["hang.example".to_owned()]).await;
        assert_eq!(slow.asked().len(), limits::LOOKUPS_OF_DOMAIN + 1);
        slow.released.notify_waiters();
        tokio::time::sleep(SOON).await;
        assert!(turns.waiting().names.is_empty() && turns.waiting().domains.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_left_of_lookups_that_ended() {
        let (turns, slow) = turns();
        ask(&turns, (0..100).map(|n| format!("n{n}.hang{}.example", n % 3))).await;
        assert!(within(&turns, "good.example", SOON).await);
        tokio::time::sleep(limits::CONNECT).await;
        slow.released.notify_waiters();
        tokio::time::sleep(SOON).await;
        let waiting = turns.waiting();
        assert!(waiting.names.is_empty() && waiting.domains.is_empty());
        assert_eq!(turns.places.available_permits(), limits::LOOKUPS);
        assert_eq!(turns.threads.available_permits(), limits::LOOKUP_THREADS);
    }

    /// Answers with a panic.
    struct Broken;

    impl Resolve for Broken {
        fn resolve(&self, _: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
            Box::pin(async { std::panic::resume_unwind(Box::new("broken")) })
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_lookup_that_ends_badly_is_an_error_and_begins_anew() {
        let turns = Turns::to(Arc::new(Broken));
        for _ in 0..limits::LOOKUP_THREADS + 1 {
            let answer = timeout(SOON, turns.resolve("name.example".to_owned())).await;
            assert!(answer.unwrap().is_err());
        }
        assert!(turns.waiting().names.is_empty());
    }

    #[test]
    fn a_domain_is_what_somebody_registered() {
        for (host, domain) in [
            ("example.com", "example.com"),
            ("a.b.example.com", "example.com"),
            ("a.b.example.com.", "example.com"),
            ("shop.example.co.uk", "example.co.uk"),
            ("example.co.uk", "example.co.uk"),
            ("co.uk", "co.uk"),
            ("a.ibm.de", "ibm.de"),
            ("localhost", "localhost"),
            ("", ""),
            (".", ""),
        ] {
            assert_eq!(domain_of(host), domain, "{host}");
        }
        let names = ["a.example.com", "b.example.com", "example.com", "c.d.example.com"];
        let domains: HashSet<_> = names.into_iter().map(domain_of).collect();
        assert_eq!(domains.len(), 1);
    }

    #[tokio::test]
    async fn the_machine_is_asked() {
        let found = SystemResolver.resolve("localhost".to_owned()).await.unwrap();
        assert!(found.iter().all(IpAddr::is_loopback) && !found.is_empty());
    }
}
