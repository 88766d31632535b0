//! The fuzz target of the session cookie.

use http::HeaderMap;
use http::header::{COOKIE, HeaderValue};

use super::cookie::{Carried, SessionCookie};
use crate::crypto::{Keyring, OpaqueToken};
use crate::fuzzing::{Input, Outcome};
use crate::http::CookiePolicy;

/// The keyring of today, and that of yesterday, when its second key was the first.
const KEYS: [&str; 2] = [
    "k2:0yH4TkqgDcxKMZRzT0vT6cdSo1ZPy1b31L7vqyDpYtI=,k1:5Jc1EMlGuTtzHFLtUFo5sWZ3NUbMYE/eW2gNAzoq+jA=",
    "k1:5Jc1EMlGuTtzHFLtUFo5sWZ3NUbMYE/eW2gNAzoq+jA=",
];

/// A token is read from a cookie only if it is one that we made, letter for letter; whether by a
/// key on its way out is told.
///
/// Each line is a `Cookie` header.
pub fn session_cookie(data: &[u8]) -> Outcome {
    let [today, yesterday] = KEYS.map(cookie);
    let values = Input::new(data).lines().filter_map(|line| HeaderValue::from_bytes(line).ok());
    let headers: HeaderMap = values.map(|value| (COOKIE, value)).collect();
    let Carried::Token { token, outdated } = today.read(&headers) else { return Outcome::Refused };
    let maker = if outdated { &yesterday } else { &today };
    let made = maker.set(&token, None);
    let pair = made.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
    let presented =
        headers.get_all(COOKIE).iter().flat_map(|value| value.as_bytes().split(|b| *b == b';'));
    assert_eq!(presented.filter(|presented| presented.trim_ascii() == pair).count(), 1);
    assert!(known().iter().any(|known| known.expose() == token.expose()), "forged: {data:?}");
    Outcome::Accepted
}

/// The tokens that were handed out.
fn known() -> [OpaqueToken; 2] {
    [OpaqueToken::from_bytes([7; 32]), OpaqueToken::from_bytes([8; 32])]
}

#[expect(clippy::expect_used, reason = "the keyrings are written above")]
fn cookie(keys: &str) -> SessionCookie {
    let keyring: Keyring = keys.parse().expect("a good keyring");
    SessionCookie::new(CookiePolicy::HTTPS, "session".into(), &keyring)
}

/// Seeds: a cookie of each key.
#[cfg(test)]
pub(crate) fn seeds() -> Vec<(&'static str, String)> {
    let pair = |keys, token: &OpaqueToken| {
        let set = cookie(keys).set(token, None);
        set.to_str().unwrap().split(';').next().unwrap().to_owned()
    };
    let [first, second] = known();
    vec![("current", pair(KEYS[0], &first)), ("outdated", pair(KEYS[1], &second))]
}
