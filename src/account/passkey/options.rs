//! What the browser is asked: the JSON of creation and request options (WebAuthn Level 3, sections
//! 5.1.9 and 5.1.10).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    Challenge, CredentialId, PasskeyAlgorithm, RelyingParty, UserHandle, UserVerification,
};

/// How long a browser waits for its user, in milliseconds.
const TIMEOUT: u32 = 120_000;

/// A passkey as options name it.
#[derive(Clone, Debug)]
pub struct NamedCredential<'a> {
    /// What it is known by.
    pub id: &'a CredentialId,
    /// How browsers reach its authenticator.
    pub transports: &'a [String],
}

/// What to ask of `navigator.credentials.create`: a passkey that its authenticator keeps
/// (discoverable), so that it can log in without a name, and without attestation.
#[derive(Clone, Debug)]
pub struct CreationOptions<'a> {
    /// For whom.
    pub party: &'a RelyingParty,
    /// What the application is called.
    pub product: &'a str,
    /// Whose it will be.
    pub user: &'a UserHandle,
    /// What the user calls the account: the address.
    pub name: &'a str,
    /// What the authenticator has to answer.
    pub challenge: &'a Challenge,
    /// The passkeys that the user has already: an authenticator that holds one of them refuses.
    pub existing: &'a [NamedCredential<'a>],
}

/// What to ask of `navigator.credentials.get`.
#[derive(Clone, Debug)]
pub struct RequestOptions<'a> {
    /// For whom.
    pub party: &'a RelyingParty,
    /// What the authenticator has to answer.
    pub challenge: &'a Challenge,
    /// Whether the authenticator must verify its user.
    pub verification: UserVerification,
    /// The passkeys that will do; none for any, as before anybody has said who they are.
    pub allowed: &'a [NamedCredential<'a>],
}

impl CreationOptions<'_> {
    /// The JSON.
    pub fn to_json(&self) -> String {
        let algorithms: Vec<Value> = PasskeyAlgorithm::ALL
            .iter()
            .map(|algorithm| json!({"type": "public-key", "alg": algorithm.number()}))
            .collect();
        text(&json!({
            "rp": {"id": self.party.id(), "name": self.product},
            "user": {
                "id": URL_SAFE_NO_PAD.encode(self.user.as_bytes()),
                "name": self.name,
                "displayName": self.name,
            },
            "challenge": self.challenge.expose(),
            "pubKeyCredParams": algorithms,
            "timeout": TIMEOUT,
            "excludeCredentials": named(self.existing),
            "authenticatorSelection": {
                "residentKey": "required",
                "requireResidentKey": true,
                "userVerification": "preferred",
            },
            "attestation": "none",
        }))
    }
}

impl RequestOptions<'_> {
    /// The JSON.
    pub fn to_json(&self) -> String {
        text(&json!({
            "challenge": self.challenge.expose(),
            "timeout": TIMEOUT,
            "rpId": self.party.id(),
            "allowCredentials": named(self.allowed),
            "userVerification": match self.verification {
                UserVerification::Required => "required",
                UserVerification::Preferred => "preferred",
            },
        }))
    }
}

fn named(credentials: &[NamedCredential<'_>]) -> Vec<Value> {
    let one = |credential: &NamedCredential<'_>| {
        json!({
            "type": "public-key",
            "id": URL_SAFE_NO_PAD.encode(credential.id.as_bytes()),
            "transports": credential.transports,
        })
    };
    credentials.iter().map(one).collect()
}

fn text(value: &impl Serialize) -> String {
    // What we write is always JSON; nothing would be inert.
    serde_json::to_string(value).unwrap_or_default()
}
