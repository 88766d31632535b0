//! The JOSE header of a JWS (RFC 7515 section 4).

use serde::Deserialize;

use super::jwk::{MAX_KID_BYTES, Present, RawJwk};
use super::{Algorithm, Jwk, JwsError, base64url, strict_json};

/// Longest header, in bytes of JSON: room for an embedded RSA key and a certificate chain.
const MAX_HEADER_BYTES: usize = 8 * 1024;
/// Longest `typ`, in bytes.
const MAX_TYP_BYTES: usize = 128;

/// A JWS header as read: what a token says of itself, which verification then holds it to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    algorithm: Algorithm,
    typ: Option<String>,
    kid: Option<String>,
    jwk: Option<Jwk>,
}

impl Header {
    /// The signature algorithm (`alg`).
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The kind of token (`typ`), as written.
    #[must_use]
    pub fn typ(&self) -> Option<&str> {
        self.typ.as_deref()
    }

    /// The id of the signing key (`kid`).
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The public key the header carries (`jwk`). Only a DPoP proof may be verified with it, since
    /// it proves no more than that the signer holds some key.
    #[must_use]
    pub fn jwk(&self) -> Option<&Jwk> {
        self.jwk.as_ref()
    }

    pub(super) fn decode(text: &str) -> Result<Self, JwsError> {
        if text.len() > base64url::encoded_len(MAX_HEADER_BYTES) {
            return Err(JwsError::TooLong);
        }
        let json = base64url::decode(text).ok_or(JwsError::Malformed)?;
        let raw: RawHeader = strict_json::read_object(&json)?;
        raw.check()
    }
}

#[derive(Deserialize)]
struct RawHeader {
    alg: String,
    typ: Option<String>,
    kid: Option<String>,
    jwk: Option<RawJwk>,
    #[serde(default)]
    crit: Present,
    #[serde(default)]
    b64: Present,
}

impl RawHeader {
    fn check(self) -> Result<Header, JwsError> {
        // No extension is understood here, so whatever `crit` lists is not (RFC 7515 section
        // 4.1.11); an empty list is not allowed at all.
        if self.crit.0 {
            return Err(JwsError::CriticalHeader);
        }
        // RFC 7797 wants `b64` in `crit`. A signer that forgot it still signed other bytes.
        if self.b64.0 {
            return Err(JwsError::UnencodedPayload);
        }
        let too_long = |text: &Option<String>, max| text.as_ref().is_some_and(|t| t.len() > max);
        if too_long(&self.kid, MAX_KID_BYTES) || too_long(&self.typ, MAX_TYP_BYTES) {
            return Err(JwsError::TooLong);
        }
        Ok(Header {
            algorithm: self.alg.parse()?,
            typ: self.typ,
            kid: self.kid,
            jwk: self.jwk.map(Jwk::try_from).transpose().map_err(JwsError::EmbeddedKey)?,
        })
    }
}
