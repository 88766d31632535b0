//! Using a passkey (WebAuthn Level 3, section 7.2).

use super::client_data::{self, Ceremony};
use super::{
    AssertionResponse, Challenge, CredentialId, PasskeyFault, PasskeyPublicKey, RelyingParty,
    UserHandle, UserVerification, authenticator_data,
};
use crate::crypto::sha256;

/// What is known of a passkey before it is used.
#[derive(Clone, Copy, Debug)]
pub struct KnownCredential<'a> {
    /// What it is known by.
    pub id: &'a CredentialId,
    /// Its key.
    pub key: &'a PasskeyPublicKey,
    /// Whose it is.
    pub user: &'a UserHandle,
    /// Whether it may be on several devices, which never changes.
    pub backup_eligible: bool,
}

/// The proof that a passkey was used just now. Only [`verify_assertion`] makes one.
#[derive(Clone, Copy, Debug)]
pub struct VerifiedAssertion {
    pub(super) user_verified: bool,
    pub(super) backed_up: bool,
    pub(super) sign_count: u32,
}

impl VerifiedAssertion {
    /// Whether the authenticator verified its user, by a PIN or a finger: then the passkey is two
    /// factors, and else one.
    pub fn user_verified(&self) -> bool {
        self.user_verified
    }

    /// Whether it is on several devices by now.
    pub fn backed_up(&self) -> bool {
        self.backed_up
    }

    /// How often it has signed; 0 if it does not count.
    pub fn sign_count(&self) -> u32 {
        self.sign_count
    }
}

/// Who the answer must name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// The answer says who its user is: nobody has typed a name.
    Required,
    /// The user is known already; a name, if there is one, must be theirs.
    Optional,
}

/// Verifies the answer to [`RequestOptions`](super::RequestOptions) of this challenge. What is left
/// to the store: that the challenge is answered once, and that the count grows.
///
/// # Errors
/// The first [`PasskeyFault`].
pub fn verify_assertion(
    response: &AssertionResponse,
    known: KnownCredential<'_>,
    challenge: &Challenge,
    party: &RelyingParty,
    (verification, naming): (UserVerification, Naming),
) -> Result<VerifiedAssertion, PasskeyFault> {
    if response.id != *known.id {
        return Err(PasskeyFault::Credential);
    }
    match &response.user_handle {
        Some(handle) if handle != known.user.as_bytes() => return Err(PasskeyFault::UserHandle),
        None if naming == Naming::Required => return Err(PasskeyFault::UserHandle),
        _ => {}
    }
    client_data::check(&response.client_data, Ceremony::Assertion, challenge, party)?;
    let (facts, _) = authenticator_data::check(&response.authenticator_data, party, verification)?;
    if facts.backup_eligible != known.backup_eligible {
        return Err(PasskeyFault::Backup);
    }
    let signed = [response.authenticator_data.as_slice(), &sha256(&response.client_data)].concat();
    known.key.verify(&signed, &response.signature)?;
    Ok(VerifiedAssertion {
        user_verified: facts.user_verified,
        backed_up: facts.backed_up,
        sign_count: facts.sign_count,
    })
}
