use url::{Host, Url};

use crate::http::redirect::has_host_of_the_internet;

/// The longest redirect URI, in bytes.
const MAX_REDIRECT_URI: usize = 2048;

/// Whether a code may ever be sent there: an https URL, plain http to this very machine
/// (RFC 8252, section 7.3), or an app's own scheme in reverse-domain form (section 7.1).
pub(super) fn check_redirect_uri(uri: &str) -> Result<(), &'static str> {
    if uri.len() > MAX_REDIRECT_URI {
        return Err("must be at most 2048 bytes");
    }
    if !uri.bytes().all(|b| b.is_ascii_graphic()) {
        return Err("must be printable ASCII without spaces");
    }
    let url = Url::parse(uri).map_err(|_| "must be absolute URIs")?;
    if url.fragment().is_some() {
        return Err("must not have a fragment");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not hold credentials");
    }
    if uri.contains('*') {
        return Err("must not hold wildcards; each is compared byte for byte");
    }
    match (url.scheme(), url.host()) {
        ("https", Some(_)) if has_host_of_the_internet(&url) => Ok(()),
        ("https", Some(_)) => Err("must have a host name of letters, digits, dots and hyphens"),
        ("http", Some(Host::Domain("localhost"))) => Ok(()),
        ("http", Some(Host::Ipv4(address))) if address.is_loopback() => Ok(()),
        ("http", Some(Host::Ipv6(address))) if address.is_loopback() => Ok(()),
        ("http", _) => Err("may be plain http on a loopback address only"),
        (scheme, _) if scheme.contains('.') => Ok(()),
        _ => Err("must be https, or an app's scheme in reverse-domain form (com.example.app:/x)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_go_to_the_web_to_this_machine_or_to_an_app() {
        for good in [
            "https://client.example/cb",
            "https://client.example/cb?a=b",
            "http://127.0.0.1:3001/callback",
            "http://[::1]/cb",
            "http://localhost:3001/cb",
            "com.example.app:/cb",
        ] {
            assert_eq!(check_redirect_uri(good), Ok(()), "{good}");
        }
    }

    #[test]
    fn codes_go_nowhere_else() {
        let long = format!("https://client.example/{}", "a".repeat(MAX_REDIRECT_URI));
        for bad in [
            "",
            "/cb",
            "client.example/cb",
            "http://client.example/cb",
            "http://localhost.evil.example/cb",
            "https://client.example/cb#x",
            "https://client.example/cb#",
            "https://user@client.example/cb",
            "https://*.client.example/cb",
            "https://client.example;sandbox/cb",
            "https://client.example,evil.example/cb",
            "https://client.example/c b",
            "https://client.example/é",
            "javascript:alert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            "myapp:/cb",
            &long,
        ] {
            assert!(check_redirect_uri(bad).is_err(), "{bad}");
        }
    }
}
