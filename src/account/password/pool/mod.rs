mod place;
mod verdict;

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::hash::{HashCost, Hasher};
use super::spelling::normalized;
use super::stored::{ImportLimits, StoredHash};
use crate::crypto::{Random, RandomExt as _, Redacted};

pub(crate) use place::Place;
pub use verdict::Verdict;

/// How many passwords are hashed at a time, and how many may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolSize {
    /// At a time; at least one.
    pub workers: usize,
    /// Waiting.
    pub queue: usize,
}

impl Default for PoolSize {
    /// One core is left to everybody else, and nobody waits for much longer than a second.
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let workers = cores.saturating_sub(1).max(1);
        Self { workers, queue: workers * 64 }
    }
}

/// Too many passwords are waiting to be hashed; it goes better in a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many passwords are waiting to be hashed")]
pub struct Busy;

/// Hashes passwords without blocking the runtime. Cheap to clone; clones share their workers.
///
/// Whoever calls gets a place in the queue, or [`Busy`] at once, and is served in order of arrival.
/// A caller who goes away before its turn makes no work; one who goes away later keeps its place
/// until the work is done, so that there is never more of it than [`PoolSize::workers`].
///
/// A password is hashed in Unicode normalization form KC (NIST SP 800-63B-4, section 3.1.1.2), so
/// that it is the same one on every keyboard, and whole: nothing is cut off or trimmed.
///
/// Hashes that other systems made are verified too (see [`StoredHash`]), and replaced once their
/// passwords are known.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use std::sync::Arc;
///
/// use donjon::account::password::{HashCost, PasswordPool, PoolSize, Verdict};
/// use donjon::crypto::{Redacted, SystemRandom};
///
/// let random = Arc::new(SystemRandom);
/// let pool = PasswordPool::new(HashCost::default(), PoolSize::default(), random)?;
/// let from_django = "pbkdf2_sha256$1000$RtNMVQVmHm8$W7lx+DYpE4fCCKHhVLzdwRJ8T5CuUsWHUZ0BrWmLkHM=";
/// let stored = Some(Redacted(from_django.to_owned()));
/// let verdict = pool.verify(Redacted("not it".to_owned()), stored).await?;
/// assert_eq!(verdict, Verdict::Wrong);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct PasswordPool(Arc<Shared>);

#[derive(Clone, Debug)]
struct Shared {
    hasher: Hasher,
    random: Arc<dyn Random>,
    limits: ImportLimits,
    /// The hash of a password that nobody has: what is verified where there is nobody.
    nobody: StoredHash,
    workers: Arc<Semaphore>,
    places: Arc<Semaphore>,
}

impl PasswordPool {
    /// A pool that hashes at this cost. It hashes once, right here.
    ///
    /// # Errors
    /// [`argon2::Error`] for a cost that argon2 does not have.
    pub fn new(
        cost: HashCost,
        size: PoolSize,
        random: Arc<dyn Random>,
    ) -> Result<Self, argon2::Error> {
        let hasher = Hasher::new(cost)?;
        let limits = ImportLimits::default().including(cost.memory, cost.passes);
        let nobody = hasher
            .hash(&*random, &random.token().expose())
            .and_then(|hash| StoredHash::parse(&hash.0, &limits).ok())
            .ok_or(argon2::Error::AlgorithmInvalid)?;
        let workers = size.workers.clamp(1, Semaphore::MAX_PERMITS / 2);
        let places = workers + size.queue.min(Semaphore::MAX_PERMITS / 2);
        Ok(Self(Arc::new(Shared {
            hasher,
            random,
            limits,
            nobody,
            workers: Arc::new(Semaphore::new(workers)),
            places: Arc::new(Semaphore::new(places)),
        })))
    }

    /// What verifying a hash made elsewhere may cost.
    #[must_use]
    pub fn import_limits(self, limits: ImportLimits) -> Self {
        let mut shared = Arc::unwrap_or_clone(self.0);
        let HashCost { memory, passes, .. } = shared.hasher.cost();
        shared.limits = limits.including(memory, passes);
        Self(Arc::new(shared))
    }

    /// What verifying a hash made elsewhere may cost.
    pub(in crate::account) fn limits(&self) -> &ImportLimits {
        &self.0.limits
    }

    /// The hash to store of a password, as a PHC string.
    ///
    /// # Errors
    /// [`Busy`].
    pub async fn hash(&self, password: Redacted<String>) -> Result<Redacted<String>, Busy> {
        let shared = Arc::clone(&self.0);
        // A cost that was accepted hashes every password.
        self.reserve()?.run("hash", move || shared.hash(&password.0)).await?.ok_or(Busy)
    }

    /// Whether the password is the one behind `stored`. Without one, or with a text that is no
    /// hash within the [`ImportLimits`], it costs the same as a wrong one, so that the time tells
    /// nobody who has an account.
    ///
    /// A hash made elsewhere costs what it costs: until its user has logged in once, a stranger may
    /// tell by the time that there is one.
    ///
    /// # Errors
    /// [`Busy`].
    pub async fn verify(
        &self,
        password: Redacted<String>,
        stored: Option<Redacted<String>>,
    ) -> Result<Verdict, Busy> {
        self.reserve()?.verify(password, stored, true).await
    }

    /// A place for one password, so that nothing is begun that it turns out nobody can finish.
    ///
    /// # Errors
    /// [`Busy`].
    pub(crate) fn reserve(&self) -> Result<Place, Busy> {
        Place::in_queue_of(&self.0)
    }
}

impl Shared {
    fn hash(&self, password: &str) -> Option<Redacted<String>> {
        self.hasher.hash(&*self.random, &normalized(password))
    }
}

#[cfg(test)]
mod tests;
