use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use http::Extensions;
use http::HeaderMap;

/// The address at the other end of the connection. The server that accepts connections puts it
/// into each request's extensions; nothing else is believed. With feature `axum`, what
/// `into_make_service_with_connect_info::<SocketAddr>()` puts there does as well, where this is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerAddr(pub IpAddr);

/// The client certificate (DER) of the TLS connection, whose key the other end has proven to hold;
/// nobody has judged what it is worth. The server that accepts connections puts it into each
/// request's extensions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerCertificate(pub Bytes);

/// A network in CIDR notation, such as `10.0.0.0/8` or `fd00::/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

/// The text is not a network in CIDR notation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a network in CIDR notation, such as 10.0.0.0/8 or fd00::/8")]
pub struct InvalidNetwork;

/// The bits of an IPv6 address that one customer of a provider has at most, by custom.
const CUSTOMER: u8 = 56;

impl Network {
    /// The network that somebody at this address can be taken to have all addresses of: an IPv4
    /// address alone, an IPv6 address with the 2^72 around it.
    pub fn around(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self { address: address.into(), prefix: 32 },
            IpAddr::V6(address) => {
                let host = 128 - u32::from(CUSTOMER);
                let bits = address.to_bits() >> host << host;
                Self { address: Ipv6Addr::from_bits(bits).into(), prefix: CUSTOMER }
            }
        }
    }

    /// Whether the address lies in this network. An IPv4 address mapped into IPv6 is the IPv4
    /// address it stands for.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                leading_bits(network.to_bits().into(), 32, self.prefix)
                    == leading_bits(address.to_bits().into(), 32, self.prefix)
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                leading_bits(network.to_bits(), 128, self.prefix)
                    == leading_bits(address.to_bits(), 128, self.prefix)
            }
            _ => false,
        }
    }
}

fn leading_bits(address: u128, width: u32, prefix: u8) -> u128 {
    address.checked_shr(width - u32::from(prefix)).unwrap_or(0)
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

impl FromStr for Network {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        let (address, prefix) = text.split_once('/').ok_or(InvalidNetwork)?;
        let address: IpAddr = address.parse().map_err(|_| InvalidNetwork)?;
        let prefix: u8 = prefix.parse().map_err(|_| InvalidNetwork)?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        if prefix > width { Err(InvalidNetwork) } else { Ok(Self { address, prefix }) }
    }
}

/// The proxies in front of the application, whose `X-Forwarded-For` is believed.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies {
    networks: Vec<Network>,
    /// Whether the host was told of a proxy that is missing.
    told: Arc<OnceLock<()>>,
}

impl TrustedProxies {
    /// Believes these networks' proxies.
    pub fn new(networks: impl IntoIterator<Item = Network>) -> Self {
        Self { networks: networks.into_iter().collect(), told: Arc::default() }
    }

    /// The client's address: the peer's own, unless the peer is a trusted proxy; then the last
    /// address in `X-Forwarded-For` that is not a trusted proxy's. `None` if the
    /// server says nothing of the peer: see [`PeerAddr`].
    ///
    /// A peer in a private network, or on this computer, that forwards requests and is not trusted looks
    /// like a proxy that nobody declared, behind which all visitors have one address. The log warns of the
    /// first.
    pub fn client_addr(&self, headers: &HeaderMap, extensions: &Extensions) -> Option<IpAddr> {
        let peer = peer_of(extensions)?;
        if !self.trusts(peer) {
            if forwards(peer, headers) && self.told.set(()).is_ok() {
                tell_host(peer);
            }
            return Some(peer.to_canonical());
        }
        let forwarded = headers.get_all("x-forwarded-for").iter().rev();
        let hops = forwarded.flat_map(|value| value.as_bytes().rsplit(|byte| *byte == b','));
        let mut client = peer;
        for hop in hops {
            // A hop that is no address, or no text at all, was made up by the client or a broken
            // proxy: what is left of it is worth nothing. What is right of it still counts.
            let text = str::from_utf8(hop).unwrap_or_default();
            let Ok(address) = text.trim().parse::<IpAddr>() else { break };
            client = address;
            if !self.trusts(address) {
                break;
            }
        }
        Some(client.to_canonical())
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(address))
    }
}

/// Whether somebody who is not trusted seems to be a proxy of the host's. From anywhere else the headers are
/// what anybody may write.
fn forwards(peer: IpAddr, headers: &HeaderMap) -> bool {
    let is_near = match peer.to_canonical() {
        IpAddr::V4(peer) => peer.is_loopback() || peer.is_private() || peer.is_link_local(),
        IpAddr::V6(peer) => {
            peer.is_loopback() || peer.is_unique_local() || peer.is_unicast_link_local()
        }
    };
    is_near && ["x-forwarded-for", "forwarded"].iter().any(|name| headers.contains_key(*name))
}

fn tell_host(peer: IpAddr) {
    tracing::warn!(
        %peer,
        "requests come with X-Forwarded-For or Forwarded from a private address that is no trusted \
         proxy: if it is a proxy of yours, all visitors behind it have its address, and share the \
         limits of one network; declare it by `trusted_proxies` (of the session layer, and of the \
         authorization server), and have it send X-Forwarded-For"
    );
}

