//! The one guarded client that all outbound requests go through.
//!
//! The addresses it is sent to come from others: a client's `jwks_uri`, a metadata document, a
//! webhook. So that nobody can make the application fetch what only the application can reach
//! (server-side request forgery), it speaks https only, resolves names itself, refuses private
//! and special addresses, connects to the very address it checked, follows no redirects, and
//! bounds the body and the time.
//!
//! ```no_run
//! # async fn example() -> Result<(), donjon::http::EgressError> {
//! use donjon::http::Egress;
//!
//! let egress = Egress::new();
//! let keys = egress.get("https://client.example/jwks.json", "application/json").await?;
//! # let _ = keys; Ok(())
//! # }
//! ```

mod address;
mod connect;
mod lookup;
#[cfg(test)]
pub(crate) mod test_server;

use std::error::Error as StdError;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tokio::time::timeout;
use tower::BoxError;
use url::Url;

use super::Network;
use connect::GuardedConnector;
use lookup::{Resolve, SystemResolver};

/// Bounds of an outbound request, in one place.
mod limits {
    use std::time::Duration;

    /// The longest response body, in bytes.
    pub(in crate::http::egress) const BODY: usize = 256 * 1024;
    /// The longest response head, in bytes.
    pub(in crate::http::egress) const HEAD: usize = 16 * 1024;
    /// Resolving the name and opening the connection, if the caller has as much patience.
    pub(in crate::http::egress) const CONNECT: Duration = Duration::from_secs(10);
    /// The pause before the next address of a name is tried beside those that have not answered (RFC
    /// 8305, section 8).
    pub(in crate::http::egress) const NEXT_ADDRESS: Duration = Duration::from_millis(250);
    /// The most addresses of a name that are tried.
    pub(in crate::http::egress) const ADDRESSES: usize = 16;
    /// The most names that are looked up at the same time, in the whole process, and may be answered
    /// any moment.
    pub(in crate::http::egress) const LOOKUPS: usize = 32;
    /// How long a lookup may take before it gives its place to the next.
    pub(in crate::http::egress) const LOOKUP: Duration = Duration::from_secs(1);
    /// The most lookups with those that gave their place away: each holds a thread until the machine's
    /// resolver gives up, whoever still waits for it. Tokio has 512 of them for everything.
    pub(in crate::http::egress) const LOOKUP_THREADS: usize = 256;
    /// The most of these in one domain.
    pub(in crate::http::egress) const LOOKUPS_OF_DOMAIN: usize = 8;
    /// Everything, from the name to the last byte, unless the caller has more patience.
    pub(in crate::http::egress) const TOTAL: Duration = Duration::from_secs(3);
}

/// Why an outbound request failed. Text made of it is for the log of the host, not for the party
/// that named the address: it would tell them what is inside.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EgressError {
    /// Not an absolute https URL with a host and without user, password and fragment.
    #[error("not an https URL that may be fetched")]
    Url,
    /// The name has no address.
    #[error("{host} has no address")]
    Unresolvable {
        /// The host.
        host: String,
    },
    /// The name leads to a private or special address.
    #[error("{host} leads to {address}, which is not a public address")]
    Forbidden {
        /// The host.
        host: String,
        /// Where it leads.
        address: IpAddr,
    },
    /// Connecting, TLS or HTTP failed.
    #[error("the request failed: {0}")]
    Connect(#[source] BoxError),
    /// It took too long.
    #[error("no answer in time")]
    Timeout,
    /// The answer has a status that was not asked for; redirects are among them.
    #[error("the answer has status {0}")]
    Status(StatusCode),
    /// The body is too long.
    #[error("the answer is longer than {} bytes", limits::BODY)]
    TooLong,
}

/// The roots given are not PEM certificates.
#[derive(Debug, thiserror::Error)]
#[error("the extra roots are not certificates in PEM form: {0}")]
pub struct InvalidRoots(#[source] BoxError);

/// The guarded client. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Egress {
    client: Client<HttpsConnector<GuardedConnector>, Full<Bytes>>,
    patience: Duration,
}

impl Egress {
    /// A client that reaches the public internet, trusting Mozilla's certificate authorities.
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// A client that reaches or trusts more.
    pub fn builder() -> EgressBuilder {
        EgressBuilder { roots: public_roots(), danger_allow: Vec::new() }
    }

    /// The same client, which waits for so long for a whole exchange; three seconds unless set.
    #[must_use]
    pub fn patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Fetches a document: the body of a 200.
    ///
    /// # Errors
    /// [`EgressError`]; any other status is [`EgressError::Status`].
    pub async fn get(&self, url: &str, accept: &'static str) -> Result<Bytes, EgressError> {
        let request = Request::builder()
            .method(Method::GET)
            .uri(url)
            .header(header::ACCEPT, accept)
            .body(Bytes::new())
            .map_err(|_| EgressError::Url)?;
        let response = self.send(request).await?;
        match response.status() {
            StatusCode::OK => Ok(response.into_body()),
            other => Err(EgressError::Status(other)),
        }
    }

