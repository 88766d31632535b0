//! Public JSON Web Keys (RFC 7517).

mod raw;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

pub(super) use self::raw::{Present, RawJwk};
use super::public_key::PublicKey;
use super::strict_json::{self, Fault};
use super::{Algorithm, Thumbprint, base64url};

/// Longest JWK read, in bytes.
const MAX_JWK_BYTES: usize = 16 * 1024;
/// Longest `kid`, in bytes.
pub(super) const MAX_KID_BYTES: usize = 256;

/// A public key and what it is for (RFC 7517 section 4).
///
/// Holds EC keys on P-256 and P-384, Ed25519 keys, and RSA keys of 2048 to 8192 bits, all checked
/// when read. A JWK with a private member is refused, not stripped: whoever sent it has a leak to
/// mend. Serialising shows public members only, because there are no others.
///
/// ```
/// use donjon::jose::Jwk;
///
/// let jwk = Jwk::from_json(br#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#)?;
/// assert_eq!(jwk.thumbprint().to_string(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
/// # Ok::<(), donjon::jose::JwkError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jwk {
    pub(super) key: PublicKey,
    kid: Option<String>,
    alg: Option<String>,
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
}

/// Why a JWK, or a set of them, is refused: the fault of who published it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwkError {
    /// Longer than a JWK (16 KiB) or a JWK set (64 KiB) may be.
    #[error("the key or key set is too long")]
    TooLong,
    /// Not a JSON object of the right shape.
    #[error("the key is not a well-formed JSON object")]
    Malformed,
    /// A member appears twice.
    #[error("the key has a duplicate member")]
    DuplicateMember,
    /// A private or symmetric key, where a public key belongs. Publish a new key: this one is known.
    #[error("the key has private members; publish only its public part, of a new key")]
    PrivateMember,
    /// A key type or curve other than EC P-256, EC P-384, OKP Ed25519 and RSA.
    #[error("the key type or curve is not supported")]
    UnsupportedKeyType,
    /// A required member is not there.
    #[error("the key lacks the member `{0}`")]
    MissingMember(&'static str),
    /// A member is not canonical base64url without padding.
    #[error("the member `{0}` is not base64url without padding")]
    InvalidEncoding(&'static str),
    /// A number of the key has a length that its type does not allow.
    #[error("the member `{0}` has a wrong length")]
    InvalidSize(&'static str),
    /// A descriptive member is longer than anyone needs.
    #[error("the member `{0}` is too long")]
    MemberTooLong(&'static str),
    /// The point is not on the curve.
    #[error("the point is not on the curve")]
    NotOnCurve,
    /// The modulus is even or has a leading zero byte.
    #[error("the modulus is not that of an RSA key")]
    InvalidModulus,
    /// The public exponent is even, 1, over 32 bits, or has a leading zero byte.
    #[error("the public exponent is not usable")]
    InvalidExponent,
    /// `alg` names a signature algorithm that the key's own type cannot make.
    #[error("the key's `alg` does not fit its type")]
    AlgorithmMismatch,
    /// `use`, `key_ops` or `alg` keep the key from verifying signatures.
    #[error("the key is not for verifying signatures")]
    NotForSignatures,
    /// More keys than a set may have (32).
    #[error("the key set has too many keys")]
    TooManyKeys,
}

impl Jwk {
    /// Reads one public JWK of at most 16 KiB, refusing duplicate members at any depth.
    ///
    /// # Errors
    /// [`JwkError`] names the first fault found.
    pub fn from_json(json: &[u8]) -> Result<Self, JwkError> {
        if json.len() > MAX_JWK_BYTES {
            return Err(JwkError::TooLong);
        }
        strict_json::read_object::<RawJwk>(json)?.try_into()
    }

    /// The key alone, with nothing said about its use.
    pub(super) const fn bare(key: PublicKey) -> Self {
        Self { key, kid: None, alg: None, usage: None, key_ops: None }
    }

    /// A key for signatures of `algorithm`, named by its thumbprint.
    pub(super) fn for_signatures(key: PublicKey, algorithm: Algorithm) -> Self {
        Self {
            kid: Some(Thumbprint::of(&key).to_string()),
            alg: Some(algorithm.name().to_owned()),
            usage: Some("sig".to_owned()),
            ..Self::bare(key)
        }
    }

    /// The same key by another id.
    #[cfg(feature = "social")]
    pub(super) fn named(&self, kid: &str) -> Self {
        Self { kid: Some(kid.to_owned()), ..self.clone() }
    }

    /// The key's id within its set (`kid`).
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The algorithm the key is for (`alg`), which may be one this crate does not know.
    #[must_use]
    pub fn alg(&self) -> Option<&str> {
        self.alg.as_deref()
    }

    /// What the key is for (`use`): `sig`, `enc` or another word.
    #[must_use]
    pub fn usage(&self) -> Option<&str> {
        self.usage.as_deref()
    }

    /// The key's type (`kty`): `EC`, `OKP` or `RSA`.
    #[must_use]
    pub const fn key_type(&self) -> &'static str {
        self.key.key_type()
    }

    /// Whether the key's type, and its `alg` where it has one, allow `algorithm`.
    #[must_use]
    pub fn fits(&self, algorithm: Algorithm) -> bool {
        self.key.fits(algorithm) && self.alg().is_none_or(|alg| alg == algorithm.name())
    }

    /// The SHA-256 thumbprint (RFC 7638).
    #[must_use]
    pub fn thumbprint(&self) -> Thumbprint {
        Thumbprint::of(&self.key)
    }

    /// Whether `use`, `key_ops` and `alg` let the key verify signatures (RFC 7517 sections 4.2
    /// to 4.4).
    pub(super) fn may_verify(&self) -> bool {
        self.usage().is_none_or(|usage| usage == "sig")
            && self.key_ops.as_ref().is_none_or(|ops| ops.iter().any(|op| op == "verify"))
            && self.alg().is_none_or(|alg| alg.parse::<Algorithm>().is_ok())
    }
}

impl From<Fault> for JwkError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Malformed => Self::Malformed,
            Fault::DuplicateMember => Self::DuplicateMember,
            Fault::TooComplex => Self::TooLong,
        }
    }
}

