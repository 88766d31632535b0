//! The TCP half of a guarded connection: resolve, check every address, connect to one of those.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use http::Uri;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tower_service::Service;

use super::address::is_allowed;
use super::{EgressError, limits};
use crate::http::Network;

/// Who turns a host name into addresses.
pub(super) trait Resolve: Send + Sync + 'static {
    /// All addresses of `host`.
    fn resolve(&self, host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>>;
}

/// The machine's resolver.
pub(super) struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        Box::pin(async move {
            let addresses = tokio::net::lookup_host((host, 0)).await?;
            Ok(addresses.map(|address| address.ip()).collect())
        })
    }
}

/// Connects to checked addresses only. The name is resolved once, and the socket is opened to
/// the very address that was checked: a name that answers differently the next time (DNS
/// rebinding) is never asked a next time.
#[derive(Clone)]
pub(super) struct GuardedConnector {
    pub(super) resolver: Arc<dyn Resolve>,
    pub(super) danger_allow: Arc<[Network]>,
}

impl Service<Uri> for GuardedConnector {
    type Response = TokioIo<TcpStream>;
    type Error = EgressError;
    type Future = BoxFuture<'static, Result<TokioIo<TcpStream>, EgressError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), EgressError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let this = self.clone();
        Box::pin(async move {
            timeout(limits::CONNECT, this.connect(&uri)).await.map_err(|_| EgressError::Timeout)?
        })
    }
}

impl GuardedConnector {
    async fn connect(&self, uri: &Uri) -> Result<TokioIo<TcpStream>, EgressError> {
        let host = uri.host().ok_or(EgressError::Url)?;
        let port = uri.port_u16().unwrap_or(443);
        let mut refused = EgressError::Unresolvable { host: host.to_owned() };
        for address in self.checked_addresses(host).await? {
            match TcpStream::connect(SocketAddr::new(address, port)).await {
                Ok(stream) => return Ok(TokioIo::new(stream)),
                Err(error) => refused = EgressError::Connect(Box::new(error)),
            }
        }
        Err(refused)
    }

    /// The addresses of `host`. One that may not be reached spoils them all: no honest name has
    /// both kinds.
    async fn checked_addresses(&self, host: &str) -> Result<Vec<IpAddr>, EgressError> {
        let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        let addresses = match literal {
            Ok(address) => vec![address],
            Err(_) => self
                .resolver
                .resolve(host.to_owned())
                .await
                .map_err(|_| EgressError::Unresolvable { host: host.to_owned() })?,
        };
        match addresses.iter().find(|address| !is_allowed(**address, &self.danger_allow)) {
            Some(address) => {
                Err(EgressError::Forbidden { host: host.to_owned(), address: *address })
            }
            None => Ok(addresses),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::net::TcpListener;

    use super::*;

    /// Answers with the next list each time it is asked.
    struct Answers(Vec<Vec<&'static str>>, AtomicUsize);

    impl Resolve for Answers {
        fn resolve(&self, _: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
            let turn = self.1.fetch_add(1, Ordering::SeqCst);
            let answer = self.0[turn].iter().map(|text| text.parse().unwrap()).collect();
            Box::pin(async move { Ok(answer) })
        }
    }

    fn connector(answers: Vec<Vec<&'static str>>, allow: &[&str]) -> GuardedConnector {
        GuardedConnector {
            resolver: Arc::new(Answers(answers, AtomicUsize::new(0))),
            danger_allow: allow.iter().map(|network| network.parse().unwrap()).collect(),
        }
    }

    async fn dial(mut connector: GuardedConnector, uri: &str) -> Result<SocketAddr, EgressError> {
        let stream = connector.call(uri.parse().unwrap()).await?;
        Ok(stream.inner().peer_addr().unwrap())
    }

    #[tokio::test]
    async fn one_private_address_among_public_ones_spoils_the_name() {
        let mixed = connector(vec![vec!["8.8.8.8", "10.0.0.1"]], &[]);
        let error = dial(mixed, "https://mixed.example/").await.unwrap_err();
        assert!(matches!(error, EgressError::Forbidden { address, .. }
            if address == "10.0.0.1".parse::<IpAddr>().unwrap()));
    }

    #[tokio::test]
    async fn address_literals_are_checked_too() {
        for host in ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254"] {
            let uri = format!("https://{host}/");
            let error = dial(connector(vec![], &[]), &uri).await.unwrap_err();
            assert!(matches!(error, EgressError::Forbidden { .. }), "{host}: {error}");
        }
    }

    #[tokio::test]
    async fn the_connection_goes_to_the_address_that_was_checked() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        // The second answer would be somewhere else; there is no second question.
        let rebinding = connector(vec![vec!["127.0.0.1"], vec!["127.0.0.2"]], &["127.0.0.1/32"]);
        let uri = format!("https://rebinding.example:{}/", at.port());
        assert_eq!(dial(rebinding, &uri).await.unwrap(), at);
    }

    #[tokio::test]
    async fn a_name_without_addresses_is_unresolvable() {
        let error = dial(connector(vec![vec![]], &[]), "https://none.example/").await.unwrap_err();
        assert!(matches!(error, EgressError::Unresolvable { .. }));
    }
}
