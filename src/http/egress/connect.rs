//! The TCP half of a guarded connection: resolve, check every address, connect to one of those.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use http::Uri;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tower_service::Service;

use super::address::is_allowed;
use super::lookup::Resolve;
use super::{EgressError, limits};
use crate::http::Network;

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
        let addresses = by_turns(self.checked_addresses(host).await?);
        match race(addresses, |address| TcpStream::connect(SocketAddr::new(address, port))).await {
            Ok(stream) => Ok(TokioIo::new(stream)),
            Err(Some(error)) => Err(EgressError::Connect(Box::new(error))),
            Err(None) => Err(EgressError::Unresolvable { host: host.to_owned() }),
        }
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

/// The addresses that are tried: those of either family by turns, in the resolver's order (RFC 8305,
/// section 4).
fn by_turns(addresses: Vec<IpAddr>) -> Vec<IpAddr> {
    let first = addresses.first().is_some_and(IpAddr::is_ipv6);
    let (one, other): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|address| address.is_ipv6() == first);
    let most = one.len().max(other.len());
    let turn = |turn: usize| one.get(turn).into_iter().chain(other.get(turn)).copied();
    (0..most).flat_map(turn).take(limits::ADDRESSES).collect()
}

/// The first connection that stands: the next address is tried when one fails, or has not answered
/// for a moment, so that a broken route to one does not hide another (RFC 8305, section 5). The last
/// error if none stands.
async fn race<T, F>(
    addresses: Vec<IpAddr>,
    dial: impl Fn(IpAddr) -> F,
) -> Result<T, Option<io::Error>>
where
    F: Future<Output = io::Result<T>>,
{
    let mut waiting = addresses.into_iter();
    let mut dialled = FuturesUnordered::new();
    let mut refused = None;
    loop {
        dialled.extend(waiting.next().map(&dial));
        let answered = if waiting.len() > 0 {
            timeout(limits::NEXT_ADDRESS, dialled.next()).await
        } else {
            Ok(dialled.next().await)
        };
        match answered {
            Ok(Some(Ok(connected))) => return Ok(connected),
            Ok(Some(Err(error))) => refused = Some(error),
            Ok(None) => return Err(refused),
            Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

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

    const BROKEN: &str = "2001:db8::1";
    const GOOD: &str = "192.0.2.1";

    fn addresses(list: &[&str]) -> Vec<IpAddr> {
        list.iter().map(|text| text.parse().unwrap()).collect()
    }

    /// Connects to [`GOOD`] after a while; [`BROKEN`] and others like it swallow what they are sent.
    async fn dialled(address: IpAddr) -> io::Result<IpAddr> {
        if address != GOOD.parse::<IpAddr>().unwrap() {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        Ok(address)
    }

    #[tokio::test(start_paused = true)]
    async fn a_broken_route_to_one_address_does_not_hide_another() {
        for list in [vec![BROKEN, GOOD], vec![GOOD, BROKEN], vec![BROKEN, "2001:db8::2", GOOD]] {
            let found = race(by_turns(addresses(&list)), dialled);
            let found = timeout(Duration::from_millis(900), found).await.unwrap().unwrap();
            assert_eq!(found, GOOD.parse::<IpAddr>().unwrap(), "{list:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_that_refuses_gives_way_at_once_and_the_last_refusal_is_told() {
        let refuse =
            async |_: IpAddr| Err::<(), _>(io::Error::from(io::ErrorKind::ConnectionRefused));
        let refused = race(addresses(&[BROKEN, GOOD]), refuse);
        let refused = timeout(Duration::from_millis(1), refused).await.unwrap().unwrap_err();
        assert_eq!(refused.unwrap().kind(), io::ErrorKind::ConnectionRefused);
        assert!(race(Vec::new(), dialled).await.unwrap_err().is_none());
    }

    #[test]
    fn the_families_take_turns_and_no_name_has_too_many_addresses() {
        let mixed = addresses(&["2001:db8::1", "2001:db8::2", "192.0.2.1"]);
        let turns = addresses(&["2001:db8::1", "192.0.2.1", "2001:db8::2"]);
        assert_eq!(by_turns(mixed), turns);
        let many = (0..200).map(|n| IpAddr::from([192, 0, 2, n])).collect();
        assert_eq!(by_turns(many).len(), limits::ADDRESSES);
    }

    /// Answers after a while, as a resolver does that has to ask others first.
    struct Slow(Duration);

    impl Resolve for Slow {
        fn resolve(&self, _: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
            let pause = self.0;
            Box::pin(async move {
                tokio::time::sleep(pause).await;
                Ok(vec!["127.0.0.1".parse().unwrap()])
            })
        }
    }

    #[tokio::test]
    async fn a_slow_resolver_leaves_time_to_connect() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let slow = GuardedConnector {
            resolver: Arc::new(Slow(Duration::from_millis(1_200))),
            danger_allow: ["127.0.0.1/32".parse().unwrap()].into(),
        };
        let uri = format!("https://slow.example:{}/", at.port());
        assert_eq!(dial(slow, &uri).await.unwrap(), at);
    }
}
