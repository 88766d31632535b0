//! The browsers that users have logged in with, so that a stranger who locks an address does not
//! lock its owner out of them.
//!
//! A browser keeps one sealed cookie. It names the browser by a random id that stays, and the last
//! few users who logged in there, each with the epoch that the user had then: when the password is
//! reset the epoch moves, and the browser is not known any more. The cookie opens nothing: it
//! says under what a login is counted, and whoever steals it gets as many guesses as everybody.
//!
//! A user who has a second factor may also trust the browser for a while: then a login there takes
//! the password alone. That is in the same cookie, bound to the same epoch.

use http::HeaderMap;
use http::header::SET_COOKIE;
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::Email;
use super::cookie::SealedCookie;
use crate::crypto::{Keyring, Purpose, Random, RandomExt as _, sha256};
use crate::http::CookiePolicy;
use crate::scope::UserId;
use crate::store::{DeviceId, KnownDevice};

const PURPOSE: Purpose = Purpose::new("account/device");
/// Users whom one browser is known by; beyond it, the one who was there longest ago is forgotten.
const USERS: usize = 4;

/// Reads and writes the cookie.
#[derive(Clone, Debug)]
pub(super) struct Devices {
    cookie: SealedCookie,
    known_for: Duration,
    trust_for: Duration,
}

/// The browser behind a request.
#[derive(Serialize, Deserialize)]
struct Browser {
    id: DeviceId,
    /// The last one first.
    users: Vec<KnownUser>,
}

#[derive(Serialize, Deserialize)]
struct KnownUser {
    /// Of the address that the user logged in with, since a form says no more before the store is
    /// asked.
    address: AddressHash,
    id: UserId,
    epoch: i64,
    /// In seconds since 1970.
    until: i64,
    /// Until when no second factor is asked for; in seconds since 1970.
    #[serde(default)]
    trusted_until: i64,
}

/// Enough of a hash to choose among a handful of users; the store compares their ids.
type AddressHash = u64;

impl Devices {
    pub(super) fn new(policy: CookiePolicy, keyring: &Keyring, known_for: Duration) -> Self {
        let keyring = keyring.clone();
        Self {
            cookie: SealedCookie { name: "device", purpose: PURPOSE, policy, keyring },
            known_for,
            trust_for: Duration::ZERO,
        }
    }

    /// The same, with browsers that a user trusts for this long.
    pub(super) fn trusting(self, trust_for: Duration) -> Self {
        Self { trust_for: trust_for.min(self.known_for), ..self }
    }

    /// How long a browser is trusted for, if at all.
    pub(super) fn trust_for(&self) -> Option<Duration> {
        self.trust_for.is_positive().then_some(self.trust_for)
    }

    /// Whether browsers are remembered at all.
    pub(super) fn remembers(&self) -> bool {
        self.known_for.is_positive()
    }

    /// Whether the user is known by the browser that sends these headers, since this epoch began.
    pub(super) fn knows(
        &self,
        request: &HeaderMap,
        (email, user, epoch): (&Email, &UserId, i64),
        now: OffsetDateTime,
    ) -> bool {
        self.known(request, email, now)
            .is_some_and(|known| known.user == *user && known.epoch == epoch)
    }

    /// Whether the user trusts the browser that sends these headers, since this epoch began.
    pub(super) fn trusts(
        &self,
        request: &HeaderMap,
        (email, user, epoch): (&Email, &UserId, i64),
        now: OffsetDateTime,
    ) -> bool {
        self.trusted_in(request, (email, user), now) == Some(epoch)
    }

    /// The epoch in which the user said that they trust the browser that sends these headers: they do
    /// as long as it is theirs. `None` if they never did, or too long ago.
    pub(super) fn trusted_in(
        &self,
        request: &HeaderMap,
        (email, user): (&Email, &UserId),
        now: OffsetDateTime,
    ) -> Option<i64> {
        self.trust_for()?;
        let (address, browser) = (address_hash(email), self.cookie.read::<Browser>(request)?);
        let mut users = browser.users.into_iter();
        let known = users.find(|known| known.id == *user && known.address == address)?;
        (now.unix_timestamp() < known.trusted_until).then_some(known.epoch)
    }

    /// The browser that sends these headers, as one that the owner of an address is known by.
    pub(super) fn known(
        &self,
        request: &HeaderMap,
        email: &Email,
        now: OffsetDateTime,
    ) -> Option<KnownDevice> {
        self.cookie.read::<Browser>(request)?.known_to(email, now)
    }

    /// Lets the browser behind a request stay what it is to a user, known or trusted, and for as long,
    /// although their epoch has just moved on by one, to this.
    pub(super) fn keep(
        &self,
        random: &dyn Random,
        (request, answer): (&HeaderMap, &mut HeaderMap),
        (user, epoch): (&UserId, i64),
    ) {
        let Some(mut browser) = self.cookie.read::<Browser>(request) else { return };
        let Some(known) = browser.users.iter_mut().find(|known| known.is(user, epoch - 1)) else {
            return;
        };
        known.epoch = epoch;
        answer.append(SET_COOKIE, self.cookie.set(random, &browser, self.known_for));
    }

