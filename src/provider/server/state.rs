use std::sync::Arc;

use http::request::Parts;
use http::{Extensions, HeaderMap};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::crypto::{Clock, Keyring, Random};
use crate::http::{Network, TrustedProxies};
use crate::jose::{TokenAuthority, VerifyingKey};
use crate::page::Pages;
use crate::provider::check::Guesses;
use crate::provider::client::{Client, Clients, RemoteJwks};
use crate::provider::issuer::Issuer;
use crate::provider::key::Keys;
use crate::provider::policy::{ConsentPolicy, Lifetimes, LongRequests};
use crate::provider::registry::Registry;
use crate::provider::{AccountResolver, ProviderError};
use crate::store::{ProviderStore, RateLimit, RevocationLog, RevocationTarget};

/// What every endpoint works with: nothing that another process over the same store would lack.
pub(crate) struct Provider {
    pub(crate) issuer: Issuer,
    pub(crate) registry: Registry,
    pub(crate) scopes: Vec<String>,
    pub(crate) lifetimes: Lifetimes,
    pub(crate) clients: Clients,
    pub(crate) remote_jwks: RemoteJwks,
    pub(crate) resolver: Arc<dyn AccountResolver>,
    pub(crate) consent_policy: Arc<dyn ConsentPolicy>,
    pub(crate) pages: Arc<dyn Pages>,
    pub(crate) store: Arc<dyn ProviderStore>,
    pub(crate) keyring: Keyring,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) keys: Keys,
    pub(crate) revoked: RevocationLog,
    pub(crate) proxies: TrustedProxies,
    pub(crate) long_requests: LongRequests,
    pub(crate) secret_guesses: RateLimit,
    /// No truth of its own, like every memory of what the store says.
    pub(crate) guesses: Guesses,
}

impl Provider {
    /// The present moment.
    pub(crate) fn now(&self) -> OffsetDateTime {
        self.clock.now()
    }

    /// The network that a request came from, for counting; all that nobody knows anything about
    /// are one.
    pub(crate) fn network_of(&self, request: &Parts) -> String {
        self.network_if_known(&request.headers, &request.extensions).unwrap_or_default()
    }

    /// The same, if anybody knows.
    pub(crate) fn network_if_known(
        &self,
        headers: &HeaderMap,
        extensions: &Extensions,
    ) -> Option<String> {
        let address = self.proxies.client_addr(headers, extensions);
        address.map(|address| Network::around(address).to_string())
    }

    /// Ends a grant with all its tokens: at once in this process, within a second in every other.
    pub(crate) async fn revoke_grant(&self, grant: Uuid) -> crate::store::Result<bool> {
        let (now, until) = (self.now(), self.revocation_expires_at());
        let revoked = self.store.revoke_grant(self.issuer.id(), grant, now, until).await?;
        self.revoked.learn(RevocationTarget::Grant(grant), until);
        Ok(revoked)
    }

    /// Until when a revocation that happens now must be remembered: longer than any access token
    /// that is out lives, clocks that differ included.
    pub(crate) fn revocation_expires_at(&self) -> OffsetDateTime {
        self.now() + self.lifetimes.access_token + Duration::MINUTE
    }

    /// The client with this id.
    pub(crate) async fn client(
        &self,
        client_id: &str,
    ) -> Result<Option<Arc<Client>>, ProviderError> {
        self.clients.find(&*self.store, self.issuer.id(), client_id, self.now()).await
    }
}

impl TokenAuthority for Provider {
    fn issuer(&self) -> &str {
        self.issuer.as_str()
    }

    fn verifying_keys(&self) -> Arc<[VerifyingKey]> {
        self.keys.current().verifying_keys()
    }

    fn is_revoked(&self, grant: Option<Uuid>, token_id: &str) -> Option<bool> {
        self.revoked.is_revoked(grant, token_id, self.now())
    }

    fn now(&self) -> OffsetDateTime {
        self.clock.now()
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
