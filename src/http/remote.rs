//! Documents that others publish, kept for a while: key sets, metadata.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use time::{Duration, OffsetDateTime};
use tokio::sync::Mutex as AsyncMutex;

use super::{Egress, EgressError};
use crate::crypto::Clock;

/// How long the last good one serves while fetching fails. Who lost a key has it taken away here at
/// the latest.
pub(crate) const LAST_GOOD: Duration = Duration::DAY;
/// The time between two fetches of the same document, whatever happens.
pub(crate) const PAUSE: Duration = Duration::seconds(10);
/// Documents kept; beyond it all are fetched again.
const CAPACITY: usize = 1_000;

/// Why there is no document.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RemoteError<E: std::error::Error + 'static> {
    /// It could not be fetched, and there is none from before.
    #[error("it cannot be fetched: {0}")]
    Fetch(#[source] EgressError),
    /// What was fetched is none.
    #[error("it cannot be read: {0}")]
    Read(#[source] E),
    /// Fetching failed a moment ago; it is not tried again yet.
    #[error("it could not be fetched a moment ago")]
    Pause,
}

/// The documents of one kind, by address.
///
/// Whoever finds that the one at hand will not do (a signature fits none of its keys) has it
/// fetched once more, so that it can be changed at any time; but not more often than every ten
/// seconds, so that nobody can make us flood anybody with requests. While fetching fails the last
/// good one serves.
#[derive(Debug)]
pub(crate) struct RemoteDocuments<T, E> {
    egress: Egress,
    clock: Arc<dyn Clock>,
    kind: Kind<T, E>,
    known: Mutex<HashMap<String, Arc<AsyncMutex<Known<T>>>>>,
}

/// What documents are asked for, and how they are read.
#[derive(Debug)]
pub(crate) struct Kind<T, E> {
    pub(crate) accept: &'static str,
    pub(crate) read: fn(&[u8]) -> Result<T, E>,
    /// How long one that was fetched is taken as it is.
    pub(crate) fresh: Duration,
}

/// A document; the lock around it lets one request fetch while the others wait for what it gets.
#[derive(Debug)]
struct Known<T> {
    good: Option<Fetched<T>>,
    tried_at: Option<OffsetDateTime>,
}

#[derive(Debug)]
struct Fetched<T> {
    document: Arc<T>,
    at: OffsetDateTime,
}

impl<T> Clone for Fetched<T> {
    fn clone(&self) -> Self {
        Self { document: Arc::clone(&self.document), at: self.at }
    }
}

impl<T, E: std::error::Error + 'static> RemoteDocuments<T, E> {
    pub(crate) fn new(egress: Egress, clock: Arc<dyn Clock>, kind: Kind<T, E>) -> Self {
        Self { egress, clock, kind, known: Mutex::default() }
    }

    /// The document at `uri`, fetched if there is none or it is old.
    #[cfg(feature = "social")]
    pub(crate) async fn get(&self, uri: &str) -> Result<Arc<T>, RemoteError<E>> {
        self.at_hand(uri).await.map(|fetched| fetched.document)
    }

    /// Works with the document at `uri`: `attempt` is given the one at hand, and, if it fails
    /// because that `may_be_old`, once more a freshly fetched one.
    pub(crate) async fn attempt<R, F>(
        &self,
        uri: &str,
        attempt: impl Fn(&T) -> Result<R, F>,
        may_be_old: impl Fn(&F) -> bool,
    ) -> Result<Result<R, F>, RemoteError<E>> {
        let first = self.at_hand(uri).await?;
        match attempt(&first.document) {
            Err(fault) if may_be_old(&fault) => {
                Ok(attempt(&self.newer(uri, &first).await.document))
            }
            outcome => Ok(outcome),
        }
    }

    async fn at_hand(&self, uri: &str) -> Result<Fetched<T>, RemoteError<E>> {
        let known = self.entry(uri);
        let mut known = known.lock().await;
        let now = self.clock.now();
        match known.good.clone() {
            Some(good) if within(good.at, self.kind.fresh, now) => Ok(good),
            Some(good) if within(good.at, LAST_GOOD, now) => {
                Ok(self.fetch(uri, &mut known, now).await.unwrap_or(good))
            }
            _ => self.fetch(uri, &mut known, now).await,
        }
    }

    /// One that was fetched after `seen`; `seen` itself if there is none to be had.
    async fn newer(&self, uri: &str, seen: &Fetched<T>) -> Fetched<T> {
        let known = self.entry(uri);
        let mut known = known.lock().await;
        match &known.good {
            Some(good) if good.at > seen.at => good.clone(),
            _ => {
                let now = self.clock.now();
                self.fetch(uri, &mut known, now).await.unwrap_or_else(|_| seen.clone())
            }
        }
    }

    async fn fetch(
        &self,
        uri: &str,
        known: &mut Known<T>,
        now: OffsetDateTime,
    ) -> Result<Fetched<T>, RemoteError<E>> {
        if known.tried_at.is_some_and(|tried_at| within(tried_at, PAUSE, now)) {
            return Err(RemoteError::Pause);
        }
        known.tried_at = Some(now);
        let fetched = self.egress.get(uri, self.kind.accept).await.map_err(RemoteError::Fetch);
        let document = fetched
            .and_then(|bytes| (self.kind.read)(&bytes).map_err(RemoteError::Read))
            .inspect_err(|error| tracing::warn!(uri, %error, "no document to be had"))?;
        let good = Fetched { document: Arc::new(document), at: now };
        known.good = Some(good.clone());
        Ok(good)
    }

    fn entry(&self, uri: &str) -> Arc<AsyncMutex<Known<T>>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= CAPACITY && !known.contains_key(uri) {
            known.clear();
        }
        let new = || Arc::new(AsyncMutex::new(Known { good: None, tried_at: None }));
        Arc::clone(known.entry(uri.to_owned()).or_insert_with(new))
    }
}

/// Whether `now` is less than `span` after `start`; a clock that was set back makes nothing last.
fn within(start: OffsetDateTime, span: Duration, now: OffsetDateTime) -> bool {
    start <= now && now < start + span
}
