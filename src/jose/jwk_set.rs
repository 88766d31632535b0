//! JWK sets (RFC 7517 section 5).

use serde::{Deserialize, Deserializer, Serialize, de};

use super::jwk::RawJwk;
use super::{Jwk, JwkError, VerifyingKey, strict_json};

/// Longest key set read, in bytes.
const MAX_SET_BYTES: usize = 64 * 1024;
/// Most keys in a set, used or not.
const MAX_KEYS: usize = 32;

/// Public keys, as a provider or a client publishes them at its `jwks_uri`.
///
/// Keys of a type or size this crate does not use are left out, as RFC 7517 section 5 asks, so
/// that a set may hold tomorrow's keys beside today's. A private member anywhere refuses the whole
/// set.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct JwkSet {
    keys: Vec<Jwk>,
}

impl JwkSet {
    /// Reads a set of at most 32 keys and 64 KiB.
    ///
    /// # Errors
    /// [`JwkError`] when the set is too large, not well formed, or holds a private key.
    pub fn from_json(json: &[u8]) -> Result<Self, JwkError> {
        if json.len() > MAX_SET_BYTES {
            return Err(JwkError::TooLong);
        }
        strict_json::read_object::<RawSet>(json)?.try_into()
    }

    /// A set of these keys.
    ///
    /// # Errors
    /// [`JwkError::TooManyKeys`] for more than 32.
    pub fn new(keys: impl IntoIterator<Item = Jwk>) -> Result<Self, JwkError> {
        let keys: Vec<_> = keys.into_iter().collect();
        if keys.len() > MAX_KEYS {
            return Err(JwkError::TooManyKeys);
        }
        Ok(Self { keys })
    }

    /// The keys, in the order of the document.
    #[must_use]
    pub fn keys(&self) -> &[Jwk] {
        &self.keys
    }

    /// Reads a set, and prepares the keys that may verify signatures.
    #[cfg(any(feature = "provider", feature = "social"))]
    pub(crate) fn read_verifying_keys(json: &[u8]) -> Result<Vec<VerifyingKey>, JwkError> {
        Ok(Self::from_json(json)?.verifying_keys())
    }

    /// The keys that may verify signatures, ready to do so.
    #[must_use]
    pub fn verifying_keys(&self) -> Vec<VerifyingKey> {
        self.keys.iter().filter_map(|jwk| VerifyingKey::new(jwk).ok()).collect()
    }
}

#[derive(Deserialize)]
struct RawSet {
    keys: Vec<RawJwk>,
}

impl TryFrom<RawSet> for JwkSet {
    type Error = JwkError;

    fn try_from(raw: RawSet) -> Result<Self, JwkError> {
        if raw.keys.len() > MAX_KEYS {
            return Err(JwkError::TooManyKeys);
        }
        let mut keys = Vec::with_capacity(raw.keys.len());
        for raw in raw.keys {
            match Jwk::try_from(raw) {
                Ok(jwk) => keys.push(jwk),
                Err(JwkError::PrivateMember) => return Err(JwkError::PrivateMember),
                Err(_) => {}
            }
        }
        Ok(Self { keys })
    }
}

impl<'de> Deserialize<'de> for JwkSet {
    /// Reads a set inside another document, which bounds the length.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        RawSet::deserialize(deserializer)?.try_into().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::vectors::{RFC7515_A2_JWK, RFC7515_A3_JWK, RFC8037_JWK};

    fn set(keys: &[&str]) -> Result<JwkSet, JwkError> {
        JwkSet::from_json(format!(r#"{{"keys":[{}]}}"#, keys.join(",")).as_bytes())
    }

    #[test]
    fn a_set_round_trips() {
        let set = set(&[RFC7515_A2_JWK, RFC7515_A3_JWK, RFC8037_JWK]).unwrap();
        assert_eq!(set.keys().len(), 3);
        assert_eq!(set.verifying_keys().len(), 3);
        assert_eq!(JwkSet::from_json(&serde_json::to_vec(&set).unwrap()).unwrap(), set);
    }

    #[test]
    fn keys_that_are_not_understood_are_left_out() {
        let unknown = [
            r#"{"kty":"AKP","alg":"ML-DSA-44","pub":"AA"}"#,
            r#"{"kty":"OKP","crv":"X25519","x":"3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08"}"#,
            r#"{"kty":"RSA","n":"AQAB","e":"AQAB"}"#,
            RFC8037_JWK,
        ];
        assert_eq!(set(&unknown).unwrap().keys().len(), 1);
    }

    #[test]
    fn encryption_keys_are_kept_but_verify_nothing() {
        let enc = RFC7515_A2_JWK.replacen('{', r#"{"use":"enc","alg":"RSA-OAEP-256","#, 1);
        let set = set(&[&enc]).unwrap();
        assert_eq!(set.keys()[0].alg(), Some("RSA-OAEP-256"));
        assert!(set.verifying_keys().is_empty());
    }

    #[test]
    fn a_private_member_refuses_the_whole_set() {
        for private in [
            r#"{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ"}"#,
            r#"{"kty":"X","d":null}"#,
            r#"{"kty":"AKP","pub":"AA","priv":"AA"}"#,
        ] {
            assert_eq!(set(&[RFC8037_JWK, private]), Err(JwkError::PrivateMember));
        }
    }

    #[test]
    fn bounds() {
        assert_eq!(set(&[RFC8037_JWK; MAX_KEYS]).unwrap().keys().len(), MAX_KEYS);
        assert_eq!(set(&[RFC8037_JWK; MAX_KEYS + 1]), Err(JwkError::TooManyKeys));
        let padding = " ".repeat(MAX_SET_BYTES);
        assert_eq!(set(&[&padding]), Err(JwkError::TooLong));
        assert_eq!(JwkSet::from_json(b"{}"), Err(JwkError::Malformed));
        assert_eq!(JwkSet::from_json(br#"{"keys":[],"keys":[]}"#), Err(JwkError::DuplicateMember));
    }
}
