use std::fmt;

use serde::{Deserialize, Serialize};

use super::SecretHash;
use super::key_source::check_key_source;
use super::uri::check_redirect_uri;
use crate::crypto::Redacted;
use crate::jose::{Algorithm, JwkSet, VerifyingKey};

/// The most redirect URIs of one client.
const MAX_REDIRECT_URIS: usize = 64;
/// The longest text of one metadata field, in bytes.
const MAX_TEXT: usize = 2048;

/// How a client proves who it is (OpenID Connect Core, section 9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AuthMethod {
    /// It does not: a public client.
    None,
    /// Its secret, in the `Authorization` header.
    ClientSecretBasic,
    /// Its secret, in the form.
    ClientSecretPost,
    /// A JWT that it signed (RFC 7523).
    PrivateKeyJwt,
}

impl AuthMethod {
    /// Every method there is.
    pub const ALL: [Self; 4] =
        [Self::None, Self::ClientSecretBasic, Self::ClientSecretPost, Self::PrivateKeyJwt];

    /// The registered name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
            Self::PrivateKeyJwt => "private_key_jwt",
        }
    }

    pub(super) fn uses_secret(self) -> bool {
        matches!(self, Self::ClientSecretBasic | Self::ClientSecretPost)
    }
}

/// A grant type of the token endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum GrantType {
    /// RFC 6749, section 4.1.
    AuthorizationCode,
    /// RFC 6749, section 6.
    RefreshToken,
    /// RFC 6749, section 4.4.
    ClientCredentials,
}

impl GrantType {
    /// Every grant type there is.
    pub const ALL: [Self; 3] =
        [Self::AuthorizationCode, Self::RefreshToken, Self::ClientCredentials];

    /// The registered name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::RefreshToken => "refresh_token",
            Self::ClientCredentials => "client_credentials",
        }
    }
}

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
        let secret = match secret {
            Some(Redacted(secret)) if secret.is_empty() || secret.len() > MAX_TEXT => {
                let fault = "must have 1 to 2048 characters";
                return Err(invalid(&metadata, "client_secret", fault));
            }
            secret => secret.map(|Redacted(secret)| SecretHash::of(&secret)),
        };
        Self::check(metadata, secret)
    }

    fn check(metadata: ClientMetadata, secret: Option<SecretHash>) -> Result<Self, ClientError> {
        let (auth_method, grant_types, scopes) = check(&metadata, secret.is_some())
            .map_err(|(field, fault)| invalid(&metadata, field, fault))?;
        let keys = check_key_source(&metadata, auth_method)
            .map_err(|(field, fault)| invalid(&metadata, field, fault))?;
        Ok(Self { metadata, grant_types, scopes, auth_method, secret, keys })
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

pub(super) fn is_client_id(id: &str) -> bool {
    (1..=255).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic())
}

type Checked = (AuthMethod, Vec<GrantType>, Vec<String>);
type FieldFault = (&'static str, &'static str);

fn check(metadata: &ClientMetadata, has_secret: bool) -> Result<Checked, FieldFault> {
    if !is_client_id(&metadata.client_id) {
        return Err(("client_id", "must be 1 to 255 printable ASCII characters without spaces"));
    }
    let scopes = check_scope(metadata.scope.as_deref().unwrap_or("openid"))?;
    let auth_method = metadata.token_endpoint_auth_method.unwrap_or(AuthMethod::ClientSecretBasic);
    check_secret(auth_method, has_secret)?;
    let grant_types = check_grant_types(metadata, auth_method, &scopes)?;
    check_redirect_uris(metadata, &grant_types)?;
    check_pkce(metadata, auth_method, &scopes)?;
    check_texts(metadata)?;
    Ok((auth_method, grant_types, scopes))
}

