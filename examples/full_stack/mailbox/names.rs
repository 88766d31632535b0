use std::net::IpAddr;

use axum::http::Version;
use axum::http::header::HOST;
use axum::http::request::Parts;
use axum::http::uri::Authority;
use url::{Host, Url};

use crate::config::Config;

/// The names that the mailbox is asked for by. Another one leads here all the same when somebody's
/// DNS says so (rebinding): the browser then takes our mails for that somebody's own, and hands them
/// over.
#[derive(Clone, Debug)]
pub(super) struct Names {
    issuer: Option<Host>,
    listen: IpAddr,
    /// Whether it is shown to whoever asks through a proxy.
    to_everybody: bool,
}

impl Names {
    pub(super) fn of(config: &Config) -> Self {
        let issuer = Url::parse(&config.issuer).ok();
        let issuer = issuer.and_then(|url| url.host().map(|host| host.to_owned()));
        Self { issuer, listen: config.listen.ip(), to_everybody: config.danger_mailbox }
    }

    /// Whether a request names us: the issuer's host, where we listen, or this very machine.
    pub(super) fn know(&self, request: &Parts) -> bool {
        if !self.to_everybody && is_forwarded(request) {
            return false;
        }
        let Some(host) = host_of(request) else { return false };
        let is_ours = match &host {
            Host::Domain(name) => name == "localhost" || name.ends_with(".localhost"),
            Host::Ipv4(address) => self.is_own_address((*address).into()),
            Host::Ipv6(address) => self.is_own_address((*address).into()),
        };
        is_ours || self.issuer.as_ref() == Some(&host)
    }

    /// An address is nobody's to rebind; but one that we are not reached by is none of ours.
    fn is_own_address(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_loopback() || self.listen.is_unspecified() || self.listen == address
    }
}

/// Whether a reverse proxy brought the request: behind one, who listens on loopback is open to the
/// world. They say so by these headers; one that is set up to say nothing may speak HTTP/1.0, which no
/// browser does. Behind one that ends TLS and gives itself away by nothing there is no mailbox at all
/// ([`Config::has_mailbox`]).
fn is_forwarded(request: &Parts) -> bool {
    const BY: [&str; 6] =
        ["forwarded", "via", "x-real-ip", "x-client-ip", "cf-connecting-ip", "true-client-ip"];
    let says_so = |name: &str| name.starts_with("x-forwarded-") || BY.contains(&name);
    request.version < Version::HTTP_11 || request.headers.keys().any(|name| says_so(name.as_str()))
}

/// The host that a request names (RFC 9112, section 3.2); `None` if it names none, or more than one.
fn host_of(request: &Parts) -> Option<Host> {
    let mut headers = request.headers.get_all(HOST).iter();
    let header = match (headers.next(), headers.next()) {
        (_, Some(_)) => return None,
        (Some(value), None) => Some(value.to_str().ok()?.parse::<Authority>().ok()?),
        (None, None) => None,
    };
    let authority = request.uri.authority().cloned().or(header)?;
    if authority.as_str().contains('@') {
        return None;
    }
    let host = authority.host();
    Host::parse(host.strip_suffix('.').unwrap_or(host)).ok()
}
