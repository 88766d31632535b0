//! Who the client is (RFC 6749, section 2.3; OpenID Connect Core, section 9).

mod assertion;
#[cfg(any(test, fuzzing))]
pub(in crate::provider) mod fuzzing;
mod guesses;
mod presented;

use std::sync::Arc;

use bytes::Bytes;
use http::Request;

use assertion::check_assertion;
pub(in crate::provider) use guesses::Guesses;
use guesses::Look;
use presented::{Presented, read_presented};

use crate::http::{Form, respond};
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
    request: &Request<Bytes>,
    form: &Form,
) -> Result<AuthenticatedClient, ProviderError> {
    let presented = read_presented(request.headers(), form)?;
    let client = provider.client(presented.client_id()).await?;
    let client = client.ok_or(ProviderError::UnknownClient)?;
    if client.auth_method() != presented.method() {
        return Err(ProviderError::WrongAuthenticationMethod);
    }
    let assertion = match &presented {
        Presented::Nothing { .. } => None,
        Presented::Basic { secret, .. } => {
            check_secret(provider, request, &client, secret).await?;
            None
        }
        Presented::Post { secret, .. } => {
            check_secret(provider, request, &client, secret).await?;
            None
        }
        Presented::Assertion { jwt, .. } => Some(check_assertion(provider, &client, jwt).await?),
    };
    Ok(AuthenticatedClient { client, assertion })
}

/// A secret that could be guessed is looked at only so often (RFC 6749, section 2.3.1: the server
/// must protect the endpoint against brute force).
async fn check_secret(
    provider: &Provider,
    request: &Request<Bytes>,
    client: &Client,
    secret: &str,
) -> Result<(), ProviderError> {
    let is_right = || client.secret().is_some_and(|hash| hash.matches(secret));
    let network = provider.network_if_known(request.headers(), request.extensions());
    let Some(network) = network.filter(|_| client.secret_is_guessable()) else {
        return if is_right() { Ok(()) } else { Err(ProviderError::WrongClientSecret) };
    };
    let (limit, now) = (provider.secret_guesses, provider.now());
    let pair = (client.id().to_owned(), network);
    match provider.guesses.look(&pair, limit, now, is_right) {
        Look::Right => Ok(()),
        Look::Blocked { until } => {
            Err(ProviderError::TooManyWrongSecrets(respond::seconds_until(until, now)))
        }
        Look::Wrong => {
            let (issuer, (client, network)) = (provider.issuer.id(), &pair);
            let store = &provider.store;
            let count = store.count_client_failure(issuer, client, network, limit, now).await?;
            provider.guesses.learn(&pair, count);
            Err(ProviderError::WrongClientSecret)
        }
    }
}