/// RFC 6749, section 3.3.
fn check_scope(scope: &str) -> Result<Vec<String>, FieldFault> {
    let scopes: Vec<String> = scope.split(' ').map(str::to_owned).collect();
    let token = |scope: &String| {
        !scope.is_empty() && scope.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5B | 0x5D..=0x7E))
    };
    if scope.len() > MAX_TEXT || !scopes.iter().all(token) {
        return Err(("scope", "must be scope tokens, separated by one space each"));
    }
    Ok(scopes)
}

fn check_secret(method: AuthMethod, has_secret: bool) -> Result<(), FieldFault> {
    match (method.uses_secret(), has_secret) {
        (true, false) => Err(("client_secret", "is missing; this authentication method needs one")),
        (false, true) => Err(("client_secret", "must be left out; this method does not use one")),
        _ => Ok(()),
    }
}

fn check_grant_types(
    metadata: &ClientMetadata,
    method: AuthMethod,
    scopes: &[String],
) -> Result<Vec<GrantType>, FieldFault> {
    let offline = scopes.iter().any(|scope| scope == "offline_access");
    let grant_types = match &metadata.grant_types {
        Some(grant_types) => grant_types.clone(),
        None if offline => vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
        None => vec![GrantType::AuthorizationCode],
    };
    let has = |grant_type| grant_types.contains(&grant_type);
    if grant_types.is_empty() {
        return Err(("grant_types", "must not be empty"));
    }
    if has(GrantType::RefreshToken) && !has(GrantType::AuthorizationCode) {
        return Err(("grant_types", "refresh_token needs authorization_code beside it"));
    }
    if has(GrantType::ClientCredentials) && method == AuthMethod::None {
        return Err(("grant_types", "client_credentials needs a client that authenticates"));
    }
    let code_only = metadata.response_types.as_ref().is_none_or(|types| types == &["code"]);
    if has(GrantType::AuthorizationCode) && !code_only {
        return Err(("response_types", "must be [\"code\"]"));
    }
    Ok(grant_types)
}

fn check_redirect_uris(
    metadata: &ClientMetadata,
    grant_types: &[GrantType],
) -> Result<(), FieldFault> {
    let uris = &metadata.redirect_uris;
    if uris.len() > MAX_REDIRECT_URIS {
        return Err(("redirect_uris", "must be at most 64"));
    }
    if uris.is_empty() && grant_types.contains(&GrantType::AuthorizationCode) {
        return Err(("redirect_uris", "must not be empty for authorization_code"));
    }
    uris.iter()
        .try_for_each(|uri| check_redirect_uri(uri))
        .map_err(|fault| ("redirect_uris", fault))
}

fn check_pkce(
    metadata: &ClientMetadata,
    method: AuthMethod,
    scopes: &[String],
) -> Result<(), FieldFault> {
    let openid = scopes.iter().any(|scope| scope == "openid");
    if metadata.require_pkce == Some(false) && (method == AuthMethod::None || !openid) {
        return Err(("require_pkce", "can be false only for a confidential client with openid"));
    }
    Ok(())
}

fn check_texts(metadata: &ClientMetadata) -> Result<(), FieldFault> {
    let long = |text: &str| text.len() > MAX_TEXT;
    if metadata.client_name.as_deref().is_some_and(|name| name.is_empty() || long(name)) {
        return Err(("client_name", "must have 1 to 2048 bytes"));
    }
    if metadata.contacts.len() > 16 || metadata.contacts.iter().any(|contact| long(contact)) {
        return Err(("contacts", "must be at most 16, of at most 2048 bytes each"));
    }
    for (field, uri) in [
        ("client_uri", &metadata.client_uri),
        ("logo_uri", &metadata.logo_uri),
        ("policy_uri", &metadata.policy_uri),
        ("tos_uri", &metadata.tos_uri),
    ] {
        // They become links on our pages: nothing but the web.
        let web = |uri: &String| {
            !long(uri) && url::Url::parse(uri).is_ok_and(|u| matches!(u.scheme(), "https" | "http"))
        };
        if !uri.as_ref().is_none_or(web) {
            return Err((field, "must be an http or https URL"));
        }
    }
    Ok(())
}

impl fmt::Display for AuthMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for GrantType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
