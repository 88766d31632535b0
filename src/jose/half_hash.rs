//! `at_hash` and `c_hash`: an ID token's tie to what was issued beside it.

use aws_lc_rs::digest::digest;

use super::{Algorithm, base64url};

/// The base64url of the left half of the hash of `ascii`, an access token (`at_hash`) or a code
/// (`c_hash`), with the hash of the ID token's own `algorithm` (OpenID Core 3.1.3.6, 3.3.2.11):
/// SHA-256 for ES256, RS256 and PS256, SHA-384 for ES384 and RS384, SHA-512 for RS512 and EdDSA.
#[must_use]
pub fn left_half_hash(algorithm: Algorithm, ascii: &str) -> String {
    let hash = digest(algorithm.digest(), ascii.as_bytes());
    let (left, _) = hash.as_ref().split_at(hash.as_ref().len() / 2);
    base64url::encode(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values of OpenID Core appendices A.4 (`c_hash`) and A.6 (`at_hash`, `c_hash`).
    #[test]
    fn openid_core_appendix_a() {
        let access_token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
        let code = "Qcb0Orv1zh30vL1MPRsbm-diHiMwcLyZvn1arpZv-Jxf_11jnpEX3Tgfvk";
        assert_eq!(left_half_hash(Algorithm::RS256, access_token), "77QmUPtjPfzWtF2AnpK9RQ");
        assert_eq!(left_half_hash(Algorithm::RS256, code), "LDktKdoQak3Pk0cnXxCltA");
    }

    #[test]
    fn the_hash_is_the_algorithms_own() {
        let bytes = |alg| base64url::decode(left_half_hash(alg, "token")).unwrap().len();
        assert_eq!(bytes(Algorithm::ES256), 16);
        assert_eq!(bytes(Algorithm::PS256), 16);
        assert_eq!(bytes(Algorithm::ES384), 24);
        assert_eq!(bytes(Algorithm::RS384), 24);
        assert_eq!(bytes(Algorithm::RS512), 32);
        assert_eq!(bytes(Algorithm::EdDSA), 32);
    }
}