impl<'de> Deserialize<'de> for Jwk {
    /// Reads a JWK inside another document. That document's reader bounds the length;
    /// [`Jwk::from_json`] also looks for duplicates among unregistered members.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        RawJwk::deserialize(deserializer)?.try_into().map_err(de::Error::custom)
    }
}

impl Serialize for Jwk {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Members<'k> {
            kty: &'static str,
            #[serde(flatten)]
            key: Key,
            #[serde(rename = "use", skip_serializing_if = "Option::is_none")]
            usage: &'k Option<String>,
            #[serde(skip_serializing_if = "Option::is_none")]
            key_ops: &'k Option<Vec<String>>,
            #[serde(skip_serializing_if = "Option::is_none")]
            alg: &'k Option<String>,
            #[serde(skip_serializing_if = "Option::is_none")]
            kid: &'k Option<String>,
        }

        #[derive(Serialize)]
        #[serde(untagged)]
        enum Key {
            Ec { crv: &'static str, x: String, y: String },
            Okp { crv: &'static str, x: String },
            Rsa { n: String, e: String },
        }

        let key = match &self.key {
            PublicKey::Ec { curve, x, y } => {
                Key::Ec { crv: curve.name(), x: base64url::encode(x), y: base64url::encode(y) }
            }
            PublicKey::Ed25519 { x } => Key::Okp { crv: "Ed25519", x: base64url::encode(x) },
            PublicKey::Rsa { n, e } => {
                Key::Rsa { n: base64url::encode(n), e: base64url::encode(e) }
            }
        };
        Members {
            kty: self.key_type(),
            key,
            usage: &self.usage,
            key_ops: &self.key_ops,
            alg: &self.alg,
            kid: &self.kid,
        }
        .serialize(serializer)
    }
}

#[cfg(test)]
mod tests;
