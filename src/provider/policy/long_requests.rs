use time::Duration;

use crate::store::RateLimit;

/// How often an authorization request may be so long (over about 3 KB) that it does not fit into a
/// cookie. It is then kept in the store until its interaction is over, and anybody can send one; so
/// one that goes beyond a limit is answered 429. Short requests are never limited by this.
///
/// One takes at most about 16 KB, so that by default at most 350 MB are in the store at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LongRequests {
    /// By one network: an IPv4 address, or an IPv6 network of 56 bits. 60 in 10 minutes by
    /// default.
    pub per_network: RateLimit,
    /// By all together. 3 000 in 10 minutes by default.
    pub in_all: RateLimit,
}

impl Default for LongRequests {
    fn default() -> Self {
        let window = Duration::minutes(10);
        Self {
            per_network: RateLimit { times: 60, window },
            in_all: RateLimit { times: 3_000, window },
        }
    }
}
