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
