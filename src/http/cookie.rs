use std::fmt;

use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue};
use time::Duration;
use tower_cookies::Cookie;
use tower_cookies::cookie::SameSite;
use url::{Host, Url};

/// Why a base URL (or issuer) cannot carry cookies safely.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BaseUrlError {
    /// It is not an absolute http or https URL without credentials, query and fragment.
    #[error("{0:?} is not an absolute http(s) URL without user, query and fragment")]
    Invalid(String),
    /// It is plain http on a host that is not this machine.
    #[error("{0:?} is plain http; only a loopback address may be, anything else needs https")]
    Insecure(String),
}

/// How our cookies are named and protected. Always `HttpOnly`, `SameSite=Lax`, `Path=/`, without
/// `Domain`.
///
/// On https a name gets the prefix `__Host-` and the cookie is `Secure` (RFC 6265bis,
/// section 4.1.3.2); on plain http, which is accepted on loopback only, neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CookiePolicy {
    secure: bool,
}

impl CookiePolicy {
    /// The policy for an application that browsers reach by https only.
    pub const HTTPS: Self = Self { secure: true };

    /// The policy for an application that browsers reach at `base_url`.
    ///
    /// # Errors
    /// [`BaseUrlError`] when the URL is not one that can carry cookies safely.
    pub fn for_base_url(base_url: &str) -> Result<Self, BaseUrlError> {
        let invalid = || BaseUrlError::Invalid(base_url.to_owned());
        let url = Url::parse(base_url).map_err(|_| invalid())?;
        let plain = url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        match (url.scheme(), url.host()) {
            ("https", Some(_)) if plain => Ok(Self { secure: true }),
            ("http", Some(host)) if plain && is_loopback(&host) => Ok(Self { secure: false }),
            ("http", Some(_)) if plain => Err(BaseUrlError::Insecure(base_url.to_owned())),
            _ => Err(invalid()),
        }
    }

    /// The full name of the cookie called `name`.
    pub fn name(&self, name: &str) -> String {
        if self.secure { format!("__Host-{name}") } else { name.to_owned() }
    }

    /// A `Set-Cookie` value. Without `max_age` the browser forgets it when it closes.
    ///
    /// The value must be made of what RFC 6265, section 4.1.1, lets a cookie hold: no white space,
    /// control characters, quotes, commas, semicolons or backslashes. Of another, which could end
    /// the cookie and add attributes, nothing is set: the answer is empty.
    pub fn set(&self, name: &str, value: &str, max_age: Option<Duration>) -> HeaderValue {
        if !value.bytes().all(is_cookie_octet) {
            tracing::error!(name, "a cookie cannot hold such a value");
            return HeaderValue::from_static("");
        }
        let mut cookie = Cookie::build((self.name(name), value.to_owned()))
            .path("/")
            .http_only(true)
            .secure(self.secure)
            .same_site(SameSite::Lax)
            .build();
        cookie.set_max_age(max_age);
        // A value that is no header text would be a bug of ours; an empty one is inert.
        HeaderValue::try_from(cookie.to_string()).unwrap_or_else(|_| HeaderValue::from_static(""))
    }

    /// A `Set-Cookie` value that makes the browser forget the cookie.
    pub fn clear(&self, name: &str) -> HeaderValue {
        self.set(name, "", Some(Duration::ZERO))
    }

    /// Appends a `Set-Cookie` header.
    pub fn append(&self, headers: &mut HeaderMap, value: HeaderValue) {
        headers.append(SET_COOKIE, value);
    }
}

/// RFC 6265, section 4.1.1.
fn is_cookie_octet(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"\",;\\".contains(&byte)
}

/// Whether the host of a URL is this very machine.
pub(crate) fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost" || name.ends_with(".localhost"),
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

/// The cookies a request carries.
#[derive(Clone, Copy)]
pub struct CookieJar<'a> {
    headers: &'a HeaderMap,
}

impl<'a> CookieJar<'a> {
    /// The cookies of these headers.
    pub fn of(headers: &'a HeaderMap) -> Self {
        Self { headers }
    }

