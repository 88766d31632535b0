//! A public key, ready to verify.

use std::sync::Arc;

use jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER;
use jsonwebtoken::{Algorithm as Jwa, DecodingKey};

use super::public_key::{PublicKey, uncompressed_point};
use super::{Algorithm, Jwk, JwkError};

/// A public key prepared for verifying JWS signatures. Cheap to clone.
///
/// Verification is `jsonwebtoken`'s on aws-lc-rs, taken from that provider itself and never from
/// the process-wide default, which the host application may have set to something else, or left
/// ambiguous (its use then panics).
#[derive(Clone)]
pub struct VerifyingKey(Arc<Inner>);

struct Inner {
    jwk: Jwk,
    key: DecodingKey,
}

impl VerifyingKey {
    /// Prepares `jwk`.
    ///
    /// # Errors
    /// [`JwkError::NotForSignatures`] when its `use`, `key_ops` or `alg` forbid it.
    pub fn new(jwk: &Jwk) -> Result<Self, JwkError> {
        if !jwk.may_verify() {
            return Err(JwkError::NotForSignatures);
        }
        let key = match &jwk.key {
            PublicKey::Ec { x, y, .. } => DecodingKey::from_ec_der(&uncompressed_point(x, y)),
            PublicKey::Ed25519 { x } => DecodingKey::from_ed_der(x),
            PublicKey::Rsa { n, e } => DecodingKey::from_rsa_raw_components(n, e),
        };
        Ok(Self(Arc::new(Inner { jwk: jwk.clone(), key })))
    }

    /// The key's id, if it has one.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.0.jwk.kid()
    }

    /// The key as a JWK.
    #[must_use]
    pub fn jwk(&self) -> &Jwk {
        &self.0.jwk
    }

    /// Whether the key's type, and its `alg` where it has one, allow `algorithm`.
    #[must_use]
    pub fn fits(&self, algorithm: Algorithm) -> bool {
        self.0.jwk.fits(algorithm)
    }

    /// Whether `signature` is this key's over `message`, by `algorithm`. ECDSA signatures are
    /// `r ‖ s` of fixed length (RFC 7518 section 3.4), never DER.
    #[must_use]
    pub(super) fn verifies(
        &self,
        algorithm: Algorithm,
        message: &[u8],
        signature: &Vec<u8>,
    ) -> bool {
        self.fits(algorithm)
            && (DEFAULT_PROVIDER.verifier_factory)(&jwa(algorithm), &self.0.key)
                .is_ok_and(|verifier| verifier.verify(message, signature).is_ok())
    }
}

impl std::fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("VerifyingKey").field(&self.0.jwk).finish()
    }
}

const fn jwa(algorithm: Algorithm) -> Jwa {
    match algorithm {
        Algorithm::ES256 => Jwa::ES256,
        Algorithm::ES384 => Jwa::ES384,
        Algorithm::RS256 => Jwa::RS256,
        Algorithm::RS384 => Jwa::RS384,
        Algorithm::RS512 => Jwa::RS512,
        Algorithm::PS256 => Jwa::PS256,
        Algorithm::EdDSA => Jwa::EdDSA,
    }
}
