use std::collections::HashMap;
use std::sync::Arc;

use time::Duration;
use tower_layer::Layer;
use url::Url;

use super::service_provider::ServiceProvider;
use super::{Connection, ConnectionError, LoginRequests, SamlService, UserMapper};
use crate::crypto::{Clock, Keyring, Random, SystemClock, SystemRandom};
use crate::http::{BaseUrlError, CookiePolicy, Mounted};
use crate::page::{Pages, Theme};
use crate::store::{SWEEP_BATCH, SamlStore, sweep_regularly};

/// Answers `/saml/{connection}/{metadata,login,acs}`, and passes everything else on; see the
/// [module](super). It belongs inside a [`SessionLayer`](crate::session::SessionLayer).
#[derive(Clone, Debug)]
pub struct SamlLayer(Arc<ServiceProvider>);

/// Puts a [`SamlLayer`] together.
#[derive(Debug)]
pub struct SamlLayerBuilder {
    connections: Vec<Connection>,
    base_url: String,
    prefix: String,
    store: Arc<dyn SamlStore>,
    keyring: Keyring,
    mapper: Arc<dyn UserMapper>,
    pages: Arc<dyn Pages>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    request_lifetime: Duration,
    login_requests: LoginRequests,
}

/// Why a [`SamlLayer`] cannot be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SamlConfigError {
    /// The base URL cannot carry cookies safely.
    #[error(transparent)]
    BaseUrl(#[from] BaseUrlError),
    /// A connection cannot be used.
    #[error(transparent)]
    Connection(#[from] ConnectionError),
}

impl SamlLayer {
    /// A service provider that browsers and identity providers reach at `base_url`.
    pub fn builder(
        store: impl Into<Arc<dyn SamlStore>>,
        keyring: &Keyring,
        base_url: impl Into<String>,
        mapper: Arc<dyn UserMapper>,
    ) -> SamlLayerBuilder {
        let base_url = base_url.into();
        SamlLayerBuilder {
            connections: Vec::new(),
            prefix: "/saml".to_owned(),
            store: store.into(),
            keyring: keyring.clone(),
            mapper,
            pages: Arc::new(Theme::of_host(&base_url)),
            base_url,
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
            request_lifetime: Duration::minutes(5),
            login_requests: LoginRequests::default(),
        }
    }
}

impl SamlLayerBuilder {
    /// Adds a connection.
    #[must_use]
    pub fn connection(mut self, connection: Connection) -> Self {
        self.connections.push(connection);
        self
    }

    /// The path that all others begin with; `/saml` by default.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// How long a user may take at the identity provider; 5 minutes by default.
    #[must_use]
    pub fn request_lifetime(mut self, lifetime: Duration) -> Self {
        self.request_lifetime = lifetime;
        self
    }

    /// How often a login may be begun; see [`LoginRequests`].
    #[must_use]
    pub fn login_requests(mut self, limits: LoginRequests) -> Self {
        self.login_requests = limits;
        self
    }

    /// Other pages than the built-in ones.
    #[must_use]
    pub fn pages(mut self, pages: impl Pages) -> Self {
        self.pages = Arc::new(pages);
        self
    }

    /// Another clock; for tests.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Another source of randomness; for tests.
    #[must_use]
    pub fn random(mut self, random: Arc<dyn Random>) -> Self {
        self.random = random;
        self
    }

    /// The layer. Inside a tokio runtime, what is over is swept until the layer is gone.
    ///
    /// # Errors
    /// [`SamlConfigError`].
    pub fn build(self) -> Result<SamlLayer, SamlConfigError> {
        let cookies = CookiePolicy::for_base_url(&self.base_url)?;
        let mut connections = HashMap::new();
        for connection in self.connections {
            let id = connection.id.clone();
            if connections.insert(id.clone(), connection).is_some() {
                return Err(ConnectionError::DuplicateId(id).into());
            }
        }
        let provider = Arc::new(ServiceProvider {
            connections,
            base_url: origin(&self.base_url),
            prefix: self.prefix,
            store: self.store,
            keyring: self.keyring,
            mapper: self.mapper,
            pages: self.pages,
            cookies,
            clock: self.clock,
            random: self.random,
            request_lifetime: self.request_lifetime,
            login_requests: self.login_requests,
        });
        sweep_regularly(&provider, |provider| {
            Box::pin(
                async move { provider.store.sweep_saml(provider.clock.now(), SWEEP_BATCH).await },
            )
        });
        Ok(SamlLayer(provider))
    }
}

/// Our paths are absolute: whatever path the base URL has is not part of them.
fn origin(base_url: &str) -> String {
    Url::parse(base_url)
        .map_or_else(|_| base_url.to_owned(), |url| url.origin().ascii_serialization())
}

impl<S> Layer<S> for SamlLayer {
    type Service = SamlService<S>;

    fn layer(&self, inner: S) -> SamlService<S> {
        SamlService(Mounted::new(Arc::clone(&self.0), inner))
    }
}
