//! Where a browser is sent back to: addresses of other programs, which were compared before with those
//! that they registered.

use url::{Host, Url, form_urlencoded};

/// The source that a page's `form-action` must allow so that its form, or the redirect that answers
/// it, may lead to this URI (Content Security Policy Level 3, section 6.4.1).
pub(crate) fn form_action(uri: &str) -> String {
    let Ok(url) = Url::parse(uri) else { return String::new() };
    match (url.scheme(), url.host()) {
        ("https" | "http", Some(Host::Domain(_) | Host::Ipv4(_))) => {
            url.origin().ascii_serialization()
        }
        // A source list has no way to write an IPv6 address, nor one of an app's own scheme.
        (scheme, _) => format!("{scheme}:"),
    }
}

/// Whether the host is an address, or a name as names of hosts are written (RFC 1123, section 2.1). A
/// parser of URLs lets more through, of which `;` and `,` would end the source in a policy.
pub(crate) fn has_host_of_the_internet(url: &Url) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    match url.host() {
        Some(Host::Domain(name)) => name.bytes().all(fits),
        Some(Host::Ipv4(_) | Host::Ipv6(_)) => true,
        None => false,
    }
}

/// Adds fields to the URI as it is: it may have a query, which is kept (RFC 6749, section 3.1.2).
pub(crate) fn with_query(uri: &str, fields: &[(&str, &str)]) -> String {
    let separator = match uri.split_once('?') {
        None => "?",
        Some((_, query)) if query.is_empty() || query.ends_with('&') => "",
        Some(_) => "&",
    };
    let fields = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    format!("{uri}{separator}{fields}")
}

/// Whether two URIs are of this machine, and the same but for the port (RFC 8252, section 7.3).
pub(crate) fn differs_in_loopback_port(registered: &str, presented: &str) -> bool {
    match (split_loopback(registered), split_loopback(presented)) {
        (Some(registered), Some(presented)) => {
            (registered.host, registered.rest) == (presented.host, presented.rest)
        }
        _ => false,
    }
}

/// Whether nobody but its owner gets what is sent to this URI (RFC 8252, section 8.6): it is one of
/// the web, or has a port of this machine; not an app's own scheme, nor a loopback address without a
/// port, which stands for any.
pub(crate) fn is_of_the_web(uri: &str) -> bool {
    let web = uri.starts_with("https:") || uri.starts_with("http:");
    web && split_loopback(uri).is_none_or(|loopback| loopback.has_port)
}

/// Whether it is a URI of this machine.
#[cfg(feature = "accounts")]
pub(crate) fn is_loopback(uri: &str) -> bool {
    split_loopback(uri).is_some()
}

/// A loopback URI; `rest` is what follows the port.
struct Loopback<'a> {
    host: &'static str,
    has_port: bool,
    rest: &'a str,
}

fn split_loopback(uri: &str) -> Option<Loopback<'_>> {
    let (host, rest) = ["http://127.0.0.1", "http://[::1]"]
        .into_iter()
        .find_map(|host| Some((host, uri.strip_prefix(host)?)))?;
    let has_port = rest.starts_with(':');
    let rest = match rest.strip_prefix(':') {
        None => rest,
        Some(rest) => {
            let path = rest.trim_start_matches(|c: char| c.is_ascii_digit());
            let port = rest.strip_suffix(path)?;
            port.parse::<u16>().ok().filter(|port| *port > 0)?;
            path
        }
    };
    let ends = rest.is_empty() || rest.starts_with(['/', '?']);
    ends.then_some(Loopback { host, has_port, rest })
}
