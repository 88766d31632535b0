use url::{Host, Url};

/// Why an application cannot have passkeys: the fault of its configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidRelyingParty {
    /// Passkeys belong to a domain.
    #[error(
        "{0:?} has no domain, which passkeys belong to; give the application a name (on your own \
         machine: http://localhost)"
    )]
    NoDomain(String),
    /// The id is not the domain of the application, nor one that it is below.
    #[error(
        "{id:?} cannot be the relying party of {domain:?}: it must be that domain, or a parent of \
         it with at least two labels"
    )]
    Id {
        /// What was asked for.
        id: String,
        /// The domain of the application.
        domain: String,
    },
}

/// Whom passkeys are made for: an origin, at which browsers use them, and a domain (the RP ID),
/// which they belong to (WebAuthn Level 3, section 5.1.2).
///
/// The domain is part of every passkey: when it changes, all of them are lost. An application that
/// may move from `app.example.com` to `www.example.com` says from the first day that it is
/// `example.com`.
///
/// ```
/// use donjon::account::passkey::RelyingParty;
///
/// let party = RelyingParty::at("https://app.example.com")?.with_id("example.com")?;
/// assert_eq!((party.origin(), party.id()), ("https://app.example.com", "example.com"));
/// assert!(RelyingParty::at("https://192.0.2.1").is_err());
/// # Ok::<(), donjon::account::passkey::InvalidRelyingParty>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelyingParty {
    origin: String,
    domain: String,
    id: String,
}

impl RelyingParty {
    /// The application at this URL, whose domain is the id.
    ///
    /// # Errors
    /// [`InvalidRelyingParty::NoDomain`].
    pub fn at(url: &str) -> Result<Self, InvalidRelyingParty> {
        let parsed = Url::parse(url).ok();
        match parsed.as_ref().map(|url| (url, url.host())) {
            Some((url, Some(Host::Domain(domain)))) => Ok(Self {
                origin: url.origin().ascii_serialization(),
                domain: domain.to_owned(),
                id: domain.to_owned(),
            }),
            _ => Err(InvalidRelyingParty::NoDomain(url.to_owned())),
        }
    }

    /// The same under another id: a parent of its domain. That it is no public suffix, such as
    /// `co.uk`, browsers see to.
    ///
    /// # Errors
    /// [`InvalidRelyingParty::Id`].
    pub fn with_id(mut self, id: &str) -> Result<Self, InvalidRelyingParty> {
        let above = self.domain.strip_suffix(id).is_some_and(|below| below.ends_with('.'));
        let is_parent = above && id.contains('.') && !id.starts_with('.');
        if id != self.domain && !is_parent {
            return Err(InvalidRelyingParty::Id { id: id.to_owned(), domain: self.domain });
        }
        id.clone_into(&mut self.id);
        Ok(self)
    }

    /// The domain that passkeys belong to.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The origin that browsers use them at.
    pub fn origin(&self) -> &str {
        &self.origin
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_the_domain_or_a_parent_of_it() {
        let party = RelyingParty::at("https://login.app.example.com:8443").unwrap();
        assert_eq!(party.id(), "login.app.example.com");
        assert_eq!(party.origin(), "https://login.app.example.com:8443");
        for good in ["login.app.example.com", "app.example.com", "example.com"] {
            assert_eq!(party.clone().with_id(good).unwrap().id(), good);
        }
        for bad in [
            "com",
            "",
            ".",
            ".com",
            "pp.example.com",
            "evil.example",
            "a.login.app.example.com",
            "example.com.",
        ] {
            assert!(party.clone().with_id(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_address_is_no_domain() {
        for bad in ["http://127.0.0.1:3000", "http://[::1]:3000", "https://", "mailto:a@b", ""] {
            assert!(RelyingParty::at(bad).is_err(), "{bad:?}");
        }
        assert_eq!(RelyingParty::at("http://localhost:3000").unwrap().id(), "localhost");
    }
}
