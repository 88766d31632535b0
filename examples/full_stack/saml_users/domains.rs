use std::collections::{HashMap, HashSet};

use donjon::account::Email;
use url::Host;

use crate::config::{Config, ConfigError, ConnectionConfig};

/// Who may vouch for which addresses. Without this, every customer's identity provider could log
/// in as every other's employees.
///
/// A domain that a connection claims in `email_domains` is that connection's alone. A connection
/// without the key may vouch for whatever nobody claims.
#[derive(Debug)]
pub(crate) struct Domains {
    owners: HashMap<String, String>,
    unlimited: HashSet<String>,
}

impl Domains {
    pub(crate) fn of(connections: &[ConnectionConfig]) -> Self {
        let claims = connections.iter().flat_map(|connection| {
            let domains = connection.email_domains.iter().flatten();
            domains.filter_map(|domain| Some((canonical(domain)?, connection.id.clone())))
        });
        let unlimited = connections.iter().filter(|connection| connection.email_domains.is_none());
        Self {
            owners: claims.collect(),
            unlimited: unlimited.map(|connection| connection.id.clone()).collect(),
        }
    }

    pub(crate) fn may_vouch(&self, connection: &str, email: &Email) -> bool {
        let domain = email.as_str().rsplit_once('@').and_then(|(_, domain)| canonical(domain));
        let Some(domain) = domain else { return false };
        match self.owners.get(&domain) {
            Some(owner) => owner == connection,
            None => self.unlimited.contains(connection),
        }
    }
}

/// A domain in the spelling that all its spellings share: lower case, ASCII (IDNA), no dot at the
/// end. `None` if it is none.
pub(crate) fn canonical(domain: &str) -> Option<String> {
    let Ok(Host::Domain(domain)) = Host::parse(domain.strip_suffix('.').unwrap_or(domain)) else {
        return None;
    };
    // A parser of URLs is more lenient than mail is.
    let plain = domain.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.');
    plain.then_some(domain)
}

/// What an operator should know of the connections that may vouch for more than their own.
pub(crate) fn warnings(config: &Config) -> impl Iterator<Item = ConfigError> {
    let connections = config.saml.connections.iter().enumerate();
    let unlimited = connections.filter(|(_, connection)| connection.email_domains.is_none());
    unlimited.map(|(index, ConnectionConfig { id, .. })| {
        let risk = format!(
            "is not set, so that the identity provider of {id:?} may log in as any user with a \
             confirmed address, those with a password too, and make accounts for any address, but \
             for the domains that other connections claim; write email_domains = [\"…\"] with the \
             domains that this customer owns"
        );
        config.fault(format!("saml.connections[{index}].email_domains"), risk)
    })
}