    /// All cookies, by full name and value. One that is no UTF-8 is left out.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        let text = |bytes| str::from_utf8(bytes).ok();
        self.pairs().filter_map(move |(name, value)| Some((text(name)?, text(value)?)))
    }

    /// All cookies as they are. A browser sends other people's with ours in one header, and theirs
    /// may hold anything, and as much of it as the server lets through: that must not make ours
    /// unreadable.
    fn pairs(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + use<'a> {
        self.headers
            .get_all(COOKIE)
            .into_iter()
            .flat_map(|value| value.as_bytes().split(|byte| *byte == b';'))
            .filter_map(|pair| {
                let pair = pair.trim_ascii();
                let (name, value) = pair.split_at(pair.iter().position(|byte| *byte == b'=')?);
                Some((name, value.split_first()?.1))
            })
    }

    /// The value of the one cookie of this full name. A name that comes twice (as when a sibling
    /// domain plants its own) is as good as absent: nobody can tell which one is ours.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        let mut found = self.pairs().filter(|(key, _)| *key == name.as_bytes());
        match (found.next(), found.next()) {
            (Some((_, value)), None) => str::from_utf8(value).ok(),
            _ => None,
        }
    }
}

impl fmt::Debug for CookieJar<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CookieJar([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_follow_the_base_url() {
        let secure = CookiePolicy::for_base_url("https://app.example/x").unwrap();
        assert_eq!(
            secure.set("session", "v", Some(Duration::MINUTE)),
            "__Host-session=v; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=60"
        );
        let local = CookiePolicy::for_base_url("http://127.0.0.1:3000").unwrap();
        assert_eq!(local.clear("session"), "session=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0");
    }

    #[test]
    fn no_value_adds_attributes() {
        for odd in ["x; Domain=evil.example", "x\r\n", "a b", "\"a\"", "a,b", "a\\b", "é", "\0"] {
            assert_eq!(CookiePolicy::HTTPS.set("session", odd, None), "", "{odd:?}");
        }
    }

    #[test]
    fn other_cookies_do_not_hide_ours() {
        let value = HeaderValue::from_bytes("greeting=grüße; a=1".as_bytes()).unwrap();
        let mut headers = HeaderMap::from_iter([(COOKIE, value)]);
        assert_eq!(CookieJar::of(&headers).get("a"), Some("1"));
        assert_eq!(CookieJar::of(&headers).get("greeting"), Some("grüße"));
        headers.append(COOKIE, HeaderValue::from_bytes(b"latin=\xFC; b=2").unwrap());
        assert_eq!(CookieJar::of(&headers).get("b"), Some("2"));
        assert_eq!(CookieJar::of(&headers).get("latin"), None);
        assert!(!CookieJar::of(&headers).iter().any(|(name, _)| name == "latin"));
        // A second one of our name counts, though it cannot be read.
        headers.append(COOKIE, HeaderValue::from_bytes(b"a=\xFF").unwrap());
        assert_eq!(CookieJar::of(&headers).get("a"), None);
    }

    #[test]
    fn unsafe_base_urls_are_refused() {
        for good in
            ["http://localhost:1", "http://[::1]", "http://a.localhost", "https://a.example"]
        {
            assert!(CookiePolicy::for_base_url(good).is_ok(), "{good}");
        }
        for bad in ["http://app.example", "http://10.0.0.1", "http://localhost.evil.example"] {
            assert_eq!(CookiePolicy::for_base_url(bad), Err(BaseUrlError::Insecure(bad.into())));
        }
        for bad in ["", "/x", "ftp://a", "https://u:p@a.example", "https://a/?q", "https://a/#f"] {
            assert_eq!(CookiePolicy::for_base_url(bad), Err(BaseUrlError::Invalid(bad.into())));
        }
    }

    #[test]
    fn a_cookie_counts_only_if_it_is_the_only_one() {
        let headers = |values: &[&str]| {
            let header = |v: &&str| (COOKIE, HeaderValue::from_bytes(v.as_bytes()).unwrap());
            values.iter().map(header).collect::<HeaderMap>()
        };
        assert_eq!(CookieJar::of(&headers(&["a=1; b=2", "c=3"])).get("c"), Some("3"));
        assert_eq!(CookieJar::of(&headers(&["a=1; a=2"])).get("a"), None);
        assert_eq!(CookieJar::of(&headers(&["a=1", "a=1"])).get("a"), None);
        assert_eq!(CookieJar::of(&headers(&["ba=1; a"])).get("a"), None);
        // A name that only becomes ours where blanks of any kind are cut off.
        for planted in ["\u{2000}a=2; a=1", "\u{a0}a=2; a=1", "\u{85}a=2; a=1", "a=1; \u{3000}a=2"]
        {
            assert_eq!(CookieJar::of(&headers(&[planted])).get("a"), Some("1"), "{planted:?}");
        }
        let long = "x".repeat(300_000);
        for beside in [format!("a=1; b={long}"), format!("{long}; a=1"), "y; ".repeat(9000) + "a=1"]
        {
            assert_eq!(CookieJar::of(&headers(&[&beside])).get("a"), Some("1"));
        }
    }
}
