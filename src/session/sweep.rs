use std::sync::{Arc, Once};

use super::config::Config;
use crate::store::{Result, SWEEP_BATCH, sweep_regularly};

/// Removes sessions that are over, and events that were read, from the first request to the last
/// service.
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

    /// One for a layer that was put together otherwise, and whose services live as long as they do.
    pub(super) fn anew(&self) -> Self {
        if self.0.is_some() { Self::default() } else { Self::off() }
    }

    /// Starts the task, unless it was.
    pub(super) fn start(&self, config: &Arc<Config>) {
        let Some(once) = &self.0 else { return };
        once.call_once(|| {
            sweep_regularly(config, |config| Box::pin(async move { sweep(&config).await }));
        });
    }
}

/// One batch.
async fn sweep(config: &Config) -> Result<u64> {
    let now = config.clock.now();
    let sessions = config.store.sweep_sessions(now, SWEEP_BATCH).await?;
    let events = config.store.sweep_session_events(now, SWEEP_BATCH).await?;
    Ok(sessions.max(events))
}

#[cfg(test)]
#[cfg(feature = "sqlite")]
mod tests {
    use std::sync::Mutex;

    use time::{Duration, OffsetDateTime};

    use super::*;
    use crate::crypto::{Clock, Keyring, SystemRandom};
    use crate::scope::SessionEnd;
    use crate::session::SessionLayer;
    use crate::store::{SESSION_EVENTS_KEPT, SqlStore};

    #[derive(Debug)]
    struct Hand(Mutex<OffsetDateTime>);

    impl Clock for Hand {
        fn now(&self) -> OffsetDateTime {
            *self.0.lock().unwrap()
        }
    }

    /// Or the services of one layer would sweep for those of another, and end before them.
    #[test]
    fn each_layer_sweeps_for_its_own_services() {
        let first = Sweeper::default();
        first.0.as_ref().unwrap().call_once(|| ());
        assert!(!first.anew().0.unwrap().is_completed());
        assert!(first.clone().0.unwrap().is_completed());
        assert!(Sweeper::off().anew().0.is_none());
    }

    #[tokio::test]
    async fn what_ended_goes_in_its_time() {
        let store = SqlStore::connect("sqlite::memory:").await.unwrap();
        let clock = Arc::new(Hand(Mutex::new(OffsetDateTime::UNIX_EPOCH)));
        let layer = SessionLayer::new(&store, &Keyring::ephemeral(&SystemRandom));
        let config = layer.clock(Arc::clone(&clock) as Arc<_>).config;
        let user = "ann".to_owned().try_into().unwrap();
        let end = SessionEnd::SignedOutEverywhere;
        store.end_sessions_of(&user, None, end, config.clock.now()).await.unwrap();
        *clock.0.lock().unwrap() += SESSION_EVENTS_KEPT - Duration::MICROSECOND;
        assert_eq!(sweep(&config).await.unwrap(), 0);
        *clock.0.lock().unwrap() += Duration::MICROSECOND;
        assert_eq!(sweep(&config).await.unwrap(), 1);
    }
}
