use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::header::RETRY_AFTER;
use http::{Method, Request, Response, StatusCode};
use time::Duration;

use super::endpoint::{acs, login, metadata};
use super::{Connection, LoginError, LoginRequests, UserMapper};
use crate::crypto::{Clock, Keyring, Random};
use crate::http::{Body, CookiePolicy, Mount, Reader, Rejection, Role, limits};
use crate::page::{ErrorPage, Pages, Rejected, explain, reject};
use crate::store::SamlStore;

/// Everything the SAML paths need.
#[derive(Debug)]
pub(super) struct ServiceProvider {
    pub(super) connections: HashMap<String, Connection>,
    pub(super) base_url: String,
    pub(super) prefix: String,
    pub(super) store: Arc<dyn SamlStore>,
    pub(super) keyring: Keyring,
    pub(super) mapper: Arc<dyn UserMapper>,
    pub(super) pages: Arc<dyn Pages>,
    pub(super) cookies: CookiePolicy,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random: Arc<dyn Random>,
    pub(super) request_lifetime: Duration,
    pub(super) login_requests: LoginRequests,
}

#[derive(Clone, Copy)]
enum Endpoint {
    Metadata,
    Login,
    AcsPost,
    AcsGet,
}

impl ServiceProvider {
    /// `/saml/{connection}/{endpoint}`.
    fn route<'p>(&self, method: &Method, path: &'p str) -> Option<(&'p str, Endpoint)> {
        let (id, endpoint) = path.strip_prefix(&self.prefix)?.strip_prefix('/')?.split_once('/')?;
        let endpoint = match (endpoint, method) {
            ("metadata", &(Method::GET | Method::HEAD)) => Endpoint::Metadata,
            ("login", &Method::GET) => Endpoint::Login,
            ("acs", &Method::POST) => Endpoint::AcsPost,
            ("acs", &Method::GET) => Endpoint::AcsGet,
            _ => return None,
        };
        Some((id, endpoint))
    }

    async fn dispatch(&self, request: &Request<Bytes>) -> Result<Response<Body>, LoginError> {
        let route = self.route(request.method(), request.uri().path());
        let (id, endpoint) = route.ok_or(LoginError::ConnectionNotFound)?;
        let connection = self.connections.get(id).ok_or(LoginError::ConnectionNotFound)?;
        match endpoint {
            Endpoint::Metadata => Ok(metadata(self, connection)),
            Endpoint::Login => login(self, connection, request).await,
            Endpoint::AcsPost => acs::receive(self, connection, request).await,
            Endpoint::AcsGet => acs::complete(self, connection, request).await,
        }
    }

    fn refuse(&self, error: &LoginError, reader: Reader) -> Response<Body> {
        let (status, code) = (error.status(), error.code());
        match status {
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::INTERNAL_SERVER_ERROR => {
                tracing::error!(
                    error = error as &dyn std::error::Error,
                    code,
                    "a SAML request failed"
                );
            }
            _ => tracing::info!(%error, code, "a SAML request was refused"),
        }
        let description = sentence(&error.to_string());
        let page = ErrorPage { code, description: &description };
        let mut response = explain(&*self.pages, reader, status, &page);
        if let Some(seconds) = error.retry_after() {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        response
    }

    /// How the identity provider knows us.
    pub(super) fn entity_id(&self, connection: &Connection) -> String {
        self.url(connection, "metadata")
    }

    /// Where the identity provider sends responses.
    pub(super) fn acs_url(&self, connection: &Connection) -> String {
        self.url(connection, "acs")
    }

    /// Where its users log in: a path.
    pub(super) fn login_path(&self, connection: &Connection) -> String {
        format!("{}/{}/login", self.prefix, connection.id)
    }

    fn url(&self, connection: &Connection, endpoint: &str) -> String {
        format!("{}{}/{}/{endpoint}", self.base_url, self.prefix, connection.id)
    }
}

/// An error's text, as a sentence of its own.
fn sentence(text: &str) -> String {
    let mut rest = text.chars();
    let first = rest.next().into_iter().flat_map(char::to_uppercase);
    let end = if text.ends_with('.') { "" } else { "." };
    first.chain(rest.as_str().chars()).chain(end.chars()).collect()
}

impl Role for ServiceProvider {
    fn mount(&self, method: &Method, path: &str) -> Option<Mount> {
        self.route(method, path)?;
        Some(Mount { body_limit: limits::SAML_BODY, own_form: false })
    }

    fn answer(self: Arc<Self>, request: Request<Bytes>) -> BoxFuture<'static, Response<Body>> {
        Box::pin(async move {
            let reader = Reader::of_page(request.headers());
            self.dispatch(&request).await.unwrap_or_else(|error| self.refuse(&error, reader))
        })
    }

    fn reject(&self, rejection: Rejection, reader: Reader) -> Response<Body> {
        reject(&*self.pages, reader, &Rejected::new(rejection))
    }
}