    /// Makes the browser behind a request known as one in which the owner of this address just
    /// proved to be who they are; if they trust it, as one that asks for no second factor for a
    /// while. A browser that was trusted before stays so, for as long as was said then.
    pub(super) fn remember(
        &self,
        random: &dyn Random,
        (request, answer): (&HeaderMap, &mut HeaderMap),
        (email, user, epoch): (&Email, &UserId, i64),
        trusted: bool,
        now: OffsetDateTime,
    ) {
        if !self.known_for.is_positive() {
            return;
        }
        let new = || Browser { id: DeviceId(Uuid::from_bytes(random.bytes())), users: Vec::new() };
        let mut browser: Browser = self.cookie.read(request).unwrap_or_else(new);
        let before = browser.users.iter().find(|known| known.is(user, epoch));
        let trusted_until = if trusted {
            (now + self.trust_for).unix_timestamp()
        } else {
            before.map_or(0, |known| known.trusted_until)
        };
        browser.users.retain(|known| known.id != *user && now.unix_timestamp() < known.until);
        let (address, until) = (address_hash(email), (now + self.known_for).unix_timestamp());
        let id = user.clone();
        browser.users.insert(0, KnownUser { address, id, epoch, until, trusted_until });
        browser.users.truncate(USERS);
        answer.append(SET_COOKIE, self.cookie.set(random, &browser, self.known_for));
    }
}

impl KnownUser {
    fn is(&self, user: &UserId, epoch: i64) -> bool {
        self.id == *user && self.epoch == epoch
    }
}

impl Browser {
    fn known_to(&self, email: &Email, now: OffsetDateTime) -> Option<KnownDevice> {
        let address = address_hash(email);
        let mut users = self.users.iter();
        let known =
            users.find(|user| user.address == address && now.unix_timestamp() < user.until)?;
        Some(KnownDevice { id: self.id, user: known.id.clone(), epoch: known.epoch })
    }
}

fn address_hash(email: &Email) -> AddressHash {
    let hash = sha256(email.as_str().as_bytes());
    hash.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use http::header::COOKIE;

    use super::*;
    use crate::crypto::SystemRandom;

    const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

    fn devices(known_for: Duration) -> Devices {
        Devices::new(CookiePolicy::HTTPS, &Keyring::ephemeral(&SystemRandom), known_for)
    }

    fn email(name: &str) -> Email {
        Email::parse(&format!("{name}@example.test")).unwrap()
    }

    /// The headers a browser sends after this user has logged in too, and what it was told to keep.
    fn log_in(devices: &Devices, headers: &HeaderMap, name: &str, id: &str) -> (HeaderMap, String) {
        let (email, user) = (email(name), UserId::new(id).unwrap());
        let mut answer = HeaderMap::new();
        devices.remember(&SystemRandom, (headers, &mut answer), (&email, &user, 7), false, NOW);
        let set = answer[SET_COOKIE].to_str().unwrap().to_owned();
        let pair = set.split(';').next().unwrap().parse().unwrap();
        (HeaderMap::from_iter([(COOKIE, pair)]), set)
    }

    #[test]
    fn a_browser_keeps_its_id_and_is_known_to_its_last_users() {
        let devices = devices(Duration::DAY);
        let mut headers = HeaderMap::new();
        let mut ids = Vec::new();
        for name in ["a", "b", "c", "d", "a", "e"] {
            headers = log_in(&devices, &headers, name, name).0;
            ids.push(devices.known(&headers, &email(name), NOW).unwrap().id);
        }
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
        for (name, known) in [("a", true), ("b", false), ("c", true), ("d", true), ("e", true)] {
            let expected = KnownDevice { id: ids[0], user: UserId::new(name).unwrap(), epoch: 7 };
            let device = devices.known(&headers, &email(name), NOW);
            assert_eq!(device, known.then_some(expected), "{name}");
        }
        let (other, _) = log_in(&devices, &HeaderMap::new(), "a", "a");
        assert_ne!(devices.known(&other, &email("a"), NOW).unwrap().id, ids[0]);
        let (moved, _) = log_in(&devices, &headers, "new-address", "a");
        assert_eq!(devices.known(&moved, &email("a"), NOW), None);
    }

    #[test]
    fn a_user_is_known_for_so_long_whatever_the_browser_keeps() {
        let devices = devices(Duration::DAY);
        let (headers, set) = log_in(&devices, &HeaderMap::new(), "a", "a");
        assert!(set.starts_with("__Host-device=") && set.ends_with("; Max-Age=86400"), "{set}");
        let last = NOW + Duration::DAY - Duration::SECOND;
        assert!(devices.known(&headers, &email("a"), last).is_some());
        assert_eq!(devices.known(&headers, &email("a"), NOW + Duration::DAY), None);
    }

    #[test]
    fn four_users_with_the_longest_ids_fit_into_a_cookie() {
        let devices = devices(Duration::days(180));
        let mut last = (HeaderMap::new(), String::new());
        for name in ["a", "b", "c", "d"] {
            last = log_in(&devices, &last.0, name, &name.repeat(255));
        }
        assert!(devices.known(&last.0, &email("a"), NOW).is_some());
        assert!(last.1.len() < 4096, "{}", last.1.len());
    }

    #[test]
    fn a_host_may_remember_no_browser() {
        let (email, user) = (email("a"), UserId::new("a").unwrap());
        let mut answer = HeaderMap::new();
        let seen = (&HeaderMap::new(), &mut answer);
        devices(Duration::ZERO).remember(&SystemRandom, seen, (&email, &user, 0), false, NOW);
        assert!(answer.is_empty());
    }
}
