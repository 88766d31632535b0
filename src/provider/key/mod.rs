//! The server's signing keys: made once, sealed at rest, parsed once.

mod key_set;
mod sealed;

use std::sync::{Arc, PoisonError, RwLock};

use time::{Duration, OffsetDateTime};

pub(crate) use key_set::KeySet;
use key_set::ScheduledKey;
pub(crate) use sealed::SealedKeys;
use sealed::generate;

use crate::crypto::Random;
use crate::jose::Algorithm;
use crate::store::StoreError;

/// The algorithms that there is a key for from the first start on: ES256 for access tokens, RS256
/// for the ID tokens of clients that registered no algorithm (OpenID Connect Core, section 15.1).
pub(crate) const ALWAYS: [Algorithm; 2] = [Algorithm::ES256, Algorithm::RS256];

/// How long whoever fetches the key set may take it as it is.
pub(crate) const JWKS_MAX_AGE: Duration = Duration::minutes(5);

/// How long a key is published before it signs: until nobody has a key set without it, with a
/// minute for nodes to read it and for clocks that differ.
const PUBLISHED_BEFORE: Duration = Duration::minutes(6);

/// Why there are no keys to sign with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The store cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A stored key does not open with this keyring.
    #[error(
        "the signing key {0:?} does not open; the keyring must hold the key it was sealed with"
    )]
    Sealed(String),
    /// A key could not be made or read.
    #[error("a signing key cannot be used: {0}")]
    Unusable(&'static str),
}

/// The keys as of the last time they were read. A key that another node adds is seen the next
/// time.
#[derive(Debug)]
pub(crate) struct Keys {
    sealed: SealedKeys,
    current: RwLock<Arc<KeySet>>,
}

impl Keys {
    /// Reads the keys; makes the first one of each algorithm that has none.
    pub(crate) async fn open(
        sealed: SealedKeys,
        algorithms: &[Algorithm],
        random: &dyn Random,
        now: OffsetDateTime,
    ) -> Result<Self, KeyError> {
        let there = sealed.read(&KeySet::default()).await?;
        let missing: Vec<Algorithm> =
            algorithms.iter().copied().filter(|algorithm| !there.has(*algorithm)).collect();
        let keys = if missing.is_empty() {
            there
        } else {
            let made = generate(missing).await?;
            sealed.ensure(&made, random, now).await?
        };
        Ok(Self { sealed, current: RwLock::new(Arc::new(keys)) })
    }

    /// The keys there are.
    pub(crate) fn current(&self) -> Arc<KeySet> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the keys again. Those that are known stay parsed as they are.
    pub(crate) async fn refresh(&self) -> Result<(), KeyError> {
        let known = self.current();
        let read = self.sealed.read(&known).await?;
        if !read.is_same_as(&known) {
            self.replace(read);
        }
        Ok(())
    }

    /// Adds a new key for each algorithm in use. It is published at once, and signs when everybody
    /// has it; from then on the older ones only verify.
    pub(crate) async fn rotate(
        &self,
        random: &dyn Random,
        now: OffsetDateTime,
    ) -> Result<(), KeyError> {
        self.add(random, now, now + PUBLISHED_BEFORE).await
    }

    /// The same, but the new keys sign from now on.
    pub(crate) async fn rotate_at_once(
        &self,
        random: &dyn Random,
        now: OffsetDateTime,
    ) -> Result<(), KeyError> {
        self.add(random, now, now).await
    }

    async fn add(
        &self,
        random: &dyn Random,
        now: OffsetDateTime,
        signs_from: OffsetDateTime,
    ) -> Result<(), KeyError> {
        let made = generate(self.current().algorithms()).await?;
        for key in made {
            self.sealed.add(&ScheduledKey { key, signs_from }, random, now).await?;
        }
        self.refresh().await
    }

    fn replace(&self, keys: KeySet) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
    }
}
