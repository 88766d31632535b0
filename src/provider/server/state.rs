use std::sync::Arc;

use time::OffsetDateTime;

use crate::crypto::{Clock, Keyring, Random};
use crate::page::Pages;
use crate::provider::client::{Client, Clients};
use crate::provider::issuer::Issuer;
use crate::provider::policy::{ConsentPolicy, Lifetimes};
use crate::provider::registry::Registry;
use crate::provider::{AccountResolver, ProviderError};
use crate::store::ProviderStore;

/// What every endpoint works with: nothing that another process over the same store would lack.
pub(crate) struct Provider {
    pub(crate) issuer: Issuer,
    pub(crate) registry: Registry,
    pub(crate) scopes: Vec<String>,
    pub(crate) lifetimes: Lifetimes,
    pub(crate) clients: Clients,
    pub(crate) resolver: Arc<dyn AccountResolver>,
    pub(crate) consent_policy: Arc<dyn ConsentPolicy>,
    pub(crate) pages: Arc<dyn Pages>,
    pub(crate) store: Arc<dyn ProviderStore>,
    pub(crate) keyring: Keyring,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
}

impl Provider {
    /// The present moment.
    pub(crate) fn now(&self) -> OffsetDateTime {
        self.clock.now()
    }

    /// The client with this id.
    pub(crate) async fn client(
        &self,
        client_id: &str,
    ) -> Result<Option<Arc<Client>>, ProviderError> {
        self.clients.find(&*self.store, self.issuer.id(), client_id, self.now()).await
    }
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Provider")
            .field("issuer", &self.issuer)
            .field("lifetimes", &self.lifetimes)
            .finish_non_exhaustive()
    }
}
