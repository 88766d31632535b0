//! Registering a passkey (WebAuthn Level 3, section 7.1).

use uuid::Uuid;

use super::cbor::Map;
use super::client_data::{self, Ceremony};
use super::{
    Challenge, CredentialId, OtherAttestation, PasskeyFault, PasskeyPublicKey,
    RegistrationResponse, RelyingParty, UserVerification, authenticator_data,
};

/// A passkey that was just made, for this relying party, by an authenticator that its user touched.
///
/// Only [`verify_registration`] makes one.
#[derive(Debug)]
pub struct RegisteredCredential {
    pub(super) id: CredentialId,
    pub(super) key: PasskeyPublicKey,
    pub(super) sign_count: u32,
    pub(super) aaguid: Uuid,
    pub(super) transports: Vec<&'static str>,
    pub(super) user_verified: bool,
    pub(super) backup_eligible: bool,
    pub(super) backed_up: bool,
}

impl RegisteredCredential {
    /// What it is known by.
    pub fn id(&self) -> &CredentialId {
        &self.id
    }

    /// The key to verify its assertions with.
    pub fn public_key(&self) -> &PasskeyPublicKey {
        &self.key
    }

    /// How often it has signed; 0 if it does not count.
    pub fn sign_count(&self) -> u32 {
        self.sign_count
    }

    /// The model of the authenticator; nil if it does not say.
    pub fn aaguid(&self) -> Uuid {
        self.aaguid
    }

    /// How browsers reach the authenticator: `internal`, `usb` and the like.
    pub fn transports(&self) -> &[&'static str] {
        &self.transports
    }

    /// Whether the authenticator verified its user, by a PIN or a finger.
    pub fn user_verified(&self) -> bool {
        self.user_verified
    }

    /// Whether it may be on several devices.
    pub fn backup_eligible(&self) -> bool {
        self.backup_eligible
    }

    /// Whether it is, by now.
    pub fn backed_up(&self) -> bool {
        self.backed_up
    }
}

/// Verifies the answer to [`CreationOptions`](super::CreationOptions) of this challenge. What is
/// left to the store: that the challenge is answered once, and the credential nobody's yet.
///
/// # Errors
/// The first [`PasskeyFault`].
pub fn verify_registration(
    response: RegistrationResponse,
    challenge: &Challenge,
    party: &RelyingParty,
    verification: UserVerification,
    other_attestation: OtherAttestation,
) -> Result<RegisteredCredential, PasskeyFault> {
    client_data::check(&response.client_data, Ceremony::Registration, challenge, party)?;
    let object = Map::read_whole(&response.attestation_object)?;
    let data = object.named("authData").and_then(|data| data.as_bytes());
    let data = data.ok_or(PasskeyFault::AuthenticatorData)?;
    let (facts, attested) = authenticator_data::check(data, party, verification)?;
    let attested = attested.ok_or(PasskeyFault::AuthenticatorData)?;
    check_attestation(&object, other_attestation)?;
    if attested.id != response.id {
        return Err(PasskeyFault::Credential);
    }
    Ok(RegisteredCredential {
        id: attested.id,
        key: attested.key,
        sign_count: facts.sign_count,
        aaguid: Uuid::from_bytes(attested.aaguid),
        transports: response.transports,
        user_verified: facts.user_verified,
        backup_eligible: facts.backup_eligible,
        backed_up: facts.backed_up,
    })
}

/// Nobody is asked who made the authenticator, and what is said of it unasked proves nothing.
fn check_attestation(object: &Map, other: OtherAttestation) -> Result<(), PasskeyFault> {
    let format = object.named("fmt").and_then(|format| format.as_text());
    let statement = object.named("attStmt").and_then(|statement| statement.as_map());
    match (format, statement) {
        (Some("none"), Some(statement)) if statement.is_empty() => Ok(()),
        (Some("none"), _) | (None, _) | (_, None) => Err(PasskeyFault::Attestation),
        (Some(_), Some(_)) if other == OtherAttestation::Ignored => Ok(()),
        (Some(_), Some(_)) => Err(PasskeyFault::Attestation),
    }
}
