use std::sync::{Arc, Once, Weak};
use std::time::Duration;

use super::config::Config;

const EVERY: Duration = Duration::from_secs(60);
const BATCH: u32 = 500;

/// Removes sessions that are over, from the first request to the last service.
#[derive(Clone, Debug)]
pub(super) struct Sweeper(Option<Arc<Once>>);

impl Default for Sweeper {
    fn default() -> Self {
        Self(Some(Arc::new(Once::new())))
    }
}

impl Sweeper {
    /// Leaves the work to somebody else.
    pub(super) fn off() -> Self {
        Self(None)
    }

    /// Starts the task, unless it was.
    pub(super) fn start(&self, config: &Arc<Config>) {
        let Some(once) = &self.0 else { return };
        once.call_once(|| match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(sweep(Arc::downgrade(config)))),
            Err(_) => tracing::warn!("expired sessions are not swept: tokio does not run here"),
        });
    }
}

async fn sweep(config: Weak<Config>) {
    loop {
        tokio::time::sleep(EVERY).await;
        let Some(config) = config.upgrade() else { return };
        loop {
            match config.store.sweep_sessions(config.clock.now(), BATCH).await {
                Ok(removed) if removed >= u64::from(BATCH) => tokio::task::yield_now().await,
                Ok(_) => break,
                Err(error) => {
                    tracing::warn!(%error, "expired sessions could not be swept");
                    break;
                }
            }
        }
    }
}
