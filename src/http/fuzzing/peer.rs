use std::net::{IpAddr, Ipv4Addr};

use http::header::{HeaderName, HeaderValue};
use http::{Extensions, HeaderMap};

use super::headers;
use crate::fuzzing::{Input, Outcome};
use crate::http::{Network, PeerAddr, TrustedProxies};

const FORWARDED: HeaderName = HeaderName::from_static("x-forwarded-for");
/// Where the request really came from, as the outermost proxy saw.
const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 7));
const PROXY: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));

/// Whatever a client says about where it comes from, what our own proxies saw is believed; without
/// a proxy nothing is. A network holds its own address, and what begins like it.
///
/// Each line is an `X-Forwarded-For` header of the client's; the first also a network.
pub fn peer(data: &[u8]) -> Outcome {
    let said = headers(&FORWARDED, Input::new(data));
    assert_eq!(client_addr(CLIENT, &said), Some(CLIENT));
    for proxy in [adds_a_line, adds_to_the_last_line, joins_all_lines, is_behind_another] {
        let forwarded = proxy(said.clone());
        assert_eq!(client_addr(PROXY, &forwarded), Some(CLIENT), "{forwarded:?}");
    }
    // A trusted peer that adds nothing can only pass on what was said, or be taken for the client.
    let believed = client_addr(PROXY, &said);
    let addresses =
        said.get_all(FORWARDED).iter().flat_map(|value| value.as_bytes().split(is_comma));
    let mut addresses = addresses.filter_map(|hop| {
        str::from_utf8(hop).ok()?.trim().parse::<IpAddr>().ok().map(|a| a.to_canonical())
    });
    assert!(believed == Some(PROXY) || addresses.any(|address| Some(address) == believed));

    let network = str::from_utf8(Input::new(data).line()).ok();
    Outcome::accepted(network.is_some_and(holds_its_own))
}

fn client_addr(peer: IpAddr, headers: &HeaderMap) -> Option<IpAddr> {
    let Ok(ours) = "10.0.0.0/8".parse::<Network>() else { return None };
    let mut extensions = Extensions::new();
    extensions.insert(PeerAddr(peer));
    TrustedProxies::new([ours]).client_addr(headers, &extensions)
}

fn is_comma(byte: &u8) -> bool {
    *byte == b','
}

fn adds_a_line(mut headers: HeaderMap) -> HeaderMap {
    headers.append(FORWARDED, value(CLIENT.to_string().as_bytes()));
    headers
}

fn adds_to_the_last_line(headers: HeaderMap) -> HeaderMap {
    let mut lines: Vec<HeaderValue> = headers.get_all(FORWARDED).iter().cloned().collect();
    let last = lines.pop();
    let seen = CLIENT.to_string();
    lines.push(match last {
        Some(last) => value(&[last.as_bytes(), b", ", seen.as_bytes()].concat()),
        None => value(seen.as_bytes()),
    });
    lines.into_iter().map(|line| (FORWARDED, line)).collect()
}

fn joins_all_lines(headers: HeaderMap) -> HeaderMap {
    let seen = CLIENT.to_string();
    let lines = headers.get_all(FORWARDED).iter().map(HeaderValue::as_bytes);
    let lines: Vec<&[u8]> = lines.chain([seen.as_bytes()]).collect();
    HeaderMap::from_iter([(FORWARDED, value(&lines.join(&b", "[..])))])
}

fn is_behind_another(headers: HeaderMap) -> HeaderMap {
    let mut headers = adds_to_the_last_line(headers);
    headers.append(FORWARDED, HeaderValue::from_static("10.200.0.9"));
    headers
}

fn value(bytes: &[u8]) -> HeaderValue {
    HeaderValue::from_bytes(bytes).unwrap_or_else(|_| HeaderValue::from_static(""))
}

fn holds_its_own(text: &str) -> bool {
    let Ok(network) = text.parse::<Network>() else { return false };
    let parts = text.split_once('/').map(|(address, prefix)| (address.parse(), prefix.parse()));
    let Some((Ok(address), Ok(prefix))) = parts else { panic!("{text:?} is no network") };
    let address: IpAddr = address;
    let prefix: usize = prefix;
    // An IPv4 address in IPv6 clothes is IPv4, so that a network of such holds nothing.
    let own = address.to_canonical() == address;
    assert_eq!(network.contains(address), own, "{text}");
    for at in 0..bits(address) {
        let neighbour = flip(address, at);
        let inside = at >= prefix && neighbour.to_canonical() == neighbour;
        assert_eq!(network.contains(neighbour), inside, "{text} and {neighbour}");
    }
    true
}

fn bits(address: IpAddr) -> usize {
    if address.is_ipv4() { 32 } else { 128 }
}

/// The address with one of its bits, counted from the first, turned over.
fn flip(address: IpAddr, at: usize) -> IpAddr {
    match address {
        IpAddr::V4(v4) => Ipv4Addr::from_bits(v4.to_bits() ^ (1 << (31 - at))).into(),
        IpAddr::V6(v6) => std::net::Ipv6Addr::from_bits(v6.to_bits() ^ (1 << (127 - at))).into(),
    }
}
