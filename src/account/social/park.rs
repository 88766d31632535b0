//! Somebody whom a provider vouches for, and who has yet to say something: sealed in the store, under
//! a secret that only their browser has.

use http::header::SET_COOKIE;
use http::{HeaderValue, Response};
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use super::pending::{trip_of, trip_text};
use super::protocol::profile::Profile;
use super::protocol::token::Tokens;
use super::{Here, Provider};
use crate::account::AccountError;
use crate::account::site::Visit;
use crate::account::trip::Trip;
use crate::crypto::{Keyring, OpaqueToken, Purpose, Random, RandomExt as _, Sealed};
use crate::http::{Body, CookieJar, CookiePolicy};
use crate::scope::UserId;
use crate::store::ParkedIdentity;

const PURPOSE: Purpose = Purpose::new("account/parked-identity");
const COOKIE: &str = "identity";
/// Long enough for a forgotten password on the way.
const WAITS: Duration = Duration::HOUR;

/// Reads and writes what waits.
#[derive(Debug)]
pub(super) struct Parking {
    cookies: CookiePolicy,
    keyring: Keyring,
}

/// Who waits.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Parked {
    pub(super) provider: String,
    pub(super) profile: Profile,
    pub(super) tokens: Option<Tokens>,
    pub(super) step: Step,
    pub(super) trip: String,
}

/// For what.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Step {
    /// To say which address they have.
    Ask,
    /// To follow the link that was mailed to this address: by the hash of its secret.
    Mailed { email: String, token: [u8; 32] },
    /// To show that they are this user, and to press the button.
    Link { user: UserId },
}

impl Parked {
    pub(super) fn new(
        provider: &Provider,
        (profile, tokens): (Profile, Option<Tokens>),
        step: Step,
        trip: &Trip,
    ) -> Self {
        Self { provider: provider.id.clone(), profile, tokens, step, trip: trip_text(trip) }
    }

    /// Where the visitor wants to be in the end.
    pub(super) fn trip(&self) -> Trip {
        trip_of(&self.trip)
    }
}

impl Parking {
    pub(super) fn new(cookies: CookiePolicy, keyring: &Keyring) -> Self {
        Self { cookies, keyring: keyring.clone() }
    }

    /// What is to be stored, and a `Set-Cookie` value that finds it.
    pub(super) fn park(
        &self,
        random: &dyn Random,
        parked: &Parked,
        now: OffsetDateTime,
    ) -> (ParkedIdentity, HeaderValue) {
        let secret = random.token();
        let handle = secret.hash();
        let plain = zeroize::Zeroizing::new(serde_json::to_vec(parked).unwrap_or_default());
        let identity = self.keyring.seal(random, PURPOSE, handle.as_bytes(), &plain);
        let cookie = self.cookies.set(COOKIE, &secret.expose(), Some(WAITS));
        (ParkedIdentity { handle, identity, expires_at: now + WAITS }, cookie)
    }

    fn secret(&self, visit: &Visit) -> Option<OpaqueToken> {
        CookieJar::of(&visit.headers).get(&self.cookies.name(COOKIE)).and_then(OpaqueToken::parse)
    }

    fn open(&self, secret: &OpaqueToken, sealed: &Sealed) -> Option<Parked> {
        let plain = self.keyring.open(PURPOSE, secret.hash().as_bytes(), sealed).ok()?;
        serde_json::from_slice(&plain).ok()
    }

    /// Whether a `Set-Cookie` value lets a browser find something.
    pub(super) fn sets(&self, set: &HeaderValue) -> bool {
        let name = self.cookies.name(COOKIE);
        set.to_str().is_ok_and(|set| set.strip_prefix(&name).is_some_and(|r| r.starts_with('=')))
    }

    /// The browser need not find it any more.
    pub(super) fn forget(&self, response: &mut Response<Body>) {
        response.headers_mut().append(SET_COOKIE, self.cookies.clear(COOKIE));
    }
}

/// Who waits in this browser, at this provider.
pub(super) async fn waiting(here: Here<'_>, visit: &Visit) -> Result<Option<Parked>, AccountError> {
    let Some(secret) = here.providers.parking.secret(visit) else { return Ok(None) };
    let found = here.site.store.parked_identity(&secret.hash(), here.site.now()).await?;
    Ok(found.and_then(|sealed| opened(here, &secret, &sealed)))
}

/// The same, who waits no more. Of two requests one gets them.
pub(super) async fn take(here: Here<'_>, visit: &Visit) -> Result<Option<Parked>, AccountError> {
    let Some(secret) = here.providers.parking.secret(visit) else { return Ok(None) };
    let taken = here.site.store.take_parked_identity(&secret.hash(), here.site.now()).await?;
    Ok(taken.and_then(|sealed| opened(here, &secret, &sealed)))
}

fn opened(here: Here<'_>, secret: &OpaqueToken, sealed: &Sealed) -> Option<Parked> {
    let parked = here.providers.parking.open(secret, sealed)?;
    (parked.provider == here.provider.id).then_some(parked)
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;
    use crate::account::social::Tenant;
    use crate::crypto::SystemRandom;

    #[test]
    fn what_waits_opens_with_its_own_secret_alone() {
        let keyring = Keyring::ephemeral(&SystemRandom);
        let parking = Parking::new(CookiePolicy::HTTPS, &keyring);
        let provider = Provider::microsoft(Tenant::Any, "me", "s");
        let trip = trip_of("return_to=%2Fa");
        let profile = Profile::of("alice".into());
        let parked = Parked::new(&provider, (profile.clone(), None), Step::Ask, &trip);
        let now = OffsetDateTime::UNIX_EPOCH;
        let (row, cookie) = parking.park(&SystemRandom, &parked, now);
        let mut headers = HeaderMap::new();
        let pair = cookie.to_str().unwrap().split(';').next().unwrap();
        headers.insert(http::header::COOKIE, pair.parse().unwrap());
        let secret = CookieJar::of(&headers).get("__Host-identity").and_then(OpaqueToken::parse);
        let secret = secret.unwrap();
        assert_eq!((row.handle, row.expires_at), (secret.hash(), now + WAITS));
        let opened = parking.open(&secret, &row.identity).unwrap();
        assert_eq!((opened.profile.clone(), opened.trip()), (profile, trip));
        assert!(parking.open(&SystemRandom.token(), &row.identity).is_none());
        let stranger = Parking::new(CookiePolicy::HTTPS, &Keyring::ephemeral(&SystemRandom));
        assert!(stranger.open(&secret, &row.identity).is_none());
    }
}
