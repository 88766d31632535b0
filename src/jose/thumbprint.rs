//! JWK thumbprints (RFC 7638).

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};

use super::base64url;
use super::public_key::PublicKey;

/// The SHA-256 thumbprint of a public key (RFC 7638): the same for every JWK of the same key,
/// whatever its `kid`, `use` or `alg`.
///
/// Shown, and compared on the wire, as base64url: a `kid` of ours, a DPoP `jkt` (RFC 9449).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Thumbprint([u8; 32]);

impl Thumbprint {
    /// The 32 bytes of the hash.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Hashes the required members in lexicographic order, without white space (RFC 7638
    /// section 3.2, RFC 8037 section 2).
    pub(super) fn of(key: &PublicKey) -> Self {
        let canonical = match key {
            PublicKey::Ec { curve, x, y } => format!(
                r#"{{"crv":"{}","kty":"EC","x":"{}","y":"{}"}}"#,
                curve.name(),
                base64url::encode(x),
                base64url::encode(y)
            ),
            PublicKey::Ed25519 { x } => {
                format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, base64url::encode(x))
            }
            PublicKey::Rsa { n, e } => format!(
                r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#,
                base64url::encode(e),
                base64url::encode(n)
            ),
        };
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest(&SHA256, canonical.as_bytes()).as_ref());
        Self(bytes)
    }
}

impl fmt::Display for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base64url::encode(self.0))
    }
}

impl fmt::Debug for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Thumbprint({self})")
    }
}

#[cfg(test)]
mod tests {
    use crate::jose::{Jwk, vectors};

    fn thumbprint(jwk: &str) -> String {
        Jwk::from_json(jwk.as_bytes()).unwrap().thumbprint().to_string()
    }

    #[test]
    fn rfc_7638_section_3_1() {
        assert_eq!(thumbprint(vectors::RFC7638_JWK), vectors::RFC7638_THUMBPRINT);
    }

    #[test]
    fn rfc_8037_appendix_a_3() {
        assert_eq!(thumbprint(vectors::RFC8037_JWK), vectors::RFC8037_THUMBPRINT);
    }

    #[test]
    fn optional_members_change_nothing() {
        let bare = vectors::RFC7515_A3_JWK;
        let dressed = bare.replacen('{', r#"{"use":"sig","kid":"x","alg":"ES256","#, 1);
        assert_eq!(thumbprint(bare), thumbprint(&dressed));
    }
}
