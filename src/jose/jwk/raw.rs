//! A JWK as it is written, and the checks that make it a [`Jwk`].

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

use super::{Jwk, JwkError, MAX_KID_BYTES};
use crate::jose::public_key::{Curve, PublicKey};
use crate::jose::{Algorithm, base64url};

/// Longest `alg`, `use` or entry of `key_ops`, in bytes.
const MAX_NAME_BYTES: usize = 64;
/// Most entries in `key_ops`.
const MAX_KEY_OPS: usize = 16;

/// A JWK as it is written, before any check. A registered member that appears twice is refused by
/// the derived code; others are ignored (RFC 7517 section 4).
#[derive(Deserialize)]
pub(in crate::jose) struct RawJwk {
    kty: String,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    n: Option<String>,
    e: Option<String>,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    #[serde(default)]
    d: Present,
    #[serde(default)]
    p: Present,
    #[serde(default)]
    q: Present,
    #[serde(default)]
    dp: Present,
    #[serde(default)]
    dq: Present,
    #[serde(default)]
    qi: Present,
    #[serde(default)]
    oth: Present,
    #[serde(default)]
    k: Present,
    /// The private key of the AKP type, refused here although the type is not supported.
    #[serde(default, rename = "priv")]
    private: Present,
}

/// Whether a member is there, whatever its value.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::jose) struct Present(pub(in crate::jose) bool);

impl<'de> Deserialize<'de> for Present {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer)?;
        Ok(Self(true))
    }
}

impl RawJwk {
    fn has_private_member(&self) -> bool {
        [self.d, self.p, self.q, self.dp, self.dq, self.qi, self.oth, self.k, self.private]
            .iter()
            .any(|member| member.0)
    }

    fn public_key(&self) -> Result<PublicKey, JwkError> {
        match (self.kty.as_str(), self.crv.as_deref()) {
            ("EC", Some("P-256")) => self.ec(Curve::P256),
            ("EC", Some("P-384")) => self.ec(Curve::P384),
            ("OKP", Some("Ed25519")) => PublicKey::ed25519(bytes("x", &self.x)?),
            ("RSA", _) => PublicKey::rsa(bytes("n", &self.n)?, bytes("e", &self.e)?),
            ("EC" | "OKP", None) => Err(JwkError::MissingMember("crv")),
            _ => Err(JwkError::UnsupportedKeyType),
        }
    }

    fn ec(&self, curve: Curve) -> Result<PublicKey, JwkError> {
        PublicKey::ec(curve, bytes("x", &self.x)?, bytes("y", &self.y)?)
    }

    fn check_lengths(&self) -> Result<(), JwkError> {
        let too_long = |name, text: &Option<String>, max| match text {
            Some(text) if text.len() > max => Err(JwkError::MemberTooLong(name)),
            _ => Ok(()),
        };
        too_long("kid", &self.kid, MAX_KID_BYTES)?;
        too_long("alg", &self.alg, MAX_NAME_BYTES)?;
        too_long("use", &self.usage, MAX_NAME_BYTES)?;
        let ops = self.key_ops.as_deref().unwrap_or_default();
        if ops.len() > MAX_KEY_OPS || ops.iter().any(|op| op.len() > MAX_NAME_BYTES) {
            return Err(JwkError::MemberTooLong("key_ops"));
        }
        Ok(())
    }
}

impl TryFrom<RawJwk> for Jwk {
    type Error = JwkError;

    fn try_from(raw: RawJwk) -> Result<Self, JwkError> {
        if raw.has_private_member() {
            return Err(JwkError::PrivateMember);
        }
        raw.check_lengths()?;
        let key = raw.public_key()?;
        if let Some(Ok(alg)) = raw.alg.as_deref().map(str::parse::<Algorithm>)
            && !key.fits(alg)
        {
            return Err(JwkError::AlgorithmMismatch);
        }
        Ok(Self { key, kid: raw.kid, alg: raw.alg, usage: raw.usage, key_ops: raw.key_ops })
    }
}

/// The bytes of a required member of the key itself.
fn bytes(name: &'static str, text: &Option<String>) -> Result<Vec<u8>, JwkError> {
    let text = text.as_deref().ok_or(JwkError::MissingMember(name))?;
    base64url::decode(text).ok_or(JwkError::InvalidEncoding(name))
}
