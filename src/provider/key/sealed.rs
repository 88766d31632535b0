use std::sync::Arc;

use time::OffsetDateTime;

use super::key_set::ScheduledKey;
use super::{KeyError, KeySet};
use crate::crypto::{Keyring, Purpose, Random};
use crate::jose::{Algorithm, SigningKey};
use crate::store::{IssuerId, ProviderStore, StoredKey};

const SIGNING_KEY: Purpose = Purpose::new("provider/signing-key");

/// The keys at rest.
#[derive(Debug)]
pub(crate) struct SealedKeys {
    store: Arc<dyn ProviderStore>,
    issuer: IssuerId,
    keyring: Keyring,
}

impl SealedKeys {
    pub(crate) fn new(store: Arc<dyn ProviderStore>, issuer: IssuerId, keyring: Keyring) -> Self {
        Self { store, issuer, keyring }
    }

    /// All keys; those in `known` are not opened and parsed again.
    pub(super) async fn read(&self, known: &KeySet) -> Result<KeySet, KeyError> {
        self.open_all(self.store.signing_keys(&self.issuer).await?, known)
    }

    /// Writes these keys where there is none of their algorithm yet; answers all there are then.
    pub(super) async fn ensure(
        &self,
        keys: &[SigningKey],
        random: &dyn Random,
        now: OffsetDateTime,
    ) -> Result<KeySet, KeyError> {
        let sealed = keys.iter().map(|key| self.seal(key, random, now, now));
        let sealed = sealed.collect::<Result<Vec<_>, _>>()?;
        let there = self.store.ensure_signing_keys(&self.issuer, &sealed).await?;
        self.open_all(there, &KeySet::default())
    }

    pub(super) async fn add(
        &self,
        scheduled: &ScheduledKey,
        random: &dyn Random,
        now: OffsetDateTime,
    ) -> Result<(), KeyError> {
        let sealed = self.seal(&scheduled.key, random, now, scheduled.signs_from)?;
        Ok(self.store.add_signing_key(&self.issuer, &sealed).await?)
    }

    fn open_all(&self, stored: Vec<StoredKey>, known: &KeySet) -> Result<KeySet, KeyError> {
        let keys = stored.iter().map(|stored| {
            let key = match known.find(&stored.kid) {
                Some(key) => key.clone(),
                None => self.open(stored)?,
            };
            Ok::<_, KeyError>(ScheduledKey { key, signs_from: stored.signs_from })
        });
        Ok(KeySet::new(keys.collect::<Result<_, _>>()?))
    }

    fn open(&self, stored: &StoredKey) -> Result<SigningKey, KeyError> {
        let algorithm: Algorithm =
            stored.algorithm.parse().map_err(|_| KeyError::Unusable("unknown algorithm"))?;
        let context = self.context(&stored.kid);
        let pkcs8 = self
            .keyring
            .open(SIGNING_KEY, &context, &stored.private_key)
            .map_err(|_| KeyError::Sealed(stored.kid.clone()))?;
        let key = SigningKey::from_pkcs8(algorithm, &pkcs8)
            .map_err(|_| KeyError::Unusable("not PKCS#8 of a key for its algorithm"))?;
        if key.kid() == stored.kid { Ok(key) } else { Err(KeyError::Unusable("it has another id")) }
    }

    fn seal(
        &self,
        key: &SigningKey,
        random: &dyn Random,
        created_at: OffsetDateTime,
        signs_from: OffsetDateTime,
    ) -> Result<StoredKey, KeyError> {
        let pkcs8 = key.to_pkcs8().map_err(|_| KeyError::Unusable("it cannot be encoded"))?;
        let context = self.context(key.kid());
        Ok(StoredKey {
            kid: key.kid().to_owned(),
            algorithm: key.algorithm().to_string(),
            private_key: self.keyring.seal(random, SIGNING_KEY, &context, pkcs8.as_bytes()),
            created_at,
            signs_from,
        })
    }

    /// A sealed key opens only as the key of its issuer and id.
    fn context(&self, kid: &str) -> Vec<u8> {
        [self.issuer.as_str(), kid].join("\n").into_bytes()
    }
}

/// Makes one key of each algorithm, off the runtime: an RSA key takes tens of milliseconds.
pub(super) async fn generate(algorithms: Vec<Algorithm>) -> Result<Vec<SigningKey>, KeyError> {
    let making = tokio::task::spawn_blocking(move || {
        algorithms.into_iter().map(SigningKey::generate).collect::<Result<Vec<_>, _>>()
    });
    let made = making.await.map_err(|_| KeyError::Unusable("its making was interrupted"))?;
    made.map_err(|_| KeyError::Unusable("it cannot be made"))
}
