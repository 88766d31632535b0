use std::sync::{Arc, Weak};
use std::time::Duration;

use super::config::Config;

const EVERY: Duration = Duration::from_secs(60);
const BATCH: u32 = 500;

/// Starts the task that removes sessions that are over, if there is a runtime to run it.
pub(super) fn start(config: &Arc<Config>) {
    let config = Arc::downgrade(config);
    match tokio::runtime::Handle::try_current() {
        Ok(runtime) => drop(runtime.spawn(sweep(config))),
        Err(_) => tracing::warn!("expired sessions are not swept: no tokio runtime to do it in"),
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
