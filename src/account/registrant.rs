//! Whether the browser that follows a link to confirm an address is one whose visitor chose the
//! account's password, or has shown to know it.
//!
//! Anybody can sign up with anybody's address and a password of their own. If the link in the mail
//! confirmed that account just so, the owner of the address would hand it to the stranger who waits
//! with the password (account pre-hijacking: Sudhodanan and Paverd, USENIX Security 2022). So the
//! browser that signed up carries a sealed cookie that names the account, and every other one is
//! asked for the password.

use http::HeaderMap;
use time::{Duration, OffsetDateTime};

use super::cookie::SealedCookie;
use super::marks::Marks;
use crate::crypto::{Keyring, Purpose, Random};
use crate::http::CookiePolicy;
use crate::scope::UserId;

const PURPOSE: Purpose = Purpose::new("account/registration");

/// Reads and writes the cookie.
#[derive(Clone, Debug)]
pub(super) struct Registrants(Marks);

impl Registrants {
    pub(super) fn new(policy: CookiePolicy, keyring: &Keyring, waits_for: Duration) -> Self {
        let keyring = keyring.clone();
        let cookie = SealedCookie { name: "registration", purpose: PURPOSE, policy, keyring };
        Self(Marks { cookie, waits_for })
    }

    /// Whether any account waits for the browser behind a request.
    pub(super) fn wait(&self, request: &HeaderMap, now: OffsetDateTime) -> bool {
        self.0.wait(request, now)
    }

    /// Whether this account waits for the browser behind a request.
    pub(super) fn know(&self, request: &HeaderMap, user: &UserId, now: OffsetDateTime) -> bool {
        self.0.know(request, user.as_str(), now)
    }

    /// The browser behind a request signed up with this id, whether or not an account was made, or
    /// knows the account's password.
    pub(super) fn remember(
        &self,
        random: &dyn Random,
        seen: (&HeaderMap, &mut HeaderMap),
        user: &UserId,
        now: OffsetDateTime,
    ) {
        self.0.remember(random, seen, user.as_str(), now);
    }

    /// The account is confirmed.
    pub(super) fn forget(
        &self,
        random: &dyn Random,
        seen: (&HeaderMap, &mut HeaderMap),
        user: &UserId,
        now: OffsetDateTime,
    ) {
        self.0.forget(random, seen, user.as_str(), now);
    }
}

#[cfg(test)]
mod tests {
    use http::header::{COOKIE, SET_COOKIE};

    use super::*;
    use crate::crypto::SystemRandom;

    const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

    fn user(name: &str) -> UserId {
        UserId::new(name).unwrap()
    }

    /// What a browser sends after this answer.
    fn sent(answer: &HeaderMap) -> HeaderMap {
        let pair = answer[SET_COOKIE].to_str().unwrap().split(';').next().unwrap();
        HeaderMap::from_iter([(COOKIE, pair.parse().unwrap())])
    }

    fn sign_up(registrants: &Registrants, request: &HeaderMap, name: &str) -> HeaderMap {
        let mut answer = HeaderMap::new();
        registrants.remember(&SystemRandom, (request, &mut answer), &user(name), NOW);
        sent(&answer)
    }

    #[test]
    fn a_browser_is_known_by_the_last_accounts_it_signed_up_for_until_they_are_over() {
        let keyring = Keyring::ephemeral(&SystemRandom);
        let registrants = Registrants::new(CookiePolicy::HTTPS, &keyring, Duration::DAY);
        let mut headers = HeaderMap::new();
        assert!(!registrants.know(&headers, &user("a"), NOW));
        for name in ["a", "b", "c", "d", "e"] {
            headers = sign_up(&registrants, &headers, name);
        }
        for (name, known) in [("a", false), ("b", true), ("e", true), ("x", false)] {
            assert_eq!(registrants.know(&headers, &user(name), NOW), known, "{name}");
        }
        assert!(!registrants.know(&headers, &user("e"), NOW + Duration::DAY));
    }

    #[test]
    fn a_confirmed_account_is_forgotten_and_the_others_wait_on() {
        let keyring = Keyring::ephemeral(&SystemRandom);
        let registrants = Registrants::new(CookiePolicy::HTTPS, &keyring, Duration::DAY);
        let headers = sign_up(&registrants, &HeaderMap::new(), "a");
        let headers = sign_up(&registrants, &headers, "b");
        let forget = |headers: &HeaderMap, name| {
            let mut answer = HeaderMap::new();
            registrants.forget(&SystemRandom, (headers, &mut answer), &user(name), NOW);
            answer
        };
        assert!(forget(&headers, "x").is_empty());
        let left = sent(&forget(&headers, "a"));
        assert!(registrants.know(&left, &user("b"), NOW));
        assert!(!registrants.know(&left, &user("a"), NOW));
        let gone = forget(&left, "b");
        assert!(gone[SET_COOKIE].to_str().unwrap().ends_with("Max-Age=0"));
    }
}
