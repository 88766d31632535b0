use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;

use super::hash::{HashCost, Hasher};
use crate::crypto::{Random, RandomExt as _, Redacted};

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
        Self { workers, queue: workers * 32 }
    }
}

/// Too many passwords are waiting to be hashed; it goes better in a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many passwords are waiting to be hashed")]
pub struct Busy;

/// Hashes passwords without blocking the runtime. Cheap to clone.
#[derive(Clone, Debug)]
pub struct PasswordPool(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    hasher: Hasher,
    random: Arc<dyn Random>,
    /// The hash of a password that nobody has: what is verified where there is nobody.
    nobody: Redacted<String>,
    workers: Arc<Semaphore>,
    places: Arc<Semaphore>,
}

/// What verifying a password led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is not the user's, or there is no user.
    Wrong,
    /// It is the user's.
    Right {
        /// The hash it was verified against.
        verified: Redacted<String>,
        /// The hash to store instead, if the stored one was made at another cost.
        rehashed: Option<Redacted<String>>,
    },
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
        let nobody = hasher.hash(&*random, &random.token().expose()).unwrap_or_default();
        let workers = size.workers.clamp(1, Semaphore::MAX_PERMITS / 2);
        let places = workers + size.queue.min(Semaphore::MAX_PERMITS / 2);
        Ok(Self(Arc::new(Shared {
            hasher,
            random,
            nobody,
            workers: Arc::new(Semaphore::new(workers)),
            places: Arc::new(Semaphore::new(places)),
        })))
    }

    /// The hash to store of a password, as a PHC string.
    ///
    /// # Errors
    /// [`Busy`].
    pub async fn hash(&self, password: Redacted<String>) -> Result<Redacted<String>, Busy> {
        // A cost that was accepted hashes every password.
        self.run(move |pool| pool.hasher.hash(&*pool.random, &password.0)).await?.ok_or(Busy)
    }

    /// Whether the password is the one behind `stored`. Without one it costs the same.
    pub(crate) async fn verify(
        &self,
        password: Redacted<String>,
        stored: Option<Redacted<String>>,
    ) -> Result<Verdict, Busy> {
        self.run(move |pool| {
            let hash = stored.as_ref().unwrap_or(&pool.nobody);
            let right = pool.hasher.verify(&password.0, &hash.0);
            match stored {
                Some(verified) if right => {
                    let outdated = pool.hasher.is_outdated(&verified.0);
                    let rehash = || pool.hasher.hash(&*pool.random, &password.0);
                    let rehashed = if outdated { rehash() } else { None };
                    Verdict::Right { verified, rehashed }
                }
                _ => Verdict::Wrong,
            }
        })
        .await
    }

    /// Does the work on a thread where it may take its time. What has begun keeps its place until
    /// it is done, even if nobody waits for it any more.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Shared) -> T + Send + 'static,
    ) -> Result<T, Busy> {
        let shared = Arc::clone(&self.0);
        let place = Arc::clone(&shared.places).try_acquire_owned().map_err(|_| Busy)?;
        let turn = Arc::clone(&shared.workers).acquire_owned().await.map_err(|_| Busy)?;
        tracing::trace!(target: "donjon::password", summary = "hash");
        let held: (OwnedSemaphorePermit, OwnedSemaphorePermit) = (place, turn);
        spawn_blocking(move || {
            let done = work(&shared);
            drop(held);
            done
        })
        .await
        .map_err(|_| Busy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::SystemRandom;

    const CHEAP: HashCost = HashCost { memory: 64, passes: 1, lanes: 1 };

    fn pool(cost: HashCost, size: PoolSize) -> PasswordPool {
        PasswordPool::new(cost, size, Arc::new(SystemRandom)).unwrap()
    }

    fn secret(text: &str) -> Redacted<String> {
        Redacted(text.to_owned())
    }

    #[tokio::test]
    async fn nobody_has_any_password() {
        let pool = pool(CHEAP, PoolSize::default());
        let hash = pool.hash(secret("correct horse")).await.unwrap();
        let right = pool.verify(secret("correct horse"), Some(hash.clone())).await.unwrap();
        assert_eq!(right, Verdict::Right { verified: hash.clone(), rehashed: None });
        assert_eq!(pool.verify(secret("wrong"), Some(hash)).await.unwrap(), Verdict::Wrong);
        assert_eq!(pool.verify(secret("correct horse"), None).await.unwrap(), Verdict::Wrong);
    }

    #[tokio::test]
    async fn a_hash_of_another_cost_is_replaced_once_the_password_is_known() {
        let old = pool(CHEAP, PoolSize::default()).hash(secret("correct horse")).await.unwrap();
        let pool = pool(HashCost { passes: 2, ..CHEAP }, PoolSize::default());
        let Verdict::Right { rehashed: Some(new), .. } =
            pool.verify(secret("correct horse"), Some(old)).await.unwrap()
        else {
            panic!("it was not hashed again");
        };
        assert!(new.0.contains("t=2"), "{}", new.0);
    }

    #[tokio::test]
    async fn a_flood_is_turned_away_and_then_all_is_well_again() {
        let pool = pool(HashCost { memory: 4096, ..CHEAP }, PoolSize { workers: 1, queue: 3 });
        let calls = (0..20).map(|_| {
            let pool = pool.clone();
            tokio::spawn(async move { pool.hash(secret("correct horse")).await })
        });
        let answers = futures_util::future::join_all(calls).await;
        let done = answers.into_iter().filter(|answer| answer.as_ref().unwrap().is_ok()).count();
        assert!((1..20).contains(&done), "{done}");
        assert!(pool.hash(secret("correct horse")).await.is_ok());
    }
}
