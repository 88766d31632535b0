//! An OpenID Provider for tests.

mod grant;
mod serve;

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value};
use tokio::task::JoinHandle;
use url::{Host, Url};

use self::grant::Grant;
use crate::account::social::Provider;
use crate::crypto::{Clock, SystemClock};
use crate::http::Egress;
use crate::jose::{Algorithm, SigningKey};

/// The client that the provider knows.
const CLIENT_ID: &str = "fake-client";
const CLIENT_SECRET: &str = "fake-secret";

/// An OpenID Provider on this machine, for the tests of whoever logs users in with one. It listens
/// on loopback with a certificate of its own, knows one client, and logs in whomever the test says,
/// without asking. It lies if it is told to, so that a test can see what becomes of it.
///
/// It sends nobody anywhere but to loopback, so that it cannot be mistaken for a real one.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use donjon::account::AccountLayer;
/// use donjon::account::social::Social;
/// use donjon::testing::{FakeOpenIdProvider, FakeUser};
/// # use donjon::crypto::{Keyring, SystemRandom};
/// # use donjon::store::SqlStore;
/// # let store = SqlStore::connect("sqlite::memory:").await?;
/// # let keyring = Keyring::ephemeral(&SystemRandom);
///
/// let provider = FakeOpenIdProvider::start().await?;
/// provider.log_in(FakeUser::new("alice").with_email("alice@example.test", true));
/// let social = Social::new([provider.client()]).egress(provider.egress());
/// let accounts =
///     AccountLayer::builder(&store, &keyring, "http://localhost:3000").social(social).build()?;
/// // GET /login/with/fake leads to the provider, and from there the browser comes back:
/// // let callback = provider.approve(location)?;
/// # drop(accounts);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Debug)]
pub struct FakeOpenIdProvider {
    state: Arc<State>,
    certificate: String,
    serving: JoinHandle<()>,
}

/// A user of a [`FakeOpenIdProvider`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FakeUser {
    subject: String,
    email: Option<(String, bool)>,
    name: Option<String>,
    amr: Vec<String>,
}

/// The request is not from a test: it would lead somewhere else than to this machine, or is none
/// that a careful client sends. The text says what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotForTests(String);

#[derive(Debug)]
struct State {
    port: u16,
    clock: Arc<dyn Clock>,
    inner: Mutex<Inner>,
}

type Change = Box<dyn Fn(&mut Map<String, Value>) + Send + Sync>;

struct Inner {
    key: SigningKey,
    forgery: Option<SigningKey>,
    unsigned: bool,
    user: FakeUser,
    grants: HashMap<String, Grant>,
    refresh_tokens: HashMap<String, FakeUser>,
    issued: u64,
    token_life: u64,
    gives_refresh_tokens: bool,
    change: Change,
    answers: HashMap<String, Option<(u16, String)>>,
    issuer_in_answers: Option<String>,
    requests: Vec<String>,
    revoked: Vec<String>,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inner").field("user", &self.user).finish_non_exhaustive()
    }
}

impl FakeUser {
    /// The user of this name, without an address.
    pub fn new(subject: impl Into<String>) -> Self {
        Self { subject: subject.into(), email: None, name: None, amr: Vec::new() }
    }

    /// The same, with an address that the provider vouches for, or does not.
    #[must_use]
    pub fn with_email(mut self, email: impl Into<String>, verified: bool) -> Self {
        self.email = Some((email.into(), verified));
        self
    }

    /// The same, with a name for people.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The same, who proved to the provider who they are by these methods (`amr`).
    #[must_use]
    pub fn by<S: Into<String>>(mut self, methods: impl IntoIterator<Item = S>) -> Self {
        self.amr = methods.into_iter().map(Into::into).collect();
        self
    }
}

impl FakeOpenIdProvider {
    /// Starts one on a free port; it ends when this is dropped. Its user is called `alice`.
    ///
    /// # Errors
    /// When there is no port, or no randomness.
    pub async fn start() -> io::Result<Self> {
        Self::start_with(Arc::new(SystemClock)).await
    }

    /// The same, with another clock.
    ///
    /// # Errors
    /// As [`FakeOpenIdProvider::start`].
    pub async fn start_with(clock: Arc<dyn Clock>) -> io::Result<Self> {
        let key = new_key()?;
        let (listener, tls, certificate) = serve::listen().await?;
        let inner = Inner {
            key,
            forgery: None,
            unsigned: false,
            user: FakeUser::new("alice"),
            grants: HashMap::new(),
            refresh_tokens: HashMap::new(),
            issued: 0,
            token_life: 3600,
            gives_refresh_tokens: true,
            change: Box::new(|_| {}),
            answers: HashMap::new(),
            issuer_in_answers: None,
            requests: Vec::new(),
            revoked: Vec::new(),
        };
        let port = listener.local_addr()?.port();
        let state = Arc::new(State { port, clock, inner: Mutex::new(inner) });
        let serving = tokio::spawn(serve::serve(listener, tls, Arc::clone(&state)));
        Ok(Self { state, certificate, serving })
    }

