//! Who the client is (RFC 6749, section 2.3; OpenID Connect Core, section 9).

mod assertion;
#[cfg(any(test, fuzzing))]
pub(in crate::provider) mod fuzzing;
mod presented;

use std::sync::Arc;

use http::HeaderMap;

use assertion::check_assertion;
use presented::{Presented, read_presented};

use crate::http::Form;
use crate::provider::server::Provider;
use crate::provider::{Client, ProviderError};
use crate::store::ClientAssertionUse;

/// A client that has proven who it is, in the way it is registered for; a public one has said so.
#[derive(Debug)]
pub struct AuthenticatedClient {
    client: Arc<Client>,
    assertion: Option<ClientAssertionUse>,
}

impl AuthenticatedClient {
    /// The client.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The assertion that the next transition has to use up.
    pub(in crate::provider) fn assertion(&self) -> Option<ClientAssertionUse> {
        self.assertion.clone()
    }

    /// Uses the assertion up at once, where no transition does it.
    pub(in crate::provider) async fn spend_assertion(
        self,
        provider: &Provider,
    ) -> Result<Self, ProviderError> {
        let Some(assertion) = &self.assertion else { return Ok(self) };
        let (issuer, now) = (provider.issuer.id(), provider.now());
        if provider.store.consume_client_assertion(issuer, assertion, now).await? {
            Ok(Self { assertion: None, ..self })
        } else {
            Err(ProviderError::ClientAssertionReplayed)
        }
    }
}

/// Finds out who the client is. It must use the one method it is registered for; who mixes several
/// is refused, whatever they prove.
pub(in crate::provider) async fn check_client(
    provider: &Provider,
    headers: &HeaderMap,
    form: &Form,
) -> Result<AuthenticatedClient, ProviderError> {
    let presented = read_presented(headers, form)?;
    let client = provider.client(presented.client_id()).await?;
    let client = client.ok_or(ProviderError::UnknownClient)?;
    if client.auth_method() != presented.method() {
        return Err(ProviderError::WrongAuthenticationMethod);
    }
    let assertion = match &presented {
        Presented::Nothing { .. } => None,
        Presented::Basic { secret, .. } => check_secret(&client, secret)?,
        Presented::Post { secret, .. } => check_secret(&client, secret)?,
        Presented::Assertion { jwt, .. } => Some(check_assertion(provider, &client, jwt).await?),
    };
    Ok(AuthenticatedClient { client, assertion })
}

/// A secret uses nothing up.
fn check_secret(
    client: &Client,
    secret: &str,
) -> Result<Option<ClientAssertionUse>, ProviderError> {
    let matches = client.secret().is_some_and(|hash| hash.matches(secret));
    if matches { Ok(None) } else { Err(ProviderError::WrongClientSecret) }
}
