use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::Result;

const EVERY: Duration = Duration::from_secs(60);

/// How many rows one batch of a sweep removes at most.
pub(crate) const SWEEP_BATCH: u32 = 500;

/// One batch of a sweep: answers how many rows it removed.
pub(crate) type Sweep<T> = fn(Arc<T>) -> BoxFuture<'static, Result<u64>>;

/// Starts a task that removes what is over, batch by batch, until `owner` is gone; if there is a
/// runtime to run it.
pub(crate) fn sweep_regularly<T: Send + Sync + 'static>(owner: &Arc<T>, sweep: Sweep<T>) {
    match tokio::runtime::Handle::try_current() {
        Ok(runtime) => drop(runtime.spawn(sweep_until_gone(Arc::downgrade(owner), sweep))),
        Err(_) => tracing::warn!("expired rows are not swept: no tokio runtime to do it in"),
    }
}

async fn sweep_until_gone<T: Send + Sync + 'static>(owner: Weak<T>, sweep: Sweep<T>) {
    loop {
        tokio::time::sleep(EVERY).await;
        loop {
            let Some(owner) = owner.upgrade() else { return };
            match sweep(owner).await {
                Ok(removed) if removed >= u64::from(SWEEP_BATCH) => tokio::task::yield_now().await,
                Ok(_) => break,
                Err(error) => {
                    tracing::warn!(%error, "expired rows could not be swept");
                    break;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_sweep_goes_on_until_nothing_is_left_and_ends_with_its_owner() {
        let rows = Arc::new(AtomicU64::new(1_200));
        sweep_regularly(&rows, |rows| {
            Box::pin(async move {
                let batch = rows.load(Ordering::SeqCst).min(u64::from(SWEEP_BATCH));
                rows.fetch_sub(batch, Ordering::SeqCst);
                Ok(batch)
            })
        });
        tokio::time::sleep(EVERY * 2).await;
        assert_eq!(rows.load(Ordering::SeqCst), 0);
        let gone = Arc::downgrade(&rows);
        drop(rows);
        tokio::time::sleep(EVERY * 2).await;
        assert_eq!(gone.strong_count(), 0);
    }
}
