//! The key inside a JWK: its bytes, checked once.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RsaPublicKeyComponents, VerificationAlgorithm,
};

use super::{Algorithm, JwkError};

/// Shortest RSA modulus accepted, in bits (RFC 7518 section 3.3).
const MIN_RSA_BITS: usize = 2048;
/// Longest RSA modulus accepted, in bits: verifying costs the square of it.
const MAX_RSA_BITS: usize = 8192;
/// Longest RSA public exponent, in bytes.
const MAX_RSA_EXPONENT_BYTES: usize = 4;

/// A public key that passed the checks of its type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PublicKey {
    Ec { curve: Curve, x: Vec<u8>, y: Vec<u8> },
    Ed25519 { x: Vec<u8> },
    Rsa { n: Vec<u8>, e: Vec<u8> },
}

/// A NIST curve (RFC 7518 section 6.2.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Curve {
    P256,
    P384,
}

impl Curve {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
        }
    }

    /// The length of a coordinate, in bytes.
    const fn coordinate_len(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
        }
    }

    fn verification(self) -> &'static dyn VerificationAlgorithm {
        match self {
            Self::P256 => &ECDSA_P256_SHA256_FIXED,
            Self::P384 => &ECDSA_P384_SHA384_FIXED,
        }
    }
}

impl PublicKey {
    /// A point, given by full-length coordinates (RFC 7518 section 6.2.1.2), that is on its curve.
    pub(super) fn ec(curve: Curve, x: Vec<u8>, y: Vec<u8>) -> Result<Self, JwkError> {
        if x.len() != curve.coordinate_len() {
            return Err(JwkError::InvalidSize("x"));
        }
        if y.len() != curve.coordinate_len() {
            return Err(JwkError::InvalidSize("y"));
        }
        ParsedPublicKey::new(curve.verification(), uncompressed_point(&x, &y))
            .map_err(|_| JwkError::NotOnCurve)?;
        Ok(Self::Ec { curve, x, y })
    }

    /// 32 bytes (RFC 8037 section 2). Whether they decode to a point is found out when verifying:
    /// if they do not, no signature is good.
    pub(super) fn ed25519(x: Vec<u8>) -> Result<Self, JwkError> {
        if x.len() != 32 {
            return Err(JwkError::InvalidSize("x"));
        }
        Ok(Self::Ed25519 { x })
    }

    /// A modulus of 2048 to 8192 bits and an odd exponent of at least 3, both without leading zeros
    /// (RFC 7518 section 6.3.1).
    pub(super) fn rsa(n: Vec<u8>, e: Vec<u8>) -> Result<Self, JwkError> {
        if !(MIN_RSA_BITS..=MAX_RSA_BITS).contains(&bit_len(&n)) {
            return Err(JwkError::InvalidSize("n"));
        }
        if n.first() == Some(&0) || is_even(&n) {
            return Err(JwkError::InvalidModulus);
        }
        if e.first() == Some(&0) || is_even(&e) || e == [1] || e.len() > MAX_RSA_EXPONENT_BYTES {
            return Err(JwkError::InvalidExponent);
        }
        RsaPublicKeyComponents { n: &n, e: &e }
            .to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)
            .map_err(|_| JwkError::InvalidModulus)?;
        Ok(Self::Rsa { n, e })
    }

    /// `kty` (RFC 7518 section 6.1).
    pub(super) const fn key_type(&self) -> &'static str {
        match self {
            Self::Ec { .. } => "EC",
            Self::Ed25519 { .. } => "OKP",
            Self::Rsa { .. } => "RSA",
        }
    }

    /// Whether a key of this type can make signatures of `algorithm`. This, and never the token, is
    /// what an algorithm-confusion attack would have to change.
    pub(super) const fn fits(&self, algorithm: Algorithm) -> bool {
        use Algorithm::{ES256, ES384, EdDSA, PS256, RS256, RS384, RS512};
        matches!(
            (self, algorithm),
            (Self::Ec { curve: Curve::P256, .. }, ES256)
                | (Self::Ec { curve: Curve::P384, .. }, ES384)
                | (Self::Ed25519 { .. }, EdDSA)
                | (Self::Rsa { .. }, RS256 | RS384 | RS512 | PS256)
        )
    }
}

/// SEC 1 section 2.3.3.
pub(super) fn uncompressed_point(x: &[u8], y: &[u8]) -> Vec<u8> {
    [&[4], x, y].concat()
}

fn bit_len(number: &[u8]) -> usize {
    let leading = number.first().map_or(0, |byte| byte.leading_zeros() as usize);
    number.len() * 8 - leading
}

fn is_even(number: &[u8]) -> bool {
    number.last().is_none_or(|byte| byte % 2 == 0)
}
