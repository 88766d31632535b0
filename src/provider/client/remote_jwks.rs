use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use time::{Duration, OffsetDateTime};
use tokio::sync::Mutex as AsyncMutex;

use crate::crypto::Clock;
use crate::http::{Egress, EgressError};
use crate::jose::{JwkError, JwkSet, JwsError, VerifyingKey};

/// How long a key set that was fetched is taken as it is.
const FRESH: Duration = Duration::minutes(10);
/// How long the last good one serves while fetching fails. A client that lost a key has it taken
/// away here at the latest.
const LAST_GOOD: Duration = Duration::DAY;
/// The time between two fetches of the same set, whatever happens.
const PAUSE: Duration = Duration::seconds(10);
/// Key sets kept; beyond it all are fetched again.
const CAPACITY: usize = 1_000;

/// Why something signed by a client whose keys are elsewhere was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum RemoteJwksError {
    /// The keys could not be fetched, and there are none from before.
    #[error("the client's keys cannot be fetched: {0}")]
    Fetch(#[from] EgressError),
    /// What was fetched is no key set.
    #[error("the client's keys cannot be read: {0}")]
    Read(#[from] JwkError),
    /// Fetching failed a moment ago; it is not tried again yet.
    #[error("the client's keys could not be fetched a moment ago")]
    Pause,
    /// None of the keys, old or new, verifies it.
    #[error(transparent)]
    Signature(JwsError),
}

/// The keys that clients publish at their `jwks_uri` (RFC 7591, section 2), kept for a while.
///
/// When a signature fits none of the keys, they are fetched once more, so that a client can rotate
/// them at any time; but not more often than every ten seconds, so that nobody can make us flood a
/// client with requests. While fetching fails the last good keys serve.
#[derive(Debug)]
pub(crate) struct RemoteJwks {
    egress: Egress,
    clock: Arc<dyn Clock>,
    sets: Mutex<HashMap<String, Arc<AsyncMutex<Cached>>>>,
}

/// A key set; the lock around it lets one request fetch while the others wait for what it gets.
#[derive(Debug, Default)]
struct Cached {
    good: Option<Good>,
    tried_at: Option<OffsetDateTime>,
}

#[derive(Clone, Debug)]
struct Good {
    keys: Arc<[VerifyingKey]>,
    fetched_at: OffsetDateTime,
}

impl RemoteJwks {
    pub(crate) fn new(egress: Egress, clock: Arc<dyn Clock>) -> Self {
        Self { egress, clock, sets: Mutex::default() }
    }

    /// Verifies with the keys at `uri`: `attempt` is given those at hand, and, if it fails for
    /// want of the right key, once more those of a fresh fetch.
    ///
    /// # Errors
    /// [`RemoteJwksError`].
    pub(crate) async fn verify<T>(
        &self,
        uri: &str,
        attempt: impl Fn(&[VerifyingKey]) -> Result<T, JwsError>,
    ) -> Result<T, RemoteJwksError> {
        let first = self.keys(uri).await?;
        match attempt(&first.keys) {
            Err(JwsError::UnknownKey | JwsError::KeyMismatch | JwsError::BadSignature) => {}
            outcome => return outcome.map_err(RemoteJwksError::Signature),
        }
        let second = self.newer(uri, &first).await;
        attempt(&second.keys).map_err(RemoteJwksError::Signature)
    }

    /// The keys at hand, fetched if there are none or they are old.
    async fn keys(&self, uri: &str) -> Result<Good, RemoteJwksError> {
        let cached = self.entry(uri);
        let mut cached = cached.lock().await;
        let now = self.clock.now();
        match cached.good.clone() {
            Some(good) if within(good.fetched_at, FRESH, now) => Ok(good),
            Some(good) if within(good.fetched_at, LAST_GOOD, now) => {
                Ok(self.fetch(uri, &mut cached, now).await.unwrap_or(good))
            }
            _ => self.fetch(uri, &mut cached, now).await,
        }
    }

    /// Keys that were fetched after `seen`; `seen` itself if there are none to be had.
    async fn newer(&self, uri: &str, seen: &Good) -> Good {
        let cached = self.entry(uri);
        let mut cached = cached.lock().await;
        match &cached.good {
            Some(good) if good.fetched_at > seen.fetched_at => good.clone(),
            _ => {
                let now = self.clock.now();
                self.fetch(uri, &mut cached, now).await.unwrap_or_else(|_| seen.clone())
            }
        }
    }

    async fn fetch(
        &self,
        uri: &str,
        cached: &mut Cached,
        now: OffsetDateTime,
    ) -> Result<Good, RemoteJwksError> {
        if cached.tried_at.is_some_and(|tried_at| within(tried_at, PAUSE, now)) {
            return Err(RemoteJwksError::Pause);
        }
        cached.tried_at = Some(now);
        let keys = self.fetch_keys(uri).await.inspect_err(|error| {
            tracing::warn!(uri, %error, "a client's keys could not be fetched");
        })?;
        let good = Good { keys: keys.into(), fetched_at: now };
        cached.good = Some(good.clone());
        Ok(good)
    }

    async fn fetch_keys(&self, uri: &str) -> Result<Vec<VerifyingKey>, RemoteJwksError> {
        let json = self.egress.get(uri, "application/jwk-set+json, application/json").await?;
        Ok(JwkSet::from_json(&json)?.verifying_keys())
    }

    fn entry(&self, uri: &str) -> Arc<AsyncMutex<Cached>> {
        let mut sets = self.sets.lock().unwrap_or_else(PoisonError::into_inner);
        if sets.len() >= CAPACITY && !sets.contains_key(uri) {
            sets.clear();
        }
        Arc::clone(sets.entry(uri.to_owned()).or_default())
    }
}

/// Whether `now` is less than `span` after `start`; a clock that was set back makes nothing last.
fn within(start: OffsetDateTime, span: Duration, now: OffsetDateTime) -> bool {
    start <= now && now < start + span
}

#[cfg(test)]
mod tests;
