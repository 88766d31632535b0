use std::collections::HashMap;

use async_trait::async_trait;
use donjon::account::{Accounts, CreateError};
use donjon::saml::protocol::LoginFacts;
use donjon::saml::{MapperError, SamlLogin, UserMapper};
use donjon::scope::{Account, Attributes};

use crate::config::ConnectionConfig;

const EMAIL_FORMAT: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress";
const UNSPECIFIED_FORMAT: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified";

/// Decides whom a SAML login is: the account with the address that the identity provider vouches
/// for, made if there is none. From there on nobody can tell it from one with a password.
#[derive(Debug)]
pub(crate) struct SamlUsers {
    accounts: Accounts,
    /// The domains each connection may vouch for; `None` is all.
    domains: HashMap<String, Option<Vec<String>>>,
}

impl SamlUsers {
    pub(crate) fn new(accounts: &Accounts, connections: &[ConnectionConfig]) -> Self {
        let domains = connections.iter().map(|c| (c.id.clone(), c.email_domains.clone())).collect();
        Self { accounts: accounts.clone(), domains }
    }

    /// Without this, every customer's identity provider could log in as every other's employees.
    fn may_vouch(&self, connection: &str, email: &str) -> bool {
        let domain = email.rsplit_once('@').map(|(_, domain)| domain).unwrap_or_default();
        match self.domains.get(connection) {
            Some(Some(domains)) => domains.iter().any(|own| own.eq_ignore_ascii_case(domain)),
            Some(None) => true,
            None => false,
        }
    }

    async fn create(&self, email: &str, facts: &LoginFacts) -> Result<Account, MapperError> {
        let name = ["name", "displayName"].iter().find_map(|name| facts.attributes.first(name));
        let name = name.map(|name| ("name".to_owned(), name.into()));
        let attributes = Attributes::from_iter(name);
        match self.accounts.create(email, None, attributes, true).await {
            Ok(account) => Ok(account),
            // Somebody was faster: the same person in another window, most likely.
            Err(CreateError::EmailTaken) => self.find(email).await?.ok_or_else(unconfirmed),
            Err(CreateError::Store(error)) => Err(error.into()),
            Err(error) => Err(MapperError::Refused(error.to_string())),
        }
    }

    async fn find(&self, email: &str) -> Result<Option<Account>, MapperError> {
        match self.accounts.find_by_email(email).await? {
            // Whoever registered it may not hold the address, but knows the password.
            Some(account) if !account.email_verified() => Err(unconfirmed()),
            account => Ok(account),
        }
    }
}

#[async_trait]
impl UserMapper for SamlUsers {
    async fn map_user(&self, login: SamlLogin<'_>) -> Result<Account, MapperError> {
        let email = email(login.facts).ok_or_else(|| {
            MapperError::Refused("Your identity provider did not tell your email address.".into())
        })?;
        if !self.may_vouch(login.connection, email) {
            let fault = format!("Your identity provider may not vouch for {email}.");
            return Err(MapperError::Refused(fault));
        }
        match self.find(email).await? {
            Some(account) => Ok(account),
            None => self.create(email, login.facts).await,
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
