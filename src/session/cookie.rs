use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderValue};
use time::Duration;

use crate::crypto::{Authenticator, Keyring, OpaqueToken, Purpose};
use crate::http::{CookieJar, CookiePolicy};

const PURPOSE: Purpose = Purpose::new("session/cookie");
const TAG: usize = 16;

/// The session cookie: the token and, so that a made-up one costs no store call, 128 bits of its
/// HMAC.
#[derive(Clone, Debug)]
pub(super) struct SessionCookie {
    pub(super) policy: CookiePolicy,
    pub(super) name: String,
    authenticator: Authenticator,
}

impl SessionCookie {
    pub(super) fn new(policy: CookiePolicy, name: String, keyring: &Keyring) -> Self {
        Self { policy, name, authenticator: keyring.authenticator(PURPOSE) }
    }

    /// What the request carries under our name.
    pub(super) fn read(&self, headers: &HeaderMap) -> Carried {
        if !headers.contains_key(http::header::COOKIE) {
            return Carried::Nothing;
        }
        match CookieJar::of(headers).get(&self.policy.name(&self.name)) {
            None | Some("") => Carried::Nothing,
            Some(value) => self.open(value).unwrap_or(Carried::Garbage),
        }
    }

    fn open(&self, value: &str) -> Option<Carried> {
        let (token, tag) = value.split_once('.')?;
        let token = OpaqueToken::parse(token)?;
        let tag = URL_SAFE_NO_PAD.decode(tag).ok().filter(|tag| tag.len() == TAG)?;
        let key = self.authenticator.key_of_prefix(token.as_bytes(), &tag)?;
        Some(Carried::Token { token, outdated: key > 0 })
    }

    pub(super) fn set(&self, token: &OpaqueToken, max_age: Option<Duration>) -> HeaderValue {
        let mac = self.authenticator.mac(token.as_bytes());
        let tag = mac.first_chunk::<TAG>().map(|tag| URL_SAFE_NO_PAD.encode(tag));
        let value = format!("{}.{}", token.expose(), tag.unwrap_or_default());
        self.policy.set(&self.name, &value, max_age)
    }

    pub(super) fn clear(&self) -> HeaderValue {
        self.policy.clear(&self.name)
    }
}

/// What a request carries under our cookie's name.
#[derive(Debug)]
pub(super) enum Carried {
    /// Nothing, or so much that nobody can tell which is ours.
    Nothing,
    /// Nothing that we made.
    Garbage,
    /// A token that we handed out; `outdated` if under a key that is on its way out.
    Token { token: OpaqueToken, outdated: bool },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{RandomExt as _, SystemRandom};

    fn headers(value: &HeaderValue) -> HeaderMap {
        let pair = value.to_str().unwrap().split(';').next().unwrap().to_owned();
        HeaderMap::from_iter([(http::header::COOKIE, pair.parse().unwrap())])
    }

    #[test]
    fn only_a_cookie_of_ours_yields_a_token() {
        let policy = CookiePolicy::for_base_url("https://app.example").unwrap();
        let keyring = Keyring::ephemeral(&SystemRandom);
        let cookie = SessionCookie::new(policy, "session".into(), &keyring);
        let token = SystemRandom.token();
        let set = cookie.set(&token, None);
        let Carried::Token { token: read, outdated: false } = cookie.read(&headers(&set)) else {
            panic!("the token is not read");
        };
        assert_eq!(read.hash(), token.hash());

        let stranger =
            SessionCookie::new(policy, "session".into(), &Keyring::ephemeral(&SystemRandom));
        for forged in [
            stranger.set(&token, None),
            policy.set("session", &token.expose(), None),
            policy.set("session", &format!("{}.", token.expose()), None),
            policy.set("session", "garbage", None),
        ] {
            assert!(matches!(cookie.read(&headers(&forged)), Carried::Garbage), "{forged:?}");
        }
        assert!(matches!(cookie.read(&HeaderMap::new()), Carried::Nothing));
    }
}
