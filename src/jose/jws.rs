//! Compact JWS, before anything in it is believed (RFC 7515 section 7.1).

use serde::de::DeserializeOwned;

use super::strict_json::{self, Fault};
use super::{ClaimError, Header, JwkError, UnsupportedAlgorithm, VerifyingKey, base64url};

/// Longest token read or made, in bytes.
pub const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// Why a token is refused: the fault of who sent or made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwsError {
    /// The token (16 KiB), its header (8 KiB) or a field of it is longer than is ever needed.
    #[error("the token is too long")]
    TooLong,
    /// Not three base64url parts, without padding, that hold JSON objects of the right shape.
    #[error("the token is not a well-formed compact JWS")]
    Malformed,
    /// A JWE (five parts) where a JWS belongs.
    #[error("the token is encrypted; a signed one is expected")]
    Encrypted,
    /// An object in the token has two members of the same name.
    #[error("the token has a duplicate member")]
    DuplicateMember,
    /// `alg` is `none`, symmetric or unknown.
    #[error(transparent)]
    UnsupportedAlgorithm(#[from] UnsupportedAlgorithm),
    /// `alg` is not one the verifier allows here.
    #[error("the token's algorithm is not allowed here")]
    AlgorithmNotAllowed,
    /// `typ` says, or fails to say, that this is another kind of token.
    #[error("the token is of another kind than is expected here")]
    WrongType,
    /// `crit` is there: the token asks for an extension that is not understood.
    #[error("the token depends on a header extension that is not supported")]
    CriticalHeader,
    /// `b64` is there (RFC 7797).
    #[error("unencoded payloads are not supported")]
    UnencodedPayload,
    /// The payload is not in the token (RFC 7515 appendix F).
    #[error("detached payloads are not supported")]
    DetachedPayload,
    /// The `jwk` of the header is not a public key this crate accepts.
    #[error("the key in the header is refused: {0}")]
    EmbeddedKey(#[source] JwkError),
    /// No key has the token's `kid`. Those of a remote signer may have to be fetched again.
    #[error("no key has the token's key id")]
    UnknownKey,
    /// No key that could have made the token is of its algorithm's type.
    #[error("the token's algorithm does not fit the key")]
    KeyMismatch,
    /// The signature is not the key's over these bytes.
    #[error("the signature does not verify")]
    BadSignature,
    /// The signature is good, but a claim is not what it must be.
    #[error(transparent)]
    Claim(#[from] ClaimError),
}

#[cfg(any(feature = "provider", feature = "social"))]
impl JwsError {
    /// Whether other keys of the signer than those at hand might change it.
    pub(crate) fn may_be_old_keys(&self) -> bool {
        matches!(self, Self::UnknownKey | Self::KeyMismatch | Self::BadSignature)
    }
}

impl From<Fault> for JwsError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Malformed => Self::Malformed,
            Fault::DuplicateMember => Self::DuplicateMember,
            Fault::TooComplex => Self::TooLong,
        }
    }
}

/// A well-formed compact JWS of which nothing is proven. It becomes a
/// [`VerifiedJws`](super::VerifiedJws) by [`verify`](Self::verify) alone.
#[derive(Debug, Clone)]
pub struct UnverifiedJws<'t> {
    header: Header,
    signing_input: &'t str,
    payload: &'t str,
    signature: Vec<u8>,
}

impl<'t> UnverifiedJws<'t> {
    /// Takes a token apart and reads its header.
    ///
    /// # Errors
    /// [`JwsError`] when it is too long, not well formed, encrypted, or asks for what is not
    /// supported.
    pub fn parse(token: &'t str) -> Result<Self, JwsError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(JwsError::TooLong);
        }
        match token.bytes().filter(|byte| *byte == b'.').count() {
            2 => {}
            4 => return Err(JwsError::Encrypted),
            _ => return Err(JwsError::Malformed),
        }
        let (signing_input, signature) = token.rsplit_once('.').ok_or(JwsError::Malformed)?;
        let (header, payload) = signing_input.split_once('.').ok_or(JwsError::Malformed)?;
        let header = Header::decode(header)?;
        if payload.is_empty() {
            return Err(JwsError::DetachedPayload);
        }
        let signature = base64url::decode(signature).ok_or(JwsError::Malformed)?;
        Ok(Self { header, signing_input, payload, signature })
    }

    /// What the token says of itself.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    pub(super) fn into_header(self) -> Header {
        self.header
    }

    /// Reads the claims although nobody vouches for them: only to find out whose keys to verify
    /// with (the `iss` of a client assertion), never to act on.
    ///
    /// # Errors
    /// [`JwsError::Malformed`] or [`JwsError::DuplicateMember`].
    pub fn danger_unverified_claims<C: DeserializeOwned>(&self) -> Result<C, JwsError> {
        Ok(strict_json::read_object(&self.payload()?)?)
    }

    /// The decoded payload.
    pub(super) fn payload(&self) -> Result<Vec<u8>, JwsError> {
        base64url::decode(self.payload).ok_or(JwsError::Malformed)
    }

    /// Finds the key that made the signature.
    ///
    /// Candidates are chosen by `kid`, or are all keys when the token has none; then only those whose
    /// own type and `alg` fit the algorithm are tried, so that no header can make a key do what it is
    /// not for.
    pub(super) fn check_signature(&self, keys: &[VerifyingKey]) -> Result<(), JwsError> {
        let algorithm = self.header.algorithm();
        let kid = self.header.kid();
        let named = || keys.iter().filter(|key| kid.is_none() || key.kid() == kid);
        if named().next().is_none() {
            return Err(JwsError::UnknownKey);
        }
        let mut fitting = named().filter(|key| key.fits(algorithm)).peekable();
        if fitting.peek().is_none() {
            return Err(JwsError::KeyMismatch);
        }
        let message = self.signing_input.as_bytes();
        fitting
            .any(|key| key.verifies(algorithm, message, &self.signature))
            .then_some(())
            .ok_or(JwsError::BadSignature)
    }
}

#[cfg(test)]
mod tests;
