//! The `state` of a request: sealed for its provider, so that an answer which comes without the
//! browser's cookies can be told from what somebody made up.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use time::{Duration, OffsetDateTime};

use crate::crypto::{Keyring, Purpose, Random, RandomExt as _, Sealed};

const PURPOSE: Purpose = Purpose::new("account/social-state");
/// How long a login at a provider may take.
pub(in crate::account::social) const LASTS: Duration = Duration::minutes(15);
/// The longest that is looked at, in bytes.
pub(super) const LONGEST: usize = 256;

/// A fresh one.
pub(in crate::account::social) fn mint(
    keyring: &Keyring,
    random: &dyn Random,
    provider: &str,
    now: OffsetDateTime,
) -> String {
    let until = (now + LASTS).unix_timestamp().to_be_bytes();
    let plain: Vec<u8> = random.bytes::<16>().into_iter().chain(until).collect();
    URL_SAFE_NO_PAD.encode(keyring.seal(random, PURPOSE, provider.as_bytes(), &plain).as_bytes())
}

/// Whether it was minted for this provider, not too long ago.
pub(in crate::account::social) fn is_ours(
    keyring: &Keyring,
    provider: &str,
    state: &str,
    now: OffsetDateTime,
) -> bool {
    if state.len() > LONGEST {
        return false;
    }
    let opened = URL_SAFE_NO_PAD.decode(state).ok().and_then(|bytes| {
        keyring.open(PURPOSE, provider.as_bytes(), &Sealed::from_bytes(bytes)).ok()
    });
    let until = opened.and_then(|plain| plain.last_chunk().copied()).map(i64::from_be_bytes);
    until.is_some_and(|until| now.unix_timestamp() < until)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::SystemRandom;

    #[test]
    fn a_state_is_good_for_its_provider_for_a_quarter_of_an_hour() {
        let keyring = Keyring::ephemeral(&SystemRandom);
        let now = OffsetDateTime::UNIX_EPOCH + Duration::days(20_000);
        let state = mint(&keyring, &SystemRandom, "acme", now);
        assert!(state.len() <= LONGEST);
        assert!(is_ours(&keyring, "acme", &state, now + LASTS - Duration::SECOND));
        assert!(!is_ours(&keyring, "acme", &state, now + LASTS));
        assert!(!is_ours(&keyring, "other", &state, now));
        assert!(!is_ours(&Keyring::ephemeral(&SystemRandom), "acme", &state, now));
        for bad in ["", "state", &state[1..], &format!("{state}A"), &"A".repeat(300)] {
            assert!(!is_ours(&keyring, "acme", bad, now), "{bad}");
        }
        assert_ne!(state, mint(&keyring, &SystemRandom, "acme", now));
    }
}