    /// Who it says it is.
    pub fn issuer(&self) -> String {
        self.state.issuer()
    }

    /// The provider as the host's application knows it, as `fake`. It is believed about addresses.
    pub fn client(&self) -> Provider {
        Provider::openid("fake", "Fake", self.issuer(), CLIENT_ID)
            .secret(CLIENT_SECRET)
            .trust_email()
    }

    /// The provider as the host's application knows Google, as `google`: by the rules of
    /// [`Provider::google`]. What else Google says of a user, such as the domain of an organization
    /// (`hd`), is for [`FakeOpenIdProvider::change_claims`].
    pub fn google_client(&self) -> Provider {
        Provider::google(CLIENT_ID, CLIENT_SECRET).stood_in_for_at(self.issuer())
    }

    /// Its certificate, PEM.
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// A client that reaches it, and nothing else that is private.
    pub fn egress(&self) -> Egress {
        let here =
            ["127.0.0.0/8", "::1/128"].into_iter().filter_map(|network| network.parse().ok());
        let egress = Egress::builder().danger_allow(here);
        // Our own certificate is one.
        egress
            .extra_roots(self.certificate.as_bytes())
            .map_or_else(|_| Egress::new(), |e| e.build())
    }

    /// Who is logged in at the provider from now on.
    pub fn log_in(&self, user: FakeUser) {
        self.state.inner().user = user;
    }

    /// What a browser that was sent to `location` by the application comes back with, when its user
    /// agrees: the address to open next.
    ///
    /// # Errors
    /// [`NotForTests`] if the request would lead away from this machine, or lacks PKCE, `state` or
    /// `nonce`.
    pub fn approve(&self, location: &str) -> Result<String, NotForTests> {
        self.state.answer(location, None)
    }

    /// The same, when the provider answers with this error, such as `access_denied`.
    ///
    /// # Errors
    /// As [`FakeOpenIdProvider::approve`].
    pub fn refuse(&self, location: &str, error: &str) -> Result<String, NotForTests> {
        self.state.answer(location, Some(error))
    }

    /// Changes the claims of each ID token from now on, before it is signed.
    pub fn change_claims(&self, change: impl Fn(&mut Map<String, Value>) + Send + Sync + 'static) {
        self.state.inner().change = Box::new(change);
    }

    /// Signs with another key from now on, which it publishes.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn rotate_key(&self) -> io::Result<()> {
        self.state.inner().key = new_key()?;
        Ok(())
    }

    /// Signs with a key from now on that it does not publish, though under the name of one that it
    /// does.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn forge(&self) -> io::Result<()> {
        let mut inner = self.state.inner();
        let kid = inner.key.kid().to_owned();
        inner.forgery = Some(new_key()?.named(&kid).map_err(io::Error::other)?);
        Ok(())
    }

    /// Signs nothing from now on (`alg` is `none`).
    pub fn sign_nothing(&self) {
        self.state.inner().unsigned = true;
    }

    /// How long access tokens live from now on, in seconds; one hour at first.
    pub fn token_life(&self, seconds: u64) {
        self.state.inner().token_life = seconds;
    }

    /// Whether it gives a refresh token from now on, as it does at first, a new one for each that is
    /// used. If not, as a provider that gives one with the first consent only, those that it has given
    /// work on.
    pub fn give_refresh_tokens(&self, gives: bool) {
        self.state.inner().gives_refresh_tokens = gives;
    }

    /// Answers requests for this path with this from now on.
    pub fn answer_at(&self, path: &str, status: u16, body: impl Into<String>) {
        self.state.inner().answers.insert(path.to_owned(), Some((status, body.into())));
    }

    /// Answers requests for this path not at all from now on.
    pub fn keep_silent_at(&self, path: &str) {
        self.state.inner().answers.insert(path.to_owned(), None);
    }

    /// Answers requests for this path as at first.
    pub fn mend(&self, path: &str) {
        self.state.inner().answers.remove(path);
    }

    /// Names another issuer in each answer from now on (RFC 9207).
    pub fn answer_as(&self, issuer: impl Into<String>) {
        self.state.inner().issuer_in_answers = Some(issuer.into());
    }

    /// The tokens that were revoked, in order (RFC 7009).
    pub fn revoked(&self) -> Vec<String> {
        self.state.inner().revoked.clone()
    }

    /// How many requests for this path came.
    pub fn requests(&self, path: &str) -> usize {
        self.state.inner().requests.iter().filter(|requested| *requested == path).count()
    }
}

impl Drop for FakeOpenIdProvider {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl State {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn issuer(&self) -> String {
        format!("https://localhost:{}", self.port)
    }
}

fn new_key() -> io::Result<SigningKey> {
    SigningKey::generate(Algorithm::ES256).map_err(io::Error::other)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
