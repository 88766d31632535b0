use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;
use tokio::task::{AbortHandle, spawn_blocking};

use super::{Busy, Shared, Verdict};
use crate::crypto::Redacted;

/// A place among those who wait. Whoever drops it leaves the queue.
#[derive(Debug)]
pub(crate) struct Place {
    shared: Arc<Shared>,
    place: OwnedSemaphorePermit,
}

impl Place {
    pub(super) fn in_queue_of(shared: &Arc<Shared>) -> Result<Self, Busy> {
        let place = Arc::clone(&shared.places).try_acquire_owned().map_err(|_| Busy)?;
        Ok(Self { shared: Arc::clone(shared), place })
    }

    /// Whether the password is the one behind `stored`. Without one it costs the same.
    ///
    /// Only for a login that is `admitted` is an outdated hash replaced: the time that takes would
    /// tell whoever is locked that the password was right.
    pub(crate) async fn verify(
        self,
        password: Redacted<String>,
        stored: Option<Redacted<String>>,
        admitted: bool,
    ) -> Result<Verdict, Busy> {
        let shared = Arc::clone(&self.shared);
        self.run("hash", move || shared.verify(&password.0, stored, admitted)).await
    }

    /// Does the work on a thread where it may take its time. What has begun keeps its place until
    /// it is done, even if nobody waits for it any more.
    pub(in crate::account::password) async fn run<T: Send + 'static>(
        self,
        summary: &'static str,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Busy> {
        let Self { shared, place } = self;
        let turn = Arc::clone(&shared.workers).acquire_owned().await.map_err(|_| Busy)?;
        tracing::trace!(target: "donjon::password", summary);
        let held: (OwnedSemaphorePermit, OwnedSemaphorePermit) = (place, turn);
        let running = spawn_blocking(move || {
            let done = work();
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
