use super::RelyingParty;
use crate::crypto::sha256;
use crate::scope::UserId;

/// What authenticators know a user by: a hash, so that none of them keeps anything of the user
/// (WebAuthn Level 3, section 14.6.1). The same for all passkeys of a user, so that an
/// authenticator replaces an older one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserHandle([u8; 32]);

impl UserHandle {
    /// What this user is known by at this relying party.
    pub fn of(user: &UserId, party: &RelyingParty) -> Self {
        Self(sha256(format!("passkey user {} {user}", party.id()).as_bytes()))
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}
