//! Logins that have begun, and wait for their provider: in one sealed cookie of the browser that
//! began them, and nowhere else. Without it somebody could send their own answer through another's
//! browser, and log it in as themselves.

use http::{HeaderMap, HeaderValue};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::protocol::state::LASTS;
use crate::account::cookie::SealedCookie;
use crate::account::trip::Trip;
use crate::crypto::{Keyring, Purpose, Random, constant_time_eq};
use crate::http::{CookiePolicy, Form};
use crate::scope::{SessionId, UserId};

const PURPOSE: Purpose = Purpose::new("account/social-login");
/// Logins that a browser may have under way, as in several tabs.
const AT_ONCE: usize = 4;
/// What fits into a cookie, before it is sealed; in bytes.
const FITS: usize = 2_800;

/// Reads and writes the cookie.
#[derive(Clone, Debug)]
pub(super) struct Attempts(SealedCookie);

/// A login that waits for its provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Attempt {
    pub(super) provider: String,
    pub(super) state: String,
    pub(super) nonce: String,
    pub(super) verifier: String,
    pub(super) aim: Aim,
    /// Whether the user has to prove anew who they are.
    pub(super) anew: bool,
    /// The trip, as a query.
    trip: String,
    /// In microseconds since 1970.
    #[serde(with = "time::serde::timestamp::microseconds")]
    pub(super) begun: OffsetDateTime,
}

/// What it is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Aim {
    /// To log in.
    LogIn,
    /// To link an identity to this user, who asked for it in this session.
    Link(UserId, Option<SessionId>),
}

impl Attempt {
    /// A login that begins now; `secrets` are the nonce and the PKCE verifier.
    pub(super) fn new(
        (provider, state): (&str, String),
        [nonce, verifier]: [String; 2],
        (aim, anew): (Aim, bool),
        trip: &Trip,
        begun: OffsetDateTime,
    ) -> Self {
        let provider = provider.to_owned();
        let trip = trip_text(trip);
        Self { provider, state, nonce, verifier, aim, anew, trip, begun }
    }

    /// Where the visitor wants to be in the end.
    pub(super) fn trip(&self) -> Trip {
        trip_of(&self.trip)
    }

    fn lasts(&self, now: OffsetDateTime) -> bool {
        self.begun <= now && now < self.begun + LASTS
    }
}

/// A trip as a text to be kept.
pub(super) fn trip_text(trip: &Trip) -> String {
    trip.via("").trim_start_matches('?').to_owned()
}

/// The trip that was kept.
pub(super) fn trip_of(text: &str) -> Trip {
    Form::parse(text.as_bytes()).map(|form| Trip::of(&form)).unwrap_or_default()
}

impl Attempts {
    pub(super) fn new(policy: CookiePolicy, keyring: &Keyring) -> Self {
        let keyring = keyring.clone();
        Self(SealedCookie { name: "social", purpose: PURPOSE, policy, keyring })
    }

    /// A `Set-Cookie` value with one more; the oldest are forgotten, if there are too many.
    pub(super) fn begin(
        &self,
        random: &dyn Random,
        request: &HeaderMap,
        mut attempt: Attempt,
        now: OffsetDateTime,
    ) -> HeaderValue {
        if size(std::slice::from_ref(&attempt)) > FITS {
            attempt.trip = String::new();
        }
        let mut all = self.read(request, now);
        all.insert(0, attempt);
        all.truncate(AT_ONCE);
        while all.len() > 1 && size(&all) > FITS {
            all.pop();
        }
        self.0.set(random, &all, LASTS)
    }

    /// The login that waits for this answer, and a `Set-Cookie` value without it.
    pub(super) fn take(
        &self,
        random: &dyn Random,
        request: &HeaderMap,
        (provider, state): (&str, &str),
        now: OffsetDateTime,
    ) -> Option<(Attempt, HeaderValue)> {
        let mut all = self.read(request, now);
        let is_it = |attempt: &Attempt| {
            attempt.provider == provider
                && constant_time_eq(attempt.state.as_bytes(), state.as_bytes())
        };
        let at = all.iter().position(is_it)?;
        let taken = all.remove(at);
        let left = match all.is_empty() {
            true => self.0.clear(),
            false => self.0.set(random, &all, LASTS),
        };
        Some((taken, left))
    }