/// The other end of the connection, as the server says it.
fn peer_of(extensions: &Extensions) -> Option<IpAddr> {
    let ours = extensions.get::<PeerAddr>().map(|PeerAddr(peer)| *peer);
    ours.or_else(|| PeerAddr::of_router(extensions))
}

#[cfg(not(feature = "axum"))]
impl PeerAddr {
    fn of_router(_: &Extensions) -> Option<IpAddr> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, forwarded: &[&str]) -> Option<IpAddr> {
        let trusted =
            TrustedProxies::new(["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()]);
        let mut extensions = Extensions::new();
        extensions.insert(PeerAddr(peer.parse().unwrap()));
        let headers = forwarded
            .iter()
            .map(|value| ("x-forwarded-for".parse().unwrap(), value.parse().unwrap()))
            .collect();
        trusted.client_addr(&headers, &extensions)
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        for (peer, forwarded, expected) in [
            ("203.0.113.9", vec!["198.51.100.1"], "203.0.113.9"),
            ("10.0.0.1", vec!["198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", vec!["1.1.1.1, 198.51.100.1, 10.2.2.2"], "198.51.100.1"),
            ("10.0.0.1", vec!["1.1.1.1", "198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", vec!["198.51.100.1, nonsense"], "10.0.0.1"),
            ("10.0.0.1", vec![], "10.0.0.1"),
            ("::ffff:10.0.0.1", vec!["2001:db8::1"], "2001:db8::1"),
            ("fd00::1", vec!["::ffff:198.51.100.1"], "198.51.100.1"),
        ] {
            assert_eq!(client(peer, &forwarded), Some(expected.parse().unwrap()), "{peer}");
        }
        assert_eq!(
            TrustedProxies::default().client_addr(&HeaderMap::new(), &Extensions::new()),
            None
        );
    }

    /// In front of a loopback or private address is a proxy of the host's, or nobody.
    #[test]
    fn a_proxy_that_nobody_declared_is_noticed() {
        for (peer, header, noticed) in [
            ("127.0.0.1", Some("x-forwarded-for"), true),
            ("::1", Some("forwarded"), true),
            ("172.17.0.1", Some("x-forwarded-for"), true),
            ("::ffff:192.168.1.1", Some("x-forwarded-for"), true),
            ("fd00::1", Some("x-forwarded-for"), true),
            ("fe80::1", Some("x-forwarded-for"), true),
            ("172.17.0.1", Some("x-real-ip"), false),
            ("172.17.0.1", None, false),
            ("203.0.113.9", Some("x-forwarded-for"), false),
            ("2001:db8::1", Some("forwarded"), false),
        ] {
            let header = header.map(|name| (name.parse().unwrap(), "1.1.1.1".parse().unwrap()));
            let headers: HeaderMap = header.into_iter().collect();
            assert_eq!(forwards(peer.parse().unwrap(), &headers), noticed, "{peer} {headers:?}");
        }
    }

    /// A proxy adds what it saw to the last line, whatever the client wrote there; a client that
    /// writes what is no text must not make that line, and with it the truth, disappear.
    #[test]
    fn what_a_proxy_saw_is_not_hidden_by_what_a_client_wrote() {
        let trusted = TrustedProxies::new(["10.0.0.0/8".parse().unwrap()]);
        let mut extensions = Extensions::new();
        extensions.insert(PeerAddr("10.0.0.1".parse().unwrap()));
        let mut headers = HeaderMap::new();
        headers.append("x-forwarded-for", "1.1.1.1".parse().unwrap());
        let line = http::HeaderValue::from_bytes(b"\xFF, 198.51.100.1").unwrap();
        headers.append("x-forwarded-for", line);
        let seen = trusted.client_addr(&headers, &extensions);
        assert_eq!(seen, Some("198.51.100.1".parse().unwrap()));
    }

    #[test]
    fn somebody_with_many_addresses_is_one() {
        for (address, network) in [
            ("203.0.113.9", "203.0.113.9/32"),
            ("::ffff:203.0.113.9", "203.0.113.9/32"),
            ("2001:db8:1:2ff:3::4", "2001:db8:1:200::/56"),
            ("2001:db8:1:200::", "2001:db8:1:200::/56"),
            ("2001:db8:1:300::", "2001:db8:1:300::/56"),
        ] {
            let around = Network::around(address.parse().unwrap());
            assert_eq!(around.to_string(), network);
            assert!(around.contains(address.parse().unwrap()));
            assert_eq!(network.parse(), Ok(around));
        }
    }

    #[test]
    fn networks_have_edges() {
        let network: Network = "192.168.4.0/22".parse().unwrap();
        assert!(network.contains("192.168.7.255".parse().unwrap()));
        assert!(!network.contains("192.168.8.0".parse().unwrap()));
        assert!("0.0.0.0/0".parse::<Network>().unwrap().contains("8.8.8.8".parse().unwrap()));
        for bad in ["10.0.0.0", "10.0.0.0/33", "::/129", "x/8", "10.0.0.0/-1"] {
            assert!(bad.parse::<Network>().is_err());
        }
    }
}
