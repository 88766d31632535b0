//! The two questions that only cryptography answers.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest;

use super::algorithm::Algorithm;
use super::certificate::PublicKey;

/// Answers whether a digest and a signature value are right.
pub(crate) trait Crypto {
    /// Whether `expected` is the digest of `canonical`.
    fn digest_matches(
        &self,
        algorithm: &'static digest::Algorithm,
        canonical: &[u8],
        expected: &[u8],
    ) -> bool;

    /// Whether `value` is a signature of `signed_info` under `key`.
    fn signature_matches(
        &self,
        key: &PublicKey,
        algorithm: Algorithm,
        signed_info: &[u8],
        value: &[u8],
    ) -> bool;
}

/// The real answers.
pub(crate) struct AwsLc;

impl Crypto for AwsLc {
    fn digest_matches(
        &self,
        algorithm: &'static digest::Algorithm,
        canonical: &[u8],
        expected: &[u8],
    ) -> bool {
        // The digest of nothing is what a canonicalization that failed silently would have had
        // (CVE-2025-66475).
        let of_nothing = digest::digest(algorithm, b"");
        let actual = digest::digest(algorithm, canonical);
        expected != of_nothing.as_ref()
            && verify_slices_are_equal(actual.as_ref(), expected).is_ok()
    }

    fn signature_matches(
        &self,
        key: &PublicKey,
        algorithm: Algorithm,
        signed_info: &[u8],
        value: &[u8],
    ) -> bool {
        let Some(parsed) = key.for_algorithm(algorithm) else { return false };
        value.len() == key.signature_len() && parsed.verify_sig(signed_info, value).is_ok()
    }
}

/// Takes everything for good: what a verifier that only looks at structure would answer.
#[cfg(any(test, fuzzing))]
pub(crate) struct AnySignature;

#[cfg(any(test, fuzzing))]
impl Crypto for AnySignature {
    fn digest_matches(&self, _: &'static digest::Algorithm, _: &[u8], _: &[u8]) -> bool {
        true
    }

    fn signature_matches(&self, _: &PublicKey, _: Algorithm, _: &[u8], _: &[u8]) -> bool {
        true
    }
}
