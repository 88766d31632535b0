//! A private key, parsed once.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384,
    RSA_PKCS1_SHA512, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair, RsaPublicKeyComponents,
};
use zeroize::Zeroizing;

#[cfg(feature = "social")]
use super::jwk::MAX_KID_BYTES;
use super::public_key::{Curve, PublicKey};
use super::{Algorithm, Jwk, JwkError, VerifyingKey};

/// A private key for one algorithm, named by the thumbprint of its public part. Cheap to clone.
///
/// It is parsed once: parsing an RSA key costs more than signing with it.
///
/// ```
/// use donjon::jose::{Algorithm, SigningKey};
///
/// let key = SigningKey::generate(Algorithm::ES256)?;
/// let same = SigningKey::from_pkcs8(Algorithm::ES256, key.to_pkcs8()?.as_bytes())?;
/// assert_eq!(key.kid(), same.kid());
/// assert_eq!(key.kid(), key.public_jwk().thumbprint().to_string());
/// # Ok::<(), donjon::jose::SigningError>(())
/// ```
#[derive(Clone)]
pub struct SigningKey(Arc<Inner>);

struct Inner {
    kid: String,
    algorithm: Algorithm,
    pair: KeyPair,
    public: VerifyingKey,
}

enum KeyPair {
    Ecdsa(EcdsaKeyPair, Curve),
    Ed25519(Ed25519KeyPair),
    Rsa(RsaKeyPair, &'static dyn RsaEncoding),
}

/// Why a key could not be made, read or used: the fault of the host's configuration, or of the
/// machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SigningError {
    /// The bytes are not the PKCS#8 of a key for the algorithm.
    #[error("the private key is not PKCS#8 of a key for its algorithm")]
    KeyRejected,
    /// The key's public part is not one this crate accepts.
    #[error("the private key is not usable: {0}")]
    UnusableKey(#[from] JwkError),
    /// The cryptographic library failed.
    #[error("the cryptographic library failed")]
    Crypto,
    /// The claims did not serialise to a JSON object.
    #[error("the claims are not a JSON object")]
    Claims,
    /// The token would be longer than verifiers read (16 KiB).
    #[error("the token would be too long; put less into its claims")]
    TooLong,
}

impl SigningKey {
    /// Makes a new key. RSA keys have 2048 bits and take 30 to 60 ms: not on an async worker.
    ///
    /// # Errors
    /// [`SigningError::Crypto`] when the system has no randomness.
    pub fn generate(algorithm: Algorithm) -> Result<Self, SigningError> {
        let pair = match Scheme::of(algorithm) {
            Scheme::Ecdsa(curve, signing) => {
                EcdsaKeyPair::generate(signing).map(|pair| KeyPair::Ecdsa(pair, curve))
            }
            Scheme::Ed25519 => Ed25519KeyPair::generate().map(KeyPair::Ed25519),
            Scheme::Rsa(encoding) => {
                RsaKeyPair::generate(KeySize::Rsa2048).map(|pair| KeyPair::Rsa(pair, encoding))
            }
        };
        Self::new(algorithm, pair.map_err(|_| SigningError::Crypto)?)
    }

    /// Reads an unencrypted PKCS#8 private key.
    ///
    /// # Errors
    /// [`SigningError::KeyRejected`] when it is not one for `algorithm`,
    /// [`SigningError::UnusableKey`] when, say, its RSA modulus is too short.
    pub fn from_pkcs8(algorithm: Algorithm, pkcs8: &[u8]) -> Result<Self, SigningError> {
        let pair = match Scheme::of(algorithm) {
            Scheme::Ecdsa(curve, signing) => {
                EcdsaKeyPair::from_pkcs8(signing, pkcs8).map(|pair| KeyPair::Ecdsa(pair, curve))
            }
            Scheme::Ed25519 => Ed25519KeyPair::from_pkcs8(pkcs8).map(KeyPair::Ed25519),
            Scheme::Rsa(encoding) => {
                RsaKeyPair::from_pkcs8(pkcs8).map(|pair| KeyPair::Rsa(pair, encoding))
            }
        };
        Self::new(algorithm, pair.map_err(|_| SigningError::KeyRejected)?)
    }

    fn new(algorithm: Algorithm, pair: KeyPair) -> Result<Self, SigningError> {
        let public = Jwk::for_signatures(pair.public_key()?, algorithm);
        let kid = public.thumbprint().to_string();
        let public = VerifyingKey::new(&public)?;
        Ok(Self(Arc::new(Inner { kid, algorithm, pair, public })))
    }

