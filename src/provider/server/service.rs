use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Method, Request, Response, StatusCode};
use tower_layer::Layer;
use tower_service::Service;

use super::Provider;
use super::builder::AuthorizationServerBuilder;
use crate::http::{Body, Mount, Mounted, Role, respond};
use crate::provider::endpoint;

/// An OAuth 2.1 authorization server and OpenID provider, ready to serve. Cheap to clone.
///
/// As a [`Layer`] it answers its own paths and passes all others to the service it wraps; as a
/// [`Service`] it answers all others 404.
#[derive(Clone, Debug)]
pub struct AuthorizationServer(Arc<Provider>);

impl AuthorizationServer {
    /// Begins a server with this issuer: the https URL (http on loopback only) that browsers and
    /// clients reach the application at, without a slash at the end.
    pub fn builder(issuer: impl Into<String>) -> AuthorizationServerBuilder {
        AuthorizationServerBuilder::new(issuer.into())
    }

    pub(super) fn new(provider: Provider) -> Self {
        Self(Arc::new(provider))
    }
}

impl Role for AuthorizationServer {
    fn mount(&self, _: &Method, path: &str) -> Option<Mount> {
        self.0.registry.find(path).map(|route| route.mount)
    }

    fn answer(self: Arc<Self>, request: Request<Bytes>) -> BoxFuture<'static, Response<Body>> {
        let provider = Arc::clone(&self.0);
        let route = provider.registry.find(request.uri().path()).cloned();
        Box::pin(async move {
            match route {
                Some(route) => endpoint::answer(provider, route, request).await,
                None => respond::status(StatusCode::NOT_FOUND),
            }
        })
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
        AuthorizationServerFuture(Box::pin(async move {
            match mount {
                Some(mount) => crate::http::answer(server, mount, request).await,
                None => respond::status(StatusCode::NOT_FOUND),
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
