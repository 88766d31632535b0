use std::sync::{Arc, Once};

use super::config::Config;
use crate::store::{SWEEP_BATCH, sweep_regularly};

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
        once.call_once(|| {
            sweep_regularly(config, |config| {
                let now = config.clock.now();
                Box::pin(async move { config.store.sweep_sessions(now, SWEEP_BATCH).await })
            });
        });
    }
}
