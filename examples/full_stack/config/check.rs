//! What can be said of a configuration before anything is opened or built.

use std::collections::HashMap;

use donjon::account::Email;
use donjon::http::{BaseUrlError, CookiePolicy};
use url::Url;

use super::{Config, ConfigError, UserConfig};
use crate::saml_users::{domains, link};

/// A key, and what is wrong with its value.
type Fault = (String, String);

impl Config {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let checks =
            [Self::check_issuer, Self::check_database, Self::check_users, Self::check_domains];
        for check in checks {
            check(self).map_err(|(key, fault)| self.fault(key, fault))?;
        }
        Ok(())
    }

    /// The issuer is the base of every address here, and compared byte for byte elsewhere.
    fn check_issuer(&self) -> Result<(), Fault> {
        const EXAMPLE: &str = "write the URL that browsers open, such as \"https://op.test:9443\"";
        let fault = |fault: String| Err(("issuer".to_owned(), fault));
        match CookiePolicy::for_base_url(&self.issuer) {
            Ok(_) => {}
            Err(BaseUrlError::Insecure(_)) => {
                return fault(format!(
                    "is plain http, which only a loopback address may be; {EXAMPLE}"
                ));
            }
            Err(_) => {
                let shape = "is not an absolute http(s) URL without user, query and fragment";
                return fault(format!("{shape}; {EXAMPLE}"));
            }
        }
        if self.tls.is_some() && !self.issuer.starts_with("https://") {
            return fault("must start with https:// since there is [tls]".into());
        }
        let url = Url::parse(&self.issuer).ok();
        let origin = url.map(|url| url.origin().ascii_serialization()).unwrap_or_default();
        if origin != self.issuer {
            return fault(format!(
                "must be an origin as browsers write it, without path, default port and slash at \
                 the end; write {origin:?}"
            ));
        }
        Ok(())
    }

    fn check_database(&self) -> Result<(), Fault> {
        let url = &self.database_url;
        let file = url.strip_prefix("sqlite://").is_some_and(|file| !file.is_empty());
        let server = url.starts_with("postgres://") || url.starts_with("postgresql://");
        let fault = match (server, cfg!(feature = "postgres")) {
            (true, true) => return Ok(()),
            (true, false) => {
                "is PostgreSQL, which this program was built without; build it with \
                              --features postgres"
            }
            (false, _) if file || self.is_ephemeral() => return Ok(()),
            (false, _) => {
                "names no database; write \"sqlite://FILE\", \"sqlite::memory:\" or \
                           \"postgres://USER:PASSWORD@HOST/DATABASE\""
            }
        };
        Err(("database_url".into(), fault.into()))
    }

    fn check_users(&self) -> Result<(), Fault> {
        let mut known = HashMap::new();
        for (index, user) in self.users.iter().enumerate() {
            let at = |(key, fault): (&str, String)| (format!("users[{index}].{key}"), fault);
            let email = check_user(user).map_err(at)?;
            if let Some(first) = known.insert(email.as_str().to_owned(), index) {
                return Err(at(("email", format!("is that of users[{first}] too; take one away"))));
            }
        }
        Ok(())
    }

    /// A domain has one connection that speaks for it.
    fn check_domains(&self) -> Result<(), Fault> {
        let mut owners = HashMap::new();
        for (index, connection) in self.saml.connections.iter().enumerate() {
            let at = |fault: String| (format!("saml.connections[{index}].email_domains"), fault);
            for domain in connection.email_domains.iter().flatten() {
                let canonical = domains::canonical(domain).ok_or_else(|| {
                    let form = "write domains such as \"acme.example\", without @ and *";
                    at(format!("{domain:?} is no domain; {form}"))
                })?;
                let owner = *owners.entry(canonical).or_insert(index);
                if owner != index {
                    let rule = "a domain has one connection that speaks for it";
                    return Err(at(format!(
                        "{domain:?} is saml.connections[{owner}]'s too; {rule}"
                    )));
                }
            }
        }
        Ok(())
    }
}

fn check_user(user: &UserConfig) -> Result<Email, (&'static str, String)> {
    let email = Email::parse(&user.email).map_err(|error| {
        ("email", format!("{:?}: {error}; write one such as \"alice@example.test\"", user.email))
    })?;
    if user.password.is_empty() {
        return Err(("password", "must not be empty".into()));
    }
    if user.claims.contains_key("sub") || user.claims.contains_key("email") {
        return Err(("claims", "sub and email are the account's own; leave them out".into()));
    }
    if user.claims.keys().any(|name| link::is_link(name)) {
        return Err(("claims", "names that begin with saml: are the application's own".into()));
    }
    if user.claims.get("email_verified").is_some_and(|value| !value.is_boolean()) {
        return Err(("claims.email_verified", "must be true or false".into()));
    }
    Ok(email)
}
