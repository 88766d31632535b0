/// What is wrong with the answer of an authenticator: the step of WebAuthn Level 3, sections 7.1
/// and 7.2, that it failed at. It is the browser's fault, or the attacker's; users are told that it
/// did not work, and nothing more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PasskeyFault {
    /// The answer is not the JSON of a public key credential, or something in it is too long.
    #[error("the answer is not the JSON of a public key credential")]
    Json,
    /// The client data are not JSON with a type, a challenge and an origin, each once.
    #[error("the client data are not what a browser writes")]
    ClientData,
    /// It was made for another ceremony: a registration is no login, and the other way round.
    #[error("the answer is that of another ceremony")]
    Type,
    /// It answers another challenge.
    #[error("the answer is to another challenge")]
    Challenge,
    /// It was made on a page of another origin.
    #[error("the answer was made at another origin")]
    Origin,
    /// It was made in a frame of another site.
    #[error("the answer was made in a frame of another site")]
    CrossOrigin,
    /// What should be CBOR is not, or has a name twice, or something follows it.
    #[error("the answer is not valid CBOR")]
    Cbor,
    /// The authenticator data are too short, too long, or lack what must be there.
    #[error("the authenticator data are malformed")]
    AuthenticatorData,
    /// The credential belongs to another relying party.
    #[error("the credential belongs to another relying party")]
    RelyingParty,
    /// Nobody touched the authenticator.
    #[error("the authenticator saw nobody")]
    UserPresence,
    /// The authenticator did not verify its user, which was asked of it.
    #[error("the authenticator did not verify its user")]
    UserVerification,
    /// It says that it is backed up and cannot be, or what cannot change has changed.
    #[error("what the authenticator says of backups contradicts itself")]
    Backup,
    /// The key is for an algorithm that was not asked for.
    #[error("the key is for an algorithm that was not asked for")]
    Algorithm,
    /// The key is malformed or weak.
    #[error("the public key is malformed or weak")]
    PublicKey,
    /// The attestation is of a format that is refused, or malformed.
    #[error("the attestation is malformed, or of a format that is refused")]
    Attestation,
    /// The answer is of another credential than it says, or than was asked for.
    #[error("the answer is of another credential")]
    Credential,
    /// The credential is another user's.
    #[error("the credential is another user's")]
    UserHandle,
    /// The signature is not that of the credential's key.
    #[error("the signature does not verify")]
    Signature,
}
