use std::net::IpAddr;

use time::Duration;

use crate::http::Network;
use crate::store::{LimitUse, RateLimit};

/// How often a login may be begun (`/saml/{connection}/login`). Each time, what is to be answered is
/// kept in the store until the login is over, and anybody can begin one; so one that goes beyond a
/// limit is answered 429.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoginRequests {
    /// By one network: an IPv4 address, or an IPv6 network of 56 bits. 3 000 in 10 minutes by
    /// default: a whole company may be behind one address. It needs the address that the
    /// [`SessionLayer`](crate::session::SessionLayer) saw, from the server's
    /// [`PeerAddr`](crate::http::PeerAddr) and its trusted proxies; without one it does not hold.
    pub per_network: RateLimit,
    /// By all together. 100 000 in 10 minutes by default.
    pub in_all: RateLimit,
}

impl Default for LoginRequests {
    fn default() -> Self {
        let window = Duration::minutes(10);
        Self {
            per_network: RateLimit { times: 3_000, window },
            in_all: RateLimit { times: 100_000, window },
        }
    }
}

impl LoginRequests {
    /// What a login that somebody at this address begins is counted as.
    pub(super) fn uses(&self, address: Option<IpAddr>) -> Vec<LimitUse> {
        let network = address.map(|address| LimitUse {
            key: format!("saml-login:{}", Network::around(address)),
            limit: self.per_network,
        });
        let all = LimitUse { key: "saml-logins".to_owned(), limit: self.in_all };
        network.into_iter().chain([all]).collect()
    }
}
