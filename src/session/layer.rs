use std::sync::Arc;

use tower_layer::Layer;

use super::config::Config;
use super::cookie::SessionCookie;
use super::data::DataStore;
use super::sweep::Sweeper;
use super::users::Users;
use super::{Lifetimes, SessionService, Sessions, UserSource};
use crate::crypto::{Clock, Keyring, Random, SystemClock, SystemRandom};
use crate::http::{BaseUrlError, CookiePolicy, TrustedProxies};
use crate::page::{Pages, Theme};
use crate::store::{SESSIONS_PER_USER, SessionStore};

/// Puts who is logged in into each request's extensions; see the [module](super).
///
/// It belongs around everything that reads or writes the session: the last layer that is added to
/// a router. Unless told otherwise by [`SessionLayer::base_url`], the application is reached by
/// https only: the cookie is `__Host-session` and `Secure`.
#[derive(Clone, Debug)]
pub struct SessionLayer {
    pub(super) config: Arc<Config>,
    sweeper: Sweeper,
}

impl SessionLayer {
    /// Sessions in `store`, with cookies that `keyring` authenticates, so that a made-up one costs
    /// no store call. The host's own data is kept beside them.
    pub fn new(store: impl Into<Arc<dyn SessionStore>>, keyring: &Keyring) -> Self {
        let store = store.into();
        let cookie = SessionCookie::new(CookiePolicy::HTTPS, "session".to_owned(), keyring);
        let config = Config {
            data: DataStore::Own(Arc::clone(&store)),
            store,
            users: Users::default(),
            cookie,
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
            lifetimes: Lifetimes::default(),
            per_user: SESSIONS_PER_USER,
            proxies: TrustedProxies::default(),
            pages: Arc::new(Theme::new("")),
        };
        Self { config: Arc::new(config), sweeper: Sweeper::default() }
    }

    /// Keeps the host's own data in another store, by whole records: of two requests that save at
    /// once, the last one wins. Records end with their session where this layer ends it, and by
    /// their own expiry otherwise.
    #[must_use]
    pub fn data_store(self, store: impl tower_sessions::SessionStore) -> Self {
        self.with(|config| config.data = DataStore::Foreign(Arc::new(store)))
    }

    /// For a host with users of its own: asks it for what the scope shows of a user, at their login
    /// and after each [`Sessions::user_changed`]. Accounts of ours, if there are any, need no asking.
    #[must_use]
    pub fn user_source(self, source: Arc<dyn UserSource>) -> Self {
        self.with(|config| config.users = Users::of(source))
    }

    /// The sessions, for the host's own code.
    pub fn sessions(&self) -> Sessions {
        Sessions::new(Arc::clone(&self.config))
    }

    /// Where browsers reach the application: decides the cookie's prefix and `Secure`.
    ///
    /// # Errors
    /// [`BaseUrlError`] for plain http, except on a loopback address.
    pub fn base_url(self, url: &str) -> Result<Self, BaseUrlError> {
        let policy = CookiePolicy::for_base_url(url)?;
        Ok(self.with(|config| config.cookie.policy = policy))
    }

    /// The cookie's name, before the prefix `__Host-`; `session` by default.
    #[must_use]
    pub fn cookie_name(self, name: impl Into<String>) -> Self {
        let name = name.into();
        self.with(|config| config.cookie.name = name)
    }

    /// How long sessions live.
    #[must_use]
    pub fn lifetimes(self, lifetimes: Lifetimes) -> Self {
        self.with(|config| config.lifetimes = lifetimes)
    }

    /// How many live sessions a user has at most: 100 by default, at least one, those of apps included.
    /// A login beyond it ends those that were used longest ago
    /// ([`SessionEnd::Displaced`](crate::scope::SessionEnd::Displaced)), in the transition that opens the
    /// new one, so that the list of a user's sessions is always whole, and short enough to be read. A
    /// session in which an administrator acts as the user ends none.
    #[must_use]
    pub fn sessions_per_user(self, most: u32) -> Self {
        self.with(|config| config.per_user = most)
    }

    /// The proxies whose `X-Forwarded-For` is believed; none by default.
    #[must_use]
    pub fn trusted_proxies(self, proxies: TrustedProxies) -> Self {
        self.with(|config| config.proxies = proxies)
    }

    /// The look and the words of the page that people get while the store cannot be reached; by
    /// default those of a [`Theme`] without a name.
    #[must_use]
    pub fn pages(self, pages: impl Pages) -> Self {
        self.with(|config| config.pages = Arc::new(pages))
    }

    /// Another clock; for tests.
    #[must_use]
    pub fn clock(self, clock: Arc<dyn Clock>) -> Self {
        self.with(|config| config.clock = clock)
    }

    /// Another source of randomness; for tests.
    #[must_use]
    pub fn random(self, random: Arc<dyn Random>) -> Self {
        self.with(|config| config.random = random)
    }

    /// Leaves expired sessions, and the log of session ends, in the store, where otherwise a task
    /// that begins with the first request and ends with the last service removes them once a
    /// minute, for a host that sweeps them in a process of its own
    /// ([`SessionStore::sweep_sessions`], [`SessionStore::sweep_session_events`]).
    #[must_use]
    pub fn without_sweeper(mut self) -> Self {
        self.sweeper = Sweeper::off();
        self
    }

    fn with(mut self, change: impl FnOnce(&mut Config)) -> Self {
        let shared = &self.config;
        let mut config = Config {
            store: Arc::clone(&shared.store),
            users: shared.users.clone(),
            data: shared.data.clone(),
            cookie: shared.cookie.clone(),
            clock: Arc::clone(&shared.clock),
            random: Arc::clone(&shared.random),
            lifetimes: shared.lifetimes,
            per_user: shared.per_user,
            proxies: shared.proxies.clone(),
            pages: Arc::clone(&shared.pages),
        };
        change(&mut config);
        self.config = Arc::new(config);
        self.sweeper = self.sweeper.anew();
        self
    }
}

impl<S> Layer<S> for SessionLayer {
    type Service = SessionService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        SessionService::new(Arc::clone(&self.config), self.sweeper.clone(), inner)
    }
}