    fn read(&self, request: &HeaderMap, now: OffsetDateTime) -> Vec<Attempt> {
        let mut all: Vec<Attempt> = self.0.read(request).unwrap_or_default();
        all.retain(|attempt| attempt.lasts(now));
        all
    }
}

fn size(all: &[Attempt]) -> usize {
    serde_json::to_vec(all).map_or(usize::MAX, |json| json.len())
}

#[cfg(test)]
mod tests {
    use http::header::COOKIE;
    use time::Duration;

    use super::*;
    use crate::crypto::SystemRandom;

    const NOW: OffsetDateTime = time::macros::datetime!(2026-11-01 12:00 UTC);

    fn attempts() -> Attempts {
        Attempts::new(CookiePolicy::HTTPS, &Keyring::ephemeral(&SystemRandom))
    }

    fn attempt(provider: &str, state: &str, return_to: &str) -> Attempt {
        let trip = trip_of(&format!("return_to={return_to}"));
        let secrets = ["n".repeat(43), "v".repeat(43)];
        Attempt::new((provider, state.to_owned()), secrets, (Aim::LogIn, false), &trip, NOW)
    }

    /// What a browser sends after this answer.
    fn sent(set: &HeaderValue) -> HeaderMap {
        assert!(set.len() < 4096, "{}", set.len());
        let pair = set.to_str().unwrap().split(';').next().unwrap();
        HeaderMap::from_iter([(COOKIE, pair.parse().unwrap())])
    }

    fn begin(attempts: &Attempts, headers: &HeaderMap, attempt: Attempt) -> HeaderMap {
        sent(&attempts.begin(&SystemRandom, headers, attempt, NOW))
    }

    fn take(
        attempts: &Attempts,
        headers: &HeaderMap,
        key: (&str, &str),
    ) -> Option<(Attempt, HeaderMap)> {
        let (taken, left) = attempts.take(&SystemRandom, headers, key, NOW)?;
        Some((taken, sent(&left)))
    }

    #[test]
    fn an_answer_is_for_one_login_of_this_browser_at_this_provider() {
        let attempts = attempts();
        let first = attempt("acme", "s1", "/a?b=c%26d");
        let headers = begin(&attempts, &HeaderMap::new(), first.clone());
        let headers = begin(&attempts, &headers, attempt("other", "s2", "/b"));
        for stranger in [("acme", "s2"), ("other", "s1"), ("acme", ""), ("acme", "s1 ")] {
            assert!(take(&attempts, &headers, stranger).is_none(), "{stranger:?}");
        }
        assert!(take(&attempts, &HeaderMap::new(), ("acme", "s1")).is_none());
        let (taken, left) = take(&attempts, &headers, ("acme", "s1")).unwrap();
        assert_eq!(taken, first);
        assert_eq!(taken.trip().destination("/"), "/a?b=c&d");
        assert!(take(&attempts, &left, ("acme", "s1")).is_none(), "it was taken");
        assert!(take(&attempts, &left, ("other", "s2")).is_some());
    }

    #[test]
    fn a_login_waits_for_a_quarter_of_an_hour() {
        let attempts = attempts();
        let headers = begin(&attempts, &HeaderMap::new(), attempt("acme", "s", "/"));
        let at = |now| attempts.take(&SystemRandom, &headers, ("acme", "s"), now).is_some();
        assert!(at(NOW + LASTS - Duration::SECOND));
        assert!(!at(NOW + LASTS) && !at(NOW - Duration::SECOND));
    }

    #[test]
    fn however_many_and_long_they_are_they_fit_into_a_cookie() {
        let attempts = attempts();
        let (long, state) = (format!("/{}", "a".repeat(1_000)), "s".repeat(80));
        let mut headers = HeaderMap::new();
        for n in 0..6 {
            headers = begin(&attempts, &headers, attempt("acme", &format!("{state}{n}"), &long));
        }
        let newest = take(&attempts, &headers, ("acme", &format!("{state}5"))).unwrap();
        assert_eq!(newest.0.trip().destination("/"), long);
        assert!(take(&attempts, &headers, ("acme", &format!("{state}0"))).is_none());
        let longest = format!("/{}", "a".repeat(4_000));
        let headers = begin(&attempts, &headers, attempt("acme", "s", &longest));
        let (taken, _) = take(&attempts, &headers, ("acme", "s")).unwrap();
        assert_eq!(taken.trip(), Trip::default());
    }
}
