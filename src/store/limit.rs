use async_trait::async_trait;
use time::{Duration, OffsetDateTime};

use super::Result;

/// The most limits that one request is counted against.
pub const MAX_LIMITS: usize = 4;

/// A bound on how often something may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// How many times…
    pub times: u32,
    /// …in this window, which begins with the first of them.
    pub window: Duration,
}

/// One more use of what a limit counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitUse {
    /// What is counted: a name that no other kind of use has, and whom it is counted for.
    pub key: String,
    /// How often it may be.
    pub limit: RateLimit,
}

/// How often something has happened in the window at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitCount {
    /// So many times, this one included.
    pub times: u32,
    /// When the window ends.
    pub until: OffsetDateTime,
}

impl LimitCount {
    /// Whether that is too often.
    pub fn is_over(&self, limit: RateLimit) -> bool {
        self.times > limit.times
    }
}

/// Transitions of limits.
#[async_trait]
pub trait LimitStore: std::fmt::Debug + Send + Sync + 'static {
    /// Counts one more use of each, in this order, as long as none is over its limit: what one limit
    /// refuses does not count for those after it. Answers the counts; if there are fewer than uses,
    /// or the last one is over its limit, the request is refused. At most [`MAX_LIMITS`] are
    /// counted. Keys that stand at one place must not stand at an earlier one in another call.
    async fn count_uses(&self, uses: &[LimitUse], now: OffsetDateTime) -> Result<Vec<LimitCount>>;
}
