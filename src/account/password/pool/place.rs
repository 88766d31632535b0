use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;
use tokio::task::{AbortHandle, spawn_blocking};

use super::{Busy, Right, Shared};
use crate::crypto::Redacted;

/// A place among those who wait. Whoever drops it leaves the queue.
#[derive(Debug)]
pub(crate) struct Place {
    shared: Arc<Shared>,
    place: OwnedSemaphorePermit,
}

impl Place {
    /// One for work that takes as long as so many hashes.
    pub(super) fn in_queue_of(shared: &Arc<Shared>, hashes: u32) -> Result<Self, Busy> {
        let places = Arc::clone(&shared.places);
        let place = places.try_acquire_many_owned(hashes).map_err(|_| Busy)?;
        Ok(Self { shared: Arc::clone(shared), place })
    }

    /// Whether the password is the one behind `stored`. Without one it costs the same.
    ///
    /// An outdated hash is not replaced: the time that takes would tell whoever is refused all the same
    /// that the password was right.
    pub(crate) async fn look(
        self,
        password: Redacted<String>,
        stored: Option<Redacted<String>>,
    ) -> Result<Option<Right>, Busy> {
        let shared = Arc::clone(&self.shared);
        self.run(move || shared.look(&password.0, stored)).await
    }

    /// Does the work on a thread where it may take its time. What has begun keeps its place until
    /// it is done, even if nobody waits for it any more.
    pub(in crate::account::password) async fn run<T: Send + 'static>(
        self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Busy> {
        let Self { shared, place } = self;
        let turn = Arc::clone(&shared.workers).acquire_owned().await.map_err(|_| Busy)?;
        let held: (OwnedSemaphorePermit, OwnedSemaphorePermit) = (place, turn);
        // What is told there is told of the request.
        let span = tracing::Span::current();
        let running = spawn_blocking(move || {
            let done = span.in_scope(work);
            drop(held);
            done
        });
        let _unless_gone = CancelOnDrop(running.abort_handle());
        running.await.map_err(|error| {
            if error.is_panic() {
                tracing::error!(%error, "hashing a password failed");
            }
            Busy
        })
    }
}

/// Work that no thread has taken up yet is not begun for a caller who went away.
struct CancelOnDrop(AbortHandle);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
