//! What the server does on its own: it follows the store, and sweeps it.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use super::server::Provider;

/// How often revocations, ended sessions and keys are looked for: with the time it takes, at most
/// a second goes by until every node knows.
const FOLLOW_EVERY: Duration = Duration::from_millis(500);
/// How often what is over is swept.
const SWEEP_EVERY: Duration = Duration::from_secs(60);
/// Session events applied in one transition.
const EVENTS: u32 = 200;
/// Rows swept in one transition, of each kind.
const SWEPT: u32 = 500;

/// The server's own work. It ends when it is told to, or when the server is gone.
#[derive(Debug)]
pub(crate) struct Background {
    stop: watch::Sender<bool>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

impl Background {
    /// Begins the work, on the runtime that this is called on.
    pub(crate) fn spawn(provider: &Arc<Provider>) -> Self {
        let (stop, stopped) = watch::channel(false);
        let follow =
            every(FOLLOW_EVERY, Arc::downgrade(provider), stopped.clone(), |provider| async move {
                catch_up(&provider).await
            });
        let sweep = every(SWEEP_EVERY, Arc::downgrade(provider), stopped, |provider| async move {
            sweep(&provider).await
        });
        let tasks = vec![tokio::spawn(follow), tokio::spawn(sweep)];
        Self { stop, tasks: Mutex::new(tasks) }
    }

    /// Stops the work, and waits until what has begun is done.
    pub(crate) async fn shut_down(&self) {
        let _ = self.stop.send(true);
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        for task in tasks {
            let _ = task.await;
        }
    }
}

async fn every<T, W, F>(
    period: Duration,
    owner: Weak<T>,
    mut stopped: watch::Receiver<bool>,
    work: W,
) where
    W: Fn(Arc<T>) -> F,
    F: Future<Output = ()>,
{
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = stopped.wait_for(|stopped| *stopped) => return,
        }
        let Some(owner) = owner.upgrade() else { return };
        // Work that ended for ever would be missed: nothing would be revoked any more.
        if AssertUnwindSafe(work(owner)).catch_unwind().await.is_err() {
            tracing::error!("the server's own work panicked; it is tried again");
        }
    }
}

/// Brings this process up to date with the store. A part that fails is tried again the next time.
pub(crate) async fn catch_up(provider: &Provider) {
    loop {
        let more = end_grants(provider).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "the ends of sessions could not be applied");
            false
        });
        // Also between batches: however much ended, nothing is answered 503 meanwhile.
        if let Err(error) = provider.revoked.follow(provider.now()).await {
            tracing::warn!(%error, "the log of revocations could not be read");
        }
        if !more {
            break;
        }
    }
    if let Err(error) = provider.keys.refresh().await {
        tracing::warn!(%error, "the signing keys could not be read");
    }
}

/// Applies a batch of ends of sessions to the grants that rest on them; answers whether there may
/// be more.
pub(crate) async fn end_grants(provider: &Provider) -> crate::store::Result<bool> {
    let (now, until) = (provider.now(), provider.revocation_expires_at());
    let issuer = provider.issuer.id();
    let read = provider.store.apply_session_events(issuer, EVENTS, now, until).await?;
    Ok(read >= EVENTS)
}

async fn sweep(provider: &Provider) {
    loop {
        match provider.store.sweep_provider(provider.now(), SWEPT).await {
            Ok(swept) if swept < u64::from(SWEPT) => return,
            Ok(_) => tokio::task::yield_now().await,
            Err(error) => {
                tracing::warn!(%error, "what is over could not be swept");
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn work_that_panics_is_tried_again_and_ends_when_it_is_told_to() {
        let (stop, stopped) = watch::channel(false);
        let tries = Arc::new(AtomicU32::new(0));
        let work = every(FOLLOW_EVERY, Arc::downgrade(&tries), stopped, |tries| async move {
            assert_ne!(tries.fetch_add(1, Ordering::SeqCst), 1, "asked to");
        });
        let task = tokio::spawn(work);
        tokio::time::sleep(FOLLOW_EVERY * 4).await;
        assert!(tries.load(Ordering::SeqCst) >= 4);
        stop.send(true).unwrap();
        task.await.unwrap();
    }
}
