use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderValue};
use serde::Serialize;
use serde::de::DeserializeOwned;
use time::Duration;

use crate::crypto::{Keyring, Purpose, Random, Sealed};
use crate::http::{CookieJar, CookiePolicy};

/// A cookie that only we can read and write: sealed, under a purpose of its own.
#[derive(Clone, Debug)]
pub(super) struct SealedCookie {
    pub(super) name: &'static str,
    pub(super) purpose: Purpose,
    pub(super) policy: CookiePolicy,
    pub(super) keyring: Keyring,
}

impl SealedCookie {
    /// What the request carries; `None` for what is not there, there twice, or not ours.
    pub(super) fn read<T: DeserializeOwned>(&self, headers: &HeaderMap) -> Option<T> {
        let value = CookieJar::of(headers).get(&self.policy.name(self.name))?;
        let sealed = Sealed::from_bytes(URL_SAFE_NO_PAD.decode(value).ok()?);
        let plain = self.keyring.open(self.purpose, b"", &sealed).ok()?;
        serde_json::from_slice(&plain).ok()
    }

    /// A `Set-Cookie` value.
    pub(super) fn set(
        &self,
        random: &dyn Random,
        value: &impl Serialize,
        max_age: Duration,
    ) -> HeaderValue {
        // What we write is always JSON; nothing would be inert.
        let plain = serde_json::to_vec(value).unwrap_or_default();
        let sealed = self.keyring.seal(random, self.purpose, b"", &plain);
        self.policy.set(self.name, &URL_SAFE_NO_PAD.encode(sealed.as_bytes()), Some(max_age))
    }

    /// A `Set-Cookie` value that makes the browser forget it.
    pub(super) fn clear(&self) -> HeaderValue {
        self.policy.clear(self.name)
    }
}

#[cfg(test)]
mod tests {
    use http::header::COOKIE;

    use super::*;
    use crate::crypto::SystemRandom;

    fn cookie(purpose: &'static str, keyring: &Keyring) -> SealedCookie {
        let policy = CookiePolicy::HTTPS;
        let purpose = Purpose::new(purpose);
        SealedCookie { name: "name", purpose, policy, keyring: keyring.clone() }
    }

    fn carried(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(COOKIE, value.parse().unwrap())])
    }

    #[test]
    fn only_what_we_sealed_for_this_very_use_is_read() {
        let keyring = Keyring::ephemeral(&SystemRandom);
        let ours = cookie("test/ours", &keyring);
        let set = ours.set(&SystemRandom, &"secret", Duration::DAY);
        let (pair, attributes) = set.to_str().unwrap().split_once("; ").unwrap();
        assert_eq!(attributes, "HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=86400");
        assert!(pair.starts_with("__Host-name=") && !pair.contains("secret"));
        let read = |cookie: &SealedCookie, text: &str| cookie.read::<String>(&carried(text));
        assert_eq!(read(&ours, pair).as_deref(), Some("secret"));

        assert_eq!(read(&cookie("test/other", &keyring), pair), None);
        assert_eq!(read(&cookie("test/ours", &Keyring::ephemeral(&SystemRandom)), pair), None);
        assert_eq!(read(&ours, &format!("{pair}; {pair}")), None);
        assert_eq!(ours.read::<u64>(&carried(pair)), None);
        for index in "__Host-name=".len()..pair.len() {
            let mut changed = pair.as_bytes().to_vec();
            changed[index] = if changed[index] == b'A' { b'B' } else { b'A' };
            assert_eq!(read(&ours, std::str::from_utf8(&changed).unwrap()), None, "{index}");
            assert_eq!(read(&ours, &pair[..index]), None, "{index}");
        }
    }
}