    /// Sends a request and reads the whole answer, whatever its status.
    ///
    /// # Errors
    /// [`EgressError`], except [`EgressError::Status`].
    pub async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, EgressError> {
        timeout(self.patience, self.exchange(request)).await.map_err(|_| EgressError::Timeout)?
    }

    /// Sends a request, and reads the head of the answer alone: what comes after it is dropped with
    /// the connection, however long it is.
    ///
    /// # Errors
    /// [`EgressError`], except [`EgressError::Status`] and [`EgressError::TooLong`].
    pub(crate) async fn send_for_head(
        &self,
        request: Request<Bytes>,
    ) -> Result<Response<()>, EgressError> {
        let head = timeout(self.patience, self.request(request));
        Ok(head.await.map_err(|_| EgressError::Timeout)??.map(drop))
    }

    async fn request(&self, request: Request<Bytes>) -> Result<Response<Incoming>, EgressError> {
        let (mut parts, body) = request.into_parts();
        parts.uri = checked_url(&parts.uri.to_string())?;
        let request = Request::from_parts(parts, Full::new(body));
        self.client.request(request).await.map_err(failure)
    }

    async fn exchange(&self, request: Request<Bytes>) -> Result<Response<Bytes>, EgressError> {
        let (parts, body) = self.request(request).await?.into_parts();
        let body = Limited::new(body, limits::BODY).collect().await.map_err(failure)?;
        Ok(Response::from_parts(parts, body.to_bytes()))
    }
}

impl Default for Egress {
    fn default() -> Self {
        Self::new()
    }
}

/// What a guarded client may reach and trust beyond the public.
#[derive(Debug)]
pub struct EgressBuilder {
    roots: rustls::RootCertStore,
    danger_allow: Vec<Network>,
}

impl EgressBuilder {
    /// Lets requests reach these networks although they are private. Whoever may name an address
    /// to the application (a client's `jwks_uri`) can then make it send requests there.
    #[must_use]
    pub fn danger_allow(mut self, networks: impl IntoIterator<Item = Network>) -> Self {
        self.danger_allow.extend(networks);
        self
    }

    /// Trusts these certificate authorities (PEM, one or more) besides the public ones.
    ///
    /// # Errors
    /// [`InvalidRoots`] when there is no certificate, or one that cannot be read.
    pub fn extra_roots(mut self, pem: &[u8]) -> Result<Self, InvalidRoots> {
        let before = self.roots.len();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|error| InvalidRoots(error.into()))?;
            self.roots.add(certificate).map_err(|error| InvalidRoots(error.into()))?;
        }
        if self.roots.len() == before {
            return Err(InvalidRoots("there is none".into()));
        }
        Ok(self)
    }

    /// The client.
    pub fn build(self) -> Egress {
        self.with_resolver(Arc::new(SystemResolver))
    }

    #[expect(clippy::expect_used, reason = "aws-lc supports the default TLS versions")]
    fn with_resolver(self, resolver: Arc<dyn Resolve>) -> Egress {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("TLS 1.2 and 1.3")
            .with_root_certificates(self.roots)
            .with_no_client_auth();
        let guarded = GuardedConnector { resolver, danger_allow: self.danger_allow.into() };
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_only()
            .enable_http1()
            .wrap_connector(guarded);
        let client = Client::builder(TokioExecutor::new())
            // A kept connection would outlive the check of its address.
            .pool_max_idle_per_host(0)
            .retry_canceled_requests(false)
            .http1_max_buf_size(limits::HEAD)
            .build(connector);
        Egress { client, patience: limits::TOTAL }
    }
}

fn public_roots() -> rustls::RootCertStore {
    webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect()
}

/// Whether a URL has a form that [`Egress`] fetches, so that one that never will be is refused when
/// it is registered. Where it leads is looked at when it is fetched.
pub(crate) fn is_fetchable(url: &str) -> bool {
    checked_url(url).is_ok()
}

/// The URL as browsers and we both read it: `https://0x7f.1/` is 127.0.0.1 here already.
fn checked_url(text: &str) -> Result<http::Uri, EgressError> {
    let url = Url::parse(text).map_err(|_| EgressError::Url)?;
    let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    if url.scheme() != "https" || !url.has_host() || !plain {
        return Err(EgressError::Url);
    }
    url.as_str().parse().map_err(|_| EgressError::Url)
}

/// Finds our own reason in what the HTTP client made of it.
fn failure(error: impl Into<BoxError>) -> EgressError {
    let error = error.into();
    let mut cause: Option<&(dyn StdError + 'static)> = Some(&*error);
    while let Some(current) = cause {
        if current.is::<LengthLimitError>() {
            return EgressError::TooLong;
        }
        match current.downcast_ref::<EgressError>() {
            Some(EgressError::Forbidden { host, address }) => {
                return EgressError::Forbidden { host: host.clone(), address: *address };
            }
            Some(EgressError::Unresolvable { host }) => {
                return EgressError::Unresolvable { host: host.clone() };
            }
            Some(EgressError::Timeout) => return EgressError::Timeout,
            Some(EgressError::Url) => return EgressError::Url,
            _ => cause = current.source(),
        }
    }
    EgressError::Connect(error)
}

#[cfg(test)]
mod tests;
