use std::fmt;

use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue};
use time::Duration;
use tower_cookies::Cookie;
use tower_cookies::cookie::SameSite;
use url::{Host, Url};

use super::limits;

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
    pub fn set(&self, name: &str, value: &str, max_age: Option<Duration>) -> HeaderValue {
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

fn is_loopback(host: &Host<&str>) -> bool {
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

    /// All cookies, by full name and value; none if they are longer than we read.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        let headers = self.headers.get_all(COOKIE);
        let size: usize = headers.iter().map(HeaderValue::len).sum();
        let readable = size <= limits::COOKIES;
        headers
            .into_iter()
            .filter(move |_| readable)
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
    }

    /// The value of the one cookie of this full name. A name that comes twice (as when a sibling
    /// domain plants its own) is as good as absent: nobody can tell which one is ours.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        let mut found = self.iter().filter(|(key, _)| *key == name).map(|(_, value)| value);
        match (found.next(), found.next()) {
            (Some(value), None) => Some(value),
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
            values.iter().map(|v| (COOKIE, v.parse().unwrap())).collect::<HeaderMap>()
        };
        assert_eq!(CookieJar::of(&headers(&["a=1; b=2", "c=3"])).get("c"), Some("3"));
        assert_eq!(CookieJar::of(&headers(&["a=1; a=2"])).get("a"), None);
        assert_eq!(CookieJar::of(&headers(&["a=1", "a=1"])).get("a"), None);
        assert_eq!(CookieJar::of(&headers(&["ba=1; a"])).get("a"), None);
        assert_eq!(
            CookieJar::of(&headers(&[&format!("a=1; b={}", "x".repeat(17_000))])).get("a"),
            None
        );
    }
}
