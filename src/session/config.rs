use std::sync::Arc;

use time::{Duration, OffsetDateTime};

use super::cookie::SessionCookie;
use super::data::DataStore;
use super::users::Users;
use crate::crypto::{Clock, Random};
use crate::http::TrustedProxies;
use crate::page::Pages;
use crate::store::{Login, SessionStore};

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
    /// A session in which an administrator acts as the user is over when it was not used for this
    /// long: 15 minutes.
    pub impersonation_idle: Duration,
    /// A session in which an administrator acts as the user is over at this age in any case: 30
    /// minutes.
    pub impersonation: Duration,
    /// A login may do sensitive things for this long: 5 minutes.
    pub fresh: Duration,
    /// Activity is written at most this often: every 5 minutes; and, since it must be written while
    /// there is time, as often as half the idle limit asks for.
    pub activity: Duration,
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self {
            idle: Duration::minutes(30),
            absolute: Duration::hours(24),
            remembered: Duration::days(60),
            impersonation_idle: Duration::minutes(15),
            impersonation: Duration::minutes(30),
            fresh: Duration::minutes(5),
            activity: Duration::minutes(5),
        }
    }
}

/// Which of the lifetimes a session has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SessionKind {
    Ordinary,
    Remembered,
    Impersonation,
}

impl SessionKind {
    pub(super) fn of(login: Option<&Login>, remembered: bool) -> Self {
        match login {
            Some(Login { impersonator: Some(_), .. }) => Self::Impersonation,
            _ if remembered => Self::Remembered,
            _ => Self::Ordinary,
        }
    }
}

impl Lifetimes {
    fn idle(&self, kind: SessionKind) -> Option<Duration> {
        match kind {
            SessionKind::Ordinary => Some(self.idle),
            SessionKind::Remembered => None,
            SessionKind::Impersonation => Some(self.impersonation_idle),
        }
    }

    pub(super) fn idle_end(
        &self,
        kind: SessionKind,
        now: OffsetDateTime,
    ) -> Option<OffsetDateTime> {
        self.idle(kind).map(|idle| now.saturating_add(idle))
    }

    pub(super) fn end(&self, kind: SessionKind, now: OffsetDateTime) -> OffsetDateTime {
        now.saturating_add(match kind {
            SessionKind::Ordinary => self.absolute,
            SessionKind::Remembered => self.remembered,
            SessionKind::Impersonation => self.impersonation,
        })
    }

    /// Until when a login that was proven at this time may do sensitive things.
    pub(super) fn fresh_until(&self, at: OffsetDateTime) -> OffsetDateTime {
        at.saturating_add(self.fresh)
    }

    /// Whether the activity of a session that was last written then is to be written now.
    pub(super) fn is_due(
        &self,
        kind: SessionKind,
        last: OffsetDateTime,
        now: OffsetDateTime,
    ) -> bool {
        let in_time = self.idle(kind).map_or(self.activity, |idle| idle / 2);
        now - last >= self.activity.min(in_time)
    }
}

/// What all requests of a layer share.
#[derive(Debug)]
pub(super) struct Config {
    pub(super) store: Arc<dyn SessionStore>,
    pub(super) users: Users,
    pub(super) data: DataStore,
    pub(super) cookie: SessionCookie,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random: Arc<dyn Random>,
    pub(super) lifetimes: Lifetimes,
    /// How many live sessions a user has at most.
    pub(super) per_user: u32,
    pub(super) proxies: TrustedProxies,
    pub(super) pages: Arc<dyn Pages>,
}
