//! Whom a SAML login is. An identity provider says an address; two rules say whether that is
//! enough: [`domains`], which addresses it may speak for, and [`link`], that an address means the
//! same person at it for ever.

pub(crate) mod domains;
pub(crate) mod link;

use async_trait::async_trait;
use donjon::account::{Accounts, CreateError, Email};
use donjon::saml::protocol::LoginFacts;
use donjon::saml::{MapperError, SamlLogin, UserMapper};
use donjon::scope::{Account, Attributes};

use self::domains::Domains;
use self::link::Link;
use crate::config::ConnectionConfig;

const EMAIL_FORMAT: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress";
const UNSPECIFIED_FORMAT: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified";

/// Decides whom a SAML login is: the account with the address that the identity provider vouches
/// for, made if there is none. From there on nobody can tell it from one with a password.
#[derive(Debug)]
pub(crate) struct SamlUsers {
    accounts: Accounts,
    domains: Domains,
}

impl SamlUsers {
    pub(crate) fn new(accounts: &Accounts, connections: &[ConnectionConfig]) -> Self {
        Self { accounts: accounts.clone(), domains: Domains::of(connections) }
    }

    async fn create(&self, email: &Email, login: SamlLogin<'_>) -> Result<Account, MapperError> {
        let link = Link::of(login);
        let names = ["name", "displayName"];
        let name = names.iter().find_map(|name| login.facts.attributes.first(name));
        let name = name.map(|name| ("name".to_owned(), name.into()));
        let attributes = Attributes::from_iter(name.into_iter().chain(link.attribute()));
        match self.accounts.create(email.as_str(), None, attributes, true).await {
            Ok(account) => Ok(account),
            // Somebody was faster: the same person in another window, most likely.
            Err(CreateError::EmailTaken) => {
                let account = self.find(email).await?.ok_or_else(unconfirmed)?;
                link.enter(account, &self.accounts).await
            }
            Err(CreateError::Store(error)) => Err(error.into()),
            Err(error) => Err(MapperError::Refused(error.to_string())),
        }
    }

    async fn find(&self, email: &Email) -> Result<Option<Account>, MapperError> {
        match self.accounts.find_by_email(email.as_str()).await? {
            // Whoever registered it may not hold the address, but knows the password.
            Some(account) if !account.email_verified() => Err(unconfirmed()),
            account => Ok(account),
        }
    }
}

#[async_trait]
impl UserMapper for SamlUsers {
    async fn map_user(&self, login: SamlLogin<'_>) -> Result<Account, MapperError> {
        // In the one spelling that accounts are found by: what is vouched for is what is entered.
        let email = email(login.facts).and_then(|email| Email::parse(email).ok());
        let email = email.ok_or_else(|| {
            MapperError::Refused("Your identity provider did not tell your email address.".into())
        })?;
        if !self.domains.may_vouch(login.connection, &email) {
            let fault = format!("Your identity provider may not vouch for {email}.");
            return Err(MapperError::Refused(fault));
        }
        match self.find(&email).await? {
            Some(account) => Link::of(login).enter(account, &self.accounts).await,
            None => self.create(&email, login).await,
        }
    }
}

/// The address: the name itself if it is said to be one, else an attribute under one of its usual
/// names, else a name of no particular kind that looks like one.
fn email(facts: &LoginFacts) -> Option<&str> {
    let name = facts.name_id.value.as_str();
    match facts.name_id.format.as_deref() {
        Some(EMAIL_FORMAT) => Some(name),
        format => {
            let names = ["email", "mail", "urn:oid:0.9.2342.19200300.100.1.3"];
            let attribute = names.iter().find_map(|name| facts.attributes.first(name));
            let plain = format.is_none_or(|format| format == UNSPECIFIED_FORMAT);
            attribute.or_else(|| (plain && name.contains('@')).then_some(name))
        }
    }
}

fn unconfirmed() -> MapperError {
    MapperError::Refused(
        "There is an account with your address that was never confirmed. Choose a new password for \
         it (\"Forgotten password\"), then come back."
            .into(),
    )
}

#[cfg(test)]
mod tests;
