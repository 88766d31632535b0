use std::sync::Arc;

use time::{Duration, OffsetDateTime};

use super::cookie::SessionCookie;
use super::data::DataStore;
use crate::crypto::{Clock, Random};
use crate::http::TrustedProxies;
use crate::store::SessionStore;

/// How long sessions live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lifetimes {
    /// An ordinary session is over when it was not used for this long: 30 minutes.
    pub idle: Duration,
    /// An ordinary session is over at this age in any case: 24 hours.
    pub absolute: Duration,
    /// A remembered session is over at this age, used or not: 60 days.
    pub remembered: Duration,
    /// A login may do sensitive things for this long: 5 minutes.
    pub fresh: Duration,
    /// Activity is written at most this often: every 5 minutes.
    pub activity: Duration,
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self {
            idle: Duration::minutes(30),
            absolute: Duration::hours(24),
            remembered: Duration::days(60),
            fresh: Duration::minutes(5),
            activity: Duration::minutes(5),
        }
    }
}

impl Lifetimes {
    pub(super) fn idle_end(&self, remembered: bool, now: OffsetDateTime) -> Option<OffsetDateTime> {
        (!remembered).then(|| now + self.idle)
    }

    pub(super) fn end(&self, remembered: bool, now: OffsetDateTime) -> OffsetDateTime {
        now + if remembered { self.remembered } else { self.absolute }
    }
}

/// What all requests of a layer share.
#[derive(Debug)]
pub(super) struct Config {
    pub(super) store: Arc<dyn SessionStore>,
    pub(super) data: DataStore,
    pub(super) cookie: SessionCookie,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random: Arc<dyn Random>,
    pub(super) lifetimes: Lifetimes,
    pub(super) proxies: TrustedProxies,
}
