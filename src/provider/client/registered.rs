use serde::{Deserialize, Serialize};

use super::check::{MAX_TEXT, check_metadata, is_client_id};
use super::key_source::check_key_source;
use super::secret::MIN_SECRET;
use super::{AuthMethod, ClientMetadata, GrantType, SecretHash};
use crate::crypto::Redacted;
use crate::jose::{Algorithm, VerifyingKey};

/// Why metadata describe no client: the fault of who registers it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// A field has a value it must not have.
    #[error("client {client_id:?}: {field}: {fault}")]
    Invalid {
        /// The client.
        client_id: String,
        /// The metadata field.
        field: &'static str,
        /// What is wrong with it, and what would be right.
        fault: &'static str,
    },
    /// Two clients have the same id.
    #[error("client {0:?} is registered twice; each needs an id of its own")]
    Duplicate(String),
}

/// A client that is fit to be served: its metadata were checked, its secret is a hash.
#[derive(Clone, Debug)]
pub struct Client {
    metadata: ClientMetadata,
    grant_types: Vec<GrantType>,
    scopes: Vec<String>,
    auth_method: AuthMethod,
    secret: Option<SecretHash>,
    secret_is_guessable: bool,
    keys: Vec<VerifyingKey>,
}

/// How a client is written into the store.
#[derive(Serialize, Deserialize)]
struct Document {
    metadata: ClientMetadata,
    secret_hash: Option<SecretHash>,
}

impl Client {
    /// Checks metadata and hashes the secret.
    ///
    /// # Errors
    /// [`ClientError::Invalid`] names the first field that is wrong.
    pub fn new(mut metadata: ClientMetadata) -> Result<Self, ClientError> {
        let secret = metadata.client_secret.take();
        let is_short = |secret: &Redacted<String>| secret.0.len() < MIN_SECRET;
        let secret_is_guessable = secret.as_ref().is_some_and(is_short);
        let secret = match secret {
            Some(Redacted(secret)) if secret.is_empty() || secret.len() > MAX_TEXT => {
                let fault = "must have 1 to 2048 characters";
                return Err(invalid(&metadata, "client_secret", fault));
            }
            secret => secret.map(|Redacted(secret)| SecretHash::of(&secret)),
        };
        Ok(Self { secret_is_guessable, ..Self::check(metadata, secret)? })
    }

    fn check(metadata: ClientMetadata, secret: Option<SecretHash>) -> Result<Self, ClientError> {
        let (auth_method, grant_types, scopes) = check_metadata(&metadata, secret.is_some())
            .map_err(|(field, fault)| invalid(&metadata, field, fault))?;
        let keys = check_key_source(&metadata, auth_method)
            .map_err(|(field, fault)| invalid(&metadata, field, fault))?;
        let secret_is_guessable = false;
        Ok(Self { metadata, grant_types, scopes, auth_method, secret, secret_is_guessable, keys })
    }

    /// What is stored of it.
    pub(crate) fn to_document(&self) -> serde_json::Result<serde_json::Value> {
        serde_json::to_value(Document {
            metadata: self.metadata.clone(),
            secret_hash: self.secret.clone(),
        })
    }

    /// Reads what [`Client::to_document`] wrote; `None` if it did not.
    pub(crate) fn from_document(document: serde_json::Value) -> Option<Self> {
        let Document { metadata, secret_hash } = serde_json::from_value(document).ok()?;
        Self::check(metadata, secret_hash).ok()
    }

    /// Its `client_id`.
    pub fn id(&self) -> &str {
        &self.metadata.client_id
    }

    /// The name that users are shown: its `client_name`, or else its id.
    pub fn name(&self) -> &str {
        self.metadata.client_name.as_deref().unwrap_or(&self.metadata.client_id)
    }

    /// Its metadata as registered, without the secret.
    pub fn metadata(&self) -> &ClientMetadata {
        &self.metadata
    }

    /// Where codes may be sent.
    pub fn redirect_uris(&self) -> &[String] {
        &self.metadata.redirect_uris
    }

    /// Whether it may use a grant type.
    pub fn allows_grant(&self, grant_type: GrantType) -> bool {
        self.grant_types.contains(&grant_type)
    }

    /// The scopes it may ask for.
    pub fn scopes(&self) -> &[String] {
        &self.scopes
    }

    /// Whether it may ask for a scope.
    pub fn allows_scope(&self, scope: &str) -> bool {
        self.scopes.iter().any(|allowed| allowed == scope)
    }

    /// How it proves who it is.
    pub fn auth_method(&self) -> AuthMethod {
        self.auth_method
    }

    /// Whether it cannot keep a secret (RFC 6749, section 2.1).
    pub fn is_public(&self) -> bool {
        self.auth_method == AuthMethod::None
    }

    /// Whether its authorization requests need PKCE.
    pub fn requires_pkce(&self) -> bool {
        self.metadata.require_pkce != Some(false)
    }

    /// Whether the server can sign its ID tokens, having keys for these algorithms.
    pub(super) fn check_algorithm(&self, algorithms: &[Algorithm]) -> Result<(), ClientError> {
        if algorithms.contains(&self.id_token_algorithm()) {
            return Ok(());
        }
        let fault = "the server has no key for this algorithm; see signing_algorithm(…)";
        Err(invalid(&self.metadata, "id_token_signed_response_alg", fault))
    }

    /// The algorithm of its ID tokens.
    pub fn id_token_algorithm(&self) -> Algorithm {
        self.metadata.id_token_signed_response_alg.unwrap_or(Algorithm::RS256)
    }

    /// The keys it signs with.
    pub(crate) fn keys(&self) -> &[VerifyingKey] {
        &self.keys
    }

    /// Whether its secret is shorter than those that the store takes: a person may have made it up.
    pub(crate) fn secret_is_guessable(&self) -> bool {
        self.secret_is_guessable
    }

    /// The hash of its secret.
    pub(crate) fn secret(&self) -> Option<&SecretHash> {
        self.secret.as_ref()
    }
}

fn invalid(metadata: &ClientMetadata, field: &'static str, fault: &'static str) -> ClientError {
    // An id that is no id could be anything, so it is not repeated.
    let client_id = if is_client_id(&metadata.client_id) { &*metadata.client_id } else { "?" };
    ClientError::Invalid { client_id: client_id.to_owned(), field, fault }
}
