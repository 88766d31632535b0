use async_trait::async_trait;
use axum::http::request::Parts;
use donjon::account::Accounts;
use donjon::provider::{AccountResolver, ResolverError};
use donjon::scope::{Account, Claims, Context, CurrentAccount, CurrentScope};

use crate::saml_users::link::is_link;
use crate::staff;

/// Answers the provider's questions about users. It is all that the provider and the accounts know
/// of each other: with users of your own, this is the file to change.
#[derive(Debug)]
pub(crate) struct Resolver {
    pub(crate) accounts: Accounts,
}

#[async_trait]
impl AccountResolver for Resolver {
    /// Whoever the session layer says is logged in, by password or by SAML.
    async fn resolve_current_account(
        &self,
        request: &Parts,
        _: &Context,
    ) -> Result<Option<CurrentAccount>, ResolverError> {
        Ok(request.extensions.get::<CurrentScope>().and_then(CurrentScope::current_account))
    }

    async fn resolve_account(
        &self,
        subject: &str,
        _: &Context,
    ) -> Result<Option<Account>, ResolverError> {
        Ok(self.accounts.find(&subject.to_owned().try_into()?).await?)
    }

    /// The account's attributes are claims already; the provider gives each with its scope only.
    async fn build_claims(&self, account: &Account, _: &Context) -> Result<Claims, ResolverError> {
        let mut userinfo = account.attributes().clone();
        userinfo.retain(|name, _| !is_link(name) && name != staff::ATTRIBUTE);
        if let Some(email) = account.email() {
            userinfo.insert("email".into(), email.into());
            userinfo.insert("email_verified".into(), account.email_verified().into());
        }
        Ok(Claims { subject: account.id().clone(), id_token: Default::default(), userinfo })
    }

    async fn redirect_for_login(&self, _: &Parts, _: &Context) -> Result<String, ResolverError> {
        Ok("/login".into())
    }
}
