use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::Duration;

use time::OffsetDateTime;
use tokio::time::{MissedTickBehavior, interval};
use uuid::Uuid;

use crate::crypto::{Clock, SystemClock};
use crate::jose::{JwkSet, TokenAuthority, VerifyingKey};
use crate::store::{IssuerId, ProviderStore, Result, RevocationLog};

/// How often the log of revocations is read.
const FOLLOW_EVERY: Duration = Duration::from_millis(500);

/// An authority for a process that has an API and no authorization server, but shares the store
/// with one: it is given the server's public keys, and follows the log of revocations by itself.
/// Cheap to clone; it stops following when the last clone is gone.
#[derive(Clone, Debug)]
pub struct StoreAuthority(Arc<State>);

#[derive(Debug)]
struct State {
    issuer: String,
    keys: RwLock<Arc<[VerifyingKey]>>,
    revoked: RevocationLog,
    clock: Arc<dyn Clock>,
}

impl StoreAuthority {
    /// Reads the log, and begins to follow it on the runtime that this is awaited on.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn connect(
        issuer: impl Into<String>,
        keys: &JwkSet,
        store: impl Into<Arc<dyn ProviderStore>>,
    ) -> Result<Self> {
        Self::connect_with_clock(issuer, keys, store, Arc::new(SystemClock)).await
    }

    /// The same with another clock.
    ///
    /// # Errors
    /// As [`StoreAuthority::connect`].
    pub async fn connect_with_clock(
        issuer: impl Into<String>,
        keys: &JwkSet,
        store: impl Into<Arc<dyn ProviderStore>>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        let issuer = issuer.into();
        let revoked = RevocationLog::new(store.into(), IssuerId::new(issuer.as_str()));
        revoked.follow(clock.now()).await?;
        let keys = RwLock::new(keys.verifying_keys().into());
        let state = Arc::new(State { issuer, keys, revoked, clock });
        tokio::spawn(follow(Arc::downgrade(&state)));
        Ok(Self(state))
    }

    /// Takes other keys, such as those that the server publishes after a rotation.
    pub fn replace_keys(&self, keys: &JwkSet) {
        let keys = keys.verifying_keys().into();
        *self.0.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
    }
}

async fn follow(state: Weak<State>) {
    let mut ticks = interval(FOLLOW_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(state) = state.upgrade() else { return };
        if let Err(error) = state.revoked.follow(state.clock.now()).await {
            tracing::warn!(%error, "the log of revocations could not be read");
        }
    }
}

impl TokenAuthority for StoreAuthority {
    fn issuer(&self) -> &str {
        &self.0.issuer
    }

    fn verifying_keys(&self) -> Arc<[VerifyingKey]> {
        Arc::clone(&self.0.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn is_revoked(&self, grant: Option<Uuid>, token_id: &str) -> Option<bool> {
        self.0.revoked.is_revoked(grant, token_id, self.0.clock.now())
    }

    fn now(&self) -> OffsetDateTime {
        self.0.clock.now()
    }
}
