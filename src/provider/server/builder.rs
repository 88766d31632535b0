use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use time::Duration;

use super::{AuthorizationServer, Provider};
use crate::crypto::{Clock, Keyring, Random, SystemClock, SystemRandom};
use crate::http::{BaseUrlError, Egress, TrustedProxies};
use crate::jose::Algorithm;
use crate::page::{Pages, Theme};
use crate::provider::check::Guesses;
use crate::provider::client::{Client, ClientError, Clients, RemoteJwks};
use crate::provider::issuer::Issuer;
use crate::provider::key::{ALWAYS, KeyError, Keys, SealedKeys};
use crate::provider::policy::{AskOnce, ConsentPolicy, Lifetimes, LongRequests};
use crate::provider::registry::{Endpoint, Registry};
use crate::provider::{AccountResolver, background};
use crate::store::{ProviderStore, RateLimit, RevocationLog, StoreError};

/// Why a server could not be built: the fault of the host's configuration, or of the store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The issuer is no URL that a server may have.
    #[error("issuer: {0}")]
    Issuer(#[from] BaseUrlError),
    /// The issuer is not spelt the one way it will be compared by.
    #[error("the issuer is compared byte for byte; write it as {0:?}")]
    IssuerSpelling(String),
    /// Something that must be given was not.
    #[error("the authorization server needs a {0}; give it with .{0}(…)")]
    Missing(&'static str),
    /// A lifetime is out of its bounds.
    #[error("lifetimes: {0}")]
    Lifetime(&'static str),
    /// A path of the host's is no path, or is taken.
    #[error("path {0:?} is not an absolute path of plain segments, or two endpoints have it")]
    Path(String),
    /// There are no keys to sign with.
    #[error("signing keys: {0}")]
    Keys(#[from] KeyError),
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no runtime to follow the store on.
    #[error("the authorization server must be built on a tokio runtime, where its work goes on")]
    NoRuntime,
    /// A client's metadata are wrong.
    #[error(transparent)]
    Client(#[from] ClientError),
}

/// Builds an [`AuthorizationServer`].
#[must_use]
pub struct AuthorizationServerBuilder {
    issuer: String,
    resolver: Option<Arc<dyn AccountResolver>>,
    consent_policy: Arc<dyn ConsentPolicy>,
    pages: Option<Arc<dyn Pages>>,
    store: Option<Arc<dyn ProviderStore>>,
    keyring: Option<Keyring>,
    clients: Vec<Client>,
    scopes: BTreeSet<String>,
    lifetimes: Lifetimes,
    paths: HashMap<Endpoint, String>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    egress: Option<Egress>,
    algorithms: Vec<Algorithm>,
    proxies: TrustedProxies,
    long_requests: LongRequests,
    secret_guesses: RateLimit,
}

impl AuthorizationServerBuilder {
    pub(super) fn new(issuer: String) -> Self {
        Self {
            issuer,
            resolver: None,
            consent_policy: Arc::new(AskOnce),
            pages: None,
            store: None,
            keyring: None,
            clients: Vec::new(),
            scopes: BTreeSet::new(),
            lifetimes: Lifetimes::default(),
            paths: HashMap::new(),
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
            egress: None,
            algorithms: ALWAYS.to_vec(),
            proxies: TrustedProxies::default(),
            long_requests: LongRequests::default(),
            secret_guesses: RateLimit { times: 10, window: Duration::minutes(10) },
        }
    }

    /// Who answers for the users. Needed.
    pub fn resolver(mut self, resolver: Arc<dyn AccountResolver>) -> Self {
        self.resolver = Some(resolver);
        self
    }

    /// Who is asked for consent; by default [every user, once](AskOnce).
    pub fn consent_policy(mut self, policy: Arc<dyn ConsentPolicy>) -> Self {
        self.consent_policy = policy;
        self
    }

    /// The look of the pages, or the pages themselves; by default those of a [`Theme`] named after
    /// the issuer's host.
    pub fn pages(mut self, pages: impl Pages) -> Self {
        self.pages = Some(Arc::new(pages));
        self
    }

    /// Where everything is kept. Needed.
    pub fn store(mut self, store: impl Into<Arc<dyn ProviderStore>>) -> Self {
        self.store = Some(store.into());
        self
    }

    /// What seals the signing keys at rest. Needed; every process over the store has the same.
    pub fn keyring(mut self, keyring: Keyring) -> Self {
        self.keyring = Some(keyring);
        self
    }

    /// Clients of the host's configuration. They live in memory, and win over one in the store
    /// that has the same id.
    pub fn clients(mut self, clients: impl IntoIterator<Item = Client>) -> Self {
        self.clients.extend(clients);
        self
    }

    /// The host's own scopes, to be published; those of OpenID Connect are there already. Which
    /// of them a client may ask for is registered with the client.
    pub fn scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes.extend(scopes.into_iter().map(Into::into));
        self
    }

    /// How long things last.
    pub fn lifetimes(mut self, lifetimes: Lifetimes) -> Self {
        self.lifetimes = lifetimes;
        self
    }

    /// How often requests may be kept in the store; see [`LongRequests`]. They are counted by the
    /// network of the client's address, which the server that accepts connections must put into
    /// each request ([`PeerAddr`](crate::http::PeerAddr)); without one, all come from one network.
    pub fn long_requests(mut self, limits: LongRequests) -> Self {
        self.long_requests = limits;
        self
    }

    /// How many wrong secrets of one client one network may send, at any endpoint, before none is
    /// looked at until the window is over: 10 in 10 minutes by default. It holds for secrets
    /// that could be guessed: those of the host's configuration with less than 32 characters. The
    /// client itself, in another network, goes on as ever. It needs
    /// [`PeerAddr`](crate::http::PeerAddr); without one it does not hold.
    pub fn secret_guesses(mut self, limit: RateLimit) -> Self {
        self.secret_guesses = limit;
        self
    }

    /// The proxies whose `X-Forwarded-For` is believed; none by default.
    pub fn trusted_proxies(mut self, proxies: TrustedProxies) -> Self {
        self.proxies = proxies;
        self
    }

    /// Moves an endpoint to another absolute path. The metadata documents stay where their
    /// specifications put them.
    pub fn path(mut self, endpoint: Endpoint, path: impl Into<String>) -> Self {
        self.paths.insert(endpoint, path.into());
        self
    }

    /// What fetches documents that clients name, such as their `jwks_uri`; by default a client that
    /// reaches the public internet only.
    pub fn egress(mut self, egress: Egress) -> Self {
        self.egress = Some(egress);
        self
    }

    /// Where the time comes from; by default the machine's clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Where randomness comes from; by default the operating system.
    pub fn random(mut self, random: Arc<dyn Random>) -> Self {
        self.random = random;
        self
    }

    /// Also makes a key for this algorithm, such as EdDSA, for the clients that ask for it. Keys
    /// for ES256 and RS256 are always there.
    pub fn signing_algorithm(mut self, algorithm: Algorithm) -> Self {
        self.algorithms.push(algorithm);
        self
    }

    /// Checks everything, makes the signing keys if this is the first start, and begins the
    /// server's own work on the runtime: it follows the store, twice a second, for what other
    /// processes revoked or added, and sweeps what is over.
    ///
    /// # Errors
    /// [`BuildError`] says what to change.
    pub async fn build(self) -> Result<AuthorizationServer, BuildError> {
        if tokio::runtime::Handle::try_current().is_err() {
            return Err(BuildError::NoRuntime);
        }
        let issuer = Issuer::parse(&self.issuer)?;
        self.lifetimes.check().map_err(BuildError::Lifetime)?;
        let registry = Registry::new(&issuer, &self.paths)?;
        let store = self.store.ok_or(BuildError::Missing("store"))?;
        let keyring = self.keyring.ok_or(BuildError::Missing("keyring"))?;
        let keys = Keys::open(
            SealedKeys::new(Arc::clone(&store), issuer.id().clone(), keyring.clone()),
            &self.algorithms,
            &*self.random,
            self.clock.now(),
        )
        .await?;
        let provider = Provider {
            clients: Clients::new(self.clients, keys.current().algorithms())?,
            remote_jwks: RemoteJwks::new(self.egress.unwrap_or_default(), Arc::clone(&self.clock)),
            revoked: RevocationLog::new(Arc::clone(&store), issuer.id().clone()),
            registry,
            scopes: published(self.scopes),
            lifetimes: self.lifetimes,
            resolver: self.resolver.ok_or(BuildError::Missing("resolver"))?,
            consent_policy: self.consent_policy,
            pages: self.pages.unwrap_or_else(|| Arc::new(Theme::of_host(&self.issuer))),
            store,
            keyring,
            clock: self.clock,
            random: self.random,
            keys,
            proxies: self.proxies,
            long_requests: self.long_requests,
            secret_guesses: self.secret_guesses,
            guesses: Guesses::default(),
            issuer,
        };
        // Nothing is served before what ended meanwhile has ended.
        while background::end_grants(&provider).await? {}
        provider.revoked.follow(provider.now()).await?;
        Ok(AuthorizationServer::start(provider))
    }
}

/// The scopes that mean something to this server itself, then the host's.
fn published(own: BTreeSet<String>) -> Vec<String> {
    let standard = ["openid", "profile", "email", "address", "phone", "offline_access"];
    let own = own.into_iter().filter(|scope| !standard.contains(&scope.as_str()));
    standard.into_iter().map(str::to_owned).chain(own).collect()
}

impl std::fmt::Debug for AuthorizationServerBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuthorizationServerBuilder")
            .field("issuer", &self.issuer)
            .finish_non_exhaustive()
    }
}
