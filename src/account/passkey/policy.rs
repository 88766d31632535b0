use super::{InvalidRelyingParty, RelyingParty, SignCountPolicy};

/// Whether the authenticator must verify its user, by a PIN or a finger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserVerification {
    /// It must: what did not is refused.
    Required,
    /// It is asked to, and need not.
    Preferred,
}

/// What becomes of an attestation that nobody asked for: a format other than `none`. It is never
/// verified, and nothing is believed because of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OtherAttestation {
    /// The passkey is taken, as if there were none.
    #[default]
    Ignored,
    /// The passkey is refused.
    Refused,
}

/// Passkeys on the account pages, and their rules.
///
/// They belong to the domain of the layer's base URL, or to a parent of it ([`Passkeys::with_id`]).
/// A passkey whose authenticator verified its user is two factors, and logs in by itself. One that
/// did not is one factor: enough beside a password, never instead of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Passkeys {
    id: Option<String>,
    pub(in crate::account) sign_count: SignCountPolicy,
    pub(in crate::account) other_attestation: OtherAttestation,
}

impl Passkeys {
    /// The same, for a parent of the base URL's domain. It can't be changed later: see
    /// [`RelyingParty`].
    #[must_use]
    pub fn with_id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// The same, with another answer to a passkey that may have been copied; by default its owner
    /// is told.
    #[must_use]
    pub fn sign_count(mut self, policy: SignCountPolicy) -> Self {
        self.sign_count = policy;
        self
    }

    /// The same, with another answer to attestations that nobody asked for; by default they are
    /// ignored.
    #[must_use]
    pub fn other_attestation(mut self, other: OtherAttestation) -> Self {
        self.other_attestation = other;
        self
    }

    /// The relying party at this URL.
    pub(in crate::account) fn party(&self, url: &str) -> Result<RelyingParty, InvalidRelyingParty> {
        let party = RelyingParty::at(url)?;
        match &self.id {
            Some(id) => party.with_id(id),
            None => Ok(party),
        }
    }
}
