use super::secret::MIN_SECRET;
use super::{Client, ClientError, ClientMetadata};
use crate::crypto::{OpaqueToken, RandomExt as _, Redacted};
use crate::provider::AuthMethod;
use crate::provider::server::Provider;
use crate::scope::storable;
use crate::store::{StoreError, StoredClient};

/// A client that was just registered.
#[derive(Debug)]
#[non_exhaustive]
pub struct Registered {
    /// The client.
    pub client: Client,
    /// Its secret, if one was made: 256 random bits.
    pub secret: Option<OpaqueToken>,
}

/// Why a client was not registered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegistrationError {
    /// Its metadata are wrong.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// A given secret is too short.
    #[error("client_secret: needs at least 32 random characters; left out, one is made")]
    WeakSecret,
    /// The store did not take it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It cannot be written as JSON.
    #[error("the client cannot be written: {0}")]
    Document(#[from] serde_json::Error),
}

/// Checks a client and writes it into the store.
pub(crate) async fn register(
    provider: &Provider,
    mut metadata: ClientMetadata,
) -> Result<Registered, RegistrationError> {
    if provider.clients.is_configured(&metadata.client_id) {
        return Err(ClientError::Duplicate(metadata.client_id).into());
    }
    let secret = assign_secret(provider, &mut metadata)?;
    let client = Client::new(metadata)?;
    client.check_algorithm(provider.clients.algorithms())?;
    let document = client.to_document()?;
    // Texts are checked one by one; this is for the likes of a key's id.
    if storable(document.clone()) != document {
        let (client_id, fault) = (client.id().to_owned(), "must not hold U+0000");
        return Err(ClientError::Invalid { client_id, field: "jwks", fault }.into());
    }
    let stored = StoredClient { client_id: client.id().to_owned(), document };
    provider.store.save_client(provider.issuer.id(), &stored).await?;
    provider.clients.forget(client.id());
    Ok(Registered { client, secret })
}

fn assign_secret(
    provider: &Provider,
    metadata: &mut ClientMetadata,
) -> Result<Option<OpaqueToken>, RegistrationError> {
    let method = metadata.token_endpoint_auth_method.unwrap_or(AuthMethod::ClientSecretBasic);
    match &metadata.client_secret {
        Some(Redacted(given)) if given.len() < MIN_SECRET => Err(RegistrationError::WeakSecret),
        Some(_) => Ok(None),
        None if method.uses_secret() => {
            let secret = provider.random.token();
            metadata.client_secret = Some(Redacted(secret.expose()));
            Ok(Some(secret))
        }
        None => Ok(None),
    }
}
