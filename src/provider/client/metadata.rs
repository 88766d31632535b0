use serde::{Deserialize, Serialize};

use super::{AuthMethod, GrantType};
use crate::crypto::Redacted;
use crate::jose::{Algorithm, JwkSet};

/// What a client is registered with: RFC 7591, section 2, with its `client_id` and secret. A field
/// that is not one of these is an error.
///
/// ```
/// use donjon::provider::{Client, ClientMetadata};
///
/// let metadata: ClientMetadata = serde_json::from_str(
///     r#"{
///         "client_id": "spa",
///         "redirect_uris": ["https://spa.example/callback"],
///         "token_endpoint_auth_method": "none",
///         "scope": "openid profile offline_access"
///     }"#,
/// )?;
/// let client = Client::new(metadata)?;
/// assert!(client.is_public());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientMetadata {
    /// 1 to 255 printable ASCII characters.
    pub client_id: String,
    /// The secret of a client whose method uses one.
    #[serde(default, skip_serializing, deserialize_with = "secret_text")]
    pub client_secret: Option<Redacted<String>>,
    /// The name that users are shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_name: Option<String>,
    /// A page about the client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_uri: Option<String>,
    /// Its logo.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logo_uri: Option<String>,
    /// Its privacy policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_uri: Option<String>,
    /// Its terms of service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tos_uri: Option<String>,
    /// How to reach those responsible.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contacts: Vec<String>,
    /// Where codes may be sent: compared byte for byte.
    #[serde(default)]
    pub redirect_uris: Vec<String>,
    /// By default `authorization_code`, and `refresh_token` if the scope has `offline_access`.
    #[serde(default)]
    pub grant_types: Option<Vec<GrantType>>,
    /// `["code"]`, the one there is.
    #[serde(default)]
    pub response_types: Option<Vec<String>>,
    /// The scopes it may ask for, separated by spaces; by default `openid`.
    #[serde(default)]
    pub scope: Option<String>,
    /// By default `client_secret_basic`.
    #[serde(default)]
    pub token_endpoint_auth_method: Option<AuthMethod>,
    /// The public keys it signs with; `private_key_jwt` needs these or those at `jwks_uri`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks: Option<JwkSet>,
    /// Where it publishes them, in place of `jwks`: an https URL of the public internet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// The one algorithm of its assertions; by default any that its keys fit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_signing_alg: Option<Algorithm>,
    /// The algorithm of its ID tokens; by default RS256 (OpenID Connect Registration, section 2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_token_signed_response_alg: Option<Algorithm>,
    /// Whether its authorization requests need PKCE; by default they do. Only a confidential
    /// client may do without, and its requests must then carry `openid` and a `nonce`.
    #[serde(default)]
    pub require_pkce: Option<bool>,
}

fn secret_text<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Redacted<String>>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(Redacted))
}

impl ClientMetadata {
    /// The metadata of a client with this id and nothing else.
    pub fn new(client_id: impl Into<String>) -> Self {
        Self {
            client_id: client_id.into(),
            client_secret: None,
            client_name: None,
            client_uri: None,
            logo_uri: None,
            policy_uri: None,
            tos_uri: None,
            contacts: Vec::new(),
            redirect_uris: Vec::new(),
            grant_types: None,
            response_types: None,
            scope: None,
            token_endpoint_auth_method: None,
            jwks: None,
            jwks_uri: None,
            token_endpoint_auth_signing_alg: None,
            id_token_signed_response_alg: None,
            require_pkce: None,
        }
    }
}