    /// The same key by another id than its thumbprint: for verifiers who know it by a name of their
    /// own.
    ///
    /// # Errors
    /// [`SigningError::KeyRejected`] when the id is not of 1 to 256 letters, digits, `-`, `.` and
    /// `_`.
    #[cfg(feature = "social")]
    pub fn named(&self, kid: &str) -> Result<Self, SigningError> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
        if !(1..=MAX_KID_BYTES).contains(&kid.len()) || !kid.bytes().all(plain) {
            return Err(SigningError::KeyRejected);
        }
        let pkcs8 = self.to_pkcs8()?;
        let mut same = Self::from_pkcs8(self.algorithm(), pkcs8.as_bytes())?;
        if let Some(inner) = Arc::get_mut(&mut same.0) {
            inner.kid = kid.to_owned();
            inner.public = VerifyingKey::new(&inner.public.jwk().named(kid))?;
        }
        Ok(same)
    }

    /// The key as PKCS#8 version 1, to be sealed before it is stored.
    ///
    /// # Errors
    /// [`SigningError::Crypto`] when the library cannot encode it.
    pub fn to_pkcs8(&self) -> Result<Pkcs8, SigningError> {
        let bytes = match &self.0.pair {
            KeyPair::Ecdsa(pair, _) => pair.to_pkcs8v1().map(|der| der.as_ref().to_vec()),
            KeyPair::Ed25519(pair) => pair.to_pkcs8v1().map(|der| der.as_ref().to_vec()),
            KeyPair::Rsa(pair, _) => {
                AsDer::<Pkcs8V1Der<'_>>::as_der(pair).map(|der| der.as_ref().to_vec())
            }
        };
        bytes.map(|bytes| Pkcs8(Zeroizing::new(bytes))).map_err(|_| SigningError::Crypto)
    }

    /// The key's id: its RFC 7638 thumbprint, in base64url.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.0.kid
    }

    /// The one algorithm the key signs with.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.0.algorithm
    }

    /// The public part, with `use`, `alg` and `kid`: what goes into the JWK set.
    #[must_use]
    pub fn public_jwk(&self) -> &Jwk {
        self.0.public.jwk()
    }

    /// The public part, ready to verify.
    #[must_use]
    pub fn verifying_key(&self) -> &VerifyingKey {
        &self.0.public
    }

    /// Signs `message`, for a JWS the signing input `header.payload` (RFC 7515 section 5.1).
    /// An ECDSA signature is `r ‖ s` of fixed length (RFC 7518 section 3.4).
    ///
    /// # Errors
    /// [`SigningError::Crypto`] when the library fails.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SigningError> {
        let random = SystemRandom::new();
        let signature = match &self.0.pair {
            KeyPair::Ecdsa(pair, _) => pair.sign(&random, message).map(|s| s.as_ref().to_vec()),
            KeyPair::Ed25519(pair) => pair.try_sign(message).map(|s| s.as_ref().to_vec()),
            KeyPair::Rsa(pair, encoding) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(*encoding, &random, message, &mut signature).map(|()| signature)
            }
        };
        signature.map_err(|_| SigningError::Crypto)
    }
}

impl KeyPair {
    fn public_key(&self) -> Result<PublicKey, JwkError> {
        match self {
            Self::Ecdsa(pair, curve) => {
                let (_, xy) = pair.public_key().as_ref().split_at_checked(1).unwrap_or_default();
                let (x, y) = xy.split_at(xy.len() / 2);
                PublicKey::ec(*curve, x.to_vec(), y.to_vec())
            }
            Self::Ed25519(pair) => PublicKey::ed25519(pair.public_key().as_ref().to_vec()),
            Self::Rsa(pair, _) => {
                let RsaPublicKeyComponents { n, e } = pair.public_key().into();
                PublicKey::rsa(n, e)
            }
        }
    }
}

/// What aws-lc-rs calls an algorithm.
enum Scheme {
    Ecdsa(Curve, &'static EcdsaSigningAlgorithm),
    Ed25519,
    Rsa(&'static dyn RsaEncoding),
}

impl Scheme {
    fn of(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::ES256 => Self::Ecdsa(Curve::P256, &ECDSA_P256_SHA256_FIXED_SIGNING),
            Algorithm::ES384 => Self::Ecdsa(Curve::P384, &ECDSA_P384_SHA384_FIXED_SIGNING),
            Algorithm::RS256 => Self::Rsa(&RSA_PKCS1_SHA256),
            Algorithm::RS384 => Self::Rsa(&RSA_PKCS1_SHA384),
            Algorithm::RS512 => Self::Rsa(&RSA_PKCS1_SHA512),
            Algorithm::PS256 => Self::Rsa(&RSA_PSS_SHA256),
            Algorithm::EdDSA => Self::Ed25519,
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("kid", &self.0.kid)
            .field("algorithm", &self.0.algorithm)
            .field("private", &"[redacted]")
            .finish()
    }
}

/// A private key's PKCS#8 bytes: wiped when dropped, never printed.
pub struct Pkcs8(Zeroizing<Vec<u8>>);

impl Pkcs8 {
    /// The bytes. Seal them before they leave memory.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Pkcs8 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pkcs8([redacted])")
    }
}

#[cfg(test)]
mod tests;
