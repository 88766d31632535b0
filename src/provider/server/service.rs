use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Method, Request, Response};
use time::OffsetDateTime;
use tower_layer::Layer;
use tower_service::Service;
use uuid::Uuid;

use super::Provider;
use super::builder::AuthorizationServerBuilder;
use crate::http::{Body, Mount, Mounted, Reader, Rejection, Role};
use crate::jose::{TokenAuthority, VerifyingKey};
use crate::page::{Rejected, reject};
use crate::provider::background::{self, Background};
use crate::provider::client::{self, Registered};
use crate::provider::{ClientMetadata, KeyError, RegistrationError, endpoint};

/// An OAuth 2.1 authorization server and OpenID provider, ready to serve. Cheap to clone.
///
/// As a [`Layer`] it answers its own paths and passes all others to the service it wraps; as a
/// [`Service`] it answers all others 404.
#[derive(Clone, Debug)]
pub struct AuthorizationServer {
    provider: Arc<Provider>,
    background: Arc<Background>,
}

impl AuthorizationServer {
    /// Begins a server with this issuer: the https URL (http on loopback only) that browsers and
    /// clients reach the application at, without a slash at the end.
    pub fn builder(issuer: impl Into<String>) -> AuthorizationServerBuilder {
        AuthorizationServerBuilder::new(issuer.into())
    }

    pub(super) fn start(provider: Provider) -> Self {
        let provider = Arc::new(provider);
        let background = Arc::new(Background::spawn(&provider));
        Self { provider, background }
    }

    /// Brings this process up to date with the store now, as it does by itself twice a second:
    /// ends of sessions, revocations, signing keys.
    pub async fn catch_up(&self) {
        background::catch_up(&self.provider).await;
    }

    /// Makes a new signing key for each algorithm. Every process publishes it within a second, and
    /// signs with it after six minutes, when nobody has an older key set (which may be kept for
    /// five) any more. The old ones stay published and verify what they signed.
    ///
    /// # Errors
    /// [`KeyError`].
    pub async fn rotate_keys(&self) -> Result<(), KeyError> {
        self.provider.keys.rotate(&*self.provider.random, self.provider.now()).await
    }

    /// The same, but the new keys sign from now on, for when the old ones must not. Whoever keeps
    /// an older key set, and does not fetch it again for a key that it lacks, refuses what is
    /// signed in the next five minutes; so does another process, until it has read the key.
    ///
    /// # Errors
    /// [`KeyError`].
    pub async fn rotate_keys_at_once(&self) -> Result<(), KeyError> {
        self.provider.keys.rotate_at_once(&*self.provider.random, self.provider.now()).await
    }

    /// Registers a client in the store, in place of an older one with the same id; every process
    /// sees it within a second. A secret that is needed and not given is made; it is answered
    /// here, and never again.
    ///
    /// # Errors
    /// [`RegistrationError`].
    pub async fn register_client(
        &self,
        metadata: ClientMetadata,
    ) -> Result<Registered, RegistrationError> {
        client::register(&self.provider, metadata).await
    }

    /// Ends a grant, with all its tokens.
    ///
    /// # Errors
    /// [`StoreError`](crate::store::StoreError).
    pub async fn revoke_grant(&self, grant: Uuid) -> crate::store::Result<bool> {
        self.provider.revoke_grant(grant).await
    }

    /// Stops the server's own work and waits until what has begun is done. Requests are answered
    /// as before; but revocations of other processes are not learnt any more, so that access
    /// tokens are refused with 503 after five seconds.
    pub async fn shut_down(&self) {
        self.background.shut_down().await;
    }
}

impl Role for AuthorizationServer {
    fn mount(&self, _: &Method, path: &str) -> Option<Mount> {
        self.provider.registry.find(path).map(|route| route.mount)
    }

    fn answer(self: Arc<Self>, request: Request<Bytes>) -> BoxFuture<'static, Response<Body>> {
        let provider = Arc::clone(&self.provider);
        let route = provider.registry.find(request.uri().path()).cloned();
        Box::pin(async move {
            match route {
                Some(route) => endpoint::answer(provider, route, request).await,
                None => self.reject(Rejection::NotFound, Reader::of(request.headers())),
            }
        })
    }

    fn origin(&self) -> Option<&str> {
        Some(self.provider.issuer.origin())
    }

    fn reject(&self, rejection: Rejection, reader: Reader) -> Response<Body> {
        reject(&*self.provider.pages, reader, &Rejected::new(rejection))
    }
}

impl TokenAuthority for AuthorizationServer {
    fn issuer(&self) -> &str {
        self.provider.issuer()
    }

    fn verifying_keys(&self) -> Arc<[VerifyingKey]> {
        self.provider.verifying_keys()
    }

    fn is_revoked(&self, grant: Option<Uuid>, token_id: &str) -> Option<bool> {
        self.provider.is_revoked(grant, token_id)
    }

    fn now(&self) -> OffsetDateTime {
        self.provider.now()
    }
}

impl<S> Layer<S> for AuthorizationServer {
    type Service = Mounted<Self, S>;

    fn layer(&self, inner: S) -> Self::Service {
        Mounted::new(Arc::new(self.clone()), inner)
    }
}

impl<B> Service<Request<B>> for AuthorizationServer
where
    B: http_body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<tower::BoxError>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = AuthorizationServerFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let mount = self.mount(request.method(), request.uri().path());
        let server = Arc::new(self.clone());
        let reader = Reader::of(request.headers());
        AuthorizationServerFuture(Box::pin(async move {
            match mount {
                Some(mount) => crate::http::answer(server, mount, request).await,
                None => server.reject(Rejection::NotFound, reader),
            }
        }))
    }
}

/// The response future of [`AuthorizationServer`].
pub struct AuthorizationServerFuture(BoxFuture<'static, Response<Body>>);

impl Future for AuthorizationServerFuture {
    type Output = Result<Response<Body>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx).map(Ok)
    }
}

impl std::fmt::Debug for AuthorizationServerFuture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AuthorizationServerFuture")
    }
}
