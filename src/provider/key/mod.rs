//! The server's signing keys: made once, sealed at rest, parsed once.

mod key_set;
mod sealed;

use std::sync::{Arc, PoisonError, RwLock};

use time::OffsetDateTime;

pub(crate) use key_set::KeySet;
pub(crate) use sealed::SealedKeys;
use sealed::generate;

use crate::crypto::Random;
use crate::jose::Algorithm;
use crate::store::StoreError;

/// The algorithms that there is a key for from the first start on: ES256 for access tokens, RS256
/// for the ID tokens of clients that registered no algorithm (OpenID Connect Core, section 15.1).
pub(crate) const ALWAYS: [Algorithm; 2] = [Algorithm::ES256, Algorithm::RS256];

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
        let missing: Vec<Algorithm> = algorithms
            .iter()
            .copied()
            .filter(|algorithm| there.signer(*algorithm).is_none())
            .collect();
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

    /// Adds a new key for each algorithm in use. It signs from now on; the older ones only verify.
    pub(crate) async fn rotate(
        &self,
        random: &dyn Random,
        now: OffsetDateTime,
    ) -> Result<(), KeyError> {
        let made = generate(self.current().algorithms()).await?;
        for key in &made {
            self.sealed.add(key, random, now).await?;
        }
        self.refresh().await
    }

    fn replace(&self, keys: KeySet) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
    }
}
