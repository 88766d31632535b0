mod place;
mod verdict;

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::hash::{HashCost, Hasher};
use super::spelling::normalized;
use super::stored::{ImportLimits, StoredCost, StoredCostError, StoredHash};
use crate::crypto::{Random, Redacted};

pub(crate) use place::Place;
pub use verdict::Verdict;
use verdict::{Right, Undeclared};

/// How many passwords are hashed at a time, and how many may wait.
///
/// Where hashes are [stored as](PasswordPool::stored_as) more than one cost, verifying one password takes
/// as long as several hashes (by what [`ImportLimits`] hold for a second), and takes up as much of the
/// queue: so many fewer passwords wait, and nobody waits longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolSize {
    /// At a time; at least one.
    pub workers: usize,
    /// Waiting, counted in hashes at the present cost.
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
/// Hashes that other systems made, or that were made at another cost, are verified too (see
/// [`StoredHash`]), and replaced once their passwords are known. What else is stored has to be declared
/// ([`PasswordPool::stored_as`]), or the time of a verification tells whose hash is not of the present
/// cost: a stranger would learn who has such an account.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use std::sync::Arc;
///
/// use donjon::account::password::{
///     HashCost, PasswordPool, Pbkdf2Hmac, PoolSize, StoredCost, Verdict,
/// };
/// use donjon::crypto::{Redacted, SystemRandom};
///
/// let random = Arc::new(SystemRandom);
/// let pool = PasswordPool::new(HashCost::default(), PoolSize::default(), random)?;
/// let old = StoredCost::Pbkdf2 { hmac: Pbkdf2Hmac::Sha256, rounds: 1000, blocks: 1 };
/// let pool = pool.stored_as([old])?;
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
    /// A hash that no password has at each cost, the present one first: what is verified in the place of
    /// the one that a user has not got.
    nobody: Vec<StoredHash>,
    undeclared: Arc<Undeclared>,
    size: PoolSize,
    workers: Arc<Semaphore>,
    places: Arc<Semaphore>,
}

impl PasswordPool {
    /// A pool that hashes at this cost.
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
        let nobody = StoredCost::from(cost)
            .of_nobody(&*random, &limits)
            .map_err(|_| argon2::Error::AlgorithmInvalid)?;
        let workers = size.workers.clamp(1, Semaphore::MAX_PERMITS / 2);
        let size = PoolSize { workers, ..size };
        Ok(Self(Arc::new(Shared {
            hasher,
            random,
            limits,
            places: places(size, weight(&[])),
            nobody: vec![nobody],
            undeclared: Arc::default(),
            size,
            workers: Arc::new(Semaphore::new(workers)),
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

    /// What the stored hashes cost that are not of the present cost: those of other systems
    /// ([`StoredHash::cost`]), and argon2id at the costs that this pool had formerly.
    ///
    /// Every verification then computes one hash of each of these costs beside the present one, whoever it
    /// is for: the user's own where it is theirs, and nobody's otherwise. So the time tells neither whether
    /// there is a user, nor where they come from; and a login takes the time of all of them together. Once
    /// nobody has such a hash any more, it is better declared no longer.
    ///
    /// A hash of a cost that is neither declared nor present is verified all the same, beside all the
    /// others, and the first of each cost is warned of in the log: its user can be told by the time.
    ///
    /// It is called after [`PasswordPool::import_limits`], and before the pool is cloned. What was declared
    /// before, and what is declared twice, counts once.
    ///
    /// # Errors
    /// [`StoredCostError`] for a cost that no hash has, or that is beyond the [`ImportLimits`].
    pub fn stored_as(
        self,
        costs: impl IntoIterator<Item = StoredCost>,
    ) -> Result<Self, StoredCostError> {
        let mut shared = Arc::unwrap_or_clone(self.0);
        for cost in costs {
            if !shared.expects(cost) {
                shared.nobody.push(cost.of_nobody(&*shared.random, &shared.limits)?);
            }
        }
        shared.places = places(shared.size, weight(&shared.nobody));
        Ok(Self(Arc::new(shared)))
    }

    /// Whether a hash of this cost is verified without anybody seeing it by the time.
    pub(in crate::account) fn expects(&self, cost: StoredCost) -> bool {
        self.0.expects(cost)
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
        self.reserve_one()?.run(move || shared.hash(&password.0)).await?.ok_or(Busy)
    }

    /// Whether the password is the one behind `stored`. Without one, or with a text that is no
    /// hash within the [`ImportLimits`], it costs the same as a wrong one, so that the time tells
    /// nobody who has an account.
    ///
    /// That holds for hashes of the present cost and of those that are declared
    /// ([`PasswordPool::stored_as`]). Any other takes its own time on top, and tells a stranger that it is
    /// there. A hash that is replaced takes the time of another: only who has typed the right password can
    /// see it.
    ///
    /// # Errors
    /// [`Busy`].
    pub async fn verify(
        &self,
        password: Redacted<String>,
        stored: Option<Redacted<String>>,
    ) -> Result<Verdict, Busy> {
        let shared = Arc::clone(&self.0);
        self.reserve()?.run(move || shared.verify(&password.0, stored)).await
    }

    /// A place to verify one password, so that nothing is begun that it turns out nobody can finish.
    ///
    /// # Errors
    /// [`Busy`].
    pub(crate) fn reserve(&self) -> Result<Place, Busy> {
        Place::in_queue_of(&self.0, weight(&self.0.nobody))
    }

    /// A place for what takes no longer than one hash.
    pub(in crate::account::password) fn reserve_one(&self) -> Result<Place, Busy> {
        Place::in_queue_of(&self.0, 1)
    }
}

/// How many hashes at the present cost, which is the first, take as long as one at each cost.
fn weight(costs: &[StoredHash]) -> u32 {
    /// More than any queue is long.
    const MOST: u64 = 1 << 20;
    let work = |hash: &StoredHash| hash.cost().work();
    let one = costs.first().map_or(1, work);
    let all = costs.iter().map(work).fold(0, u64::saturating_add);
    u32::try_from(all.div_ceil(one).clamp(1, MOST)).unwrap_or(1)
}

/// Room for what is worked on, where one takes as long as so many hashes, and for those who wait.
fn places(size: PoolSize, weight: u32) -> Arc<Semaphore> {
    let weight = usize::try_from(weight).unwrap_or(usize::MAX);
    let places = size.workers.saturating_mul(weight).saturating_add(size.queue);
    Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS)))
}

impl Shared {
    fn hash(&self, password: &str) -> Option<Redacted<String>> {
        self.hasher.hash(&*self.random, &normalized(password))
    }

    fn expects(&self, cost: StoredCost) -> bool {
        self.nobody.iter().any(|nobody| nobody.cost() == cost)
    }
}

#[cfg(test)]
mod tests;
