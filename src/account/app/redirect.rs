use url::Url;

use crate::http::redirect::{
    differs_in_loopback_port, has_host_of_the_internet, is_loopback, is_of_the_web,
};

/// The longest redirect URI, in bytes.
const MAX: usize = 512;

/// Where an app waits for its codes: a URI that was registered, and is of a kind that an app can have
/// (RFC 8252, section 7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RedirectUri(String);

impl RedirectUri {
    /// A URI to be registered: a claimed https one, a private-use scheme that is a domain backwards,
    /// or a loopback one.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let plain = text.len() <= MAX
            && text.bytes().all(|b| b.is_ascii_graphic() && !b"\"#<>\\^`{|}".contains(&b));
        let url = Url::parse(text).ok().filter(|_| plain)?;
        let nobody = url.username().is_empty() && url.password().is_none();
        let fits = match url.scheme() {
            "https" => has_host_of_the_internet(&url) && text.starts_with("https://"),
            "http" => is_loopback(text),
            // Section 7.1; and so neither `javascript` nor `data`.
            scheme => scheme.contains('.') && text.starts_with(scheme),
        };
        (nobody && fits).then(|| Self(text.to_owned()))
    }

    /// Whether what an app asks for is this one: byte for byte, but for the port of a loopback URI
    /// that was registered without one (section 7.3).
    pub(super) fn admits(&self, presented: &str) -> bool {
        let any_port = is_loopback(&self.0) && !is_of_the_web(&self.0);
        self.0 == presented
            || any_port && presented.len() <= MAX && differs_in_loopback_port(&self.0, presented)
    }
}

/// Whether nobody but the app gets what is sent there.
pub(super) fn identifies(presented: &str) -> bool {
    presented.starts_with("https://") && is_of_the_web(presented)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_app_has_addresses_of_three_kinds() {
        for good in [
            "https://app.example/ios/logged-in",
            "https://app.example:8443/cb?a=b",
            "com.example.acme:/logged-in",
            "com.example.acme://auth/cb",
            "http://127.0.0.1/cb",
            "http://127.0.0.1:4711/cb",
            "http://[::1]/cb",
        ] {
            let uri = RedirectUri::parse(good).unwrap_or_else(|| panic!("{good}"));
            assert!(uri.admits(good), "{good}");
        }
        let long = format!("https://app.example/{}", "a".repeat(MAX));
        for bad in [
            "",
            "/cb",
            "acme:/cb",
            "javascript:alert(1)",
            "data:text/html,x",
            "http://app.example/cb",
            "http://localhost/cb",
            "http://127.0.0.1.evil.example/cb",
            "https://user@app.example/cb",
            "https://app.example/cb#x",
            "https:app.example",
            "https://app.example;q=0",
            "https://app.example,evil.example/cb",
            "https://app.example/c b",
            "https://app.example\\@evil.example/",
            "com.example.acme:/\u{0}",
            "COM.EXAMPLE.ACME:/cb",
            &long,
        ] {
            assert_eq!(RedirectUri::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn only_the_port_of_a_loopback_address_without_one_may_differ() {
        let admits = |registered: &str, presented: &str| {
            RedirectUri::parse(registered).unwrap().admits(presented)
        };
        assert!(admits("http://127.0.0.1/cb", "http://127.0.0.1:50000/cb"));
        assert!(admits("http://[::1]/cb?a", "http://[::1]:1/cb?a"));
        for (registered, presented) in [
            ("http://127.0.0.1/cb", "http://127.0.0.1:50000/cb/"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:50000@evil.example/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:0/cb"),
            ("http://127.0.0.1/cb", "http://[::1]:50000/cb"),
            ("http://127.0.0.1:4711/cb", "http://127.0.0.1:4712/cb"),
            ("https://app.example/cb", "https://app.example:444/cb"),
            ("https://app.example/cb", "https://app.example/cb?x"),
            ("https://app.example/cb", "https://APP.example/cb"),
            ("com.example.acme:/cb", "com.example.acme:/cb/../x"),
            ("com.example.acme:/cb", "com.example.acme://cb"),
        ] {
            assert!(!admits(registered, presented), "{presented}");
        }
    }

    #[test]
    fn only_a_claimed_address_says_which_app_is_behind_it() {
        assert!(identifies("https://app.example/cb"));
        for other in ["com.example.acme:/cb", "http://127.0.0.1:80/cb", "http://[::1]/cb"] {
            assert!(!identifies(other), "{other}");
        }
    }
}
