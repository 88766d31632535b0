//! The peer of a request, as axum's server says it.

use std::net::{IpAddr, SocketAddr};

use axum::extract::ConnectInfo;
use http::Extensions;

use super::PeerAddr;

impl PeerAddr {
    /// What `into_make_service_with_connect_info::<SocketAddr>()` puts into each request.
    pub(super) fn of_router(extensions: &Extensions) -> Option<IpAddr> {
        extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip())
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;
    use crate::http::TrustedProxies;

    #[test]
    fn what_axum_says_of_the_peer_is_taken_where_nothing_else_is_said() {
        let proxies = TrustedProxies::new(["10.0.0.0/8".parse().unwrap()]);
        let mut extensions = Extensions::new();
        let mut headers = HeaderMap::new();
        headers.append("x-forwarded-for", "198.51.100.1".parse().unwrap());
        let seen = |extensions: &Extensions| proxies.client_addr(&headers, extensions);
        let address = |text: &str| Some(text.parse().unwrap());
        assert_eq!(seen(&extensions), None);
        extensions.insert(ConnectInfo(SocketAddr::from(([203, 0, 113, 9], 50_000))));
        assert_eq!(seen(&extensions), address("203.0.113.9"), "who is no proxy is not believed");
        extensions.insert(ConnectInfo(SocketAddr::from(([10, 0, 0, 1], 50_000))));
        assert_eq!(seen(&extensions), address("198.51.100.1"));
        extensions.insert(PeerAddr([192, 0, 2, 7].into()));
        assert_eq!(seen(&extensions), address("192.0.2.7"), "ours goes first");
    }
}
