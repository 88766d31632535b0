use std::sync::Arc;

use url::Url;

use super::BuildError;
use crate::http::CookiePolicy;
use crate::store::IssuerId;

/// The issuer: the name the server signs with, and the base of every URL it publishes
/// (OpenID Connect Discovery, section 3; RFC 8414, section 2).
#[derive(Clone, Debug)]
pub(crate) struct Issuer {
    text: Arc<str>,
    origin: Arc<str>,
    path: Arc<str>,
    id: IssuerId,
    cookies: CookiePolicy,
}

impl Issuer {
    /// Reads an issuer: an https URL (http on loopback only), spelt the one way every party will
    /// compare it by.
    pub(crate) fn parse(text: &str) -> Result<Self, BuildError> {
        let cookies = CookiePolicy::for_base_url(text)?;
        let url = Url::parse(text).map_err(|_| BuildError::IssuerSpelling(text.to_owned()))?;
        let canonical = url.as_str().trim_end_matches('/');
        if canonical != text {
            return Err(BuildError::IssuerSpelling(canonical.to_owned()));
        }
        let path = url.path().trim_end_matches('/');
        Ok(Self {
            origin: url.origin().ascii_serialization().into(),
            path: path.into(),
            text: text.into(),
            id: IssuerId::new(text),
            cookies,
        })
    }

    /// The issuer, as every token says it.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// What the store knows it by.
    pub(crate) fn id(&self) -> &IssuerId {
        &self.id
    }

    /// Its path: empty, or `/…` without a slash at the end.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// Its scheme, host and port.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// The URL of an absolute path on the issuer's host.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    /// How cookies on this host are named and protected.
    pub(crate) fn cookies(&self) -> CookiePolicy {
        self.cookies
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_has_one_spelling() {
        for good in ["https://a.example", "https://a.example/t/1", "http://127.0.0.1:3000"] {
            assert_eq!(Issuer::parse(good).unwrap().as_str(), good);
        }
        for bad in [
            "https://a.example/",
            "HTTPS://a.example",
            "https://A.example",
            "https://a.example:443",
            "https://a.example/t/",
            "https://a.example/a/../b",
            "http://a.example",
            "https://a.example?x",
            "https://a.example#x",
            "a.example",
            "",
        ] {
            assert!(Issuer::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn urls_are_made_from_the_issuer() {
        let issuer = Issuer::parse("https://a.example:8443/t").unwrap();
        assert_eq!(issuer.url("/t/oauth/token"), "https://a.example:8443/t/oauth/token");
        assert_eq!(issuer.path(), "/t");
        assert_eq!(Issuer::parse("https://a.example").unwrap().path(), "");
    }
}
