use std::sync::Arc;

use time::OffsetDateTime;

use crate::crypto::{Clock, Keyring, Random};
use crate::provider::client::{Client, Clients};
use crate::provider::issuer::Issuer;
use crate::provider::policy::Lifetimes;
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
    #[expect(dead_code, reason = "asked by the authorization and token endpoints")]
    pub(crate) resolver: Arc<dyn AccountResolver>,
    pub(crate) store: Arc<dyn ProviderStore>,
    #[expect(dead_code, reason = "seals signing keys and interactions")]
    pub(crate) keyring: Keyring,
    pub(crate) clock: Arc<dyn Clock>,
    #[expect(dead_code, reason = "makes codes and tokens")]
    pub(crate) random: Arc<dyn Random>,
}

impl Provider {
    /// The present moment.
    pub(crate) fn now(&self) -> OffsetDateTime {
        self.clock.now()
    }

    /// The client with this id.
    #[expect(dead_code, reason = "called by the endpoints that follow")]
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
