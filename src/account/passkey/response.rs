//! What comes back from the browser: the JSON of a public key credential (WebAuthn Level 3,
//! section 5.1.8), as our script writes it and `PublicKeyCredential.toJSON` does.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer};

use super::{CredentialId, PasskeyFault};

/// The longest answer, in bytes of JSON. An attestation with a chain of certificates, which some
/// authenticators send unasked, has a few thousand.
pub const MAX_RESPONSE: usize = 32 * 1024;
/// The longest client data, authenticator data and signature.
const MAX_PART: usize = 8 * 1024;
/// The longest user handle (section 4).
const MAX_USER_HANDLE: usize = 64;
/// How many transports are kept, and how long each may be.
const TRANSPORTS: [&str; 6] = ["usb", "nfc", "ble", "smart-card", "hybrid", "internal"];

/// An answer to [`CreationOptions`](super::CreationOptions), not yet verified.
#[derive(Debug)]
pub struct RegistrationResponse {
    pub(super) id: CredentialId,
    pub(super) client_data: Vec<u8>,
    pub(super) attestation_object: Vec<u8>,
    pub(super) transports: Vec<&'static str>,
}

/// An answer to [`RequestOptions`](super::RequestOptions), not yet verified.
#[derive(Debug, PartialEq, Eq)]
pub struct AssertionResponse {
    pub(super) id: CredentialId,
    pub(super) client_data: Vec<u8>,
    pub(super) authenticator_data: Vec<u8>,
    pub(super) signature: Vec<u8>,
    pub(super) user_handle: Option<Vec<u8>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Credential<R> {
    id: Base64Url,
    raw_id: Option<Base64Url>,
    r#type: String,
    response: R,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Attestation {
    #[serde(rename = "clientDataJSON")]
    client_data: Base64Url,
    attestation_object: Base64Url,
    #[serde(default)]
    transports: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Assertion {
    #[serde(rename = "clientDataJSON")]
    client_data: Base64Url,
    authenticator_data: Base64Url,
    signature: Base64Url,
    user_handle: Option<Base64Url>,
}

/// Bytes as base64url without padding, in their one spelling.
#[derive(PartialEq, Eq)]
struct Base64Url(Vec<u8>);

impl<'de> Deserialize<'de> for Base64Url {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        URL_SAFE_NO_PAD.decode(text).map(Self).map_err(serde::de::Error::custom)
    }
}

impl RegistrationResponse {
    /// Reads the JSON of a public key credential.
    ///
    /// # Errors
    /// [`PasskeyFault::Json`], [`PasskeyFault::Credential`] if it contradicts itself.
    pub fn parse(json: &str) -> Result<Self, PasskeyFault> {
        let (id, response) = credential::<Attestation>(json)?;
        let known = |name: &&str| response.transports.iter().any(|transport| transport == name);
        Ok(Self {
            id,
            client_data: bounded(response.client_data, MAX_PART)?,
            attestation_object: response.attestation_object.0,
            transports: TRANSPORTS.into_iter().filter(known).collect(),
        })
    }
}

#[cfg(any(test, fuzzing))]
impl RegistrationResponse {
    pub(crate) fn client_data(&self) -> &[u8] {
        &self.client_data
    }
}

impl AssertionResponse {
    /// Reads the JSON of a public key credential.
    ///
    /// # Errors
    /// [`PasskeyFault::Json`], [`PasskeyFault::Credential`] if it contradicts itself.
    pub fn parse(json: &str) -> Result<Self, PasskeyFault> {
        let (id, response) = credential::<Assertion>(json)?;
        let handle = response.user_handle.map(|handle| bounded(handle, MAX_USER_HANDLE));
        Ok(Self {
            id,
            client_data: bounded(response.client_data, MAX_PART)?,
            authenticator_data: bounded(response.authenticator_data, MAX_PART)?,
            signature: bounded(response.signature, MAX_PART)?,
            user_handle: handle.transpose()?,
        })
    }

    /// The credential that it says it is of: what the store is asked for.
    pub fn credential(&self) -> &CredentialId {
        &self.id
    }
}

fn credential<'j, R: Deserialize<'j>>(json: &'j str) -> Result<(CredentialId, R), PasskeyFault> {
    if json.len() > MAX_RESPONSE {
        return Err(PasskeyFault::Json);
    }
    let credential: Credential<R> = serde_json::from_str(json).map_err(|_| PasskeyFault::Json)?;
    if credential.r#type != "public-key" {
        return Err(PasskeyFault::Json);
    }
    if credential.raw_id.is_some_and(|raw_id| raw_id != credential.id) {
        return Err(PasskeyFault::Credential);
    }
    let id = CredentialId::from_bytes(credential.id.0).ok_or(PasskeyFault::Json)?;
    Ok((id, credential.response))
}

fn bounded(part: Base64Url, longest: usize) -> Result<Vec<u8>, PasskeyFault> {
    if part.0.len() <= longest { Ok(part.0) } else { Err(PasskeyFault::Json) }
}
